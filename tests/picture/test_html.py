"""HTML pictures as files: nothing is fetched, nothing but our script runs, and no name is markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.cli.tools import call
from tests.picture.graphs import chain
from tests.picture.large import meta as network
from tests.picture.test_hostile_names import HOSTILE, REAL, says_nothing, scene
from tests.picture.test_hostile_names import model as hostile  # noqa: F401
from workbench.picture.drawing import Drawing
from workbench.picture.render.html import in_script, to_html
from workbench.picture.scene.build import build_scene

DIGITS = wb.sample_models() / "digits"


class Parser(HTMLParser):
    """What a browser makes of a page: elements with their attributes and what scripts and styles hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, dict[str, str | None], str]] = []
        self._open: tuple[str, dict[str, str | None]] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = (tag, dict(attrs)) if tag in ("script", "style") else None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.raw.append((*self._open, data))

    def handle_endtag(self, tag: str) -> None:
        self._open = None

    @property
    def data(self) -> dict[str, Any]:
        (text,) = [text for tag, attrs, text in self.raw if attrs.get("type") == "application/json"]
        return json.loads(text)


def texts(data: dict[str, Any], boxes: str, at: int) -> list[str]:
    return [data["texts"][box[at]] for box in data[boxes]]


def test_nothing_is_fetched_and_only_our_script_runs() -> None:
    text = wb.draw(DIGITS, format="html")
    assert not re.search(r"https?:|//[a-z]|@import|url\(|\b(src|href)=", text)
    page = Parser(text)
    (policy,) = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in (policy or "").split("; "))
    assert rules["default-src"] == "'none'"
    for tag in ("script", "style"):
        (code,) = [text for name, attrs, text in page.raw if name == tag and "type" not in attrs]
        assert (
            rules[f"{tag}-src"]
            == f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"
        )
    for sign in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "new Function"):
        assert sign not in text


def test_hostile_names_are_data() -> None:
    text = to_html(scene(), title=HOSTILE[0] + HOSTILE[16])
    says_nothing(text)
    text.encode()
    page, plain = Parser(text), Parser(wb.draw(DIGITS, format="html"))
    assert page.tags == [(tag, dict(attrs)) for tag, attrs in plain.tags]
    assert [one[:2] for one in page.raw] == [one[:2] for one in plain.raw]
    shown = "\0".join(page.data["texts"])
    says_nothing(shown, "\0")
    assert "</script><script>alert(1)</script>" in shown and "onerror=alert(1)" in shown


def test_json_in_a_script_has_no_sign_of_markup() -> None:
    nasty = "</script><!--&\u2028\u2029\u00e4"
    assert not set(in_script([nasty])) & set("<>&\u2028\u2029")
    assert in_script([nasty]).isascii() and json.loads(in_script([nasty])) == [nasty]


def test_the_command_with_hostile_names(
    hostile: Path,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = tmp_path / "p.html"
    done = call(capsys, "draw", hostile, "--signature", REAL[0], "-o", target)
    assert done.code == 0, done.err
    says_nothing(target.read_text(encoding="utf-8"))
    assert [tag for tag, _ in Parser(target.read_text(encoding="utf-8")).tags].count("script") == 2


def test_boxes_with_shapes_attributes_and_folded_variables() -> None:
    data = Parser(wb.draw(DIGITS, format="html")).data
    assert texts(data, "nodes", 2) == ["myInput", "MatMul", "AddV2", "Softmax", "myOutput"]
    assert texts(data, "nodes", 4)[1] == "weights float32 [784,10]"
    families = [data["families"][box[1]][0] for box in data["nodes"]]
    assert families == ["input", "arithmetic", "arithmetic", "arithmetic", "input"]
    words = [data["texts"][at] for at in data["nodes"][1][11]]
    assert words[:2] == ["output 0", "float32 [?,10]"] and "T" in words
    assert {data["texts"][edge[2]] for edge in data["edges"]} == {"float32 [?,784]", "float32 [?,10]"}


def test_a_large_graph_is_whole_and_begins_closed() -> None:
    meta = chain(1000, "block_{0}/part_{1}/")
    drawing = Drawing()
    data = Parser(drawing.text(drawing.scene(meta, whole=True), "html")).data
    assert len(data["nodes"]) == 1002 and len(data["edges"]) == 1001
    first = {0, *data["opened"]}
    at_first = [box for box in [*data["groups"][1:], *data["nodes"]] if box[0] in first]
    assert 10 < len(at_first) <= 80
    assert "block_7" in texts(data, "groups", 2)
    inside = Drawing(open=("block_7",))
    opened = Parser(inside.text(inside.scene(meta, whole=True), "html")).data
    names = {opened["texts"][opened["groups"][at][2]] for at in opened["opened"]}
    assert "block_7" in names and len(opened["opened"]) > len(data["opened"])


def test_scopes_of_a_whole_scene_are_those_that_open_one_by_one() -> None:
    meta = chain(700, "block_{0}/part_{1}/")
    opened: set[str] = set()
    while more := {node.opens for node in build_scene(meta, expanded=opened).nodes if node.opens} - opened:
        opened |= {key for key in more if key}
    one_by_one = build_scene(meta, expanded=opened)
    whole = build_scene(meta, whole=True)
    assert [node.id for node in whole.nodes] == [node.id for node in one_by_one.nodes]
    assert whole.edges == one_by_one.edges and whole.scopes == one_by_one.scopes


def test_a_join_names_its_models(tmp_path: Path) -> None:
    samples = wb.sample_models()
    plan = wb.Plan.join(img=samples / "image_base64", net=samples / "digits", wires=["pixels=myInput"])
    data = Parser(wb.draw(plan, format="html")).data
    assert [owner[:2] for owner in data["owners"]] == [["img", "●"], ["net", "▲"]]
    assert sum(bool(edge[3] & 2) for edge in data["edges"]) == 1
    assert {box[5] for box in data["nodes"]} == {0, 1}


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_themes(theme: Any) -> None:
    page = Parser(wb.draw(DIGITS, format="html", theme=theme))
    assert dict(page.tags)["html"]["data-theme"] == theme


def test_a_box_is_called_by_what_tells_it_from_others_of_its_scope() -> None:
    drawing = Drawing()
    data = Parser(drawing.text(drawing.scene(network(600), whole=True), "html")).data
    titles = texts(data, "nodes", 2)
    assert titles.count("Conv2D") == 4 * (600 // 57) and not [title for title in titles if "#" in title]
    assert set(texts(data, "nodes", 3)) <= {"", "mul", "add", "float32 [?,28,28,64]"}
