"""What keeps a changed model from being run, found before anything of it is made.

Making it can cost much: frozen variables are read, copied and serialised. Whether the original may be run, whether
inputs can be made for it and whether TensorFlow is there is known before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.errors import RuntimeFailure, WorkbenchError
from workbench.graph.needs import Needs
from workbench.model import MetaGraph, Model, Signature
from workbench.model.op_classes import MUST_BE_FED
from workbench.model.signature import HIDDEN_SIGNATURES
from workbench.names import input_tensor, show
from workbench.publishing.publish import ALLOW, Proving, Report, unsafe

if TYPE_CHECKING:
    from workbench.runtime.child_process.child import Child


def hindrance(model: Model, proving: Proving, child: Child) -> Report | None:
    """Return the report on a model that could not be run whatever is made of it, or None.

    Args:
        model: the original, whose signatures are to be run as they are.
        proving: how.
        child: the process they are run in; it is started, and TensorFlow is imported there.

    Raises:
        WorkbenchError: an asset lies outside the model; nobody's word is enough for that.
    """
    from workbench.publishing import reference as prove

    meta = model.meta
    signatures = [one for key, one in meta.signatures.items() if key not in HIDDEN_SIGNATURES and one.outputs]
    keys = [signature.key for signature in signatures]
    stages = [
        (prove.signature_chain("the original", model, meta, signature).stages[0], meta)
        for signature in signatures
    ]
    told = unsafe(meta, keys, stages, allowed=proving.allow_unsafe)
    if told is not None:
        return replace(_not_run(f"{told} {ALLOW}"), unsafe=told)
    for signature in signatures:
        reason = _unfed(model, meta, signature) or (None if proving.inputs else _unmakeable(meta, signature))
        if reason is not None:
            return _not_run(f"{show(signature.key)}: {reason}" if len(signatures) > 1 else reason)
    try:
        child.start().ready()
    except RuntimeFailure as error:
        return _not_run(error.message, error)
    told = unsafe(meta, keys, stages, child, allowed=proving.allow_unsafe)
    return replace(_not_run(f"{told} {ALLOW}"), unsafe=told) if told is not None else None


def _not_run(reason: str, error: WorkbenchError | None = None) -> Report:
    from workbench.runtime.comparison.verification import not_run

    return Report(None, "not run", reason, not_run(reason, error.hint) if error is not None else None)


def _unfed(model: Model, meta: MetaGraph, signature: Signature) -> str | None:
    """The placeholders that a signature's outputs need and that none of its inputs feeds, as a sentence."""
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
    return (
        f"Its outputs need the {'placeholder' if one else 'placeholders'} {listed}, which no input feeds, so no loader "
        "can run it. Leave the signature out (workbench signature --drop), or add one that has "
        f"{'it as an input' if one else 'them as inputs'} (--add)."
    )


def _unmakeable(meta: MetaGraph, signature: Signature) -> str | None:
    """Why no input can be made for a signature, as a sentence."""
    from workbench.runtime.inputs.make_inputs import Unmakeable, make_inputs

    try:
        make_inputs(meta, signature)
    except Unmakeable as error:
        return f"No input can be made: {error}. Give values it can run on: --input KEY=VALUE."
    return None
