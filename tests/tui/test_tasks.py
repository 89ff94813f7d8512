"""Eight tasks on one model, done by keys alone from its first screen, and how many presses each takes.

`pytest -s tests/tui/test_tasks.py` prints the numbers; letters of a name that is typed are counted like any other key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui.driving import drive, press, screen_text, until
from tests.tui.test_browse import pane, row
from tests.tui.test_run import Ran, over, ran  # noqa: F401
from tests.tui.test_steps import steps
from workbench.tui.app import WorkbenchApp
from workbench.tui.pictures.preview import PreviewScreen

Check = Callable[[WorkbenchApp, Pilot[int]], Awaitable[None]]


def do(model: Path, state: Path, task: str, keys: list[str], done: Check, *, most: int) -> None:
    """Does a task by keys and says how many it took.

    Args:
        model: opened at first.
        state: for what the application remembers.
        task: what is done.
        keys: to press.
        done: asserts that it is done.
        most: presses that it may take; more would be a worse screen.
    """

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        viewer = pane(app).viewer
        assert viewer is not None
        await until(pilot, lambda: viewer.checked is not None)
        await press(app, pilot, *keys)
        await done(app, pilot)

    drive(story, [model], state=state, size=(80, 24))
    print(f"{task}: {len(keys)} presses")
    assert len(keys) <= most, f"{task} takes {len(keys)} presses"


def adds(step: str) -> Check:
    """Returns a check that the plan is one step that can be committed."""

    async def done(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        assert steps(app) == [step]
        await until(pilot, lambda: app.session.outcome is not None)
        assert app.session.outcome is not None and app.session.outcome.draft is not None
        assert "can be committed" in screen_text(app)

    return done


@pytest.mark.exhaustive  # a form like others
def test_rename_a_signature(sample_models: Path, tmp_path: Path) -> None:
    keys = ["A", "enter", *"classify", "enter"]
    step = "signature rename=serving_default=classify"
    do(sample_models / "digits", tmp_path, "rename a signature", keys, adds(step), most=12)


@pytest.mark.exhaustive  # the palette leads to a form, and a form to a step, elsewhere
def test_freeze(sample_models: Path, tmp_path: Path) -> None:
    keys = ["ctrl+p", *"freeze", "enter", "enter"]
    do(sample_models / "digits", tmp_path, "freeze", keys, adds("freeze"), most=10)


@pytest.mark.exhaustive  # as `expose`, but for the operation
def test_extract_a_part(sample_models: Path, tmp_path: Path) -> None:
    keys = ["slash", *"matmul", "enter", "A", "down", "enter", "enter"]
    do(
        sample_models / "digits",
        tmp_path,
        "extract a part",
        keys,
        adds("extract outputs=KEY=MatMul:0"),
        most=14,
    )


def test_expose_an_inner_tensor(sample_models: Path, tmp_path: Path) -> None:
    keys = ["slash", *"matmul", "enter", "A", "enter", "enter"]
    do(
        sample_models / "digits",
        tmp_path,
        "expose a tensor",
        keys,
        adds("expose tensors=KEY=MatMul:0"),
        most=13,
    )


@pytest.mark.exhaustive  # values have stories of their own
def test_run_and_see_values(sample_models: Path, tmp_path: Path, ran: Ran) -> None:  # noqa: F811
    async def done(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await over(app, pilot)
        assert len(ran) == 1 and "it is a 3 (0.91)" in screen_text(app).splitlines()[0]

    do(sample_models / "digits", tmp_path, "run and see values", ["R", "enter"], done, most=3)


def test_check_and_scan(sample_models: Path, tmp_path: Path) -> None:
    async def done(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        assert "Findings of digits: nothing needs attention" in screen_text(app)

    do(sample_models / "digits", tmp_path, "check and scan", ["exclamation_mark"], done, most=2)


@pytest.mark.exhaustive  # the same key draws it elsewhere
def test_draw_one_model(sample_models: Path, tmp_path: Path) -> None:
    async def done(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        screen = app.screen
        assert isinstance(screen, PreviewScreen)
        await until(pilot, lambda: screen.canvas.canvas is not None)
        assert "MatMul" in screen_text(app)

    do(sample_models / "digits", tmp_path, "draw the model", ["v"], done, most=2)


def test_the_largest_variable(sample_models: Path, tmp_path: Path) -> None:
    async def said(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        assert "largest: softmax/weights 31.4 kB" in screen_text(app)

    async def found(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        here = pane(app).rows.row
        assert row(app) == "softmax/weights" and here is not None and here.kind == "variable"

    model = sample_models / "digits"
    do(model, tmp_path, "read which variable is the largest", [], said, most=0)
    keys = ["right_square_bracket", "right", "right"]
    do(model, tmp_path, "go to the largest variable", keys, found, most=4)
