"""Sentences on boxes: in a small picture those of each node, in a large one those of its op."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.cli.tools import call
from tests.picture.graphs import chain
from tests.picture.test_html import Parser
from workbench.picture.drawing import Drawing
from workbench.picture.scene.scene import Node
from workbench.showing.sentences import MOST, explain_boxes

DIGITS = wb.sample_models() / "digits"


def about(text: str) -> dict[str, list[str]]:
    data = Parser(text).data
    return {data["texts"][box[2]]: [data["texts"][at] for at in box[12]] for box in data["nodes"]}


def test_boxes_of_a_small_picture_are_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = about(wb.draw(DIGITS, format="html"))
    assert found["MatMul"][0].startswith("It multiplies the matrices `a` and `b`.")
    assert "`a` is `myInput` (Placeholder), float32 [?,784]." in found["MatMul"]
    assert any("the placeholder `myInput` leaves it open" in line for line in found["MatMul"])
    assert call(capsys, "draw", DIGITS, "-o", tmp_path / "p.html").code == 0
    assert about((tmp_path / "p.html").read_text(encoding="utf-8")) == found
    assert not any(about(wb.draw(DIGITS, format="html", explained=False)).values())


def test_boxes_of_a_large_picture_have_the_text_of_their_op() -> None:
    meta = chain(MOST + 1)
    explain = explain_boxes(meta, Drawing().scene(meta, whole=True))
    (text,) = explain(Node("Relu_7", "Relu", path="Relu_7", op="Relu"))
    assert text.startswith("It ")
    assert explain(Node("x", "NoSuchOp", path="x", op="NoSuchOp")) == ("",)


def test_what_is_no_node_has_no_sentence() -> None:
    meta = wb.open_model(DIGITS).meta
    explain = explain_boxes(meta, Drawing().scene(meta, whole=True))
    assert explain(Node("s/", "s", kind="scope", path="s")) == ("",)
