"""TF1 graphs: how they are saved, tagged, signed and fed. Frozen GraphDefs too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.zoo.example import Example, Ragged, Sparse, floats, maker, numbers, strings, tf
from tests.zoo.tools import dense, edit, fill, placeholder, save, signature, v1_session, variable, write_lines


@maker("tf1", "chain")
def v1_simple_save(folder: Path) -> Example:
    """`simple_save`: one dense layer."""
    with v1_session() as session:
        x = placeholder()
        y = tf.identity(dense(x, "layer"), name="y")
        fill(session, "simple")
        path = folder / "model"
        tf.compat.v1.saved_model.simple_save(session, str(path), inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=2, checkpoint_keys=2)


@maker("tf1", "chain")
def v1_simple_twin(folder: Path) -> Example:
    """The same graph as `v1_simple_save`, every name equal, other values."""
    with v1_session() as session:
        x = placeholder()
        y = tf.identity(dense(x, "layer"), name="y")
        fill(session, "twin")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=2, checkpoint_keys=2)


@maker("tf1", "chain")
def v1_no_variables(folder: Path) -> Example:
    """Arithmetic only: there is no `variables` folder."""
    with v1_session() as session:
        x = placeholder()
        path = save(folder, session, inputs={"x": x}, outputs={"y": tf.tanh(x * 2.0 + 1.0)})
    return Example(path=path, inputs=floats())


@maker("tf1", "chain")
def v1_tag_sets(folder: Path) -> Example:
    """Three MetaGraphs on one checkpoint: `serve`, `serve,gpu` (another graph), `train` (more variables)."""
    path = folder / "model"
    builder = tf.compat.v1.saved_model.Builder(str(path))
    with v1_session() as session:
        x = placeholder()
        y = dense(x, "layer")
        with tf.compat.v1.variable_scope("training"):
            steps = variable("steps", [], dtype=tf.int64)
        loss = tf.reduce_mean(tf.square(y)) + tf.cast(steps, tf.float32) * 0.0
        fill(session, "tags")
        builder.add_meta_graph_and_variables(
            session, ["train"], {"train": signature({"x": x}, {"loss": loss})}, strip_default_attrs=True
        )
    for tags, scale in ((["serve"], 1.0), (["serve", "gpu"], 10.0)):
        with v1_session() as session:
            x = placeholder()
            y = tf.identity(dense(x, "layer") * scale, name="y")
            builder.add_meta_graph(
                tags, {"serving_default": signature({"x": x}, {"y": y})}, strip_default_attrs=True
            )
    builder.save()
    return Example(path=path, meta_graphs=3, inputs=floats(), variables=2, checkpoint_keys=3)


@maker("tf1", "chain")
def v1_signatures(folder: Path) -> Example:
    """Four signatures that share tensors: one with two output keys on one tensor, one that ends half-way."""
    with v1_session() as session:
        x = placeholder()
        hidden = tf.nn.relu(dense(x, "first", 6))
        y = tf.identity(dense(hidden, "second"), name="y")
        fill(session, "signatures")
        path = save(
            folder,
            session,
            {
                "serving_default": signature({"x": x}, {"y": y}),
                "both": signature({"x": x}, {"hidden": hidden, "y": y}),
                "embed": signature({"x": x}, {"hidden": hidden}),
                "twice": signature({"left": x}, {"first": y, "second": y}),
            },
        )
    return Example(
        path=path,
        signatures=("both", "embed", "serving_default", "twice"),
        inputs=floats(),
        variables=4,
        checkpoint_keys=4,
    )


@maker("tf1", "odd")
def v1_shared_input(folder: Path) -> Example:
    """Two input keys on one tensor: good for a v1 session, the v2 loader refuses it."""
    with v1_session() as session:
        x = placeholder()
        path = save(folder, session, inputs={"left": x, "right": x}, outputs={"y": tf.sin(x, name="y")})

    def inputs(batch: int) -> dict[str, Any]:
        return dict.fromkeys(("left", "right"), numbers("x", (batch, 4)))

    return Example(path=path, inputs=inputs, loads_v2=False)


@maker("tf1", "chain", "odd")
def v1_empty_tags(folder: Path) -> Example:
    """The tag set is empty, as in modules of TensorFlow Hub."""
    with v1_session() as session:
        x = placeholder()
        y = dense(x, "layer")
        fill(session, "empty tags")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y}, tags=[])
    return Example(path=path, tags=(), inputs=floats(), variables=2, checkpoint_keys=2)


@maker("tf1", "chain", "odd")
def v1_tags_serve_gpu(folder: Path) -> Example:
    """One MetaGraph with two tags."""
    with v1_session() as session:
        x = placeholder()
        y = dense(x, "layer")
        fill(session, "serve gpu")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y}, tags=["serve", "gpu"])
    return Example(path=path, tags=("gpu", "serve"), inputs=floats(), variables=2, checkpoint_keys=2)


@maker("tf1", "odd")
def v1_odd_keys(folder: Path) -> Example:
    """Signature keys that look like other things: paths, tensors, assignments, handles, markup."""
    keys = ["a/b", "x:0", "a=b", "img@x", "s#k", "with space", "größe", "[bold]", "%x:0"]
    with v1_session() as session:
        x = placeholder()
        inputs = {key: placeholder(f"in_{i}") for i, key in enumerate(keys)}
        inputs["x"] = x
        total = tf.add_n(list(inputs.values()))
        outputs = {key: tf.multiply(total, float(i + 1), name=f"out_{i}") for i, key in enumerate(keys)}
        path = save(folder, session, {"sign/a:0": signature(inputs, outputs)})
    return Example(
        path=path,
        signature="sign/a:0",
        signatures=("sign/a:0",),
        inputs=floats(*keys, "x"),
        outputs=tuple(sorted(keys)),
        runs_v2=False,  # a key has to be a Python name to be given as an argument
    )


@maker("tf1", "chain")
def v1_pbtxt(folder: Path) -> Example:
    """Saved as text: `saved_model.pbtxt`, variables as always."""
    with v1_session() as session:
        x = placeholder()
        y = dense(x, "layer")
        fill(session, "text")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y}, as_text=True)
    return Example(path=path, inputs=floats(), variables=2, checkpoint_keys=2)


@maker("tf1", "odd")
def v1_no_signature(folder: Path) -> Example:
    """A MetaGraph that can be run by node names alone."""
    with v1_session() as session:
        x = placeholder()
        tf.identity(dense(x, "layer"), name="y")
        fill(session, "no signature")
        path = save(folder, session, {})
    return Example(
        path=path, signature=None, signatures=(), outputs=(), inputs=floats(), variables=2, checkpoint_keys=2
    )


@maker("tf1", "chain", "odd")
def v1_default_input(folder: Path) -> Example:
    """`x` is a PlaceholderWithDefault, and a second input, `scale`, is one that may be left out."""
    with v1_session() as session:
        x = tf.compat.v1.placeholder_with_default(np.zeros([1, 4], np.float32), [None, 4], name="x")
        scale = tf.compat.v1.placeholder_with_default(np.float32(2), [], name="scale")
        y = tf.multiply(x, scale, name="y")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats())


@maker("tf1", "chain", "odd")
def v1_passthrough(folder: Path) -> Example:
    """Outputs that are no computation: the input itself, a variable, a constant."""
    with v1_session() as session:
        x = placeholder()
        with tf.compat.v1.variable_scope("layer"):
            weights = variable("weights", [4])
        fill(session, "passthrough")
        outputs = {
            "constant": tf.constant([1.0, 2.0], name="constant"),
            "same": x,
            "weights": tf.identity(weights, name="weights_output"),
            "y": tf.add(x, weights, name="y"),
        }
        path = save(folder, session, inputs={"x": x}, outputs=outputs)
    return Example(path=path, inputs=floats(), outputs=tuple(outputs), variables=1, checkpoint_keys=1)


@maker("tf1", "odd")
def v1_lying_input_shape(folder: Path) -> Example:
    """The signature says input `x` is int32 `[7,9]`; the placeholder is float32 `[-1,4]`. It loads."""
    with v1_session() as session:
        x = placeholder()
        path = save(folder, session, inputs={"x": x}, outputs={"y": tf.multiply(x, 3.0, name="y")})

    def lie(message: Any) -> None:
        info = message.meta_graphs[0].signature_def["serving_default"].inputs["x"]
        info.tensor_shape.dim[0].size, info.tensor_shape.dim[1].size = 7, 9
        info.dtype = tf.int32.as_datatype_enum

    return Example(path=edit(path, lie), inputs=floats())


@maker("tf1", "odd")
def v1_lying_output_shape(folder: Path) -> Example:
    """The signature says output `y` is `[-1,9]`; it is `[-1,4]`. The v2 loader refuses it."""
    with v1_session() as session:
        x = placeholder()
        path = save(folder, session, inputs={"x": x}, outputs={"y": tf.multiply(x, 3.0, name="y")})

    def lie(message: Any) -> None:
        info = message.meta_graphs[0].signature_def["serving_default"].outputs["y"]
        info.tensor_shape.dim[1].size = 9

    return Example(path=edit(path, lie), inputs=floats(), loads_v2=False)


@maker("tf1", "odd")
def v1_static_batch(folder: Path) -> Example:
    """Takes exactly `[2,4]`."""
    with v1_session() as session:
        x = placeholder("x", [2, 4])
        y = dense(x, "layer")
        fill(session, "static")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), batches=(2,), variables=2, checkpoint_keys=2)


@maker("tf1", "odd")
def v1_unknown_rank(folder: Path) -> Example:
    """Takes and gives tensors of any rank."""
    with v1_session() as session:
        x = placeholder("x", None)
        path = save(folder, session, inputs={"x": x}, outputs={"y": tf.negative(x, name="y")})
    return Example(path=path, inputs=floats())


@maker("tf1", "odd")
def v1_two_in_two_out(folder: Path) -> Example:
    """Two inputs, two outputs, each output needing both."""
    with v1_session() as session:
        a, b = placeholder("a"), placeholder("b")
        y, z = dense(a, "left") - b, dense(b, "right") * a
        fill(session, "two")
        path = save(folder, session, inputs={"a": a, "b": b}, outputs={"y": y, "z": z})
    return Example(path=path, inputs=floats("a", "b"), outputs=("y", "z"), variables=4, checkpoint_keys=4)


@maker("tf1", "odd")
def v1_sparse_input(folder: Path) -> Example:
    """A sparse input `x` `[-1,4]`, in the signature as `coo_sparse`."""
    with v1_session() as session:
        x = tf.compat.v1.sparse_placeholder(tf.float32, [None, 4], name="x")
        with tf.compat.v1.variable_scope("layer"):
            weights = variable("weights", [4, 4])
        y = tf.sparse.sparse_dense_matmul(x, tf.convert_to_tensor(weights))
        fill(session, "sparse")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})

    def inputs(batch: int) -> dict[str, Any]:
        indices = np.array([[row, row % 4] for row in range(batch)], np.int64)
        return {"x": Sparse(indices, numbers("sparse", (batch,)), np.array([batch, 4], np.int64))}

    return Example(path=path, inputs=inputs, variables=1, checkpoint_keys=1)


@maker("tf1", "odd")
def v1_sparse_output(folder: Path) -> Example:
    """A sparse output `y`, in the signature as `coo_sparse`."""
    with v1_session() as session:
        x = placeholder()
        path = save(folder, session, inputs={"x": x}, outputs={"y": tf.sparse.from_dense(tf.nn.relu(x))})
    return Example(path=path, inputs=floats())


@maker("tf1", "odd")
def v1_ragged_input(folder: Path) -> Example:
    """A ragged input `x` of numbers, in the signature as `composite_tensor`."""
    with v1_session() as session:
        x = tf.compat.v1.ragged.placeholder(tf.float32, 1, [], name="x")
        y = tf.reduce_sum(x, 1, name="y")
        path = save(folder, session, inputs={"x": x}, outputs={"twice": x * 2.0, "y": y})

    def inputs(batch: int) -> dict[str, Any]:
        splits = np.cumsum([0, *range(batch)]).astype(np.int64)
        return {"x": Ragged(numbers("ragged", (int(splits[-1]),)), splits)}

    return Example(path=path, inputs=inputs, outputs=("twice", "y"), batches=(2, 3))


@maker("tf1", "chain")
def v1_names_and_places(folder: Path) -> Example:
    """Control inputs, `_class` colocation, devices, output 1 of an op: each form in which a name occurs."""
    with v1_session() as session:
        x = placeholder("scope/x")
        check = tf.debugging.assert_less(x, 1e9, name="check")
        with tf.control_dependencies([check]), tf.device("/cpu:0"):
            first, second = tf.split(x, 2, axis=1, name="halves")
        with tf.compat.v1.colocate_with(first.op):
            swapped = tf.concat([second, first], 1)
        y = dense(swapped, "scope/layer")
        fill(session, "names")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=2, checkpoint_keys=2)


@maker("tf1", "chain")
def v1_functions(folder: Path) -> Example:
    """A v1 graph with library functions, called as ops: one calls another, one has a gradient function."""
    from tensorflow.python.framework import function

    with v1_session() as session:

        @function.Defun(tf.float32, tf.float32, func_name="MySquareGrad")
        def square_grad(value: Any, grad: Any) -> Any:
            return 2.0 * value * grad

        @function.Defun(tf.float32, func_name="MySquare", grad_func=square_grad)
        def square(value: Any) -> Any:
            return value * value

        @function.Defun(tf.float32, func_name="Inner")
        def inner(value: Any) -> Any:
            return tf.sin(value)

        @function.Defun(tf.float32, func_name="Outer")
        def outer(value: Any) -> Any:
            return inner(value) + 1.0

        x = placeholder()
        y = tf.identity(outer(x) + square(x), name="y")
        (slope,) = tf.gradients(y, x)
        path = save(
            folder,
            session,
            {
                "serving_default": signature({"x": x}, {"y": y}),
                "slope": signature({"x": x}, {"slope": slope}),
            },
        )
    return Example(path=path, inputs=floats(), signatures=("serving_default", "slope"))


@maker("tf1", "table", "asset", "init", "partitioned")
def v1_estimator(folder: Path) -> Example:
    """What an Estimator exports: serialised tf.Examples in; classify, regress and predict signatures; a
    global step, a vocabulary in a table, partitioned embeddings, a head. The inputs of the signature `parsed`
    are no placeholders.
    """
    words = ["ant", "bee", "cat", "dog", "eel"]
    with v1_session() as session:
        tf.compat.v1.train.get_or_create_global_step()
        serialised = placeholder("input_example_tensor", [None], tf.string)
        features = tf.io.parse_example(
            serialised,
            {
                "age": tf.io.FixedLenFeature([2], tf.float32),
                "word": tf.io.FixedLenFeature([], tf.string, "ant"),
            },
        )
        age, word = tf.identity(features["age"], name="age"), features["word"]
        table = tf.lookup.StaticVocabularyTable(
            tf.lookup.TextFileInitializer(
                write_lines(folder / "vocab.txt", words),
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            num_oov_buckets=1,
        )
        with tf.compat.v1.variable_scope("dnn", partitioner=tf.compat.v1.fixed_size_partitioner(3)):
            embedding = variable("embedding", [6, 4])
        vectors = tf.compat.v1.nn.embedding_lookup(embedding, table.lookup(word), partition_strategy="div")
        logits = dense(tf.concat([vectors, age], 1), "head", 2)
        probabilities = tf.nn.softmax(logits, name="probabilities")
        classes = tf.gather(["no", "yes"], tf.argmax(logits, 1))
        fill(session, "estimator")
        session.run(tf.compat.v1.tables_initializer())
        v1 = tf.compat.v1.saved_model
        path = save(
            folder,
            session,
            {
                "serving_default": v1.classification_signature_def(
                    serialised, tf.tile([["no", "yes"]], [tf.shape(logits)[0], 1]), probabilities
                ),
                "regression": v1.regression_signature_def(serialised, logits[:, 1]),
                "predict": signature(
                    {"examples": serialised},
                    {"classes": classes, "logits": logits, "probabilities": probabilities},
                ),
                "parsed": signature({"age": age, "word": word}, {"logits": logits}),
            },
            main_op=tf.group(tf.compat.v1.tables_initializer(), tf.compat.v1.local_variables_initializer()),
            assets_collection=tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.ASSET_FILEPATHS),
        )

    def inputs(batch: int) -> dict[str, Any]:
        return {
            "inputs": np.array(
                [serialised_example(words[row % 5], [row, 0.5]) for row in range(batch)], object
            )
        }

    return Example(
        path=path,
        signatures=("parsed", "predict", "regression", "serving_default"),
        inputs=inputs,
        outputs=("classes", "scores"),
        variables=6,
        checkpoint_keys=4,
        tables=1,
        assets=("vocab.txt",),
    )


def serialised_example(word: str, age: list[float]) -> bytes:
    """A tf.Example with the features `word` and `age`."""
    features = {
        "age": tf.train.Feature(float_list=tf.train.FloatList(value=age)),
        "word": tf.train.Feature(bytes_list=tf.train.BytesList(value=[word.encode()])),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(
        deterministic=True
    )


@maker("tf1")
def v1_base64(folder: Path) -> Example:
    """Strings in, strings out: web-safe base64 decoded and encoded again, with a number read from text."""
    with v1_session() as session:
        text = placeholder("text", [None], tf.string)
        decoded = tf.io.decode_base64(text)
        number = tf.strings.to_number(decoded, tf.float32, name="number")
        again = tf.io.encode_base64(tf.strings.as_string(number * 2.0))
        path = save(
            folder, session, inputs={"text": text}, outputs={"doubled_bytes": again, "number": number}
        )
    return Example(
        path=path, inputs=strings("text", [b"MTI", b"My41", b"LTc"]), outputs=("doubled_bytes", "number")
    )


@maker("graphdef", "odd")
def graphdef_pb(folder: Path) -> Example:
    """A frozen GraphDef in one binary file: input node `x`, output node `y`."""
    return frozen(folder, as_text=False)


@maker("graphdef", "odd")
def graphdef_pbtxt(folder: Path) -> Example:
    """A frozen GraphDef in one text file."""
    return frozen(folder, as_text=True)


def frozen(folder: Path, *, as_text: bool) -> Example:
    with v1_session() as session:
        x = placeholder()
        weights = tf.constant(numbers("frozen", (4, 4)), name="weights")
        tf.matmul(x, weights, name="y")
        tf.compat.v1.Print(x, [x], name="aside")
        file = "frozen.pbtxt" if as_text else "frozen.pb"
        tf.io.write_graph(session.graph, str(folder), file, as_text=as_text)
    return Example(
        path=folder / file,
        tags=(),
        meta_graphs=0,
        signature=None,
        signatures=(),
        inputs=floats(),
        outputs=("y:0",),
        loads_v2=False,
    )
