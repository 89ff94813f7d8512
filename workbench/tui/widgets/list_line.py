"""An input line above a list: the arrow keys move in the list, not in the line."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message
from textual.widgets import Input


class ListLine(Input):
    """The base of lines that stand above a list."""

    @dataclass
    class Asked(Message):
        """The user asks for something of the list: to move in it, or what a kind of line adds."""

        what: str

    def action_up(self) -> None:
        """Move a row up."""
        self.post_message(self.Asked("cursor_up"))

    def action_down(self) -> None:
        """Move a row down."""
        self.post_message(self.Asked("cursor_down"))

    def action_page_up(self) -> None:
        """Move a page up."""
        self.post_message(self.Asked("page_up"))

    def action_page_down(self) -> None:
        """Move a page down."""
        self.post_message(self.Asked("page_down"))
