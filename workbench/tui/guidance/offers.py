"""What a line of a form may be filled with."""

from __future__ import annotations

from typing import Any

from rich.style import Style
from textual import events

from workbench.names import show
from workbench.tui.roles import role_style
from workbench.tui.widgets.lines import Lines, Painted

_OFFERED = 5


class Offers(Lines):
    """What the focused line may be filled with; none is marked until an arrow key does so."""

    can_focus = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._offered: list[str] = []
        self._is_marked = False

    def show(self, offered: list[str]) -> None:
        """Show lines."""
        self._offered, self._is_marked = offered, False
        self.styles.height = min(len(offered), _OFFERED)
        self.display = bool(offered)
        self.rows_changed(0)

    @property
    def marked(self) -> str | None:
        """Return the marked line, or None."""
        return self._offered[self.cursor] if self._is_marked and self._offered else None

    def step(self, by: int) -> None:
        """Mark the next or previous line."""
        if not self._offered:
            self.app.say("There are no choices for this field.")
        elif not self._is_marked:
            self._is_marked = True
            self.rows_changed(0)
        else:
            self.cursor += by

    def count(self) -> int:
        """Return the number of lines."""
        return len(self._offered)

    def paint(self, index: int) -> Painted:
        """Return a choice as a line."""
        return Painted([(f"  {show(self._offered[index], 1000)}", "plain")])

    def style_of(self, role: str) -> Style:
        """Return a style; the marked line is drawn as if the list had the focus."""
        return role_style(self.app, role) if role != "cursor" or self._is_marked else Style()

    def on_click(self, event: events.Click) -> None:
        """Take the clicked line."""
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if index is not None:
            self._is_marked = True
            self.cursor = index
            self.post_message(Lines.Chosen(self, index, False, 0))
