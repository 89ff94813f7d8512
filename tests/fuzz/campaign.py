"""Many inputs, one after the other: each known by its number, so that a campaign can be stopped and go on.

What is kept lies below a folder, for each target: `state.json` (what is done and how it went), `current` (the
number of the input that is being run, for when the process dies of it), and a pair of files for each failure
that is unlike the others: the input, and what happened.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz import limits
from tests.fuzz.targets import Target

_SAVE_EVERY = 1000
_STALLED = 300  # seconds of the clock without an end of one input: it hangs in C


@dataclass(slots=True)
class State:
    """How far a campaign is.

    Attributes:
        seed: of the random numbers; with an input's number it makes the input.
        done: inputs run.
        outcomes: kinds of outcome with their numbers.
        failures: what failed, by kind and place: how often, and the input that showed it first.
    """

    seed: int = 0
    done: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, seed: int) -> State:
        """The state in a folder, or a new one."""
        path = folder / "state.json"
        if not path.exists():
            return cls(seed)
        found = json.loads(path.read_text())
        if found["seed"] != seed:
            raise SystemExit(f"{path}: it was begun with --seed {found['seed']}; take another folder.")
        return cls(seed, found["done"], Counter(found["outcomes"]), found["failures"])

    def save(self, folder: Path) -> None:
        """Writes it, all or nothing."""
        part = folder / "state.json.part"
        found = {name: getattr(self, name) for name in ("seed", "done", "outcomes", "failures")}
        part.write_text(json.dumps(found, indent=1))
        part.replace(folder / "state.json")

    def add(self, outcome: limits.Outcome, data: bytes, number: int, folder: Path) -> None:
        """Counts an outcome; keeps the input of a failure unlike those before."""
        self.outcomes[outcome.kind] += 1
        if not outcome.failed:
            return
        key = f"{outcome.kind} {outcome.where}"
        known = self.failures.get(key)
        if known is not None:
            known["times"] += 1
            return
        name = f"{outcome.kind}-{zlib.crc32(key.encode()):08x}"
        (folder / f"{name}.bin").write_bytes(data)
        (folder / f"{name}.txt").write_text(f"input {number}, {len(data)} bytes\n{key}\n\n{outcome.detail}")
        self.failures[key] = {"times": 1, "input": number, "file": f"{name}.bin"}
        self.save(folder)


def make(target: Target, seed: int, number: int) -> bytes:
    """Input `number` of a campaign."""
    return target.make(random.Random(f"{seed} {target.name} {number}"))


def run(target: Target, folder: Path, seed: int, inputs: int) -> State:
    """Runs inputs in this process until `inputs` are done in all."""
    folder.mkdir(parents=True, exist_ok=True)
    state = State.read(folder, seed)
    limits.guard()
    with workplace(target) as place, _counter(folder) as current:
        while state.done < inputs:
            number = state.done
            current[:8] = number.to_bytes(8, "little")
            data = make(target, seed, number)
            state.add(limits.one(target, data, place), data, number, folder)
            state.done += 1
            if state.done % _SAVE_EVERY == 0:
                state.save(folder)
        state.save(folder)
    return state


def supervise(target: Target, folder: Path, seed: int, inputs: int) -> State:
    """Runs inputs in a process of their own; one that kills it or never ends is a failure as well."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [
        target.name,
        "--inputs",
        str(inputs),
        "--seed",
        str(seed),
        "--folder",
        str(folder.parent),
        "--worker",
    ]
    while State.read(folder, seed).done < inputs:
        worker = subprocess.Popen([sys.executable, "-m", "tests.fuzz", *words])
        try:
            stalled = _wait(worker, folder)
        except BaseException:
            worker.terminate()
            worker.wait()
            raise
        if worker.returncode == 0:
            continue
        state = State.read(folder, seed)
        number = max(state.done, int.from_bytes((folder / "current").read_bytes()[:8], "little"))
        kind = "Stalled" if stalled else f"Died{worker.returncode}"
        state.add(limits.Outcome(kind, True, str(number)), make(target, seed, number), number, folder)
        state.done = number + 1
        state.save(folder)
    return State.read(folder, seed)


def _wait(worker: subprocess.Popen[bytes], folder: Path) -> bool:
    """Waits for a worker; True if it had to be killed."""
    last, since = b"", time.monotonic()
    while worker.poll() is None:
        time.sleep(1)
        now = (folder / "current").read_bytes()[:8] if (folder / "current").exists() else b""
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > _STALLED:
            worker.kill()
            worker.wait()
            return True
    return False


@contextmanager
def workplace(target: Target) -> Iterator[Path]:
    """A folder, in memory where there is one, with what lies beside an input."""
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="fuzz-", dir=memory if memory.is_dir() else None))
    try:
        target.prepare(made)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def _counter(folder: Path) -> Iterator[mmap.mmap]:
    """Eight bytes that are on disk as soon as they are set, whatever happens to this process."""
    descriptor = os.open(folder / "current", os.O_RDWR | os.O_CREAT, 0o644)
    os.ftruncate(descriptor, 8)
    try:
        with mmap.mmap(descriptor, 8) as mapped:
            yield mapped
    finally:
        os.close(descriptor)
