"""Operations: steps of a plan that change a workspace."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from workbench.surgery.step import Step
from workbench.surgery.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Operation(Step, ABC):
    """A change to a model: pure data that `apply` carries out in a workspace."""

    def settled(self, workspace: Workspace) -> Operation:
        """Return the operation with what it leaves to the model written out, and report how.

        It is this that is applied and that stands in recipes.

        Args:
            workspace: the models as they stand; only findings are added.
        """
        return self

    @abstractmethod
    def apply(self, workspace: Workspace) -> None:
        """Apply the change to a workspace, or report findings and change nothing.

        Args:
            workspace: the models and the message under edit.

        Raises:
            WorkbenchError: a file of a source can't be read.
        """
