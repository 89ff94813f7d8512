"""The object graph of a TF2 SavedModel: objects, children, variables, functions.

Source: `saved_object_graph.proto`. Ids here are those of the SavedObjectGraph; the checkpoint's own
TrackableObjectGraph numbers its nodes differently, so the two are matched by the path of child names.
"""

from __future__ import annotations

import re
from functools import cached_property

from workbench.disk.schema import SavedObjectGraph, SavedVariable

VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_SLOT = "/.OPTIMIZER_SLOT/"
_ESCAPED = re.compile(r"\.([.S])")


class ObjectGraph:
    """Read-only view of a `SavedObjectGraph`."""

    def __init__(self, proto: SavedObjectGraph) -> None:
        self.proto = proto
        self.nodes = proto.nodes
        self._places: dict[str, int | None] = {}
        self._slots_of: dict[int, dict[tuple[int, str], int]] = {}

    @cached_property
    def children(self) -> list[dict[str, int]]:
        """Children of each node by local name.

        The last of a name; an id out of range is left out.
        """
        size = len(self.nodes)
        return [
            {
                child.local_name: number
                for child in node.children
                if (number := resolve(child.node_id, size)) is not None
            }
            for node in self.nodes
        ]

    def child(self, path: list[str]) -> int | None:
        """Return the node at a path of local names from the root, or None."""
        if not self.children:
            return None
        node = 0
        for name in path:
            found = self.children[node].get(name)
            if found is None:
                return None
            node = found
        return node

    def variable_of_key(self, key: str) -> int | None:
        """Return the node of the variable that a checkpoint key means, or None.

        A key is the path of (escaped) child names, `a/b/.ATTRIBUTES/VARIABLE_VALUE`, or for an optimizer's
        slot `VARIABLE/.OPTIMIZER_SLOT/OPTIMIZER/SLOT/.ATTRIBUTES/VARIABLE_VALUE`
        (`trackable_utils.object_path_to_string`, `slot_variable_key`).
        """
        if not key.endswith(VALUE_SUFFIX):
            return None
        path = key[: -len(VALUE_SUFFIX)]
        if _SLOT in path:
            return self._slot(path)
        return self._at(path)

    def _at(self, path: str) -> int | None:
        """Return the node at a path as keys write it; answers are kept."""
        if path not in self._places:
            self._places[path] = self.child([_unescape(part) for part in path.split("/")])
        return self._places[path]

    def _slot(self, path: str) -> int | None:
        original, _, rest = path.partition(_SLOT)
        optimizer, _, slot = rest.rpartition("/")
        variable, owner = self._at(original), self._at(optimizer)
        if variable is None or owner is None:
            return None
        return self._slots(owner).get((variable, _unescape(slot)))

    def _slots(self, owner: int) -> dict[tuple[int, str], int]:
        """Return an optimizer's slots: (variable, name of the slot) to slot variable."""
        if owner not in self._slots_of:
            found: dict[tuple[int, str], int] = {}
            for slot in self.nodes[owner].slot_variables:
                found.setdefault(
                    (slot.original_variable_node_id, slot.slot_name), int(slot.slot_variable_node_id)
                )
            self._slots_of[owner] = found
        return self._slots_of[owner]

    @cached_property
    def variables_by_name(self) -> dict[str, int | None]:
        """`SavedVariable.name` → node, None where several variables have the name."""
        found: dict[str, int | None] = {}
        for number, node in enumerate(self.nodes):
            if node.HasField("variable"):
                name = node.variable.name
                found[name] = None if name in found else number
        return found

    def variable(self, key: str | None, shared_name: str) -> SavedVariable | None:
        """Return the `SavedVariable` with a checkpoint key or a unique name, or None."""
        number = self.variable_of_key(key) if key else None
        if number is None or not self._is_variable(number):
            number = self.variables_by_name.get(shared_name)
        return None if number is None else self.nodes[number].variable

    def _is_variable(self, number: int) -> bool:
        return 0 <= number < len(self.nodes) and bool(self.nodes[number].HasField("variable"))


def resolve(number: int, size: int) -> int | None:
    """Return the index of an object by its id as loaders find it, or None.

    They index a Python list (`load.py: Loader._add_object_graph_edges`): a negative id counts from the end.
    """
    if not -size <= number < size:
        return None
    return number if number >= 0 else number + size


def _unescape(name: str) -> str:
    """Return a local name before its escape in a key: `.S` is `/`, `..` is `.`."""
    if "." not in name:
        return name
    return _ESCAPED.sub(lambda match: "/" if match[1] == "S" else ".", name)
