"""The inputs that an output depends on, through the bodies of functions.

A call node has all its inputs above all its outputs, but in the body an output may be a constant (class names, a
version) or follow from one argument only.
"""

from __future__ import annotations

from workbench import names
from workbench.disk.schema import NodeDef
from workbench.graph.functions import calls
from workbench.graph.reach import reach
from workbench.model import MetaGraph
from workbench.model.op_classes import CALLS

_MAX_DEPTH = 64


class Dependence:
    """Find dependences in one MetaGraph; each function's result is kept.

    Args:
        meta: the MetaGraph.
    """

    def __init__(self, meta: MetaGraph) -> None:
        self._meta = meta
        self._found: dict[str, list[frozenset[int]] | None] = {}

    def inputs_of(self, node_name: str, output: int) -> frozenset[int] | None:
        """Return the data inputs that an output depends on; None means all."""
        node = self._meta.nodes[node_name]
        if node.op not in CALLS:
            return None
        found = self._function(node.attr["f"].func.name, 0) if "f" in node.attr else None
        if found is None or output >= len(found):
            return None
        return found[output]

    def _function(self, name: str, depth: int) -> list[frozenset[int]] | None:
        """Return the arguments each output of a function depends on; None if unknown."""
        if name in self._found:
            return self._found[name]
        function = self._meta.functions.get(name)
        if function is None or depth > _MAX_DEPTH:
            return None
        self._found[name] = None  # what calls itself is not told apart
        body = {node.name: node for node in function.node_def}
        arguments = {arg.name: position for position, arg in enumerate(function.signature.input_arg)}

        def behind(text: str) -> list[str]:
            name = names.input_node(text)
            node = None if name in arguments else body.get(name)
            if node is None:
                return []
            data = [entry for entry in node.input if not entry.startswith("^")]
            needed = self._call(node, text, depth)
            return data if needed is None else [data[position] for position in needed if position < len(data)]

        result = []
        for output in function.signature.output_arg:
            reached = map(names.input_node, reach([function.ret.get(output.name, "")], behind))
            result.append(frozenset(arguments[name] for name in reached if name in arguments))
        self._found[name] = result
        return result

    def _call(self, node: NodeDef, text: str, depth: int) -> frozenset[int] | None:
        """Return the inputs of a call in a body that one of its outputs depends on; None means all."""
        if node.op not in CALLS or not calls(node, self._meta.functions):
            return None
        found = self._function(node.attr["f"].func.name, depth + 1)
        index = names.parse_number(text.rpartition(":")[2])
        return None if found is None or index is None or index >= len(found) else found[index]
