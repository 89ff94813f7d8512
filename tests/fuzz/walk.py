"""Holds the walk to what loaders run: random models with marks, loaded and called.

A mark that fires although the walk did not report it for that phase is a fault, and so is a clean model that is
reported. What was played is kept, so that another walk can be held to the same models without TensorFlow.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.walk_mutants import Mutant, make
from tests.hostile.build import SECRET
from tests.hostile.playing import Players
from workbench.checks.unsafe import scan, unsafe_ops
from workbench.model import open_model

NAME = "walk"
MUTANTS = 10_000
_FRESH_EVERY = 1500  # models that one process of TensorFlow plays


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one mutant in one loader.

    Attributes:
        loader: `v1`, `v2`.
        tags: that it was loaded with.
        loads: whether loading raised nothing.
        fired: names of marks by phase.
        read: phases whose outputs have the secret.
        died: whether the process did.
    """

    loader: str
    tags: list[str]
    loads: bool
    fired: dict[str, list[str]]
    read: list[str]
    died: bool = False


@dataclass(slots=True)
class Tally:
    """What came of many.

    Attributes:
        counts: loads by loader, marks that fired, secrets that were read.
        faults: by kind, how often and the first mutant that showed it.
    """

    counts: Counter[str] = field(default_factory=Counter)
    faults: dict[str, dict[str, int]] = field(default_factory=dict)

    def fault(self, kind: str, number: int) -> None:
        """Counts a fault."""
        known = self.faults.setdefault(kind, {"times": 0, "mutant": number})
        known["times"] += 1


def play(folder: Path, seed: int, inputs: int, nice: int = 0) -> None:
    """Plays mutants until `inputs` are done in all; a line for each in `played.jsonl`."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"played-{seed}.jsonl"
    done = sum(1 for _ in log.open()) if log.exists() else 0
    with _workplace() as top, Players(nice, "--unoptimised") as players, log.open("a") as lines:
        for number in range(done, inputs):
            runs = _play(top / f"m{number}", seed, number, players)
            lines.write(json.dumps([_plain(run) for run in runs]) + "\n")
            lines.flush()
            if number % _FRESH_EVERY == _FRESH_EVERY - 1:
                players.stop()


def _plain(run: Run) -> dict[str, Any]:
    return {name: getattr(run, name) for name in Run.__slots__}


def judge(folder: Path, seed: int, first: int = 0, last: int | None = None) -> Tally:
    """Compares what was played with what the walk says now."""
    tally = Tally()
    with _workplace() as top, (folder / f"played-{seed}.jsonl").open() as lines:
        for number, line in enumerate(lines):
            if number < first or (last is not None and number >= last):
                continue
            runs = [Run(**found) for found in json.loads(line)]
            judge_one(top / f"m{number}", seed, number, runs, tally)
    return tally


@contextmanager
def _workplace() -> Iterator[Path]:
    memory = Path("/dev/shm")
    top = Path(tempfile.mkdtemp(prefix="walk-", dir=memory if memory.is_dir() else None))
    try:
        yield top
    finally:
        shutil.rmtree(top, ignore_errors=True)


def _clear(place: Path) -> None:
    for path in place.parent.glob(f"{place.name}*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _play(place: Path, seed: int, number: int, players: Players) -> list[Run]:
    """One mutant in both loaders."""
    found = []
    try:
        mutant = make(place, seed, number)
        if mutant.secret is not None:
            mutant.secret.write_text(SECRET)
        names = {str(file): name for name, (file, _) in mutant.marks.items()}
        for loader in ("v1", "v2"):
            for tags in dict.fromkeys(mutant.tags):
                played = players.play(place, loader, map(Path, names), tags)
                fired = {phase: [names[mark] for mark in marks] for phase, marks in played.fired.items()}
                read = [phase for phase, text in played.outputs.items() if SECRET in text]
                died = "process" in played.errors
                found.append(Run(loader, list(tags), played.loads, fired, read, died))
    finally:
        _clear(place)
    return found


def judge_one(place: Path, seed: int, number: int, runs: list[Run], tally: Tally) -> None:
    """What fired in one mutant, and its clean model, against the walk."""
    try:
        mutant = make(place, seed, number)
        model = open_model(place)
        tally.counts["mutants"] += 1
        tally.counts["mutants that load"] += any(run.loads for run in runs)
        for run in runs:
            tally.counts[f"{run.loader} {'loads' if run.loads else 'fails'}"] += 1
            tally.counts["process died"] += run.died
            metas = [meta for meta in model.meta_graphs if set(meta.tags) == set(run.tags)]
            compare(mutant, metas[0], run, number, tally)
        _clear(place)
        make(place, seed, number, marked=False)
        for meta in open_model(place).meta_graphs if mutant.secret is None else ():
            for danger in scan(meta):
                if danger.excuse is None:
                    tally.fault(f"clean model reported: {danger.op} {danger.signatures}", number)
    finally:
        _clear(place)


def compare(mutant: Mutant, meta: Any, run: Run, number: int, tally: Tally) -> None:
    """Every mark that fired was reported for that phase.

    A key that only the object graph has is no signature that could be named: it must be among all that is reported.
    """
    if run.loads:
        quiet = {one.node for one in unsafe_ops(meta, [])} - {
            name for fired in run.fired.values() for name in fired
        }
        tally.counts[f"{run.loader} reported of loading, not seen"] += len(quiet & set(mutant.marks))
    for phase in dict.fromkeys([*run.fired, *run.read]):
        keys = [phase.removeprefix("call ")] if phase.startswith("call ") else []
        only_objects = any(key not in meta.signatures for key in keys)
        told = {one.node for one in (scan(meta) if only_objects else unsafe_ops(meta, keys))}
        for name in run.fired.get(phase, ()):
            tally.counts["fired"] += 1
            if name not in told:
                kind = "call" if keys else phase
                tally.fault(f"{run.loader} {kind}: {mutant.marks[name][1]}", number)
        if phase in run.read:
            tally.counts["read"] += 1
            if not told:
                tally.fault(f"{run.loader} read: {mutant.where}", number)
