"""A lesson: its page, the line where commands and answers are typed, and the list of its pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from workbench.describe.actions import words
from workbench.errors import WorkbenchError
from workbench.lessons.blocks import Block, Code, Note
from workbench.lessons.lesson import Lesson
from workbench.lessons.running import Commands
from workbench.lessons.walking.typed import WORDS, understand
from workbench.lessons.walking.walk import Outcome, Page, Walk
from workbench.names import show
from workbench.session.lists.places import is_model
from workbench.session.texts.lesson_page import PageLine, lines_of, typed_line
from workbench.tui import glyphs
from workbench.tui.actions import bindings
from workbench.tui.host import Host
from workbench.tui.learning.page import PageView
from workbench.tui.screens.base import BaseScreen
from workbench.tui.widgets.bars import Head, Keys
from workbench.tui.widgets.lines import Lines, Painted

_NARROW = 100
_NOT_DONE = "This page is not done: do what it asks for, or F2 for a hint, F4 to go on all the same."
_BUSY = "A command is running; esc ends it."


class Pages(Lines):
    """The pages of a lesson: which are done, and which one is open."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.titles: Sequence[str] = ()
        self.done: set[int] = set()
        self.open = 0

    def show(self, walk: Walk) -> None:
        """Show the pages of a walk."""
        self.titles, self.done, self.open = walk.titles, set(walk.progress.done), walk.number
        self.rows_changed(walk.number)

    def count(self) -> int:
        """Return the number of pages."""
        return len(self.titles)

    def paint(self, index: int) -> Painted:
        """Return a page as a line."""
        mark = glyphs.FITS if index in self.done else glyphs.CLOSED if index == self.open else " "
        role = "strong" if index == self.open else "plain"
        return Painted([(f" {mark} ", "good"), (f"{index + 1:>2}  ", "quiet"), (self.titles[index], role)])

    def action_copy(self) -> None:
        """Copy the title of the page."""
        if self.titles:
            self.app.copy_to_clipboard(self.titles[self.cursor])


class TypedLine(Input):
    """The line where commands and answers are typed; it scrolls the page above it."""

    SCOPE = "lesson_line"
    BINDINGS = bindings("lesson_line")

    def _page(self) -> PageView:
        return self.screen.query_one(PageView)

    def action_scroll_page(self, lines: int) -> None:
        """Scroll the page by lines; the sign is the direction."""
        self._page().scroll_relative(y=lines, animate=False)

    def action_scroll_far(self, pages: int) -> None:
        """Scroll the page by its height."""
        self._page().scroll_relative(y=pages * max(self._page().size.height - 2, 1), animate=False)

    def action_sideways(self, by: int) -> None:
        """Move what commands printed to the left or right."""
        self._page().action_sideways(by)


