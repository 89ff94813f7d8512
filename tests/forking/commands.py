"""`workbench WORDS …` in forks of this process, which has imported it.

Each is a process of its own with its streams, environment, folder, session and signals, and runs the same `main` as
`python -m workbench`; it only spares the time that an interpreter and its imports take. What the interpreter itself
does is not in it: closed streams at its start, streams that can't be flushed at its end, variables called PYTHON…
Tests of these start one.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tests.forking.client import CAN_FORK, FORKING
from tests.timing import HANG
from workbench.__main__ import main
from workbench.runtime.child_process import process


class Forked(subprocess.Popen[str]):
    """Work as a process, in all else as `Popen` has it: where that would execute a program, it forks."""

    def __init__(self, work: Callable[[], int | None], *words: str | Path, **options: Any) -> None:
        self._work = work
        super().__init__(
            [sys.executable, "-m", "workbench", *map(str, words)], **{"text": True, "bufsize": -1, **options}
        )

    def _execute_child(
        self,
        args: Sequence[str],
        executable: str | None,
        preexec_fn: Callable[[], None] | None,
        close_fds: bool,
        pass_fds: Sequence[int],
        cwd: str | Path | None,
        env: Mapping[str, str] | None,
        startupinfo: object,
        creationflags: int,
        shell: bool,
        *more: Any,
    ) -> None:
        if not CAN_FORK:
            given = (args, executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo, creationflags)
            super()._execute_child(*given, shell, *more)  # type: ignore[misc]
            return
        pipes, leads = more[:6], more[11]
        sys.stdout.flush()
        sys.stderr.flush()
        begun, closed_then = os.pipe()
        self.pid = os.fork()
        if not self.pid:

            def begin() -> None:
                if leads:
                    os.setsid()
                _become(args[3:], (pipes[0], pipes[3], pipes[5]), cwd, env)
                if preexec_fn is not None:
                    preexec_fn()

            _live(begin, self._work)
        self._child_created = True
        os.close(closed_then)
        os.read(begun, 1)
        os.close(begun)
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


class Command(Forked):
    """A command line as a process."""

    def __init__(self, *words: str | Path, **options: Any) -> None:
        super().__init__(main, *words, **options)


def ran(*words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command line to its end; its stdout and stderr are read unless they are given."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Command(*words, **{**streams, **options}) as command:
        try:
            out, err = command.communicate(timeout=HANG)
        except BaseException:
            command.kill()
            raise
        return subprocess.CompletedProcess(command.args, command.returncode, out, err)


def _become(
    words: Sequence[str],
    streams: Sequence[int],
    folder: str | Path | None,
    environment: Mapping[str, str] | None,
) -> None:
    """Make this fork what a started process is."""
    gc.freeze()  # what is collected here would close descriptors of these numbers
    for number, descriptor in enumerate(streams):
        if descriptor != -1:
            os.dup2(descriptor, number)
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name)
        signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # tells the parent that this is a process of its own now
    if folder is not None:
        os.chdir(folder)
    if environment is not None:
        os.environ.clear()
        os.environ.update(environment)
    atexit._clear()
    process.start = FORKING._afresh  # no fork of a server that its parent talks to
    sys.argv[:] = ["workbench", *words]
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115


def _live(begin: Callable[[], None], work: Callable[[], int | None]) -> NoReturn:
    """Do the work, and end as the interpreter would."""
    code = 70
    try:
        begin()
        code = as_a_program(work)
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
    os._exit(code)


def as_a_program(work: Callable[[], int | None]) -> int:
    """Return the exit code that Python would end with."""
    try:
        return work() or 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
