"""Histograms and small pictures as characters, and the PNG files they come from."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from workbench.picture.png import png_size, read_png
from workbench.picture.render.blocks import bars, half_blocks, histogram, shades, shrunk
from workbench.picture.values import Image


def test_a_histogram_is_a_line() -> None:
    assert histogram((0, 1, 4, 8)) == " ▁▄█"
    assert histogram((0, 1, 1000)) == " ▁█", "what is not empty is seen"
    assert histogram((0, 1, 9), "ascii") == " .@"
    assert histogram(()) == ""


def test_bars_are_as_high_as_their_lines() -> None:
    assert bars((0, 4, 8), 2) == ["  █", " ██"]
    assert bars((0, 6, 8), 2, wide=2) == ["  ▄▄██", "  ████"]
    assert bars((1, 8), 2, "ascii") == [" #", "_#"]


def test_two_pixels_are_a_cell() -> None:
    image = Image(2, 3, 1, bytes([0, 50, 100, 150, 200, 250]))
    (first, _), (last, _) = half_blocks(image)
    assert (first.upper, first.lower) == ((0, 0, 0), (100, 100, 100))
    assert (last.upper, last.lower) == ((200, 200, 200), None)
    assert shades(image) == ["  ::", "==++", "##@@"]
    colours = Image(1, 2, 3, bytes([255, 0, 0, 0, 0, 255]))
    assert half_blocks(colours)[0][0][1:] == ((255, 0, 0), (0, 0, 255))


def test_a_wide_picture_is_shrunk() -> None:
    image = Image(4, 2, 1, bytes([0, 100, 200, 0, 100, 200, 0, 200]))
    assert shrunk(image, 2) == Image(2, 1, 1, bytes([100, 100]))
    assert len(half_blocks(Image(100, 30, 1, bytes(3000)), 40)[0]) <= 40


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1"])
def test_a_png_is_read_as_pillow_reads_it(mode: str) -> None:
    made = np.random.default_rng(3).integers(0, 255, (13, 9, 3), np.uint8)
    picture = Pillow.fromarray(made).convert(mode)
    file = io.BytesIO()
    picture.save(file, "PNG")
    found = read_png(file.getvalue())
    wanted = picture.convert("RGB" if mode in ("RGB", "RGBA", "P") else "L")
    if mode in ("RGBA", "LA"):  # as it is without its transparency
        wanted = Pillow.merge("RGB" if mode == "RGBA" else "L", picture.split()[:-1])
    assert found is not None and (found.width, found.height) == (9, 13) == png_size(file.getvalue())
    assert found.pixels == wanted.tobytes()


def test_what_is_no_png_or_a_bomb_is_not_read(sample_models: Path) -> None:
    data = (sample_models / "digits_png" / "sample-3.png").read_bytes()
    assert read_png(data) is not None
    broken = bytearray(data)
    broken[16:24] = b"\x7f\xff\xff\xff" * 2
    for wrong in (b"", b"GIF89a", data[:20], data[:60], bytes(broken), data[:24] + b"\x10" + data[25:]):
        assert read_png(wrong) is None
