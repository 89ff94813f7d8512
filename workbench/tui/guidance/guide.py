"""A line of guidance for each step of the story, on every screen that the story leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import events
from textual.screen import Screen
from textual.widget import Widget

from workbench.session.texts.story import Place, is_told
from workbench.tui.roles import role_style

if TYPE_CHECKING:
    from workbench.tui.host import Host

_OFTEN = 0.3
"""Seconds between two looks at how far the story is."""
_MOST = 3
_END = " × "


def guide(screen: Screen[Any], app: Host, place: Place) -> None:
    """Show on a screen the guidance of the story, if it was begun."""
    if app.story is not None and not screen.query(Guide):
        screen.mount(Guide(place))


class Guide(Widget):
    """The guidance for the step of the story to do now; × ends the story.

    Args:
        place: the screen that it is on.
    """

    app: Host
    DEFAULT_CSS = "Guide { dock: top; height: 2; width: 1fr; background: $panel; color: $foreground; }"

    def __init__(self, place: Place, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._place = place
        self._told = ""

    def on_mount(self) -> None:
        """Look again and again at how far the story is."""
        self.set_interval(_OFTEN, self.look)
        self.look()

    def look(self) -> None:
        """Show the guidance for the step to do now; leave when the story has ended."""
        story = self.app.story
        if story is None or not is_told(self.app.session):
            self.app.story = None
            self.remove()
            return
        if self.screen.is_current:
            story.look(self._place)
        told = story.line(self.app.session)
        if told != self._told:
            self._told = told
            self._fit()
            self.refresh()

    def _fit(self) -> None:
        width = max(self.size.width - len(_END) - 2, 20)
        self.styles.height = min(max(len(Text(self._told).wrap(self.app.console, width)), 1), _MOST)

    def on_resize(self) -> None:
        """Fit the text to another width."""
        self._fit()

    def render(self) -> Text:
        """Return the guidance, with × in the upper right corner."""
        width = max(self.size.width - len(_END) - 2, 20)
        number, _, rest = self._told.partition("  ")
        text = Text.assemble((f"{number}  ", role_style(self.app, "key")), rest)
        lines = text.wrap(self.app.console, width)
        found = Text(no_wrap=True)
        for at, line in enumerate(lines):
            line.pad_right(max(width - line.cell_len, 0))
            found.append(" ").append_text(line)
            found.append(_END if not at else "", role_style(self.app, "quiet"))
            found.append("\n" if at + 1 < len(lines) else "")
        return found

    def on_click(self, event: events.Click) -> None:
        """End the story at a click on ×."""
        event.stop()
        if event.y == 0 and event.x >= self.size.width - len(_END) - 1:
            self.app.story = None
            self.look()
