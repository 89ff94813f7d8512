"""Ops that work on each element, or broadcast their inputs."""

from __future__ import annotations

from workbench.graph.shape_inference.rules import Op, Pin, Refused, rule
from workbench.graph.shape_inference.sizes import (
    BATCH,
    Facts,
    Rows,
    Size,
    Sizes,
    divided,
    text,
    times,
    within,
)

_UNARY = """
    StopGradient PreventGradient CheckNumerics Relu Relu6 LeakyRelu Elu Selu Sigmoid Tanh Softplus Softsign Exp Expm1
    Log Log1p Neg Abs Sign Square Sqrt Rsqrt Floor Ceil Round Rint Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh
    Atanh Erf Erfc Erfinv Ndtri Lgamma Digamma Reciprocal Inv LogicalNot IsNan IsInf IsFinite AsString
    StringLower StringUpper StringStrip StringLength StringToNumber StringToHashBucketFast StringToHashBucketStrong
    StringToHashBucket RegexReplace StaticRegexReplace RegexFullMatch StaticRegexFullMatch DecodeBase64 EncodeBase64
    Substr Bucketize ClipByValue FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars QuantizeAndDequantize
    QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 BitwiseNot Invert Conj Real Imag Angle
    ComplexAbs Snapshot DeepCopy BesselI0e BesselI1e LookupTableSize
"""
_SAME = "Identity Cast RefIdentity CopyOnRead Enter RefEnter Exit RefExit NextIteration Print"
_BINARY = """
    Add AddV2 Sub Mul Div RealDiv TruncateDiv FloorDiv FloorMod Mod TruncateMod Pow Maximum Minimum SquaredDifference
    DivNoNan MulNoNan Xdivy Xlogy Xlog1py Less LessEqual Greater GreaterEqual Equal NotEqual LogicalAnd LogicalOr
    ApproximateEqual Atan2 BitwiseAnd BitwiseOr BitwiseXor LeftShift RightShift Complex NextAfter Igamma Igammac
    SelectV2 Zeta Polygamma
"""


@rule(_UNARY)
def unary(op: Op) -> list[Facts]:
    """Return the shape of the first input."""
    return [op.input(0).of(op.input(0).sizes)]


@rule(_SAME)
def same(op: Op) -> list[Facts]:
    """Return all that is known of the first input."""
    return [op.input(0)] * op.outputs


@rule("IdentityN")
def same_of_each(op: Op) -> list[Facts]:
    """Return all that is known of each input."""
    return list(op.inputs)


@rule("ZerosLike OnesLike")
def filled_like(op: Op) -> list[Facts]:
    """Return a tensor of one value."""
    return [Facts(op.input(0).sizes, uniform=True)]


@rule(_BINARY)
def broadcast(op: Op) -> list[Facts]:
    """Return the shape that numpy broadcasts the inputs to."""
    op.lift()
    sizes = broadcast_sizes(op, range(len(op.inputs)))
    uniform = all(facts.uniform for facts in op.inputs)
    random = any(facts.random for facts in op.inputs)
    kept = any(facts.kept for facts in op.inputs) and not any(
        facts.axis is not None and not facts.kept for facts in op.inputs
    )
    alike = sizes is not None and all(
        facts.alike or facts.uniform or facts.rank != len(sizes) or (facts.sizes or (None,))[0] == 1
        for facts in op.inputs
    )
    return [Facts(sizes, _value(op), uniform=uniform, alike=alike, random=random, kept=kept)]


def broadcast_sizes(op: Op, positions: range, *, last: int | None = None) -> Sizes:
    """Return the shape that some inputs broadcast to; an input that lacks rows of the batch is spread.

    Args:
        op: the node.
        positions: of the inputs.
        last: the number of last dimensions that take no part in it.
    """
    cut = -last if last else None
    all_sizes = [op.input(position).sizes for position in positions]
    if any(sizes is None for sizes in all_sizes):
        if any(op.has_rows(op.input(position)) for position in positions):
            raise Refused("reshape-op", "the rank of an input is not known")
        return None
    rank = max((len(sizes[:cut]) for sizes in all_sizes if sizes is not None), default=0)
    found: list[Size] = []
    for back in range(rank, 0, -1):
        found.append(_together(op, positions, back, last or 0))
    if sum(isinstance(size, Rows) for size in found) > 1:
        raise Refused("reshape-rows", "it combines each row of the batch with each other row")
    return tuple(found)


