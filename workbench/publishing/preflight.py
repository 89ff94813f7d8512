"""What keeps a changed model from being run, found before anything of it is made.

Making it can cost much: frozen variables are read, copied and serialised. Whether the original may be run, whether
inputs can be made for it and whether TensorFlow is there is known before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.errors import RuntimeFailure
from workbench.findings import Action, Hint
from workbench.graph.needs import Needs
from workbench.model import MetaGraph, Model, Signature
from workbench.model.op_classes import MUST_BE_FED
from workbench.model.signature import HIDDEN_SIGNATURES
from workbench.names import input_tensor, show
from workbench.publishing.report import Report
from workbench.publishing.running import Proving
from workbench.publishing.unsafe import ALLOW, unsafe

if TYPE_CHECKING:
    from workbench.runtime.child_process.child import Child


def hindrance(model: Model, proving: Proving, child: Child) -> Report | None:
    """Return the report on a model that can't be run whatever it becomes, or None.

    Args:
        model: the original, whose signatures are run as they are.
        proving: how.
        child: the process they are run in; it is started, and TensorFlow is imported there.

    Raises:
        WorkbenchError: an asset lies outside the model; nobody's word is enough for that.
    """
    from workbench.publishing import reference
    from workbench.runtime.comparison.verification import not_run

    meta = model.meta
    signatures = [one for key, one in meta.signatures.items() if key not in HIDDEN_SIGNATURES and one.outputs]
    if not signatures:
        return None  # a step may make one
    keys = [signature.key for signature in signatures]
    stages = [
        (reference.signature_chain("the original", model, meta, signature).stages[0], meta)
        for signature in signatures
    ]
    told = unsafe(meta, keys, stages, allowed=proving.allow_unsafe)
    if told is not None:
        return replace(_not_run(told, ALLOW), unsafe=told)
    for signature in signatures:
        found = _unfed(model, meta, signature) or (None if proving.inputs else _unmakeable(meta, signature))
        if found is not None:
            reason, hint = found
            return _not_run(f"{show(signature.key)}: {reason}" if len(signatures) > 1 else reason, hint)
    try:
        child.start().ready()
    except RuntimeFailure as error:
        return replace(_not_run(error.message, error.hint), verification=not_run(error.message, error.hint))
    told = unsafe(meta, keys, stages, child, allowed=proving.allow_unsafe)
    return replace(_not_run(told, ALLOW), unsafe=told) if told is not None else None


def _not_run(reason: str, hint: str | None) -> Report:
    return Report(None, "not run", reason, hint=hint)


def _unfed(model: Model, meta: MetaGraph, signature: Signature) -> tuple[str, Hint] | None:
    """Return a message and hint about placeholders that no input feeds, or None."""
    fed = {str(input_tensor(name)): "\0fed" for port in signature.inputs.values() for name in port.tensors}
    roots = [tensor for port in signature.outputs.values() for tensor in port.tensors]
    nodes = meta.nodes
    bare = sorted(
        name
        for name in Needs(meta).nodes(roots, fed, as_it_is=True)
        if name in nodes and nodes[name].op in MUST_BE_FED
    )
    if not bare:
        return None
    listed, one = ", ".join(map(show, bare[:6])), len(bare) == 1
    reason = (
        f"Its outputs need the {'placeholder' if one else 'placeholders'} {listed}, which no input feeds, so no loader "
        "can run it."
    )
    added = (
        f"Add a signature that has {'it as an input' if one else 'them as inputs'}, or leave this one out: "
    )
    return reason, Hint(added, Action("drop-signature", {"model": "MODEL", "key": show(signature.key)}))


def _unmakeable(meta: MetaGraph, signature: Signature) -> tuple[str, Hint] | None:
    """Say why no input can be made for a signature, and what to do."""
    from workbench.runtime.inputs.make_inputs import Unmakeable, make_inputs

    try:
        make_inputs(meta, signature)
    except Unmakeable as error:
        return f"No input can be made: {error}.", Hint("", Action("give-input"))
    return None
