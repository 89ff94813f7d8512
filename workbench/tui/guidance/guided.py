"""What the main screen offers to those who look around: the explanation of what is under the cursor."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual import events, on, work
from textual.widget import Widget
from textual.worker import get_current_worker

from workbench.describe.actions import words
from workbench.errors import WorkbenchError
from workbench.names import show
from workbench.session.lists.boxes import row_at
from workbench.session.texts.explained import Subject, key_of, subject_of
from workbench.tui import glyphs
from workbench.tui.guidance.explanation import ExplanationPane, ExplanationScreen, ExplanationView, ShowInList
from workbench.tui.guidance.guide import guide
from workbench.tui.messages import CursorMoved, GoTo, HintAsked
from workbench.tui.screens.panes import PanesScreen
from workbench.tui.widgets.detail import DetailView
from workbench.tui.widgets.findings import Findings
from workbench.tui.widgets.wires import Wires

if TYPE_CHECKING:
    from workbench.explaining.explanation import Explanation
    from workbench.session.lists.viewer import Viewer
    from workbench.session.looked_up import Outcome
    from workbench.session.texts.checked import Item
    from workbench.surgery.step import Step
    from workbench.tui.host import Host
    from workbench.tui.widgets.browse import Browse

CHECKED = 0.5
"""Seconds after the findings of the plan until the models are checked."""


class GuidedScreen(PanesScreen):
    """The panes, with an explanation beside them and the guidance of the story above."""

    # -- the story

    def on_mount(self) -> None:
        """Guide through the story, if it was begun."""
        guide(self, self.app, "models")

    def _computed(self, outcome: Outcome) -> None:
        """Pick the output of the story, once everything is known of its models."""
        super()._computed(outcome)
        self.set_timer(CHECKED, self._check_models)
        story, pane = self.app.story, self.panes[0]
        if story is None or story.picked or self.session.plan.wires or not self.session.complete:
            return
        story.picked = True
        pane.action_pick()

    # -- what checks find

    def _check_models(self) -> None:
        """Check the models that were not checked yet, on a thread."""
        todo = [pane.viewer for pane in self.panes if pane.viewer is not None and pane.viewer.checked is None]
        if todo:
            self._look_through(todo)

    @work(thread=True, exclusive=True, group="check")
    def _look_through(self, viewers: list[Viewer]) -> None:
        from workbench.session.texts.checked import look_through

        worker = get_current_worker()
        for viewer in viewers:
            if worker.is_cancelled:
                return
            viewer.checked = look_through(viewer.model)
            self.call_later(self._titles)

    def note_of(self, pane: Browse) -> str:
        """Return the counts of what checks found in a pane's model."""
        checked = pane.viewer.checked if pane.viewer is not None else None
        if checked is None or checked.severity is None:
            return ""
        return f"  {glyphs.SEVERITY[checked.severity]} {checked.counts}"

    def action_model_findings(self) -> None:
        """List what `check` and `scan` found in the model of the focused pane."""
        pane = next((one for one in self.panes if one.id == self.region_id), None) or self.panes[0]
        self._list_findings(pane)

    def _list_findings(self, pane: Browse) -> None:
        checked = pane.viewer.checked if pane.viewer is not None else None
        if checked is None:
            self.app.say(
                "The model is being checked." if pane.viewer is not None else "There is no model here."
            )
            return

        from workbench.tui.guidance.findings import FindingsScreen

        def answered(answer: tuple[str, Item] | None) -> None:
            if answer is None:
                return
            what, item = answer
            if what == "act":
                self._act(item.hint)
            elif item.where:
                self.post_message(GoTo(f"{pane.handle}@{item.where}"))

        self.app.push_screen(FindingsScreen(show(pane.handle), checked), answered)

    def on_click(self, event: events.Click) -> None:
        """List the findings of a model at a click on the counts in its title."""
        for pane in self.panes:
            region = pane.region
            if (
                event.screen_y == region.y
                and region.x <= event.screen_x < region.right
                and self.note_of(pane)
            ):
                event.stop()
                self._list_findings(pane)
                return

    @on(HintAsked)
    def _hint_asked(self, event: HintAsked) -> None:
        event.stop()
        self._act(event.hint)

    def _act(self, hint: str | None) -> None:
        """Do what a hint asks for, with a form where a step does it."""
        from workbench.session.texts.checked import form_for
        from workbench.tui.screens.steps import StepScreen

        form = form_for(hint)
        if form is None:
            self.app.tell(words(hint, "terminal UI") or "There is no hint.", title="To do by hand")
            return

        def made(step: Step | None) -> None:
            if step is not None:
                self.session.add_step(step)
                self.changed()

        self.app.push_screen(StepScreen(form.operation, form.typed), made)

    # -- what is explained

    def _viewer(self, handle: str) -> Viewer | None:
        pane = self.pane_of(handle)
        return pane.viewer if pane is not None else None

    def subject(self) -> Subject | None:
        """Return what is under the cursor; None if there is nothing to explain."""
        focused = self.focused
        if isinstance(focused, Wires):
            return self._plan_subject(focused)
        if isinstance(focused, Findings):
            return self._finding_subject(focused)
        pane = next((one for one in self.panes if one.id == self.region_id), None)
        if pane is None or pane.viewer is None:
            return None
        row = pane.rows.row
        if isinstance(focused, DetailView) and focused.detail is not None:
            row = focused.detail.row or row
        if row is None:
            return None
        if row.kind == "model":
            return Subject(pane.handle)
        what = subject_of(row, pane.viewer)
        return Subject(pane.handle, what) if what is not None else None

    def _plan_subject(self, wires: Wires) -> Subject | None:
        from workbench.explaining.wires import explain_wire_of
        from workbench.session.texts.steps import explain_step

        wire, step = wires.wire, wires.step
        if wire is not None and self.session.complete:
            handle = self.session.ends_of(wire)[0]
            make = partial(explain_wire_of, self.session.plan, self.session.models, wire, "terminal UI")
            return Subject(handle, f"wire:{wire}", make)
        return Subject("", f"step:{step}", partial(explain_step, step)) if step is not None else None

    def _finding_subject(self, findings: Findings) -> Subject | None:
        from workbench.explaining.findings import explain_finding

        finding = findings.finding
        if finding is None:
            return None
        handle, at, where = finding.where.partition("@")
        if not at or handle not in self.session.handles:
            handle, where = next(iter(self.session.handles), ""), ""
        make = partial(explain_finding, finding, "terminal UI", where or None)
        return Subject(handle, f"finding:{finding}", make)

    def explain(self, subject: Subject) -> Explanation:
        """Return an explanation; any thread may ask.

        Raises:
            WorkbenchError: there is nothing of that name.
        """
        if subject.make is not None:
            return subject.make()
        viewer = self._viewer(subject.handle)
        if viewer is None:
            from workbench.explaining.api import explain

            return explain(None, subject.what)
        return viewer.explainer(self.session.chosen(subject.handle)).explain(subject.what)

    def kept_explanation(self, subject: Subject) -> Explanation | None:
        """Return an explanation that was made before, or None."""
        viewer = self._viewer(subject.handle)
        if viewer is None or subject.make is not None:
            return None
        return viewer.explainer(self.session.chosen(subject.handle)).kept(subject.what)

    # -- where it is shown

    @property
    def explanation(self) -> ExplanationPane | None:
        """Return the pane of explanations, if it is shown."""
        return next((node for node in self.walk_children(Widget) if isinstance(node, ExplanationPane)), None)

    async def action_explain(self) -> None:
        """Show or hide the explanation of what is under the cursor; a screen of its own where it is narrow."""
        pane = self.explanation
        if pane is not None:
            if pane.view.has_focus:
                self.go_region(self.region_id)
            await pane.remove()
            self.call_after_refresh(self._fit_panes)
            return
        if self.has_class("-narrow"):
            self._explain_on_screen()
            return
        view = ExplanationView(self.explain, self.kept_explanation)
        await self.query_one("#panes").mount(ExplanationPane(view, id="explanation", classes="panel"))
        view.start(self.subject())
        self.call_after_refresh(self._fit_panes)

    def _fit_panes(self) -> None:
        """Let the panes arrange themselves in the room that is left.

        Textual sends no Resize where a region was asked for between the change and the next layout.
        """
        for pane in self.panes:
            pane.post_message(events.Resize(pane.outer_size, pane.virtual_size, pane.container_size))

    def _explain_on_screen(self) -> None:
        subject = self.subject()
        if subject is None:
            self.app.say("There is nothing to explain here.")
            return
        self.app.push_screen(
            ExplanationScreen(self.explain, self.kept_explanation, subject), self._show_in_list
        )

    def explain_box(self, handle: str, place: str) -> None:
        """Explain what a box of a picture represents, on a screen of its own.

        Args:
            handle: the model that was drawn; empty for the result.
            place: id of the box.
        """
        viewers = {pane.handle: pane.viewer for pane in self.panes if pane.viewer}
        found = row_at(viewers, handle, place)
        row = viewers[found[0]].lister.row_of(found[1]) if found is not None else None
        what = subject_of(row, viewers[found[0]]) if found is not None and row is not None else None
        if found is None or what is None:
            self.app.say("No row of a model represents this box: the plan makes it.")
            return
        subject = Subject(found[0], what)

        def closed(wanted: Subject | None) -> None:
            if wanted is not None:
                self.app.say("b shows the row of the box that is selected in the picture.")

        self.app.push_screen(ExplanationScreen(self.explain, self.kept_explanation, subject), closed)

    def action_into_explanation(self) -> None:
        """Go to the links of the explanation."""
        pane = self.explanation
        if pane is not None:
            pane.view.focus()
        else:
            self.call_later(self.action_explain)

    @on(CursorMoved)
    def follow_with_explanation(self) -> None:
        """Explain what is under the cursor, if the explanation is shown."""
        pane = self.explanation
        if pane is not None and not pane.view.has_focus:
            pane.view.start(self.subject())

    @on(ExplanationView.Left)
    def _left_explanation(self, event: ExplanationView.Left) -> None:
        event.stop()
        self.go_region(self.region_id)

    @on(ShowInList)
    def _place_explained(self, event: ShowInList) -> None:
        event.stop()
        self._show_in_list(event.subject)

    def _show_in_list(self, subject: Subject | None) -> None:
        """Move to the row of what was explained."""
        if subject is None:
            return
        pane = self.pane_of(subject.handle)
        if pane is None or pane.viewer is None or subject.make is not None:
            self.app.say("This has no row in a list.")
            return
        try:
            key = key_of(pane.viewer, subject.what)
        except WorkbenchError:
            key = None
        if key is None:
            self.app.say("This has no row in the list: it is a word or an op.")
            return
        self.go_region(pane.id or "")
        pane.reveal(key)

    def on_descendant_focus(self, event: object) -> None:
        """Explain what is under the cursor of the focused list."""
        self.call_after_refresh(self.follow_with_explanation)


def explain_box(app: Host, handle: str, place: str) -> None:
    """Explain what a box of a picture represents, by the models of the screen below the picture."""
    screen = next((one for one in app.screen_stack if isinstance(one, GuidedScreen)), None)
    if screen is not None:
        screen.explain_box(handle, place)
