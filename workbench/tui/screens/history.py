"""The changes so far, undone ones too: one is chosen to go back or forward to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from workbench.names import show
from workbench.tui import glyphs
from workbench.tui.screens.dialog import Dialog
from workbench.tui.widgets.lines import Lines, Painted


class Changes(Lines):
    """The plan at first, and after each change, one a line.

    Args:
        changes: their names, from the first to the last.
        position: how many of them are done.
    """

    def __init__(self, changes: Sequence[str], position: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.changes = ["before all changes", *changes]
        self.position = position

    def on_mount(self) -> None:
        """Set the height to the number of lines."""
        self.styles.height = min(len(self.changes), 14)
        self.rows_changed(self.position)

    def count(self) -> int:
        """Return the number of lines."""
        return len(self.changes)

    def paint(self, index: int) -> Painted:
        """Return a change as a line: the current one marked, undone ones quiet."""
        mark = glyphs.FITS if index == self.position else " "
        name = show(self.changes[index], 200)
        return Painted(
            [(f" {mark} {index:>3}  ", "good" if index == self.position else "quiet"),
             (name, "quiet" if index > self.position else "plain")]
        )  # fmt: skip

    def action_copy(self) -> None:
        """Copy the name of the change."""
        self.app.copy_to_clipboard(self.changes[self.cursor])


class HistoryScreen(Dialog[int]):
    """A dialog that returns how many changes are to stay done."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "take", "To here")]

    def __init__(self, changes: Sequence[str], position: int) -> None:
        super().__init__()
        self._changes, self._position = changes, position

    def compose(self) -> ComposeResult:
        """Yield the list."""
        with Vertical(classes="dialog") as frame:
            frame.border_title = "Changes"
            frame.border_subtitle = "enter: go to the plan after this change   esc: close"
            yield Changes(self._changes, self._position)

    def action_take(self) -> None:
        """Choose the change under the cursor."""
        self.dismiss(self.query_one(Changes).cursor)

    @on(Lines.Chosen)
    def _chosen(self) -> None:
        self.action_take()
