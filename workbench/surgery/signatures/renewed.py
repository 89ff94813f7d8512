"""The function of a changed signature in the object graph of a TF2 model."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.names import show
from workbench.surgery.export.signature_functions import InUse, sweep, unlink
from workbench.surgery.signatures.change_signatures import make_function
from workbench.surgery.workspace import Workspace


def renew_function(
    workspace: Workspace, key: str, in_use: InUse, tables: Mapping[str, int] | None = None, *, added: bool
) -> None:
    """Make the function of a signature anew, and drop what nothing needs any more.

    Args:
        workspace: has an object graph; the signature is changed in it already.
        key: of the signature.
        in_use: what was in use before the change.
        tables: objects of tables that the step added.
        added: whether the signature is new, and has no function yet.
    """
    if not added:
        unlink(workspace.meta_graph.object_graph_def, key)
    make_function(workspace, key, tables)
    sweep(workspace.meta_graph, in_use)
    workspace.note(
        "step-objects",
        "info",
        show(key),
        f"The signature is {'added' if added else 'changed'}; callables of the object graph, as __call__, stay as they "
        "were.",
    )
