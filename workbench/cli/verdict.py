"""Pages of what a draft will write and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.cli.output import DTYPE, NAME, TEXT, Output
from workbench.describe.actions import words
from workbench.describe.findings import counts_text, severity_counts
from workbench.describe.plan import file_rows
from workbench.describe.report import compared_text, made_lines, output_rows, value_lines
from workbench.describe.text import size

if TYPE_CHECKING:
    from workbench.publishing.report import Report
    from workbench.runtime.comparison.verification import Verification
    from workbench.surgery.draft import Draft

_MOST_OUTPUTS = 20


def files_and_findings(out: Output, draft: Draft) -> None:
    """Write the end of a dry run: the files, then the findings."""
    out.heading("Files to write", size(draft.nbytes))
    out.table(file_rows(draft), [NAME, TEXT])
    if draft.findings:
        out.line()
        out.heading("Findings", counts_text(severity_counts(draft.findings)))
        out.findings(draft.findings)


def verdict(out: Output, report: Report) -> None:
    """Write the verdict of a commit, its reason, differences and next move.

    With `-q` only the verdict is written.
    """
    seconds = f"{sum(report.seconds.values()):.1f} s"
    if report.path is None:
        out.heading(f"Not published: {report.verdict}", seconds)
    else:
        out.heading(f"{report.path}: {report.verdict}", f"{size(report.nbytes)}, {seconds}")
        if out.quiet:
            return
    out.line(report.reason, indent=2)
    if report.verification is not None:
        differences(out, report.verification)
    for text in words(report.hint, "command line").splitlines():
        out.line(text, style="dim", indent=2)


def differences(out: Output, verification: Verification) -> None:
    """Write the outputs, loaders apart only where they differ, then notes.

    Below an output stand its values in the reference and in the result; one line where they read the same.
    """
    rows = output_rows(verification)
    lines = []
    for row in rows[:_MOST_OUTPUTS]:
        lines.append((row.output, row.typed, compared_text(row)))
        lines += [("", label, values) for label, values in value_lines(row)]
    out.table(lines, [NAME, DTYPE, TEXT])
    if len(rows) > _MOST_OUTPUTS:
        out.line(f"… {len(rows) - _MOST_OUTPUTS:,} more: --json", style="dim", indent=2)
    for note in verification.notes:
        out.line(note, style="dim", indent=2)
    for text in made_lines(verification)[:_MOST_OUTPUTS]:
        out.line(text, style="dim", indent=2)
