"""TF1 graphs and their state: kinds of variables, checkpoints, init ops, queues."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.zoo.example import Example, floats, maker, tf
from tests.zoo.tools import dense, fill, placeholder, save, signature, v1_session, variable


@maker("tf1", "ref", "chain")
def v1_ref_variables(folder: Path) -> Example:
    """VariableV2 below scopes, read through Identity and by reference; with VariableDefs."""
    with v1_session() as session:
        x = placeholder()
        with tf.compat.v1.variable_scope("outer"), tf.compat.v1.variable_scope("inner"):
            y = dense(x, "layer", ref=True)
        y = tf.identity(y, name="y")
        fill(session, "ref")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=2, checkpoint_keys=2)


@maker("tf1", "ref", "chain", "state")
def v1_ref_counter(folder: Path) -> Example:
    """The output of AssignAdd on a ref variable is used: each run of a session gives one more."""
    with v1_session() as session:
        x = placeholder()
        counter = variable("counter", [], ref=True)
        y = tf.add(x, tf.compat.v1.assign_add(counter, 1.0), name="y")
        fill(session, "ref counter")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=1, checkpoint_keys=1)


@maker("tf1", "ref", "chain", "state")
def v1_ref_scatter(folder: Path) -> Example:
    """ScatterUpdate on a ref variable: an op for which there is no resource twin with the same output."""
    with v1_session() as session:
        x = placeholder()
        rows = variable("rows", [3, 4], ref=True)
        updated = tf.compat.v1.scatter_update(rows, [1], tf.reduce_sum(x, 0, keepdims=True))
        y = tf.add(x, tf.reduce_sum(updated, 0), name="y")
        fill(session, "ref scatter")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=1, checkpoint_keys=1)


@maker("tf1", "ref", "odd")
def v1_ref_output(folder: Path) -> Example:
    """An output of the signature is a ref tensor: the variable's node itself."""
    with v1_session() as session:
        x = placeholder()
        weights = variable("weights", [4], ref=True)
        y = tf.add(x, weights, name="y")
        fill(session, "ref output")
        tensor = session.graph.get_tensor_by_name("weights:0")
        path = save(folder, session, inputs={"x": x}, outputs={"weights": tensor, "y": y})
    return Example(
        path=path, inputs=floats(), outputs=("weights", "y"), variables=1, checkpoint_keys=1, loads_v2=False
    )


@maker("tf1", "ref", "chain")
def v1_ref_and_resource(folder: Path) -> Example:
    """Both kinds of variables in one graph."""
    with v1_session() as session:
        x = placeholder()
        y = dense(dense(x, "old", ref=True), "new")
        fill(session, "mixed")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=4, checkpoint_keys=4)


@maker("tf1", "partitioned", "chain")
def v1_partitioned(folder: Path) -> Example:
    """Resource variables in partitions: `[4,4]` by rows in 2, `[4]` in 3."""
    return partitioned(folder, ref=False)


@maker("tf1", "partitioned", "ref", "chain")
def v1_ref_partitioned(folder: Path) -> Example:
    """Ref variables in partitions."""
    return partitioned(folder, ref=True)


def partitioned(folder: Path, *, ref: bool) -> Example:
    def split(parts: int) -> Any:
        return tf.compat.v1.fixed_size_partitioner(parts)

    with v1_session() as session:
        x = placeholder()
        with tf.compat.v1.variable_scope("layer"):
            weights = variable("weights", [4, 4], ref=ref, partitioner=split(2))
            bias = variable("bias", [4], ref=ref, partitioner=split(3))
        y = tf.add(tf.matmul(x, tf.convert_to_tensor(weights)), tf.convert_to_tensor(bias), name="y")
        fill(session, f"partitioned {ref}")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=5, checkpoint_keys=2)


@maker("tf1", "partitioned", "chain")
def v1_partitioned_columns(folder: Path) -> Example:
    """Partitions along the second axis, uneven: `[4,5]` in 2 (3 and 2 columns)."""
    with v1_session() as session:
        x = placeholder()
        with tf.compat.v1.variable_scope("layer"):
            split = tf.compat.v1.fixed_size_partitioner(2, axis=1)
            weights = variable("weights", [4, 5], partitioner=split)
        y = tf.matmul(x, tf.convert_to_tensor(weights))[:, 1:]
        fill(session, "columns")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=2, checkpoint_keys=1)


@maker("tf1", "sharded", "chain")
def v1_sharded(folder: Path) -> Example:
    """Three devices, a sharded saver: three data files."""
    with v1_session(devices=3) as session:
        y = x = placeholder()
        for device in range(3):
            with tf.device(f"/device:CPU:{device}"):
                y = tf.identity(dense(y, f"layer_{device}"))
        fill(session, "sharded")
        path = save(
            folder, session, inputs={"x": x}, outputs={"y": y}, saver=tf.compat.v1.train.Saver(sharded=True)
        )
    return Example(path=path, inputs=floats(), variables=6, checkpoint_keys=6, shards=3)


@maker("tf1", "slots", "chain")
def v1_adam_slots(folder: Path) -> Example:
    """Saved from training with every global variable: Adam's slots and powers, the step, the training ops."""
    with v1_session() as session:
        x = placeholder()
        y = tf.identity(dense(x, "layer"), name="y")
        step = tf.compat.v1.train.get_or_create_global_step()
        optimizer = tf.compat.v1.train.AdamOptimizer(0.1)
        train = optimizer.minimize(tf.reduce_mean(tf.square(y)), step)
        tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.TRAIN_OP, train)
        fill(session, "adam")
        path = save(
            folder,
            session,
            {"serving_default": signature({"x": x}, {"y": y})},
        )
    # weights, bias; m and v of each; two powers; the step
    return Example(path=path, inputs=floats(), variables=9, checkpoint_keys=9)


