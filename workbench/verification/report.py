"""The report of a verification of a model on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.describe.actions import hint_json
from workbench.names import show
from workbench.notebook import Shown

if TYPE_CHECKING:
    from workbench.runtime.comparison.verification import Verification
    from workbench.verification.replay import Found


@dataclass(frozen=True, slots=True)
class Proof(Shown):
    """The verdict on a model on disk. Nothing was written.

    Attributes:
        path: the model.
        verdict: `verified`, `differs`, `inconclusive`, `not run`.
        reason: what it rests on, or why it is not `verified`.
        hint: the next move, or None.
        sources: where the sources of the recipe were found; empty for a comparison of two models.
        against: the other model of a comparison, or None.
        signatures: what was run, by key: differences by output and loader.
        notes: what a reader of the verdict should know besides.
        seconds: by phase.
    """

    path: Path
    verdict: str
    reason: str
    hint: str | None = None
    sources: tuple[Found, ...] = ()
    against: Path | None = None
    signatures: Mapping[str, Verification] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it is `verified`."""
        return self.verdict == "verified"

    def __repr__(self) -> str:
        against = "" if self.against is None else f" against {show(str(self.against))}"
        return f"<Proof {self.verdict}: {show(str(self.path))}{against}; {show(self.reason)}>"

    def as_json(self) -> dict[str, Any]:
        """Return the report as `verify --json` shows it."""
        return {
            "schema_version": 1,
            "path": str(self.path),
            "verdict": self.verdict,
            "reason": self.reason,
            **hint_json(self.hint),
            "sources": [
                {
                    "handle": one.handle,
                    "path": None if one.made_again else str(one.path),
                    "digest": one.digest,
                    "made_again": one.made_again,
                }
                for one in self.sources
            ],
            "against": str(self.against) if self.against is not None else None,
            "signatures": {key: one.as_json() for key, one in self.signatures.items()},
            "notes": list(self.notes),
            "seconds": {phase: round(seconds, 3) for phase, seconds in self.seconds.items()},
        }
