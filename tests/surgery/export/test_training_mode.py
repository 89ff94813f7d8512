"""Results that are trained: `training=True` and `False`, the same steps as the sources one after the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.surgery.tools import codes, draft_of, findings_of, the, wire
from tests.zoo import Example
from workbench.model import open_model
from workbench.probing.run import run
from workbench.publishing.commit import commit
from workbench.runtime.child_process.child import Child
from workbench.surgery.draft import check
from workbench.surgery.plan import Plan, Source

pytestmark = pytest.mark.needs_tf

STEPS = 10


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`both`, `both_2`: Dense, BatchNorm by hand, a scaled path in training. `inference`: the same, one trace only.
    `keras`: an export. `keras_both`: a module around layers of Keras, which has two nodes for each variable.
    """
    import tensorflow as tf

    spec = tf.TensorSpec([None, 4], tf.float32, name="x")

    class Layer(tf.Module):
        def __init__(self, seed: int) -> None:
            values = np.random.default_rng(seed).normal(size=(4, 4)).astype(np.float32)
            self.weights = tf.Variable(values, name="weights")
            self.bias = tf.Variable(values[0], name="bias")
            self.mean = tf.Variable(np.zeros(4, np.float32), trainable=False, name="mean")
            self.steps = tf.Variable(0, dtype=tf.int64, trainable=False, name="steps")

        @tf.function
        def __call__(self, x: Any, training: bool = False) -> Any:
            y = tf.tanh(x @ self.weights + self.bias)
            if training:
                now = tf.reduce_mean(y, 0)
                self.mean.assign(0.9 * self.mean + 0.1 * now)
                self.steps.assign_add(1)
                return y - now
            return y - self.mean

    class Keras(tf.Module):
        def __init__(self, network: Any) -> None:
            self.network = network
            self.held = network.variables

        @tf.function
        def __call__(self, x: Any, training: bool = False) -> Any:
            return self.network(x, training=training)

    made: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in made:
            path = tmp_path_factory.mktemp(name) / "model"
            if name == "keras":
                model = tf.keras.Sequential(
                    [
                        tf.keras.layers.Input((4,)),
                        tf.keras.layers.Dense(4),
                        tf.keras.layers.BatchNormalization(),
                    ]
                )
                model.export(str(path), verbose=False)
            elif name == "keras_both":
                tf.keras.utils.set_random_seed(3)
                network = tf.keras.Sequential(
                    [
                        tf.keras.layers.Input((4,)),
                        tf.keras.layers.Dense(8, activation="relu"),
                        tf.keras.layers.BatchNormalization(),
                        tf.keras.layers.Dropout(0.5),
                        tf.keras.layers.Dense(4),
                    ]
                )
                wrapper = Keras(network)
                for training in (False, True):
                    wrapper.__call__.get_concrete_function(spec, training=training)
                tf.saved_model.save(wrapper, str(path), signatures={})
            else:
                module = Layer(len(name))
                for training in (False, True) if name != "inference" else (False,):
                    module.__call__.get_concrete_function(spec, training=training)
                tf.saved_model.save(module, str(path), signatures={})
            made[name] = path
        return made[name]

    return get


def plan_of(a: Path, b: Path, how: str | None = None, to: str = "b@x") -> Plan:
    return Plan((Source("a", a, None, how), Source("b", b)), (wire(f"a@output_0 = {to}"),))


