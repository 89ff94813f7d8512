"""The rule of the verdict, in one place: facts of a verification in, verdict and reason out. Runs nothing.

`decide` is asked twice: once with the facts about the sources alone, so that nothing is written in vain, and again
with what each loader made of the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.findings import Action, Hint
from workbench.names import show

Verdict = Literal["verified", "differs", "inconclusive", "not run"]
VERDICTS: tuple[Verdict, ...] = ("verified", "differs", "inconclusive", "not run")
WORST_FIRST: tuple[Verdict, ...] = ("differs", "inconclusive", "not run", "verified")
InputKind = Literal["made", "given", "none"]
Movement = Literal["value", "size", "still", "random"]
SourcesRun = Literal["run", "load", "none"]
ResultRun = Literal["equal", "differs", "fails", "does not load"]
LoaderStatus = Literal["equal", "differs", "failed", "skipped"]
LOADER_NAMES = {"v1": "v1 Session", "v2": "tf.saved_model.load"}

_MOST_NAMED = 8
_RUN_ON = Hint("", Action("give-input"))
_MOVE = Hint("", Action("give-samples"))
_OTHER_TENSORFLOW = Hint("", Action("use-tensorflow"))


@dataclass(frozen=True, slots=True)
class OutputFacts:
    """How an output of the sources behaved.

    Attributes:
        movement: what changed between inputs: its values, no more than its size, or nothing; `random` if two runs
            on the same input disagree.
        depends: whether the graph leads from an input to it.
        discrete: whether it has no small changes (integers, bools, strings).
        whole: whether all its values are whole numbers.
        detail: how two runs disagree.
    """

    movement: Movement
    depends: bool = True
    discrete: bool = False
    whole: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SourceFailure:
    """Why the sources give no reference.

    Attributes:
        reason: a clause, safe to print: what TensorFlow said.
        when: `load`: a source does not load; `run`: it fails on the inputs; `unreliable`: it runs only sometimes;
            `make`: no input could be made; `end`: TensorFlow died or took too long.
        values_help: whether it could run on other values.
        hint: the next move, if the reason tells one.
    """

    reason: str
    when: Literal["load", "run", "unreliable", "make", "end"]
    values_help: bool = True
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class LoaderFacts:
    """What one loader gave for the result, and for the sources where that matters.

    Attributes:
        loader: `v1` or `v2`.
        result: what became of the result.
        reason: why, for all but `equal`.
        sources: whether all sources run there, load only, or one does not load. Nobody asks where the result is
            equal.
        excuse: why the sources do not run there.
    """

    loader: str
    result: ResultRun
    reason: str | None = None
    sources: SourcesRun = "run"
    excuse: str | None = None

    @property
    def status(self) -> LoaderStatus:
        """Return what it shows about the result; a failure counts unless a source fails alike.

        A result that does not load is excused by a source that does not load, not by one that loads and fails.
        """
        if self.result == "equal":
            return "equal"
        if self.sources == "none" or (self.sources == "load" and self.result != "does not load"):
            return "skipped"
        return "differs" if self.result == "differs" else "failed"

    @property
    def name(self) -> str:
        """`v1 Session` or `tf.saved_model.load`."""
        return LOADER_NAMES[self.loader]

    @property
    def told(self) -> str | None:
        """Why it is not `equal`: the sources' failure where it is left out, else the result's."""
        return self.excuse if self.status == "skipped" else self.reason


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a verdict rests on.

    Attributes:
        inputs: where the inputs come from; `none` if the signature takes none.
        samples: how many inputs the sources ran on.
        outputs: by slot.
        wires_moved: whether the values on the wires changed with the inputs.
        failure: why there is no reference, or None.
        loaders: of the result; None if it was not run yet.
        unfinished: why the result was not run to its end, or None.
        title: what the result is compared with, `the sources one after the other`.
        alone: `The sources alone` or `./model alone`.
        plural: whether `alone` is plural.
        count: the inputs in words, `3 given inputs`.
        result: the result's name in messages.
    """

    inputs: InputKind
    samples: int = 0
    outputs: Mapping[str, OutputFacts] = field(default_factory=dict)
    wires_moved: bool = False
    failure: SourceFailure | None = None
    loaders: Sequence[LoaderFacts] | None = None
    unfinished: str | None = None
    title: str = "the sources"
    alone: str = "The sources alone"
    plural: bool = True
    count: str = ""
    result: str = "the merged model"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict that was reached.

    Attributes:
        verdict: one of the four.
        reason: one or two sentences, safe to print.
        hint: the next move, or None.
    """

    verdict: Verdict
    reason: str
    hint: str | None = None


def decide(facts: Facts) -> Decision | None:
    """Return the verdict, or None while only running the result can show it."""
    early = _of_sources(facts)
    if early is not None or facts.loaders is None:
        return early
    return _of_result(facts)


def notes(facts: Facts) -> list[str]:
    """Return notes on outputs whose value did not change."""
    found = []
    resting, seen = resting_outputs(facts), _moving_float(facts)
    random = _random(facts)
    if random and _shows_something(facts):
        one = len(random) == 1
        found.append(
            f"{_listed(random)} {'is' if one else 'are'} random: two runs of the sources disagree. Only the dtype and "
            f"the shape of {'it' if one else 'them'} were compared."
        )
    if resting:
        what = f"output {show(seen)}" if seen is not None else "the values on the wires"
        found.append(f"{', '.join(map(show, resting))} stayed the same on all inputs; {what} moved.")
    dependent = _dependent(facts).items()
    sized = [slot for slot, one in dependent if one.movement == "size" and slot not in resting]
    if sized:
        found.append(
            f"{_listed(sized)} changed in size only, not in value: on all {facts.samples} samples the numbers in "
            f"{'it' if len(sized) == 1 else 'them'} were the same. An error in what they depend on would not show."
        )
    if _one_given(facts) and _still(facts, resting):
        found.append("It was run on one input only, so that outputs move with it was not seen.")
    return found


def resting_outputs(facts: Facts) -> list[str]:
    """Return outputs that stay the same without weakening the verdict.

    Discrete ones do if what leads to them was seen to move: another output that has small changes, or a wire. Floats
    that are whole numbers do beside another output that moved: detectors count like that.
    """
    seen = _moving_float(facts)
    if seen is None and not facts.wires_moved:
        return []
    return [
        slot
        for slot, one in _dependent(facts).items()
        if one.movement in ("still", "size") and (one.discrete or (seen is not None and one.whole))
    ]


def unmoved(facts: Facts) -> list[str]:
    """Return outputs worth further inputs: no value changed, and nothing explains it."""
    resting = resting_outputs(facts)
    return [
        slot
        for slot, one in _dependent(facts).items()
        if one.movement in ("still", "size") and slot not in resting
    ]


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict on several signatures: the worst of theirs."""
    return min(verdicts, key=WORST_FIRST.index)


