"""The application in a real pseudo-terminal: it starts, merges, quits, and the terminal is as it was."""

from __future__ import annotations

import base64
import fcntl
import os
import pty
import re
import select
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.timing import HANG
from tests.tui.driving import drive, press, screen_text
from workbench.tui.app import WorkbenchApp

ROOT = Path(__file__).resolve().parents[2]


def _take_terminal() -> None:
    """In a new process: its standard input becomes the terminal that controls it, as after a login."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A process behind a pseudo-terminal."""

    program: tuple[str, ...] = (sys.executable, "-m", "workbench")
    controls = True

    def __init__(
        self, words: list[str], folder: Path, state: Path, environment: dict[str, str] | None = None
    ) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        environment = {
            **(environment or os.environ),
            "TERM": "xterm-256color",
            "XDG_STATE_HOME": str(state),
            "PYTHONPATH": str(ROOT),
        }
        environment.pop("TMUX", None)
        self.process = subprocess.Popen(
            [*self.program, *words],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            cwd=folder,
            env=environment,
            start_new_session=True,
            preexec_fn=_take_terminal if self.controls else None,
        )
        self.output = b""

    def read(self, seconds: float = 0.1) -> None:
        """Takes what was written meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([self.master], [], [], left)
            if ready:
                try:
                    self.output += os.read(self.master, 65536)
                except OSError:
                    return

    def until(self, text: str, seconds: float = HANG) -> None:
        """Reads until a text was drawn; where the cursor was moved in between does not count."""
        end = time.monotonic() + seconds
        while text not in self.text():
            assert time.monotonic() < end, f"{text!r} did not appear in:\n{self.text()[-3000:]}"
            assert self.process.poll() is None or text in self.text(), self.text()[-3000:]
            self.read()

    def settled(self, seconds: float = 0.3) -> None:
        """Reads until nothing has come for a while: what was asked for is drawn, and the next key can be taken.

        A cursor that blinks, or a line that tells what goes on, may never rest: after ten times as long it is enough.
        """
        length, end = -1, time.monotonic() + 10 * seconds
        while length != len(self.output) and time.monotonic() < end:
            length = len(self.output)
            self.read(seconds)

    def ended(self, seconds: float = HANG) -> int:
        """Reads until the process is gone: one that can't write does not end. Its exit code."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, "it did not end"
            self.read()
        return self.process.returncode

    def text(self) -> str:
        """All that was drawn, without escapes."""
        return re.sub(
            r"\x1b(\[[0-9;?<>=$]*[ -/]*[@-~]|\].*?\x07|[=>PX^_].)", "", self.output.decode("utf-8", "replace")
        )

    def send(self, keys: str, slowly: bool = True) -> None:
        """Types, key by key or at once."""
        for key in keys if slowly else [keys]:
            os.write(self.master, key.encode())
            self.read(0.1)

    def wire(self) -> None:
        """Picks the output under the cursor and wires it into the input that the cursor is led to.

        Each key when the one before is done with: the focus goes over only then.
        """
        self.settled()
        self.send(" ")
        self.until("wires it")
        self.settled()
        self.send(" ")
        self.until("can be committed")


class Uncontrolled(Terminal):
    """A terminal whose end no signal tells of."""

    controls = False


class Shell(Terminal):
    """An interactive shell, which has job control."""

    program = ("bash", "--norc", "--noprofile", "--noediting", "-i")


class Tmux(Terminal):
    """A client of a tmux server of its own."""

    program = ("tmux", "-L", f"workbench-test-{os.getpid()}", "-f", os.devnull)


@contextmanager
def terminal(
    words: list[str], folder: Path, state: Path, kind: type[Terminal] = Terminal
) -> Iterator[Terminal]:
    found = kind(words, folder, state)
    try:
        yield found
    finally:
        if found.process.poll() is None:
            found.process.kill()
        found.process.wait()
        for end in (found.master, found.slave):
            with suppress(OSError):
                os.close(end)


@pytest.mark.needs_tf
def test_it_merges_and_leaves_the_terminal_as_it_was(sample_models: Path, tmp_path: Path) -> None:
    words = ["tui", str(sample_models / "image_base64"), str(sample_models / "digits")]
    with terminal(words, tmp_path, tmp_path / "state") as tty:
        tty.until("convert_image")
        tty.until("softmax/")
        tty.wire()
        tty.send("c")
        tty.until("What the commit will do")
        tty.settled()
        tty.send("merged\r")
        tty.until("verified")
        tty.send("\x1b")
        tty.settled(0.5)
        tty.send("q")
        assert tty.ended() == 0
        tty.read(0.2)
        assert termios.tcgetattr(tty.slave) == tty.before
        end = tty.output[-4000:]
        for restored in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l"):
            assert restored in end
    assert (tmp_path / "merged" / "saved_model.pb").exists()