def test_ten_steps_change_every_variable_as_the_sources_one_after_the_other(
    layers: Callable[[str], Path], tmp_path: Path, child: Child
) -> None:
    import tensorflow as tf

    plan = plan_of(layers("both"), layers("both_2"))
    report = commit(draft_of(plan), tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    result = tf.saved_model.load(str(tmp_path / "out"))
    a, b = (tf.saved_model.load(str(layers(name))) for name in ("both", "both_2"))
    x = np.random.default_rng(1).normal(size=(16, 4)).astype(np.float32)
    goal = np.random.default_rng(2).normal(size=(16, 4)).astype(np.float32) * 0.3

    def steps(call: Callable[[Any, bool], Any], variables: list[Any]) -> list[float]:
        losses = []
        for _ in range(STEPS):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((call(x, True) - goal) ** 2)
            gradients = tape.gradient(loss, variables)
            assert all(gradient is not None for gradient in gradients)
            for variable, gradient in zip(variables, gradients, strict=True):
                variable.assign_sub(0.1 * gradient)
            losses.append(float(loss))
        return losses

    assert len(result.trainable_variables) == 4 and len(result.variables) == 8
    losses = steps(lambda x, training: result(x, training=training), list(result.trainable_variables))
    expected = steps(lambda x, training: b(a(x, training), training), [a.weights, a.bias, b.weights, b.bias])
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    assert losses[-1] < losses[0] * 0.95
    for one, source in ((result.a, a), (result.b, b)):
        for name in ("weights", "bias", "mean", "steps"):
            np.testing.assert_allclose(
                getattr(one, name).numpy(), getattr(source, name).numpy(), rtol=1e-4, atol=1e-6
            )
    assert int(result.a.steps) == STEPS and np.abs(result.b.mean.numpy()).max() > 0

    wanted = b(a(x, False), False).numpy()
    np.testing.assert_allclose(result(x).numpy(), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(result.serve(x).numpy(), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(result(x, False).numpy(), wanted, rtol=1e-4, atol=1e-5)

    tf.saved_model.save(result, str(tmp_path / "again"), signatures=result.signatures)
    found = run(tmp_path / "again", {"x": x}, child=child)
    np.testing.assert_allclose(found["output_0"], wanted, rtol=1e-4, atol=1e-5)
    trained = tf.saved_model.load(str(tmp_path / "again"))
    np.testing.assert_array_equal(trained.a.weights.numpy(), result.a.weights.numpy())
    assert np.abs(trained(x, True).numpy() - wanted).max() > 1e-3


def test_joined_by_its_training_variant_the_other_is_inference(
    layers: Callable[[str], Path], tmp_path: Path
) -> None:
    import tensorflow as tf

    plan = plan_of(layers("both"), layers("both_2"), "__call__[2]")
    commit(draft_of(plan), tmp_path / "out", verify=False)
    result = tf.saved_model.load(str(tmp_path / "out"))
    a, b = (tf.saved_model.load(str(layers(name))) for name in ("both", "both_2"))
    x = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    np.testing.assert_allclose(result(x).numpy(), b(a(x)).numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(result(x, True).numpy(), b(a(x, True), True).numpy(), rtol=1e-4, atol=1e-5)


def test_before_a_model_without_a_training_argument(
    layers: Callable[[str], Path], zoo: Callable[[str], Any], tmp_path: Path
) -> None:
    import tensorflow as tf

    for first in ("v1_simple_save", "tf2_module"):
        plan = Plan((Source("a", zoo(first).path), Source("b", layers("both"))), (wire("a@y = b@x"),))
        commit(draft_of(plan), tmp_path / first, verify=False)
        result = tf.saved_model.load(str(tmp_path / first))
        x = np.ones((3, 4), np.float32)
        assert np.abs(result(x, training=True).numpy() - result(x).numpy()).max() > 1e-3
        assert not [one for one in check(plan) if one.code == "training-inference-only"]


def test_where_one_side_has_only_inference_so_has_the_result(
    layers: Callable[[str], Path], tmp_path: Path
) -> None:
    import tensorflow as tf

    plan = plan_of(layers("both"), layers("inference"))
    found = the(findings_of(plan), "training-inference-only")
    assert found.where.startswith("b@") and "BatchNorm and Dropout will not train" in found.message
    commit(draft_of(plan), tmp_path / "out", verify=False)
    result = tf.saved_model.load(str(tmp_path / "out"))
    x = np.ones((3, 4), np.float32)
    assert result(x).shape == (3, 4)
    with pytest.raises(TypeError):
        result(x, training=True)


def test_an_export_of_keras_says_that_it_is_inference(
    layers: Callable[[str], Path], zoo: Callable[[str], Any]
) -> None:
    key = next(iter(open_model(layers("keras")).meta.signatures["serving_default"].inputs))
    plan = Plan(
        (Source("a", zoo("v1_simple_save").path), Source("b", layers("keras"))), (wire(f"a@y = b@{key}"),)
    )
    assert codes(findings_of(plan)).count("training-inference-only") == 1
    frozen = plan.with_result(freeze=True)
    assert "training-inference-only" not in codes(findings_of(frozen))


def test_it_is_a_layer_of_keras_with_default_arguments(layers: Callable[[str], Path], tmp_path: Path) -> None:
    import tensorflow as tf

    plan = plan_of(layers("both"), layers("both_2"))
    commit(draft_of(plan), tmp_path / "out", verify=False)
    layer = tf.keras.layers.TFSMLayer(str(tmp_path / "out"))
    x = np.ones((3, 4), np.float32)
    wanted = tf.saved_model.load(str(tmp_path / "out"))(x).numpy()
    np.testing.assert_allclose(layer(x).numpy(), wanted, rtol=1e-5)
    assert len(layer.trainable_weights) == 4

    model = tf.keras.Sequential([tf.keras.layers.Input((4,)), layer])
    model.compile("sgd", "mse")
    before = [variable.numpy() for variable in layer.trainable_weights]
    model.fit(x, np.zeros((3, 4), np.float32), epochs=2, verbose=0)
    after = [variable.numpy() for variable in layer.trainable_weights]
    assert all(np.abs(one - other).max() > 0 for one, other in zip(before, after, strict=True))


def test_layers_of_keras_are_trained_batchnorm_and_dropout_too(
    layers: Callable[[str], Path], tmp_path: Path, child: Child
) -> None:
    import tensorflow as tf

    plan = plan_of(layers("keras_both"), layers("keras_both"))
    report = commit(draft_of(plan), tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    result = tf.saved_model.load(str(tmp_path / "out"))
    x = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
    assert len(result.trainable_variables) == 12
    before = {variable.name: variable.numpy() for variable in result.variables}
    losses = []
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((result(x, training=True) - x) ** 2)
        gradients = tape.gradient(loss, result.trainable_variables)
        for variable, gradient in zip(result.trainable_variables, gradients, strict=True):
            variable.assign_sub(0.05 * gradient)
        losses.append(float(loss))
    assert losses[-1] < losses[0]
    # the moving averages and the seed of the dropout change as well
    assert all(np.any(before[variable.name] != variable.numpy()) for variable in result.variables)


def test_what_an_old_optimizer_keeps_is_restored(
    zoo: Callable[[str], Example], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its slots can be slots no more where TensorFlow does not know such an optimizer: they are plain children."""
    import tensorflow as tf

    sources = (Source("a", zoo("tf2_old_optimizer").path), Source("b", zoo("v1_simple_save").path))
    report = commit(draft_of(Plan(sources, (wire("a@y = b@x"),))), tmp_path / "joined", verify=False)
    loaded = tf.saved_model.load(str(report.path))
    kept = {
        name: getattr(loaded.a.optimizer, name) for name in dir(loaded.a.optimizer) if name[:5] == "slot_"
    }
    assert len(kept) == 4
    assert all(np.abs(variable.numpy()).max() > 0 for variable in kept.values())  # one step was made
    assert not [record for record in caplog.records if "could not be found" in record.getMessage()]
