"""The quick part of the tests stays quick: no TensorFlow in it, and it runs first."""

from __future__ import annotations

import functools
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.zoo import test_zoo

ROOT = Path(__file__).resolve().parent.parent


FILES = ("tests/test_sample_models.py", "tests/zoo/test_zoo.py")
QUICK = ("-m", "not needs_tf")


EXHAUSTIVE = ("-m", "exhaustive")
COLLECT = """
import contextlib, io, json, sys
import tests.conftest, tests.zoo
found = ["tensorflow" in sys.modules]
import pytest
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = pytest.main(["-o", "addopts=-q", "--collect-only", "-p", "no:cacheprovider", *words])
    assert code == 0, said.getvalue()
    found.append([line for line in said.getvalue().splitlines() if "::" in line])
print(json.dumps(found))
"""


class Collected(NamedTuple):
    """What pytest collects in another process.

    Attributes:
        tensorflow: whether importing the zoo and conftest imports TensorFlow.
        everything: the tests of FILES, in order.
        quick: those that do not need TensorFlow.
        exhaustive: those that only the exhaustive run takes.
    """

    tensorflow: bool
    everything: list[str]
    quick: list[str]
    exhaustive: list[str]


@functools.cache
def collected() -> Collected:
    asked = json.dumps([FILES, (*QUICK, *FILES), (*EXHAUSTIVE, *FILES)])
    done = subprocess.run([sys.executable, "-c", COLLECT, asked], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return Collected(*json.loads(done.stdout.splitlines()[-1]))


def test_the_zoo_does_not_import_tensorflow() -> None:
    assert not collected().tensorflow


def test_what_needs_tensorflow_comes_last() -> None:
    found = collected()
    assert 0 < len(found.quick) < len(found.everything)
    assert found.everything[: len(found.quick)] == found.quick


def test_an_exhaustive_test_runs_only_where_it_is_asked_for() -> None:
    found = collected()
    assert found.exhaustive
    for plain in (found.everything, found.quick):
        assert plain and not set(found.exhaustive).intersection(plain)


def test_a_test_that_uses_the_zoo_needs_tensorflow() -> None:
    """It is marked by the fixture it takes, not by hand."""
    tests = {name: one for name, one in vars(test_zoo).items() if name.startswith("test_")}
    take = {name for name, one in tests.items() if "zoo" in inspect.signature(one).parameters}
    quick = {
        line.partition("::")[2].partition("[")[0]
        for line in collected().quick
        if line.startswith("tests/zoo/test_zoo.py::")
    }
    assert take and quick and not take & quick
