"""The run screen: inputs, the values of a run, and the value of the tensor under the cursor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from workbench.describe.actions import words
from workbench.disk.samples import sample_models
from workbench.errors import Cancelled, NotAllowedToRun, UnknownName, UsageError, WorkbenchError
from workbench.names import count, show
from workbench.session.command import run_line
from workbench.session.running.form import RunForm, Runnable, from_file, make_form, parse, runnables, usual
from workbench.session.running.offered import files_for
from workbench.session.running.run import PHASES, KeptRun, RunRequest, run_model
from workbench.session.session import Session
from workbench.session.texts.detail import Detail, Span
from workbench.session.texts.progress import Progress
from workbench.session.texts.value_detail import value_detail
from workbench.tui import glyphs
from workbench.tui.actions import bindings
from workbench.tui.running.form import RunFormView
from workbench.tui.running.values import Values, drawing_of
from workbench.tui.screens.regions import RegionScreen
from workbench.tui.widgets.bars import CommandLine, Head, Keys, Tabs
from workbench.tui.widgets.detail import SpanLines
from workbench.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from textual.widget import Widget

    from workbench.model import Model
    from workbench.tui.host import Host


class RunScreen(RegionScreen):
    """The run screen.

    Args:
        session: holds the opened models, and the values of their runs.
        path: of the model.
        tags: its tag set, None for the obvious one.
        name: the signature or callable that is run at first; None for the usual one.
        texts: what stands in the lines of the inputs at first.
        sample: values that are offered for the inputs; None for made ones.
        at_once: run it as soon as it is open.
    """

    app: Host
    CSS_PATH: ClassVar[list[str | PurePath]] = ["../screens/form.tcss", "run.tcss"]
    SCOPE = "run"
    BINDINGS = bindings("run")
    AUTO_FOCUS = None

    def __init__(
        self,
        session: Session,
        path: Path,
        tags: tuple[str, ...] | None = None,
        name: str | None = None,
        *,
        texts: Mapping[str, str] | None = None,
        sample: Mapping[str, Any] | None = None,
        at_once: bool = False,
    ) -> None:
        super().__init__()
        self.session, self.path, self.tags = session, path, tags
        self.name_of_run = name
        self.model: Model | None = None
        self.choices: list[Runnable] = []
        self.run_form: RunForm | None = None
        self.kept: KeptRun | None = session.runs.get(path)
        self.progress = Progress()
        self.problem: WorkbenchError | None = None
        self._texts = dict(texts or {})
        self._sample = sample
        self._at_once = at_once
        self._cancelling = False

    def compose(self) -> ComposeResult:
        """Yield the form, the values, and the value under the cursor."""
        yield Head()
        yield Tabs()
        with Horizontal(id="run"):
            with Vertical(classes="holder -active", id="left"):  # as `arrange_regions` gives them
                yield RunFormView(id="form", classes="panel region -active")
            with Vertical(classes="holder", id="right"):
                yield Values(id="values", classes="panel region")
                yield SpanLines(id="value", classes="panel region")
        yield CommandLine()
        yield Keys()

    def on_mount(self) -> None:
        """Start TensorFlow and open the model while the user looks at the form."""
        self.query_one("#values").border_title = "Values"
        self.query_one("#value").border_title = "Value"
        self.arrange_regions()
        self.view.query_one("#go").focus()
        self.set_interval(0.25, self._tick)
        try:
            self.app.committer.warm(self.session.commit)
        except UsageError as error:
            self.app.tell(str(error), severity="error")
        self._head()
        self._prepare(self.name_of_run)

    # -- regions

    @property
    def regions(self) -> list[str]:
        """Return the ids of the regions."""
        return ["form", "values", "value"]

    @property
    def beside(self) -> int:
        """Return the number of regions side by side."""
        return 2

    def show_tabs(self) -> None:
        """Update the tabs."""
        number = sum(row.value is not None for row in self.values.listed)
        labels = [("form", "inputs"), ("values", f"values {number:,}"), ("value", "value")]
        self.query_one(Tabs).show_tabs(labels, self.region_id)

    def focus_of(self, region: Widget) -> Widget:
        """Return the widget to focus in a region: the line of an input in the form."""
        if isinstance(region, RunFormView):
            block = region.focused_input()
            return block.line if block is not None else region.query_one("#go", Button)
        return region

    @property
    def view(self) -> RunFormView:
        """Return the form."""
        return self.query_one(RunFormView)

    @property
    def values(self) -> Values:
        """Return the list of values."""
        return self.query_one(Values)

    @property
    def board(self) -> SpanLines:
        """Return the pane of one value, of progress and of errors."""
        return self.query_one("#value", SpanLines)

    # -- the form

    @work(thread=True, exclusive=True, group="form")
    def _prepare(self, name: str | None) -> None:
        """Open the model and make values for its inputs."""
        form: RunForm | WorkbenchError
        try:
            model = self.session.load(self.path, self.tags)
            choices = runnables(model)
            name = name if name is not None else usual(model)
            if name is None:
                raise UnknownName("The model has no signature and no callable, so nothing of it can be run.")
            form = make_form(model, name, self._sample)
        except WorkbenchError as error:
            model, choices, form = None, [], error
        self.call_later(self._prepared, model, choices, form)

    async def _prepared(
        self, model: Model | None, choices: list[Runnable], form: RunForm | WorkbenchError
    ) -> None:
        if not self.is_attached:
            return
        if isinstance(form, WorkbenchError):
            self._say(form)
            return
        kept = self.kept
        texts = self._texts
        if kept is not None and kept.name == form.name and not texts:
            texts = dict(kept.texts)
        self.model, self.choices, self.run_form, self.name_of_run = model, choices, form, form.name
        await self.view.show_form(form, texts, len(choices) > 1)
        self._head()
        self._command()
        if kept is not None and not self._at_once:
            self._show_run(kept)
        if self._at_once:
            self._at_once = False
            self.action_run()

    @on(RunFormView.ChooseAsked)
    def action_signature(self) -> None:
        """Choose the signature or callable that is run."""
        from workbench.tui.running.choices import RunnablesScreen

        if len(self.choices) < 2:
            self.app.say("The model has nothing else that can be run.")
            return

        def chosen(name: str | None) -> None:
            if name is not None and name != self.name_of_run:
                self._texts, self._sample = {}, None
                self._prepare(name)

        self.app.push_screen(RunnablesScreen(self.choices, self.name_of_run or ""), chosen)

    @on(RunFormView.FileAsked)
    def action_pick_file(self) -> None:
        """Pick a file for the focused input."""
        from workbench.tui.screens.choose import ChooseScreen

        block = self.view.focused_input()
        if block is None:
            self.app.say("The model takes no inputs.")
            return

        def chosen(path: Path | None) -> None:
            if path is not None:
                block.line.value = from_file(block.one, path)
                block.line.focus()

        title = f"A file for {show(block.one.name, 40)}".replace("[", r"\[")
        self.app.push_screen(
            ChooseScreen(title, None, files=lambda: files_for(block.one, sample_models())), chosen
        )

    @on(RunFormView.Typed)
    def _command(self) -> None:
        if self.run_form is None:
            return
        line = run_line(
            self.path,
            self.name_of_run,
            self.view.texts,
            tags=self.tags,
            probe=self.view.steps or bool(self.view.tensors),
            tensors=self.view.tensors,
            options=self.session.commit,
        )
        self.query_one(CommandLine).show_command(line)

    # -- running

    @on(RunFormView.RunAsked)
    def action_run(self) -> None:
        """Run the model on these inputs."""
        if self.has_class("-running"):
            return
        if self.run_form is None or self.model is None:
            self.app.say("The model is not open yet.")
            return
        values, problems = parse(self.run_form, self.view.texts)
        self.view.show_problems(problems)
        if problems:
            self.go_region("form")
            self.view.show_problems(problems)
            return
        request = RunRequest(
            self.model, self.run_form, values, self.view.texts, self.view.steps, self.view.tensors
        )
        self.progress = Progress(phases=PHASES, ending="esc cancels the run")
        self._cancelling = False
        self.add_class("-running")
        self.board.border_title = "Running"
        self.go_region("value")
        self._run(request)

    @work(thread=True, group="run")
    def _run(self, request: RunRequest) -> None:
        found: KeptRun | WorkbenchError
        try:
            found = run_model(self.app.committer, request, self.session.commit, self.progress.tell)
        except WorkbenchError as error:
            found = error
        self.call_later(self._done, found)

    def _tick(self) -> None:
        if self.has_class("-running"):
            if self._cancelling:
                self.app.committer.cancel()
            self.board.show_detail(self.progress.lines(glyphs.FITS, glyphs.CLOSED), stay=True)
        self._head()

    def _done(self, found: KeptRun | WorkbenchError) -> None:
        self.remove_class("-running")
        self.app.commit_ended()
        if not self.is_attached:
            return
        self._head()
        if isinstance(found, NotAllowedToRun):
            self._ask_for_leave(found)
            return
        if isinstance(found, WorkbenchError):
            self._say(found)
            return
        self.session.runs[self.path] = found
        self._show_run(found)
        self.go_region("values")

    def _ask_for_leave(self, error: NotAllowedToRun) -> None:
        """Ask before running a model that could do more than compute."""
        from workbench.tui.screens.dialog import AskScreen

        def answered(answer: str | None) -> None:
            if answer == "run":
                self.session.set_commit("allow unsafe", allow_unsafe=True)
                self._command()
                self.action_run()
            else:
                self._say(error)

        choices = (("run", "Run it"), ("leave", "Don't run it"))
        self.app.push_screen(AskScreen("Run this model?", error.message, choices), answered)

    def _say(self, error: WorkbenchError) -> None:
        """Show an error with its next move."""
        self.problem = error
        calm = isinstance(error, Cancelled)
        out = Detail(("error",), "", str(error))
        out.add(Span(f"{glyphs.NO} {error.message}", "maybe" if calm else "bad"))
        if error.where:
            out.add(Span(error.where, "dim"))
        for line in words(error.hint, "terminal UI").splitlines():
            out.add(Span(line))
        self.board.border_title = "Cancelled" if calm else "Not run"
        self.board.show_detail(out)
        self.go_region("value")

    # -- values

    def _show_run(self, run: KeptRun) -> None:
        self.kept, self.problem = run, None
        self.values.border_title = f"Values of {show(run.name, 40)}".replace("[", r"\[")
        self.values.border_subtitle = show(run.told, 50).replace("[", r"\[")
        self.values.show_run(run)
        for note in run.notes:
            self.app.tell(note)
        self.show_tabs()
        self._head()

    @on(Lines.Moved, "#values")
    def _moved(self, event: Lines.Moved) -> None:
        event.stop()
        row = self.values.row
        if self.kept is None or self.has_class("-running") or self.problem is not None:
            return
        if row is None or row.value is None:
            self.board.show_nothing()
            return
        self.board.border_title = "Value"
        self.board.show_detail(value_detail(self.kept, row.value, drawing_of(self.app)))

    @on(Lines.Chosen, "#values")
    @on(Values.DetailAsked)
    def _to_value(self) -> None:
        if self.values.row is not None and self.values.row.value is not None:
            self.go_region("value")

    @on(Values.ClearAsked)
    def _clear(self) -> None:
        """Forget the values of this run."""
        if self.session.runs.pop(self.path, None) is None:
            self.app.say("There are no values to forget.")
            return
        self.kept = None
        self.values.border_title, self.values.border_subtitle = "Values", ""
        self.values.show_run(None)
        self.board.show_nothing()
        self.show_tabs()
        self._head()
        self.go_region("form")

    @on(Values.PictureAsked)
    def _picture(self) -> None:
        """Show the values in the picture of the graph."""
        handle = next((one.handle for one in self.session.plan.sources if one.path == self.path), None)
        if handle is None:
            self.app.say("Open this model first: its picture is shown beside the lists.")
            return
        self.app.show_picture(handle)

    def _head(self) -> None:
        left = [("run  ", "strong"), (show(self.path.name or str(self.path)), "name")]
        if self.name_of_run is not None:
            left.append((f"  {show(self.name_of_run, 40)}", "quiet"))
        self.query_one(Head).show_pieces(left, self._state())

    def _state(self) -> list[tuple[str, str]]:
        if self.has_class("-running"):
            return [("running", "maybe")]
        if self.kept is not None:
            answers = [line for lines in self.kept.answers.values() for line in lines]
            number = count(len(self.kept.layer.values), "value")
            told = answers[0] if len(answers) == 1 else number
            return [(told, "good" if len(answers) == 1 else "quiet")]
        if self.app.committer.child_pid is not None:
            return [(f"TensorFlow runs in process {self.app.committer.child_pid}", "quiet")]
        return [("TensorFlow not started", "quiet")]

    # -- keys

    @on(RunFormView.LeaveAsked)
    def action_leave(self) -> None:
        """Cancel a run; otherwise go back."""
        if self.has_class("-running"):
            self._cancelling = True  # and again until it has begun: its thread may not run yet
            self.app.committer.cancel()
            self.progress.note = "cancelling …"
            return
        self.dismiss(None)

    def action_copy_command(self) -> None:
        """Copy the command line."""
        self.app.copy_to_clipboard(self.query_one(CommandLine).command)

    def on_resize(self, event: events.Resize) -> None:
        """Arrange the panes anew."""
        super().on_resize(event)
