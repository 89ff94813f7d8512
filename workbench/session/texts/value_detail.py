"""The value of a tensor as lines: dtype and shape, range, histogram, first values, small pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from workbench.describe.values import row_text, text_of
from workbench.names import count, show
from workbench.picture.render.blocks import bars, half_blocks, shades
from workbench.picture.values import Image, TensorValue, number_text
from workbench.session.texts.detail import Colour, Detail, Line, Span

if TYPE_CHECKING:
    import numpy as np

    from workbench.session.running.run import KeptRun

    Array = np.ndarray[Any, Any]

Drawing = Literal["colours", "shades", "ascii"]
"""How pictures are drawn: half blocks in colours; shades of characters; those and no block anywhere."""

WIDEST = 40
"""Columns of a picture."""
_HEIGHT = 3  # lines of a histogram
_LISTED = 24  # values of an output that are listed
_PICTURES = 4  # of one tensor


def value_detail(run: KeptRun, value: TensorValue, drawing: Drawing) -> Detail:
    """Return all that is shown of a tensor's value.

    Args:
        run: whose value it is.
        value: the value.
        drawing: how pictures are drawn.
    """
    side, key = _end_of(value)
    name = key if side else value.address
    out = Detail(("value", value.address), show(name, 60), name)
    out.add(Span(show(name, 1000), "title"), Span(f"  {side}" if side else "", "dim"))
    for line in run.answers.get(key, ()) if side == "output" else ():
        out.add(Span(f"  {line}", "good"))
    if op := run.ops.get(value.address):
        out.fact("op", Span(show(op), "op"), width=8)
    if side == "input":
        text = run.texts.get(key)
        out.fact("value", show(text, 200) if text else run.made.get(key, "made"), width=8)
    array = (run.outputs if side == "output" else run.inputs if side == "input" else {}).get(key)
    add_value(out, value, drawing, array)
    return out


def add_value(out: Detail, value: TensorValue, drawing: Drawing, array: Array | None = None) -> None:
    """Add what is known of a value to a detail.

    Args:
        out: the detail.
        value: the value.
        drawing: how pictures are drawn.
        array: the whole value, if it is there.
    """
    out.fact("type", Span(value.type, "dtype"), width=8)
    if value.least is not None and value.most is not None:
        out.fact("range", value.range, width=8)
        if value.mean is not None and value.least != value.most:
            out.fact("mean", number_text(value.mean), width=8)
    if value.trouble:
        out.fact("not finite", Span(f"! {value.trouble}", "bad"), width=8)
    images = [*value.images[:_PICTURES]] or [
        one for one in [square(array) if array is not None else None] if one is not None
    ]
    for image in images:
        out.add(Span(f"  {image.caption}", "dim")) if image.caption else out.add("")
        out.lines += picture_lines(image, drawing)
    if len(value.images) > _PICTURES:
        out.add(Span(f"  and {count(len(value.images) - _PICTURES, 'channel')} more", "dim"))
    if value.histogram and value.least is not None and value.most is not None:
        out.add("")
        glyphs: Literal["unicode", "ascii"] = "ascii" if drawing == "ascii" else "unicode"
        for line in bars(value.histogram, _HEIGHT, glyphs, wide=2):
            out.add(Span(f"  {line}", "op"))
        low, high = number_text(value.least), number_text(value.most)
        room = 2 * len(value.histogram) - len(low)
        out.add(Span(f"  {low}{high:>{room}}", "dim"))
    _first_values(out, value, array)


def _first_values(out: Detail, value: TensorValue, array: Array | None) -> None:
    """Add the first values; of an output more of them, a line for each string."""
    if array is not None and array.dtype.kind in "OSU":
        out.add("")
        for one in array.reshape(-1)[:_LISTED].tolist():
            out.add(f"  {show(text_of(one), 300)}")
        if array.size > _LISTED:
            out.add(Span(f"  and {array.size - _LISTED:,} more", "dim"))
        return
    total = 1
    for size in value.shape:
        total *= size
    if array is not None and array.dtype.kind in "biuf":
        listed = array.reshape(-1)[:_LISTED].tolist()
        text = row_text(listed, after=array.size > len(listed))
    else:
        text = ", ".join([*value.first, *(["…"] if total > len(value.first) else [])])
    if text:
        out.add("")
        out.add(f"  {text}")


def picture_lines(image: Image, drawing: Drawing, widest: int = WIDEST) -> Iterable[Line]:
    """Return a picture as lines."""
    if drawing != "colours":
        return [(Span("  "), Span(line)) for line in shades(image, widest)]
    lines: list[Line] = []
    for row in half_blocks(image, widest):
        spans = [Span("  ")]
        for cell in row:
            colour = Colour(_pair(cell.upper, cell.lower))
            if spans[-1].role == colour:
                spans[-1] = Span(spans[-1].text + cell.text, colour)
            else:
                spans.append(Span(cell.text, colour))
        lines.append(tuple(spans))
    return lines


def square(array: Array) -> Image | None:
    """Return a row of pixels as the square picture it is a row of; None if it is none.

    Such as the 784 values of a digit: at least 16 × 16 of them, none negative.
    """
    import numpy as np

    if array.dtype.kind not in "uf" or array.ndim not in (1, 2) or array.size != array.shape[-1]:
        return None
    side = round(array.size**0.5)
    if side < 16 or side * side != array.size or side > 256 or not np.isfinite(array).all():
        return None
    least, most = float(array.min()), float(array.max())
    if least < 0 or most <= least:
        return None
    top = 255.0 if array.dtype == np.uint8 else most
    pixels = np.rint(array.astype(np.float64) / top * 255).astype(np.uint8)
    return Image(side, side, 1, pixels.tobytes(), f"as a picture of {side} × {side}")


def _end_of(value: TensorValue) -> tuple[str, str]:
    """Return `input` or `output` and the key, of the value of one; else two empty texts."""
    for sign, side in (("#in#", "input"), ("#out#", "output")):
        if value.address.startswith(sign):
            return side, value.address.removeprefix(sign)
    return "", ""


def _pair(upper: tuple[int, int, int], lower: tuple[int, int, int] | None) -> str:
    front = "#{:02x}{:02x}{:02x}".format(*upper)
    return front if lower is None else f"{front} on " + "#{:02x}{:02x}{:02x}".format(*lower)
