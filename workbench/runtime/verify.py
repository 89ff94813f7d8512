"""Proving a merge: the models one after the other, the merged model, the same inputs, the same results.

The reference runs in fresh v1 Sessions, twice, because what disagrees with itself proves nothing. Outputs
that never move prove nothing either. A loader that can't load or run one of the sources alone is not held
against the result. See `verification.py` for what comes out.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import ChildDied, ChildTimeout, ExecutionFailed, RuntimeFailure, WorkbenchError
from workbench.names import show
from workbench.runtime import codec
from workbench.runtime.chain import Chain, Make, ResultModel, Sample, SampleSource
from workbench.runtime.child import Child, error_text
from workbench.runtime.compare import Comparison, compare, is_discrete, moved
from workbench.runtime.verification import (
    LoaderCheck,
    OutputCheck,
    Verdict,
    Verification,
    not_run,
)

FURTHER_VARIANTS = 5
"""How many more variants of made inputs are tried, all in one go, before giving up."""
_INPUT_HINT = "Give values it can run on: --input KEY=VALUE."


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


@dataclass(slots=True)
class _Run:
    """One run of the chain in fresh Sessions: for each sample the outputs and wire digests, or an error."""

    samples: list[Sample]
    outputs: list[dict[str, Any] | None]
    wires: list[dict[str, Any]]
    errors: list[str]

    def good(self) -> list[Sample]:
        """The samples that ran."""
        return [
            sample for sample, outputs in zip(self.samples, self.outputs, strict=True) if outputs is not None
        ]


@dataclass(slots=True, eq=False)
class _Stop(Exception):
    """A verdict that is reached."""

    verdict: Verdict
    reason: str
    hint: str | None = None


@dataclass(slots=True)
class Verifier:
    """A verification in two steps, so that what can't be run is known before anything is copied.

    Use `reference` first. If it gives None, call `result` with the merged model.
    """

    child: Child
    chain: Chain
    source: SampleSource
    tolerance: float | None
    depends: Mapping[str, bool]
    time_limit: float | None
    _run: _Run | None = None
    _notes: list[str] = field(default_factory=list)
    _how_made: dict[str, str] = field(default_factory=dict)
    _versions: Mapping[str, str] = field(default_factory=dict)
    _seconds: dict[str, float] = field(default_factory=dict)

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
        self._run = None
        self._notes, self._how_made, self._versions, self._seconds = [], {}, {}, {}

    # ------------------------------------------------------------ reference

    def reference(self) -> Verification | None:
        """Runs the sources. Returns a verdict if it is reached already, else None."""
        try:
            started = time.monotonic()
            self._versions = self._start()
            self._seconds["TensorFlow"] = time.monotonic() - started
            started = time.monotonic()
            run = self._first_run()
            run = self._repeat(run)
            run = self._make_it_move(run)
            self._seconds["reference"] = time.monotonic() - started
            self._run = run
        except _Stop as stop:
            return self._verification(stop.verdict, stop.reason, stop.hint)
        return None

    def _start(self) -> Mapping[str, str]:
        try:
            return self.child.start().ready()
        except (RuntimeFailure, WorkbenchError) as error:
            raise _Stop("not run", _text(error), error.hint) from None

    def _first_run(self) -> _Run:
        """A run of samples that the sources can run, given ones before made ones."""
        samples = [*self.source.given, *self._made(0)]
        run = self._run_chain(samples)
        good = run.good()
        if self.source.given:
            failed = next(
                (error for error in run.errors[: len(self.source.given)] if error), None
            )  # a given sample has to run
            if failed:
                raise _Stop("inconclusive", f"The sources alone fail on the given input: {failed}")
        elif not good:
            further = [sample for variant in range(1, FURTHER_VARIANTS + 1) for sample in self._made(variant)]
            first_error = next((error for error in run.errors if error), "there is nothing to try")
            run = self._run_chain(further) if further else run
            good = run.good()
            if not good:
                raise _Stop(
                    "not run", f"No input could be made that the sources run on: {first_error}", _INPUT_HINT
                )
        return run if len(good) == len(run.samples) else self._run_chain(good)

    def _made(self, variant: int) -> list[Sample]:
        made = self.source.make(variant) if self.source.make is not None else None
        if made is None:
            return []
        for slot, note in made.notes.items():
            self._how_made.setdefault(slot, note)
        return list(made.samples)

    def _repeat(self, run: _Run) -> _Run:
        """Runs the same again, and stops if the reference disagrees with itself."""
        again = self._run_chain(run.samples)
        for number, (first, second) in enumerate(zip(run.outputs, again.outputs, strict=True)):
            if first is None or second is None:
                error = run.errors[number] or again.errors[number]
                raise _Stop("inconclusive", f"The sources alone do not run reliably: {error}")
            for slot, expected in first.items():
                found = compare(expected, second[slot], self.tolerance)
                if not found.equal:
                    raise _Stop(
                        "inconclusive",
                        f"Two runs of the sources disagree: output {show(slot)}: {found.reason}.",
                        "They use random numbers or something outside the model; nothing can be proven.",
                    )
        return run

    def _make_it_move(self, run: _Run) -> _Run:
        """Looks for samples on which every output that depends on an input changes."""
        still = self._still(run)
        if still and self.source.make is not None:
            further = [sample for variant in range(1, FURTHER_VARIANTS + 1) for sample in self._made(variant)]
            if further:
                wider = self._run_chain([*run.samples, *further])
                good = wider.good()
                if len(good) != len(wider.samples):
                    wider = self._run_chain(good)
                if len(wider.good()) == len(wider.samples):
                    run = self._repeat(wider)
                    still = self._still(run)
        if still and self.source.given and len(run.samples) == 1:
            self._notes.append("It was run on one input only, so that outputs move with it was not seen.")
            still = []
        if still:
            listed = ", ".join(map(show, still[:8]))
            raise _Stop(
                "inconclusive",
                f"{'Output' if len(still) == 1 else 'Outputs'} {listed} never moved when the input did, "
                f"in {len(run.samples)} runs: an equal result would prove nothing.",
                _INPUT_HINT,
            )
        return run

    def _still(self, run: _Run) -> list[str]:
        """Outputs that depend on an input and never moved."""
        outputs = [sample for sample in run.outputs if sample is not None]
        still: list[str] = []
        moving: list[str] = []
        for slot in self.chain.outputs:
            if not self.depends.get(slot, True):
                continue
            values = [sample[slot] for sample in outputs]
            pairs = ((one, other) for i, one in enumerate(values) for other in values[i + 1 :])
            (moving if any(moved(one, other, self.tolerance) for one, other in pairs) else still).append(slot)
        return self._excuse(still, moving, outputs, run.wires) if outputs else still

    def _excuse(
        self, still: list[str], moving: list[str], outputs: list[dict[str, Any]], wires: list[dict[str, Any]]
    ) -> list[str]:
        """Those of `still` that prove nothing: discrete ones do if what leads to them was seen to move."""
        seen = [slot for slot in moving if not is_discrete(outputs[0][slot])]
        if not seen and not _wires_moved(wires):
            return still
        excused = [slot for slot in still if is_discrete(outputs[0][slot])]
        if excused:
            what = f"output {show(seen[0])}" if seen else "what goes over the wires"
            note = f"{', '.join(map(show, excused))} stayed the same on all inputs; {what} moved."
            if note not in self._notes:
                self._notes.append(note)
        return [slot for slot in still if slot not in excused]

    def _run_chain(self, samples: list[Sample]) -> _Run:
        if not samples:
            return _Run([], [], [], [])
        job = {
            "job": "chain",
            **self.chain.as_json(),
            "samples": [codec.encode_sample(sample) for sample in samples],
        }
        try:
            answer = self.child.start().request(job, time_limit=self.time_limit)
        except (ChildDied, ChildTimeout, ExecutionFailed) as error:
            raise _Stop(
                "inconclusive", f"The sources alone can't be run: {_text(error)}", error.hint
            ) from None
        if "error" in answer:
            name = show(self.chain.stages[answer["stage"]].name)
            reason = f"Source {name} can't be loaded alone: {error_text(answer['error'])}"
            raise _Stop("inconclusive", reason)
        run = _Run(list(samples), [], [], [])
        for found in answer["samples"]:
            failed = "error" in found
            run.outputs.append(None if failed else codec.decode_sample(found["outputs"]))
            run.wires.append(found.get("wires", {}))
            name = show(self.chain.stages[found["stage"]].name) if failed else ""
            run.errors.append(f"{name}: {error_text(found['error'])}" if failed else "")
        return run

    # ------------------------------------------------------------ result

    def result(self, result: ResultModel) -> Verification:
        """Runs the merged model in both loaders and compares. `reference` must have given None."""
        assert self._run is not None
        loaders: list[LoaderCheck] = []
        outputs: list[OutputCheck] = []
        try:
            for loader in ("v1", "v2"):
                check, found = self._run_loader(loader, result)
                loaders.append(check)
                outputs += found
                self._seconds[check.name] = check.seconds
        except _Stop as stop:
            return self._verification(stop.verdict, stop.reason, stop.hint, loaders, outputs)
        bad = next((check for check in loaders if check.status in ("differs", "failed")), None)
        if bad is not None:
            reason = f"In {bad.name}: {bad.reason}"
            return self._verification("differs", reason, None, loaders, outputs)
        return self._verification("verified", self._good_reason(loaders), None, loaders, outputs)

    def _good_reason(self, loaders: Sequence[LoaderCheck]) -> str:
        ran = " and ".join(check.name for check in loaders if check.status == "equal")
        count = len(self._run.samples) if self._run is not None else 0
        skipped = "".join(
            f" {check.name} was left out: {check.reason}" for check in loaders if check.status == "skipped"
        )
        inputs = "1 input" if count == 1 else f"{count} inputs"
        return f"Equal to the sources one after the other on {inputs}, in {ran}.{skipped}"

    def _run_loader(self, loader: str, result: ResultModel) -> tuple[LoaderCheck, list[OutputCheck]]:
        assert self._run is not None
        job = {
            "job": "result",
            **result.as_json(),
            "samples": [codec.encode_sample(sample) for sample in self._run.samples],
            "loaders": [loader],
        }
        started = time.monotonic()
        try:
            answer = self.child.start().request(job, time_limit=self.time_limit)[loader]
        except ChildTimeout as error:
            raise _Stop("inconclusive", f"The merged model: {_text(error)}", error.hint) from None
        except ChildDied as error:
            answer = {"error": {"type": "crash", "message": _text(error)}}
        seconds = float(answer.get("seconds", time.monotonic() - started))
        failure = _failure(answer)
        if failure is not None:
            excuse = self._excuse_of_sources(loader) if loader != "v1" else None
            if excuse is not None:
                return LoaderCheck(loader, "skipped", excuse, seconds), []
            return LoaderCheck(loader, "failed", f"only the merged model fails: {failure}", seconds), []
        problem = _keys_problem(answer["keys"], result)
        checks = []
        for number, found in enumerate(answer["samples"]):
            got = codec.decode_sample(found["outputs"])
            expected = self._run.outputs[number]
            assert expected is not None
            problem = problem or _slots_problem(expected, got)
            for slot in expected:
                if slot in got:
                    comparison = compare(expected[slot], got[slot], self.tolerance)
                    checks.append(OutputCheck(slot, loader, number, comparison))
        worst = _worst(checks)
        bad = next((check for check in worst if not check.comparison.equal), None)
        if problem is None and bad is not None:
            problem = f"output {show(bad.output)}: {bad.comparison.reason}"
        status: Any = "equal" if problem is None else "differs"
        if problem is not None and loader != "v1":
            excuse = self._excuse_of_sources(loader)
            if excuse is not None:
                return LoaderCheck(loader, "skipped", excuse, seconds), []
        return LoaderCheck(loader, status, problem, seconds), worst

    def _excuse_of_sources(self, loader: str) -> str | None:
        """Why a loader can't be held against the result: it can't load or run one of the sources alone either.

        Each source is run on the values it gets in the chain. None if all give what they give in a v1 Session.
        """
        assert self._run is not None
        for stage in self.chain.stages:
            job = {"job": "load_check", "model": stage.model.as_json(), "loader": loader}
            try:
                answer = self.child.start().request(job, time_limit=self.time_limit)
            except (ChildDied, ChildTimeout) as error:
                answer = {"ok": False, "error": {"type": "crash", "message": _text(error)}}
            if not answer["ok"]:
                return f"it can't load {show(stage.name)} alone either: {error_text(answer['error'])}"
        chain_job = {
            "job": "stages_check",
            "stages": self.chain.as_json()["stages"],
            "samples": [codec.encode_sample(sample) for sample in self._run.samples],
        }
        try:
            answers = self.child.start().request(chain_job, time_limit=self.time_limit)["stages"]
        except (ChildDied, ChildTimeout, ExecutionFailed):
            return None
        for stage, answer in zip(self.chain.stages, answers, strict=True):
            problem = self._problem_of_source(answer)
            if problem is not None:
                return f"it can't run {show(stage.name)} alone either: {problem}"
        return None

    def _problem_of_source(self, answer: Mapping[str, Any]) -> str | None:
        """What a source does wrong alone, or None if nothing or if it could not be told."""
        if "error" in answer:
            return error_text(answer["error"])
        for pair in answer.get("samples", ()):
            expected, got = map(codec.decode_sample, pair)
            for tensor, value in expected.items():
                found = compare(value, got[tensor], self.tolerance)
                if not found.equal:
                    return f"{show(tensor)}: {found.reason}"
        return None

    def _verification(
        self,
        verdict: Verdict,
        reason: str,
        hint: str | None = None,
        loaders: Sequence[LoaderCheck] = (),
        outputs: Sequence[OutputCheck] = (),
    ) -> Verification:
        if verdict == "not run":
            return not_run(reason, hint)
        return Verification(
            verdict,
            reason,
            hint,
            loaders=tuple(loaders),
            outputs=tuple(outputs),
            samples=tuple(self._run.samples) if self._run is not None else (),
            how_made=dict(self._how_made),
            notes=tuple(self._notes),
            versions=self._versions,
            tolerance=self.tolerance,
            seconds=dict(self._seconds),
        )


def _text(error: WorkbenchError) -> str:
    return f"{error.where}: {error.message}" if error.where else error.message


def _failure(answer: Mapping[str, Any]) -> str | None:
    """The error of a loader on the result, or None if it ran."""
    if "error" in answer:
        return error_text(answer["error"])
    for found in answer["samples"]:
        if "error" in found:
            return error_text(found["error"])
    return None


def _wires_moved(wires: Sequence[Mapping[str, Any]]) -> bool:
    """Whether any wire carried different values of the same shape for two samples."""
    seen: dict[tuple[str, str], str] = {}
    for sample in wires:
        for name, value in sample.items():
            key = (name, str(value["shape"]))
            if seen.setdefault(key, value["sha256"]) != value["sha256"]:
                return True
    return False


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
