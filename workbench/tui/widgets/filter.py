"""The line in which a filter is typed, above the list it narrows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textual.message import Message
from textual.widgets import Input

from workbench.tui.actions import bindings

_HINT = "name  op:Conv2D  dtype:string  shape:?x784  >1MB  in:function"


class FilterLine(Input):
    """The input line of a filter; keys that mean the list are passed on to it."""

    SCOPE = "filter"
    BINDINGS = bindings("filter")
    HELP = (
        "All words must fit: parts of a name, op:Conv2D, dtype:string, shape:?x784, in:FUNCTION or in:SCOPE/, and the "
        "size of variables, constants and assets: >1MB, <10k."
    )
    """What a filter may have, for the line below the list while nothing is typed yet."""

    @dataclass
    class Asked(Message):
        """The user wants to take a match, clear the filter, or move in the list."""

        what: str

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(placeholder=_HINT, compact=True, **kwargs)

    def action_take(self) -> None:
        """Move to the matches."""
        self.post_message(self.Asked("take"))

    def action_clear(self) -> None:
        """Clear the filter."""
        self.post_message(self.Asked("clear"))

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
