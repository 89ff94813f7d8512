"""The reference of a verification: the sources one after the other, on inputs that show something.

All is run twice in fresh v1 Sessions, because what disagrees with itself proves nothing. (A source that only
`tf.saved_model.load` can run is run there.) Outputs that never move prove nothing either, so more inputs are
tried before they count as still.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import ChildDied, ChildTimeout, ExecutionFailed, WorkbenchError
from workbench.names import show
from workbench.runtime import codec
from workbench.runtime.chain import Chain, Sample, SampleSource
from workbench.runtime.child import Child, error_text
from workbench.runtime.compare import compare, is_discrete, moved
from workbench.runtime.verification import Verdict

FURTHER_VARIANTS = 6
"""How many more variants of made inputs are tried, all in one go, where the first proves nothing."""
LONG_VARIANTS = (7, 8)
"""Variants with long inputs, tried one by one where nothing runs or nothing comes out of shorter ones."""
_INPUT_HINT = "Give values it can run on: --input KEY=VALUE."
_RUNS = 2
_COMPARED_WITH_ALL = 16


@dataclass(slots=True)
class Run:
    """What the chain gave: for each sample the outputs of each run and the wires' digests, or an error.

    `fallbacks` tells for the stages that no v1 Session runs (by handle) why not: they were run by
    `tf.saved_model.load`.
    """

    samples: list[Sample]
    outputs: list[list[dict[str, Any]] | None]
    wires: list[dict[str, Any]]
    errors: list[str]
    fallbacks: dict[str, str]

    def good(self) -> list[Sample]:
        """The samples that ran, each time."""
        return [
            sample for sample, outputs in zip(self.samples, self.outputs, strict=True) if outputs is not None
        ]

    def expected(self) -> list[dict[str, Any]]:
        """The outputs of the first run, for the samples that ran."""
        return [outputs[0] for outputs in self.outputs if outputs is not None]


@dataclass(slots=True, eq=False)
class Stop(Exception):
    """A verdict that is reached."""

    verdict: Verdict
    reason: str
    hint: str | None = None


class Reference:
    """Finds inputs the sources run on, and what they give.

    Args:
        child: is started if it does not run.
        chain: the sources.
        source: where inputs come from.
        tolerance: relative, for floats; None for the usual one of each dtype.
        depends: output slot to whether an input reaches it; True where not told.
        time_limit: seconds for each request, or None for the child's own limit.
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
        self.notes: list[str] = []
        self.how_made: dict[str, str] = {}
        self._made_by: list[tuple[Sample, Mapping[str, str]]] = []

    def find(self) -> Run:
        """A run on samples that prove something.

        Raises:
            Stop: there is none; it carries the verdict.
        """
        run = self._first_run()
        self._agree(run)
        run = self._make_it_move(run)
        for name, why in run.fallbacks.items():
            self.notes.append(f"{name} was run by tf.saved_model.load; no v1 Session runs it: {why}")
        for sample, notes in self._made_by:
            if any(sample is used for used in run.samples):
                self.how_made.update(
                    {slot: note for slot, note in notes.items() if slot not in self.how_made}
                )
        return run

    def _first_run(self) -> Run:
        """A run of samples that the sources can run, given ones before made ones."""
        samples = [*self.source.given, *self._made(0)]
        run = self._run_chain(samples)
        good = run.good()
        if self.source.given:
            failed = next(
                (error for error in run.errors[: len(self.source.given)] if error), None
            )  # a given sample has to run
            if failed:
                raise Stop("inconclusive", f"{self.chain.says('fail', 'fails')} on the given input: {failed}")
        elif not good:
            first_error = next((error for error in run.errors if error), "there is nothing to try")
            for further in self._further():
                run = self._run_chain(further)
                good = run.good()
                if good:
                    break
            if not good:
                raise Stop(
                    "not run", f"No input could be made that the sources run on: {first_error}", _INPUT_HINT
                )
        return run if len(good) == len(run.samples) else self._run_chain(good)

    def _made(self, variant: int) -> list[Sample]:
        made = self.source.make(variant) if self.source.make is not None else None
        if made is None:
            return []
        self._made_by += [(sample, made.notes) for sample in made.samples]
        return list(made.samples)

    def _further(self) -> Iterator[list[Sample]]:
        """More samples than those of the first variant, as many as there are reasonable to run in one go."""
        for variants in (range(1, FURTHER_VARIANTS + 1), *((number,) for number in LONG_VARIANTS)):
            samples = [sample for variant in variants for sample in self._made(variant)]
            if samples:
                yield samples

    def _agree(self, run: Run) -> None:
        """Stops if the reference disagrees with itself."""
        for number, outputs in enumerate(run.outputs):
            if outputs is None:
                raise Stop(
                    "inconclusive", f"{self.chain.says('do', 'does')} not run reliably: {run.errors[number]}"
                )
            first, *others = outputs
            for other in others:
                for slot, expected in first.items():
                    found = compare(expected, other[slot], self.tolerance)
                    if not found.equal:
                        raise Stop(
                            "inconclusive",
                            f"Two runs of the sources disagree: output {show(slot)}: {found.reason}.",
                            "They use random numbers or something outside the model; nothing can be proven.",
                        )

    def _make_it_move(self, run: Run) -> Run:
        """Looks for samples on which every output that depends on an input changes."""
        still = self._still(run)
        for further in self._further() if still else ():
            wider = self._run_chain([*run.samples, *further])
            good = wider.good()
            if len(good) != len(wider.samples):
                wider = self._run_chain(good)
            self._agree(wider)
            run = wider
            still = self._still(run)
            if not any(_is_empty(run, slot) for slot in still):
                break
        if still and self.source.given and len(run.samples) == 1:
            self.notes.append("It was run on one input only, so that outputs move with it was not seen.")
            still = []
        if still:
            listed = ", ".join(map(show, still[:8]))
            raise Stop(
                "inconclusive",
                f"{'Output' if len(still) == 1 else 'Outputs'} {listed} never moved when the input did, "
                f"in {len(run.samples)} runs: an equal result would prove nothing.",
                _INPUT_HINT,
            )
        return run

    def _still(self, run: Run) -> list[str]:
        """Outputs that depend on an input and never moved."""
        outputs = run.expected()
        still: list[str] = []
        moving: list[str] = []
        for slot in self.chain.outputs:
            if not self.depends.get(slot, True):
                continue
            values = [sample[slot] for sample in outputs]
            starts = values[
                :_COMPARED_WITH_ALL
            ]  # of thousands, what differs from none of these has not moved
            pairs = ((one, other) for i, one in enumerate(starts) for other in values[i + 1 :])
            (moving if any(moved(one, other, self.tolerance) for one, other in pairs) else still).append(slot)
        return self._excuse(still, moving, outputs, run.wires) if outputs else still

    def _excuse(
        self, still: list[str], moving: list[str], outputs: list[dict[str, Any]], wires: list[dict[str, Any]]
    ) -> list[str]:
        """Those of `still` that prove nothing: discrete ones do if what leads to them was seen to move.

        Floats that are whole numbers do beside another output that moved: detectors count like that.
        """
        seen = [slot for slot in moving if not is_discrete(outputs[0][slot])]
        if not seen and not _wires_moved(wires):
            return still
        excused = [
            slot for slot in still if is_discrete(outputs[0][slot]) or (seen and _is_whole(outputs[0][slot]))
        ]
        if excused:
            what = f"output {show(seen[0])}" if seen else "what goes over the wires"
            note = f"{', '.join(map(show, excused))} stayed the same on all inputs; {what} moved."
            if note not in self.notes:
                self.notes.append(note)
        return [slot for slot in still if slot not in excused]

    def _run_chain(self, samples: list[Sample]) -> Run:
        if not samples:
            return Run([], [], [], [], {})
        job = {
            "job": "chain",
            **self.chain.as_json(),
            "samples": [codec.encode_sample(sample) for sample in samples],
            "repeat": _RUNS,
        }
        try:
            answer = self.child.start().request(job, time_limit=self.time_limit)
        except (ChildDied, ChildTimeout, ExecutionFailed) as error:
            raise Stop(
                "inconclusive", f"{self.chain.says('can', 'can')}'t be run: {text_of(error)}", error.hint
            ) from None
        if "error" in answer:
            name = show(self.chain.stages[answer["stage"]].name)
            reason = f"Source {name} can't be loaded alone: {error_text(answer['error'])}"
            raise Stop("inconclusive", reason)
        fallbacks = {
            show(self.chain.stages[int(number)].name): error_text(error)
            for number, error in answer["fallbacks"].items()
        }
        run = Run(list(samples), [], [], [], fallbacks)
        for results in zip(*answer["runs"], strict=True):
            failed = next((result for result in results if "error" in result), None)
            if failed is None:
                run.outputs.append([codec.decode_sample(result["outputs"]) for result in results])
                run.wires.append(results[0]["wires"])
                run.errors.append("")
            else:
                name = show(self.chain.stages[failed["stage"]].name)
                run.outputs.append(None)
                run.wires.append({})
                run.errors.append(f"{name}: {error_text(failed['error'])}")
        return run


def text_of(error: WorkbenchError) -> str:
    """Where and what, without the hint."""
    return f"{error.where}: {error.message}" if error.where else error.message


def _is_empty(run: Run, slot: str) -> bool:
    """Whether an output had no elements on all samples."""
    return all(sample[slot].size == 0 for sample in run.expected())


def _is_whole(array: Any) -> bool:
    return bool((array == array.round()).all())


def _wires_moved(wires: Sequence[Mapping[str, Any]]) -> bool:
    """Whether any wire carried different values of the same shape for two samples."""
    seen: dict[tuple[str, str], str] = {}
    for sample in wires:
        for name, value in sample.items():
            key = (name, str(value["shape"]))
            if seen.setdefault(key, value["sha256"]) != value["sha256"]:
                return True
    return False
