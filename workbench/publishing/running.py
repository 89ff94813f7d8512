"""Options of a verification, and its phases that run TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.errors import WrongType, expect

if TYPE_CHECKING:
    from workbench.model import MetaGraph, Signature
    from workbench.runtime.chain import ResultModel
    from workbench.runtime.child_process.child import Child
    from workbench.runtime.child_process.private_copy import Copies
    from workbench.runtime.comparison.verification import Verification
    from workbench.runtime.comparison.verify import Verifier

Result = TypeVar("Result")

Progress = Callable[[str, str], None]
"""Called with a phase (`check`, `reference`, `write`, `load`, `compare`, `publish`) and what happens in it."""


@dataclass(frozen=True, slots=True)
class Proving:
    """Options for verifying a result.

    Attributes:
        inputs: values by key of the result's signature, or several such samples; missing values are made from the
            graph.
        tolerance: relative; None for the one of each dtype.
        python: interpreter with TensorFlow; None for the running one.
        imports: modules to import after TensorFlow, for the ops they register.
        op_libraries: shared objects with custom ops.
        gpu: let TensorFlow see GPUs.
        time_limit: seconds for each request to the child; None for the default.
        allow_unsafe: run models from which unsafe ops are reachable.
        seed: of the made inputs.
    """

    inputs: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    tolerance: float | None = None
    python: str | None = None
    imports: Sequence[str] = ()
    op_libraries: Sequence[str] = ()
    gpu: bool = False
    time_limit: float | None = None
    allow_unsafe: bool = False
    seed: int = 0

    @property
    def given(self) -> tuple[Mapping[str, Any], ...]:
        """The samples that were given."""
        if self.inputs is None:
            return ()
        given = (self.inputs,) if isinstance(self.inputs, Mapping) else self.inputs
        if not isinstance(given, Sequence) or not all(isinstance(sample, Mapping) for sample in given):
            raise WrongType(
                "The inputs", "a dict of input keys to values, or a list of such dicts", self.inputs
            )
        return tuple(given)


class Running:
    """Run TensorFlow in phases.

    Args:
        proving: how.
        progress: receives what is being done.
    """

    def __init__(self, proving: Proving, progress: Progress | None) -> None:
        expect(proving, Proving, "The options (proving)", "a Proving")
        expect(proving.tolerance, (int, float, NoneType), "The tolerance", "a number")
        self.proving = proving
        self.progress: Progress = progress or (lambda phase, text: None)
        self.seconds: dict[str, float] = {}

    def given(self, meta: MetaGraph, signature: Signature) -> tuple[dict[str, Any], ...]:
        """Return the given samples as arrays that fit a signature's inputs.

        Raises:
            InputError: no such key, or a value that does not fit.
        """
        if not self.proving.given:
            return ()
        from workbench.runtime.component_tensors import input_components
        from workbench.runtime.inputs.values import to_values

        components = input_components(meta, signature)
        return tuple(to_values(one, signature, components) for one in self.proving.given)

    def timed(self, phase: str, text: str, work: Callable[[], Result]) -> Result:
        """Run a phase and record how long it took."""
        self.progress(phase, text)
        started = time.monotonic()
        try:
            return work()
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.monotonic() - started

    @cached_property
    def copies(self) -> Copies:
        """Return the copies that models are loaded from.

        Whoever runs them enters it, and leaves it when they were run.
        """
        from workbench.runtime.child_process.private_copy import Copies

        return Copies()

    def compare(self, verifier: Verifier, result: ResultModel) -> Verification:
        """Compare a result with its reference; effects of its location do not count."""
        from workbench.runtime.comparison.relocation import unless_by_path

        return unless_by_path(verifier.result(result), verifier, self.copies)

    def new_child(self) -> Child:
        """Return the child process, not started yet."""
        from workbench.runtime.child_process.child import TIME_LIMIT, Child

        options = self.proving
        return Child(
            options.python,
            imports=options.imports,
            op_libraries=options.op_libraries,
            gpu=options.gpu,
            time_limit=options.time_limit or TIME_LIMIT,
            on_progress=lambda text: self.progress("tensorflow", text),
        )
