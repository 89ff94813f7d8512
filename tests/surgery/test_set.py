"""Set: a constant for an input, which is gone; other signatures keep their nodes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.surgery.tiny import Tiny, doubler
from tests.surgery.tools import Refused, changed, codes, made
from workbench.describe.actions import words
from workbench.errors import InputError
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.publishing.reference import chain, depends
from workbench.runtime.chain import FromConstant
from workbench.runtime.child_process.child import Child
from workbench.surgery.operations.set import Set
from workbench.surgery.step import parse_step


def two(folder: Path) -> Tiny:
    """`y = x + z`, and a signature `other` of the same nodes."""
    model = Tiny(folder).placeholder().placeholder("z").node("y", "AddV2", "x", "z", T="float32")
    return model.signature(x_in="x:0", z_in="z:0", y_out="y:0")


def test_a_constant_takes_the_place_of_the_input(tmp_path: Path) -> None:
    draft = made(open_model(two(tmp_path / "m").save()), parse_step("set input=z value=[[1,2,3,4]]"))
    signature = draft.meta.signatures["serving_default"]
    assert list(signature.inputs) == ["x"] and signature.outputs["y"].tensor == "y:0"
    assert list(draft.meta.nodes["y"].input) == ["x", "set_1/value"]
    assert "z" in draft.meta.nodes, "nothing is pruned"
    value = draft.meta.nodes["set_1/value"].attr["value"].tensor
    assert np.frombuffer(value.tensor_content, "float32").tolist() == [1, 2, 3, 4]
    (stage,) = chain(draft, "serving_default").stages
    fed = stage.feeds["z:0"]
    assert isinstance(fed, FromConstant) and fed.value.tolist() == [[1, 2, 3, 4]]
    assert depends(draft, "serving_default") == {"y": True}


def test_nodes_of_another_signature_are_copied(tmp_path: Path) -> None:
    model = two(tmp_path / "m")
    model.meta.signature_def["other"].CopyFrom(model.meta.signature_def["serving_default"])
    draft = made(open_model(model.save()), Set("z", [[1.0] * 4], "serving_default"))
    assert list(draft.meta.nodes["y"].input) == ["x", "z"]
    assert list(draft.meta.nodes["set_1/copy/y"].input) == ["x", "set_1/value"]
    assert draft.meta.signatures["serving_default"].outputs["y"].tensor == "set_1/copy/y:0"
    assert sorted(draft.meta.signatures["other"].inputs) == ["x", "z"]


def test_a_new_signature_leaves_the_other(tmp_path: Path) -> None:
    draft = made(open_model(two(tmp_path / "m").save()), Set("z", [[1.0] * 4], as_key="fixed"))
    signatures = draft.meta.signatures
    assert sorted(signatures["serving_default"].inputs) == ["x", "z"] and list(
        signatures["fixed"].inputs
    ) == ["x"]
    assert signatures["fixed"].outputs["y"].tensor == "set_1/copy/y:0"
    assert list(draft.references) == ["fixed"]
    taken = changed(open_model(two(tmp_path / "n").save()), Set("z", [[1.0] * 4], as_key="serving_default"))
    assert isinstance(taken, Refused) and codes(taken.findings) == ["signature-taken"]


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Set("w", 1.0), "signature-input"),
        (Set("z", "one"), "R3-dtype"),
        (Set("z", True), "R3-dtype"),
        (Set("z", [[1.0], [1.0, 2.0]]), "R3-dtype"),
        (Set("z", [1.0, 2.0]), "R4-shape"),
        (Set("z", [1.0], "nope"), "R1-signature"),
    ],
)
def test_what_can_not_be_set(tmp_path: Path, step: Set, code: str) -> None:
    found = changed(open_model(two(tmp_path / "m").save()), step)
    assert isinstance(found, Refused) and codes(found.findings) == [code]


@pytest.mark.parametrize("name", ["set", "default"])
def test_two_inputs_of_one_tensor(tmp_path: Path, name: str) -> None:
    path = two(tmp_path / "m").signature(x_in="x:0", z_in="z:0", k_in="z:0", y_out="y:0").save()
    step = f"{name} input=z value=[[1,2,3,4]]"
    found = changed(open_model(path), parse_step(step))
    assert isinstance(found, Refused) and codes(found.findings) == ["signature-input"]
    assert found.findings[0].message == "Input 'k' feeds the same tensor as 'z', z:0."
    draft = made(open_model(path), parse_step("signature drop_inputs=k"), parse_step(step))
    assert "k" not in draft.meta.signatures["serving_default"].inputs


def test_one_of_several_signatures_has_to_be_chosen(tmp_path: Path) -> None:
    model = two(tmp_path / "m")
    for key in ("one", "other"):
        model.meta.signature_def[key].CopyFrom(model.meta.signature_def["serving_default"])
    del model.meta.signature_def["serving_default"]
    found = changed(open_model(model.save()), Set("z", [[1.0] * 4]))
    assert isinstance(found, Refused)
    (hint,) = [one.hint for one in found.findings]
    assert words(hint, "command line") == "Choose one: use --signature KEY."
    assert words(hint, "terminal UI") == "Choose one: set signature=KEY in the step."


def test_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("z.npy", np.float32([[3.0] * 4]))
    model = open_model(two(tmp_path / "m").save())
    draft = made(model, parse_step("set input=z value=@z.npy"))
    assert draft.references["serving_default"].constants[0][1].tolist() == [[3.0] * 4]
    with pytest.raises(InputError, match="nope"):
        made(model, Set("z", "@nope.npy"))
    os.mkfifo("pipe.npy")
    with pytest.raises(InputError, match="not a regular file"):
        made(model, Set("z", "@pipe.npy"))


@pytest.mark.needs_tf
@pytest.mark.parametrize("name", ["v1_two_in_two_out", "tf2_two_in_two_out"])
def test_it_is_verified(name: str, zoo: Any, tmp_path: Path, child: Child) -> None:
    model = open_model(zoo(name).path)
    signature = model.meta.signature()
    key = sorted(signature.inputs)[-1]
    size = [one or 2 for one in signature.inputs[key].shape or ()]
    draft = made(model, Set(key, np.ones(size).tolist(), as_key="fixed"), Set(key, np.ones(size).tolist()))
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    signatures = open_model(tmp_path / "out").meta.signatures
    assert key not in signatures["serving_default"].inputs and key not in signatures["fixed"].inputs


def test_the_only_input(tmp_path: Path) -> None:
    draft = made(open_model(doubler(tmp_path / "m").save()), Set("x", [[1.0] * 4]))
    assert not draft.meta.signatures["serving_default"].inputs
