"""What was found in a model or a plan that its user should know: codes, severities, places, hints.

A hint is text. One that asks for something the user can do (`Hint`) also holds it as an action with arguments, which
every face words in its own way (`workbench.describe.actions`): a flag on the command line, a key in the terminal UI.
Read as text it is in the words of Python.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

Kind = TypeVar("Kind", bound=Hashable)
Severity = Literal["info", "warning", "error"]
_ORDER = {"error": 0, "warning": 1, "info": 2}

IN_PYTHON = {
    "adapt-wire": "pass wires=[{wire!r}]",
    "adapt-input": "change {handle} by Adapt(before={{'{key}': '{chain}'}}) first",
    "add-signature": "add a signature in a signature step",
    "allow-unsafe": "pass allow_unsafe=True",
    "check-all": "pass limit=None for all of them",
    "check-model": "call check_model(model), which finds all that is wrong with it",
    "choose-format": "pass format='{format}'",
    "choose-python": "pass python=PATH with a Python interpreter that has TensorFlow",
    "choose-signature": "pass signature='{key}'",
    "connect": "pass wires=['{output}={input}'], shares={{'{input}': '{input}'}} or side_by_side=True",
    "draw-less": "pass focus=NODE, a smaller max_boxes=, or a longer time_limit=",
    "drop-input": "drop input {key} in a signature step",
    "drop-signature": "drop signature {key} in a signature step",
    "flatten": "flatten the model",
    "give-input": "give values it can run on: inputs={{'{key}': VALUE}}",
    "give-samples": "give inputs that lead to different outputs: inputs=[{{'{key}': VALUE}}, …]",
    "give-source": "give the path of {handles} in sources={{HANDLE: PATH}}",
    "give-time": "give it more time: time_limit=SECONDS",
    "import-package": "pass imports=['{package}']",
    "keep-variables": "leave out freeze=True",
    "leave-out-format": "leave out format='{format}'",
    "list-all": "look at all of them",
    "list-operations": "list operations with workbench.surgery.operation.operation_names()",
    "list-nodes": "list the nodes with model.meta.nodes",
    "load-ops": "pass imports=[MODULE] or op_libraries=[FILE]",
    "no-verify": "pass verify=False",
    "overwrite": "pass overwrite=True",
    "rename-input": "rename input {key} to {new}",
    "rename-output": "rename output {key} to {new}",
    "rename-signature": "rename signature {key} to {new}",
    "save-recipe": "save the plan as a recipe",
    "scan-model": "call scan(model)",
    "side-by-side": "keep it beside the others: side_by_side=True",
    "show-keys": "list the keys with model.meta.signatures",
    "use-tensorflow": "use a TensorFlow that runs the sources: python=PATH, imports=[MODULE], op_libraries=[FILE]",
    "verify-against": "call verify(model, against=OTHER)",
}
"""Every action a hint may hold, as an imperative in the words of Python; `{…}` is an argument."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something the user can do about a finding or an error.

    Attributes:
        name: one of `IN_PYTHON`.
        arguments: what it is about, safe to print. One that is left out is any: words show it in capitals.
    """

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.name not in IN_PYTHON:
            raise ValueError(f"There is no action {self.name!r}.")

    def fill(self, template: str) -> str:
        """Return a template with the arguments in it."""
        return template.format_map(_Arguments(self.arguments))


class _Arguments(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "KEY=TENSOR" if name in ("inputs", "outputs") else name.upper()


class Hint(str):
    """A hint that asks for an action: text before it, the action, text behind it.

    Args:
        before: sentences, or the beginning of one; may be empty.
        action: what to do.
        after: the end of the sentence, and what follows.
    """

    __slots__ = ("action", "after", "before")

    before: str
    action: Action
    after: str

    def __new__(cls, before: str, action: Action, after: str = ".") -> Hint:
        """Make the text, in the words of Python."""
        found = super().__new__(cls, joined(before, action.fill(IN_PYTHON[action.name]), after))
        found.before, found.action, found.after = before, action, after
        return found

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.before, self.action, self.after


def joined(before: str, words: str, after: str) -> str:
    """Return the text of a hint, the words of its action with a capital where they begin a sentence."""
    begins = not before or before.rstrip().endswith((".", ":\n", "?"))
    return f"{before}{words[:1].upper() if begins else words[:1]}{words[1:]}{after}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    Attributes:
        code: stable, machine-readable (`R3-dtype`, `missing-shard`, …).
        severity: `error` stops a merge, `warning` and `info` do not.
        where: the node, key, file or wire it is about.
        message: what is the matter, got against expected, safe to print.
        hint: the next move, or None; a `Hint` where it is an action.
        more: how many findings of this code it counts that are not listed one by one; 0 for a finding of its own.
    """

    code: str
    severity: Severity
    where: str
    message: str
    hint: str | None = None
    more: int = 0

    @property
    def count(self) -> int:
        """How many findings it represents."""
        return self.more or 1

    @property
    def heading(self) -> str:
        """Its code and its place, as every face shows them before the message."""
        return f"{self.code} {self.where}" if self.where else self.code

    def __repr__(self) -> str:
        return f"<Finding {self}>"

    def __str__(self) -> str:
        hint = f" {self.hint}" if self.hint else ""
        return f"{self.severity} {self.heading}: {self.message}{hint}"


# Of findings about a name that does not exist or that is ambiguous.
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


class FirstFew(Generic[Kind]):
    """Chooses the first few of each kind to be listed, and counts the rest.

    Args:
        limit: how many of a kind are listed; None for all of them.
    """

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.seen: Counter[Kind] = Counter()
        self.left: Counter[Kind] = Counter()

    def takes(self, kind: Kind, number: int = 1) -> bool:
        """Return whether one more finding of a kind is listed; otherwise count it."""
        self.seen[kind] += 1
        if self.limit is None or self.seen[kind] <= self.limit:
            return True
        self.left[kind] += number
        return False


def rest(
    code: str, severity: Severity, left: int, text: str, *, where: str = "", hint: str | None = None
) -> Finding:
    """Return the finding that represents those that are not listed: `2 more like this.`."""
    return Finding(code, severity, where, f"{left:,} more {text}.", hint, left)


def in_short(findings: Iterable[Finding], limit: int = 10) -> list[Finding]:
    """Return the findings for people to read: of one code and severity the first few, and how many more there are.

    Args:
        findings: in the order to show them.
        limit: how many alike are shown one by one.
    """
    found = list(findings)
    kinds = [(finding.code, finding.severity) for finding in found]
    last = {kind: at for at, kind in enumerate(kinds)}
    few: FirstFew[tuple[str, Severity]] = FirstFew(limit)
    short: list[Finding] = []
    for at, (finding, kind) in enumerate(zip(found, kinds, strict=True)):
        if few.takes(kind, finding.count):
            short.append(finding)
        elif last[kind] == at:
            short.append(rest(*kind, few.left[kind], "like this", hint=Hint("", Action("list-all"))))
    return short
