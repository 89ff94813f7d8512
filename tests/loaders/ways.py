"""The ways people load a SavedModel and call it, each as they do: default arguments, no help.

A way takes a folder, values by input key and what should come out by output key. It gives an `Outcome`: equal, or how
it fails. Whatever a loader raises is an outcome here, not a fault of the test.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from tests.zoo.example import Example
from tests.zoo.run import arguments, as_arrays, run_v1, run_v2

SIGNATURE = "serving_default"
EQUAL = "equal"


@dataclass(frozen=True)
class Case:
    """What is to be loaded: a result or a source.

    `inputs` and `expected` are by key of the signature, or by argument and output of the first callable where
    the example has no signature. `source`: it is none of ours.
    """

    example: Example
    inputs: dict[str, Any]
    expected: dict[str, Any]
    source: bool = True

    @property
    def path(self) -> str:
        return str(self.example.path)


class Differs(Exception):
    """It ran, and gave something else."""


class NotApplicable(Exception):
    """Nothing there that this way is for."""


Way = Callable[[Case, Path], None]
WAYS: dict[str, Way] = {}
NEEDS = {"hub.KerasLayer": "tensorflow_hub", "tf2onnx": "tf2onnx"}
"""Ways that need a package of the extra `loaders`."""


def possible() -> list[str]:
    """The ways there are packages for."""
    return [name for name in WAYS if name not in NEEDS or importlib.util.find_spec(NEEDS[name])]


def way(name: str) -> Callable[[Way], Way]:
    def register(function: Way) -> Way:
        WAYS[name] = function
        return function

    return register


def outcome(name: str, case: Case) -> str:
    """`equal`, `none: …` where there is nothing to do, else what went wrong in a line."""
    with tempfile.TemporaryDirectory() as folder, quiet():
        try:
            if name not in ("signature", "v1 Session") and any(
                isinstance(value, tuple) for value in case.inputs.values()
            ):
                raise NotApplicable("it takes a sparse or ragged tensor, which this way has no place for")
            WAYS[name](case, Path(folder))
        except NotApplicable as reason:
            return f"none: {reason}"
        except Differs as reason:
            return f"differs: {reason}"
        except Exception as error:
            return f"{type(error).__name__}: {first_line(str(error))}"
    return EQUAL


def first_line(text: str) -> str:
    """What an error says, without the places of this run."""
    text = re.sub(r"/[^\s'\"]*/", "", text)
    text = re.sub(r"0x[0-9a-f]+", "0x…", text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not line.endswith(":") and not line.startswith("Detected at node")]
    return (telling or lines or [""])[0][:160]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what loaders print."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


# -- comparing


def compare(got: dict[str, Any], expected: dict[str, Any]) -> None:
    """Raises Differs unless all outputs are there and equal."""
    if set(got) != set(expected):
        raise Differs(f"outputs {sorted(got)} instead of {sorted(expected)}")
    for key, wanted in expected.items():
        for one, other in zip(parts(got[key]), parts(wanted), strict=True):
            same(key, one, other)


def parts(value: Any) -> list[np.ndarray]:
    listed = value if isinstance(value, tuple) else (value,)
    return [np.asarray(part) for part in listed]


def same(key: str, got: np.ndarray, wanted: np.ndarray) -> None:
    if got.shape != wanted.shape:
        raise Differs(f"{key} has shape {got.shape} instead of {wanted.shape}")
    if wanted.dtype == object:
        equal = [text(one) for one in got.flat] == [text(one) for one in wanted.flat]
    elif wanted.dtype.kind in "fcV":  # V: bfloat16
        half = wanted.dtype.itemsize == 2 or got.dtype.itemsize == 2
        number = np.complex128 if wanted.dtype.kind == "c" else np.float64
        one, other = got.astype(number), wanted.astype(number)
        finite = other[np.isfinite(other)]
        scale = float(np.abs(finite).max()) if finite.size else 0.0
        tolerance = 2e-2 if half else 1e-4
        equal = np.allclose(one, other, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
    else:
        equal = np.array_equal(got, wanted)
    if not equal:
        raise Differs(f"{key} has other values")


def text(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def named(result: Any, expected: dict[str, Any]) -> dict[str, Any]:
    """What a call gave, by key: a single output has none."""
    if isinstance(result, dict):
        return {key: as_arrays(value) for key, value in result.items()}
    (key,) = expected
    return {key: as_arrays(result)}


# -- the ways


@way("signature")
def by_signature(case: Case, _: Path) -> None:
    if case.example.signature is None:
        raise NotApplicable("no signature")
    compare(run_v2(case.example, case.inputs), case.expected)


@way("__call__")
def by_call(case: Case, _: Path) -> None:
    import tensorflow as tf

    loaded = tf.saved_model.load(case.path)
    compare(named(call(loaded, case), case.expected), case.expected)


def call(function: Any, case: Case) -> Any:
    """By keyword; a single input by position, as people write it."""
    import tensorflow as tf

    tensors = {key: tf.constant(value) for key, value in case.inputs.items()}
    if len(tensors) == 1:
        return function(*tensors.values())
    return function(**tensors)


@way("v1 Session")
def by_session(case: Case, _: Path) -> None:
    if case.example.signature is None:
        raise NotApplicable("no signature")
    compare(run_v1(case.example, case.inputs), case.expected)


@way("saved_model_cli run")
def by_cli(case: Case, folder: Path) -> None:
    from tensorflow.python.tools import saved_model_cli

    if case.example.signature is None:
        raise NotApplicable("no signature")
    words = []
    for index, (key, value) in enumerate(case.inputs.items()):
        np.save(folder / f"{index}.npy", value)
        words.append(f"{key}={folder}/{index}.npy")
    tags = ",".join(case.example.tags)
    line = ["saved_model_cli", "run", "--dir", case.path, "--tag_set", tags]
    line += ["--signature_def", case.example.signature, "--inputs", ";".join(words)]
    with mock.patch.object(sys, "argv", [*line, "--outdir", str(folder / "out")]):
        try:
            saved_model_cli.main()
        except SystemExit as end:
            if end.code:
                raise RuntimeError(f"exit code {end.code}") from end
    got = {file.stem: np.load(file, allow_pickle=True) for file in (folder / "out").iterdir()}
    compare(got, case.expected)


@way("TFSMLayer")
def by_keras_layer(case: Case, _: Path) -> None:
    import keras

    try:
        layer = keras.layers.TFSMLayer(case.path)
    except ValueError:
        # a source that has no `serve` tells more by its signature than by lacking one
        if not case.source or case.example.signature is None:
            raise
        layer = keras.layers.TFSMLayer(case.path, call_endpoint=case.example.signature)
    compare(named(layer(layer_input(case)), case.expected), case.expected)


def layer_input(case: Case) -> Any:
    """The one argument that a layer takes: several inputs are a dict."""
    import tensorflow as tf

    tensors = {key: tf.constant(value) for key, value in case.inputs.items()}
    return next(iter(tensors.values())) if len(tensors) == 1 else tensors


@way("hub.KerasLayer")
def by_hub(case: Case, _: Path) -> None:
    import tensorflow as tf
    import tensorflow_hub as hub

    layer = hub.KerasLayer(case.path, trainable=True)
    compare(named(layer(layer_input(case)), case.expected), case.expected)
    loaded = tf.saved_model.load(case.path)
    wanted = {one.name for one in trainable(loaded)}
    got = {one.name for one in layer.trainable_weights}
    if got != wanted:
        raise Differs(f"{len(got)} trainable weights instead of {len(wanted)}")


def trainable(loaded: Any) -> list[Any]:
    return list(getattr(loaded, "trainable_variables", None) or ())


@way("tf.train.Checkpoint")
def by_checkpoint(case: Case, folder: Path) -> None:
    """Saved, spoiled, restored."""
    import tensorflow as tf

    loaded = tf.saved_model.load(case.path)
    variables = [one for one in variables_of(loaded) if one.dtype.is_floating]
    if not variables:
        raise NotApplicable("no variables")
    run = loaded_run(loaded, case)
    prefix = tf.train.Checkpoint(model=loaded).save(str(folder / "checkpoint"))
    before = [one.numpy() for one in variables]
    for one in variables:
        one.assign(tf.ones_like(one) * 3)
    status = tf.train.Checkpoint(model=loaded).restore(prefix)
    status.assert_existing_objects_matched()
    for one, value in zip(variables, before, strict=True):
        if not np.array_equal(one.numpy(), value):
            raise Differs(f"{one.name} was not restored")
    compare(run(), case.expected)


def variables_of(loaded: Any) -> list[Any]:
    """The variables reached from a loaded object, whatever it calls them."""
    from tensorflow.python.checkpoint.graph_view import ObjectGraphView
    from tensorflow.python.ops.resource_variable_ops import BaseResourceVariable

    nodes = ObjectGraphView(loaded).breadth_first_traversal()[0]
    found = {id(one): one for one in nodes if isinstance(one, BaseResourceVariable)}
    return list(found.values()) or list(getattr(loaded, "variables", ()))


def loaded_run(loaded: Any, case: Case) -> Callable[[], dict[str, Any]]:
    """How a loaded object is run again and again."""
    if case.example.signature is None:
        return lambda: named(call(loaded, case), case.expected)
    function = loaded.signatures[case.example.signature]
    return lambda: {k: as_arrays(v) for k, v in function(**arguments(function, case.inputs)).items()}


@way("saved again")
def by_saving_again(case: Case, folder: Path) -> None:
    import tensorflow as tf

    loaded = tf.saved_model.load(case.path, tags=list(case.example.tags))
    tf.saved_model.save(loaded, str(folder / "again"), signatures=loaded.signatures)
    again = tf.saved_model.load(str(folder / "again"))
    flags = [sorted((one.name, one.trainable) for one in variables_of(each)) for each in (loaded, again)]
    if flags[0] != flags[1]:
        raise Differs("the variables, or whether they are trainable, are not the same")
    compare(loaded_run(again, case)(), case.expected)


@way("TFLite")
def by_tflite(case: Case, _: Path) -> None:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(case.path, tags=list(case.example.tags))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    signature = case.example.signature
    if signature is None:
        raise NotApplicable("no signature")
    runner = interpreter.get_signature_runner(signature)
    compare(dict(runner(**case.inputs)), case.expected)


@way("tf2onnx")
def by_onnx(case: Case, folder: Path) -> None:
    import onnxruntime
    from tf2onnx import convert

    if case.example.signature is None:
        raise NotApplicable("no signature")
    file = folder / "model.onnx"
    line = ["tf2onnx", "--saved-model", case.path, "--output", str(file), "--opset", "18"]
    line += ["--signature_def", case.example.signature, "--tag", ",".join(case.example.tags)]
    with mock.patch.object(sys, "argv", line):
        convert.main()
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    keys = [one.name for one in session.get_outputs()]
    wanted = {one.name.removesuffix(":0"): one.name for one in session.get_inputs()}
    feed = {name: np.asarray(case.inputs[key]) for key, name in wanted.items() if key in case.inputs}
    values = session.run(keys, feed)
    compare({key.removesuffix(":0"): value for key, value in zip(keys, values, strict=True)}, case.expected)
