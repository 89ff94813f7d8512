"""Which panes the main screen has, which of them are seen, and their sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual import on

from workbench.tui.layout.resizing import Group, ResizableScreen, apply, set_size
from workbench.tui.messages import SplitChanged
from workbench.tui.widgets.browse import Browse
from workbench.tui.widgets.findings import Findings

if TYPE_CHECKING:
    from workbench.session.lists.pane_layout import PaneLayout
    from workbench.session.session import Session
    from workbench.tui.host import Host


class ArrangedScreen(ResizableScreen):
    """A screen of models, with wires and findings below them.

    Args:
        session: whose models are shown.
    """

    app: Host

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    @property
    def panes(self) -> list[Browse]:
        """Return the mounted panes, in order."""
        inside = self.query_one("#panes").children
        return [pane for pane in inside if isinstance(pane, Browse) and pane.is_mounted]

    @property
    def regions(self) -> list[str]:
        """Return the ids of the regions: models, wires and steps if there can be any, findings."""
        shown = max(len(self.session.plan.sources), 1)
        wires = ["wires"] if self.session.plan.sources[1:] or self.session.plan.steps else []
        return [*(f"pane-{position}" for position in range(shown)), *wires, "findings"]

    @property
    def beside(self) -> int:
        """Return the number of regions side by side."""
        return len(self.session.plan.sources)

    # -- sizes

    @property
    def layout_kept(self) -> PaneLayout:
        """Return the sizes that the user chose in this session."""
        return self.session.layout

    @property
    def alone(self) -> bool:
        """Return whether the pane with the focus has the screen."""
        return self.session.layout.alone

    @property
    def lower_shown(self) -> bool:
        """Return whether there are panes below the models; for one model only with something in them."""
        if self.session.layout.lower is not None:
            return self.session.layout.lower
        return bool(self.beside != 1 or self.session.plan.steps or self.query_one(Findings).findings)

    def groups(self) -> Iterator[Group]:
        """Iterate over the groups of panes that are seen, inner before outer."""
        for pane in self.panes:
            if pane.display and pane.split:
                axis = "x" if pane.split == "beside" else "y"
                yield Group(f"details {axis}", axis, (pane.listed, pane.details))
        if self.has_class("-narrow"):
            return
        upper, lower = self.query_one("#panes"), self.query_one("#lower")
        yield Group("models", "x", [widget for widget in upper.children if widget.display])
        yield Group("lower", "x", [widget for widget in lower.children if widget.display])
        if lower.display:
            yield Group("rows", "y", (upper, lower))

    def arrange_regions(self, width: int = 0, height: int = 0) -> None:
        """Show the regions for which there is room, in the sizes that the user chose."""
        super().arrange_regions(width, height)
        lower, narrow = self.query_one("#lower"), self.has_class("-narrow")
        lower.set_class(not narrow and not self.lower_shown, "-away")
        set_size(lower, "y", None if narrow or self.beside > 1 else self._lines_below())
        panes = self.query_one("#panes")
        if narrow:
            set_size(panes, "y", None)
        for group in self.groups():
            if group.name != "rows" or self.layout_kept.of(group.name, len(group.panes)) is not None:
                apply(self.layout_kept, group)

    @on(SplitChanged)
    def _split_changed(self) -> None:
        """Give list and detail the sizes for how they stand to each other."""
        for group in self.groups():
            if group.name.startswith("details"):
                for pane in group.panes:
                    for axis in "xy":
                        set_size(pane, axis, None)
                apply(self.layout_kept, group)

    def _lines_below(self) -> int:
        """Return how many lines the panes below one model take: as many as they have, up to a few."""
        most = 12 if self.has_class("-tall") else 9
        lines = max(self.query_one(Findings).count(), len(self.session.plan.steps), 1)
        return min(lines + 2, most)

    def go_region(self, region: str) -> None:
        """Show a region, also one below that is hidden, and focus it."""
        if region in ("wires", "findings") and region in self.regions and not self.lower_shown:
            self.session.layout.lower = True
        super().go_region(region)

    def action_alone(self) -> None:
        """Give the pane with the focus all of the screen, or show the others again."""
        layout = self.session.layout
        layout.alone = not layout.alone
        self.arrange_regions()

    def action_show_lower(self) -> None:
        """Show or hide the panes below the models."""
        if self.has_class("-narrow"):
            self.app.say("Each pane has the whole screen here; tab shows the next one.")
            return
        self.session.layout.lower = not self.lower_shown
        self.arrange_regions()
        if not self.lower_shown and self.region_id in ("wires", "findings"):
            self.go_region("pane-0")

    def action_reset_layout(self) -> None:
        """Give all panes their first sizes, and show them."""
        self.session.layout.reset()
        for group in self.groups():
            apply(self.layout_kept, group)
        for pane in self.panes:
            pane.share_room()
        self.arrange_regions()
