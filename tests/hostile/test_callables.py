"""A callable is asked about as Python finds it by its path, which may be another object than the path is read from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.test_unsafe import NOBODY
from tests.cli.tools import call
from tests.hostile.build import Build
from tests.hostile.calling import same
from workbench.checks.unsafe import unsafe_ops
from workbench.model import open_model


def dot(b: Build, fair: int, foul: int) -> str:
    """One child is called `a.b`; another `a`, with a child `b`, is listed under its first name."""
    holder = b.user(b=foul)
    for name, child in (("z", holder), ("a", holder), ("a.b", fair)):
        b.child(0, name, child)
    return "a.b"


def index(b: Build, fair: int, foul: int) -> str:
    """Two children of a list have the same number, written in two ways: the last is the item."""
    b.child(0, "a", b.user("trackable_list_wrapper", **{"0": fair, "00": foul}))
    return "a.0"


def from_the_end(b: Build, fair: int, foul: int) -> str:
    """A child of a list has its number from the end: it takes the place of the item."""
    b.child(0, "a", b.user("trackable_list_wrapper", **{"0": fair, "-1": foul}))
    return "a.0"


def twice(b: Build, fair: int, foul: int) -> str:
    """Two children have one name: the last counts."""
    b.child(0, "a", fair)
    b.child(0, "a", foul)
    return "a"


def behind(b: Build, fair: int, foul: int) -> str:
    """The object at the path is no function, but can be called as one."""
    b.child(0, "a", b.user(__call__=foul, other=fair))
    return "a"


@pytest.mark.parametrize("place", [dot, index, from_the_end, twice, behind])
def test_what_is_called_is_asked_about(place: Callable[[Build, int, int], str], tmp_path: Path) -> None:
    for marked in (True, False):
        b = Build(str(tmp_path / "mark") if marked else None)
        b.serve()
        fair = b.function(same(b, "fair", marked=False), args=["x"])
        path = place(b, fair, b.function(same(b, "foul"), args=["x"]))
        meta = open_model(b.save(tmp_path / f"m{marked}")).meta
        assert [one.op for one in unsafe_ops(meta, [], called=[path])] == ["WriteFile"] * marked
        assert unsafe_ops(meta, ["serving_default"]) == []


def test_nothing_is_called_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    b = Build(str(tmp_path / "mark"))
    b.serve()
    fair, foul = same(b, "fair", marked=False), same(b, "foul")
    path = dot(b, b.function(fair, args=["x"]), b.function(foul, args=["x"]))
    b.save(tmp_path / "m")
    ends = ("--inputs", f"x={path}#x", "--outputs", f"y={path}#y")
    words = ("signature", tmp_path / "m", "--add", "new", *ends, "-o", tmp_path / "out")
    done = call(capsys, *words, "--python", NOBODY)
    assert done.code == 1 and "WriteFile at foul" in done.out + done.err
    assert not (tmp_path / "mark").exists()
