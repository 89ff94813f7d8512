"""The keys that work where the user is, and the signs that are drawn there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.tui.actions import SCOPE_TITLES, Action, keys_text
from workbench.tui.guidance.legend import Rows, of_filter, of_lists, of_pictures
from workbench.tui.screens.dialog import Dialog
from workbench.tui.widgets.lines import Lines, Painted

if TYPE_CHECKING:
    from workbench.tui.host import Host


class HelpLines(Lines):
    """The list of keys and what they do."""

    def __init__(self, rows: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._rows = rows
        self._width = max((len(keys) for keys, about in rows if about), default=8)

    def count(self) -> int:
        """Return the number of lines."""
        return len(self._rows)

    def paint(self, index: int) -> Painted:
        """Return a heading, or keys and what they do."""
        keys, about = self._rows[index]
        if not about:
            return Painted([(keys, "heading")])
        return Painted([(f"  {keys.ljust(self._width)}  ", "op"), (about, "plain")])

    def on_mount(self) -> None:
        """Set the height to the number of lines."""
        self.styles.height = len(self._rows)
        self.rows_changed(0)


class HelpScreen(Dialog[None]):
    """The help screen: the keys that work here, and the signs that are drawn here.

    Args:
        actions: (scope, action, node) of what can be done.
    """

    app: Host

    def __init__(self, actions: list[tuple[str, Action, Any]]) -> None:
        super().__init__()
        self._actions = actions

    def compose(self) -> ComposeResult:
        """Yield the keys by scope, then the signs."""
        rows: list[tuple[str, str]] = []
        last = ""
        for scope, action, _ in sorted(self._actions, key=lambda one: one[0] == "list"):
            if not action.keys:
                continue
            if scope != last:
                rows += [("", "")] if rows else []
                rows.append((SCOPE_TITLES[scope], ""))
                last = scope
            rows.append((keys_text(action), action.about))
        scopes = {scope for scope, _, _ in self._actions}
        for wanted, part in (("browse", of_lists), ("browse", of_filter), ("canvas", self._of_pictures)):
            if wanted in scopes:
                rows += [("", ""), *part()]
        with Vertical(classes="dialog") as frame:
            frame.border_title = "Keys and signs"
            frame.border_subtitle = "esc: close   ^p: find an action by its name"
            yield HelpLines(rows)

    def _of_pictures(self) -> Rows:
        return of_pictures("ascii" if self.app.look.ascii else "unicode")
