"""Panes of one model and of several: sizes by keys and by mouse, what is hidden, keys that can do something."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.widget import Widget

from tests.tui.driving import drive, press, screen_text, settle
from tests.tui.test_browse import pane, row
from tests.tui.test_wire import PAIR, work
from workbench.tui.app import WorkbenchApp
from workbench.tui.pictures.preview import PreviewScreen


def footer(app: WorkbenchApp) -> str:
    return screen_text(app).splitlines()[-1]


def widths(app: WorkbenchApp) -> tuple[int, int]:
    view = pane(app)
    return view.listed.outer_size.width, view.details.outer_size.width


async def drag(app: WorkbenchApp, pilot: Pilot[int], start: Offset, end: Offset) -> None:
    """Presses the button of the mouse at one cell, moves it to another, and lets it go."""
    await pilot.mouse_down(offset=start)
    await pilot.hover(offset=end)
    await pilot.mouse_up(offset=end)
    await settle(app, pilot)


def test_one_model_has_the_room_and_a_second_brings_the_wires(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        assert work(app).regions == ["pane-0", "findings"]
        assert not app.screen.query_one("#lower").display, "no findings, no steps: nothing below"
        assert pane(app).size.height > 33
        await press(app, pilot, "f")
        assert app.focused is app.screen.query_one("#findings") and "No findings." in screen_text(app)
        assert not app.screen.query_one("#wires").display
        await press(app, pilot, "m")
        assert not app.screen.query_one("#lower").display and pane(app).rows.has_focus
        await press(app, pilot, "0", "o", *str(sample_models / "digits"), "enter")
        assert work(app).regions == ["pane-0", "pane-1", "wires", "findings"]
        assert app.screen.query_one("#wires").display and "No wires yet" in screen_text(app)
        await press(app, pilot, "D")
        assert not app.screen.query_one("#lower").display

    drive(story, [sample_models / "image_base64"], state=tmp_path)


def test_keys_make_panes_larger_and_the_session_keeps_it(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        before = widths(app)
        await press(app, pilot, "greater_than_sign", "greater_than_sign")
        assert widths(app) == (before[0] + 8, before[1] - 8)
        await press(app, pilot, "enter", "greater_than_sign", "escape")
        assert widths(app) == (before[0] + 4, before[1] - 4), "the detail has the focus: it grows"
        await press(app, pilot, "v", "escape")
        assert widths(app) == (before[0] + 4, before[1] - 4)
        await press(app, pilot, *["less_than_sign"] * 20)
        assert widths(app)[0] == 16, "nothing is made too small to be used"
        await press(app, pilot, "d")
        assert not pane(app).details.display and pane(app).listed.size.width > 110
        await press(app, pilot, "d", "0")
        assert widths(app) == before

    drive(story, [sample_models / "image_base64"], state=tmp_path)


@pytest.mark.exhaustive  # keys do the same
def test_the_mouse_drags_the_edges(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        left, right = pane(app), pane(app, 1)
        edge = right.region
        await drag(app, pilot, Offset(edge.x, edge.y + 3), Offset(edge.x + 9, edge.y + 3))
        assert right.region.x == edge.x + 9 and left.region.right == right.region.x
        lower: Widget = app.screen.query_one("#lower")
        top = lower.region.y
        await drag(app, pilot, Offset(5, top), Offset(5, top - 6))
        assert lower.region.y == top - 6 and lower.region.bottom == 38
        await press(app, pilot, "1", "z")
        assert left.region.height > 34 and not right.display, "one pane has the screen"
        await press(app, pilot, "z")
        assert right.display and right.region.x == edge.x + 9
        await press(app, pilot, "0")
        assert right.region == edge and lower.region.y == top

    drive(story, [sample_models / name for name in PAIR], state=tmp_path)


def test_no_key_of_the_footer_does_nothing(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        assert "enter Detail" in footer(app) and "/ Filter" in footer(app) and "R Run" in footer(app)
        assert not any(word in footer(app) for word in ("Pick", "Suggest", "Commit", "Undo", "Sort"))
        await press(app, pilot, "right_square_bracket")
        assert row(app) == "Variables" and "S Sort" in footer(app) and "right Unfold" in footer(app)
        await press(app, pilot, "right")
        assert "right Unfold" not in footer(app)
        await press(app, pilot, "space")
        assert row(app) == "Variables", "the key still works, and says why it does nothing"
        await press(app, pilot, "s")
        assert "need two models" in screen_text(app)
        await press(app, pilot, "f")
        assert "Go to cause" not in footer(app)

    drive(story, [sample_models / "digits"], state=tmp_path, size=(80, 24))


def test_from_a_row_to_its_box_and_back(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "slash", *"matmul", "enter", "escape")
        assert row(app) == "MatMul"
        await press(app, pilot, "v")
        screen = app.screen
        assert isinstance(screen, PreviewScreen) and screen.canvas.selected == "MatMul"
        screen.canvas.select("add")
        await press(app, pilot, "b")
        assert row(app) == "add" and pane(app).rows.has_focus
        screen = app.screen
        await press(app, pilot, "v")
        assert isinstance(app.screen, PreviewScreen) and app.screen.canvas.selected == "add"
        app.screen.canvas.select("#in#myInput")
        await press(app, pilot, "b")
        assert row(app) == "myInput" and pane(app).rows.row is not None and pane(app).rows.row.kind == "input"

    drive(story, [sample_models / "digits"], state=tmp_path)


def test_an_op_of_the_histogram_filters_the_list(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        view = pane(app)
        await press(app, pilot, "g", "enter", "tab")
        detail = view.details.detail
        assert detail is not None and detail.key == ("model",)
        text = view.details.link_at(view.details.cursor)
        assert text is not None and text.key == ("filter", "op:Const")
        await press(app, pilot, "enter")
        rows = view.rows
        assert rows.has_focus and rows.count() == view.viewer.meta.ops["Const"]  # type: ignore[union-attr]
        assert {rows.listing[at].ref.op for at in range(rows.count())} == {"Const"}
        await press(app, pilot, "escape")
        assert rows.hits is None

    drive(story, [sample_models / "digits"], state=tmp_path)


def test_the_filter_says_what_it_can_and_the_cursor_sorts(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "slash")
        assert ">1MB, <10k" in screen_text(app)
        await press(app, pilot, *">10k")
        assert "softmax/weights" in screen_text(app) and ">1MB, <10k" not in screen_text(app)
        await press(app, pilot, "escape", "g", "right_square_bracket", "right_square_bracket", "S", "down")
        assert row(app) == "softmax/bias", "sorted by name"
        await press(app, pilot, "S", "S", "left_square_bracket", "down")
        assert row(app) == "softmax/weights", "the largest first"

    drive(story, [sample_models / "digits"], state=tmp_path)


def test_a_click_on_its_sign_opens_a_row(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        rows = pane(app).rows
        at = next(at for at in range(rows.count()) if rows.listing[at].text == "MatMul")
        await pilot.click(rows, offset=(3, at))
        await settle(app, pilot)
        assert row(app) == "MatMul" and rows.listing[at + 1].key[2] == "MatMul/ReadVariableOp"
        await pilot.click(rows, offset=(3, at))
        await settle(app, pilot)
        assert rows.listing[at].open is False and not pane(app).in_detail

    drive(story, [sample_models / "digits"], state=tmp_path)
