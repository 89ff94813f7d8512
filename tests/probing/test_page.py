"""How a probe is written: numbers, differences, pictures."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.cli.pages.probe_page import (
    difference_text,
    first_values,
    half_blocks,
    histogram_text,
    range_facts,
    shades,
)
from workbench.probing.probed_tensor import Difference, probed


def test_a_histogram_shows_every_bin_that_has_something() -> None:
    assert histogram_text((0, 1, 1000, 500)) == " ▁█▄"


def test_a_picture_is_drawn_from_dark_to_light() -> None:
    (image,) = probed("y:0", "", np.tile(np.arange(8, dtype=np.uint8) * 36, (8, 1)), images=1).images
    lines = shades(image)
    assert len(set(lines)) == 1 and lines[0].startswith("  ") and lines[0].endswith("@@")


def test_two_pixels_in_a_cell() -> None:
    pixels = np.zeros((5, 4, 3), np.uint8)
    pixels[1, 2] = (10, 20, 30)
    (image,) = probed("y:0", "", pixels, images=1).images
    rows = list(half_blocks(image, 80))
    assert len(rows) == 3 and len(rows[0]) == 4
    assert rows[0][2] == ("▀", "rgb(0,0,0) on rgb(10,20,30)")
    assert rows[2][0] == ("▀", "rgb(0,0,0)")
    assert len(next(half_blocks(image, 2))) == 2


@pytest.mark.parametrize(
    ("array", "facts", "values"),
    [
        (np.array(3), [], "3"),
        (np.zeros(20), ["all 0"], "0, 0, 0, 0, 0, 0, 0, 0 …"),
        (np.array([True, False, False, True]), ["50% true"], "True, False, False, True"),
        (np.array([1.0, np.nan]), ["all 1", "1 NaN, 0 infinite"], "1, nan"),
        (np.array([b"caf\xc3\xa9", b"\xff\x00"], object), [], "café, 2 bytes: b'\\xff\\x00'"),
        (np.array([b"a\x1b[31m"], object), [], "a\\x1b[31m"),
    ],
)
def test_facts_and_values(array: np.ndarray, facts: list[str], values: str) -> None:  # type: ignore[type-arg]
    one = probed("y:0", "", array)
    assert (range_facts(one), first_values(one)) == (facts, values)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Difference(size=3, largest=0.0), ""),
        (
            Difference(differing=1, size=1, largest=2.0, at=(), values=(1, 3)),
            "1 of 1 element differs, by at most 2: 1 and 3.",
        ),
        (
            Difference(differing=2, size=9, largest=0.25, at=(1, 2), values=(0.5, 0.75), iteration=(4,)),
            "2 of 9 elements differ, by at most 0.25 at [1,2] in iteration [4]: 0.5 and 0.75.",
        ),
        (
            Difference(differing=1, size=2, at=(0,), values=(b"a", b"b")),
            "1 of 2 elements differs at [0]: a and b.",
        ),
        (Difference(shapes=((1, 2), (3,))), "The shapes differ: [1,2] and [3]."),
        (Difference(note="Computed on the first run only."), "Computed on the first run only."),
    ],
)
def test_differences(found: Difference, text: str) -> None:
    assert difference_text(found) == text
