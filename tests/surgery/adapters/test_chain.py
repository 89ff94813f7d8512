from __future__ import annotations

from pathlib import Path

import pytest

from workbench.runtime.child_script.reference_functions import REFERENCE_FUNCTIONS
from workbench.surgery.adapters import registry
from workbench.surgery.adapters.chain import Chain
from workbench.surgery.adapters.checked import Checked
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.tensor_type import TensorType

Shape = tuple[int | None, ...] | None
N = None


def check(text: str, dtype: str, shape: Shape, want: tuple[str, Shape] | None = None) -> Checked:
    return Chain.parse(text).check(TensorType.of(dtype, shape), want and TensorType.of(*want), files=True)


TYPED: list[tuple[str, str, Shape, str]] = [
    ("", "float32", (N, 4), "float32 [?,4]"),
    ("decode-base64", "string", (N, 2), "string [?,2]"),
    ("decode-image", "string", (), "uint8 [?,?,3]"),
    ("decode-image channels=0 dtype=uint16", "string", (), "uint16 [?,?,?]"),
    ("decode-image channels=1 | resize 28 28", "string", (N,), "float32 [?,28,28,1]"),
    ("decode-image channels=1 | resize 28 28", "string", (5,), "float32 [5,28,28,1]"),
    ("decode-image | resize 4 5 method=nearest | scale 1/255", "string", (N,), "float32 [?,4,5,3]"),
    ("decode-image | resize 4 5 | flatten", "string", (), "float32 [60]"),
    ("decode-image | resize 4 5 | flatten", "string", (N,), "float32 [?,60]"),
    ("decode-image | flatten | reshape 9", "string", (N,), "uint8 [?,9]"),
    ("resize 4 5", "uint8", (N, N, N, 3), "float32 [?,4,5,3]"),
    ("resize 4 5 method=nearest", "uint8", (N, N, 3), "uint8 [4,5,3]"),
    ("crop 4 5", "uint8", (N, N, 3), "uint8 [4,5,3]"),
    ("pad 4 5", "int32", (2, 4, N, 3), "int32 [2,4,5,3]"),
    ("letterbox 4 5", "uint8", (N, N, N), "float32 [4,5,?]"),
    ("cast int8", "bool", None, "int8 [?…]"),
    ("mean 1 2 3", "float32", (N, N, N, N), "float32 [?,?,?,3]"),
    ("mean 1 2 3", "float32", None, "float32 [?…]"),
    ("mean 1 2 axis=1", "float32", (N, 2, 5, 5), "float32 [?,2,5,5]"),
    ("scale 2", "float16", (), "float16 []"),
    ("layout NHWC>NCHW", "uint8", (N, 4, 5, 3), "uint8 [?,3,4,5]"),
    ("layout NHWC>NCHW", "uint8", (4, 5, 3), "uint8 [3,4,5]"),
    ("color RGB>GRAY", "float32", (N, 4, 5, N), "float32 [?,4,5,1]"),
    ("color GRAY>RGB", "uint8", (4, 5, 1), "uint8 [4,5,3]"),
    ("reshape ? 28 28 1", "float32", (N, 784), "float32 [?,28,28,1]"),
    ("reshape ? 28 28 1", "float32", (7, 784), "float32 [7,28,28,1]"),
    ("reshape", "float32", (1, 1), "float32 []"),
    ("flatten", "float32", (N, N, 3), "float32 [?,?]"),
    ("flatten", "float32", None, "float32 [?,?]"),
    ("flatten", "float32", (), "float32 [1]"),
    ("expand", "float32", (4,), "float32 [1,4]"),
    ("expand -1", "float32", (N, 4), "float32 [?,4,1]"),
    ("squeeze", "float32", (1, N, 1), "float32 [?]"),
    ("squeeze -1", "float32", (N, N), "float32 [?]"),
    ("one-hot 10", "int64", (N,), "float32 [?,10]"),
    ("split", "string", (N,), "string [?,?]"),
    ("split length=4", "string", (), "string [4]"),
    ("parse-number int64", "string", (N,), "int64 [?]"),
    ("softmax", "int32", (N, 10), "float32 [?,10]"),
    ("argmax", "float32", (N, 10), "int64 [?]"),
    ("argmax", "float32", None, "int64 [?…]"),
    ("top-k 3", "float32", (N, 10), "float32 [?,3]"),
    ("threshold", "float32", (N,), "bool [?]"),
    ("slice 1", "float32", (N, 10), "float32 [?]"),
    ("slice -3:", "float32", (N, 10), "float32 [?,3]"),
    ("slice 1:", "float32", (N, N), "float32 [?,?]"),
    ("as-string", "bool", (N,), "string [?]"),
]


