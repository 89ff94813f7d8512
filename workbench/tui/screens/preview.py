"""The joined graph, drawn, and beside it what the commit will do and what the selected box is."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.geometry import Offset
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import get_current_worker

from workbench.errors import WorkbenchError
from workbench.names import count, show
from workbench.session.command import command_line
from workbench.session.options import suggested_target
from workbench.session.preview import Subject, View, describe, drawn
from workbench.session.running.beside import add_box_values
from workbench.session.session import Session
from workbench.session.texts.detail import Detail, Span
from workbench.session.texts.summary import what_it_does
from workbench.tui import glyphs
from workbench.tui import status as standing
from workbench.tui.actions import bindings
from workbench.tui.guidance.guide import guide
from workbench.tui.running.values import drawing_of
from workbench.tui.screens.regions import NARROW
from workbench.tui.widgets.bars import CommandLine, Head, Keys
from workbench.tui.widgets.canvas import CanvasView
from workbench.tui.widgets.detail import SpanLines
from workbench.tui.widgets.preview import Peek

if TYPE_CHECKING:
    from workbench.picture.layout.geometry import CutOff, Layout
    from workbench.picture.values import ValueLayer
    from workbench.session.running.run import KeptRun
    from workbench.tui.host import Host

_KEPT = 12
_FAR = "The picture cannot be zoomed out further."
_HOPS = (
    "The number of steps is at its limit.",
    "f shows the neighbourhood of a box; [ and ] then change its size.",
)


class PreviewScreen(Screen[str | None]):
    """The preview screen: the joined graph as a picture, with a summary beside it.

    Args:
        session: whose plan, or one of whose models, is drawn.
        handle: the model that is drawn while the plan gives no result.
        place: the node or scope whose box is selected at first, as `CALL::node`; empty for the picture's own choice.
        alone: draw that model even if the plan gives a result.

    It is left with the place of the selected box if the user wants its row, else with None.
    """

    app: Host
    CSS_PATH = "preview.tcss"
    SCOPE = "preview"
    BINDINGS = bindings("preview")
    AUTO_FOCUS = None

    def __init__(self, session: Session, handle: str = "", place: str = "", *, alone: bool = False) -> None:
        super().__init__()
        self.session = session
        self.handle = handle
        self.place = place
        self.alone = alone
        self.view = View()
        self.subject: Subject | None = None
        self._pictures: OrderedDict[View, Layout] = OrderedDict()
        self._select: str | None = None
        self._places: dict[View, Offset] = {}
        self._left: tuple[Offset, str | None] = Offset(), None
        self._waiting = False
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
        yield CommandLine()
        yield Keys()

    def on_mount(self) -> None:
        """Build the draft if there is none, then draw the picture."""
        guide(self, self.app, "picture")
        self.query_one(".find", Input).display = False
        self._note("drawing …")
        self.query_one("#box", SpanLines).border_title = "Box"
        self.query_one("#plan", SpanLines).border_title = "What the commit will do"
        self.canvas.focus()
        self._arrange(self.app.size.width)
        self._prepare()

    def on_resize(self, event: events.Resize) -> None:
        """Hide the side panel on a narrow screen."""
        self._arrange(event.size.width)

    def _arrange(self, width: int) -> None:
        self.set_class(width < NARROW, "-narrow")

    @property
    def canvas(self) -> CanvasView:
        """Return the picture."""
        return self.query_one(CanvasView)

    # -- what is drawn

    @work(thread=True, exclusive=True, group="prepare")
    def _prepare(self) -> None:
        """Prepare the scene on a thread."""
        try:
            outcome = self.session.compute()
        except WorkbenchError as error:
            self.call_later(self._note, f"{glyphs.NO} {error}")
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
                self.call_later(self._note, "This model is not open.")
                return
            subject = Subject.of_source(self.session.plan, self.session.source(handle), model)
            run = self.session.run_of(handle)
            plan.add(
                Span(
                    "The plan has errors" if self.session.plan.has_result else "No models are joined yet",
                    "maybe",
                )
            )
            plan.add(f"Only {show(handle)} is drawn.")
            for finding in outcome.findings:
                if finding.severity == "error":
                    plan.add(Span(f"{finding.heading}: {finding.message}", "dim"))
        self.call_later(self._prepared, subject, plan, run)

    def _prepared(self, subject: Subject, plan: Detail, run: KeptRun | None) -> None:
        if not self.is_attached:
            return
        self.subject = subject
        self.run = run
        self.values = run.layer if run is not None else None
        pane = self.query_one("#plan", SpanLines)
        pane.show_detail(plan)
        pane.set_class(not self.session.plan.has_result, "-alone")
        current = self.session.plan
        self.query_one(CommandLine).show_command(
            command_line(current, self.session.commit, suggested_target(current))
        )
        self.draw(self.view, self.place or None)

    def draw(self, view: View, select: str | None = None) -> None:
        """Draw a view; one that was drawn before is shown at once."""
        canvas = self.canvas
        if canvas.canvas is not None:
            if (canvas.scroll_offset, canvas.selected) != self._left:
                self._places.clear()  # somebody went elsewhere: there is no way back to where other views were
            self._places[self.view] = canvas.scroll_offset
        self.view = view
        self._select = select if select is not None else self.canvas.selected
        known = self._pictures.get(view)
        if known is not None:
            self._drawn(view, known)
        elif self.subject is not None:
            self._waiting = True
            self._head()
            self._lay_out(self.subject, view)

    @work(thread=True, exclusive=True, group="layout")
    def _lay_out(self, subject: Subject, view: View) -> None:
        worker = get_current_worker()
        found: Layout | CutOff | WorkbenchError
        try:
            found = subject.picture(view, lambda: worker.is_cancelled)
        except WorkbenchError as error:
            found = error
        if not worker.is_cancelled:
            self.call_later(self._drawn, view, found)

    def _drawn(self, view: View, found: Layout | CutOff | WorkbenchError) -> None:
        from workbench.picture.layout.geometry import Layout
        from workbench.picture.render.canvas import Canvas

        if view != self.view or not self.is_attached:
            return
        self._waiting = False
        if not isinstance(found, Layout):
            text = found.message if not isinstance(found, WorkbenchError) else str(found)
            self._note(f"{glyphs.NO} {text}")
            self._head()
            return
        self._pictures[view] = found
        while len(self._pictures) > _KEPT:
            self._pictures.popitem(last=False)
        select = self._select
        if select is None or all(box.id != select for box in found.boxes):
            select = self._near(found)
        picture = Canvas(found, "ascii" if self.app.look.ascii else "unicode")
        self._lay_over(found)
        self.canvas.show_canvas(picture, select, self._places.get(view))
        self._left = self.canvas.scroll_offset, self.canvas.selected
        notes = [*([self._told_values()] if self.values is not None else []), *found.scene.notes]
        self._note("  ".join(notes) if found.boxes else "Nothing to draw.")
        self._head()

    def _near(self, layout: Layout) -> str | None:
        """Return what to select in a new picture: the boundary, else the last box, else the first."""
        if self._select is not None:
            for node in layout.scene.nodes:
                if self._select in node.folded or node.opens == self._select or self._select in node.inside:
                    return node.id
            word = (
                f"/{self._select.rstrip('*').rpartition('/')[2]}"  # of a scope that is drawn box by box now
            )
            for node in layout.scene.nodes:
                if word in node.path:
                    return node.id
        return next((node.id for node in layout.scene.nodes if node.seam), None)

    def _note(self, text: str) -> None:
        note = self.query_one(Peek)
        note.tell(Text(text), shrink=True)
        note.display = bool(text)

    def _head(self) -> None:
        left = standing.models(self.session, "preview")
        right: list[tuple[str, str]] = []
        canvas = self.canvas.canvas
        if self._waiting:
            right.append(("drawing …", "maybe"))
        elif canvas is not None:
            layout = canvas.layout
            right.append((drawn(layout), "quiet"))
        if self.view.focus is not None:
            left.append((f"  around {show(self.view.focus, 40)}, {count(self.view.hops, 'step')}", "maybe"))
        self.query_one(Head).show_pieces(left, right)

    # -- what was asked for

    @on(CanvasView.Selected)
    def _selected(self, event: CanvasView.Selected) -> None:
        event.stop()
        from workbench.picture.scene.scene import Frame

        out = Detail(("box",), "", "")
        item = self.canvas.item
        if item is not None:
            subtitle = getattr(item, "subtitle", "")
            out.add(Span(item.title, "title"), Span(f"  {subtitle}" if subtitle else "", ""))
            if self.values is not None:
                add_box_values(out, item, self.values, drawing_of(self.app))
            for label, text in describe(item):
                out.fact(label, text, width=10)
            if getattr(item, "opens", None):
                opened = isinstance(item, Frame)
                out.add(Span(f"  enter {'closes' if opened else 'opens'} it", "dim"))
        self.query_one("#box", SpanLines).show_detail(out)

    @on(CanvasView.Asked)
    def _asked(self, event: CanvasView.Asked) -> None:
        event.stop()
        view = self.view
        if event.what == "open" and event.id is not None:
            self.draw(view.opened(event.id), event.id)
        elif event.what == "close" and event.id is not None:
            self.draw(view.closed(event.id), event.id)
        elif event.what == "focus":
            self.draw(view.focused(None if view.focus is not None else event.id), self.canvas.selected)
        elif event.what == "hops":
            self._draw_changed(view.wider(event.by), _HOPS[view.focus is None])
        elif event.what == "zoom":
            self._draw_changed(
                view.zoomed(event.by), "The picture cannot be zoomed in further." if event.by < 0 else _FAR
            )
        elif event.what == "controls":
            self.draw(replace(view, controls=not view.controls))
        elif event.what == "across":
            self.draw(replace(view, across=not view.across))
        elif event.what == "search":
            line = self.query_one(".find", Input)
            line.display = True
            line.focus()

    def _draw_changed(self, view: View, why_not: str) -> None:
        """Draw another view, or show why it is the same."""
        if view == self.view:
            self.app.say(why_not)
        else:
            self.draw(view)

    @on(Input.Changed, ".find")
    def _finding(self, event: Input.Changed) -> None:
        event.stop()
        canvas = self.canvas.canvas
        text = event.value.strip()
        self.canvas.matches = (
            [node.id for node in canvas.layout.scene.search(text)] if canvas is not None and text else []
        )
        if self.canvas.matches:
            self.canvas.select(self.canvas.matches[0], center=True)

    @on(Input.Submitted, ".find")
    def _found(self, event: Input.Submitted) -> None:
        event.stop()
        event.input.display = False
        self.canvas.focus()
        found = len(self.canvas.matches)
        self.app.tell(f"{found:,} found" + ("; n and N go through them." if found > 1 else "."))

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
        if action == "to_row":
            return self.canvas.selected is not None
        return action != "commit" or self.session.plan.has_result

    def action_to_row(self) -> None:
        """Go back to the models, to the row of the selected box."""
        if self.canvas.selected is None:
            self.app.say("Select a box first.")
        else:
            self.dismiss(self.canvas.selected)

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

    def _lay_over(self, layout: Layout) -> None:
        """Lay the values of the last run over the picture."""
        from workbench.tui.running.overlay import Overlay

        layer = self.values
        self.canvas.overlay = Overlay(layer, layout, ascii=self.app.look.ascii) if layer is not None else None

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
        if outcome is None or outcome.draft is None:
            self.app.say("There is no result yet, so no names change.")
            return
        self._details = not self._details
        self.query_one("#plan", SpanLines).show_detail(
            what_it_does(outcome.draft, details=self._details), stay=True
        )

    def action_copy_command(self) -> None:
        """Copy the command line."""
        self.app.copy_to_clipboard(self.query_one(CommandLine).command)
