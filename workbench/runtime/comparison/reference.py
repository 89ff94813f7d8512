"""The reference of a verification: the sources one after the other, on inputs that show something.

Everything is run twice in fresh v1 Sessions, because an output that differs between two runs proves nothing. (A source
that only `tf.saved_model.load` can run is run there.) Outputs that never change prove nothing either, so more inputs
are tried before they count as constant. The results are facts; `verdict.py` judges them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import ChildDied, ChildTimeout, ExecutionFailed, WorkbenchError
from workbench.names import show
from workbench.runtime.chain import Chain, FromInput, Sample, SampleSource
from workbench.runtime.child_process import codec
from workbench.runtime.child_process.child import Child, error_text
from workbench.runtime.comparison.compare import compare, is_discrete, movement
from workbench.runtime.comparison.verdict import (
    Facts,
    InputKind,
    OutputFacts,
    SourceFailure,
    decide,
    notes,
    unmoved,
)
from workbench.runtime.inputs.makers import LONG_VARIANTS, WIDTHS

FURTHER_VARIANTS = 6
"""How many more variants of made inputs are tried, all in one go, where the first proves nothing."""
_RUNS = 2
_COMPARED_WITH_ALL = 16
# What TensorFlow says where a graph can't run, whatever it is fed.
_WHATEVER_IS_FED = re.compile(
    r"No OpKernel was registered|Could not find device for node|Op type not registered"
    r"|tensor format on (the )?CPU|FailedPreconditionError|UnimplementedError|PermissionDeniedError",
    re.IGNORECASE,
)


_UNRESTORED = "its saver restores other nodes than its functions read"


@dataclass(slots=True)
class Run:
    """What a chain gave: for each sample its outputs and the wires' digests, or an error.

    `fallbacks` tells for the stages that no v1 Session runs (by handle) why not: they were run by
    `tf.saved_model.load`.
    """

    samples: list[Sample]
    outputs: list[list[dict[str, Any]] | None]
    wires: list[dict[str, Any]]
    errors: list[str]
    fallbacks: dict[str, Fallback]

    def good(self) -> list[Sample]:
        """Return the samples that ran, each time."""
        return [
            sample for sample, outputs in zip(self.samples, self.outputs, strict=True) if outputs is not None
        ]

    def expected(self) -> list[dict[str, Any]]:
        """Return the outputs of the first run, for the samples that ran."""
        return [outputs[0] for outputs in self.outputs if outputs is not None]

    def every(self) -> list[list[dict[str, Any]]]:
        """Return the outputs of each run, for the samples that ran."""
        return [outputs for outputs in self.outputs if outputs is not None]

    def only(self, numbers: Sequence[int]) -> Run:
        """Return the run of some of the samples, in the order of their numbers."""
        return Run(
            [self.samples[number] for number in numbers],
            [self.outputs[number] for number in numbers],
            [self.wires[number] for number in numbers],
            [self.errors[number] for number in numbers],
            self.fallbacks,
        )


@dataclass(frozen=True, slots=True)
class Fallback:
    """Why no v1 Session runs a stage.

    Attributes:
        reason: in words.
        loads: whether one loads it at least.
        copied: whether one has run a copy of it instead, which has what the source lacks.
    """

    reason: str
    loads: bool
    copied: bool = False


@dataclass(slots=True, eq=False)
class Unusable(Exception):
    """The sources give no reference."""

    failure: SourceFailure


class Reference:
    """Finds inputs on which the sources run, and their outputs.

    Args:
        child: is started if it does not run.
        chain: the sources.
        source: where inputs come from.
        tolerance: relative, for floats; None for the usual one of each dtype.
        depends: output slot to whether an input reaches it; True where not told.
        time_limit: seconds for each request, or None for the child's own limit.

    Attributes:
        run: what was found: the last run of the chain, or None.
        notes: what a reader of the verdict should know besides.
        how_made: slot to how its values were made.
    """

    def __init__(
        self,
        child: Child,
        chain: Chain,
        source: SampleSource,
        tolerance: float | None,
        depends: Mapping[str, bool],
        time_limit: float | None,
    ) -> None:
        self.child = child
        self.chain = chain
        self.source = source
        self.tolerance = tolerance
        self.depends = depends
        self.time_limit = time_limit
        self.run: Run | None = None
        self.notes: list[str] = []
        self.how_made: dict[str, str] = {}
        self._made_by: list[tuple[Sample, Mapping[str, str]]] = []
        self._variants: dict[int, int] = {}  # by the identity of a sample, which _made_by keeps alive
        self._tried = 0

    def find(self) -> Facts:
        """Run the sources, on more samples where the first show nothing; return what they gave."""
        try:
            run = self._make_it_move(self._first_run())
        except Unusable as stop:
            return self._facts(None, stop.failure)
        facts = self._facts(run)
        self.notes += notes(facts)
        for name, why in run.fallbacks.items():
            how = "A copy of it was run in v1 Sessions" if why.copied else "It was run by tf.saved_model.load"
            self.notes.append(f"{how}, as no v1 Session runs {name}: {why.reason}")
        for sample, made in self._made_by:
            if any(sample is used for used in run.samples):
                self.how_made.update({slot: note for slot, note in made.items() if slot not in self.how_made})
        self.run = run
        return facts

    def _facts(self, run: Run | None, failure: SourceFailure | None = None) -> Facts:
        return Facts(
            self._inputs(),
            samples=max(len(run.samples), self._tried) if run is not None else 0,
            outputs={slot: self._output(run, slot) for slot in self.chain.outputs} if run is not None else {},
            wires_moved=run is not None and _wires_moved(run.wires),
            failure=failure,
            title=self.chain.title,
            alone=self.chain.alone,
            plural=not self.chain.name,
        )

    def _inputs(self) -> InputKind:
        feeds = [feed for stage in self.chain.stages for feed in stage.feeds.values()]
        if not any(isinstance(feed, FromInput) for feed in feeds):
            return "none"
        return "given" if self.source.given else "made"

    def _first_run(self) -> Run:
        """Return a run of samples the sources can run, given ones before made ones."""
        samples = [*self.source.given, *self._made(0)]
        if not samples:
            reason = "one of them takes a resource, a variant, or a size beyond reason."
            raise Unusable(SourceFailure(reason, "make"))
        run = self._run_chain(samples)
        good = run.good()
        if self.source.given:
            failed = next(
                (error for error in run.errors[: len(self.source.given)] if error), None
            )  # a given sample has to run
            if failed:
                raise _fails(failed)
        elif not good:
            first_error = next(error for error in run.errors if error)
            for further in self._further() if _values_help(first_error) else ():
                run = self._run_chain(further)
                good = run.good()
                if good:
                    break
            if not good:
                raise _fails(first_error)
        return run if len(good) == len(run.samples) else self._again(good)

    def _again(self, good: list[Sample]) -> Run:
        """Run samples again that ran before.

        Raises:
            Unusable: one of them does not run this time.
        """
        run = self._run_chain(good)
        failed = next((error for error in run.errors if error), None)
        if failed is not None:
            raise Unusable(SourceFailure(failed, "unreliable"))
        return run

    def _made(self, variant: int) -> list[Sample]:
        made = self.source.make(variant) if self.source.make is not None else None
        if made is None:
            return []
        self._made_by += [(sample, made.notes) for sample in made.samples]
        self._variants |= {id(sample): variant for sample in made.samples}
        return list(made.samples)

    def _further(self) -> Iterator[list[Sample]]:
        """Return more samples of the first variant, as many as can run in one go."""
        for variants in (range(1, FURTHER_VARIANTS + 1), *((number,) for number in LONG_VARIANTS)):
            samples = [sample for variant in variants for sample in self._made(variant)]
            if samples:
                yield samples

    def _make_it_move(self, run: Run) -> Run:
        """Look for samples on which every dependent output changes.

        What can be judged without them is not lost where TensorFlow dies of them or takes too long.
        """
        facts = self._facts(run)
        if not unmoved(facts):
            return run
        for further in self._further():
            try:
                wider = self._run_chain([*run.samples, *further])
                good = wider.good()
                run = wider if len(good) == len(wider.samples) else self._again(good)
            except Unusable:
                if decide(facts) is not None:
                    raise
                return run
            facts = self._facts(run)
            if not any(_is_empty(run, slot) for slot in unmoved(facts)):
                break
        return self._on_wide_values(run) if unmoved(facts) else run

    def _on_wide_values(self, run: Run) -> Run:
        """Try samples of other ranges; keep those on which something new moves."""
        made = [
            found
            for width in range(1, len(WIDTHS))
            if self.source.widen is not None
            and (found := self.source.widen(self._variant_of(run), width)) is not None
        ]
        further = [sample for one in made for sample in one.samples]
        if not further:
            return run
        self._made_by += [(sample, one.notes) for one in made for sample in one.samples]
        try:
            wider = self._run_chain([*run.samples, *further])
        except Unusable:
            return run
        self._tried = len(wider.good())
        if any(wider.errors[number] for number in range(len(run.samples))):
            return run
        kept = list(range(len(run.samples)))
        rest = self._rest(wider.only(kept))
        for number in range(len(kept), len(wider.samples)):
            if wider.outputs[number] is None or rest == (0, 0):
                continue
            left = self._rest(wider.only([*kept, number]))
            if left < rest:
                kept.append(number)
                rest = left
        if len(kept) == len(run.samples):
            return run
        return self._again([wider.samples[number] for number in kept])

    def _rest(self, run: Run) -> tuple[int, int]:
        """Return how many outputs never change, and how many change in size only."""
        facts = self._facts(run)
        moves = [facts.outputs[slot].movement for slot in unmoved(facts)]
        return moves.count("still"), moves.count("size")

    def _variant_of(self, run: Run) -> int:
        """Return the variant of made samples that ran."""
        return next((self._variants[id(sample)] for sample in run.samples if id(sample) in self._variants), 0)

    def _output(self, run: Run, slot: str) -> OutputFacts:
        """Return how one output behaved over all samples and runs."""
        runs = [outputs for outputs in run.outputs if outputs is not None]
        first = runs[0][0][slot]
        depends, discrete = self.depends.get(slot, True), is_discrete(first)
        for one, *others in runs:
            for other in others:
                found = compare(one[slot], other[slot], self.tolerance)
                if not found.equal:
                    return OutputFacts("random", depends, discrete, detail=str(found.reason))
        if not depends:
            return OutputFacts("still", depends, discrete)
        values = [outputs[0][slot] for outputs in runs]
        starts = values[:_COMPARED_WITH_ALL]  # of thousands, what differs from none of these has not moved
        sized = False
        for number, start in enumerate(starts):
            for other in values[number + 1 :]:
                seen = movement(start, other, self.tolerance)
                if seen == "value":
                    return OutputFacts("value", depends, discrete)
                sized = sized or seen == "size"
        whole = not discrete and _is_whole(first)
        return OutputFacts("size" if sized else "still", depends, discrete, whole)

    def _run_chain(self, samples: list[Sample]) -> Run:
        pieces = self.chain.pieces(samples)
        job = {
            "job": "chain",
            **self.chain.as_json(),
            "samples": [codec.encode_sample(piece) for own in pieces for piece in own],
            "repeat": _RUNS,
        }
        try:
            answer = self.child.start().request(job, time_limit=self.time_limit)
        except (ChildDied, ChildTimeout, ExecutionFailed) as error:
            raise Unusable(SourceFailure(text_of(error), "end", hint=error.hint)) from None
        if "error" in answer:
            name = show(self.chain.stages[answer["stage"]].name)
            reason = f"Source {name} can't be loaded alone: {error_text(answer['error'])}"
            raise Unusable(SourceFailure(reason, "load"))
        fallbacks = {
            show(self.chain.stages[int(number)].name): Fallback(error_text(error), error["phase"] != "load")
            for number, error in answer["fallbacks"].items()
        }
        for stage in self.chain.stages:
            if stage.mended:
                fallbacks.setdefault(show(stage.name), Fallback(_UNRESTORED, loads=True, copied=True))
        run = Run(list(samples), [], [], [], fallbacks)
        start = 0
        for sample, own in zip(samples, pieces, strict=True):
            results = [one[start : start + len(own)] for one in answer["runs"]]
            start += len(own)
            failed = next((result for one in results for result in one if "error" in result), None)
            if failed is None:
                run.outputs.append([self._whole(sample, one) for one in results])
                run.wires.append(results[0][0]["wires"])
                run.errors.append("")
            else:
                name = show(self.chain.stages[failed["stage"]].name)
                run.outputs.append(None)
                run.wires.append({})
                run.errors.append(f"{name}: {error_text(failed['error'])}")
        return run

    def _whole(self, sample: Sample, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the outputs of a sample from those of its pieces."""
        parts = [codec.decode_sample(result["outputs"]) for result in results]
        if self.chain.rows is None:
            return parts[0]
        try:
            return self.chain.rows.join(sample, parts)
        except ValueError as problem:
            reason = f"its outputs for single rows can't be joined: {problem}"
            raise Unusable(SourceFailure(reason, "run", values_help=False)) from None


def _fails(error: str) -> Unusable:
    return Unusable(SourceFailure(error, "run", values_help=_values_help(error)))


def _values_help(error: str) -> bool:
    """Return whether other values may help; False where TensorFlow can't run the graph at all."""
    return _WHATEVER_IS_FED.search(error) is None


def text_of(error: WorkbenchError) -> str:
    """Return an error's place and message, without the hint."""
    return f"{error.where}: {error.message}" if error.where else error.message


def _is_empty(run: Run, slot: str) -> bool:
    """Return whether an output had no elements on all samples."""
    return all(sample[slot].size == 0 for sample in run.expected())


def _is_whole(array: Any) -> bool:
    return bool((array == array.round()).all())


def _wires_moved(wires: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a wire carried different values of the same shape for two samples."""
    seen: dict[tuple[str, str], str] = {}
    for sample in wires:
        for name, value in sample.items():
            key = (name, str(value["shape"]))
            if seen.setdefault(key, value["sha256"]) != value["sha256"]:
                return True
    return False
