"""`workbench merge` as its user meets it: pages, JSON, flags, and the calls it ends with, run as they stand."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.processes import terminal
from tests.cli.tools import DIGITS, IMAGE, SAMPLES, WIRE, Done, call, copy_of, tree
from tests.protos import Shape, graph, meta_graph, node, write
from tests.zoo import Example
from workbench import apply, open_model
from workbench.cli.main import make_parser
from workbench.cli.pages import merge_page
from workbench.describe import calling
from workbench.disk import dtypes
from workbench.model import Signature
from workbench.probing.run import run as run_model
from workbench.publishing.commit import commit
from workbench.publishing.running import Proving
from workbench.runtime.child_process.child import Child
from workbench.runtime.component_tensors import input_components
from workbench.runtime.inputs.values import parse_inputs
from workbench.surgery.plan import Plan, ResultOptions

Cli = Callable[..., Done]
PAIR = (IMAGE, DIGITS, "--wire", WIRE)
QUICK = (*PAIR, "--no-verify")


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    return lambda *words: call(capsys, *words)


def one_line(done: Done) -> dict[str, Any]:
    """The JSON on stdout: one line, and strict (no NaN)."""
    (line,) = done.out.splitlines()

    def refuse(word: str) -> None:
        raise AssertionError(word)

    found = json.loads(line, parse_constant=refuse)
    assert found["schema_version"] == 1
    return found


# --- what would be done -----------------------------------------------------------------------------------------


def test_dry_run(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli("merge", *PAIR, "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert not list(tmp_path.iterdir())
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    for line in (
        "image_base64@pixels float32 [1,784] → digits@myInput float32 [?,784] compatible",
        "Before: image_base64 serving_default",
        "in base64_input string []",
        "Before: digits serving_default",
        "in myInput float32 [?,784]",
        "After serving_default",
        "out myOutput float32 [?,10]",
        "shared-name 2 renamed",
        "checkpoint-key 4 renamed",
    ):
        assert line in lines, line
    assert any(line.startswith("Files to write ") for line in lines)


def test_steps_follow_the_wires(cli: Cli) -> None:
    steps = ("--step", "signature rename=serving_default=whole", "--step", "freeze")
    done = cli("merge", *PAIR, *steps, "--dry-run")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    at = lines.index("Steps")
    assert lines[at + 1 : at + 3] == ["signature rename=serving_default=whole", "freeze"]
    assert "After whole" in lines and done.code == 0
    assert "Steps" not in cli("merge", *PAIR, "--dry-run").out.split()
    assert cli("merge", *PAIR, "--step", "freez", "--dry-run").code == 2


def test_dry_run_as_data_has_every_name(cli: Cli, tmp_path: Path) -> None:
    found = one_line(cli("merge", *PAIR, "--dry-run", "--json"))
    assert found["wires"] == [{"from": "image_base64@pixels", "to": "digits@myInput", "fits": ["proven"]}]
    assert found["before"]["digits"]["inputs"]["myInput"] == {
        "tensor": "myInput:0", "dtype": "float32", "shape": [None, 784],
    }  # fmt: skip
    assert set(found["after"]["inputs"]) == {"base64_input"}
    assert found["after"]["outputs"]["myOutput"]["shape"] == [None, 10]
    digits = found["renames"]["digits"]
    assert digits["names"]["node"]["myInput"] == "digits/myInput"
    assert digits["names"]["shared-name"]["softmax/weights"] == "digits/softmax/weights"
    assert len(digits["names"]["node"]) == digits["counts"]["node"] == found["nodes"]["digits"]["kept"]
    assert all(
        new == f"{handle}/{old}"
        for handle, log in found["renames"].items()
        for old, new in log["names"]["node"].items()
    )
    assert {"code", "severity", "where", "message", "hint"} == set(found["findings"][0])


def test_dry_run_tells_the_bytes(cli: Cli, tmp_path: Path) -> None:
    told = one_line(cli("merge", *PAIR, "--dry-run", "--json"))["bytes"]
    assert cli("merge", *QUICK, "-o", tmp_path / "out").code == 0
    written = sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert abs(written - told) < 4000  # the recipe and the index are not counted to the byte


# --- a merge that runs nothing ----------------------------------------------------------------------------------


def test_the_page(cli: Cli, tmp_path: Path) -> None:
    before = tree(SAMPLES)
    done = cli("merge", *QUICK, "-o", tmp_path / "out")
    assert done.code == 0
    assert done.err.splitlines() == ["writing the result …", "publishing …"]
    assert done.out.startswith(f"{tmp_path / 'out'}: unverified  ")
    assert "It was not run, as asked for." in done.out
    assert f"workbench run {tmp_path / 'out'}" in done.out
    assert "base64_input=base64url:@" in done.out
    assert '{"inputs": "<web-safe base64 of a PNG>"}' in done.out
    assert tree(SAMPLES) == before
    merged = open_model(tmp_path / "out")
    assert list(merged.meta.signatures["serving_default"].inputs) == ["base64_input"]
    assert [variable.nbytes for variable in merged.meta.variables] == [31360, 40]


def test_quiet_and_verbose(cli: Cli, tmp_path: Path) -> None:
    assert cli("merge", *QUICK, "-q", "-o", tmp_path / "a").err == ""
    loud = cli("merge", *QUICK, "-v", "-o", tmp_path / "b").err
    assert (
        "checking the checkpoints" in loud
        and "variables 0/" in loud
        and "info R5-scalar image_base64@base64_input: " in loud
    )


def test_as_data(cli: Cli, tmp_path: Path) -> None:
    found = one_line(cli("merge", *QUICK, "--json", "-o", tmp_path / "out"))
    assert found["path"] == str(tmp_path / "out")
    assert (found["verdict"], found["verification"]) == ("unverified", None)
    assert set(found["signature"]["outputs"]) == {"myOutput"}
    assert set(found["call"]) == {"shell", "python", "rest"}
    assert found["call"]["rest"]["path"] == "/v1/models/out:predict"


def test_a_terminal_of_80_columns(tmp_path: Path) -> None:
    """Nothing is wider but what is meant to be copied, and the talk stands before the page."""
    words = ("merge", IMAGE, DIGITS, "--wire", WIRE)
    said = in_a_terminal(tmp_path, *words, "--no-verify", "-o", "out", NO_COLOR="1")
    colour = re.compile(r"\x1b\[(\d+;)*3\d[;m]")
    assert "\x1b[1m" in said and not colour.search(said)
    lines = [line.rstrip() for line in plain(said).splitlines()]
    assert lines.index("publishing …") < next(at for at, line in enumerate(lines) if "unverified" in line)
    at = lines.index("Call it from a shell")
    assert max(map(len, lines[:at])) <= 80
    assert lines[at + 1].startswith("workbench run out")
    said = in_a_terminal(tmp_path, *words, "--dry-run")
    assert max(len(line.rstrip()) for line in plain(said).splitlines()) <= 80
    assert "\x1b[1m" in said  # headings are bold
    assert colour.search(said)


def in_a_terminal(folder: Path, *words: str | Path, **environment: str) -> str:
    """What a command writes to a terminal of 80 columns."""
    done = terminal(*words, env=environment, folder=folder, talk=True)
    assert done.code == 0, done.out
    return done.out


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


# --- flags of the result ----------------------------------------------------------------------------------------


def after(cli: Cli, *words: str | Path) -> dict[str, Any]:
    return one_line(cli("merge", *words, "--dry-run", "--json"))["after"]


def test_keep_outputs(cli: Cli) -> None:
    assert set(after(cli, *PAIR)["outputs"]) == {"myOutput"}
    assert set(after(cli, *PAIR, "--keep-outputs")["outputs"]) == {"myOutput", "pixels"}


def test_names_of_the_result(cli: Cli, tmp_path: Path) -> None:
    done = cli("merge", *QUICK, "--signature", "classify", "--tag-set", "serve,gpu", "-o", tmp_path / "out")
    assert done.code == 0
    assert "--signature classify" in done.out
    (meta,) = open_model(tmp_path / "out").meta_graphs
    assert set(meta.tags) == {"serve", "gpu"}
    assert "classify" in meta.signatures


def test_keep_signatures(cli: Cli, tmp_path: Path) -> None:
    assert cli("merge", *QUICK, "--keep-signatures", "-o", tmp_path / "out").code == 0
    meta = open_model(tmp_path / "out").meta
    assert len(meta.signatures) == 3
    assert set(meta.signatures["digits_serving_default"].inputs) == {"myInput"}


def test_freeze(cli: Cli, tmp_path: Path) -> None:
    assert cli("merge", *QUICK, "--freeze", "-o", tmp_path / "out").code == 0
    assert not open_model(tmp_path / "out").meta.variables


def test_handles(cli: Cli, tmp_path: Path) -> None:
    found = one_line(
        cli(
            "merge",
            f"img={IMAGE}",
            f"net={DIGITS}",
            "--wire",
            "img@pixels=net@myInput",
            "--dry-run",
            "--json",
        )
    )
    assert found["wires"][0]["from"] == "img@pixels"
    assert found["renames"]["net"]["names"]["node"]["myInput"] == "net/myInput"


def test_a_path_with_an_equals_sign_is_a_path(cli: Cli, tmp_path: Path) -> None:
    path = copy_of(DIGITS, tmp_path / "a=b")
    assert cli("merge", IMAGE, path, "--wire", WIRE, "--dry-run").code == 0


def test_the_same_model_twice_and_three_in_a_chain(cli: Cli, tmp_path: Path) -> None:
    done = cli("merge", *QUICK, "-o", tmp_path / "front")
    assert done.code == 0
    words = (f"a={tmp_path / 'front'}", f"b={tmp_path / 'front'}", f"c={IMAGE}")
    done = cli("merge", *words, "--wire", "a@myOutput=b@base64_input", "--dry-run")
    assert done.code == 1  # floats are no string
    assert "Output `myOutput` is float32 [?,10]; input `base64_input` takes string []" in done.err
    done = cli("merge", IMAGE, f"x={DIGITS}", f"y={DIGITS}", "--wire", "image_base64@pixels=x@myInput",
               "--wire", "image_base64@pixels=y@myInput", "--dry-run", "--json")  # fmt: skip
    assert set(one_line(done)["after"]["outputs"]) == {"myOutput", "y_myOutput"}


def test_versions(cli: Cli, tmp_path: Path) -> None:
    base = tmp_path / "base"
    for version in ("1", "2"):
        done = cli("merge", *QUICK, "--serving", "-o", base)
        assert done.code == 0
        assert done.out.startswith(f"{base / version}: ")
        assert "/v1/models/base:predict" in done.out
    looked = cli("inspect", base)
    assert looked.code == 0 and "version 2" in " ".join((looked.out + looked.err).split())


def test_a_recipe_gives_the_same_bytes(cli: Cli, tmp_path: Path) -> None:
    first = cli("merge", *QUICK, "-o", tmp_path / "one", "--save-recipe", tmp_path / "recipe.json")
    again = cli("merge", "--recipe", tmp_path / "recipe.json", "-o", tmp_path / "two", "--no-verify")
    assert (first.code, again.code) == (0, 0)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    recipe = json.loads((tmp_path / "recipe.json").read_text())
    assert not any(Path(source["path"]).is_absolute() for source in recipe["sources"])


# --- the calls --------------------------------------------------------------------------------------------------


def fits(body: Any, signature: Signature) -> None:
    """A REST request has the keys, the nesting and the kinds of values that the signature takes."""
    inputs = signature.inputs
    if "instances" in body:
        rows = body["instances"]
        columns = {
            key: [row[key] if isinstance(row, Mapping) and "b64" not in row else row for row in rows]
            for key in inputs
        }
    elif len(inputs) == 1:
        columns = {next(iter(inputs)): body["inputs"]}
    else:
        columns = body["inputs"]
    assert set(columns) == set(inputs)
    assert set(body) <= {"instances", "inputs", "signature_name"}
    for key, value in columns.items():
        sizes = []
        while isinstance(value, list):
            sizes.append(len(value))
            value = value[0]
        declared = inputs[key].shape
        assert declared is None or len(declared) == len(sizes)
        assert all(size in (None, got) for size, got in zip(declared or sizes, sizes, strict=True))
        dtype = dtypes.name(inputs[key].dtype)
        if dtype == "string":
            assert isinstance(value, str) or set(value) == {"b64"}
        elif dtype == "bool":
            assert isinstance(value, bool)
        elif value != "…":
            assert isinstance(value, int if "int" in dtype else int | float)


def test_a_request_for_a_large_input_is_short(tmp_path: Path) -> None:
    shape = Shape((None, 128, 128, 128, 1))
    nodes = [node("x", "Placeholder", dtype=1, shape=shape), node("y", "Tanh", "x", T=1)]
    model = open_model(
        write(tmp_path / "m", meta_graph(graph(*nodes), serving_default=({"x": "x:0"}, {"y": "y:0"})))
    )
    found = calling.how_to_call(tmp_path / "m", model.meta, model.meta.signature())
    assert found.rest == {"instances": [[[[["…"]]]]]}


CALLS: list[tuple[str, str | None]] = [
    ("v1_hash_table", None),
    ("v1_odd_keys", "sign/a:0"),
    ("v1_sparse_input", None),
    ("v1_ragged_input", None),
    ("tf2_image", None),
    ("tf2_examples", None),
    ("tf2_two_in_two_out", None),
    ("tf2_dtypes", None),
]
"""Models whose inputs are of all kinds, with the signature."""


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child() as child:
        yield child


@pytest.fixture(scope="module")
def calls(
    zoo: Callable[[str], Example], child: Child, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, calling.Call]]:
    """A folder with a result of each, and how each says it is called."""
    folder = tmp_path_factory.mktemp("calls")
    found = {}
    with contextlib.chdir(folder):
        for name, signature in CALLS:
            plan = Plan.join(m=zoo(name).path, wires=[])
            source = plan.sources[0]
            plan = Plan(
                (type(source)(source.handle, source.path, None, signature),),
                result=ResultOptions(prefix=True),
            )
            draft = apply(plan)
            report = commit(draft, name, child=child)
            assert report.published, (name, report.reason)
            found[name] = merge_page.MergePages(draft, calling.Needs()).call(report)
    return folder, found


@pytest.mark.needs_tf
@pytest.mark.parametrize("name", [name for name, _ in CALLS])
def test_the_shell_lines_run(
    calls: tuple[Path, dict[str, calling.Call]], child: Child, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a shell splits them; what writes a file runs in a shell, the last in this process and one TensorFlow."""
    folder, found = calls
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    text = "\n".join(found[name].shell)
    setup, _, command = text.rpartition("workbench run ")
    if setup:
        subprocess.run(["bash", "-c", setup], check=True)
    args = make_parser("run").parse_args(shlex.split(command.replace("\\\n", "")))
    model = open_model(args.model)
    signature = model.meta.signature(args.signature)
    values = parse_inputs(args.inputs, input_components(model.meta, signature))
    outputs = run_model(model, values, signature.key, child=child)
    assert set(outputs) >= {key for key, port in signature.outputs.items() if port.kind == "dense"}


