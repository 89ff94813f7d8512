"""What is seen of an array: range, odd numbers, histogram, pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.cli.commands.probe import histogram_text, picture_lines
from workbench.probing.seen import BINS, picture_of, see


def test_numbers() -> None:
    found = see("y:0", "Neg", np.array([[0.0, 1.0], [3.0, 4.0]], np.float32))
    assert (found.dtype, found.shape, found.least, found.most, found.mean) == (
        "float32",
        (2, 2),
        0.0,
        4.0,
        2.0,
    )
    assert sum(found.histogram) == 4 and len(found.histogram) == BINS
    assert found.as_json()["first"] == [0.0, 1.0, 3.0, 4.0]


def test_odd_numbers_are_counted_and_left_out_of_the_range() -> None:
    found = see("y:0", "Log", np.array([1.0, np.nan, np.inf, -np.inf, 3.0]))
    assert (found.nans, found.infinities, found.least, found.most, found.mean) == (1, 2, 1.0, 3.0, 2.0)
    assert found.as_json()["first"] == [1.0, "NaN", "Infinity", "-Infinity", 3.0]


@pytest.mark.parametrize(
    "array",
    [np.array([b"a", b"\xff"], object), np.zeros((0, 4)), np.array([np.nan]), np.full(3, 7, np.int64)],
    ids=["strings", "empty", "only NaN", "all alike"],
)
def test_without_a_histogram(array: Any) -> None:
    found = see("y:0", "Const", array)
    assert found.histogram == ()
    assert found.as_json()["tensor"] == "y:0"


def test_a_histogram_shows_every_bin_that_has_something() -> None:
    assert histogram_text((0, 1, 1000, 500)) == " ▁█▄"


@pytest.mark.parametrize(
    ("shape", "is_picture"),
    [
        ((28, 28), True),
        ((2, 28, 28, 1), True),
        ((8, 8, 3), True),
        ((4, 784), False),
        ((3, 3, 512, 64), False),
        ((5,), False),
    ],
)
def test_pictures(shape: tuple[int, ...], is_picture: bool) -> None:
    array = np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    assert (picture_of(array) is not None) == is_picture
    assert bool(picture_lines(see("y:0", "Identity", array))) == is_picture


def test_a_picture_is_drawn_from_dark_to_light() -> None:
    array = np.tile(np.arange(8, dtype=np.uint8) * 36, (8, 1))
    lines = picture_lines(see("y:0", "Identity", array))
    assert len(set(lines)) == 1 and lines[0].startswith("  ") and lines[0].endswith("@@")
