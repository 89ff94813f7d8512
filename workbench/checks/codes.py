"""The registry of the codes of findings: severity, title, why it matters, what to do. And a collector of findings.

Every code of a finding is registered, whichever room makes it, and so are the codes of errors. A room above this one
may import its `Code`s; rooms below write the name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import NamedTuple

from workbench.findings import Action, Finding, FirstFew, Hint, Severity, rest

LISTED = 5
"""How many findings of one code are listed, unless all are asked for."""

GROUPS: dict[str, tuple[str, ...]] = {
    "Opening a model": ("codes_of_opening",),
    "Graph and functions": (
        "graphs.nodes", "graphs.attrs", "graphs.values", "graphs.functions", "graphs.names", "graphs.ops",
        "graphs.loading",
    ),
    "Signatures": ("signatures",),
    "Variables and objects": (
        "graphs.saver", "graphs.objects", "graphs.captures", "graphs.initialised", "folder.tracked",
        "folder.checkpoint",
    ),
    "Files": ("folder.assets", "folder.files", "folder.fingerprint"),
    "TensorFlow Serving": ("serving", "folder.warmup"),
    "Merging: endpoints": ("codes_of_endpoints",),
    "Merging: wires": ("codes_of_wires",),
    "Merging: the result": ("codes_of_results",),
    "Changing one model": ("codes_of_changes",),
    "Lessons": ("codes_of_lessons",),
    "Errors": ("codes_of_errors",),
}  # fmt: skip
"""The modules that register codes, in groups, in the order in which `workbench check --codes` lists them."""


class Code(NamedTuple):
    """A kind of finding. Its name is stable: scripts rely on it.

    Attributes:
        name: as it is in `Finding.code`.
        severity: `error`: something TensorFlow refuses, or computes wrongly; `warning`: it may; `info`: good to know.
        title: what is wrong, in a few words.
        why: what happens because of it.
        fix: the next move.
        also: other severities that findings of this code may have, as `why` explains.
    """

    name: str
    severity: Severity
    title: str
    why: str
    fix: str
    also: tuple[Severity, ...] = ()


@cache
def groups() -> dict[str, tuple[Code, ...]]:
    """Return all codes by group, in the order in which they are listed."""
    found: dict[str, tuple[Code, ...]] = {}
    known: set[int] = set()  # a module may import a code of another, which is listed where it was made
    for title, modules in GROUPS.items():
        values = [one for name in modules for one in vars(import_module(f"workbench.checks.{name}")).values()]
        own = {id(one): one for one in values if isinstance(one, Code) and id(one) not in known}
        found[title] = tuple(own.values())
        known.update(own)
    return found


@cache
def registry() -> dict[str, Code]:
    """Return all codes by name, in the order of the groups."""
    return {one.name: one for codes in groups().values() for one in codes}


class Found:
    """Collects findings: the first few of a code one by one, the rest as a number.

    Args:
        limit: how many; None for all of them.
    """

    def __init__(self, limit: int | None = LISTED) -> None:
        self.limit = limit
        self.few: FirstFew[Code] = FirstFew(limit)
        self._findings: list[Finding] = []
        self._seen: set[int] = set()  # a finding that is made twice is counted once

    def add(self, code: Code, where: str, message: str, hint: str | Callable[[], str] | None = None) -> None:
        """Add a finding.

        Args:
            code: of what kind.
            where: the node, key or file it is about, safe to print.
            message: got against expected, safe to print.
            hint: the next move, or what makes it: near names are looked for with the first few of a code only, as that
                is what takes time.
        """
        seen = hash((code.name, where, message))
        if seen in self._seen:
            return
        self._seen.add(seen)
        if self.few.takes(code):
            told = hint if isinstance(hint, str) else None
            if callable(hint) and self.few.seen[code] <= LISTED:
                told = hint()
            self._findings.append(Finding(code.name, code.severity, where, message, told))

    @property
    def findings(self) -> list[Finding]:
        """Return the findings in order; then, for each code cut short, how many more there are."""
        hint = Hint("", Action("check-all"))
        more = [
            rest(code.name, code.severity, left, "like this", hint=hint)
            for code, left in self.few.left.items()
        ]
        return [*self._findings, *more]
