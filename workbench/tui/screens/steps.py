"""Adding a step: first which operation, then a form made from its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from workbench.describe.actions import words
from workbench.errors import WorkbenchError
from workbench.findings import Finding
from workbench.names import show
from workbench.session.choices import Choices
from workbench.session.steps import About, FormField, beginning, choices, fill, form_fields, takes
from workbench.surgery.step import Step
from workbench.tui import glyphs
from workbench.tui.guidance.offers import Offers
from workbench.tui.roles import role_style
from workbench.tui.screens.dialog import Dialog
from workbench.tui.widgets.checkbox import Tick
from workbench.tui.widgets.lines import Lines, Painted

if TYPE_CHECKING:
    from textual.timer import Timer

    from workbench.tui.host import Host

_SEVERAL = "Separate several values by spaces; quote a value that contains spaces."
_PAIR = "Write one pair; for several, a JSON object."
_FINDINGS = 2
_TRIED = 0.3
"""Seconds of rest after which a step is tried."""


def ask_for_step(
    app: Host,
    made: Callable[[Step], None],
    about: About,
    name: str = "",
    *,
    several: bool,
    at_once: bool = False,
) -> None:
    """Ask for an operation, then for its fields.

    A form that is closed leads back to the operations.

    Args:
        app: the application.
        made: what is done with the step.
        about: what the step is about; its key stands in the form already.
        name: of the operation under the cursor at first.
        several: whether the plan has several models.
        at_once: whether that operation is chosen already.
    """

    def chosen(name: str | None) -> None:
        if name is not None:
            app.push_screen(StepScreen(name, beginning(name, about)), lambda step: filled(name, step))

    def filled(name: str, step: Step | None) -> None:
        if step is not None:
            made(step)
        else:
            ask_for_step(app, made, about, name, several=several)

    if at_once:
        chosen(name)
    else:
        app.push_screen(OperationsScreen(about, name, several), chosen)


class Operations(Lines):
    """The operations, one a line with its help; first those that take what the step is about.

    Args:
        about: what the step is about.
        name: of the operation under the cursor at first.
        several: whether the plan has several models.
    """

    def __init__(self, about: About, name: str, several: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        offered = choices(several=several)
        self.fitting = {known for known, _ in offered if takes(known, about)}
        self.choices = sorted(offered, key=lambda one: one[0] not in self.fitting)
        self._at = next((at for at, (known, _) in enumerate(self.choices) if known == name), 0)
        self._width = max((len(known) for known, _ in self.choices), default=0)

    def on_mount(self) -> None:
        """Set the height to the number of lines, as far as the screen has room."""
        self.styles.height = max(min(len(self.choices), self.app.size.height - 8), 4)
        self.rows_changed(self._at)

    def count(self) -> int:
        """Return the number of operations."""
        return len(self.choices)

    def paint(self, index: int) -> Painted:
        """Return an operation as a line."""
        name, help = self.choices[index]
        quiet = bool(self.fitting) and name not in self.fitting
        return Painted(
            [
                (f" {name:{self._width}}  ", "plain" if quiet else "strong"),
                (help, "quiet" if quiet else "plain"),
            ]
        )

    def action_copy(self) -> None:
        """Copy the operation's name."""
        self.app.copy_to_clipboard(self.choices[self.cursor][0])