def _together(op: Op, positions: range, back: int, last: int) -> Size:
    """Return the size of one dimension, counted from the last that takes part."""
    sizes: dict[int, Size] = {}
    for position in positions:
        own = op.input(position).sizes
        assert own is not None
        if len(own) >= back + last:
            sizes[position] = own[len(own) - back - last]
    rows = {size for size in sizes.values() if isinstance(size, Rows)}
    if not rows:
        known = {size for size in sizes.values() if size != 1}
        if not known:
            return 1
        sure = {size for size in known if size is not None}
        return sure.pop() if len(sure) == 1 else None
    if len(rows) > 1:
        factors = {size.factor for size in rows}
        if None in factors and len({size.outer for size in rows}) == 1:
            return next(size for size in rows if size.inner is None)
        raise Refused("reshape-rows", "its inputs have different multiples of the batch in one dimension")
    (size,) = rows
    for position, other in sizes.items():
        if isinstance(other, int) and other != 1:
            if size != BATCH:
                raise Refused(
                    "reshape-pinned", f"{op.named(position)} has the size {other} where {size} is expected"
                )
            own = op.input(position).sizes
            assert own is not None
            op.spread(position, len(own) - back - last)
    return size


def _value(op: Op) -> tuple[Size, ...] | None:
    """Return the result of an integer computation on sizes, or None."""
    if len(op.inputs) != 2:
        return None
    left, right = op.input(0).value, op.input(1).value
    if left is None or right is None or not (len(left) == len(right) or 1 in (len(left), len(right))):
        return None
    count = max(len(left), len(right))
    return tuple(_computed(op.node.op, left[at % len(left)], right[at % len(right)]) for at in range(count))


def _computed(kind: str, one: Size, other: Size) -> Size:
    if kind == "Mul":
        return times(one, other)
    if kind in ("FloorDiv", "TruncateDiv", "Div"):
        return divided(one, other)
    if kind in ("AddV2", "Add") and 0 in (one, other):
        return other if one == 0 else one
    if kind == "Sub" and other == 0:
        return one
    if isinstance(one, int) and isinstance(other, int):
        match kind:
            case "AddV2" | "Add":
                return one + other
            case "Sub":
                return one - other
            case "Maximum":
                return max(one, other)
            case "Minimum":
                return min(one, other)
            case "FloorMod" if other > 0:
                return one % other
            case "Pow" if 0 <= other < 32:
                return within(int(one**other)) if abs(one) < 1 << 31 else None
    if kind in ("Maximum", "Minimum") and one == other:
        return one
    return None


@rule("BiasAdd BiasAddV1")
def biased(op: Op) -> list[Facts]:
    """Return the shape of the first input; one row of a batch of 1 may have been taken for a bias."""
    facts, bias = op.input(0), op.input(1)
    if op.has_rows(bias):
        if op.attr("data_format").s.startswith(b"NC") or facts.axis != 0 or not bias.kept:
            raise Refused("reshape-rows", f"{op.named(1)} is a bias, and it has the batch")
        op.pins.append(Pin(1, op="AddV2"))
        return broadcast(op)
    return [facts.of(facts.sizes)._replace(uniform=facts.uniform and bias.uniform)]


@rule("AddN AccumulateNV2")
def sum_of_all(op: Op) -> list[Facts]:
    """Return the shape of inputs of one shape."""
    op.same_rows(range(len(op.inputs)))
    first = next((facts for facts in op.inputs if facts.sizes is not None), op.input(0))
    return [first.of(first.sizes)._replace(uniform=all(facts.uniform for facts in op.inputs))]


@rule("Select")
def chosen(op: Op) -> list[Facts]:
    """Return the shape of both values; the condition may be one for each row."""
    op.same_rows((1, 2))
    condition, value = op.input(0), op.input(1)
    if condition.axis is not None and value.axis != condition.axis:
        raise Refused("reshape-rows", "the condition has the batch in another dimension than the values")
    return [value.of(value.sizes)._replace(uniform=all(facts.uniform for facts in op.inputs))]


@rule("EnsureShape")
def ensured(op: Op) -> list[Facts]:
    """Return the input; sizes that the attr fixes are known."""
    facts, declared = op.input(0), op.attr("shape").shape
    if declared.unknown_rank or (facts.sizes is not None and len(facts.sizes) != len(declared.dim)):
        return [facts]
    sizes: list[Size] = []
    for at, dim in enumerate(declared.dim):
        own = None if facts.sizes is None else facts.sizes[at]
        sizes.append(own if isinstance(own, Rows) or dim.size < 0 else int(dim.size))
        if (
            isinstance(own, Rows)
            and dim.size >= 0
            and (own.factor is None or dim.size != own.factor * (op.batch or 0))
        ):
            raise Refused(
                "reshape-pinned",
                f"it requires the size {dim.size} where its input {text(facts.sizes)} has the batch",
            )
    if facts.sizes is None and op.carried():
        raise Refused("reshape-op", "the rank of an input is not known")
    return [facts._replace(sizes=tuple(sizes))]


@rule("Switch RefSwitch _SwitchN")
def switched(op: Op) -> list[Facts]:
    """Return the first input, for each branch."""
    return [op.input(0)] * op.outputs


@rule("LookupTableFind LookupTableFindV2")
def looked_up(op: Op) -> list[Facts]:
    """Return the shape of the keys."""
    return [op.input(1).of(op.input(1).sizes)]
