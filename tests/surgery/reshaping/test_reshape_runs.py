"""Reshape on real models: the result takes any batch, in both loaders, and is trained and saved again."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sampling import plainly
from tests.sharing import once
from tests.surgery.networks import small_mobilenet
from tests.surgery.tools import Refused, changed, codes, made
from workbench.model import Model, open_model
from workbench.publishing.commit import commit
from workbench.publishing.report import Report
from workbench.runtime.child_process.child import Child
from workbench.surgery.operations.reshape import Reshape
from workbench.verification.api import verify

pytestmark = pytest.mark.needs_tf

Free = Callable[[str], tuple[Report, Path]]


def keras_model(name: str) -> Any:
    """A Keras model of one row."""
    import keras

    keras.utils.set_random_seed(7)
    layers = keras.layers
    steps = keras.Input(batch_shape=(1, 6, 8))
    if name == "lstm":
        both = layers.LSTM(4)(layers.LSTM(5, return_sequences=True)(steps))
        return keras.Model(steps, layers.Dense(3)(both))
    if name == "attention":
        attended = layers.MultiHeadAttention(2, 4)(steps, steps)
        attended = layers.Reshape((48,))(layers.LayerNormalization()(attended + steps))
        return keras.Model(steps, layers.Dense(3, activation="softmax")(attended))
    if name == "stateful":
        return keras.Model(steps, layers.LSTM(5, stateful=True, unroll=True)(steps))
    if name == "mobilenet":
        return small_mobilenet(keras.Input(batch_shape=(1, 32, 32, 3)), 5, None)
    picture = keras.Input(batch_shape=(1, 96, 96, 3))
    return keras.applications.MobileNetV2(
        input_tensor=picture, weights=None, alpha=0.35, classes=5, classifier_activation=None
    )


def in_training(folder: Path) -> None:
    """A module that normalises by the statistics of the batch it gets."""
    import tensorflow as tf

    class Normalised(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1, 4, 4, 2], name="x")])
        def __call__(self, x: Any) -> Any:
            ones, zeros = tf.ones([2]), tf.zeros([2])
            return tf.compat.v1.nn.fused_batch_norm(x, ones, zeros, is_training=True)[0]

    module = Normalised()
    tf.saved_model.save(module, folder, signatures=module.__call__)


def one_row(folder: Path) -> None:
    """A module that takes the only row out, and makes most results a batch again."""
    import tensorflow as tf

    class OneRow(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = tf.Variable(tf.random.stateless_normal([6, 5], [1, 2]))

        @tf.function(input_signature=[tf.TensorSpec([1, 7, 6], name="x")])
        def __call__(self, x: Any) -> dict[str, Any]:
            row = tf.nn.relu(x[0] @ self.w)
            sums = tf.reduce_sum(tf.squeeze(x, [0]), 1)
            return {
                "largest": tf.reduce_max(row, 0),
                "wide": tf.concat([row, row * 2], 1)[None],
                "soft": tf.expand_dims(tf.nn.softmax(row), 0),
                "sums": tf.stack([sums]),
                "part": x[0:1, 2:4],
                "flat": tf.reshape(row, [35])[tf.newaxis],
            }

    module = OneRow()
    tf.saved_model.save(module, folder, signatures=module.__call__)


def by_rows(folder: Path) -> None:
    """Modules that loop over three rows: each on its own, and each with those before it."""
    import tensorflow as tf

    class ByRows(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([3, 4], name="x")])
        def mapped(self, x: Any) -> Any:
            def one(row: Any) -> Any:
                return tf.cond(row[0] > 0.5, lambda: tf.sort(row), lambda: tf.nn.softmax(row))

            return tf.map_fn(one, x) + x

        @tf.function(input_signature=[tf.TensorSpec([3, 4], name="x")])
        def scanned(self, x: Any) -> Any:
            return tf.scan(lambda before, row: before + row, x)

    module = ByRows()
    tf.saved_model.save(module, folder / "mapped", signatures=module.mapped)
    tf.saved_model.save(module, folder / "scanned", signatures=module.scanned)


def tf1(folder: Path) -> None:
    """A TF1 graph with [1,784] as the target of a Reshape, and a loop with a state of zeros."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [1, 28, 28], "x")
        w = v1.get_variable("w", [784, 10], initializer=v1.random_normal_initializer(seed=1))
        u = v1.get_variable("u", [28, 10], initializer=v1.random_normal_initializer(seed=2))
        flat = tf.matmul(tf.reshape(x, [1, 784]), w)
        rows = tf.TensorArray(tf.float32, 28).unstack(tf.transpose(x, [1, 0, 2]))

        def body(i: Any, state: Any) -> Any:
            return i + 1, tf.tanh(tf.matmul(rows.read(i), u) + state)

        last = tf.while_loop(lambda i, _: i < 28, body, [0, tf.zeros([1, 10])])[1]
        y = tf.concat([flat, last, tf.ones([1, 1])], 1)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            v1.saved_model.simple_save(session, str(folder), {"x": x}, {"y": y})


MADE: dict[str, Callable[[Path], None]] = {
    "training": in_training,
    "one_row": one_row,
    "mapped": by_rows,
    "scanned": by_rows,
    "tf1": tf1,
}


@pytest.fixture(scope="module")
def fixed(shared: Path) -> Callable[[str], Model]:
    """Models of one row by name, each made once."""

    def make(name: str, folder: Path) -> Path:
        import tensorflow as tf

        if name in MADE:
            MADE[name](folder)
            return folder / name if MADE[name] is by_rows else folder
        model = keras_model(name)
        (given,) = model.inputs
        signature = [tf.TensorSpec(given.shape, given.dtype, name="x")]
        model.export(str(folder), verbose=False, input_signature=signature)
        return folder

    @functools.cache
    def get(name: str) -> Model:
        return open_model(once(shared, f"one-row-{name}", lambda folder: make(name, folder / name)))

    return get


