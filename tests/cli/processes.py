"""Running the command line, in this process or as a user does."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import resource
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path

from tests.forking.commands import Command
from tests.timing import HANG

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a process left."""

    code: int
    out: str
    err: str


def command(*words: str | Path, env: dict[str, str] | None = None, **kwargs: object) -> Ran:
    """`workbench WORDS…` in a process of its own, stdout and stderr to pipes."""
    done = subprocess.run(
        [sys.executable, "-m", "workbench", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=HANG,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        **kwargs,  # type: ignore[call-overload]
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def terminal(
    *words: str | Path,
    columns: int = 80,
    env: dict[str, str] | None = None,
    folder: Path | None = None,
    talk: bool = False,
) -> Ran:
    """The same in a fork of this process, with a terminal of so many columns as stdout.

    Args:
        words: of the command line.
        columns: of the terminal.
        env: variables besides those of this process.
        folder: the working folder, if not that of this process.
        talk: stdin and stderr are that terminal, too.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    unset = ("COLUMNS", "LINES", "NO_COLOR")
    full = {name: value for name, value in os.environ.items() if name not in unset}
    full |= {"TERM": "xterm-256color", **(env or {})}
    stdin, stderr = (slave, slave) if talk else (subprocess.DEVNULL, subprocess.PIPE)
    with Command(*words, stdin=stdin, stdout=slave, stderr=stderr, env=full, cwd=folder) as process:
        os.close(slave)
        chunks = []
        with contextlib.suppress(OSError):  # the other end is closed
            while chunk := os.read(master, 65536):
                chunks.append(chunk)
        os.close(master)
        err = process.stderr.read() if process.stderr is not None else ""
        return Ran(process.wait(timeout=HANG), b"".join(chunks).decode().replace("\r\n", "\n"), err)


def no_file_over(size: int) -> None:
    """Have the kernel refuse larger files to this process: for `preexec_fn`."""
    sys.dont_write_bytecode = True  # compiled code would be cut off at the limit, too
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
