"""Names that are made to do something to who reads them: every command shows them as text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.tools import Done, call
from tests.protos import Func, Shape, const, function, graph, meta_graph, node, write
from tests.sampling import plainly
from workbench.disk import schema

CONTROL = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
NAMES = {
    "lines": "a\nb\rc",
    "nul": "a\0b",
    "escapes": "\x1b[31m\x1b]0;t\x07\x9b1m",
    "markup": "[bold red]x[/bold red][@click=app.quit]y[/]",
    "right to left": "\u202egnp.exe\u2066\u200f",
    "up": "../../up",
    "absolute": "/etc/passwd",
    "long": "n" * 10_000,
    "separators": "a::b",
    "unseen": "a\u200bb\ufeffc\x85\u2028",
    "shell": "%s{0}$(id)`id`;\t'\"",
    "wide": "漢字" * 40,
}


def model(folder: Path, evil: str) -> Path:
    """A model with one name wherever a name can be."""
    functions = [
        function(evil, ["arg"], node(evil, "Neg", "arg", T=1), returns={evil: f"{evil}:y:0"}),
        function("other", ["x"], node(evil, evil, "x", T=1)),
    ]
    nodes = [
        node(evil, "Placeholder", dtype=1, shape=Shape((None, 4))),
        node("v" + evil, "VarHandleOp", dtype=1, shape=Shape((3,)), shared_name=evil),
        node("o" + evil, evil, evil, x=evil),
        node("n", "Identity", evil, T=1),
        node("call", "PartitionedCall", "n", f=Func(evil), Tin=[1], Tout=[1]),
        node("r", "ReadFile", evil),
        node(f"s{evil}/in/{evil}", "Relu", "call", T=1),
        const("c" + evil, evil),
    ]
    outputs = {evil: "call:0", "bad" + evil: evil + "?:0", "y": "n:0", "r": "r:0"}
    signatures: dict[str, Any] = {
        "s": ({evil: evil + ":0"}, outputs),
        evil: ({"x": "n:0"}, {"z": f"c{evil}:0"}),
    }
    meta = meta_graph(graph(*nodes, functions=functions), (evil,), **signatures)
    meta.signature_def["s"].method_name = meta.meta_info_def.tensorflow_version = evil
    meta.asset_file_def.add(filename=evil).tensor_info.name = evil
    meta.saver_def.restore_op_name = evil
    _objects(meta.object_graph_def, evil)
    op = meta.meta_info_def.stripped_op_list.op.add(name=evil)
    op.output_arg.add(name=evil, type=1)
    return write(folder, meta)


def _objects(objects: Any, evil: str) -> None:
    objects.nodes.add().children.add(local_name=evil, node_id=1)
    called = objects.nodes.add().function
    called.concrete_functions.append(evil)
    called.function_spec.fullargspec.named_tuple_value.name = evil
    concrete = objects.concrete_functions[evil]
    positional, keyword = (concrete.canonicalized_input_signature.tuple_value.values.add() for _ in range(2))
    positional.tuple_value.values.add().tensor_spec_value.name = evil
    keyword.dict_value.fields[evil].string_value = evil
    concrete.output_signature.dict_value.fields[evil].tensor_spec_value.dtype = 1


LIKE_OTHERS = ("nul", "absolute", "unseen", "wide")
"""Shown in the way of another: control characters, paths, characters nobody sees, long names."""


@pytest.fixture(params=plainly(NAMES, *(name for name in NAMES if name not in LIKE_OTHERS)))
def evil(request: pytest.FixtureRequest) -> str:
    return NAMES[request.param]


@pytest.fixture
def path(evil: str, tmp_path: Path) -> Path:
    return model(tmp_path / "m", evil)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs a command, and looks at every character that it wrote."""

    def run(*words: str | Path) -> Done:
        done = call(capsys, *words)
        assert done.code in (0, 1, 2, 3)
        for text in (done.out, done.err):
            found = CONTROL.search(text)
            assert found is None, f"{words[0]}: {text[max(found.start() - 80, 0) : found.start() + 20]!r}"
        return done

    return run


