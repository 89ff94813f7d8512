"""Committing: where to, how, what it will do, how it goes, what became of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Button, Input, Static

from workbench.errors import Cancelled, UsageError, WorkbenchError
from workbench.names import show
from workbench.session.command import merge_line
from workbench.session.detail import Detail, Span
from workbench.session.options import suggested_target
from workbench.session.session import Outcome, Session
from workbench.session.summary import call_line, what_became, what_it_does
from workbench.tui import glyphs
from workbench.tui.actions import bindings
from workbench.tui.widgets.bars import CommandLine, Head, Keys
from workbench.tui.widgets.detail import SpanLines
from workbench.tui.widgets.tick import Tick

if TYPE_CHECKING:
    from workbench.publishing import Report
    from workbench.surgery.draft import Draft
    from workbench.tui.app import WorkbenchApp

NARROW = 110
_PHASES = (
    ("check", "check target, inputs and checkpoints"),
    ("reference", "run the models one after the other"),
    ("write", "write the result beside the target"),
    ("verify", "load and run the result, and compare"),
    ("publish", "publish it under its name"),
)
_BOXES = (
    ("verify", "Prove it", "run the result against the models; only a verified one is published"),
    ("serving", "Next version", "write the next version number under the target, for TensorFlow Serving"),
    ("freeze", "Freeze", "turn variables into constants"),
    ("keep_outputs", "Keep outputs", "also keep the outputs of models that feed another one"),
    ("keep_signatures", "Keep signatures", "also keep the models' own signatures"),
    ("allow_unsafe", "Allow unsafe", "run models that touch files, network or Python"),
)
_OF_PLAN = frozenset({"freeze", "keep_outputs", "keep_signatures"})


class CommitScreen(Screen[None]):
    """The form, and beside it what will be done, then how it goes, then the verdict.

    Args:
        session: with a plan that has wires.
    """

    app: WorkbenchApp
    CSS_PATH = "commit.tcss"
    SCOPE = "commit"
    BINDINGS = bindings("commit")
    AUTO_FOCUS = None

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.draft: Draft | None = None
        self.report: Report | None = None
        self._began: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._phase = ""
        self._detail = ""
        self._started = 0.0
        self._ready = False
        self._asked = False

    # -- the form

    def compose(self) -> ComposeResult:
        """Form, board, command, keys."""
        plan, commit = self.session.plan, self.session.commit
        yield Head()
        with Horizontal(id="commit"):
            with VerticalScroll(id="form", classes="panel", can_focus=False) as form:
                form.border_title = "Commit"
                yield from self._line(
                    "target", "Target", commit.target or suggested_target(plan), "a new folder"
                )
                yield from self._line(
                    "signature", "Signature", plan.signature, "key of the result's signature"
                )
                for name, label, about in _BOXES:
                    value = getattr(plan if name in _OF_PLAN else commit, name)
                    box = Tick(label, value, name=name, classes="option", compact=True)
                    box.tooltip = about
                    with Horizontal(classes="field"):
                        yield box
                        yield Static(about, classes="about", markup=False)
                yield Static("Prove with (empty: made; ^o picks a file)", classes="part", markup=False)
                yield Vertical(id="inputs")
                yield from self._line("tolerance", "Tolerance", _number(commit.tolerance), "of each dtype")
                yield Static("Handles  (scopes in the result)", classes="part", markup=False)
                for position, source in enumerate(plan.sources):
                    label = f"{glyphs.mark(position)} {show(source.path.name)}"
                    yield from self._line(f"handle-{position}", label, source.handle, "a handle")
                with Horizontal(classes="buttons"):
                    yield Button("Commit", id="go", classes="-primary", compact=True)
                    yield Button("Back", id="leave", compact=True)
            yield SpanLines(id="board", classes="panel")
        yield CommandLine()
        yield Keys()

    def _line(self, name: str, label: str, value: str, hint: str) -> ComposeResult:
        with Horizontal(classes="field"):
            yield Static(label, classes="label", markup=False)
            yield Input(value, placeholder=hint, name=name, id=f"field-{name}", compact=True)

    def on_mount(self) -> None:
        """Starts TensorFlow while the form is looked at."""
        self._arrange(self.app.size.width)
        self.query_one("#field-target", Input).focus()
        self.set_interval(0.25, self._tick)
        if self.session.commit.verify:
            self._warm()
        self._ready = True
        self._changed()

    def on_resize(self, event: events.Resize) -> None:
        """One column where it is narrow."""
        self._arrange(event.size.width)

    def _arrange(self, width: int) -> None:
        self.set_class(width < NARROW, "-narrow")

    @property
    def board(self) -> SpanLines:
        """The right side."""
        return self.query_one("#board", SpanLines)

    def _warm(self) -> None:
        try:
            self.app.committer.warm(self.session.commit)
        except UsageError as error:
            self.app.tell(str(error), severity="error")

    # -- what is typed

    @on(Tick.Changed)
    def _ticked(self, event: Tick.Changed) -> None:
        event.stop()
        name = event.checkbox.name or ""
        set_it = self.session.set_plan if name in _OF_PLAN else self.session.set_commit
        set_it(f"{name.replace('_', ' ')}", **{name: event.value})
        if name == "verify" and event.value:
            self._warm()
        self._changed()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        name, value = event.input.name or "", event.value.strip()
        if not self._ready or name.startswith("handle-"):
            return
        if name == "target":
            self.session.set_commit("target", target=value)
        elif name == "signature":
            self.session.set_plan("signature", signature=value or "serving_default")
        elif name == "tolerance":
            number = _as_number(value)
            event.input.set_class(bool(value) and number is None, "-wrong")
            self.session.set_commit("tolerance", tolerance=number)
        elif name.startswith("input:"):
            self._input_values()
        self._changed()

    def _input_values(self) -> None:
        values = []
        for line in self.query("#inputs Input").results(Input):
            if line.value.strip():
                values.append(f"{(line.name or '').removeprefix('input:')}={line.value.strip()}")
        self.session.set_commit("values to prove with", inputs=tuple(values))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.input.name or ""
        if name.startswith("handle-"):
            self._rename(event.input, int(name.removeprefix("handle-")))
        elif name == "target":
            self.action_commit()
        else:
            self.focus_next()

    @on(Input.Blurred)
    def _left_line(self, event: Input.Blurred) -> None:
        name = event.input.name or ""
        if name.startswith("handle-"):
            self._rename(event.input, int(name.removeprefix("handle-")))

    def _rename(self, line: Input, position: int) -> None:
        handle = self.session.handles[position]
        try:
            self.session.rename(handle, line.value.strip())
        except UsageError as error:
            self.app.tell(error.message, error.hint, severity="warning")
            line.value = handle
            return
        self._changed()

    def _changed(self) -> None:
        """The plan or its options changed."""
        plan, commit = self.session.plan, self.session.commit
        target = self.query_one("#field-target", Input).value.strip() or suggested_target(plan)
        self.query_one(CommandLine).show_command(merge_line(plan, commit, target))
        self.app.plan_changed()
        self._head()
        self._compute()

    def _head(self) -> None:
        left: list[tuple[str, str]] = [("workbench  ", "strong")]
        for position, source in enumerate(self.session.plan.sources):
            if position:
                left.append((f"  {glyphs.ARROW}  ", "quiet"))
            left.append((f"{glyphs.mark(position)} {show(source.handle)}", f"model-{position % 4}"))
        self.query_one(Head).show_pieces(left, self._child_state())

    def _child_state(self) -> list[tuple[str, str]]:
        if self.app.committer.running:
            return [("committing", "maybe")]
        if self.app.committer.child_pid is not None:
            return [(f"TensorFlow runs in process {self.app.committer.child_pid}", "quiet")]
        return [("TensorFlow not started", "quiet")]

    # -- what it will do

    @work(thread=True, exclusive=True, group="compute")
    def _compute(self) -> None:
        try:
            outcome: Outcome | WorkbenchError = self.session.compute()
        except WorkbenchError as error:
            outcome = error
        self.call_later(self._computed, outcome)

    def _computed(self, outcome: Outcome | WorkbenchError) -> None:
        if not self.is_attached or self.app.committer.running:
            return
        if isinstance(outcome, WorkbenchError):
            self.draft, self._asked = None, False
            self._say(outcome)
            return
        if outcome.plan != self.session.plan:
            return
        fresh = self.draft is not outcome.draft
        self.draft = outcome.draft
        if self.draft is None:
            self._asked = False
            self._say_findings(outcome)
            return
        self._input_lines(self.draft)
        if self.report is None or fresh:
            self.report = None
            self.board.border_title = "What the commit will do"
            self.board.show_detail(what_it_does(self.draft))
        if self._asked:
            self._asked = False
            self.action_commit()

    def _input_lines(self, draft: Draft) -> None:
        """One line for each input of the result."""
        from workbench.prove import result_signature
        from workbench.runtime.slots import input_slots

        slots = list(input_slots(draft.meta, result_signature(draft)))
        box = self.query_one("#inputs", Vertical)
        names = [f"input:{slot}" for slot in slots]
        if [line.name for line in box.query(Input)] == names:
            return
        given = dict(text.split("=", 1) for text in self.session.commit.inputs if "=" in text)
        box.remove_children()
        for slot in slots:
            line = Input(
                given.get(slot, ""), placeholder="made from the graph", name=f"input:{slot}", compact=True
            )
            box.mount(Horizontal(Static(show(slot), classes="label", markup=False), line, classes="field"))

    def _say_findings(self, outcome: Outcome) -> None:
        out = Detail(("findings",), "", "")
        out.add(Span(f"{glyphs.NO} This plan can't be committed", "bad"))
        for finding in outcome.findings:
            if finding.severity == "error":
                out.add("")
                out.add(Span(f"{finding.where}: {finding.message}"))
                if finding.hint:
                    out.add(Span(finding.hint, "dim"))
        self.board.border_title = "Findings"
        self.board.show_detail(out)

    def _say(self, error: WorkbenchError) -> None:
        out = Detail(("error",), "", str(error))
        calm = isinstance(error, Cancelled)
        out.add(Span(f"{glyphs.NO} {error.message}", "maybe" if calm else "bad"))
        if error.where:
            out.add(Span(error.where, "dim"))
        for line in (error.hint or "").splitlines():
            out.add(Span(line))
        self.board.border_title = "Cancelled" if calm else "Not committed"
        self.board.show_detail(out)

    # -- doing it

    def action_commit(self) -> None:
        """Checks, writes, proves and publishes."""
        if self.app.committer.running:
            return
        outcome = self.session.outcome
        if outcome is None:  # it is being looked at; goes on when that is done
            self._asked = True
            return
        self.draft = outcome.draft
        if self.draft is None:
            self.app.tell("The plan has errors; they are listed on the right.", severity="warning")
            return
        target = self.query_one("#field-target", Input).value.strip() or suggested_target(self.session.plan)
        self.session.set_commit("target", target=target)
        self.report = None
        self._began, self._ended, self._phase, self._detail = {}, {}, "", ""
        self._started = time.monotonic()
        self.add_class("-running")
        self.board.border_title = "Committing"
        self.board.focus()
        self._run(self.draft, target)

    @work(thread=True, group="commit")
    def _run(self, draft: Draft, target: str) -> None:
        found: Report | WorkbenchError
        try:
            found = self.app.committer.commit(draft, target, self.session.commit, self._progress)
        except WorkbenchError as error:
            found = error
        self.call_later(self._done, draft, found)

    def _progress(self, phase: str, text: str) -> None:
        """On the committing thread: notes only; the screen looks at it when it draws."""
        now = time.monotonic()
        if phase == "tensorflow":
            self._detail = text
            return
        if phase != self._phase:
            if self._phase:
                self._ended[self._phase] = now
            self._began.setdefault(phase, now)
            self._phase = phase
        self._detail = "" if phase != "write" else text

    def _tick(self) -> None:
        if self.has_class("-running"):
            self._draw_progress()
        self._head()

    def _draw_progress(self) -> None:
        out = Detail(("progress",), "", "")
        now = time.monotonic()
        for phase, about in _PHASES:
            if phase not in self._began:
                out.add(Span(f"    {about}", "dim"))
                continue
            over = phase in self._ended
            seconds = self._ended.get(phase, now) - self._began[phase]
            sign = Span(f"  {glyphs.FITS} ", "good") if over else Span(f"  {glyphs.CLOSED} ", "heading")
            out.add(sign, Span(about, "" if over else "title"), Span(f"  {seconds:.1f} s", "dim"))
            if not over and self._detail:
                out.add(Span(f"      {self._detail}", "dim"))
        out.add("")
        out.add(Span(f"  {now - self._started:.0f} s   esc cancels, and nothing is left behind", "dim"))
        self.board.show_detail(out, stay=True)

    def _done(self, draft: Draft, found: Report | WorkbenchError) -> None:
        self.remove_class("-running")
        if not self.is_attached:
            return
        self._head()
        if isinstance(found, WorkbenchError):
            self._say(found)
            self.query_one("#field-target", Input).focus()
            return
        self.report = found
        out = what_became(draft, found)
        self.board.border_title = "Verdict"
        if found.path is not None:
            self.session.mark_saved()
            self.app.plan_changed()
            self.add_class("-done")
            out.heading("Call it", "^r copies")
            out.add(Span(call_line(found.path, draft), "op"))
            self.board.focus()
        else:
            self.query_one("#field-target", Input).focus()
        self.board.show_detail(out)

    # -- further keys

    def action_leave(self) -> None:
        """Cancels what runs; else back to the models."""
        if self.app.committer.running:
            self.app.committer.cancel()
            self._detail = "cancelling …"
            return
        self.dismiss(None)

    def action_copy_command(self) -> None:
        """Copies the command."""
        self.app.copy_to_clipboard(self.query_one(CommandLine).command)

    def action_copy_call(self) -> None:
        """Copies the line that runs the result."""
        if self.report is not None and self.report.path is not None and self.draft is not None:
            self.app.copy_to_clipboard(call_line(self.report.path, self.draft))
        else:
            self.app.tell("There is no result yet.")

    def action_save_recipe(self) -> None:
        """Saves the plan."""
        from workbench.tui.screens.recipe import ask_and_save

        ask_and_save(self.app, self.session)

    def action_pick_file(self) -> None:
        """A file for the input under the cursor, else the place of the target."""
        from workbench.tui.screens.choose import ChooseScreen

        line = self.focused
        if not isinstance(line, Input) or not (line.name or "").startswith("input:"):
            self.app.tell("Put the cursor on an input to prove with first.")
            return

        def chosen(path: Path | None) -> None:
            if path is not None:
                line.value = f"{self._how(line)}@{path}"

        self.app.push_screen(ChooseScreen("A file for this input", None), chosen)

    def _how(self, line: Input) -> str:
        """`base64url:` where the graph decodes web-safe base64 right behind the input."""
        from workbench.session.summary import takes_base64

        slot = (line.name or "").removeprefix("input:")
        return "base64url:" if self.draft is not None and takes_base64(self.draft, slot) else ""

    @on(Button.Pressed, "#go")
    def _go(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_commit()

    @on(Button.Pressed, "#leave")
    def _leave(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_leave()

    def check_action(self, action: str, parameters: tuple[Any, ...]) -> bool | None:
        """No second commit while one runs."""
        if action == "commit" and self.app.committer.running:
            return None
        return True


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _as_number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 <= found < float("inf") else None
