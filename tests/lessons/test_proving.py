"""`learn --check`: a lesson that works, and each way in which one stops working."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lessons.tools import HEAD, LOOK, STEP, THREE, here, question, write
from workbench.lessons import proving
from workbench.lessons.proving import prove_lesson
from workbench.lessons.questions.answers import Whole

TASK = '\n[steps.task]\nsay = "Inspect it."\ncommand = "{command}"\n{more}\n'


def proved(folder: Path, seeds: int = 100) -> list[tuple[str, str, str]]:
    return [(one.code, one.where, one.message) for one in prove_lesson(folder, seeds=seeds, runner=here)]


def test_a_lesson_that_works(tmp_path: Path) -> None:
    task = TASK.format(
        command="inspect digits --variables", more='uses = "--variables"\nprints = "softmax/bias"'
    )
    assert proved(write(tmp_path / "one", steps=STEP + task)) == []


@pytest.mark.parametrize(
    ("changes", "code", "where", "said"),
    [
        (
            {"text": LOOK.replace("from=Signature", "from=Sgnature")},
            "lesson-shown",
            "look.md:3",
            "no line with 'Sgnature'",
        ),
        (
            {"text": LOOK.replace("digits", "nothing")},
            "lesson-command",
            "look.md:3",
            "`workbench inspect nothing` failed",
        ),
        (
            {"text": LOOK.replace("digits", "digits --nods")},
            "lesson-command",
            "look.md:3",
            "does not know '--nods'",
        ),
        (
            {"steps": STEP + TASK.format(command="inspect digits", more='prints = "Conv2D"')},
            "lesson-task",
            "lesson.toml:12",
            "does not do the task",
        ),
        (
            {"steps": STEP + TASK.format(command="inspect digits", more="any_command = true")},
            "lesson-task",
            "lesson.toml:12",
            "done before anything is typed",
        ),
        (
            {"head": HEAD + 'prepare = ["freeze digits"]\n'},
            "lesson-schema",
            "lesson.toml:7",
            "A model is a path in quotes",
        ),
        (
            {"questions": THREE.replace('variable = "*"', 'variable = "none"')},
            "lesson-question",
            "lesson.toml:13",
            "has no variables named `none`",
        ),
        (
            {"questions": THREE.replace('"other"', '"digits"')},
            "lesson-question",
            "lesson.toml:13",
            "is about `digits`, which the step 'Look' shows",
        ),
        (
            {"questions": THREE + question("count", 'of = { op = "MatMul" }')},
            "lesson-schema",
            "lesson.toml",
            "ends with 3 questions; this one has 4",
        ),
    ],
)
def test_a_lesson_that_does_not(
    tmp_path: Path, changes: dict[str, str], code: str, where: str, said: str
) -> None:
    found = proved(write(tmp_path, **changes), seeds=3)
    assert any(one[0] == code and one[1].startswith(where) and said in one[2] for one in found), found


def test_prepared_models(tmp_path: Path) -> None:
    head = HEAD.replace("\n[models]", 'prepare = ["freeze digits -o frozen"]\n\n[models]')
    frozen = THREE.replace('"other"', '"frozen"').replace('{ variable = "*" }', '{ output = "*" }')
    assert [
        one for one in proved(write(tmp_path / "a", head=head, questions=frozen), 3) if "error" in one
    ] == []
    broken = head.replace("freeze digits", "freeze nothing")
    (found,) = proved(write(tmp_path / "b", head=broken), 3)
    assert found[0] == "lesson-command" and "`workbench freeze nothing -o frozen` failed" in found[2]


def test_a_question_that_never_varies_is_remarked(tmp_path: Path) -> None:
    same = question("count", 'of = { variable = "*" }')
    found = proved(write(tmp_path, questions=same * 3), 10)
    assert found and all("The seed changes nothing" in one[2] for one in found)


def test_an_answer_that_accepts_anything_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Whole, "wrong", Whole.text)
    found = proved(write(tmp_path), 3)
    assert any("the wrong answer" in one[2] and "is accepted" in one[2] for one in found)


def test_without_tensorflow_the_rest_is_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "has_tensorflow", lambda: False)
    folder = write(tmp_path, text=LOOK + "\n```console\n$ run digits --input myInput=1\n```\n")
    (found,) = prove_lesson(folder, seeds=2, runner=here)
    assert (found.code, found.severity) == ("lesson-skipped", "warning") and "1 command" in found.message
