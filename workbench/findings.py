"""What was found in a model or a plan that its user should know: codes, severities, places, hints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["info", "warning", "error"]
_ORDER = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    Attributes:
        code: stable, machine-readable (`R3-dtype`, `missing-shard`, …).
        severity: `error` stops a merge, `warning` and `info` do not.
        where: the node, key, file or wire that is meant.
        message: what is the matter, got against expected, safe to print.
        hint: the next move, or None.
        count: how many findings it represents; more than 1 for those that are not listed one by one.
    """

    code: str
    severity: Severity
    where: str
    message: str
    hint: str | None = None
    count: int = 1

    def as_json(self) -> dict[str, str | None]:
        """Return the finding as `--json` of every command shows it."""
        found = asdict(self)
        del found["count"]
        return found

    def __repr__(self) -> str:
        return f"<Finding {self}>"

    def __str__(self) -> str:
        hint = f" {self.hint}" if self.hint else ""
        return f"{self.severity} {self.code} {self.where}: {self.message}{hint}"


# Of findings that say that a name is not there, or that it is not clear which of several is meant.
_NAMES = frozenset(
    {
        *(
            "R1-handle",
            "R1-signature",
            "R1-key",
            "R1-unknown",
            "R1-tensor",
            "R1-output",
            "R1-call",
            "R1-argument",
        ),
        *("R1-variant", "R6-unknown", "signature-unknown", "signature-input", "signature-output"),
    }
)


def only_names(findings: Iterable[object]) -> bool:
    """Return whether all errors, one at least, are about names that are not there."""
    errors = [one for one in findings if isinstance(one, Finding) and one.severity == "error"]
    return bool(errors) and all(one.code in _NAMES for one in errors)


def total(findings: Iterable[Finding], severity: Severity | None = None) -> int:
    """Count findings of a severity, or of all, those included that only a number represents."""
    return sum(finding.count for finding in findings if severity in (None, finding.severity))


def by_severity(findings: list[Finding]) -> list[Finding]:
    """The findings, errors first, otherwise in the order they were found."""
    return sorted(findings, key=lambda finding: _ORDER[finding.severity])


def in_short(findings: Iterable[Finding], limit: int = 10) -> list[Finding]:
    """The findings for people to read: of one code and severity the first few, and how many more there are.

    Args:
        findings: in the order to show them.
        limit: how many alike are shown one by one.
    """
    found = list(findings)
    kinds = [(finding.code, finding.severity) for finding in found]
    last = {kind: at for at, kind in enumerate(kinds)}
    shown: Counter[tuple[str, Severity]] = Counter()
    left: Counter[tuple[str, Severity]] = Counter()
    short: list[Finding] = []
    for at, (finding, kind) in enumerate(zip(found, kinds, strict=True)):
        shown[kind] += 1
        if shown[kind] <= limit:
            short.append(finding)
            continue
        left[kind] += finding.count
        if last[kind] == at:
            text = f"{left[kind]:,} more like this ({finding.code})."
            short.append(Finding(*kind, "", text, "--json lists them.", left[kind]))
    return short
