"""Bodies that are changed, the main graph or a copy of a function, and the nodes that are added to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workbench import names
from workbench.disk import dtypes
from workbench.disk.schema import FunctionDef, GraphDef, MetaGraphDef, NodeDef
from workbench.graph.level import Level
from workbench.surgery.imported import unique_name

# Attributes of a function that name others made for just its results, or others that may take its place.
_FOR_ITS_RESULTS = (
    "forward_function_name",
    "backward_function_name",
    "api_implements",
    "api_preferred_device",
)


class ChangedBody:
    """A body that is changed: the main graph, or a clone of a function."""

    def __init__(self, level: Level, owner: GraphDef | FunctionDef, scope: str) -> None:
        self.level = level
        self.owner = owner
        self.is_main = isinstance(owner, GraphDef)
        self.scope = scope
        listed = owner.node if isinstance(owner, GraphDef) else owner.node_def
        self.nodes = {node.name: node for node in listed}
        self.taken: dict[str, object] = {**self.nodes, **level.body.arguments}

    def add(self, name: str, op: str, inputs: Iterable[str] = (), **types: int) -> NodeDef:
        """Add a node; attrs are dtypes."""
        node = self.owner.node.add() if isinstance(self.owner, GraphDef) else self.owner.node_def.add()
        node.name = unique_name(f"{self.scope}/{name}", self.taken)
        node.op = op
        node.input.extend(inputs)
        for key, dtype in types.items():
            node.attr[key].type = dtype
        self.nodes[node.name] = node
        self.taken[node.name] = node
        return node

    def constant(self, name: str, value: int | Sequence[int]) -> str:
        """Add an int32 constant and return the input that names it."""
        node = self.add(name, "Const", dtype=dtypes.INT32)
        tensor = node.attr["value"].tensor
        tensor.dtype = dtypes.INT32
        tensor.tensor_shape.SetInParent()
        listed = [value] if isinstance(value, int) else list(value)
        if not isinstance(value, int):
            tensor.tensor_shape.dim.add(size=len(listed))
        tensor.int_val.extend(listed)
        return self.entry(node, 0)

    def entry(self, node: NodeDef, index: int) -> str:
        """Return the input that names an output of a node, which has an op that is known."""
        if self.is_main:
            return names.format_input(names.TensorName(node.name, index))
        for place in self.level.meta.output_ranges(node) or ():
            if index < place.first + place.size:
                return f"{node.name}:{place.arg}:{index - place.first}"
        raise ValueError(f"{node.name} has no output {index}")

    def count(self, node: NodeDef) -> int:
        """Return the number of a node's outputs."""
        return sum(place.size for place in self.level.meta.output_ranges(node) or ())


def copy_function(
    meta_graph: MetaGraphDef, original: FunctionDef, suffix: str, functions: dict[str, FunctionDef]
) -> FunctionDef:
    """Add a copy of a function to the library, under a name of its own.

    Args:
        meta_graph: changed in place.
        original: one of its functions.
        suffix: of the name.
        functions: those of the library by name; the copy is added.
    """
    function = meta_graph.graph_def.library.function.add()
    function.CopyFrom(original)
    old = original.signature.name
    function.signature.name = unique_name(f"{old}_{suffix}", functions)
    for attribute in _FOR_ITS_RESULTS:
        if attribute in function.attr:
            del function.attr[attribute]
    functions[function.signature.name] = function
    aliases = meta_graph.meta_info_def.function_aliases
    if old in aliases:
        aliases[function.signature.name] = aliases[old]
    return function
