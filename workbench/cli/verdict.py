"""What a verification has shown, on a page: shared by the commands that run one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.cli.output import DTYPE, NAME, TEXT, Output
from workbench.names import show

if TYPE_CHECKING:
    from workbench.runtime.comparison.verification import OutputCheck, Verification

_MOST_OUTPUTS = 20


def differences(out: Output, verification: Verification) -> None:
    """Return one line an output, loaders apart only where they differ, then notes."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for check in verification.outputs:
        comparison = check.comparison
        kind = f"{comparison.dtype} [{','.join(map(str, comparison.shape))}]"
        text = _compared(check, verification)
        found.setdefault(check.output, {})[check.as_json()["loader"]] = (kind, text)
    rows = []
    for output, by_loader in found.items():
        if len(set(by_loader.values())) == 1:
            rows.append((show(output), *next(iter(by_loader.values()))))
        else:
            rows += [(show(output), kind, f"{text} ({name})") for name, (kind, text) in by_loader.items()]
    out.table(rows[:_MOST_OUTPUTS], [NAME, DTYPE, TEXT])
    if len(rows) > _MOST_OUTPUTS:
        out.line(f"… {len(rows) - _MOST_OUTPUTS:,} more: --json", style="dim", indent=2)
    for note in verification.notes:
        out.line(note, style="dim", indent=2)
    for slot, how in list(verification.how_made.items())[:_MOST_OUTPUTS]:
        out.line(f"{show(slot)} was made: {how}", style="dim", indent=2)


def _compared(check: OutputCheck, verification: Verification) -> str:
    """Return the difference; of several given samples the one with the largest."""
    comparison = check.comparison
    at = ""
    if verification.given and len(verification.samples) > 1:
        at = f" (sample {check.sample})" if check.sample < verification.given else " (a made sample)"
    if not comparison.equal:
        return f"{comparison.reason or 'differs'}{at}"
    if comparison.form_only:
        return "random; of this dtype and shape"
    return f"largest difference {comparison.max_abs:.3g}{at}" if comparison.max_abs else "equal"
