"""A layout as SVG: the geometry of the terminal's canvas, one self-contained file, light and dark."""

from __future__ import annotations

from typing import Literal

from workbench.picture.layout import Layout

Theme = Literal["light", "dark", "auto"]


def to_svg(layout: Layout, *, theme: Theme = "auto", title: str = "") -> str:
    """SVG text. `auto` follows the viewer's `prefers-color-scheme`.

    Args:
        layout: what to draw.
        theme: colours.
        title: for the `<title>` element and a heading; empty for none.
    """
    raise NotImplementedError
