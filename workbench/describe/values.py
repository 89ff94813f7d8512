"""Values of tensors, as JSON and as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.names import show


def arrays_json(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return arrays as JSON: dtype, shape, values; see `plain`."""
    return {
        key: {
            "dtype": "string" if array.dtype.kind in "OSU" else array.dtype.name,
            "shape": list(array.shape),
            "values": plain(
                array.tolist() if array.dtype.kind in "OSUbiufc" else array.astype("float64").tolist()
            ),
        }
        for key, array in arrays.items()
    }


def plain(value: Any) -> Any:
    """Return a value or nested list as JSON: bytes that are no text are `{"b64": …}`, NaN is `"NaN"`."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            import base64

            return {"b64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, float) and value != value:
        return "NaN"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, complex):
        return [value.real, value.imag]
    return value


def text_of(value: Any) -> str:
    """Return a string of a model as text that is safe to print."""
    if isinstance(value, bytes):
        try:
            return show(value.decode("utf-8"))
        except UnicodeDecodeError:
            return f"{len(value)} bytes: {show(repr(value[:40]))}"
    return show(str(value))


def value_text(value: Any) -> str:
    """Return one value of a tensor as text: four digits of a float, strings quoted."""
    if isinstance(value, bytes | str):
        return f'"{text_of(value)}"' if isinstance(value, str) or _is_text(value) else text_of(value)
    if isinstance(value, float):
        return "NaN" if value != value else f"{value:.4g}"
    return show(str(value))


def row_text(values: Sequence[Any], *, before: bool = False, after: bool = False) -> str:
    """Return values as one line, with an ellipsis where there are more of them."""
    shown = [show(value_text(value), 60) for value in values]
    return ", ".join([*(["…"] if before else []), *shown, *(["…"] if after else [])])


def _is_text(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
