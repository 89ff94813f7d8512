"""Reshape: what pins a batch is replaced, and models whose rows depend on each other are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.protos import function as function_def
from tests.protos import node as node_def
from tests.surgery.reshaping.batches import Fixed
from tests.surgery.tools import Refused, changed, codes, made
from workbench.disk.tensor_proto import to_array
from workbench.model import MetaGraph, Model, open_model
from workbench.model.shapes import Shape
from workbench.publishing.reference import chain
from workbench.surgery.operations.reshape import Reshape
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.signatures.changes import Added
from workbench.surgery.step import parse_step, print_step

Made = Callable[[Path], Model]
FREE = Reshape("?")


def value_of(meta: MetaGraph, node: str, position: int) -> Any:
    """The constant that an input of a node is, or the op that computes it."""
    source = meta.nodes[meta.nodes[node].input[position]]
    if source.op != "Const":
        return source.op
    array = to_array(source.attr["value"].tensor)
    assert array is not None
    return array.tolist()


# -- what pins the batch, and what it becomes


@pytest.mark.parametrize(
    ("shape", "target", "wanted", "output"),
    [
        ((1, 28, 28), [1, 784], [-1, 784], (None, 784)),
        ((1, 28, 28), [1, -1], [-1, 784], (None, 784)),
        ((1, 28, 28), [-1, 784], [-1, 784], (None, 784)),
        ((1, 7, 7, 5), [49, 5], [-1, 5], (None, 5)),
        ((8, 7, 7, 5), [8 * 49, 5], [-1, 5], (None, 5)),
        ((8, 4), [8, 2, 2], [-1, 2, 2], (None, 2, 2)),
        ((1, 6), [1, 1, 6], [-1, 1, 6], (None, 1, 6)),
        ((2, 2, 2), [2, 2, 2, 1], [-1, 2, 2, 1], (None, 2, 2, 1)),
    ],
)
def test_the_target_of_a_reshape(
    tmp_path: Path, shape: Shape, target: list[int], wanted: list[int], output: Shape
) -> None:
    graph = (
        Fixed(tmp_path, shape).ints("to", *target).op("y", "Reshape", "x", "to", T="float32", Tshape="int32")
    )
    old = tuple(784 if size == -1 else size for size in target)
    draft = made(graph.model(shape=old), FREE)
    assert value_of(draft.meta, "y", 1) == wanted
    signature = draft.meta.signatures["serving_default"]
    assert signature.outputs["y"].shape == output
    assert signature.inputs["x"].shape == (None, *(shape or ())[1:])
    rows = chain(draft, "serving_default").rows
    assert rows is not None and shape is not None
    assert (rows.size, rows.inputs, rows.outputs) == (shape[0], {"x": 0}, {"y": 0})


@pytest.mark.parametrize(
    ("target", "new", "again", "wanted"),
    [([784], [-1, 784], [1, 784], [-1, 784]), ([28, 28], [-1, 28, 28], [1, 14, 56], [-1, 14, 56])],
)
def test_a_target_without_the_batch(
    tmp_path: Path, target: list[int], new: list[int], again: list[int], wanted: list[int]
) -> None:
    """The only row, flat or as it is: the batch stays in front of it, until a target begins with 1 again."""
    graph = Fixed(tmp_path, (1, 28, 28)).ints("to", *target).ints("back", *again)
    graph.op("r", "Reshape", "x", "to", T="float32", Tshape="int32")
    graph.op("n", "Neg", "r", T="float32").op("y", "Reshape", "n", "back", T="float32", Tshape="int32")
    draft = made(graph.model(shape=tuple(again)), FREE)
    assert value_of(draft.meta, "r", 1) == new and value_of(draft.meta, "y", 1) == wanted
    assert [one.code for one in draft.findings if one.severity != "info"] == []


def test_an_output_of_several_entries_a_row(tmp_path: Path) -> None:
    graph = (
        Fixed(tmp_path, (1, 7, 5))
        .ints("to", -1, 5)
        .op("y", "Reshape", "x", "to", T="float32", Tshape="int32")
    )
    draft = made(graph.model(shape=(7, 5)), FREE)
    (warning,) = (one for one in draft.findings if one.severity == "warning")
    assert warning.code == "reshape-output" and "[batch×7,5]" in warning.message


def test_a_target_with_two_unknown_sizes_gets_the_batch_from_the_input(tmp_path: Path) -> None:
    """[1, -1, 4] of a tensor whose second dimension is free: one -1 is all that a Reshape takes."""
    graph = Fixed(tmp_path, (1, None, 8)).ints("to", 1, -1, 4)
    draft = made(graph.op("y", "Reshape", "x", "to", T="float32", Tshape="int32").model(), FREE)
    assert value_of(draft.meta, "y", 1) == "Pack"
    pack = draft.meta.nodes[draft.meta.nodes["y"].input[1]]
    assert [draft.meta.nodes[name].op for name in pack.input] == ["StridedSlice", "Const", "Const"]
    shape = draft.meta.nodes[draft.meta.nodes[pack.input[0]].input[0]]
    assert (shape.op, list(shape.input)) == ("Shape", ["x"])


def with_vector(kind: str, *old: int, shape: tuple[int, ...] = (1, 4), at: int = 1, **attrs: Any) -> Made:
    """`y` of an op with a constant vector at one of its inputs."""

    def make(folder: Path) -> Model:
        graph = (
            Fixed(folder, shape).ints("v", *old).ints("zeros", *[0] * len(old)).ints("ones", *[1] * len(old))
        )
        others = {"Slice": ["x", "zeros", "v"], "StridedSlice": ["x", "zeros", "v", "ones"]}
        return graph.op("y", kind, *others.get(kind, ["x", "v"]), T="float32", **attrs).model()

    return make


@pytest.mark.parametrize(
    ("make", "position", "wanted"),
    [
        (with_vector("BroadcastTo", 1, 4), 1, "Pack"),
        (with_vector("Slice", 1, 2, Index="int32"), 2, [-1, 2]),
        (with_vector("Slice", 8, 2, shape=(8, 4), Index="int32"), 2, [-1, 2]),
        (with_vector("Tile", 1, 2), 1, [1, 2]),
    ],
)
def test_vectors_of_sizes(tmp_path: Path, make: Made, position: int, wanted: Any) -> None:
    draft = made(make(tmp_path), FREE)
    assert value_of(draft.meta, "y", position) == wanted


def test_the_shape_of_a_transposed_convolution(tmp_path: Path) -> None:
    graph = Fixed(tmp_path, (1, 4, 4, 3)).ints("sizes", 1, 8, 8, 2).floats("w", (3, 3, 2, 3), 1.0)
    graph.op("y", "Conv2DBackpropInput", "sizes", "w", "x", T="float32", padding=b"SAME", data_format=b"NHWC")
    graph.meta.graph_def.node[-1].attr["strides"].list.i.extend([1, 2, 2, 1])
    draft = made(graph.model(shape=(1, 8, 8, 2)), FREE)
    assert value_of(draft.meta, "y", 0) == "Pack"
    assert draft.meta.signatures["serving_default"].outputs["y"].shape == (None, 8, 8, 2)


def test_a_row_that_is_joined_to_each_row_is_repeated(tmp_path: Path) -> None:
    graph = Fixed(tmp_path).floats("row", (1, 2), 1.0, 2.0).ints("axis", 1, scalar=True)
    draft = made(graph.op("y", "ConcatV2", "x", "row", "axis", N=2, T="float32").model(shape=(1, 6)), FREE)
    nodes = draft.meta.nodes
    assert nodes["y"].input[0] == "x"
    tile = nodes[nodes["y"].input[1]]
    assert (tile.op, tile.input[0]) == ("Tile", "row")
    assert [nodes[name].op for name in nodes[tile.input[1]].input] == ["StridedSlice", "Const"]
    assert draft.meta.signatures["serving_default"].outputs["y"].shape == (None, 6)


def test_of_equal_rows_one_is_repeated(tmp_path: Path) -> None:
    graph = Fixed(tmp_path, (3, 4)).floats("zeros", (3, 2), 0.0).ints("axis", 1, scalar=True)
    draft = made(graph.op("y", "ConcatV2", "x", "zeros", "axis", N=2, T="float32").model(), FREE)
    nodes = draft.meta.nodes
    tile = nodes[nodes["y"].input[1]]
    assert (tile.op, nodes[tile.input[0]].op) == ("Tile", "Slice")


def test_a_constant_that_broadcasts_stays(tmp_path: Path) -> None:
    draft = made(Fixed(tmp_path).floats("c", (1, 4), 2.0).op("y", "Mul", "x", "c", T="float32").model(), FREE)
    assert list(draft.meta.nodes["y"].input) == ["x", "c"]
    assert [one.code for one in draft.findings] == []


def test_what_no_signature_needs_forgets_its_shapes(tmp_path: Path) -> None:
    """A loader compares what a node has noted with what it infers: `[1,4]` in a training part is wrong for eight."""
    graph = Fixed(tmp_path).op("y", "Relu", "x", T="float32").op("loss", "Neg", "y", T="float32")
    graph.op("other", "Placeholder", dtype="float32", shape=(1, 4))
    for node in list(graph.meta.graph_def.node):
        shape = node.attr["_output_shapes"].list.shape.add()
        for size in (1, 4):
            shape.dim.add(size=size)
    draft = made(graph.model(shape=(1, 4)), Reshape(8))
    noted = {name for name, node in draft.meta.nodes.items() if "_output_shapes" in node.attr}
    assert noted == {"other"}


def test_shapes_in_attrs(tmp_path: Path) -> None:
    graph = Fixed(tmp_path).op("y", "EnsureShape", "x", T="float32", shape=(1, 4))
    draft = made(graph.model(shape=(1, 4)), FREE)
    assert [dim.size for dim in draft.meta.nodes["y"].attr["shape"].shape.dim] == [-1, 4]
    assert [dim.size for dim in draft.meta.nodes["x"].attr["shape"].shape.dim] == [-1, 4]


def test_a_squeeze_that_removed_a_batch_of_one_leaves_it(tmp_path: Path) -> None:
    """What was `[4]` for one row is `[?,4]`, as long as nothing names a dimension of it."""
    graph = Fixed(tmp_path).op("s", "Squeeze", "x", T="float32").op("y", "AddV2", "s", "x", T="float32")
    draft = made(graph.model(shape=(1, 4)), FREE)
    assert draft.meta.nodes["s"].op == "Identity"
    graph = Fixed(tmp_path / "b").op("s", "Squeeze", "x", T="float32")
    found = changed(graph.op("y", "Unpack", "s", T="float32", num=4).model(), FREE)
    assert isinstance(found, Refused) and codes(found.findings) == ["reshape-pinned"]


def test_the_batch_of_a_squeeze_that_names_no_dimensions(tmp_path: Path) -> None:
    """With another batch it would remove others: the dimensions that it removed are written down."""
    graph = Fixed(tmp_path, (8, 1, 4)).op("y", "Squeeze", "x", T="float32")
    draft = made(graph.model(shape=(8, 4)), FREE)
    assert list(draft.meta.nodes["y"].attr["squeeze_dims"].list.i) == [1]


def sliced(folder: Path, shape: tuple[int, ...], ends: tuple[int, ...], **masks: int) -> Fixed:
    """`s` is `x[0:END, 0:END]`, with masks."""
    zeros, ones = [0] * len(ends), [1] * len(ends)
    graph = Fixed(folder, shape).ints("from", *zeros).ints("to", *ends).ints("by", *ones)
    return graph.op("s", "StridedSlice", "x", "from", "to", "by", T="float32", Index="int32", **masks)


@pytest.mark.parametrize(("shape", "end"), [((1, 4), 1), ((8, 4), 8)])
def test_a_slice_of_all_rows(tmp_path: Path, shape: tuple[int, ...], end: int) -> None:
    draft = made(sliced(tmp_path, shape, (end, 2)).model("s:0", (end, 2)), FREE)
    attr = draft.meta.nodes["s"].attr
    assert (attr["begin_mask"].i, attr["end_mask"].i, attr["shrink_axis_mask"].i) == (1, 1, 0)
    assert draft.meta.signatures["serving_default"].outputs["y"].shape == (None, 2)


def test_the_only_row_stays_a_batch(tmp_path: Path) -> None:
    """`x[0]` is `[4]` for one row; what follows skips the dimension that stays, until it is a batch again."""
    graph = sliced(tmp_path, (1, 4), (1,), shrink_axis_mask=1).ints("zero", 0, scalar=True)
    graph.op("m", "Max", "s", "zero", T="float32", Tidx="int32", keep_dims=True)
    graph.op("y", "ExpandDims", "m", "zero", T="float32", Tdim="int32")
    draft = made(graph.model(shape=(1, 1)), FREE)
    nodes = draft.meta.nodes
    assert nodes["s"].attr["shrink_axis_mask"].i == 0 and nodes["s"].attr["end_mask"].i == 1
    assert value_of(draft.meta, "m", 1) == 1, "a scalar, as before"
    assert (nodes["y"].op, list(nodes["y"].input)) == ("Identity", ["m"])
    assert draft.meta.signatures["serving_default"].outputs["y"].shape == (None, 1)


def test_a_row_is_taken_apart_and_packed_again(tmp_path: Path) -> None:
    graph = Fixed(tmp_path).op("u", "Unpack", "x", T="float32", num=1).floats("w", (4,), 2.0)
    graph.op("t", "Mul", "u", "w", T="float32").op("y", "Pack", "t", T="float32", N=1)
    draft = made(graph.model(shape=(1, 4)), FREE)
    assert [draft.meta.nodes[name].op for name in "uty"] == ["Identity", "Mul", "Identity"]


def test_one_of_several_rows(tmp_path: Path) -> None:
    found = changed(sliced(tmp_path, (8, 4), (1,), shrink_axis_mask=1).model("s:0"), FREE)
    assert isinstance(found, Refused) and "takes the row 0 of the batch alone" in found.findings[0].message


# -- rows that depend on each other, and what can't be replaced


def two_ops(kind: str, *inputs: str, shape: tuple[int, ...] = (1, 4), **attrs: Any) -> Made:
    """`y` of an op with constants by name: `zero`, `one`, `minus` (scalars), `w` (4 × 4), `c` (1 × 4, of ones)."""

    def make(folder: Path) -> Model:
        graph = Fixed(folder, shape).floats("w", (4, 4), 1.0).floats("c", (1, 4), 1.0)
        for name, number in (("zero", 0), ("one", 1), ("minus", -1)):
            graph.ints(name, number, scalar=True)
        graph.ints("swap", 1, 0).op("turned", "Transpose", "x", "swap", T="float32", Tperm="int32")
        graph.floats("rows", (8, 4), *map(float, range(32)))
        types = (
            {"Tparams": "float32", "Tindices": "int32", "Taxis": "int32"}
            if kind == "GatherV2"
            else {"T": "float32"}
        )
        return graph.op("y", kind, *inputs, **types, **attrs).model()

    return make


@pytest.mark.parametrize(
    ("make", "code", "told"),
    [
        (two_ops("Mean", "x", "zero"), "reshape-rows", "mean over dimension 0"),
        (two_ops("Sum", "turned", "minus"), "reshape-rows", "sum over dimension 1"),
        (two_ops("MatMul", "w", "turned"), None, ""),
        (two_ops("MatMul", "x", "turned"), "reshape-rows", "each other row"),
        (two_ops("MatMul", "turned", "x"), "reshape-rows", "sums over dimension 1 of its input 0"),
        (two_ops("AddV2", "x", "turned", shape=(4, 4)), "reshape-rows", "each other row"),
        (two_ops("Softmax", "turned"), "reshape-rows", "normalises dimension 1"),
        (two_ops("Softmax", "x"), None, ""),
        (two_ops("Cumsum", "x", "zero"), "reshape-rows", "dimension 0"),
        (two_ops("TopKV2", "turned", "one"), "reshape-rows", "sorts dimension 1"),
        (two_ops("GatherV2", "x", "zero", "zero"), "reshape-rows", "picks entries of dimension 0"),
        (two_ops("GatherV2", "x", "zero", "one"), None, ""),
        (two_ops("Unpack", "x", axis=0, num=2, shape=(2, 4)), "reshape-rows", "takes apart dimension 0"),
        (two_ops("Einsum", "x", "w", equation=b"bi,ij->j", N=2), "reshape-rows", "label 'b'"),
        (two_ops("Einsum", "x", "w", equation=b"bi,ij->bj", N=2), None, ""),
        (two_ops("Einsum", "x", "x", equation=b"bi,ci->bc", N=2), "reshape-rows", "each other row"),
        (two_ops("L2Loss", "x"), "reshape-rows", "one number from all rows"),
        (two_ops("Unique", "x"), "reshape-op", "not known"),
        (two_ops("AddV2", "x", "rows", shape=(8, 4)), "reshape-pinned", "8 rows of its own"),
    ],
)
def test_rows_that_depend_on_each_other(tmp_path: Path, make: Made, code: str | None, told: str) -> None:
    found = changed(make(tmp_path), FREE)
    if code is None:
        assert not isinstance(found, Refused), found.findings
        return
    assert isinstance(found, Refused) and codes(found.findings) == [code]
    (finding,) = found.findings
    assert finding.where == "y" and told in finding.message


def test_statistics_of_the_batch(tmp_path: Path) -> None:
    def model(folder: Path, **attrs: Any) -> Model:
        graph = Fixed(folder, (1, 4, 4, 2))
        for name in ("scale", "offset", "mean", "variance"):
            graph.floats(name, (2,), 1.0)
        graph.op(
            "y",
            "FusedBatchNormV3",
            "x",
            "scale",
            "offset",
            "mean",
            "variance",
            T="float32",
            U="float32",
            **attrs,
        )
        return graph.model(shape=(1, 4, 4, 2))

    assert made(model(tmp_path / "a", is_training=False), FREE).meta.signatures["serving_default"].outputs[
        "y"
    ].shape == (None, 4, 4, 2)
    found = changed(model(tmp_path / "b"), FREE)  # is_training is true where the attr is left out
    assert isinstance(found, Refused) and codes(found.findings) == ["reshape-rows"]
    assert "whole batch" in found.findings[0].message


def test_rows_in_a_variable(tmp_path: Path) -> None:
    graph = Fixed(tmp_path)
    graph.op("v", "VarHandleOp", dtype="float32", shape=(1, 4)).op(
        "old", "ReadVariableOp", "v", dtype="float32"
    )
    graph.op("sum", "AddV2", "x", "old", T="float32").op(
        "set", "AssignVariableOp", "v", "sum", dtype="float32"
    )
    found = changed(graph.op("y", "Identity", "sum", "^set", T="float32").model(), FREE)
    assert isinstance(found, Refused) and codes(found.findings) == ["reshape-state"]
    assert found.findings[0].where == "set"


def test_all_problems_at_once(tmp_path: Path) -> None:
    graph = Fixed(tmp_path).ints("zero", 0, scalar=True)
    graph.op("a", "Max", "x", "zero", T="float32").op("b", "Cumsum", "x", "zero", T="float32")
    found = changed(graph.op("y", "AddV2", "a", "b", T="float32").model(), FREE)
    assert isinstance(found, Refused)
    assert [one.where for one in found.findings] == ["a", "b"]


# -- functions and loops


def in_function(folder: Path) -> Fixed:
    """`y = f(x)` with a Reshape inside `f`."""
    graph = Fixed(folder, (1, 2, 3)).op("y", "PartitionedCall", "x")
    call = graph.meta.graph_def.node[-1]
    call.attr["f"].func.name = "f"
    call.attr["Tin"].list.type.append(1)
    call.attr["Tout"].list.type.append(1)
    target = Fixed(folder / "unused").ints("to", 1, 6).meta.graph_def.node[-1]
    inner = node_def("r", "Reshape", "a", "to:output:0", T=1, Tshape=3)
    graph.meta.graph_def.library.function.append(
        function_def("f", ["a"], target, inner, returns={"out": "r:output:0"})
    )
    return graph


def test_a_function_is_copied(tmp_path: Path) -> None:
    draft = made(in_function(tmp_path).model(shape=(1, 6)), FREE)
    name = draft.meta.nodes["y"].attr["f"].func.name
    assert name == "f_1" and sorted(draft.meta.functions) == ["f_1"], "nobody calls the old one any more"
    nodes = {node.name: node for node in draft.meta.functions[name].node_def}
    assert nodes["r"].input[1] == "reshape_1/r/shape:output:0"
    assert draft.meta.signatures["serving_default"].outputs["y"].shape == (None, 6)
    (info,) = (one for one in draft.findings if one.code == "reshape-repaired")
    assert info.where == "f::r" and "[1,6] becomes [batch,6]" in info.message


def loop(folder: Path) -> Model:
    """A While that adds `x` to a state of zeros `[1,4]`, as long as a counter is below 3."""
    graph = Fixed(folder).ints("i", 0, scalar=True).floats("zeros", (1, 4), 0.0)
    graph.op("w", "StatelessWhile", "i", "zeros", "x")
    node = graph.meta.graph_def.node[-1]
    node.attr["T"].list.type.extend([3, 1, 1])
    node.attr["cond"].func.name, node.attr["body"].func.name = "cond", "body"
    for sizes in ((), (1, 4), (1, 4)):
        shape = node.attr["output_shapes"].list.shape.add()
        for size in sizes:
            shape.dim.add(size=size)
    arguments = ["i:3", "s", "x"]
    scrap = Fixed(folder / "unused")
    scrap.ints("three", 3, scalar=True).ints("one", 1, scalar=True)
    three, one = list(scrap.meta.graph_def.node)[-2:]
    less = node_def("less", "Less", "i", "three:output:0", T=3)
    cond = function_def("cond", arguments, three, less, returns={"go": "less:z:0"})
    cond.signature.output_arg[0].type = 10
    more, add = node_def("more", "AddV2", "i", "one:output:0", T=3), node_def("add", "AddV2", "s", "x", T=1)
    body = function_def(
        "body", arguments, one, more, add, returns={"i2": "more:z:0", "s2": "add:z:0", "x2": "x"}
    )
    body.signature.output_arg[0].type = 3
    graph.meta.graph_def.library.function.extend([cond, body])
    return graph.op("y", "Identity", "w:1", T="float32").model(shape=(1, 4))


def test_the_first_state_of_a_loop_is_repeated(tmp_path: Path) -> None:
    draft = made(loop(tmp_path), FREE)
    nodes = draft.meta.nodes
    assert nodes[nodes["w"].input[1]].op == "Tile" and nodes["w"].input[2] == "x"
    shapes = [[dim.size for dim in shape.dim] for shape in nodes["w"].attr["output_shapes"].list.shape]
    assert shapes == [[], [-1, 4], [-1, 4]]
    assert (nodes["w"].attr["cond"].func.name, nodes["w"].attr["body"].func.name) == ("cond_1", "body_1")


# -- which inputs, which sizes


def test_fixing_a_free_batch(tmp_path: Path) -> None:
    model = Fixed(tmp_path, (None, 4)).op("y", "Relu", "x", T="float32").model(shape=(None, 4))
    draft = made(model, parse_step("reshape batch=8"))
    signature = draft.meta.signatures["serving_default"]
    assert signature.inputs["x"].shape == signature.outputs["y"].shape == (8, 4)
    assert chain(draft, "serving_default").rows is None, "the original takes eight rows at once"


def test_a_number_is_a_batch() -> None:
    assert Reshape(8) == Reshape("8") == parse_step("reshape batch=8")
    step = parse_step("reshape batch=? shape=x=?,4")
    assert step == Reshape("?", {"x": "?,4"}) and parse_step(print_step(step)) == step  # type: ignore[arg-type]


def test_another_fixed_batch(tmp_path: Path) -> None:
    graph = (
        Fixed(tmp_path, (1, 2, 2)).ints("to", 1, 4).op("y", "Reshape", "x", "to", T="float32", Tshape="int32")
    )
    draft = made(graph.model(shape=(1, 4)), parse_step("reshape batch=8"))
    signature = draft.meta.signatures["serving_default"]
    assert (signature.inputs["x"].shape, signature.outputs["y"].shape) == ((8, 2, 2), (8, 4))
    rows = chain(draft, "serving_default").rows
    assert rows is not None and rows.size == 1


def two_inputs(folder: Path) -> Model:
    graph = Fixed(folder).placeholder("k", shape=(3, 4)).ints("axis", 0, scalar=True)
    graph.node("m", "Mean", "k", "axis", T="float32").node("y", "AddV2", "x", "m", T="float32")
    graph.signature(
        x_in=("x:0", "float32", (1, 4)), k_in=("k:0", "float32", (3, 4)), y_out=("y:0", "float32", (1, 4))
    )
    return open_model(graph.save())


def test_one_of_several_inputs(tmp_path: Path) -> None:
    model = two_inputs(tmp_path)
    found = changed(model, FREE)
    assert isinstance(found, Refused) and codes(found.findings) == ["reshape-input"]
    assert "k [3,4]" in found.findings[0].message
    draft = made(model, parse_step("reshape shape=x=?,4"))
    signature = draft.meta.signatures["serving_default"]
    assert (signature.inputs["x"].shape, signature.inputs["k"].shape) == ((None, 4), (3, 4))
    rows = chain(draft, "serving_default").rows
    assert rows is not None and rows.inputs == {"x": 0}


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Reshape(), "reshape-nothing"),
        (Reshape("1"), "reshape-nothing"),
        (Reshape("many"), "reshape-shape"),
        (Reshape("0"), "reshape-shape"),
        (Reshape(shape={"z": "?,4"}), "signature-input"),
        (Reshape(shape={"x": "?,5"}), "reshape-shape"),
        (Reshape(shape={"x": "?"}), "reshape-shape"),
        (Reshape(shape={"x": "?x4"}), "reshape-shape"),
        (Reshape("?", signature="nope"), "R1-signature"),
    ],
)
def test_what_can_not_be_asked_for(tmp_path: Path, step: Reshape, code: str) -> None:
    model = Fixed(tmp_path).op("y", "Relu", "x", T="float32").model()
    found = changed(model, step)
    assert isinstance(found, Refused) and codes(found.findings) == [code]


def test_two_keys_of_one_tensor(tmp_path: Path) -> None:
    graph = Fixed(tmp_path, (None, 4)).op("y", "Relu", "x", T="float32")
    graph.signature(
        x_in=("x:0", "float32", (None, 4)),
        k_in=("x:0", "float32", (None, 4)),
        y_out=("y:0", "float32", (None, 4)),
    )
    model = open_model(graph.save())
    for step in (Reshape("3"), Reshape("3", as_key="three")):
        draft = made(model, step)
        signature = draft.meta.signatures[step.as_key or "serving_default"]
        assert signature.inputs["x"].tensor == signature.inputs["k"].tensor
        assert {port.shape for port in signature.inputs.values()} == {(3, 4)}
    found = changed(model, Reshape(shape={"x": "3,4", "k": "5,4"}))
    assert isinstance(found, Refused) and codes(found.findings) == ["reshape-shape"]
    assert "one tensor, x:0, which can't be both [5,4] and [3,4]" in found.findings[0].message


def test_a_default_of_another_size(tmp_path: Path) -> None:
    graph = Fixed(tmp_path).floats("value", (1, 4), 0.5)
    graph.node("d", "PlaceholderWithDefault", "value", dtype="float32").node("y", "Relu", "d", T="float32")
    graph.signature(x_in=("d:0", "float32", (None, 4)), y_out=("y:0", "float32", (None, 4)))
    model = open_model(graph.save())
    found = changed(model, Reshape("3"))
    assert isinstance(found, Refused) and codes(found.findings) == ["reshape-shape"]
    assert "a default of the shape [1,4], which does not fit [3,4]" in found.findings[0].message
    made(model, Reshape("1"))


def test_a_signature_of_the_same_input_changes_as_well(tmp_path: Path) -> None:
    graph = Fixed(tmp_path).op("y", "Relu", "x", T="float32").op("z", "Neg", "x", T="float32")
    graph.signature("other", x_in=("x:0", "float32", (1, 4)), z_out=("z:0", "float32", (1, 4)))
    draft = made(graph.model(shape=(1, 4)), Reshape("?", signature="serving_default"))
    assert draft.meta.signatures["other"].outputs["z"].shape == (None, 4)
    assert sorted(draft.references) == ["other", "serving_default"]
    assert "reshape-with" in {one.code for one in draft.findings}


def test_a_signature_that_needs_a_node_that_changes(tmp_path: Path) -> None:
    graph = (
        Fixed(tmp_path, (1, 2, 2)).ints("to", 1, 4).op("r", "Reshape", "x", "to", T="float32", Tshape="int32")
    )
    graph.op("y", "Relu", "r", T="float32").op("z", "Neg", "r", T="float32")
    graph.signature("inner", z_out=("z:0", "float32", (1, 4)))
    found = changed(graph.model(), Reshape("?", signature="serving_default"))
    assert isinstance(found, Refused) and codes(found.findings) == ["reshape-shared"]


# -- rows of samples


def test_samples_are_split_into_rows_and_joined(tmp_path: Path) -> None:
    from workbench.runtime.chain import Rows

    rows = Rows(2, {"x": 0}, {"y": 1})
    sample = {"x": np.arange(6.0).reshape(3, 2), "rate": np.float32(0.5)}
    pieces = rows.split(sample)
    assert [piece["x"].tolist() for piece in pieces] == [[[0, 1], [2, 3]], [[4, 5], [4, 5]]], (
        "the last is repeated"
    )
    assert all(piece["rate"] == np.float32(0.5) for piece in pieces)
    outputs = [{"y": piece["x"].T.repeat(2, 1), "names": np.array([7])} for piece in pieces]
    joined = rows.join(sample, outputs)
    assert joined["y"].tolist() == [[0, 0, 2, 2, 4, 4], [1, 1, 3, 3, 5, 5]] and joined["names"].tolist() == [
        7
    ]
    with pytest.raises(ValueError):
        rows.join(sample, [{"y": np.zeros((1, 4))}, {"y": np.zeros((2, 4))}])


def test_a_signature_that_a_later_step_adds_is_compared_row_by_row(tmp_path: Path) -> None:
    graph = (
        Fixed(tmp_path, (1, 2, 2)).ints("to", 1, 4).op("r", "Reshape", "x", "to", T="float32", Tshape="int32")
    )
    model = graph.op("y", "Relu", "r", T="float32").model(shape=(1, 4))
    add = ChangeSignature(add=(Added("inner", {"x": "x:0"}, {"r": "r:0"}),))
    draft = made(model, FREE, add)
    rows = chain(draft, "inner").rows
    assert rows is not None
    assert (rows.size, rows.inputs, rows.outputs) == (1, {"x": 0}, {"r": 0})


def test_an_output_that_was_one_row_gets_a_dimension_for_the_batch(tmp_path: Path) -> None:
    draft = made(Fixed(tmp_path).op("y", "Squeeze", "x", T="float32").model(shape=(4,)), FREE)
    assert draft.meta.signatures["serving_default"].outputs["y"].shape == (None, 4)
    assert "reshape-rank" in {one.code for one in draft.findings}
    rows = chain(draft, "serving_default").rows
    assert rows is not None and (rows.outputs, rows.stacked) == ({}, {"y"})
    sample = {"x": np.arange(8.0).reshape(2, 4)}
    joined = rows.join(sample, [{"y": piece["x"][0]} for piece in rows.split(sample)])
    assert joined["y"].tolist() == sample["x"].tolist()


def test_functions_that_call_each_other(tmp_path: Path) -> None:
    """A function that calls itself ends the analysis, and so do many functions that each call the next one twice."""
    graph = in_function(tmp_path / "a")
    inner = graph.meta.graph_def.library.function[0].node_def.add(
        name="again", op="PartitionedCall", input=["a"]
    )
    inner.attr["f"].func.name = "f"
    inner.attr["Tin"].list.type.append(1)
    inner.attr["Tout"].list.type.append(1)
    found = changed(graph.model(shape=(1, 6)), FREE)
    assert isinstance(found, Refused) and "reshape-op" in codes(found.findings)
    assert "calls itself" in found.findings[0].message


def test_a_second_signature_takes_any_batch(tmp_path: Path) -> None:
    """`--as any` leaves the old signature with its input, and copies what both need."""
    graph = (
        Fixed(tmp_path, (1, 2, 2)).ints("to", 1, 4).op("r", "Reshape", "x", "to", T="float32", Tshape="int32")
    )
    draft = made(graph.op("y", "Relu", "r", T="float32").model(shape=(1, 4)), Reshape("?", as_key="any"))
    old, new = draft.meta.signatures["serving_default"], draft.meta.signatures["any"]
    assert (old.inputs["x"].shape, old.outputs["y"].shape) == ((1, 2, 2), (1, 4))
    assert (new.inputs["x"].shape, new.outputs["y"].shape) == ((None, 2, 2), (None, 4))
    assert (new.inputs["x"].tensor, new.outputs["y"].tensor) == ("reshape_1/x:0", "reshape_1/copy/y:0")
    assert value_of(draft.meta, "r", 1) == [1, 4] and value_of(draft.meta, "reshape_1/copy/r", 1) == [-1, 4]
    assert sorted(draft.references) == ["any"]
    assert chain(draft, "any").stages[0].feeds.keys() == {"x:0"}, "the source has its own input only"


def test_fixing_leaves_signatures_of_the_same_input(tmp_path: Path) -> None:
    graph = Fixed(tmp_path, (None, 4)).op("y", "Relu", "x", T="float32").op("z", "Neg", "y", T="float32")
    graph.signature("other", x_in=("x:0", "float32", (None, 4)), z_out=("z:0", "float32", (None, 4)))
    draft = made(graph.model(shape=(None, 4)), Reshape("8", signature="serving_default"))
    assert draft.meta.signatures["serving_default"].inputs["x"].shape == (8, 4)
    other = draft.meta.signatures["other"]
    assert (other.inputs["x"].tensor, other.inputs["x"].shape) == ("x:0", (None, 4))
    assert [dim.size for dim in draft.meta.nodes["x"].attr["shape"].shape.dim] == [-1, 4]
    (told,) = (one.message for one in draft.findings if one.code == "reshape-others")
    assert told == "other keeps its shapes."


@pytest.mark.parametrize("key", ["serving_default", ""])
def test_a_key_that_a_second_signature_can_not_have(tmp_path: Path, key: str) -> None:
    found = changed(Fixed(tmp_path).op("y", "Relu", "x", T="float32").model(), Reshape("?", as_key=key))
    assert isinstance(found, Refused) and codes(found.findings)[0].startswith("signature-")


@pytest.mark.parametrize(
    ("rows", "refused"), [((1.0, 2.0, 1.0, 2.0, 1.0, 2.0), False), ((1.0, 2.0, 1.0, 2.0, 1.0, 3.0), True)]
)
def test_equal_rows_stay_equal(tmp_path: Path, rows: tuple[float, ...], refused: bool) -> None:
    """An initial state of three equal rows goes through a product before it meets the batch, and a first step."""
    graph = Fixed(tmp_path, (3, 2)).floats("state", (3, 2), *rows).floats("w", (2, 4), *map(float, range(8)))
    graph.ints("axis", 1, scalar=True).floats("bias", (4,), 1.0, 2.0, 3.0, 4.0)
    graph.op("m", "MatMul", "state", "w", T="float32").op("t", "BiasAdd", "m", "bias", T="float32")
    graph.op("s", "Split", "axis", "t", T="float32", num_split=2).op("y", "AddV2", "x", "s:1", T="float32")
    found = changed(graph.model(shape=(3, 2)), FREE)
    assert isinstance(found, Refused) == refused
    if not refused:
        nodes = found.meta.nodes
        tile = nodes[nodes["y"].input[1]]
        assert (tile.op, nodes[tile.input[0]].op, nodes[tile.input[0]].input[0]) == ("Tile", "Slice", "s:1")


def test_random_numbers_are_allowed_with_a_warning(tmp_path: Path) -> None:
    graph = Fixed(tmp_path).op("of", "Shape", "x", T="float32", out_type="int32").ints("fixed", 1, 4)
    for name, shape in (("each", "of"), ("shared", "fixed")):
        graph.op(name, "RandomUniform", shape, T="int32", dtype="float32")
    graph.op("z", "AddV2", "x", "each", T="float32").op("y", "AddV2", "z", "shared", T="float32")
    draft = made(graph.model(shape=(1, 4)), FREE)
    warnings = {one.where: one.message for one in draft.findings if one.code == "reshape-random"}
    assert sorted(warnings) == ["each", "shared"]
    assert "for each row" in warnings["each"] and "[1,4]" in warnings["shared"]
