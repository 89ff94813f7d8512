"""The standard streams of a command, safe from shells and leaving readers.

A stream that is closed (`workbench … >&-`) is taken as `/dev/null`. Left closed, its number would be given to the next
file that is opened: a pipe to a child, or the model itself.

A reader that has seen enough (`| head -1`) ends neither the command nor what it does: further output is
discarded, and the exit code is that of the command.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Patient(io.FileIO):
    """A stream that discards its output once the pipe's reader has gone."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            _to_nothing(self.fileno())
            return memoryview(data).nbytes


def prepare() -> None:
    """Make the three standard streams safe to use, before anything is opened."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            _to_nothing(number)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = _writable(sys.stdout, 1)
    sys.stderr = _writable(sys.stderr, 2)


def _writable(stream: TextIO | None, number: int) -> TextIO:
    if stream is None:
        return open(number, "w", closefd=False, encoding="utf-8", errors="backslashreplace")
    mode = os.fstat(number).st_mode
    if not isinstance(stream, io.TextIOWrapper) or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_Patient(number, "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        # with PYTHONUNBUFFERED the stream writes through, but only to a buffer that is ours now
        line_buffering=stream.line_buffering or stream.write_through,
    )


def _to_nothing(number: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    if nothing == number:
        os.set_inheritable(nothing, True)
        return
    os.dup2(nothing, number)
    os.close(nothing)
