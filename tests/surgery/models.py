"""More models, for joins only: what third-party models have and the zoo has not. Makers by name in `MODELS`.

Each maker gets a folder of its own and gives the path of the model in it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.zoo.example import numbers, tf
from tests.zoo.tables import OTHER_WORDS, WORDS, hash_table
from tests.zoo.tools import dense, edit, fill, placeholder, save, signature, v1_session, variable, write_lines
from tests.zoo.v2 import layer_parts, save_module, spec

MODELS: dict[str, Callable[[Path], Path]] = {}


def model(make: Callable[[Path], Path]) -> Callable[[Path], Path]:
    """Register a maker under its function's name."""
    MODELS[make.__name__] = make
    return make


# -- savers


@model
def one_restore_each(folder: Path) -> Path:
    """A RestoreV2 for each variable, as savers were before 2017."""
    from tensorflow.python.training import saver as saver_lib

    with v1_session() as session:
        x = placeholder()
        y = tf.identity(dense(dense(x, "one", ref=True), "two"), name="y")
        fill(session, "one restore each")
        saver = tf.compat.v1.train.Saver(builder=saver_lib.BaseSaverBuilder())
        return save(folder, session, inputs={"x": x}, outputs={"y": y}, saver=saver)


@model
def shared_key_constant(folder: Path) -> Path:
    """The Const with the checkpoint's keys is an output of the model, too."""
    with v1_session() as session:
        x = placeholder()
        y = dense(x, "layer")
        fill(session, "shared constant")
        saver = tf.compat.v1.train.Saver()
        keys = session.graph.get_tensor_by_name("save/RestoreV2/tensor_names:0")
        y = tf.add(y, tf.cast(tf.reduce_sum(tf.strings.length(keys)), tf.float32), name="y")
        outputs = {"y": y, "keys": tf.identity(keys, name="keys")}
        return save(folder, session, inputs={"x": x}, outputs=outputs, saver=saver)


@model
def v1_checkpoint_format(folder: Path) -> Path:
    """A saver that writes the V1 checkpoint format: Save, RestoreSlice."""
    with v1_session() as session:
        x = placeholder()
        y = dense(x, "layer")
        fill(session, "V1")
        saver = tf.compat.v1.train.Saver(write_version=tf.compat.v1.train.SaverDef.V1)
        return save(folder, session, inputs={"x": x}, outputs={"y": y}, saver=saver)


@model
def no_saver(folder: Path) -> Path:
    """Variables that nothing restores and nothing initialises."""
    with v1_session() as session:
        x = placeholder()
        y = dense(x, "layer")
        fill(session, "no saver")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return edit(path, lambda message: message.meta_graphs[0].ClearField("saver_def"))


@model
def unfrozen_graphdef(folder: Path) -> Path:
    """A GraphDef with variables in it: somebody forgot to freeze."""
    with v1_session() as session:
        x = placeholder()
        tf.identity(dense(x, "layer"), name="y")
        tf.io.write_graph(session.graph, str(folder), "unfrozen.pb", as_text=False)
    return folder / "unfrozen.pb"


@model
def init_sets_variables(folder: Path) -> Path:
    """Nothing in the checkpoint but one variable; the others get their value from the init op, in a chain."""
    with v1_session() as session:
        x = placeholder()
        local = {"collections": [tf.compat.v1.GraphKeys.LOCAL_VARIABLES], "trainable": False}
        kept = variable("kept", [4])
        fill(session, "init")
        first = tf.compat.v1.get_variable("first", initializer=np.full(4, 2, np.float32), **local)
        second = tf.compat.v1.get_variable("second", initializer=np.zeros(4, np.float32), **local)
        with tf.control_dependencies([first.initializer]):
            main_op = tf.group(second.assign(first.read_value() * 3.0), name="set_all")
        y = tf.add(x * kept, first + second, name="y")
        return save(folder, session, inputs={"x": x}, outputs={"y": y}, main_op=main_op)


# -- reference variables


@model
def ref_scatter_output(folder: Path) -> Path:
    """The output is what ScatterUpdate gives: a reference to a variable that stays one."""
    with v1_session() as session:
        x = placeholder()
        rows = variable("rows", [3, 4], ref=True)
        updated = tf.compat.v1.scatter_update(rows, [1], tf.reduce_sum(x, 0, keepdims=True))
        fill(session, "scatter output")
        return save(folder, session, inputs={"x": x}, outputs={"y": updated})


