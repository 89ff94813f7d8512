"""What keeps a model from being run is told before anything of the result is made, which can take long."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.test_unsafe import NOBODY, reads_a_file
from tests.cli.tools import call
from tests.surgery.tiny import Tiny, doubler
from workbench.surgery.operations.freeze import Freeze


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """Freezing fails the test."""

    def refuse(self: Freeze, workspace: object) -> None:
        raise AssertionError(f"{workspace} was changed")

    monkeypatch.setattr(Freeze, "apply", refuse)


def unfed(folder: Path) -> Path:
    made = Tiny(folder).placeholder().placeholder("z").node("y", "AddV2", "x", "z", T="float32")
    return made.signature(x_in="x:0", y_out="y:0").save()


def unmakeable(folder: Path) -> Path:
    made = Tiny(folder).placeholder("x", "variant", ()).node("y", "Identity", "x", T="variant")
    return made.signature(x_in=("x:0", "variant", ()), y_out=("y:0", "variant", ())).save()


@pytest.mark.usefixtures("never")
@pytest.mark.parametrize(
    ("kind", "told"), [("unsafe", "ReadFile"), ("unfed", "placeholder z"), ("unmakeable", "x is a variant")]
)
def test_told_before_anything_is_made_or_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, told: str
) -> None:
    folder = tmp_path / "m"
    path = {"unsafe": lambda: reads_a_file(folder).save(), "unfed": lambda: unfed(folder)}.get(
        kind, lambda: unmakeable(folder)
    )()
    for flags in ((), ("--json",)):
        found = call(capsys, "freeze", path, "-o", tmp_path / "out", "--python", NOBODY, *flags)
        assert (found.code, found.err) == (1, "") and "not run" in found.out and told in found.out
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("never")
def test_tensorflow_is_asked_for_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    found = call(capsys, "freeze", doubler(tmp_path / "m").save(), "-o", tmp_path / "out", "--python", bare)
    assert found.code == 1 and "TensorFlow" in found.out


def test_what_is_only_looked_at_or_not_verified_needs_none_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = unfed(tmp_path / "m")
    assert call(capsys, "freeze", path, "--dry-run").code == 0
    assert call(capsys, "freeze", path, "-o", tmp_path / "out", "--no-verify").code == 0
