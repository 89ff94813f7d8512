"""How much of a declared output shape still holds behind the wires of a join."""

from __future__ import annotations

import pytest

from workbench.disk import schema
from workbench.model import shapes
from workbench.model.shapes import Shape
from workbench.surgery.resolve.declared_shapes import Looseness, loosen, looser


def declared(shape: Shape) -> schema.TensorInfo:
    return schema.TensorInfo(tensor_shape=shapes.to_proto(shape))


@pytest.mark.parametrize(
    ("shape", "looseness", "expected"),
    [
        ((1, 784), "proven", (1, 784)),
        ((1, 784), "batch", (None, 784)),
        ((1, 784), "rank", None),
        ((), "rank", ()),
        ((), "batch", ()),
        (None, "batch", None),
        (None, "proven", None),
    ],
)
def test_a_shape_says_no_more_than_is_proven(shape: Shape, looseness: Looseness, expected: Shape) -> None:
    info = declared(shape)
    loosen(info, looseness)
    assert shapes.from_proto(info.tensor_shape) == expected


def test_an_output_without_a_shape_gets_none() -> None:
    info = schema.TensorInfo()
    loosen(info, "rank")
    assert not info.HasField("tensor_shape")


def test_of_two_wires_the_one_that_proves_less_counts() -> None:
    assert looser("proven", "batch") == looser("batch", "proven") == "batch"
    assert looser("rank", "batch") == "rank" and looser("proven", "proven") == "proven"
