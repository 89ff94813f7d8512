"""A screen of regions that stand beside each other, and become tabs where it is narrow."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events, on
from textual.widget import Widget

from workbench.tui.screens.base import BaseScreen
from workbench.tui.widgets.bars import Tabs

NARROW = 110
"""Columns below which there is one region at a time."""
_TALL = 46


class RegionScreen(BaseScreen[None]):
    """A screen of regions side by side, shown as tabs where it is narrow.

    Regions are widgets of class `region`, in containers of class `holder`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.region_id = ""

    # -- for subclasses

    @property
    def regions(self) -> list[str]:
        """Return the ids of the regions, in order."""
        return []

    @property
    def beside(self) -> int:
        """Return how many regions stand side by side on a wide screen."""
        return 1

    def focus_of(self, region: Widget) -> Widget:
        """Return the widget to focus in a region."""
        return region

    def show_tabs(self) -> None:
        """Update the tabs."""

    @property
    def alone(self) -> bool:
        """Return whether one region has the screen although there is room for several."""
        return False

    # -- arranging

    def on_resize(self, event: events.Resize) -> None:
        """Rearrange the regions."""
        self.arrange_regions(event.size.width, event.size.height)

    def arrange_regions(self, width: int = 0, height: int = 0) -> None:
        """Show the regions for which a size has room; by default the screen's."""
        width = width or self.size.width or self.app.size.width
        height = height or self.size.height or self.app.size.height
        narrow = width < NARROW or width / max(self.beside, 1) < NARROW / 2
        shown = self.regions
        if self.region_id not in shown:
            self.region_id = shown[0]
        marks: list[tuple[Widget, str, bool]] = [
            (self, "-narrow", narrow or self.alone),
            (self, "-tall", height >= _TALL),
        ]
        for widget in self.walk_children(Widget):  # a query would match selectors at each cursor's move
            if widget.has_class("region"):
                marks += (
                    (widget, "-active", widget.id == self.region_id),
                    (widget, "-absent", widget.id not in shown),
                )
            elif widget.has_class("holder"):
                active = any(inside.id == self.region_id for inside in widget.walk_children())
                marks.append((widget, "-active", active))
        self.mark(marks)
        self.show_tabs()

    def mark(self, marks: Iterable[tuple[Widget, str, bool]]) -> None:
        """Give widgets their classes, as (widget, class, on or off).

        Styles are worked out once for all, and only for widgets that change: what is inside a region or a holder does
        not depend on their classes. Everything depends on those of the screen.
        """
        changed = [one for one in marks if one[0].has_class(one[1]) is not one[2]]
        for widget, name, wanted in changed:
            widget.set_class(wanted, name, update=False)
        if changed:
            widgets = {widget for widget, _, _ in changed}
            self.app.stylesheet.update_nodes(
                self.walk_children(with_self=True) if self in widgets else widgets, animate=True
            )

    # -- going

    def go_region(self, region: str) -> None:
        """Show a region and focus it, at once or when it is mounted."""
        if region not in self.regions:
            return
        self.region_id = region
        self.arrange_regions()
        widget = next(iter(self.query(f"#{region}")), None)
        if widget is not None and widget.is_mounted:
            target = self.focus_of(widget)
            if target.display:
                target.focus()

    def action_region(self, region: str) -> None:
        """Go to a region by its name."""
        self.go_region(region)

    def action_region_number(self, number: int) -> None:
        """Go to a region by its number, as the tabs count."""
        regions = self.regions
        if number <= len(regions):
            self.go_region(regions[number - 1])

    def action_next_region(self) -> None:
        """Go to the next region."""
        self._step(1)

    def action_previous_region(self) -> None:
        """Go to the previous region."""
        self._step(-1)

    def _step(self, by: int) -> None:
        regions = self.regions
        at = regions.index(self.region_id) if self.region_id in regions else 0
        self.go_region(regions[(at + by) % len(regions)])

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember the focused region."""
        for node in event.widget.ancestors_with_self:
            if isinstance(node, Widget) and node.id in self.regions and node.id != self.region_id:
                self.region_id = node.id or self.region_id
                self.arrange_regions()

    @on(Tabs.Chosen)
    def _tab(self, event: Tabs.Chosen) -> None:
        self.go_region(event.region)
