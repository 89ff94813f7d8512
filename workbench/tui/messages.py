"""Messages that widgets post to their screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from textual.widget import Widget

    from workbench.session.lists.rows import Row


@dataclass
class PickAsked(Message):
    """The user wants to pick a row of a model, or wire the pick to it."""

    handle: str
    row: Row


@dataclass
class AdaptAsked(Message):
    """The user wants adapters on a wire: from the pick to a row of a model, or on a wire of the plan.

    Attributes:
        handle: the model of the row; empty for a wire.
        row: the row, or None for a wire.
        wire: the number of the wire.
        choose: whether the user chooses them; else those that are suggested are taken.
    """

    handle: str = ""
    row: Row | None = None
    wire: int = 0
    choose: bool = False


class DropAsked(Message):
    """The user wants to drop the pick."""


@dataclass
class GoTo(Message):
    """The user wants to see a place in a model: an endpoint, or a finding's place."""

    where: str
    side: str = "target"


@dataclass
class RemoveAsked(Message):
    """The user wants to remove a wire or a step.

    Attributes:
        row: its number in the list of both, wires first.
    """

    row: int


@dataclass
class ChangeAsked(Message):
    """The user wants to change a step.

    Attributes:
        row: its number in the list of wires and steps, wires first.
    """

    row: int


@dataclass
class ModelAsked(Message):
    """The user wants to open, replace or close a model; no handle opens another."""

    handle: str
    close: bool = False


@dataclass
class SignatureAsked(Message):
    """The user wants another signature of a model to be the chosen one."""

    handle: str
    key: str


@dataclass
class HintAsked(Message):
    """The user wants to do what the hint of a finding asks for."""

    hint: str | None


def tell_screen(widget: Widget, message: Message) -> None:
    """Post a message to the screen, past the widgets between, to which it means nothing."""
    if widget.is_attached:
        widget.screen.post_message(message)


class CursorMoved(Message, bubble=False):
    """Another row of a list or a detail is under the cursor."""


class SubtitleChanged(Message, bubble=False):
    """The title of what a pane shows has changed."""


class SplitChanged(Message, bubble=False):
    """List and detail of a pane stand in another way to each other."""
