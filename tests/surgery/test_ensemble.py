"""Ensembles run by TensorFlow: models of TF1 and TF2 on one input, their variables alive, in every format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.surgery.test_inside_calls import find_op
from tests.surgery.tiny import Tiny, doubler
from tests.surgery.tools import draft_of
from tests.zoo import Example
from workbench.model import open_model
from workbench.probing.run import run
from workbench.publishing.commit import commit
from workbench.runtime.child_process.child import Child
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.mean import Mean
from workbench.surgery.operations.share import Share
from workbench.surgery.plan import Plan, ResultOptions, Source
from workbench.surgery.step import Step
from workbench.verification.api import verify

pytestmark = pytest.mark.needs_tf

HANDLES = {"one": "digits", "two": "digits_tf2", "three": "digits"}
IMAGES = np.random.default_rng(1).random((3, 784)).astype(np.float32)


def plan(sample_models: Path, *handles: str, steps: tuple[Step, ...] = (), **options: Any) -> Plan:
    sources = tuple(Source(handle, sample_models / HANDLES[handle]) for handle in handles)
    shared = Share({"image": [f"{handle}@myInput" for handle in handles]})
    return Plan(sources, (shared, *steps), ResultOptions(**options))


def scores(sample_models: Path, handle: str, child: Child) -> Any:
    return run(open_model(sample_models / HANDLES[handle]), {"myInput": IMAGES}, child=child)["myOutput"]


def test_an_ensemble_of_three(sample_models: Path, tmp_path: Path, child: Child) -> None:
    import tensorflow as tf

    mean = Mean({"scores": [f"{handle}@myOutput" for handle in HANDLES]})
    report = commit(draft_of(plan(sample_models, *HANDLES, steps=(mean,))), tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    each = {handle: scores(sample_models, handle, child) for handle in HANDLES}
    wanted = np.mean(list(each.values()), axis=0)
    for loader in ("v1", "v2"):
        found = run(open_model(tmp_path / "out"), {"image": IMAGES}, loader=loader, child=child)
        assert list(found) == ["scores"]
        np.testing.assert_allclose(found["scores"], wanted, rtol=1e-4, atol=1e-6)
    proof = verify(
        tmp_path / "out", sources={h: sample_models / name for h, name in HANDLES.items()}, child=child
    )
    assert proof.verdict == "verified", proof.reason

    loaded = tf.saved_model.load(str(tmp_path / "out"))
    assert len(loaded.trainable_variables) == 6
    with tf.GradientTape() as tape:
        found = loaded(tf.constant(IMAGES))  # the shared input, once
        total = tf.add_n([tf.reduce_sum(value[:, 0]) for value in found.values()])
    assert sorted(found) == ["myOutput", "three_myOutput", "two_myOutput"]
    assert all(grad is not None for grad in tape.gradient(total, loaded.trainable_variables))
    before = {key: value.numpy() for key, value in found.items()}
    variable = next(
        one for one in loaded.trainable_variables if one.name.startswith("two/") and one.shape == (10,)
    )
    variable.assign(variable + tf.range(10.0))
    after = {key: value.numpy() for key, value in loaded(tf.constant(IMAGES)).items()}
    moved = [key for key in sorted(after) if not np.allclose(before[key], after[key])]
    assert moved == ["two_myOutput"], "each model reads variables of its own"
    mixed = loaded.signatures["serving_default"](image=tf.constant(IMAGES))["scores"].numpy()
    np.testing.assert_allclose(mixed, np.mean(list(after.values()), axis=0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("options", [{"freeze": True}, {"format": "tf1"}, {"keep_signatures": True}])
def test_formats(options: dict[str, Any], sample_models: Path, tmp_path: Path, child: Child) -> None:
    draft = draft_of(plan(sample_models, "one", "two", **options))
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    result = open_model(tmp_path / "out")
    found = run(result, {"image": IMAGES}, child=child)
    np.testing.assert_allclose(found["myOutput"], scores(sample_models, "one", child), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        found["two_myOutput"], scores(sample_models, "two", child), rtol=1e-4, atol=1e-6
    )
    assert bool(result.meta.variables) != options.get("freeze", False)
    if "keep_signatures" in options:
        own = run(result, {"myInput": IMAGES}, signature="two_serving_default", child=child)
        np.testing.assert_allclose(own["myOutput"], found["two_myOutput"], rtol=1e-5, atol=1e-6)


def test_one_input_feeds_a_front_and_a_model_beside_it(tmp_path: Path, child: Child) -> None:
    models = {"front": doubler(tmp_path / "front").save()}
    for handle, op in (("a", "Tanh"), ("b", "Neg")):
        made = Tiny(tmp_path / handle).placeholder().node("y", op, "x", T="float32")
        models[handle] = made.signature(x_in="x:0", y_out="y:0").save()
    sources = tuple(Source(handle, path) for handle, path in models.items())
    draft = draft_of(Plan(sources, (Connect("front@y", "a@x"), Share({"x": "x"}))))
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    x = np.float32([[0.1, 0.2, 0.3, -0.4]])
    found = run(open_model(tmp_path / "out"), {"x": x}, child=child)
    np.testing.assert_allclose(found["y"], np.tanh(2 * x), rtol=1e-5)
    np.testing.assert_allclose(found["b_y"], -x, rtol=1e-5)


@pytest.mark.parametrize("name", ["tf2_callables_only", "graphdef_pb", "tf2_nested_functions"])
def test_models_of_other_kinds(
    name: str, zoo: Callable[[str], Example], tmp_path: Path, child: Child
) -> None:
    """One with callables only, one without variables, and a tensor inside four calls."""
    source = Source("b", zoo(name).path)
    within = find_op(open_model(source.path).meta, "Sin") if name == "tf2_nested_functions" else "x"
    plain = Source("a", zoo("v1_simple_save").path)
    draft = draft_of(Plan((plain, source), (Share({"x": ["a@x", f"b@{within}"]}),)))
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    inputs = list(open_model(tmp_path / "out").meta.signature().inputs)
    assert inputs == (["x"] if within == "x" else ["b_x", "x"]), "its own input still feeds another part"


@pytest.mark.parametrize("name", ["v1_sparse_input", "v1_ragged_input"])
def test_inputs_of_several_components(
    name: str, zoo: Callable[[str], Example], tmp_path: Path, child: Child
) -> None:
    sources = (Source("a", zoo(name).path), Source("b", zoo(name).path))
    report = commit(draft_of(Plan(sources, (Share({"x": "x"}),))), tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    own = open_model(zoo(name).path).meta.signature().inputs["x"]
    made = open_model(tmp_path / "out").meta.signature().inputs
    assert list(made) == ["x"] and str(made["x"]) == str(own)
