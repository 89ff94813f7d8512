"""Values for inputs: from `KEY=VALUE` on the command line, from Python objects, cast without loss.

VALUE is a JSON literal, a bare word for a string input, `@file.npy`, `@file.npz[name]`, `@file` (its bytes as
a scalar string) or `base64url:@file`. Nothing is ever unpickled.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workbench.disk import arrays, dtypes, tensor_proto
from workbench.disk.documents import NotJson, parse
from workbench.errors import InputError, expect
from workbench.model import Signature
from workbench.names import did_you_mean, show
from workbench.runtime.component_tensors import ComponentTensor, component_names
from workbench.runtime.inputs.cast import as_array, example

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

BASE64_FILE = "base64url:@"
_NPZ = re.compile(r"(?P<file>.+\.npz)(?:\[(?P<member>.+)\])?\Z", re.IGNORECASE | re.DOTALL)


def parse_inputs(texts: Iterable[str], components: Mapping[str, ComponentTensor]) -> dict[str, Array]:
    """Values given as `KEY=VALUE`, by component name.

    Args:
        texts: one a value; a key that itself has a `=` is understood.
        components: the inputs of the signature, as `input_components` gives them.

    Raises:
        InputError: no such key (the nearest are offered), a key given twice, or a value that does not fit.
    """
    found: dict[str, Array] = {}
    for text in texts:
        name, value = split_assignment(text, components)
        if name in found:
            raise InputError("It is given twice.", where=show(name), hint="Give each input one value.")
        found[name] = parse_value(value, components[name])
    return found


def split_assignment(text: str, components: Mapping[str, ComponentTensor]) -> tuple[str, str]:
    """`KEY=VALUE` at the first `=` before which a known component stands.

    Raises:
        InputError: there is no `=`, or no such component.
    """
    at = text.find("=")
    if at < 0:
        raise InputError(f"Expected KEY=VALUE, got {show(text)!r}.", hint=example(components))
    place = at
    while place >= 0:
        if text[:place] in components:
            return text[:place], text[place + 1 :]
        place = text.find("=", place + 1)
    raise unknown_key(text[:at], components)


def unknown_key(name: str, components: Mapping[str, ComponentTensor]) -> InputError:
    """The error for a key that no input has; a composite's parts are named."""
    parts = [component.name for component in components.values() if component.key == name]
    if parts:
        return InputError(
            f"It is not one tensor but {len(parts)}.",
            where=show(name),
            hint=f"Give {', '.join(map(show, parts))}.",
        )
    return InputError(
        "There is no such input.", where=show(name), hint=did_you_mean(name, components, noun="inputs")
    )


def to_values(
    inputs: Mapping[str, object], signature: Signature, components: Mapping[str, ComponentTensor]
) -> dict[str, Array]:
    """Return Python values by key or component as arrays by component.

    Raises:
        InputError: no such key, or a value that does not fit.
        WrongType: a key is no text.
    """
    found: dict[str, Array] = {}
    for name, value in inputs.items():
        expect(name, str, "A key of the inputs", "text")
        if name in components:
            found[name] = as_array(value, components[name])
            continue
        port = signature.inputs.get(name)
        if port is None or not isinstance(value, tuple):
            raise unknown_key(name, components)
        parts = component_names(port)
        if len(value) != len(parts):
            raise InputError(f"Expected {len(parts)} components, got {len(value)}.", where=show(name))
        for part, component in zip(parts, value, strict=True):
            found[part] = as_array(component, components[part])
    return found


def complete(
    values: Mapping[str, Array], components: Mapping[str, ComponentTensor], *, partly: bool = False
) -> dict[str, Array]:
    """The values, in the order of the components, with defaults for inputs that have one and were not given.

    Inputs for which the graph has a value stay out.

    Args:
        values: by component.
        components: the signature's inputs.
        partly: inputs may be missing; the others are made.

    Raises:
        InputError: inputs are missing; all are listed with dtype and shape.
    """
    found: dict[str, Array] = {}
    missing = []
    for name, component in components.items():
        if name in values:
            found[name] = values[name]
            continue
        default = tensor_proto.to_array(component.default) if component.default is not None else None
        if default is not None:
            found[name] = default
        elif not component.optional:
            missing.append(component)
    if missing and not partly:
        listed = ", ".join(f"{show(component.name)} {component.describe()}" for component in missing)
        raise InputError(
            f"{'An input has' if len(missing) == 1 else f'{len(missing)} inputs have'} no value: {listed}.",
            hint=example({component.name: component for component in missing}),
        )
    return found


