"""Where a merged model came from: its recipe and its proof.

Both are JSON in `assets.extra/`, written at a merge. They are read with tolerance: a field that is missing or
of another type is left out, and a file that can't be read at all is a finding, not a failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.disk import files
from workbench.errors import DiskError
from workbench.findings import Finding
from workbench.names import show

EXTRA = "assets.extra"
RECIPE = "workbench.json"
PROOF = "workbench-proof.json"
_MAX_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Origin:
    """Recipe and proof of a merged model.

    Attributes:
        recipe: the recipe as JSON, or None.
        proof: the proof as JSON, or None: the model was published without being run.
        findings: what could not be read.
    """

    recipe: dict[str, Any] | None
    proof: dict[str, Any] | None
    findings: tuple[Finding, ...] = ()


def read_origin(folder: Path) -> Origin | None:
    """Return the recipe and proof in a model's folder, or None."""
    extra = folder / EXTRA
    findings: list[Finding] = []
    recipe = _read(extra / RECIPE, findings)
    proof = _read(extra / PROOF, findings)
    if recipe is None and proof is None and not findings:
        return None
    return Origin(recipe, proof, tuple(findings))


def _read(path: Path, findings: list[Finding]) -> dict[str, Any] | None:
    if not path.exists():
        return None
    from workbench.disk.documents import NotJson, parse

    try:
        value = parse(files.read_whole(path, _MAX_BYTES))
        reason = "it is not a JSON object"
    except (DiskError, NotJson) as problem:
        value, reason = None, str(problem)
    if isinstance(value, dict):
        return value
    message = f"This record of how the model was made can't be read: {show(reason)}."
    findings.append(Finding("origin-unreadable", "warning", show(str(path)), message))
    return None
