"""`tf.Module`s: variables, functions, control flow, what they capture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.zoo.example import Example, floats, maker, numbers, tf
from tests.zoo.tools import edit


def save_module(folder: Path, module: Any, signatures: Any = None) -> Path:
    """Save a module to `folder/model`, by default with its `__call__` as the signature."""
    path = folder / "model"
    tf.saved_model.save(module, str(path), signatures=module.__call__ if signatures is None else signatures)
    return path


def spec(name: str = "x", shape: Any = (None, 4), dtype: Any = None) -> Any:
    return tf.TensorSpec(shape, dtype or tf.float32, name)


def module_of(call: Any, **parts: Any) -> Any:
    """A module with `parts` as attributes whose `__call__(x)` is `{"y": call(module, x)}`."""

    class Made(tf.Module):  # type: ignore[name-defined, misc]
        @tf.function(input_signature=[spec()])
        def __call__(self, x: Any) -> dict[str, Any]:
            return {"y": call(self, x)}

    module = Made()
    for name, part in parts.items():
        setattr(module, name, part)
    return module


def layer_parts(seed: str) -> dict[str, Any]:
    return {
        "weights": tf.Variable(numbers(f"{seed} weights", (4, 4)), name="weights"),
        "bias": tf.Variable(numbers(f"{seed} bias", (4,)), name="bias"),
    }


@maker("tf2", "chain")
def tf2_module(folder: Path) -> Example:
    """One dense layer."""
    module = module_of(lambda self, x: x @ self.weights + self.bias, **layer_parts("module"))
    return Example(
        path=save_module(folder, module),
        callables=("__call__",),
        inputs=floats(),
        variables=2,
        checkpoint_keys=3,
        object_graph=True,
    )


@maker("tf2", "chain")
def tf2_module_twin(folder: Path) -> Example:
    """As `tf2_module`, names all equal, other values."""
    module = module_of(lambda self, x: x @ self.weights + self.bias, **layer_parts("module twin"))
    return Example(
        path=save_module(folder, module),
        callables=("__call__",),
        inputs=floats(),
        variables=2,
        checkpoint_keys=3,
        object_graph=True,
    )


@maker("tf2", "chain")
def tf2_pbtxt(folder: Path) -> Example:
    """As `tf2_module`, in text form: an object graph and functions as text."""
    from tensorflow.core.protobuf import saved_model_pb2

    module = module_of(lambda self, x: x @ self.weights + self.bias, **layer_parts("text"))
    path = save_module(folder, module)
    message = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    (path / "saved_model.pbtxt").write_text(str(message))
    (path / "saved_model.pb").unlink()
    (path / "fingerprint.pb").unlink()
    return Example(
        path=path,
        callables=("__call__",),
        inputs=floats(),
        variables=2,
        checkpoint_keys=3,
        object_graph=True,
    )


@maker("tf2", "chain")
def tf2_no_variables(folder: Path) -> Example:
    """Arithmetic only; TensorFlow writes a checkpoint all the same, with the object graph in it."""
    module = module_of(lambda self, x: tf.tanh(x * 2.0))
    return Example(
        path=save_module(folder, module),
        callables=("__call__",),
        inputs=floats(),
        checkpoint_keys=1,
        object_graph=True,
    )


@maker("tf2", "chain")
def tf2_nested_functions(folder: Path) -> Example:
    """Functions four calls deep, the innermost called twice and reading a variable."""

    def call(self: Any, x: Any) -> Any:
        @tf.function
        def fourth(x: Any) -> Any:
            return tf.sin(x) * self.bias

        @tf.function
        def third(x: Any) -> Any:
            return fourth(x) + fourth(x + 1.0)

        @tf.function
        def second(x: Any) -> Any:
            return third(x) @ self.weights

        @tf.function
        def first(x: Any) -> Any:
            return second(x) - x

        return first(x)

    module = module_of(call, **layer_parts("nested"))
    return Example(
        path=save_module(folder, module),
        callables=("__call__",),
        inputs=floats(),
        variables=2,
        checkpoint_keys=3,
        object_graph=True,
    )


@maker("tf2", "chain", "odd")
def tf2_equal_names(folder: Path) -> Example:
    """Three variables called `w` in two submodules and the root, one reached by two paths, one in a list."""
    left = tf.Module()
    left.w = tf.Variable(numbers("left", (4,)), name="w")
    right = tf.Module()
    right.w = tf.Variable(numbers("right", (4,)), name="w")
    right.also = left.w
    w = tf.Variable(numbers("root", (4,)), name="w")
    many = [w, tf.Variable(2.0, name="scalar", trainable=False)]

    def call(self: Any, x: Any) -> Any:
        return (x * self.left.w + self.right.w) * self.many[1] + self.many[0]

    module = module_of(call, left=left, right=right, w=w, many=many)
    return Example(
        path=save_module(folder, module),
        callables=("__call__",),
        inputs=floats(),
        variables=4,
        checkpoint_keys=5,
        object_graph=True,
    )


@maker("tf2", "chain")
def tf2_captured_constants(folder: Path) -> Example:
    """Eager tensors captured by the function: big ones become nodes of the main graph that are passed in."""
    weights = tf.constant(numbers("captured", (4, 4)))
    words = tf.constant([b"one", b"three"])

    def call(self: Any, x: Any) -> Any:
        return x @ weights + tf.cast(tf.reduce_sum(tf.strings.length(words)), tf.float32)

    return Example(
        path=save_module(folder, module_of(call)),
        callables=("__call__",),
        inputs=floats(),
        checkpoint_keys=1,
        object_graph=True,
    )


@maker("tf2", "flow", "chain")
def tf2_cond(folder: Path) -> Example:
    """If, with a variable read in one branch only."""

    def call(self: Any, x: Any) -> Any:
        return tf.cond(tf.reduce_sum(x) > 0, lambda: x @ self.weights, lambda: x + self.bias)

    module = module_of(call, **layer_parts("tf2 cond"))
    return Example(
        path=save_module(folder, module),
        callables=("__call__",),
        inputs=floats(),
        variables=2,
        checkpoint_keys=3,
        object_graph=True,
    )


@maker("tf2", "flow", "chain")
def tf2_while(folder: Path) -> Example:
    """While in While, a TensorList, and a variable read in the inner body."""

    def call(self: Any, x: Any) -> Any:
        def inner(j: Any, value: Any) -> Any:
            return j + 1, tf.tanh(value + self.bias)

        def outer(i: Any, value: Any) -> Any:
            return i + 1, tf.while_loop(lambda j, _: j < 2, inner, [0, value])[1]

        return tf.while_loop(lambda i, _: i < 3, outer, [0, x])[1]

    module = module_of(call, bias=tf.Variable(numbers("tf2 while", (4,)), name="bias"))
    return Example(
        path=save_module(folder, module),
        callables=("__call__",),
        inputs=floats(),
        variables=1,
        checkpoint_keys=2,
        object_graph=True,
    )


@maker("tf2", "flow", "chain")
def tf2_map_fn(folder: Path) -> Example:
    """`map_fn` (TensorLists), `switch_case` (Case) and a TensorArray."""

    def call(self: Any, x: Any) -> Any:
        rows = tf.map_fn(lambda row: tf.sort(row) * self.bias, x)
        picked = tf.switch_case(tf.shape(x)[0] % 3, [lambda: rows, lambda: -rows, lambda: rows * 2.0])
        array = tf.TensorArray(tf.float32, 2, element_shape=[None, 4]).write(0, picked).write(1, x)
        return tf.reduce_sum(array.stack(), 0)

    module = module_of(call, bias=tf.Variable(numbers("tf2 map", (4,)), name="bias"))
    return Example(
        path=save_module(folder, module),
        callables=("__call__",),
        inputs=floats(),
        variables=1,
        checkpoint_keys=2,
        object_graph=True,
    )


@maker("tf2", "state", "chain")
def tf2_counter(folder: Path) -> Example:
    """A variable that each call adds one to, and gives."""

    def call(self: Any, x: Any) -> Any:
        return x + self.counter.assign_add(1.0)

    module = module_of(call, counter=tf.Variable(100.0, name="counter"))
    return Example(
        path=save_module(folder, module),
        callables=("__call__",),
        inputs=floats(),
        variables=1,
        checkpoint_keys=2,
        object_graph=True,
    )


@maker("tf2", "chain")
def tf2_custom_gradient(folder: Path) -> Example:
    """`tf.custom_gradient` and a PartitionedCall that was differentiated: forward and backward functions."""

    @tf.custom_gradient
    def clipped(x: Any) -> Any:
        return tf.identity(x), lambda grad: tf.clip_by_value(grad, -0.1, 0.1)

    def call(self: Any, x: Any) -> Any:
        @tf.function
        def inner(x: Any) -> Any:
            return clipped(x) ** 2 @ self.weights

        with tf.GradientTape() as tape:
            tape.watch(x)
            value = inner(x)
        return value + tape.gradient(value, x) + self.bias

    module = module_of(call, **layer_parts("gradient"))
    path = folder / "model"
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
    tf.saved_model.save(module, str(path), signatures=module.__call__, options=options)
    return Example(
        path=path,
        callables=("__call__",),
        inputs=floats(),
        variables=2,
        checkpoint_keys=3,
        object_graph=True,
    )


@maker("tf2", "chain", "odd")
def tf2_jit(folder: Path) -> Example:
    """A function marked for XLA (`jit_compile=True`), and op attributes that come with it."""

    def call(self: Any, x: Any) -> Any:
        @tf.function(jit_compile=True)
        def compiled(x: Any) -> Any:
            return tf.nn.relu(x @ self.weights) + self.bias

        return compiled(x)

    module = module_of(call, **layer_parts("jit"))
    return Example(
        path=save_module(folder, module),
        callables=("__call__",),
        inputs=floats(),
        variables=2,
        checkpoint_keys=3,
        object_graph=True,
    )


@maker("tf2", "slots", "chain")
def tf2_optimizer(folder: Path) -> Example:
    """A module with an optimizer as attribute: slot variables in both object graphs."""
    return Example(
        path=optimizer_module(folder),
        callables=("__call__",),
        inputs=floats(),
        # weights, bias, m and v of each, step, rate, decay and two betas
        variables=11,
        checkpoint_keys=12,
        object_graph=True,
    )


@maker("tf2", "slots", "odd")
def tf2_old_optimizer(folder: Path) -> Example:
    """The same as old Keras named it, which TensorFlow 2.21 no longer knows and so can't load.

    It says `'_UserObject' object has no attribute 'add_slot'`; a v1 session runs it.
    """

    def rename(message: Any) -> None:
        for node in message.meta_graphs[0].object_graph_def.nodes:
            if node.user_object.identifier == "tf_deprecated_optimizer":
                node.user_object.identifier = "optimizer"

    return Example(
        path=edit(optimizer_module(folder), rename),
        inputs=floats(),
        variables=11,
        checkpoint_keys=12,
        object_graph=True,
        loads_v2=False,
    )


def optimizer_module(folder: Path) -> Path:
    from tensorflow.python.keras.optimizer_v2 import adam

    module = module_of(lambda self, x: x @ self.weights + self.bias, **layer_parts("optimizer"))
    module.optimizer = adam.Adam(0.1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(module(tf.ones([1, 4]))["y"])
    variables = [module.weights, module.bias]
    module.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
    return save_module(folder, module)


@maker("tf2", "chain", "odd")
def tf2_odd_variables(folder: Path) -> Example:
    """Variables that are empty, string, bool, int64, complex, bfloat16, float64, of free shape, unused."""
    parts = {
        "empty": tf.Variable(np.zeros((0, 3), np.float32), name="empty"),
        "words": tf.Variable([b"", b"two", b"\xff\x00"], name="words"),
        "truth": tf.Variable([True, False], name="truth"),
        "whole": tf.Variable(np.array([[1, 2]], np.int64), name="whole"),
        "complex": tf.Variable(np.array([1 + 2j], np.complex64), name="complex"),
        "brain": tf.Variable(tf.cast([1.5, 2.5], tf.bfloat16), name="brain"),
        "double": tf.Variable(np.float64(0.25), name="double"),
        "free": tf.Variable(numbers("free", (2, 3)), shape=tf.TensorShape([None, 3]), name="free"),
        "unused": tf.Variable([7.0], name="unused/deep/name"),
    }

    def call(self: Any, x: Any) -> Any:
        used = [self.empty, self.truth, self.whole, self.brain, self.double, self.free]
        sums = [tf.reduce_sum(tf.cast(var, tf.float32)) for var in used]
        sums.append(tf.reduce_sum(tf.math.imag(self.complex)))
        sums.append(tf.cast(tf.reduce_sum(tf.strings.length(self.words)), tf.float32))
        return x + tf.add_n(sums)

    return Example(
        path=save_module(folder, module_of(call, **parts)),
        callables=("__call__",),
        inputs=floats(),
        variables=9,
        checkpoint_keys=10,
        object_graph=True,
    )


@maker("tf2", "chain", "odd")
def tf2_resaved_v1(folder: Path) -> Example:
    """A v1 model loaded by `tf.saved_model.load` and saved again: v1 names inside v2 functions."""
    from tests.zoo.v1 import v1_simple_save

    (folder / "before").mkdir()
    loaded = tf.saved_model.load(str(v1_simple_save(folder / "before").path))
    path = folder / "model"
    tf.saved_model.save(loaded, str(path), signatures=loaded.signatures)
    return Example(path=path, inputs=floats(), variables=2, checkpoint_keys=3, object_graph=True)


@maker("tf2", "random", "chain")
def tf2_random(folder: Path) -> Example:
    """Unseeded noise is added: no two runs agree."""
    tf.random.set_seed(None)  # the makers of Keras models seed everything, and a seed would be saved
    module = module_of(lambda self, x: x + tf.random.normal(tf.shape(x)))
    return Example(
        path=save_module(folder, module),
        callables=("__call__",),
        inputs=floats(),
        checkpoint_keys=1,
        object_graph=True,
    )


@maker("tf2", "chain", "odd")
def tf2_batch_function(folder: Path) -> Example:
    """BatchFunction, which has a function, a container and a `shared_name`."""

    def call(self: Any, x: Any) -> Any:
        @tf.nondifferentiable_batch_function(1, 8, 1000)
        def batched(x: Any) -> Any:
            return x @ self.weights

        y = batched(x)
        y.set_shape([None, 4])
        return y

    module = module_of(call, weights=tf.Variable(numbers("batch", (4, 4)), name="weights"))
    return Example(
        path=save_module(folder, module),
        callables=("__call__",),
        inputs=floats(),
        variables=1,
        checkpoint_keys=2,
        object_graph=True,
    )
