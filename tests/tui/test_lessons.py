"""Lessons in the terminal UI, by keys and by mouse: the list, pages, commands, answers, and a look at the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.lessons.test_library import FOLDERS, runs
from tests.lessons.tools import STEP, here, question, write
from tests.sampling import plainly
from tests.tui.driving import drive, press, screen_text, settle, until
from workbench.lessons.running import Commands, Ran
from workbench.lessons.walking.walk import Walk
from workbench.tui.app import WorkbenchApp
from workbench.tui.learning.lesson import LessonScreen, Pages
from workbench.tui.learning.lessons import LessonsScreen
from workbench.tui.learning.page import PageView
from workbench.tui.screens.start import StartScreen
from workbench.tui.screens.work import WorkScreen

SIZES = [(80, 24), (120, 40), (200, 60)]


class Here(Commands):
    """Commands in this process."""

    def __call__(self, words: Sequence[str], folder: Path) -> Ran:
        return here(words, folder)


async def opened(app: WorkbenchApp, pilot: Pilot[int], lesson: Path | str, folder: Path) -> LessonScreen:
    screen = LessonScreen(str(lesson), seed=7, folder=folder, commands=Here())
    app.push_screen(screen)
    await until(pilot, lambda: screen.walk is not None and not screen.busy)
    await settle(app, pilot)
    return screen


async def enter(app: WorkbenchApp, pilot: Pilot[int], screen: LessonScreen, text: str) -> None:
    """Types a line and waits for what comes of it."""
    await press(app, pilot, *text, "enter")
    await until(pilot, lambda: not screen.busy)
    await press(app, pilot)


def walk_of(screen: LessonScreen) -> Walk:
    assert screen.walk is not None
    return screen.walk


def test_a_lesson_begins_on_the_start_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        assert isinstance(app.screen, StartScreen)
        await press(app, pilot, *"lesson", "enter")
        assert isinstance(app.screen, LessonsScreen)
        text = screen_text(app)
        assert "What is in a SavedModel" in text and "10 minutes" in text
        await press(app, pilot, "down", "up", "enter")
        screen = app.screen
        assert isinstance(screen, LessonScreen)
        await until(pilot, lambda: screen.walk is not None and not screen.busy, 60)
        assert walk_of(screen).lesson.name == "savedmodel"
        await press(app, pilot, "escape")
        assert isinstance(app.screen, LessonsScreen)
        await press(app, pilot, "escape")
        assert isinstance(app.screen, StartScreen)

    drive(story, state=tmp_path, size=(100, 30))


@pytest.mark.parametrize("size", plainly([(size,) for size in SIZES], ((80, 24),)))
def test_a_page_is_seen_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        screen = await opened(app, pilot, "savedmodel", tmp_path / "files")
        text = screen_text(app)
        assert "A folder with a graph" in text and "f2 Hint" in text and "esc Leave" in text
        assert screen.query_one("#lesson-pages").display == (size[0] >= 100)
        assert "Type a command; F2 for a hint" in text

    drive(story, state=tmp_path, size=size)


def test_an_answer_is_judged_and_the_next_page_opened(tmp_path: Path) -> None:
    lesson = write(tmp_path / "lesson", steps=STEP + ASKED)

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        screen = await opened(app, pilot, lesson, tmp_path / "files")
        assert "Signature serving_default" in screen_text(app)
        await press(app, pilot, "enter")
        assert walk_of(screen).number == 0 and "This page is not done" in screen_text(app)
        await enter(app, pilot, screen, "[?,10]")
        assert "✗ Not yet." in screen_text(app)
        await press(app, pilot, "f2")
        assert "? " in screen.query_one(PageView).text()
        await enter(app, pilot, screen, "inspect digits --signature serving_default")
        assert "7 of 45 nodes" in screen.query_one(PageView).text()
        await enter(app, pilot, screen, "(None, 784)")
        assert "✓ Right" in screen_text(app) and "Enter continues" in screen_text(app)
        assert 0 in screen.query_one(Pages).done
        await enter(app, pilot, screen, "")
        assert walk_of(screen).number == 1
        await press(app, pilot, "f3")
        assert walk_of(screen).number == 0
        await enter(app, pilot, screen, "go 99")
        assert "There is no page 99" in screen_text(app)
        await enter(app, pilot, screen, "go 0")
        assert "There is no page 0." in screen_text(app)

    drive(story, state=tmp_path, size=(120, 40))


@pytest.mark.exhaustive  # keys do the same
def test_an_answer_is_chosen_by_mouse(tmp_path: Path) -> None:
    lesson = write(tmp_path / "lesson", steps=STEP + CHOSEN)

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        screen = await opened(app, pilot, lesson, tmp_path / "files")
        at = next(at for at, line in enumerate(screen_text(app).splitlines()) if "TF1 format" in line)
        view = screen.query_one(PageView)
        await pilot.click(PageView, offset=(8, at - view.region.y))
        await until(pilot, lambda: not screen.busy)
        await press(app, pilot)
        assert "✓ Right" in screen_text(app)

    drive(story, state=tmp_path, size=(120, 40))


def test_the_model_of_a_page_is_opened_and_come_back_from(tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        screen = await opened(app, pilot, "savedmodel", tmp_path / "files")
        await press(app, pilot, "f6")
        assert isinstance(app.screen, WorkScreen) and app.session.handles == ("digits",)
        assert "f6 Lesson" in screen_text(app)
        await press(app, pilot, "f6")
        assert app.screen is screen

    drive(story, state=tmp_path, size=(120, 40))


def test_a_broken_lesson_says_where(tmp_path: Path) -> None:
    lesson = write(tmp_path / "lesson", questions=question("colour of", 'of = { op = "MatMul" }'))

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        screen = LessonScreen(str(lesson), commands=Here())
        app.push_screen(screen)
        await settle(app, pilot)
        await until(pilot, lambda: "colour of" in screen.query_one(PageView).text())
        await press(app, pilot, "enter", "f2", "f6", "escape")
        assert app.screen is not screen

    drive(story, state=tmp_path, size=(120, 40))


def by_keys(folder: Path) -> object:
    """The walk without keys is in `tests/lessons`."""
    marks = [pytest.mark.exhaustive, *([pytest.mark.needs_tf] if runs(folder) else [])]
    return pytest.param(folder, id=folder.name, marks=marks)


@pytest.mark.parametrize("folder", [pytest.param(None, id="small"), *map(by_keys, FOLDERS)])
def test_it_is_walked_through_by_keys(folder: Path | None, tmp_path: Path) -> None:
    folder = folder or write(tmp_path / "lesson", steps=STEP + ASKED)

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        screen = await opened(app, pilot, folder, tmp_path / "files")
        walk = walk_of(screen)
        while not walk.finished:
            at = walk.number
            step = walk.lesson.steps[at] if at < len(walk.lesson.steps) else None
            if step is not None and step.task is not None:
                await enter(app, pilot, screen, step.task.command)
            else:
                asked = walk.lesson.questions[at - len(walk.lesson.steps)] if step is None else step.question
                assert asked is not None
                answer = walk.posed(asked).answer
                await enter(app, pilot, screen, answer.wrong())
                assert not walk.done and "✗ Not yet." in screen_text(app)
                await enter(app, pilot, screen, answer.text())
            assert walk.done, (walk.titles[at], screen.query_one(PageView).text()[-500:])
            await enter(app, pilot, screen, "")
            assert walk.number == at + 1
        assert "0 of 3 questions right at the first try, 3 more later" in screen_text(app)

    drive(story, state=tmp_path, size=(120, 40))


ASKED = """
[steps.question]
ask = "shape of"
model = "digits"
of = { input = "myInput" }
hint = "See what the signature takes."
"""
CHOSEN = """
[steps.question]
ask = "choose"
model = "digits"
text = "Which format is it?"
options = [{ text = "TF2 format", right = false }, { text = "TF1 format", right = true }]
"""
