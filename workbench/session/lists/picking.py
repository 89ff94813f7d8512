"""Picking an endpoint of a wire, and judging another model's rows against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from workbench import names
from workbench.describe.actions import words
from workbench.findings import Finding
from workbench.session.lists.spots import Places

if TYPE_CHECKING:
    from workbench.session.lists.compatibility import Judgement
    from workbench.session.lists.listing import Listing
    from workbench.session.lists.rows import Key, Row
    from workbench.session.lists.viewer import Viewer
    from workbench.session.session import Session
    from workbench.surgery.resolve.endpoints import Endpoint, Side

_LOOKED_AT = 2000


class Picked(NamedTuple):
    """An endpoint that was picked for a wire.

    Attributes:
        endpoint: what was picked.
        key: of its row.
        side: whether it is where a wire starts or ends.
    """

    endpoint: Endpoint
    key: Key
    side: Side

    @property
    def handle(self) -> str:
        """Its model."""
        return self.endpoint.handle

    def judge(self, session: Session, handle: str, row: Row, index: int = 0) -> Judgement | None:
        """Return the verdict on a row of another model; None for no endpoint."""
        if self.side == "target" and row.kind == "input":
            taker = endpoint_of(session, handle, row, "target", index)
            if taker is not None and not isinstance(taker, Finding):
                return session.judging.judge_share(self.endpoint, taker)
        other = endpoint_of(session, handle, row, "source" if self.side == "target" else "target", index)
        if other is None:
            return None
        if isinstance(other, Finding):
            from workbench.session.lists.compatibility import Judgement

            return Judgement("no", other.message, other.hint, other.code)
        source, target = (other, self.endpoint) if self.side == "target" else (self.endpoint, other)
        return session.judge(source, target)


def outputs_of(session: Session, handle: str, row: Row) -> int:
    """Return how many tensors of a row can be endpoints: a node's outputs, else 1."""
    model = session.model(handle)
    if row.kind != "node" or model is None:
        return 1
    return max(len(model.meta.output_types(row.ref) or ()), 1)


def endpoint_of(
    session: Session, handle: str, row: Row, side: Side, index: int = 0
) -> Endpoint | Finding | None:
    """Return the endpoint a row represents on a side of a wire, or a finding.

    Args:
        session: with the models.
        handle: the model.
        row: of it.
        side: of the wire.
        index: which output of a node.

    Returns:
        None for a row that is none on that side; a finding for one that can't be one (yet), with the nearest that can.
    """
    judging = session.judging
    if handle not in judging.lookups:
        return None
    if row.kind in ("input", "output"):
        if (row.kind == "input") != (side == "target"):
            return None
        return judging.port(handle, row.key[1], row.ref.key, side)
    if row.kind not in ("node", "variable", "argument", "result") or row.spot is None:
        return None
    if row.spot.level.startswith("fn:"):
        return Finding(
            "R1-inside-call",
            "error",
            f"{handle}@{names.show(row.spot.node)}",
            "A tensor in a function body cannot be an endpoint of a wire unless the main graph calls the "
            "function; nothing calls this one.",
            "Pick a key of a signature, or a node of the main graph.",
        )
    spot, given = row.spot, None
    model = session.model(handle)
    if row.kind in ("argument", "result") and model is not None:
        # a body's arguments are the inputs of its call, its results are the outputs of its node: the same tensors
        places = Places(model.meta)
        given = places.handed_in(spot) if row.kind == "argument" else places.source_of(spot.level, row.ref)
    if given is not None:
        spot, index = given
    if spot.level:
        return judging.lookups[handle].find(f"{spot}:{index}", side)
    return judging.tensor(handle, spot.node, index, side)


class Refused(NamedTuple):
    """The reason why a row can't be picked or wired.

    Attributes:
        title: in a few words, or empty.
        reason: a sentence.
        hint: what would help, or None.
        severity: as of a finding.
    """

    title: str
    reason: str
    hint: str | None = None
    severity: Literal["information", "warning", "error"] = "warning"