@pytest.mark.needs_tf
@pytest.mark.exhaustive
def test_the_python_lines_run(calls: tuple[Path, dict[str, calling.Call]]) -> None:
    folder, found = calls
    with contextlib.chdir(folder):
        for name, how in found.items():
            with contextlib.redirect_stdout(io.StringIO()) as said:
                exec(compile("\n".join(how.python), name, "exec"), {})
            assert said.getvalue().startswith("{"), name


@pytest.mark.needs_tf
def test_the_rest_bodies_fit(calls: tuple[Path, dict[str, calling.Call]]) -> None:
    folder, found = calls
    asked = 0
    for name, how in found.items():
        assert how.rest_path == f"/v1/models/{name}:predict"
        if how.rest is None:
            assert how.rest_note and "gRPC" in how.rest_note
            continue
        fits(json.loads(json.dumps(how.rest)), open_model(folder / name).meta.signatures["serving_default"])
        asked += 1
    assert asked >= 4


@pytest.mark.needs_tf
def test_values_are_of_the_kind_the_verification_made(calls: tuple[Path, dict[str, calling.Call]]) -> None:
    _, found = calls
    words = "\n".join(found["v1_hash_table"].shell)
    known = {"ant", "bee", "cat", "dog", "eel", "fly", "gnu"}
    assert any(word in words for word in known), words
    assert "base64.b64decode" in "\n".join(found["tf2_examples"].shell)
    assert "sample-3.png" in "\n".join(found["tf2_image"].python)
    assert "workbench.run(" in found["v1_odd_keys"].python[-1]  # tf.saved_model.load can't


