"""The joined graph, or one model of it, drawn, and beside it what the commit will do and what the selected box is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from workbench.errors import WorkbenchError
from workbench.names import count, show
from workbench.session.command import command_line
from workbench.session.options import suggested_target
from workbench.session.pictures.boxes import Going
from workbench.session.pictures.preview import Subject, describe, drawn
from workbench.session.running.beside import add_box_values
from workbench.session.session import Session
from workbench.session.texts.detail import Detail, Span
from workbench.session.texts.summary import what_it_does
from workbench.tui import glyphs
from workbench.tui import status as standing
from workbench.tui.actions import bindings
from workbench.tui.guidance.guide import guide
from workbench.tui.pictures.canvas import CanvasView
from workbench.tui.pictures.overview import Overview
from workbench.tui.pictures.picture import PictureScreen
from workbench.tui.running.values import drawing_of
from workbench.tui.screens.regions import NARROW
from workbench.tui.widgets.bars import CommandLine, Head, Keys
from workbench.tui.widgets.detail import SpanLines
from workbench.tui.widgets.preview import Peek

if TYPE_CHECKING:
    from workbench.picture.layout.geometry import Layout
    from workbench.picture.values import ValueLayer
    from workbench.session.running.run import KeptRun


class PreviewScreen(PictureScreen):
    """The preview screen: a picture with a summary beside it. Its answer is a row to go to, or None.

    Args:
        session: whose plan, or one of whose models, is drawn.
        handle: the model that is drawn while the plan gives no result.
        place: the node or scope whose box is selected at first, as `CALL::node`; empty for the picture's own choice.
        alone: whether that model is drawn also if there is a result.
    """

    CSS_PATH = "preview.tcss"
    SCOPE = "preview"
    BINDINGS = bindings("preview")
    AUTO_FOCUS = None

    def __init__(
        self,
        session: Session,
        handle: str = "",
        place: str = "",
        *,
        alone: bool = False,
    ) -> None:
        super().__init__()
        self.session = session
        self.handle = handle
        self.alone = alone
        self.place = place
        self._details = False
        self.run: KeptRun | None = None
        self.values: ValueLayer | None = None

    def compose(self) -> ComposeResult:
        """Yield picture, side panel, command line and keys."""
        yield Head()
        with Horizontal(id="preview"):
            with Vertical(id="picture", classes="panel"):
                yield Peek(2, classes="note")
                yield CanvasView(id="canvas")
                yield Input(placeholder="find a box", classes="find", compact=True)
            with Vertical(id="side"):
                yield SpanLines(id="box", classes="panel")
                yield SpanLines(id="plan", classes="panel")
                yield Overview(classes="panel")
        yield CommandLine()
        yield Keys()

    def on_mount(self) -> None:
        """Build the draft if there is none, then draw the picture."""
        guide(self, self.app, "picture")
        self.query_one(".find", Input).display = False
        self.query_one(Overview).set_class(True, "-hidden")
        self.note("drawing …")
        self.query_one("#box", SpanLines).border_title = "Box"
        self.query_one("#plan", SpanLines).border_title = "What the commit will do"
        self.canvas.focus()
        self._arrange(self.app.size.width)
        self._prepare()

    def on_resize(self, event: events.Resize) -> None:
        """Hide the side panel on a narrow screen."""
        self._arrange(event.size.width)
        self.canvas.post_message(CanvasView.Scrolled())

    def _arrange(self, width: int) -> None:
        self.set_class(width < NARROW, "-narrow")

    # -- what is drawn

    @work(thread=True, exclusive=True, group="prepare")
    def _prepare(self) -> None:
        """Prepare the scene on a thread."""
        try:
            outcome = self.session.compute()
        except WorkbenchError as error:
            self.call_later(self.note, f"{glyphs.NO} {error}")
            return
        plan = Detail(("plan",), "", "")
        if outcome.draft is not None and not self.alone:
            subject = Subject.of_draft(outcome.draft)
            run = self.session.run_of_result()
            plan = what_it_does(outcome.draft, details=self._details)
        else:
            handle = self.handle or self.session.handles[0]
            model = self.session.model(handle)
            if model is None:
                self.call_later(self.note, "This model is not open.")
                return
            subject = Subject.of_source(self.session.plan, self.session.source(handle), model)
            run = self.session.run_of(handle)
            if outcome.draft is not None:
                plan.add(f"Only {show(handle)} is drawn; v draws the result.")
            else:
                why = "The plan has errors" if self.session.plan.has_result else "No models are joined yet"
                plan.add(Span(why, "maybe"))
                plan.add(f"Only {show(handle)} is drawn.")
            for finding in outcome.findings:
                if finding.severity == "error":
                    plan.add(Span(f"{finding.heading}: {finding.message}", "dim"))
        self.call_later(self._prepared, subject, plan, run)

    def _prepared(self, subject: Subject, plan: Detail, run: KeptRun | None) -> None:
        if not self.is_attached:
            return
        self.run = run
        self.values = run.layer if run is not None else None
        pane = self.query_one("#plan", SpanLines)
        pane.show_detail(plan)
        pane.set_class(bool(subject.handle), "-alone")
        current = self.session.plan
        self.query_one(CommandLine).show_command(
            command_line(current, self.session.commit, suggested_target(current))
        )
        self.show_subject(subject, self.place)
        self.place = ""

    def action_subject(self) -> None:
        """Draw the result, then each model alone, in turn."""
        outcome = self.session.outcome
        joined = outcome is not None and outcome.draft is not None
        turn = [*([""] if joined else []), *self.session.handles]
        if len(turn) < 2:
            self.app.say("There is one model and nothing else to draw.")
            return
        now = self.subject.handle if self.subject is not None else turn[-1]
        following = turn[(turn.index(now) + 1) % len(turn)] if now in turn else turn[0]
        self.alone = bool(following)
        self.handle = following or self.handle
        self._prepare()

    def head(self) -> None:
        """Show in the first line what is drawn, and how much of it."""
        left = standing.models(self.session, "preview")
        if self.subject is not None and self.subject.handle and len(self.session.handles) > 1:
            left.append((f"  only {show(self.subject.handle)}", "maybe"))
        right: list[tuple[str, str]] = []
        canvas = self.canvas.canvas
        if self._waiting:
            right.append(("drawing …", "maybe"))
        elif canvas is not None:
            right.append((drawn(canvas.layout), "quiet"))
        if self.view.focus is not None:
            left.append((f"  around {show(self.view.focus, 40)}, {count(self.view.hops, 'step')}", "maybe"))
        self.query_one(Head).show_pieces(left, right)

    @on(CanvasView.Selected)
    def _selected(self, event: CanvasView.Selected) -> None:
        event.stop()
        from workbench.picture.scene.scene import Frame

        out = Detail(("box",), "", "")
        item, canvas = self.canvas.item, self.canvas.canvas
        if item is not None and canvas is not None:
            subtitle = getattr(item, "subtitle", "")
            out.add(Span(item.title, "title"), Span(f"  {subtitle}" if subtitle else "", ""))
            if self.values is not None:
                add_box_values(out, item, self.values, drawing_of(self.app))
            rows = describe(item, canvas.layout.scene.edges)
            width = max([10, *(len(label) + 1 for label, _ in rows if len(label) < 16)])
            for label, text in rows:
                out.fact(label, text, width=width)
            if getattr(item, "opens", None):
                opened = isinstance(item, Frame)
                out.add(Span(f"  enter {'closes' if opened else 'opens'} it", "dim"))
        self.query_one("#box", SpanLines).show_detail(out)

    # -- keys

    def action_leave(self) -> None:
        """Return to the models; from the search line return to the picture."""
        line = self.query_one(".find", Input)
        if line.has_focus:
            line.display = False
            self.canvas.focus()
            return
        self.dismiss(None)

    def useful(self, action: str) -> bool:
        """Return whether an action can do something with the picture and the plan as they are."""
        if action in ("to_row", "pick", "explain"):
            return self.canvas.selected is not None
        if action == "subject":
            return len(self.session.handles) > 1
        return action != "commit" or self.session.plan.has_result

    def action_to_row(self) -> None:
        """Go back to the models, to the row of the selected box."""
        self._go(pick=False)

    def action_pick(self) -> None:
        """Go back to the models, and pick the selected box for a wire, or wire the pick to it."""
        self._go(pick=True)

    def action_explain(self) -> None:
        """Explain what the selected box represents."""
        from workbench.tui.guidance.guided import explain_box

        if self.canvas.selected is None or self.subject is None:
            self.app.say("Select a box first.")
        else:
            explain_box(self.app, self.subject.handle, self.canvas.selected)

    def _go(self, *, pick: bool) -> None:
        item, selected, subject = self.canvas.item, self.canvas.selected, self.subject
        if item is None or selected is None or subject is None:
            self.app.say("Select a box first.")
        elif pick and getattr(item, "kind", "") == "scope":
            self.app.say("This box represents many nodes; enter opens it, w picks one of them.")
        else:
            self.dismiss(Going(subject.handle, selected, pick))

    def action_commit(self) -> None:
        """Go to the commit screen."""
        from workbench.tui.screens.commit import CommitScreen

        if not self.session.plan.has_result:
            self.app.tell("There is no wire and no step yet.")
            return
        plan = self.session.plan

        def returned(_: None) -> None:
            if self.session.plan.sources != plan.sources:  # the result was opened in place of what is drawn
                self.dismiss(None)

        self.app.push_screen(CommitScreen(self.session), returned)

    # -- values

    def lay_over(self, layout: Layout) -> None:
        """Lay the values of the last run over the picture."""
        from workbench.tui.running.overlay import Overlay

        layer = self.values
        self.canvas.overlay = Overlay(layer, layout, ascii=self.app.look.ascii) if layer is not None else None

    def notes_before(self) -> list[str]:
        """Return what the values in the picture are of."""
        return [self._told_values()] if self.values is not None else []

    def _told_values(self) -> str:
        """Return what the values in the picture are of, and what their shades mean."""
        overlay, run = self.canvas.overlay, self.run
        if overlay is None or run is None:
            return ""
        told = f"Values for {show(run.told, 60)}"
        legend = overlay.legend() if not self.app.current_theme.ansi else ""
        return f"{told}, {legend}; V hides them." if legend else f"{told}; V hides them."

    def action_values(self) -> None:
        """Show the values of the last run in the picture, or hide them."""
        if self.run is None:
            self.app.say("There are no values yet: R in the lists runs the model.")
            return
        self.values = None if self.values is not None else self.run.layer
        self.draw(self.view)

    def action_details(self) -> None:
        """Show or hide what becomes of nodes and names."""
        outcome = self.session.outcome
        if outcome is None or outcome.draft is None or self.alone:
            self.app.say("There is no result yet, so no names change.")
            return
        self._details = not self._details
        self.query_one("#plan", SpanLines).show_detail(
            what_it_does(outcome.draft, details=self._details), stay=True
        )

    def action_copy_command(self) -> None:
        """Copy the command line."""
        self.app.copy_to_clipboard(self.query_one(CommandLine).command)
