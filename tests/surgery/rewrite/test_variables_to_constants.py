"""Each way a handle can go, in models of their own: frozen, run, compared; and what the zoo does not have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.surgery.tools import Refused, changed, frozen
from tests.zoo.example import numbers, tf
from tests.zoo.tools import fill, placeholder, save, v1_session, variable
from tests.zoo.v2 import save_module, spec
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.publishing.running import Proving
from workbench.runtime.child_process.child import Child
from workbench.surgery.draft import Draft
from workbench.surgery.operations.freeze import Freeze

pytestmark = pytest.mark.needs_tf


def module_of(body: Callable[[Any, Any], Any]) -> Callable[[Path], Path]:
    """A tf.Module with variable `w` [5, 4] and a `__call__` that is `body(self, x)`."""

    def make(folder: Path) -> Path:
        class Model(tf.Module):  # type: ignore[name-defined, misc]
            def __init__(self) -> None:
                self.w = tf.Variable(numbers("w", (5, 4)), name="w")
                self.b = tf.Variable(numbers("b", (4,)), name="b")

            @tf.function(input_signature=[spec("x", (None, 4))])
            def __call__(self, x: Any) -> Any:
                return {"y": body(self, x)}

        return save_module(folder, Model())

    return make


def case(self: Any, x: Any) -> Any:
    index = tf.cast(tf.reduce_sum(x) > 0, tf.int32)
    return tf.switch_case(index, [lambda: x + self.w[0], lambda: x * self.w[1], lambda: x - self.b])


def gather(self: Any, x: Any) -> Any:
    index = tf.cast(tf.abs(x[:, 0]) * 3, tf.int32)
    return tf.gather(self.w, index) + tf.gather_nd(self.w, index[:, None])


def shape(self: Any, x: Any) -> Any:
    size = tf.raw_ops.VariableShape(input=self.w.handle, out_type=tf.int64)
    return x * tf.cast(size[0], tf.float32) + self.b


def nested(self: Any, x: Any) -> Any:
    def body(i: Any, value: Any) -> Any:
        picked = tf.cond(tf.reduce_sum(value) > 0, lambda: self.w[0], lambda: self.b)
        return i + 1, tf.map_fn(lambda row: row * 0.5 + picked, value) + tf.gather(self.w, [i])

    return tf.while_loop(lambda i, _: i < tf.cast(self.b[0] * 0.0 + 3.0, tf.int32), body, [0, x])[1]


def dataset(self: Any, x: Any) -> Any:
    rows = tf.data.Dataset.from_tensors(x).map(lambda value: value * self.b + self.w[2])
    return rows.reduce(tf.zeros_like(x), lambda state, value: state + value - self.w[3])


def v1_loop(folder: Path) -> Path:
    """A resource variable that is led into a loop and a branch of the first kind, and is read in there."""
    with v1_session(flow_v1=True) as session:
        x = placeholder()
        w = variable("w", [4])
        rows = variable("rows", [5, 4])

        def body(i: Any, value: Any) -> Any:
            return i + 1, value * w.read_value() + tf.gather(rows, tf.minimum(i, 3))

        _, y = tf.while_loop(lambda i, _: i < 3, body, [tf.constant(0), x])
        y = tf.cond(tf.reduce_sum(x) > 0, lambda: y + w.read_value(), lambda: y - tf.gather(rows, 1))
        fill(session, "v1 loop")
        return save(folder, session, inputs={"x": x}, outputs={"y": tf.identity(y, name="y")})


MODELS = {
    "case": module_of(case),
    "gather": module_of(gather),
    "shape": module_of(shape),
    "nested": module_of(nested),
    "dataset": module_of(dataset),
    "v1_loop": v1_loop,
}


@pytest.mark.parametrize("name", MODELS)
def test_every_way_of_a_handle(child: Child, tmp_path: Path, name: str) -> None:
    (tmp_path / "source").mkdir()
    path = MODELS[name](tmp_path / "source")
    edit = frozen(open_model(path))
    assert isinstance(edit, Draft), edit.findings
    report = commit(edit, tmp_path / "frozen", proving=Proving(), child=child)
    assert report.verdict == "verified", report.reason
    assert report.path is not None
    meta = open_model(report.path).meta
    assert meta.variables == ()
    assert not {"ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VariableShape"} & set(meta.ops)


def test_a_writer_deep_in_a_loop_is_named_with_its_place(tmp_path: Path) -> None:
    def body(self: Any, x: Any) -> Any:
        def step(i: Any, value: Any) -> Any:
            self.b.assign_add(tf.ones([4]))
            return i + 1, value + self.b

        return tf.while_loop(lambda i, _: i < 3, step, [0, x])[1]

    path = module_of(body)(tmp_path)
    edit = changed(open_model(path), Freeze())
    assert isinstance(edit, Refused)
    refused = [finding for finding in edit.findings if finding.code == "freeze-refused"]
    assert [finding.where for finding in refused] == ["b"]
    assert "AssignAddVariableOp" in refused[0].message
    assert "::" in refused[0].message


@pytest.mark.parametrize("name", ["nested", "v1_loop"])
def test_a_frozen_model_converts_and_is_a_layer(tmp_path: Path, name: str) -> None:
    import keras

    (tmp_path / "source").mkdir()
    path = MODELS[name](tmp_path / "source")
    out = tmp_path / "frozen"
    commit(frozen(open_model(path)), out, verify=False)
    x = tf.constant(numbers("x", (3, 4)))
    wanted = tf.saved_model.load(str(path)).signatures["serving_default"](x=x)["y"].numpy()
    layer = keras.layers.TFSMLayer(str(out), call_endpoint="serving_default")
    assert layer.weights == []
    np.testing.assert_allclose(layer(x)["y"].numpy(), wanted, rtol=1e-5)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(out))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    converter._experimental_lower_tensor_list_ops = False
    assert len(converter.convert()) > 100
