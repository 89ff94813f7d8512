"""A few lines under a list: the whole name of what is under the cursor, or its verdict with the reason."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual import events
from textual.widget import Widget

_MOST = 4


class Peek(Widget):
    """Text in as many lines as it takes.

    Args:
        most: how many lines that may be.

    It grows when a text needs more lines, and shrinks only when told to: a list whose height changed with each step of
    the cursor would jump, and each change lays the whole screen out anew.
    """

    DEFAULT_CSS = "Peek { height: 1; }"

    def __init__(self, most: int = _MOST, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._most = most
        self._text = Text()
        self._lines = 1

    def tell(self, text: Text, shrink: bool = False) -> None:
        """Show a text.

        Args:
            text: what is shown.
            shrink: it is of another kind than the last one, so that it may take fewer lines.
        """
        same, self._text = text == self._text, text
        self._fit(1 if shrink else self._lines)
        if not same:
            self.refresh()

    def _fit(self, least: int) -> None:
        width = self.scrollable_content_region.width
        if width <= 0:
            return
        needed = len(self._text.wrap(self.app.console, width)) if len(self._text) > width else 1
        lines = max(least, min(needed, self._most))
        if lines != self._lines:
            self._lines = lines
            self.styles.height = lines

    def on_resize(self, event: events.Resize) -> None:
        """Fit the text to another width."""
        self._fit(self._lines)

    def render(self) -> Text:
        """Return the text, with an ellipsis where it is cut."""
        width = self.scrollable_content_region.width
        if width <= 0 or len(self._text) <= width:
            return self._text
        lines = self._text.wrap(self.app.console, width)
        if len(lines) <= self._lines:
            return self._text
        shown = lines[: self._lines]
        shown[-1].rstrip()
        shown[-1].truncate(width - 1)
        shown[-1].append("…")
        return Text("\n").join(shown)
