"""Edits whose result is made for its signatures: a model that has callables alone gets one of them as a signature."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.findings import Action, Finding, Hint
from workbench.model import Model
from workbench.model.signature import HIDDEN_SIGNATURES
from workbench.names import show
from workbench.surgery.edit import Edit, begin
from workbench.surgery.imported import unique_name
from workbench.surgery.operations.signature import Added, add_signature
from workbench.surgery.plan import DEFAULT_SIGNATURE
from workbench.surgery.resolve.callables import Prepared, prepare_usual


def begin_signed(
    model: Model, kind: str, options: Mapping[str, Any] | None = None, *, objects: bool, needed: bool
) -> Edit:
    """An edit as of `begin`; where no signature is there, `serving_default` is made of the usual callable.

    That is `__call__`, `serve`, or the only one: its first variant for inference. It is proven by calling it.

    Args:
        model: the original.
        kind: the command.
        options: for the recipe.
        objects: whether the result has an object graph.
        needed: whether nothing is left without a signature, so that there being none is an error.
    """
    edit = begin(model, kind, options)
    if any(key not in HIDDEN_SIGNATURES for key in edit.original.signatures):
        return edit
    prepared = prepare_usual(model, "model")
    if isinstance(prepared, Finding):
        edit.findings.append(prepared)
    elif prepared is None or not prepared.meta.signatures[prepared.called.key].outputs:
        _tell_none(edit, needed)
    else:
        added = _added(edit, prepared)
        add_signature(edit, added, objects=objects)
        _tell(edit, prepared, added, objects)
    return edit


def _added(edit: Edit, prepared: Prepared) -> Added:
    signature, called = prepared.meta.signatures[prepared.called.key], prepared.called
    specs = [
        spec
        for item in edit.original.callables
        for variant in item.variants
        if (item.path, variant.index) == (called.path, called.index)
        for spec in (*variant.inputs, *variant.outputs)
    ]
    first = {f"{spec.key}_0": spec.key for spec in specs if spec.count > 1}
    inputs, outputs = (
        {new: f"{called.key}#{key}" for key, new in _python_names(keys, first).items()}
        for keys in (signature.inputs, signature.outputs)
    )
    return Added(DEFAULT_SIGNATURE, inputs, outputs)


def _python_names(keys: Iterable[str], first: Mapping[str, str]) -> dict[str, str]:
    """Keys to what a signature of a TF2 model can have for them: `nested/a` becomes `nested_a`.

    The parts of a sparse or ragged `x` become `x`, `x_1`, `x_2`, as TensorFlow names them.
    """
    found: dict[str, str] = {}
    taken: dict[str, object] = {}
    for key in keys:
        name = re.sub(r"\W", "_", first.get(key, key))
        name = unique_name(name if name.isidentifier() and not keyword.iskeyword(name) else f"_{name}", taken)
        taken[name] = None
        found[key] = name
    return found


def _tell(edit: Edit, prepared: Prepared, added: Added, objects: bool) -> None:
    called = prepared.called
    told = f"It has no signature: {show(DEFAULT_SIGNATURE)} was made of {show(called.path)}[{called.index}]"
    told += f" ({', '.join(map(show, added.inputs))}) → {', '.join(map(show, added.outputs))}."
    if not objects:
        told += " The callables themselves are not in the result."
    edit.note(
        "signature-made",
        "info",
        show(str(edit.model.path)),
        told,
        Hint("For another one, or several, first ", Action("add-signature", {"model": "MODEL"})),
    )


def _tell_none(edit: Edit, needed: bool) -> None:
    callables = edit.original.callables
    told, end = "It has no signature that it could be run by", "KEY=NODE:0"
    if callables:
        told += f", and which of its callables is meant is open: {', '.join(show(one.path) for one in callables[:8])}"
        path = show(callables[0].path)
        end = f"KEY={path}#KEY"
    where = show(str(edit.model.path))
    hint = Hint("First ", Action("add-signature", {"model": "MODEL", "inputs": end, "outputs": end}))
    edit.note("signature-none", "error" if needed else "warning", where, f"{told}.", hint)
