"""The run screen by keys and by mouse: a form with made values, errors in words, values that stay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.session.running.runs import digits_run
from tests.tui.driving import drive, press, screen_text, settle, type_text, until
from tests.tui.test_commit import commit_screen, done
from tests.tui.test_wire import PAIR, command
from workbench.errors import Cancelled, NotAllowedToRun, TensorFlowMissing, WorkbenchError
from workbench.findings import Action, Hint
from workbench.session.committing import Committer
from workbench.tui.app import WorkbenchApp
from workbench.tui.host import Look
from workbench.tui.running import screen as screen_module
from workbench.tui.running.form import InputBlock
from workbench.tui.running.screen import RunScreen
from workbench.tui.screens.dialog import AskScreen
from workbench.tui.screens.work import WorkScreen

Ran = list[Any]


def screen(app: WorkbenchApp) -> RunScreen:
    assert isinstance(app.screen, RunScreen), app.screen
    return app.screen


def board(app: WorkbenchApp) -> str:
    detail = screen(app).board.detail
    return "" if detail is None else "\n".join("".join(one.text for one in line) for line in detail.lines)


def line_of(app: WorkbenchApp) -> Input:
    return screen(app).query_one(InputBlock).line


async def over(app: WorkbenchApp, pilot: Pilot[int]) -> None:
    await until(pilot, lambda: not app.screen.has_class("-running"))
    await settle(app, pilot)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Ran:
    """The requests of runs, which give made-up values; or raise what stands in the list."""
    requests: Ran = []

    def run_model(jobs: Any, request: Any, options: Any, progress: Callable[[str, str], None]) -> Any:
        problem = requests.pop() if requests and isinstance(requests[-1], WorkbenchError) else None
        requests.append(request)
        progress("run", "")
        if problem is not None and not (isinstance(problem, NotAllowedToRun) and options.allow_unsafe):
            raise problem
        return digits_run(request)

    monkeypatch.setattr(screen_module, "run_model", run_model)
    monkeypatch.setattr(Committer, "warm", lambda self, options: None)
    return requests


def test_a_model_is_run_with_three_keys_and_its_values_stay(
    sample_models: Path, tmp_path: Path, ran: Ran
) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "R")
        assert line_of(app).has_focus
        text = screen_text(app)
        assert "myInput" in text and "float32 [?,784]" in text and "made for it: " in text and "▀▀▀" in text
        assert "No values yet" in text
        await press(app, pilot, "enter")
        await over(app, pilot)
        (request,) = ran
        assert request.values["myInput"].shape == (1, 784) and request.steps
        assert screen(app).values.has_focus
        assert "it is a 3 (0.91)" in screen_text(app).splitlines()[0]
        assert "it is a 3 (0.91)" in board(app)
        await press(app, pilot, "n")
        assert "! 1 NaN, 1 +Inf" in board(app)
        await press(app, pilot, "enter", "1")
        assert line_of(app).has_focus
        await press(app, pilot, "escape", "R")
        assert "it is a 3 (0.91)" in board(app), "values stay while one looks elsewhere"
        await press(app, pilot, "f6", "D")
        assert not app.session.runs and "No values yet" in screen_text(app) and line_of(app).has_focus

    drive(story, [sample_models / "digits"], state=tmp_path)


def test_what_is_wrong_is_said_at_its_input(sample_models: Path, tmp_path: Path, ran: Ran) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "R")
        await type_text(app, pilot, "[[1, 2]]")
        await press(app, pilot, "ctrl+s")
        text = " ".join(screen_text(app).split())
        assert not ran and "784" in text and line_of(app).has_focus and line_of(app).has_class("-wrong")
        assert command(app) == f"workbench probe {sample_models}/digits --input 'myInput=[[1, 2]]'"
        await press(app, pilot, "ctrl+u")
        assert not line_of(app).has_class("-wrong")
        ran.append(TensorFlowMissing("No TensorFlow here.", hint=Hint("", Action("choose-python"))))
        await press(app, pilot, "ctrl+s")
        await over(app, pilot)
        assert "✗ No TensorFlow here." in board(app) and "--python PATH" in board(app)
        assert app.session.runs == {}
        ran.append(Cancelled("The run was cancelled."))
        await press(app, pilot, "ctrl+s")
        await over(app, pilot)
        assert "The run was cancelled." in board(app)

    drive(story, [sample_models / "digits"], state=tmp_path)


@pytest.mark.exhaustive
def test_unsafe_ops_are_run_only_after_a_yes(sample_models: Path, tmp_path: Path, ran: Ran) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "R")
        ran.append(NotAllowedToRun("It reaches ReadFile."))
        await press(app, pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, AskScreen) and app.focused is not None)
        await press(app, pilot, "enter")
        assert "It reaches ReadFile." in board(app) and "Allow unsafe" not in command(app)
        ran.append(NotAllowedToRun("It reaches ReadFile."))
        await press(app, pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, AskScreen) and app.focused is not None)
        ran.append(NotAllowedToRun("It reaches ReadFile."))
        await press(app, pilot, "left", "enter")
        await over(app, pilot)
        assert "it is a 3" in board(app) and "--allow-unsafe" in command(app)

    drive(story, [sample_models / "digits"], state=tmp_path)


def test_a_picture_is_picked_and_a_callable_chosen(sample_models: Path, tmp_path: Path, ran: Ran) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "R", "f3", "down", "enter")
        assert screen(app).name_of_run == "__call__"
        await press(app, pilot, "f3", "up", "enter", "ctrl+o", "down", "down", "down", "enter")
        assert line_of(app).value == f"base64url:@{sample_models}/digits_png/sample-3.png"
        assert line_of(app).has_focus
        text = " ".join(screen_text(app).split())
        assert "a PNG of 28 × 28" in text and "--input" in command(app)

    drive(story, [sample_models / "image_base64_tf2"], state=tmp_path)


@pytest.mark.exhaustive  # tabs of the main screen, and a run at this size, are in the plain run
def test_at_80_columns_there_are_tabs(sample_models: Path, tmp_path: Path, ran: Ran) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "R", "enter")
        await over(app, pilot)
        text = screen_text(app)
        assert "it is a 3 (0.91)" in text and "2 values 4" in text.splitlines()[1]
        assert not screen(app).view.region.width
        await press(app, pilot, "f6")
        assert screen(app).board.has_focus and "0.91" in screen_text(app)
        await press(app, pilot, "escape")
        assert isinstance(app.screen, WorkScreen)

    drive(story, [sample_models / "digits"], state=tmp_path, size=(80, 24))


@pytest.mark.exhaustive
def test_a_model_is_run_by_mouse_alone(sample_models: Path, tmp_path: Path, ran: Ran) -> None:
    async def click(app: WorkbenchApp, pilot: Pilot[int], text: str, line: int | None = None) -> None:
        lines = screen_text(app).splitlines()
        y = next(y for y, one in enumerate(lines) if text in one) if line is None else line % len(lines)
        await pilot.click(offset=(lines[y].index(text) + 1, y))
        await settle(app, pilot)

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await click(app, pilot, "R Run", -1)
        await pilot.click("#go")
        await over(app, pilot)
        await click(app, pilot, "MatMul:0")
        assert "MatMul:0" in board(app) and "0 … 9" in board(app)
        await click(app, pilot, "esc Back", -1)
        assert isinstance(app.screen, WorkScreen)

    drive(story, [sample_models / "digits"], state=tmp_path)


@pytest.mark.exhaustive
def test_in_ascii_every_sign_is_ascii(sample_models: Path, tmp_path: Path, ran: Ran) -> None:
    from textual.color import Color

    from workbench.tui.glyphs import AsciiFilter

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        (ascii_filter,) = (one for one in app._filters if isinstance(one, AsciiFilter))
        await press(app, pilot, "R", "enter")
        await over(app, pilot)
        for key in ("n", "down", "up"):
            await press(app, pilot, key)
            for strip in app.screen._compositor.render_strips(app.size):
                text = "".join(segment.text for segment in ascii_filter.apply(list(strip), Color(0, 0, 0)))
                assert text.isascii(), text
        assert "##" in board(app) or "__" in board(app)

    drive(story, [sample_models / "digits"], state=tmp_path, look=Look("workbench-dark", ascii=True))


@pytest.mark.exhaustive
def test_with_sixteen_colours_a_picture_has_none(sample_models: Path, tmp_path: Path, ran: Ran) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "R")
        assert "==" in screen_text(app) and "▀" not in screen_text(app)
        for strip in app.screen._compositor.render_strips(app.size):
            for style in (one.style for one in strip if one.style is not None):
                assert style.color is None or style.color.triplet is None

    drive(story, [sample_models / "digits"], state=tmp_path, look=Look("workbench-16"))


@pytest.mark.needs_tf
def test_the_story_ends_with_it_is_a_3(
    sample_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two models are opened, wired and committed; the result is run on a picture, then opened, all by keys."""
    monkeypatch.chdir(tmp_path)
    three = sample_models / "digits_png" / "sample-3.png"

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space", "space", "c")
        commit_screen(app).query_one("#inputs Input").focus()
        await settle(app, pilot)
        await type_text(app, pilot, f"base64url:@{three}")
        await press(app, pilot, "ctrl+s")
        await done(app, pilot)
        assert "values" in screen_text(app) and "r Run it" in screen_text(app).splitlines()[-1]
        await press(app, pilot, "r")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.kept is not None)
        await over(app, pilot)
        assert "it is a 3" in screen_text(app).splitlines()[0], screen_text(app)
        assert line_of(app).value == f"base64url:@{three}"
        steps = [row.value.address for row in screen(app).values.listed if row.value is not None]
        assert "image_base64/DecodePng:0" in steps and "digits/MatMul:0" in steps
        await press(app, pilot, "escape", "o")
        await settle(app, pilot)
        assert app.session.handles == ("image_base64-digits",) and not app.session.unsaved
        await press(app, pilot, "R")
        assert "it is a 3" in board(app), "its values are still there"
        await press(app, pilot, "escape", "u")
        assert app.session.handles == PAIR and len(app.session.plan.wires) == 1

    drive(story, [sample_models / name for name in PAIR], state=tmp_path / "state")
