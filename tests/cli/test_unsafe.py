"""Nothing that could do more than compute is run unasked, on whichever way, and nobody is prompted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.tools import call
from tests.protos import const, function, node
from tests.sampling import plainly
from tests.surgery.tiny import Tiny, doubler
from workbench import Proving, WorkbenchError, run, verify
from workbench.cli.main import main

NOBODY = "/no/such/python"
"""An interpreter that is not there: whoever gets as far as to start it says so, and ends with 2."""
RUNNING = [
    ("run", "{bad}", "--input", "x=[[1,2,3,4]]"),
    ("merge", "{bad}", "{good}", "--wire", "y=x", "-o", "{out}"),
    ("merge", "{good}", "{bad}", "--wire", "y=x", "-o", "{out}"),
    ("signature", "{bad}", "--rename-input", "x=z", "-o", "{out}"),
    ("freeze", "{bad}", "-o", "{out}"),
    ("flatten", "{bad}", "-o", "{out}"),
    ("verify", "{merged}"),
    ("verify", "{bad}", "--against", "{good}"),
    ("verify", "{good}", "--against", "{bad}"),
]


def reads_a_file(folder: Path, file: str = "/etc/hostname") -> Tiny:
    """`x` → `y` = x + x, after a file was read."""
    made = Tiny(folder).placeholder()
    made.meta.graph_def.node.append(scalar("path", file))
    made.node("read", "ReadFile", "path")
    return made.node("y", "AddV2", "x", "x", "^read", T="float32").signature(x_in="x:0", y_out="y:0")


def scalar(name: str, text: str) -> Any:
    """A string Const of rank 0, as ReadFile wants it."""
    made = const(name, text)
    made.attr["value"].tensor.tensor_shape.ClearField("dim")
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where the models are; nobody changes them."""
    folder = tmp_path_factory.mktemp("unsafe")
    bad, good = reads_a_file(folder / "bad").save(), doubler(folder / "good").save()
    merged = folder / "merged"
    words = ["merge", str(good), str(bad), "--wire", "y=x", "-o", str(merged), "--no-verify"]
    assert main(words) == 0, "joining runs nothing"
    return {"bad": str(bad), "good": str(good), "merged": str(merged)}


@pytest.fixture
def places(made: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Where the models are, and a target."""
    return {**made, "out": str(tmp_path / "out")}


@pytest.mark.parametrize("words", RUNNING, ids=" ".join)
def test_refused_before_anything_is_started(
    words: tuple[str, ...], places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    line = [word.format(**places) for word in words]
    done = call(capsys, *line, "--python", NOBODY)
    assert done.code == 1, done
    assert "ReadFile at" in done.out + done.err and "--allow-unsafe" in done.out + done.err
    assert not Path(places["out"]).exists()
    allowed = call(capsys, *line, "--python", NOBODY, "--allow-unsafe")
    assert allowed.code == 2 and NOBODY in allowed.err, allowed


def test_refused_in_json(places: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "verify", places["merged"], "--json")
    found = json.loads(done.out)
    assert (done.code, found["verdict"]) == (1, "not run")
    assert [source["handle"] for source in found["sources"]] == ["good", "bad"]
    done = call(capsys, "run", places["bad"], "--input", "x=[[1,2,3,4]]", "--json")
    assert (done.code, json.loads(done.out)["error"]["code"]) == (1, "not-allowed")


def test_refused_in_python(places: dict[str, str]) -> None:
    with pytest.raises(WorkbenchError, match="ReadFile"):
        run(places["bad"], {"x": [[1, 2, 3, 4]]}, python=NOBODY)
    assert verify(places["merged"], proving=Proving(python=NOBODY)).verdict == "not run"
    assert verify(places["bad"], against=places["good"], proving=Proving(python=NOBODY)).verdict == "not run"


def test_what_only_a_source_does_is_asked_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Freezing leaves out what sets the variables; the original that it is held against still runs it."""
    made = Tiny(tmp_path / "m").placeholder()
    made.meta.graph_def.node.append(const("path", "/etc/hostname"))
    made.node("read", "ReadFile", "path").node("init", "NoOp", "^read")
    made.node("y", "AddV2", "x", "x", T="float32").signature(x_in="x:0", y_out="y:0")
    made.meta.collection_def["legacy_init_op"].node_list.value.append("init")
    made.save()
    other = doubler(tmp_path / "other").save()
    done = call(capsys, "verify", other, "--against", tmp_path / "m", "--python", NOBODY)
    assert done.code == 1
    assert "The source" in done.out and "ReadFile at read" in done.out


def test_a_demo_is_harmless(sample_models: Path) -> None:
    from workbench.checks.unsafe import unsafe_ops
    from workbench.model import open_model

    for name in ("image_base64", "digits"):
        assert unsafe_ops(open_model(sample_models / name).meta) == []


OTHER = """
__version__ = "2.16.1"
class get_logger:
    def setLevel(self, level): pass
"""
"""As much of another TensorFlow as is asked before a model is loaded."""


def keeps_a_callable(folder: Path) -> Tiny:
    """A doubler whose root has a function `plain` that reads a file: TensorFlow 2.21 leaves it to the user."""
    made = doubler(folder)
    body = function("reads", [], scalar("path", "/etc/hostname"), node("read", "ReadFile", "path"))
    made.meta.graph_def.library.function.append(body)
    objects = made.meta.object_graph_def
    objects.nodes.add().user_object.identifier = "_generic_user_object"
    objects.nodes[0].children.add(local_name="plain", node_id=1)
    objects.nodes.add().function.concrete_functions.append("reads")
    objects.concrete_functions["reads"].SetInParent()
    return made


@pytest.mark.parametrize(
    "words",
    plainly([(words,) for words in RUNNING], (RUNNING[0],), (RUNNING[1],)),
    ids=" ".join,
)
def test_a_tensorflow_whose_loaders_the_walk_does_not_know(
    words: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Refused once its version is known, before a model is loaded there."""
    bad, good = keeps_a_callable(tmp_path / "bad").save(), doubler(tmp_path / "good").save()
    merged = tmp_path / "merged"
    assert call(capsys, "merge", good, bad, "--wire", "y=x", "-o", merged, "--no-verify").code == 0
    places = {"bad": bad, "good": good, "merged": merged, "out": tmp_path / "out"}
    line = [word.format(**places) for word in words]
    assert NOBODY in call(capsys, *line, "--python", NOBODY).err, (
        "nothing is asked about with TensorFlow 2.21"
    )
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "tensorflow.py").write_text(OTHER)
    (tmp_path / "other" / "numpy.py").write_text("__version__ = '1.26.4'\n")  # no more is asked of it
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "other"))
    done = call(capsys, *line)
    told = done.out + done.err
    assert done.code == 1, done
    assert "reads::read reads files" in told and "TensorFlow 2.16.1" in told and "--allow-unsafe" in told
    assert not Path(places["out"]).exists()
    allowed = call(capsys, *line, "--allow-unsafe")
    assert "ReadFile" not in allowed.out + allowed.err, "as far as the model is loaded"
