"""A batch made free: what pinned its size is replaced, in the main graph and in copies of the functions it flows into.

What pins it was found by `graph.shape_inference.flow`. The size of the batch is read where it is needed from a tensor
of the same body that has it, or left to TensorFlow as -1 where the op takes that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.disk import dtypes, optable
from workbench.disk.schema import FunctionDef, MetaGraphDef, NodeDef
from workbench.graph.body import Body, Output
from workbench.graph.calls import named_function
from workbench.graph.shape_inference.flow import BatchFlow, Flow, Key, Source
from workbench.graph.shape_inference.rules import Pin
from workbench.graph.shape_inference.sizes import Facts, Rows, Size, plain, text
from workbench.model import shapes
from workbench.names import is_control, show
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.imported import unique_name

if TYPE_CHECKING:
    from workbench.disk.schema import RepeatedMessage, ScalarMap

# Attributes of a function that hold for its old shapes, or that tie it to others of the old ones.
_OF_OLD_SHAPES = (
    "_input_shapes",
    "forward_function_name",
    "backward_function_name",
    "api_implements",
    "api_preferred_device",
)
_SHAPE_OF_ITEMS = ("TensorArrayV3", "TensorArrayGatherV3")
_SHAPE_FROM_INPUT = ("EnsureShape", "PlaceholderWithDefault")


@dataclass(frozen=True, slots=True)
class Repair:
    """One input that pinned the old size.

    Attributes:
        where: the node, with its function in front.
        op: its op.
        told: what was changed, in words.
    """

    where: str
    op: str
    told: str


@dataclass(frozen=True, slots=True)
class FreedFunction:
    """A copy of a function in which the batch is free.

    Attributes:
        old: the function's name.
        new: the copy's name.
        arguments: what is known of its arguments.
        results: what is known of its results.
    """

    old: str
    new: str
    arguments: tuple[Facts, ...]
    results: tuple[Facts, ...]


@dataclass(slots=True)
class Freed:
    """What `free_batch` did.

    Attributes:
        repairs: the inputs that pinned the old size, in the order of the bodies.
        functions: the copies of functions.
    """

    repairs: list[Repair] = field(default_factory=list)
    functions: list[FreedFunction] = field(default_factory=list)


def free_batch(meta_graph: MetaGraphDef, batch: BatchFlow, flow: Flow, scope: str) -> Freed:
    """Rewrite a graph so that the batch may have any size.

    Args:
        meta_graph: a private copy of the MetaGraph that was analysed; its placeholders are left to the caller.
        batch: the analysis, which found no problem.
        flow: of the main graph.
        scope: stands before the names of nodes that are added.
    """
    work = _Freeing(meta_graph, batch, flow, scope)
    work.run()
    return work.freed


class _Freeing:
    def __init__(self, meta_graph: MetaGraphDef, batch: BatchFlow, flow: Flow, scope: str) -> None:
        self.graph = meta_graph.graph_def
        self.batch = batch
        self.flow = flow
        self.scope = scope
        self.freed = Freed()
        self.names: dict[Key, str] = {}

    def run(self) -> None:
        functions = [one for one in self.batch.reached(self.flow) if one.key is not None]
        changed = self._changed(functions)
        taken = {function.signature.name: None for function in self.graph.library.function}
        for one in functions:
            assert one.key is not None
            if one.key in changed:
                name = unique_name(one.body.name, taken)
                taken[name] = None
                self.names[one.key] = name
                self.freed.functions.append(
                    FreedFunction(one.body.name, name, one.key[1], tuple(one.results))
                )
        self._edit(self.flow, {node.name: node for node in self.graph.node}, self.graph.node)
        originals = {function.signature.name: function for function in self.graph.library.function}
        copies = [
            self._copy(one, originals[one.body.name])
            for one in functions
            if one.key is not None and one.key in changed
        ]
        self.graph.library.function.extend(copies)

    def _changed(self, functions: list[Flow]) -> set[Key]:
        """Return the functions whose body or arguments change, and those that call one of them."""
        found = {
            one.key for one in functions if one.key and (one.pins or any(map(self._has_rows, one.key[1])))
        }
        while True:
            more = {
                one.key
                for one in functions
                if one.key and one.key not in found and any(key in found for key in one.calls.values())
            }
            if not more:
                return found
            found |= more

    def _has_rows(self, facts: Facts) -> bool:
        items = map(self._item, facts.lists)
        return facts.axis is not None or any(item is not None and item.axis is not None for item in items)

    def _copy(self, flow: Flow, original: FunctionDef) -> FunctionDef:
        assert flow.key is not None
        copy = FunctionDef()
        copy.CopyFrom(original)
        copy.signature.name = self.names[flow.key]
        for name in _OF_OLD_SHAPES:
            if name in copy.attr:
                del copy.attr[name]
        for number, facts in enumerate(flow.key[1]):
            if (
                number in copy.arg_attr
                and "_output_shapes" in copy.arg_attr[number].attr
                and facts.axis is not None
            ):
                listed = copy.arg_attr[number].attr["_output_shapes"].list.shape
                del listed[:]
                listed.add().CopyFrom(shapes.to_proto(plain(facts.sizes)))
        self._edit(flow, {node.name: node for node in copy.node_def}, copy.node_def, copy.ret)
        return copy

    def _edit(
        self,
        flow: Flow,
        nodes: dict[str, NodeDef],
        listed: RepeatedMessage[NodeDef],
        ret: ScalarMap[str, str] | None = None,
    ) -> None:
        """Change the nodes of one body, and in a function what its results name."""
        for name, node in nodes.items():
            if (name, 0) not in flow.facts and not flow.body.function:
                continue
            if "_output_shapes" in node.attr:
                del node.attr["_output_shapes"]
            self._shapes(flow, node)
            self._calls(flow, node)
        if not flow.pins:
            return
        repairs = _Repairs(flow, Fragment(self.scope, nodes, body=flow.body.function is not None))
        for name, pins in flow.pins.items():
            for pin in pins:
                op = str(nodes[name].op)
                self.freed.repairs.append(Repair(flow.body.where(name), op, repairs.repair(nodes[name], pin)))
        listed.extend(repairs.fragment.nodes)
        if flow.body.function is not None and repairs.outputs:
            for node in listed:
                node.input[:] = [_renamed(entry, repairs.outputs) for entry in node.input]
            for result in list(ret or ()):
                assert ret is not None
                ret[result] = _renamed(ret[result], repairs.outputs)

    def _shapes(self, flow: Flow, node: NodeDef) -> None:
        """Free the batch in shapes that attrs hold."""
        facts = flow.facts.get((node.name, 0))
        if (
            node.op in _SHAPE_FROM_INPUT
            and facts is not None
            and facts.axis is not None
            and "shape" in node.attr
        ):
            node.attr["shape"].shape.CopyFrom(shapes.to_proto(plain(facts.sizes)))
        if node.op in _SHAPE_OF_ITEMS and "element_shape" in node.attr:
            sites = {site for name in node.input for site in self._lists(flow, name)}
            items = [item for site in sites | set(facts.lists if facts else ()) if (item := self._item(site))]
            item = next((one for one in items if one.axis is not None), None)
            if item is not None:
                node.attr["element_shape"].shape.CopyFrom(shapes.to_proto(plain(item.sizes)))
        if "output_shapes" in node.attr and flow.body.calls(node):
            for index, shape in enumerate(node.attr["output_shapes"].list.shape):
                found = flow.facts.get((node.name, index))
                if found is not None and found.axis is not None:
                    shape.CopyFrom(shapes.to_proto(plain(found.sizes)))

    def _lists(self, flow: Flow, entry: str) -> frozenset[str]:
        found = None if is_control(entry) else flow.facts.get(flow.body.address(entry))
        return frozenset() if found is None else found.lists

    def _item(self, site: str) -> Facts | None:
        return self.batch.context.items.get(site)

    def _calls(self, flow: Flow, node: NodeDef) -> None:
        """Let calls call the copies of functions."""
        for call in flow.body.calls(node):
            key = flow.calls.get((node.name, call.label))
            name = self.names.get(key) if key is not None else None
            if name is None:
                continue
            if node.op == call.function:
                node.op = name
            else:
                named_function(node, call.label).name = name
            if "_gradient_op_type" in node.attr:  # of the old function, for its shapes
                del node.attr["_gradient_op_type"]


class _Repairs:
    """The nodes that are added to one body.

    Args:
        flow: of the body.
        fragment: takes the nodes.
    """

    def __init__(self, flow: Flow, fragment: Fragment) -> None:
        self.flow = flow
        self.body: Body = flow.body
        self.fragment = fragment
        self._sizes: dict[tuple[Source, int, int], Tensor] = {}
        self.outputs: dict[str, str] = {}

    def repair(self, node: NodeDef, pin: Pin) -> str:
        """Replace an input that pins the old size; return what was done in words."""
        if pin.squeezed is not None:
            return _squeeze(node, pin.squeezed)
        if pin.op is not None:
            return self._become(node, pin.op)
        if pin.masks:
            return _mask(node, pin.masks)
        entry = node.input[pin.position]
        if pin.lifted:
            new, told = (
                self._lifted(node, entry, pin.lifted),
                "its input gets dimensions of 1 behind the batch",
            )
        elif pin.value is not None:
            new, told = self._vector(node, entry, pin.value)
        else:
            assert pin.axis is not None
            new, told = (
                self._spread(node, entry, pin.axis, pin.rank),
                f"the row {show(entry)} is repeated for each row of the batch",
            )
        node.input[pin.position] = self.fragment.text(new)
        return told

    def _become(self, node: NodeDef, op: str) -> str:
        """Let a node be another op of the same inputs and one output."""
        known = optable.lookup(op)
        assert known is not None
        told = f"it becomes {op}, for the rows of the batch"
        node.op = op
        data = [text for text in node.input if not is_control(text)]
        if not any(arg.number_attr or arg.type_list_attr for arg in known.input_arg):
            node.input[:] = [
                *data[: len(known.input_arg)],
                *(text for text in node.input if is_control(text)),
            ]
        kept = {attr.name for attr in known.attr}
        for name in [name for name in node.attr if name not in kept and not name.startswith("_")]:
            del node.attr[name]
        self.outputs[node.name] = known.output_arg[0].name
        return told

    def _vector(self, node: NodeDef, entry: str, value: tuple[Size, ...]) -> tuple[Tensor, str]:
        """Return a vector of sizes in which those of the batch are taken from a tensor, or are -1."""
        facts = self.flow.facts.get(self.body.address(entry))
        before = text(facts.value) if facts is not None else "[…]"
        told = f"{before} becomes {text(value)}"
        dtype = self.body.types(entry)[0]
        inside = self.fragment.inside(node.name)
        rows = [size for size in value if isinstance(size, Rows)]
        if rows and facts is not None and facts.sizes == ():
            return self._rows(inside, node, rows[0].factor or 1, dtype), told
        if None not in value and (not rows or (node.op == "Reshape" and len(rows) == 1 and -1 not in value)):
            numbers = [size if isinstance(size, int) else -1 for size in value]
            scalar = facts is not None and facts.sizes == ()
            made = inside.const(numbers[0] if scalar else numbers, dtype, "shape")
            return self._in_frame(made, inside, entry), told
        parts = [self._size(inside, node, entry, at, size, dtype) for at, size in enumerate(value)]
        return inside.op("Pack", parts, name="shape", axis=0), told

    def _in_frame(self, made: Tensor, inside: Fragment, entry: str) -> Tensor:
        """Keep a constant in the loop of TF1 that the one before it was in."""
        old = self.body.nodes.get(entry.partition(":")[0])
        if old is not None and self.body.function is None:
            inside.nodes[-1].input.extend(text for text in old.input if is_control(text))
        return made

    def _size(self, inside: Fragment, node: NodeDef, entry: str, at: int, size: Size, dtype: int) -> Tensor:
        """Return one element of a vector of sizes as a scalar."""
        if isinstance(size, int):
            return inside.const(size, dtype, "size")
        if size is None:
            return self._element(inside, self._existing(self.body.address(entry)), at)
        return self._rows(inside, node, size.factor or 1, dtype)

    def _rows(self, inside: Fragment, node: NodeDef, factor: int, dtype: int) -> Tensor:
        """Return a multiple of the size of the batch as a scalar."""
        source = self.flow.sources[node.name]
        if (source, factor, dtype) not in self._sizes:
            size = self._size_of(inside, source, dtype)
            own = source.rows.factor or 1
            if factor % own:
                size = inside.op("FloorDiv", size, inside.const(own, dtype))
                own = 1
            if factor != own:
                size = inside.op("Mul", size, inside.const(factor // own, dtype))
            self._sizes[source, factor, dtype] = size
        return self._sizes[source, factor, dtype]

    def _size_of(self, inside: Fragment, source: Source, dtype: int) -> Tensor:
        """Return the size that a tensor has where the batch is, or the length of a list of rows."""
        tensor = self._existing(source.output)
        if source.axis is not None:
            return self._element(inside, inside.op("Shape", tensor, out_type=dtype), source.axis)
        size = inside.op("TensorListLength", tensor)
        return size if dtype == dtypes.INT32 else inside.op("Cast", size, DstT=dtype)

    def _element(self, inside: Fragment, vector: Tensor, at: int) -> Tensor:
        begin, end, stride = (inside.const([one], dtypes.INT32) for one in (at, at + 1, 1))
        return inside.op("StridedSlice", vector, begin, end, stride, shrink_axis_mask=1)

    def _spread(self, node: NodeDef, entry: str, axis: int, rank: int) -> Tensor:
        """Return a tensor with its first row repeated for each row of the batch."""
        inside = self.fragment.inside(node.name)
        output = self.body.address(entry)
        tensor, facts = self._existing(output), self.flow.facts[output]
        if facts.sizes is not None and facts.sizes[axis] != 1:
            lengths = [1 if at == axis else -1 for at in range(rank)]
            begin = inside.const([0] * rank, dtypes.INT32)
            tensor = inside.op("Slice", tensor, begin, inside.const(lengths, dtypes.INT32), name="first")
        one = inside.const(1, dtypes.INT32, "one")
        rows = self._rows(inside, node, 1, dtypes.INT32)
        multiples = inside.op(
            "Pack", [rows if at == axis else one for at in range(rank)], name="multiples", axis=0
        )
        return inside.op("Tile", tensor, multiples, name="rows")

    def _lifted(self, node: NodeDef, entry: str, many: int) -> Tensor:
        """Return a tensor with dimensions of 1 behind its first one."""
        inside = self.fragment.inside(node.name)
        tensor, one = self._existing(self.body.address(entry)), inside.const(1, dtypes.INT32, "one")
        for _ in range(many):
            tensor = inside.op("ExpandDims", tensor, one, name="lifted")
        return tensor

    def _existing(self, output: Output) -> Tensor:
        """Return an output of the body, or an argument, as the fragment names it."""
        name, index = output
        if name in self.body.arguments:
            return Tensor(name, self.body.arguments[name].type)
        types = self.body.output_types(name)
        dtype = types[index] if types is not None and index < len(types) else dtypes.INVALID
        if self.body.function is None:
            return Tensor(name, dtypes.base(dtype), index)
        ranges = self.body.output_ranges(name) or {}
        arg, place = next(
            (arg, one) for arg, one in ranges.items() if one.first <= index < one.first + one.size
        )
        return Tensor(name, dtypes.base(dtype), index, f"{arg}:{index - place.first}")


def _squeeze(node: NodeDef, dimensions: tuple[int, ...]) -> str:
    """Let a Squeeze remove these dimensions; without any it would remove all that are 1."""
    if "squeeze_dims" in node.attr:
        del node.attr["squeeze_dims"]
    if not dimensions:
        node.op = "Identity"
        return "it leaves the batch, and becomes an Identity"
    node.attr["squeeze_dims"].list.i.extend(dimensions)
    return f"it removes {', '.join(map(str, dimensions))}, and leaves the batch"


def _renamed(entry: str, outputs: Mapping[str, str]) -> str:
    """Return an input with the output arg of an op that became another."""
    name, _, rest = entry.partition(":")
    return f"{name}:{outputs[name]}:0" if rest and name in outputs else entry


def _mask(node: NodeDef, masks: tuple[tuple[str, int], ...]) -> str:
    """Let a slice take all rows of the batch."""
    for name, value in masks:
        node.attr[name].i = value
    if all(name == "num_elements" for name, _ in masks):
        return "it takes any number of entries"
    return "it takes all rows of the batch"
