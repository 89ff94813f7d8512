"""A running child: its pipes, its threads, its end. Knows nothing of jobs.

Three threads serve it: one starts it, drains its log and waits for it, one reads answers, one writes
requests; so neither a full pipe nor a stopped child can hold the caller, and a time limit or Ctrl-C always
gets through.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import select
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import UsageError
from workbench.findings import Action, Hint
from workbench.names import show

SCRIPT = Path(__file__).parent.parent / "child_script" / "start.py"
_LOG_KEPT = 32_768
_LOG_SHOWN = 12
_CHATTER = re.compile(  # what TensorFlow prints on every start of a machine without a GPU
    r"absl::InitializeLog|cudart_stub|cuda_platform|cpu_feature_guard|rebuild TensorFlow with|oneDNN custom"
)
_PASS_DESCRIPTORS = os.name == "posix"
_END_LIMIT = 2.0  # seconds between the end of its pipe and its own
_CAN_POLL = hasattr(select, "poll")
_READS = 64  # of 64 KiB each: a model that never stops printing does not keep its reader


class Process:
    """A running child: its pipes, its threads, its end. Knows nothing of jobs."""

    def __init__(self, python: str, environment: dict[str, str]) -> None:
        self.answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._log = bytearray()
        self._log_lock = threading.Lock()
        self._log_pipe: int | None = None
        self._spawned = threading.Event()
        self._ended = threading.Event()
        self._error: OSError | None = None
        self._popen: subprocess.Popen[bytes] | None = None
        self._asked_to_end = False
        threading.Thread(target=self._keep, args=(python, environment), daemon=True).start()
        try:
            self._spawned.wait()
        except BaseException:
            self._spawned.wait()
            self.kill()
            raise
        if self._error is not None:
            raise UsageError(
                f"The interpreter can't be started: {self._error.strerror or self._error}.",
                where=show(python),
                hint=Hint("", Action("choose-python")),
            ) from self._error

    @property
    def alive(self) -> bool:
        """Return whether it runs and was not asked to end."""
        return not self._ended.is_set() and not self._asked_to_end

    @property
    def pid(self) -> int:
        """Return the process id, also of the process group and session."""
        assert self._popen is not None
        return self._popen.pid

    def send(self, message: Mapping[str, Any]) -> None:
        """Queue one line; never block."""
        self._requests.put(json.dumps(message).encode("ascii") + b"\n")

    def _keep(self, python: str, environment: dict[str, str]) -> None:
        """Start the process, drain its log, wait for its end.

        All on one thread that lives as long as the process: the kernel sends the parent-death signal when
        the *thread* that started a process ends.
        """
        try:
            popen, source, sink = _spawn(python, environment)
        except OSError as error:
            self._error = error
            self._ended.set()
            self._spawned.set()
            return
        self._popen = popen
        threading.Thread(target=self._read, args=(source,), daemon=True).start()
        threading.Thread(target=self._write, args=(sink,), daemon=True).start()
        self._spawned.set()
        log = popen.stderr if popen.stderr is not None else popen.stdout
        assert log is not None
        self._log_pipe = log.fileno()
        while self._read_log(wait=True):
            pass
        with self._log_lock:
            self._log_pipe = None
            log.close()
        popen.wait()
        self._ended.set()
        self._requests.put(None)

    def _read_log(self, *, wait: bool) -> bool:
        """Read once from the log's pipe; return whether there may be more.

        Args:
            wait: block until there is something, or the pipe has ended.
        """
        if _CAN_POLL and wait and self._log_pipe is not None:
            _has_data(self._log_pipe, None)  # without the lock: whoever asks for the log reads meanwhile
        with self._log_lock:
            pipe = self._log_pipe
            if pipe is None:
                return False
            if _CAN_POLL and not _has_data(pipe, 0):
                return wait
            chunk = os.read(pipe, 65536)
            self._log += chunk
            del self._log[:-_LOG_KEPT]
            return bool(chunk)

    def _read(self, source: int) -> None:
        with os.fdopen(source, "rb") as stream:
            for line in stream:
                self.answers.put(line)
        # what it said last, and how it ended, belong to the news of its end
        self._ended.wait(_END_LIMIT)
        self.answers.put(None)

    def _write(self, sink: int) -> None:
        with contextlib.suppress(OSError), os.fdopen(sink, "wb", buffering=0) as stream:
            while (data := self._requests.get()) is not None:
                view = memoryview(data)
                while view:
                    view = view[stream.write(view) or 0 :]

    def log_tail(self, shown: Mapping[str, str]) -> str:
        """Return the last lines of stdout and stderr, without TensorFlow's usual start-up lines, safe to print.

        Args:
            shown: paths to what is shown in their place.
        """
        # what was printed before an answer is in the pipe by now, though perhaps not yet read
        for _ in range(_READS if _CAN_POLL else 0):
            if not self._read_log(wait=False):
                break
        text = bytes(self._log).decode(errors="replace")
        for path, other in shown.items():
            text = text.replace(path, other)
        lines = text.splitlines()
        kept = [line.rstrip().expandtabs(4) for line in lines if line.strip() and not _CHATTER.search(line)]
        return "\n".join(f"  {show(line, 300)}" for line in kept[-_LOG_SHOWN:])

    def how_it_ended(self) -> str:
        """Return how the process ended: `was ended by SIGSEGV`, as the middle of a sentence."""
        code = self._popen.returncode if self._popen is not None else None
        if code is None:
            return "closed its pipe"
        if code >= 0:
            return f"ended with exit status {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        memory = ", which is what the kernel sends when memory runs out," if name == "SIGKILL" else ""
        return f"was ended by {name}{memory}"

    def close(self) -> None:
        """Close its pipe, which ends it; kill it after a second."""
        self._asked_to_end = True
        self._requests.put(None)
        if not self._ended.wait(1.0):
            self.kill()

    def kill(self) -> None:
        """Kill it and all it started, and wait until it is gone."""
        self._asked_to_end = True
        popen = self._popen
        if popen is None or popen.returncode is not None:
            return
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(popen.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            popen.kill()
        self._requests.put(None)
        self._ended.wait(5.0)


def _has_data(pipe: int, timeout: float | None) -> bool:
    """Return whether a pipe can be read without blocking: it holds something, or has ended."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    return bool(poll.poll(timeout))


