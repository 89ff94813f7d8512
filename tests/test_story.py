"""The story the project grew from: ten PNGs through the merged sample models, the same in every loader there is."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench as wb
from tests.forking.client import FORKING, SAVED_MODEL_CLI
from tests.sampling import plainly
from workbench.publishing.commit import commit
from workbench.runtime.child_process.child import Child

pytestmark = pytest.mark.needs_tf
PAIRS = [("image_base64", "digits"), ("image_base64_tf2", "digits_tf2"), ("image_base64_tf2", "digits")]
RIGHT = 9  # of ten; sample-9.png is read as a 3, by the source models as well


@pytest.fixture(
    scope="module",
    params=plainly([(pair,) for pair in PAIRS], *[(pair,) for pair in PAIRS[:2]]),
    ids="+".join,
)
def merged(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    sample_models: Path,
    _shared_child: Child,
) -> Path:
    image, digits = request.param
    plan = wb.Plan.join(sample_models / image, sample_models / digits, wires=["pixels=myInput"])
    report = commit(wb.apply(plan), tmp_path_factory.mktemp("story") / "merged", child=_shared_child.start())
    assert report.verdict == "verified", report.reason
    assert report.path is not None
    return report.path


@pytest.fixture(scope="module")
def digits(sample_models: Path) -> list[bytes]:
    """The ten PNGs as a client sends them."""
    files = [sample_models / "digits_png" / f"sample-{label}.png" for label in range(10)]
    return [base64.urlsafe_b64encode(file.read_bytes()) for file in files]


@pytest.fixture(scope="module")
def expected(sample_models: Path, digits: list[bytes]) -> np.ndarray:
    """The two sources one after the other, each loaded by TensorFlow alone."""
    import tensorflow as tf

    image = tf.saved_model.load(str(sample_models / "image_base64")).signatures["serving_default"]
    net = tf.saved_model.load(str(sample_models / "digits")).signatures["serving_default"]
    rows = [
        net(myInput=image(base64_input=tf.constant(text))["pixels"])["myOutput"].numpy() for text in digits
    ]
    return np.concatenate(rows)


def test_nine_of_ten_are_read_right(expected: np.ndarray) -> None:
    assert int((expected.argmax(axis=1) == np.arange(10)).sum()) == RIGHT


def test_saved_model_load(merged: Path, digits: list[bytes], expected: np.ndarray) -> None:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(merged))
    call = loaded.signatures["serving_default"]
    got = [call(base64_input=tf.constant(text))["myOutput"].numpy() for text in digits]
    np.testing.assert_allclose(np.concatenate(got), expected, rtol=1e-5, atol=1e-7)
    assert sorted(variable.shape.as_list() for variable in loaded.variables) == [[10], [784, 10]]
    assert len(loaded.trainable_variables) == 2
    got = [loaded(tf.constant(text)).numpy() for text in digits]
    np.testing.assert_allclose(np.concatenate(got), expected, rtol=1e-5, atol=1e-7)


def test_v1_session(merged: Path, digits: list[bytes], expected: np.ndarray) -> None:
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(merged))
        signature = meta.signature_def["serving_default"]
        fetch, feed = signature.outputs["myOutput"].name, signature.inputs["base64_input"].name
        got = [session.run(fetch, {feed: text}) for text in digits]
        assert len(tf.compat.v1.global_variables()) == 2
    np.testing.assert_allclose(np.concatenate(got), expected, rtol=1e-5, atol=1e-7)


def test_tfsm_layer(merged: Path, digits: list[bytes], expected: np.ndarray) -> None:
    import keras
    import tensorflow as tf

    layer = keras.layers.TFSMLayer(str(merged), call_endpoint="serving_default")
    got = [layer(tf.constant(text))["myOutput"].numpy() for text in digits]
    np.testing.assert_allclose(np.concatenate(got), expected, rtol=1e-5, atol=1e-7)
    assert len(layer.weights) == 2
    assert len(layer.trainable_weights) == 2


def test_workbench_run(merged: Path, digits: list[bytes], expected: np.ndarray, child: Child) -> None:
    got = [wb.run(merged, {"base64_input": text}, child=child)["myOutput"] for text in digits]
    np.testing.assert_allclose(np.concatenate(got), expected, rtol=1e-5, atol=1e-7)


def test_saved_model_cli(merged: Path, digits: list[bytes], expected: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", base64_input=np.array(digits[3]))
    words = ["run", "--dir", str(merged), "--tag_set", "serve", "--signature_def", "serving_default"]
    words += ["--outdir", str(tmp_path), "--inputs", f"base64_input={tmp_path / 'in.npz'}[base64_input]"]
    done = FORKING.program(SAVED_MODEL_CLI, *words)
    assert done.returncode == 0, done.stderr[-2000:]
    np.testing.assert_allclose(np.load(tmp_path / "myOutput.npy"), expected[3:4], rtol=1e-5, atol=1e-7)


FRONT = "decode-base64 | decode-image channels=1 | resize 28 28 | scale 1/255 | flatten"


@pytest.fixture(scope="module", params=plainly(["digits", "digits_tf2"], "digits_tf2"))
def adapted(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    sample_models: Path,
    _shared_child: Child,
) -> Path:
    """The same service without a model for the pictures: one line of the README."""
    plan = wb.Plan.edit(sample_models / request.param, wb.Adapt(before={"myInput": FRONT}))
    report = commit(wb.apply(plan), tmp_path_factory.mktemp("story") / "served", child=_shared_child.start())
    assert report.verdict == "verified", report.reason
    assert report.path is not None
    return report.path


@pytest.mark.parametrize("loader", ["v1", "v2"])
def test_adapters_give_what_the_joined_models_do(
    adapted: Path, digits: list[bytes], expected: np.ndarray, loader: Any, child: Child
) -> None:
    batch = np.array(digits, dtype=object)
    found = wb.run(wb.open_model(adapted), {"myInput": batch}, loader=loader, child=child)["myOutput"]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    standard = np.array([text.translate(bytes.maketrans(b"-_", b"+/")) for text in digits], dtype=object)
    again = wb.run(wb.open_model(adapted), {"myInput": standard}, loader=loader, child=child)["myOutput"]
    np.testing.assert_array_equal(again, found)
