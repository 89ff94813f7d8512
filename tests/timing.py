"""Limits of time in tests: relative to the speed of this process at the moment, or so long that only a hang meets them.

Seconds mean little on a slow or busy machine: processor time, too, grows by half or doubles where neighbours share
caches and memory. So a limit is written down in seconds of one idle machine, and multiplied by how much longer a fixed
piece of work takes here and now. What must be held in absolute seconds is a benchmark.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from workbench.disk import schema

HANG = 300.0
"""Seconds after which something that must come, and takes a second at most, is given up."""

FOREVER = 3600
"""Seconds that a process sleeps which a test expects to be ended: longer than all that is waited for."""

_YARDSTICK = 0.065  # seconds of processor time that the work takes where the limits were set


def pace() -> float:
    """Return how many times slower this process is now than where the limits were set; at least 1."""
    return max(1.0, _work() / _YARDSTICK)


def _work() -> float:
    """What readers do, a little of each: a message is made and parsed, objects and names are made and sorted."""
    start = time.process_time()
    graph = schema.GraphDef()
    for index in range(3000):
        graph.node.add(name=f"n{index}", op="AddV2").input.append(f"n{index - 1}")
    data = graph.SerializeToString()
    for _ in range(4):
        nodes = schema.GraphDef.FromString(data).node
        by_name = {node.name: (node.op, list(node.input), index) for index, node in enumerate(nodes)}
        sorted(by_name, key=lambda name: by_name[name][2])
    scopes: dict[str, list[tuple[int, str]]] = {}
    for index in range(40_000):
        scopes.setdefault(f"s{index % 977}/x{index}", []).append((index, str(index)))
    return time.process_time() - start


@contextmanager
def costs_at_most(seconds: float) -> Iterator[None]:
    """Fail if what is inside takes more processor time than `seconds` of an idle machine."""
    start = time.process_time()
    yield
    took = time.process_time() - start
    if took > seconds:  # too much for an idle machine: the pace of this one is measured only then
        allowed = seconds * max(pace() for _ in range(3))
        assert took <= allowed, f"{took:.2f} s of processor time; {allowed:.2f} s are the most at this pace"


def wait_for(condition: Callable[[], bool], what: str, seconds: float = HANG) -> None:
    """Wait until a condition holds; fail, naming `what`, if it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.01)


@contextmanager
def ends(seconds: float = HANG) -> Iterator[None]:
    """Fail if what is inside does not come to an end; in the main thread only."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"it did not end within {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