@pytest.mark.parametrize(("text", "dtype", "shape", "result"), TYPED)
def test_the_type_of_a_chain(text: str, dtype: str, shape: Shape, result: str) -> None:
    checked = check(text, dtype, shape)
    assert checked.problem is None
    assert str(checked.type) == result


WRONG: list[tuple[str, str, Shape, str]] = [
    (
        "cast float32 | resize 4 5",
        "string",
        (N,),
        "`cast float32` has string [?]; it takes numbers or bools.",
    ),
    ("resize 4 5", "string", (N,), "`resize 4 5` has string [?]; it takes an image: numbers [height"),
    ("resize 4 5", "float32", (N, 784), "has float32 [?,784]; it takes an image"),
    ("resize 4 5 antialias=true method=area", "uint8", (4, 4, 3), "has method=area antialias=true"),
    ("resize 4 5 grid=legacy method=lanczos3", "uint8", (4, 4, 3), "has grid=legacy; it takes bilinear"),
    ("crop 9 9", "uint8", (8, 20, 3), "has uint8 [8,20,3]; it takes an image of at least this size"),
    ("crop 4 4 6 0", "uint8", (8, 20, 3), "an image of at least this size"),
    ("pad 4 4", "uint8", (8, N, 3), "an image of at most this size"),
    ("pad 9 9 value=1/2", "uint8", (8, 8, 3), "has value 1/2; it takes whole numbers"),
    ("decode-image", "string", (N, 1), "has string [?,1]; it takes one string, or a vector"),
    ("decode-image", "uint8", (4, 4, 3), "has uint8 [4,4,3]; it takes one string"),
    ("decode-image alpha=composite background=300", "string", (), "has background=300"),
    (
        "decode-image | top-k 2",
        "string",
        (N,),
        "`top-k 2` has uint8 [?,?,3] for each row; it takes images of one",
    ),
    ("scale 2", "string", (N,), "`scale 2` has string [?]; it takes numbers."),
    ("mean 1 2 3", "float32", (N, 4), "it takes 3 channels in dimension -1"),
    ("std 0", "float32", (N, 4), "has 0 as a standard deviation"),
    (
        "clamp 2 1",
        "float32",
        (N, 4),
        "has `clamp 2 1`; it takes a least number that is not above the largest.",
    ),
    ("clamp -1 1", "uint8", (N, 4), "it takes whole numbers that uint8 has."),
    ("layout NHWC>NCHW", "uint8", (N, 4), "`layout NHWC>NCHW` has uint8 [?,4]; it takes 4 dimensions."),
    ("color RGB>BGR", "uint8", (4, 4, 4), "it takes RGB: 3 channels in the last dimension."),
    ("reshape ? 5", "float32", (3, 4), "it takes a number of values that 5 divides."),
    ("reshape 5 2", "float32", (3, 4), "it takes 10 values."),
    ("reshape 5 2", "float32", (N, 4), "it takes a tensor whose known sizes divide 10."),
    ("reshape ? ?", "float32", (N, 4), "it takes at most one size that is ?."),
    ("squeeze 1", "float32", (N, 4), "it takes size 1 in dimension 1."),
    ("squeeze", "float32", None, "it takes a tensor of a known rank."),
    ("expand 3", "float32", (4,), "it takes a tensor of rank 3 or more."),
    ("one-hot 3", "float32", (4,), "it takes int32, int64 or uint8 indices."),
    ("lowercase", "float32", (4,), "it takes strings."),
    ("split", "string", (N, 1), "it takes one string, or a vector of strings."),
    ("top-k 5", "float32", (N, 4), "it takes at least 5 classes."),
    ("argmax", "float32", (), "it takes numbers with the classes in the last dimension."),
    ("threshold", "int32", (N,), "it takes a whole number for integers."),
    ("slice 4", "float32", (N, 4), "it takes a last dimension with column 4."),
    ("slice 4:", "float32", (N, 4), "it takes a last dimension with columns 4:."),
    ("as-string digits=2", "int32", (N,), "it takes floating-point numbers for digits."),
    ("scale 2", "resource", (), "`scale 2` has resource []; it takes numbers."),
]


@pytest.mark.parametrize(("text", "dtype", "shape", "problem"), WRONG)
def test_a_chain_stops_at_the_adapter_that_does_not_fit(
    text: str, dtype: str, shape: Shape, problem: str
) -> None:
    checked = check(text, dtype, shape)
    assert problem in (checked.problem or "")
    assert len(checked.steps) < len(Chain.parse(text).adapters)


def test_the_hint_is_a_next_move() -> None:
    assert check("resize 4 5", "string", (N,)).hint == "Add `decode-image` before it."
    assert check("cast int32", "string", (N,)).hint == "Write `parse-number int32` instead."
    assert check("top-k 5", "float32", (N, 4)).hint == "Write `top-k 4`."


