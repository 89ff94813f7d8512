"""Choosing a model, a plan or a file: type a path or a part of a name, or pick from what is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual import events, on, work
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input
from textual.worker import get_current_worker

from workbench.session.places import Entry, takes_and_gives, typed
from workbench.session.text import elide
from workbench.tui.widgets.lines import Lines, Painted

_NAME_WIDTH = 28
_LOOKED_INTO = 60
_ROLE = {"model": "name", "folder": "plain", "file": "plain", "plan": "op", "up": "quiet"}


class Entries(Lines):
    """The list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entries: list[Entry] = []
        self._said: dict[Path, str] = {}
        self._name_width = 0

    def show_entries(self, entries: list[Entry]) -> None:
        """Shows these, the cursor on the first that can be chosen."""
        self.entries = entries
        models = [entry for entry in entries if entry.kind == "model"]
        self._name_width = min(max((len(entry.text) for entry in models), default=0), _NAME_WIDTH)
        paths = [entry.path for entry in models[:_LOOKED_INTO] if entry.path is not None]
        self._look_into([path for path in paths if path not in self._said])
        first = next((index for index, entry in enumerate(entries) if entry.kind != "heading"), 0)
        self.rows_changed(first)
        if first <= 1:
            self.scroll_to(y=0, animate=False, force=True, immediate=True)

    def count(self) -> int:
        """Entries."""
        return len(self.entries)

    def empty_text(self) -> str:
        """Nothing."""
        return "nothing of that name"

    @property
    def entry(self) -> Entry | None:
        """The one under the cursor."""
        return self.entries[self.cursor] if 0 <= self.cursor < len(self.entries) else None

    def paint(self, index: int) -> Painted:
        """An entry."""
        entry = self.entries[index]
        if entry.kind == "heading":
            return Painted([(f" {entry.text}", "heading")])
        said = self._said.get(entry.path) if entry.path is not None else None
        room = self.scrollable_content_region.width - self._name_width - 8
        return Painted(
            [
                ("   ", "plain"),
                (entry.text.ljust(self._name_width), _ROLE[entry.kind]),
                (f"  {entry.aside}" if entry.aside else "", "quiet"),
            ],
            [(f"  {elide(said, max(room, 12))} ", "dtype")] if said else (),
            (2, 1),
        )

    @work(thread=True, exclusive=True, group="said")
    def _look_into(self, paths: list[Path]) -> None:
        """What models take and give, on a thread: each is opened for that."""
        worker = get_current_worker()
        for path in paths:
            if worker.is_cancelled:
                return
            self.call_later(self._say, path, takes_and_gives(path))

    def _say(self, path: Path, text: str) -> None:
        self._said[path] = text
        self.repaint_rows()

    def _move(self, by: int) -> None:
        index = self.cursor + by
        while 0 <= index < len(self.entries) and self.entries[index].kind == "heading":
            index += by
        if 0 <= index < len(self.entries):
            self.cursor = index

    def action_cursor_up(self) -> None:
        """Up, over headings."""
        self._move(-1)

    def action_cursor_down(self) -> None:
        """Down, over headings."""
        self._move(1)

    def action_copy(self) -> None:
        """Copies the path."""
        if self.entry is not None and self.entry.path is not None:
            self.app.copy_to_clipboard(str(self.entry.path))

    def on_click(self, event: events.Click) -> None:
        """A click chooses."""
        super().on_click(event)
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if index is not None and self.entries[index].kind != "heading" and event.chain == 1:
            self.post_message(Lines.Chosen(self, index, False, 0))


class Chooser(Widget):
    """The line to type in, and the list.

    Args:
        known: what is offered while nothing is typed.
        models: look for models; else any file will do.
    """

    @dataclass
    class Done(Message):
        """Something was chosen."""

        path: Path
        kind: str

    def __init__(
        self, known: Callable[[], list[Entry]], *, models: bool = True, start: str = "", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._known = known
        self._models = models
        self._start = start

    def compose(self) -> ComposeResult:
        """The line and the list."""
        what = "a path, or a part of a name" if self._models else "a path"
        yield Input(self._start, placeholder=what, compact=True, select_on_focus=False)
        yield Entries()

    def on_mount(self) -> None:
        """What is known."""
        self.entries.show_entries(typed(self._start, self._known, models=self._models))

    @property
    def entries(self) -> Entries:
        """The list."""
        return self.query_one(Entries)

    @property
    def line(self) -> Input:
        """Where a path is typed."""
        return self.query_one(Input)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.entries.show_entries(typed(event.value, self._known, models=self._models))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        """Enter takes what is typed if it is there as a whole, else what is under the cursor."""
        event.stop()
        text = event.value.strip()
        path = Path(text).expanduser() if text else None
        entry = self.entries.entry
        if entry is None and path is not None:
            # a path that is not there is an answer too: opening it says why not, and what is near
            self.post_message(self.Done(path, "model"))
        else:
            self.take()

    def take(self) -> None:
        """Takes what is under the cursor: goes into a folder, answers with all else."""
        entry = self.entries.entry
        if entry is None or entry.path is None:
            return
        if entry.kind in ("folder", "up"):
            text = str(entry.path)
            self.line.value = text if text.endswith("/") else f"{text}/"
            self.line.cursor_position = len(self.line.value)
            self.line.focus()
            return
        self.post_message(self.Done(entry.path, entry.kind))

    @on(Lines.Chosen)
    def _chosen(self, event: Lines.Chosen) -> None:
        event.stop()
        self.take()

    def on_key(self, event: events.Key) -> None:
        """Arrows in the line move in the list; Tab there completes."""
        if not self.line.has_focus:
            return
        moves = {"down": "cursor_down", "up": "cursor_up", "pagedown": "page_down", "pageup": "page_up"}
        if event.key in moves:
            event.stop()
            event.prevent_default()
            getattr(self.entries, f"action_{moves[event.key]}")()
        elif (
            event.key == "tab"
            and self.entries.entry is not None
            and self.entries.entry.path is not None
            and self.line.value
        ):
            event.stop()
            event.prevent_default()
            folder = "/" if self.entries.entry.path.is_dir() else ""
            self.line.value = f"{self.entries.entry.path}{folder}"
            self.line.cursor_position = len(self.line.value)
