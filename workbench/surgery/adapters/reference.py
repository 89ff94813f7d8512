"""References: what an adapter is to compute, as data that the TensorFlow process evaluates eagerly.

An expression is JSON:

- `{"value": NAME}`: a tensor of the chain, `""` for the main one;
- `{"tf": "image.resize", "args": […], "kwargs": {…}}`: a function of `tf.*`; the process has the list of those that
  it calls;
- `{"constant": NUMBERS, "dtype": "float32"}`, `{"strings": [base64]}`: a tensor;
- `{"dtype": "float32"}`: a dtype as an argument;
- `{"by_channels": {"1": EXPRESSION, "3": EXPRESSION}, "of": EXPRESSION}`: the one for the size of the last dimension;
- `{"pick": INDEX, "of": EXPRESSION}`: one of several results; `{"slice": [START, STOP], "of": EXPRESSION}`;
- numbers, texts, booleans, null and lists of these are themselves.

A chain is a list of steps `{"sets": {NAME: EXPRESSION}, "drops": [NAME]}`; `{"rows": [STEP]}` does its steps with each
row of the main tensor alone and stacks the results.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from fractions import Fraction

Json = dict[str, Any]
VALUE: Json = {"value": ""}


class Tolerance(NamedTuple):
    """How far results may differ: `abs(a - b) <= absolute + relative * abs(b)`.

    Attributes:
        absolute: in units of the result.
        relative: as a share of the reference.
        jpeg: in units of the result, where a JPEG file is decoded: decoders differ.
    """

    absolute: float = 0.0
    relative: float = 0.0
    jpeg: float = 0.0

    def __or__(self, other: Tolerance) -> Tolerance:
        return Tolerance(
            max(self.absolute, other.absolute),
            max(self.relative, other.relative),
            max(self.jpeg, other.jpeg),
        )


def call(function: str, *args: Any, **kwargs: Any) -> Json:
    """Return a call of a function of TensorFlow, named without `tf.`."""
    found: Json = {"tf": function, "args": list(args)}
    if kwargs:
        found["kwargs"] = kwargs
    return found


def constant(values: float | Sequence[float], dtype: str) -> Json:
    """Return a tensor of numbers."""
    return {"constant": values if isinstance(values, (int, float)) else list(values), "dtype": dtype}


def number(value: Fraction, dtype: str) -> Json:
    """Return a scalar of a dtype."""
    return constant(float(value) if "float" in dtype else int(value), dtype)


def strings(values: Iterable[bytes]) -> Json:
    """Return a vector of strings."""
    return {"strings": [base64.b64encode(value).decode("ascii") for value in values]}


def dtype(name: str) -> Json:
    """Return a dtype as an argument."""
    return {"dtype": name}


def cast(value: Json, name: str) -> Json:
    """Return a value in another dtype."""
    return call("cast", value, dtype(name))


def by_channels(of: Json, **cases: Json) -> Json:
    """Return the expression for the size of the last dimension of `of`; the sizes are written `c1`, `c3`."""
    return {"by_channels": {name[1:]: case for name, case in cases.items()}, "of": of}
