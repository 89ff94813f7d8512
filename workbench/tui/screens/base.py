"""What all screens share: styles are worked out for what changes alone."""

from __future__ import annotations

from typing import Generic

from textual import events
from textual.dom import DOMNode
from textual.screen import Screen, ScreenResultType
from textual.widget import Widget


class BaseScreen(Screen[ScreenResultType], Generic[ScreenResultType]):
    """A screen that is styled once when it opens, and that marks the panel with the focus.

    A style for `:focus-within` would do the latter, and make Textual match all selectors for everything in both panels
    each time the focus moves.
    """

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Work out the styles of a new screen itself; its widgets got theirs when they were mounted.

        Its style sheet was read after it had got its own.
        """
        if self.stack_updates == 0:
            event.refresh_styles = False
            self.app.stylesheet.update_nodes([self])

    def watch_focused(self, before: Widget | None, after: Widget | None) -> None:
        """Give the panels around the focus the class `-focused`."""
        around, left = _panels(after), _panels(before)
        changed = around ^ left
        for panel in changed:
            panel.set_class(panel in around, "-focused", update=False)
        if changed:
            self.app.stylesheet.update_nodes(changed, animate=True)


def _panels(widget: Widget | None) -> set[DOMNode]:
    if widget is None:
        return set()
    return {node for node in widget.ancestors_with_self if node.has_class("panel")}
