"""Default: an input that may be left out; other signatures keep their nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.surgery.test_set import two
from tests.surgery.tiny import Tiny
from tests.surgery.tools import Refused, changed, codes, made
from workbench.disk import tensor_proto
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.publishing.reference import chain
from workbench.runtime.chain import FromInput, MadeSamples, SampleSource
from workbench.runtime.child_process.child import Child
from workbench.surgery.operations.default import Default
from workbench.surgery.operations.set import Set
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.step import parse_step

ONES = [[1.0, 2.0, 3.0, 4.0]]


def test_the_placeholder_gets_a_default(tmp_path: Path) -> None:
    draft = made(open_model(two(tmp_path / "m").save()), parse_step("default input=z value=[[1,2,3,4]]"))
    signature, node = draft.meta.signatures["serving_default"], draft.meta.nodes["z"]
    assert list(signature.inputs) == ["x", "z"] and signature.inputs["z"].tensor == "z:0"
    assert (node.op, list(node.input)) == ("PlaceholderWithDefault", ["default_1/value"])
    assert [one.size for one in node.attr["shape"].shape.dim] == [-1, 4]
    assert signature.inputs["z"].default is not None
    assert tensor_proto.to_array(signature.inputs["z"].default).tolist() == ONES  # type: ignore[union-attr]
    (stage,) = chain(draft, "serving_default").stages
    fed = stage.feeds["z:0"]
    assert isinstance(fed, FromInput) and fed.default is not None and fed.default.tolist() == ONES


def test_another_signature_still_asks_for_it(tmp_path: Path) -> None:
    model = two(tmp_path / "m")
    model.meta.signature_def["other"].CopyFrom(model.meta.signature_def["serving_default"])
    draft = made(open_model(model.save()), Default("z", ONES, "serving_default"))
    assert draft.meta.nodes["z"].op == "Placeholder"
    assert draft.meta.nodes["default_1/input"].op == "PlaceholderWithDefault"
    assert list(draft.meta.nodes["default_1/copy/y"].input) == ["x", "default_1/input"]
    assert draft.meta.signatures["serving_default"].inputs["z"].tensor == "default_1/input:0"
    assert draft.meta.signatures["other"].inputs["z"].default is None


def test_an_input_that_is_no_placeholder(tmp_path: Path) -> None:
    model = Tiny(tmp_path / "m").placeholder().node("in", "Identity", "x", T="float32")
    model.node("y", "AddV2", "in", "in", T="float32").signature(x_in="in:0", y_out="y:0")
    draft = made(open_model(model.save()), Default("x", ONES))
    assert list(draft.meta.nodes["y"].input) == ["default_1/input", "default_1/input"]


def test_later_steps_keep_or_replace_it(tmp_path: Path) -> None:
    model = open_model(two(tmp_path / "m").save())
    draft = made(
        model, Default("z", ONES), Default("z", [[0.0] * 4]), ChangeSignature(rename_inputs={"z": "w"})
    )
    reference = draft.references["serving_default"]
    assert list(reference.defaults) == ["w"] and reference.defaults["w"].tolist() == [[0.0] * 4]
    assert list(draft.meta.nodes["z"].input) == ["default_2/value"]
    draft = made(model, Default("z", ONES), Set("z", ONES))
    assert not draft.references["serving_default"].defaults
    assert not draft.meta.proto.signature_def["serving_default"].defaults


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Default("w", 1.0), "signature-input"),
        (Default("z", "a"), "R3-dtype"),
        (Default("z", [1.0]), "R4-shape"),
    ],
)
def test_what_can_not_be_a_default(tmp_path: Path, step: Default, code: str) -> None:
    found = changed(open_model(two(tmp_path / "m").save()), step)
    assert isinstance(found, Refused) and codes(found.findings) == [code]


def test_a_sample_without_the_input_is_run_too() -> None:
    one, zero = {"x": np.ones(1), "z": np.ones(2)}, {"x": np.zeros(1), "z": np.zeros(2)}
    source = SampleSource((one, zero), lambda variant: MadeSamples((zero,)) if variant == 0 else None)
    found = source.also_without({"z"})
    assert [list(sample) for sample in found.given] == [["x", "z"], ["x", "z"], ["x"]]
    assert found.make is not None and found.make(1) is None
    again = found.make(0)
    assert again is not None and [list(sample) for sample in again.samples] == [["x", "z"], ["x"]]


@pytest.mark.needs_tf
@pytest.mark.parametrize("name", ["v1_two_in_two_out", "tf2_two_in_two_out"])
def test_it_is_verified_with_and_without_the_input(name: str, zoo: Any, tmp_path: Path, child: Child) -> None:
    model = open_model(zoo(name).path)
    signature = model.meta.signature()
    key = sorted(signature.inputs)[-1]
    size = [one or 2 for one in signature.inputs[key].shape or ()]
    draft = made(
        model,
        Default(key, np.full(size, 0.5).tolist(), as_key="more"),
        Default(key, np.full(size, 0.5).tolist()),
    )
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    assert report.verification is not None
    assert {loader.loader for loader in report.verification.loaders} == {"v1", "v2"}
    assert any(key not in sample for sample in report.verification.samples)
    assert list(report.others) == ["serving_default"] and open_model(tmp_path / "out").meta.signatures["more"]
    # a default that is not what the signature says is noticed
    draft = made(model, Default(key, np.full(size, 0.5).tolist()))
    (constant,) = [node for node in draft.meta.graph.node if node.name == "default_1/value"]
    constant.attr["value"].tensor.tensor_content = np.full(size, 0.25, np.float32).tobytes()
    draft.__dict__.pop("parts_of_message")
    wrong = commit(draft, tmp_path / "wrong", child=child)
    assert wrong.verdict == "differs", wrong.reason
