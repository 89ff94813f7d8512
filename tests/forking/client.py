"""Programs that use TensorFlow, started as forks of an interpreter that has imported it already.

Each is a process of its own that never ran a model, and runs the same code with the same arguments, environment and
descriptors as a fresh interpreter; it only spares the seconds that the import costs. Tests of how a process is
started, ended or fed start fresh ones, by the mark `fresh_tensorflow`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, cast

from workbench.runtime.child_process import child, process

SERVER = Path(__file__).with_name("server.py")
PRELOADED = ("numpy", "tensorflow", "tensorflow.python.saved_model.loader_impl")
SAVED_MODEL_CLI = "from tensorflow.python.tools.saved_model_cli import main; main()"
"""What the script of that name runs."""
CAN_FORK = sys.platform == "linux" and hasattr(os, "pidfd_open")
_UNREAD = frozenset({"COLUMNS", "LINES", "PYTEST_CURRENT_TEST", "XDG_STATE_HOME"})
"""Variables that no import reads: a fork may have others than its server."""


class Forked:
    """A forked process, with what the program asks of a `subprocess.Popen`."""

    def __init__(self, pid: int, news: IO[bytes], stdout: IO[bytes] | None) -> None:
        self.pid = pid
        self.stdout = stdout
        self.stderr = None
        self.returncode: int | None = None
        self._news = news
        self._lock = threading.Lock()

    def wait(self) -> int:
        """Wait for its end; return its exit status, or minus the signal that ended it."""
        with self._lock:
            if self.returncode is None:
                with self._news:
                    line = self._news.readline()
                self.returncode = (
                    int(line) if line else -signal.SIGKILL
                )  # its server was killed, and so was it
        return self.returncode

    def kill(self) -> None:
        """Kill it, unless its end is known."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


class ForkServer:
    """An interpreter that has imported modules; `fork` starts a program in a copy of it."""

    def __init__(self, environment: Mapping[str, str], modules: Sequence[str] = PRELOADED) -> None:
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-u", str(SERVER), str(theirs.fileno()), *modules],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=dict(environment),
            )
        packet = self._link.recv(1 << 20)
        if not packet:
            raise OSError(f"{', '.join(modules)} can't be imported in a process of their own")
        self.environment = {**environment, **json.loads(packet)}
        """What the imports have seen, and set themselves."""

    def fork(
        self,
        program: Mapping[str, str],
        words: Sequence[str | None],
        environment: Mapping[str, str],
        descriptors: Mapping[int, int],
        folder: Path | None = None,
    ) -> tuple[int, IO[bytes]]:
        """Start a program; return its pid, and the stream on which the exit status will come.

        Args:
            program: `{"script": path}` or `{"code": text}`.
            words: its arguments; None stands for the pid of its parent, which is the server.
            environment: all of it.
            descriptors: number there to number here.
            folder: the working folder, if not that of this process.
        """
        source, sink = os.pipe()
        request = {
            **program,
            "words": words,
            "environment": dict(environment),
            "folder": str(folder or Path.cwd()),
            "descriptors": list(descriptors),
        }
        try:
            socket.send_fds(self._link, [json.dumps(request).encode()], [sink, *descriptors.values()])
        finally:
            os.close(sink)
        news = os.fdopen(source, "rb", buffering=0)
        line = news.readline()
        if not line:
            news.close()
            raise OSError("the fork server has ended")
        return int(line), news

    def close(self) -> None:
        """End the server; what it forked was ended by whoever started it."""
        self._link.close()
        self._process.wait()


class Forking:
    """Starts the child script as a fork, where a fresh interpreter would find the same."""

    def __init__(self) -> None:
        self.on = False
        """Whether the tests that run now may have forks."""
        self.forks = 0
        """How many there were."""
        self._server: ForkServer | None = None
        self._lock = threading.Lock()
        self._afresh = process.start
        self._environment: dict[str, str] = {}

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Have `start` in the place of the program's own, for children with the environment of now."""
        if CAN_FORK:
            self._environment = child._environment(gpu=False)
            process.start = self.start
        yield
        process.start = self._afresh
        if self._server is not None:
            self._server.close()

    def start(
        self, command: Sequence[str], environment: dict[str, str], passed: Sequence[int]
    ) -> subprocess.Popen[bytes]:
        """Start the child script, as `process.start` does."""
        python, *words = command
        usual = python == sys.executable and words[:2] == ["-u", str(process.SCRIPT)]
        if not self.on or not usual or not self._serves(environment):
            return self._afresh(command, environment, passed)
        script, *arguments, parent = words[1:]
        assert parent == str(os.getpid())
        reader, writer = os.pipe()
        null = os.open(os.devnull, os.O_RDONLY)
        descriptors = {0: null, 1: writer, 2: writer, **{number: number for number in passed}}
        try:
            pid, news = self.server().fork({"script": script}, [*arguments, None], environment, descriptors)
        except BaseException:
            os.close(reader)
            raise
        finally:
            os.close(null)
            os.close(writer)
        self.forks += 1
        return cast("subprocess.Popen[bytes]", Forked(pid, news, os.fdopen(reader, "rb")))

    def program(self, code: str, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run Python code that uses TensorFlow, as `python -c CODE WORDS…` in a folder; return how it ended."""
        environment, folder = child._environment(gpu=False), folder or Path.cwd()
        if not CAN_FORK or not self._serves(environment):
            command = [sys.executable, "-c", code, *words]
            return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        with open(os.devnull) as null, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            descriptors = {0: null.fileno(), 1: out.fileno(), 2: err.fileno()}
            pid, news = self.server().fork({"code": code}, words, environment, descriptors, folder)
            status = Forked(pid, news, None).wait()
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(
                ["-c", *words], status, out.read().decode(), err.read().decode()
            )

    def _serves(self, environment: Mapping[str, str]) -> bool:
        """Return whether imports would see in an environment what those of the server have seen, or set."""
        mine, imported = self._environment, self.server().environment
        names = {*environment, *mine} - _UNREAD
        return all(environment.get(name) in (mine.get(name), imported.get(name)) for name in names)

    def server(self) -> ForkServer:
        """Return the server, started when first asked for."""
        with self._lock:
            if self._server is None:
                self._server = ForkServer(self._environment)
            return self._server


FORKING = Forking()
