"""Adapters in pictures: a colour and a mark of their own, on wires and before an input of one model."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import workbench as wb
from tests.surgery.tiny import doubler
from workbench.picture.drawing import Drawing
from workbench.picture.scene.build import owners_of
from workbench.picture.scene.scene import ADAPTERS


@pytest.fixture
def joined(tmp_path: Path) -> wb.Draft:
    a, b = doubler(tmp_path / "a").save(), doubler(tmp_path / "b").save()
    return wb.apply(wb.Plan.join(a=a, b=b, wires="y | scale 1/2 | clamp 0 1 = x"))


@pytest.fixture
def adapted(tmp_path: Path) -> wb.Draft:
    return wb.apply(
        wb.Plan.edit(wb.open_model(doubler(tmp_path / "m").save()), wb.Adapt(after={"y": "argmax"}))
    )


def test_whose_the_boxes_are(joined: wb.Draft, adapted: wb.Draft) -> None:
    scene = Drawing().scene(joined.meta, ("a", "b"), adapted=True)
    owners = {node.path: node.owner for node in scene.nodes if node.kind == "op"}
    assert owners == {
        "a/y": "a", "connect_0/scale/Mul": ADAPTERS, "connect_0/clamp/Minimum": ADAPTERS,
        "connect_0/clamp/Maximum": ADAPTERS, "b/x": "b", "b/y": "b",
    }  # fmt: skip
    assert scene.numbers == {"a": 0, "b": 1, ADAPTERS: -1} and scene.owners == ("a", "b")
    assert sorted((edge.source, edge.target) for edge in scene.edges if edge.seam) == [
        ("a/y", "connect_0/scale/Mul"),
        ("connect_0/clamp/Maximum", "b/x"),
    ]
    alone = Drawing().scene(adapted.meta, (), adapted=True)
    assert alone.numbers == {ADAPTERS: -1} and alone.marked
    assert {node.owner for node in alone.nodes} == {None, ADAPTERS}


def test_a_scope_of_the_same_name_is_no_adapter_where_there_are_none(joined: wb.Draft) -> None:
    assert owners_of(joined.meta, ("a", "b"), adapted=False) == {"a": "a", "b": "b"}
    assert owners_of(joined.meta, ("a", "connect_0"), adapted=True) == {"a": "a", "connect_0": "connect_0"}


def test_their_mark_in_text(joined: wb.Draft, adapted: wb.Draft) -> None:
    text = wb.draw(joined)
    assert text.startswith("● a   ▲ b   ◇ adapters   ━━▶ boundary")
    assert "◇ Mul" in text and "● AddV2" in text and "▲ AddV2" in text
    assert wb.draw(joined, ascii=True).startswith("o a   ^ b   % adapters") and "% Mul" in wb.draw(
        joined, ascii=True
    )
    alone = wb.draw(adapted)
    assert alone.startswith("◇ adapters") and "◇ ArgMax" in alone and "● " not in alone


def test_their_colour_in_svg(joined: wb.Draft) -> None:
    svg = wb.draw(joined, format="svg")
    assert len(re.findall(r'class="box op oa', svg)) == 3
    assert '<text class="sub" x="' in svg and ">adapters</text>" in svg and ">◇</text>" in svg


def test_their_colour_in_dot_and_mermaid(joined: wb.Draft) -> None:
    dot = wb.draw(joined, format="dot")
    assert len(re.findall(r'label="◇ .*color="#7a3fb0"', dot)) == 3
    mermaid = wb.draw(joined, format="mermaid")
    assert mermaid.count('["◇ ') == 3
    assert re.search(r"classDef adapters stroke:#7a3fb0.*\n +class n\d+,n\d+,n\d+ adapters", mermaid)


def test_a_plan_is_drawn_with_them(joined: wb.Draft) -> None:
    assert wb.draw(joined.plan) == wb.draw(joined)


def test_their_mark_in_html(joined: wb.Draft) -> None:
    text = wb.draw(joined, format="html")
    data = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
    assert [tuple(owner) for owner in data["owners"]] == [
        ("a", "●", "o0"),
        ("b", "▲", "o1"),
        ("adapters", "◇", "oa"),
    ]
    of_adapters = [data["texts"][box[2]] for box in data["nodes"] if box[5] == 2]
    assert "Mul" in of_adapters
    assert sum(bool(edge[3] & 2) for edge in data["edges"]) >= 2  # into the adapters and out of them
