"""Networks as people have them, small: made by Keras 3, Keras 2, `tf.Module`s and v1 graphs, with random weights.

`NETWORKS[name](folder)` makes one, as the makers of `tests.zoo` do. What their ends are:

images `[?,32,32,3]` · features `[?,32]` · sequences `[?,8,24]` · text `[?]` strings
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.zoo.example import Example, Inputs, Make, floats, numbers, strings, tf
from tests.zoo.tools import dense, fill, placeholder, save, v1_session, variable

NETWORKS: dict[str, Make] = {}
IMAGES = (32, 32, 3)
WORDS = ["the", "film", "was", "good", "bad", "and", "long", "not"]
TEXTS = [b"the film was good", b"bad and LONG!", b"not the film", b"good, good, bad"]


def network(make: Make) -> Make:
    """Register a maker under its function's name."""
    NETWORKS[make.__name__] = make
    return make


def model(path: Path, inputs: Inputs, *outputs: str, **facts: Any) -> Example:
    return Example(path=path, inputs=inputs, outputs=outputs or ("output_0",), object_graph=True, **facts)


def keras3(folder: Path, build: Callable[[Any, Any], Any], *, saved: bool = False) -> Path:
    """Builds with `build(keras, keras.layers)` and exports; or saves by `tf.saved_model.save`."""
    import keras

    return built(folder, keras, build, "tf.saved_model.save" if saved else "export")


def keras2(folder: Path, build: Callable[[Any, Any], Any]) -> Path:
    """Builds with Keras 2 and saves as it did: its own metadata, losses, layers, the optimizer."""
    import tf_keras

    return built(folder, tf_keras, build, "save")


def built(folder: Path, keras: Any, build: Callable[[Any, Any], Any], how: str) -> Path:
    keras.backend.clear_session()
    keras.utils.set_random_seed(len(str(build.__qualname__)))
    made = build(keras, keras.layers)
    path = folder / "model"
    if how == "export":
        made.export(str(path), verbose=False)
    elif how == "save":
        made.save(str(path), save_format="tf")
    else:
        tf.saved_model.save(made, str(path))
    return path


# -- images


@network
def denoiser(folder: Path) -> Example:
    """A U-Net: two levels, skip connections, BatchNormalization. Keras 3 export."""

    def build(keras: Any, layers: Any) -> Any:
        def block(x: Any, filters: int) -> Any:
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            return layers.Activation("relu")(layers.BatchNormalization()(x))

        image = keras.Input(IMAGES, name="noisy")
        first = block(image, 8)
        second = block(layers.MaxPooling2D()(first), 16)
        low = block(layers.MaxPooling2D()(second), 24)
        up = layers.Concatenate()([layers.UpSampling2D(interpolation="bilinear")(low), second])
        up = layers.Concatenate()([layers.Conv2DTranspose(8, 3, 2, "same")(block(up, 16)), first])
        return keras.Model(image, layers.Conv2D(3, 1)(block(up, 8)))

    return model(keras3(folder, build), floats("noisy", tail=IMAGES))


@network
def upscaler(folder: Path) -> Example:
    """Residual blocks and depth-to-space, 16×16 to 32×32. Keras 2, compiled and trained for a step with Adam."""

    def build(keras: Any, layers: Any) -> Any:
        small = keras.Input((16, 16, 3), name="small")
        x = layers.Conv2D(16, 3, padding="same")(small)
        for _ in range(2):
            inner = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(16, 3, padding="same")(x))
            x = layers.Add()(
                [x, layers.BatchNormalization()(layers.SeparableConv2D(16, 3, padding="same")(inner))]
            )
        x = layers.Lambda(lambda x: tf.nn.depth_to_space(x, 2))(layers.Conv2D(12, 3, padding="same")(x))
        made = keras.Model(small, x)
        made.compile("adam", "mse")
        made.fit(numbers("small", (4, 16, 16, 3)), numbers("big", (4, *IMAGES)), epochs=1, verbose=0)
        return made

    return model(keras2(folder, build), floats("small", tail=(16, 16, 3)), "lambda")


