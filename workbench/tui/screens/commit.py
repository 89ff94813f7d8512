"""The commit screen: target and options, summary, progress, verdict."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input

from workbench.describe.actions import words
from workbench.errors import Cancelled, UsageError, WorkbenchError
from workbench.names import show
from workbench.session.command import command_line
from workbench.session.looked_up import Outcome
from workbench.session.session import Session
from workbench.session.texts.detail import Detail, Span
from workbench.session.texts.progress import Progress
from workbench.session.texts.summary import call_of, what_became, what_it_does
from workbench.tui import glyphs
from workbench.tui import status as standing
from workbench.tui.actions import bindings
from workbench.tui.guidance.guide import guide
from workbench.tui.screens.base import BaseScreen
from workbench.tui.screens.regions import NARROW
from workbench.tui.widgets.bars import CommandLine, Head, Keys
from workbench.tui.widgets.commit_form import CommitForm, slot_of
from workbench.tui.widgets.detail import SpanLines

if TYPE_CHECKING:
    from workbench.describe.calling import Call
    from workbench.publishing.report import Report
    from workbench.surgery.draft import Draft
    from workbench.tui.host import Host


class CommitScreen(BaseScreen[None]):
    """The commit screen: a form; beside it the summary, the progress, the verdict.

    Args:
        session: with a plan that has a result.
    """

    app: Host
    CSS_PATH: ClassVar[list[str | PurePath]] = ["form.tcss", "commit.tcss"]
    SCOPE = "commit"
    BINDINGS = bindings("commit")
    AUTO_FOCUS = None

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.draft: Draft | None = None
        self.report: Report | None = None
        self.call: Call | None = None
        self.progress = Progress()
        self._asked = False
        self._cancelling = False
        self._details = False

    def compose(self) -> ComposeResult:
        """Yield form, board, command line and keys."""
        yield Head()
        with Horizontal(id="commit"):
            yield CommitForm(self.session, id="form", classes="panel")
            yield SpanLines(id="board", classes="panel")
        yield CommandLine()
        yield Keys()

    def on_mount(self) -> None:
        """Start TensorFlow while the user fills in the form."""
        guide(self, self.app, "commit")
        self._arrange(self.app.size.width)
        self.form.target_line.focus()
        self.set_interval(0.25, self._tick)
        if self.session.commit.verify:
            self._warm()
        self._changed()

    def on_resize(self, event: events.Resize) -> None:
        """Use one column on a narrow screen."""
        self._arrange(event.size.width)

    def _arrange(self, width: int) -> None:
        self.set_class(width < NARROW, "-narrow")

    @property
    def form(self) -> CommitForm:
        """Return the form on the left side."""
        return self.query_one(CommitForm)

    @property
    def board(self) -> SpanLines:
        """Return the board on the right side."""
        return self.query_one("#board", SpanLines)

    def _warm(self) -> None:
        try:
            self.app.committer.warm(self.session.commit)
        except UsageError as error:
            self.app.tell(str(error), severity="error")

    @on(CommitForm.Changed)
    def _form_changed(self, event: CommitForm.Changed) -> None:
        event.stop()
        if event.verify:
            self._warm()
        self._changed()

    def _changed(self) -> None:
        """Show the plan or the options after a change."""
        plan, commit = self.session.plan, self.session.commit
        self.query_one(CommandLine).show_command(command_line(plan, commit, self.form.target))
        self.app.plan_changed()
        self._head()
        self._compute()

    def _head(self) -> None:
        self.query_one(Head).show_pieces(standing.models(self.session, "commit"), self._child_state())

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
        if not self.is_attached or self.has_class("-running"):
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
        self.form.show_inputs(self.draft)
        if self.report is None or fresh:
            stay = not fresh and self.report is None
            self.report = self.call = None
            self._show_plan(self.draft, stay=stay)
        if self._asked:
            self._asked = False
            self.action_commit()

    def _show_plan(self, draft: Draft, *, stay: bool = False) -> None:
        self.board.border_title = "What the commit will do"
        self.board.show_detail(what_it_does(draft, self.form.target, details=self._details), stay=stay)

    def action_details(self) -> None:
        """Show or hide what becomes of nodes and names."""
        if self.draft is None or self.report is not None or self.has_class("-running"):
            self.app.say("Nodes and names are shown beside what the commit will do, before it is done.")
            return
        self._details = not self._details
        self._show_plan(self.draft, stay=True)

    def _say_findings(self, outcome: Outcome) -> None:
        out = Detail(("findings",), "", "")
        out.add(Span(f"{glyphs.NO} This plan can't be committed", "bad"))
        for finding in outcome.findings:
            if finding.severity == "error":
                out.add("")
                for line in f"{finding.heading}: {finding.message}".splitlines():
                    out.add(Span(line))
                for line in words(finding.hint, "terminal UI").splitlines():
                    out.add(Span(line, "dim"))
        self.board.border_title = "Findings"
        self.board.show_detail(out)

    def _say(self, error: WorkbenchError) -> None:
        out = Detail(("error",), "", str(error))
        calm = isinstance(error, Cancelled)
        out.add(Span(f"{glyphs.NO} {error.message}", "maybe" if calm else "bad"))
        if error.where:
            out.add(Span(error.where, "dim"))
        for line in words(error.hint, "terminal UI").splitlines():
            out.add(Span(line))
        self.board.border_title = "Cancelled" if calm else "Not committed"
        self.board.show_detail(out)

    # -- doing it

    @on(CommitForm.CommitAsked)
    def action_commit(self) -> None:
        """Check, write, verify and publish the result."""
        if self.has_class("-running"):
            return
        outcome = self.session.outcome
        if outcome is None:  # it is being looked at; continues when that is done
            self._asked = True
            return
        self.draft = outcome.draft
        if self.draft is None:
            self.app.tell("The plan has errors; they are listed on the right.", severity="warning")
            return
        target = self.form.target
        self.session.set_commit("target", target=target)
        self.report = self.call = None
        self.progress = Progress()
        self._cancelling = False
        self.add_class("-running")
        self.board.border_title = "Committing"
        self.board.focus()
        self._run(self.draft, target)

    @work(thread=True, group="commit")
    def _run(self, draft: Draft, target: str) -> None:
        found: Report | WorkbenchError
        try:
            found = self.app.committer.commit(draft, target, self.session.commit, self.progress.tell)
        except WorkbenchError as error:
            found = error
        self.call_later(self._done, draft, found)

    def _tick(self) -> None:
        if self.has_class("-running"):
            if self._cancelling:
                self.app.committer.cancel()
            self.board.show_detail(self.progress.lines(glyphs.FITS, glyphs.CLOSED), stay=True)
        self._head()

    def _done(self, draft: Draft, found: Report | WorkbenchError) -> None:
        self.remove_class("-running")
        self.app.commit_ended()
        if not self.is_attached:
            return
        self._head()
        if isinstance(found, WorkbenchError):
            self._say(found)
            self._to_target()
            return
        self.report = found
        out = what_became(draft, found)
        self.board.border_title = "Verdict"
        if found.path is not None:
            self.session.mark_saved()
            self.session.drop_opened(found.path)
            self.session.result = draft.plan, found.path
            self.app.plan_changed()
            self.add_class("-done")
            self.call = call_of(draft, found, self.session.commit)
            out.heading("Next")
            out.add(Span("  r", "heading"), Span("  runs the result and shows its outputs"))
            out.add(Span("  o", "heading"), Span("  opens it in place of these models"))
            for title, note, lines in (
                ("Call it from a shell", "^r copies", self.call.shell),
                ("Call it from Python", "", self.call.python),
            ):
                out.heading(title, note)
                for line in lines:
                    out.add(Span(show(line, 1000), "op"))
            self.board.focus()
        else:
            self._to_target()
        self.board.show_detail(out)
        if found.unsafe is not None:
            self._ask_for_leave(found.unsafe)

    def _to_target(self) -> None:
        """Focus the target's line once the form is visible: hidden widgets take no focus."""
        self.call_after_refresh(self.form.target_line.focus)

    def _ask_for_leave(self, dangers: str) -> None:
        """Ask before running a model that could do more than compute."""
        from workbench.tui.screens.dialog import AskScreen

        def answered(answer: str | None) -> None:
            if answer == "run":
                self.session.set_commit("allow unsafe", allow_unsafe=True)
                self.form.show_leave()
                self._changed()
                self.action_commit()

        choices = (("run", "Run it"), ("leave", "Don't run it"))
        self.app.push_screen(AskScreen("Run this model?", dangers, choices), answered)

    # -- further keys

    @on(CommitForm.LeaveAsked)
    def action_leave(self) -> None:
        """Cancel a running commit; otherwise return to the models."""
        if self.has_class("-running"):
            self._cancelling = True  # and again until it has begun: its thread may not run yet
            self.app.committer.cancel()
            self.progress.note = "cancelling …"
            return
        self.dismiss(None)

    def action_run_result(self) -> None:
        """Run the result on the values it was verified with, or on those that were typed."""
        from workbench.session.running.form import typed_inputs
        from workbench.tui.running.screen import RunScreen

        if self.report is None or self.report.path is None or self.draft is None:
            self.app.say("There is no result yet.")
            return
        verification = self.report.verification
        samples = verification.samples if verification is not None else ()
        signature = self.draft.signature
        screen = RunScreen(
            self.session,
            self.report.path,
            name=signature.key or None,
            texts=typed_inputs(self.session.commit.inputs, self.draft.meta, signature),
            sample=min(samples, key=lambda one: sum(array.size for array in one.values()), default=None),
            at_once=True,
        )
        self.app.push_screen(screen)

    def action_open_result(self) -> None:
        """Open the result in place of the models it was made of."""
        if self.report is None or self.report.path is None:
            self.app.say("There is no result yet.")
            return
        self.session.open_alone(self.report.path)
        self.app.plan_changed()
        self.dismiss(None)

    def action_copy_command(self) -> None:
        """Copy the command line."""
        self.app.copy_to_clipboard(self.query_one(CommandLine).command)

    def action_copy_call(self) -> None:
        """Copy the line that runs the result."""
        if self.call is not None:
            self.app.copy_to_clipboard("\n".join(self.call.shell))
        else:
            self.app.tell("There is no result yet.")

    def action_save_recipe(self) -> None:
        """Save the plan as a recipe."""
        from workbench.tui.screens.recipe import ask_and_save

        ask_and_save(self.app, self.session)

    def action_pick_file(self) -> None:
        """Pick a file for the focused input, else a folder for the target."""
        from workbench.tui.screens.choose import ChooseScreen

        line = self.focused
        if not isinstance(line, Input) or not slot_of(line):
            self.app.tell("Put the cursor on an input under “Verify with” first.")
            return

        def chosen(path: Path | None) -> None:
            if path is not None:
                line.value = f"{self._how(slot_of(line))}@{path}"

        self.app.push_screen(ChooseScreen("A file for this input", None), chosen)

    def _how(self, slot: str) -> str:
        """Return `base64url:` for an input that the graph decodes as web-safe base64."""
        from workbench.describe.example_values import takes_base64

        draft = self.draft
        return "base64url:" if draft is not None and takes_base64(draft.meta, draft.signature, slot) else ""

    def check_action(self, action: str, parameters: tuple[Any, ...]) -> bool | None:
        """Return whether an action is available: no second commit while one runs."""
        if action == "commit" and self.app.committer.running:
            return None
        if action == "details":
            return self.report is None
        if action in ("run_result", "open_result"):  # in a line these keys are letters
            done = self.report is not None and self.report.published
            return done and not isinstance(self.focused, Input)
        return True
