"""Inputs that are not given, made from the graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError
from workbench.findings import Action, Hint
from workbench.names import show
from workbench.probing.target import Target
from workbench.runtime.component_tensors import ComponentTensor
from workbench.runtime.inputs.make_inputs import Unmakeable, make_inputs
from workbench.runtime.inputs.values import complete, to_values

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def fill_inputs(
    target: Target, components: Mapping[str, ComponentTensor], inputs: Mapping[str, object]
) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the values of all inputs, and how those were made that are not given.

    Args:
        target: what is run.
        components: its inputs.
        inputs: what is given, as for `run`.

    Raises:
        InputError: a value does not fit, or none can be made.
    """
    given = to_values(inputs, target.signature, components)
    made: dict[str, str] = {}
    lacking = [name for name, one in components.items() if name not in given and not one.optional]
    if lacking:
        try:
            found = make_inputs(target.meta, target.signature, batch=1)
        except Unmakeable as problem:
            hint = Hint("", Action("give-input", {"key": show(lacking[0])}))
            raise InputError(f"No value can be made: {problem}.", where=show(lacking[0]), hint=hint) from None
        made = {name: note for name, note in found.notes.items() if name not in given}
        given = {**found.values, **given}
    return dict(complete(given, components)), made
