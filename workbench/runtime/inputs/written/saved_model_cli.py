"""Values as saved_model_cli writes them: `--inputs`, `--input_exprs` and `--input_examples`, each `KEY=…;KEY=…`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError
from workbench.names import show
from workbench.runtime.component_tensors import ComponentTensor
from workbench.runtime.inputs.cast import as_array
from workbench.runtime.inputs.example_messages import example_of
from workbench.runtime.inputs.values import parse_value, split_assignment
from workbench.runtime.inputs.written.expressions import evaluate, parse

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

    Parse = Callable[[str, ComponentTensor], Array]

_FILE = re.compile(r"(?P<file>[^\[\]]+)(?:\[(?P<member>[^\[\]]+)\])?\Z")


def parse_files(texts: Iterable[str], components: Mapping[str, ComponentTensor]) -> dict[str, Array]:
    """Return values given as `KEY=FILE.npy;KEY=FILE.npz[NAME]`. Pickles are refused.

    Args:
        texts: each one or more values.
        components: the inputs, as `input_components` gives them.

    Raises:
        InputError: no such key, a key given twice, a file that can't be read, or a value that does not fit.
    """
    parts = [part.strip() for text in texts for part in text.split(";") if part.strip()]
    return _parsed(parts, components, _file)


def parse_expressions(texts: Iterable[str], components: Mapping[str, ComponentTensor]) -> dict[str, Array]:
    """Return values given as `KEY=EXPRESSION;KEY=EXPRESSION`, see `expressions`.

    Raises:
        InputError: as for `parse_files`, or by `evaluate`.
    """
    return _parsed(_expressions(texts, components), components, _expression)


def parse_examples(texts: Iterable[str], components: Mapping[str, ComponentTensor]) -> dict[str, Array]:
    """Return values given as `KEY=[{"FEATURE": [VALUE, …], …}, …]`: a serialised `tf.train.Example` for each dict.

    Raises:
        InputError: as for `parse_files`, or it is no list of dicts of lists.
    """
    return _parsed(_expressions(texts, components), components, _examples)


def _parsed(
    parts: Iterable[str], components: Mapping[str, ComponentTensor], parse_one: Parse
) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for part in parts:
        name, text = split_assignment(part, components)
        if name in found:
            raise InputError("It is given twice.", where=show(name), hint="Give each input one value.")
        found[name] = parse_one(text, components[name])
    return found


def _expressions(texts: Iterable[str], components: Mapping[str, ComponentTensor]) -> list[str]:
    """Return the parts between semicolons, but for those inside strings."""
    found: list[str] = []
    for text in texts:
        held = ""
        for piece in text.split(";"):
            held = f"{held};{piece}" if held else piece
            if held.strip() and _is_whole(held, components):
                found.append(held.strip())
                held = ""
        if held.strip():
            found.append(held.strip())
    return found


def _is_whole(text: str, components: Mapping[str, ComponentTensor]) -> bool:
    try:
        name, expression = split_assignment(text.strip(), components)
        parse(expression, name)
    except InputError:
        return False
    return True


def _file(text: str, component: ComponentTensor) -> Array:
    match = _FILE.match(text.strip())
    name = match["file"] if match is not None else text
    if match is None or not name.lower().endswith((".npy", ".npz")):
        raise InputError(
            f"{show(text, 80)!r} is no .npy file, and no array of an .npz file. Pickles are not read.",
            where=show(component.name),
            hint="Save the value with numpy.save, or write FILE.npz[NAME].",
        )
    member = f"[{match['member']}]" if match["member"] is not None else ""
    return parse_value(f"@{name}{member}", component)


def _expression(text: str, component: ComponentTensor) -> Array:
    return as_array(evaluate(text, component.name), component)


def _examples(text: str, component: ComponentTensor) -> Array:
    import ast

    import numpy as np

    try:
        value = ast.literal_eval(parse(text, component.name))
    except (ValueError, TypeError, RecursionError, MemoryError):
        value = None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InputError(
            f"Expected a list of dicts, got {show(text, 80)!r}.",
            where=show(component.name),
            hint=f'For example \'{show(component.name)}=[{{"age": [22.0], "education": ["BS"]}}]\'.',
        )
    array = np.empty(len(value), object)
    array[:] = [example_of(item, component.name) for item in value]
    return as_array(array, component)
