"""Choosing a model, a plan or a file: type a path or a part of a name, or pick from what is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.style import Style
from textual import events, on, work
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input
from textual.worker import get_current_worker

from workbench.describe.actions import words
from workbench.errors import WorkbenchError
from workbench.names import elide, show
from workbench.session.lists.places import (
    Entry,
    existing,
    is_model,
    is_path,
    nearest,
    nothing,
    takes_and_gives,
    typed,
)
from workbench.tui.actions import bindings
from workbench.tui.roles import role_style
from workbench.tui.widgets.lines import Lines, Painted
from workbench.tui.widgets.list_line import ListLine

if TYPE_CHECKING:
    from workbench.tui.host import Host

_NAME_WIDTH = 28
_LOOKED_INTO = 60
_ROLE = {
    "model": "name",
    "folder": "plain",
    "file": "plain",
    "plan": "op",
    "up": "quiet",
    "story": "key",
    "lessons": "key",
}
_WIDE = 100
_PATH = 20
"""Columns from which the types of a model stand behind its sentence."""


class PathLine(ListLine):
    """The input line for a path or part of a name; arrows move in the list below."""

    SCOPE = "chooser"
    BINDINGS = bindings("chooser")

    def _on_paste(self, event: events.Paste) -> None:
        """Replace the line by a pasted path; insert anything else."""
        lines = event.text.strip().splitlines()
        if lines and lines[0].lstrip("'\"").startswith(("/", "~")):
            event.stop()
            event.prevent_default()
            self.value = lines[0].strip()
            self.action_end()

    def action_complete(self) -> None:
        """Complete the line from the marked entry."""
        self.post_message(self.Asked("complete"))


class Entries(Lines, can_focus=False):
    """The list of entries, driven by the keys of the line above."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entries: list[Entry] = []
        self._said: dict[Path, str] = {}
        self._name_width = 0
        self._nothing = ""

    def show_entries(self, entries: list[Entry], nothing: str = "", exact: Path | None = None) -> None:
        """Show entries, with the cursor on an exact match, else on the first choice.

        Args:
            entries: the entries.
            nothing: what is said if there are none.
            exact: the path that was typed.
        """
        self.entries = entries
        self._nothing = nothing
        models = [entry for entry in entries if entry.kind in ("model", "story", "lessons")]
        self._name_width = min(max((len(entry.text) for entry in models), default=0), _NAME_WIDTH)
        paths = [
            entry.path for entry in models[:_LOOKED_INTO] if entry.path is not None and entry.kind == "model"
        ]
        self._look_into([path for path in paths if path not in self._said])
        able = [index for index, entry in enumerate(entries) if entry.kind != "heading"] or [0]
        first = next((at for at in able if exact is not None and entries[at].path == exact), able[0])
        self.rows_changed(first)
        if first <= 1:
            self.scroll_to(y=0, animate=False, force=True, immediate=True)

    def count(self) -> int:
        """Return the number of entries."""
        return len(self.entries)

    def empty_text(self) -> str:
        """Return why there are no entries."""
        return self._nothing

    def style_of(self, role: str) -> Style:
        """Return a style; the cursor is drawn as if the list had the focus."""
        return role_style(self.app, role)

    @property
    def entry(self) -> Entry | None:
        """Return the entry under the cursor."""
        return self.entries[self.cursor] if 0 <= self.cursor < len(self.entries) else None

    def paint(self, index: int) -> Painted:
        """Return an entry as a line."""
        entry = self.entries[index]
        if entry.kind == "heading":
            return Painted([(f" {entry.text}", "heading")])
        said = self._said.get(entry.path) if entry.path is not None and entry.kind == "model" else None
        width = self.scrollable_content_region.width
        room = width - self._name_width - 8
        sentence = " " in entry.aside
        if said and width < _WIDE and (sentence or len(said) > room - _PATH):
            said = None
        return Painted(
            [
                ("   ", "plain"),
                (entry.text.ljust(self._name_width), _ROLE[entry.kind]),
                (f"  {entry.aside}" if entry.aside else "", "quiet"),
            ],
            [(f"  {elide(said, max(room, 12))} ", "dtype")] if said else (),
            (1,),
            spare=(2,),
        )

    @work(thread=True, exclusive=True, group="said")
    def _look_into(self, paths: list[Path]) -> None:
        """Read inputs and outputs of the entries' models on a thread."""
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
        """Move up, over headings."""
        self._move(-1)

    def action_cursor_down(self) -> None:
        """Move down, over headings."""
        self._move(1)

    def action_copy(self) -> None:
        """Copy the path."""
        if self.entry is not None and self.entry.path is not None:
            self.app.copy_to_clipboard(str(self.entry.path))

    def on_click(self, event: events.Click) -> None:
        """Choose the clicked entry."""
        super().on_click(event)
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if index is not None and self.entries[index].kind != "heading" and event.chain == 1:
            self.post_message(Lines.Chosen(self, index, False, 0))


