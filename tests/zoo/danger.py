"""Models that should not be run unasked, or can't be: files, Python, printing, unknown ops, noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.zoo.example import Example, floats, maker, numbers, tf
from tests.zoo.tools import dense, edit, fill, placeholder, save, v1_session
from tests.zoo.v2 import module_of, save_module


@maker("tf1", "random", "chain")
def v1_random(folder: Path) -> Example:
    """Unseeded noise in a v1 graph."""
    with v1_session() as session:
        x = placeholder()
        y = tf.add(x, tf.compat.v1.random_uniform(tf.shape(x)), name="y")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats())


@maker("tf1", "danger", "chain")
def v1_reads_file(folder: Path) -> Example:
    """Reads a file that is no asset, by a path in the graph."""
    secret = folder / "secret.txt"
    secret.write_text("12345")
    with v1_session() as session:
        x = placeholder()
        length = tf.strings.length(tf.io.read_file(str(secret)))
        path = save(
            folder, session, inputs={"x": x}, outputs={"y": tf.add(x, tf.cast(length, tf.float32), name="y")}
        )
    return Example(path=path, inputs=floats())


@maker("tf2", "danger", "chain")
def tf2_writes_file(folder: Path) -> Example:
    """Writes a file, inside a branch inside a function: found only by walking all of the library."""
    target = str(folder / "written.txt")

    def call(self: Any, x: Any) -> Any:
        def write() -> Any:
            with tf.control_dependencies([tf.io.write_file(target, "here")]):
                return tf.identity(x)

        return tf.cond(tf.reduce_sum(x) > -1e9, write, lambda: x + 1.0)

    return Example(
        path=save_module(folder, module_of(call)),
        callables=("__call__",),
        inputs=floats(),
        checkpoint_keys=1,
        object_graph=True,
    )


@maker("tf2", "danger", "chain")
def tf2_lists_files(folder: Path) -> Example:
    """Lists a folder and reads what it finds, by a dataset."""
    (folder / "found.txt").write_text("one\ntwo\n")
    pattern = str(folder / "found*.txt")

    def call(self: Any, x: Any) -> Any:
        lines = tf.data.TextLineDataset(tf.io.matching_files(pattern))
        return x + tf.cast(lines.reduce(tf.constant(0), lambda total, _: total + 1), tf.float32)

    return Example(
        path=save_module(folder, module_of(call)),
        callables=("__call__",),
        inputs=floats(),
        checkpoint_keys=1,
        object_graph=True,
    )


@maker("tf2", "danger", "elsewhere")
def tf2_python(folder: Path) -> Example:
    """Calls Python: works in the process that saved it, and in no other."""

    def call(self: Any, x: Any) -> Any:
        y = tf.numpy_function(lambda value: value * 2, [x], tf.float32)
        y.set_shape([None, 4])
        return y

    return Example(
        path=save_module(folder, module_of(call)),
        callables=("__call__",),
        inputs=floats(),
        checkpoint_keys=1,
        object_graph=True,
        runs_v1=False,
        runs_v2=False,
    )


@maker("tf2", "danger", "chain")
def tf2_prints(folder: Path) -> Example:
    """PrintV2 to stdout, and an Assert."""

    def call(self: Any, x: Any) -> Any:
        import sys

        printed = tf.print("shape", tf.shape(x), output_stream=sys.stderr)
        with tf.control_dependencies([printed, tf.debugging.Assert(tf.reduce_all(x < 1e9), [x])]):
            return x * 3.0

    return Example(
        path=save_module(folder, module_of(call)),
        callables=("__call__",),
        inputs=floats(),
        checkpoint_keys=1,
        object_graph=True,
    )


def rename_op(message: Any, old: str, new: str) -> None:
    """Call every `old` op `new`, in nodes, bodies and the list of ops."""
    for meta in message.meta_graphs:
        bodies = [function.node_def for function in meta.graph_def.library.function]
        for nodes in (meta.graph_def.node, *bodies):
            for node in nodes:
                if node.op == old:
                    node.op = new
        for op in meta.meta_info_def.stripped_op_list.op:
            if op.name == old:
                op.name = new


@maker("tf1", "unknown_op", "odd")
def v1_unknown_op(folder: Path) -> Example:
    """`MyCompany>Softsign` between two layers: an op of a library that is not here."""
    with v1_session() as session:
        x = placeholder()
        y = dense(tf.nn.softsign(dense(x, "first")), "second")
        fill(session, "unknown")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    edit(path, lambda message: rename_op(message, "Softsign", "MyCompany>Softsign"))
    return Example(path=path, inputs=floats(), variables=4, checkpoint_keys=4, runs_v1=False, loads_v2=False)


@maker("tf2", "unknown_op", "odd")
def tf2_unknown_op(folder: Path) -> Example:
    """An op nobody knows, not even the model's own list of ops, inside a function."""
    weights = tf.Variable(numbers("unknown", (4, 4)), name="weights")
    path = save_module(folder, module_of(lambda self, x: tf.nn.softsign(x) @ self.weights, weights=weights))

    def change(message: Any) -> None:
        rename_op(message, "Softsign", "NobodyKnowsThisOp")
        ops = message.meta_graphs[0].meta_info_def.stripped_op_list.op
        for index in reversed(range(len(ops))):
            if ops[index].name == "NobodyKnowsThisOp":
                del ops[index]

    return Example(
        path=edit(path, change),
        callables=("__call__",),
        inputs=floats(),
        variables=1,
        checkpoint_keys=2,
        object_graph=True,
        runs_v1=False,
        loads_v2=False,
    )
