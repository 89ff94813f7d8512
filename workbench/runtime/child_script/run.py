"""Jobs that run or load one model."""

from __future__ import annotations

import functools
import gc
import os
import time
from typing import Any

import tensorflow as tf

from .arrays import decode_sample, encode_sample
from .errors import Failed
from .loaders import LOADERS, without_grappler_first
from .pipe import Json, Pipe

SIDE_BY_SIDE_BYTES = 2 << 30
"""Of variables that may be in memory for doing two things at once."""


def job_run(job: Json, pipe: Pipe) -> Json:
    """Run one signature on one sample.

    In: model, loader "v1" | "v2", signature, inputs and outputs {key: port}, sample {slot: array}; for a callable
    also call {path, index, inputs [slot], outputs [slot]}, which the second loader calls.
    Out: {"outputs": {slot: array}, "seconds": [load, run]}.
    """
    values = decode_sample(job["sample"])

    def run(optimised: bool) -> Json:
        started = time.monotonic()
        pipe.progress("loading the model")
        with LOADERS[job["loader"]](job["model"], optimised) as loaded:
            middle = time.monotonic()
            pipe.progress("running it")
            outputs = run_loaded(loaded, job, values)
        seconds = [middle - started, time.monotonic() - middle]
        return {"outputs": encode_sample(outputs), "seconds": seconds}

    answer: Json = without_grappler_first(run)
    return answer


def run_loaded(loaded: Any, job: Json, values: Json) -> Json:
    """Run what a job asks for on a loaded model: a signature, or a callable if the loader offers it."""
    if job.get("call") and job["loader"] == "v2":
        found: Json = loaded.call(job["call"], values)
    else:
        found = loaded.run_ports(job["signature"], job["inputs"], job["outputs"], values, job.get("also", ()))
    return found


def job_result(job: Json, pipe: Pipe) -> Json:
    """Run a merged model on all samples, in each loader.

    The loaders work side by side if memory allows.

    In: model, signature, inputs and outputs {key: port}, samples, loaders ["v1", "v2"].
    Out: {loader: {"keys": {"inputs", "outputs"} or null, "samples": [{"outputs"} or {"error"}], "seconds"} or
    {"error", "seconds"}}.
    """
    samples = [decode_sample(sample) for sample in job["samples"]]

    def run(loader: str) -> Json:
        pipe.progress("result: v1 Session" if loader == "v1" else "result: tf.saved_model.load")
        started = time.monotonic()
        try:
            answer: Json = without_grappler_first(functools.partial(run_result, job, loader, samples))
        except Failed as error:
            answer = {"error": error.as_json}
        answer["seconds"] = time.monotonic() - started
        return answer

    work = [functools.partial(run, loader) for loader in job["loaders"]]
    answers = side_by_side(work, data_bytes(job["model"]) * len(work))
    gc.collect()
    return dict(zip(job["loaders"], answers))


def run_result(job: Json, loader: str, samples: list[Json], optimised: bool) -> Json:
    """Run all samples on one loading of the merged model; a failure is an answer too."""
    with LOADERS[loader](job["model"], optimised) as model:
        answers = []
        keys = model.keys(job["signature"])
        for sample in samples:
            try:
                outputs = model.run_ports(job["signature"], job["inputs"], job["outputs"], sample)
                answers.append({"outputs": encode_sample(outputs)})
            except Failed as error:
                if not optimised:
                    raise
                answers.append({"error": error.as_json})
    return {"keys": keys, "samples": answers}


def job_load_check(job: Json, pipe: Pipe) -> Json:
    """Report whether a loader can load a model. In: model, loader.

    Out: {"ok": true, "variables", "trainable", "signatures"} or {"ok": false, "error"}.
    """
    pipe.progress("loading the model")
    try:
        with LOADERS[job["loader"]](job["model"], optimised=True) as loaded:
            if job["loader"] == "v1":
                keys = tf.compat.v1.GraphKeys
                counts = {
                    "variables": loaded.source.count(keys.GLOBAL_VARIABLES),
                    "trainable": loaded.source.count(keys.TRAINABLE_VARIABLES),
                }
            else:
                counts = {
                    name: count_of(loaded.loaded, attribute)
                    for name, attribute in (("variables", "variables"), ("trainable", "trainable_variables"))
                }
            return dict(counts, ok=True, signatures=sorted(loaded.signatures))
    except Failed as error:
        return {"ok": False, "error": error.as_json}


def count_of(loaded: Any, attribute: str) -> int | None:
    """Return how many of these a loaded object lists; None if it lists none."""
    found = getattr(loaded, attribute, None)
    return len(found) if isinstance(found, (list, tuple)) else None


def side_by_side(work: list[Any], size: int) -> list[Any]:
    """Call all of `work`, on threads unless they need more than `size` bytes; raise what one raises.

    TensorFlow lets go of the interpreter while it restores, optimises and runs.
    """
    if len(work) == 1 or size > SIDE_BY_SIDE_BYTES:
        return [one() for one in work]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(work)) as pool:
        return [future.result() for future in [pool.submit(one) for one in work]]


def data_bytes(model: Json) -> int:
    """Return the bytes of a model's variables and of its graph."""
    total = 0
    for folder, _, names in os.walk(model["path"]):
        total += sum(os.path.getsize(os.path.join(folder, name)) for name in names)
    return total
