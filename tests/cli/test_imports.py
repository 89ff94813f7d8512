"""What each command loads: nothing slow that it does not need.

Many command lines run in one fresh process; the modules loaded are listed after each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.tools import DIGITS, IMAGE, WIRE

LOOK = """
import sys
from workbench.cli.main import main
lines = sys.stdin.read().splitlines()
report, found = sys.stderr, []
for line in lines:
    code = main(line.split("\\t") if line else [])
    found.append([code, sorted(sys.modules)])
sys.stdout.flush()
import json
print(json.dumps(found), file=report)
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


class Looked(NamedTuple):
    """What a command line left loaded.

    Attributes:
        words: the command line.
        code: its exit code.
        modules: the modules loaded when it ended.
    """

    words: tuple[str | Path, ...]
    code: int
    modules: frozenset[str]

    @property
    def tops(self) -> set[str]:
        """Return the top-level modules."""
        return {name.partition(".")[0] for name in self.modules}


def looked(*commands: tuple[str | Path, ...]) -> list[Looked]:
    """Run command lines in one new process."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        input="\n".join("\t".join(map(str, words)) for words in commands),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert "Traceback" not in done.stderr, done.stderr
    found = json.loads(done.stderr.splitlines()[-1])
    return [
        Looked(words, code, frozenset(modules))
        for words, (code, modules) in zip(commands, found, strict=True)
    ]


BARE: list[tuple[str | Path, ...]] = [(), ("--help",), ("--version",)]
RUN_NOTHING: list[tuple[str | Path, ...]] = [
    ("inspect", DIGITS),
    ("inspect", "--help"),
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
    ("merge", IMAGE, DIGITS, "--wire", WIRE, "--no-verify", "--json", "-o", "OUT2"),
]
STOP_EARLY: list[tuple[str | Path, ...]] = [
    ("run", DIGITS, "--input", "myInput=[[1,2]]"),
    ("run", "OUT3", "--input", "x=1"),
]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> list[Looked]:
    """Run all of them; the general help in a process of its own, because it loads the operations."""
    folder = tmp_path_factory.mktemp("imports")
    commands = [
        tuple(folder / str(word) if str(word).startswith("OUT") else word for word in words)
        for words in (*RUN_NOTHING, *STOP_EARLY)
    ]
    return [*looked(*BARE), *looked(*commands)]


def test_what_runs_nothing_loads_nothing_slow(ended: list[Looked]) -> None:
    for each in ended[: -len(STOP_EARLY)]:
        assert each.code == (0 if each.words else 2), each.words
        assert sorted(each.tops & (NEVER | SLOW)) == [], each.words


def test_only_the_typed_command_is_imported(ended: list[Looked]) -> None:
    inspected = ended[len(BARE)]
    assert inspected.words == ("inspect", DIGITS)
    others = (
        "workbench.surgery",
        "workbench.runtime",
        "workbench.publishing",
        "workbench.cli.commands.",
    )
    found = [name for name in inspected.modules if name.startswith(others)]
    assert found == ["workbench.cli.commands.inspect"]


def test_the_first_help_reads_no_command(ended: list[Looked]) -> None:
    """Nor protobuf, nor the schema."""
    for each in ended[: len(BARE)]:
        assert "google" not in each.tops, each.words


def test_run_that_stops_early(ended: list[Looked]) -> None:
    """numpy reads the values; no process is started before they fit."""
    unfit, missing = ended[-2:]
    assert (unfit.code, missing.code) == (2, 3)
    assert sorted(unfit.tops & (NEVER | SLOW - {"numpy"} - NUMPY_LOADS)) == []
    assert sorted(missing.tops & NEVER) == []


def test_the_package_is_imported_for_next_to_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; before = set(sys.modules); import workbench\n"
         "print(sorted(name for name in set(sys.modules) - before if name.startswith('workbench')))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "['workbench', 'workbench.notebook', 'workbench.version']"


@pytest.mark.exhaustive
@pytest.mark.needs_tf
def test_a_verified_merge_keeps_tensorflow_in_its_child(tmp_path: Path) -> None:
    (merged,) = looked(("merge", IMAGE, DIGITS, "--wire", WIRE, "-o", tmp_path / "out"))
    assert merged.code == 0
    assert not merged.tops & (NEVER - {"ml_dtypes"} | {"rich"})
