"""Say what a verification has shown: rows by output, and notes. Every face draws the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from workbench.model import shapes
from workbench.names import show

if TYPE_CHECKING:
    from workbench.runtime.comparison.verification import OutputCheck, Verification


class OutputRow(NamedTuple):
    """One output, in the loaders that agree about it.

    Attributes:
        output: its key, safe to print.
        typed: `float32 [1,10]`.
        text: the difference; the loader behind it where another one found something else.
        equal: whether it is equal within the tolerance.
    """

    output: str
    typed: str
    text: str
    equal: bool


def output_rows(verification: Verification) -> list[OutputRow]:
    """Return a row for each output, for the loaders apart only where they differ."""
    found: dict[str, dict[str, OutputRow]] = {}
    for check in verification.outputs:
        comparison = check.comparison
        typed = f"{comparison.dtype} {shapes.text(tuple(comparison.shape))}"
        row = OutputRow(show(check.output), typed, _compared(check, verification), comparison.equal)
        found.setdefault(check.output, {})[check.as_json()["loader"]] = row
    rows = []
    for by_loader in found.values():
        if len(set(by_loader.values())) == 1:
            rows.append(next(iter(by_loader.values())))
        else:
            rows += [
                OutputRow(row.output, row.typed, f"{row.text} ({loader})", row.equal)
                for loader, row in by_loader.items()
            ]
    return rows


def made_lines(verification: Verification) -> list[str]:
    """Return how each generated input was made."""
    return [f"{show(slot)} was made: {how}" for slot, how in verification.how_made.items()]


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
