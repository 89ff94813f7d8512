"""Values after the steps of a reference, which say what an adapter computes."""

from __future__ import annotations

import base64
from typing import Any

import tensorflow as tf

from .arrays import as_tensor, decode
from .errors import phase
from .pipe import Json
from .reference_functions import REFERENCE_FUNCTIONS


def adapted(value: Any, source: Json) -> Any:
    """Return a value after the steps that a feed or an output has; without any as it is.

    Steps are evaluated eagerly, also where a Session's graph is the current one. `part` names which of their results
    is taken.
    """
    if not source.get("steps"):
        return value
    with phase("run"), tf.init_scope():
        return reference_steps(source["steps"], {"": as_tensor(value)})[source.get("part", "")].numpy()


def given_or_default(source: Json, sample: Json) -> Any:
    """Return the value of an input in a sample; its default where the sample lacks it."""
    slot = source["input"]
    return decode(source["default"]) if slot not in sample and "default" in source else sample[slot]


def taken(at: Json, values: dict[Any, Any], sample: Json) -> Any:
    """Return the value of an output: a tensor of a stage, an input, a constant, or what steps make of several."""
    if "input" in at:
        return adapted(given_or_default(at, sample), at)
    if "constant" in at:
        return adapted(decode(at["constant"]), at)
    if "of" not in at:
        return adapted(values[at["stage"], at["tensor"]], at)
    named = {name: taken(one, values, sample) for name, one in at["of"].items()}
    with phase("run"), tf.init_scope():
        tensors = {name: as_tensor(value) for name, value in named.items()}
        return reference_steps(at["steps"], tensors)[at.get("part", "")].numpy()


def first_stage(at: Json) -> Any:
    """Return the number of a stage that an output comes from; of an input, of the first."""
    return first_stage(next(iter(at["of"].values()))) if "of" in at else at.get("stage", 0)


def reference_steps(steps: list[Any], values: Json) -> Json:
    """Do the steps of a reference, as `surgery/adapters/reference.py` describes them; return all tensors by name."""
    for step in steps:
        if "rows" in step:
            rows = [reference_steps(step["rows"], {"": row})[""] for row in tf.unstack(values[""])]
            values = {**values, "": tf.stack(rows)}
            continue
        found = {name: evaluated(expression, values) for name, expression in step["sets"].items()}
        dropped = step.get("drops", ())
        values = {name: one for name, one in {**values, **found}.items() if name not in dropped}
    return values


def evaluated(expression: Any, values: Json) -> Any:
    """Evaluate an expression of a reference."""
    if isinstance(expression, list):
        return [evaluated(item, values) for item in expression]
    if not isinstance(expression, dict):
        return expression
    if "value" in expression:
        return values[expression["value"]]
    if "tf" in expression:
        return called_function(expression, values)
    if "constant" in expression:
        return tf.constant(expression["constant"], tf.as_dtype(expression["dtype"]))
    if "strings" in expression:
        return tf.constant([base64.b64decode(text) for text in expression["strings"]], tf.string)
    if "dtype" in expression:
        return tf.as_dtype(expression["dtype"])
    of = evaluated(expression["of"], values)
    if "by_channels" in expression:
        return evaluated(expression["by_channels"][str(of.shape[-1])], values)
    return of[expression["pick"]] if "pick" in expression else of[slice(*expression["slice"])]


def called_function(expression: Json, values: Json) -> Any:
    """Call a function of TensorFlow that references may call."""
    name = expression["tf"]
    if name not in REFERENCE_FUNCTIONS:
        raise ValueError(f"a reference may not call tf.{name}")
    function = tf
    for part in name.split("."):
        function = getattr(function, part)
    arguments = evaluated(expression["args"], values)
    return function(
        *arguments, **{key: evaluated(x, values) for key, x in expression.get("kwargs", {}).items()}
    )
