"""What a notebook shows: HTML that is small, well formed and self-contained, whatever a model is called."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

import workbench as wb
from tests.picture.test_hostile_names import HOSTILE
from tests.surgery.tiny import Tiny
from workbench.notebook import Shown
from workbench.probing.probed_tensor import probed

SAMPLES = wb.sample_models()
PLAN = wb.Plan.join(img=SAMPLES / "image_base64", net=SAMPLES / "digits", wires=["pixels=myInput"])
VOID = {"img", "br"}


class Parsed(HTMLParser):
    """Checks that every element is closed; keeps texts, tags and images."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.said = ""
        self.images: list[str] = []
        self.feed(html)
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        assert not [name for name in found if name.startswith("on")]
        if tag == "img":
            source = found["src"] or ""
            assert source.startswith("data:image/svg+xml;base64,")
            self.images.append(base64.b64decode(source.partition(",")[2]).decode())
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


def shown(item: Shown) -> Parsed:
    html = item._repr_html_()
    assert html is not None and len(html) < 1_000_000
    assert not re.search(r"(src|href)=[\"']?https?:|<script|<iframe|@import", html)
    return Parsed(html)


def test_a_model() -> None:
    found = shown(wb.open_model(SAMPLES / "digits"))
    for words in ("digits", "serving_default", "myInput", "float32 [?,784]", "myOutput", "It has", "31.4 kB"):
        assert words in found.said
    (picture,) = found.images
    ElementTree.fromstring(picture)
    assert "MatMul" in picture and "Softmax" in picture


def test_a_plan_and_its_draft_show_the_joined_graph() -> None:
    for item in (PLAN, wb.check(PLAN), wb.apply(PLAN)):
        found = shown(item)
        assert "img" in found.said and "pixels" in found.said and "myOutput" in found.said
        (picture,) = found.images
        assert "DecodePng" in picture and "MatMul" in picture and "boundary" in picture


def test_a_plan_that_can_not_be_applied_shows_why(tmp_path: Path) -> None:
    wrong = wb.Plan.join(img=SAMPLES / "image_base64", net=SAMPLES / "digits", wires=["pixels=nothing"])
    found = shown(wrong)
    assert "nothing" in found.said and "error" in found.said and not found.images
    missing = wb.Plan.join(img=tmp_path / "no", net=SAMPLES / "digits", wires=["pixels=myInput"])
    assert str(tmp_path / "no") in shown(missing).said


def test_an_explanation_and_a_report() -> None:
    found = shown(wb.explain(SAMPLES / "digits", "MatMul"))
    assert "multiplies the matrices" in found.said and "Inputs" in found.said
    report = wb.Report(Path("/a/<b>"), "unverified", "nobody asked", findings=wb.check(PLAN))
    assert "published as /a/<b>" in shown(report).said
    proof = wb.Proof(Path("/a"), "differs", "a value differs", notes=("Look <here>",))
    assert "Look <here>" in shown(proof).said


def test_a_probe() -> None:
    tensor = probed("log:0", "Log", np.array([1.0, np.nan, np.inf]), images=0, keep=False)
    x = np.array([1.0, 2.0], np.float32)
    found = shown(wb.Probe("serving_default", {"x": x}, {"x": "ones"}, (tensor,), {"y": x}))
    for words in ("input x", "output y", "log:0", "1 NaN, 1 +Inf", "Input x was made: ones."):
        assert words in found.said


def test_a_neighbourhood_is_an_svg() -> None:
    piece = wb.draw(SAMPLES / "digits", focus="MatMul", hops=1)
    svg = piece._repr_svg_()
    assert svg is not None and piece._repr_html_() is None
    ElementTree.fromstring(svg)
    assert "MatMul" in svg and "Softmax" not in svg


def test_names_are_texts(tmp_path: Path) -> None:
    nasty = "".join(HOSTILE[:4])
    made = Tiny(tmp_path / "<b>m").placeholder().node("y", "Neg", "x", T="float32")
    path = made.signature(x_in="x:0", y_out="y:0").save()
    proto = wb.open_model(path).proto
    signature = proto.meta_graphs[0].signature_def["serving_default"]
    signature.inputs[nasty].CopyFrom(signature.inputs["x_in"])
    Path(path, "saved_model.pb").write_bytes(proto.SerializeToString())
    found = shown(wb.open_model(path))
    plain = shown(wb.open_model(SAMPLES / "digits"))
    assert set(found.tags) <= set(plain.tags)
    assert "\u202e" not in found.said and "\x1b" not in found.said


def test_a_model_without_anything_to_draw(tmp_path: Path) -> None:
    from workbench.disk import schema

    proto = schema.SavedModel(saved_model_schema_version=1)
    proto.meta_graphs.add().meta_info_def.tags.append("serve")
    (tmp_path / "saved_model.pb").write_bytes(proto.SerializeToString())
    assert "Model" in shown(wb.open_model(tmp_path)).said


def test_nothing_heavy_is_imported_before_a_notebook_asks() -> None:
    code = (
        f"import sys, workbench as wb; x = wb.open_model({str(SAMPLES / 'digits')!r})\n"
        "for asked in (False, True):\n"
        "    asked and x._repr_html_()\n"
        "    print(*sorted(m for m in sys.modules if m.startswith(('workbench.showing', 'tensorflow', 'textual'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = (line.split() for line in done.stdout.split("\n")[:2])
    assert before == []
    assert "workbench.showing.notebook" in after
    assert not [one for one in after if one.startswith(("tensorflow", "textual"))]
