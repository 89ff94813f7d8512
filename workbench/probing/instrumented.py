"""Runs of an instrumented copy of a model, whose recorders hand out values on the way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from workbench import names
from workbench.disk.schema import MetaGraphDef
from workbench.graph.reach import ancestors
from workbench.model import MetaGraph, Port, Signature
from workbench.probing.places import Place
from workbench.probing.target import Target
from workbench.runtime.api import Loader, encode_values, job_of, request
from workbench.runtime.child_process import codec
from workbench.runtime.child_process.child import Cancelling, Child, Progress
from workbench.runtime.child_process.private_copy import Copies
from workbench.runtime.component_tensors import ComponentTensor
from workbench.surgery.export.duplicate_variables import restoring_what_is_read
from workbench.surgery.rewrite.record_values import Recorders, record_values, rerouted

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

ARRAY_BYTES = 64 << 20
"""Of the arrays that come from one run; those that find no room come from a further run."""
COMPARED_BYTES = 512 << 20
"""Of the arrays that the child keeps to compare them with those of a second run."""
MOST_BYTES = 1 << 30
"""Of one array that is the only one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may take.

    Attributes:
        iterations: how many values of a tensor in loops are kept one by one.
        images: how many small images there may be.
        time: seconds; None for the child's own limit.
    """

    iterations: int
    images: int
    time: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the runs of an instrumented model gave.

    Attributes:
        outputs: the outputs of each run, one for each sample.
        recorded: for each run, by slot, what a recorder got, as `child_script.probe: job_probe` describes it.
    """

    outputs: Sequence[Mapping[str, Array]]
    recorded: Sequence[Mapping[int, dict[str, Any]]]


