"""What a verification has shown, on a page: shared by the commands that run one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.cli.output import DTYPE, NAME, TEXT, Output
from workbench.describe.report import made_lines, output_rows

if TYPE_CHECKING:
    from workbench.runtime.comparison.verification import Verification

_MOST_OUTPUTS = 20


def differences(out: Output, verification: Verification) -> None:
    """Write one line an output, loaders apart only where they differ, then notes."""
    rows = [(row.output, row.typed, row.text) for row in output_rows(verification)]
    out.table(rows[:_MOST_OUTPUTS], [NAME, DTYPE, TEXT])
    if len(rows) > _MOST_OUTPUTS:
        out.line(f"… {len(rows) - _MOST_OUTPUTS:,} more: --json", style="dim", indent=2)
    for note in verification.notes:
        out.line(note, style="dim", indent=2)
    for text in made_lines(verification)[:_MOST_OUTPUTS]:
        out.line(text, style="dim", indent=2)
