"""The child process as the parent sees it: start, ask, time limits, and an end in every case.

`child_script` documents the protocol, `process.py` pipes and threads.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import NoneType
from typing import Any, Self

from workbench.errors import (
    Cancelled,
    ChildDied,
    ChildTimeout,
    ExecutionFailed,
    RuntimeFailure,
    TensorFlowMissing,
    WrongType,
    expect,
)
from workbench.findings import Action, Hint
from workbench.names import show
from workbench.runtime.child_process.process import Process

START_LIMIT = 300.0
"""Seconds TensorFlow may take to import: a cold network disk is slow, a dead one should still end."""
TIME_LIMIT = 600.0
"""Seconds one request may take unless the caller says otherwise."""
_FOREVER = 1e6  # seconds; more overflows a lock's timeout

_BETWEEN_QUESTIONS = 0.1  # seconds

Progress = Callable[[str], None]
Cancelling = Callable[[], bool]


class ChildBug(RuntimeError):
    """The child's script itself failed: a bug of ours, with its traceback."""


class Child:
    """A TensorFlow process that does one job after the other.

    Use it as a context manager, or `start` and `close` it. `start` returns at once and TensorFlow is
    imported while the caller continues; `ready` waits for it, and `request` does so by itself. An idle child
    costs memory only, and can be asked again for as long as it lives; after its end `start` makes a new one.

    Not for two threads at a time. Interrupting a call (Ctrl-C) ends the process at once.

    Args:
        python: the interpreter that has TensorFlow; None for the running one.
        imports: modules to import after TensorFlow, for the ops they register (`tensorflow_text`).
        op_libraries: shared objects for `tf.load_op_library`.
        gpu: let TensorFlow see GPUs.
        time_limit: seconds one request may take.
        start_limit: seconds the import of TensorFlow may take.
        on_progress: is called with a short text whenever the child begins something.
    """

    def __init__(
        self,
        python: str | os.PathLike[str] | None = None,
        *,
        imports: Sequence[str] = (),
        op_libraries: Sequence[str | os.PathLike[str]] = (),
        gpu: bool = False,
        time_limit: float = TIME_LIMIT,
        start_limit: float = START_LIMIT,
        on_progress: Progress | None = None,
    ) -> None:
        expect(python, (str, os.PathLike, NoneType), "The interpreter (python)", "a path")
        for what, listed in (("The modules to import", imports), ("The op libraries", op_libraries)):
            if isinstance(listed, str) or not isinstance(listed, Iterable):
                raise WrongType(what, "a list of names or paths", listed)
        self.python = os.fspath(python) if python is not None else sys.executable
        self.imports = tuple(imports)
        self.op_libraries = tuple(os.path.abspath(path) for path in op_libraries)
        self.gpu = gpu
        self.time_limit = time_limit
        self.start_limit = start_limit
        self.on_progress = on_progress
        self._process: Process | None = None
        self._versions: dict[str, str] | None = None
        self._failure: RuntimeFailure | None = None
        self._doing = ""
        self._number = 0
        self._shown: dict[str, str] = {}

    def start(self) -> Self:
        """Start the process unless it runs; return at once.

        Raises:
            UsageError: `python` is not there or can't be started.
        """
        if self.alive:
            return self
        self._versions = self._failure = None
        self._shown = {}
        self._doing = "starting"
        self._process = Process(self.python, _environment(self.gpu))
        self._process.send({"imports": self.imports, "op_libraries": self.op_libraries})
        return self

    @property
    def alive(self) -> bool:
        """Return whether a process runs."""
        return self._process is not None and self._process.alive

    @property
    def pid(self) -> int | None:
        """Return the process id, or None when none runs."""
        return self._process.pid if self._process is not None and self._process.alive else None

    def log_tail(self) -> str:
        """Return the end of the child's stdout and stderr, with the paths the user knows."""
        return self._process.log_tail(self._shown) if self._process is not None else ""

    def ready(self, cancelled: Cancelling | None = None) -> dict[str, str]:
        """Wait for TensorFlow; return the versions of `tensorflow`, `python` and `numpy`.

        Args:
            cancelled: is asked now and then whether to stop.

        Raises:
            TensorFlowMissing: the interpreter has no TensorFlow 2 that can be imported.
            ExecutionFailed: one of `imports` or `op_libraries` can't be loaded.
            ChildDied, ChildTimeout: it did not come that far.
            Cancelled: `cancelled` said so.
        """
        if self._failure is not None:
            raise self._failure
        if self._versions is None:
            if self._process is None:
                raise ChildDied("The TensorFlow process was not started.")
            message = self._wait(self.start_limit, self.on_progress, cancelled)
            if message.get("event") == "failed":
                self._failure = self._setup_failure(str(message.get("kind")), str(message.get("message")))
                self.kill()
                raise self._failure
            if message.get("event") != "ready":
                raise self._garbage(message)
            self._versions = {str(name): str(text) for name, text in message["versions"].items()}
        return self._versions

    def request(
        self,
        job: Mapping[str, Any],
        *,
        time_limit: float | None = None,
        on_progress: Progress | None = None,
        cancelled: Cancelling | None = None,
    ) -> dict[str, Any]:
        """Do one job and return its answer; `child_script` describes both.

        Args:
            job: `{"job": name, …}`.
            time_limit: seconds for this one, or None for the child's own limit. Waiting for TensorFlow is
                not counted.
            on_progress: instead of the child's own.
            cancelled: is asked now and then whether to end the process, from the calling thread.

        Raises:
            ExecutionFailed: TensorFlow raised; the message is its own.
            ChildDied, ChildTimeout, TensorFlowMissing: there is no process any more.
            Cancelled: `cancelled` said so; there is none either.
        """
        self.ready(cancelled)
        limit = self.time_limit if time_limit is None else time_limit
        process = self._process
        if process is None or not process.alive:
            raise self._death()
        self._number += 1
        self._shown |= shown_paths(job)
        process.send({**job, "id": self._number})
        message = self._wait(limit, on_progress or self.on_progress, cancelled)
        self._doing = ""
        if message.get("id") != self._number:
            raise self._garbage(message)
        if "bug" in message:
            raise ChildBug(f"in the child:\n{message['bug']}")
        if "error" in message:
            raise execution_failed(message["error"])
        answer = message.get("answer")
        if not isinstance(answer, dict):
            raise self._garbage(message)
        return answer

    def close(self) -> None:
        """End the process by closing its pipe; kill it after a second."""
        if self._process is not None:
            self._process.close()

    def kill(self) -> None:
        """Kill the process and all it started."""
        if self._process is not None:
            self._process.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.kill()

    def _wait(
        self, limit: float, on_progress: Progress | None, cancelled: Cancelling | None
    ) -> dict[str, Any]:
        """Return the next message that is not progress; an interrupt ends the process."""
        process, deadline = self._process, time.monotonic() + limit
        assert process is not None
        longest = _FOREVER if cancelled is None else _BETWEEN_QUESTIONS
        try:
            while True:
                left = max(0.0, deadline - time.monotonic())
                if cancelled is not None and cancelled():
                    raise Cancelled("The run was cancelled.")
                try:
                    line = process.answers.get(timeout=min(left, longest))
                except queue.Empty:
                    if left > longest:
                        continue
                    raise self._timeout(limit) from None
                if line is None:
                    raise self._death()
                message = _parse(line)
                if message is None:
                    raise self._garbage(line)
                if message.get("event") != "progress":
                    return message
                self._doing = show(str(message.get("text")))
                if on_progress is not None:
                    on_progress(self._doing)
        except BaseException:
            process.kill()
            raise

    def _log(self) -> str | None:
        tail = self.log_tail()
        return f"The end of its log:\n{tail}" if tail else None

    def _timeout(self, limit: float) -> ChildTimeout:
        process = self._process
        assert process is not None
        process.kill()
        return ChildTimeout(
            f"TensorFlow did not answer within {limit:g} s ({self._doing or 'busy'}) and was ended.",
            where=self.python,
            hint=Hint("", Action("give-time"), f".\n{self._log() or ''}".rstrip("\n")),
        )

    def _death(self) -> ChildDied:
        process = self._process
        how = process.how_it_ended() if process is not None else "was not started"
        return ChildDied(
            f"The TensorFlow process {how} while {self._doing or 'it was idle'}.",
            where=self.python,
            hint=self._log(),
        )

    def _garbage(self, message: object) -> ChildDied:
        self.kill()
        text = message.decode(errors="replace") if isinstance(message, bytes) else repr(message)
        return ChildDied(
            f"The TensorFlow process answered with {show(text)!r}, which is not the protocol.",
            where=self.python,
            hint=self._log(),
        )

    def _setup_failure(self, kind: str, message: str) -> RuntimeFailure:
        message = show(message, 1000)
        if kind == "no-tensorflow":
            return TensorFlowMissing(
                f"TensorFlow can't be imported: {message}.",
                where=self.python,
                hint=Hint("Install it there (pip install tensorflow), or ", Action("choose-python")),
            )
        return ExecutionFailed(
            f"What the model needs beside TensorFlow can't be loaded: {message}", where=self.python
        )