class Chooser(Widget):
    """An input line and a list; returns only paths that exist.

    Args:
        known: what is offered while nothing is typed, given the models found below the working folder.
        models: look for models; else any file will do.
        plans: offer saved plans beside models.
        start: what is in the line at first.
        first: the path under the cursor at first, if it is offered.
    """

    @dataclass
    class Done(Message):
        """An entry was chosen; `story` and `lessons` have the folder of the sample models as their path."""

        path: Path
        kind: str

    app: Host

    def __init__(
        self,
        known: Callable[[Sequence[Path]], list[Entry]],
        *,
        models: bool = True,
        plans: bool = True,
        start: str = "",
        first: Path | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._known = known
        self._models = models
        self._plans = plans
        self._start = start
        self._first = first
        self._below: list[Path] = []

    def compose(self) -> ComposeResult:
        """Yield the input line and the list."""
        what = "a path, or a part of a name" if self._models else "a path"
        yield PathLine(self._start, placeholder=what, compact=True, select_on_focus=False)
        yield Entries()

    def on_mount(self) -> None:
        """Show what is known, focus the line, and look for models below the working folder."""
        self._list(self._start)
        self.line.focus()
        if self._models:
            self._look_below()

    @work(thread=True, exclusive=True, group="below")
    def _look_below(self) -> None:
        """Find the models below the working folder on a thread."""
        from workbench.session.lists.found import models_below

        worker = get_current_worker()
        found: list[Path] = []
        for path in models_below(Path.cwd()):
            if worker.is_cancelled:
                return
            found.append(path)
        self.call_later(self._found_below, found)

    def _found_below(self, found: list[Path]) -> None:
        self._below = found
        if found and self.is_attached and not is_path(self.line.value):
            marked = self.entries.entry
            self._list(self.line.value, marked.path if marked is not None else None)

    @property
    def entries(self) -> Entries:
        """Return the list."""
        return self.query_one(Entries)

    @property
    def line(self) -> PathLine:
        """Return the input line."""
        return self.query_one(PathLine)

    def _list(self, text: str, marked: Path | None = None) -> None:
        found = typed(text, lambda: self._known(self._below), models=self._models)
        found = [entry for entry in found if self._plans or entry.kind != "plan"]
        said = nothing(text) if text.strip() and not found else ""
        self.entries.show_entries(found, said, marked or existing(text) or (None if text else self._first))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._list(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        """Choose the marked entry, else the typed path if it exists."""
        event.stop()
        text = event.value
        path = existing(text)
        if self.entries.entry is not None:
            self.take()
        elif path is None:
            self.app.tell(nothing(text) if text.strip() else "Type a path.", severity="warning")
        elif path.is_dir() or not self._models:
            self._answer(path, "model" if self._models else "file")
        else:
            self._look_at(path)

    def _answer(self, path: Path, kind: str) -> None:
        """Return a path; enter a folder that is no model."""
        if path.is_dir() and not (self._models and is_model(path)):
            self.line.value = f"{str(path).rstrip('/')}/"
            self.line.action_end()
            return
        self.post_message(self.Done(path, kind))

    @work(thread=True, exclusive=True, group="look")
    def _look_at(self, path: Path) -> None:
        """Open a file that does not look like a model, to report what it is."""
        from workbench.model import open_model

        problem = None
        try:
            open_model(path)
        except (WorkbenchError, OSError) as error:
            problem = error
        self.call_later(self._looked_at, path, problem)

    def _looked_at(self, path: Path, problem: WorkbenchError | OSError | None) -> None:
        if problem is None:
            self.post_message(self.Done(path, "model"))
        elif isinstance(problem, WorkbenchError):
            self.app.tell(
                problem.message, words(problem.hint, "terminal UI"), title=show(str(path)), severity="error"
            )
        else:
            self.app.tell(f"{problem.strerror}.", title=show(str(path)), severity="error")

    def take(self) -> None:
        """Enter the marked folder, or return any other marked entry."""
        entry = self.entries.entry
        if entry is None or entry.path is None:
            return
        if entry.kind in ("folder", "up"):
            text = str(entry.path)
            self.line.value = text if text.endswith("/") else f"{text}/"
            self.line.action_end()
            return
        self.post_message(self.Done(entry.path, entry.kind))

    @on(Lines.Chosen)
    def _chosen(self, event: Lines.Chosen) -> None:
        event.stop()
        self.take()

    @on(PathLine.Asked)
    def _asked(self, event: PathLine.Asked) -> None:
        """Move in the list, or complete the line."""
        event.stop()
        if event.what != "complete":
            getattr(self.entries, f"action_{event.what}")()
            return
        entry = self.entries.entry
        if entry is not None and entry.path is not None:
            self.line.value = f"{entry.path}{'/' if entry.path.is_dir() else ''}"
            self.line.action_end()
        elif entry is None and is_path(self.line.value):
            self.line.value = f"{str(nearest(self.line.value)).rstrip('/')}/"
            self.line.action_end()
