"""Write sizes, and words that share a line, the same way in every face.

Dtypes with shapes are written by `workbench.model.shapes`, numbers with a noun and names by `workbench.names`.
"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.names import elide

_STUMP = 8
"""Characters that are left of a word at least, where there is room for all words."""


def size(nbytes: int | None) -> str:
    """Return bytes for people, in powers of 1000: `784 B`, `31.4 kB`, `205 MB`; `?` for None."""
    if nbytes is None:
        return "?"
    value, unit = float(nbytes), "B"
    for bigger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, bigger
    if unit == "B" or value >= 99.95:
        return f"{value:.0f} {unit}"
    return f"{value:.1f} {unit}"


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
