"""A picture full of hostile names: every format stays what it is, and no name means anything to who reads it."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import pytest

from tests.cli.tools import call
from tests.protos import Func, function, graph, meta_graph, node, write
from workbench.graph.views import to_networkx
from workbench.model import open_model
from workbench.picture.layout.layout import lay_out
from workbench.picture.render.dot import to_dot
from workbench.picture.render.mermaid import to_mermaid
from workbench.picture.render.svg import to_svg
from workbench.picture.scene.scene import Edge, Frame, Node, Scene

HOSTILE = (
    "</script><script>alert(1)</script>",
    "</title></svg><img src=x onerror=alert(1)>",
    "<!-- ]]> --> <![CDATA[ &amp; &#0; &lt;",
    "\" onload=\"alert(1)\" '",
    'a"]; b [label="owned"]; c ["',
    "\\",
    '\\"',
    "\\N\\G\\l",
    "{a|<b>c}",
    "a -> b; }",
    "]; end; click n0 href \"javascript:alert(1)\"",
    "%%{init: {}}%%",
    "#quot;]:::x",
    "end",
    "subgraph x",
    "one\ntwo\r\nthree\u2028four\u0085five",
    "nul\0bell\7esc\x1b[31m\x9b31m",
    "bidi\u202eevil\u2066\u200f\u061c",
    "joined\u200b\ufeff\U000e0041",
    "not a character \ufffe \uffff",
    "alone \ud800",
    "ä字😀",
    "x" * 20_000,
    "",
    " ",
)  # fmt: skip
REAL = [name for name in HOSTILE if name and "\ud800" not in name]  # what a protobuf string can hold


def scene() -> Scene:
    """Each name as every part of a box, of a frame, of an edge, of an owner."""
    nodes, edges, frames = [], [], []
    for at, name in enumerate(HOSTILE):
        frames.append(Frame(f"f{at}{name}", name, name, owner=HOSTILE[at % 2]))
        for part in range(2):
            nodes.append(
                Node(
                    f"{at}-{part}{name}", name, name, owner=HOSTILE[at % 2], facts=((name, name),),
                    frame=f"f{at}{name}", kind=("op", "input")[part], seam=part == 1,
                )
            )  # fmt: skip
        edges.append(Edge(f"{at}-0{name}", f"{at}-1{name}", name, seam=at % 3 == 0, control=at % 3 == 1))
    return Scene(tuple(nodes), tuple(edges), frames=tuple(frames), owners=HOSTILE[:2])


def says_nothing(text: str, breaks: str = "\n") -> None:
    """No control character, direction mark or other invisible sign; only the line breaks of the format."""
    bad = {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert bad <= set(breaks)


@pytest.mark.parametrize("detail", ["full", "compact", "tiny"])
def test_svg(detail: str) -> None:
    text = to_svg(lay_out(scene(), detail=detail), title=HOSTILE[0] + HOSTILE[16])  # type: ignore[arg-type]
    says_nothing(text)
    text.encode()
    root = ElementTree.fromstring(text)
    found = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert found <= {"svg", "title", "style", "rect", "g", "text", "path", "tspan"}
    for element in root.iter():
        assert not [key for key in element.attrib if key.lower().startswith("on") or "href" in key.lower()]


_STRING = r'"(?:[^"\\\n]|\\.)*"'
_ATTRS = rf"\[(?:[a-z]+=(?:{_STRING}|[a-z0-9]+)(?:, )?)*\]"
_DOT = re.compile(
    rf"digraph graph_ {{|  compound=true; rankdir=TB;|  (?:node|edge) {_ATTRS};| +subgraph {_STRING} {{"
    rf"| +label={_STRING}; style=dashed;|  label={_STRING}; labelloc=b; fontname={_STRING}; fontsize=10;"
    rf"| +}}|}}| +{_STRING}(?: {_ATTRS})?;|  {_STRING} -> {_STRING}(?: {_ATTRS})?;"
)


def test_dot() -> None:
    made = scene()
    text = to_dot(made)
    says_nothing(text)
    lines = text.splitlines()
    assert [line for line in lines if not _DOT.fullmatch(line)] == []
    boxes = [re.match(rf" +({_STRING}) \[label=", line) for line in lines]
    ids = [match[1] for match in boxes if match]
    assert len(set(ids)) == len(ids) == len(made.nodes)
    assert sum(" -> " in re.sub(_STRING, "", line) for line in lines) == len(made.edges)


def test_dot_ids_of_names_that_are_shown_alike() -> None:
    alike = ("a\0", "a\\x00", "\ud800", "\ud801", "a\n", "a ")
    text = to_dot(Scene(tuple(Node(name, "Op") for name in alike), (Edge("a\0", "a\\x00"),)))
    ids = re.findall(rf"^  ({_STRING}) \[label", text, re.MULTILINE)
    assert len(set(ids)) == len(ids) == len(alike)
    (edge,) = re.findall(rf"({_STRING}) -> ({_STRING})", text)
    assert edge == (ids[0], ids[1])


_MERMAID = re.compile(
    r'flowchart TD| +subgraph n\d+\["[^"]*"\]| +end| +n\d+(?:\["[^"]*"\]|\(\["[^"]*"\]\)|\[\["[^"]*"\]\])'
    r"|  class [n\d,]+ owner\d"
    r"|  %% \S (?:[a-z]+ ?)+|  classDef [a-z]+ color:#\w{6},fill:#\w{6}|  class [n\d,]+ [a-z]+"
    r'|  n\d+ (?:-\.->|==>|-->)(?:\|"[^"]*"\|)? n\d+|  linkStyle [\d,]+ \S+|  classDef owner\d \S+'
)


def test_mermaid() -> None:
    text = to_mermaid(scene())
    says_nothing(text)
    assert [line for line in text.splitlines() if not _MERMAID.fullmatch(line)] == []
    for inner in re.findall(r'"([^"]*)"', text):
        bare = re.sub(r"#\d+;|<br>", "", inner)
        assert not set(bare) & set("<>\"'`;&#|{}[]()\\%"), bare
        for number in re.findall(r"#(\d+);", inner):
            assert unicodedata.category(chr(int(number))) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose nodes, functions, keys, attrs, ops and tags have these names."""
    nodes = [node("x", "Placeholder", dtype=1)]
    functions = []
    for at, name in enumerate(REAL):
        functions.append(
            function(name, ["a"], node(f"in {name}", "Neg", "a", T=1), returns={"r": f"in {name}:y:0"})
        )
        one = node(f"{at} {name}", "PartitionedCall", nodes[-1].name, f=Func(name))
        one.attr[name].s = name.encode()
        one.device = name
        nodes += [one, node(f"op {at} {name}", name, f"{at} {name}", T=1)]
    ends = ({name: "x:0" for name in REAL}, {name: nodes[-1].name + ":0" for name in REAL})
    meta = meta_graph(graph(*nodes, functions=functions), **{name: ends for name in REAL[:3]})
    return write(tmp_path_factory.mktemp("hostile") / "m", meta)


