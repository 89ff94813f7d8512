"""Python and numpy values as arrays of an input's dtype and shape, cast without loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.disk import dtypes
from workbench.errors import InputError
from workbench.model import shapes
from workbench.names import show
from workbench.runtime.component_tensors import ComponentTensor

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_MAX_DEPTH = 64


def as_array(value: object, component: ComponentTensor) -> Array:
    """A Python or numpy value as an array of the component's dtype and a shape that fits it.

    Numbers are cast only without loss: a number written in decimals, or a wider float, becomes the nearest
    float of the input's dtype; 1.5 for an integer, 300 for a uint8, an overflow to infinity or an integer
    that a float can't hold is an error. `str` becomes UTF-8.

    Raises:
        InputError: what does not fit, where in the value, and what is expected.
    """
    import numpy as np

    if isinstance(value, np.ndarray | np.generic) and (value.dtype != object or component.is_string):
        array = np.asarray(value)
    else:
        array = _from_nested(value, component)
    array = _cast(array, component)
    if shapes.fits(array.shape, component.shape) == "refuted":
        raise InputError(
            f"Expected shape {shapes.text(component.shape)}, got {shapes.text(array.shape)}.",
            where=show(component.name),
            hint=_shape_hint(array, component),
        )
    return array


def _from_nested(value: object, component: ComponentTensor) -> Array:
    """Nested lists or tuples of scalars as an array of a wide dtype, all kinds of scalars kept apart."""
    import numpy as np

    flat: list[object] = []
    shape = _flatten(value, flat, component, 0)
    kinds = {_kind(item) for item in flat}
    if None in kinds:
        odd = next(item for item in flat if _kind(item) is None)
        raise InputError(f"{show(repr(odd), 60)} is not a value for a tensor.", where=show(component.name))
    if kinds <= {"text"} and (kinds or component.is_string):
        array = np.empty(len(flat), dtype=object)
        array[:] = flat
        return array.reshape(shape)
    if kinds == {"bool"}:
        return np.array(flat, dtype=bool).reshape(shape)
    if not kinds:
        return np.zeros(shape, dtype=dtypes.numpy(component.dtype) or np.float64)
    if kinds == {"int"}:
        return _integers(flat, component).reshape(shape)
    if "text" in kinds or "bool" in kinds:
        words = {
            "text": "strings",
            "bool": "booleans",
            "int": "numbers",
            "float": "numbers",
            "complex": "numbers",
        }
        mixed = " and ".join(sorted({words[str(kind)] for kind in kinds}))
        raise InputError(f"The value mixes {mixed}.", where=show(component.name))
    if "complex" in kinds:
        return np.array(flat, dtype=np.complex128).reshape(shape)
    return np.array([_exact_float(item, component) for item in flat], dtype=np.float64).reshape(shape)


def _kind(item: object) -> str | None:
    if isinstance(item, bool):
        return "bool"
    for kind, types in (("int", int), ("float", float), ("complex", complex), ("text", (str, bytes))):
        if isinstance(item, types):
            return kind
    return None


def _flatten(value: object, flat: list[object], component: ComponentTensor, depth: int) -> tuple[int, ...]:
    """Appends the scalars of `value` and returns its shape; lists of unequal shape are an error."""
    if depth > _MAX_DEPTH:
        raise InputError("The lists are nested too deep.", where=show(component.name))
    if hasattr(value, "tolist") and not isinstance(value, bytes):
        value = value.tolist()
    if not isinstance(value, list | tuple):
        flat.append(value)
        return ()
    found: tuple[int, ...] | None = None
    for position, item in enumerate(value):
        shape = _flatten(item, flat, component, depth + 1)
        if found is not None and shape != found:
            raise InputError(
                f"The lists are ragged: item {position} has shape {shapes.text(shape)}, "
                f"those before it {shapes.text(found)}.",
                where=show(component.name),
            )
        found = shape
    return (len(value), *(found or ()))


def _integers(flat: Sequence[Any], component: ComponentTensor) -> Array:
    import numpy as np

    lowest, highest = min(flat), max(flat)
    if lowest >= -(2**63) and highest < 2**63:
        return np.array(flat, dtype=np.int64)
    if lowest >= 0 and highest < 2**64:
        return np.array(flat, dtype=np.uint64)
    raise InputError(f"{lowest if lowest < 0 else highest} does not fit 64 bits.", where=show(component.name))


def _exact_float(item: Any, component: ComponentTensor) -> float:
    try:
        value = float(item)
    except OverflowError:
        value = math.inf
    if isinstance(item, int) and value != item:
        raise InputError(f"{item} can't be held by a float without loss.", where=show(component.name))
    return value


def _cast(array: Array, component: ComponentTensor) -> Array:
    import numpy as np

    target = dtypes.numpy(component.dtype)
    if component.dtype == 0:
        return array
    if target is None:
        raise InputError(
            f"A {dtypes.name(component.dtype)} input can't be given a value from outside.",
            where=show(component.name),
        )
    if component.is_string:
        return _cast_strings(array, component)
    if array.dtype == target:
        return array
    if array.dtype.kind in "OSUmM" or array.dtype.names:
        raise _no_cast(array, component)
    if target.kind == "c" and array.dtype.kind in "iu":
        array = _cast(array, component._replace(dtype=dtypes.DOUBLE))
    if target.kind == "b":
        return _checked(array, array.astype(bool), component, "is not a boolean")
    if array.dtype.kind == "b":
        raise _no_cast(array, component)
    with np.errstate(all="ignore"):
        cast = array.astype(target)
        if array.dtype.kind == "c" and target.kind != "c":
            raise _no_cast(array, component)
        if _is_float(array.dtype) and _is_float(target):
            wide = array.astype(np.complex128)
            lost = np.isfinite(wide) & ~np.isfinite(cast.astype(np.complex128))
            return _refuse(array, cast, lost, component, "is too large")
        return _checked(array, cast, component, "can't be cast without loss")


def _is_float(dtype: np.dtype[Any]) -> bool:
    """Whether it is a float or complex, those of ml_dtypes (kind V, or f) included."""
    return dtype.kind in "fc" or "float" in dtype.name


def _checked(array: Array, cast: Array, component: ComponentTensor, complaint: str) -> Array:
    """`cast`, if going back to what it came from gives the same."""
    import numpy as np

    with np.errstate(all="ignore"):
        back = cast.astype(array.dtype)
        lost = back != array
        if cast.dtype.kind in "iu" and array.dtype.kind in "iu":
            lost |= (cast < 0) != (array < 0)  # int64 to uint64 and back is the same bits
        elif cast.dtype.kind == "f" and array.dtype.kind in "iu":
            lost |= ~_same_integer(array, cast)
    return _refuse(array, cast, lost, component, complaint)


def _same_integer(array: Array, cast: Array) -> Array:
    """Whether floats equal the integers they came from; through Python's own where 64 bits are tight."""
    import numpy as np

    if array.dtype.itemsize < 8:
        return np.asarray(cast.astype(np.float64) == array.astype(np.float64))
    pairs = zip(array.ravel().tolist(), cast.astype(np.float64).ravel().tolist(), strict=True)
    same = [math.isfinite(after) and int(after) == before for before, after in pairs]
    return np.array(same, dtype=bool).reshape(array.shape)


