"""The story on the start screen: the sample models, the picked output, and a line of guidance for each step."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from tests.tui.driving import drive, press, screen_text, settle
from workbench.session.session import Session
from workbench.session.texts import story as story_text
from workbench.tui.app import WorkbenchApp
from workbench.tui.guidance.guide import Guide
from workbench.tui.screens.start import StartScreen


def test_the_story_leads_from_screen_to_screen(tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        assert isinstance(app.screen, StartScreen)
        await press(app, pilot, "enter")
        assert app.session.handles == ("image_base64", "digits")
        assert "1 of 5" in screen_text(app) and "◉ pixels" in screen_text(app)
        for keys, step in ((("space",), "2 of 5"), (("v",), "3 of 5"), (("c",), "4 of 5")):
            await press(app, pilot, *keys)
            app.screen.query_one(Guide).look()
            await settle(app, pilot)
            assert step in screen_text(app), step
        app.session.mark_saved()
        app.screen.query_one(Guide).look()
        assert "5 of 5" in app.screen.query_one(Guide)._told
        await press(app, pilot, "escape", "escape")
        await pilot.click(Guide, offset=(app.size.width - 2, 0))
        await settle(app, pilot)
        assert app.story is None and not app.screen.query(Guide)

    drive(story, state=tmp_path, size=(100, 30))


def test_the_steps_follow_from_the_plan() -> None:
    session = Session()
    story = story_text.begin(session)
    assert story_text.is_told(session) and story.line(session).startswith("1 of 5")
    assert all(step.endswith(".") for step in story_text.STEPS)
    session.close("digits")
    assert not story_text.is_told(session)
