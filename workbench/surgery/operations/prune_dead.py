"""Prune-dead: remove what can no longer run because a predicate is constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.names import show
from workbench.surgery.operation import Operation
from workbench.surgery.pruning.dead_branches import remove_dead
from workbench.surgery.step import register
from workbench.surgery.workspace import Workspace


@register
@dataclass(frozen=True, slots=True)
class PruneDead(Operation):
    """Remove branches and loops that can no longer run, because a predicate is constant.

    A conditional whose predicate is constant becomes the branch it takes, a loop whose condition is false at once
    becomes its inputs, also inside functions that are called with a constant. Nothing else is computed in advance.
    """

    NAME: ClassVar[str] = "prune-dead"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("prune-dead",)
    KEEPS_SIGNATURES: ClassVar[bool] = True

    def apply(self, workspace: Workspace) -> None:
        """Apply it to a workspace, and report what was removed."""
        if not remove_dead(workspace):
            told = "No conditional and no loop has a constant predicate."
            workspace.note("dead-nothing", "info", show(str(workspace.model.path)), told)
