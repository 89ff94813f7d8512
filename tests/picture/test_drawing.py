"""`workbench.draw`: models, MetaGraphs, plans and drafts in every format; what it refuses."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest

import workbench as wb
from tests.picture.test_canvas import DIGITS as DRAWN
from workbench.picture.drawing import Picture

SAID = "▷ input or output   ± arithmetic"
SAMPLES = wb.sample_models()
IMAGE, DIGITS = SAMPLES / "image_base64", SAMPLES / "digits"


def test_a_model_however_it_is_given() -> None:
    model = wb.open_model(DIGITS)
    for one in (DIGITS, str(DIGITS), model, model.meta):
        assert wb.draw(one) == f"{SAID}\n\n{DRAWN}\n"
    assert wb.draw(DIGITS, ascii=True).isascii()


@pytest.mark.parametrize(
    ("format", "start"),
    [
        ("text", SAID),
        ("svg", "<svg "),
        ("dot", "digraph "),
        ("mermaid", "flowchart TD"),
        ("html", "<!DOCTYPE html>"),
        ("json", "{"),
    ],
)
def test_formats(format: Any, start: str) -> None:
    drawn = wb.draw(DIGITS, format=format)
    assert "MatMul" in drawn and drawn.startswith(start)


def test_a_plan_is_drawn_as_its_result_is(tmp_path: Any) -> None:
    plan = wb.Plan.join(img=IMAGE, net=DIGITS, wires=["pixels=myInput"])
    draft = wb.apply(plan)
    drawn = wb.draw(plan)
    assert drawn.startswith("● img   ▲ net   ━━▶ boundary between models   ▷ input or output")
    assert "┏━ boundary" in drawn and "▲ MatMul" in drawn and "● DecodePng" in drawn
    assert wb.draw(draft) == drawn
    wb.commit(draft, tmp_path / "merged", verify=False)
    assert wb.draw(tmp_path / "merged") == drawn


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(wb.UsageError, match="Formats: text, svg, dot, mermaid, html"):
        wb.draw(DIGITS, format="png")  # type: ignore[arg-type]
    with pytest.raises(wb.UsageError, match="must be"):
        wb.draw(3)  # type: ignore[arg-type]
    with pytest.raises(wb.UsageError, match="must be"):
        wb.draw(DIGITS, open="MatMul")
    with pytest.raises(wb.UnknownName, match="MatMul"):
        wb.draw(DIGITS, focus="MatMull")
    with pytest.raises(wb.UnknownName, match="nothing inside"):
        wb.draw(DIGITS, open=["MatMul"])
    with pytest.raises(wb.WorkbenchError, match="max_boxes"):
        wb.draw(DIGITS, time_limit=0)


def test_a_notebook_shows_the_picture() -> None:
    svg = wb.draw(DIGITS, format="svg")
    assert svg._repr_svg_() == svg and svg._repr_html_() is None
    page = wb.draw(DIGITS, format="html")
    shown = page._repr_html_()
    assert page._repr_svg_() is None and shown is not None
    assert re.fullmatch(
        r'<iframe sandbox="allow-scripts allow-downloads" style="[^"]*" srcdoc="([^"<>]*)"></iframe>', shown
    )
    assert unescape(shown).count(page) == 1
    text = wb.draw(DIGITS)
    assert text._repr_html_() is None  # or a notebook would not show the SVG
    drawn = text._repr_svg_()
    assert drawn is not None and drawn.startswith("<svg") and "MatMul" in drawn
    assert Picture("a <b>", "text")._repr_html_() == "<pre>a &lt;b&gt;</pre>"


def test_json_has_what_is_drawn() -> None:
    data = json.loads(wb.draw(DIGITS, format="json"))
    assert [box["title"] for box in data["boxes"]] == ["myInput", "MatMul", "AddV2", "Softmax", "myOutput"]
    assert len(data["edges"]) == 4 and data["frames"] == []
    assert {"source", "target", "label", "control", "seam"} == set(data["edges"][0])
