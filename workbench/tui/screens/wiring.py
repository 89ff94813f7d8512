"""Picking and wiring: an output, then an input of another model, with adapters between."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on

from workbench.describe.actions import words
from workbench.errors import UsageError
from workbench.session.lists.picking import Picked, Refused, best, ends_with, outputs_of, pick
from workbench.tui.guidance.guided import GuidedScreen
from workbench.tui.messages import AdaptAsked, DropAsked, PickAsked

if TYPE_CHECKING:
    from workbench.session.lists.rows import Row
    from workbench.surgery.resolve.endpoints import Endpoint


class WiringScreen(GuidedScreen):
    """The panes, in which an output is picked and wired."""

    @on(PickAsked)
    def _pick(self, event: PickAsked) -> None:
        again = self.picked is not None and (self.picked.handle, self.picked.key) == (
            event.handle,
            event.row.key,
        )
        if not again and outputs_of(self.session, event.handle, event.row) > 1:
            from workbench.tui.screens.outputs import OutputsScreen

            def chosen(index: int | None) -> None:
                if index is not None:
                    self._pick_output(event, index)

            self.app.push_screen(OutputsScreen(self.session, self.picked, event.handle, event.row), chosen)
            return
        self._pick_output(event, 0)

    def _pick_output(self, event: PickAsked, index: int) -> None:
        found = pick(self.session, self.picked, event.handle, event.row, index)
        if isinstance(found, Refused) and found.severity == "information":
            self.app.say(found.reason)
            return
        if isinstance(found, Refused):
            self.app.tell(found.reason, found.hint, title=found.title, severity=found.severity)
            return
        wires_before = self.picked is not None and self.picked.handle != event.handle
        self.picked = found
        if wires_before:
            self.changed()
            return
        self.refresh_state()
        if found is not None:
            self._go_to_best(found)

    def _go_to_best(self, picked: Picked) -> None:
        """Move to the row of the next model that fits the pick best."""
        others = [pane for pane in self.panes if pane.handle and pane.handle != picked.handle and pane.viewer]
        if not others:
            self.app.tell("Open a second model (o) to wire this one to.")
            return
        pane = others[0]
        place = best(self.session, picked, pane.handle, pane.rows.listing)
        pane.leave_detail()
        if place is not None:
            pane.rows.cursor = place
        self.go_region(pane.id or "")

    @on(DropAsked)
    def action_drop(self) -> None:
        """Drop the pick."""
        if self.picked is not None:
            self.picked = None
            self.refresh_state()

    @on(AdaptAsked)
    def _adapt(self, event: AdaptAsked) -> None:
        if event.row is not None:
            self._adapt_pick(event.handle, event.row, choose=event.choose)
            return
        from workbench.session.adapting import endpoints_of, suggested_for

        wire = self.session.plan.wires[event.wire]
        ends = endpoints_of(self.session, wire)
        if ends is None:
            self.app.tell("An endpoint of this wire does not exist, so nothing is known of its type.")
            return

        def use(chain: str) -> None:
            self.session.adapt(wire, chain)
            self.changed()

        found = suggested_for(self.session, wire)
        if event.choose:
            self._choose_adapters(ends, wire.through, use)
        elif found is None:
            self.app.say("No finding suggests adapters for this wire; | chooses them.")
        else:
            use(found)

    def _adapt_pick(self, handle: str, row: Row, *, choose: bool) -> None:
        """Wire the pick to a row through adapters."""
        from workbench.session.adapting import remarks, suggested

        picked = self.picked
        if picked is None or picked.handle == handle:
            self.app.say("Pick an output with space first; then = or | on an input of another model.")
            return
        ends = ends_with(self.session, picked, handle, row)
        if isinstance(ends, Refused):
            self.app.tell(ends.reason, ends.hint, title=ends.title, severity=ends.severity)
            return
        judged = self.session.judge(*ends)
        found = suggested(judged.hint)

        def use(chain: str) -> None:
            try:
                self.session.wire(*ends, chain)
            except UsageError as error:
                self.app.tell(error.message, words(error.hint, "terminal UI"), severity="error")
                return
            self.picked = None
            self.changed()

        if choose:
            self._choose_adapters(ends, found or "", use, remarks(judged.hint))
        elif found is not None:
            use(found)
        elif judged.state == "no":
            self.app.tell(
                judged.reason, words(judged.hint, "terminal UI"), title="Incompatible", severity="error"
            )
        else:
            self.app.say("They fit without adapters: space wires them.")

    def _choose_adapters(
        self, ends: tuple[Endpoint, Endpoint], chain: str, use: Callable[[str], None], remarks: str = ""
    ) -> None:
        from workbench.tui.screens.adapters import AdaptersScreen

        def chosen(found: str | None) -> None:
            if found is not None:
                use(found)

        self.app.push_screen(AdaptersScreen(*ends, chain, remarks), chosen)
