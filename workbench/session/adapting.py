"""Adapters on a wire: the chain as the user types it, what it makes, and what could come next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from workbench.describe.actions import words
from workbench.describe.chains import AdapterText, adapter_texts
from workbench.errors import UsageError
from workbench.findings import Finding, Hint
from workbench.model import shapes
from workbench.names import show

if TYPE_CHECKING:
    from workbench.session.session import Session
    from workbench.surgery.adapters.tensor_type import TensorType
    from workbench.surgery.operations.connect import Connect
    from workbench.surgery.resolve.endpoints import Endpoint

SUGGESTED = "adapt-wire"
"""The action of a hint that names adapters for a wire."""


class Offered(NamedTuple):
    """An adapter that could come next.

    Attributes:
        text: the adapter, safe to print.
        makes: dtype and shape of what it makes.
        fits: whether that fits the input.
        suggested: whether the shortest chain begins with it.
    """

    text: str
    makes: str
    fits: bool
    suggested: bool


class ChainText(NamedTuple):
    """A chain as typed, and what is known of it.

    Attributes:
        steps: the adapters that take what they get, with what each makes.
        makes: dtype and shape of the result; empty where the text can't be read.
        fits: whether the result fits the input.
        problem: why it can't be used, as sentences; empty where it can.
        offers: adapters that take the result; none where there is a problem before it.
    """

    steps: tuple[AdapterText, ...] = ()
    makes: str = ""
    fits: bool = False
    problem: str = ""
    offers: tuple[Offered, ...] = ()


def suggested(hint: str | None) -> str | None:
    """Return the chain that a hint names, or None."""
    if isinstance(hint, Hint) and hint.action.name == SUGGESTED:
        return hint.action.arguments.get("through")
    return None


def remarks(hint: str | None) -> str:
    """Return what a hint says of the chain that it names: what is lossy or guessed; empty for nothing."""
    return hint.after.lstrip(". ") if isinstance(hint, Hint) and hint.action.name == SUGGESTED else ""


def read_chain(source: Endpoint, target: Endpoint, text: str) -> ChainText:
    """Return what is known of a chain between two endpoints.

    Args:
        source: the output.
        target: the input.
        text: the chain as typed; it may be anything.
    """
    from workbench.surgery.adapters.chain import Chain
    from workbench.surgery.adapters.tensor_type import TensorType

    if source.kind != "dense" or target.kind != "dense":
        return ChainText(problem="Adapters take dense tensors.")
    have, want = (TensorType.of(one.dtypes[0], one.shapes[0]) for one in (source, target))
    try:
        chain = Chain.parse(text)
    except UsageError as error:
        return ChainText(problem=f"{error.message} {words(error.hint, 'terminal UI')}".strip())
    checked = chain.check(have, files=True)
    if checked.problem is not None:
        problem = f"{checked.problem} {checked.hint or ''}".strip()
        return ChainText(adapter_texts(checked), str(checked.type), False, problem)
    offers = _offers(checked.type, want)
    if checked.companions:
        many = len(checked.companions) + 1
        problem = f"The chain gives {many} tensors; an input takes one."
        return ChainText(adapter_texts(checked), str(checked.type), False, problem)
    whole = chain.check(have, want)  # with what is inserted at its end
    if whole.problem is None:
        checked = whole
    return ChainText(adapter_texts(checked), str(checked.type), whole.problem is None, "", offers)


def _offers(have: TensorType, want: TensorType) -> tuple[Offered, ...]:
    from workbench.surgery.adapters.offers import offers

    return tuple(
        Offered(show(str(one.adapter), 200), str(one.makes), one.fits, one.suggested)
        for one in offers(have, want)
    )


def endpoints_of(session: Session, wire: Connect) -> tuple[Endpoint, Endpoint] | None:
    """Return the endpoints of a wire of the plan, whether they fit or not; None if one is not found."""
    from workbench.surgery.resolve.endpoints import Endpoint

    found = []
    for handle, text, side in zip(
        session.ends_of(wire), (wire.source, wire.target), ("source", "target"), strict=True
    ):
        lookup = session.judging.lookups.get(handle)
        if lookup is None:
            return None
        endpoint = lookup.find(text.removeprefix(f"{handle}@"), "target" if side == "target" else "source")
        if not isinstance(endpoint, Endpoint):
            return None
        found.append(endpoint)
    return found[0], found[1]


def suggested_for(session: Session, wire: Connect) -> str | None:
    """Return the chain that a finding suggests for a wire of the plan, or None."""
    link = session.link(wire)
    outcome = session.outcome
    if link is not None:
        findings = outcome.findings if outcome is not None else ()
        chains = (suggested(one.hint) for one in findings if one.where == show(str(link)))
        return next((chain for chain in chains if chain is not None), None)
    ends = endpoints_of(session, wire)
    if ends is None:
        return None
    from workbench.surgery.resolve.links import judge

    found = judge(*ends, wire.through)
    return suggested(found.hint) if isinstance(found, Finding) else None


def title(source: Endpoint, target: Endpoint) -> str:
    """Return what is adapted to what: `pixels uint8 [?,32,32,3] → x float32 [?,28,28,1]`."""
    have, want = (shapes.typed(one.dtypes[0], one.shapes[0]) for one in (source, target))
    return f"{show(source.written, 40)} {have} → {show(target.written, 40)} {want}"
