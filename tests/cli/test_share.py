"""`merge` of models that share an input or stand side by side: pages, JSON, what is refused, `mean` of one model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.tools import call
from tests.surgery.test_combine import two
from tests.surgery.tiny import doubler


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return doubler(tmp_path / "a").save(), doubler(tmp_path / "b").save()


def test_the_page_and_the_data_of_shared_inputs(
    capsys: pytest.CaptureFixture[str], pair: tuple[Path, Path]
) -> None:
    words = ("merge", *pair, "--share", "image=a@x,b@x", "--step", "mean y=a@y,b@y", "--dry-run")
    done = call(capsys, *words)
    assert done.code == 0 and done.out.startswith("Shared inputs\n")
    assert done.out.count("image  float32 [?,4]  →") == 2 and "mean y=a@y,b@y" in done.out
    found = json.loads(call(capsys, *words, "--json").out)
    assert found["shared"] == [{"key": "image", "to": ["a@x", "b@x"]}] and found["wires"] == []
    assert [step["operation"] for step in found["steps"]] == ["mean"]
    assert list(found["after"]["inputs"]) == ["image"] and list(found["after"]["outputs"]) == ["y"]


def test_a_forgotten_wire_is_an_error_that_names_the_flags(
    capsys: pytest.CaptureFixture[str], pair: tuple[Path, Path], tmp_path: Path
) -> None:
    done = call(capsys, "merge", *pair, "-o", tmp_path / "out")
    assert done.code == 1 and "R1-no-wire" in done.err
    for flag in ("--wire y=x", "--share x=x", "--side-by-side"):
        assert flag in done.err
    assert call(capsys, "merge", *pair, "--side-by-side", "--dry-run").code == 0
    third = call(capsys, "merge", *pair, f"c={pair[0]}", "--share", "x=a@x,b@x", "--dry-run")
    assert third.code == 1 and "R1-alone c" in third.err and "--side-by-side" in third.err


def test_usage(capsys: pytest.CaptureFixture[str], pair: tuple[Path, Path], tmp_path: Path) -> None:
    done = call(capsys, "merge", *pair, "--share", "image", "--dry-run")
    assert done.code == 2 and "what is shared" in done.err and "KEY=HANDLE@INPUT" in done.err
    plan = tmp_path / "plan.json"
    assert call(capsys, "merge", *pair, "--share", "x=x", "--dry-run", "--save-recipe", plan).code == 0
    again = call(capsys, "merge", "--recipe", plan, "--share", "x=x", "--dry-run")
    assert again.code == 2 and "already names" in again.err
    assert call(capsys, "merge", "--recipe", plan, "--dry-run").out.startswith("Shared inputs\n")


def test_the_commands_of_one_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    model = two(tmp_path / "m", ("float32", (None, 4)))
    done = call(capsys, "mean", model, "m=y,w", "--keep", "--no-verify", "-o", tmp_path / "mean")
    assert done.code == 0
    done = call(capsys, "concat", model, "all=y,w", "--axis", "0", "--no-verify", "-o", tmp_path / "concat")
    assert done.code == 0
    page = call(capsys, "inspect", tmp_path / "mean").out
    assert "m of y, w" in page and "mean_0/mean:0" in page
    for words in (("mean", model, "m=y"), ("concat", model, "m=y,w", "--axis", "2")):
        assert call(capsys, *words, "--dry-run").code == 1
    assert call(capsys, "concat", model, "m=y,w", "--axis", "one", "--dry-run").code == 2
