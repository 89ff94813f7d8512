"""Running the command line, in this process or as a user does."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path

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


def terminal(*words: str | Path, columns: int = 80, env: dict[str, str] | None = None) -> Ran:
    """The same with a terminal of so many columns as stdout."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    full = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **(env or {})}
    full.pop("COLUMNS", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.PIPE,
        env=full,
    )
    os.close(slave)
    chunks = []
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(master)
    assert process.stderr is not None
    err = process.stderr.read().decode()
    return Ran(process.wait(timeout=HANG), b"".join(chunks).decode().replace("\r\n", "\n"), err)
