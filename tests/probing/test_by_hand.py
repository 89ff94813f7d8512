"""Values on the way are those that a reader can compute: by NumPy, or by TensorFlow's own tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench as wb
from tests.zoo import Example
from workbench.probing.probe import Probe
from workbench.probing.probed_tensor import ProbedTensor
from workbench.runtime.child_process.child import Child

pytestmark = pytest.mark.needs_tf
Zoo = Callable[[str], Example]
X = np.array([[0.1, -0.2, 0.3, 0.4], [0.5, 0.6, -0.7, 0.8]], np.float32)


def by_op(found: Probe, op: str) -> list[ProbedTensor]:
    return [one for one in found.tensors if one.op == op]


def variable(model: wb.Model, name: str) -> Any:
    assert model.bundle is not None
    (key,) = (key for key in model.bundle if key.startswith(name))
    return model.bundle.array(key)


@pytest.mark.parametrize("name", ["v1_cond", "v1_cond_functional"])
@pytest.mark.parametrize("sign", [1, -1])
def test_branches_of_tf1(zoo: Zoo, child: Child, name: str, sign: int) -> None:
    """`x * 2 + bias` or `x - bias`: what did not run says so."""
    model = wb.open_model(zoo(name).path)
    x, bias = sign * X, variable(model, "bias")
    found = wb.probe(model, inputs={"x": x}, arrays=True, child=child)
    taken = {"AddV2": x * 2 + bias} if sign > 0 else {"Sub": x - bias}
    for op, expected in taken.items():
        (one,) = by_op(found, op)
        np.testing.assert_allclose(one.array, expected, rtol=1e-6)
    (left,) = by_op(found, "Sub" if sign > 0 else "AddV2")
    assert (left.runs, left.note) == (0, "Not computed: this branch did not run.")
    assert not left.has_value and left.array is None and found.notes == ()


@pytest.mark.parametrize("name", ["v1_while", "v1_while_functional"])
def test_each_round_of_a_loop_of_tf1(zoo: Zoo, child: Child, name: str) -> None:
    model = wb.open_model(zoo(name).path)
    found = wb.probe(model, inputs={"x": X}, arrays=True, child=child)
    (tanh,) = by_op(found, "Tanh")
    value, expected = X, []
    for _ in range(3):
        value = np.tanh(value + variable(model, "step"))
        expected.append(value)
    np.testing.assert_allclose(tanh.array, expected, rtol=1e-5)
    assert [one.index for one in tanh.iterations] == [(0,), (1,), (2,)]
    assert tanh.iterations[1].least == pytest.approx(float(expected[1].min()), rel=1e-5)
    assert tanh.most == pytest.approx(float(np.max(expected)), rel=1e-5) and sum(tanh.histogram) == 24


def test_a_branch_in_nested_loops_of_tf1(zoo: Zoo, child: Child) -> None:
    """Three times: half of it, then a step more. Each branch runs in every second round of the inner loop."""
    model = wb.open_model(zoo("v1_while_nested").path)
    found = wb.probe(model, inputs={"x": X}, arrays=True, child=child)
    (half,), adds = by_op(found, "Mul"), by_op(found, "AddV2")
    value, halves, sums = X, [], []
    for _ in range(3):
        halves.append(value * 0.5)
        sums.append(value * 0.5 + variable(model, "step"))
        value = sums[-1]
    np.testing.assert_allclose(half.array, halves, rtol=1e-5)
    assert any(one.array is not None and np.allclose(one.array, sums) for one in adds)


@pytest.mark.parametrize("sign", [1, -1])
def test_branches_of_tf2(zoo: Zoo, child: Child, sign: int) -> None:
    model = wb.open_model(zoo("tf2_cond").path)
    found = wb.probe(model, inputs={"x": sign * X}, arrays=True, child=child)
    (product,), (total,) = by_op(found, "MatMul"), by_op(found, "AddV2")
    taken, left = (product, total) if sign > 0 else (total, product)
    weights, bias = variable(model, "weights"), variable(model, "bias")
    expected = X @ weights if sign > 0 else -X + bias
    np.testing.assert_allclose(taken.array, expected, rtol=1e-5)
    assert left.runs == 0 and "branch" in left.note


def test_strings_and_tables(zoo: Zoo, child: Child) -> None:
    from tests.zoo.tables import WORDS

    words = np.array([WORDS[2], WORDS[0], "none of them"], object)
    found = wb.probe(zoo("tf2_tables").path, inputs={"words": list(words)}, arrays=True, child=child)
    placeholder = by_op(found, "Placeholder")[0]
    assert placeholder.dtype == "string" and placeholder.first[0] == str(WORDS[2]).encode()
    lookups = [one.array for one in found.tensors if one.op == "LookupTableFindV2" and one.array is not None]
    ids = next(one for one in lookups if one.dtype == np.int64)
    assert ids[:2].tolist() == [2, 0]
    learnt = next(one for one in lookups if one.dtype == np.float32 and one[0] == 2.5)
    assert learnt.tolist() == [2.5, 0.5, -1.0]


def test_the_steps_of_an_lstm(zoo: Zoo, child: Child) -> None:
    """Gates and states at each of six steps, by the equations of an LSTM."""
    model = wb.open_model(zoo("keras_lstm").path)
    tokens = np.array([[3, 1, 4, 1, 5, 9]], np.int32)
    found = wb.probe(model, inputs={"keras_tensor": tokens}, arrays=True, child=child)
    shapes = {(20, 5): "table", (5, 16): "kernel", (4, 16): "recurrent", (16,): "bias"}
    assert model.bundle is not None
    arrays = [model.bundle.array(key) for key in model.bundle if "VARIABLE_VALUE" in key]
    weight = {shapes[one.shape]: one for one in arrays if getattr(one, "shape", None) in shapes}
    state, carry = np.zeros((1, 4), np.float32), np.zeros((1, 4), np.float32)
    forgets, states = [], []
    for token in tokens[0]:
        gates = weight["table"][token][None] @ weight["kernel"] + state @ weight["recurrent"] + weight["bias"]
        enter, forget, new, out = np.split(gates, 4, axis=1)
        forgets.append(sigmoid(forget))
        carry = sigmoid(forget) * carry + sigmoid(enter) * np.tanh(new)
        state = sigmoid(out) * np.tanh(carry)
        states.append(state)
    inside = [one for one in found.tensors if one.runs == 6 and one.array is not None]
    assert all(one.path[-1].endswith("[body]") for one in inside)
    sigmoids = [one.array for one in inside if one.op == "Sigmoid"]
    assert any(np.allclose(one, np.array(forgets), rtol=1e-4) for one in sigmoids)
    products = [one.array for one in inside if one.op == "Mul"]
    assert any(np.allclose(one, np.array(states), rtol=1e-4, atol=1e-6) for one in products)


def sigmoid(value: Any) -> Any:
    return 1 / (1 + np.exp(-value))


def test_callables(zoo: Zoo, child: Child) -> None:
    model = wb.open_model(zoo("tf2_module").path)
    name = next(one.path for one in model.meta.callables)
    by_signature = wb.probe(model, inputs={"x": X}, child=child)
    found = wb.probe(model, inputs={"x": X}, signature=name, arrays=True, child=child)
    assert found.signature == name
    assert [one.op for one in found.tensors if one.path][-1] == by_signature.tensors[-1].op
    outputs = wb.run(model, {"x": X}, name, child=child)
    for key, array in by_signature.outputs.items():
        np.testing.assert_array_equal(outputs[key], array)
    in_objects = wb.run(model, {"x": X}, name, loader="v2", child=child)
    np.testing.assert_allclose(in_objects[key], array, rtol=1e-6)
    with pytest.raises(wb.UnknownName, match="no signature or callable 'nothing'"):
        wb.run(model, {"x": X}, "nothing", child=child)


def test_a_model_without_signatures(zoo: Zoo, child: Child) -> None:
    """It is run from its placeholders to the ends of its graph, or to the tensors that are named."""
    path = zoo("v1_no_signature").path
    found = wb.probe(path, inputs={"x": X}, child=child)
    assert list(found.outputs) == ["y"] and found.tensors[0].op == "Placeholder"
    named = wb.probe(path, ["y:0"], inputs={"x:0": X}, child=child)
    np.testing.assert_array_equal(named["y:0"].array, found.outputs["y"])
    np.testing.assert_array_equal(wb.run(path, {"x": X}, child=child)["y"], found.outputs["y"])


def test_a_tensor_is_fed(sample_models: Path, child: Child) -> None:
    scores = np.arange(10, dtype=np.float32).reshape(1, 10)
    model = sample_models / "digits"
    found = wb.probe(model, inputs={"add:0": scores}, child=child)
    expected = np.exp(scores - 9) / np.exp(scores - 9).sum()
    np.testing.assert_allclose(found.outputs["myOutput"], expected, rtol=1e-5)
    assert [one.address for one in found.tensors] == ["add:0", "myOutput:0"] and not found.made
    np.testing.assert_allclose(wb.run(model, {"add": scores}, child=child)["myOutput"], expected, rtol=1e-5)
    with pytest.raises(wb.InputError, match="Expected float32"):
        wb.run(model, {"add": "text"}, child=child)


def test_two_inputs(zoo: Zoo, child: Child) -> None:
    other = X.copy()
    other[1, 2] = 5.0
    found = wb.probe(zoo("v1_while").path, inputs={"x": X}, other_inputs={"x": other}, child=child)
    at_input = by_op(found, "Placeholder")[0].difference
    assert at_input is not None and (at_input.differing, at_input.at) == (1, (1, 2))
    assert at_input.largest == pytest.approx(5.7) and at_input.values == pytest.approx((-0.7, 5.0))
    first = found.first_difference()
    assert first is not None and first.op != "Placeholder" and first.other is not None
    (tanh,) = by_op(found, "Tanh")
    assert tanh.difference is not None and tanh.difference.size == 24 and tanh.difference.iteration
    np.testing.assert_array_equal(found.other_inputs["x"], other)
    same = wb.probe(zoo("v1_while").path, inputs={"x": X}, other_inputs={}, child=child)
    assert same.first_difference() is None


def test_resources_are_named_without_a_value(zoo: Zoo, child: Child) -> None:
    model = wb.open_model(zoo("tf2_tables").path)
    table = next(node.name for node in model.meta.graph.node if node.op == "HashTableV2")
    found = wb.probe(model, [table], child=child)
    assert found[table].note == "It is a resource, which has no numbers to show."
    assert found[table].dtype == "resource" and not found[table].has_value


def test_a_run_is_cancelled_from_elsewhere(zoo: Zoo) -> None:
    with Child() as child, pytest.raises(wb.errors.Cancelled):
        wb.probe(zoo("v1_while").path, child=child, cancelled=lambda: True)
    assert not child.alive


def test_progress_is_told(zoo: Zoo, child: Child) -> None:
    told: list[str] = []
    wb.probe(zoo("v1_while").path, child=child, on_progress=told.append)
    assert "running it" in told


# -- larger models, by TensorFlow's own tools


@pytest.mark.exhaustive
def test_mobilenet_equals_the_frozen_graph(zoo: Zoo, child: Child) -> None:
    """Each convolution and activation, as a Session gives it on the graph that TensorFlow freezes and inlines."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    path = zoo("keras_mobilenet_v2").path
    loaded = tf.saved_model.load(str(path))
    frozen = convert_variables_to_constants_v2(loaded.signatures["serving_default"])
    found = wb.probe(path, arrays=True, steps=None, child=child)
    (image,) = found.inputs.values()
    ops = ("Conv2D", "DepthwiseConv2dNative", "Relu6", "MatMul", "Softmax")
    mine = {
        one.path[-1].rpartition("/")[0] + one.address.split("::")[-1]: one
        for one in found.tensors
        if one.op in ops
    }
    assert len(mine) > 80
    with tf.compat.v1.Session(graph=frozen.graph) as session:
        tensors = {
            node.name.split("StatefulPartitionedCall/")[-1] + ":0": node.outputs[0]
            for node in frozen.graph.get_operations()
            if node.type in ops
        }
        wanted = {name: tensors[name] for name in (one.address.split("::")[-1] for one in mine.values())}
        values = session.run(wanted, {frozen.inputs[0].name: image})
    for one in mine.values():
        np.testing.assert_allclose(one.array, values[one.address.split("::")[-1]], rtol=1e-3, atol=1e-5)


