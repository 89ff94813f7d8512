"""The nodes of functions that name more than their inputs, found in one look at each body.

Most nodes of a body do not: whoever follows calls or renames them need not look at those.
"""

from __future__ import annotations

from collections.abc import Mapping

from workbench.disk.schema import FunctionDef, NodeDef
from workbench.surgery.rewrite.prefix import NAMING_ATTRS, NAMING_OPS


class NamingNodes:
    """The naming nodes of the functions of one library, each body looked at once.

    Args:
        functions: the library by name; it must not change.
    """

    def __init__(self, functions: Mapping[str, FunctionDef]) -> None:
        self._functions = functions
        self._positions: dict[str, list[int]] = {}

    def positions(self, name: str) -> list[int]:
        """Return where in its body the naming nodes of a function stand."""
        found = self._positions.get(name)
        if found is None:
            body = self._functions[name].node_def
            found = [position for position, node in enumerate(body) if self._names_something(node)]
            self._positions[name] = found
        return found

    def nodes(self, name: str) -> list[NodeDef]:
        """Return the naming nodes of a function."""
        body = self._functions[name].node_def
        return [body[position] for position in self.positions(name)]

    def _names_something(self, node: NodeDef) -> bool:
        """Return whether a node names a function or a resource, or has an attribute without a value."""
        op, attrs = node.op, node.attr
        if op in NAMING_OPS or op in self._functions:
            return True
        for name in attrs:
            if name in NAMING_ATTRS:
                return True
            value = attrs[name]
            kind = value.WhichOneof("value")
            if kind == "func" or kind is None or (kind == "list" and value.list.func):
                return True
        return False
