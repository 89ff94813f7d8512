"""The picture of a graph: pans at any size, because only the tiles that are seen are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.tui.actions import bindings
from workbench.tui.roles import role_style

if TYPE_CHECKING:
    from workbench.picture.layout.geometry import Box
    from workbench.picture.render.canvas import Canvas, Direction
    from workbench.picture.scene.scene import Frame, Node
    from workbench.tui.host import Host
    from workbench.tui.running.overlay import Overlay

_ROLES = {
    "border": "line", "title": "title", "subtitle": "plain", "detail": "quiet", "mark": "title", "frame": "quiet",
    "edge": "quiet", "control": "line", "seam": "seam", "label": "dtype",
}  # fmt: skip
_OWNED = frozenset({"border", "mark", "frame"})
_PAN = (8, 4)
_NO_BOX = "No box is selected."


class CanvasView(ScrollView, can_focus=True):
    """A scrollable view of a `Canvas`."""

    app: Host
    SCOPE = "canvas"
    BINDINGS = bindings("canvas")

    @dataclass
    class Selected(Message):
        """Another box is selected, or none."""

        id: str | None

    @dataclass
    class Asked(Message):
        """The user wants another view to be drawn.

        Attributes:
            what: `open`, `close`, `show`, `focus`, `hops`, `controls`, `zoom`, `fit`, `across` or `search`.
            id: of the box or of what it opens.
            by: how far.
        """

        what: str
        id: str | None = None
        by: int = 0

    class Scrolled(Message):
        """Another part of the picture is in the window, or there is another picture."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.canvas: Canvas | None = None
        self.overlay: Overlay | None = None
        self.matches: list[str] = []
        self._shown_match = ""
        self._known: dict[str, Style] = {}
        self._grabbed: tuple[Offset, Offset] | None = None

    # -- what is shown

    def show_canvas(
        self, canvas: Canvas | None, select: str | None = None, offset: Offset | None = None
    ) -> None:
        """Show a picture; keep the selected box if it is still there.

        What is looked at stays where it is in the window: the selected box, or another one that both pictures have if
        that is not in sight.

        Args:
            canvas: the picture, or None for none.
            select: id of the box to select.
            offset: where to scroll to instead.
        """
        held = self._held(canvas)
        self.canvas = canvas
        if canvas is None:
            self.virtual_size = Size(0, 0)
            self.refresh()
            return
        self.virtual_size = Size(canvas.width, canvas.height)
        wanted = (
            select
            if select is not None and canvas.box(select) is not None
            else canvas.neighbour(None, "down")
        )
        if held is not None and wanted is not None and canvas.box(held[0]) is None:
            held = (wanted, held[1])  # drawn otherwise now: opened, or closed into another box
        self.select(wanted, center=offset is None and held is None)
        if offset is not None:
            self.scroll_to(offset.x, offset.y, animate=False, force=True, immediate=True)
        elif held is not None and (box := canvas.box(held[0])) is not None:
            self._put(box, held[1])
        self.refresh()
        self.post_message(self.Scrolled())

    def _held(self, canvas: Canvas | None) -> tuple[str, tuple[float, float]] | None:
        """Return the box to keep in place and where its middle is in the window."""
        old = self.canvas
        if old is None or canvas is None or not old.layout.boxes:
            return None
        size = self.scrollable_content_region.size
        selected = old.box(self.selected) if self.selected is not None else None
        if selected is not None:
            x, y = self._in_window(selected)
            if 0 <= x < size.width and 0 <= y < size.height:
                return selected.id, (x, y)
        common = [box for box in old.layout.boxes if canvas.box(box.id) is not None]
        places = [(box.id, self._in_window(box)) for box in common]
        if not places:
            return None
        middle = (size.width / 2, size.height / 2)
        return min(places, key=lambda one: abs(one[1][0] - middle[0]) + 2 * abs(one[1][1] - middle[1]))

    def _in_window(self, box: Box) -> tuple[float, float]:
        left, above = self._margin
        return (
            box.x + box.w / 2 + left - self.scroll_offset.x,
            box.y + box.h / 2 + above - self.scroll_offset.y,
        )

    def _put(self, box: Box, at: tuple[float, float] | None = None) -> None:
        """Scroll so that the middle of a box is at a position, by default the middle."""
        size = self.scrollable_content_region.size
        x, y = at or (size.width / 2, size.height / 2)
        left, above = self._margin
        self.scroll_to(
            round(box.x + box.w / 2 + left - x),
            round(box.y + box.h / 2 + above - y),
            animate=False,
            force=True,
            immediate=True,
        )

    @property
    def selected(self) -> str | None:
        """Return the id of the selected box."""
        return self.canvas.selected if self.canvas is not None else None

    @property
    def item(self) -> Node | Frame | None:
        """Return the item of the selected box."""
        box = self.canvas.box(self.selected) if self.canvas is not None and self.selected else None
        return box.item if box is not None else None

    def select(self, id: str | None, *, center: bool = False) -> None:
        """Select a box and scroll to it."""
        if self.canvas is None:
            return
        self.canvas.select(id)
        box = self.canvas.box(id) if id is not None else None
        if box is not None and center:
            self._put(box)
        elif box is not None:
            self.scroll_to_region(
                Region(box.x - 1, box.y - 1, box.w + 2, box.h + 2), animate=False, force=True, immediate=True
            )
        self.refresh()
        self.post_message(self.Selected(id).set_sender(self))

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Report that another part is in the window."""
        super().watch_scroll_x(old_value, new_value)
        self.post_message(self.Scrolled())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Report that another part is in the window."""
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Scrolled())

    @property
    def fits(self) -> bool:
        """Return whether the whole picture is in the window."""
        size = self.scrollable_content_region.size
        return self.virtual_size.width <= size.width and self.virtual_size.height <= size.height

    def look_at(self, x: float, y: float) -> None:
        """Scroll so that a cell of the picture is in the middle of the window."""
        size = self.scrollable_content_region.size
        self.scroll_to(
            round(x - size.width / 2), round(y - size.height / 2), animate=False, force=True, immediate=True
        )

    # -- drawing

    @property
    def _margin(self) -> tuple[int, int]:
        """Return the blank cells left of and above a picture smaller than the window."""
        size = self.scrollable_content_region.size
        return max((size.width - self.virtual_size.width) // 2, 0), max(
            (size.height - self.virtual_size.height) // 2, 0
        )

    def render_line(self, y: int) -> Strip:
        """Return a line of the window."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        if self.canvas is None:
            return Strip.blank(width, base)
        left, above = self._margin
        x, at = self.scroll_offset.x - left, self.scroll_offset.y + y - above
        segments = [
            Segment(text, base + self._style(key) if key else base)
            for text, key in self.canvas.row(x, at, width)
        ]
        if self.overlay is not None:
            segments = self.overlay.paint(self.app, segments, x, at, width)
        return Strip(segments, width)

    def _style(self, key: str) -> Style:
        found = self._known.get(key)
        if found is None:
            from workbench.picture.render.canvas import split_style

            role, owner, selected = split_style(key)
            found = role_style(self.app, role if role.startswith("kind-") else _ROLES.get(role, ""))
            if owner is not None and role in _OWNED:
                found += role_style(self.app, "adapter" if owner < 0 else f"model-{owner % 4}")
            if selected:
                found += role_style(self.app, "selected")
            self._known[key] = found
        return found

    def notify_style_update(self) -> None:
        """Drop the colours of the previous theme."""
        super().notify_style_update()
        self._known.clear()

    # -- keys

    def action_move(self, direction: Direction) -> None:
        """Select the next box in a direction; scroll where there is none."""
        if self.canvas is None:
            return
        there = self.canvas.neighbour(self.selected, direction)
        if there is not None:
            self.select(there)
        else:
            dx, dy = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}[direction]
            self.action_pan(dx, dy)

    def action_pan(self, dx: int, dy: int) -> None:
        """Scroll the picture."""
        self.scroll_relative(x=dx * _PAN[0], y=dy * _PAN[1], animate=False, force=True, immediate=True)

    def action_expand(self) -> None:
        """Open a box, or close an open one."""
        item = self.item
        if item is None:
            self.app.say(_NO_BOX)
        elif _is_frame(item):
            self.action_close_box()
        elif getattr(item, "opens", None):
            self.post_message(self.Asked("open", item.opens))
        else:
            self.app.say("This box does not open; backspace closes the box around it.")

    def action_close_box(self) -> None:
        """Close the innermost open scope around the box."""
        item = self.item
        if item is not None and _is_frame(item):
            self.post_message(self.Asked("close", item.opens))
        elif item is not None and item.inside:
            self.post_message(self.Asked("close", item.inside[-1]))
        else:
            self.app.say("No opened box is around this one." if item is not None else _NO_BOX)

    def action_focus_box(self) -> None:
        """Draw only the neighbourhood of the box, or everything again."""
        if self.item is not None:
            self.post_message(self.Asked("focus", self.selected))
        else:
            self.app.say(_NO_BOX)

    def action_hops(self, by: int) -> None:
        """Widen or narrow the neighbourhood."""
        self.post_message(self.Asked("hops", by=by))

    def action_zoom(self, by: int) -> None:
        """Zoom in or out."""
        self.post_message(self.Asked("zoom", by=by))

    def action_controls(self) -> None:
        """Show or hide control edges."""
        self.post_message(self.Asked("controls"))

    def action_across(self) -> None:
        """Draw downwards or to the right."""
        self.post_message(self.Asked("across"))

    def action_search(self) -> None:
        """Search for a box."""
        self.post_message(self.Asked("search"))

    def action_next_match(self) -> None:
        """Select the next match."""
        self._match(1)

    def action_previous_match(self) -> None:
        """Select the previous match."""
        self._match(-1)

    def _match(self, by: int) -> None:
        if self.matches:
            last = self.selected if self.selected in self.matches else self._shown_match
            at = self.matches.index(last) + by if last in self.matches else 0
            self.show_match(at % len(self.matches))
        else:
            self.app.say("There is no match to go to; / finds boxes.")

    def show_match(self, at: int) -> None:
        """Select a match; one in a closed box is asked for."""
        id = self._shown_match = self.matches[at]
        if self.canvas is not None and self.canvas.box(id) is not None:
            self.select(id, center=True)
        else:
            self.post_message(self.Asked("show", id))

    def action_fit(self) -> None:
        """Zoom until the whole picture fits."""
        self.post_message(self.Asked("fit"))

    def action_seam(self) -> None:
        """Move to the next boundary between the models."""
        if self.canvas is None:
            return
        seams = [node.id for node in self.canvas.layout.scene.nodes if node.seam]
        if seams:
            at = seams.index(self.selected) + 1 if self.selected in seams else 0
            self.select(seams[at % len(seams)], center=True)
        else:
            self.app.say("This picture has no boundary between models: no wire ends in it.")

    def action_first(self) -> None:
        """Select the first box."""
        if self.canvas is not None:
            self.select(self.canvas.neighbour(None, "down"))

    def action_last(self) -> None:
        """Select the last box."""
        if self.canvas is not None and self.canvas.layout.boxes:
            self.select(max(self.canvas.layout.boxes, key=lambda box: (box.y, box.x)).id)

    def action_copy(self) -> None:
        """Copy the box's name as an endpoint."""
        item = self.item
        if item is not None:
            self.app.copy_to_clipboard(item.path or item.title)

    # -- mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Start dragging the picture."""
        self._grabbed = event.screen_offset, self.scroll_offset
        self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the picture."""
        if self._grabbed is not None:
            start, scrolled = self._grabbed
            moved = event.screen_offset - start
            self.scroll_to(
                scrolled.x - moved.x, scrolled.y - moved.y, animate=False, force=True, immediate=True
            )

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Stop dragging the picture."""
        self.release_mouse()
        self._grabbed = None

    def on_click(self, event: events.Click) -> None:
        """Select a box; a second click opens or closes it."""
        offset = event.get_content_offset(self)
        if offset is None or self.canvas is None:
            return
        left, above = self._margin
        id = self.canvas.hit(offset.x + self.scroll_offset.x - left, offset.y + self.scroll_offset.y - above)
        if id is None:
            return
        again = id == self.selected and event.chain > 1
        self.select(id)
        if again:
            self.action_expand()


def _is_frame(item: object) -> bool:
    from workbench.picture.scene.scene import Frame

    return isinstance(item, Frame)
