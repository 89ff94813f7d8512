"""The nodes that are added to one body, in place of what pinned the old size of a batch."""

from __future__ import annotations

from workbench.disk import dtypes, optable
from workbench.disk.schema import NodeDef
from workbench.graph.body import Body, Output
from workbench.graph.shape_inference.flow import Flow, Source
from workbench.graph.shape_inference.rules import Pin
from workbench.graph.shape_inference.sizes import Rows, Size, text
from workbench.names import is_control, show
from workbench.surgery.adapters.fragment import Fragment, Tensor


class Repairs:
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


def _mask(node: NodeDef, masks: tuple[tuple[str, int], ...]) -> str:
    """Let a slice take all rows of the batch."""
    for name, value in masks:
        node.attr[name].i = value
    if all(name == "num_elements" for name, _ in masks):
        return "it takes any number of entries"
    return "it takes all rows of the batch"
