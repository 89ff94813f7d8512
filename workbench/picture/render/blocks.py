"""Histograms and small pictures of tensors as characters of a terminal: half blocks, or shades without colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from workbench.picture.render.glyphs import Glyphs
from workbench.picture.values import Image

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_MARKS = " .:-=+*#%@"
_UPPER = "▀"
Colour = tuple[int, int, int]


class Cell(NamedTuple):
    """Two pixels, one above the other.

    Attributes:
        text: the character for them.
        upper: colour of the upper one.
        lower: colour of the lower one; None below the last row.
    """

    text: str
    upper: Colour
    lower: Colour | None


def histogram(counts: Sequence[int], glyphs: Glyphs = "unicode") -> str:
    """Return a histogram as one line; a bin that is not empty has at least the lowest mark."""
    return bars(counts, 1, glyphs)[0] if counts else ""


def bars(counts: Sequence[int], height: int, glyphs: Glyphs = "unicode", wide: int = 1) -> list[str]:
    """Return a histogram as lines, the tallest bar as high as all of them.

    Args:
        counts: of the bins.
        height: how many lines.
        glyphs: which characters.
        wide: how many columns a bin has.
    """
    marks = _EIGHTHS if glyphs == "unicode" or height > 1 else _MARKS
    steps = len(marks) - 1
    most = max(counts, default=0) or 1
    levels = [0 if not one else max(1, round(steps * height * one / most)) for one in counts]
    lines = []
    for row in reversed(range(height)):
        heights = [min(max(level - row * steps, 0), steps) for level in levels]
        if glyphs == "ascii" and height > 1:
            lines.append(
                "".join(("#" if one > steps // 2 else "_" if one else " ") * wide for one in heights)
            )
        else:
            lines.append("".join(marks[one] * wide for one in heights))
    return lines


def half_blocks(image: Image, most: int = 64) -> list[list[Cell]]:
    """Return a picture as rows of cells, at most so many columns wide."""
    small = shrunk(image, most)
    rows = []
    for y in range(0, small.height, 2):
        cells = []
        for x in range(small.width):
            lower = _pixel(small, x, y + 1) if y + 1 < small.height else None
            cells.append(Cell(_UPPER, _pixel(small, x, y), lower))
        rows.append(cells)
    return rows


def shades(image: Image, most: int = 64) -> list[str]:
    """Return a picture as lines of shades, two columns a pixel, at most so many columns wide."""
    small = shrunk(image, most // 2)
    last = len(_MARKS) - 1
    return [
        "".join(_MARKS[round(sum(_pixel(small, x, y)) / 765 * last)] * 2 for x in range(small.width))
        for y in range(small.height)
    ]


def shrunk(image: Image, most: int) -> Image:
    """Return a picture of at most so many columns; each pixel is the mean of those it replaces."""
    step = max(1, -(-image.width // max(most, 1)))
    if step == 1:
        return image
    width, height = -(-image.width // step), -(-image.height // step)
    pixels = bytearray()
    for y in range(height):
        for x in range(width):
            block = list(_block(image, x * step, y * step, step))
            pixels += bytes(sum(column) // len(block) for column in zip(*block, strict=True))
    return Image(width, height, image.channels, bytes(pixels), image.caption)


def _block(image: Image, left: int, top: int, side: int) -> Iterator[tuple[int, ...]]:
    for y in range(top, min(top + side, image.height)):
        for x in range(left, min(left + side, image.width)):
            at = (y * image.width + x) * image.channels
            yield tuple(image.pixels[at : at + image.channels])


def _pixel(image: Image, x: int, y: int) -> Colour:
    at = (y * image.width + x) * image.channels
    if image.channels < 3:
        return (image.pixels[at],) * 3
    red, green, blue = image.pixels[at : at + 3]
    return red, green, blue
