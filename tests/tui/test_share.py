"""Two inputs are picked: they share one value; models side by side are asked about."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from tests.surgery.tiny import Tiny, doubler
from tests.tui.driving import drive, press, screen_text
from tests.tui.test_browse import row
from tests.tui.test_wire import command, work
from workbench.surgery.operations.share import Share
from workbench.tui.app import WorkbenchApp
from workbench.tui.screens.commit import CommitScreen
from workbench.tui.screens.dialog import AskScreen


def test_space_on_two_inputs_shares_them(tmp_path: Path) -> None:
    paths = [doubler(tmp_path / handle).save() for handle in "ab"]

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "up")
        while row(app) != "x":
            await press(app, pilot, "up")
        await press(app, pilot, "space")
        assert "on an input shares it" in screen_text(app)
        await press(app, pilot, "2")
        while row(app, 1) != "x":
            await press(app, pilot, "down" if row(app, 1) != "y" else "up")
        assert "feeds both" in screen_text(app)
        await press(app, pilot, "space")
        assert app.session.plan.steps == (Share({"x": ["a@x", "b@x"]}),)
        assert "--share x=a@x,b@x -o" in command(app)
        assert "share  x" in screen_text(app) and "compatible" in screen_text(app)
        await press(app, pilot, "u")
        assert app.session.plan.steps == ()
        await press(app, pilot, "U", "3", "d")
        assert app.session.plan.steps == ()

    drive(story, paths, state=tmp_path)


def test_models_side_by_side_are_asked_about(tmp_path: Path) -> None:
    paths = [doubler(tmp_path / handle).save() for handle in "ab"]

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "c")
        assert isinstance(app.screen, AskScreen) and "There is no wire yet" in screen_text(app)
        await press(app, pilot, "enter")
        assert work(app) and not app.session.plan.result.side_by_side, "the harmless answer has the focus"
        await press(app, pilot, "c", "left", "enter")
        assert isinstance(app.screen, CommitScreen) and app.session.plan.result.side_by_side
        assert "Side by side" in screen_text(app)
        await press(app, pilot, "escape")
        assert "--side-by-side" in command(app)

    drive(story, paths, state=tmp_path)


def test_inputs_that_can_be_shared_are_suggested(tmp_path: Path) -> None:
    """No output fits an input here, with or without adapters."""
    paths = []
    for handle in "ab":
        made = Tiny(tmp_path / handle).placeholder("x", "string", ()).placeholder("z", "float32", (None, 4))
        made.node("y", "Exp", "z", T="float32")
        made.node("w", "DecodeRaw", "x", out_type="complex64")
        signature = {"x_in": ("x:0", "string", ()), "z_in": "z:0", "w_out": ("w:0", "complex64", (None,))}
        paths.append(made.signature(**signature).save())

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "s")
        assert "Inputs that can be shared" in screen_text(app) and "share  z=z" in screen_text(app)
        await press(app, pilot, "down", "enter")
        assert app.session.plan.steps == (Share({"z": ["z"]}),)

    drive(story, paths, state=tmp_path)
