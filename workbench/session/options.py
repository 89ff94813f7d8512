"""Options of a commit as pure data: target and verification."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.surgery.plan import Plan

if TYPE_CHECKING:
    from workbench.publishing.running import Proving
    from workbench.surgery.draft import Draft


@dataclass(frozen=True, slots=True)
class CommitOptions:
    """The options of a commit beside the draft: target, verification.

    Attributes:
        target: the new folder as typed; empty until the user says one.
        serving: write the next version number under `target`.
        verify: run the result against its sources.
        inputs: values to verify with, `KEY=VALUE` as the command line takes them; empty makes them from the graph.
        tolerance: relative difference allowed for floats, None for the one of each dtype.
        allow_unsafe: run models that touch files, network or Python.
        python: another interpreter that has TensorFlow.
        imports: modules with custom ops.
        op_libraries: shared objects with custom ops.
    """

    target: str = ""
    serving: bool = False
    verify: bool = True
    inputs: tuple[str, ...] = ()
    tolerance: float | None = None
    allow_unsafe: bool = False
    python: str | None = None
    imports: tuple[str, ...] = ()
    op_libraries: tuple[str, ...] = ()

    def proving(self, draft: Draft) -> Proving:
        """Return the options as `commit` takes them, the values parsed.

        Raises:
            InputError: a value does not fit its input.
        """
        from workbench.publishing.running import Proving

        inputs = None
        if self.inputs:
            from workbench.runtime.component_tensors import input_components
            from workbench.runtime.inputs.samples import parse_samples

            components = input_components(draft.meta, draft.signature)
            inputs = parse_samples(self.inputs, components, partly=True)
        return Proving(
            inputs=inputs,
            tolerance=self.tolerance,
            python=self.python,
            imports=self.imports,
            op_libraries=self.op_libraries,
            allow_unsafe=self.allow_unsafe,
        )


def suggested_target(plan: Plan, exists: Callable[[str], bool] = os.path.lexists) -> str:
    """Return a folder name for the result that is free in the working folder."""
    base = "-".join(plan.handles) or "merged"
    name, number = base, 2
    while exists(name):
        name, number = f"{base}-{number}", number + 1
    return f".{os.sep}{name}"
