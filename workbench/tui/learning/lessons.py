"""The list of lessons, with how far the student is in each."""

from __future__ import annotations

from textwrap import shorten
from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from workbench.errors import WorkbenchError
from workbench.lessons.lesson import Lesson
from workbench.names import count
from workbench.tui import glyphs
from workbench.tui.actions import bindings
from workbench.tui.host import Host
from workbench.tui.screens.base import BaseScreen
from workbench.tui.widgets.bars import Keys
from workbench.tui.widgets.lines import Lines, Painted

_INDENT = 7
_FIRST = "Each lesson takes about ten minutes, works on copies of models, and ends with three questions."


class Lessons(Lines):
    """The lessons, two lines each: title and how far, and what one learns."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lessons: list[tuple[Lesson, int]] = []

    def show(self, lessons: list[tuple[Lesson, int]]) -> None:
        """Show lessons, each with the number of pages that are done."""
        self.lessons = lessons
        self.rows_changed()

    def count(self) -> int:
        """Return the number of lines."""
        return 2 * len(self.lessons)

    def validate_cursor(self, cursor: int) -> int:
        """Return the cursor on the title of a lesson."""
        cursor = super().validate_cursor(cursor)
        down = cursor > self.cursor
        return max(0, min(cursor + cursor % 2 if down else cursor - cursor % 2, self.count() - 2))

    def paint(self, index: int) -> Painted:
        """Return a line of a lesson."""
        lesson, done = self.lessons[index // 2]
        if index % 2:
            room = max(self.scrollable_content_region.width - _INDENT - 1, 20)
            return Painted([(" " * _INDENT + shorten(lesson.summary, room, placeholder=" …"), "quiet")])
        pages = len(lesson.steps) + len(lesson.questions)
        mark = glyphs.FITS if done >= pages else " "
        far = f"{done} of {count(pages, 'page')} done" if done else f"{lesson.minutes} minutes"
        return Painted(
            [(f" {mark} ", "good"), (f"{index // 2 + 1:>2}  ", "quiet"), (lesson.title, "strong")],
            [(f"{far} ", "good" if done >= pages else "quiet")],
        )

    def empty_text(self) -> str:
        """Return what is said before the lessons are read."""
        return "reading the lessons …"

    def action_copy(self) -> None:
        """Copy the command that opens the lesson."""
        if self.lessons:
            self.app.copy_to_clipboard(f"workbench learn {self.lessons[self.cursor // 2][0].name}")


class LessonsScreen(BaseScreen[None]):
    """The lessons that come with the program."""

    app: Host
    CSS_PATH = "learning.tcss"
    SCOPE = "lessons"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("lessons"), Binding("space,right", "open", show=False)]

    def compose(self) -> ComposeResult:
        """Yield the list."""
        with Vertical(classes="lessons"):
            yield Static("Lessons", classes="banner")
            yield Lessons()
            yield Static(_FIRST, classes="hint", markup=False)
        yield Keys()

    @on(events.ScreenResume)
    def _resumed(self) -> None:
        """Read the lessons, and how far the student is."""
        self._read()

    @work(thread=True, exclusive=True)
    def _read(self) -> None:
        from workbench.lessons.catalogue import list_lessons
        from workbench.lessons.walking.folder import kept_folder
        from workbench.lessons.walking.progress import read_progress

        try:
            found = []
            for lesson in list_lessons():
                progress = read_progress(kept_folder(lesson))
                found.append((lesson, progress.reached(lesson) if progress is not None else 0))
        except WorkbenchError as error:
            self.app.call_from_thread(self.app.tell, str(error), severity="error")
            return
        self.call_later(self.query_one(Lessons).show, found)

    def action_open(self) -> None:
        """Open the lesson under the cursor."""
        rows = self.query_one(Lessons)
        if rows.lessons:
            from workbench.tui.learning.lesson import LessonScreen

            self.app.push_screen(LessonScreen(rows.lessons[rows.cursor // 2][0].name))

    def action_leave(self) -> None:
        """Go back to the start screen."""
        self.app.pop_screen()

    @on(Lines.Chosen)
    def _chosen(self) -> None:
        self.action_open()