def shown_paths(job: Mapping[str, Any]) -> dict[str, str]:
    """Return the paths a job's models are loaded from, with those the user knows."""
    found: dict[str, str] = {}
    waiting: list[Any] = [job]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            path, shown = one.get("path"), one.get("shown")
            if isinstance(path, str) and isinstance(shown, str):
                found[path] = shown
            waiting += one.values()
        elif isinstance(one, (list, tuple)):
            waiting += one
    return found


def execution_failed(error: Mapping[str, Any], where: str | None = None) -> ExecutionFailed:
    """Return the exception for TensorFlow's error in an answer of the child."""
    failed = ExecutionFailed(error_text(error), where=where)
    failed.phase = str(error.get("phase", ""))
    return failed


def error_text(error: Mapping[str, Any]) -> str:
    """Return an error as `InvalidArgumentError: …` on one line, safe to print."""
    lines = [show(line.strip().expandtabs(1), 600) for line in str(error.get("message", "")).splitlines()]
    return f"{show(str(error.get('type', 'Error')))}: {' '.join(lines)}"


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def _environment(gpu: bool) -> dict[str, str]:
    """Return the child's environment: GPUs hidden, TensorFlow's log at warnings."""
    found = dict(os.environ)
    found.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    if not gpu:
        found.update({"CUDA_VISIBLE_DEVICES": "-1", "HIP_VISIBLE_DEVICES": "-1", "ROCR_VISIBLE_DEVICES": ""})
    return found