# --- a verified merge, whole ------------------------------------------------------------------------------------


@pytest.mark.needs_tf
def test_the_story(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Merged, verified, and called by the very lines that were printed."""
    shutil.copytree(SAMPLES, tmp_path / "sample_models")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(merge_page, "sample_models", lambda: tmp_path / "sample_models")
    done = cli("merge", "sample_models/image_base64", "sample_models/digits", "--wire", WIRE, "-o", "merged")
    assert done.code == 0
    assert done.out.startswith("merged: verified  ")
    assert "in v1 Session and tf.saved_model.load" in done.out
    assert "base64_input was made: " in done.out and "PNG" in done.out
    talk = done.err.splitlines()
    assert talk[-3:] == ["writing the result …", "loading and running the result …", "publishing …"]
    assert (tmp_path / "merged" / "assets.extra" / "workbench-proof.json").is_file()
    parts = done.out.split("\nCall it from a shell\n")[1].split("\nCall it from Python\n")
    shell, (python, rest) = parts[0], parts[1].split("\nCall it over REST (TensorFlow Serving)\n")
    assert "base64url:@sample_models/digits_png/sample-3.png" in shell  # shown short
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, env={**os.environ, "PATH": path}
    )
    assert ran.returncode == 0, ran.stderr
    assert "largest: [3]" in ran.stdout.replace("  ", " ")
    space: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(python, space)
    assert int(space["outputs"]["myOutput"].numpy().argmax()) == 3
    post, body = rest.splitlines()[:2]
    assert post == "POST /v1/models/merged:predict"
    fits(json.loads(body), open_model("merged").meta.signatures["serving_default"])


@pytest.mark.needs_tf
def test_given_inputs_and_json(cli: Cli, tmp_path: Path) -> None:
    value = f"base64_input=base64url:@{SAMPLES / 'digits_png' / 'sample-7.png'}"
    found = one_line(cli("merge", *PAIR, "--input", value, "--json", "-o", tmp_path / "out"))
    assert found["verdict"] == "verified"
    assert found["verification"]["inputs"]["samples"][0]["base64_input"] == {"dtype": "string", "shape": []}
    assert {each["status"] for each in found["verification"]["loaders"]} == {"equal"}


@pytest.mark.needs_tf
@pytest.mark.exhaustive
def test_what_disagrees_with_itself_is_not_published(
    zoo: Callable[[str], Example], cli: Cli, tmp_path: Path
) -> None:
    words = (zoo("v1_random").path, zoo("v1_simple_save").path, "--wire", "y=x", "-o", tmp_path / "out")
    found = one_line(cli("merge", *words, "--json"))
    assert (found["path"], found["verdict"]) == (None, "inconclusive")
    assert "disagree" in found["reason"] and "call" not in found
    assert not list(tmp_path.iterdir())


@pytest.mark.needs_tf
def test_what_touches_files_is_run_only_when_allowed(
    zoo: Callable[[str], Example], child: Child, cli: Cli, tmp_path: Path
) -> None:
    words = (zoo("v1_reads_file").path, zoo("v1_simple_save").path, "--wire", "y=x")
    done = cli("merge", *words, "-o", tmp_path / "out")
    assert done.code == 1
    assert "Not published: not run" in done.out and "ReadFile" in done.out and "--allow-unsafe" in done.out
    assert not list(tmp_path.iterdir())
    plan = Plan.join(a=words[0], b=words[1], wires=["y=x"])
    report = commit(apply(plan), tmp_path / "out", proving=Proving(allow_unsafe=True), child=child)
    assert report.verdict == "verified"


def test_call_lines_have_what_the_model_needs(tmp_path: Path) -> None:
    nodes = [node("x", "Placeholder", dtype=1, shape=Shape((None, 2))), node("y", "Tanh", "x", T=1)]
    model = open_model(
        write(tmp_path / "m", meta_graph(graph(*nodes), serving_default=({"x": "x:0"}, {"y": "y:0"})))
    )
    needs = calling.Needs(True, ("tensorflow_text",), ("ops.so",), "/other/python")
    found = calling.how_to_call(model.path, model.meta, model.meta.signature(), needs=needs)
    args = make_parser("run").parse_args(shlex.split("\n".join(found.shell).replace("\\\n", ""))[2:])
    assert (args.allow_unsafe, args.imports, args.op_libraries, args.python) == (
        True, ["tensorflow_text"], ["ops.so"], "/other/python",
    )  # fmt: skip
    lines = list(found.python)
    assert lines.index("import tensorflow as tf") < lines.index("import tensorflow_text  # its custom ops")
    assert lines.index("tf.load_op_library('ops.so')") < next(
        at for at, line in enumerate(lines) if "saved_model.load" in line
    )
    only_v1 = calling.how_to_call(model.path, model.meta, model.meta.signature(), loads=False, needs=needs)
    assert "allow_unsafe=True, imports=['tensorflow_text']" in only_v1.python[-1]


def test_call_lines_name_the_tag_set_of_one_of_several(tmp_path: Path) -> None:
    nodes = [node("x", "Placeholder", dtype=1, shape=Shape((None, 2))), node("y", "Tanh", "x", T=1)]
    meta = meta_graph(graph(*nodes), serving_default=({"x": "x:0"}, {"y": "y:0"}))
    meta.meta_info_def.tags[:] = ["a", "b"]
    model = open_model(write(tmp_path / "m", meta))
    for several, flag in ((True, "a,b"), (False, None)):
        needs = calling.needs_of(model.meta, "serving_default", allowed=False, verified=True, several=several)
        found = calling.how_to_call(model.path, model.meta, model.meta.signature(), needs=needs)
        args = make_parser("run").parse_args(shlex.split("\n".join(found.shell).replace("\\\n", ""))[2:])
        assert args.tag_set == flag
        assert ("tags=['a', 'b'])" in "\n".join(found.python)) == several
        only_v1 = calling.how_to_call(
            model.path, model.meta, model.meta.signature(), loads=False, needs=needs
        )
        assert ("tags='a,b'" in only_v1.python[-1]) == several


def test_a_result_that_reaches_unsafe_ops_says_how_it_is_run(cli: Cli, tmp_path: Path) -> None:
    reads = [
        node("name", "Placeholder", dtype=7, shape=Shape(())),
        node("data", "ReadFile", "name"),
        node("number", "StringToNumber", "data", out_type=1),
    ]
    meta = meta_graph(graph(*reads), serving_default=({"x": "name:0"}, {"y": "number:0"}))
    for key, dtype in (("inputs", 7), ("outputs", 1)):
        next(iter(getattr(meta.signature_def["serving_default"], key).values())).dtype = dtype
    after = [node("a", "Placeholder", dtype=1, shape=Shape(())), node("b", "Tanh", "a", T=1)]
    source = write(tmp_path / "reads", meta)
    target = write(
        tmp_path / "after", meta_graph(graph(*after), serving_default=({"a": "a:0"}, {"b": "b:0"}))
    )
    done = cli("merge", source, target, "--wire", "y=a", "--no-verify", "-o", tmp_path / "out")
    assert done.code == 0 and "--allow-unsafe" in done.out
    done = cli("merge", *QUICK, "-o", tmp_path / "safe")
    assert done.code == 0 and "--allow-unsafe" not in done.out