def test_conversions_that_follow_by_necessity_are_inserted_and_shown() -> None:
    checked = check("scale 1/255", "uint8", (N, 4))
    assert checked.print() == "cast float32 | scale 1/255"
    assert [str(step) for step in checked.implied] == ["cast float32"]
    assert Chain.parse(checked.print()).check(TensorType.of("uint8", (N, 4))).implied == ()


def test_a_chain_is_made_to_fit_only_without_loss() -> None:
    one = check("decode-image channels=1 | resize 4 5 | flatten", "string", (), ("float64", (N, 20)))
    assert one.print().endswith("| flatten | expand | cast float64")
    assert str(one.type) == "float64 [1,20]"
    lossy = check("decode-image | resize 4 5", "string", (N,), ("uint8", (N, 4, 5, 3)))
    assert lossy.problem == "The chain makes float32 [?,4,5,3]; it must make uint8 [?,4,5,3]."
    other = check("", "float32", (N, 4), ("float32", (N, 5)))
    assert other.problem == "The chain makes float32 [?,4]; it must make float32 [?,5]."


def test_images_of_different_sizes_are_a_warning() -> None:
    checked = check("decode-image | scale 1/255", "string", (N,))
    assert checked.problem is None
    assert checked.warnings == (
        "The images of a batch must have one size here: each is [?,?,3]. Add `resize HEIGHT WIDTH`.",
    )
    assert not check("decode-image | scale 1/255", "string", ()).warnings


def test_labels_replace_the_indices_of_top_k(tmp_path: Path) -> None:
    (tmp_path / "labels").write_text("a\nb\nc\n")
    top = check("top-k 2", "float32", (N, 3))
    assert {key: str(one) for key, one in top.companions.items()} == {"indices": "int32 [?,2]"}
    labels = check(f"top-k 2 | labels @{tmp_path}/labels | threshold 1/4", "float32", (N, 3))
    assert labels.problem is None
    assert {key: str(one) for key, one in labels.companions.items()} == {"labels": "string [?,2]"}
    assert str(labels.type) == "bool [?,2]"


@pytest.mark.parametrize(
    ("content", "text", "problem"),
    [
        (b"a\nb\n", "argmax | labels @FILE", "has 2 lines; the output has 3 classes."),
        (b"a\nb\nc\nd", "top-k 2 | labels @FILE", "has 4 lines; the output has 3 classes."),
        (b"", "argmax | labels @FILE", "is empty."),
        (b"a\n\nc\n", "argmax | labels @FILE", "Line 2 of"),
        (None, "argmax | labels @FILE", "The file can't be read: No such file or directory."),
        (
            b"a\nb\r\na\nb",
            "as-string | lookup @FILE",
            "has entries twice: 'a' on lines 1 and 3, 'b' on lines 2 and 4.",
        ),
    ],
)
def test_a_file_that_can_not_be_meant(tmp_path: Path, content: bytes | None, text: str, problem: str) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    text = text.replace("FILE", str(path))
    assert problem in (check(text, "float32", (N, 3)).problem or "")
    assert Chain.parse(text).files == (str(path),)
    assert Chain.parse(text).check(TensorType.of("float32", (N, 3))).problem is None  # without the files


def _built(text: str, dtype: str, shape: Shape, taken: tuple[str, ...] = ()) -> Fragment:
    checked = check(text, dtype, shape)
    graph = Fragment("adapt_0", taken)
    checked.build(graph, Tensor("x", checked.have.dtype))
    return graph


def test_nodes_have_names_of_their_own_that_are_the_same_each_time() -> None:
    graph = _built("cast float32 | scale 1/2 offset=1 | scale 2", "uint8", (N,), ("adapt_0/cast",))
    assert [(node.name, node.op, list(node.input)) for node in graph.nodes] == [
        ("adapt_0/cast_1/Cast", "Cast", ["x"]),
        ("adapt_0/scale/by", "Const", []),
        ("adapt_0/scale/Mul", "Mul", ["adapt_0/cast_1/Cast", "adapt_0/scale/by"]),
        ("adapt_0/scale/offset", "Const", []),
        ("adapt_0/scale/AddV2", "AddV2", ["adapt_0/scale/Mul", "adapt_0/scale/offset"]),
        ("adapt_0/scale_1/by", "Const", []),
        ("adapt_0/scale_1/Mul", "Mul", ["adapt_0/scale/AddV2", "adapt_0/scale_1/by"]),
    ]
    assert graph.nodes[0].attr["SrcT"].type == 4
    assert graph.nodes[2].attr["T"].type == 1