@pytest.mark.exhaustive
def test_a_stateful_lstm(child: Child, tmp_path: Path) -> None:
    """No v1 Session restores its state; the other loader does."""
    import keras
    import tensorflow as tf

    layers = keras.layers
    model = keras.Sequential(
        [layers.Input(batch_shape=(1, 5, 3)), layers.LSTM(4, stateful=True), layers.Dense(2)]
    )
    model(np.zeros((1, 5, 3), np.float32))
    spec = [tf.TensorSpec([1, 5, 3], tf.float32, name="x")]
    serve = tf.function(lambda x: {"y": model(x)}, input_signature=spec)
    tf.saved_model.save(model, str(tmp_path / "m"), signatures=serve)
    x = np.linspace(-1, 1, 15, dtype=np.float32).reshape(1, 5, 3)
    loaded = tf.saved_model.load(str(tmp_path / "m"))
    expected = loaded.signatures["serving_default"](x=tf.constant(x))["y"].numpy()
    found = wb.probe(tmp_path / "m", inputs={"x": x}, arrays=True, child=child)
    np.testing.assert_allclose(found.outputs["y"], expected, rtol=1e-5)
    np.testing.assert_allclose(by_op(found, "BiasAdd")[-1].array, expected, rtol=1e-5)
    assert any(one.runs == 5 and one.op == "Tanh" for one in found.tensors)
