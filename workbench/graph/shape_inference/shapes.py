"""Shapes inferred through a few ops, to find wrong declared output shapes.

Ops that are not known here end the trail, and the answer is an unknown rank: nothing is guessed.
"""

from __future__ import annotations

from workbench.disk.nodes import attr
from workbench.graph.level import Level, Value
from workbench.graph.trace import LOOPING, origin, returned_by, rounds
from workbench.model import shapes, tensors
from workbench.model.shapes import Shape

_UNARY = """
    Identity IdentityN StopGradient PreventGradient CheckNumerics Cast Relu Relu6 LeakyRelu Elu Selu Softmax
    LogSoftmax Sigmoid Tanh Softplus Softsign Exp Log Log1p Neg Abs Sign Square Sqrt Rsqrt Floor Ceil Round
    Rint Sin Cos Tan Erf Reciprocal Inv LogicalNot IsNan IsInf IsFinite ZerosLike OnesLike BiasAdd AsString
    StringLower StringUpper ClipByValue
"""
_AS_FIRST = frozenset(_UNARY.split())
_BINARY_OPS = """
    Add AddV2 Sub Mul Div RealDiv TruncateDiv FloorDiv FloorMod Mod Pow Maximum Minimum SquaredDifference
    DivNoNan MulNoNan Less LessEqual Greater GreaterEqual Equal NotEqual LogicalAnd LogicalOr
"""
_BROADCAST = frozenset(_BINARY_OPS.split())
_MAX_STEPS = 2_000
_MAX_DEPTH = 100


class Shapes:
    """Infer shapes of tensors, followed back through calls.

    Args:
        main: the main graph.
    """

    def __init__(self, main: Level) -> None:
        self.main = main
        self._steps = 0

    def of(self, tensor: str) -> Shape:
        """Return the shape of a main graph's tensor; None for an unknown rank."""
        self._steps = _MAX_STEPS
        return self._input(self.main, tensor, 0)

    def of_value(self, value: Value) -> Shape:
        """Return the shape of a tensor at any level; None for an unknown rank."""
        self._steps = _MAX_STEPS
        return self._shape(value, 0)

    def _input(self, level: Level, entry: str, depth: int) -> Shape:
        value = level.value(entry)
        return None if value is None else self._shape(value, depth)

    def _shape(self, value: Value, depth: int) -> Shape:
        self._steps -= 1
        if self._steps <= 0 or depth >= _MAX_DEPTH:
            return None
        level, node, index = value.level, value.node, value.index
        if node is None:
            outside = level.given(value)
            if outside is None or _varies(value):
                return _of_argument(value)
            return self._shape(outside, depth)
        if level.function is not None and level.body.output_ranges(value.name) is None:
            return None  # which of the outputs it is can't be told
        told = tensors.output_shape(node, index, level.meta.producer)
        if told is not None:
            return told
        result = returned_by(value)
        if result is not None:
            return self._shape(result, depth + 1)
        data = [text for text in node.input if not text.startswith("^")]
        if node.op in _AS_FIRST and len(data) > index:
            return self._input(level, data[index], depth + 1)
        if node.op in _BROADCAST and len(data) == 2:
            return _broadcast(*(self._input(level, text, depth + 1) for text in data))
        if node.op == "MatMul" and len(data) == 2:
            left, right = (self._input(level, text, depth + 1) for text in data)
            return _matmul(left, right, attr(node, "transpose_a").b, attr(node, "transpose_b").b)
        if node.op == "ReadVariableOp":
            handle = level.input(node, 0)
            variable = None if handle is None else origin(handle).node
            if variable is not None and variable.op == "VarHandleOp" and "shape" in variable.attr:
                return shapes.from_proto(variable.attr["shape"].shape)
        return None


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


def _broadcast(left: Shape, right: Shape) -> Shape:
    """Return the shape that numpy broadcasts two shapes to.

    Sizes that contradict each other become unknown.
    """
    if left is None or right is None:
        return None
    rank = max(len(left), len(right))
    one = (1,) * (rank - len(left)) + left
    two = (1,) * (rank - len(right)) + right
    return tuple(_together(a, b) for a, b in zip(one, two, strict=True))


def _together(one: int | None, two: int | None) -> int | None:
    if one == 1:
        return two
    if two == 1:
        return one
    if one is None or two is None:
        return two if one is None else one
    return one if one == two else None


def _matmul(left: Shape, right: Shape, turn_left: bool, turn_right: bool) -> Shape:
    rows = left[int(turn_left)] if left is not None and len(left) == 2 else None
    columns = right[int(not turn_right)] if right is not None and len(right) == 2 else None
    return (rows, columns)
