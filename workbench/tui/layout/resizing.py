"""Panes whose boundaries are moved by keys and by the mouse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual import events

from workbench.tui.screens.regions import RegionScreen

if TYPE_CHECKING:
    from textual.widget import Widget

    from workbench.session.lists.pane_layout import PaneLayout

_LEAST = {"x": 16, "y": 4}
_STEP = {"x": 4, "y": 2}
_NO_BOUNDARY = {
    "x": "No pane stands beside this one.",
    "y": "No pane stands above or below this one.",
}


class Group(NamedTuple):
    """Visible panes beside (`x`) or below each other (`y`)."""

    name: str
    axis: str
    panes: Sequence[Widget]

    @property
    def sizes(self) -> list[int]:
        """Return the size of each pane along the axis, in cells."""
        return [pane.outer_size.width if self.axis == "x" else pane.outer_size.height for pane in self.panes]

    def boundary_at(self, x: int, y: int) -> int | None:
        """Return the pane whose boundary to the next one is at a cell of the screen, or None."""
        for at, (before, after) in enumerate(zip(self.panes, self.panes[1:], strict=False)):
            one, other = before.region, after.region
            if self.axis == "x":
                last = one.right - 1 if "right" in _borders(before) else other.x
                if x in (last, other.x) and other.y <= y < other.bottom:
                    return at
            elif y == other.y and other.x <= x < other.right:
                return at
        return None


def _borders(pane: Widget) -> set[str]:
    """Return the sides on which a pane has a border."""
    spacing = pane.gutter
    return {"right"} if spacing.right else set()


def set_size(pane: Widget, axis: str, size: int | str | None) -> None:
    """Give a pane a size along an axis; None leaves it to the style sheet.

    A size that was not set is not cleared: Textual would lay out the whole screen for it.
    """
    rule = "width" if axis == "x" else "height"
    if size is not None or pane.styles.inline.has_rule(rule):
        setattr(pane.styles, rule, size)


def apply(layout: PaneLayout, group: Group) -> None:
    """Give the panes of a group the sizes that a user chose; without any, those of the style sheet."""
    sizes = layout.of(group.name, len(group.panes))
    for at, pane in enumerate(group.panes):
        set_size(pane, group.axis, f"{sizes[at]}fr" if sizes is not None else None)


class ResizableScreen(RegionScreen):
    """A screen of regions whose boundaries can be moved."""

    def __init__(self) -> None:
        super().__init__()
        self._dragged: tuple[Group, int] | None = None

    # -- for subclasses

    @property
    def layout_kept(self) -> PaneLayout:
        """Return the sizes that were chosen."""
        raise NotImplementedError

    def groups(self) -> Iterator[Group]:
        """Iterate over the groups of panes that are seen, inner before outer."""
        yield from ()

    # -- keys

    def action_resize(self, axis: str, by: int) -> None:
        """Make the pane with the focus wider or taller (1), or narrower or shorter (-1)."""
        focused = self.focused
        around = list(focused.ancestors_with_self) if focused is not None else []
        for group in self.groups():
            at = next((at for at, pane in enumerate(group.panes) if pane in around), None)
            if group.axis != axis or at is None or len(group.panes) < 2:
                continue
            last = at == len(group.panes) - 1
            self._move(group, at - 1 if last else at, _STEP[axis] * (-by if last else by))
            return
        self.app.say(_NO_BOUNDARY[axis])  # type: ignore[attr-defined]

    def _move(self, group: Group, at: int, by: int) -> None:
        if self.layout_kept.move(group.name, group.sizes, at, by, _LEAST[group.axis]):
            apply(self.layout_kept, group)

    # -- mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the boundary under the mouse."""
        for group in self.groups():
            at = group.boundary_at(event.screen_x, event.screen_y)
            if at is not None:
                self._dragged = group, at
                self.app.capture_mouse(self)
                event.stop()
                return

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the boundary that is held to the mouse."""
        if self._dragged is None:
            return
        event.stop()
        group, at = self._dragged
        after = group.panes[at + 1].region
        by = event.screen_x - after.x if group.axis == "x" else event.screen_y - after.y
        if by:
            self._move(group, at, by)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go of the boundary."""
        if self._dragged is not None:
            event.stop()
            self._dragged = None
            self.app.capture_mouse(None)
