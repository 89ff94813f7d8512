"""Running a model in the TensorFlow process, from a thread: its outputs and the values on the way."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.describe.answers import ClassNames, answer_lines
from workbench.picture.values import ValueLayer
from workbench.probing.drawn import value_layer
from workbench.probing.probe import probe
from workbench.session.options import CommitOptions
from workbench.session.running.form import RunForm
from workbench.session.running.jobs import Jobs

if TYPE_CHECKING:
    import numpy as np

    from workbench.model import Model
    from workbench.publishing.running import Progress

    Array = np.ndarray[Any, Any]

PHASES = (
    ("check", "check the inputs"),
    ("run", "run the model in TensorFlow"),
    ("values", "look at the values"),
)
_CANCELLED = "The run was cancelled."


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run.

    Attributes:
        model: the opened model.
        form: the signature or callable, and its inputs.
        values: by input.
        texts: what was typed for them; a made value has no text.
        steps: whether the values of all steps are kept.
        tensors: addresses of tensors whose values are kept instead; empty for none.
    """

    model: Model
    form: RunForm
    values: Mapping[str, Array]
    texts: Mapping[str, str]
    steps: bool = True
    tensors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptRun:
    """The values of a run.

    Attributes:
        path: of the model.
        name: of the signature or callable.
        texts: what was typed, by input; empty where the made value was taken.
        made: how the made values were made, by input.
        inputs: what it was run on, by component.
        outputs: what it gave, by component.
        layer: values of the tensors, and of inputs and outputs, as a picture shows them.
        ops: the op that makes each tensor, by address.
        answers: what an output answers, in words, by component.
        notes: what was left out or may differ.
        seconds: how long it took.
    """

    path: Path
    name: str
    texts: Mapping[str, str]
    made: Mapping[str, str]
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]
    layer: ValueLayer
    ops: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, list[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def told(self) -> str:
        """What it was run on, in a few words: `x=[[1,2]], y made`."""
        return ", ".join(
            f"{key}={text}" if (text := self.texts.get(key, "")) else f"{key} made" for key in self.inputs
        )


def run_model(jobs: Jobs, request: RunRequest, options: CommitOptions, progress: Progress) -> KeptRun:
    """Run a model and wait for its values; for a thread.

    Args:
        jobs: holds the process.
        request: what is run.
        options: the interpreter and the libraries, and whether unsafe ops are allowed.
        progress: is called with each phase and what happens in it.

    Raises:
        Cancelled: `jobs.cancel` was called.
        NotAllowedToRun: it reaches unsafe ops, and nobody allowed it.
        WorkbenchError: as `probe` raises.
    """
    with jobs.job("run", _CANCELLED, progress) as told:
        told("check", "")
        started = time.monotonic()
        form, model = request.form, request.model
        told("run", "")
        child = jobs.child(options)
        if request.steps or request.tensors:
            found = probe(
                model,
                request.tensors,
                request.values,
                form.name,
                child=child,
                allow_unsafe=options.allow_unsafe,
            )
            outputs, notes, layer = found.outputs, found.notes, found.value_layer()
            ops = {one.address: one.op for one in found.tensors}
        else:
            from workbench.probing.run import run

            outputs = run(model, request.values, form.name, child=child, allow_unsafe=options.allow_unsafe)
            notes, ops, layer = (), {}, value_layer(form.signature.key, request.values, (), outputs)
        told("values", "")
        return kept_run(request, outputs, layer, ops, notes, time.monotonic() - started)


def kept_run(
    request: RunRequest,
    outputs: Mapping[str, Array],
    layer: ValueLayer,
    ops: Mapping[str, str],
    notes: tuple[str, ...],
    seconds: float,
) -> KeptRun:
    """Return what is kept of a run."""
    form = request.form
    names = ClassNames.of(request.model)
    return KeptRun(
        path=request.model.path,
        name=form.name,
        texts={key: text for key, text in request.texts.items() if text.strip()},
        made={one.name: one.note for one in form.inputs if not request.texts.get(one.name, "").strip()},
        inputs=request.values,
        outputs=outputs,
        layer=layer,
        ops=ops,
        answers={key: lines for key, array in outputs.items() if (lines := answer_lines(array, names, key))},
        notes=notes,
        seconds=seconds,
    )
