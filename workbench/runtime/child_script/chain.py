"""Jobs that run a chain of models, one after the other."""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import time
from typing import Any

import numpy as np

from .arrays import decode, decode_sample, digest, encode, encode_sample
from .errors import Failed
from .loaders import V1, V2, V1Graph, without_grappler_first
from .pipe import Json, Pipe
from .references import adapted, first_stage, given_or_default, taken
from .run import data_bytes, side_by_side


def job_chain(job: Json, pipe: Pipe) -> Json:
    """Run a chain: stages in order, each in a fresh Session, all samples in the same.

    All of it is done `repeat` times, each with Sessions of its own, side by side if memory allows; a stage that
    is pure has one for all.

    In: stages [{name, model, feeds {tensor: FEED}, fetches [tensor], pure}], samples [{slot: array}],
    outputs {slot: AT}; a FEED is {"input": slot}, {"stage": i, "tensor": name} or {"constant": array}; an AT is one of
    these, or {"of": {name: AT}, steps, part} for what steps make of several; repeat. A FEED or an AT may have steps
    applied to its value, and part, see `adapted`.
    Out: {"runs": [[SAMPLE]], "fallbacks", "seconds"}, or {"error", "stage"} if a stage can't be loaded. A SAMPLE
    is {"outputs": {slot: array}, "wires": {WIRE: {"sha256", "shape"}}} or {"error", "stage"}. A stage that
    no v1 Session runs is run by `tf.saved_model.load`: fallbacks has its number and why.
    """
    started = time.monotonic()
    samples = [decode_sample(sample) for sample in job["samples"]]
    runs = [[SampleRun(sample) for sample in samples] for _ in range(job["repeat"])]
    fallbacks: Json = {}
    for number, stage in enumerate(job["stages"]):
        pipe.progress(f"reference: {stage['name']}")
        if stage.get("call"):
            try:
                for run in runs:
                    run_called(number, stage, run)
            except Failed as error:
                return {"error": error.as_json, "stage": number}
            continue
        alive = [one for run in runs for one in run if one.failure is None]
        failure = run_in_sessions(number, stage, runs, alive)
        gc.collect()
        if failure is not None:
            if run_samples_v2(number, stage, runs, alive, failure):
                fallbacks[str(number)] = failure
            elif all(one.failure is None for one in alive):  # it could not even be loaded
                return {"error": failure, "stage": number}
    answers = [[one.failure or chain_sample(job, one) for one in run] for run in runs]
    return {"runs": answers, "fallbacks": fallbacks, "seconds": time.monotonic() - started}


class SampleRun:
    """One sample on its way through a chain: its values by (stage, tensor), or why it failed."""

    def __init__(self, sample: Json) -> None:
        self.sample = sample
        self.values: dict[Any, Any] = {}
        self.failure: Json | None = None


def some_run(alive: list[SampleRun], attempt: Any) -> None:
    """Call `attempt(optimised)` without Grappler, and with it if no sample runs."""

    def work(optimised: bool) -> None:
        for one in alive:
            one.failure = None
        attempt(optimised)
        if not optimised and alive and all(one.failure is not None for one in alive):
            raise Failed(RuntimeError("no sample ran"), "run")

    without_grappler_first(work)


def run_in_sessions(
    number: int, stage: Json, runs: list[list[SampleRun]], alive: list[SampleRun]
) -> Json | None:
    """Run all samples of all runs through one stage; return why none ran, or None."""
    try:
        graph = V1Graph(stage["model"])
        sessions = [runs] if stage["pure"] else [[run] for run in runs]

        def attempt(optimised: bool) -> None:
            work = [
                functools.partial(run_samples, graph, number, stage, some, optimised) for some in sessions
            ]
            side_by_side(work, data_bytes(stage["model"]) * len(work))

        some_run(alive, attempt)
    except Failed as error:
        return error.as_json
    failures = [one.failure for one in alive if one.failure is not None]
    return failures[0]["error"] if failures and len(failures) == len(alive) else None


def run_samples(
    graph: V1Graph, number: int, stage: Json, runs: list[list[SampleRun]], optimised: bool
) -> None:
    """Run all samples of some runs through one stage, in one fresh Session."""
    with V1(stage["model"], optimised, graph) as model:
        for one in itertools.chain(*runs):
            if one.failure is None:
                try:
                    run_stage(model, number, stage, one.sample, one.values)
                except Failed as error:
                    one.failure = {"error": error.as_json, "stage": number}


def run_called(number: int, stage: Json, run: list[SampleRun]) -> None:
    """Run all samples of one run through a callable of one fresh object."""
    alive = [one for one in run if one.failure is None]

    def attempt(optimised: bool) -> None:
        with V2(stage["model"], optimised) as model:
            for one in alive:
                try:
                    found = model.call(stage["call"], feeds_of(stage, one.sample, one.values))
                    one.values.update({(number, name): found[name] for name in stage["fetches"]})
                except Failed as error:
                    one.failure = {"error": error.as_json, "stage": number}

    some_run(alive, attempt)


