from __future__ import annotations

from typing import Any

import pytest

from workbench.surgery.adapters.chain import Chain
from workbench.surgery.adapters.front import Front, choices_for, front_for
from workbench.surgery.adapters.tensor_type import TensorType
from workbench.surgery.resolve.first_ops import FirstOps

Shape = tuple[int | None, ...] | None
N = None


def front(dtype: str, shape: Shape, known: Any = None, **answers: Any) -> Front:
    return front_for(TensorType.of(dtype, shape), FirstOps(known), **answers)


FRONTS: list[tuple[str, Shape, Any, str, str, list[str]]] = [
    (
        *("float32", (N, 224, 224, 3), "0-255", "string [?]", "decode-image | resize 224 224"),
        ["alpha", "method", "order"],
    ),
    (
        *("float32", (N, 224, 224, 3), "0-1", "string [?]", "decode-image | resize 224 224 | scale 1/255"),
        ["alpha", "method", "order"],
    ),
    (
        *("float32", (N, 784), None, "string [?]"),
        *(
            "decode-image channels=1 | resize 28 28 | scale 1/255 | flatten",
            ["alpha", "size", "method", "range"],
        ),
    ),
    (
        *("float32", (1, 8, 8, 4), "0-255", "string []"),
        *("decode-image channels=4 | resize 8 8 | expand", ["method", "order"]),
    ),
    (
        *("float16", (N, 3, 9, 8), "0-1", "string [?]"),
        "decode-image | resize 9 8 | scale 1/255 | layout NHWC>NCHW | cast float16",
        ["alpha", "method", "order"],
    ),
    (
        *("float32", (N, 9, 8), "0-255", "string [?]"),
        *("decode-image channels=1 | resize 9 8 | squeeze -1", ["alpha", "method"]),
    ),
    (
        *("uint8", (N, 9, 8, 3), None, "string [?]"),
        *("decode-image | resize 9 8 | cast uint8 round=true saturate=true", ["alpha", "method", "order"]),
    ),
    ("uint8", (N, N, N, 3), None, "string [?]", "decode-image", ["alpha", "size", "order"]),
    (
        "int32",
        (9, 8, 1),
        None,
        "string []",
        "decode-image channels=1 | resize 9 8 | cast int32 round=true saturate=true",
        ["alpha", "method"],
    ),
    (
        "float32",
        (N, N, N, 3),
        "0-255",
        "string [?]",
        "decode-image | cast float32",
        ["alpha", "size", "order"],
    ),
]


@pytest.mark.parametrize(("dtype", "shape", "values", "takes", "text", "questions"), FRONTS)
def test_a_front_from_an_input(
    dtype: str, shape: Shape, values: Any, takes: str, text: str, questions: list[str]
) -> None:
    found = front(dtype, shape, values)
    assert found.problem is None
    assert str(found.takes) == takes
    assert found.chain.print() == text
    assert [one.about for one in found.questions] == questions
    assert found.chain.check(found.takes, TensorType.of(dtype, shape)).problem is None
    named = [one.adapter for one in found.reasons if one.adapter]
    assert named == list(map(str, found.chain.adapters))


def test_what_is_answered_is_asked_no_more() -> None:
    found = front("float32", (N, N, N, 3), size=(4, 5), values="-1-1")
    assert found.chain.print() == "decode-image | resize 4 5 | scale 2/255 offset=-1"
    assert [one.about for one in found.questions] == ["alpha", "method", "order"]
    assert found.reasons[2].why == "the numbers given: -1 to 1: MobileNet, Inception, Xception, NASNet."
    assert found.asked == (found.questions[-1],)


def test_what_is_assumed_is_said() -> None:
    found = front("float32", (N, 9, 9, 3))
    asked = {one.about: one for one in found.questions}
    assert asked["range"].text == "The range of the numbers: nothing in the graph shows it. 0-1 is assumed."
    assert asked["range"].choices == ("scale 1/127.5 offset=-1", "")
    assert asked["order"].choices == ("color RGB>BGR",)


@pytest.mark.parametrize(
    ("dtype", "shape", "problem"),
    [
        ("string", (N,), "The input takes string [?]"),
        ("bool", (N, 9, 9, 3), "which is no image"),
        ("float32", None, "its rank is not known"),
        ("float32", (N, 10), "10 values are no square image"),
        ("float32", (N, 9, 9, 7), "no image by its shape"),
        ("float32", (), "no image by its shape"),
    ],
)
def test_where_no_front_can_be_derived(dtype: str, shape: Shape, problem: str) -> None:
    found = front(dtype, shape)
    assert problem in (found.problem or "")
    assert not found.chain.adapters


def test_an_order_that_the_graph_shows() -> None:
    want = TensorType.of("float32", (N, 8, 8, 3))
    found = front_for(
        want, FirstOps("0-255", "BGR", "x - 103.939 116.779 123.68", "x - 103.939 116.779 123.68")
    )
    assert found.chain.print() == "decode-image | resize 8 8 | color RGB>BGR"
    assert found.reasons[2].why == "blue comes first: the graph begins with x - 103.939 116.779 123.68."
    assert found.asked == () and choices_for(want, FirstOps(), found) == ()
    assert front_for(want, FirstOps("0-255", "RGB")).chain.print() == "decode-image | resize 8 8"


CAFFE = "decode-image | resize 8 8 | color RGB>BGR | mean 103.939 116.779 123.68"
TORCH = "decode-image | resize 8 8 | scale 1/255 | mean 0.485 0.456 0.406 | std 0.229 0.224 0.225"


@pytest.mark.parametrize(
    ("channels", "facts", "chains"),
    [
        (3, FirstOps(), [TORCH, CAFFE, "decode-image | resize 8 8 | scale 1/255"]),
        (3, FirstOps("0-255"), ["decode-image | resize 8 8", "decode-image | resize 8 8 | color RGB>BGR"]),
        (3, FirstOps(None, "RGB"), [TORCH, "decode-image | resize 8 8"]),
        (
            1,
            FirstOps(),
            ["decode-image channels=1 | resize 8 8", "decode-image channels=1 | resize 8 8 | scale 1/255"],
        ),
    ],
)
def test_chains_to_choose_from(channels: int, facts: FirstOps, chains: list[str]) -> None:
    want = TensorType.of("float32", (N, 8, 8, channels))
    found = choices_for(want, facts, front_for(want, facts))
    listed = [one.chain for one in found]
    assert set(chains) <= set(listed) and len(set(listed)) == len(listed) <= 8
    for one in found:
        assert one.means
        assert Chain.parse(one.chain).check(TensorType.of("string", (N,)), want).problem is None
