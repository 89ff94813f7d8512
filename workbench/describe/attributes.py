"""The text of a node's attribute (`attr_value.proto`)."""

from __future__ import annotations

from typing import Any

from workbench.describe.text import size
from workbench.disk import dtypes
from workbench.disk.schema import AttrValue, TensorProto
from workbench.model import shapes
from workbench.names import show

_ITEMS = 8
_BYTES = 24
_LONG = 120


def attribute_text(value: AttrValue) -> str:
    """Return an `AttrValue` as a text, safe to print, cut where it is long."""
    kind = value.WhichOneof("value")
    if kind is None:
        return "(nothing)"
    if kind == "list":
        return _list(value.list)
    return _single(kind, getattr(value, kind))


def _single(kind: str, value: Any) -> str:
    if kind == "s":
        return _bytes(bytes(value)) if isinstance(value, bytes) else show(str(value), _LONG)
    if kind == "type":
        return dtypes.name(int(value))
    if kind == "shape":
        return shapes.text(shapes.from_proto(value))
    if kind == "tensor":
        return _tensor(value)
    if kind == "func":
        return show(value.name)
    if kind == "b":
        return "true" if value else "false"
    if kind == "f":
        return f"{value:g}"
    return show(str(value), _LONG)


def _bytes(data: bytes) -> str:
    text = as_text(data)
    if text is None or len(data) > 4 * _LONG:
        cut = "…" if len(data) > _BYTES else ""
        return f"{show(repr(data[:_BYTES])[2:-1])}{cut} ({size(len(data))})"
    return f'"{show(text, _LONG)}"'


def as_text(data: bytes) -> str | None:
    """Return bytes decoded as UTF-8; None where they are no text, a serialized message for example."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if all(one.isprintable() or one in "\n\r\t" for one in text) else None


def _list(value: AttrValue.ListValue) -> str:
    for field, items in value.ListFields():
        shown = [_single(field.name, item) for item in items[:_ITEMS]]
        more = f", … {len(items):,} in all" if len(items) > _ITEMS else ""
        return f"[{', '.join(shown)}{more}]"
    return "[]"


def _tensor(proto: TensorProto) -> str:
    """Return dtype and shape of a tensor, and the values of a small one."""
    typed = shapes.typed(proto.dtype, shapes.from_proto(proto.tensor_shape))
    values = values_text(proto)
    return f"{typed} = {values}" if values is not None else f"{typed}, {size(proto.ByteSize())}"


def values_text(proto: TensorProto) -> str | None:
    """Return the values of a small tensor as a text, safe to print; None for a large one."""
    if proto.dtype == dtypes.STRING and 0 < len(proto.string_val) <= _ITEMS:
        return ", ".join(_bytes(item) for item in proto.string_val)
    # a few bytes can claim a huge array: its size is looked at before it is made
    elements = shapes.count(shapes.from_proto(proto.tensor_shape))
    if elements is None or elements > 2 * _ITEMS or proto.ByteSize() > 400:
        return None
    import numpy as np

    from workbench.disk.tensor_proto import to_array

    array = to_array(proto)
    if array is None:
        return None
    return show(np.array2string(array, separator=",").replace("\n", ""), _LONG)
