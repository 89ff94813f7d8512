"""Explanations as the terminal UI shows them: which one belongs to a row, its lines, and the way through its links.

The room that explains is imported when something is explained: a first frame has no explanation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from workbench.model.signature import Signature
from workbench.names import CALL_SEPARATOR, show
from workbench.session.lists.spots import Spot
from workbench.session.texts.detail import Detail, Link, Role, Span

if TYPE_CHECKING:
    from workbench.explaining.api import Explainer
    from workbench.explaining.explanation import Explanation
    from workbench.explaining.explanation import Line as ExplainedLine
    from workbench.model import MetaGraph
    from workbench.session.lists.rows import Key, Row
    from workbench.session.lists.spots import Places


class Viewed(Protocol):
    """What explanations take of the views of a model."""

    meta: MetaGraph

    @property
    def places(self) -> Places:
        """Its bodies."""

    def explainer(self, chosen: str | None = None) -> Explainer:
        """Return what explains its parts."""


_SECTIONS = {
    "signatures": "term:signature",
    "callables": "term:callable",
    "variables": "term:variable",
    "assets": "term:asset",
    "functions": "term:function",
    "nodes": "term:node",
}
_BEFORE = {"model": "", "signature": "signature ", "node": "node ", "function": "function ", "op": "op "}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is explained: something of a model, or a ready explanation.

    Attributes:
        handle: of the model.
        what: as `explain` takes it; None for the whole model.
        make: makes the explanation, where it is not of one model alone: of a wire, a step, a finding.
    """

    handle: str
    what: str | None = None
    make: Callable[[], Explanation] | None = field(default=None, compare=False)


def subject_of(row: Row, viewer: Viewed) -> str | None:
    """Return what `explain` takes for a row of a model's list; None for the whole model."""
    kind, *rest = row.key
    if kind == "section":
        return _SECTIONS.get(rest[0])
    if kind == "signature":
        return f"signature:{rest[0]}"
    if kind == "callable":
        return rest[0]
    if kind == "port":
        return f"{rest[0]}#{rest[2]}" if rest[0] in viewer.meta.shown_signatures else rest[0]
    if kind == "asset":
        return "term:asset"
    if kind == "scope":
        return "term:name scope"
    if kind == "captures":
        return "term:capture"
    if kind == "variable":
        return f"node:{rest[0]}"
    if kind == "function":
        return f"function:{rest[0]}"
    if kind == "body":
        return f"function:{row.ref}"
    if row.spot is not None:
        return address_of_spot(row.spot, viewer)
    return None


def address_of_spot(spot: Spot, viewer: Viewed) -> str:
    """Return a place as `explain` takes it."""
    from workbench.explaining.view import address_of

    level = viewer.places.level(spot.level)
    address = address_of(level, spot.node) if level is not None else str(spot)
    return address if CALL_SEPARATOR in address else f"node:{address}"


def key_of(viewer: Viewed, what: str | None) -> Key | None:
    """Return the key of the row for what is explained; None if the list has no row for it.

    Raises:
        UnknownName: the model has nothing of that name.
    """
    from workbench.explaining.addresses import NodeTarget, find

    if what is None:
        return ("model",)
    found = find(viewer.explainer().view, what)
    if isinstance(found, Signature):
        return ("signature", found.key)
    if isinstance(found, NodeTarget):
        kind = "node" if found.name in found.level.nodes else "argument"
        return (kind, viewer.places.key(found.level), found.name)
    return ("function", found.name) if found.kind == "function" else None


def title_of(explanation: Explanation) -> str:
    """Return what an explanation is about, for the frame of a pane."""
    name = explanation.subject.rpartition(CALL_SEPARATOR)[2]
    for prefix in ("term:", "op:", "finding:"):
        name = name.removeprefix(prefix)
    return f"{_BEFORE.get(explanation.kind, '')}{show(name, 60)}"


def as_detail(explanation: Explanation) -> Detail:
    """Return an explanation as lines of spans; a link's key is ("explain", what)."""
    from workbench.explaining.explanation import Line as ExplainedLine

    found = Detail(("explain", explanation.subject), title_of(explanation), explanation.subject)
    found.add(*_spans(ExplainedLine(explanation.summary)))
    for section in explanation.sections:
        found.heading(section.title)
        for line in section.lines:
            found.add(Span("  "), *_spans(line))
    if explanation.terms:
        found.heading("Words")
        spans: list[Span] = [Span("  ")]
        for term in explanation.terms:
            spans += [Span(", ")] if len(spans) > 1 else []
            spans.append(Span(term, "name", Link(("explain", f"term:{term}"))))
        found.add(*spans)
    return found


def _spans(line: ExplainedLine) -> list[Span]:
    """Return the spans of a line; a quoted name is shown by its style instead of the back quotes."""
    found: list[Span] = []
    for span in line.spans:
        if span.link is not None:
            found.append(Span(span.text.strip("`"), "name", Link(("explain", span.link))))
            continue
        for number, part in enumerate(span.text.split("`")):
            role: Role = "name" if number % 2 else ""
            found += [Span(part, role)] if part else []
    return found


class Trail:
    """Where links were followed to, with the way back and forward."""

    def __init__(self) -> None:
        self._items: list[Subject] = []
        self._at = -1

    @property
    def here(self) -> Subject | None:
        """Return what is shown."""
        return self._items[self._at] if self._items else None

    @property
    def can_go_back(self) -> bool:
        """Return whether there is something before this."""
        return self._at > 0

    @property
    def can_go_forward(self) -> bool:
        """Return whether there is something after this."""
        return self._at + 1 < len(self._items)

    def start(self, subject: Subject) -> None:
        """Begin anew with what is under the cursor."""
        self._items, self._at = [subject], 0

    def follow(self, subject: Subject) -> None:
        """Go on to the target of a link; what lay forward is dropped."""
        self._items = [*self._items[: self._at + 1], subject]
        self._at += 1

    def back(self) -> Subject | None:
        """Go back; None if there is nothing before this."""
        return self._step(-1)

    def forward(self) -> Subject | None:
        """Go forward; None if there is nothing after this."""
        return self._step(1)

    def _step(self, by: int) -> Subject | None:
        if not 0 <= self._at + by < len(self._items):
            return None
        self._at += by
        return self.here
