"""SVG, DOT and Mermaid: well formed, complete, and safe with any name."""

from __future__ import annotations

import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest

from workbench.picture.layout.layout import lay_out
from workbench.picture.render.dot import to_dot
from workbench.picture.render.mermaid import to_mermaid
from workbench.picture.render.svg import to_svg
from workbench.picture.scene.scene import Edge, Frame, Node, Scene

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def scene() -> Scene:
    nodes = (
        Node("a", "Decode<Png>", 'quo"te & co', owner="img", kind="input"),
        Node("b", "Scale", "[x] | {y}", owner="img", facts=(("variable", "w float32 [2]"),)),
        Node("c", "Identity", "back\\slash", owner="net", seam=True),
        Node("in", "Add", owner="net", frame="f"),
        Node("d", "out", owner="net", kind="output"),
    )
    edges = (
        Edge("a", "b", "float32 [?,4]"),
        Edge("b", "c", "float32 [?,4]", seam=True),
        Edge("c", "f"),
        Edge("f", "d"),
        Edge("a", "d", control=True),
    )
    return Scene(nodes, edges, frames=(Frame("f", "While  loop", "f", owner="net"),), owners=("img", "net"))


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_svg_is_well_formed_and_whole(scene: Scene, theme: str) -> None:
    text = to_svg(lay_out(scene), theme=theme, title="a <model> & co")  # type: ignore[arg-type]
    root = ElementTree.fromstring(text)
    words = {element.text for element in root.iter(f"{SVG}text")}
    assert {
        "Decode<Png>",
        'quo"te & co',
        "back\\slash",
        "w float32 [2]",
        "a <model> & co",
        "img",
        "net",
        "boundary",
    } <= words
    boxes = [element for element in root.iter(f"{SVG}rect") if "box" in (element.get("class") or "").split()]
    assert len(boxes) == 5
    lines = [element for element in root.iter(f"{SVG}path") if "head" in (element.get("class") or "").split()]
    assert len(lines) == 5
    assert ("prefers-color-scheme" in text) == (theme == "auto")
    # self-contained: nothing is fetched
    assert not re.search(r"(?:href|src|url\(|@import)", text)


def test_svg_shows_what_is_inside_its_size(scene: Scene) -> None:
    root = ElementTree.fromstring(to_svg(lay_out(scene)))
    width, height = float(root.get("width") or 0), float(root.get("height") or 0)
    for rect in root.iter(f"{SVG}rect"):
        assert 0 <= float(rect.get("x") or 0) <= width - float(rect.get("width") or 0)
        assert 0 <= float(rect.get("y") or 0) <= height - float(rect.get("height") or 0)


def test_tiny_svg(scene: Scene) -> None:
    ElementTree.fromstring(to_svg(lay_out(scene, detail="tiny")))


def test_dot_names_everything(scene: Scene) -> None:
    text = to_dot(scene)
    assert text.count(" -> ") == 5
    assert 'subgraph "cluster f"' in text and 'lhead="cluster f"' in text and 'ltail="cluster f"' in text
    assert '"a" -> "b" [label="float32 [?,4]"];' in text
    assert "back\\\\slash" in text and 'quo\\"te' in text
    assert "style=dashed" in text and "penwidth=3" in text
    # every quote is closed: outside of strings nothing but the language is left
    bare = re.sub(r'"(?:\\.|[^"\\])*"', "", text)
    assert '"' not in bare


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_dot_is_read_by_graphviz(scene: Scene) -> None:
    done = subprocess.run(
        ["dot", "-Tplain"], input=to_dot(scene), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and not done.stderr
    assert sum(line.startswith("node ") for line in done.stdout.splitlines()) == 5


def test_mermaid_names_everything(scene: Scene) -> None:
    lines = to_mermaid(scene).splitlines()
    assert lines[0] == "flowchart TD"
    assert sum(bool(re.search(r"-->|==>|-\.->", line)) for line in lines) == 5
    assert any(line.strip().startswith("subgraph") for line in lines)
    text = "\n".join(lines)
    assert "linkStyle 1 " in text and "class n" in text
    # signs that mean something to Mermaid or HTML stand only where we put them
    for label in re.findall(r'"([^"]*)"', text):
        assert not re.search(r"[\[\]{}|&<>\\]", label.replace("<br>", ""))


def test_svg_says_the_kind_of_op_by_a_sign_and_a_colour() -> None:
    nodes = (
        Node("x", "x", kind="input"), Node("c", "Conv2D", op="Conv2D"),
        Node("t", "LookupTableFindV2", op="LookupTableFindV2"),
        Node("s", "StringSplitV2", op="StringSplitV2"), Node("w", "While", kind="call", op="While", opens="w"),
        Node("m", "MatMul", op="MatMul"), Node("k", "Const", op="Const"), Node("v", "VarHandleOp", op="VarHandleOp"),
        Node("r", "Reshape", op="Reshape"), Node("many", "block_1", kind="scope", count=3, opens="many"),
    )  # fmt: skip
    root = ElementTree.fromstring(to_svg(lay_out(Scene(nodes, ()))))
    signs = {
        (element.get("class") or "").partition("kind-")[2]: element.text
        for element in root.iter(f"{SVG}text")
        if "sign" in (element.get("class") or "").split()
    }
    kinds = {
        "input",
        "convolution",
        "table",
        "string",
        "control-flow",
        "arithmetic",
        "constant",
        "variable",
    }
    assert set(signs) == kinds  # an op of no kind has no sign
    assert len(set(signs.values())) == len(kinds)