@network
def generator(folder: Path) -> Example:
    """The generator of a GAN: a code of 16 numbers to an image. Keras 3 export."""

    def build(keras: Any, layers: Any) -> Any:
        return keras.Sequential(
            [
                keras.Input((16,), name="code"),
                layers.Dense(4 * 4 * 24, use_bias=False),
                layers.BatchNormalization(),
                layers.LeakyReLU(),
                layers.Reshape((4, 4, 24)),
                layers.Conv2DTranspose(16, 5, 2, "same", use_bias=False),
                layers.BatchNormalization(),
                layers.LeakyReLU(),
                layers.Conv2DTranspose(8, 5, 2, "same", use_bias=False),
                layers.GroupNormalization(4),
                layers.Conv2DTranspose(3, 5, 2, "same", activation="tanh"),
            ]
        )

    return model(keras3(folder, build), floats("code", tail=(16,)))


def features(keras: Any, layers: Any, base: Any) -> Any:
    """An application with 32 features on top."""
    return keras.Model(base.input, layers.Dense(32)(base.output))


@network
def mobilenet_v2(folder: Path) -> Example:
    """MobileNetV2. Keras 3 export."""

    def build(keras: Any, layers: Any) -> Any:
        image = keras.Input(IMAGES, name="image")
        base = keras.applications.MobileNetV2(
            IMAGES, 0.35, include_top=False, weights=None, pooling="avg", input_tensor=image
        )
        return features(keras, layers, base)

    return model(keras3(folder, build), floats("image", tail=IMAGES))


@network
def mobilenet_v3(folder: Path) -> Example:
    """MobileNetV3Small, with its Rescaling, hard swish and squeeze-and-excite. Keras 3 export."""

    def build(keras: Any, layers: Any) -> Any:
        image = keras.Input(IMAGES, name="image")
        base = keras.applications.MobileNetV3Small(
            IMAGES, include_top=False, weights=None, pooling="avg", input_tensor=image
        )
        return features(keras, layers, base)

    return model(keras3(folder, build), floats("image", tail=IMAGES))


@network
def efficientnet_b0(folder: Path) -> Example:
    """EfficientNetB0, with its Normalization. Keras 3, saved by `tf.saved_model.save`."""

    def build(keras: Any, layers: Any) -> Any:
        image = keras.Input(IMAGES, name="image")
        base = keras.applications.EfficientNetB0(
            include_top=False, weights=None, pooling="avg", input_tensor=image, input_shape=IMAGES
        )
        return features(keras, layers, base)

    return model(keras3(folder, build, saved=True), floats("inputs", tail=IMAGES), runs_v1=False)


@network
def mobilenet_v1(folder: Path) -> Example:
    """MobileNet. Keras 2 save."""

    def build(keras: Any, layers: Any) -> Any:
        base = keras.applications.MobileNet(IMAGES, 0.25, include_top=False, weights=None, pooling="avg")
        return keras.Model(base.input, layers.Dense(32, name="features")(base.output))

    return model(keras2(folder, build), floats("input_1", tail=IMAGES), "features")


@network
def resnet_hub(folder: Path) -> Example:
    """A small ResNet as TensorFlow Hub has them: no signature, `__call__` traced for training and for inference,
    `variables`, `trainable_variables`, `regularization_losses`."""
    import tf_keras as keras

    layers = keras.layers
    keras.utils.set_random_seed(3)
    image = keras.Input(IMAGES)
    decay = keras.regularizers.L2(1e-3)
    x = layers.Conv2D(8, 3, padding="same", kernel_regularizer=decay)(image)
    for filters in (8, 16):
        inner = layers.Conv2D(filters, 3, 2, padding="same", kernel_regularizer=decay)(x)
        inner = layers.ReLU()(layers.BatchNormalization()(inner))
        inner = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(inner))
        x = layers.ReLU()(layers.Add()([inner, layers.Conv2D(filters, 1, 2)(x)]))
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    return hub(folder, keras.Model(image, layers.Dense(32)(x)), IMAGES)


