"""A dialog to choose what is run: a signature or a callable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from workbench.names import show
from workbench.session.running.form import Runnable
from workbench.tui.screens.dialog import Dialog
from workbench.tui.widgets.lines import Lines, Painted


class Runnables(Lines):
    """Signatures and callables, one a line."""

    def __init__(self, choices: Sequence[Runnable], name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = choices
        self._at = next((at for at, one in enumerate(choices) if one.name == name), 0)
        self._width = min(max((len(one.name) for one in choices), default=0), 40)

    def on_mount(self) -> None:
        """Set the height to the number of lines."""
        self.styles.height = min(len(self.choices), 14)
        self.rows_changed(self._at)

    def count(self) -> int:
        """Return the number of choices."""
        return len(self.choices)

    def paint(self, index: int) -> Painted:
        """Return a choice: its name, what it takes and gives, and its kind."""
        one = self.choices[index]
        return Painted(
            [(f" {show(one.name, 60):{self._width}}", "name"), (f"  {one.about}", "dtype")],
            [(f"  {one.kind} ", "quiet")],
            (1,),
        )


class RunnablesScreen(Dialog[str]):
    """A dialog that returns the name of the chosen signature or callable."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "take", "This one")]

    def __init__(self, choices: Sequence[Runnable], name: str) -> None:
        super().__init__()
        self._made = choices, name

    def compose(self) -> ComposeResult:
        """Yield the list."""
        with Vertical(classes="dialog") as frame:
            frame.border_title = "Run which signature or callable?"
            frame.border_subtitle = "enter: this one   esc: close"
            yield Runnables(*self._made)

    def action_take(self) -> None:
        """Choose the one under the cursor."""
        listed = self.query_one(Runnables)
        self.dismiss(listed.choices[listed.cursor].name)

    @on(Lines.Chosen)
    def _chosen(self) -> None:
        self.action_take()
