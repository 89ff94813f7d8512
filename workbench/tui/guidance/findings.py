"""What checks find in one model: a list, and below it the explanation of the marked finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.session.texts.checked import Checked, Item
from workbench.session.texts.explained import as_detail
from workbench.tui import glyphs
from workbench.tui.actions import bindings
from workbench.tui.screens.dialog import Dialog
from workbench.tui.widgets.detail import SpanLines
from workbench.tui.widgets.lines import Lines, Painted

if TYPE_CHECKING:
    from collections.abc import Sequence


class Items(Lines):
    """Findings and unsafe ops, one a line."""

    def __init__(self, items: Sequence[Item], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._items = items

    def on_mount(self) -> None:
        """Set the height to the number of lines, as far as there is room."""
        self.styles.height = max(min(len(self._items), self.app.size.height // 3), 1)
        self.rows_changed(0)

    def count(self) -> int:
        """Return the number of findings."""
        return len(self._items)

    def empty_text(self) -> str:
        """Return the text for no findings."""
        return "Nothing was found."

    @property
    def item(self) -> Item | None:
        """Return the marked finding."""
        return self._items[self.cursor] if self._items else None

    def paint(self, index: int) -> Painted:
        """Return a finding as a line."""
        item = self._items[index]
        return Painted([(f" {glyphs.SEVERITY[item.severity]}  ", item.severity), (item.title, "plain")])

    def action_copy(self) -> None:
        """Copy the marked finding."""
        if self.item is not None:
            self.app.copy_to_clipboard(self.item.text)


class Explained(SpanLines):
    """The explanation of the marked finding."""

    HANG = 0


class FindingsScreen(Dialog[tuple[str, Item]]):
    """What `check` and `scan` found in a model; returns `place` or `act`, and the finding.

    Args:
        title: the model.
        checked: what was found.
    """

    SCOPE = "model-findings"
    BINDINGS = bindings("model-findings")

    def __init__(self, title: str, checked: Checked) -> None:
        super().__init__()
        self._title, self._checked = title, checked

    def compose(self) -> ComposeResult:
        """Yield the list and the explanation."""
        with Vertical(classes="dialog tall-dialog") as frame:
            counts = self._checked.counts or "nothing needs attention"
            frame.border_title = f"Findings of {self._title}: {counts}".replace("[", r"\[")
            frame.border_subtitle = "enter: go to the cause   a: do what the hint asks   esc: close"
            yield Items(self._checked.items)
            yield Explained(id="explained")

    def on_mount(self) -> None:
        """Explain the first finding."""
        self.query_one(Items).focus()
        self._explain()

    @on(Lines.Moved)
    def _moved(self, event: Lines.Moved) -> None:
        event.stop()
        if isinstance(event.lines, Items):
            self._explain()

    def _explain(self) -> None:
        item = self.query_one(Items).item
        view = self.query_one("#explained", SpanLines)
        if item is not None:
            view.show_detail(as_detail(item.explain()))

    @on(Lines.Chosen)
    def _chosen(self, event: Lines.Chosen) -> None:
        event.stop()
        self.action_place()

    def action_place(self) -> None:
        """Go to the cause of the marked finding."""
        self._answer("place")

    def action_act(self) -> None:
        """Do what the hint of the marked finding asks."""
        self._answer("act")

    def _answer(self, what: str) -> None:
        item = self.query_one(Items).item
        if item is not None:
            self.dismiss((what, item))
