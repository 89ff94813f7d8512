"""Signs that carry meaning beside colour, and their replacements where there is no Unicode."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from textual.filter import LineFilter

if TYPE_CHECKING:
    from rich.segment import Segment
    from textual.color import Color

MARKS = ("●", "▲", "■", "◆")
FITS, UNKNOWN, NO = "✓", "?", "✗"
OPENED, CLOSED = "▾", "▸"
INTO, OUT = "→", "←"
PICKED, WIRED = "◉", "━"
ADAPTERS = "◇"
SEVERITY = {"error": NO, "warning": "!", "info": "i"}
ARROW, BACK, BOTH = "─▶", "◀─", "◀▶"

_SINGLE = {
    "◆": "*", "●": "o", "▲": "^", "■": "#", "✓": "+", "✗": "x", "▾": "-", "▸": "+", "→": ">", "←": "<", "◉": "@",
    "━": "=", "▶": ">", "…": "~", "·": "-", "•": "*", "↓": "v", "↑": "^", "×": "x", "“": '"', "”": '"',
    "○": "o", "◇": "%", "◀": "<", "▼": "v", "△": "^", "▽": "v", "☰": "=", "⭘": "o", "⏎": "<",
}  # fmt: skip


def mark(position: int) -> str:
    """Return the mark of the model at a position."""
    return MARKS[position % len(MARKS)]


def arrow(forth: bool, back: bool) -> str:
    """Return the arrow between two models with wires from the first to the second, or back; a blank for none."""
    if forth and back:
        return BOTH
    return ARROW if forth else BACK if back else " "


@cache
def ascii_table() -> dict[int, str]:
    """Return a translation table from each sign we draw to one ASCII character."""
    found = {ord(sign): text for sign, text in _SINGLE.items()}
    for code in range(0x2500, 0x2580):  # box drawing
        found[code] = "+"
    found.update({ord(sign): "-" for sign in "─━┄┅┈┉╌╍═╴╶╸╺╼╾"})
    found.update({ord(sign): "|" for sign in "│┃┆┇┊┋╎╏║╵╷╹╻╽╿"})
    for code in range(0x2580, 0x25A0):  # blocks: edges of boxes and scroll bars
        found[code] = " "
    found.update({ord("▏"): "|", ord("▕"): "|", ord("▎"): "|", ord("▊"): "|", ord("▌"): "|", ord("▐"): "|"})
    found.update({ord("▔"): "-", ord("▁"): "_", ord("█"): "#", ord("▀"): "-", ord("▄"): "_"})
    for code in range(0x2800, 0x2900):  # braille: spinners and small pictures
        found[code] = "*" if code > 0x2800 else " "
    for code in range(0x1FB00, 0x1FC00):  # legacy computing: half lines
        found[code] = " "
    return found


class AsciiFilter(LineFilter):
    """A line filter that draws everything but a model's own text in ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments without box-drawing glyphs."""
        table = ascii_table()
        made = type(segments[0]) if segments else None
        if made is None:
            return segments
        return [
            segment
            if segment.control or segment.text.isascii()
            else made(segment.text.translate(table), segment.style)
            for segment in segments
        ]
