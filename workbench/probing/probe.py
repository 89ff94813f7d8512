"""Run a signature and see the value of any tensor on the way: `probe(model)`.

The model is not changed: a copy of its message gives out the tensors as well (`surgery.exposing`), and is loaded from a
private folder. The outputs of that copy are compared with those of the model itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.disk import dtypes
from workbench.disk.schema import MetaGraphDef
from workbench.errors import InputError, UnknownName, UsageError, expect
from workbench.findings import Action, Hint
from workbench.model import MetaGraph, Model, Port, Signature
from workbench.names import count, show
from workbench.probing.seen import Seen, see
from workbench.probing.steps import path_steps
from workbench.runtime.api import check_arguments, open_to_run, run_signature, start_allowed
from workbench.runtime.child_process.child import Child
from workbench.runtime.child_process.private_copy import Copies
from workbench.runtime.component_tensors import ComponentTensor, input_components
from workbench.runtime.inputs.make_inputs import Unmakeable, make_inputs
from workbench.runtime.inputs.values import complete, to_values
from workbench.surgery.export.duplicate_variables import restoring_what_is_read
from workbench.surgery.exposing.exposed_tensors import (
    ITERATIONS,
    ExposedTensors,
    expose_tensors,
    find_tensors,
)

if TYPE_CHECKING:
    import numpy as np

    from workbench.picture.values import ValueLayer

    Array = np.ndarray[Any, Any]

MOST = 300
"""How many steps are shown where no tensor is named."""
_AT_ONCE = 100  # tensors of a run, so that memory stays bounded


@dataclass(frozen=True, slots=True)
class Probe:
    """The values of tensors on one run.

    Attributes:
        signature: key of the signature that was run.
        inputs: what it was run on, by component.
        made: how inputs were made that were not given, by component.
        seen: the tensors in the order in which they were computed, or in that in which they were named.
        outputs: the outputs of the signature.
        notes: what was left out or differs.
    """

    signature: str
    inputs: Mapping[str, Array]
    made: Mapping[str, str]
    seen: tuple[Seen, ...]
    outputs: Mapping[str, Array]
    notes: tuple[str, ...] = ()

    def first_nan(self) -> Seen | None:
        """Return the first tensor that has a NaN or an infinity."""
        return next((one for one in self.seen if one.nans or one.infinities), None)

    def __getitem__(self, address: str) -> Seen:
        """Return what was seen of a tensor, by its address; `:0` may be left out."""
        for one in self.seen:
            if one.address in (address, f"{address}:0"):
                return one
        raise KeyError(address)

    def value_layer(self, notes: Iterable[str] = ()) -> ValueLayer:
        """Return its values by box, for `draw(…, values=…)`; `notes` are added to its own."""
        from workbench.probing.drawn import value_layer

        made = [f"Input {show(name)} was made: {how}." for name, how in self.made.items()]
        return value_layer(self.signature, self.inputs, self.seen, self.outputs, [*made, *self.notes, *notes])

    def __repr__(self) -> str:
        return f"<Probe of {show(self.signature)!r}: {count(len(self.seen), 'tensor')}>"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON, with the first values of each tensor."""
        return {
            "schema_version": 1,
            "signature": self.signature,
            "made": dict(self.made),
            "tensors": [one.as_json() for one in self.seen],
            "notes": list(self.notes),
        }


def probe(
    model: Model | str | os.PathLike[str],
    tensors: Sequence[str] = (),
    inputs: Mapping[str, object] | None = None,
    signature: str | None = None,
    *,
    tags: str | Iterable[str] | None = None,
    iterations: int = ITERATIONS,
    child: Child | None = None,
    python: str | os.PathLike[str] | None = None,
    imports: Sequence[str] = (),
    op_libraries: Sequence[str | os.PathLike[str]] = (),
    gpu: bool = False,
    time_limit: float | None = None,
    allow_unsafe: bool = False,
) -> Probe:
    """Run a signature and return the values of tensors on the way.

    Args:
        model: an opened model, or what `open_model` takes.
        tensors: their addresses: `node:0`, `CALL::CALL::node:0`, `LOOP[body]::node:0`; none for every step from the
            inputs to the outputs, at most `MOST`.
        inputs: as for `run`; those that are not given are made.
        signature: its key; None for `serving_default`, or the only one.
        tags: tag set of the MetaGraph; None for the obvious one.
        iterations: how many iterations of a loop are kept.
        child: a process to use; None starts one with the following arguments and ends it.
        python: the interpreter that has TensorFlow; None for the running one.
        imports: modules to import for their ops.
        op_libraries: shared objects to load for their ops.
        gpu: let TensorFlow see GPUs.
        time_limit: seconds each run may take.
        allow_unsafe: run it even if ops that touch files, the network or Python are reached.

    Raises:
        WrongType: an argument has another type than told.
        UsageError: fewer than one iteration is asked for.
        UnknownName: a tensor is not there, or can't be given out; the hint has the nearest names.
        InputError: a value does not fit, or an input can't be made.
        NotAllowedToRun: unsafe ops are reached, and nobody allowed it.
        ExecutionFailed: TensorFlow raised; the message is its own.
        TensorFlowMissing, ChildDied, ChildTimeout: the process could not do it.
    """
    check_arguments(inputs, time_limit)
    expect(tensors, (list, tuple), "The tensors", "a list of addresses")
    for one in tensors:
        expect(one, str, "A tensor", "its address, such as 'node:0'")
    expect(iterations, int, "The number of iterations", "an integer")
    if iterations < 1:
        raise UsageError("At least 1 iteration of a loop is kept.")
    opened, chosen = open_to_run(model, tags, signature, allow_unsafe=allow_unsafe)
    meta = opened.meta
    ops, addresses, notes = _addresses(meta, chosen, tensors)
    components = input_components(meta, chosen)
    values, made = _values(meta, chosen, components, inputs or {})
    with ExitStack() as stack:
        copies = stack.enter_context(Copies())
        running = child or stack.enter_context(
            Child(python, imports=imports, op_libraries=op_libraries, gpu=gpu)
        )
        start_allowed(running, meta, chosen, allow_unsafe=allow_unsafe)

        def run(of: MetaGraph, what: Signature) -> dict[str, Array]:
            loaded = restoring_what_is_read(of)
            return run_signature(
                running,
                copies.of(opened, loaded),
                what,
                values,
                components,
                loader="v1",
                time_limit=time_limit,
            )

        outputs = run(meta, chosen)
        arrays: dict[str, Array] = {}
        for start in range(0, len(addresses), _AT_ONCE):
            part = addresses[start : start + _AT_ONCE]
            copy, exposed = _instrumented(opened, meta, chosen, part, iterations)
            if not exposed.done.tensors:
                continue
            ports, keys = _with_tensors(chosen, exposed)
            answer = run(copy, ports)
            arrays |= {part[int(key[1:])]: answer[name] for key, name in keys.items()}
            notes += _changed(outputs, answer)
        copies.check_written()
    seen = [see(one, ops.get(one) or _op_of(meta, one), arrays[one]) for one in addresses if one in arrays]
    return Probe(chosen.key, values, made, tuple(seen), outputs, tuple(dict.fromkeys(notes)))


