"""The signature that an operation changes: the chosen one, or a copy of it under a new key."""

from __future__ import annotations

from dataclasses import replace

from workbench.findings import Action, Finding, Hint
from workbench.model.signature import HIDDEN_SIGNATURES, Signature
from workbench.names import show
from workbench.surgery.resolve.endpoints import chosen_signature
from workbench.surgery.workspace import Workspace


def choose(workspace: Workspace, wanted: str | None, as_key: str | None) -> Signature | None:
    """Return the signature that an operation starts from, or report why there is none.

    Args:
        workspace: not changed.
        wanted: key of the signature; None for `serving_default` if there, else the only one.
        as_key: key of the signature that is added; None where the chosen one is changed.
    """
    found = chosen_signature(workspace.original, "model", wanted, step=True)
    if isinstance(found, Finding):
        workspace.findings.append(found)
        return None
    return None if as_key is not None and not _is_free(workspace, as_key) else found


def _is_free(workspace: Workspace, key: str) -> bool:
    """Return whether a signature may have a key, or report why not."""
    if not key:
        workspace.note("signature-name", "error", "signature", "A signature needs a name.")
    elif key in HIDDEN_SIGNATURES:
        workspace.note("signature-hidden", "error", show(key), "Loaders keep this name for the init op.")
    elif key in workspace.original.signatures:
        told = f"The model has a signature {show(key)!r} already."
        rename = Action("rename-signature", {"key": show(key), "new": "OTHER", "step": "any"})
        hint = Hint("Choose another key, or ", rename)
        workspace.note("signature-taken", "error", show(key), told, hint)
    else:
        return True
    return False


def add_copy(workspace: Workspace, signature: Signature, key: str) -> Signature:
    """Add a signature that is a copy of another, and has its reference.

    In an object graph it has no function yet.

    Args:
        workspace: changed in place.
        signature: one of the model as it stands.
        key: of the copy.
    """
    definitions = workspace.meta_graph.signature_def
    definitions[key].CopyFrom(definitions[signature.key])
    known = workspace.references.known
    if signature.key in known:
        known[key] = known[signature.key]
    return replace(signature, key=key)
