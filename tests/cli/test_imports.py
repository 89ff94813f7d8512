"""What each command loads: nothing slow that it does not need. Each in a fresh process, looked at as it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.tools import DIGITS, IMAGE, WIRE
from tests.sampling import plainly

LOOK = """
import sys
from workbench.cli.main import main
code = main(sys.argv[1:])
sys.stdout.flush()
import json
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]), file=sys.stderr)
"""
NEVER = {
    "tensorflow",
    "keras",
    "networkx",
    "textual",
    "ml_dtypes",
    "asyncio",
    "multiprocessing",
    "concurrent",
}
SLOW = {
    "rich",
    "numpy",
    "email",
    "http",
    "ssl",
    "socket",
    "subprocess",
    "unittest",
    "shtab",
    "tempfile",
}
"""Not on the path of inspect and of a merge that runs nothing."""
NUMPY_LOADS = {"subprocess", "tempfile", "unittest"}


def loaded(*words: str | Path, code: int = 0) -> set[str]:
    """The top-level modules that are there when a command has ended."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert "Traceback" not in done.stderr, done.stderr
    found, modules = json.loads(done.stderr.splitlines()[-1])
    assert found == code, done.stderr
    return set(modules)


WORDS: list[tuple[str | Path, ...]] = [
    ("--help",),
    ("--version",),
    ("inspect", "--help"),
    ("inspect", DIGITS),
    ("inspect", DIGITS, IMAGE, "--json"),
    ("inspect", DIGITS, "--nodes"),
    ("inspect", DIGITS, "--variables"),
    ("show", "--dir", DIGITS, "--all"),
    ("scan", "--dir", DIGITS),
    ("check", "--help"),
    ("check", DIGITS),
    ("check", DIGITS, "--for", "serving", "--json"),
    ("check", "--codes"),
    ("merge", "--help"),
    ("verify", "--help"),
    ("merge", IMAGE, DIGITS, "--wire", WIRE, "--dry-run"),
    ("merge", IMAGE, DIGITS, "--wire", WIRE, "--dry-run", "--json"),
    ("merge", IMAGE, DIGITS, "--wire", WIRE, "--no-verify", "-o", "OUT"),
    ("merge", IMAGE, DIGITS, "--wire", WIRE, "--no-verify", "--json", "-o", "OUT"),
]
PLAIN = [3, 11, 12, -1]
"""One of each command that newcomers type; the rest is for the exhaustive run."""


@pytest.mark.parametrize(
    "words",
    plainly([(words,) for words in WORDS], *[(WORDS[at],) for at in PLAIN]),
    ids=lambda words: " ".join(Path(word).name for word in words),
)
def test_what_runs_nothing_loads_nothing_slow(tmp_path: Path, words: tuple[str | Path, ...]) -> None:
    modules = loaded(*[tmp_path / "out" if word == "OUT" else word for word in words])
    assert sorted(modules & (NEVER | SLOW)) == []


def test_the_first_help_reads_no_command() -> None:
    """Nor protobuf, nor the schema."""
    for words in ((), ("--help",)):
        assert "google" not in loaded(*words, code=0 if words else 2), words


def test_run_that_stops_early(tmp_path: Path) -> None:
    """numpy reads the values; no process is started before they fit."""
    modules = loaded("run", DIGITS, "--input", "myInput=[[1,2]]", code=2)
    assert sorted(modules & (NEVER | SLOW - {"numpy"} - NUMPY_LOADS)) == []
    assert sorted(loaded("run", tmp_path / "nothing", "--input", "x=1", code=3) & NEVER) == []


def test_the_package_is_imported_for_next_to_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; before = set(sys.modules); import workbench\n"
         "print(sorted(name for name in set(sys.modules) - before if name.startswith('workbench')))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "['workbench', 'workbench.notebook', 'workbench.version']"


def test_public_names_stay_what_they_are() -> None:
    """Importing a module that is called as a public function does not hide the function."""
    code = (
        "import workbench, types\n"
        "for _ in range(2):\n"
        "    found = [name for name in workbench.__all__ if isinstance(getattr(workbench, name), types.ModuleType)]\n"
        "    assert found == ['errors'], found\n"
        "    import workbench.publishing.commit, workbench.publishing.work\n"
        "from workbench import commit\n"
        "assert commit is workbench.publishing.commit.commit\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.needs_tf
def test_a_verified_merge_keeps_tensorflow_in_its_child(tmp_path: Path) -> None:
    modules = loaded("merge", IMAGE, DIGITS, "--wire", WIRE, "-o", tmp_path / "out")
    assert not modules & (NEVER - {"ml_dtypes"} | {"rich"})
