"""Details: lines of spans, with links to follow.

A detail is lines of spans; a span may carry a link to another place. It holds no styles, only roles (`op`, `dtype`,
`dim`, …), so that any face can draw it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NewType

from workbench.session.lists.rows import Key, Row

Role = Literal["", "title", "heading", "dim", "op", "dtype", "name", "good", "bad", "maybe"]
Colour = NewType("Colour", str)
"""Colours instead of a role, for pictures: `#rrggbb`, or `#rrggbb on #rrggbb`."""
LISTED = 40
"""How many of a kind a detail lists before it says how many more there are."""


FILTER = "filter"
"""The first word of a link's key that leads to no row but filters the list; the second is the filter."""


@dataclass(frozen=True, slots=True)
class Link:
    """The row that a span leads to, in the same model; or `(FILTER, text)`."""

    key: Key


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line."""

    text: str
    role: Role | Colour = ""
    link: Link | None = None


Line = tuple[Span, ...]


@dataclass(slots=True)
class Detail:
    """The detail of one place.

    Attributes:
        key: of the row it is about.
        title: for the pane's border and the way back.
        name: what `y` copies.
        lines: to be drawn.
        row: the row it was made from.
    """

    key: Key
    title: str
    name: str
    lines: list[Line] = field(default_factory=list)
    row: Row | None = None

    @property
    def links(self) -> list[tuple[int, int]]:
        """(line, span) of every link, in reading order."""
        return [
            (at, number)
            for at, line in enumerate(self.lines)
            for number, span in enumerate(line)
            if span.link is not None
        ]

    def add(self, *spans: Span | str) -> None:
        """Add a line."""
        self.lines.append(tuple(Span(span) if isinstance(span, str) else span for span in spans))

    def heading(self, text: str, note: str = "") -> None:
        """Add a blank line and a heading."""
        if self.lines:
            self.add("")
        self.add(Span(text, "heading"), Span(f"  {note}" if note else "", "dim"))

    def fact(self, label: str, *value: Span | str, width: int = 12) -> None:
        """Add a labelled line."""
        self.add(Span(f"  {label.ljust(width)} ", "dim"), *value)

    def more(self, total: int) -> None:
        """Add a line with how many of `total` things were not listed, if any."""
        if total > LISTED:
            self.add(Span(f"     and {total - LISTED:,} more", "dim"))
