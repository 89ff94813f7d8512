"""The captures of a concrete function, as tensors of the main graph.

Source: saved_object_graph.proto (`bound_inputs`); `_map_captures_to_created_tensors` in tensorflow's save.py.
"""

from __future__ import annotations

from workbench.model import Model
from workbench.model.meta import MetaGraph
from workbench.names import show


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
        from workbench.surgery.export.object_graph import (
            bound_objects,
            table_nodes,
        )  # with what writes checkpoints

        self.meta = meta
        self.last = meta.duplicate_variables if restored else {}
        self.graph = meta.proto.object_graph_def
        bound = bound_objects(model.meta, meta)
        self.nodes: dict[int, list[str]] = {}
        for node, number in bound.items():
            self.nodes.setdefault(number, []).append(node)
        self._tables = table_nodes(meta)

    def tensors(self, function: str) -> list[tuple[str, ...]]:
        """Return the tensors of each bound input of a concrete function, in order.

        Raises:
            Unbound: no node of the main graph represents one.
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
        if number in self._tables and not found:
            found.append(self._tables[number])
        if not found:
            what = f"the variable {show(node.variable.name)}" if kind == "variable" else f"a captured {kind}"
            raise Unbound(f"no node of the main graph represents {what}")
        return tuple(f"{name}:0" for name in sorted(found, key=lambda name: name in self.last))
