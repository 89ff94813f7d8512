"""TF1 graphs with branches and loops, in both of their forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.zoo.example import Example, floats, maker, tf
from tests.zoo.tools import dense, fill, placeholder, save, v1_session, variable


@maker("tf1", "flow", "flow_v1", "chain")
def v1_cond(folder: Path) -> Example:
    """Switch and Merge, a variable read in one branch."""
    return cond(folder, flow_v1=True)


@maker("tf1", "flow", "chain")
def v1_cond_functional(folder: Path) -> Example:
    """The same as an If op in a v1 graph."""
    return cond(folder, flow_v1=False)


def cond(folder: Path, *, flow_v1: bool) -> Example:
    with v1_session(flow_v1=flow_v1) as session:
        x = placeholder()
        bias = variable("bias", [4])
        y = tf.cond(tf.reduce_sum(x) > 0, lambda: x * 2.0 + bias, lambda: x - bias)
        y = tf.identity(y, name="y")
        fill(session, f"cond {flow_v1}")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=1, checkpoint_keys=1)


@maker("tf1", "flow", "flow_v1", "chain")
def v1_while(folder: Path) -> Example:
    """Enter, Merge, Switch, NextIteration, Exit: a cycle that is allowed."""
    return while_loop(folder, flow_v1=True)


@maker("tf1", "flow", "chain")
def v1_while_functional(folder: Path) -> Example:
    """The same as a While op in a v1 graph."""
    return while_loop(folder, flow_v1=False)


def while_loop(folder: Path, *, flow_v1: bool) -> Example:
    with v1_session(flow_v1=flow_v1) as session:
        x = placeholder()
        step = variable("step", [4])

        def body(i: Any, value: Any) -> Any:
            return i + 1, tf.tanh(value + step)

        _, y = tf.while_loop(lambda i, _: i < 3, body, [tf.constant(0), x])
        y = tf.identity(y, name="y")
        fill(session, f"while {flow_v1}")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=1, checkpoint_keys=1)


@maker("tf1", "flow", "flow_v1", "chain")
def v1_while_nested(folder: Path) -> Example:
    """A loop in a loop, with a branch inside the inner one; its contexts are in collections."""
    with v1_session(flow_v1=True) as session:
        x = placeholder()
        step = variable("step", [4])

        def inner(j: Any, value: Any) -> Any:
            value = tf.cond(tf.equal(j, 1), lambda: value + step, lambda: value * 0.5)
            return j + 1, value

        def outer(i: Any, value: Any) -> Any:
            _, value = tf.while_loop(lambda j, _: j < 2, inner, [tf.constant(0), value])
            return i + 1, value

        _, y = tf.while_loop(lambda i, _: i < 3, outer, [tf.constant(0), x])
        y = tf.identity(y, name="y")
        fill(session, "nested")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=1, checkpoint_keys=1)


@maker("tf1", "flow", "flow_v1", "chain")
def v1_map_fn(folder: Path) -> Example:
    """`map_fn` over rows in v1 control flow: TensorArrayV3 ops."""
    with v1_session(flow_v1=True) as session:
        x = placeholder()
        bias = variable("bias", [4])
        y = tf.identity(tf.map_fn(lambda row: tf.sort(row) + bias, x), name="y")
        fill(session, "map_fn")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=1, checkpoint_keys=1)


@maker("tf1", "flow", "flow_v1", "chain")
def v1_tensor_array(folder: Path) -> Example:
    """A TensorArray filled in a loop and stacked."""
    with v1_session(flow_v1=True) as session:
        x = placeholder()
        array = tf.TensorArray(tf.float32, size=4, element_shape=[None])

        def body(i: Any, array: Any) -> Any:
            return i + 1, array.write(i, x[:, 3 - i] * tf.cast(i, tf.float32))

        _, array = tf.while_loop(lambda i, _: i < 4, body, [tf.constant(0), array])
        y = tf.transpose(array.stack(), name="y")
        y.set_shape([None, 4])
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats())


@maker("tf1", "flow", "flow_v1", "ref", "chain")
def v1_while_ref(folder: Path) -> Example:
    """A loop that reads ref variables from outside: RefEnter is not made, Identity before Enter is."""
    with v1_session(flow_v1=True) as session:
        x = placeholder()
        with tf.compat.v1.variable_scope("layer"):
            weights = variable("weights", [4, 4], ref=True)

        def body(i: Any, value: Any) -> Any:
            return i + 1, tf.matmul(value, weights)

        _, y = tf.while_loop(
            lambda i, _: i < 2, body, [tf.constant(0), x], shape_invariants=[tf.TensorShape([]), x.shape]
        )
        y = tf.identity(dense(y, "last", ref=True), name="y")
        fill(session, "while ref")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=3, checkpoint_keys=3)