def pick(
    session: Session, picked: Picked | None, handle: str, row: Row, index: int = 0
) -> Picked | Refused | None:
    """Pick the endpoint of a row, or wire it to the picked one.

    Returns:
        What is picked now: the row's endpoint, or None when a wire was made of it or the same row was chosen again; or
        why the row won't do, which changes nothing.
    """
    if picked is not None and picked.handle != handle:
        return _wire(session, picked, handle, row, index)
    if picked is not None and picked.key == row.key:
        return None
    side: Side = "target" if row.kind == "input" else "source"
    endpoint = endpoint_of(session, handle, row, side, index)
    if endpoint is None:
        text = "Put the cursor on an output, an input or a node, then press space."
        return Refused("", text, None, "information")
    if isinstance(endpoint, Finding):
        return Refused("Cannot be picked", endpoint.message, words(endpoint.hint, "terminal UI"))
    return Picked(endpoint, row.key, side)


def ends_with(
    session: Session, picked: Picked, handle: str, row: Row, index: int = 0
) -> tuple[Endpoint, Endpoint] | Refused:
    """Return output and input of a wire between the picked endpoint and a row of another model, or why there is none.

    Arguments are as for `endpoint_of`.
    """
    other = endpoint_of(session, handle, row, "source" if picked.side == "target" else "target", index)
    if other is None:
        wanted = "an output or an input" if picked.side == "target" else "an input"
        return Refused("", f"{names.show(picked.endpoint.written)} needs {wanted} of the other model.")
    if isinstance(other, Finding):
        return Refused("Cannot be picked", other.message, words(other.hint, "terminal UI"))
    return (other, picked.endpoint) if picked.side == "target" else (picked.endpoint, other)


def _wire(session: Session, picked: Picked, handle: str, row: Row, index: int) -> Refused | None:
    if picked.side == "target" and row.kind == "input":
        return _share(session, picked, handle, row, index)
    ends = ends_with(session, picked, handle, row, index)
    if isinstance(ends, Refused):
        return ends
    judged = session.judge(*ends)
    if judged.state == "no":
        return Refused("Incompatible", judged.reason, words(judged.hint, "terminal UI"), "error")
    session.wire(*ends)
    return None


def _share(session: Session, picked: Picked, handle: str, row: Row, index: int) -> Refused | None:
    """Let the picked input and that of a row share one value."""
    other = endpoint_of(session, handle, row, "target", index)
    assert other is not None  # the row is an input
    if isinstance(other, Finding):
        return Refused("Cannot be picked", other.message, words(other.hint, "terminal UI"))
    judged = session.judging.judge_share(picked.endpoint, other)
    if judged.state == "no":
        return Refused("Cannot be shared", judged.reason, words(judged.hint, "terminal UI"), "error")
    session.share(picked.endpoint, other)
    return None


def best(session: Session, picked: Picked, handle: str, listing: Listing) -> int | None:
    """Return the row of another model that fits the picked endpoint best.

    For an input that is an output, else an input to share its value with.
    """
    wanted = ("output", "input") if picked.side == "target" else ("input",)
    order = {"fits": 0, "unknown": 1, "no": 2}
    found: tuple[tuple[int, int], int] | None = None
    for index in range(min(len(listing), _LOOKED_AT)):
        row = listing[index]
        if row.kind not in wanted:
            continue
        judged = picked.judge(session, handle, row)
        rank = (3 if judged is None else order[judged.state], wanted.index(row.kind))
        if judged is not None and (found is None or rank < found[0]):
            found = rank, index
    return found[1] if found is not None else None


@dataclass(slots=True)
class Wired:
    """The places where wires start and end in a model.

    Attributes:
        tensors: of the main graph.
        keys: (callable, side, key) of those that are keys of a callable.
    """

    tensors: set[str] = field(default_factory=set)
    keys: set[tuple[str, str, str]] = field(default_factory=set)


