"""The quick part of the tests stays quick: no TensorFlow in it, and it runs first."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sampling import plainly

ROOT = Path(__file__).resolve().parent.parent


def run(*words: str) -> str:
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_zoo_does_not_import_tensorflow() -> None:
    assert run("-c", "import sys, tests.zoo, tests.conftest; print('tensorflow' in sys.modules)") == "False\n"


@functools.cache
def collected(*words: str) -> list[str]:
    lines = run(
        "-m", "pytest", "-o", "addopts=-q", "--collect-only", "-p", "no:cacheprovider", *words
    ).splitlines()
    return [line for line in lines if "::" in line]


FILES = (
    "tests/zoo/test_broken.py",
    "tests/test_sample_models.py",
    "tests/zoo/test_zoo.py",
    "tests/faults/test_faults.py",
)
QUICK = ("-m", "not needs_tf")


def in_file(lines: list[str], file: str) -> list[str]:
    return [line for line in lines if line.startswith(f"{file}::")]


def test_what_needs_tensorflow_comes_last() -> None:
    everything, quick = collected(*FILES), collected(*QUICK, *FILES)
    assert 0 < len(quick) < len(everything)
    assert everything[: len(quick)] == quick


@pytest.mark.parametrize("words", plainly([((),), (QUICK,)], ((),)))
def test_an_exhaustive_test_runs_only_where_it_is_asked_for(words: tuple[str, ...]) -> None:
    file = "tests/faults/test_faults.py"
    exhaustive = set(collected("-m", "exhaustive", file))
    assert exhaustive
    plain = in_file(collected(*words, *FILES), file)
    assert plain and not exhaustive.intersection(plain)


def test_a_test_that_uses_the_zoo_needs_tensorflow() -> None:
    """It is marked by the fixture it takes, not by hand."""
    quick = in_file(collected(*QUICK, *FILES), "tests/zoo/test_zoo.py")
    assert [line.partition("::")[2] for line in quick] == [
        "test_there_is_enough_of_each_kind",
        "test_every_maker_says_what_it_makes",
        "test_names_selects_by_kind",
    ]
