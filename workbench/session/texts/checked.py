"""What checks find in one model, as the terminal UI shows it: counts, a list, and what a hint asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from workbench.describe.actions import Face
from workbench.describe.findings import counts_text, severity_counts
from workbench.errors import WorkbenchError
from workbench.findings import Action, Finding, Hint, Severity
from workbench.names import CALL_SEPARATOR, count, show

if TYPE_CHECKING:
    from workbench.checks.unsafe import Danger
    from workbench.explaining.explanation import Explanation
    from workbench.model import Model

_FACE: Face = "terminal UI"


@dataclass(frozen=True, slots=True)
class Item:
    """A finding of `check`, or an unsafe op of `scan`.

    Attributes:
        severity: of the finding; an unsafe op that is reached is a warning, any other an info.
        title: its line in a list.
        text: all of it in one line.
        where: the place in the model, or empty.
        explain: makes its explanation.
        hint: the next move, or None.
    """

    severity: Severity
    title: str
    text: str
    where: str
    explain: Callable[[], Explanation]
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` and `scan` find in one model.

    Attributes:
        items: findings, errors first, then unsafe ops.
        counts: `1 error, 2 warnings, 3 unsafe ops`; empty if nothing needs attention.
        severity: the worst; None if nothing needs attention.
    """

    items: tuple[Item, ...]
    counts: str
    severity: Severity | None


def look_through(model: Model) -> Checked:
    """Check and scan a model; checksums of the checkpoint are left out.

    It takes time linear in the graph; call it in a thread.
    """
    from workbench.checks import unsafe
    from workbench.checks.check import check_model

    try:
        findings = check_model(model, checksums=False).findings
        dangers = [one for meta in model.meta_graphs for one in unsafe.scan(meta) if one.excuse is None]
    except WorkbenchError as error:
        findings, dangers = [Finding(error.code, "error", error.where or "", error.message, error.hint)], []
    numbers = severity_counts(one for one in findings if one.severity != "info")
    texts = [counts_text(numbers), count(len(dangers), "unsafe op") if dangers else ""]
    worst: Severity | None = (
        "error" if numbers["error"] else "warning" if numbers["warning"] or dangers else None
    )
    items = (*map(_of_finding, findings), *map(_of_danger, dangers))
    return Checked(items, ", ".join(text for text in texts if text), worst)


def _of_finding(finding: Finding) -> Item:
    from workbench.explaining.findings import explain_finding

    text = f"{finding.heading}: {finding.message}"
    make = partial(explain_finding, finding, _FACE)
    return Item(finding.severity, finding.heading, text, finding.where, make, finding.hint)


def _of_danger(danger: Danger) -> Item:
    from workbench.explaining.findings import explain_danger

    address = CALL_SEPARATOR.join((*danger.path, danger.node))
    title = f"unsafe op {show(danger.op)} at {show(address, 80)}"
    severity: Severity = "warning" if danger.signatures else "info"
    return Item(severity, title, f"{title}: it {danger.why}", address, partial(explain_danger, danger))


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a step that does what a hint asks for.

    Attributes:
        operation: its name.
        typed: the lines, by field.
    """

    operation: str
    typed: dict[str, str | bool]


_FORMS: dict[str, tuple[str, str, str]] = {
    "drop-signature": ("signature", "drop", "{key}"),
    "rename-signature": ("signature", "rename", "{key}={new}"),
    "drop-input": ("signature", "drop_inputs", "{key}"),
    "rename-input": ("signature", "rename_inputs", "{key}={new}"),
    "rename-output": ("signature", "rename_outputs", "{key}={new}"),
    "add-signature": ("signature", "add", ""),
    "flatten": ("flatten", "", ""),
}
"""The operation, its field and the field's line, by the name of an action."""


def form_for(hint: str | None) -> Form | None:
    """Return the form of the step that a hint asks for, or None if no step does that."""
    if not isinstance(hint, Hint) or hint.action.name not in _FORMS:
        return None
    operation, field, line = _FORMS[hint.action.name]
    text = _Known(hint.action).fill(line)
    return Form(operation, {field: text} if text else {})


class _Known(dict[str, str]):
    """The arguments of an action; one that is not known is left empty."""

    def __init__(self, action: Action) -> None:
        super().__init__(action.arguments)

    def __missing__(self, name: str) -> str:
        return ""

    def fill(self, line: str) -> str:
        """Return a line with the arguments in it."""
        return line.format_map(self).strip("=") if "key" in self else ""
