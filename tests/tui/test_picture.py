"""What is done from a picture: finding in closed boxes, drawing one model, wiring, going to rows, saving, the whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.picture.graphs import chain
from tests.tui.driving import drive, press, screen_text, settle, until
from tests.tui.test_preview import canvas, drawn, screen
from tests.tui.test_wire import PAIR
from workbench.disk import schema
from workbench.model import open_model
from workbench.picture.formats import Format
from workbench.picture.layout.layout import lay_out
from workbench.session.pictures.preview import Subject, View, written
from workbench.tui.app import WorkbenchApp
from workbench.tui.pictures.overview import Overview
from workbench.tui.screens.work import WorkScreen


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 200 nodes in scopes, most of which are closed at first."""
    folder = tmp_path_factory.mktemp("deep")
    proto = schema.SavedModel(saved_model_schema_version=1)
    meta = proto.meta_graphs.add()
    meta.CopyFrom(chain(200, "block_{0}/part_{1}/").proto)
    meta.meta_info_def.tags.append("serve")
    (folder / "saved_model.pb").write_bytes(proto.SerializeToString())
    return folder


def boxes(app: WorkbenchApp) -> list[str]:
    found = canvas(app).canvas
    assert found is not None
    return [box.id for box in found.layout.boxes]


async def where(app: WorkbenchApp, pilot: Pilot[int], done: Callable[[], bool]) -> None:
    await until(pilot, done)
    await settle(app, pilot)


def test_find_opens_what_it_found_and_the_overview_shows_where_it_is(deep: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "v")
        await drawn(app, pilot)
        assert not any(id.endswith("Relu_123") for id in boxes(app))
        overview = app.screen.query_one(Overview)
        assert overview.display and overview._window.y == 0
        await press(app, pilot, "slash", *"relu_123", "enter")
        await where(app, pilot, lambda: canvas(app).selected == "block_1/part_24/Relu_123")
        assert "block_1/part_24" in screen(app).view.expanded
        assert overview._window.y > 0, "the overview follows"
        box = screen_text(app)
        assert box.index("output 0") < box.index("place"), "shapes come before the place"
        seen = canvas(app).scroll_offset
        await pilot.click(Overview, offset=(20, 1))
        await settle(app, pilot)
        assert canvas(app).scroll_offset.y < seen.y
        await press(app, pilot, "m")
        assert not overview.display
        await press(app, pilot, "slash", *"nosuchname", "enter")
        await where(app, pilot, lambda: "Nothing in this picture" in screen_text(app))

    drive(story, [deep], state=tmp_path)


@pytest.mark.exhaustive
def test_fit_finds_a_zoom_at_which_all_is_seen(deep: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "v")
        await drawn(app, pilot)
        assert not canvas(app).fits
        await press(app, pilot, "0")
        await where(app, pilot, lambda: not screen(app)._waiting and screen(app).view.zoom != "full")
        assert canvas(app).fits or "larger than the window" in screen_text(app)

    drive(story, [deep], state=tmp_path)


def test_one_model_is_drawn_while_wires_exist_and_a_wire_is_made_from_pictures(
    sample_models: Path, tmp_path: Path
) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "1", "V")
        await drawn(app, pilot)
        assert screen(app).subject.handle == PAIR[0]  # type: ignore[union-attr]
        canvas(app).select("#out#pixels")
        await press(app, pilot, "w")
        work = app.screen
        assert isinstance(work, WorkScreen) and work.picked is not None and work.picked.handle == PAIR[0]
        await press(app, pilot, "2", "V")
        await drawn(app, pilot)
        canvas(app).select("#in#myInput")
        await press(app, pilot, "w")
        assert [str(wire) for wire in app.session.plan.wires], "the picture made the wire"
        await press(app, pilot, "v")
        await drawn(app, pilot)
        assert "boundary" in screen_text(app)
        await press(app, pilot, "v")
        await drawn(app, pilot)
        assert "only image_base64" in screen_text(app) and "boundary" not in screen_text(app)

    drive(story, [sample_models / name for name in PAIR], state=tmp_path)


@pytest.mark.exhaustive  # every format is written below
def test_the_picture_is_saved(sample_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2", "V")
        await drawn(app, pilot)
        target = tmp_path / "digits.svg"
        await press(app, pilot, "S", *"digits.png", "enter")
        assert "No picture format" in screen_text(app)
        await press(app, pilot, "S", *"digits.svg", "enter")
        await where(app, pilot, lambda: target.exists())
        assert target.read_text("utf-8").startswith("<svg ")
        await press(app, pilot, "S", *"digits.svg", "enter")
        assert "already exists" in screen_text(app)

    drive(story, [sample_models / name for name in PAIR], state=tmp_path / "state")


@pytest.mark.parametrize(
    ("format", "start"),
    [("svg", "<svg "), ("html", "<!DOCTYPE html>"), ("text", "▷ input"), ("dot", "digraph"), ("json", "{")],
)
def test_a_picture_is_written_in_every_format(format: Format, start: str, sample_models: Path) -> None:
    subject = Subject(open_model(sample_models / "digits").meta, handle="digits")
    layout = lay_out(subject.scene(View()))
    assert written(subject, layout, format, "digits").startswith(start)
