"""Count findings by severity, and word the counts: `1 error, 2 warnings`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workbench.findings import Finding, Severity, total
from workbench.names import count

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


def severity_counts(findings: Iterable[Finding]) -> dict[Severity, int]:
    """Return the number of findings of each severity, those included that only a number represents."""
    found = list(findings)
    return {severity: total(found, severity) for severity in SEVERITIES}


def counts_text(counts: Mapping[Severity, int]) -> str:
    """Return the counts that are not 0 as text; empty if all are 0."""
    return ", ".join(count(number, severity) for severity, number in counts.items() if number)
