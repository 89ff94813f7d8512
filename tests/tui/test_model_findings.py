"""The findings of a model: counts in its title, the list with explanations, the cause, and what a hint asks."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from tests.tui.driving import drive, press, screen_text, until
from workbench.findings import Action, Hint
from workbench.tui.app import WorkbenchApp
from workbench.tui.guidance import guided
from workbench.tui.guidance.findings import FindingsScreen
from workbench.tui.guidance.guided import GuidedScreen
from workbench.tui.screens.steps import StepScreen

guided.CHECKED = 0.005


def test_counts_in_the_title_open_the_list(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        screen = app.screen
        assert isinstance(screen, GuidedScreen)
        pane = screen.panes[0]
        await until(pilot, lambda: pane.viewer is not None and pane.viewer.checked is not None)
        await press(app, pilot, "exclamation_mark")
        text = screen_text(app)
        assert isinstance(app.screen, FindingsScreen) and "2 warnings" in text
        assert "shared-variable ink/softmax/weights" in text and "Why it matters" in text
        await press(app, pilot, "enter")
        assert pane.rows.has_focus and pane.rows.row is not None
        assert pane.rows.row.spot is not None and pane.rows.row.spot.node == "ink/softmax/weights"
        assert "! 2 warnings" in screen_text(app)
        await pilot.click(offset=(pane.region.x + 10, pane.region.y))
        assert isinstance(app.screen, FindingsScreen)
        await press(app, pilot, "a")
        assert isinstance(app.screen, GuidedScreen)
        screen._act(Hint("", Action("rename-signature", {"key": "serving_default", "new": "digits"})))
        await press(app, pilot)
        assert isinstance(app.screen, StepScreen) and "serving_default=digits" in screen_text(app)
        await press(app, pilot, "enter")
        assert len(app.session.plan.other_steps) == 1

    drive(story, [sample_models / "digits_mixed_up"], state=tmp_path)