def start(
    command: Sequence[str], environment: dict[str, str], passed: Sequence[int]
) -> subprocess.Popen[bytes]:
    """Start a command in its own session, its log piped, with the descriptors that it names.

    Tests put another in its place that forks an interpreter in which TensorFlow is imported already.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=passed,
        start_new_session=True,
        env=environment,
    )


def _spawn(python: str, environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], int, int]:
    """Start the script in its own session; return it, the fd to read, the fd to write."""
    if not _PASS_DESCRIPTORS:
        popen = subprocess.Popen(
            [python, "-u", str(SCRIPT), "0", "1", "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        assert popen.stdin is not None and popen.stdout is not None
        source, sink = os.dup(popen.stdout.fileno()), os.dup(popen.stdin.fileno())
        popen.stdout.close()
        popen.stdin.close()
        return popen, source, sink
    ends: list[int] = []
    try:
        import fcntl

        ends += os.pipe()
        ends += os.pipe()
        for at, end in enumerate(ends):
            if end < 3:  # where a standard stream is closed: the child would get its own there
                ends[at] = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3)
                os.close(end)
        request_out, request_in, answer_out, answer_in = ends
        command = [python, "-u", str(SCRIPT), str(request_out), str(answer_in), str(os.getpid())]
        popen = start(command, environment, (request_out, answer_in))
    except BaseException:
        for end in ends:
            os.close(end)
        raise
    os.close(request_out)
    os.close(answer_in)
    return popen, answer_out, request_in
