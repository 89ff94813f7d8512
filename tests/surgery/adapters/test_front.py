from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.surgery.tiny import Tiny
from workbench.model import open_model
from workbench.surgery.adapters.front import Facts, Front, facts_of, front_for
from workbench.surgery.adapters.tensor_type import TensorType

Shape = tuple[int | None, ...] | None
N = None


def front(dtype: str, shape: Shape, known: Any = None, **answers: Any) -> Front:
    return front_for(TensorType.of(dtype, shape), Facts(known), **answers)


FRONTS: list[tuple[str, Shape, Any, str, str, list[str]]] = [
    (
        *("float32", (N, 224, 224, 3), "0-255", "string [?]", "decode-image | resize 224 224"),
        ["order", "alpha", "method"],
    ),
    (
        *("float32", (N, 224, 224, 3), "0-1", "string [?]", "decode-image | resize 224 224 | scale 1/255"),
        ["order", "alpha", "method"],
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
        *("decode-image channels=4 | resize 8 8 | expand", ["order", "method"]),
    ),
    (
        *("float16", (N, 3, 9, 8), "0-1", "string [?]"),
        "decode-image | resize 9 8 | scale 1/255 | layout NHWC>NCHW | cast float16",
        ["order", "alpha", "method"],
    ),
    (
        *("float32", (N, 9, 8), "0-255", "string [?]"),
        *("decode-image channels=1 | resize 9 8 | squeeze -1", ["alpha", "method"]),
    ),
    (
        *("uint8", (N, 9, 8, 3), None, "string [?]"),
        *("decode-image | resize 9 8 | cast uint8 round=true saturate=true", ["order", "alpha", "method"]),
    ),
    ("uint8", (N, N, N, 3), None, "string [?]", "decode-image", ["order", "alpha", "size"]),
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
        ["order", "alpha", "size"],
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
    assert [one.about for one in found.questions] == ["order", "alpha", "method"]
    assert found.reasons[2].why == "the range given, -1-1."


def test_what_is_assumed_is_said() -> None:
    found = front("float32", (N, 9, 9, 3))
    asked = {one.about: one for one in found.questions}
    assert asked["range"].text == "The range of the numbers: nothing in the graph tells. 0-1 is assumed."
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


@pytest.mark.parametrize(
    ("op", "value", "values"),
    [("Mul", 1 / 255, "0-255"), ("Sub", 127.5, "0-255"), ("Mul", 255.0, "0-1"), ("Mul", 3.0, None)],
)
def test_facts_are_read_off_the_first_ops(tmp_path: Path, op: str, value: float, values: Any) -> None:
    model = Tiny(tmp_path / "model").placeholder("x", "float32", (N, 8, 8, 3)).const("c", value)
    model.node("y", op, "x", "c", T="float32").signature(
        x_in=("x:0", "float32", (N, 8, 8, 3)), y_out=("y:0", "float32", (N, 8, 8, 3))
    )
    assert facts_of(open_model(model.save()).meta, "x:0") == Facts(values)
