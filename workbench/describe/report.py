"""Say what a verification has shown: rows by output, loaders, and notes. Every face draws the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.describe.values import plain, row_text
from workbench.model import shapes
from workbench.names import show

if TYPE_CHECKING:
    from workbench.runtime.comparison.verification import OutputCheck, Verification

_STATUS = {
    "equal": "equal",
    "differs": "differs",
    "failed": "only the result fails",
    "skipped": "not compared",
}


class OutputRow(NamedTuple):
    """One output, in the loaders that agree about it.

    Attributes:
        output: its key, safe to print.
        typed: `float32 [1,10]`.
        text: the difference; the loader behind it where another one found something else.
        equal: whether it is equal within the tolerance.
        tolerance: `1e-05`, or `exact`; empty where no numbers were compared.
        reference: some of its values as the sources gave them; empty if none were kept.
        result: the same values as the result gave them.
    """

    output: str
    typed: str
    text: str
    equal: bool
    tolerance: str = ""
    reference: str = ""
    result: str = ""


def output_rows(verification: Verification) -> list[OutputRow]:
    """Return a row for each output, for the loaders apart only where they differ."""
    found: dict[str, dict[str, OutputRow]] = {}
    for check in verification.outputs:
        comparison = check.comparison
        typed = f"{comparison.dtype} {shapes.text(tuple(comparison.shape))}"
        reference, result = _values(check)
        row = OutputRow(
            show(check.output),
            typed,
            _compared(check, verification),
            comparison.equal,
            _tolerance(check),
            reference,
            result,
        )
        found.setdefault(check.output, {})[check.as_json()["loader"]] = row
    rows = []
    for by_loader in found.values():
        if len({row[:5] for row in by_loader.values()}) == 1:
            rows.append(next(iter(by_loader.values())))
        else:
            rows += [row._replace(text=f"{row.text} ({loader})") for loader, row in by_loader.items()]
    return rows


def compared_text(row: OutputRow) -> str:
    """Return the difference of an output, with the tolerance unless the difference says it."""
    if not row.tolerance or not row.equal:
        return row.text
    return f"{row.text} (tolerance: {row.tolerance})"


def value_lines(row: OutputRow) -> list[tuple[str, str]]:
    """Return the values of an output as (who gave them, values); one line where both read the same."""
    if not row.reference and not row.result:
        return []
    if row.reference == row.result:
        return [("values", row.result)]
    return [("reference", row.reference), ("result", row.result)]


def loader_lines(verification: Verification) -> list[str]:
    """Return a line for each loader: `v1 Session: equal`, or why it was not compared."""
    return [
        f"{check.name}: {show(check.reason, 300) if check.reason else _STATUS[check.status]}"
        for check in verification.loaders
    ]


def made_lines(verification: Verification) -> list[str]:
    """Return how each generated input was made."""
    return [f"{show(slot)} was made: {how}" for slot, how in verification.how_made.items()]


def values_json(check: OutputCheck) -> dict[str, Any]:
    """Return the kept values of an output as `--json` shows them; nothing if none were kept."""
    kept = check.values
    if kept is None:
        return {}
    return {
        "values": {
            "from": kept.start,
            "reference": plain(list(kept.reference)),
            "result": plain(list(kept.result)),
        }
    }


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


def _tolerance(check: OutputCheck) -> str:
    """Return the tolerance that was applied."""
    comparison = check.comparison
    if comparison.form_only or comparison.max_abs is None:
        return ""
    return f"{comparison.tolerance:g}" if comparison.tolerance else "exact"


def _values(check: OutputCheck) -> tuple[str, str]:
    """Return the kept values of the reference and of the result, each as one line."""
    kept = check.values
    if kept is None or check.comparison.form_only:
        return "", ""

    def line(values: Sequence[Any]) -> str:
        return row_text(values, before=kept.start > 0, after=kept.start + len(kept.result) < kept.total)

    return line(kept.reference), line(kept.result)
