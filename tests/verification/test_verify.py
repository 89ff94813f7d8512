"""Proven again by TensorFlow: results of every kind, two models, many samples; and what is not equal is seen."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.tools import call, edit, tree
from tests.surgery.test_inside_calls import find_op
from tests.surgery.tiny import Tiny, doubler, plan
from tests.surgery.tools import changed, flattened, frozen
from workbench import Plan, Proof, Proving, apply, verify
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.runtime.child_process.child import Child
from workbench.surgery.draft import Draft
from workbench.surgery.operations.signature import ChangeSignature

SAME = "byte for byte what the recipe makes"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered of other tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def story(sample_models: Path, tmp_path: Path) -> Path:
    """The sample models joined, not run."""
    made = Plan.join(
        img=sample_models / "image_base64", net=sample_models / "digits", wires=["pixels=myInput"]
    )
    return published(made, tmp_path / "merged")


@pytest.fixture
def check(child: Child, sample_models: Path) -> Callable[..., Proof]:
    """`verify` in the child that all tests share."""

    def run(result: Path, sources: Any = None, **options: Any) -> Proof:
        return verify(result, sources, child=child, **options)

    return run


def published(made: Plan | Draft, target: Path) -> Path:
    report = (
        commit(made, target, verify=False)
        if isinstance(made, Draft)
        else commit(apply(made), target, verify=False)
    )
    assert report.path is not None
    return report.path


def test_a_result_is_proven_again_and_nothing_is_written(
    story: Path, sample_models: Path, check: Callable[..., Proof]
) -> None:
    before = tree(story.parent)
    places = {"img": sample_models / "image_base64", "net": sample_models / "digits"}
    found = check(story, places)
    assert found.ok, found.reason
    assert SAME in found.notes[0]
    assert {check.loader for check in found.signatures["serving_default"].outputs} == {"v1", "v2"}
    assert tree(story.parent) == before
    json.dumps(found.as_json())


def test_a_result_that_computes_something_else_is_seen(
    story: Path, sample_models: Path, check: Callable[..., Proof]
) -> None:
    def negate(message: Any) -> None:
        (softmax,) = [node for node in message.meta_graphs[0].graph_def.node if node.op == "Softmax"]
        softmax.op = "LogSoftmax"

    edit(story, negate)
    found = check(story, {"img": sample_models / "image_base64", "net": sample_models / "digits"})
    assert found.verdict == "differs" and "myOutput" in found.reason
    assert SAME not in found.notes[0]


def test_a_result_whose_signature_is_gone(
    story: Path, sample_models: Path, check: Callable[..., Proof]
) -> None:
    edit(story, lambda message: message.meta_graphs[0].signature_def.pop("serving_default"))
    found = check(story, {"img": sample_models / "image_base64", "net": sample_models / "digits"})
    assert found.verdict == "differs" and "no signature" in found.reason


EDITS: list[Callable[[Any], Draft]] = [
    frozen,
    flattened,
    lambda model: changed(model, ChangeSignature(rename={"serving_default": "predict"})),
]


@pytest.mark.parametrize("change", EDITS, ids=["freeze", "flatten", "signature"])
def test_an_edit_is_proven_again(
    change: Callable[[Any], Draft], sample_models: Path, tmp_path: Path, check: Callable[..., Proof]
) -> None:
    source = sample_models / "digits_tf2"
    found = check(published(change(open_model(source)), tmp_path / "edited"), {"digits_tf2": source})
    assert found.ok, found.reason
    assert "the original" in found.reason


def test_a_chain_whose_middle_is_gone(tmp_path: Path, check: Callable[..., Proof]) -> None:
    a, b = doubler(tmp_path / "a").save(), doubler(tmp_path / "b").const("unused", 1.0).save()
    first = published(plan(a, b), tmp_path / "first")
    second = published(plan(first, b), tmp_path / "second")
    shutil.rmtree(first)
    found = check(second)
    assert found.ok, found.reason
    assert [one.handle for one in found.sources if one.made_again] == ["a"]
    assert any("Made again" in note for note in found.notes)


def test_wires_inside_calls(sample_models: Path, tmp_path: Path, check: Callable[..., Proof]) -> None:
    """The reference needs a copy of the source in which the calls are opened."""
    source = sample_models / "digits_tf2"
    place = find_op(open_model(source).meta, "MatMul")
    after = Tiny(tmp_path / "after").placeholder(shape=(None, 10)).node("y", "Tanh", "x", T="float32")
    ends = {name: (f"{name[0]}:0", "float32", (None, 10)) for name in ("x_in", "y_out")}
    last = after.signature(**ends).save()
    result = published(plan(source, last, f"{place} = x"), tmp_path / "joined")
    found = check(result, {"a": source, "b": last})
    assert found.ok, found.reason


def scaled(folder: Path, factor: float, shape: Any = (None, 4)) -> Path:
    """`x` → `y` = x · factor, `z` = x + x."""
    made = Tiny(folder).placeholder(shape=shape).const("k", factor).node("y", "Mul", "x", "k", T="float32")
    made.node("z", "AddV2", "x", "x", T="float32")
    ends = {name: (f"{name[0]}:0", "float32", shape) for name in ("x_in", "y_out", "z_out")}
    return made.signature(**ends).save()


def test_many_samples_and_the_worst_of_them(tmp_path: Path, check: Callable[..., Proof]) -> None:
    one, other = scaled(tmp_path / "one", 1.0), scaled(tmp_path / "other", 1.0 + 3e-6)
    requests = np.ones((40, 4), np.float32)
    requests[27] = 8.0
    samples = tuple({"x": row[None]} for row in requests)
    found = check(one, against=other, proving=Proving(inputs=samples))
    assert found.ok, found.reason
    assert "on 40 given samples and" in found.reason
    checks = found.signatures["serving_default"].outputs
    assert {(check.output, check.sample) for check in checks if check.output == "y"} == {("y", 27)}
    assert found.signatures["serving_default"].as_json()["inputs"]["given"] == 40
    strict = check(one, against=other, proving=Proving(inputs=samples, tolerance=1e-9))
    assert strict.verdict == "differs" and "output y" in strict.reason


def test_two_models(sample_models: Path, tmp_path: Path, check: Callable[..., Proof]) -> None:
    found = check(sample_models / "digits_tf2", against=sample_models / "digits")
    assert found.ok, found.reason
    assert str(sample_models / "digits") in found.reason
    narrow = scaled(tmp_path / "narrow", 2.0, shape=(3, 4))
    found = check(narrow, against=scaled(tmp_path / "wide", 2.0))
    assert found.ok, "inputs are made so that both take them"
    assert any("[3,4] here and [?,4] there" in note for note in found.notes)
    assert check(scaled(tmp_path / "again", 2.0), against=narrow).ok
    found = check(narrow, against=scaled(tmp_path / "off", 2.5))
    assert found.verdict == "differs" and "output y" in found.reason


def test_a_graphdef_against_the_model_it_was_frozen_from(
    sample_models: Path, tmp_path: Path, check: Callable[..., Proof]
) -> None:
    made = frozen(open_model(sample_models / "digits"))
    file = tmp_path / "frozen.pb"
    file.write_bytes(made.meta.graph.SerializeToString())
    source = published(made, tmp_path / "frozen")
    found = check(file, against=source)
    assert found.ok, found.reason
    assert [one.loader for one in found.signatures["serving_default"].loaders] == ["v1"]


def test_signatures_that_can_not_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Known without running anything."""
    one, other = scaled(tmp_path / "one", 1.0), doubler(tmp_path / "other").save()
    done = call(capsys, "verify", one, "--against", other, "--python", "/no/such/python")
    assert done.code == 1 and "output z only here" in done.out
    ints = Tiny(tmp_path / "ints").placeholder(dtype="int32").node("y", "AddV2", "x", "x", T="int32")
    ints.signature(x_in=("x:0", "int32", (None, 4)), y_out=("y:0", "int32", (None, 4))).save()
    done = call(capsys, "verify", tmp_path / "ints", "--against", other, "--json")
    assert (done.code, json.loads(done.out)["verdict"]) == (1, "differs")
    assert "input x is int32 here and float32 there" in json.loads(done.out)["reason"]


def test_usage(story: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, told in (
        ((story, "--signature", "x"), "--signature needs --against"),
        ((story, "--against", story, "--source", "a=b"), "--source and --against exclude each other"),
        ((story, "--source", "a"), "write HANDLE=DIR"),
        ((story, "--no-verify"), "does not know"),
    ):
        done = call(capsys, "verify", *words)
        assert done.code == 2 and told in done.err, done


@pytest.mark.needs_tf
def test_the_command_line(
    story: Path,
    sample_models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A fresh process of its own; the sources are beside the result."""
    for name in ("image_base64", "digits"):
        shutil.copytree(sample_models / name, tmp_path / name)
    import base64

    png = (sample_models / "digits_png" / "sample-3.png").read_bytes()
    words = np.array([base64.urlsafe_b64encode(png)] * 20)
    np.savez(tmp_path / "requests.npz", base64_input=words)
    done = call(capsys, "verify", story, "--input", f"@{tmp_path / 'requests.npz'}")
    assert done.code == 0, done
    assert "20 given samples and" in done.out and f"{tmp_path / 'digits'}" in done.out
    assert "tensorflow" in done.out
