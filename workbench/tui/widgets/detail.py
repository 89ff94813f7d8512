"""The detail of a row, with links that are followed and gone back from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from textual import events
from textual.message import Message

from workbench.session.detail import Detail, Link
from workbench.tui.actions import bindings
from workbench.tui.widgets.lines import Lines, Painted, Piece

_ROLES = {"": "plain", "dim": "quiet", "title": "title"}


class DetailView(Lines):
    """Shows one detail; tells the pane which link was followed."""

    SCOPE = "detail"
    BINDINGS = bindings("detail")

    @dataclass
    class Followed(Message):
        """A link was followed."""

        link: Link

    @dataclass
    class Left(Message):
        """Back to where the last link came from (`far` false), or to the list."""

        far: bool

    class PickAsked(Message):
        """What is shown is to be picked."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.detail: Detail | None = None

    def show_detail(self, detail: Detail) -> None:
        """Shows it from its first link."""
        self.detail = detail
        self.rows_changed(0)
        self.scroll_to(y=0, animate=False, force=True, immediate=True)

    def count(self) -> int:
        """Lines of the detail."""
        return len(self.detail.lines) if self.detail is not None else 0

    def paint(self, index: int) -> Painted:
        """A line."""
        assert self.detail is not None
        pieces: list[Piece] = [(" ", "plain")]
        longest = 0
        for span in self.detail.lines[index]:
            role = "link" if span.link is not None else _ROLES.get(span.role, span.role)
            pieces.append((span.text, role))
            if cell_len(span.text) > cell_len(pieces[longest][0]):
                longest = len(pieces) - 1
        return Painted(pieces, (), (longest,))

    # -- links

    def link_at(self, index: int, x: int | None = None) -> Link | None:
        """The link at a column of a line, or its first."""
        if self.detail is None or not 0 <= index < len(self.detail.lines):
            return None
        spans = self.detail.lines[index]
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
        """Follows the link of the line."""
        link = self.link_at(self.cursor)
        if link is not None:
            self.post_message(self.Followed(link))

    def action_next_link(self) -> None:
        """Goes to the next link, from the last to the first."""
        self._step(1)

    def action_previous_link(self) -> None:
        """Goes to the link before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        lines = sorted({line for line, _ in self.detail.links}) if self.detail is not None else []
        if not lines:
            return
        ahead = [line for line in lines if (line > self.cursor if by > 0 else line < self.cursor)]
        self.cursor = (ahead[0] if by > 0 else ahead[-1]) if ahead else lines[0 if by > 0 else -1]

    def action_back(self) -> None:
        """Back to where the last link came from."""
        self.post_message(self.Left(far=False))

    def action_leave(self) -> None:
        """Back to the list."""
        self.post_message(self.Left(far=True))

    def action_pick(self) -> None:
        """Picks what is shown."""
        self.post_message(self.PickAsked())

    def action_copy(self) -> None:
        """Copies the link's name, else the name of what is shown."""
        if self.detail is None:
            return
        spans = self.detail.lines[self.cursor] if self.cursor < len(self.detail.lines) else ()
        linked = next((span.text for span in spans if span.link is not None), None)
        self.app.copy_to_clipboard(linked or self.detail.name)

    def on_click(self, event: events.Click) -> None:
        """A click on a link follows it."""
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if offset is None or index is None:
            return
        self.cursor = index
        link = self.link_at(index, offset.x)
        if link is not None:
            self.post_message(self.Followed(link))
