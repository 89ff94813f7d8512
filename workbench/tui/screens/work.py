"""The main screen: what its keys do to the session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual import on

from workbench.names import show
from workbench.session.lists.boxes import place_of, row_at
from workbench.session.lists.picking import resolve
from workbench.tui.actions import bindings
from workbench.tui.messages import (
    ChangeAsked,
    GoTo,
    ModelAsked,
    RemoveAsked,
    SignatureAsked,
)
from workbench.tui.screens.wiring import WiringScreen
from workbench.tui.widgets.bars import CommandLine

if TYPE_CHECKING:
    from workbench.session.pictures.boxes import Going
    from workbench.surgery.operations.connect import Connect
    from workbench.surgery.operations.share import Share
    from workbench.surgery.step import Step


class WorkScreen(WiringScreen):
    """The main screen: models, wires and findings."""

    SCOPE = "work"
    BINDINGS = bindings("work")

    def useful(self, action: str) -> bool:
        """Return whether an action can do something with the models and the plan as they are."""
        several = len(self.session.plan.sources) > 1
        wanted = {
            "suggest": several and self.session.complete,
            "swap": several,
            "commit": several or self.session.plan.has_result,
            "preview": bool(self.session.models),
            "add_step": bool(self.session.plan.sources),
            "undo": self.session.can_undo is not None,
            "redo": self.session.can_redo is not None,
            "save_recipe": bool(self.session.plan.steps),
        }
        return bool(wanted.get(action, True))

    # -- changes of the plan

    @on(RemoveAsked)
    def _remove(self, event: RemoveAsked) -> None:
        wires = self.session.plan.wires
        if event.row < len(wires):
            self.session.unwire(wires[event.row])
        else:
            self.session.remove_step(event.row - len(wires))
        self.changed()

    def action_add_step(self, name: str = "") -> None:
        """Let the user choose an operation, fill in its fields, and add it as a step.

        The form begins with what is under the cursor.

        Args:
            name: of the operation, if it is chosen already.
        """
        from workbench.session.steps import about
        from workbench.tui.screens.steps import ask_for_step

        if not self.session.plan.sources:
            self.app.tell("Open a model first (o).")
            return

        def made(step: Step) -> None:
            self.session.add_step(step)
            self.changed()

        pane = next((pane for pane in self.panes if pane.id == self.region_id), None)
        row = None if pane is None else pane.rows.row
        chosen = None if pane is None else self.session.chosen(pane.handle)
        several = len(self.session.plan.sources) > 1
        ask_for_step(self.app, made, about(row, chosen), name, several=several, at_once=bool(name))

    @on(ChangeAsked)
    def _change_step(self, event: ChangeAsked) -> None:
        """Let the user change the fields of a step."""
        from workbench.session.steps import typed
        from workbench.tui.screens.steps import StepScreen

        number = event.row - len(self.session.plan.wires)
        step = self.session.plan.other_steps[number]

        def made(new: Step | None) -> None:
            if new is not None:
                self.session.replace_step(number, new)
                self.changed()

        self.app.push_screen(StepScreen(step.NAME, typed(step), number + 1), made)

    def action_history(self) -> None:
        """List the changes, and go back or forward to one."""
        from workbench.tui.screens.history import HistoryScreen

        if not self.session.can_undo and not self.session.can_redo:
            self.app.say("There are no changes yet.")
            return

        def chosen(position: int | None) -> None:
            if position is not None and position != self.session.position:
                self.session.travel(position)
                self.app.say(f"This is the plan after: {self.session.can_undo or 'nothing'}.")
                self.changed()
                self._load_all()

        self.app.push_screen(HistoryScreen(self.session.history, self.session.position), chosen)

    def action_suggest(self) -> None:
        """Suggest wires and inputs that can be shared."""
        from workbench.surgery.operations.share import Share
        from workbench.tui.screens.suggest import SuggestScreen

        if len(self.session.plan.sources) < 2:
            self.app.tell("Suggestions need two models; o opens another one.")
            return
        if not self.session.complete:
            self.app.tell("Suggestions need both models open.")
            return
        found = self.session.suggestions()
        unchosen = next(
            (
                handle
                for handle, model in self.session.models.items()
                if self.session.chosen(handle) is None and model.meta.signatures
            ),
            None,
        )
        if not found and unchosen is not None:
            self.app.tell(
                f"No signature of {show(unchosen)} is chosen.", "Press a on a signature to choose it."
            )
            return
        if not found:
            self.app.tell(
                "No output of the chosen signatures is compatible with an unwired input, nor made so by adapters.",
                "Press space on a row to see why.",
            )
            return

        def chosen(wires: list[Connect | Share] | None) -> None:
            for wire in wires or ():
                if isinstance(wire, Share):
                    self.session.add_step(wire)
                else:
                    self.session.add_wire(wire)
            if wires:
                self.picked = None
                self.changed()

        self.app.push_screen(SuggestScreen(self.session, found), chosen)

    def action_undo(self) -> None:
        """Undo the last change."""
        self._travel(self.session.undo(), "Undone")

    def action_redo(self) -> None:
        """Redo the last undone change."""
        self._travel(self.session.redo(), "Redone")

    def _travel(self, label: str | None, title: str) -> None:
        if label is None:
            self.app.say(
                "There is nothing left to undo." if title == "Undone" else "There is nothing to redo."
            )
            return
        self.app.tell(label, title=title)
        self.changed()
        self._load_all()

    # -- models

    @on(ModelAsked)
    def _model_asked(self, event: ModelAsked) -> None:
        if event.close:
            self.session.close(event.handle)
            self.changed()
            self.call_after_refresh(self.go_region, "pane-0")
        else:
            self._choose(event.handle)

    def action_open(self) -> None:
        """Open another model."""
        self._choose("")

    def _choose(self, handle: str) -> None:
        from workbench.tui.screens.choose import ChooseScreen

        def chosen(path: Path | None) -> None:
            if path is not None:
                self.open_path(path, handle)

        title = f"Open instead of {show(handle)}" if handle else "Open a model"
        self.app.push_screen(ChooseScreen(title, self.app.store), chosen)

    def action_swap(self) -> None:
        """Swap the first two models."""
        if len(self.session.plan.sources) > 1:
            self.session.swap()
            self.changed()
        else:
            self.app.say("Swapping needs two models; o opens another one.")

    @on(SignatureAsked)
    def _signature(self, event: SignatureAsked) -> None:
        self.session.choose_signature(event.handle, event.key)
        self.changed()
        self.app.tell(f"{show(event.handle)} now uses the signature {show(event.key)}.")

    # -- places

    @on(GoTo)
    def _go_to(self, event: GoTo) -> None:
        found = resolve(
            self.session,
            event.where,
            {pane.handle: pane.viewer for pane in self.panes if pane.viewer},
            event.side,
        )
        if found is None:
            self.app.tell(f"{show(event.where) or 'This'} is no place in a model.")
            return
        handle, key = found
        pane = self.pane_of(handle)
        if pane is not None:
            self.go_region(pane.id or "")
            if key is not None:
                pane.reveal(key)

    # -- further

    def action_copy_command(self) -> None:
        """Copy the command line."""
        self.app.copy_to_clipboard(self.query_one(CommandLine).command)

    def action_save_recipe(self) -> None:
        """Save the plan as a recipe."""
        from workbench.tui.screens.recipe import ask_and_save

        if not self.session.plan.steps:
            self.app.tell("There are no wires or steps to save yet.")
            return
        ask_and_save(self.app, self.session)

    def action_preview(self) -> None:
        """Preview the result, or a model while there is none."""
        self._draw(alone=False)

    def action_draw_model(self) -> None:
        """Draw the model under the cursor alone."""
        self._draw(alone=True)

    def _draw(self, *, alone: bool) -> None:
        from workbench.tui.pictures.preview import PreviewScreen

        if not self.session.models:
            self.app.tell("Open a model first (o).")
            return
        pane = next((pane for pane in self.panes if pane.id == self.region_id), None)
        handle, row = (pane.handle, pane.rows.row) if pane is not None else ("", None)
        joined = self.session.plan.has_result and len(self.session.plan.sources) > 1
        place = "" if row is None else place_of(row, handle if joined and not alone else "")
        if row is not None and row.kind == "output" and not alone:
            place = ""  # the cursor is there when a model is opened, and a picture is read from its beginning

        def closed(going: Going | None) -> None:
            self._back()
            if going is not None:
                self._go_to_box(going)

        self.app.push_screen(PreviewScreen(self.session, handle, place, alone=alone), closed)

    def _go_to_box(self, going: Going) -> None:
        """Move to the row of a box, and pick it if that is wanted.

        In a picture of the result the row is that of the model it comes from.
        """
        viewers = {pane.handle: pane.viewer for pane in self.panes if pane.viewer}
        found = row_at(viewers, going.handle, going.place)
        pane = self.pane_of(found[0]) if found is not None else None
        if found is None or pane is None:
            self.app.tell("No row of a model represents this box: the plan makes it.")
            return
        self.go_region(pane.id or "")
        if pane.reveal(found[1]) and going.pick:
            pane.action_pick()

    def action_run(self) -> None:
        """Go to the run screen of the model of this pane."""
        from workbench.tui.running.screen import RunScreen

        pane = next((pane for pane in self.panes if pane.id == self.region_id), self.panes[0])
        if not pane.handle or self.session.model(pane.handle) is None:
            self.app.tell("Open a model first (o).")
            return
        source, chosen = self.session.source(pane.handle), self.session.chosen(pane.handle)
        self.app.push_screen(
            RunScreen(self.session, source.path, source.tags, chosen), lambda _: self._back()
        )

    def action_commit(self) -> None:
        """Go to the commit screen."""
        from workbench.tui.screens.commit import CommitScreen

        if not self.session.plan.has_result:
            if len(self.session.plan.sources) > 1:
                self._ask_side_by_side()
            else:
                self.app.tell("There is no step yet.", "A adds one; o opens a second model to join.")
            return
        self.app.push_screen(CommitScreen(self.session), lambda _: self._back())

    def _ask_side_by_side(self) -> None:
        """Ask whether models that nothing connects should be put side by side."""
        from workbench.tui.screens.dialog import AskScreen

        def answered(answer: str | None) -> None:
            if answer == "yes":
                self.session.set_plan("side by side", side_by_side=True)
                self.changed()
                self.action_commit()

        text = (
            "There is no wire yet. Space picks an output or input, space again wires or shares it; s suggests."
            "\n\nPut the models side by side, each with its own inputs?"
        )
        choices = [("yes", "Side by side"), ("no", "Not yet")]
        self.app.push_screen(AskScreen("No wire", text, choices), answered)

    def _back(self) -> None:
        """Show the state after returning from another screen."""
        self.changed()
        if not self.session.complete:
            self._load_all()