@model
def ref_assign_output(folder: Path) -> Path:
    """The output is what Assign gives, and what is read after it."""
    with v1_session() as session:
        x = placeholder()
        last = variable("last", [4], ref=True)
        assigned = tf.compat.v1.assign(last, tf.reduce_sum(x, 0))
        with tf.control_dependencies([assigned]):
            after = tf.identity(last.read_value() * 2.0, name="after")
        fill(session, "assign output")
        return save(folder, session, inputs={"x": x}, outputs={"y": assigned, "after": after})


@model
def ref_free_shape(folder: Path) -> Path:
    """A reference variable whose shape is not checked: assigned another one by the restore."""
    with v1_session() as session:
        x = placeholder()
        free = tf.compat.v1.Variable(
            np.zeros((2, 4), np.float32), validate_shape=False, use_resource=False, name="free"
        )
        session.run(free.initializer)
        session.run(tf.compat.v1.assign(free, numbers("free", (3, 4)), validate_shape=False))
        y = tf.add(x, tf.reduce_sum(free, 0), name="y")
        y.set_shape([None, 4])
        saver = tf.compat.v1.train.Saver(reshape=False)
        return save(folder, session, inputs={"x": x}, outputs={"y": y}, saver=saver)


@model
def ref_embedding(folder: Path) -> Path:
    """Gather straight from a reference variable, in a cond of the first kind (RefSwitch)."""
    with v1_session(flow_v1=True) as session:
        ids = placeholder("ids", [None], tf.int32)
        table = variable("table", [7, 4], ref=True)
        y = tf.cond(
            tf.reduce_sum(ids) > 3, lambda: tf.gather(table, ids), lambda: tf.gather(table * 2.0, ids)
        )
        fill(session, "embedding")
        return save(folder, session, inputs={"ids": ids}, outputs={"y": tf.identity(y, name="y")})


# -- inputs


@model
def training_switch(folder: Path) -> Path:
    """`is_training` is a placeholder no signature names; `keep_prob` has a default."""
    with v1_session() as session:
        x = placeholder()
        training = placeholder("flags/is_training", [], tf.bool)
        keep = tf.compat.v1.placeholder_with_default(np.float32(1), [], name="keep_prob")
        y = tf.where(training, x * 100.0, dense(x, "layer") * keep)
        fill(session, "switch")
        return save(folder, session, inputs={"x": x}, outputs={"y": tf.identity(y, name="y")})


@model
def tall_twins(folder: Path) -> Path:
    """Two inputs of one name in two scopes, no signature names either."""
    with v1_session() as session:
        x = placeholder()
        one, two = placeholder("left/scale", []), placeholder("right/scale", [])
        return save(folder, session, inputs={"x": x}, outputs={"y": tf.add(x * one, x * two, name="y")})


