"""Files of answers: blank ones, marks, and files that somebody has broken, by mistake or on purpose."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.lessons.tools import here, write
from workbench.lessons.answer_files import blank
from workbench.lessons.lesson import Lesson
from workbench.lessons.marking import Marker, pose_all
from workbench.lessons.reading.read_lesson import read_lesson


@pytest.fixture
def lesson(tmp_path: Path) -> Lesson:
    return read_lesson(write(tmp_path / "lesson"))


def answered(path: Path, lesson: Lesson, seed: int, *, wrong: bool = False) -> Path:
    posed = pose_all(lesson, seed, runner=here)
    text = blank(lesson, seed, posed)
    for one in posed:
        text = text.replace(
            f'{one.question.id} = ""',
            f"{one.question.id} = '{one.answer.wrong() if wrong else one.answer.text()}'",
        )
    path.write_text(text, "utf-8")
    return path


def test_a_blank_file_has_all_that_is_needed(lesson: Lesson) -> None:
    text = blank(lesson, 7, pose_all(lesson, 7, runner=here))
    assert tomllib.loads(text) == {
        "lesson": "lesson",
        "seed": 7,
        "name": "",
        "answers": {"1": "", "2": "", "3": ""},
    }
    for one in pose_all(lesson, 7, runner=here):
        assert f". {one.text}" in text and one.answer.form() in text


@pytest.mark.parametrize("seed", range(5))
def test_right_and_wrong_answers(tmp_path: Path, lesson: Lesson, seed: int) -> None:
    marker = Marker(lesson, here)
    right = marker.mark(answered(tmp_path / "ada.toml", lesson, seed))
    assert (right.right, right.error, right.name, right.seed) == (3, None, "ada", seed)
    wrong = marker.mark(answered(tmp_path / "bob.toml", lesson, seed, wrong=True))
    assert wrong.right == 0 and {one.result for one in wrong.marks} == {"wrong"}
    assert all(one.said for one in wrong.marks)


def test_a_class(tmp_path: Path, lesson: Lesson) -> None:
    path = answered(tmp_path / "a.toml", lesson, 3)
    value = tomllib.loads(path.read_text("utf-8"))
    path.write_text(
        f'lesson = "lesson"\nseed = 3\nname = "Ada"\n[answers]\n1 = "{value["answers"]["1"]}"\n2 = "what?"\n'
    )
    marked = Marker(lesson, here).mark(path)
    assert marked.name == "Ada" and [one.result for one in marked.marks] == ["right", "unreadable", "empty"]
    told = marked.as_json()
    assert (told["right"], told["questions"], told["error"]) == (1, 3, None)
    typed = tmp_path / "typed.toml"
    typed.write_text('lesson = "lesson"\nseed = 3\nanswers = { 1 = [784, 10], 3 = 4, 2 = "x" }\n')
    assert [one.given for one in Marker(lesson, here).mark(typed).marks] == ["[784, 10]", "x", "4"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", ["`lesson` is missing", "`seed` is missing", "`answers` is missing"]),
        (b"lesson = ", ["no TOML"]),
        (b"\xff", ["not UTF-8"]),
        (b"[" * 100_000, ["nested|no TOML"]),
        (b"#" * (2 << 20), ["larger than 1 MB"]),
        (b'lesson = "lesson"\nseed = "7"\n[answers]\n', ["`seed` must be a whole number, not the text '7'"]),
        (b'lesson = "lesson"\nseed = true\n[answers]\n', ["`seed` must be a whole number, not true"]),
        (b'lesson = "lesson"\nseed = -1\n[answers]\n', ["`seed` must be 0 to"]),
        (b'lesson = "lesson"\nseed = 99999999999999999999\n[answers]\n', ["`seed` must be 0 to"]),
        (b'lesson = "lesson"\nseed = 1\nanswers = 3\n', ["`answers` must be a table"]),
        (
            b'lesson = "lesson"\nseed = 1\n[answers]\n1 = {a = 1}\n',
            ["must be a text or a number, not a table"],
        ),
        (
            b'lesson = "lesson"\nseed = 1\n[answers]\n1 = "' + b"x" * 3000 + b'"\n',
            ["a text of 3000 characters"],
        ),
        (b'lesson = "lesson"\nseed = 1\n[answers]\n4 = "x"\n', ["has no question '4'"]),
        (
            b'lesson = "../../etc"\nseed = 1\n[answers]\n',
            ["answers to the lesson '../../etc', not to 'lesson'"],
        ),
        (b'lesson = "lesson"\nseed = 1\nscore = 3\n[answers]\n', ["A file of answers has no `score`"]),
        (b'lesson = "a\\u001b[31m"\nseed = 1\n[answers]\n', ["answers to the lesson"]),
    ],
)
def test_a_file_that_cannot_be_marked(tmp_path: Path, lesson: Lesson, data: bytes, said: list[str]) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(data)
    error = Marker(lesson, here).mark(path).error
    assert error is not None
    told = " ".join(
        [
            f"{error.where} {error.message}",
            *(f"{one.where} {one.message}" for one in getattr(error, "findings", ())),
        ]
    )
    assert told.isprintable() and str(path) in told
    for part in said:
        assert any(one in told for one in part.split("|")), told


def test_a_file_names_no_path_of_a_lesson(tmp_path: Path, lesson: Lesson) -> None:
    path = tmp_path / "x.toml"
    path.write_text(f'lesson = "{lesson.folder}"\nseed = 1\n[answers]\n')
    error = Marker(None, here).mark(path).error
    assert error is not None and "No lesson of that name came with the program" in error.message
    missing = Marker(None, here).mark(tmp_path / "nothing.toml").error
    assert missing is not None and "does not exist" in missing.message