def test_looking(evil: str, path: Path, said: Callable[..., Done]) -> None:
    assert said("inspect", path).code == 0
    for words in (["--nodes"], ["--variables", "--functions"], ["--signature", "s"], ["--signature", evil]):
        assert said("inspect", path, *words).code == 0
    for words in (["--signature", "nope"], ["--nodes", evil + "nope"]):
        said("inspect", path, *words)
    assert said("show", "--dir", path, "--all").code == 0
    said("show", "--dir", path, "--tag_set", evil, "--list_ops")
    said("scan", path)
    said("scan", path, "--json")


def test_json_has_the_name_itself(evil: str, path: Path, said: Callable[..., Done]) -> None:
    done = said("inspect", path, "--json", "--nodes")
    (meta,) = json.loads(done.out)["meta_graphs"]
    assert meta["tags"] == [evil] and evil in meta["signatures"]
    assert evil in {found["name"] for found in meta["node_list"]}


@pytest.mark.parametrize("form", ["text", "svg", "dot", "mermaid"])
def test_drawing(form: str, evil: str, path: Path, said: Callable[..., Done]) -> None:
    assert said("draw", path, "--format", form, "--signature", "s").code == 0


def test_joining(evil: str, path: Path, said: Callable[..., Done], tmp_path: Path) -> None:
    common = [
        "a=" + str(path),
        "b=" + str(path),
        "--signature-of",
        "a=s",
        "--dry-run",
        "-o",
        tmp_path / "out",
    ]
    said("merge", *common, "--wire", f"call:0={evil}", "--signature-of", "b=s")
    said("merge", *common, "--wire", f"nope{evil}={evil}", "--signature-of", "b=s")
    said("merge", *common, "--wire", "y=x", "--signature-of", f"b={evil}")
    said("merge", *common, "--wire", "y=x", "--signature-of", f"b={evil}", "--json")
    for command in ("freeze", "flatten"):
        said(command, path, "--dry-run", "-o", tmp_path / "out")
    said("signature", path, "--rename", "s=t", "--dry-run", "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_output_number_of_five_thousand_digits(said: Callable[..., Done], tmp_path: Path) -> None:
    """`int` refuses it, and letters: what stands after a colon is not always a number."""
    for number, rest in enumerate(("9" * 5000, ":b", "x", "-1", "٣")):
        body = function("f", ["a"], node("i", "Neg", f"a:{rest}", T=1), returns={"r": f"i:y:{rest}"})
        call_ = node("call", "PartitionedCall", f"x:{rest}", f=Func("f"), Tin=[1], Tout=[1])
        nodes = [node("x", "Placeholder", dtype=1), call_, node("y", "Neg", f"call:{rest}", T=1)]
        path = write(
            tmp_path / str(number),
            meta_graph(graph(*nodes, functions=[body]), s=({"x": "x:0"}, {"y": "y:0"})),
        )
        for words in (["inspect"], ["inspect", "--signature", "s"], ["scan"], ["draw"]):
            said(words[0], path, *words[1:])
        for command in ("freeze", "flatten"):
            said(command, path, "--dry-run", "-o", tmp_path / "out")
        common = ["a=" + str(path), "b=" + str(path), "--signature-of", "a=s", "--signature-of", "b=s"]
        said("merge", *common, "--wire", "y=x", "--dry-run", "-o", tmp_path / "out")


def test_a_path_is_shown_as_text(said: Callable[..., Done], tmp_path: Path) -> None:
    path = model(tmp_path / "m\x1b[31m\u202e[bold]", "x")
    assert said("inspect", path).code == 0
    assert said("inspect", tmp_path / "no\x1b[31m\u202e").code == 3
    (path / "saved_model.pb").write_bytes(b"\x08\x01" + schema.SavedModel().SerializeToString())
    assert said("inspect", path).code == 3
