"""What a code means: severity, title, why it matters, what to do. And the collector that findings go through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from workbench.findings import Action, Finding, Hint, Severity

LISTED = 5
"""How many findings of one code are told one by one, if not all are asked for."""

AREAS = (
    "known", "graphs.nodes", "graphs.attrs", "graphs.values", "graphs.functions", "signatures",
    "graphs.names", "graphs.saver", "graphs.objects", "graphs.captures", "folder.tracked",
    "folder.checkpoint", "graphs.initialised", "folder.assets", "graphs.ops", "graphs.loading",
    "folder.files", "folder.fingerprint", "serving", "folder.warmup",
)  # fmt: skip
"""The modules that lay down codes, in the order in which `workbench check --codes` tells them."""


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding. Its name is stable: scripts go by it.

    Attributes:
        name: as it is in `Finding.code`.
        severity: `error`: something TensorFlow refuses, or computes wrongly; `warning`: it may; `info`: good to know.
        title: what is the matter, in a few words.
        why: what happens because of it.
        fix: the next move.
    """

    name: str
    severity: Severity
    title: str
    why: str
    fix: str


@cache
def registry() -> dict[str, Code]:
    """All codes by name, in the order of the areas."""
    found: dict[str, Code] = {}
    for area in AREAS:
        module = import_module(f"workbench.checks.{area}")
        found.update((one.name, one) for one in vars(module).values() if isinstance(one, Code))
    return found


class Found:
    """Collects findings. Of one code only the first few are told one by one, the rest as a number.

    Args:
        limit: how many; None for all of them.
    """

    def __init__(self, limit: int | None = LISTED) -> None:
        self.limit = limit
        self.count: Counter[Code] = Counter()
        self._findings: list[Finding] = []
        self._seen: set[int] = set()  # what is found twice is told, and counted, once

    def add(self, code: Code, where: str, message: str, hint: str | Callable[[], str] | None = None) -> None:
        """One thing found.

        Args:
            code: of what kind.
            where: the node, key or file that is meant, safe to print.
            message: got against expected, safe to print.
            hint: the next move, or what makes it: near names are looked for with the first few of a code only, as that
                is what takes time.
        """
        seen = hash((code.name, where, message))
        if seen in self._seen:
            return
        self._seen.add(seen)
        self.count[code] += 1
        if self.limit is None or self.count[code] <= self.limit:
            told = hint if isinstance(hint, str) else None
            if callable(hint) and self.count[code] <= LISTED:
                told = hint()
            self._findings.append(Finding(code.name, code.severity, where, message, told))

    @property
    def findings(self) -> list[Finding]:
        """What was found, in order; then, for each code that was cut short, how many more there are."""
        if self.limit is None:
            return list(self._findings)
        more = [
            Finding(
                code.name, code.severity, "", f"{left:,} more like this.", Hint("", Action("check-all")), left
            )
            for code, number in self.count.items()
            if (left := number - self.limit) > 0
        ]
        return [*self._findings, *more]
