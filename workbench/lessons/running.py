"""Commands of a lesson run as a user runs them: `workbench …` in a process of its own, in the student's folder."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TIME_LIMIT = 600.0
_MOST = 400_000
"""Characters of an output that are kept."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did.

    Attributes:
        words: the command, without `workbench`.
        exit: its exit code.
        output: what it wrote to stdout.
        errors: what it wrote to stderr.
    """

    words: tuple[str, ...]
    exit: int
    output: str
    errors: str

    @property
    def text(self) -> str:
        """What a terminal shows: the output, then what was said beside it."""
        return "\n".join(part.rstrip("\n") for part in (self.output, self.errors) if part.strip())


Runner = Callable[[Sequence[str], Path], Ran]
"""Runs the words of a command, without `workbench`, in a folder."""


class Commands:
    """Runs commands, one at a time, each in a process of its own that reads no input; another thread may end it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False

    def __call__(self, words: Sequence[str], folder: Path) -> Ran:
        """Run a command in a folder, and return what it did."""
        self._ended = False
        # -P: a file of the folder that is called like a module of Python's is not imported
        command = [sys.executable, "-P", "-m", "workbench", *words]
        process = self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            output, errors = map(_text, process.communicate(timeout=TIME_LIMIT))
        except subprocess.TimeoutExpired:
            errors = f"The command took longer than {TIME_LIMIT:.0f} s and was ended."
            return Ran(tuple(words), 1, "", errors)
        finally:
            _end(process)
            self._process = None
        if self._ended:
            errors = "The command was ended."
        return Ran(tuple(words), process.returncode, output, errors)

    def end(self) -> None:
        """End the command that runs, if one does; it removes what it had begun."""
        process = self._process
        if process is not None:
            self._ended = True
            process.terminate()


def run_command(words: Sequence[str], folder: Path) -> Ran:
    """Run a command in a process of its own, which reads no input, and return what it did."""
    return Commands()(words, folder)


def _environment() -> dict[str, str]:
    package = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH", "")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(one for one in (package, known) if one),
        "PYTHONIOENCODING": "utf-8",
        "NO_COLOR": "1",
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()


def _text(stream: bytes) -> str:
    return _kept(stream.decode("utf-8", "replace"))


def _kept(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[:_MOST]}\n… {len(text) - _MOST:,} more characters"


@cache
def has_tensorflow() -> bool:
    """Return whether this Python has TensorFlow, without importing it."""
    return importlib.util.find_spec("tensorflow") is not None
