"""Proving a merge: the models one after the other, the merged model, the same inputs, the same results.

The reference is found by `reference.py`. Here the result is run in each loader, and where it fails, the sources alone.
The results are facts for `verdict.py`, which judges them; `verification.py` has the result of that.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from workbench.errors import ChildDied, ChildTimeout, ExecutionFailed, WorkbenchError
from workbench.names import show
from workbench.runtime.chain import Chain, Make, ResultModel, Sample, SampleSource
from workbench.runtime.child_process import codec
from workbench.runtime.child_process.child import Child, error_text
from workbench.runtime.comparison.compare import Comparison, compare, compare_form
from workbench.runtime.comparison.reference import Reference, Run, text_of
from workbench.runtime.comparison.slack import slack_of
from workbench.runtime.comparison.verdict import (
    LOADER_NAMES,
    Decision,
    Facts,
    LoaderFacts,
    ResultRun,
    SourcesRun,
    decide,
)
from workbench.runtime.comparison.verification import (
    Excerpt,
    LoaderCheck,
    OutputCheck,
    Verification,
    not_run,
)

LOADERS = tuple(LOADER_NAMES)


def verify(
    child: Child,
    reference: Chain,
    result: ResultModel,
    samples: SampleSource | Sequence[Sample] | Make,
    *,
    tolerance: float | None = None,
    depends: Mapping[str, bool] | None = None,
    time_limit: float | None = None,
) -> Verification:
    """Runs the reference and the merged model and compares them.

    Args:
        child: is started if it does not run.
        reference: the sources one after the other.
        result: the merged model, staged.
        samples: given ones, or a maker of them.
        tolerance: relative, for floats; None for the usual one of each dtype.
        depends: output slot to whether the graph leads from an input to it; True where not told.
        time_limit: seconds for each request, or None for the child's own limit.
    """
    verifier = Verifier(
        child, reference, samples, tolerance=tolerance, depends=depends, time_limit=time_limit
    )
    return verifier.reference() or verifier.result(result)


class Verifier:
    """Verify in two steps: run the reference first, so that a model that can't run is known before any copy.

    Use `reference` first. If it gives None, call `result` with the merged model. Arguments as for `verify`.
    """

    def __init__(
        self,
        child: Child,
        chain: Chain,
        samples: SampleSource | Sequence[Sample] | Make,
        *,
        tolerance: float | None = None,
        depends: Mapping[str, bool] | None = None,
        time_limit: float | None = None,
    ) -> None:
        self.child = child
        self.chain = chain
        self.source = SampleSource.of(samples)
        self.tolerance = tolerance
        self.depends = dict(depends or {})
        self.time_limit = time_limit
        self._run: Run | None = None
        self._facts: Facts | None = None
        self._notes: list[str] = []
        self._how_made: dict[str, str] = {}
        self._versions: Mapping[str, str] = {}
        self._seconds: dict[str, float] = {}

    def reference(self) -> Verification | None:
        """Runs the sources. Returns a verdict if it is reached already, else None."""
        finder = Reference(self.child, self.chain, self.source, self.tolerance, self.depends, self.time_limit)
        self._notes, self._how_made = finder.notes, finder.how_made
        try:
            with self._timed("TensorFlow"):
                self._versions = self.child.start().ready()
        except WorkbenchError as error:
            return not_run(text_of(error), error.hint)
        with self._timed("reference"):
            self._facts = finder.find()
        self._run = finder.run
        decision = decide(self._facts)
        return self._verification(decision) if decision is not None else None

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self._seconds[name] = time.monotonic() - started

    def result(self, result: ResultModel) -> Verification:
        """Runs the merged model in both loaders and compares. `reference` must have given None."""
        assert self._facts is not None
        facts: list[LoaderFacts] = []
        loaders: list[LoaderCheck] = []
        outputs: list[OutputCheck] = []
        unfinished = hint = None
        try:
            answers = self._run_result(result)
        except ChildTimeout as error:
            answers = {}
            unfinished = f"{result.name[:1].upper()}{result.name[1:]}: {text_of(error)}"
            hint = error.hint
        for loader, answer in answers.items():
            one, found = self._judge(loader, answer, result)
            facts.append(one)
            loaders.append(LoaderCheck(loader, one.status, one.told, float(answer["seconds"])))
            outputs += found if one.status != "skipped" else []
            self._seconds[one.name] = float(answer["seconds"])
        decision = decide(
            replace(
                self._facts,
                loaders=facts,
                unfinished=unfinished,
                count=self._inputs(),
                result=result.name,
            )
        )
        assert decision is not None
        return self._verification(replace(decision, hint=decision.hint or hint), loaders, outputs)

    def _inputs(self) -> str:
        """Say on how many samples it was run: `1 sample`, `1,000 given samples and 2 made ones`.

        A sample has a value for each input; `input` in a text is always one input of a signature.
        """
        count, given = (len(self._run.samples) if self._run is not None else 0), self._given()
        if not given or given == count:
            return f"{count:,} {'given ' if given else ''}sample{'' if count == 1 else 's'}"
        made = count - given
        return (
            f"{given:,} given sample{'' if given == 1 else 's'} "
            f"and {made:,} made one{'' if made == 1 else 's'}"
        )

    def _given(self) -> int:
        known = {id(sample) for sample in self.source.given}
        return sum(id(sample) in known for sample in self._run.samples) if self._run is not None else 0

    def _run_result(self, result: ResultModel) -> dict[str, Any]:
        """What each loader makes of the merged model; if TensorFlow dies of both, each is tried alone."""
        wanted = (
            LOADERS if result.model.kind == "saved_model" else ("v1",)
        )  # the other does not read GraphDefs
        try:
            return self._request_result(result, wanted)
        except ChildDied:
            pass
        answers: dict[str, Any] = {}
        for loader in wanted:
            try:
                answers |= self._request_result(result, (loader,))
            except ChildDied as error:
                answers[loader] = {"error": {"type": "crash", "message": text_of(error)}, "seconds": 0.0}
        return answers

    def _request_result(self, result: ResultModel, loaders: Sequence[str]) -> dict[str, Any]:
        assert self._run is not None
        job = {
            "job": "result",
            **result.as_json(),
            "samples": [codec.encode_sample(sample) for sample in self._run.samples],
            "loaders": list(loaders),
        }
        return self.child.start().request(job, time_limit=self.time_limit)

    def _judge(
        self, loader: str, answer: Mapping[str, Any], result: ResultModel
    ) -> tuple[LoaderFacts, list[OutputCheck]]:
        """Compares what one loader gave, sample by sample."""
        assert self._run is not None
        failure = _failure(answer)
        if failure is not None:
            kind: ResultRun = "does not load" if _failed_to_load(answer) else "fails"
            told = f"only {result.name} fails: {failure}"
            return LoaderFacts(loader, kind, told, *self._sources_in(loader)), []
        problem = _keys_problem(answer["keys"], result) if result.model.kind == "saved_model" else None
        checks = []
        for number, (expected, found) in enumerate(zip(self._run.expected(), answer["samples"], strict=True)):
            got = codec.decode_sample(found["outputs"])
            problem = problem or _slots_problem(expected, got)
            for slot in expected:
                if slot in got:
                    comparison = self._compare(slot, number, got[slot])
                    values = Excerpt.of(expected[slot], got[slot], comparison.where)
                    checks.append(OutputCheck(slot, loader, number, comparison, values))
        worst = _worst(checks)
        bad = next((check for check in worst if not check.comparison.equal), None)
        if problem is None and bad is not None:
            problem = f"output {show(bad.output)}: {bad.comparison.reason}"
        if problem is None:
            return LoaderFacts(loader, "equal"), worst
        return LoaderFacts(loader, "differs", problem, *self._sources_in(loader)), worst

    def _compare(self, slot: str, sample: int, got: Any) -> Comparison:
        """Compares one output on one sample with what the sources gave."""
        assert self._run is not None and self._facts is not None
        runs = [one[slot] for one in self._run.every()[sample]]
        if self._facts.outputs[slot].movement == "random":
            return compare_form(runs, got)
        found = compare(runs[0], got, self.tolerance)
        if found.equal or self.tolerance is not None:
            return found
        slack = slack_of(self.chain, slot, self._run.samples[sample])
        allowed = compare(runs[0], got, slack=slack) if slack else found
        if allowed.equal:
            note = f"Output {show(slot)} is equal within the tolerance of the adapters that lead to it."
            self._notes += [note] if note not in self._notes else []
        return allowed

    def _random(self) -> set[tuple[int, str]]:
        """Outputs of stages that are random, as far as they are outputs of the chain."""
        assert self._facts is not None
        return {
            (at.stage, at.tensor)
            for slot, taken in self.chain.outputs.items()
            if self._facts.outputs[slot].movement == "random"
            for at in taken.origins()
        }

    def _sources_in(self, loader: str) -> tuple[SourcesRun, str | None]:
        """Whether a loader runs the sources, each on the values it gets in the chain, and if not, why.

        They run there if all give what they gave in the reference, or if that can't be told.
        """
        assert self._run is not None
        if loader == "v1":  # the reference has run there, but for its fallbacks
            for name, why in self._run.fallbacks.items():
                if not why.loads:
                    return "none", f"it can't load {name} alone either: {why.reason}"
            found = next(iter(self._run.fallbacks.items()), None)
            if found is not None:
                return "load", f"it can't run {found[0]} alone either: {found[1].reason}"
            if all(stage.call is None for stage in self.chain.stages):
                return "run", None
        for stage in self.chain.stages:
            if loader == "v1" and stage.call is None:
                continue
            job = {"job": "load_check", "model": stage.model.as_json(), "loader": loader}
            try:
                answer = self.child.start().request(job, time_limit=self.time_limit)
            except (ChildDied, ChildTimeout) as error:
                answer = {"ok": False, "error": {"type": "crash", "message": text_of(error)}}
            if not answer["ok"]:
                return "none", f"it can't load {show(stage.name)} alone either: {error_text(answer['error'])}"
        if loader == "v1":
            return "run", None
        return self._sources_in_v2()

    def _sources_in_v2(self) -> tuple[SourcesRun, str | None]:
        """As `_sources_in`, for sources that `tf.saved_model.load` loads."""
        assert self._run is not None
        chain_job = {
            "job": "stages_check",
            "stages": self.chain.as_json()["stages"],
            "samples": [
                codec.encode_sample(piece) for own in self.chain.pieces(self._run.samples) for piece in own
            ],
        }
        try:
            answers = self.child.start().request(chain_job, time_limit=self.time_limit)["stages"]
        except (ChildDied, ChildTimeout, ExecutionFailed):
            return "run", None
        random = self._random()
        for number, (stage, answer) in enumerate(zip(self.chain.stages, answers, strict=True)):
            problem = self._problem_of_source(answer, {tensor for at, tensor in random if at == number})
            if problem is not None:
                return "load", f"it can't run {show(stage.name)} alone either: {problem}"
        return "run", None

    def _problem_of_source(self, answer: Mapping[str, Any], random: Set[str]) -> str | None:
        """What a source does wrong alone, or None if nothing or if it could not be told.

        `random` tensors are not compared.
        """
        if "error" in answer:
            return error_text(answer["error"])
        for pair in answer.get("samples", ()):
            expected, got = map(codec.decode_sample, pair)
            for tensor, value in expected.items():
                if tensor in random:
                    continue
                found = compare(value, got[tensor], self.tolerance)
                if not found.equal:
                    return f"{show(tensor)}: {found.reason}"
        return None

    def _verification(
        self,
        decision: Decision,
        loaders: Sequence[LoaderCheck] = (),
        outputs: Sequence[OutputCheck] = (),
    ) -> Verification:
        if decision.verdict == "not run":
            return not_run(decision.reason, decision.hint)
        return Verification(
            decision.verdict,
            decision.reason,
            decision.hint,
            loaders=tuple(loaders),
            outputs=tuple(outputs),
            samples=tuple(self._run.samples) if self._run is not None else (),
            given=self._given(),
            how_made=dict(self._how_made),
            notes=tuple(self._notes),
            versions=self._versions,
            tolerance=self.tolerance,
            seconds=dict(self._seconds),
        )


def _failed_to_load(answer: Mapping[str, Any]) -> bool:
    """Whether a loader did not get as far as running the result; a crash may have come at any point."""
    return "error" in answer and answer["error"].get("phase") == "load"


def _failure(answer: Mapping[str, Any]) -> str | None:
    """The error of a loader on the result, or None if it ran."""
    if "error" in answer:
        return error_text(answer["error"])
    for found in answer["samples"]:
        if "error" in found:
            return error_text(found["error"])
    return None


def _keys_problem(keys: Mapping[str, Any] | None, result: ResultModel) -> str | None:
    """What is wrong with the signature's output keys as a loader sees them, or None."""
    if keys is None:
        return f"it has no signature {show(result.signature.key)!r}"
    expected, got = sorted(result.signature.outputs), sorted(keys["outputs"])
    if expected != got:
        return f"the outputs are {', '.join(map(show, got))}, expected {', '.join(map(show, expected))}"
    return None


def _slots_problem(expected: Mapping[str, Any], got: Mapping[str, Any]) -> str | None:
    if set(expected) == set(got):
        return None
    missing, extra = sorted(set(expected) - set(got)), sorted(set(got) - set(expected))
    parts = [f"missing {', '.join(map(show, missing))}"] if missing else []
    parts += [f"not in the reference {', '.join(map(show, extra))}"] if extra else []
    return f"the outputs are not the same: {'; '.join(parts)}"


def _worst(checks: Sequence[OutputCheck]) -> list[OutputCheck]:
    """For each output the sample where it is worst: unequal before equal, then by the largest difference."""

    def badness(comparison: Comparison) -> tuple[bool, float]:
        return (not comparison.equal, comparison.max_abs or 0.0)

    found: dict[str, OutputCheck] = {}
    for check in checks:
        best = found.get(check.output)
        if best is None or badness(check.comparison) > badness(best.comparison):
            found[check.output] = check
    return list(found.values())
