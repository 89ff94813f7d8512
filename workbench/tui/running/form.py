"""The form of a run: what is run, a line for each input with the value that is offered, which values are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Button, Input, Static

from workbench.names import show
from workbench.session.running.form import RunForm, RunInput
from workbench.session.running.offered import completed_path, offered
from workbench.tui.running.values import drawing_of
from workbench.tui.widgets.checkbox import Tick
from workbench.tui.widgets.detail import SpanLines

if TYPE_CHECKING:
    from workbench.tui.host import Host

_HELP = "empty: as below; JSON, word, @file, base64url:@file"
_NONE = "JSON, word, @file, base64url:@file"


class PathSuggester(Suggester):
    """Completes the path behind `@` of a value."""

    async def get_suggestion(self, value: str) -> str | None:
        """Return the value with its path completed to the first file or folder that begins so."""
        return completed_path(value)


class Offered(SpanLines, can_focus=False):
    """The value of an input, as it would be run: what it is, and a small picture."""

    def show_value(self, one: RunInput, text: str) -> None:
        """Show the made value, or that of a text that is typed."""
        self.show_detail(offered(one, text, drawing_of(self.app)))
        self._fit()

    def _fit(self) -> None:
        self.styles.height = max(len(self.broken), 1)

    def on_resize(self) -> None:
        """Wrap the lines anew, and be as high as they are."""
        super().on_resize()
        self._fit()


class InputBlock(Vertical):
    """An input: its name and type, its line, what is wrong with it, and the offered value.

    Args:
        one: the input.
        text: what stands in its line at first.
    """

    def __init__(self, one: RunInput, text: str) -> None:
        super().__init__(classes="input")
        self.one = one
        self._text = text

    def compose(self) -> ComposeResult:
        """Yield them."""
        with Horizontal(classes="field"):
            yield Static(show(self.one.name), classes="label", markup=False)
            yield Static(self.one.component.describe(), classes="typed", markup=False)
        hint = _HELP if self.one.made is not None else _NONE
        yield Input(
            self._text,
            placeholder=hint,
            name=f"input:{self.one.name}",
            compact=True,
            suggester=PathSuggester(use_cache=False, case_sensitive=True),
        )
        problem = Static(classes="problem", markup=False)
        problem.display = False
        yield problem
        yield Offered(classes="offered")

    def on_mount(self) -> None:
        """Show the value that is offered."""
        self.refresh_value()

    @property
    def line(self) -> Input:
        """Return the line."""
        return self.query_one(Input)

    def refresh_value(self) -> None:
        """Show the value of what is typed."""
        self.query_one(Offered).show_value(self.one, self.line.value.strip())

    def show_problem(self, text: str) -> None:
        """Show what is wrong with the value; nothing for an empty text."""
        problem = self.query_one(".problem", Static)
        problem.update(text)
        problem.display = bool(text)
        self.line.set_class(bool(text), "-wrong")


class RunFormView(VerticalScroll, can_focus=False):
    """The form of a run."""

    app: Host

    class RunAsked(Message):
        """The user wants to run."""

    class LeaveAsked(Message):
        """The user wants to return."""

    class ChooseAsked(Message):
        """The user wants to run another signature or callable."""

    class FileAsked(Message):
        """The user wants to pick a file for the focused input."""

    @dataclass
    class Typed(Message):
        """A value was changed."""

    def compose(self) -> ComposeResult:
        """Yield the fixed lines; those of inputs come with `show_form`."""
        self.border_title = "Run"
        with Horizontal(classes="field"):
            yield Static("Signature", classes="label", markup=False)
            yield Static("…", id="only", markup=False)
            which = Button("…", id="which", compact=True)
            which.tooltip = "Choose another signature or callable (f3)."
            which.display = False
            yield which
        yield Vertical(id="inputs")
        with Horizontal(classes="field keep"):
            yield Tick("Every step", True, name="steps", classes="option", compact=True)
            yield Static("keep the values of tensors on the way", classes="about", markup=False)
        with Horizontal(classes="field"):
            yield Static("Only these", classes="label", markup=False)
            yield Input(placeholder="tensors, such as node:0 CALL::node:0", name="tensors", compact=True)
        problem = Static(id="tensors-problem", classes="problem", markup=False)
        problem.display = False
        yield problem
        with Horizontal(classes="buttons"):
            yield Button("Run", id="go", classes="-primary", compact=True)
            yield Button("Pick a file", id="file", compact=True)
            yield Button("Back", id="leave", compact=True)

    async def show_form(self, form: RunForm, texts: Mapping[str, str], several: bool) -> None:
        """Show the inputs of a signature.

        Args:
            form: the form.
            texts: what stands in the lines at first, by input.
            several: whether there is another signature or callable to choose.
        """
        which = self.query_one("#which", Button)
        which.label = show(form.name, 44)
        which.display = several
        only = self.query_one("#only", Static)
        only.update(show(form.name, 44))
        only.display = not several
        box = self.query_one("#inputs", Vertical)
        await box.remove_children()
        await box.mount_all([InputBlock(one, texts.get(one.name, "")) for one in form.inputs])
        if not form.inputs:
            await box.mount(Static("It takes no inputs.", classes="about", markup=False))
        blocks = list(self.query(InputBlock))
        empty = next((one for one in blocks if one.one.made is None and not texts.get(one.one.name)), None)
        first = empty or (blocks[0] if blocks else None)
        if first is not None:
            first.line.focus()
        else:
            self.query_one("#go").focus()

    @property
    def texts(self) -> dict[str, str]:
        """Return what is typed, by input."""
        return {block.one.name: block.line.value.strip() for block in self.query(InputBlock)}

    @property
    def steps(self) -> bool:
        """Return whether to keep the values of all steps."""
        return self.query_one(Tick).value

    @property
    def tensors(self) -> tuple[str, ...]:
        """Return the named tensors, whose values to keep."""
        line = next(one for one in self.query(Input) if one.name == "tensors")
        return tuple(line.value.split())

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Show what is wrong with each input, and focus the first of them."""
        wrong = []
        for block in self.query(InputBlock):
            block.show_problem(problems.get(block.one.name, ""))
            if block.one.name in problems:
                wrong.append(block)
        problem = self.query_one("#tensors-problem", Static)
        problem.update(problems.get("", ""))
        problem.display = "" in problems
        if wrong:
            wrong[0].line.focus()

    def focused_input(self) -> InputBlock | None:
        """Return the input whose line has the focus, else the first."""
        blocks = list(self.query(InputBlock))
        return next((one for one in blocks if one.line.has_focus), blocks[0] if blocks else None)

    # -- what is typed

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        block = next((one for one in self.query(InputBlock) if one.line is event.input), None)
        if block is not None:
            block.show_problem("")
            block.refresh_value()
        self.post_message(self.Typed())

    @on(Tick.Changed)
    def _ticked(self, event: Tick.Changed) -> None:
        event.stop()
        self.post_message(self.Typed())

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.RunAsked())

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        asked: dict[str | None, type[Message]] = {
            "go": self.RunAsked,
            "leave": self.LeaveAsked,
            "which": self.ChooseAsked,
            "file": self.FileAsked,
        }
        self.post_message(asked[event.button.id]())


def input_named(view: RunFormView, name: str) -> Any:
    """Return the line of an input."""
    return next(block.line for block in view.query(InputBlock) if block.one.name == name)
