"""Shapes of single tensors, inferred on demand: no batch is followed, and nothing is guessed.

Ops without a rule end the trail, and the answer is an unknown rank.
"""

from __future__ import annotations

from workbench.disk import dtypes
from workbench.graph.level import Level, Value
from workbench.graph.shape_inference.rules import Context, Op, Refused
from workbench.graph.shape_inference.sizes import UNKNOWN, Facts, plain
from workbench.graph.shape_inference.table import infer
from workbench.graph.trace import LOOPING, returned_by, rounds
from workbench.model import tensors
from workbench.model.shapes import Shape
from workbench.names import is_control

_MAX_STEPS = 2_000
_MAX_DEPTH = 100
_WITH_MORE = (dtypes.INT32, dtypes.INT64, dtypes.RESOURCE, dtypes.VARIANT)
"""The dtypes of tensors of which more than the shape can matter."""


class Shapes:
    """Infer shapes of tensors, followed back through calls.

    Args:
        main: the main graph.
    """

    def __init__(self, main: Level) -> None:
        self.main = main
        self._steps = 0
        self._known: dict[tuple[int, str, int], Facts] = {}

    def of(self, tensor: str) -> Shape:
        """Return the shape of a main graph's tensor; None for an unknown rank."""
        value = self.main.value(tensor)
        return None if value is None else self.of_value(value)

    def of_value(self, value: Value) -> Shape:
        """Return the shape of a tensor at any level; None for an unknown rank."""
        self._steps = _MAX_STEPS
        self._known.clear()
        return plain(self._facts(value, 0).sizes)

    def _facts(self, value: Value, depth: int) -> Facts:
        key = id(value.level), value.name, value.index
        if key not in self._known:
            self._known[key] = UNKNOWN  # for a loop of TF1, which leads back here
            self._known[key] = self._inferred(value, depth)
        return self._known[key]

    def _inferred(self, value: Value, depth: int) -> Facts:
        self._steps -= 1
        if self._steps <= 0 or depth >= _MAX_DEPTH:
            return UNKNOWN
        level, node, index = value.level, value.node, value.index
        if node is None:
            outside = level.given(value)
            if outside is None or _varies(value):
                return Facts(_of_argument(value))
            return self._facts(outside, depth)
        if level.function is not None and level.body.output_ranges(value.name) is None:
            return UNKNOWN  # which of the outputs it is can't be told
        declared = tensors.output_shape(node, index, level.meta.producer)
        types = level.body.output_types(value.name)
        if (
            declared is not None
            and types is not None
            and index < len(types)
            and types[index] not in _WITH_MORE
        ):
            return Facts(declared)
        result = returned_by(value)
        found = self._ruled(value, depth) if result is None else self._facts(result, depth + 1)
        return found if declared is None else found._replace(sizes=declared)

    def _ruled(self, value: Value, depth: int) -> Facts:
        """Return what the rule for a node's op gives."""
        level, node = value.level, value.node
        assert node is not None
        if level.body.calls(node):
            return UNKNOWN
        given = (level.value(entry) for entry in node.input if not is_control(entry))
        inputs = [UNKNOWN if one is None else self._facts(one, depth + 1) for one in given]
        types = level.body.output_types(value.name)
        site = level.full_name(node.name)
        op_def = level.meta.op_table.get(node.op)
        op = Op(node, op_def, inputs, site, Context(), outputs=1 if types is None else len(types))
        try:
            found = infer(op)
        except Refused:
            return UNKNOWN
        return found[value.index] if value.index < len(found) else UNKNOWN


def _varies(value: Value) -> bool:
    """Return whether an argument of a loop is another value in each iteration, perhaps of another shape."""
    call, position = value.level.call, value.level.position(value)
    if call is None or call.kind not in LOOPING or position is None:
        return False
    return any(body.result(position) != body.argument(position) for body in rounds(value.level))


def _of_argument(value: Value) -> Shape:
    """Return the shape that a function declares of an argument."""
    declared = {tensor.name: tensor.shape for tensor in value.level.body.argument_tensors}
    return declared.get(value.name) if value.index == 0 else None
