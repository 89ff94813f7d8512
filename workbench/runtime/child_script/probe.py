"""Jobs that run an instrumented model and return what its recorders got."""

from __future__ import annotations

import base64
import functools
from typing import Any

import tensorflow as tf

from .arrays import decode_sample, encode, encode_sample
from .loaders import LOADERS, without_grappler_first
from .pipe import Json, Pipe
from .recording import Recording
from .run import run_loaded


class Recorders:
    """Functions that PyFunc nodes of instrumented graphs call, each known by its token; made as they are needed.

    Attributes:
        tokens: of the functions, which pass on what they get with their number as its slot.
        recording: what takes it now; without one it is an op of a model that calls, whose function is not here.
    """

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.recording: Any = None
        self._graph = tf.Graph()  # keeps the functions alive

    def __call__(self, count: int) -> list[str]:
        """Return the tokens of so many functions."""
        with self._graph.as_default():
            while len(self.tokens) < count:
                take = functools.partial(self._take, len(self.tokens))
                tf.compat.v1.py_func(take, [], [])
                node = self._graph.get_operations()[-1]
                self.tokens.append(node.get_attr("token").decode("ascii"))
        return self.tokens[:count]

    def _take(self, slot: int, *values: Any) -> list[Any]:
        if self.recording is None:
            raise NameError(
                f"the Python function {self.tokens[slot]} is only in the process that made the model"
            )
        self.recording.take(slot, values)
        return []


RECORDERS: list[Recorders] = []


def job_recorders(job: Json, pipe: Pipe) -> Json:
    """Return tokens of recorders. In: count. Out: {"tokens": [token]}, that of slot n at place n."""
    if not RECORDERS:
        RECORDERS.append(Recorders())
    return {"tokens": RECORDERS[0](job["count"])}


def job_probe(job: Json, pipe: Pipe) -> Json:
    """Run an instrumented signature or callable, and return what its recorders got.

    In: model, loader, signature, inputs, outputs and perhaps call as for `job_run`, also (nodes a Session runs
    besides), samples (one, or two that are compared), recording (`recording.Recording`), returned (the slots
    whose arrays are returned, of those it keeps).
    Out: {"runs": [{"outputs": {slot: array}, "tensors": {slot: RECORDED}}]}, a RECORDED being {"order", "runs",
    "summary", "rounds": [[index, summary]], "arrays", "cut": whether there was no room for them, "images",
    "differences": [[index, difference]]}.
    """
    samples = [decode_sample(sample) for sample in job["samples"]]

    def run(optimised: bool) -> Json:
        found: list[Any] = []
        runs = []
        for number, sample in enumerate(samples):
            recording = Recording(job["recording"], found[0] if found else None)
            outputs = recorded_run(job, sample, recording, optimised, pipe)
            found.append(recording)
            tensors = {
                str(slot): encode_recorded(one, slot in job["returned"])
                for slot, one in recording.found.items()
            }
            runs.append({"outputs": encode_sample(outputs), "tensors": tensors})
            pipe.progress(f"run {number + 1} of {len(samples)} done")
        return {"runs": runs}

    answer: Json = without_grappler_first(run)
    return answer


def recorded_run(job: Json, sample: Json, recording: Any, optimised: bool, pipe: Pipe) -> Json:
    """Return the outputs of one run in which a recording takes the values."""
    pipe.progress("loading the model")
    with LOADERS[job["loader"]](job["model"], optimised) as loaded:
        pipe.progress("running it")
        RECORDERS[0].recording = recording
        try:
            outputs = run_loaded(loaded, job, sample)
        finally:
            RECORDERS[0].recording = None
    if recording.problem is not None:
        raise recording.problem
    return outputs


def encode_recorded(one: Any, with_arrays: bool) -> Json:
    """Return what a recorder got as JSON."""
    return {
        "order": one.order,
        "runs": one.runs,
        "summary": encode_first(one.summary()),
        "rounds": [[index, encode_first(part)] for index, part in one.rounds] if one.runs > 1 else [],
        "arrays": [encode(array) for array in one.arrays] if with_arrays and not one.cut else [],
        "cut": one.cut,
        "images": [
            dict(image, pixels=base64.b64encode(image["pixels"]).decode("ascii")) for image in one.images
        ],
        "differences": [[index, encode_difference(part)] for index, part in one.differences],
    }


def encode_first(summary: Json) -> Json:
    """Return a summary as JSON."""
    return dict(summary, first=encode(summary["first"]))


def encode_difference(found: Json) -> Json:
    """Return a difference as JSON."""
    if found.get("values") is None:
        return found
    return dict(found, values=[encode(value) for value in found["values"]])
