"""The explanation of what is under the cursor: shown, followed, gone back from, by keys and by mouse."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui.driving import drive, press, screen_text, settle, until
from tests.tui.test_wire import PAIR
from workbench.tui.app import WorkbenchApp
from workbench.tui.guidance import explanation
from workbench.tui.guidance.explanation import ExplanationScreen, ExplanationView
from workbench.tui.guidance.guided import GuidedScreen

explanation.REST = 0.005


def screen(app: WorkbenchApp) -> GuidedScreen:
    assert isinstance(app.screen, GuidedScreen)
    return app.screen


def shown(app: WorkbenchApp) -> str:
    view = app.screen.query_one(ExplanationView)
    return "\n".join("".join(span.text for span in line) for line in view.broken)


def test_links_are_followed_and_gone_back_from(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "E")
        assert "pixels:0 is a tensor, float32 [1,784]" in shown(app).replace("\n", " ")
        await press(app, pilot, "up")
        assert "base64_input" in shown(app)  # it follows the cursor of the list
        await press(app, pilot, "down", "K")
        view = app.screen.query_one(ExplanationView)
        assert view.has_focus
        first = view.trail.here
        await press(app, pilot, "enter")
        second = view.trail.here
        assert second != first and view.title.startswith("← ")
        await press(app, pilot, "tab", "enter", "backspace")
        assert view.trail.here == second and view.title.endswith(" →")
        await press(app, pilot, "backspace")
        assert view.trail.here == first
        await press(app, pilot, "backspace")
        assert "nothing to go back to" in screen_text(app)
        await press(app, pilot, "right_square_bracket")
        assert view.trail.here == second
        await press(app, pilot, "full_stop")
        pane = screen(app).panes[0]
        assert pane.rows.has_focus and second is not None and pane.rows.row is not None
        assert pane.rows.row.text in (second.what or "")
        await press(app, pilot, "E")
        assert screen(app).explanation is None

    drive(story, [sample_models / name for name in PAIR], state=tmp_path)


def test_a_wire_a_step_and_a_finding_are_explained(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space", "space", "E", "w")
        assert "The wire fits" in shown(app) and "The two ends" in shown(app)
        await press(app, pilot, "u", "2", "1")
        assert "pixels" in shown(app)
        await press(app, pilot, "E")

    drive(story, [sample_models / name for name in PAIR], state=tmp_path)


def test_a_click_follows_a_link(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "E")
        view = app.screen.query_one(ExplanationView)
        (line, start, _), what = view._links[0]
        await pilot.click(view, offset=(start + 1, line))
        await settle(app, pilot)
        assert view.trail.here is not None and view.trail.here.what == what
        await press(app, pilot, "escape", "E")

    drive(story, [sample_models / name for name in PAIR], state=tmp_path)


def test_where_it_is_narrow_it_is_a_screen(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "down", "down", "E")
        assert isinstance(app.screen, ExplanationScreen) and "is a tensor" in screen_text(app)
        await press(app, pilot, "enter", "full_stop")
        assert isinstance(app.screen, GuidedScreen) and app.screen.panes[0].rows.has_focus
        await press(app, pilot, "E", "escape")
        assert isinstance(app.screen, GuidedScreen)

    drive(story, [sample_models / "digits"], state=tmp_path, size=(80, 24))


@pytest.mark.exhaustive  # as a row of a list
def test_a_box_of_a_picture_is_explained(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        from workbench.tui.pictures.preview import PreviewScreen

        await press(app, pilot, "v")
        assert isinstance(app.screen, PreviewScreen)
        await until(pilot, lambda: app.screen.canvas.selected is not None)  # type: ignore[attr-defined]
        await press(app, pilot, "E")
        assert isinstance(app.screen, ExplanationScreen) and "signature" in screen_text(app)
        await press(app, pilot, "escape")
        assert isinstance(app.screen, PreviewScreen)

    drive(story, [sample_models / "digits"], state=tmp_path)
