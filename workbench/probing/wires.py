"""The values at the wires of a merged model, beside those of its sources alone: `probe_wires(merged)`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.disk.atomic.scratch import Scratch
from workbench.errors import MissingFile, NotAllowedToRun, UsageError
from workbench.graph.level import Level
from workbench.model import Model, as_model
from workbench.names import count, input_tensor, show
from workbench.probing.instrumented import Limits, Runner
from workbench.probing.made_inputs import fill_inputs
from workbench.probing.places import Place, value_at
from workbench.probing.probed_tensor import Difference, ProbedTensor, difference_of, probed
from workbench.probing.target import find_target
from workbench.publishing import reference
from workbench.publishing.unsafe import ALLOW, unsafe
from workbench.runtime.api import check_arguments
from workbench.runtime.chain import Chain, FromStage
from workbench.runtime.child_process import codec
from workbench.runtime.child_process.child import Cancelling, Child, Progress, execution_failed
from workbench.runtime.child_process.private_copy import Copies
from workbench.runtime.component_tensors import input_components
from workbench.surgery.draft import Draft
from workbench.surgery.resolve.links import Link
from workbench.verification.replay import replay

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class ProbedWire:
    """What a wire of a join carries.

    Attributes:
        wire: as it is written: `img@pixels | cast float32 = net@image`.
        given: what the output of the source gives when that source runs alone.
        expected: the same after the adapters of the wire, computed by their reference; without adapters as `given`.
        arrived: what the merged model has at the input, after the adapters.
        difference: of `arrived` from `expected`.
    """

    wire: str
    given: ProbedTensor
    expected: ProbedTensor
    arrived: ProbedTensor
    difference: Difference

    @property
    def is_adapted(self) -> bool:
        """Whether the wire has adapters."""
        return self.expected is not self.given

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "wire": self.wire,
            "given": self.given.as_json(),
            "expected": self.expected.as_json(),
            "arrived": self.arrived.as_json(),
            "difference": self.difference.as_json(),
        }


@dataclass(frozen=True, slots=True)
class ProbedWires:
    """The values at the wires of a merged model on one run.

    Attributes:
        signature: key of the signature that was run.
        inputs: what it was run on, by component.
        made: how inputs were made that were not given, by component.
        wires: the wires, in the order in which the sources run.
        sources: where the sources are, by handle.
    """

    signature: str
    inputs: Mapping[str, Array]
    made: Mapping[str, str]
    wires: tuple[ProbedWire, ...]
    sources: Mapping[str, Path]

    def __repr__(self) -> str:
        return f"<ProbedWires of {show(self.signature)!r}: {count(len(self.wires), 'wire')}>"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "schema_version": 1,
            "signature": self.signature,
            "made": dict(self.made),
            "sources": {handle: str(path) for handle, path in self.sources.items()},
            "wires": [wire.as_json() for wire in self.wires],
        }


def probe_wires(
    model: Model | str | os.PathLike[str],
    inputs: Mapping[str, object] | None = None,
    sources: Mapping[str, str | os.PathLike[str]] | None = None,
    *,
    child: Child | None = None,
    python: str | os.PathLike[str] | None = None,
    imports: Sequence[str] = (),
    op_libraries: Sequence[str | os.PathLike[str]] = (),
    gpu: bool = False,
    time_limit: float | None = None,
    allow_unsafe: bool = False,
    on_progress: Progress | None = None,
    cancelled: Cancelling | None = None,
) -> ProbedWires:
    """Run a merged model and its sources, and return the values at each wire.

    Args:
        model: a result with a recipe that has wires: an opened model, or what `open_model` takes.
        inputs: of the merged model, as for `run`; those that are not given are made.
        sources: where sources are, by handle; the others are found by the digests in the recipe.
        child: a process to use; None starts one with the following arguments and ends it.
        python: the interpreter that has TensorFlow; None for the running one.
        imports: modules to import for their ops.
        op_libraries: shared objects to load for their ops.
        gpu: let TensorFlow see GPUs.
        time_limit: seconds each run may take.
        allow_unsafe: run them even if ops that touch files, the network or Python are reached.
        on_progress: is called with a short text whenever the child begins something.
        cancelled: is asked ten times a second whether to stop.

    Raises:
        MissingFile: the model has no recipe.
        MissingSource, WrongSource: sources are not there, or a given one is another model.
        UsageError: the recipe has no wires, or its sources are run row by row.
        InputError, NotAllowedToRun, ExecutionFailed, Cancelled: as for `probe`.
    """
    check_arguments(inputs, time_limit)
    result = as_model(model)
    places = {handle: Path(path) for handle, path in (sources or {}).items()}
    with ExitStack() as stack:
        scratch = stack.enter_context(Scratch())
        try:
            replayed = replay(result, places, scratch.folder / "sources")
        except MissingFile as problem:
            if result.origin is None:
                problem.hint = "Only a model that workbench merged has wires."
            raise
        draft = replayed.made
        if not draft.join.links or replayed.signature is None:
            raise UsageError(
                "The recipe of this model has no wires.",
                hint="Probe the tensors of the model instead.",
            )
        work = _Wires(result, draft, replayed.signature, stack.enter_context(Copies()))
        running = child or stack.enter_context(
            Child(python, imports=imports, op_libraries=op_libraries, gpu=gpu)
        )
        work.check_allowed(running, allow_unsafe)
        limits = Limits(1, 0, time_limit)
        found = work.run(running, inputs or {}, limits, on_progress, cancelled)
        return replace(found, sources={one.handle: one.path for one in replayed.sources})


@dataclass(frozen=True, slots=True)
class _End:
    """A component tensor of a wire.

    Attributes:
        name: of the wire, with the component where it has several.
        link: the wire.
        feed: where the reference has the value from.
        address: of the tensor of the merged model that represents the input.
    """

    name: str
    link: Link
    feed: FromStage
    address: str


class _Wires:
    """The wires of one result."""

    def __init__(self, result: Model, draft: Draft, key: str, copies: Copies) -> None:
        self.draft = draft
        self.key = key
        self.copies = copies
        self.target = find_target(result, None, key)

    def check_allowed(self, child: Child, allowed: bool) -> None:
        """Refuse unsafe ops of the result and of its sources.

        Raises:
            NotAllowedToRun: they are reached, and nobody allowed it.
        """
        stages = reference.stages(self.draft, self.key)
        told = unsafe(self.target.meta, [self.key], stages, allowed=allowed)
        if told is None and not allowed:
            told = unsafe(self.target.meta, [self.key], stages, child.start())
        if told is not None:
            raise NotAllowedToRun(told, hint=ALLOW)

    def run(
        self,
        child: Child,
        inputs: Mapping[str, object],
        limits: Limits,
        on_progress: Progress | None,
        cancelled: Cancelling | None,
    ) -> ProbedWires:
        target = self.target
        components = input_components(target.meta, target.signature)
        values, made = fill_inputs(target, components, inputs)
        chain = reference.chain(self.draft, self.key, self.copies.of)
        if chain.rows is not None:
            raise UsageError(
                "The sources of this model are run some rows at a time, so no wire has one value.",
                hint="Probe the model and its sources one by one.",
            )
        ends = list(self._ends(chain))
        runner = Runner(target, child, self.copies, components, limits, on_progress, cancelled)
        runner.outputs(values)
        root = Level.of(target.meta)
        seen = [
            Place(end.address, value) for end in ends if (value := value_at(root, end.address)) is not None
        ]
        answer = runner.record(seen, [values], range(len(seen)))
        arrived = {
            place.address: codec.decode(recorded["arrays"][0])
            for slot, place in enumerate(seen)
            if (recorded := answer.recorded[0].get(slot)) is not None and recorded["arrays"]
        }
        alone = self._run_sources(child, chain, ends, values, limits, cancelled)
        self.copies.check_written()
        wires = tuple(_wire(end, number, alone, arrived) for number, end in enumerate(ends))
        return ProbedWires(self.key, values, made, wires, {})

    def _ends(self, chain: Chain) -> Iterator[_End]:
        """Yield the wires that the signature needs, by component tensor."""
        for stage in chain.stages:
            for link in self.draft.join.links_into(stage.name):
                part = self.draft.parts[stage.name]
                for number, tensor in enumerate(link.target.tensors):
                    feed = stage.feeds.get(str(input_tensor(tensor)))
                    bridge = part.cuts.get(str(input_tensor(tensor)), part.cuts.get(tensor))
                    if isinstance(feed, FromStage) and bridge is not None:
                        several = f" [{number}]" if len(link.target.tensors) > 1 else ""
                        yield _End(f"{link}{several}", link, feed, f"{part.handle}/{bridge}:0")

    def _run_sources(
        self,
        child: Child,
        chain: Chain,
        ends: Sequence[_End],
        values: Mapping[str, Array],
        limits: Limits,
        cancelled: Cancelling | None,
    ) -> dict[str, Array]:
        """Return what the sources give at each wire, `0` before the adapters and `0+` after them."""
        outputs: dict[str, FromStage] = {}
        for number, end in enumerate(ends):
            outputs[f"{number}"] = replace(end.feed, adapted=None)
            if end.feed.adapted is not None:
                outputs[f"{number}+"] = end.feed
        asked = Chain(chain.stages, outputs)
        job = {"job": "chain", **asked.as_json(), "samples": [codec.encode_sample(values)], "repeat": 1}
        answer = child.start().request(job, time_limit=limits.time, cancelled=cancelled)
        failed = answer if "error" in answer else answer["runs"][0][0]
        if "error" in failed:
            where = f"source {show(chain.stages[failed['stage']].name)}"
            raise execution_failed(failed["error"], where)
        return codec.decode_sample(failed["outputs"])


def _wire(end: _End, number: int, alone: Mapping[str, Array], arrived: Mapping[str, Array]) -> ProbedWire:
    written = end.link.written
    array = alone[f"{number}"]
    given = probed(str(end.link.source), "", array, images=1)
    wanted = alone.get(f"{number}+")
    expected = given if wanted is None else probed(written[0], "", wanted, images=1)
    if wanted is None:
        wanted = array
    if end.address not in arrived:
        missing = ProbedTensor(address=end.address, dtype="", runs=0, note="It was not computed.")
        note = "A later step of the recipe took this input away, or the outputs do not need it."
        return ProbedWire(end.name, given, expected, missing, Difference(note=note))
    got = arrived[end.address]
    return ProbedWire(
        end.name, given, expected, probed(end.address, "", got, images=1), difference_of(wanted, got)
    )