@pytest.mark.exhaustive  # a lost plan is taken up in another story; ends by signals are tested of commands
def test_a_lost_connection_leaves_the_plan_and_no_process(sample_models: Path, tmp_path: Path) -> None:
    words = ["tui", str(sample_models / "image_base64"), str(sample_models / "digits")]
    with terminal(words, tmp_path, tmp_path / "state") as tty:
        tty.until("convert_image")
        tty.until("softmax/")
        tty.wire()
        os.close(tty.master)  # as when ssh goes: the kernel hangs up the terminal
        tty.process.wait(HANG)
    (plan,) = (tmp_path / "state" / "workbench" / "plans").glob("*.json")
    assert "myInput" in plan.read_text()

    async def found(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        assert "Not finished" in screen_text(app)
        await press(app, pilot, "enter")
        assert "can be committed" in screen_text(app)

    drive(found, state=tmp_path / "state" / "workbench")


def test_it_ends_when_nobody_takes_what_it_writes(sample_models: Path, tmp_path: Path) -> None:
    words = ["tui", str(sample_models / "digits")]
    with terminal(words, tmp_path, tmp_path / "state", Uncontrolled) as tty:
        tty.until("myOutput")
        os.close(tty.master)
        os.kill(tty.process.pid, signal.SIGCONT)  # on which all is written again
        assert tty.process.wait(HANG) == 129


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")
def test_it_suspends_to_the_shell_and_comes_back(tmp_path: Path) -> None:
    with terminal([], tmp_path, tmp_path / "state", Shell) as tty:
        tty.send(f"PS1='prompt> '; {sys.executable} -m workbench\n", slowly=False)
        tty.until("Enter opens the marked line")
        tty.settled()
        tty.send("\x1a")
        tty.until("Stopped")
        assert b"\x1b[?1049l" in tty.output, "the shell's screen is back"
        tty.output = b""
        tty.send("echo shell-$((40+2))\n", slowly=False)
        tty.until("shell-42")
        tty.output = b""
        tty.send("fg\n", slowly=False)
        tty.until("Enter opens the marked line")
        tty.settled()
        tty.send("\x1b")
        tty.output = b""
        tty.until("prompt>")
        tty.send("echo over-$?\nexit\n", slowly=False)
        tty.until("over-0")


def ask_tmux(*words: str) -> str:
    return subprocess.run([*Tmux.program, *words], capture_output=True, text=True, check=True).stdout


@pytest.mark.exhaustive
@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
def test_what_is_copied_inside_tmux_reaches_the_terminal(sample_models: Path, tmp_path: Path) -> None:
    command = shlex.join([sys.executable, "-m", "workbench", "tui", str(sample_models / "image_base64")])
    with terminal(["new-session", command], tmp_path, tmp_path / "state", Tmux) as tty:
        try:
            tty.until("pixels")
            tty.settled()
            tty.send("y")
            tty.until("Copied")
            tty.read(0.5)
            buffer = subprocess.run(
                [*Tmux.program, "show-buffer"], capture_output=True, text=True, check=True
            )
        finally:
            subprocess.run([*Tmux.program, "kill-server"], check=False)
    assert buffer.stdout == "serving_default"
    assert b"\x1b]52;" in tty.output and base64.b64encode(b"serving_default") in tty.output


@pytest.mark.exhaustive
def test_a_polite_end_restores_the_terminal(sample_models: Path, tmp_path: Path) -> None:
    with terminal(["tui", str(sample_models / "digits")], tmp_path, tmp_path / "state") as tty:
        tty.until("myOutput")
        tty.process.terminate()
        assert tty.ended() == 128 + signal.SIGTERM
        tty.read(0.2)
        assert termios.tcgetattr(tty.slave) == tty.before and b"\x1b[?1049l" in tty.output[-4000:]


def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for words in (["tui"], []):
        done = subprocess.run(
            [sys.executable, "-m", "workbench", *words],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        assert done.returncode == 2
    assert "workbench COMMAND" in done.stdout


def test_textual_is_not_imported_by_other_commands(sample_models: Path) -> None:
    code = (
        "import sys; from workbench.cli.main import main; "
        f"main(['inspect', {str(sample_models / 'digits')!r}]); main(['tui', '--help']); "
        "assert 'textual' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
