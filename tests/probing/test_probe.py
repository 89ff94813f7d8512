"""Values on the way, as TensorFlow gives them: in graphs, inside calls, in loops."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench as wb
from tests.cli.json_shapes import check_keys
from tests.cli.tools import call
from tests.zoo import Example
from workbench.runtime.child_process.child import Child

pytestmark = pytest.mark.needs_tf
Zoo = Callable[[str], Example]


def test_every_step_of_the_digits(sample_models: Path, child: Child) -> None:
    image = np.linspace(0, 1, 784, dtype=np.float32).reshape(1, 784)
    found = wb.probe(sample_models / "digits", inputs={"myInput": image}, arrays=True, child=child)
    assert [one.op for one in found.tensors] == ["Placeholder", "MatMul", "AddV2", "Softmax"]
    bundle = wb.open_model(sample_models / "digits").bundle
    assert bundle is not None
    weights, bias = bundle.array("softmax/weights"), bundle.array("softmax/bias")
    np.testing.assert_allclose(found["MatMul"].array, image @ weights, rtol=1e-4)
    np.testing.assert_allclose(found["add:0"].array, image @ weights + bias, rtol=1e-4)
    np.testing.assert_array_equal(found["myOutput"].array, found.outputs["myOutput"])
    assert found.notes == () and found.made == {}


def test_inside_calls_of_the_merged_sample(sample_models: Path, child: Child, tmp_path: Path) -> None:
    """The bytes of a picture, its pixels, and at the boundary the numbers that the classifier gets."""
    plan = wb.Plan.join(
        image=sample_models / "image_base64_tf2", net=sample_models / "digits_tf2", wires="pixels=myInput"
    )
    wb.commit(wb.apply(plan), tmp_path / "merged", verify=False)
    found = wb.probe(tmp_path / "merged", arrays=True, child=child)
    assert found.made and "PNG" in next(iter(found.made.values()))
    ops = [one.op for one in found.tensors]
    assert ops.index("DecodeBase64") < ops.index("DecodePng") < ops.index("MatMul") < ops.index("Softmax")
    picture = next(one for one in found.tensors if one.op == "DecodePng")
    assert "::" in picture.address and picture.dtype == "uint8"
    probabilities = next(one for one in found.tensors if one.op == "Softmax").array
    np.testing.assert_array_equal(probabilities, next(iter(found.outputs.values())))


def test_all_iterations_of_a_loop(zoo: Zoo, child: Child) -> None:
    """`tanh(value + bias)` twice in each of three rounds of the outer loop."""
    model = wb.open_model(zoo("tf2_while").path)
    x = np.array([[0.1, -0.2, 0.3, 0.4]], np.float32)
    whole = wb.probe(model, inputs={"x": x}, child=child)
    inner = next(one.address for one in whole.tensors if one.op == "Tanh")
    outer = inner.partition("[body]")[0]
    assert model.bundle is not None
    (key,) = (one for one in sorted(model.bundle.keys()) if one.startswith("bias"))
    bias, rounds = model.bundle.array(key), []
    value = x
    for _ in range(3):
        pair = []
        for _ in range(2):
            value = np.tanh(value + bias)
            pair.append(value)
        rounds.append(pair)
    found = wb.probe(model, [inner], inputs={"x": x}, child=child)
    assert found[inner].shape == (1, 4) and found[inner].runs == 6
    np.testing.assert_allclose(found[inner].array, np.array(rounds), rtol=1e-5)
    indices = [one.index for one in found[inner].iterations]
    assert indices == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    with pytest.raises(wb.UnknownName) as caught:
        wb.probe(model, [f"{outer}[body]::nothing"], child=child)
    assert "nothing" in str(caught.value)


def test_first_nan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.surgery.tiny import Tiny

    made = (
        Tiny(tmp_path / "m")
        .placeholder()
        .node("log", "Log", "x", T="float32")
        .node("y", "Neg", "log", T="float32")
    )
    path = made.signature(x_in="x:0", y_out="y:0").save()
    done = call(capsys, "probe", path, "--input", "x=[[1,-1,2,3]]", "--first-nan")
    assert done.code == 1 and done.out.startswith("log:0") and "1 NaN" in done.out
    done = call(capsys, "probe", path, "--input", "x=[[1,1,2,3]]", "--first-nan")
    assert done.code == 0 and "No NaN and no infinity in 3 tensors." in done.out


def test_the_command(sample_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "probe", sample_models / "digits", "add", "--json", "--npz", tmp_path / "v.npz")
    assert done.code == 0, done.err
    data: dict[str, Any] = json.loads(done.out)
    check_keys("probe", 0, data)
    assert [one["tensor"] for one in data["tensors"]] == ["add"] and data["tensors"][0]["op"] == "AddV2"
    assert data["made"] == {"myInput": "[1,784] numbers 0 to 1"}
    assert np.load(tmp_path / "v.npz")["add"].shape == (1, 10)
    done = call(capsys, "probe", sample_models / "digits", "ad")
    assert done.code == 2 and "'ad'" in done.err