def test_a_batch_of_images_is_a_loop_up_to_the_size() -> None:
    graph = _built("decode-image | resize 4 5 | scale 1/255", "string", (N,))
    names = [function.signature.name for function in graph.functions]
    assert names == ["adapt_0_rows_condition", "adapt_0_rows_body"]
    body = {node.op for node in graph.functions[1].node_def}
    assert {"DecodeImage", "ResizeBilinear"} <= body
    assert "Mul" in {node.op for node in graph.nodes} - {"DecodeImage", "ResizeBilinear"}
    assert graph.functions[1].ret["more_items"] == "TensorListSetItem:output_handle:0"
    assert _built("decode-image | resize 4 5", "string", ()).functions == []


def test_tables_and_assets_are_data_for_the_caller(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("a\nb\n")
    graph = _built(f"lookup @{tmp_path}/words", "string", (N,))
    assert [(one.node, one.path) for one in graph.assets] == [("adapt_0/lookup/asset", f"{tmp_path}/words")]
    assert graph.init_ops == ["adapt_0/lookup/fill"]
    table = next(node for node in graph.nodes if node.name == "adapt_0/lookup/table")
    assert table.attr["shared_name"].s == b"adapt_0/lookup/table"


def test_a_reference_calls_functions_of_the_list_only(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\nb\nc\n")
    chains = [
        *TYPED,
        (f"argmax | labels @{tmp_path}/f", "float32", (N, 3), ""),
        (f"top-k 2 | labels @{tmp_path}/f", "float32", (N, 3), ""),
        (f"lowercase | regex-replace a b | lookup @{tmp_path}/f", "string", (N,), ""),
        ("std 2 | clamp 0 1 | sigmoid", "float32", (N, 3), ""),
    ]
    functions: set[str] = set()
    names: set[str] = set()
    for text, dtype, shape, _ in chains:
        names |= {adapter.NAME for adapter in Chain.parse(text).adapters}
        waiting: list[object] = [check(text, dtype, shape).reference()]
        while waiting:
            one = waiting.pop()
            if isinstance(one, dict):
                functions |= {one["tf"]} if "tf" in one else set()
                waiting += one.values()
            elif isinstance(one, list):
                waiting += one
    assert names == set(registry.adapters())
    assert functions <= REFERENCE_FUNCTIONS


@pytest.mark.parametrize(
    ("text", "dtype", "shape", "takes"),
    [
        ("parse-number", "float32", (N, 4), "string [?,4]"),
        ("split , length=4 | parse-number", "float32", (N, 4), "string [?]"),
        ("lookup @words", "int64", (), "string []"),
        ("lookup @words | one-hot 9", "float32", (N, 9), "string [?]"),
        ("labels @words", "string", (N,), "int64 [?]"),
        ("layout NHWC>NCHW", "float32", (N, 3, 8, 9), "float32 [?,8,9,3]"),
        ("resize 8 9 | layout NHWC>NCHW", "float32", (N, 3, 8, 9), "float32 [?,?,?,3]"),
        ("color GRAY>RGB | scale 1/255", "float32", (N, 8, 9, 3), "float32 [?,8,9,1]"),
        ("cast float32 from=uint8 | scale 1/255", "float32", (N, 4), "uint8 [?,4]"),
        ("expand -1", "float32", (N, 8, 9, 1), "float32 [?,8,9]"),
        ("squeeze -1", "float32", (N, 8, 9), "float32 [?,8,9,1]"),
        ("decode-image | resize 8 9", "float32", (N, 8, 9, 3), "string [?]"),
        ("decode-image | resize 8 9", "float32", (1, 8, 9, 3), "string []"),
        ("decode-image channels=1 | resize 2 2 | flatten", "float32", (N, 4), "string [?]"),
        ("decode-image channels=1 | resize 2 2 | flatten", "float32", None, "string [?]"),
        ("decode-image channels=1 | resize 2 2 | flatten | expand", "float32", (N, 4), "string []"),
        ("decode-image channels=1 | resize 2 2 | flatten", "float32", (1, 4), "string []"),
        ("decode-image channels=1 | resize 3 3 | flatten", "float32", (N, 4), "string [?]"),
        ("argmax", "int64", (N,), "int64 [?]"),
    ],
)
def test_what_a_new_input_takes(text: str, dtype: str, shape: Shape, takes: str) -> None:
    assert str(Chain.parse(text).source(TensorType.of(dtype, shape))) == takes


def test_a_cast_from_another_dtype_than_it_gets() -> None:
    found = Chain.parse("cast float32 from=uint8").check(TensorType.of("int32", (N, 4)))
    assert found.problem == "`cast float32 from=uint8` has int32 [?,4]; it takes uint8."