def run_samples_v2(
    number: int, stage: Json, runs: list[list[SampleRun]], alive: list[SampleRun], failure: Json
) -> bool:
    """Run samples by `tf.saved_model.load`; return whether any ran.

    What was saved as an object may restore there only: a Keras model's saver can mean other variables than its
    functions read.
    """
    before = [one.failure for one in alive]

    def attempt(optimised: bool) -> None:
        for one in alive:
            one.failure = {"error": failure, "stage": number}
        for run in runs:
            with V2(stage["model"], optimised) as model:
                for one in run:
                    if one in alive:
                        with contextlib.suppress(Failed):
                            found = model.run(stage["fetches"], feeds_of(stage, one.sample, one.values))
                            if found is not None:
                                one.values.update({(number, name): value for name, value in found.items()})
                                one.failure = None

    with contextlib.suppress(Failed):
        some_run(alive, attempt)
    if any(one.failure is None for one in alive):
        return True
    for one, told in zip(alive, before):
        one.failure = told
    return False


def run_stage(model: V1, number: int, stage: Json, sample: Json, values: dict[Any, Any]) -> None:
    """Run one sample through one stage and keep its fetches in `values`."""
    fetched = model.run(stage["fetches"], feeds_of(stage, sample, values))
    for tensor, value in zip(stage["fetches"], fetched):
        values[number, tensor] = value


def feeds_of(stage: Json, sample: Json, values: dict[Any, Any]) -> Json:
    """Return the values a stage takes, by tensor name."""
    feeds = {}
    for tensor, source in stage["feeds"].items():
        if "input" in source:
            feeds[tensor] = adapted(given_or_default(source, sample), source)
        elif "constant" in source:
            feeds[tensor] = adapted(decode(source["constant"]), source)
        else:
            feeds[tensor] = adapted(values[source["stage"], source["tensor"]], source)
    return feeds


def chain_sample(job: Json, run: SampleRun) -> Json:
    """Return a sample's outputs, and a digest of the value on each wire."""
    values, outputs = run.values, {}
    for slot, at in job["outputs"].items():
        try:
            outputs[slot] = encode(taken(at, values, run.sample))
        except Failed as error:
            return {"error": error.as_json, "stage": first_stage(at)}
    wires = {}
    for number, stage in enumerate(job["stages"]):
        for target, source in stage["feeds"].items():
            if "stage" in source:
                value = adapted(values[source["stage"], source["tensor"]], source)
                name = (
                    f"{number} {target}" if source.get("steps") else f"{source['stage']} {source['tensor']}"
                )
                wires[name] = {"sha256": digest(value), "shape": list(np.shape(value))}
    return {"outputs": outputs, "wires": wires}


def job_stages_check(job: Json, pipe: Pipe) -> Json:
    """Run each stage of a chain alone in `tf.saved_model.load`, on its values in the chain.

    In: stages and samples as for `job_chain`.
    Out: {"stages": [STAGE]}, a STAGE being {"error"} if the loader can't load or run it, {} if it can't be told
    (nothing that was loaded takes just these tensors), else {"samples": [[{tensor: array} expected, {…} got]]}.
    """
    samples = [decode_sample(sample) for sample in job["samples"]]
    values: list[dict[Any, Any]] = [{} for _ in samples]
    answers: list[Json] = []
    for number, stage in enumerate(job["stages"]):
        pipe.progress(f"{stage['name']} alone")
        if stage.get("call"):  # the reference was this loader's already
            run = [SampleRun(sample) for sample in samples]
            for one, known in zip(run, values):
                one.values = known
            run_called(number, stage, run)
            answers.append({})
            continue
        if not run_alone(number, stage, samples, values):  # likewise
            answers.append({})
            continue
        try:
            check = functools.partial(check_stage, stage, number, samples, values)
            answers.append(without_grappler_first(check))
        except Failed as error:
            answers.append({"error": error.as_json})
        gc.collect()
    return {"stages": answers}


def run_alone(number: int, stage: Json, samples: list[Json], values: list[dict[Any, Any]]) -> bool:
    """Run one stage as in the reference; return whether a v1 Session ran it."""

    def run(optimised: bool) -> None:
        with V1(stage["model"], optimised) as model:
            for sample, known in zip(samples, values):
                run_stage(model, number, stage, sample, known)

    try:
        without_grappler_first(run)
        return True
    except Failed as error:
        alone = [SampleRun(sample) for sample in samples]
        for one, known in zip(alone, values):
            one.values = known
        if not run_samples_v2(number, stage, [alone], alone, error.as_json):
            raise
        return False


def check_stage(
    stage: Json, number: int, samples: list[Json], values: list[dict[Any, Any]], optimised: bool
) -> Json:
    """Run one stage in `tf.saved_model.load` on all samples; `values` are the Sessions'."""
    found = []
    with V2(stage["model"], optimised) as model:
        for sample, known in zip(samples, values):
            got = model.run(stage["fetches"], feeds_of(stage, sample, known))
            if got is None:
                return {}
            expected = {name: known[number, name] for name in stage["fetches"]}
            found.append([encode_sample(expected), encode_sample(got)])
    return {"samples": found}
