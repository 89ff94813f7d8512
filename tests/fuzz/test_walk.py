"""The fuzzer of the walk: a few hundred models that TensorFlow plays, and its own workings without TensorFlow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import walk
from tests.fuzz.walk_marks import Mutant
from tests.fuzz.walk_mutants import make
from tests.hostile.build import Build, marking
from tests.sampling import every
from workbench.model import open_model

FEW = 300


@pytest.mark.needs_tf
@pytest.mark.exhaustive
def test_what_fires_is_reported(tmp_path: Path) -> None:
    walk.play(tmp_path, 7, FEW)
    tally = walk.judge(tmp_path, 7)
    assert tally.faults == {}
    assert tally.counts["mutants that load"] > FEW * 0.9
    assert tally.counts["fired"] > FEW and tally.counts["read"] > FEW / 20


@pytest.mark.parametrize("number", every(range(40), 4))
def test_a_clean_model_is_not_reported(number: int, tmp_path: Path) -> None:
    mutant = make(tmp_path / "m", 3, number)
    tally = walk.Tally()
    runs = [walk.Run("v2", list(tags), True, {}, []) for tags in mutant.tags]
    walk.judge_one(tmp_path / "again", 3, number, runs, tally)
    assert tally.faults == {}


def test_a_number_makes_the_model(tmp_path: Path) -> None:
    for name, number in (("a", 5), ("b", 5), ("c", 6)):
        make(tmp_path / name / "m", 0, number)
    first, same, other = (tmp_path / name / "m" / "saved_model.pb" for name in "abc")
    assert first.read_bytes() == same.read_bytes().replace(b"/b/m", b"/a/m") != other.read_bytes()


def test_a_mark_that_fires_unreported_is_a_fault(tmp_path: Path) -> None:
    """What a signature does is no fault when it is called, and one when it is loaded."""
    mark = tmp_path / "m.w1"
    build = Build()
    build.serve(nodes=marking(str(mark), name="w1"), after=["w1"])
    meta = open_model(build.save(tmp_path / "m")).meta
    mutant = Mutant("objects", {"w1": (mark, "here")})
    for phase, faults in (("call serving_default", []), ("load", ["v2 load: here"])):
        tally = walk.Tally()
        walk.compare(mutant, meta, walk.Run("v2", ["serve"], True, {phase: ["w1"]}, []), 0, tally)
        assert list(tally.faults) == faults
