"""The whole picture, small, with the part that is seen marked; a click moves there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from workbench.tui.roles import role_style

if TYPE_CHECKING:
    from workbench.picture.layout.geometry import Layout

_DOTS_X, _DOTS_Y = 2, 4
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The dots of a braille sign by column and row."""


class Overview(Widget):
    """A small picture of a layout: a dot where a box is."""

    @dataclass
    class Went(Message):
        """The user wants to see another part.

        Attributes:
            x: column of the picture.
            y: row of the picture.
        """

        x: float
        y: float

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._layout: Layout | None = None
        self._window = Region()
        self._cells: list[list[int]] = []
        self.border_title = "Overview"

    def show_part(self, layout: Layout, window: Region) -> None:
        """Show a picture, and mark the part of it that a window shows.

        Args:
            layout: the picture.
            window: in its cells.
        """
        if layout is not self._layout:
            self._layout = layout
            self._cells = []
        self._window = window
        self.refresh()

    @property
    def _scale(self) -> tuple[float, float]:
        """Return how many cells of the picture a cell of the overview covers, across and down."""
        width, height = self.content_size
        layout = self._layout
        if layout is None or not width or not height:
            return 1.0, 1.0
        return max(layout.width / width, 0.5), max(layout.height / height, 0.25)

    def _signs(self) -> list[list[int]]:
        """Return the dots of each cell, made once for a picture."""
        from workbench.picture.scene.scene import Frame

        width, height = self.content_size
        if self._layout is None or (len(self._cells) == height and self._cells):
            return self._cells
        across, down = (scale / dots for scale, dots in zip(self._scale, (_DOTS_X, _DOTS_Y), strict=True))
        cells = [[0] * width for _ in range(height)]
        for box in self._layout.boxes:
            if isinstance(box.item, Frame):
                continue
            for dot_x in range(int(box.x / across), int((box.x + box.w - 1) / across) + 1):
                for dot_y in range(int(box.y / down), int((box.y + box.h - 1) / down) + 1):
                    x, y = dot_x // _DOTS_X, dot_y // _DOTS_Y
                    if x < width and y < height:
                        cells[y][x] |= _BITS[dot_x % _DOTS_X][dot_y % _DOTS_Y]
        self._cells = cells
        return cells

    def on_resize(self) -> None:
        """Make the dots anew."""
        self._cells = []

    def render_line(self, y: int) -> Strip:
        """Return a line of dots."""
        width = self.content_size.width
        signs = self._signs()
        if y >= len(signs):
            return Strip.blank(width, self.rich_style)
        across, down = self._scale
        base = self.rich_style
        dots, here = base + role_style(self.app, "quiet"), base + role_style(self.app, "on")
        window = self._window
        rows = window.y < (y + 1) * down and y * down < window.bottom
        return Strip(
            [
                Segment(
                    chr(0x2800 + sign) if sign else " ",
                    here if rows and window.x < (x + 1) * across and x * across < window.right else dots,
                )
                for x, sign in enumerate(signs[y])
            ],
            width,
        )

    def on_click(self, event: events.Click) -> None:
        """Go to the part that was clicked."""
        event.stop()
        offset = event.get_content_offset(self)
        if offset is not None:
            across, down = self._scale
            self.post_message(self.Went((offset.x + 0.5) * across, (offset.y + 0.5) * down))
