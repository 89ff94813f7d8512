"""What each command gives with `--json` has the keys that its help lists, and no others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.json_shapes import check as check_document
from tests.cli.tools import DIGITS, IMAGE, SAMPLES, WIRE, call
from workbench.cli.json_keys import described, shapes_of
from workbench.cli.main import make_parser, summaries

MERGE = ("merge", IMAGE, DIGITS, "--wire", WIRE)
RENAME = ("signature", DIGITS, "--rename", "serving_default=predict")
TF2 = SAMPLES / "digits_tf2"
# (command, form) to the words that give it; those that run TensorFlow stand apart
QUICK: list[tuple[str, int, tuple[str | Path, ...]]] = [
    ("inspect", 0, ("inspect", TF2)),
    ("inspect", 0, ("inspect", DIGITS, "--nodes")),
    ("explain", 0, ("explain", DIGITS)),
    ("explain", 0, ("explain", TF2, "--term", "capture")),
    ("explain", 0, ("explain", IMAGE, DIGITS, "--wire", WIRE)),
    ("check", 0, ("check", DIGITS)),
    ("check", 1, ("check", "--codes")),
    ("check", 2, ("check", "--explain", "no-op")),
    ("merge", 0, (*MERGE, "--no-verify", "-o", "OUT")),
    ("merge", 1, (*MERGE, "--dry-run")),
    ("merge", 1, (*MERGE, "--step", "freeze", "--dry-run")),
    ("signature", 0, (*RENAME, "--no-verify", "-o", "OUT")),
    ("signature", 1, (*RENAME, "--dry-run")),
    ("flatten", 0, ("flatten", TF2, "--no-verify", "-o", "OUT")),
    ("flatten", 1, ("flatten", TF2, "--dry-run")),
    ("freeze", 0, ("freeze", DIGITS, "--no-verify", "-o", "OUT")),
    ("freeze", 1, ("freeze", DIGITS, "--dry-run")),
    ("scan", 0, ("scan", DIGITS)),
    ("show", 0, ("show", TF2)),
    ("show", 0, ("show", DIGITS, "--tag_set", "serve", "--signature_def", "serving_default")),
    ("learn", 0, ("learn", "--list")),
    ("draw", 0, ("draw", DIGITS)),
    ("draw", 0, ("draw", DIGITS, "--format", "dot")),
]


@pytest.mark.parametrize(("command", "form", "words"), QUICK, ids=lambda one: str(one) if one != () else "")
def test_the_keys_that_are_listed(
    command: str,
    form: int,
    words: tuple[str | Path, ...],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    done = call(capsys, *(tmp_path / "out" if word == "OUT" else word for word in words), "--json")
    assert done.code == 0, done.err
    (line,) = done.out.splitlines()
    check_document(json.loads(line), shapes_of(command)[form].keys)


@pytest.mark.needs_tf
def test_the_keys_of_what_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    done = call(capsys, "demo", "-o", tmp_path / "merged", "--json")
    (line,) = done.out.splitlines()
    found = json.loads(line)
    assert done.code == 0 and found["digit"] == 3
    check_document(found, shapes_of("demo")[0].keys)
    inspected, merged, ran = found["steps"]
    for command, step in (("inspect", inspected), ("merge", merged), ("run", ran)):
        assert step["command"].startswith(f"workbench {command} ")
        for one in step["output"]:
            check_document(one, shapes_of(command)[0].keys)
    done = call(capsys, "verify", tmp_path / "merged", "--json")
    check_document(json.loads(done.out), shapes_of("verify")[0].keys)


def test_every_command_with_json_lists_its_keys() -> None:
    for name in summaries():
        has = any("--json" in action.option_strings for action in make_parser(name)._actions)
        assert has == bool(shapes_of(name)), name
        assert make_parser(name).format_help().endswith(described(name))


def test_a_folder_of_versions_gives_the_version(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for version in ("3", "12"):
        shutil.copytree(DIGITS, tmp_path / "base" / version)
    for command in ("inspect", "check", "scan", "show", "draw"):
        found = json.loads(call(capsys, command, tmp_path / "base", "--json").out)
        assert found["path"] == str(tmp_path / "base" / "12"), command
        found = json.loads(call(capsys, command, tmp_path / "base" / "3", "--json").out)
        assert found["path"] == str(tmp_path / "base" / "3"), command


def test_a_picture_as_data(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = json.loads(call(capsys, "draw", DIGITS, "--json").out)
    ids = {box["id"] for box in found["boxes"]}
    assert found["picture"] is None and "MatMul" in {box["title"] for box in found["boxes"]}
    assert found["edges"] and all({edge["source"], edge["target"]} <= ids for edge in found["edges"])
    done = call(capsys, "draw", DIGITS, "--json", "-o", tmp_path / "p.svg")
    found = json.loads(done.out)
    assert (found["format"], found["output"], found["picture"]) == ("svg", str(tmp_path / "p.svg"), None)
    assert (tmp_path / "p.svg").read_text().startswith("<svg ")
    assert json.loads(call(capsys, "draw", DIGITS, "--json", "--format", "dot").out)["picture"].startswith(
        "digraph"
    )