@maker("tf1", "chain", "odd")
def v1_renamed_keys(folder: Path) -> Example:
    """A saver with a dict: the checkpoint's keys are not the variables' names, and are swapped at that."""
    with v1_session() as session:
        x = placeholder()
        left, right = variable("left", [4]), variable("right", [4])
        y = tf.add(x * left, right, name="y")
        fill(session, "renamed")
        saver = tf.compat.v1.train.Saver({"right": left, "some where/left": right})
        path = save(folder, session, inputs={"x": x}, outputs={"y": y}, saver=saver)
    return Example(path=path, inputs=floats(), variables=2, checkpoint_keys=2)


@maker("tf1", "chain", "odd")
def v1_odd_variables(folder: Path) -> Example:
    """Variables that are scalar, empty, string, bool, int64, complex and bfloat16."""
    dtypes = {
        "scalar": ([], tf.float32),
        "empty": ([0, 3], tf.float32),
        "truth": ([3], tf.bool),
        "whole": ([2, 2], tf.int64),
        "complex": ([2], tf.complex64),
        "brain": ([5], tf.bfloat16),
        "half": ([1], tf.float16),
    }
    with v1_session() as session:
        x = placeholder()
        made = {name: variable(name, shape, dtype=dtype) for name, (shape, dtype) in dtypes.items()}
        fill(session, "odd variables")
        words = tf.compat.v1.get_variable("words", initializer=tf.constant([b"", b"two", b"\xff\x00"]))
        session.run(words.initializer)
        sums = [
            tf.reduce_sum(tf.cast(tf.math.real(var) if name == "complex" else var, tf.float32))
            for name, var in made.items()
        ]
        lengths = tf.cast(tf.reduce_sum(tf.strings.length(words)), tf.float32)
        y = tf.add(x, tf.add_n([*sums, lengths]), name="y")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=8, checkpoint_keys=8)


@maker("tf1", "init", "chain")
def v1_main_op(folder: Path) -> Example:
    """A `main_op` sets a local variable, which is not in the checkpoint, from one that is."""
    with v1_session() as session:
        x = placeholder()
        kept = variable("kept", [4])
        local = tf.compat.v1.get_variable(
            "local",
            initializer=np.zeros(4, np.float32),
            collections=[tf.compat.v1.GraphKeys.LOCAL_VARIABLES],
            trainable=False,
        )
        fill(session, "main op")
        main_op = tf.group(local.assign(kept.read_value() * 2.0), name="prepare")
        y = tf.add(x * kept, local, name="y")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y}, main_op=main_op)
    # the v2 loader runs a main op as a function, in which the variables are those it restored
    return Example(path=path, inputs=floats(), variables=2, checkpoint_keys=1)


@maker("tf1", "init", "chain")
def v1_legacy_init_op(folder: Path) -> Example:
    """The init op is in the collection `legacy_init_op`, as written before TensorFlow 1.8."""
    with v1_session() as session:
        x = placeholder()
        local = tf.compat.v1.get_variable(
            "local",
            initializer=np.arange(4, dtype=np.float32),
            collections=[tf.compat.v1.GraphKeys.LOCAL_VARIABLES],
            trainable=False,
        )
        y = tf.add(x, local, name="y")
        tf.compat.v1.add_to_collection("legacy_init_op", tf.group(local.initializer, name="legacy"))
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=1)


@maker("tf1", "state", "odd")
def v1_queue(folder: Path) -> Example:
    """A queue with a `shared_name`: a run puts `x` in and takes it out again, doubled."""
    with v1_session() as session:
        x = placeholder()
        queue = tf.queue.FIFOQueue(10, [tf.float32], shared_name="shared_queue", name="queue")
        with tf.control_dependencies([queue.enqueue([x])]):
            taken = queue.dequeue()
        taken.set_shape([None, 4])
        y = tf.multiply(taken, 2.0, name="y")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats())


@maker("tf1", "state", "init", "odd")
def v1_iterator(folder: Path) -> Example:
    """An iterator with a `shared_name`, started by the init op; each run adds the next number."""
    with v1_session() as session:
        x = placeholder()
        dataset = tf.data.Dataset.range(1, 100)
        iterator = tf.compat.v1.data.make_initializable_iterator(dataset, shared_name="shared_iterator")
        y = tf.add(x, tf.cast(iterator.get_next(), tf.float32), name="y")
        path = save(
            folder, session, inputs={"x": x}, outputs={"y": y}, main_op=tf.group(iterator.initializer)
        )
    return Example(path=path, inputs=floats())


@maker("tf1", "state", "odd")
def v1_mutex(folder: Path) -> Example:
    """A critical section (MutexV2 with a `shared_name`) around a counter."""
    with v1_session() as session:
        x = placeholder()
        counter = variable("counter", [])
        section = tf.CriticalSection(name="section", shared_name="shared_mutex")
        y = tf.add(x, section.execute(lambda: counter.assign_add(1.0, read_value=True)), name="y")
        fill(session, "mutex")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=1, checkpoint_keys=1)


@maker("tf1", "state", "chain", "odd")
def v1_shared_names(folder: Path) -> Example:
    """Two VarHandleOps with one `shared_name` are one variable: what the first adds the second reads.

    The v2 loader gives the first a name of its own, and the second finds nothing.
    """
    with v1_session() as session:
        x = placeholder()
        var = variable("base", [4])
        fill(session, "shared names")
        again = tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[4], shared_name="base", name="again")
        with tf.control_dependencies([var.assign_add(tf.ones([4]), read_value=False)]):
            y = tf.add(x, tf.raw_ops.ReadVariableOp(resource=again, dtype=tf.float32), name="y")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=2, checkpoint_keys=1, runs_v2=False)
