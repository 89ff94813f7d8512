"""What is offered where an output does not fit an input: only what can work."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.disk import dtypes
from workbench.model.shapes import Shape
from workbench.surgery.resolve.remedies import remedy

CASES: list[tuple[str, Shape, str, Shape, str]] = [
    ("float32", (28, 28), "float32", (784,), "tf.reshape(x, [784]) would fit."),
    ("float32", (None, 28, 28), "float32", (None, 784), "tf.reshape(x, [-1, 784]) would fit."),
    ("float32", (784,), "float32", (None, 28, 28, 1), "tf.reshape(x, [-1, 28, 28, 1]) would fit."),
    ("float32", (None, 784), "float32", (1, 28, 28, 1), "tf.reshape(x, [1, 28, 28, 1]) would fit if the free sizes"),
    ("float32", (None, 8), "float32", (None, None, 2), "would fit if the number of elements is a multiple of 2"),
    ("float32", (28, 28), "float32", (None, 28, 28), "tf.expand_dims(x, 0) would fit"),
    ("float32", (None, 224, 224, 3), "float32", (None, 3, 224, 224), "tf.transpose(x, [0, 3, 1, 2]) would fit"),
    ("float32", (None, 3, 224, 224), "float32", (None, 224, 224, 3), "tf.transpose(x, [0, 2, 3, 1]) would fit"),
    ("uint8", (None, 784), "float32", (None, 784), "tf.cast(x, tf.float32) would fit; the cast loses nothing."),
    ("float32", (1, 784), "uint8", (None, 28, 28, 1), "tf.reshape(tf.cast(x, tf.uint8), [-1, 28, 28, 1]) would fit; "
     "the cast is lossy"),
    ("float32", (1,), "float32", (), "tf.reshape(x, []) would fit"),
    ("string", (), "float32", (), "tf.strings.to_number"),
    ("string", (), "float32", (None, 28, 28), "decodes the strings to [?,28,28]"),
    ("int64", (2,), "string", (1, 2), "tf.expand_dims(tf.strings.as_string(x), 0) would fit"),
]  # fmt: skip
NEVER: list[tuple[Shape, Shape, str]] = [
    ((None, 784), (None, 32, 32, 3), "784 elements in each row, the input takes 3,072"),
    ((10,), (), "10 elements, the input takes 1:"),
    ((None, 10), (None,), "10 elements in each row, the input takes 1"),
    ((784,), (3072,), "784 elements, the input takes 3,072"),
    ((None, 5), (3, 4), "a multiple of 5 elements, the input takes 12"),
    ((5,), (None, 3), "5 elements, the input takes a multiple of 3"),
]


def typed(dtype: str, shape: Shape) -> tuple[int, Shape]:
    return dtypes.enum(dtype), shape


@pytest.mark.parametrize(("have", "had", "want", "wanted", "says"), CASES)
def test_a_remedy_that_works(have: str, had: Shape, want: str, wanted: Shape, says: str) -> None:
    assert says in remedy(typed(have, had), typed(want, wanted))


@pytest.mark.parametrize(("had", "wanted", "says"), NEVER)
@pytest.mark.parametrize("have", ["float32", "uint8"])
def test_nothing_that_can_not_work_is_offered(have: str, had: Shape, wanted: Shape, says: str) -> None:
    found = remedy(typed(have, had), typed("float32", wanted))
    assert says in found and "no reshape" in found and "tf." not in found


@pytest.mark.parametrize(("have", "had", "want", "wanted"), [case[:4] for case in CASES])
def test_what_is_offered_has_the_wanted_shape(have: str, had: Any, want: str, wanted: Any) -> None:
    """The expression, run by numpy, on a tensor of the output's shape with one row."""
    text = remedy(typed(have, had), typed(want, wanted))
    if "with " not in text or "would fit if" in text:
        return
    expression = text.split(" with ")[1].split(" would fit")[0]
    array = np.zeros([1 if size is None else size for size in had])
    found = eval(expression, {"tf": Numpy, "x": array})
    assert found.ndim == len(wanted)
    assert all(size in (None, got) for size, got in zip(wanted, found.shape, strict=True))


class Numpy:
    """What of TensorFlow the expressions use."""

    reshape, transpose, expand_dims = np.reshape, np.transpose, np.expand_dims
    float32 = uint8 = None

    @staticmethod
    def cast(x: Any, dtype: Any) -> Any:
        return x

    class strings:
        @staticmethod
        def as_string(x: Any) -> Any:
            return x
