"""Whether two results are the same, and by how much they are not. Pure numpy; runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from workbench.model import shapes
from workbench.names import show

if TYPE_CHECKING:
    import numpy as np

    from workbench.runtime.comparison.slack import Slack

    Array = np.ndarray[Any, Any]
    Sample = Mapping[str, Array]

_RELATIVE = {
    "float64": 1e-9,
    "complex128": 1e-9,
    "float32": 1e-5,
    "complex64": 1e-5,
    "float16": 1e-2,
    "bfloat16": 1e-2,
}
_SMALL_FLOATS = 0.125  # float8 and below keep three bits of mantissa or fewer


@dataclass(frozen=True, slots=True)
class Comparison:
    """One output compared with its reference.

    Attributes:
        equal: within the tolerance, with the same dtype, shape and NaN pattern.
        reason: what is not equal, or None.
        dtype: of the reference: `float32`, `string`.
        shape: of the reference.
        max_abs: largest absolute difference of finite numbers; None where there is nothing to subtract.
        max_rel: largest difference relative to the reference's own value there; None as above.
        where: index of the worst element, or of the first that differs for strings; None if all are equal.
        tolerance: the relative tolerance that was applied, 0 for exact.
        form_only: whether only dtype and shape were compared, because the reference is random.
    """

    equal: bool
    reason: str | None
    dtype: str
    shape: tuple[int, ...]
    max_abs: float | None = None
    max_rel: float | None = None
    where: tuple[int, ...] | None = None
    tolerance: float = 0.0
    form_only: bool = False


def tolerance_of(dtype: np.dtype[Any], given: float | None = None) -> float:
    """Return the relative tolerance of a dtype: `given` or the usual one for floats, else 0."""
    if dtype.kind in "OSUbiu" or not ("float" in dtype.name or dtype.kind == "c"):
        return 0.0
    return given if given is not None else _RELATIVE.get(dtype.name, _SMALL_FLOATS)


def is_discrete(array: Array) -> bool:
    """Return whether an output has no small changes: integers, bools, strings."""
    return tolerance_of(array.dtype, 1.0) == 0.0


def dtype_name(array: Array) -> str:
    """Return the name of an array's dtype: `float32`, `string`."""
    return "string" if array.dtype.kind in "OSU" else array.dtype.name


def compare(
    expected: Array, got: Array, tolerance: float | None = None, slack: Slack | None = None
) -> Comparison:
    """Compare an output with its reference.

    A number passes if it is nearer than `rtol * (|reference| + largest |reference| of the output)`;
    infinities and NaNs have to be the same at the same places; everything else is exact. With slack, integers may
    differ by what it allows at the least, a whole number.

    Args:
        expected: the reference.
        got: what the merged model gave.
        tolerance: the relative tolerance for floats, or None for the usual one of the dtype.
        slack: what is allowed besides; or None.
    """
    dtype, shape = dtype_name(expected), expected.shape

    def unequal(reason: str) -> Comparison:
        return Comparison(False, reason, dtype, shape)

    if dtype_name(got) != dtype:
        return unequal(f"dtype {dtype_name(got)}, expected {dtype}")
    if got.shape != shape:
        return unequal(f"shape {shapes.text(got.shape)}, expected {shapes.text(shape)}")
    rtol = tolerance_of(expected.dtype, tolerance)
    if rtol == 0.0 and is_discrete(expected):
        if slack is not None and slack.absolute and expected.dtype.kind in "iu":
            return _compare_integers(expected, got, dtype, slack)
        return _compare_exact(expected, got, dtype)
    if slack is None:
        return _compare_floats(expected, got, dtype, rtol)
    return _compare_floats(expected, got, dtype, max(rtol, slack.relative), slack.absolute)


def compare_form(references: Sequence[Array], got: Array) -> Comparison:
    """Compare only dtype and shape, for an output that is random.

    Args:
        references: what the runs of the reference gave; sizes in which they differ may be any.
        got: what the merged model gave.
    """
    first = references[0]
    dtype, shape = dtype_name(first), first.shape
    ranks = {one.ndim for one in references}
    fixed = (
        [len({one.shape[place] for one in references}) == 1 for place in range(first.ndim)]
        if len(ranks) == 1
        else []
    )
    reason = None
    if dtype_name(got) != dtype:
        reason = f"dtype {dtype_name(got)}, expected {dtype}"
    elif got.ndim not in ranks or any(
        same and size != wanted for same, size, wanted in zip(fixed, got.shape, shape, strict=bool(fixed))
    ):
        reason = f"shape {shapes.text(got.shape)}, expected {shapes.text(shape)}"
    return Comparison(reason is None, reason, dtype, shape, form_only=True)


def _compare_exact(expected: Array, got: Array, dtype: str) -> Comparison:
    import numpy as np

    unequal = np.asarray(expected != got, dtype=bool)
    count = int(unequal.sum())
    if not count:
        numbers = expected.dtype.kind in "iu"
        return Comparison(
            True, None, dtype, expected.shape, 0.0 if numbers else None, 0.0 if numbers else None
        )
    where = _index(unequal)
    reason = (
        f"{count} of {expected.size} values differ, first{_at(where)} "
        f"{_value(got[where])}, expected {_value(expected[where])}"
    )
    if expected.dtype.kind not in "iu":
        return Comparison(False, reason, dtype, expected.shape, where=where)
    wide = np.abs(got.astype(np.float64) - expected.astype(np.float64))
    return Comparison(
        False, reason, dtype, expected.shape, float(wide.max()), _relative(wide, expected), where
    )


