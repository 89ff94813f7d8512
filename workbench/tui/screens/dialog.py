"""What all dialogs have: a frame over the screen, Escape closes it."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual.screen import ModalScreen

from workbench.tui.actions import bindings

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer], Generic[Answer]):
    """A screen over the one beneath."""

    CSS_PATH = "dialog.tcss"
    SCOPE = "modal"
    BINDINGS = bindings("modal")

    def action_cancel(self) -> None:
        """Closes it without an answer."""
        self.dismiss(None)
