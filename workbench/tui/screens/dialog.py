"""What all dialogs have, and questions: one of a few answers, or a line of text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from workbench.tui.actions import bindings
from workbench.tui.screens.base import BaseScreen

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer], BaseScreen[Answer], Generic[Answer]):
    """A dialog over the screen beneath; Escape closes it."""

    # a relative path would be looked for beside the subclass
    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = Path(__file__).with_name("dialog.tcss")
    SCOPE = "modal"
    BINDINGS = bindings("modal")

    def action_cancel(self) -> None:
        """Close the dialog without an answer."""
        self.dismiss(None)


class AskScreen(Dialog[str]):
    """A dialog that asks for one of several answers; None when it is closed.

    Args:
        title: in the frame.
        text: the question.
        choices: (answer, label); the last one is the harmless one and has the focus.
    """

    AUTO_FOCUS = "Button:last-of-type"  # the harmless answer, from the first moment
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "app.focus_previous", show=False),
        Binding("right,l", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, text: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title, self._text, self._choices = title, text, choices

    def compose(self) -> ComposeResult:
        """Yield the text and the buttons."""
        with Vertical(classes="dialog") as frame:
            frame.border_title = self._title
            yield Static(self._text, classes="text", markup=False)
            with Horizontal(classes="buttons"):
                for answer, label in self._choices:
                    yield Button(label, name=answer, compact=True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.name)


class PromptScreen(Dialog[str]):
    """A dialog that asks for a line of text; None when it is closed.

    Args:
        title: in the frame.
        text: what is wanted.
        value: what stands there at first.
    """

    def __init__(self, title: str, text: str, value: str = "") -> None:
        super().__init__()
        self._title, self._text, self._value = title, text, value

    def compose(self) -> ComposeResult:
        """Yield the text and the input line."""
        with Vertical(classes="dialog") as frame:
            frame.border_title = self._title
            frame.border_subtitle = "enter: go on   esc: close"
            yield Static(self._text, classes="text", markup=False)
            yield Input(self._value, compact=True)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.dismiss(event.value.strip())