class LessonScreen(BaseScreen[None]):
    """A walk through a lesson.

    Args:
        lesson: name, number or folder of the lesson.
        seed: of its questions; None for the one that is kept.
        page: the page to begin at, from 0; None for the one that was left.
        restart: whether progress is forgotten.
        folder: the student's folder; None for the one that is kept.
        commands: runs commands.
    """

    app: Host
    CSS_PATH = "learning.tcss"
    SCOPE = "lesson"
    BINDINGS = bindings("lesson")
    AUTO_FOCUS = "TypedLine"

    def __init__(
        self,
        lesson: str,
        *,
        seed: int | None = None,
        page: int | None = None,
        restart: bool = False,
        folder: Path | None = None,
        commands: Commands | None = None,
    ) -> None:
        super().__init__()
        self._lesson, self._seed, self._at, self._restart, self._folder = lesson, seed, page, restart, folder
        self.commands = commands or Commands()
        self.walk: Walk | None = None
        self.busy = False

    def compose(self) -> ComposeResult:
        """Yield the head, the pages, the page and the line."""
        yield Head()
        with Horizontal(id="lesson"):
            with Vertical(id="lesson-pages", classes="panel") as pages:
                pages.border_title = "Pages"
                yield Pages()
            with Vertical(id="lesson-page", classes="panel"):
                yield PageView()
                yield TypedLine(id="lesson-line", compact=True)
        yield Keys()

    def on_mount(self) -> None:
        """Open the lesson on a thread: its models are copied, and others are made."""
        self._do(self._opened, "opening the lesson", self._open)

    def on_resize(self, event: events.Resize) -> None:
        """Hide the list of pages where it is narrow."""
        self.set_class(event.size.width < _NARROW, "-narrow")

    # -- work on a thread; one thing at a time

    def _do(self, then: Callable[[Any], None], said: str, what: Callable[[], Any]) -> None:
        if self.busy:
            self.app.say(_BUSY)
            return
        self.busy = True
        self.query_one(PageView).wait(said)
        self._work(then, what)

    @work(thread=True, group="lesson")
    def _work(self, then: Callable[[Any], None], what: Callable[[], Any]) -> None:
        try:
            made = what()
        except WorkbenchError as error:
            self.call_later(self._failed, error)
            return
        self.call_later(self._done, then, made)

    def _done(self, then: Callable[[Any], None], made: Any) -> None:
        self.busy = False
        if self.is_attached:
            self.query_one(PageView).wait("")
            then(made)

    def _failed(self, error: WorkbenchError) -> None:
        self.busy = False
        if not self.is_attached:
            return
        page = self.query_one(PageView)
        page.wait("")
        findings = [Note(one.message, "wrong") for one in getattr(error, "findings", ())]
        hint = [Note(words(error.hint, "terminal UI"))] if error.hint else []
        page.append(lines_of([Note(show(error.message, 2000), "wrong"), *findings, *hint]))

    def _open(self) -> tuple[Walk, Page]:
        from workbench.lessons.catalogue import open_lesson

        lesson: Lesson = open_lesson(self._lesson)
        walk = Walk(lesson, seed=self._seed, folder=self._folder, runner=self.commands)
        if self._restart:
            walk.restart(self._seed)
        if self._at is not None:
            walk.go(self._at)
        return walk, walk.page()

    def _opened(self, made: tuple[Walk, Page]) -> None:
        self.walk, page = made
        self._show_page(page)

    # -- pages

    def _show_page(self, page: Page) -> None:
        assert self.walk is not None
        walk = self.walk
        view = self.query_one(PageView)
        self.query_one("#lesson-page").border_title = Text(f"{page.number + 1} of {walk.pages}  {page.title}")
        self.query_one(Pages).show(walk)
        score = walk.score
        right = f"{score.right} of {score.questions} right   " if score.right else ""
        self.query_one(Head).show_pieces(
            [(" Lesson  ", "quiet"), (walk.lesson.title, "title")],
            [(f"{right}page {page.number + 1}/{walk.pages} · seed {walk.seed} ", "quiet")],
        )
        view.show(lines_of(page.blocks))
        self._prompt()

    def _prompt(self) -> None:
        """Say in the empty line what can be typed."""
        walk = self.walk
        line = self.query_one(TypedLine)
        if walk is None:
            return
        asks = "an answer, or a command" if walk.asks == "answer" else "a command" if walk.asks else ""
        if walk.finished:
            line.placeholder = "The end: esc shows the lessons"
        elif walk.done:
            line.placeholder = "Enter continues" + (", or type another command" if asks else "")
        else:
            line.placeholder = f"Type {asks}; F2 for a hint"
        self.refresh_bindings()

    def _turn(self, how: Callable[[Walk], None]) -> None:
        walk = self.walk
        if walk is None:
            return

        def turned() -> Page:
            how(walk)
            return walk.page()

        self._do(self._show_page, "opening the page", turned)

    # -- what is typed

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.busy or self.walk is None:
            self.app.say(_BUSY)
            return
        line = self.query_one(TypedLine)
        text, line.value = event.value, ""
        typed = understand(text)
        if typed.wish == "quit":
            self.action_leave()
        elif typed.wish == "help":
            self._tell(text, [Code(WORDS.rstrip())])
        elif typed.wish == "pages":
            self._tell(
                text, [Code("\n".join(f"{at + 1:>2}  {one}" for at, one in enumerate(self.walk.titles)))]
            )
        elif typed.wish == "hint":
            self.action_hint()
        elif typed.wish == "answer":
            self.action_solution()
        elif typed.wish == "text":
            self._judge(typed.text)
        elif typed.wish == "next":
            self.action_next()
        else:
            ways: dict[str, Callable[[Walk], None]] = {
                "back": Walk.back,
                "skip": Walk.next,
                "again": lambda walk: None,
            }
            self._turn(ways.get(typed.wish, partial(Walk.go, number=typed.page)))

    def _tell(self, text: str, blocks: list[Block]) -> None:
        self.query_one(PageView).append([*typed_line(text), *lines_of(blocks)])

    def _judge(self, text: str) -> None:
        walk = self.walk
        assert walk is not None
        self.query_one(PageView).append(typed_line(show(text, 500)))
        self._do(self._judged, "working", partial(walk.do, text))

    def _judged(self, outcome: Outcome) -> None:
        blocks = list(outcome.blocks)
        if outcome.judged:
            blocks.append(Note("Enter continues."))
        self.query_one(PageView).append([PageLine(()), *lines_of(blocks)])
        assert self.walk is not None
        self.query_one(Pages).show(self.walk)
        self._prompt()

    @on(PageView.Picked)
    def _picked(self, event: PageView.Picked) -> None:
        self._judge(chr(ord("a") + event.option))

    @on(Lines.Chosen, "Pages")
    def _page_chosen(self, event: Lines.Chosen) -> None:
        self._turn(partial(Walk.go, number=event.index))

    # -- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable what does nothing on this page."""
        walk = self.walk
        if action in ("hint", "solution"):
            return walk is not None and bool(walk.asks)
        if action == "back":
            return walk is not None and walk.number > 0
        if action in ("next", "skip"):
            return walk is not None and not walk.finished
        return True

    def action_next(self) -> None:
        """Open the next page, if this one is done."""
        if self.walk is not None and not self.walk.done:
            self.app.say(_NOT_DONE)
        elif self.walk is not None and self.walk.finished:
            self.action_leave()
        else:
            self._turn(Walk.next)

    def action_skip(self) -> None:
        """Open the next page, done or not."""
        self._turn(Walk.next)

    def action_back(self) -> None:
        """Open the page before."""
        self._turn(Walk.back)

    def action_hint(self) -> None:
        """Show the next hint."""
        if self.walk is not None:
            self._do(self._judged, "looking for a hint", self.walk.hint)

    def action_solution(self) -> None:
        """Show the command or the answer."""
        if self.walk is not None:
            self._do(self._judged, "looking for the answer", self.walk.solution)

    def action_models(self) -> None:
        """Open the model of this page in the workbench."""
        found = self._models()
        if not found:
            self.app.say("This page is about no model.")
            return
        from workbench.session.session import Session

        self.app.session = Session()
        self.app.session.add(found[0])
        self.app.show_work()

    def _models(self) -> list[Path]:
        """Return the models of the page in the student's folder, in the order in which it names them."""
        walk = self.walk
        if walk is None or self.busy:
            return []
        said = [word for line in self.query_one(PageView).lines for word in _words(line.line)]
        named = list(dict.fromkeys([*said, *walk.lesson.models]))
        paths = [walk.folder / name for name in named if name and "/" not in name]
        return [path for path in paths if is_model(path)]

    def action_leave(self) -> None:
        """End the command that runs; if none does, go back. The lesson opens at this page again."""
        if self.busy:
            self.commands.end()
        else:
            self.app.pop_screen()

    def on_unmount(self) -> None:
        """End the command that runs."""
        self.commands.end()


def _words(line: Sequence[Any]) -> list[str]:
    return [word for span in line for word in span.text.split()]
