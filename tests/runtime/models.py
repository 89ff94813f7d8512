"""Tiny v1 models for the runtime's tests, built in this process's TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.zoo.example import tf
from workbench.runtime.chain import ModelRef

Build = Callable[[Any], tuple[Mapping[str, Any], Mapping[str, Any]]]
"""Given `tf.compat.v1`, makes a graph; returns inputs and outputs by key."""


def save(folder: Path, build: Build, *, method: str = "serving_default") -> ModelRef:
    """Saves the graph that `build` makes, with initialised variables and tables, as a v1 SavedModel."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        inputs, outputs = build(v1)
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        signature = v1.saved_model.signature_def_utils.build_signature_def(
            inputs={key: v1.saved_model.utils.build_tensor_info(tensor) for key, tensor in inputs.items()},
            outputs={key: v1.saved_model.utils.build_tensor_info(tensor) for key, tensor in outputs.items()},
            method_name="tensorflow/serving/predict",
        )
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(
            session, ["serve"], {method: signature}, main_op=v1.tables_initializer(), strip_default_attrs=True
        )
        builder.save()
    return ModelRef(folder)


def placeholder(dtype: str, shape: Any, name: str = "x") -> Any:
    """A placeholder of the graph that is being built."""
    return tf.compat.v1.placeholder(dtype, shape, name)


def variable(name: str, value: Any, *, ref: bool = False) -> Any:
    """A variable of the graph that is being built."""
    v1 = tf.compat.v1
    with v1.variable_scope("", reuse=v1.AUTO_REUSE):
        return v1.get_variable(name, initializer=tf.constant(value), use_resource=not ref)