def _addresses(
    meta: MetaGraph, signature: Signature, tensors: Sequence[str]
) -> tuple[dict[str, str], list[str], list[str]]:
    """Return the ops of all steps by address, the addresses to see, and notes.

    Raises:
        UnknownName: a tensor is not there, or can't be given out.
    """
    steps = path_steps(meta, signature)
    ops = {step.address: step.op for step in steps}
    if tensors:
        for wrong in find_tensors(meta, {one: one for one in tensors}, signature).wrong.values():
            raise UnknownName(wrong.message, where=wrong.where, hint=wrong.hint)
        return ops, list(tensors), []
    addresses, left = list(ops)[:MOST], len(ops) - MOST
    told = f"{left:,} of {len(ops):,} steps are left out: name tensors to see them."
    return ops, addresses, [told] if left > 0 else []


def _values(
    meta: MetaGraph,
    signature: Signature,
    components: Mapping[str, ComponentTensor],
    inputs: Mapping[str, object],
) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the values of all inputs, and how those were made that are not given.

    Raises:
        InputError: a value does not fit, or none can be made.
    """
    given = to_values(inputs, signature, components)
    made: dict[str, str] = {}
    lacking = [name for name, one in components.items() if name not in given and not one.optional]
    if lacking:
        try:
            found = make_inputs(meta, signature, batch=1)
        except Unmakeable as problem:
            hint = Hint("", Action("give-input", {"key": show(lacking[0])}))
            raise InputError(f"No value can be made: {problem}.", where=show(lacking[0]), hint=hint) from None
        made = {name: note for name, note in found.notes.items() if name not in given}
        given = {**found.values, **given}
    return dict(complete(given, components)), made


def _instrumented(
    model: Model,
    meta: MetaGraph,
    signature: Signature,
    addresses: Sequence[str],
    iterations: int,
) -> tuple[MetaGraph, ExposedTensors]:
    """Return a copy of a MetaGraph that gives out tensors; those that can't be given out are left out."""
    proto = MetaGraphDef()
    proto.CopyFrom(meta.proto)
    wanted = {f"t{number}": address for number, address in enumerate(addresses)}
    exposed = expose_tensors(meta, proto, wanted, signature=signature, iterations=iterations)
    copy = MetaGraph(proto, bundle=lambda: model.bundle, folder=model.folder, format=meta.format)
    return copy, exposed


def _with_tensors(signature: Signature, exposed: ExposedTensors) -> tuple[Signature, dict[str, str]]:
    """Return a signature with the tensors as further outputs, and the output of each tensor."""
    outputs, keys = dict(signature.outputs), {}
    for key, tensor in exposed.done.tensors.items():
        name = key
        while name in outputs:
            name += "_"
        one = exposed.found[key]
        outputs[name] = Port(name, "dense", (tensor,), dtypes.dtype(one.dtype), one.shape)
        keys[key] = name
    return Signature(signature.key, signature.method_name, signature.inputs, outputs), keys


def _changed(expected: Mapping[str, Array], found: Mapping[str, Array]) -> list[str]:
    """Return a note for each output that the copy gives otherwise: it draws random numbers, or has state."""
    import numpy as np

    notes = []
    for key, array in expected.items():
        other = found.get(key)
        if other is None:
            continue
        same = array.shape == other.shape and (
            np.array_equal(array, other)
            if array.dtype.kind not in "fc"
            else np.allclose(array, other, rtol=1e-4, atol=1e-6, equal_nan=True)
        )
        if not same:
            notes.append(f"Output {show(key)!r} differs from run to run, so values may, too.")
    return notes


def _op_of(meta: MetaGraph, address: str) -> str:
    """Return the op that makes a tensor."""
    from workbench.graph.level import find

    value = find(meta, address.removeprefix("%"))
    node = value.node if value is not None else None
    return "" if node is None else str(node.op)
