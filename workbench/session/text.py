"""Small texts that every list shows: dtype with shape, bytes, names cut in the middle."""

from __future__ import annotations

from workbench.disk import dtypes
from workbench.model import shapes
from workbench.model.shapes import Shape
from workbench.names import count as count

_UNITS = ("kB", "MB", "GB", "TB")


def dtype(enum: int) -> str:
    """The name of a dtype, `?` where nothing tells it."""
    return dtypes.name(enum) if enum else "?"


def shape(value: Shape) -> str:
    """`[?,784]`, `[]` for a scalar, `[…]` for an unknown rank: always in brackets, so that columns read alike."""
    return "[…]" if value is None else shapes.text(value)


def typed(enum: int, value: Shape) -> str:
    """`float32 [?,784]`."""
    return f"{dtype(enum)} {shape(value)}"


def size(nbytes: int | None) -> str:
    """`31.4 kB`, in powers of 1000; `?` for None."""
    if nbytes is None:
        return "?"
    if nbytes < 1000:
        return f"{nbytes} B"
    value = float(nbytes)
    for unit in _UNITS:
        value /= 1000
        if value < 999.5 or unit == _UNITS[-1]:
            break
    return f"{value:.1f} {unit}" if value < 99.5 else f"{value:.0f} {unit}"


def elide(text: str, width: int, mark: str = "…") -> str:
    """`text` in at most `width` characters, cut in the middle where it is longer; its end tells more, so gets more."""
    if len(text) <= width:
        return text
    if width <= len(mark):
        return mark[:width]
    room = width - len(mark)
    head = room // 3
    return text[:head] + mark + text[len(text) - (room - head) :]