@network
def head_hub(folder: Path) -> Example:
    """Dense, BatchNormalization and Dropout, as TensorFlow Hub has them."""
    import tf_keras as keras

    layers = keras.layers
    keras.utils.set_random_seed(4)
    x = keras.Input((32,))
    y = layers.Dense(24, kernel_regularizer=keras.regularizers.L2(1e-2))(x)
    y = layers.Dropout(0.2)(layers.ReLU()(layers.BatchNormalization()(y)))
    return hub(folder, keras.Model(x, layers.Dense(5)(y)), (32,))


def hub(folder: Path, net: Any, tail: tuple[int, ...]) -> Example:
    """The interface of a reusable SavedModel."""

    class Reusable(tf.__internal__.tracking.AutoTrackable):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            self.net = net
            self.variables = net.variables
            self.trainable_variables = net.trainable_variables
            self.regularization_losses = [self.loss(index) for index in range(len(net.losses))]

        def loss(self, index: int) -> Any:
            found = tf.function(lambda: self.net.losses[index], input_signature=[])
            found.get_concrete_function()
            return found

        @tf.function
        def __call__(self, inputs: Any, training: bool = False) -> Any:
            return self.net(inputs, training=training)

    module = Reusable()
    spec = tf.TensorSpec([None, *tail], tf.float32, name="inputs")
    for training in (True, False):
        module.__call__.get_concrete_function(spec, training=training)
    path = folder / "model"
    tf.saved_model.save(module, str(path), signatures={})
    return model(path, floats("inputs", tail=tail), signature=None, signatures=(), callables=("__call__",))


@network
def lenet_v1(folder: Path) -> Example:
    """LeNet in a v1 graph: reference variables, batch normalisation by hand, local response normalisation."""
    with v1_session() as session:
        x = placeholder("x", [None, *IMAGES])
        y = x
        for index, (old, new) in enumerate(((3, 6), (6, 12))):
            kernel = variable(f"conv{index}/kernel", [5, 5, old, new], ref=True)
            mean = variable(f"conv{index}/moving_mean", [new], ref=True)
            y = tf.nn.conv2d(y, kernel, 1, "SAME") - mean
            y = tf.nn.max_pool2d(tf.nn.lrn(tf.nn.relu(y)), 4, 4, "SAME")
        y = dense(tf.reshape(y, [-1, 48]), "fc", 32)
        fill(session, "lenet")
        path = save(folder, session, inputs={"x": x}, outputs={"features": tf.identity(y, name="features")})
    return Example(path=path, inputs=floats("x", tail=IMAGES), outputs=("features",))


@network
def convnet_graphdef(folder: Path) -> Example:
    """A convolutional net as a frozen GraphDef."""
    with v1_session() as session:
        y = placeholder("image", [None, *IMAGES])
        for index, (old, new) in enumerate(((3, 8), (8, 16))):
            scale, offset = numbers(f"s{index}", (new,)), numbers(f"o{index}", (new,))
            mean, variance = numbers(f"m{index}", (new,)), np.abs(numbers(f"v{index}", (new,))) + 1
            y = tf.nn.conv2d(y, numbers(f"k{index}", (3, 3, old, new)), 2, "SAME")
            y, *_ = tf.compat.v1.nn.fused_batch_norm(y, scale, offset, mean, variance, is_training=False)
            y = tf.nn.relu6(y)
        y = tf.identity(tf.reduce_mean(y, [1, 2]) @ numbers("d", (16, 32)), name="features")
        tf.io.write_graph(session.graph, str(folder), "convnet.pb", as_text=False)
    return Example(
        path=folder / "convnet.pb",
        signature=None,
        inputs=floats("image", tail=IMAGES),
        outputs=("features:0",),
    )


