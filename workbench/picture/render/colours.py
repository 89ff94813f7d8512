"""The colours of pictures as SVG and HTML, light and dark.

Text has a contrast of 4.5:1 at least with what is behind it, a line or a sign of 3:1 (WCAG 2.2, 1.4.3 and 1.4.11).
"""

from __future__ import annotations

from collections.abc import Mapping

Pair = tuple[str, str]

BACKGROUNDS: Mapping[str, Pair] = {
    "paper": ("#ffffff", "#14171c"),
    "box": ("#ffffff", "#1d2229"),
    "scope": ("#f1f4f8", "#262d37"),
    "end": ("#eef6ee", "#1f2b24"),
    "frame": ("#fafbfc", "#181c22"),
}
"""Colours of areas: (light, dark)."""

TEXTS: Mapping[str, Pair] = {
    "title": ("#111827", "#f3f4f6"),
    "sub": ("#4b5563", "#aab4c2"),
    "detail": ("#8a5a00", "#e0b060"),
    "label": ("#5b6472", "#98a2b0"),
}
LINES: Mapping[str, Pair] = {
    "border": ("#4b5563", "#9aa4b2"),
    "edge": ("#6b7280", "#8b95a3"),
    "control": ("#7c8593", "#7d8796"),
    "frame-line": ("#7b8594", "#7a8595"),
}
OWNERS: Mapping[str, Pair] = {
    "o0": ("#2563a8", "#7fb2ec"),
    "o1": ("#9a5b12", "#e5a85a"),
    "o2": ("#2f7a45", "#7ccb93"),
    "oa": ("#7a3fb0", "#c6a0f5"),
}
"""The colours of the models of a join, and of adapters. They differ in hue and in lightness."""

SEAM: Pair = ("#b4235a", "#ff7aa8")
"""The boundary between the models of a join."""

SELECTED: Pair = ("#000000", "#ffffff")
"""The ring around the selected box: no hue, so that it is taken for no boundary and for no model."""

FAMILIES: Mapping[str, Pair] = {
    "input": ("#1c6b3a", "#7ad39a"),
    "constant": ("#6a6200", "#d6cf6a"),
    "variable": ("#835500", "#e8b45c"),
    "arithmetic": ("#3b4a63", "#a9b8d0"),
    "convolution": ("#4b3fb8", "#aaa4ff"),
    "control flow": ("#9c2f7c", "#f08fd4"),
    "table": ("#006c7a", "#5fd0e0"),
    "string": ("#a8321a", "#ff9d85"),
    "other": ("#565f6c", "#9aa4b2"),
}
"""The colours of kinds of ops; each kind has a sign too."""

MAGNITUDES: tuple[Pair, ...] = (
    ("#f4f4f0", "#23262c"),
    ("#fdf3c0", "#3b1f5b"),
    ("#e3eeaa", "#3b3278"),
    ("#b9e2a8", "#2f4a86"),
    ("#86d0ae", "#226088"),
    ("#5bb9bd", "#1b6d80"),
    ("#469fcb", "#237d55"),
)
"""Areas of boxes by the step of their values on the scale (`picture.values`), under text of the colour `title`."""

NOT_FINITE: Pair = ("#8f1230", "#ffb3c1")
"""The area of a box that has a NaN or an infinity. Its text is `ON_NOT_FINITE`, and a sign says it as well."""
ON_NOT_FINITE: Pair = ("#ffffff", "#000000")


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21, as WCAG 2.2 defines it.

    Args:
        one: `#rrggbb`.
        other: `#rrggbb`.
    """
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
