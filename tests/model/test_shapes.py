"""Shapes: to and from messages, as text, and whether one fits another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.model import shapes
from workbench.model.shapes import Shape

SIZES = st.one_of(st.none(), st.integers(0, 4))
SHAPES = st.one_of(st.none(), st.lists(SIZES, max_size=3).map(tuple))
KNOWN = st.lists(st.integers(0, 4), max_size=3).map(tuple)


@given(SHAPES)
def test_a_shape_survives_the_message(shape: Shape) -> None:
    assert shapes.from_proto(shapes.to_proto(shape)) == shape


@pytest.mark.parametrize(
    ("shape", "text"), [(None, "[?…]"), ((), "[]"), ((None, 784), "[?,784]"), ((0,), "[0]"), ((None,), "[?]")]
)
def test_text(shape: Shape, text: str) -> None:
    assert shapes.text(shape) == text


@pytest.mark.parametrize(
    ("source", "target", "fit"),
    [
        ((2, 3), (2, 3), "proven"),
        ((2, 3), (None, 3), "proven"),
        ((None, 3), (None, 3), "proven"),
        ((None, 3), (2, 3), "unknown"),
        ((4, 3), (2, 3), "refuted"),
        ((2, 3), (2, 3, 1), "refuted"),
        ((None, 4), (2, 3), "refuted"),
        (None, (2, 3), "unknown"),
        (None, (None, None), "unknown"),
        (None, (), "unknown"),
        ((), (), "proven"),
        ((5,), None, "proven"),
        (None, None, "proven"),
    ],
)
def test_fits(source: Shape, target: Shape, fit: str) -> None:
    assert shapes.fits(source, target) == fit


def accepts(declared: Shape, value: tuple[int, ...]) -> bool:
    """What TensorFlow means by a declared shape, said again without the code under test."""
    if declared is None:
        return True
    return len(declared) == len(value) and all(a in (None, b) for a, b in zip(declared, value, strict=True))


@given(SHAPES, SHAPES, KNOWN)
def test_fits_means_what_it_says_for_every_value(
    source: Shape, target: Shape, value: tuple[int, ...]
) -> None:
    if accepts(source, value):
        if shapes.fits(source, target) == "proven":
            assert accepts(target, value)
        if shapes.fits(source, target) == "refuted":
            assert not accepts(target, value)


def test_count() -> None:
    assert shapes.count(()) == 1
    assert shapes.count((2, 3)) == 6
    assert shapes.count((2, None)) is None
    assert shapes.count(None) is None