# -- sequences and text


@network
def crnn(folder: Path) -> Example:
    """Images to sequences: convolutions, then a bidirectional LSTM over the columns. Keras 3 export."""

    def build(keras: Any, layers: Any) -> Any:
        image = keras.Input(IMAGES, name="picture")
        x = layers.Conv2D(8, 3, 2, "same", activation="gelu")(image)
        x = layers.LayerNormalization()(layers.Conv2D(8, 3, 2, "same")(x))
        x = layers.Reshape((8, 64))(layers.Permute((2, 1, 3))(x))
        return keras.Model(image, layers.Bidirectional(layers.LSTM(12, return_sequences=True))(x))

    return model(keras3(folder, build), floats("picture", tail=IMAGES))


@network
def tagger(folder: Path) -> Example:
    """Two bidirectional GRUs and a Dense for each step. Keras 3 export."""

    def build(keras: Any, layers: Any) -> Any:
        return keras.Sequential(
            [
                keras.Input((8, 24), name="steps"),
                layers.Bidirectional(layers.GRU(10, return_sequences=True)),
                layers.SpatialDropout1D(0.2),
                layers.GRU(8, return_sequences=True, reset_after=False),
                layers.TimeDistributed(layers.Dense(5, "softmax")),
            ]
        )

    return model(keras3(folder, build), floats("steps", tail=(8, 24)))


@network
def tagger_keras2(folder: Path) -> Example:
    """LSTM cells in an RNN, an LSTM, Conv1D. Keras 2 save."""

    def build(keras: Any, layers: Any) -> Any:
        steps = keras.Input((8, 24), name="steps")
        x = layers.RNN([layers.LSTMCell(9), layers.GRUCell(7)], return_sequences=True)(steps)
        x = layers.Conv1D(6, 3, padding="causal")(layers.LSTM(8, return_sequences=True)(x))
        return keras.Model(steps, {"tags": layers.Softmax(name="tags")(x)})

    return model(keras2(folder, build), floats("steps", tail=(8, 24)), "tags")


