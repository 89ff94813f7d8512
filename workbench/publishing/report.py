"""The outcome of a commit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.describe.actions import finding_json, hint_json
from workbench.describe.report import values_json
from workbench.findings import Finding
from workbench.names import count, show
from workbench.notebook import Shown

if TYPE_CHECKING:
    from workbench.runtime.comparison.verification import Verification


@dataclass(frozen=True, slots=True)
class Report(Shown):
    """The outcome of a commit.

    Attributes:
        path: the published folder, or None if nothing was published.
        verdict: `verified`, `differs`, `inconclusive`, `not run`, or `unverified` (asked not to).
        reason: why it is not `verified`, or what it rests on.
        verification: differences by output and loader, if it was run; of several signatures that of the first, or
            of the one that stopped it.
        others: of several signatures that were run, the rest, by key.
        findings: those of the draft.
        nbytes: bytes written.
        seconds: by phase.
        unsafe: what it would do besides computing, where it was not run for that reason.
        hint: the next move where nothing was published, or None.
    """

    path: Path | None
    verdict: str
    reason: str
    verification: Verification | None = None
    others: Mapping[str, Verification] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    nbytes: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    unsafe: str | None = None
    hint: str | None = None

    @property
    def published(self) -> bool:
        """Whether the result is on disk."""
        return self.path is not None

    def __repr__(self) -> str:
        where = "not published" if self.path is None else show(os.fspath(self.path))
        findings = f"; {count(len(self.findings), 'finding')}" if self.findings else ""
        return f"<Report {self.verdict}: {where}; {show(self.reason)}{findings}>"

    def as_json(self) -> dict[str, Any]:
        """Return the report as `merge --json` shows it."""
        found = {
            "schema_version": 1,
            "path": str(self.path) if self.path is not None else None,
            "verdict": self.verdict,
            "reason": self.reason,
            **hint_json(self.hint),
            "verification": _with_values(self.verification) if self.verification is not None else None,
            "findings": [finding_json(finding) for finding in self.findings],
            "bytes": self.nbytes,
            "seconds": {phase: round(seconds, 3) for phase, seconds in self.seconds.items()},
        }
        if self.others:
            found["others"] = {key: _with_values(one) for key, one in self.others.items()}
        return found


def _with_values(verification: Verification) -> dict[str, Any]:
    """Return a verification as JSON with some values of each output, which the proof does not have."""
    found = verification.as_json()
    for one, check in zip(found["outputs"], verification.outputs, strict=True):
        one |= values_json(check)
    return found
