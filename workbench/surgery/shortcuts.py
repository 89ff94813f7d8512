"""Changes of one model in one call: each makes and applies a one-step plan."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from workbench.model import Model
from workbench.surgery.draft import Draft, apply
from workbench.surgery.operations.flatten import Flatten
from workbench.surgery.operations.freeze import Freeze
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.plan import Plan
from workbench.surgery.signatures.changes import Added

if TYPE_CHECKING:
    from workbench.surgery.step import Step

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


def change_signatures(
    model: AnyModel,
    *,
    rename: Mapping[str, str] | None = None,
    rename_inputs: Mapping[str, str] | None = None,
    rename_outputs: Mapping[str, str] | None = None,
    drop: Sequence[str] = (),
    add: Sequence[Added] = (),
    method: str | None = None,
    signature: str | None = None,
) -> Draft:
    """Return the draft of a model with other signatures.

    Args:
        model: an opened model, or its path.
        rename: old to new key of signatures.
        rename_inputs: old to new key of inputs of the chosen signature.
        rename_outputs: likewise of its outputs.
        drop: keys of signatures to remove.
        add: signatures to add.
        method: method name of the added signatures, or of the chosen one if none is added; None leaves it.
        signature: the chosen one, by its old key; None for `serving_default` if it exists, else the only one.

    Raises:
        PlanError: a finding forbids it; it carries all findings.
        WorkbenchError: the model can't be read.
    """
    step = ChangeSignature(
        rename=tuple((rename or {}).items()),
        rename_inputs=tuple((rename_inputs or {}).items()),
        rename_outputs=tuple((rename_outputs or {}).items()),
        drop=drop,
        add=add,
        method=method,
        signature=signature,
    )
    return _applied(model, step)


def _applied(model: AnyModel, step: Step) -> Draft:
    plan = Plan.edit(model, step)
    return apply(plan, {plan.handles[0]: model} if isinstance(model, Model) else None)
