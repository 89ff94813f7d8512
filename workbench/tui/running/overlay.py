"""Values of a run over a picture: a shade for the magnitude of a box, and its range in the lower border."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from workbench.names import count
from workbench.picture.scene.scene import Frame
from workbench.picture.values import STEPS, TensorValue, ValueLayer, number_text
from workbench.tui.roles import role_style

if TYPE_CHECKING:
    from textual.app import App

    from workbench.picture.layout.geometry import Box, Layout

DARK, LIGHT = ("#14161d", "#3a2710"), ("#f4f4f1", "#f7d9b0")
"""The background of the smallest and the largest magnitude. On all between, texts have 4.5:1, lines 3:1."""
_LEVELS = "▁▂▃▄▅▆▇█"


class Overlay:
    """The values of the boxes of one picture.

    Args:
        layer: the values.
        layout: the picture.
        ascii: whether only ASCII is drawn.
    """

    def __init__(self, layer: ValueLayer, layout: Layout, *, ascii: bool = False) -> None:
        self.layer = layer
        self._ascii = ascii
        self._tiny = layout.detail == "tiny"
        self._rows: dict[int, list[tuple[Box, int | None, str, str]]] = {}
        for box in layout.boxes:
            self._add(box)

    def _add(self, box: Box) -> None:
        if isinstance(box.item, Frame):
            return
        own = self.layer.of(box.item)
        values = own or self.layer.inside(box.item)
        if not values:
            return
        step = self.layer.step(values)
        caption, role = self._caption(box, own, values, step)
        entry = (box, step, caption, role)
        for y in range(box.y, box.y + box.h):
            self._rows.setdefault(y, []).append(entry)

    def _caption(
        self,
        box: Box,
        own: tuple[TensorValue, ...],
        values: tuple[TensorValue, ...],
        step: int | None,
    ) -> tuple[str, str]:
        """Return what stands in the lower border, and its role."""
        room = box.w - 4
        if self._tiny or room <= 0:
            return "", ""
        trouble = next((value.trouble for value in values if value.trouble), "")
        if trouble:
            return _fitting([f" ! {trouble} ", " ! ", "!"], room), "bad"
        sign = "" if step is None else str(step) if self._ascii else _LEVELS[min(step, len(_LEVELS) - 1)]
        most = max((size for value in own if (size := value.magnitude) is not None), default=None)
        texts = [own[0].range if own else count(len(values), "value")]
        if own and most is not None:
            texts.append(number_text(most))
        return _fitting([*(f" {sign} {text} ".replace("  ", " ") for text in texts), sign], room), "name"

    def paint(self, app: App[Any], segments: list[Segment], x: int, y: int, width: int) -> list[Segment]:
        """Return a line of the picture with the values of its boxes.

        Args:
            app: whose theme it is.
            segments: the line.
            x: the column of the picture at which it begins.
            y: the row of the picture.
            width: the columns of the line.
        """
        found = [
            entry for entry in self._rows.get(y, ()) if entry[0].x < x + width and entry[0].x + entry[0].w > x
        ]
        for box, step, caption, role in found:
            start, end = max(box.x - x, 0), min(box.x + box.w - x, width)
            segments = _shaded(segments, start, end, shade(app, step))
            if caption and y == box.y + box.h - 1:
                segments = _written(segments, box.x + 2 - x, caption, role_style(app, role), width)
        return segments

    def legend(self) -> str:
        """Return what the shades mean, in a few words."""
        scale = self.layer.scale
        if scale is None:
            return ""
        return f"shaded by magnitude, {number_text(scale.low)} to {number_text(scale.high)}"


def _fitting(texts: list[str], room: int) -> str:
    """Return the first text that has room; empty if none has: half a number is a wrong one."""
    return next((text for text in texts if len(text) <= room), "")


def shade(app: App[Any], step: int | None) -> Style:
    """Return the background of a step of the scale; none with a terminal's own colours."""
    if not step or app.current_theme.ansi:
        return Style()
    from textual.color import Color

    low, high = DARK if app.current_theme.dark else LIGHT
    blended = Color.parse(low).blend(Color.parse(high), step / (STEPS - 1))
    return Style(bgcolor=blended.rich_color)


def _shaded(segments: list[Segment], start: int, end: int, style: Style) -> list[Segment]:
    """Return segments with a background from one column to another."""
    if not style:
        return segments
    before, inside, after = _parts(segments, start, end)
    return [
        *before,
        *(Segment(one.text, (one.style or Style()) + style, one.control) for one in inside),
        *after,
    ]


def _written(segments: list[Segment], at: int, text: str, style: Style, width: int) -> list[Segment]:
    """Return segments with a text over them, as far as it is in sight."""
    start, end = max(at, 0), min(at + len(text), width)
    if start >= end:
        return segments
    before, inside, after = _parts(segments, start, end)
    base = inside[0].style if inside else None
    return [*before, Segment(text[start - at : end - at], (base or Style()) + style), *after]


def _parts(
    segments: list[Segment], start: int, end: int
) -> tuple[list[Segment], list[Segment], list[Segment]]:
    strip = Strip(segments)
    total = strip.cell_length
    return (
        list(strip.crop(0, start)) if start else [],
        list(strip.crop(start, end)),
        list(strip.crop(end, total)) if end < total else [],
    )
