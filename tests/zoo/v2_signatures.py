"""`tf.Module`s: what their signatures and callables look like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.zoo.example import Example, floats, maker, numbers, strings, tf
from tests.zoo.v2 import layer_parts, save_module, spec


@maker("tf2", "chain")
def tf2_signatures(folder: Path) -> Example:
    """Three signatures on shared variables, one with a nested name, and a callable below a child."""

    class Head(tf.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            self.bias = tf.Variable(numbers("head", (4,)), name="bias")

        @tf.function(input_signature=[spec()])
        def serve(self, x: Any) -> Any:
            return x + self.bias

    class Body(tf.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            self.head = Head()
            self.weights = tf.Variable(numbers("body", (4, 4)), name="weights")

        @tf.function(input_signature=[spec()])
        def __call__(self, x: Any) -> dict[str, Any]:
            return {"y": self.head.serve(x @ self.weights)}

        @tf.function(input_signature=[spec()])
        def embed(self, x: Any) -> Any:
            return x @ self.weights

        @tf.function(input_signature=[spec("left"), spec("right", ())])
        def mix(self, left: Any, right: Any) -> dict[str, Any]:
            return {"sum": left + right, "product": left * right}

    module = Body()
    signatures = {"serving_default": module.__call__, "embed": module.embed, "mix/two": module.mix}
    return Example(
        path=save_module(folder, module, signatures),
        signatures=("embed", "mix/two", "serving_default"),
        callables=("__call__", "embed", "mix"),
        inputs=floats(),
        variables=2,
        checkpoint_keys=3,
        object_graph=True,
    )


@maker("tf2", "odd")
def tf2_callables_only(folder: Path) -> Example:
    """No signature: `__call__` with variants for `training` and two ranks, and losses, as in modules of
    TensorFlow Hub.
    """

    class Reusable(tf.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            for name, part in layer_parts("reusable").items():
                setattr(self, name, part)
            self.regularization_losses = [self.loss]

        @tf.function
        def loss(self) -> Any:
            return tf.reduce_sum(self.weights**2)

        @tf.function
        def total(self) -> Any:
            return tf.reduce_sum(self.bias)

        @tf.function
        def __call__(self, x: Any, training: bool = False, *, scale: Any = None) -> Any:
            y = tf.tensordot(x, self.weights, 1) + self.bias
            y = y * 2.0 if training else y
            return y if scale is None else {"scaled": y * scale, "pair": (y, x)}

    module = Reusable()
    # one such function alone would become the signature
    module.loss.get_concrete_function()
    module.total.get_concrete_function()
    for training in (False, True):
        module.__call__.get_concrete_function(spec(), training=training)
    module.__call__.get_concrete_function(spec("x", (None, None, 4)), training=False)
    module.__call__.get_concrete_function(spec(), training=False, scale=spec("scale", ()))
    path = folder / "model"
    tf.saved_model.save(module, str(path))
    return Example(
        path=path,
        signature=None,
        signatures=(),
        callables=("__call__", "loss", "total"),
        inputs=floats(),
        outputs=(),
        variables=2,
        checkpoint_keys=3,
        object_graph=True,
    )


@maker("tf2", "odd")
def tf2_two_in_two_out(folder: Path) -> Example:
    """Two inputs not in the order of their names, two outputs likewise, one unused input."""

    class Two(tf.Module):  # type: ignore[name-defined, misc]
        @tf.function(input_signature=[spec("z"), spec("a"), spec("unused", ())])
        def __call__(self, z: Any, a: Any, unused: Any) -> dict[str, Any]:
            return {"w": z - a, "b": z * a}

    return Example(
        path=save_module(folder, Two()),
        callables=("__call__",),
        inputs=lambda batch: {**floats("z", "a")(batch), "unused": np.float32(5)},
        outputs=("b", "w"),
        checkpoint_keys=1,
        object_graph=True,
    )


@maker("tf2", "odd")
def tf2_default_inputs(folder: Path) -> Example:
    """A signature with a default for one input: `SignatureDef.defaults`."""

    class Defaults(tf.Module):  # type: ignore[name-defined, misc]
        @tf.function(input_signature=[spec(), spec("scale", ())])
        def __call__(self, x: Any, scale: Any = tf.constant(3.0)) -> dict[str, Any]:  # noqa: B008
            return {"y": x * scale}

    return Example(
        path=save_module(folder, Defaults()),
        callables=("__call__",),
        inputs=lambda batch: {**floats()(batch), "scale": np.float32(0.5)},
        checkpoint_keys=1,
        object_graph=True,
    )


@maker("tf2", "odd")
def tf2_shapes(folder: Path) -> Example:
    """Inputs of unknown rank, of a scalar, of a static batch and of unknown inner sizes."""

    class Shapes(tf.Module):  # type: ignore[name-defined, misc]
        @tf.function(
            input_signature=[
                spec("any", None),
                spec("scalar", ()),
                spec("static", (2, 3)),
                spec("inner", (None, None)),
            ]
        )
        def __call__(self, any: Any, scalar: Any, static: Any, inner: Any) -> dict[str, Any]:
            return {
                "any": any * scalar,
                "inner": tf.reduce_sum(inner, 1),
                "scalar": scalar + 1.0,
                "static": static * scalar,
            }

    def inputs(batch: int) -> dict[str, Any]:
        return {
            "any": numbers("any", (batch, 2, 2)),
            "inner": numbers("inner", (batch, 3)),
            "scalar": np.float32(0.5),
            "static": numbers("static", (2, 3)),
        }

    return Example(
        path=save_module(folder, Shapes()),
        callables=("__call__",),
        inputs=inputs,
        outputs=("any", "inner", "scalar", "static"),
        checkpoint_keys=1,
        object_graph=True,
    )


@maker("tf2")
def tf2_strings(folder: Path) -> Example:
    """A batch of strings in, strings and lengths out."""

    class Strings(tf.Module):  # type: ignore[name-defined, misc]
        @tf.function(input_signature=[spec("text", [None], tf.string)])
        def __call__(self, text: Any) -> dict[str, Any]:
            return {"length": tf.strings.length(text), "upper": tf.strings.upper(text)}

    return Example(
        path=save_module(folder, Strings()),
        callables=("__call__",),
        inputs=strings("text", [b"abc", b"", b"caf\xc3\xa9", b"\x00\xff"]),
        outputs=("length", "upper"),
        checkpoint_keys=1,
        object_graph=True,
    )


@maker("tf2", "odd")
def tf2_dtypes(folder: Path) -> Example:
    """One input and one output `out_<dtype>` each of twelve dtypes."""
    dtypes = [
        "bfloat16", "bool", "complex128", "complex64", "float16", "float64",
        "int16", "int32", "int64", "int8", "uint16", "uint8",
    ]  # fmt: skip
    specs = [spec(f"in_{name}", [None, 2], getattr(tf, name)) for name in dtypes]

    class Dtypes(tf.Module):  # type: ignore[name-defined, misc]
        @tf.function(input_signature=specs)
        def __call__(self, *args: Any) -> dict[str, Any]:
            return {
                f"out_{name}": tf.logical_not(arg) if name == "bool" else tf.concat([arg, arg], 1)
                for name, arg in zip(dtypes, args, strict=True)
            }

    def inputs(batch: int) -> dict[str, Any]:
        def value(name: str) -> Any:
            if name == "bfloat16":
                return tf.cast(numbers(name, (batch, 2)), tf.bfloat16).numpy()
            return numbers(name, (batch, 2), np.dtype(name))

        return {f"in_{name}": value(name) for name in dtypes}

    module = Dtypes()
    return Example(
        path=save_module(folder, module, module.__call__.get_concrete_function()),
        callables=("__call__",),
        inputs=inputs,
        outputs=tuple(f"out_{name}" for name in dtypes),
        checkpoint_keys=1,
        object_graph=True,
    )


@maker("tf2", "odd")
def tf2_sparse(folder: Path) -> Example:
    """A sparse input `x` `[-1,4]`: in a TF2 signature three dense inputs `x` (indices), `x_1`, `x_2`."""

    class SparseIn(tf.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            self.weights = tf.Variable(numbers("sparse module", (4, 2)), name="weights")

        @tf.function(input_signature=[tf.SparseTensorSpec([None, 4], tf.float32)])
        def __call__(self, x: Any) -> dict[str, Any]:
            return {"y": tf.sparse.sparse_dense_matmul(x, self.weights)}

    def inputs(batch: int) -> dict[str, Any]:
        indices = np.array([[row, row % 4] for row in range(batch)], np.int64)
        return {"x": indices, "x_1": numbers("sparse", (batch,)), "x_2": np.array([batch, 4], np.int64)}

    return Example(
        path=save_module(folder, SparseIn()),
        callables=("__call__",),
        inputs=inputs,
        variables=1,
        checkpoint_keys=2,
        object_graph=True,
    )


@maker("tf2", "odd")
def tf2_ragged(folder: Path) -> Example:
    """A ragged input of strings: in a TF2 signature two dense inputs `x` (values) and `x_1` (row splits)."""

    class RaggedIn(tf.Module):  # type: ignore[name-defined, misc]
        @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.string, 1)])
        def __call__(self, x: Any) -> dict[str, Any]:
            return {"joined": tf.strings.reduce_join(x, 1, separator=" "), "lengths": x.row_lengths()}

    def inputs(batch: int) -> dict[str, Any]:
        splits = np.cumsum([0, *range(batch)]).astype(np.int64)
        return {"x": np.array([b"w%d" % i for i in range(splits[-1])], object), "x_1": splits}

    return Example(
        path=save_module(folder, RaggedIn()),
        callables=("__call__",),
        inputs=inputs,
        outputs=("joined", "lengths"),
        checkpoint_keys=1,
        object_graph=True,
    )


@maker("tf2", "odd")
def tf2_passthrough(folder: Path) -> Example:
    """Outputs that are the input, a variable and a constant."""

    class Pass(tf.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            self.weights = tf.Variable(numbers("pass", (4,)), name="weights")

        @tf.function(input_signature=[spec()])
        def __call__(self, x: Any) -> dict[str, Any]:
            return {"constant": tf.constant([1.0, 2.0]), "same": x, "weights": self.weights}

    return Example(
        path=save_module(folder, Pass()),
        callables=("__call__",),
        inputs=floats(),
        outputs=("constant", "same", "weights"),
        variables=1,
        checkpoint_keys=2,
        object_graph=True,
    )


@maker("tf2", "odd")
def tf2_unnamed_outputs(folder: Path) -> Example:
    """Outputs without names: a tuple becomes `output_0`, `output_1`; so the arguments: `x`, `x_1`."""

    class Unnamed(tf.Module):  # type: ignore[name-defined, misc]
        @tf.function(input_signature=[tf.TensorSpec([None, 4]), tf.TensorSpec([None, 4], name="x_1")])
        def __call__(self, x: Any, other: Any) -> Any:
            return x + other, x - other

    return Example(
        path=save_module(folder, Unnamed()),
        callables=("__call__",),
        inputs=floats("x", "x_1"),
        outputs=("output_0", "output_1"),
        checkpoint_keys=1,
        object_graph=True,
    )


@maker("tf2")
def tf2_image(folder: Path) -> Example:
    """One PNG or JPEG as a scalar string of bytes to a grey picture `[1,8,8,1]` of 0 to 255."""

    class Image(tf.Module):  # type: ignore[name-defined, misc]
        @tf.function(input_signature=[spec("image_bytes", (), tf.string)])
        def __call__(self, image_bytes: Any) -> dict[str, Any]:
            grey = tf.io.decode_png(image_bytes, channels=1)
            return {"image": tf.image.resize(tf.cast(grey, tf.float32)[tf.newaxis], [8, 8])}

    def inputs(batch: int) -> dict[str, Any]:
        return {
            "image_bytes": np.array(tf.io.encode_png(numbers("image", (9, 7, 1), np.uint8)).numpy(), object)
        }

    return Example(
        path=save_module(folder, Image()),
        callables=("__call__",),
        inputs=inputs,
        outputs=("image",),
        batches=(1,),
        checkpoint_keys=1,
        object_graph=True,
    )


@maker("tf2")
def tf2_examples(folder: Path) -> Example:
    """Serialised tf.Examples in, parsed inside the function."""
    from tests.zoo.v1 import serialised_example

    class Parse(tf.Module):  # type: ignore[name-defined, misc]
        @tf.function(input_signature=[spec("examples", [None], tf.string)])
        def __call__(self, examples: Any) -> dict[str, Any]:
            features = {
                "age": tf.io.FixedLenFeature([2], tf.float32),
                "word": tf.io.FixedLenFeature([], tf.string),
            }
            parsed = tf.io.parse_example(examples, features)
            return {"age": parsed["age"], "length": tf.strings.length(parsed["word"])}

    return Example(
        path=save_module(folder, Parse()),
        callables=("__call__",),
        inputs=strings("examples", [serialised_example("ant", [1, 2]), serialised_example("x" * 9, [3, 4])]),
        outputs=("age", "length"),
        checkpoint_keys=1,
        object_graph=True,
    )
