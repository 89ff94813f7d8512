"""What all dialogs have: a frame over the screen, Escape closes it."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar, Generic, TypeVar

from textual.screen import ModalScreen

from workbench.tui.actions import bindings

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer], Generic[Answer]):
    """A dialog over the screen beneath; Escape closes it."""

    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = "dialog.tcss"
    SCOPE = "modal"
    BINDINGS = bindings("modal")

    def action_cancel(self) -> None:
        """Close the dialog without an answer."""
        self.dismiss(None)