@model
def bert_like(folder: Path) -> Path:
    """Three integer inputs, embeddings, attention: float16 inside, two outputs."""

    class Bert(tf.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            self.words = tf.Variable(numbers("words", (11, 4)), name="words")
            self.kinds = tf.Variable(numbers("kinds", (2, 4)), name="kinds")
            self.query = tf.Variable(numbers("query", (4, 4)), name="query")

        @tf.function(
            input_signature=[
                spec("input_ids", (None, 6), tf.int32),
                spec("input_mask", (None, 6), tf.int32),
                spec("segment_ids", (None, 6), tf.int32),
            ]
        )
        def __call__(self, input_ids: Any, input_mask: Any, segment_ids: Any) -> dict[str, Any]:
            both = tf.gather(self.words, input_ids) + tf.gather(self.kinds, segment_ids)
            scores = tf.matmul(both @ self.query, both, transpose_b=True)
            scores += tf.cast(1 - input_mask[:, None, :], tf.float32) * -1e4
            mixed = tf.cast(tf.nn.softmax(scores), tf.float16) @ tf.cast(both, tf.float16)
            mixed = tf.cast(mixed, tf.float32)
            return {"pooled_output": tf.tanh(mixed[:, 0]), "sequence_output": mixed}

    return save_module(folder, Bert())


@model
def tokenizer(folder: Path) -> Path:
    """Text to the three inputs of `bert_like`: split on blanks, a table from an asset, ragged to dense."""

    class Tokenizer(tf.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            file = write_lines(folder / "vocab.txt", ["[UNK]", "the", "cat", "sat", "on", "mat"])
            index = tf.lookup.TextFileIndex
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.TextFileInitializer(file, tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER),
                0,
            )

        @tf.function(input_signature=[spec("text", [None], tf.string)])
        def __call__(self, text: Any) -> dict[str, Any]:
            words = tf.strings.split(tf.strings.lower(text))
            ids = self.table.lookup(words.flat_values)
            ids = words.with_flat_values(tf.cast(ids, tf.int32)).to_tensor(shape=[None, 6])
            mask = tf.cast(tf.sequence_mask(tf.minimum(words.row_lengths(), 6), 6), tf.int32)
            return {"ids": ids, "mask": mask, "kinds": tf.zeros_like(ids)}

    return save_module(folder, Tokenizer())


@model
def detector(folder: Path) -> Path:
    """What object detection exports look like: a batch of images of any size in, boxes, scores, classes, their
    number out; map_fn, a loop of the first kind, non-max suppression, output shapes half known."""
    with v1_session(flow_v1=True) as session:
        images = placeholder("image_tensor", [None, None, None, 3], tf.uint8)
        floats = tf.map_fn(
            lambda image: tf.compat.v1.image.resize_bilinear(image[tf.newaxis], [8, 8])[0],
            images,
            dtype=tf.float32,
        )
        kernel = variable("FeatureExtractor/conv/weights", [3, 3, 3, 5], ref=True)
        features = tf.nn.relu(tf.nn.conv2d(floats / 127.5 - 1.0, kernel, 2, "SAME"))
        flat = tf.reshape(features, [-1, 16, 5])
        boxes = tf.concat([tf.minimum(flat[..., :2], 0.4), 0.6 + tf.minimum(flat[..., 2:4], 0.4)], -1)
        scores = tf.sigmoid(flat[..., 4])

        def one(pair: Any) -> Any:
            picked = tf.image.non_max_suppression(pair[0], pair[1], 3)
            pad = [[0, 3 - tf.shape(picked)[0]]]
            return (
                tf.pad(tf.gather(pair[0], picked), [*pad, [0, 0]]),
                tf.pad(tf.gather(pair[1], picked), pad),
                tf.cast(tf.shape(picked)[0], tf.float32),
            )

        kept = tf.map_fn(one, (boxes, scores), dtype=(tf.float32, tf.float32, tf.float32))
        outputs = dict(zip(("detection_boxes", "detection_scores", "num_detections"), kept, strict=True))
        outputs["detection_classes"] = tf.ones_like(kept[1])
        outputs = {name: tf.identity(value, name=name) for name, value in outputs.items()}
        fill(session, "detector")
        return save(folder, session, inputs={"inputs": images}, outputs=outputs)


@model
def jpeg_batch(folder: Path) -> Path:
    """A batch of encoded pictures of one size to uint8 `[?,?,?,3]`."""
    with v1_session(flow_v1=True) as session:
        encoded = placeholder("encoded_image_string_tensor", [None], tf.string)

        def decode(text: Any) -> Any:
            return tf.image.resize(tf.io.decode_image(text, 3, expand_animations=False), [12, 10])

        images = tf.cast(tf.map_fn(decode, encoded, dtype=tf.float32), tf.uint8, name="images")
        return save(folder, session, inputs={"image_bytes": encoded}, outputs={"images": images})


@model
def loops_inside(folder: Path) -> Path:
    """Tensors in a loop and in a branch of the first kind, by known names; a place to wire to, and one not to."""
    with v1_session(flow_v1=True) as session:
        x = placeholder()
        factor = tf.constant([1.0, 2.0, 3.0, 4.0], name="factor")

        def body(i: Any, value: Any) -> Any:
            inside = tf.constant([0.5, 0.5, 0.5, 0.5], name="in_loop")
            return i + 1, tf.multiply(tf.tanh(value * factor), inside, name="loop_value")

        _, y = tf.while_loop(lambda i, _: i < 3, body, [tf.constant(0), x])
        y = tf.cond(
            tf.reduce_sum(x) > 0,
            lambda: tf.add(y, tf.ones([4], name="in_branch"), name="branch_value"),
            lambda: y * 2.0,
        )
        return save(folder, session, inputs={"x": x}, outputs={"y": tf.identity(y, name="y")})


@model
def stateful_table_names(folder: Path) -> Path:
    """A variable named as another model's scope is, odd characters in scopes, a name over 200 letters."""
    with v1_session() as session:
        x = placeholder()
        with tf.compat.v1.variable_scope("v1_simple_save/layer"):
            y = dense(x, "layer.1-2")
        with tf.compat.v1.variable_scope("a" * 220):
            y = dense(y, "b")
        fill(session, "odd scopes")
        return save(folder, session, inputs={"x": x}, outputs={"y": tf.identity(y, name="y")})


@model
def slope(folder: Path) -> Path:
    """A v1 graph with a signature that runs the gradient of a loop: stacks, accumulators."""
    with v1_session(flow_v1=True) as session:
        x = placeholder()
        step = variable("step", [4])
        _, y = tf.while_loop(lambda i, _: i < 3, lambda i, v: (i + 1, tf.tanh(v + step)), [tf.constant(0), x])
        (grad,) = tf.gradients(y, x)
        fill(session, "slope")
        return save(
            folder,
            session,
            {
                "serving_default": signature({"x": x}, {"y": tf.identity(y, name="y")}),
                "slope": signature({"x": x}, {"y": tf.identity(grad, name="grad")}),
            },
        )


@model
def out_of_range(folder: Path) -> Path:
    """Gives `[?]` where `[?,4]` is promised nowhere: rank known only when it runs."""
    with v1_session() as session:
        x = placeholder()
        y = tf.reshape(
            x, tf.concat([tf.shape(x), tf.ones([tf.size(tf.shape(x)[:0])], tf.int32)], 0), name="y"
        )
        return save(folder, session, inputs={"x": x}, outputs={"y": y})


@model
def never_moves(folder: Path) -> Path:
    """Its output depends on the input by the graph, and neither by the numbers nor by their count."""
    with v1_session() as session:
        x = placeholder()
        return save(
            folder, session, inputs={"x": x}, outputs={"y": tf.reduce_mean(tf.ones_like(x), name="y")}
        )


@model
def colliding_keys(folder: Path) -> Path:
    """`x`, `b_x`, `b_x_2` in, `y`, `b_y` out: names a result would make up for a handle `b`."""
    with v1_session() as session:
        x, one, two = placeholder(), placeholder("one"), placeholder("two")
        inputs = {"x": x, "b_x": one, "b_x_2": two}
        y = tf.add_n([x, one * 2.0, two * 3.0], name="y")
        return save(folder, session, inputs=inputs, outputs={"y": y, "b_y": tf.negative(y, name="z")})


@model
def with_gradients(folder: Path) -> Path:
    """`tf.custom_gradient` kept in the model: its gradient is 10 times x, which no other gives."""
    return custom_gradient(folder, 10.0)


@model
def with_other_gradients(folder: Path) -> Path:
    """As `with_gradients`, 3 times x."""
    return custom_gradient(folder, 3.0)


def custom_gradient(folder: Path, factor: float) -> Path:
    @tf.custom_gradient
    def odd(x: Any) -> Any:
        return tf.identity(x), lambda grad: grad * factor

    class Made(tf.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            for name, part in layer_parts(f"gradient {factor}").items():
                setattr(self, name, part)

        @tf.function(input_signature=[spec()])
        def __call__(self, x: Any) -> dict[str, Any]:
            return {"y": odd(x) @ self.weights}

    module, path = Made(), folder / "model"
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
    tf.saved_model.save(module, str(path), signatures=module.__call__, options=options)

    def rename(message: Any) -> None:
        """The number in the name of the gradient is that of the process; here both models have the same."""
        library = message.meta_graphs[0].graph_def.library
        for gradient in library.registered_gradients:
            gradient.registered_op_type = "CustomGradient-1"
        for function in library.function:
            for node in function.node_def:
                if "_gradient_op_type" in node.attr and node.attr["_gradient_op_type"].s.startswith(
                    b"Custom"
                ):
                    node.attr["_gradient_op_type"].s = b"CustomGradient-1"

    return edit(path, rename)


# -- names that are empty


@model
def nameless_two(folder: Path) -> Path:
    """A variable of the empty `shared_name`, which is a name like any other; it holds 2."""
    return nameless(folder, 2.0)


@model
def nameless_five(folder: Path) -> Path:
    """As `nameless_two`; it holds 5."""
    return nameless(folder, 5.0)


def nameless(folder: Path, value: float) -> Path:
    with v1_session() as session:
        x = placeholder()
        var = variable("var", [])
        session.run(var.initializer, {var.initializer.inputs[1]: value})
        path = save(folder, session, inputs={"x": x}, outputs={"y": tf.multiply(x, var, name="y")})

    def forget(message: Any) -> None:
        for node in message.meta_graphs[0].graph_def.node:
            if node.op == "VarHandleOp":
                node.attr["shared_name"].s = b""

    return edit(path, forget)


@model
def batch_twice(folder: Path) -> Path:
    """A BatchFunction without `shared_name` in a body, that doubles."""
    return nameless_batch(folder, 2.0)


@model
def batch_thrice(folder: Path) -> Path:
    """As `batch_twice`, times three."""
    return nameless_batch(folder, 3.0)


def nameless_batch(folder: Path, factor: float) -> Path:
    class Made(tf.Module):  # type: ignore[name-defined, misc]
        @tf.function(input_signature=[spec()])
        def __call__(self, x: Any) -> dict[str, Any]:
            batched = tf.nondifferentiable_batch_function(1, 8, 1000)(lambda x: x * factor)
            y = batched(x)
            y.set_shape([None, 4])
            return {"y": y}

    def forget(message: Any) -> None:
        for function in message.meta_graphs[0].graph_def.library.function:
            for node in function.node_def:
                if node.op == "BatchFunction":
                    node.attr["shared_name"].s = b""

    return edit(save_module(folder, Made()), forget)


# -- gradients of functions


@model
def square_plus_one(folder: Path) -> Path:
    """A v1 function with a gradient of its own, x² + 1."""
    return square(folder, 1.0)


@model
def square_plus_two(folder: Path) -> Path:
    """As `square_plus_one`, all names equal, x² + 2."""
    return square(folder, 2.0)


def square(folder: Path, plus: float) -> Path:
    from tensorflow.python.framework import function

    with v1_session() as session:

        @function.Defun(tf.float32, tf.float32, func_name="SquareGrad")
        def square_grad(value: Any, grad: Any) -> Any:
            return plus * value * grad

        @function.Defun(tf.float32, func_name="Square_plus", grad_func=square_grad)
        def squared(value: Any) -> Any:
            return value * value + plus

        x = placeholder()
        y = squared(x)
        y.set_shape([None, 4])
        return save(folder, session, inputs={"x": x}, outputs={"y": tf.identity(y, name="y")})


@model
def collection_of_tensors(folder: Path) -> Path:
    """Collections of tensors, of numbers, and of bytes that nobody can rename."""
    with v1_session() as session:
        x = placeholder()
        y = tf.identity(tf.tanh(x, name="extra"), name="y")
        tf.compat.v1.add_to_collection("my_tensors", session.graph.get_tensor_by_name("extra:0"))
        tf.compat.v1.add_to_collection("my_numbers", 7)
        tf.compat.v1.add_to_collection("my_words", "word")
        return save(folder, session, inputs={"x": x}, outputs={"y": y})


@model
def named_table(folder: Path) -> Path:
    """`v1_hash_table` with a `shared_name` that another model has, too."""
    return rename_table(hash_table(folder, WORDS).path)


@model
def named_table_other(folder: Path) -> Path:
    """`v1_hash_table_other` with that name."""
    return rename_table(hash_table(folder, OTHER_WORDS).path)


def rename_table(path: Path) -> Path:
    def rename(message: Any) -> None:
        for node in message.meta_graphs[0].graph_def.node:
            if node.op == "HashTableV2":
                node.attr["shared_name"].s = b"vocabulary"

    return edit(path, rename)


@model
def picky(folder: Path) -> Path:
    """Runs only if every number is over 1,000."""
    with v1_session() as session:
        x = placeholder()
        with tf.control_dependencies([tf.debugging.assert_greater(x, 1000.0)]):
            y = tf.identity(x * 0.001, name="y")
        return save(folder, session, inputs={"x": x}, outputs={"y": y})


@model
def implements_for_gpu(folder: Path) -> Path:
    """x + 1, by a function that says to implement the same as another, for a GPU."""
    return implementation(folder, "GPU", lambda x: x + 1.0)


@model
def implements_for_cpu(folder: Path) -> Path:
    """x · 10, by a function that says to implement the same, for the CPU."""
    return implementation(folder, "CPU", lambda x: x * 10.0)


def implementation(folder: Path, device: str, compute: Any) -> Path:
    spec = [tf.TensorSpec([None, 4], tf.float32, name="x")]
    told = {"api_implements": "same", "api_preferred_device": device}

    class Model(tf.Module):
        @tf.function(input_signature=spec)
        def __call__(self, x: Any) -> Any:
            return {"y": tf.function(compute, input_signature=spec, experimental_attributes=told)(x)}

    module = Model()
    tf.saved_model.save(module, str(folder), signatures=module.__call__.get_concrete_function())
    return folder