def wired_endpoints(session: Session) -> dict[str, Wired]:
    """Return where wires start and end in each model, and the inputs that are shared."""
    found: dict[str, Wired] = {}
    wires = [
        end for link in session.links().values() for end in ((link.source, "output"), (link.target, "input"))
    ]
    shared = [(target, "input") for one in session.shared() for target in one.targets]
    for endpoint, side in (*wires, *shared):
        wired = found.setdefault(endpoint.handle, Wired())
        name = callable_of(session, endpoint)
        if name is not None and endpoint.key is not None:
            wired.keys.add((name, side, endpoint.key))
        else:
            wired.tensors.update(endpoint.tensors)
    return found


def callable_of(session: Session, endpoint: Endpoint) -> str | None:
    """Return the callable variant that an endpoint is a key of, as its row shows it."""
    from workbench.surgery.resolve.callables import find_variant, variant_name

    model, join = session.model(endpoint.handle), session.join()
    if model is None or endpoint.signature is None or endpoint.signature in model.meta.signatures:
        return None
    called = join.seen[endpoint.handle].called if join is not None and endpoint.handle in join.seen else None
    for item in model.meta.callables:
        for variant in item.variants:
            if called is not None and (item.path, variant.index) == (called.path, called.index):
                return variant_name(model.meta, item, variant)
    return endpoint.signature if find_variant(model.meta, endpoint.signature) is not None else None


def resolve(
    session: Session, text: str, viewers: Mapping[str, Viewer], side: str = "target"
) -> tuple[str, Key | None] | None:
    """Return the model and row that a text means: `handle@END`, `OUT=IN`, a name.

    Returns:
        (handle, key of the row or None for the model as a whole); None if it names no model that is open.
    """
    if text in viewers:
        return text, None
    head, at, rest = text.partition("@")
    if at and head in viewers:
        key = _key_in(session, head, rest, viewers[head], side)
        if key is not None:
            return head, key
    for index, char in enumerate(text):
        if char == "=":
            found = resolve(session, text[index + 1 :], viewers, "target")
            if found is not None and found[1] is not None:
                return found
    if at and head in viewers:
        return head, None
    for handle, viewer in viewers.items():
        key = _key_in(session, handle, text, viewer, side)
        if key is not None:
            return handle, key
    return None


def _key_in(session: Session, handle: str, text: str, viewer: Viewer, side: str) -> Key | None:
    from workbench.surgery.resolve.callables import find_variant
    from workbench.surgery.resolve.endpoints import Endpoint

    lookup = session.judging.lookups.get(handle)
    sides: tuple[Side, ...] = ("source", "target") if side == "source" else ("target", "source")
    if lookup is not None and text:
        for one in sides:
            endpoint = lookup.find(text, one)
            if isinstance(endpoint, Endpoint) and endpoint.key is not None and endpoint.signature is not None:
                owner = callable_of(session, endpoint) or endpoint.signature
                return ("port", owner, "output" if one == "source" else "input", endpoint.key)
            if isinstance(endpoint, Endpoint):
                return ("node", "", endpoint.nodes[0])
    meta = viewer.meta
    if text in meta.signatures:
        return ("signature", text)
    if find_variant(meta, text) is not None:
        return ("callable", text)
    if text in meta.functions:
        return ("function", text)
    spot = viewer.places.find(text)
    if spot is not None:
        return ("node", spot.level, spot.node)
    for asset in meta.assets:
        if asset.filename == text:
            return ("asset", asset.filename, asset.tensor)
    key, _, port = text.partition("#")
    if key in meta.signatures and port:
        signature = meta.signatures[key]
        for name, ports in (("input", signature.inputs), ("output", signature.outputs)):
            if port in ports:
                return ("port", key, name, port)
    return None
