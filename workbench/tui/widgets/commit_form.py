"""The form of a commit: target, signature, options, values to prove with, handles. It writes into the session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Button, Input, Static

from workbench.describe.actions import words
from workbench.errors import UsageError
from workbench.names import show
from workbench.session.options import suggested_target
from workbench.surgery.plan import ResultOptions
from workbench.tui import glyphs
from workbench.tui.widgets.checkbox import Tick

if TYPE_CHECKING:
    from workbench.session.session import Session
    from workbench.surgery.draft import Draft
    from workbench.tui.host import Host

_BOXES = (
    ("verify", "Verify", "run it, compare with its sources", "Only a verified result is published."),
    ("serving", "Next version", "a number under the target", "For TensorFlow Serving: target/1, target/2, …"),
    ("freeze", "Freeze", "convert variables to constants", "The result then has no checkpoint."),
    (
        "keep_outputs",
        "Keep outputs",
        "also of models that feed another",
        "In addition to those of the last model.",
    ),
    (
        "keep_signatures",
        "Keep signatures",
        "also those of the models",
        "Under the key HANDLE_KEY, in addition to the new one.",
    ),
    (
        "side_by_side",
        "Side by side",
        "models without a wire, too",
        "A model may have neither a wire nor a shared input.",
    ),
    ("allow_unsafe", "Allow unsafe", "files, network, Python code", "Run models whose ops reach them."),
)
"""(option, label, what it does in the width there is, what more there is to say)"""
_OF_PLAN = frozenset({"freeze", "keep_outputs", "keep_signatures", "side_by_side"})


class CommitForm(VerticalScroll, can_focus=False):
    """The form of a commit.

    Args:
        session: whose plan and commit options it shows and changes.
    """

    app: Host

    @dataclass
    class Changed(Message):
        """The plan or the commit options have changed.

        Attributes:
            verify: whether to run the result, which was not so before.
        """

        verify: bool = False

    class CommitAsked(Message):
        """The user wants to commit."""

    class LeaveAsked(Message):
        """The user wants to return."""

    def __init__(self, session: Session, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.session = session
        self._ready = False

    def compose(self) -> ComposeResult:
        """Yield one line a value."""
        plan, commit = self.session.plan, self.session.commit
        self.border_title = "Commit"
        yield from _line("target", "Target", commit.target or suggested_target(plan), "a new folder")
        # options of a result are for joined models, but ones that are set must be seen where they are in the way
        joined = plan.joins or plan.result != ResultOptions()
        if joined:
            yield from _line("signature", "Signature", plan.result.signature, "key of the result's signature")
        for name, label, about, more in _BOXES:
            if name in _OF_PLAN and not joined:
                continue
            if name == "side_by_side" and not plan.result.side_by_side and not self.session.unconnected:
                continue
            value = getattr(plan.result if name in _OF_PLAN else commit, name)
            box = Tick(label, value, name=name, classes="option", compact=True)
            box.tooltip = f"{label}: {about}. {more}"
            with Horizontal(classes="field"):
                yield box
                yield Static(about, classes="about", markup=False)
        yield Static("Verify with (empty: generated; ^o picks a file)", classes="part", markup=False)
        yield Vertical(id="inputs")
        yield from _line("tolerance", "Tolerance", _number(commit.tolerance), "default of each dtype")
        if plan.joins:
            yield Static("Handles (prefixes of names in the result)", classes="part", markup=False)
            for position, source in enumerate(plan.sources):
                label = f"{glyphs.mark(position)} {show(source.path.name)}"
                yield from _line(f"handle-{position}", label, source.handle, "a handle")
        with Horizontal(classes="buttons"):
            yield Button("Commit", id="go", classes="-primary", compact=True)
            yield Button("Back", id="leave", compact=True)

    def on_mount(self) -> None:
        """Count edits from now on as the user's."""
        self._ready = True

    @property
    def target_line(self) -> Input:
        """Return the line of the target."""
        return self.query_one("#field-target", Input)

    @property
    def target(self) -> str:
        """Return the typed target, or the suggested one."""
        return self.target_line.value.strip() or suggested_target(self.session.plan)

    # -- what is typed

    @on(Tick.Changed)
    def _ticked(self, event: Tick.Changed) -> None:
        event.stop()
        name = event.checkbox.name or ""
        set_it = self.session.set_plan if name in _OF_PLAN else self.session.set_commit
        set_it(f"{name.replace('_', ' ')}", **{name: event.value})
        self.post_message(self.Changed(verify=name == "verify" and event.value))

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
            self.session.set_commit("values to verify with", inputs=self._values())
        self.post_message(self.Changed())

    def _values(self) -> tuple[str, ...]:
        lines = self.query("#inputs Input").results(Input)
        return tuple(f"{slot_of(line)}={line.value.strip()}" for line in lines if line.value.strip())

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.input.name or ""
        if name.startswith("handle-"):
            self._rename(event.input, int(name.removeprefix("handle-")))
        elif name == "target":
            self.post_message(self.CommitAsked())
        else:
            self.screen.focus_next()

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
            self.app.tell(error.message, words(error.hint, "terminal UI"), severity="warning")
            line.value = handle
            return
        self.post_message(self.Changed())

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.CommitAsked() if event.button.id == "go" else self.LeaveAsked())

    # -- the inputs of the result

    def show_leave(self) -> None:
        """Tick the box that allows an unsafe model to run, after it was confirmed."""
        for box in self.query(Tick):
            if box.name == "allow_unsafe":
                with self.prevent(Tick.Changed):
                    box.value = True

    def show_inputs(self, draft: Draft) -> None:
        """Show one line for each input of the result."""
        from workbench.runtime.component_tensors import input_components

        components = list(input_components(draft.meta, draft.signature))
        box = self.query_one("#inputs", Vertical)
        if [slot_of(line) for line in box.query(Input)] == components:
            return
        given = dict(text.split("=", 1) for text in self.session.commit.inputs if "=" in text)
        box.remove_children()
        for component in components:
            line = Input(
                given.get(component, ""),
                placeholder="generated from the graph",
                name=f"input:{component}",
                compact=True,
            )
            box.mount(
                Horizontal(Static(show(component), classes="label", markup=False), line, classes="field")
            )


def slot_of(line: Input) -> str:
    """Return the result's input whose value a line holds; empty for other lines."""
    name = line.name or ""
    return name.removeprefix("input:") if name.startswith("input:") else ""


def _line(name: str, label: str, value: str, hint: str) -> ComposeResult:
    with Horizontal(classes="field"):
        yield Static(label, classes="label", markup=False)
        yield Input(value, placeholder=hint, name=name, id=f"field-{name}", compact=True)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _as_number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 <= found < float("inf") else None
