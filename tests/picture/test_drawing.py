"""`workbench.draw`: models, MetaGraphs, plans and drafts in every format; what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

import workbench as wb
from tests.picture.test_canvas import DIGITS as DRAWN

SAMPLES = wb.sample_models()
IMAGE, DIGITS = SAMPLES / "image_base64", SAMPLES / "digits"


def test_a_model_however_it_is_given() -> None:
    model = wb.open_model(DIGITS)
    for one in (DIGITS, str(DIGITS), model, model.meta):
        assert wb.draw(one) == f"{DRAWN}\n"
    assert wb.draw(DIGITS, ascii=True).isascii()


@pytest.mark.parametrize(
    ("format", "start"),
    [
        ("text", DRAWN),
        ("svg", "<svg "),
        ("dot", "digraph "),
        ("mermaid", "flowchart TD"),
        ("html", "<!DOCTYPE html>"),
    ],
)
def test_formats(format: Any, start: str) -> None:
    drawn = wb.draw(DIGITS, format=format)
    assert "MatMul" in drawn and drawn.startswith(start)


def test_a_plan_is_drawn_as_its_result_is(tmp_path: Any) -> None:
    plan = wb.Plan.join(img=IMAGE, net=DIGITS, wires=["pixels=myInput"])
    draft = wb.apply(plan)
    drawn = wb.draw(plan)
    assert drawn.startswith("● img   ▲ net   ━━▶ boundary\n")
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
