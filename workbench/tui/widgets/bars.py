"""The single lines of a screen: its head, its tabs, its command line, and the keys of the focused widget."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from workbench.describe.text import elide_words, share
from workbench.names import elide
from workbench.tui.actions import FOOTER, LEAST, key_text, ranks
from workbench.tui.roles import role_style

if TYPE_CHECKING:
    from textual.timer import Timer

SAID = 5.0
"""Seconds for which the last line says why a key did nothing."""


class Bar(Widget):
    """One line of styled text."""

    DEFAULT_CSS = "Bar { height: 1; }"

    def style_of(self, role: str) -> Any:
        """Return a style of the theme."""
        return role_style(self.app, role)


class Head(Bar):
    """The title line: the open models and the state of the plan."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._left: list[tuple[str, str]] = []
        self._right: list[tuple[str, str]] = []

    def show_pieces(self, left: list[tuple[str, str]], right: list[tuple[str, str]]) -> None:
        """Show pieces of (text, role); the left ones are cut where there is no room."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def render(self) -> Text:
        """Return the line."""
        width = self.size.width
        right_width = sum(cell_len(text) for text, _ in self._right)
        text = Text(no_wrap=True, overflow="crop")
        room = width - right_width - 1
        pieces = share([piece for piece, _ in self._left], max(room, 0), 3)
        for piece, (_, role) in zip(pieces, self._left, strict=True):
            piece = elide(piece, max(room, 0))
            text.append(piece, self.style_of(role) if role else "")
            room -= cell_len(piece)
        if room >= 0:
            text.append(" " * (room + 1))
            for piece, role in self._right:
                text.append(piece, self.style_of(role) if role else "")
        return text


class Tabs(Bar):
    """A line of tabs, shown where there is room for one region only."""

    @dataclass
    class Chosen(Message):
        """A tab was clicked."""

        region: str

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._tabs: list[tuple[str, str]] = []
        self._active = ""
        self._ends: list[tuple[int, str]] = []

    def show_tabs(self, tabs: list[tuple[str, str]], active: str) -> None:
        """Show tabs of (region, label)."""
        if (tabs, active) != (self._tabs, self._active):
            self._tabs, self._active = tabs, active
            self.refresh()

    def render(self) -> Text:
        """Return the line."""
        text = Text(no_wrap=True, overflow="crop")
        self._ends = []
        labels = share([label for _, label in self._tabs], self.size.width - 4 * len(self._tabs), 4)
        for number, ((region, _), label) in enumerate(zip(self._tabs, labels, strict=True), 1):
            on = region == self._active
            text.append(f" {number} {label} ", self.style_of("on" if on else "off"))
            self._ends.append((len(text), region))
        return text

    def on_click(self, event: events.Click) -> None:
        """Choose the clicked tab."""
        for end, region in self._ends:
            if event.x < end:
                self.post_message(self.Chosen(region))
                return


class CommandLine(Bar):
    """The `workbench merge …` line of the plan. A click copies it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.command = ""
        self.tooltip = "The command that does the same. Click, or Y, to copy it."

    def show_command(self, command: str) -> None:
        """Show a command line."""
        if command != self.command:
            self.command = command
            self.refresh()

    def render(self) -> Text:
        """Return the line; each word that is too long is cut in its middle."""
        text = Text(no_wrap=True, overflow="crop")
        text.append(" $ ", self.style_of("key"))
        words = [shlex.quote(word) for word in shlex.split(self.command)]
        text.append(elide_words(words, max(self.size.width - 4, 8), 2))
        return text

    def on_click(self) -> None:
        """Copy the command line."""
        self.app.copy_to_clipboard(self.command)


def _is_useful(node: Any, action: str) -> bool:
    """Return whether an action can do something as things stand; one that can't is left out of the footer.

    Its key still works, and says why it does nothing. A widget or screen knows by a method `useful`.
    """
    useful = getattr(node, "useful", None)
    return useful is None or bool(useful(action.partition("(")[0]))


class Keys(Bar):
    """The footer: the keys of the focused scope, or why one did nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._ends: list[tuple[int, int, str, Any]] = []
        self._said = ""
        self._focused: Widget | None = None
        self._until: Timer | None = None

    def say(self, text: str) -> None:
        """Show a text for some seconds, or until the focus moves."""
        if self._until is not None:
            self._until.stop()
        self._said = text
        self._until = self.set_timer(SAID, self._silent) if text else None
        self.refresh()

    def _silent(self) -> None:
        self.say("")

    def on_mount(self) -> None:
        """Update the keys when the focus moves."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[Any]) -> None:
        if screen.focused is not self._focused:
            self._focused, self._said = screen.focused, ""
        self.refresh()

    def render(self) -> Text:
        """Return keys and labels; the most important ones where there is little room."""
        if self._said:
            self._ends = []
            return Text(elide(f" {self._said}", self.size.width), self.style_of("maybe"), no_wrap=True)
        text = Text(no_wrap=True, overflow="crop")
        self._ends = []
        shown: dict[str, tuple[str, str, Any]] = {}
        weight: dict[str, tuple[int, int]] = {}
        active = list(self.screen.active_bindings.values())
        # what shows anyway first; then, for actions that must show, another key that still works here
        for one in [
            *(one for one in active if one.binding.show),
            *(one for one in active if not one.binding.show),
        ]:
            binding = one.binding
            name = binding.action
            if (
                one.enabled
                and (binding.show or name in FOOTER)
                and name not in shown
                and _is_useful(one.node, name)
            ):
                shown[name] = (key_text(binding.key), binding.description, one.node)
                weight[name] = ranks(getattr(one.node, "SCOPE", "")).get(name, LEAST), len(weight)
        room = self.size.width
        fitting = set()
        for name in sorted(shown, key=lambda name: weight[name]):
            width = len(shown[name][0]) + len(shown[name][1]) + 3
            if width <= room:
                room -= width
                fitting.add(name)
        last = [name for name in ("ask_quit", "help", "command_palette") if name in fitting]
        for name in [name for name in shown if name in fitting and name not in last]:
            self._add(text, name, *shown[name])
        text.append(" " * max(room, 0))
        for name in last:
            self._add(text, name, *shown[name])
        return text

    def _add(self, text: Text, name: str, key: str, label: str, node: Any) -> None:
        start = len(text)
        text.append(f" {key}", self.style_of("key"))
        text.append(f" {label} ", self.style_of("quiet"))
        self._ends.append((start, len(text), name, node))

    async def on_click(self, event: events.Click) -> None:
        """Do what the clicked key does."""
        event.stop()
        for start, end, name, node in self._ends:
            if start <= event.x < end:
                await self.app.run_action(name, node)
                return
