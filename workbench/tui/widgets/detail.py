"""The detail of a row, with links that are followed and gone back from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from textual import events
from textual.message import Message

if TYPE_CHECKING:
    from workbench.session.texts.detail import Detail, Line, Link
from workbench.tui.actions import bindings
from workbench.tui.widgets.lines import Lines, Painted, Piece

_NO_LINKS = "This detail has no links; esc returns to the list."
_ROLES = {"": "plain", "dim": "quiet", "title": "title"}


class SpanLines(Lines):
    """Lines of spans, wrapped to the width."""

    CURSOR_STAYS = False
    HANG: ClassVar[int] = 2
    """By how much the later parts of a wrapped line are indented."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.detail: Detail | None = None
        self.broken: list[Line] = []
        self._width = 0

    def show_detail(self, detail: Detail, stay: bool = False) -> None:
        """Show a detail from its start; with `stay` keep the scroll position."""
        self.detail = detail
        self._break()
        self.rows_changed(None if stay else 0)
        if not stay:
            self.scroll_to(y=0, animate=False, force=True, immediate=True)

    def show_nothing(self) -> None:
        """Show no detail."""
        self.detail = None
        self._break()
        self.rows_changed(0)

    def _break(self) -> None:
        self._width = self.scrollable_content_region.width
        lines = self.detail.lines if self.detail is not None else []
        self.broken = [
            part for line in lines for part in break_line(line, max(self._width - 2, 16), self.HANG)
        ]

    def on_resize(self) -> None:
        """Wrap the lines anew."""
        if self.scrollable_content_region.width != self._width:
            self._break()
            self.rows_changed()
        super().on_resize()

    def count(self) -> int:
        """Return the number of wrapped lines."""
        return len(self.broken)

    def paint(self, index: int) -> Painted:
        """Return a line."""
        pieces: list[Piece] = [(" ", "plain")]
        for span in self.broken[index]:
            pieces.append((span.text, "link" if span.link is not None else _ROLES.get(span.role, span.role)))
        return Painted(pieces)

    def action_copy(self) -> None:
        """Copy the line under the cursor."""
        if self.cursor < len(self.broken):
            self.app.copy_to_clipboard("".join(span.text for span in self.broken[self.cursor]).strip())


def break_line(line: Line, width: int, hang: int = 2) -> list[Line]:
    """Return a line in parts of at most `width` cells, the later ones indented.

    Args:
        line: the line.
        width: cells of a part.
        hang: by how much they are indented, where the line itself is not.
    """
    if sum(cell_len(span.text) for span in line) <= width:
        return [line]
    from workbench.session.texts.detail import Span

    first = line[0].text
    indent = cell_len(first) if first.startswith(" ") and cell_len(first) < width // 2 else hang
    parts: list[Line] = []
    current: list[Span] = []
    room = width
    for span in line:
        text = span.text
        while cell_len(text) > room:
            cut = _cut_at(text, room, width - indent)
            if cut == 0 and room == width - indent and parts:
                cut = 1
            if cut:
                current.append(Span(text[:cut].rstrip(" "), span.role, span.link))
            text = text[cut:].lstrip(" ")
            parts.append(tuple(current))
            current = [Span(" " * indent)]
            room = width - indent
        current.append(Span(text, span.role, span.link))
        room -= cell_len(text)
    return [*parts, tuple(current)]


def _cut_at(text: str, room: int, whole: int) -> int:
    """Return how many characters of `text` fit `room` cells: whole words, where a line has room for the next one.

    Args:
        text: what is cut.
        room: cells that are left in the line.
        whole: cells of a line of its own.
    """
    if room <= 0:
        return 0
    blank = text.rfind(" ", 0, room + 1)
    word = text[blank + 1 :].partition(" ")[0]
    if cell_len(word) <= whole and (blank >= 0 or room < whole):
        return blank + 1
    cut = 0
    used = 0
    for char in text:
        used += cell_len(char)
        if used > room:
            break
        cut += 1
    for sign in (" ", "/"):
        place = text.rfind(sign, cut // 2, cut)
        if place > 0:
            return place + 1
    return cut if cut > 3 or room > 12 else 0


class DetailView(SpanLines):
    """The detail of a row, with links."""

    SCOPE = "detail"
    BINDINGS = bindings("detail")

    @dataclass
    class Followed(Message):
        """A link was followed."""

        link: Link

    @dataclass
    class Left(Message):
        """The user wants to go back to where the last link came from, or to the list."""

        far: bool

    class PickAsked(Message):
        """The user wants to pick what is shown."""

    def useful(self, action: str) -> bool:
        """Return whether an action can do something with the line under the cursor."""
        if action == "follow":
            return self.link_at(self.cursor) is not None
        if action in ("next_link", "previous_link"):
            return bool(self._links())
        if action == "pick":
            return len(self.app.session.plan.sources) > 1
        return True

    # -- links

    def link_at(self, index: int, x: int | None = None) -> Link | None:
        """Return the link at a column of a line, or its first."""
        if not 0 <= index < len(self.broken):
            return None
        spans = self.broken[index]
        if x is None:
            return next((span.link for span in spans if span.link is not None), None)
        start = 1
        for span in spans:
            end = start + cell_len(span.text)
            if start <= x < end:
                return span.link
            start = end
        return None

    def action_follow(self) -> None:
        """Follow the link of the line."""
        link = self.link_at(self.cursor)
        if link is not None:
            self.post_message(self.Followed(link))
        else:
            self.app.say(
                "There is no link in this line; tab moves to the next one." if self._links() else _NO_LINKS
            )

    def _links(self) -> list[int]:
        return [number for number, line in enumerate(self.broken) if any(span.link for span in line)]

    def action_next_link(self) -> None:
        """Move to the next link; from the last to the first."""
        self._step(1)

    def action_previous_link(self) -> None:
        """Move to the previous link."""
        self._step(-1)

    def _step(self, by: int) -> None:
        lines = self._links()
        if not lines:
            self.app.say(_NO_LINKS)
            return
        ahead = [line for line in lines if (line > self.cursor if by > 0 else line < self.cursor)]
        self.cursor = (ahead[0] if by > 0 else ahead[-1]) if ahead else lines[0 if by > 0 else -1]

    def action_back(self) -> None:
        """Go back to where the last link came from."""
        self.post_message(self.Left(far=False))

    def action_leave(self) -> None:
        """Return to the list."""
        self.post_message(self.Left(far=True))

    def action_pick(self) -> None:
        """Pick what is shown."""
        self.post_message(self.PickAsked())

    def action_copy(self) -> None:
        """Copy the link's name, else the name of what is shown."""
        if self.detail is None:
            return
        link = self.link_at(self.cursor)
        self.app.copy_to_clipboard(link.key[-1] if link is not None else self.detail.name)

    def on_click(self, event: events.Click) -> None:
        """Follow the clicked link."""
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if offset is None or index is None:
            return
        self.cursor = index
        link = self.link_at(index, offset.x)
        if link is not None:
            self.post_message(self.Followed(link))
