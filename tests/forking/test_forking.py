"""A forked TensorFlow process is like a fresh one."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.forking.client import CAN_FORK, FORKING, Forked, ForkServer
from tests.surgery.tiny import doubler
from workbench.probing.run import run
from workbench.runtime.child_process.child import Child

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="forks are used on Linux only")

LOOK = """
import json, os, sys, threading
import numpy
print(json.dumps({
    "modules": "tensorflow" in sys.modules,
    "main": sys.modules["__main__"].__dict__ is globals(),
    "words": sys.argv,
    "leads": os.getsid(0) == os.getpgrp() == os.getpid(),
    "folder": os.getcwd(),
    "environment": dict(os.environ),
    "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd"))[:-1],
    "random": numpy.random.random(),
    "threads": threading.active_count(),
    "marked": hasattr(numpy, "marked"),
}))
numpy.marked = True
sys.exit(7)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    server = ForkServer(os.environ, ("numpy",))
    yield server
    server.close()


def look(server: ForkServer, *words: str, environment: dict[str, str] | None = None) -> dict[str, Any]:
    """What a forked program finds; it ends with status 7."""
    source, sink = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    pid, news = server.fork(
        {"code": LOOK}, words, environment or dict(os.environ), {0: null, 1: sink, 2: null}
    )
    os.close(sink)
    os.close(null)
    with open(source) as stream:
        found = json.load(stream)
    assert Forked(pid, news, None).wait() == 7
    return found


def test_a_fork_is_a_process_as_if_started(
    server: ForkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = look(server, "a", "b", environment={"ONLY": "this"})
    assert found["words"] == ["-c", "a", "b"]
    assert found["environment"] == {"ONLY": "this"}
    assert found["folder"] == str(tmp_path)
    assert found["leads"] and found["main"]
    assert found["descriptors"] == [0, 1, 2]
    assert found["threads"] == 1


def test_forks_share_nothing_they_do(server: ForkServer) -> None:
    first, second = look(server), look(server)
    assert first["random"] != second["random"]
    assert not first["marked"] and not second["marked"]


def test_an_end_by_a_signal_is_reported(server: ForkServer) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    code = "import signal; signal.pause()"
    pid, news = server.fork({"code": code}, [], dict(os.environ), {0: null, 1: null, 2: null})
    os.close(null)
    forked = Forked(pid, news, None)
    forked.kill()
    assert forked.wait() == -signal.SIGKILL
    forked.kill()  # its pid may be another's by now


def test_forks_end_with_the_server() -> None:
    """Where they ask the kernel for it, as the child script does."""
    server = ForkServer(os.environ, ())
    source, sink = os.pipe()
    code = (
        "import ctypes, signal\n"
        "ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)\n"
        "print('ready', flush=True)\n"
        "signal.pause()\n"
    )
    server.fork({"code": code}, [], dict(os.environ), {1: sink})
    os.close(sink)
    with open(source) as stream:
        assert stream.readline() == "ready\n"
        server.close()
        assert stream.read() == ""  # nobody has the other end any more


def test_what_can_not_be_imported_is_an_error_of_the_server() -> None:
    with pytest.raises(OSError, match="no_such_module"):
        ForkServer(os.environ, ("no_such_module",))


@pytest.mark.needs_tf
def test_a_fork_answers_as_a_fresh_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same versions, values, error and log; a fork after another, too."""
    model = doubler(tmp_path / "model").save()
    found = []
    for forked in (True, False, True):
        monkeypatch.setattr(FORKING, "on", forked)
        before = FORKING.forks
        with Child() as child:
            values = [run(model, {"x": np.full((1, 4), x, np.float32)}, child=child)["y"] for x in (1, 2)]
            empty = {
                "path": str(tmp_path),
                "shown": "it",
                "kind": "saved_model",
                "tags": ["serve"],
                "inline": True,
            }
            answer = child.request({"job": "load_check", "model": empty, "loader": "v2"})
            assert not answer["ok"] and "it" in answer["error"]["message"]
            found.append((child.ready(), np.stack(values).tolist(), answer, child.log_tail()))
        assert FORKING.forks == before + forked
    assert found[0] == found[1] == found[2]


@pytest.mark.needs_tf
def test_a_program_ends_as_it_says(tmp_path: Path) -> None:
    code = "import os, sys; print(sys.argv, os.getcwd()); print('no', file=sys.stderr); sys.exit(3)"
    done = FORKING.program(code, "a", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (3, f"['-c', 'a'] {tmp_path}\n", "no\n")
    assert "ZeroDivisionError" in FORKING.program("1 / 0").stderr
