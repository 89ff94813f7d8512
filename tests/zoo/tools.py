"""Helpers for makers of v1 graphs and for changing what was saved."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.zoo.example import numbers, tf

PREDICT = "tensorflow/serving/predict"


@contextlib.contextmanager
def v1_session(*, flow_v1: bool = False, devices: int = 1) -> Iterator[Any]:
    """A fresh v1 graph and session.

    Args:
        flow_v1: make Switch, Merge, Enter, Exit instead of If and While.
        devices: how many CPU devices there are.
    """
    was_v2 = tf.compat.v1.control_flow_v2_enabled()
    config = tf.compat.v1.ConfigProto(device_count={"CPU": devices}, allow_soft_placement=True)
    if flow_v1:
        tf.compat.v1.disable_control_flow_v2()
    try:
        with quiet(), tf.Graph().as_default(), tf.compat.v1.Session(config=config) as session:
            yield session
    finally:
        if was_v2:
            tf.compat.v1.enable_control_flow_v2()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without TensorFlow's advice not to use v1."""
    level = tf.get_logger().level
    tf.get_logger().setLevel("ERROR")
    try:
        yield
    finally:
        tf.get_logger().setLevel(level)


def placeholder(name: str = "x", shape: Sequence[int | None] | None = (None, 4), dtype: Any = None) -> Any:
    return tf.compat.v1.placeholder(dtype or tf.float32, shape, name=name)


def variable(name: str, shape: Sequence[int], *, ref: bool = False, dtype: Any = None, **more: Any) -> Any:
    """A variable, initially zero: `fill` gives it other values, which are in the checkpoint alone."""
    zeros = tf.compat.v1.zeros_initializer()
    dtype = dtype or tf.float32
    return tf.compat.v1.get_variable(name, shape, dtype, zeros, use_resource=not ref, **more)


def dense(x: Any, scope: str, size: int = 4, **more: Any) -> Any:
    """`x @ weights + bias`, with two variables below `scope`."""
    with tf.compat.v1.variable_scope(scope):
        weights = variable("weights", [int(x.shape[-1]), size], **more)
        bias = variable("bias", [size], **more)
    return tf.matmul(x, tf.convert_to_tensor(weights)) + tf.convert_to_tensor(bias)


def fill(session: Any, seed: str) -> None:
    """Give each variable of the graph values that depend on `seed` and its name.

    A model in which the initialiser runs instead of the restore gives zeros, and so is found out.
    """
    initial = {
        var.initializer.inputs[1]: numbers(
            f"{seed} {var.op.name}", tuple(var.shape), var.dtype.base_dtype.as_numpy_dtype
        )
        for var in tf.compat.v1.global_variables()
    }
    session.run([var.initializer for var in tf.compat.v1.global_variables()], initial)


def signature(inputs: Mapping[str, Any], outputs: Mapping[str, Any], method: str = PREDICT) -> Any:
    """A SignatureDef of tensors (sparse and ragged ones too)."""
    info = tf.compat.v1.saved_model.build_tensor_info
    return tf.compat.v1.saved_model.build_signature_def(
        {key: info(tensor) for key, tensor in inputs.items()},
        {key: info(tensor) for key, tensor in outputs.items()},
        method,
    )


def save(
    folder: Path,
    session: Any,
    signatures: Mapping[str, Any] | None = None,
    *,
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    tags: Sequence[str] = ("serve",),
    as_text: bool = False,
    **more: Any,
) -> Path:
    """Save a graph by the v1 builder, with `signatures` or one `serving_default` of `inputs` and `outputs`.

    Returns:
        The model's folder, `folder/model`.
    """
    path = folder / "model"
    builder = tf.compat.v1.saved_model.Builder(str(path))
    if signatures is None:
        signatures = {"serving_default": signature(inputs or {}, outputs or {})}
    builder.add_meta_graph_and_variables(session, list(tags), signatures, strip_default_attrs=True, **more)
    builder.save(as_text=as_text)
    return path


def edit(path: Path, change: Callable[[Any], None]) -> Path:
    """Change the SavedModel message in the folder `path`; its fingerprint is then stale and goes."""
    from tensorflow.core.protobuf import saved_model_pb2

    file = path / "saved_model.pb"
    message = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    change(message)
    file.write_bytes(message.SerializeToString(deterministic=True))
    (path / "fingerprint.pb").unlink(missing_ok=True)
    return path


def write_lines(file: Path, lines: Sequence[str]) -> str:
    """A text file with one line each; returns its path as TensorFlow wants it."""
    os.makedirs(file.parent, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines))
    return str(file)
