"""Commands whose standard streams are closed, or whose reader leaves early."""

from __future__ import annotations

import contextlib
import functools
import os
import select
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.processes import ROOT
from tests.cli.tools import DIGITS, IMAGE, WIRE, call
from tests.forking.commands import Command, ran
from tests.sampling import plainly
from tests.timing import HANG
from workbench.cli import main as cli
from workbench.model import open_model

MERGE = ["merge", str(IMAGE), str(DIGITS), "--wire", WIRE]
COMMANDS: dict[str, tuple[list[str], int]] = {
    "inspect": (["inspect", str(DIGITS)], 0),
    "check": (["check", str(DIGITS)], 0),
    "merge": ([*MERGE, "--no-verify", "-o", "out"], 0),
    "signature": (["signature", str(DIGITS), "--rename", "serving_default=p", "--no-verify", "-o", "out"], 0),
    "flatten": (["flatten", str(DIGITS), "--no-verify", "-o", "out"], 0),
    "freeze": (["freeze", str(DIGITS), "--no-verify", "-o", "out"], 0),
    "edit": (["edit", str(DIGITS), "--step", "freeze", "--no-verify", "-o", "out"], 0),
    "apply": (["apply", "nosuch.json", "-o", "out"], 3),
    "verify": (["verify", str(DIGITS)], 3),
    "run": (["run", str(DIGITS)], 2),
    "explain": (["explain", str(DIGITS)], 0),
    "probe": (["probe", str(DIGITS), "nosuch"], 2),
    "tui": (["tui", str(DIGITS)], 2),
    "draw": (["draw", str(DIGITS)], 0),
    "learn": (["learn", "savedmodel", "--folder", "files"], 0),
    "demo": (["demo", "-o", "/dev/null/x"], 3),
    "show": (["show", str(DIGITS)], 0),
    "scan": (["scan", str(DIGITS)], 0),
    "completion": (["completion", "bash"], 0),
    "bare": ([], 2),
    "help": (["--help"], 0),
    "no such command": (["inspct"], 2),
}
CLOSED = {"stdin": "<&-", "stdout": ">&-", "stderr": "2>&-", "all": "<&- >&- 2>&-"}


def closed(words: list[str], how: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f"exec {shlex.join([sys.executable, '-m', 'workbench', *words])} {CLOSED[how]}"],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=HANG,
    )


def test_every_command_is_here() -> None:
    """Operations are one command as far as streams go; three of them stand for all."""
    assert set(cli.COMMANDS) <= set(COMMANDS) and set(cli.summaries()) & set(COMMANDS) - set(cli.COMMANDS)


WAYS = [(name, how) for name in COMMANDS for how in ("stdin", "all")]
WAYS += [("merge", "stdout"), ("merge", "stderr")]
PLAIN = [("inspect", "all"), ("merge", "stdout")]


@pytest.mark.parametrize(("name", "how"), plainly(WAYS, *PLAIN))
def test_a_command_does_without_its_streams(name: str, how: str, tmp_path: Path) -> None:
    words, code = COMMANDS[name]
    done = closed(words, how, tmp_path)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    if code == 0 and "out" in words:
        assert open_model(tmp_path / "out").meta.signatures


@pytest.mark.needs_tf
@pytest.mark.exhaustive
def test_without_stdin_a_model_is_run(tmp_path: Path) -> None:
    done = closed([*MERGE, "-o", "out"], "all", tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "out" / "saved_model.pb").is_file()


@contextlib.contextmanager
def nobody_reads() -> Iterator[int]:
    """Open a pipe whose reader has gone."""
    out, into = os.pipe()
    os.close(out)
    yield into
    os.close(into)


@pytest.mark.parametrize("descriptor", plainly([1, 2], 2))
def test_a_reader_that_leaves_early_stops_nothing(descriptor: int, tmp_path: Path) -> None:
    """The reader is gone before the first byte: the model is published, and the exit code says so."""
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with nobody_reads() as into:
        streams["stdout" if descriptor == 1 else "stderr"] = into
        done = ran(*MERGE, "--no-verify", "-v", "-o", tmp_path / "out", **streams)
    assert done.returncode == 0
    assert (tmp_path / "out" / "saved_model.pb").is_file()


def test_a_reader_that_leaves_early_hides_no_failure(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with nobody_reads() as into:
        done = ran(*MERGE, "--no-verify", "-o", tmp_path / "out", stdout=into, stderr=into)
    assert done.returncode == 3


def test_what_is_read_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open(tmp_path / "file", "w") as file:
        assert ran("inspect", DIGITS, "--nodes", stdout=file).returncode == 0
    assert call(capsys, "inspect", DIGITS, "--nodes").out == (tmp_path / "file").read_text()


@pytest.mark.parametrize("unbuffered", plainly(["", "1"], ""))
def test_a_line_is_out_when_it_is_said(unbuffered: str, tmp_path: Path) -> None:
    """A merge that waits for the value of an input has said before what it knows by then."""
    pipe = tmp_path / "value"
    os.mkfifo(pipe)
    words = [*MERGE, "-o", "out", "-v", "--input", f"base64_input=@{pipe}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered}
    start: Any = functools.partial(subprocess.Popen, [sys.executable, "-m", "workbench", *words], text=True)
    if not unbuffered:  # which is for an interpreter to read
        start = functools.partial(Command, *words)
    with start(stderr=subprocess.PIPE, cwd=tmp_path, env=environment) as process:
        ready, _, _ = select.select([process.stderr], [], [], HANG)
        process.kill()
        assert ready
        assert process.stderr.readline().startswith("info ")
