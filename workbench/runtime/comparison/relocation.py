"""Outputs that depend on the folder of a model: the path of an asset, its length, values computed from it.

Two models are in two folders, so such an output does not show whether they are equal. It is found by
running the reference again under another, longer path; this is done only to explain a difference.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from workbench.disk.folder.layout import ASSETS
from workbench.errors import RuntimeFailure
from workbench.names import show
from workbench.runtime.chain import Chain
from workbench.runtime.child_process import codec
from workbench.runtime.child_process.private_copy import Copies
from workbench.runtime.comparison.compare import compare
from workbench.runtime.comparison.verification import Verification
from workbench.runtime.comparison.verify import Verifier


def unless_by_path(found: Verification, verifier: Verifier, copies: Copies) -> Verification:
    """Return the verdict; inconclusive if all that differs depends on the models' paths.

    Args:
        found: what the comparison gave.
        verifier: that made it.
        copies: of the models of the reference.
    """
    unequal = {check.output for check in found.outputs if not check.comparison.equal}
    failed = any(check.status == "failed" for check in found.loaders)
    chain = verifier.chain
    has_assets = any((stage.model.path / ASSETS).is_dir() for stage in chain.stages)
    if found.verdict != "differs" or failed or not unequal or not has_assets:
        return found
    here, there = _run(verifier, chain, found), _run(verifier, copies.elsewhere(chain), found)
    moved = {
        slot
        for one, other in zip(here, there, strict=False)
        for slot in unequal & one.keys() & other.keys()
        if not compare(one[slot], other[slot], verifier.tolerance).equal
    }
    if unequal - moved:
        return found
    names = ", ".join(map(show, sorted(moved)))
    one = len(moved) == 1
    reason = (
        f"The {'output' if one else 'outputs'} {names} {'depends' if one else 'depend'} on the path of the model "
        f"(that of an asset, say), which is another for the result: {'it' if one else 'they'} can't be compared."
    )
    return replace(found, verdict="inconclusive", reason=reason)


def _run(verifier: Verifier, chain: Chain, found: Verification) -> list[dict[str, Any]]:
    """Return the outputs of a chain for each sample; nothing if it does not run."""
    samples = [codec.encode_sample(piece) for own in chain.pieces(found.samples) for piece in own]
    job = {"job": "chain", **chain.as_json(), "samples": samples, "repeat": 1}
    try:
        answer = verifier.child.start().request(job, time_limit=verifier.time_limit)
    except RuntimeFailure:
        return []
    runs = answer.get("runs", [[]])[0]
    return [{} if "error" in run else codec.decode_sample(run["outputs"]) for run in runs]
