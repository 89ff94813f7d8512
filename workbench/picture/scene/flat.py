"""A graph with its calls opened.

The nodes of a body take the place of the call, fed by what fed the call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from workbench.disk import dtypes, schema
from workbench.disk.dtypes import DType
from workbench.disk.schema import NodeDef
from workbench.graph.level import Level, Value
from workbench.model import shapes
from workbench.model.op_classes import PLACEHOLDERS, SAME_TENSOR
from workbench.model.shapes import Shape
from workbench.model.tensors import Tensor
from workbench.names import input_node, is_control, show

MAX_ITEMS = 200_000
_MAX_TRAIL = 10_000
_MOST_ALIKE = 2_000  # bytes of a node that is compared with others


class Ref(NamedTuple):
    """An output of an item."""

    key: str
    index: int  # type: ignore[assignment]  # not the method of tuples


@dataclass(slots=True)
class Item:
    """One thing of the flattened graph: a node, or an end of what is drawn.

    An end is an input, output, argument or result.

    Attributes:
        key: written place of the node; of an end, the place with `#` before its last part.
        level: where it is.
        name: of the node in its scope, or of the end.
        op: of the node; empty for an end.
        kind: `op`, `call` (has bodies that stay closed), `input`, `output`, `result`.
        node: the NodeDef, or None for an end.
        inputs: the data inputs, in order.
        controls: keys of items that come before; filled when control edges are asked for.
        tensor: what an end is.
    """

    key: str
    level: Level
    name: str
    op: str
    kind: str
    node: NodeDef | None = None
    inputs: list[Ref] = field(default_factory=list)
    controls: list[str] = field(default_factory=list)
    tensor: Tensor | None = None


@dataclass(frozen=True, slots=True)
class End:
    """An end of what is drawn: a key of a signature, an argument or a result.

    Attributes:
        key: what it is called.
        tensor: as its reader writes it: `n:k` in the main graph, `n:out:i` or an argument in a body.
        kind: `input`, `output`, `result`.
        type: dtype and shape where they are declared.
    """

    key: str
    tensor: str
    kind: str
    type: Tensor | None = None


class Flattener:
    """A walk back from outputs that lists what it meets, calls opened.

    Args:
        start: where to start.
        inputs: tensors at which to stop; arguments of the starting body are always such.
        control: also walk along control edges.

    Attributes:
        items: what was met, by key.
        cut: keys of items not all of whose inputs were followed, since there were too many items already.
    """

    def __init__(self, start: Level, inputs: Iterable[End] = (), *, control: bool = False) -> None:
        self.start = start
        self.control = control
        self.items: dict[str, Item] = {}
        self.cut: set[str] = set()
        self.hidden_controls = 0
        self._fed: dict[tuple[str, int], str] = {}
        self._bodies: dict[tuple[Level, str], Level | None] = {}
        self._tensors: dict[Ref, Tensor | None] = {}
        self._alike: dict[str, bytes] = {}
        self._declared: dict[tuple[bytes, int], tuple[DType, Shape] | None] = {}
        for end in inputs:
            self._add_input(end)

    def _add_input(self, end: End) -> None:
        where = self.start.body.address(end.tensor)
        if where in self._fed:  # two keys of a signature for one tensor
            item = self.items[self._fed[where]]
            item.name = f"{item.name}, {end.key}"
            return
        key = self._end_key(end.key, "in")
        self.items[key] = Item(key, self.start, end.key, "", "input", tensor=end.type)
        node = self.start.nodes.get(where[0])
        if node is not None:
            self.items[key].node, self.items[key].op = node, node.op
        self._fed[where] = key

    def _end_key(self, name: str, side: str) -> str:
        return self.start.full_name(f"#{side}#{name}")

    def walk(self, outputs: Iterable[End | str]) -> None:
        """List everything that `outputs` depend on.

        Ends become items; a bare text is a tensor or a node.
        """
        todo: list[str] = []
        for end in outputs:
            if isinstance(end, str):
                ref = self.resolve(self.start, end, todo)
                continue
            key = self._end_key(end.key, "out")
            item = self.items[key] = Item(key, self.start, end.key, "", end.kind, tensor=end.type)
            ref = self.resolve(self.start, end.tensor, todo)
            if ref is not None:
                item.inputs.append(ref)
        while todo:
            self._fill(self.items[todo.pop()], todo)

    def _fill(self, item: Item, todo: list[str]) -> None:
        node = item.node
        assert node is not None
        for entry in node.input:
            if is_control(entry):
                if self.control:
                    item.controls += self._befores(item.level, entry[1:], todo)
                else:
                    self.hidden_controls += 1
                continue
            ref = self.resolve(item.level, entry, todo)
            if ref is not None:
                item.inputs.append(ref)
            elif len(self.items) >= MAX_ITEMS:
                self.cut.add(item.key)

    def _befores(self, level: Level, name: str, todo: list[str]) -> Iterator[str]:
        """Return what a control input waits for; of a call, what its body must run."""
        node = level.nodes.get(name)
        if node is None:
            return
        body = self._opened(level, node)
        if body is None:
            ref = self.resolve(level, name, todo)
            if ref is not None:
                yield ref.key
            return
        function = body.function
        assert function is not None
        last = [function.control_ret[name] for name in sorted(function.control_ret)]  # a map has no order
        last = last or [input_node(function.ret[name]) for name in sorted(function.ret)]
        for inner in last:
            yield from self._befores(body, inner, todo)

    def resolve(self, level: Level, entry: str, todo: list[str]) -> Ref | None:
        """Return the item and output behind an input, through calls and arguments.

        New items are added to `todo`.
        """
        if is_control(entry):
            return None
        name, index = level.body.address(entry)
        for _ in range(_MAX_TRAIL):
            fed = self._fed.get((name, index)) if level is self.start else None
            if fed is not None:
                return Ref(fed, 0)
            node = level.nodes.get(name)
            if node is None:
                value = level.given(Value(level, name, index)) if level is not self.start else None
            else:
                body = self._opened(level, node) if len(self.items) < MAX_ITEMS else None
                if body is None:
                    return self._reached(level, name, node, index, todo)
                value = body.result(index)
            if value is None:
                return None
            level, name, index = value.level, value.name, value.index
        return None

    def _reached(self, level: Level, name: str, node: NodeDef, index: int, todo: list[str]) -> Ref | None:
        """Return an output of a node, which is listed if it is new and there is room."""
        key = name if level.caller is None else level.full_name(name)
        if key not in self.items:
            if len(self.items) >= MAX_ITEMS:
                return None
            self.items[key] = Item(key, level, name, node.op, _kind(level, node), node)
            todo.append(key)
        return Ref(key, index)

    def _opened(self, level: Level, node: NodeDef) -> Level | None:
        """Return the body that replaces a call, or None for another node."""
        if not level.body.bodies.may_call(node.op):
            return None
        key = level, node.name
        if key not in self._bodies:
            found = level.levels_under(node)
            call = found[0].call if len(found) == 1 else None
            self._bodies[key] = found[0] if call is not None and call.kind == "call" else None
        return self._bodies[key]

    def tensor(self, ref: Ref) -> Tensor | None:
        """Return dtype and shape of an output."""
        if ref not in self._tensors:
            self._tensors[ref] = self._tensor(ref)
        return self._tensors[ref]

    def _tensor(self, ref: Ref) -> Tensor | None:
        item = self.items[ref.key]
        if item.tensor is not None:
            return item.tensor
        if item.node is None:
            return None
        found = self.declared(ref)
        for _ in range(
            _MAX_TRAIL
        ):  # what only hands a tensor on has its shape, even where it does not say so
            if found is None or found.shape is not None or item.op not in SAME_TENSOR or not item.inputs:
                break
            ref = item.inputs[0]
            item = self.items[ref.key]
            before = item.tensor or (self.declared(ref) if item.node else None)
            found = Tensor(found.name, found.dtype, before.shape if before else None)
        return found

    def declared(self, ref: Ref) -> Tensor | None:
        """Return dtype and shape of a node's output, as the node declares them."""
        item = self.items[ref.key]
        name = item.node.name if item.node is not None else item.name
        alike = self.alike(item), ref.index
        if not alike[0]:
            return item.level.tensor(name, ref.index)
        if alike not in self._declared:
            found = item.level.tensor(name, ref.index)
            self._declared[alike] = None if found is None else (found.dtype, found.shape)
        known = self._declared[alike]
        return None if known is None else Tensor(f"{item.level.full_name(name)}:{ref.index}", *known)

    def alike(self, item: Item) -> bytes:
        """Return the op and attributes of a node as one value, to say once what many nodes have in common.

        Empty for what is no node, and where attributes are large.
        """
        found = self._alike.get(item.key)
        if found is None:
            found = b"" if item.node is None or item.node.ByteSize() > _MOST_ALIKE else _bare(item.node)
            self._alike[item.key] = found
        return found