def _compare_integers(expected: Array, got: Array, dtype: str, slack: Slack) -> Comparison:
    """Compare integers that adapters made: a small difference before they were rounded may be a step after."""
    import numpy as np

    wide = np.abs(got.astype(np.float64) - expected.astype(np.float64))
    allowed = np.ceil(slack.absolute + slack.relative * np.abs(expected.astype(np.float64)))
    if (wide > allowed).any() or not wide.size:
        return _compare_exact(expected, got, dtype)
    where = _index(wide == wide.max())
    return Comparison(
        True, None, dtype, expected.shape, float(wide.max()), _relative(wide, expected), where, slack.relative
    )


def _compare_floats(
    expected: Array, got: Array, dtype: str, rtol: float, absolute: float = 0.0
) -> Comparison:
    import numpy as np

    complex_ = expected.dtype.kind == "c"
    wide: Any = np.complex128 if complex_ else np.float64
    left, right = expected.astype(wide), got.astype(wide)
    finite = np.isfinite(left) & np.isfinite(right)
    for name, test in (("NaN", np.isnan), ("infinity", np.isinf)):
        odd = test(left) != test(right)
        if odd.any():
            where = _index(odd)
            has = "got" if test(right[where]) else "expected"
            reason = f"{int(odd.sum())} of {left.size} values: {name} {has} in one only, first{_at(where)}"
            return Comparison(False, reason, dtype, expected.shape, where=where, tolerance=rtol)
    turned = _infinities(left) != _infinities(right)
    if turned.any():
        where = _index(turned)
        reason = f"infinity of the other sign, first{_at(where)}"
        return Comparison(False, reason, dtype, expected.shape, where=where, tolerance=rtol)
    if not finite.any():
        return Comparison(True, None, dtype, expected.shape, 0.0, 0.0, tolerance=rtol)
    difference, size = _distance(left, right, finite), _distance(left, np.zeros_like(left), finite)
    # A share of a quarter keeps what is allowed below the largest float64, whatever the numbers.
    scale = max(1.0, 4 * rtol)
    share = rtol / scale
    allowed = share * size + share * size.max() + absolute / scale
    over = _distance(left / scale, right / scale, finite) - allowed
    worst = _index(over == over.max())
    max_abs, max_rel = float(difference.max()), _relative(difference, size)
    place = worst if max_abs else None
    if not (over > 0).any():
        return Comparison(True, None, dtype, expected.shape, max_abs, max_rel, place, rtol)
    reason = (
        f"{int((over > 0).sum())} of {left.size} values differ, worst{_at(worst)} "
        f"{_value(got[worst])}, expected {_value(expected[worst])} (tolerance {rtol:g})"
    )
    return Comparison(False, reason, dtype, expected.shape, max_abs, max_rel, place, rtol)


def movement(one: Array, other: Array, tolerance: float | None = None) -> Literal["value", "size", "still"]:
    """Return what changes between two outputs by more than the tolerance.

    Outputs of different sizes are compared where they overlap: `size` means that nothing but the size differs. A rank
    or dtype that differs counts as a value.
    """
    import numpy as np

    if one.ndim != other.ndim or dtype_name(one) != dtype_name(other):
        return "value"
    same: Literal["size", "still"] = "still" if one.shape == other.shape else "size"
    overlap = tuple(slice(min(pair)) for pair in zip(one.shape, other.shape, strict=True))
    left, right = np.asarray(one[overlap]), np.asarray(other[overlap])
    if left.size == 0:
        return same
    if is_discrete(left):
        return same if compare(left, right).equal else "value"
    # relative to both: a tiny value beside a large one must not count as still
    equal = compare(left, right, tolerance).equal and compare(right, left, tolerance).equal
    return same if equal else "value"


def _infinities(array: Array) -> Array:
    """Return the infinite numbers alone, 0 elsewhere; of a complex number its infinite parts."""
    import numpy as np

    if array.dtype.kind == "c":
        return np.stack([_infinities(array.real), _infinities(array.imag)], -1).view(complex)[..., 0]
    return np.where(np.isinf(array), array, 0.0)


def _distance(left: Array, right: Array, where: Array) -> Array:
    """Return the absolute differences, 0 elsewhere; what exceeds the largest float64 is that number."""
    import numpy as np

    found = np.zeros(left.shape)
    with np.errstate(over="ignore"):
        found[where] = np.minimum(np.abs(right[where] - left[where]), np.finfo(np.float64).max)
    return found


def _relative(difference: Array, reference: Array) -> float:
    import numpy as np

    size = np.abs(reference.astype(np.float64))
    some = size > 0
    if not some.any():
        return 0.0
    with np.errstate(over="ignore"):  # by a reference near the smallest number
        return float(min((difference[some] / size[some]).max(), np.finfo(np.float64).max))


def _index(mask: Array) -> tuple[int, ...]:
    import numpy as np

    return tuple(int(part) for part in np.unravel_index(int(np.argmax(mask.ravel())), mask.shape))


def _at(where: tuple[int, ...]) -> str:
    return f" at [{','.join(map(str, where))}]" if where else ""


def _value(value: Any) -> str:
    return show(repr(value) if isinstance(value, bytes | str) else str(value), 60)