class OperationsScreen(Dialog[str]):
    """A dialog that returns the name of the chosen operation."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "take", "This one")]

    def __init__(self, about: About, name: str, several: bool) -> None:
        super().__init__()
        self._about, self._name_at_first, self._several = about, name, several

    def compose(self) -> ComposeResult:
        """Yield the list."""
        with Vertical(classes="dialog") as frame:
            title = f"Add a step for the {self._about.noun} {show(self._about.text, 40)}"
            frame.border_title = (title if self._about.kind else "Add a step").replace("[", r"\[")
            frame.border_subtitle = "enter: choose   esc: close"
            yield Operations(self._about, self._name_at_first, self._several)

    def action_take(self) -> None:
        """Choose the operation under the cursor."""
        operations = self.query_one(Operations)
        self.dismiss(operations.choices[operations.cursor][0])

    @on(Lines.Chosen)
    def _chosen(self) -> None:
        self.action_take()


class StepScreen(Dialog[Step]):
    """A dialog with a form, which returns the filled operation; None when closed.

    Args:
        operation: its name.
        typed: what stands in the lines at first, by field.
        number: of the step that is changed; 0 for a new one.
    """

    app: Host
    CSS_PATH: ClassVar[list[str | PurePath]] = ["dialog.tcss", "form.tcss", "steps.tcss"]
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "add", "Add"),
        Binding("down", "offer(1)", "Next choice", priority=True),
        Binding("up", "offer(-1)", "Previous choice", priority=True),
    ]

    def __init__(
        self, operation: str, typed: Mapping[str, str | bool] | None = None, number: int = 0
    ) -> None:
        super().__init__()
        self._operation = operation
        self._typed = dict(typed or {})
        self._number = number
        self._about = dict(choices())[operation]
        self._fields = {field.name: field for field in form_fields(operation)}
        self._choices: Choices | None = None
        self._trying: Timer | None = None

    def compose(self) -> ComposeResult:
        """Yield a line for each field, the help of the focused one and the buttons."""
        with Vertical(classes="dialog") as frame:
            verb = "change" if self._number else "add"
            title = f"Change step {self._number}" if self._number else "Add a step"
            frame.border_title = f"{title}: {self._operation}"
            fields = "   tab: next field   ↓: choices" if self._fields else ""
            frame.border_subtitle = f"enter: {verb}{fields}   esc: back"
            required = any(field.required for field in self._fields.values())
            note = " Fields with * are required." if required else ""
            yield Static(f"{self._about[:1].upper()}{self._about[1:]}.{note}", classes="text", markup=False)
            with VerticalScroll(id="fields", can_focus=False):
                for field in self._fields.values():
                    yield from _line(field, self._typed.get(field.name))
            problem = Static(id="problem", classes="problem", markup=False)
            problem.display = False
            yield problem
            yield Offers(id="offers")
            if self._fields:
                yield Static(classes="hint", markup=False)
            yield Static(id="tried", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(verb.capitalize(), id="add", classes="-primary", compact=True)
                yield Button("Back", id="back", compact=True)

    def on_mount(self) -> None:
        """Focus the line to go on with: one that begins a pair, else a required one that is empty, else the first."""
        fields = self._fields.values()
        begun = [one.name for one in fields if str(self._typed.get(one.name, "")).endswith("=")]
        empty = [one.name for one in fields if one.required and not self._typed.get(one.name)]
        wanted = next(iter([*begun, *(empty if self._typed else ())]), "")
        lines = self.query(".field Input, .field Tick").results(Widget)
        line = next((one for one in lines if wanted in ("", one.name)), None)
        (line or self.query_one("#add")).focus()
        self._try_soon()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Show the help of the focused field in full."""
        field = self._fields.get(event.widget.name or "")
        hint = next(iter(self.query(".hint").results(Static)), None)
        if field is not None and hint is not None:
            more = f" {_SEVERAL}" if field.several else f" {_PAIR}" if field.pair else ""
            hint.update(f"{field.name}={field.metavar}: {field.help}.{more}")
        self._offer()

    # -- choices

    def _offer(self) -> None:
        """Offer what the focused line may be filled with."""
        line, offers = self.focused, self.query_one(Offers)
        if self._choices is None:
            self._choices = Choices(self.app.session, self._operation)
        known = isinstance(line, Input) and line.name in self._fields
        offers.show(
            self._choices.of(line.name or "", line.value) if known and isinstance(line, Input) else []
        )

    def action_offer(self, by: int) -> None:
        """Mark the next or previous choice for the focused line."""
        self.query_one(Offers).step(by)

    def _take_offer(self) -> bool:
        """Put the marked choice into the focused line; return whether there was one."""
        line, offers = self.focused, self.query_one(Offers)
        if not isinstance(line, Input) or offers.marked is None:
            return False
        line.value = offers.marked
        line.action_end()
        return True

    @on(Lines.Chosen)
    def _chosen(self, event: Lines.Chosen) -> None:
        event.stop()
        self._take_offer()

    # -- trying

    @on(Input.Changed)
    @on(Tick.Changed)
    def _edited(self) -> None:
        self._offer()
        self._try_soon()

    def _try_soon(self) -> None:
        if self._trying is not None:
            self._trying.stop()
        self._trying = self.set_timer(_TRIED, self._try)

    def _try(self) -> None:
        filled = fill(self._operation, self._typed_now())
        if filled.step is None:
            self.query_one("#tried", Static).update("")
        else:
            self._try_step(filled.step)

    @work(thread=True, exclusive=True, group="try")
    def _try_step(self, step: Step) -> None:
        """Check on a thread what the step would do to the plan."""
        try:
            found = self.app.session.try_step(step, self._number - 1 if self._number else None)
        except WorkbenchError as error:
            found = [Finding(error.code, "error", error.where or "", error.message, error.hint)]
        self.call_later(self._tried, step, found)

    def _tried(self, step: Step, found: list[Finding]) -> None:
        if not self.is_attached or fill(self._operation, self._typed_now()).step != step:
            return
        shown = [one for one in found if one.severity != "info"][:_FINDINGS] or found[:1]
        text = Text()
        for one in shown:
            role = {"error": "bad", "warning": "maybe", "info": "quiet"}[one.severity]
            text.append(f"{glyphs.SEVERITY[one.severity]} {one.message}", role_style(self.app, role))
            text.append(f" {words(one.hint, 'terminal UI')}\n", role_style(self.app, "quiet"))
        if not any(one.severity == "error" for one in found):
            text.append(
                f"{glyphs.FITS} The plan can be committed with this step.", role_style(self.app, "good")
            )
        text.rstrip()
        self.query_one("#tried", Static).update(text)

    # -- adding

    def _typed_now(self) -> dict[str, str | bool]:
        """Return what the lines hold; a pair that was begun for the user, who left it so, is empty."""
        typed = {
            line.name or "": line.value
            for line in self.query(".field Input, .field Tick").results(Widget)
            if isinstance(line, (Input, Tick))
        }
        begun = [name for name, value in typed.items() if value == self._typed.get(name)]
        return typed | {name: "" for name in begun if str(typed[name]).endswith("=")}

    def action_add(self) -> None:
        """Return the step, or show at each field what is wrong with it."""
        lines: dict[str, Input | Tick] = {
            line.name or "": line
            for line in self.query(".field Input, .field Tick").results(Widget)
            if isinstance(line, (Input, Tick))
        }
        filled = fill(self._operation, self._typed_now())
        if filled.step is not None:
            self.dismiss(filled.step)
            return
        for name in ("", *self._fields):
            problem = self.query_one(f"#problem-{name}" if name else "#problem", Static)
            problem.update(filled.problems.get(name, ""))
            problem.display = name in filled.problems
        first = next((name for name in self._fields if name in filled.problems), None)
        if first is not None:
            lines[first].focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not self._take_offer():
            self.action_add()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "add":
            self.action_add()
        else:
            self.action_cancel()


def _line(field: FormField, typed: str | bool | None) -> ComposeResult:
    """Yield the line of a field, what is typed in it, and the place for what is wrong with it."""
    with Horizontal(classes="field"):
        if field.flag:
            ticked = field.ticked if typed is None else bool(typed)
            yield Tick(field.name, ticked, name=field.name, classes="option", compact=True)
            yield Static(field.help, classes="about", markup=False)
        else:
            yield Static(f"{field.name}{' *' if field.required else ''}", classes="label", markup=False)
            yield Input(
                str(typed or ""), placeholder=field.help, name=field.name, compact=True, select_on_focus=False
            )
    problem = Static(id=f"problem-{field.name}", classes="problem", markup=False)
    problem.display = False
    yield problem
