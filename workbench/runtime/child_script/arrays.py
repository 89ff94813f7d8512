"""Arrays as JSON, and as tensors."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any

import numpy as np
import tensorflow as tf

from .errors import SHOWN, phase
from .pipe import Json


def encode(value: Any) -> Json:
    """Return any fetched value as a JSON array object."""
    array = np.asarray(value)
    if array.dtype.kind in "OSU":
        flat = [x if isinstance(x, bytes) else str(x).encode() for x in array.reshape(-1).tolist()]
        strings = [base64.b64encode(with_shown_path(x)).decode("ascii") for x in flat]
        return {"dtype": "string", "shape": list(array.shape), "strings": strings}
    name = array.dtype.name
    if array.dtype.names:  # TensorFlow's quantised types are structs of one field
        name = array.dtype.names[0]
    elif array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
    return {"dtype": name, "shape": list(array.shape), "data": data}


def with_shown_path(value: bytes) -> bytes:
    """Return a model's string with the private path of an asset replaced by the user's."""
    for path, shown in SHOWN.items():
        value = value.replace(os.fsencode(path), os.fsencode(shown))
    return value


def decode(item: Json) -> Any:
    """Return the array of a JSON array object; strings as an object array of bytes."""
    shape = tuple(item["shape"])
    if item["dtype"] == "string":
        array = np.empty(len(item["strings"]), dtype=object)
        array[:] = [base64.b64decode(x) for x in item["strings"]]
        return array.reshape(shape)
    dtype = np.dtype(tf.as_dtype(item["dtype"]).as_numpy_dtype)
    return np.frombuffer(base64.b64decode(item["data"]), dtype=dtype).reshape(shape)


def decode_sample(sample: Json) -> Json:
    """Return the arrays of a sample by slot."""
    with phase("input"):
        return {slot: decode(item) for slot, item in sample.items()}


def encode_sample(sample: Json) -> Json:
    """Return a sample's arrays as JSON array objects by slot."""
    return {slot: encode(value) for slot, value in sample.items()}


def as_tensor(value: Any, taken: Any = None) -> Any:
    """Return an eager tensor of the input's dtype; quantised values come as integers.

    `taken` is that dtype, or something that has one, or None.
    """
    array = np.asarray(value)
    dtype = getattr(taken, "dtype", taken)
    if array.dtype.names:  # fetched as it is: a struct of one field
        dtype = dtype or array.dtype.names[0]
        array = array[array.dtype.names[0]]
    if dtype is not None and tf.as_dtype(dtype).is_quantized:
        return tf.bitcast(tf.constant(array), tf.as_dtype(dtype))
    return tf.constant(array)


def digest(value: Any) -> str:
    """Return the SHA-256 over an array's bytes."""
    array = np.asarray(value)
    if array.dtype.kind in "OSU":
        data = repr(array.reshape(-1).tolist()).encode()
    else:
        data = np.ascontiguousarray(array).tobytes()
    return hashlib.sha256(data).hexdigest()
