"""A signature made of a callable, for an operation whose result needs one."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping

from workbench.findings import Action, Finding, Hint
from workbench.model.signature import HIDDEN_SIGNATURES
from workbench.names import show
from workbench.surgery.imported import unique_name
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.plan import DEFAULT_SIGNATURE
from workbench.surgery.resolve.callables import Prepared, prepare_usual
from workbench.surgery.signatures.change_signatures import add_signature
from workbench.surgery.signatures.changes import Added
from workbench.surgery.workspace import Workspace


def make_signature(workspace: Workspace, *, objects: bool, needed: bool) -> None:
    """Add the signature `serving_default` for the usual callable if none exists.

    That is `__call__`, `serve`, or the only one: its first variant for inference. It is verified by calling it.

    Args:
        workspace: in which the operation that needs a signature has changed nothing yet.
        objects: whether the result has an object graph.
        needed: whether nothing is left without a signature, so that there being none is an error.
    """
    if any(key not in HIDDEN_SIGNATURES for key in workspace.original.signatures):
        return
    prepared = prepare_usual(workspace.model, "model")
    if isinstance(prepared, Finding):
        workspace.findings.append(prepared)
    elif prepared is None or not prepared.meta.signatures[prepared.called.key].outputs:
        _tell_none(workspace, needed)
    else:
        added = _added(workspace, prepared)
        add_signature(workspace, ChangeSignature(add=(added,)), objects=objects)
        _tell(workspace, prepared, added, objects)


def _added(workspace: Workspace, prepared: Prepared) -> Added:
    signature, called = prepared.meta.signatures[prepared.called.key], prepared.called
    specs = [
        spec
        for item in workspace.original.callables
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
    """Return keys as a TF2 signature can have them: `nested/a` as `nested_a`.

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


def _tell(workspace: Workspace, prepared: Prepared, added: Added, objects: bool) -> None:
    called = prepared.called
    told = f"It has no signature: {show(DEFAULT_SIGNATURE)} was made of {show(called.path)}[{called.index}]"
    told += f" ({', '.join(map(show, dict(added.inputs)))}) → {', '.join(map(show, dict(added.outputs)))}."
    if not objects:
        told += " The callables themselves are not in the result."
    workspace.note(
        "signature-made",
        "info",
        show(str(workspace.model.path)),
        told,
        Hint(
            "For another one, or several, first ", Action("add-signature", {"model": "MODEL", "step": "any"})
        ),
    )


def _tell_none(workspace: Workspace, needed: bool) -> None:
    callables = workspace.original.callables
    told, end = "It has no signature that it could be run by", "KEY=NODE:0"
    if callables:
        told += f", and it has several callables: {', '.join(show(one.path) for one in callables[:8])}"
        path = show(callables[0].path)
        end = f"KEY={path}#KEY"
    where = show(str(workspace.model.path))
    hint = Hint(
        "First ", Action("add-signature", {"model": "MODEL", "inputs": end, "outputs": end, "step": "any"})
    )
    workspace.note("signature-none", "error" if needed else "warning", where, f"{told}.", hint)
