"""Small texts that every list shows: dtype with shape, bytes, names cut in the middle."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.disk import dtypes
from workbench.model import shapes
from workbench.model.shapes import Shape
from workbench.names import count as count

_UNITS = ("kB", "MB", "GB", "TB")
_STUMP = 8
"""Characters that are left of a word at least, where there is room for all words."""


def dtype(enum: int) -> str:
    """The name of a dtype, `?` where nothing tells it."""
    return dtypes.name(enum) if enum else "?"


def shape(value: Shape) -> str:
    """`[?,784]`, `[]` for a scalar, `[?…]` for an unknown rank: always in brackets, so that columns read alike."""
    return shapes.text(value)


def typed(enum: int, value: Shape) -> str:
    """`float32 [?,784]`."""
    return shapes.typed(enum, value)


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


def elide_words(words: Sequence[str], width: int, whole: int = 0) -> str:
    """Return words with blanks between them in at most `width` characters.

    The longest ones are cut, each in its own middle, so that no two run into one; if even short stumps have no room,
    the last words are left out behind an ellipsis.

    Args:
        words: the words.
        width: how many characters there may be.
        whole: how many of the first words are not cut.
    """
    first, rest = list(words[:whole]), words[whole:]
    text = " ".join(first + share(rest, width - sum(map(len, first)) - (len(words) - 1)))
    if len(text) <= width:
        return text
    return f"{text[: max(width - 1, 0)].rstrip(' …')}…" if width > 0 else ""


def share(texts: Sequence[str], room: int, least: int = _STUMP) -> list[str]:
    """Return texts that have `room` characters together: the longest are cut, but to no fewer than `least`."""
    longest = max(map(len, texts), default=0)
    while longest > least and sum(min(len(text), longest) for text in texts) > room:
        longest -= 1
    spare = room - sum(min(len(text), longest) for text in texts)
    found = []
    for text in texts:
        more = 1 if spare > 0 and len(text) > longest else 0
        spare -= more
        found.append(elide(text, longest + more))
    return found
