"""A page of a lesson: prose is wrapped, what commands printed is not and can be moved sideways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from textual import events
from textual.message import Message

from workbench.session.texts.detail import Line, Span
from workbench.session.texts.lesson_page import PageLine
from workbench.tui.actions import bindings
from workbench.tui.widgets.detail import break_line
from workbench.tui.widgets.lines import Lines, Painted, Piece

_ROLES = {"": "plain", "dim": "quiet", "title": "title"}
_SIDEWAYS = 8


class PageView(Lines):
    """The lines of a page, and below them what was typed and what came of it."""

    CURSOR_STAYS = False
    SCOPE = "page"
    BINDINGS = bindings("page")

    @dataclass
    class Picked(Message):
        """An answer was clicked.

        Attributes:
            option: its number, from 0.
        """

        option: int

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lines: list[PageLine] = []
        self.waiting = ""
        self._parts: list[tuple[Line, PageLine]] = []
        self._width = 0
        self._left = 0

    def show(self, lines: Sequence[PageLine]) -> None:
        """Show a page from its start."""
        self.lines = list(lines)
        self._left = 0
        self._changed(0)
        self.scroll_to(y=0, animate=False, force=True, immediate=True)

    def append(self, lines: Sequence[PageLine]) -> None:
        """Add lines, and scroll so that the first of them is seen with as much as fits of the others."""
        start = len(self._parts)
        self.lines += lines
        self._changed(None)
        self.cursor = self.count() - 1
        self.cursor = min(start + 1, self.count() - 1)

    def wait(self, text: str) -> None:
        """Show below the page what is being done; an empty text for nothing."""
        self.waiting = text
        self._changed(None)
        if text:
            self.cursor = self.count() - 1

    def _changed(self, cursor: int | None) -> None:
        self._break()
        self.rows_changed(cursor)

    def _break(self) -> None:
        self._width = self.scrollable_content_region.width
        room = max(self._width - 2, 16)
        self._parts = []
        for one in self.lines:
            parts = break_line(one.line, room, one.hang) if one.wraps and one.line else [one.line]
            self._parts += [(part, one) for part in parts]
        if self.waiting:
            self._parts += [((), PageLine(())), ((Span(f"… {self.waiting}", "dim"),), PageLine(()))]

    def on_resize(self) -> None:
        """Wrap the lines anew."""
        if self.scrollable_content_region.width != self._width:
            self._changed(None)
        super().on_resize()

    def count(self) -> int:
        """Return the number of lines on the screen."""
        return len(self._parts)

    def paint(self, index: int) -> Painted:
        """Return a line."""
        line, one = self._parts[index]
        spans = [(span.text, _ROLES.get(span.role, span.role)) for span in line]
        if not one.wraps and self._left:
            spans = _from(spans, self._left)
        pieces: list[Piece] = [(" ", "plain"), *spans]
        return Painted(pieces) if one.wraps else Painted(pieces, flex=())

    def text(self) -> str:
        """Return what is shown, as text."""
        return "\n".join("".join(span.text for span in line) for line, _ in self._parts)

    # -- keys and mouse

    def action_sideways(self, by: int) -> None:
        """Move what commands printed to the left or right."""
        widest = max(
            (sum(cell_len(span.text) for span in one.line) for one in self.lines if not one.wraps), default=0
        )
        most = max(widest + 2 - self._width, 0)
        left = min(max(self._left + by * _SIDEWAYS, 0), most)
        if left != self._left:
            self._left = left
            self.repaint_rows()
        elif not most:
            self.app.say("All of it is seen.")

    def action_copy(self) -> None:
        """Copy the line under the cursor."""
        if self.cursor < len(self._parts):
            line, _ = self._parts[self.cursor]
            self.app.copy_to_clipboard("".join(span.text for span in line).strip())

    def on_click(self, event: events.Click) -> None:
        """Choose the clicked answer."""
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if index is None:
            return
        self.cursor = index
        option = self._parts[index][1].option
        if option is not None:
            self.post_message(self.Picked(option))


def _from(spans: list[Piece], left: int) -> list[Piece]:
    """Return spans without their first cells."""
    found = []
    for text, role in spans:
        cut = min(left, len(text))
        left -= cut
        found.append((text[cut:], role))
    return found
