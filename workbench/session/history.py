"""The history of a session: its state, undo and redo.

The plan and the commit options are frozen data, so each change is a new state and undo is a step back.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from workbench.session.options import CommitOptions
from workbench.surgery.plan import Plan

if TYPE_CHECKING:
    from workbench.surgery.step import Step


@dataclass(frozen=True, slots=True)
class State:
    """The plan and the commit options: what undo restores."""

    plan: Plan = field(default_factory=lambda: Plan(()))
    commit: CommitOptions = field(default_factory=CommitOptions)


@dataclass(frozen=True, slots=True)
class Undo:
    """A change: its name, and the state before it."""

    label: str
    before: State


class History:
    """The plan and the commit options, with undo.

    Args:
        plan: to start with.
        commit: commit options to start with.
    """

    def __init__(self, plan: Plan | None = None, commit: CommitOptions | None = None) -> None:
        self.state = State(plan or Plan(()), commit or CommitOptions())
        self._undo: list[Undo] = []
        self._redo: list[Undo] = []
        self._saved_steps: tuple[Step, ...] = self.state.plan.steps

    @property
    def plan(self) -> Plan:
        """Return the current plan."""
        return self.state.plan

    @property
    def commit(self) -> CommitOptions:
        """Return the current commit options."""
        return self.state.commit

    # -- saved or not

    @property
    def unsaved(self) -> bool:
        """Return whether there are wires or steps that were neither committed nor saved."""
        return bool(self.plan.steps) and self.plan.steps != self._saved_steps

    def mark_saved(self) -> None:
        """Note that the plan was committed or saved: quitting loses nothing."""
        self._saved_steps = self.plan.steps

    def forget_saved(self) -> None:
        """Note that the plan comes from a lost session and is saved nowhere else."""
        self._saved_steps = ()

    # -- changes

    def change(
        self,
        label: str,
        plan: Plan | None = None,
        commit: CommitOptions | None = None,
        *,
        typing: bool = False,
    ) -> None:
        """Change the state; a change without effect is no step.

        Args:
            label: what undo calls it.
            plan: the new plan, or None for the same.
            commit: the new options, or None for the same.
            typing: it continues the last change, if that has the same label: one step for a word.
        """
        state = State(plan if plan is not None else self.plan, commit if commit is not None else self.commit)
        if state == self.state:
            return
        if not (typing and self._undo and self._undo[-1].label == label and not self._redo):
            self._undo.append(Undo(label, self.state))
        self._redo.clear()
        self.state = state

    def set_plan(self, label: str, **values: Any) -> None:
        """Change options of the plan (`freeze`, `signature`, …)."""
        self.change(label, self.plan.with_result(**values), typing=True)

    def set_commit(self, label: str, **values: Any) -> None:
        """Change commit options (`target`, `verify`, …)."""
        self.change(label, commit=replace(self.commit, **values), typing=True)

    @property
    def can_undo(self) -> str | None:
        """Return the name of the change that undo takes back, or None."""
        return self._undo[-1].label if self._undo else None

    @property
    def can_redo(self) -> str | None:
        """Return the name of the change that redo repeats, or None."""
        return self._redo[-1].label if self._redo else None

    @property
    def history(self) -> list[str]:
        """Return the names of all changes, undone ones too, from the first to the last."""
        return [one.label for one in (*self._undo, *reversed(self._redo))]

    @property
    def position(self) -> int:
        """Return how many changes of `history` are done."""
        return len(self._undo)

    def travel(self, position: int) -> None:
        """Undo or redo changes until this many are done."""
        while self.position > position and self.undo() is not None:
            pass
        while self.position < position and self.redo() is not None:
            pass

    def undo(self) -> str | None:
        """Undo the last change; return its name."""
        return self._go(self._undo, self._redo)

    def redo(self) -> str | None:
        """Redo the last undone change; return its name."""
        return self._go(self._redo, self._undo)

    def _go(self, here: list[Undo], there: list[Undo]) -> str | None:
        if not here:
            return None
        step = here.pop()
        there.append(Undo(step.label, self.state))
        self.state = step.before
        return step.label
