"""Changes of one model in one call: each makes a plan of one step and applies it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

from workbench.model import Model
from workbench.surgery.draft import Draft, apply
from workbench.surgery.operations.flatten import Flatten
from workbench.surgery.operations.freeze import Freeze
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.plan import Plan

if TYPE_CHECKING:
    from workbench.surgery.operation import Operation

AnyModel = Model | str | os.PathLike[str]


def freeze(model: AnyModel) -> Draft:
    """Return the draft of a model with constants for its variables.

    Args:
        model: an opened model, or its path.

    Raises:
        PlanError: a finding forbids it; it carries all findings.
        WorkbenchError: the model can't be read.
    """
    return _applied(model, Freeze())


def flatten(model: AnyModel, format: Literal["auto", "tf1", "tf2"] = "auto") -> Draft:
    """Return the draft of a model with the function calls of its main graph inlined.

    Args:
        model: an opened model, or its path.
        format: as for `Flatten`.

    Raises:
        PlanError: a finding forbids it; it carries all findings.
        WorkbenchError: the model can't be read.
    """
    return _applied(model, Flatten(format))


def change_signatures(model: AnyModel, **changes: Any) -> Draft:
    """Return the draft of a model with other signatures.

    Args:
        model: an opened model, or its path.
        **changes: the fields of `ChangeSignature`: `rename={"old": "new"}`, `drop=["train"]`.

    Raises:
        PlanError: a finding forbids it; it carries all findings.
        WorkbenchError: the model can't be read.
    """
    return _applied(model, ChangeSignature(**changes))


def _applied(model: AnyModel, step: Operation) -> Draft:
    plan = Plan.edit(model, step)
    return apply(plan, {plan.handles[0]: model} if isinstance(model, Model) else None)