def parse_value(text: str, component: ComponentTensor) -> Array:
    """One VALUE as an array that fits `component`.

    Raises:
        InputError: it does not fit, or its file can't be read.
    """
    if text.startswith(BASE64_FILE):
        import base64

        with _for(component):
            data = arrays.read_bytes(text[len(BASE64_FILE) :])
        return _file_string(base64.urlsafe_b64encode(data), component)
    if text.startswith("@"):
        return _from_file(text[1:], component)
    if component.is_string:
        value = _string_literal(text, component)
        return (
            _one_string(value.encode(), component) if isinstance(value, str) else as_array(value, component)
        )
    if dtypes.name(component.dtype).startswith("complex"):
        try:
            return as_array(complex(text), component)
        except ValueError:
            pass
    return as_array(_literal(text, component), component)


def _literal(text: str, component: ComponentTensor) -> object:
    """A JSON literal for a number input."""
    try:
        return parse(text, parse_float=lambda word: _finite(word, component))
    except NotJson as error:
        raise InputError(
            f"{show(text, 60)!r} is not JSON: {error}.",
            where=show(component.name),
            hint=example({component.name: component}),
        ) from None


def _finite(word: str, component: ComponentTensor) -> float:
    value = float(word)
    if math.isinf(value):
        raise InputError(f"{word} is too large for any float.", where=show(component.name))
    return value


def _string_literal(text: str, component: ComponentTensor) -> object:
    """A JSON string or lists of them; anything else that is not the start of such is the text itself."""
    try:
        value: object = parse(text)
    except NotJson as error:
        if text[:1] in ('"', "["):
            raise InputError(
                f"{show(text, 60)!r} starts like JSON but is not: {error}.",
                where=show(component.name),
                hint="A text that starts with a quote or a bracket must itself be written as a JSON string.",
            ) from None
        return text
    return value if isinstance(value, str | list) else text


def _from_file(name: str, component: ComponentTensor) -> Array:
    match = _NPZ.match(name)
    if match is not None:
        with _for(component):
            (array,) = arrays.read_npz(match["file"], match["member"]).values()
        return as_array(array, component)
    if name.lower().endswith(".npy"):
        with _for(component):
            array = arrays.read_npy(name)
        return as_array(array, component)
    if not component.is_string:
        raise InputError(
            f"The bytes of a file are a string, but the input is {component.describe()}.",
            where=show(component.name),
            hint="Numbers come from a .npy file, or from one array of an .npz file: @file.npz[name].",
        )
    with _for(component):
        data = arrays.read_bytes(name)
    return _file_string(data, component)


def npz_file(text: str) -> str | None:
    """The file in `@FILE.npz` without a `[name]`, else None."""
    match = _NPZ.match(text[1:]) if text.startswith("@") else None
    return match["file"] if match is not None and match["member"] is None else None


def npz_arrays(name: str) -> dict[str, Array]:
    """All arrays of an `.npz` file by name.

    Raises:
        InputError: it can't be read, or holds pickled objects.
    """
    return arrays.read_npz(name, every=True)


def _file_string(data: bytes, component: ComponentTensor) -> Array:
    """A file's bytes as one string."""
    return _one_string(data, component) if component.is_string else as_array(data, component)


def _one_string(data: bytes, component: ComponentTensor) -> Array:
    """One string as a scalar, or as a batch of one where the input is a vector of strings."""
    import numpy as np

    vector = component.shape is not None and len(component.shape) == 1
    array = np.empty((1,) if vector else (), dtype=object)
    array[...] = data
    return as_array(array, component)


@contextmanager
def _for(component: ComponentTensor) -> Iterator[None]:
    """Name the input in an error about its file."""
    try:
        yield
    except InputError as problem:
        problem.where = problem.where or show(component.name)
        raise
