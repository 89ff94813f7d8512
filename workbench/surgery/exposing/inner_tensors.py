"""Tensors that can be given out, wherever they are: in the main graph, inside calls, in bodies of loops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from workbench import names
from workbench.disk import dtypes
from workbench.findings import Finding
from workbench.graph.body import Body
from workbench.graph.control_flow import Inside, inside
from workbench.graph.level import Level, Value
from workbench.graph.shape_inference.shapes import Shapes
from workbench.model import MetaGraph
from workbench.model.op_classes import INTO_CONTROL_FLOW
from workbench.model.shapes import Shape
from workbench.model.signature import Signature
from workbench.names import show
from workbench.surgery.resolve.endpoints import Lookup, Side
from workbench.surgery.resolve.inside_calls import locate
from workbench.surgery.rewrite.inline import saver_calls

_SEARCHED = 20_000
_OFFERED = 3


@dataclass(frozen=True, slots=True)
class InnerTensor:
    """A tensor at any level that can be given out.

    Attributes:
        value: where it is.
        dtype: DataType, a reference as its base.
        shape: as far as it can be inferred; in a loop with the iterations in front.
        loops: how many loops it is in.
    """

    value: Value
    dtype: int
    shape: Shape
    loops: int


class InnerTensors:
    """Look up tensors of one MetaGraph that an operation makes outputs.

    Args:
        meta: the MetaGraph.
        signature: whose output keys may be named as well; None for no signature.
        handle: of the model, for findings.
        side: whether keys are those of outputs (`source`) or of inputs (`target`).
        loops: whether tensors in bodies of loops count.
    """

    def __init__(
        self,
        meta: MetaGraph,
        signature: Signature | None = None,
        handle: str = "model",
        *,
        side: Side = "source",
        loops: bool = True,
    ) -> None:
        self.root = Level.of(meta)
        self.handle = handle
        self._side: Side = side
        self._loops = loops
        self._lookup = Lookup(meta, handle, signature)
        self._shapes = Shapes(self.root)
        self._framed: dict[str, bool] = {}
        self._saver = saver_calls(meta.graph, meta.proto.saver_def.filename_tensor_name)

    def find(self, text: str) -> InnerTensor | Finding:
        """Return the tensor that a text names, or a finding.

        Args:
            text: `node:k`, `%node`, `CALL::CALL::node:k`, `LOOP[body]::node:k`, an output's key, `SIGNATURE#KEY`.
        """
        where = f"{self.handle}@{show(text)}"
        value = self._value(text, where)
        return value if isinstance(value, Finding) else self._checked(value, where)

    def _value(self, text: str, where: str) -> Value | Finding:
        key = self._lookup.key(text, self._side)
        if key is not None:
            if key.kind != "dense":
                told = f"{show(text)!r} is {key.kind}; only a dense tensor can be given out."
                return Finding("R3-kind", "error", where, told)
            tensor = names.input_tensor(key.tensors[0])
            return Value(self.root, tensor.node, tensor.index)
        if names.CALL_SEPARATOR in text:
            found = locate(self.root, text, where, self._saver, loops=self._loops)
            return found if isinstance(found, Finding) else Value(found[0], found[1].node, found[1].index)
        parsed = names.parse_tensor(text.removeprefix("%"))
        if parsed is not None and parsed.node in self.root.nodes:
            return Value(self.root, parsed.node, parsed.index)
        missing = self._lookup.find(text, self._side)
        assert isinstance(missing, Finding), "all that it finds was looked up before"
        return self._with_places(missing, text)

    def _with_places(self, missing: Finding, text: str) -> Finding:
        """Return a finding with the places inside calls that have a node of the name."""
        parsed = names.parse_tensor(text.removeprefix("%"))
        places = list(islice(self._places(parsed), _OFFERED)) if parsed is not None else []
        if not places:
            return missing
        hint = f"Inside calls there is {', '.join(map(show, places))}."
        return Finding(missing.code, "error", missing.where, missing.message, hint)

    def _places(self, wanted: names.TensorName) -> Iterator[str]:
        looked_at = 0
        for level in self.root.levels():
            looked_at += len(level.nodes)
            if wanted.node in level.nodes and level.calls:
                yield level.full_name(str(wanted))
            if looked_at > _SEARCHED:
                return

    def _held(self, body: Body, node: str) -> Inside | None:
        """Return the v1 control flow that a node is in; a body that has none is looked through once."""
        if body.name not in self._framed:
            self._framed[body.name] = any(one.op in INTO_CONTROL_FLOW for one in body.nodes.values())
        return inside(body, node) if self._framed[body.name] else None

    def _checked(self, value: Value, where: str) -> InnerTensor | Finding:
        node = value.node
        assert node is not None
        types = self.root.meta.output_types(node)
        if types is not None and value.index >= len(types):
            told = (
                f"{show(node.name)!r} ({show(node.op)}) has {names.count(len(types), 'output')}; there is no "
            )
            hint = f"Write {show(node.name)}:0." if types else "Choose a node with outputs."
            return Finding("R1-output", "error", where, f"{told}{value.index}.", hint)
        dtype = dtypes.base(types[value.index]) if types is not None else dtypes.INVALID
        if dtype == dtypes.INVALID:
            told = f"The dtypes of the outputs of the op {show(node.op)!r} are not known."
            return Finding("R1-unknown-op", "error", where, told, "Choose a tensor before or behind it.")
        if dtype in (dtypes.RESOURCE, dtypes.VARIANT):
            told = f"{show(node.name)!r} gives a {dtypes.name(dtype)}, which no signature can return."
            return Finding("R3-resource", "error", where, told, "Choose the value that is read from it.")
        place: tuple[Level, str] | None = value.level, value.name
        loops = 0
        while place is not None:
            level, name = place
            held = self._held(level.body, name)
            if held is not None:
                told = f"{show(level.full_name(name))!r} stands inside a {held} of TF1's control flow; it "
                told += (
                    "has a value for each round and none outside." if held == "loop" else "may have no value."
                )
                hint = f"Choose an input or output of the {held}."
                return Finding("R1-control-flow", "error", where, told, hint)
            loops += level.call is not None and level.call.kind == "loop"
            place = None if level.call is None or level.caller is None else (level.caller, level.call.node)
        shape = self._shapes.of_value(value)
        if shape is not None:
            shape = (*(None for _ in range(loops)), *shape)
        return InnerTensor(value, dtype, shape, loops)