def transformer_layer(layers: Any, x: Any, width: int) -> Any:
    mixed = layers.MultiHeadAttention(3, width // 3, dropout=0.1)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, mixed]))
    inner = layers.Dense(width)(layers.Dense(2 * width, activation="gelu")(x))
    return layers.LayerNormalization()(layers.Add()([x, layers.Dropout(0.1)(inner)]))


@network
def transformer(folder: Path) -> Example:
    """Two layers of a transformer over sequences, pooled. Keras 3 export."""

    def build(keras: Any, layers: Any) -> Any:
        steps = keras.Input((8, 24), name="steps")
        x = transformer_layer(layers, transformer_layer(layers, steps, 24), 24)
        return keras.Model(steps, layers.Dense(32)(layers.GlobalAveragePooling1D()(x)))

    return model(keras3(folder, build), floats("steps", tail=(8, 24)))


@network
def encoder(folder: Path) -> Example:
    """Token ids and a mask through embeddings and a transformer layer; two outputs. Keras 3 export."""

    def build(keras: Any, layers: Any) -> Any:
        ids, mask = keras.Input((8,), dtype="int32", name="ids"), keras.Input((8,), name="mask")
        places = keras.ops.arange(8)
        x = layers.Embedding(30, 24)(ids) + layers.Embedding(8, 24)(places)
        x = transformer_layer(layers, x * keras.ops.expand_dims(mask, -1), 24)
        pooled = layers.Dense(32, "tanh")(x[:, 0])
        return keras.Model({"ids": ids, "mask": mask}, {"pooled": pooled, "sequence": x})

    def inputs(batch: int) -> dict[str, Any]:
        ids = numbers("ids", (batch, 8), np.int32) % 30
        return {"ids": ids, "mask": (ids % 3 > 0).astype(np.float32)}

    return model(keras3(folder, build), inputs, "pooled", "sequence")


@network
def text_lstm(folder: Path) -> Example:
    """TextVectorization, a masking Embedding, a bidirectional LSTM. Keras 3 export."""

    def build(keras: Any, layers: Any) -> Any:
        vectorise = layers.TextVectorization(vocabulary=WORDS, output_sequence_length=8)
        return keras.Sequential(
            [
                keras.Input((), dtype="string", name="text"),
                vectorise,
                layers.Embedding(len(WORDS) + 2, 12, mask_zero=True),
                layers.Bidirectional(layers.LSTM(16)),
            ]
        )

    return model(keras3(folder, build), strings("text", TEXTS))


@network
def text_keras2(folder: Path) -> Example:
    """TextVectorization, an Embedding, Conv1D. Keras 2 save."""

    def build(keras: Any, layers: Any) -> Any:
        vectorise = layers.TextVectorization(vocabulary=WORDS, output_sequence_length=8)
        text = keras.Input((1,), dtype="string", name="text")
        x = layers.Embedding(len(WORDS) + 2, 12)(vectorise(text))
        x = layers.GlobalMaxPooling1D()(layers.Conv1D(16, 3, activation="relu")(x))
        return keras.Model(text, layers.Dense(32, name="features")(x))

    def inputs(batch: int) -> dict[str, Any]:
        return {"text": np.array([[TEXTS[at % len(TEXTS)]] for at in range(batch)], object)}

    return model(keras2(folder, build), inputs, "features")


# -- tables of numbers and words


@network
def tabular(folder: Path) -> Example:
    """Normalization, Discretization, StringLookup, Hashing, IntegerLookup, CategoryEncoding. Keras 3 export."""

    def build(keras: Any, layers: Any) -> Any:
        age, colour = keras.Input((1,), name="age"), keras.Input((1,), dtype="string", name="colour")
        rooms = keras.Input((1,), dtype="int64", name="rooms")
        normal = layers.Normalization()
        normal.adapt(np.arange(20, dtype=np.float32)[:, None])
        parts = [
            normal(age),
            layers.CategoryEncoding(4, "one_hot")(layers.Discretization([0.0, 5.0, 10.0])(age)),
            layers.CategoryEncoding(4, "multi_hot")(
                layers.StringLookup(vocabulary=["red", "green", "blue"])(colour)
            ),
            layers.IntegerLookup(vocabulary=[1, 2, 3], output_mode="one_hot")(rooms),
        ]
        return keras.Model([age, colour, rooms], layers.Dense(32, "relu")(layers.Concatenate()(parts)))

    def inputs(batch: int) -> dict[str, Any]:
        colours = [b"red", b"blue", b"pink", b"green"]
        return {
            "age": numbers("age", (batch, 1)) * 9 + 6,
            "colour": np.array([[colours[at % 4]] for at in range(batch)], object),
            "rooms": numbers("rooms", (batch, 1), np.int64) % 5,
        }

    return model(keras3(folder, build), inputs)


@network
def mlp(folder: Path) -> Example:
    """Dense, BatchNormalization, Dropout, fitted with Adam. Keras 3 export."""

    def build(keras: Any, layers: Any) -> Any:
        made = keras.Sequential(
            [
                keras.Input((32,), name="features"),
                layers.Dense(24, kernel_regularizer="l2"),
                layers.BatchNormalization(),
                layers.Activation("swish"),
                layers.Dropout(0.3),
                layers.Dense(5),
            ]
        )
        made.compile("adam", "mse")
        made.fit(numbers("mlp x", (8, 32)), numbers("mlp y", (8, 5)), epochs=1, verbose=0)
        return made

    return model(keras3(folder, build), floats("features", tail=(32,)))


@network
def mlp_saved(folder: Path) -> Example:
    """The same kind of model, by `tf.saved_model.save`."""

    def build(keras: Any, layers: Any) -> Any:
        made = keras.Sequential(
            [
                keras.Input((32,), name="features"),
                layers.Dense(16, "relu"),
                layers.BatchNormalization(),
                layers.Dense(3, name="scores"),
            ]
        )
        made.compile("sgd", "mse")
        return made

    return model(keras3(folder, build, saved=True), floats("inputs", tail=(32,)), runs_v1=False)


@network
def mlp_keras2(folder: Path) -> Example:
    """Dense, BatchNormalization, Dropout, fitted with RMSprop and momentum. Keras 2 save."""

    def build(keras: Any, layers: Any) -> Any:
        x = keras.Input((32,), name="features")
        y = layers.Dense(16, "relu", kernel_regularizer="l2")(x)
        y = layers.Dropout(0.2)(layers.BatchNormalization()(y))
        made = keras.Model(x, layers.Dense(4, name="scores")(y))
        made.compile(keras.optimizers.legacy.RMSprop(momentum=0.9), "mse")
        made.fit(numbers("k2 x", (8, 32)), numbers("k2 y", (8, 4)), epochs=1, verbose=0)
        return made

    return model(keras2(folder, build), floats("features", tail=(32,)), "scores")


# -- sound


@network
def spectrogram(folder: Path) -> Example:
    """Half a second of sound to a picture of its mel bands, by a trained projection: stft, complex numbers."""

    class Spectrogram(tf.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            self.mel = tf.signal.linear_to_mel_weight_matrix(32, 129, 8000)
            self.colours = tf.Variable(numbers("colours", (1, 1, 1, 3)), name="colours")
            self.kernel = tf.Variable(numbers("smooth", (3, 3, 3, 3)) * 0.3, name="kernel")

        @tf.function(input_signature=[tf.TensorSpec([None, 4224], tf.float32, name="sound")])
        def __call__(self, sound: Any) -> dict[str, Any]:
            power = tf.abs(tf.signal.stft(sound, 256, 128)) ** 2
            bands = tf.math.log(power @ self.mel + 1e-3)[..., None] * self.colours
            return {"image": tf.nn.conv2d(bands, self.kernel, 1, "SAME")}

    module = Spectrogram()
    path = folder / "model"
    tf.saved_model.save(module, str(path), signatures=module.__call__)
    return model(path, floats("sound", tail=(4224,)), "image")


# -- all kinds of tensors


@network
def many_dtypes(folder: Path) -> Example:
    """float16, bfloat16, int8, strings and bools in and out, each changed by a variable or constant of its dtype."""

    class Many(tf.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            self.half = tf.Variable(tf.cast(numbers("half", (4,)), tf.float16), name="half")
            self.brain = tf.Variable(tf.cast(numbers("brain", (4,)), tf.bfloat16), name="brain")

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, 4], dtype, name=f"{name}_in")
                for name, dtype in (
                    ("half", tf.float16),
                    ("brain", tf.bfloat16),
                    ("small", tf.int8),
                    ("words", tf.string),
                    ("flags", tf.bool),
                )
            ]
        )
        def __call__(self, half: Any, brain: Any, small: Any, words: Any, flags: Any) -> dict[str, Any]:
            return {
                "half": half * self.half + self.half,
                "brain": tf.where(flags, brain, brain * self.brain),
                "small": small * tf.constant(3, tf.int8),
                "words": tf.strings.join([words, "x"]),
                "flags": tf.math.logical_not(flags),
            }

    module = Many()
    path = folder / "model"
    tf.saved_model.save(module, str(path), signatures=module.__call__)

    def inputs(batch: int) -> dict[str, Any]:
        floats_ = numbers("many", (batch, 4))
        return {
            "half_in": floats_.astype(np.float16),
            "brain_in": tf.cast(floats_, tf.bfloat16).numpy(),
            "small_in": numbers("small", (batch, 4), np.int8) % 20,
            "words_in": np.array([[b"a", b"b", b"", b"c d"]] * batch, object),
            "flags_in": floats_ > 0,
        }

    return model(path, inputs, "brain", "flags", "half", "small", "words")
