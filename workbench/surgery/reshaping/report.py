"""What reshape reports of a change that is made."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.model import MetaGraph
from workbench.model.signature import HIDDEN_SIGNATURES, Signature
from workbench.names import show
from workbench.surgery.reshaping.free_batch import Freed
from workbench.surgery.workspace import Workspace


def tell_repairs(workspace: Workspace, freed: Freed) -> None:
    """Report each input that held the old size of the batch, and what it is now."""
    for repair in freed.repairs:
        workspace.note("reshape-repaired", "info", repair.where, f"{show(repair.op)}: {repair.told}.")


def tell_signatures(workspace: Workspace, meta: MetaGraph, changed: Sequence[Signature]) -> None:
    """Report signatures that change with the chosen one, which is the first, and those that stay as they were."""
    where = show(changed[0].key)
    if len(changed) > 1:
        listed = ", ".join(show(one.key) for one in changed[1:])
        told = f"{listed} takes the same inputs and changes as well."
        workspace.note("reshape-with", "info", where, told)
    same = {one.key for one in changed}
    others = [
        show(key)
        for key, other in meta.signatures.items()
        if key not in same and key not in HIDDEN_SIGNATURES and other.inputs
    ]
    if others:
        told = f"{', '.join(others[:4])} {'keeps its' if len(others) == 1 else 'keep their'} shapes."
        hint = "To change another signature as well, add a step with signature=KEY."
        workspace.note("reshape-others", "info", where, told, hint)


def tell_callables(workspace: Workspace, freed: set[str], old: int) -> None:
    """Report which callables take any batch now, and which keep the old one.

    Args:
        workspace: gets the finding.
        freed: the functions that were replaced.
        old: the size that the batch was fixed at.
    """
    changed: list[str] = []
    kept: list[str] = []
    for item in workspace.original.callables:
        pinned = [
            variant
            for variant in item.variants
            if any(spec.shape and spec.shape[0] == old for spec in variant.inputs)
        ]
        if pinned:
            free = all(variant.function in freed for variant in pinned)
            (changed if free else kept).append(show(item.path))
    told = []
    if changed:
        told.append(f"{', '.join(changed[:4])} {'takes' if len(changed) == 1 else 'take'} any batch")
    if kept:
        told.append(f"{', '.join(kept[:4])} {'keeps' if len(kept) == 1 else 'keep'} the old shapes")
    if told:
        message = f"Of the callables of the loaded object {'; '.join(told)}."
        workspace.note("reshape-callables", "info", show(str(workspace.model.path)), message)
