"""The characters of the canvas: lines, arrowheads, borders, marks."""

from __future__ import annotations

from typing import Literal

from workbench.picture.scene.families import ASCII_SIGNS, SIGNS

Glyphs = Literal["unicode", "ascii"]

UP, RIGHT, DOWN, LEFT = 0, 1, 2, 3
_WEIGHTS = (1, 3, 9, 27)
# Box drawing by weight 0 (none), 1 (light), 2 (heavy) up + 3·right + 9·down + 27·left (Unicode U+2500 to U+257F).
_LINES = " ╵╹╶└┖╺┕┗╷│╿┌├┞┍┝┡╻╽┃┎┟┠┏┢┣╴┘┚─┴┸╼┶┺┐┤┦┬┼╀┮┾╄┒┧┨┰╁╂┲╆╊╸┙┛╾┵┹━┷┻┑┥┩┭┽╃┯┿╇┓┪┫┱╅╉┳╈╋"
_ROUND = {"┌": "╭", "┐": "╮", "└": "╰", "┘": "╯", "╵": "│", "╷": "│", "╴": "─", "╶": "─"}
_ENDS = {"╹": "┃", "╻": "┃", "╸": "━", "╺": "━"}
_SOFT = _ROUND | _ENDS
_DASHED = _SOFT | {"│": "┊", "─": "┄", "╵": "┊", "╷": "┊", "╴": "┄", "╶": "┄"}

MARKS = {"unicode": "●▲■◆★✚", "ascii": "o^#*@+"}
"""The mark of each owner, by its index, so that models differ by more than colour."""

ADAPTERS_MARK = {"unicode": "◇", "ascii": "%"}
"""The mark of adapters."""


def owner_mark(number: int, glyphs: Glyphs) -> str:
    """Return the mark of an owner by its number in `scene.numbers`."""
    return ADAPTERS_MARK[glyphs] if number < 0 else MARKS[glyphs][number % len(MARKS[glyphs])]


def kind_sign(kind: str, glyphs: Glyphs) -> str:
    """Return the sign of a kind of op; empty for `other`."""
    if kind == "other":
        return ""
    return SIGNS[kind] if glyphs == "unicode" else ASCII_SIGNS[kind]


ARROWS = {
    "unicode": {(0, 1): "▼", (0, -1): "▲", (1, 0): "▶", (-1, 0): "◀"},
    "ascii": {(0, 1): "v", (0, -1): "^", (1, 0): ">", (-1, 0): "<"},
}
"""Arrowheads by the direction of the line (dx, dy)."""

BORDERS = {
    "unicode": {
        "plain": "╭─╮│╯╰",
        "heavy": "┏━┓┃┛┗",
        "selected": "╔═╗║╝╚",
        "frame": "┌┄┐┊┘└",
        "tiny": "[ ]   ",
    },
    "ascii": {
        "plain": "+-+|++",
        "heavy": "#=##/\\",
        "selected": "*****" + "*",
        "frame": "+.+:++",
        "tiny": "[ ]   ",
    },
}
"""Top left, horizontal, top right, vertical, bottom right, bottom left of each kind of border."""

PORTS = {
    "unicode": {
        "plain": "┴├┬┤",
        "heavy": "┻┣┳┫",
        "selected": "╩╠╦╣",
        "frame": "┴├┬┤",
        "tiny": "    ",
    },
    "ascii": {
        "plain": "++++",
        "heavy": "####",
        "selected": "****",
        "frame": "++++",
        "tiny": "    ",
    },
}
"""Where a line leaves a border: up, right, down, left."""


def line_glyph(weights: tuple[int, int, int, int], glyphs: Glyphs, *, dashed: bool, crossing: bool) -> str:
    """Return the character of a cell that lines go through.

    Args:
        weights: 0 none, 1 light, 2 heavy: up, right, down, left.
        glyphs: which characters.
        dashed: whether all lines through it are dashed.
        crossing: whether lines that have nothing to do with each other meet here: then the upright one passes
            over the other, and four ways in one sign are always a join.
    """
    if crossing and all(weights):
        weights = (weights[UP], 0, weights[DOWN], 0)
    if glyphs == "ascii":
        return _ascii(weights, dashed)
    char = _LINES[sum(weight * factor for weight, factor in zip(weights, _WEIGHTS, strict=True))]
    return (_DASHED if dashed else _SOFT).get(char, char)


def _ascii(weights: tuple[int, int, int, int], dashed: bool) -> str:
    upright, flat = weights[UP] or weights[DOWN], weights[LEFT] or weights[RIGHT]
    if upright and not flat:
        return ":" if dashed else "#" if max(weights) > 1 else "|"
    if not upright:
        return "." if dashed else "=" if max(weights) > 1 else "-"
    return "+"