def recorded(proof: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the verdict that a record supports, and why it is not the one recorded.

    A record of an older version may say `verified` though each loader was left out.
    """
    claimed = proof.get("verdict")
    claimed = claimed if isinstance(claimed, str) else "unknown"
    if claimed != "verified":
        return claimed, None
    others = proof.get("others")
    parts = [proof, *(others.values() if isinstance(others, dict) else ())]
    for part in parts:
        loaders = part.get("loaders") if isinstance(part, dict) else None
        loaders = loaders if isinstance(loaders, list) else []
        statuses = [one.get("status") for one in loaders if isinstance(one, dict)]
        if "equal" not in statuses:
            return "inconclusive", "By its record it ran in no loader. Verify it again."
    return claimed, None


# -- the sources alone


def _of_sources(facts: Facts) -> Decision | None:
    if facts.failure is not None:
        return _of_failure(facts, facts.failure)
    random = _random(facts)
    if random and not _shows_something(facts):
        first = facts.outputs[random[0]]
        verb = "disagrees" if len(random) == 2 else "disagree"
        others = f" {_listed(random[1:])} {verb} as well." if len(random) > 1 else ""
        rest = " No other output moved." if len(random) < len(facts.outputs) else ""
        return Decision(
            "inconclusive",
            f"Two runs of the sources disagree: output {show(random[0])}: {first.detail}.{others}{rest}",
            "They use random numbers or something outside the model, so equal results cannot be expected.",
        )
    still = _still(facts, resting_outputs(facts))
    if still and not _one_given(facts):
        return Decision(
            "inconclusive",
            f"{_listed(still)} never moved when the input did, neither in value nor in size, in {facts.samples} "
            "runs: equal results would show nothing.",
            _MOVE,
        )
    if not facts.outputs:
        return Decision("inconclusive", "There is no output that could be compared.")
    return None


def _of_failure(facts: Facts, failure: SourceFailure) -> Decision:
    reason, hint = failure.reason, failure.hint
    other = hint or (None if failure.values_help else _OTHER_TENSORFLOW)
    fail = "fail" if facts.plural else "fails"
    if failure.when == "load":
        return Decision("inconclusive", reason, hint)
    if failure.when == "unreliable":
        do = "do" if facts.plural else "does"
        return Decision("inconclusive", f"{facts.alone} {do} not run reliably: {reason}", hint)
    if failure.when == "end":
        return Decision("inconclusive", f"{facts.alone} can't be run: {reason}", hint)
    if failure.when == "make":
        return Decision("not run", f"No input could be made: {reason}", hint or _RUN_ON)
    if facts.inputs == "given":
        return Decision("inconclusive", f"{facts.alone} {fail} on the given input: {reason}", other)
    if facts.inputs == "none" or not failure.values_help:
        return Decision("inconclusive", f"{facts.alone} {fail}, whatever the input: {reason}", other)
    return Decision("not run", f"No input could be made that the sources run on: {reason}", hint or _RUN_ON)


# -- the result


def _of_result(facts: Facts) -> Decision:
    loaders = facts.loaders or ()
    bad = next((one for one in loaders if one.status in ("differs", "failed")), None)
    if bad is not None:
        return Decision("differs", f"In {bad.name}: {bad.told}")
    if facts.unfinished is not None:
        return Decision("inconclusive", facts.unfinished)
    skipped = "".join(f" {one.name} was left out: {one.told}" for one in loaders if one.status == "skipped")
    ran = [one.name for one in loaders if one.status == "equal"]
    if not ran:
        return Decision(
            "inconclusive",
            f"No loader runs both {facts.title} and {facts.result}.{skipped}",
            _OTHER_TENSORFLOW,
        )
    return Decision("verified", f"Equal to {facts.title} on {facts.count}, in {' and '.join(ran)}.{skipped}")


# -- outputs


def _dependent(facts: Facts) -> dict[str, OutputFacts]:
    """Return the outputs that depend on an input."""
    if facts.inputs == "none":
        return {}
    return {slot: one for slot, one in facts.outputs.items() if one.depends}


def _random(facts: Facts) -> list[str]:
    return [slot for slot, one in facts.outputs.items() if one.movement == "random"]


def _shows_something(facts: Facts) -> bool:
    """Return whether a deterministic output changed in value or, where none can, exists."""
    if facts.inputs == "none":
        return any(one.movement != "random" for one in facts.outputs.values())
    return any(one.movement == "value" for one in _dependent(facts).values())


def _moving_float(facts: Facts) -> str | None:
    """Return whether an output with small changes changed in value."""
    return next(
        (s for s, one in _dependent(facts).items() if one.movement == "value" and not one.discrete), None
    )


def _still(facts: Facts, resting: Sequence[str]) -> list[str]:
    return [s for s, one in _dependent(facts).items() if one.movement == "still" and s not in resting]


def _one_given(facts: Facts) -> bool:
    return facts.inputs == "given" and facts.samples == 1


def _listed(slots: Sequence[str]) -> str:
    names = ", ".join(map(show, slots[:_MOST_NAMED]))
    more = f" and {len(slots) - _MOST_NAMED} more" if len(slots) > _MOST_NAMED else ""
    return f"{'Output' if len(slots) == 1 else 'Outputs'} {names}{more}"
