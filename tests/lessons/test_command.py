"""`workbench learn`: lists, walks, prints, writes questions, marks and proves."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path

import pytest

from tests.cli.json_shapes import check
from tests.cli.tools import call
from tests.lessons.tools import STEP, here, write
from workbench.cli.json_keys import shapes_of
from workbench.cli.main import COMMANDS
from workbench.lessons.catalogue import lesson_folders
from workbench.lessons.reading import commands
from workbench.lessons.walking import walk


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(
        walk.Walk.__init__, "__kwdefaults__", {**walk.Walk.__init__.__kwdefaults__, "runner": here}
    )


def type_in(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_lessons_know_all_commands_of_the_program() -> None:
    known = {*commands.LOOKING, *commands.RUNNING, *commands.CHANGING, *commands.NOT_HERE}
    assert known == set(COMMANDS)


def test_the_list(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    done = call(capsys, "learn")
    assert done.code == 0 and "savedmodel" in done.out and "10 min" in done.out
    found = json.loads(call(capsys, "learn", "--list", "--json").out)["lessons"]
    assert len(found) == len(lesson_folders()) and found[0]["name"] == "savedmodel"
    write(tmp_path / "course" / "1-mine")
    assert "mine" in call(capsys, "learn", tmp_path / "course").out


def test_a_lesson_at_a_prompt(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    task = '\n[steps.task]\nsay = "Inspect it."\ncommand = "inspect digits"\nhint = "It begins with i."\n'
    folder = write(tmp_path / "mine", steps=STEP + task)
    type_in(monkeypatch, "", "hint", "inspect digits", "", "what", "pages", "go 99", "back", "help", "quit")
    done = call(capsys, "learn", folder, "--seed", "3")
    assert done.code == 0, done.err
    out = done.out
    places = [
        out.index(text)
        for text in (
            "A lesson", "Look  1/5", "$ workbench inspect digits", "▸ Inspect it.", "> hint", "It begins with i.",
            "> inspect digits", "Done.", "Question 1 of 3  2/5", "> what", "can't be read", "There is no page 99",
            "Look  1/5 · done", "the page before", "> quit",
        )
    ]  # fmt: skip
    assert places == sorted(places), out
    assert "This page is not done" in out
    type_in(monkeypatch, "go 3", "quit")
    call(capsys, "learn", folder)
    type_in(monkeypatch, "quit")
    assert "Question 2 of 3  3/5" in call(capsys, "learn", folder).out, "it goes on where it was left"
    type_in(monkeypatch, "quit")
    assert "Question 3 of 3  4/5" in call(capsys, "learn", folder, "--step", "4").out
    type_in(monkeypatch, "quit")
    assert "Look  1/5" in call(capsys, "learn", folder, "--restart").out


def test_without_input_or_with_print_the_whole_lesson_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = write(tmp_path / "mine")
    type_in(monkeypatch)
    for words in (("learn", folder, "--seed", "2"), ("learn", folder, "--print", "--seed", "2")):
        out = call(capsys, *words).out
        assert (
            out.count("$ workbench inspect digits") == 1 and "Question 3 of 3" in out and "The end" not in out
        )


def test_questions_and_marks(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = write(tmp_path / "mine")
    file = tmp_path / "a.toml"
    models = tmp_path / "models"
    done = call(capsys, "learn", folder, "--questions", "--seed", "7", "-o", file, "--folder", models)
    assert done.code == 0 and (models / "digits" / "saved_model.pb").is_file()
    assert tomllib.loads(file.read_text("utf-8"))["seed"] == 7
    assert call(capsys, "learn", folder, "--questions", "-o", file).code == 3, "it exists"
    assert call(capsys, "learn", folder, "--questions", "-o", file, "--overwrite").code == 0
    empty = call(capsys, "learn", folder, "--mark", file)
    assert empty.code == 0 and "0 of 3" in empty.out and "1  empty: No answer is given." in empty.out
    (tmp_path / "b.toml").write_text("lesson = ")
    both = call(capsys, "learn", folder, "--json", "--mark", file, tmp_path / "b.toml")
    check(json.loads(both.out), shapes_of("learn")[2].keys)
    found = json.loads(both.out)["files"]
    assert both.code == 1 and [one["right"] for one in found] == [0, 0]
    assert found[0]["error"] is None and "no TOML" in found[1]["error"]["message"]
    assert "error" in call(capsys, "learn", folder, "--mark", file, tmp_path / "b.toml").out


def test_proving(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = write(tmp_path / "mine", questions="")
    done = call(capsys, "learn", "--check", folder)
    assert done.code == 1 and "error lesson-schema lesson.toml" in done.out
    assert "A lesson ends with 3 questions; this one has 0." in done.out
    found = json.loads(call(capsys, "learn", "--check", folder, "--json").out)
    check(found, shapes_of("learn")[1].keys)
    assert found["lessons"][0]["works"] is False and found["lessons"][0]["findings"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nothing"], 2, "There is no lesson 'nothing'"),
        (["savedmodl"], 2, "Did you mean savedmodel?"),
        (["99"], 2, "There is no lesson '99'"),
        (["--questions"], 2, "--questions needs a lesson"),
        (["savedmodel", "--check", "x"], 2, "LESSON has no effect with --check"),
        (["--step", "2"], 2, "--step has no effect with the list of lessons"),
        (["savedmodel", "--json"], 2, "--json has no effect with a lesson"),
        (["--seed", "-1", "savedmodel"], 2, "--seed must be 0 to"),
        (["--seeds", "0", "--check", "x"], 2, "--seeds must be"),
        (["--check", "/nowhere"], 3, "There is no lesson here"),
        (["savedmodel", "--step", "77", "--print"], 2, "There is no page 77"),
    ],
)
def test_mistakes(capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str) -> None:
    done = call(capsys, "learn", *words)
    assert done.code == code and said in done.err, done.err
