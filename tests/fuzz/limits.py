"""What one input may cost, and how that is measured: time of the processor and memory, in this process.

The limits of time are those of an idle machine. On a busy or slower one they grow with the yardstick of `tests.timing`,
and an input counts as too slow if it is so each time, the yardstick measured anew before.
"""

from __future__ import annotations

import resource
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tests.fuzz.targets import Target
from tests.timing import pace
from workbench.errors import WorkbenchError

MEMORY = 250 << 20
MEMORY_PER_BYTE = 150
SECONDS = 1.0
SECONDS_PER_MB = 0.1
SECONDS_PER_MB_OF_TEXT = 1.0
_PROCESS = 60 << 20  # what a process of `inspect` has before it opens anything
_TRIES = 3
_ADDRESS_SPACE = 8 << 30  # so that a failure does not take the machine along


class TooSlow(BaseException):
    """Raised by a timer in the middle of what takes too long, so that the place is known."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an input.

    Attributes:
        kind: `read`, the name of one of our errors, or a failure: the name of another exception, `TooSlow`,
            `TooLarge`.
        failed: whether that is a failure.
        where: the innermost lines of ours, to tell failures apart.
        detail: the traceback, or the figures.
    """

    kind: str
    failed: bool = False
    where: str = ""
    detail: str = ""


def seconds(size: int, text: bool) -> float:
    """The most processor time for a file of `size` bytes where nothing else runs."""
    return SECONDS + size / 1e6 * (SECONDS_PER_MB_OF_TEXT if text else SECONDS_PER_MB)


def memory(size: int) -> int:
    """The most bytes for a file of `size` bytes."""
    return MEMORY + MEMORY_PER_BYTE * size


def guard() -> None:
    """Makes this process one that can be run in: a timer that raises, a limit to its address space."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    signal.signal(signal.SIGPROF, stop)
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))


@contextmanager
def _timed(most: float) -> Iterator[None]:
    signal.setitimer(signal.ITIMER_PROF, most, 0.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def one(target: Target, data: bytes, folder: Path) -> Outcome:
    """Runs one input under the limits. Call `guard` once before."""
    outcome = _once(target, data, folder, 1.0)
    for _ in range(_TRIES):
        if outcome.kind != TooSlow.__name__:
            break
        outcome = _once(target, data, folder, pace())
    return outcome


def _once(target: Target, data: bytes, folder: Path, times: float) -> Outcome:
    before = _resident()
    if _peak() > before + _PROCESS:  # of making the input, or of the one before
        _forget_peak()
    try:
        with _timed(times * seconds(len(data), target.text)):
            target.run(data, folder)
        outcome = Outcome("read")
    except WorkbenchError as problem:
        outcome = Outcome(type(problem).__name__)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as problem:  # the whole point: what else comes out is what is looked for
        outcome = Outcome(type(problem).__name__, True, _where(problem), traceback.format_exc())
    peak = _peak()
    used = peak - before + _PROCESS
    if peak > memory(len(data)):
        _forget_peak()
        if used > memory(len(data)):
            return Outcome("TooLarge", True, outcome.where, f"{used / 2**20:.0f} MiB, {outcome.detail}")
    return outcome


def measured(target: Target, data: bytes, folder: Path) -> tuple[Outcome, float, int]:
    """The same, with the processor time in seconds (of all tries) and the memory in bytes; slower."""
    _forget_peak()
    before, start = _resident(), time.process_time()
    outcome = one(target, data, folder)
    return outcome, time.process_time() - start, _peak() - before + _PROCESS


def _where(problem: BaseException) -> str:
    frames = [
        f"{Path(frame.filename).name}:{frame.name}:{frame.lineno}"
        for frame in traceback.extract_tb(problem.__traceback__)
        if "/workbench/" in frame.filename
    ]
    return (
        " < ".join(reversed(frames[-1:]))
        if not isinstance(problem, TooSlow)
        else " < ".join(frames[-3:][::-1])
    )


def _resident() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def _peak() -> int:
    """Not `ru_maxrss`: in that, what this process was forked from counts as well."""
    with open("/proc/self/status", "rb") as file:
        status = file.read()
    return int(status.partition(b"VmHWM:")[2].split(maxsplit=1)[0]) << 10


def _forget_peak() -> None:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
