"""The shape of a tensor as far as a few ops tell it: enough to see that a signature's output is declared wrongly.

Ops that are not known here end the trail, and the answer is an unknown rank: nothing is guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.disk.nodes import attr
from workbench.graph.scope import Scope
from workbench.graph.trace import Frame, entered, origin, resolve
from workbench.model import shapes, tensors
from workbench.model.op_classes import CALLS
from workbench.model.shapes import Shape

if TYPE_CHECKING:
    from workbench.graph.trace import Bodies
    from workbench.model.meta import MetaGraph

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
    """Shapes of tensors, followed back through calls.

    Args:
        main: the main graph.
        bodies: finds a function's body by its name.
    """

    def __init__(self, main: Scope, bodies: Bodies) -> None:
        self.main = main
        self.bodies = bodies
        self._steps = 0

    @classmethod
    def of_meta(cls, meta: MetaGraph) -> Shapes:
        """For the main graph of a MetaGraph; a body is looked at when a trail leads into it."""
        bodies: dict[str, Scope] = {}

        def body(name: str) -> Scope | None:
            if name not in bodies and name in meta.functions:
                function = meta.functions[name]
                bodies[name] = Scope(meta, name, function.node_def, function)
            return bodies.get(name)

        return cls(Scope(meta, "", meta.graph.node), body)

    def of(self, tensor: str) -> Shape:
        """The shape of a tensor of the main graph, None where the rank is not known."""
        self._steps = _MAX_STEPS
        return self._entry(Frame(self.main), tensor, 0)

    def _entry(self, frame: Frame, entry: str, depth: int) -> Shape:
        self._steps -= 1
        output = resolve(frame, entry) if self._steps > 0 and depth < _MAX_DEPTH else None
        if output is None:
            return None
        node, index = output.node, output.index
        told = tensors.output_shape(node, index, frame.scope.meta.producer)
        if told is not None:
            return told
        if node.op in CALLS:
            inner = entered(output, self.bodies)
            return None if inner is None else self._entry(*inner, depth + 1)
        data = [text for text in node.input if not text.startswith("^")]
        if node.op in _AS_FIRST and len(data) > index:
            return self._entry(output.frame, data[index], depth + 1)
        if node.op in _BROADCAST and len(data) == 2:
            return _broadcast(*(self._entry(output.frame, text, depth + 1) for text in data))
        if node.op == "MatMul" and len(data) == 2:
            left, right = (self._entry(output.frame, text, depth + 1) for text in data)
            return _matmul(left, right, attr(node, "transpose_a").b, attr(node, "transpose_b").b)
        if node.op == "ReadVariableOp" and data:
            handle = origin(output.frame, data[0], self.bodies)
            if handle is not None and handle.node.op == "VarHandleOp" and "shape" in handle.node.attr:
                return shapes.from_proto(handle.node.attr["shape"].shape)
        return None


def _broadcast(left: Shape, right: Shape) -> Shape:
    """Shapes as numpy brings them together; sizes that contradict each other become unknown."""
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
