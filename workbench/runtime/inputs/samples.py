"""Samples for a verification from `--input`: one value for each input, or many from the arrays of an `.npz` file.

`KEY=@FILE.npz` means the array named KEY, else the only one; `@FILE.npz` alone gives every input that an array is
named after. The first axis of such an array counts the samples: an array with one more dimension than the input holds
one value a sample; one with as many dimensions, for an input whose first dimension is free, one row a sample, which
becomes a batch of one. An array that is one whole value (as many dimensions, the first one fixed) stands in every
sample, and so does what is given otherwise: a literal, `@FILE.npy`, `@FILE.npz[name]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError
from workbench.model import shapes
from workbench.names import did_you_mean, show
from workbench.runtime.component_tensors import ComponentTensor
from workbench.runtime.inputs.cast import as_array
from workbench.runtime.inputs.values import complete, npz_arrays, npz_file, parse_value, split_assignment

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MAX_BYTES = 256 << 20
"""Of all samples together: they go to the child and back in one message."""


def parse_samples(
    texts: Iterable[str], components: Mapping[str, ComponentTensor], *, partly: bool = False
) -> tuple[dict[str, Array], ...]:
    """Values given as `KEY=VALUE`, `KEY=@requests.npz` or `@requests.npz`: one sample or many.

    Args:
        texts: as written.
        components: the inputs of the signature, as `input_components` gives them.
        partly: inputs may be missing, and are made then.

    Raises:
        InputError: no such key, a key given twice or (unless `partly`) not at all, a value that does not fit, or
            files with different numbers of samples.
    """
    single: dict[str, Array] = {}
    many: dict[str, Sequence[Array]] = {}
    for text in texts:
        for name, found in _parse(text, components).items():
            if name in single or name in many:
                raise InputError("It is given twice.", where=show(name), hint="Give each input one value.")
            if isinstance(found, list):
                many[name] = found
            else:
                single[name] = found
    counts = {name: len(values) for name, values in many.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{show(name)} {number:,}" for name, number in counts.items())
        raise InputError(f"The inputs have different numbers of samples: {listed}.")
    samples = [
        {**single, **{name: values[at] for name, values in many.items()}}
        for at in range(max(counts.values(), default=1))
    ]
    nbytes = sum(_nbytes(array) for values in many.values() for array in values)
    if nbytes > MAX_BYTES:
        raise InputError(
            f"The samples are {nbytes / 1e6:,.0f} MB; at once {MAX_BYTES / 1e6:,.0f} MB can be run.",
            hint="Split the file, and verify one part after the other.",
        )
    return tuple(complete(sample, components, partly=partly) for sample in samples)


def _parse(text: str, components: Mapping[str, ComponentTensor]) -> dict[str, Array | list[Array]]:
    """What one `--input` gives: an array for one value, a list for one a sample."""
    whole = npz_file(text)
    if whole is not None and not any(text.startswith(f"{name}=") for name in components):
        arrays = npz_arrays(whole)
        unknown = [name for name in arrays if name not in components]
        if unknown:
            raise InputError(
                f"It has an array {show(unknown[0])!r}, and no input has that name.",
                where=show(whole),
                hint=did_you_mean(unknown[0], components, noun="inputs"),
            )
        return {name: _split(array, components[name], whole) for name, array in arrays.items()}
    name, value = split_assignment(text, components)
    file = npz_file(value)
    if file is None:
        return {name: parse_value(value, components[name])}
    arrays = npz_arrays(file)
    array = arrays.get(name) if name in arrays or len(arrays) != 1 else next(iter(arrays.values()))
    if array is None:
        listed = ", ".join(map(show, list(arrays)[:8])) or "none"
        raise InputError(
            f"It has no array {show(name)!r}.",
            where=show(file),
            hint=f"It has {listed}; @{show(file)}[name] takes one of them as one value.",
        )
    return {name: _split(array, components[name], file)}


def _split(array: Array, component: ComponentTensor, file: str) -> Array | list[Array]:
    """The samples along the first axis; the array itself if it is one whole value."""
    shape = component.shape
    rank = array.ndim - 1 if shape is None else len(shape)
    if array.ndim == rank + 1 and array.ndim:
        found = [as_array(part, component) for part in array]
    elif shape and array.ndim == rank and shape[0] is None:
        found = [as_array(array[at : at + 1], component) for at in range(len(array))]
    elif array.ndim == rank:
        return as_array(array, component)
    else:
        wanted = shapes.text((None, *(shape or ())))
        raise InputError(
            f"The array for {show(component.name)} has the shape {shapes.text(array.shape)}.",
            where=show(file),
            hint=f"Many samples for {component.describe()} have {wanted}, the first axis being the sample.",
        )
    if not found:
        raise InputError(f"The array for {show(component.name)} has no samples.", where=show(file))
    return found


def _nbytes(array: Array) -> int:
    return sum(map(len, array.ravel().tolist())) if array.dtype == object else int(array.nbytes)
