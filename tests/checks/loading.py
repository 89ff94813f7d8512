"""Whether TensorFlow loads a model and runs all of its signatures, by both loaders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.zoo.example import tf
from tests.zoo.tools import quiet, v1_session


def load_v1(path: Path) -> str | None:
    """What a v1 Session says that can't load or run it, or None."""
    try:
        with v1_session() as session, quiet():
            meta = tf.compat.v1.saved_model.load(session, ["serve"], str(path))
            for key, signature in meta.signature_def.items():
                if not key.startswith("__"):
                    feeds = {info.name: _zeros(info) for info in signature.inputs.values()}
                    session.run({one: info.name for one, info in signature.outputs.items()}, feeds)
    except Exception as problem:  # whatever TensorFlow raises is an answer
        return f"{type(problem).__name__}: {problem}"
    return None


def load_v2(path: Path) -> str | None:
    """What `tf.saved_model.load` says that can't load it or call its signatures and itself, or None."""
    try:
        loaded = tf.saved_model.load(str(path))
        for function in loaded.signatures.values():
            specs = function.structured_input_signature[1]
            function(
                **{
                    name: tf.zeros([size or 2 for size in spec.shape], spec.dtype)
                    for name, spec in specs.items()
                }
            )
        if callable(loaded):
            loaded(tf.zeros([2, 784]))
    except Exception as problem:  # whatever TensorFlow raises is an answer
        return f"{type(problem).__name__}: {problem}"
    return None


def _zeros(info: Any) -> np.ndarray:
    shape = (
        [2, 4]
        if info.tensor_shape.unknown_rank
        else [dim.size if dim.size > 0 else 2 for dim in info.tensor_shape.dim]
    )
    return np.zeros(shape, tf.as_dtype(info.dtype).as_numpy_dtype)
