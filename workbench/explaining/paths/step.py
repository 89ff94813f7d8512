"""One thing that happens on the way from inputs to outputs, and many of them in a few phrases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from workbench.disk.schema import NodeDef
from workbench.explaining.view import address_of, listed
from workbench.graph.level import Level
from workbench.names import count

_LISTED = 10
_ENDS = 3
_COUNTED = 6
_PLAIN = frozenset({"reshape", "transposition", "slice", "addition", "step for indices"})
"""Nouns that say little about a model, so that they are counted last."""


Wording: TypeAlias = str | Callable[[], str]
"""A phrase, or what makes it: of many steps few are shown, and the others need no words."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens on the way.

    Attributes:
        level: where the node is.
        node: the node.
        wording: what it does.
        noun: what to count it by.
        bodies: of a loop or branch: a label for each of its bodies, and what happens there.
    """

    level: Level
    node: NodeDef
    wording: Wording
    noun: str
    bodies: tuple[tuple[str, tuple[Step, ...]], ...] = ()

    def __str__(self) -> str:
        return f"{self.phrase}: {self._inside()}" if self.bodies else self.phrase

    @property
    def phrase(self) -> str:
        """What it does, as text."""
        return self.wording if isinstance(self.wording, str) else self.wording()

    @property
    def nested(self) -> str:
        """The step as a part of another one, with brackets around what happens inside."""
        return f"{self.phrase} ({self._inside()})" if self.bodies else self.phrase

    def _inside(self) -> str:
        between = ", " if len(self.bodies) > 1 else "; "
        told = ((label, [text for text, _ in phrases(steps, nested=True)]) for label, steps in self.bodies)
        return "; ".join(f"{label}{between.join(texts) or 'nothing'}" for label, texts in told)

    @property
    def address(self) -> str:
        """The node as `explain` takes it."""
        return address_of(self.level, self.node.name)


def phrases(steps: Sequence[Step], *, nested: bool = False) -> Iterator[tuple[str, str | None]]:
    """Yield the steps condensed to about eight phrases, each with the node to link to or None."""
    told = [step for step in steps if step.noun]
    whole = [(step.nested if nested else str(step), step.address) for step in told[:_LISTED]]
    if len(told) <= _LISTED:
        yield from whole
        return
    yield from whole[:_ENDS]
    middle = Counter(step.noun for step in told[_ENDS:-_ENDS])
    ranked = sorted(middle.items(), key=lambda one: (one[0] in _PLAIN, -one[1]))
    parts = [count(number, noun, _plural(noun)) for noun, number in ranked[:_COUNTED]]
    rest = sum(number for _, number in ranked[_COUNTED:])
    if rest:
        parts.append(count(rest, "other op"))
    yield f"then come {listed(parts)}", None
    yield from ((step.nested if nested else str(step), step.address) for step in told[-_ENDS:])


def _plural(noun: str) -> str:
    """Return the plural of a noun of `op_texts`."""
    if noun.endswith(("x", "s")):
        return f"{noun}es"
    if noun.endswith("h") and not noun.endswith("th"):
        return f"{noun}es"
    return f"{noun}s"
