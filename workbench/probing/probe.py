"""Run a signature or callable and see the value of any tensor on the way: `probe(model)`.

The model is not changed: a copy of its message has recorders beside the tensors (`surgery.rewrite.record_values`), and
is loaded from a private folder. The outputs of that copy are compared with those of the model itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError, expect
from workbench.model import Model
from workbench.model.op_classes import PLACEHOLDERS
from workbench.names import count, show
from workbench.notebook import Shown
from workbench.probing.assemble import assemble, changed_outputs
from workbench.probing.instrumented import Limits, Runner
from workbench.probing.made_inputs import fill_inputs
from workbench.probing.places import MOST, find_places
from workbench.probing.probed_tensor import ProbedTensor
from workbench.probing.target import open_to_run
from workbench.runtime.api import check_arguments, start_allowed
from workbench.runtime.child_process.child import Cancelling, Child, Progress
from workbench.runtime.child_process.private_copy import Copies
from workbench.runtime.component_tensors import input_components
from workbench.runtime.inputs.values import to_values

if TYPE_CHECKING:
    import numpy as np

    from workbench.picture.values import ValueLayer

    Array = np.ndarray[Any, Any]

ITERATIONS = 100
"""How many iterations of a loop are kept where nothing else is asked for."""
IMAGES = 240
"""How many small images a probe has at most."""


@dataclass(frozen=True, slots=True)
class Probe(Shown):
    """The values of tensors on one run, or on two that are compared.

    Attributes:
        signature: key of the signature, or name of the callable, that was run.
        inputs: what it was run on, by component.
        made: how inputs were made that were not given, by component.
        tensors: the tensors in the order in which they are computed, or in that in which they were named.
        outputs: the outputs, by component.
        notes: what was left out or differs.
        other_inputs: what the second run was on; empty without one.
        other_outputs: what the second run gave.
    """

    signature: str
    inputs: Mapping[str, Array]
    made: Mapping[str, str]
    tensors: tuple[ProbedTensor, ...]
    outputs: Mapping[str, Array]
    notes: tuple[str, ...] = ()
    other_inputs: Mapping[str, Array] = field(default_factory=dict)
    other_outputs: Mapping[str, Array] = field(default_factory=dict)

    def first_nan(self) -> ProbedTensor | None:
        """Return the first tensor that has a NaN or an infinity."""
        return next((one for one in self.tensors if one.is_odd), None)

    def first_difference(self) -> ProbedTensor | None:
        """Return the first tensor that differs between the two runs and is no input; None without one."""
        differing = [
            one for one in self.tensors if one.difference is not None and not one.difference.is_equal
        ]
        return next((one for one in differing if one.op not in PLACEHOLDERS), None)

    def __getitem__(self, address: str) -> ProbedTensor:
        """Return what is known of a tensor, by its address; `:0` may be left out."""
        for one in self.tensors:
            if one.address in (address, f"{address}:0"):
                return one
        raise KeyError(address)

    def value_layer(self, notes: Iterable[str] = ()) -> ValueLayer:
        """Return its values by box, for `draw(…, values=…)`; `notes` are added to its own."""
        from workbench.probing.drawn import value_layer

        made = [f"Input {show(name)} was made: {how}." for name, how in self.made.items()]
        every = [*made, *self.notes, *notes]
        return value_layer(self.signature, self.inputs, self.tensors, self.outputs, every)

    def __repr__(self) -> str:
        return f"<Probe of {show(self.signature)!r}: {count(len(self.tensors), 'tensor')}>"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON, with the first values of each tensor."""
        return {
            "schema_version": 1,
            "signature": self.signature,
            "made": dict(self.made),
            "tensors": [one.as_json() for one in self.tensors],
            "notes": list(self.notes),
        }


