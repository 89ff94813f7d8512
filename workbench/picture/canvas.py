"""A layout as characters: a virtual canvas that draws only the tiles that are looked at."""

from __future__ import annotations

from typing import Literal

from workbench.picture.layout import Box, Layout

Glyphs = Literal["unicode", "ascii"]
Segment = tuple[str, str]
"""Text and its style key.

A style key is `ROLE`, `ROLE@N` or either with `!` at the end: N is the index into `scene.owners`, `!` says that
the box is selected (or a line that touches it). Roles: `` (blank), `border`, `title`, `subtitle`, `detail`, `mark`,
`frame`, `edge`, `control`, `seam`, `label`. See `split_style`.
"""

MARKS = {"unicode": "●▲■◆★✚", "ascii": "o^#*@+"}
"""The mark of each owner, by its index, so that no model is told by its colour alone."""


def split_style(key: str) -> tuple[str, int | None, bool]:
    """A style key as (role, owner index or None, selected)."""
    role, _, owner = key.rstrip("!").partition("@")
    return role, int(owner) if owner else None, key.endswith("!")


class Canvas:
    """Draws a layout in tiles of 64×32 cells, each made when it is first looked at, and kept.

    Args:
        layout: what to draw.
        glyphs: box drawing characters, or plain ASCII.
    """

    def __init__(self, layout: Layout, glyphs: Glyphs = "unicode") -> None:
        self.layout = layout
        self.glyphs = glyphs
        self.width = layout.width
        self.height = layout.height
        self.selected: str | None = None

    def select(self, id: str | None) -> None:
        """Highlights a box and its lines, or none."""
        raise NotImplementedError

    def row(self, x: int, y: int, width: int) -> list[Segment]:
        """Cells `x` to `x + width` of row `y` as segments, `width` cells in all; outside the canvas is blank."""
        raise NotImplementedError

    def rows(self, x: int, y: int, width: int, height: int) -> list[list[Segment]]:
        """A rectangle as rows of segments."""
        raise NotImplementedError

    def hit(self, x: int, y: int) -> str | None:
        """Id of the box at a cell, the innermost; a frame counts at its border and title."""
        raise NotImplementedError

    def box(self, id: str) -> Box | None:
        """The placed box of a node or frame, to scroll to; None if it is not there."""
        raise NotImplementedError

    def neighbour(self, id: str | None, direction: Literal["up", "down", "left", "right"]) -> str | None:
        """The box that an arrow key goes to: along an edge with or against the flow, else the nearest that way."""
        raise NotImplementedError

    def legend(self) -> list[Segment]:
        """Marks and handles of the owners, and the seam, as one row of segments."""
        raise NotImplementedError

    def text(self) -> str:
        """The whole canvas as plain text, without trailing blanks."""
        raise NotImplementedError
