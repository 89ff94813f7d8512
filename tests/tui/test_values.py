"""Values of a run over the picture and beside the list; the contrast of texts on the shades."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.pilot import Pilot
from textual.widgets import Input

from tests.session.running.runs import digits_run, request_for
from tests.tui.driving import drive, press, screen_text, settle, until
from tests.tui.test_browse import pane
from workbench.picture.render.colours import contrast
from workbench.picture.values import STEPS
from workbench.session.running.beside import values_of_row
from workbench.tui import themes
from workbench.tui.app import WorkbenchApp
from workbench.tui.pictures.canvas import CanvasView
from workbench.tui.pictures.preview import PreviewScreen
from workbench.tui.running import overlay
from workbench.tui.running.overlay import _shaded, _written
from workbench.tui.widgets.detail import SpanLines


def text(lines: SpanLines) -> str:
    assert lines.detail is not None
    return "\n".join("".join(one.text for one in line) for line in lines.detail.lines)


@pytest.mark.parametrize(("theme", "ends"), [(themes.DARK, overlay.DARK), (themes.LIGHT, overlay.LIGHT)])
def test_texts_are_read_on_every_shade(theme: object, ends: tuple[str, str]) -> None:
    assert isinstance(theme, type(themes.DARK))
    low, high = map(Color.parse, ends)
    for step in range(STEPS):
        behind = low.blend(high, step / (STEPS - 1)).hex
        for name in (theme.foreground, theme.error, theme.variables["quiet"], theme.primary):
            assert name is not None and contrast(name, behind) >= 4.5, (name, behind)
        assert contrast(theme.variables["line"], behind) >= 3


def test_a_line_is_shaded_and_written_over_in_part() -> None:
    line = [Segment("abc", Style(bold=True)), Segment("defgh")]
    shaded = _shaded(line, 2, 5, Style(bgcolor="#112233"))
    assert "".join(one.text for one in shaded) == "abcdefgh"
    assert ["".join(one.text for one in shaded if one.style and one.style.bgcolor)] == ["cde"]
    assert "".join(one.text for one in _written(line, 3, "XY", Style(), 8)) == "abcXYfgh"
    assert "".join(one.text for one in _written(line, -1, "XY", Style(), 8)) == "Ybcdefgh"
    assert "".join(one.text for one in _written(line, 7, "XY", Style(), 8)) == "abcdefgX"
    assert _written(line, 9, "XY", Style(), 8) is line


def test_values_stand_beside_the_list_and_in_the_picture(sample_models: Path, tmp_path: Path) -> None:
    path = sample_models / "digits"
    run = digits_run(request_for(path))

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        app.session.runs[path] = run
        app.screen.changed(save=False)  # type: ignore[attr-defined]
        await press(app, pilot, "slash", *"myoutput", "enter")
        found = {row.kind: row for row in pane(app).rows.listing if row.text == "myOutput"}
        assert [one.address for one in values_of_row(found["output"], run)] == ["#out#myOutput"]
        await press(app, pilot, "escape", "slash", *"op:matmul", "enter", "enter")
        said = text(pane(app).details)
        assert said.splitlines()[1] == "Value  for myInput made" and "0 … 9" in said
        await press(app, pilot, "escape", "escape", "v")
        assert isinstance(app.screen, PreviewScreen)
        canvas = app.screen.query_one(CanvasView)
        await until(pilot, lambda: canvas.canvas is not None)
        await settle(app, pilot)
        drawn = screen_text(app)
        assert "0 … 9" in drawn and "Values for myInput made, shaded by magnitude" in " ".join(drawn.split())
        assert "! 1 NaN" in drawn, "what is not finite has a sign"
        await press(app, pilot, "slash", *"matmul", "enter")
        assert "0 … 9" in text(app.screen.query_one("#box", SpanLines))
        await press(app, pilot, "V")
        assert "! 1 NaN" not in screen_text(app) and canvas.overlay is None
        await press(app, pilot, "V")
        assert "! 1 NaN" in screen_text(app)

    drive(story, [path], state=tmp_path)


def test_without_a_run_there_is_nothing_to_show(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "v")
        await until(pilot, lambda: app.screen.query_one(CanvasView).canvas is not None)
        await press(app, pilot, "V")
        assert "R in the lists runs the model" in screen_text(app).splitlines()[-1]
        assert not app.screen.query_one(Input).display

    drive(story, [sample_models / "digits"], state=tmp_path)