def probe(
    model: Model | str | os.PathLike[str],
    tensors: Sequence[str] = (),
    inputs: Mapping[str, object] | None = None,
    signature: str | None = None,
    *,
    other_inputs: Mapping[str, object] | None = None,
    tags: str | Iterable[str] | None = None,
    arrays: bool | None = None,
    steps: int | None = MOST,
    iterations: int = ITERATIONS,
    child: Child | None = None,
    python: str | os.PathLike[str] | None = None,
    imports: Sequence[str] = (),
    op_libraries: Sequence[str | os.PathLike[str]] = (),
    gpu: bool = False,
    time_limit: float | None = None,
    allow_unsafe: bool = False,
    on_progress: Progress | None = None,
    cancelled: Cancelling | None = None,
) -> Probe:
    """Run a signature or callable and return the values of tensors on the way.

    Args:
        model: an opened model, or what `open_model` takes.
        tensors: their addresses: `node:0`, `CALL::CALL::node:0`, `LOOP[body]::node:0`, `IF[then_branch]::node:0`, or
            keys of outputs; none for every step from the inputs to the outputs.
        inputs: as for `run`; those that are not given are made. A tensor of the main graph, `node:0`, may be fed too.
        signature: its key, or a callable, as for `run`.
        other_inputs: of a second run, which is compared with the first; those that are not given are the same.
        tags: tag set of the MetaGraph; None for the obvious one.
        arrays: whether the whole values are in the result; None for those of tensors that are named.
        steps: how many steps there are at most where no tensor is named; None for all.
        iterations: how many iterations of a loop are kept one by one.
        child: a process to use; None starts one with the following arguments and ends it.
        python: the interpreter that has TensorFlow; None for the running one.
        imports: modules to import for their ops.
        op_libraries: shared objects to load for their ops.
        gpu: let TensorFlow see GPUs.
        time_limit: seconds each run may take.
        allow_unsafe: run it even if ops that touch files, the network or Python are reached.
        on_progress: is called with a short text whenever the child begins something.
        cancelled: is asked ten times a second whether to stop; it may look at what another thread sets.

    Raises:
        WrongType: an argument has another type than told.
        UsageError: fewer than one iteration is asked for.
        UnknownName: a tensor, signature or callable is not there; the hint has the nearest names.
        InputError: a value does not fit, or an input can't be made.
        NotAllowedToRun: unsafe ops are reached, and nobody allowed it.
        ExecutionFailed: TensorFlow raised; the message is its own.
        Cancelled: `cancelled` said so; the process was ended.
        TensorFlowMissing, ChildDied, ChildTimeout: the process could not do it.
    """
    check_arguments(inputs, time_limit)
    check_arguments(other_inputs, None)
    _check(tensors, iterations)
    fed = [*(inputs or ()), *(other_inputs or ())]
    target = open_to_run(model, tags, signature, allow_unsafe=allow_unsafe, fed=fed, fetched=tensors)
    places, notes = find_places(target.meta, target.signature, tensors, steps)
    components = input_components(target.meta, target.signature)
    values, made = fill_inputs(target, components, inputs or {})
    samples = [values]
    if other_inputs is not None:
        samples.append({**values, **to_values(other_inputs, target.signature, components)})
    with ExitStack() as stack:
        copies = stack.enter_context(Copies())
        running = child or stack.enter_context(
            Child(python, imports=imports, op_libraries=op_libraries, gpu=gpu)
        )
        start_allowed(running, target.meta, target.signature, allow_unsafe=allow_unsafe)
        limits = Limits(iterations, IMAGES, time_limit)
        runner = Runner(target, running, copies, components, limits, on_progress, cancelled)
        outputs = runner.outputs(values)
        returned = range(len(places)) if arrays or (arrays is None and tensors) else ()
        answer = runner.record(places, samples, returned)
        notes += changed_outputs(runner, values, outputs, answer.outputs[0])
        copies.check_written()
    found = assemble(target, places, answer, values, returned)
    return Probe(
        target.signature.key,
        values,
        made,
        found,
        outputs,
        tuple(notes),
        samples[1] if len(samples) > 1 else {},
        answer.outputs[1] if len(samples) > 1 else {},
    )


def _check(tensors: object, iterations: object) -> None:
    expect(tensors, (list, tuple), "The tensors", "a list of addresses")
    for one in tensors if isinstance(tensors, list | tuple) else ():
        expect(one, str, "A tensor", "its address, such as 'node:0'")
    expect(iterations, int, "The number of iterations", "an integer")
    if isinstance(iterations, int) and iterations < 1:
        raise UsageError("At least 1 iteration of a loop is kept.")
