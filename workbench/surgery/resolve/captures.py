"""The captures of a concrete function, as tensors of the main graph.

Source: saved_object_graph.proto (`bound_inputs`); `_map_captures_to_created_tensors` in tensorflow's save.py.
"""

from __future__ import annotations

from workbench.disk.nodes import attr
from workbench.disk.schema import SavedObject
from workbench.model import Model
from workbench.model.meta import MetaGraph
from workbench.model.op_classes import CALLS, RESOURCE_TABLES
from workbench.names import show
from workbench.surgery.export.object_graph import bound_objects

_DEEPEST = 32


class Unbound(Exception):
    """A capture that no node of the main graph represents."""


class Captures:
    """The main graph's tensors that represent the captures of functions.

    Args:
        model: whose they are.
        meta: its MetaGraph.
        restored: of a variable that has two nodes, give the one that the saver restores first.
    """

    def __init__(self, model: Model, meta: MetaGraph, restored: bool) -> None:
        self.meta = meta
        self.last = meta.duplicate_variables if restored else {}
        self.graph = meta.proto.object_graph_def
        bound = bound_objects(model.meta, meta)
        self.nodes: dict[int, list[str]] = {}
        for node, number in bound.items():
            self.nodes.setdefault(number, []).append(node)
        self._tables: dict[bytes, str] | None = None

    def tensors(self, function: str) -> list[tuple[str, ...]]:
        """Return the tensors of each bound input of a concrete function, in order.

        Raises:
            Unbound: nothing in the main graph stands for one.
        """
        numbers = self.graph.concrete_functions[function].bound_inputs
        return [self._tensors(number) for number in numbers]

    def _tensors(self, number: int) -> tuple[str, ...]:
        if not 0 <= number < len(self.graph.nodes):
            raise Unbound(f"there is no object {number}")
        node = self.graph.nodes[number]
        kind = node.WhichOneof("kind")
        if kind == "constant" and node.constant.operation in self.meta.nodes:
            return (f"{node.constant.operation}:0",)
        if kind == "asset":
            definitions = self.meta.proto.asset_file_def
            if node.asset.asset_file_def_index < len(definitions):
                return (str(definitions[node.asset.asset_file_def_index].tensor_info.name),)
        found = list(self.nodes.get(number, ()))
        table = self._table(node) if kind == "resource" and not found else None
        if table is not None:
            found.append(table)
        if not found:
            what = f"the variable {show(node.variable.name)}" if kind == "variable" else f"a captured {kind}"
            raise Unbound(f"no node of the main graph represents {what}")
        return tuple(f"{name}:0" for name in sorted(found, key=lambda name: name in self.last))

    def _table(self, node: SavedObject) -> str | None:
        """Return the node of a table, found by the name `_create_resource` gives it."""
        creators = [child.node_id for child in node.children if child.local_name == "_create_resource"]
        for number in creators:
            creator = self.graph.nodes[number]
            listed = (
                list(creator.function.concrete_functions)
                if creator.WhichOneof("kind") == "function"
                else [creator.bare_concrete_function.concrete_function_name]
            )
            for name in listed:
                shared = self._made_in(name, 0)
                if shared is not None and shared in self._by_shared_name():
                    return self._by_shared_name()[shared]
        return None

    def _made_in(self, function: str, depth: int) -> bytes | None:
        """Return the `shared_name` of the table that a function makes, or None."""
        if function not in self.meta.functions or depth > _DEEPEST:
            return None
        for node in self.meta.functions[function].node_def:
            if node.op in RESOURCE_TABLES and "shared_name" in node.attr and node.attr["shared_name"].s:
                return bytes(node.attr["shared_name"].s)
            if node.op in CALLS:
                found = self._made_in(attr(node, "f").func.name, depth + 1)
                if found is not None:
                    return found
        return None

    def _by_shared_name(self) -> dict[bytes, str]:
        if self._tables is None:
            self._tables = {
                bytes(node.attr["shared_name"].s): node.name
                for node in self.meta.nodes.values()
                if node.op in RESOURCE_TABLES and "shared_name" in node.attr and node.attr["shared_name"].s
            }
        return self._tables
