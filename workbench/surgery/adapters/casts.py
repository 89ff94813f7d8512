"""Casts: what a conversion between two dtypes loses."""

from __future__ import annotations

_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_FLOATS = ("half", "float16", "bfloat16", "float32", "float64")
_SIZES = {"half": 2, "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
_DIGITS = {"half": 11, "float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}


def lossy_cast(source: str, target: str) -> str | None:
    """Return what a cast loses, or None where it loses nothing."""
    if source in _FLOATS and target in _INTEGERS:
        return "fractions are cut off"
    if target == "bool":
        return "all that is not 0 becomes true"
    if source in _FLOATS and target in _FLOATS:
        return "digits are lost" if _SIZES[target] <= _SIZES[source] else None
    if source in _INTEGERS and target in _INTEGERS:
        from_bits, to_bits = int(source.lstrip("uint")), int(target.lstrip("uint"))
        signed = target.startswith("int") or source.startswith("uint")
        return None if signed and to_bits > from_bits else "values out of range wrap around"
    if source in _INTEGERS and target in _FLOATS:
        return "large numbers are rounded" if int(source.lstrip("uint")) > _DIGITS[target] else None
    return None