@pytest.fixture(scope="module")
def freed(
    fixed: Callable[[str], Model], tmp_path_factory: pytest.TempPathFactory, _shared_child: Child
) -> Free:
    """The result with a free batch, of each model once."""
    done: dict[str, tuple[Report, Path]] = {}
    folder = tmp_path_factory.mktemp("freed")

    def free(name: str) -> tuple[Report, Path]:
        if name not in done:
            draft = made(fixed(name), Reshape("?"))
            done[name] = commit(draft, folder / name, child=_shared_child.start()), folder / name
        return done[name]

    return free


@pytest.mark.parametrize(
    "name",
    [
        *("lstm", "attention", "mobilenet", "one_row", "tf1"),
        pytest.param("whole_mobilenet", marks=pytest.mark.exhaustive),
    ],
)
def test_a_batch_of_one_is_freed(name: str, freed: Free) -> None:
    report, path = freed(name)
    assert report.verdict == "verified", report.reason
    assert "(1 row at a time)" in report.reason
    assert report.verification is not None
    assert [loader.status for loader in report.verification.loaders] == ["equal", "equal"]
    sizes = [next(iter(sample.values())).shape[0] for sample in report.verification.samples]
    assert sizes[:4] == [1, 2, 3, 5]
    signature = open_model(path).meta.signature()
    assert all(
        (port.shape or ())[0] is None for port in (*signature.inputs.values(), *signature.outputs.values())
    )


@pytest.mark.exhaustive
def test_resnet50(tmp_path: Path, child: Child) -> None:
    """23 million weights, which stay in the checkpoint; its images are small."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(7)
    picture = keras.Input(batch_shape=(1, 32, 32, 3))
    model = keras.applications.ResNet50(input_tensor=picture, weights=None, classes=7)
    model.export(
        str(tmp_path / "fixed"), verbose=False, input_signature=[tf.TensorSpec((1, 32, 32, 3), name="x")]
    )
    report = commit(made(open_model(tmp_path / "fixed"), Reshape("?")), tmp_path / "free", child=child)
    assert report.verdict == "verified", report.reason


@pytest.mark.parametrize(
    ("name", "code", "op"),
    [
        ("stateful", "reshape-state", "AssignVariableOp"),
        ("training", "reshape-rows", "FusedBatchNormV3"),
        ("scanned", "reshape-rows", "StatelessWhile"),
    ],
)
def test_rows_that_depend_on_each_other(name: str, code: str, op: str, fixed: Callable[[str], Model]) -> None:
    found = changed(fixed(name), Reshape("?"))
    assert isinstance(found, Refused)
    errors = [one for one in found.findings if one.severity == "error"]
    assert set(codes(errors)) == {code} and all(one.message.startswith(op) for one in errors)


@pytest.mark.parametrize("name", plainly(["lstm", "attention"], "lstm"))
def test_it_is_trained_and_saved_again(name: str, freed: Free, tmp_path: Path) -> None:
    import tensorflow as tf

    _, path = freed(name)
    loaded = tf.saved_model.load(str(path))
    function = loaded.signatures["serving_default"]
    x = tf.constant(np.random.default_rng(1).random((3, 6, 8), dtype=np.float32))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(function(x=x)["output_0"] ** 2)
    gradients = tape.gradient(loss, function.trainable_variables)
    assert gradients and all(one is not None for one in gradients)
    for variable, gradient in zip(function.trainable_variables, gradients, strict=True):
        variable.assign_sub(0.1 * gradient)
    expected = function(x=x)["output_0"].numpy()
    assert np.allclose(loaded.serve(x).numpy(), expected), (
        "the callable that the signature calls takes three rows"
    )
    tf.saved_model.save(loaded, str(tmp_path / "again"), signatures={"serving_default": function})
    again = tf.saved_model.load(str(tmp_path / "again")).signatures["serving_default"]
    assert np.allclose(again(x=x)["output_0"].numpy(), expected)


def test_a_loop_over_three_rows(freed: Free) -> None:
    report, _ = freed("mapped")
    assert report.verdict == "verified" and "(3 rows at a time)" in report.reason, report.reason


def test_it_is_verified_again_from_its_recipe(freed: Free, fixed: Callable[[str], Model]) -> None:
    _, path = freed("tf1")
    proof = verify(path, sources={"tf1": fixed("tf1").path})
    assert proof.verdict == "verified", proof.reason


def test_another_fixed_batch(fixed: Callable[[str], Model], tmp_path: Path, child: Child) -> None:
    """From one row to four: the original is run row by row on samples of four."""
    report = commit(made(fixed("attention"), Reshape("4")), tmp_path / "four", child=child)
    assert report.verdict == "verified", report.reason
    assert report.verification is not None
    assert {sample["x"].shape for sample in report.verification.samples} == {(4, 6, 8)}
    # and from a free one: the original takes four at once
    free = made(open_model(tmp_path / "four"), Reshape("?"))
    assert free.references["serving_default"].rows == 4
    report = commit(free, tmp_path / "free", child=child)
    assert report.verdict == "verified", report.reason
    fixed_again = commit(made(open_model(tmp_path / "free"), Reshape("2")), tmp_path / "two", child=child)
    assert fixed_again.verdict == "verified" and "at a time" not in fixed_again.reason
