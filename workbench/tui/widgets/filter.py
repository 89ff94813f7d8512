"""The line in which a filter is typed, above the list it narrows."""

from __future__ import annotations

from typing import Any

from workbench.tui.actions import bindings
from workbench.tui.widgets.list_line import ListLine

_HINT = "name  op:Conv2D  dtype:string  shape:?x784  >1MB  in:function"


class FilterLine(ListLine):
    """The input line of a filter; keys that mean the list are passed on to it."""

    SCOPE = "filter"
    BINDINGS = bindings("filter")
    HELP = (
        "All words must fit: parts of a name, op:Conv2D, dtype:string, shape:?x784, in:FUNCTION or in:SCOPE/, and the "
        "size of variables, constants and assets: >1MB, <10k."
    )
    """What a filter may have, for the line below the list while nothing is typed yet."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(placeholder=_HINT, compact=True, **kwargs)

    def action_take(self) -> None:
        """Move to the matches."""
        self.post_message(self.Asked("take"))

    def action_clear(self) -> None:
        """Clear the filter."""
        self.post_message(self.Asked("clear"))
