"""`TensorProto` to numpy: values of constants and of inputs' defaults.

Sources: `tensor.proto`, `tensor_util.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.disk import dtypes
from workbench.disk.schema import TensorProto

if TYPE_CHECKING:
    import numpy as np

MAX_ELEMENTS = 1 << 26
MAX_CLAIMED = 1 << 22
"""Elements of a value of which not all are written down: a few bytes can represent any number."""

_FIELDS = {
    "float32": "float_val",
    "float64": "double_val",
    "int64": "int64_val",
    "bool": "bool_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
}


def to_array(tensor: TensorProto) -> np.ndarray[Any, Any] | None:
    """Return the value of a `TensorProto`; strings as an object array of bytes.

    A last value that is not repeated on disk is repeated, as TensorFlow does.

    Returns:
        None if numpy has no such dtype, the shape is unknown or too large, or the values do not fit it.
    """
    import numpy as np

    name = dtypes.name(dtypes.base(tensor.dtype))
    dtype = dtypes.numpy(tensor.dtype)
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if dtype is None or tensor.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        return None
    count = 1
    for size in shape:
        count *= size
    if count > MAX_ELEMENTS:
        return None
    if tensor.tensor_content and name != "string":
        if len(tensor.tensor_content) != count * dtype.itemsize:
            return None
        return np.frombuffer(tensor.tensor_content, dtype=dtype).reshape(shape).copy()
    values = _listed(tensor, name, dtype)
    if len(values) > count or (len(values) < count and count > MAX_CLAIMED):
        return None
    array = np.zeros(count, dtype=dtype)
    if name == "string":
        array[:] = b""
    array[: len(values)] = values
    if 0 < len(values) < count:
        array[len(values) :] = values[-1]
    return array.reshape(shape)


def _listed(tensor: TensorProto, name: str, dtype: np.dtype[Any]) -> Any:
    """Return the values in the dtype's own field, as a flat array."""
    import numpy as np

    if name == "string":
        values = np.empty(len(tensor.string_val), dtype=object)
        values[:] = list(tensor.string_val)
        return values
    if name in ("complex64", "complex128"):
        parts = tensor.scomplex_val if name == "complex64" else tensor.dcomplex_val
        return np.array(parts[: len(parts) // 2 * 2], dtype=np.float64).view(np.complex128).astype(dtype)
    if name in ("float16", "bfloat16"):  # half_val holds the bits
        return np.array(tensor.half_val, dtype=np.uint32).astype(np.uint16).view(dtype)
    if name.startswith("float8"):
        return np.frombuffer(bytes(tensor.float8_val), dtype=dtype)
    field = _FIELDS.get(name, "int_val")
    return np.array(list(getattr(tensor, field))).astype(dtype)
