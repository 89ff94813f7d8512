"""A command that is a fork of this process is like a fresh one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forking.client import CAN_FORK
from tests.forking.commands import Command, ran

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="forks are used on Linux only")
ROOT = Path(__file__).resolve().parents[2]


def test_it_answers_as_a_fresh_one(tmp_path: Path, sample_models: Path) -> None:
    """The same words, errors and exit code, in a folder and with variables of its own."""
    (tmp_path / "m").symlink_to(sample_models / "digits")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "60"}
    words = ["inspect", "m", "nosuch", "--nodes"]
    fresh = subprocess.run(
        [sys.executable, "-m", "workbench", *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    forked = ran(*words, cwd=tmp_path, env=environment)
    assert (forked.returncode, forked.stdout) == (fresh.returncode, fresh.stdout) == (3, fresh.stdout)
    assert forked.stderr == fresh.stderr and "nosuch" in fresh.stderr


def test_it_leads_a_session_and_ends_by_a_signal() -> None:
    with Command("completion", "bash", stdout=subprocess.PIPE, start_new_session=True) as command:
        assert os.getsid(command.pid) == command.pid != os.getsid(0)
        command.send_signal(signal.SIGKILL)
        assert command.wait() == -signal.SIGKILL


def test_it_has_no_descriptors_of_its_parent() -> None:
    held = os.pipe()

    def look() -> None:
        assert sorted(int(name) for name in os.listdir("/proc/self/fd"))[:-1] == [0, 1, 2]

    assert ran("--version", preexec_fn=look).returncode == 0
    for descriptor in held:
        os.close(descriptor)