def _bare(node: NodeDef) -> bytes:
    """Return a node without its name and inputs."""
    bare = schema.NodeDef()
    bare.CopyFrom(node)
    bare.ClearField("name")
    bare.ClearField("input")
    return bare.SerializeToString()


def _kind(level: Level, node: NodeDef) -> str:
    if node.op in PLACEHOLDERS and not node.input:
        return "input"
    return "call" if level.body.bodies.may_call(node.op) and level.calls_under(node) else "op"


def type_text(tensor: Tensor | None) -> str:
    """Return `float32 [?,784]`, or less where less is known.

    The dtype alone without a shape, empty text without a dtype.
    """
    if tensor is None or not tensor.dtype:
        return ""
    return _type_text(tensor.dtype, tensor.shape)


@lru_cache(maxsize=2000)
def _type_text(dtype: int, shape: Shape) -> str:
    name = dtypes.name(dtypes.base(dtype))
    return name if shape is None else f"{name} {shapes.text(shape)}"


def body_ends(level: Level) -> tuple[list[End], list[End], int]:
    """Return a body's arguments and results, and how many results are arguments.

    Resource arguments are left out: they are not data that flows; so are arguments nobody reads.
    """
    function = level.function
    assert function is not None
    arguments = level.body.argument_tensors
    passed = {
        key: value for key, value in function.ret.items() if value.partition(":")[0] in level.body.arguments
    }
    cut = common_start(level)
    inputs = [End(arg.name[cut:], arg.name, "input", arg) for arg in arguments]
    outputs = [
        End(out.name[cut:], function.ret[out.name], "result", Tensor(out.name, dtypes.dtype(out.type), None))
        for out in function.signature.output_arg
        if out.name in function.ret and out.name not in passed
    ]
    return inputs, outputs, len(passed)


def common_start(level: Level) -> int:
    """Return how many letters all arguments and results of a body begin with.

    A start such as `sequential_lstm_while_` says nothing.
    """
    assert level.function is not None
    known = sorted([*level.body.arguments, *(out.name for out in level.function.signature.output_arg)])
    if len(known) < 2:
        return 0
    first, last = str(known[0]), str(known[-1])
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same].rfind("_") + 1


def variable_text(node: NodeDef, handles: Mapping[str, str]) -> str:
    """Return `softmax/weights float32 [784,10]` for a variable's node."""
    name = node.name
    scope, slash, rest = name.partition("/")
    if slash and scope in handles:
        name = rest
    dtype = dtypes.name(node.attr["dtype"].type) if "dtype" in node.attr else ""
    shape = shapes.text(shapes.from_proto(node.attr["shape"].shape)) if "shape" in node.attr else ""
    return " ".join(filter(None, (show(name), dtype, shape)))