def test_graphml(model: Path) -> None:
    found = to_networkx(open_model(model), functions=True, plain=True)
    assert len(found) > 2 * len(REAL)
    written = io.BytesIO()
    nx.write_graphml_xml(found, written)
    ElementTree.fromstring(written.getvalue())
    written.seek(0)
    assert len(nx.read_graphml(written)) == len(found)


@pytest.mark.parametrize("format", ["text", "svg", "dot", "mermaid", "html", "json"])
def test_the_command(format: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "picture"
    words = ("draw", model, "--signature", REAL[0], "--max-boxes", "1000", "--format", format, "-o", target)
    done = call(capsys, *words)
    assert done.code == 0, done.err
    says_nothing(target.read_text(encoding="utf-8"))
    says_nothing(done.out + done.err)
    if format == "svg":
        ElementTree.parse(target)


@pytest.mark.parametrize(
    "words", [("inspect",), ("check",), ("scan",), ("draw",)], ids=lambda words: words[0]
)
def test_json_and_messages(words: tuple[str, ...], model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = call(capsys, words[0], model)
    says_nothing(page.out + page.err)
    if words[0] == "draw":
        return
    data = call(capsys, words[0], model, "--json")
    (line,) = data.out.splitlines()
    assert line.isascii() and isinstance(json.loads(line), dict)
    says_nothing(data.err)
