"""Conversions that make an output fit an input of another dtype or shape."""

from __future__ import annotations

from math import prod

from workbench.disk import dtypes
from workbench.model import shapes as shapes_
from workbench.model.shapes import Shape

_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_FLOATS = ("half", "float16", "bfloat16", "float32", "float64")
_NUMBERS = (*_INTEGERS, *_FLOATS, "bool")
_SIZES = {"half": 2, "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
_DIGITS = {"half": 11, "float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}


def described(dtype: int, shape: Shape) -> str:
    """Return a tensor's dtype and shape: `float32 [?,784]`."""
    return shapes_.typed(dtype, shape)


def remedy(have: tuple[int, Shape], want: tuple[int, Shape]) -> str:
    """Return what to do where an output does not fit an input.

    Args:
        have: DataType and shape of the output.
        want: DataType and shape of the input.
    """
    source, target = dtypes.name(have[0]), dtypes.name(want[0])
    call, note, ways = "x", "", []
    if source != target:
        if source == "string":
            return _parsing(have[1], want[1])
        if target == "string":
            call, note = "tf.strings.as_string(x)", "digits of floats are lost" if source in _FLOATS else ""
        elif source in _NUMBERS and target in _NUMBERS:
            lossy = lossy_cast(source, target)
            call = f"tf.cast(x, tf.{target})"
            note = f"the cast is lossy: {lossy}" if lossy else "the cast loses nothing"
        else:
            return f"Nothing turns {source} into {target}: choose another tensor."
    if shapes_.fits(have[1], want[1]) == "refuted":
        assert have[1] is not None and want[1] is not None
        found, condition = _reshaped(call, have[1], want[1])
        if not found:
            return f"{condition} Choose another tensor, or put a model between them that computes one from the other."
        call, ways = (
            found,
            [f" {condition}" if condition.startswith("if ") else f": {condition}"] if condition else [],
        )
    ways += [f"; {note}"] if note else []
    return f"A model between them with {call} would fit{''.join(ways)}."


def _parsing(have: Shape, want: Shape) -> str:
    if shapes_.fits(have, want) == "refuted":
        return (
            f"A model between them that decodes the strings to {shapes_.text(want)} would fit "
            "(tf.io.decode_png, tf.io.decode_raw or the like)."
        )
    return "A model between them that parses the strings (tf.strings.to_number, or a decoder) would fit."


def _reshaped(call: str, have: tuple[int | None, ...], want: tuple[int | None, ...]) -> tuple[str, str]:
    """Return a reshaping expression and its condition, or why there is none."""
    if len(have) == len(want) == 4 and sorted(map(str, have)) == sorted(map(str, want)):
        order = [(0, 3, 1, 2), (0, 2, 3, 1)]
        for axes in order:  # NCHW and NHWC
            if shapes_.fits(tuple(have[axis] for axis in axes), want) != "refuted":
                return f"tf.transpose({call}, {list(axes)})", "the sizes are the same in another order"
    if len(have) + 1 == len(want) and shapes_.fits(have, want[1:]) != "refuted" and want[0] in (None, 1):
        return f"tf.expand_dims({call}, 0)", "the input takes a batch"
    free = [None in sizes for sizes in (have, want)]
    rows = bool(have and want) and have[0] is None and want[0] is None and None not in (*have[1:], *want[1:])
    if rows:
        of, to = prod(map(_size, have[1:])), prod(map(_size, want[1:]))
        same, what = of == to, " in each row"
    else:
        of, to = prod(map(_size, have)), prod(map(_size, want))
        what = ""
        if free[0] and free[1]:
            same = True  # only the run can tell
        elif free[0]:
            same = of > 0 and to % of == 0
        elif free[1]:
            same = to > 0 and of % to == 0
        else:
            same = of == to
    if not same:
        least = ["a multiple of " if is_free and not rows else "" for is_free in free]
        return "", (
            f"The output has {least[0]}{of:,} {'element' if of == 1 else 'elements'}{what}, the input takes "
            f"{least[1]}{to:,}: no reshape makes them fit."
        )
    unknown = want.count(None)
    sizes = ", ".join("-1" if size is None else str(size) for size in want)
    found = (
        f"tf.reshape({call}, [{sizes}])" if unknown < 2 else f"a tf.reshape of {call} to {shapes_.text(want)}"
    )
    if rows or not free[0]:
        return found, ""
    if free[1]:
        return found, f"if the number of elements is a multiple of {to:,}" if to > 1 else ""
    return found, f"if the free sizes make {to:,} {'element' if to == 1 else 'elements'}"


def _size(size: int | None) -> int:
    return 1 if size is None else size


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
