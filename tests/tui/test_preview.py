"""The picture: drawn, walked through, opened, searched, focused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui.driving import drive, press, screen_text, settle, until
from tests.tui.test_wire import PAIR
from tests.zoo import Example
from workbench.tui.app import WorkbenchApp
from workbench.tui.pictures.canvas import CanvasView
from workbench.tui.pictures.preview import PreviewScreen


def screen(app: WorkbenchApp) -> PreviewScreen:
    assert isinstance(app.screen, PreviewScreen)
    return app.screen


def canvas(app: WorkbenchApp) -> CanvasView:
    return app.screen.query_one(CanvasView)


async def drawn(app: WorkbenchApp, pilot: Pilot[int]) -> None:
    await until(pilot, lambda: canvas(app).canvas is not None and not screen(app)._waiting)
    await settle(app, pilot)


def title(app: WorkbenchApp) -> str:
    item = canvas(app).item
    assert item is not None
    return item.title


def test_the_joined_graph_with_its_seam(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space", "space", "v")
        await drawn(app, pilot)
        text = screen_text(app)
        assert (
            "boundary" in text
            and "Reshape" in text
            and "MatMul" in text
            and "2 variables keep their values" in text
        )
        item = canvas(app).item
        assert item is not None and getattr(item, "seam", False), "it starts at the seam"
        await press(app, pilot, "j")
        assert title(app) == "MatMul"
        await press(app, pilot, "k", "k")
        assert title(app) == "Reshape"
        await press(app, pilot, "slash", *"decodepng", "enter")
        assert title(app) == "DecodePng"
        await press(app, pilot, "y")
        assert app.clipboard == "image_base64/DecodePng"
        await press(app, pilot, "f")
        await drawn(app, pilot)
        assert screen(app).view.focus is not None
        few = len(canvas(app).canvas.layout.boxes)  # type: ignore[union-attr]
        await press(app, pilot, "right_square_bracket")
        await drawn(app, pilot)
        assert len(canvas(app).canvas.layout.boxes) > few  # type: ignore[union-attr]
        await press(app, pilot, "f", "z", "z")
        await drawn(app, pilot)
        assert screen(app).view.zoom == "tiny"
        await press(app, pilot, "escape")
        assert not isinstance(app.screen, PreviewScreen)

    drive(story, [sample_models / name for name in PAIR], state=tmp_path)


def test_one_model_alone_is_drawn(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2", "v")
        await drawn(app, pilot)
        assert "MatMul" in screen_text(app) and "No models are joined yet" in screen_text(app)

    drive(story, [sample_models / name for name in PAIR], state=tmp_path)


@pytest.mark.exhaustive
def test_boxes_open_and_close_and_the_picture_pans(zoo: Callable[[str], Example], tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "v")
        await drawn(app, pilot)
        first = canvas(app).canvas
        assert first is not None
        closed = next(node for node in first.layout.scene.nodes if node.opens)
        canvas(app).select(closed.id)
        await press(app, pilot, "enter")
        await drawn(app, pilot)
        assert canvas(app).canvas is not first and closed.opens in screen(app).view.expanded
        before = canvas(app).scroll_offset
        await press(app, pilot, "J", "J", "L")
        assert canvas(app).scroll_offset != before or canvas(app).max_scroll_y == 0
        item = canvas(app).item
        assert item is not None
        await press(app, pilot, "backspace")
        await drawn(app, pilot)
        assert not screen(app).view.expanded

    drive(story, [zoo("keras_mobilenet_v2").path], state=tmp_path)


@pytest.mark.exhaustive
def test_what_is_looked_at_stays_in_place_when_the_picture_is_drawn_anew(
    sample_models: Path, tmp_path: Path
) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        def seen(id: str) -> tuple[float, float]:
            view = canvas(app)
            assert view.canvas is not None
            box = view.canvas.box(id)
            assert box is not None
            x, y = view._in_window(box)
            assert 0 <= x < view.size.width and 0 <= y < view.size.height, "it is in sight"
            return x, y

        await press(app, pilot, "space", "space", "v")
        await drawn(app, pilot)
        seam = canvas(app).selected
        assert seam is not None
        first = canvas(app).scroll_offset, seen(seam)
        for keys in ("d d", "minus plus", "d minus d plus"):
            for key in keys.split():
                await press(app, pilot, key)
                await drawn(app, pilot)
                seen(seam)
            assert (canvas(app).scroll_offset, seen(seam)) == first, keys
        await press(app, pilot, "d")
        await drawn(app, pilot)
        turned = seen(seam)
        await press(app, pilot, *"HHHHHHHHHH")  # the seam is out of sight then; what is in sight is held
        before = canvas(app).canvas
        assert before is not None and canvas(app)._in_window(before.box(seam))[0] > canvas(app).size.width  # type: ignore[arg-type]
        held = canvas(app)._held(before)
        assert held is not None and held[0] != seam
        await press(app, pilot, "minus")
        await drawn(app, pilot)
        assert seen(held[0])[0] == pytest.approx(held[1][0], abs=1)
        assert canvas(app).selected == seam and turned[0] < canvas(app).size.width

    drive(story, [sample_models / name for name in PAIR], state=tmp_path)
