"""Keras models, exported by `model.export` and saved by `tf.saved_model.save`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.zoo.example import Example, floats, maker, numbers, strings, tf


def export(folder: Path, seed: str, build: Callable[[Any, Any], Any]) -> Path:
    """Build a model with `build(keras, keras.layers)`, give it weights, export it to `folder/model`."""
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    model = build(keras, keras.layers)
    give_values(model, seed)
    path = folder / "model"
    model.export(str(path), verbose=False)
    return path


def give_values(model: Any, seed: str) -> None:
    """Weights that depend on `seed`; positive ones where a variance must be."""
    values = []
    for index, weight in enumerate(model.weights):
        value = numbers(f"{seed} {index}", tuple(weight.shape))
        is_float = "float" in weight.dtype and "random" not in weight.path
        values.append(
            np.abs(value) + 0.5 if "variance" in weight.path else value if is_float else weight.numpy()
        )
    model.set_weights(values)


@maker("tf2", "keras", "odd")
def keras_dense(folder: Path) -> Example:
    """Sequential Dense. The export keeps each variable under two checkpoint keys."""

    def build(keras: Any, layers: Any) -> Any:
        return keras.Sequential([keras.Input([4]), layers.Dense(6, "relu"), layers.Dense(4)])

    return Example(
        path=export(folder, "dense", build),
        signatures=("serve", "serving_default"),
        callables=("serve",),
        inputs=floats("keras_tensor"),
        outputs=("output_0",),
        variables=12,
        checkpoint_keys=9,
        object_graph=True,
    )


@maker("tf2", "keras")
def keras_conv(folder: Path) -> Example:
    """Conv2D, BatchNormalization (moving statistics are not trainable), Dropout, pooling."""

    def build(keras: Any, layers: Any) -> Any:
        return keras.Sequential(
            [
                keras.Input([8, 8, 1]),
                layers.Conv2D(3, 3, activation="relu"),
                layers.BatchNormalization(),
                layers.Dropout(0.5),
                layers.GlobalAveragePooling2D(),
                layers.Dense(2, "softmax"),
            ]
        )

    return Example(
        path=export(folder, "conv", build),
        signatures=("serve", "serving_default"),
        callables=("serve",),
        inputs=floats("keras_tensor", tail=(8, 8, 1)),
        outputs=("output_0",),
        variables=26,
        checkpoint_keys=18,
        object_graph=True,
    )


@maker("tf2", "keras", "flow")
def keras_lstm(folder: Path) -> Example:
    """Embedding and LSTM: a loop, and inputs that are indices below 20."""

    def build(keras: Any, layers: Any) -> Any:
        return keras.Sequential(
            [keras.Input([6], dtype="int32"), layers.Embedding(20, 5), layers.LSTM(4), layers.Dense(2)]
        )

    return Example(
        path=export(folder, "lstm", build),
        signatures=("serve", "serving_default"),
        callables=("serve",),
        inputs=lambda batch: {"keras_tensor": numbers("lstm", (batch, 6), np.int32) % 20},
        outputs=("output_0",),
        variables=20,
        checkpoint_keys=14,
        object_graph=True,
    )


@maker("tf2", "keras")
def keras_attention(folder: Path) -> Example:
    """A functional model with two named inputs, two named outputs and MultiHeadAttention."""

    def build(keras: Any, layers: Any) -> Any:
        query, value = keras.Input([5, 4], name="query"), keras.Input([3, 4], name="value")
        mixed = layers.MultiHeadAttention(2, 3)(query, value)
        normal = layers.LayerNormalization()(mixed)
        return keras.Model(
            {"query": query, "value": value},
            {"mean": layers.GlobalAveragePooling1D()(normal), "mixed": mixed},
        )

    return Example(
        path=export(folder, "attention", build),
        signatures=("serve", "serving_default"),
        callables=("serve",),
        inputs=lambda batch: {
            "query": numbers("query", (batch, 5, 4)),
            "value": numbers("value", (batch, 3, 4)),
        },
        outputs=("mean", "mixed"),
        variables=30,
        checkpoint_keys=21,
        object_graph=True,
    )


@maker("tf2", "keras", "table")
def keras_string_lookup(folder: Path) -> Example:
    """StringLookup: a table filled from constants."""

    def build(keras: Any, layers: Any) -> Any:
        lookup = layers.StringLookup(vocabulary=["ant", "bee", "cat"])
        return keras.Sequential([keras.Input([2], dtype="string"), lookup, layers.Embedding(4, 3)])

    def inputs(batch: int) -> dict[str, Any]:
        return {"keras_tensor": np.array([[b"bee", b"none"]] * batch, object)}

    return Example(
        path=export(folder, "string lookup", build),
        signatures=("serve", "serving_default"),
        callables=("serve",),
        inputs=inputs,
        outputs=("output_0",),
        variables=3,
        checkpoint_keys=3,
        tables=1,
        object_graph=True,
    )


@maker("tf2", "keras", "table")
def keras_text(folder: Path) -> Example:
    """TextVectorization: split, regular expressions, a table, ragged to dense."""

    def build(keras: Any, layers: Any) -> Any:
        vectorise = layers.TextVectorization(vocabulary=["good", "bad", "film"], output_sequence_length=4)
        return keras.Sequential(
            [
                keras.Input([], dtype="string"),
                vectorise,
                layers.Embedding(5, 3),
                layers.GlobalAveragePooling1D(),
            ]
        )

    return Example(
        path=export(folder, "text", build),
        signatures=("serve", "serving_default"),
        callables=("serve",),
        inputs=strings("keras_tensor", [b"A good film!", b"bad, BAD film", b""]),
        outputs=("output_0",),
        variables=3,
        checkpoint_keys=3,
        tables=1,
        object_graph=True,
    )


@maker("tf2", "keras")
def keras_preprocessing(folder: Path) -> Example:
    """Normalization (statistics in variables), Rescaling, CategoryEncoding."""

    def build(keras: Any, layers: Any) -> Any:
        number, category = keras.Input([4], name="number"), keras.Input([1], dtype="int32", name="category")
        normal = layers.Normalization()
        normal.adapt(numbers("adapt", (50, 4)))
        one_hot = layers.CategoryEncoding(num_tokens=3, output_mode="one_hot")(category)
        joined = layers.Concatenate()([layers.Rescaling(2.0, 1.0)(normal(number)), one_hot])
        return keras.Model([number, category], layers.Dense(2)(joined))

    return Example(
        path=export(folder, "preprocessing", build),
        signatures=("serve", "serving_default"),
        callables=("serve",),
        inputs=lambda batch: {
            "category": numbers("category", (batch, 1), np.int32) % 3,
            "number": numbers("number", (batch, 4)),
        },
        outputs=("output_0",),
        variables=12,
        checkpoint_keys=8,
        object_graph=True,
    )


@maker("tf2", "keras", "slots")
def keras_saved(folder: Path) -> Example:
    """A compiled, trained model, saved by `tf.saved_model.save`: Keras advises against it, people do it.

    Its saver restores copies of the variables (the `Variable*` nodes) and not those that the functions read, so
    a v1 session finds them not initialised. The object graph has the right ones.
    """
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    model = keras.Sequential([keras.Input([4], name="x"), keras.layers.Dense(4, name="y")])
    model.compile(keras.optimizers.Adam(0.1), "mse")
    model.fit(numbers("x", (8, 4)), numbers("y", (8, 4)), epochs=1, verbose=0)
    path = folder / "model"
    tf.saved_model.save(model, str(path))
    return Example(
        path=path,
        inputs=floats("inputs"),
        outputs=("output_0",),
        variables=16,
        checkpoint_keys=9,
        object_graph=True,
        runs_v1=False,
    )
