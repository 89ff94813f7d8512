"""The table of ops: what each makes of the shapes and the batch of its inputs."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.disk import optable, schema
from workbench.graph.shape_inference.rules import Context, Op, Refused
from workbench.graph.shape_inference.sizes import (
    BATCH,
    Facts,
    Rows,
    Size,
    divided,
    either,
    plain,
    product,
    text,
    times,
)
from workbench.graph.shape_inference.table import infer

B = BATCH


def tensor(*sizes: Size) -> Facts:
    return Facts(sizes)


def ints(*values: Size) -> Facts:
    return Facts((len(values),), values)


def number(value: Size) -> Facts:
    return Facts((), (value,))


def applied(kind: str, *inputs: Facts, batch: int | None = None, outputs: int = 1, **attrs: Any) -> Op:
    """A node with the facts of its inputs; an attr is a number, a flag, bytes or a list of numbers."""
    node = schema.NodeDef(name="y", op=kind, input=[f"x{at}" for at in range(len(inputs))])
    for name, value in attrs.items():
        if isinstance(value, bool):
            node.attr[name].b = value
        elif isinstance(value, int):
            node.attr[name].i = value
        elif isinstance(value, bytes):
            node.attr[name].s = value
        else:
            node.attr[name].list.i.extend(value)
    return Op(node, optable.lookup(kind), list(inputs), "y", Context(batch), outputs=outputs)


NHWC = {"strides": [1, 2, 2, 1], "data_format": b"NHWC"}
FILTER = tensor(3, 3, 4, 8)


@pytest.mark.parametrize(
    ("op", "shapes"),
    [
        (applied("AddV2", tensor(B, 1, 4), tensor(5, 1)), "[batch,5,4]"),
        (applied("Mul", tensor(B, 4), tensor(1, 4), batch=1), "[batch,4]"),
        (applied("SelectV2", tensor(B, 1), tensor(B, 4), tensor()), "[batch,4]"),
        (applied("Conv2D", tensor(B, 9, 8, 4), FILTER, padding=b"SAME", **NHWC), "[batch,5,4,8]"),
        (applied("Conv2D", tensor(B, 9, 8, 4), FILTER, padding=b"VALID", **NHWC), "[batch,4,3,8]"),
        (
            applied(
                "Conv2D", tensor(B, 4, 9, 8), FILTER, padding=b"VALID", strides=[1, 1, 1, 1],
                dilations=[1, 1, 2, 2], data_format=b"NCHW",
            ),
            "[batch,8,5,4]",
        ),
        (
            applied(
                "Conv2D", tensor(B, 9, 9, 4), FILTER, padding=b"EXPLICIT",
                explicit_paddings=[0, 0, 1, 1, 2, 0, 0, 0], **NHWC,
            ),
            "[batch,5,5,8]",
        ),
        (
            applied("DepthwiseConv2dNative", tensor(B, 8, 8, 4), tensor(3, 3, 4, 2), padding=b"SAME", **NHWC),
            "[batch,4,4,8]",
        ),
        (
            applied("MaxPool", tensor(B, 9, 9, 4), ksize=[1, 3, 3, 1], padding=b"VALID", **NHWC),
            "[batch,4,4,4]",
        ),
        (applied("MatMul", tensor(B, 4), tensor(4, 5)), "[batch,5]"),
        (applied("MatMul", tensor(4, 3), tensor(B, 4), transpose_a=True, transpose_b=True), "[3,batch]"),
        (applied("BatchMatMulV2", tensor(B, 2, 3, 4), tensor(1, 2, 4, 5)), "[batch,2,3,5]"),
        (applied("BatchMatMulV2", tensor(B, 2, 3, 4), tensor(B, 2, 5, 4), adj_y=True), "[batch,2,3,5]"),
        (applied("Einsum", tensor(B, 5, 4), tensor(4, 2, 3), equation=b"abc,cde->abde"), "[batch,5,2,3]"),
        (applied("Einsum", tensor(B, 5, 4), tensor(4, 3), equation=b"...c,cd->...d"), "[batch,5,3]"),
        (applied("Einsum", tensor(B, 7, 2, 4), tensor(B, 5, 2, 4), equation=b"bqhd,bkhd->bhqk"), "[batch,2,7,5]"),
        (applied("Sum", tensor(B, 3, 4), ints(1, -1)), "[batch]"),
        (applied("Max", tensor(B, 3, 4), number(1), keep_dims=True), "[batch,1,4]"),
        (applied("ArgMax", tensor(B, 3, 4), number(-1)), "[batch,3]"),
        (applied("TopKV2", tensor(B, 9), number(3), outputs=2), "[batch,3] [batch,3]"),
        (applied("Transpose", tensor(B, 3, 4), ints(1, 2, 0)), "[3,4,batch]"),
        (applied("ExpandDims", tensor(B, 4), number(-1)), "[batch,4,1]"),
        (applied("Squeeze", tensor(B, 1, 4, 1), squeeze_dims=[-1]), "[batch,1,4]"),
        (applied("Pack", tensor(B, 4), tensor(B, 4), axis=1), "[batch,2,4]"),
        (applied("Unpack", tensor(B, 2, 4), axis=1, num=2, outputs=2), "[batch,4] [batch,4]"),
        (applied("ConcatV2", tensor(B, 4), tensor(B, 5), number(-1)), "[batch,9]"),
        (applied("Concat", number(1), tensor(B, 4), tensor(B, 5)), "[batch,9]"),
        (applied("Split", number(1), tensor(B, 6), num_split=3, outputs=3), "[batch,2] [batch,2] [batch,2]"),
        (applied("SplitV", tensor(B, 6), ints(2, -1), number(1), outputs=2), "[batch,2] [batch,4]"),
        (applied("GatherV2", tensor(10, 4), tensor(B, 3), number(0)), "[batch,3,4]"),
        (applied("GatherV2", tensor(B, 9, 4), tensor(2), number(1)), "[batch,2,4]"),
        (applied("GatherV2", tensor(B, 9, 4), tensor(B, 2), number(1), batch_dims=1), "[batch,2,4]"),
        (applied("GatherNd", tensor(9, 8, 4), tensor(B, 5, 2)), "[batch,5,4]"),
        (applied("Tile", tensor(B, 4), ints(1, 3)), "[batch,12]"),
        (applied("Tile", tensor(1, 4), ints(B, 1)), "[batch,4]"),
        (applied("Fill", ints(B, 3), number(None)), "[batch,3]"),
        (applied("Range", number(0), number(7), number(2)), "[4]"),
        (applied("OneHot", tensor(B, 3), number(9)), "[batch,3,9]"),
        (applied("PadV2", tensor(B, 4), Facts((2, 2), (0, 0, 1, 2)), number(0)), "[batch,7]"),
        (applied("ResizeBilinear", tensor(B, 5, 5, 3), ints(8, 9)), "[batch,8,9,3]"),
        (applied("DepthToSpace", tensor(B, 2, 3, 12), block_size=2, data_format=b"NHWC"), "[batch,4,6,3]"),
        (applied("SpaceToDepth", tensor(B, 4, 6, 3), block_size=2, data_format=b"NHWC"), "[batch,2,3,12]"),
        (applied("SpaceToBatchND", tensor(B, 5, 6, 3), ints(2, 2), ints(0, 1, 0, 0)), "[4×batch,3,3,3]"),
        (applied("BatchToSpaceND", tensor(Rows(4), 3, 3, 3), ints(2, 2), ints(0, 1, 0, 0)), "[batch,5,6,3]"),
        (applied("Reshape", tensor(B, 7, 5), ints(-1, 5)), "[batch×7,5]"),
        (applied("Reshape", tensor(Rows(1, 7), 5), ints(B, 7, 5)), "[batch,7,5]"),
        (applied("Reshape", tensor(B, None, 5), ints(Rows(1, None), 5)), "[batch×?,5]"),
        (applied("LookupTableFindV2", tensor(), tensor(B, 2), tensor()), "[batch,2]"),
        (applied("ReverseSequence", tensor(B, 9, 4), tensor(B), seq_dim=1, batch_dim=0), "[batch,9,4]"),
        (applied("CombinedNonMaxSuppression", tensor(B, 9, 1, 4), tensor(B, 9, 2), number(3), number(5), outputs=4),
         "[batch,5,4] [batch,5] [batch,5] [batch]"),
    ],
    ids=lambda one: one.node.op if isinstance(one, Op) else "",
)  # fmt: skip
def test_shapes(op: Op, shapes: str) -> None:
    assert " ".join(text(facts.sizes) for facts in infer(op)) == shapes
    assert op.pins == []


@pytest.mark.parametrize(
    ("op", "value"),
    [
        (applied("Shape", tensor(B, 7)), (B, 7)),
        (applied("StridedSlice", ints(B, 7, 5), ints(1), ints(2), ints(1), shrink_axis_mask=1), (7,)),
        (applied("StridedSlice", ints(B, 7, 5), ints(-2), ints(0), ints(1), end_mask=1), (7, 5)),
        (applied("Prod", ints(B, 7, 5), ints(0)), (Rows(1, 35),)),
        (applied("Mul", number(B), number(7)), (Rows(1, 7),)),
        (applied("FloorDiv", number(Rows(1, 35)), number(5)), (Rows(1, 7),)),
        (applied("ConcatV2", ints(B), ints(7, 5), number(0)), (B, 7, 5)),
        (applied("Pack", number(B), number(7)), (B, 7)),
        (applied("GatherV2", ints(B, 7, 5), ints(2, 0), number(0)), (5, B)),
        (applied("Size", tensor(B, 7)), (Rows(1, 7),)),
        (applied("Cast", number(B)), (B,)),
        (applied("Slice", ints(B, 7, 5), ints(1), ints(2)), (7, 5)),
        (applied("Sub", number(B), number(1)), (None,)),
    ],
    ids=lambda one: one.node.op if isinstance(one, Op) else "",
)
def test_sizes_as_values(op: Op, value: tuple[Size, ...]) -> None:
    assert infer(op)[0].value == value


@pytest.mark.parametrize(
    ("op", "code"),
    [
        (applied("Reshape", tensor(B, 4), ints(4, B)), "reshape-rows"),
        (applied("Reshape", tensor(B, 4), Facts((2,))), "reshape-pinned"),
        (applied("Reshape", tensor(2, 3), ints(B, 3)), "reshape-pinned"),
        (applied("Conv2D", tensor(3, B, 8, 4), FILTER, padding=b"SAME", **NHWC), "reshape-rows"),
        (applied("Conv2D", tensor(3, 8, 8, 4), tensor(3, 3, B, 8), padding=b"SAME", **NHWC), "reshape-rows"),
        (applied("BatchMatMulV2", tensor(2, 3, B), tensor(2, B, 5)), "reshape-rows"),
        (applied("Sum", tensor(B, 3), Facts((1,))), "reshape-op"),
        (applied("SpaceToBatchND", tensor(B, 4, 4, 3), Facts((2,)), ints(0, 0, 0, 0)), "reshape-op"),
        (applied("BatchToSpaceND", tensor(B, 3, 3, 3), ints(2, 2), ints(0, 0, 0, 0)), "reshape-rows"),
        (applied("PadV2", tensor(B, 4), Facts((2, 2), (0, 1, 0, 0)), number(0)), "reshape-rows"),
        (applied("GatherNd", tensor(B, 4), tensor(5, 1)), "reshape-rows"),
        (applied("TensorListFromTensor", tensor(Rows(1, 2), 4), ints(4)), "reshape-pinned"),
        (applied("AddV2", tensor(B, 4), Facts((4,), row=True)), "reshape-rows"),
        (applied("Multinomial", tensor(B, 4), number(1)), "reshape-rows"),
        (applied("AddV2", tensor(B, 4), tensor(Rows(1, 2), 4)), "reshape-rows"),
    ],
    ids=lambda one: one.node.op if isinstance(one, Op) else "",
)  # fmt: skip
def test_refused(op: Op, code: str) -> None:
    with pytest.raises(Refused) as refused:
        infer(op)
    assert refused.value.code == code


def test_an_op_without_a_rule_gives_what_it_declares() -> None:
    op = applied("Unique", tensor(4), outputs=2)
    op.declared = [(None,), (4,)]
    assert [facts.sizes for facts in infer(op)] == [(None,), (4,)]


def test_arithmetic_of_sizes() -> None:
    assert times(B, 7) == Rows(1, 7) and times(7, B) == Rows(7) and times(B, B) is None
    assert times(B, None) == Rows(1, None) and times(None, B) is None and times(3, 4) == 12
    assert divided(Rows(4, 6), 3) == Rows(4, 2) and divided(Rows(4, 5), 2) == Rows(2, 5)
    assert divided(Rows(1, 35), Rows(1, 5)) == 7 and divided(B, 2) is None and divided(None, 2) is None
    assert product((2, B, 3)) == Rows(2, 3) and product(()) == 1 and product((2, None)) is None
    assert either((B, 4), (B, 5)) == (B, None) and either((4,), (4, 4)) is None
    assert plain((B, 4, None)) == (None, 4, None) and plain(None) is None
    assert text((Rows(2, 3), None)) == "[2×batch×3,?]" and text(None) == "[?…]"


def test_numbers_stay_small() -> None:
    """A graph of a few nodes can square a number many times: what no tensor holds is unknown."""
    size: Size = 1 << 40
    assert times(size, size) is None and times(Rows(1, 1 << 40), size) == Rows(1, None)
    assert infer(applied("Pow", number(1 << 40), number(31)))[0].value == (None,)
    assert infer(applied("ConcatV2", Facts((1 << 40,)), ints(1), number(0)))[0].value is None
    assert infer(applied("Reshape", tensor(4), Facts((1 << 40,))))[0].sizes is None


def test_a_list_of_rows() -> None:
    """Its items are rows; what rows are put into has an entry for each, and is stacked to the batch again."""
    listed = applied("TensorListFromTensor", tensor(B, 4), ints(4), batch=3)
    (rows,) = infer(listed)
    context = listed.context
    assert context.lengths["y"] == B and context.items["y"] == Facts((4,), row=True)

    def then(kind: str, site: str, *inputs: Facts, **attrs: Any) -> Op:
        op = applied(kind, *inputs, batch=3, **attrs)
        op.context, op.site = context, site
        return op

    (row,) = infer(then("TensorListGetItem", "get", rows, number(None), ints(4)))
    (made,) = infer(then("TensorListReserve", "made", ints(4), number(3)))
    (doubled,) = infer(then("Mul", "twice", row, tensor()))
    assert doubled == Facts((4,), row=True)
    infer(then("TensorListSetItem", "set", made, number(None), doubled))
    assert context.changed, "the list was made before it was known that rows are put into it"
    again = then("TensorListReserve", "made", ints(4), number(3))
    infer(again)
    assert [pin.value for pin in again.pins] == [(B,)] and context.lengths["made"] == B
    stack = then("TensorListStack", "stack", made, ints(4), num_elements=3)
    assert infer(stack) == [Facts((B, 4))]
    assert [pin.masks for pin in stack.pins] == [(("num_elements", -1),)]
