"""How the rows of a model are arranged: as a tree or flat, and in what order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

VariableOrder = Literal["size", "name", "file"]
FunctionOrder = Literal["call", "size", "name"]
_VARIABLES: tuple[VariableOrder, ...] = ("size", "name", "file")
_FUNCTIONS: tuple[FunctionOrder, ...] = ("call", "size", "name")
WORDS = {
    "variables": {"size": "largest first", "name": "by name", "file": "in the order of the graph"},
    "functions": {"call": "in the order of calls", "size": "most nodes first", "name": "by name"},
}
"""What each order of a section is called."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How rows are arranged.

    Attributes:
        flat: whether all nodes of a body stand in one list instead of a tree of scopes.
        variables: the order of the variables.
        functions: the order of the functions; those of the saver come last in any.
    """

    flat: bool = False
    variables: VariableOrder = "size"
    functions: FunctionOrder = "call"

    def other_shape(self) -> Arrangement:
        """Return the flat list instead of the tree, or the tree instead of the list."""
        return replace(self, flat=not self.flat)

    def next_order(self, section: str) -> Arrangement:
        """Return the next order of the variables or the functions."""
        if section == "variables":
            at = _VARIABLES.index(self.variables) + 1
            return replace(self, variables=_VARIABLES[at % len(_VARIABLES)])
        at = _FUNCTIONS.index(self.functions) + 1
        return replace(self, functions=_FUNCTIONS[at % len(_FUNCTIONS)])

    def order_words(self, section: str) -> str:
        """Return what the order of a section is called; empty for a section with one order."""
        return WORDS[section][getattr(self, section)] if section in WORDS else ""
