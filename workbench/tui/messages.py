"""What parts of a screen tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from workbench.session.lists.listing import Row
    from workbench.surgery.operations.connect import Connect


@dataclass
class PickAsked(Message):
    """A row of a model is to be picked, or wired to what is picked."""

    handle: str
    row: Row


@dataclass
class DropAsked(Message):
    """What is picked is to be let go."""


@dataclass
class GoTo(Message):
    """A place in a model is to be shown: an end as a wire writes it, or a finding's place."""

    where: str
    side: str = "target"


@dataclass
class UnwireAsked(Message):
    """A wire is to be taken out."""

    wire: Connect


@dataclass
class ModelAsked(Message):
    """Another model is wanted: in the place of one, or beside them (handle empty); or one is to be closed."""

    handle: str
    close: bool = False


@dataclass
class SignatureAsked(Message):
    """A signature of a model is to be the chosen one."""

    handle: str
    key: str


@dataclass
class SubtitleChanged(Message):
    """What a pane shows has another title now."""
