"""Arrays as JSON between this process and the child (`child_script/arrays.py` has the other half)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.disk import dtypes
from workbench.errors import ChildDied, UnknownName

if TYPE_CHECKING:
    import numpy as np


def encode(array: np.ndarray[Any, Any], dtype: str | None = None) -> dict[str, Any]:
    """Return an array as `{dtype, shape, data}`; bytes as `{dtype: "string", shape, strings}`.

    Args:
        array: any shape; little-endian or big-endian.
        dtype: TensorFlow's name where numpy's is ambiguous (`qint8` is int8 here), or None.
    """
    import numpy as np

    if array.dtype.kind in "OSU":
        strings = [item if isinstance(item, bytes) else str(item).encode() for item in array.ravel().tolist()]
        return {
            "dtype": "string",
            "shape": list(array.shape),
            "strings": [base64.b64encode(item).decode("ascii") for item in strings],
        }
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
    return {"dtype": dtype or array.dtype.name, "shape": list(array.shape), "data": data}


def decode(item: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    """Return the array of an encoded one; quantised types become plain integers.

    Raises:
        ChildDied: the child answered with something that is no array.
    """
    import numpy as np

    try:
        shape = tuple(item["shape"])
        if item["dtype"] == "string":
            array = np.empty(len(item["strings"]), dtype=object)
            array[:] = [base64.b64decode(text) for text in item["strings"]]
            return array.reshape(shape)
        dtype = dtypes.numpy(dtypes.enum(item["dtype"]))
        return np.frombuffer(base64.b64decode(item["data"]), dtype=dtype).reshape(shape).copy()
    except (KeyError, TypeError, ValueError, UnknownName) as error:
        raise ChildDied(f"The child answered with a broken array: {error}.") from error


def encode_sample(sample: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    """Return arrays by slot, encoded."""
    return {slot: encode(array) for slot, array in sample.items()}


def decode_sample(sample: Mapping[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Return arrays by slot, decoded."""
    return {slot: decode(item) for slot, item in sample.items()}