class Runner:
    """A target in a child: plain runs, and runs that record.

    Args:
        target: what is run.
        child: where.
        copies: what the child loads.
        components: the inputs.
        limits: what a run may take.
        on_progress: is called with a short text whenever the child begins something.
        cancelled: is asked now and then whether to stop.
    """

    def __init__(
        self,
        target: Target,
        child: Child,
        copies: Copies,
        components: Mapping[str, ComponentTensor],
        limits: Limits,
        on_progress: Progress | None = None,
        cancelled: Cancelling | None = None,
    ) -> None:
        self.target = target
        self.child = child
        self.copies = copies
        self.components = components
        self.limits = limits
        self.on_progress = on_progress
        self.cancelled = cancelled
        self.loader: Loader | None = None

    def outputs(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs of the model itself; the loader that gives them is that of all runs from then on."""
        meta = restoring_what_is_read(self.target.meta)
        job = {"job": "run", "sample": encode_values(values, self.components)}
        answer = self._ask(job, meta, self.target.signature)
        return codec.decode_sample(answer["outputs"])

    def record(
        self,
        places: Sequence[Place],
        samples: Sequence[Mapping[str, Array]],
        returned: Collection[int] = (),
    ) -> Answer:
        """Run the model on each sample and return what was seen of each place, by its number.

        Args:
            places: what to see.
            samples: one, or two that are compared.
            returned: numbers of the places whose arrays are asked for.
        """
        instrumented = self._instrument(places)
        wanted = list(returned) if len(samples) == 1 else list(range(len(places)))
        answer = self._run(instrumented, samples, wanted, returned, first=True)
        missing = _cut(answer, wanted)
        while missing:
            more = self._run(instrumented, samples, missing, returned, first=False)
            for run, further in zip(answer.recorded, more.recorded, strict=True):
                for slot in missing:
                    if slot in further and slot in run:
                        found = further[slot]
                        run[slot].update({key: found[key] for key in ("arrays", "cut", "differences")})
            still = _cut(answer, missing)
            if len(still) == len(missing):
                break
            missing = still
        return answer

    def _run(
        self,
        instrumented: _Instrumented,
        samples: Sequence[Mapping[str, Array]],
        kept: list[int],
        returned: Collection[int],
        *,
        first: bool,
    ) -> Answer:
        recorders = instrumented.recorders
        room = ARRAY_BYTES if len(samples) == 1 else COMPARED_BYTES
        job = {
            "job": "probe",
            "samples": [encode_values(sample, self.components) for sample in samples],
            "also": instrumented.also,
            "returned": [slot for slot in kept if slot in returned],
            "recording": {
                "loops": {str(slot): loops for slot, loops in recorders.loops.items()},
                "again": sorted(recorders.again),
                "frames": sorted(recorders.frames),
                "starts": {str(slot): loops for slot, loops in recorders.starts.items()},
                "rounds": {str(slot): loop for slot, loop in recorders.rounds.items()},
                "kept": kept,
                "iterations": self.limits.iterations,
                "images": self.limits.images if first else 0,
                "bytes": MOST_BYTES if len(kept) == 1 else room,
            },
        }
        answer = self._ask(job, instrumented.meta, instrumented.signature)
        runs = answer["runs"]
        return Answer(
            [codec.decode_sample(run["outputs"]) for run in runs],
            [{int(slot): one for slot, one in run["tensors"].items()} for run in runs],
        )

    def _instrument(self, places: Sequence[Place]) -> _Instrumented:
        target = self.target
        proto = MetaGraphDef()
        proto.CopyFrom(target.meta.proto)
        recorders = record_values(proto, [place.value for place in places])
        job = {"job": "recorders", "count": max(recorders.count, len(places))}
        self.child.start()
        tokens = self.child.request(job, time_limit=self.limits.time, cancelled=self.cancelled)["tokens"]
        recorders.set_tokens(proto.graph_def, tokens)
        model = target.model
        copy = MetaGraph(proto, bundle=lambda: model.bundle, folder=model.folder, format=target.meta.format)
        signature = _rerouted(target.signature, proto, recorders)
        return _Instrumented(
            restoring_what_is_read(copy), signature, recorders, _not_reached(copy, signature, recorders)
        )

    def _ask(self, job: Mapping[str, Any], meta: MetaGraph, signature: Signature) -> dict[str, Any]:
        reference = self.copies.of(self.target.model, meta)
        answer, self.loader = request(
            self.child,
            {**job, **job_of(reference, signature, self.target.call)},
            self.loader,
            time_limit=self.limits.time,
            on_progress=self.on_progress,
            cancelled=self.cancelled,
        )
        return answer


@dataclass(frozen=True, slots=True)
class _Instrumented:
    """A copy of a MetaGraph with recorders.

    Attributes:
        meta: the copy.
        signature: the one that is run, with outputs that wait for their recorders.
        recorders: what was added.
        also: nodes of the main graph that no output needs.
    """

    meta: MetaGraph
    signature: Signature
    recorders: Recorders
    also: list[str]


def _rerouted(signature: Signature, proto: MetaGraphDef, recorders: Recorders) -> Signature:
    """Return a signature whose outputs wait for their recorders; also change it in the message."""
    if signature.key in proto.signature_def:
        for info in proto.signature_def[signature.key].outputs.values():
            info.name = rerouted([info.name], recorders)[0]
            sparse = info.coo_sparse if info.WhichOneof("encoding") == "coo_sparse" else None
            if sparse is not None:
                for part in ("values_tensor_name", "indices_tensor_name", "dense_shape_tensor_name"):
                    setattr(sparse, part, rerouted([getattr(sparse, part)], recorders)[0])
            elif info.WhichOneof("encoding") == "composite_tensor":
                for component in info.composite_tensor.components:
                    component.name = rerouted([component.name], recorders)[0]
    outputs = {key: _port(port, recorders) for key, port in signature.outputs.items()}
    return replace(signature, outputs=outputs)


def _port(port: Port, recorders: Recorders) -> Port:
    return replace(port, tensors=rerouted(port.tensors, recorders))


def _not_reached(meta: MetaGraph, signature: Signature, recorders: Recorders) -> list[str]:
    """Return the nodes of the main graph that have to run for the recorders and that no output needs."""
    wanted = set(recorders.nodes.values())
    outputs = [names.input_node(tensor) for port in signature.outputs.values() for tensor in port.tensors]
    fed = _nodes(signature.inputs.values())
    return sorted(wanted - ancestors(meta.nodes, outputs, stop=fed))


def _nodes(ports: Iterable[Port]) -> set[str]:
    return {names.input_node(tensor) for port in ports for tensor in port.tensors}


def _cut(answer: Answer, slots: Iterable[int]) -> list[int]:
    """Return the slots whose arrays found no room on some run."""
    return [slot for slot in slots if any(slot in run and run[slot]["cut"] for run in answer.recorded)]