def _refuse(array: Array, cast: Array, lost: Array, component: ComponentTensor, complaint: str) -> Array:
    import numpy as np

    if not np.any(lost):
        return cast
    where = np.unravel_index(int(np.argmax(np.asarray(lost).ravel())), array.shape)
    place = f" at [{','.join(str(int(index)) for index in where)}]" if array.ndim else ""
    raise InputError(
        f"{array[where]!s}{place} {complaint}: the input is {dtypes.name(component.dtype)}.",
        where=show(component.name),
    )


def _cast_strings(array: Array, component: ComponentTensor) -> Array:
    import numpy as np

    if array.dtype.kind not in "OSU":
        raise _no_cast(array, component)
    found = np.empty(array.size, dtype=object)
    for position, item in enumerate(array.ravel().tolist()):
        if isinstance(item, str):
            item = item.encode("utf-8", "surrogateescape")
        if not isinstance(item, bytes):
            raise InputError(f"{show(repr(item), 60)} is not a string.", where=show(component.name))
        found[position] = item
    return found.reshape(array.shape)


def _no_cast(array: Array, component: ComponentTensor) -> InputError:
    kind = {"O": "string", "S": "string", "U": "string", "b": "bool"}.get(array.dtype.kind, array.dtype.name)
    return InputError(
        f"Expected {component.describe()}, got {kind}.",
        where=show(component.name),
        hint=example({component.name: component}),
    )


def _shape_hint(array: Array, component: ComponentTensor) -> str | None:
    if shapes.fits((1, *array.shape), component.shape) != "refuted":
        return "It takes a batch: put the value into one more pair of brackets."
    if array.ndim and array.shape[0] == 1 and shapes.fits(array.shape[1:], component.shape) != "refuted":
        return "It takes a single value, not a batch: leave the outer brackets out."
    return None


def example(components: Mapping[str, ComponentTensor]) -> str | None:
    """How a value for the first of the inputs could be written."""
    for component in components.values():
        word = '"text"' if component.is_string else "true" if component.dtype == dtypes.BOOL else "0"
        if component.shape is None or any((size or 1) > 3 for size in component.shape):
            return f"For example {show(component.name)}=@file.npy."
        for size in reversed(component.shape):
            word = f"[{', '.join([word] * (size if size is not None else 1))}]"
        return f"For example '{show(component.name)}={word}'."
    return None
