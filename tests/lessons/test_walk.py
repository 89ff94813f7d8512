"""A walk: pages, commands that are checked, answers, hints, progress; headless, as a screen uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lessons.tools import HEAD, LOOK, STEP, THREE, here, write
from workbench import state
from workbench.errors import UsageError
from workbench.lessons.blocks import Ask, Note, Output, Paragraph
from workbench.lessons.reading.read_lesson import read_lesson
from workbench.lessons.running import run_command
from workbench.lessons.walking import pages, walk
from workbench.lessons.walking.walk import Walk

TASK = """
[steps.task]
say = "Rename the signature to `predict`."
command = "signature digits --rename serving_default=predict --no-verify -o renamed"
hint = ["There is a command for signatures.", "It takes --rename."]
checks = [{ model = "renamed", has = { signature = "predict" }, lacks = { signature = "serving_default" } }]
done = "It has a new key."
"""
ASKED = """
[[steps]]
title = "Think"
text = "look.md"

[steps.question]
ask = "shape of"
model = "renamed"
of = { output = "*", signature = "predict" }
hint = "Look at the signature."
"""


def begin(folder: Path, keep: bool = False, **more: str) -> Walk:
    lesson = read_lesson(write(folder / "lesson", **{"steps": STEP + TASK + ASKED, **more}))
    return Walk(lesson, seed=1, folder=None if keep else folder / "files", runner=here, keep=keep)


def notes(blocks: tuple[object, ...]) -> str:
    return " ".join(one.text for one in blocks if isinstance(one, Note | Paragraph))


def test_a_page_is_blocks(tmp_path: Path) -> None:
    page = begin(tmp_path).page()
    assert (page.number, page.title, page.kind, page.done) == (0, "Look", "step", False)
    text, output, ask = page.blocks
    assert text == Paragraph("Look at it.")
    assert isinstance(output, Output) and output.command == ("inspect", "digits") and output.exit == 0
    assert "myInput" in output.text and output.text.startswith("…")
    assert ask == Ask("Rename the signature to `predict`.", kind="command")


def test_a_task_is_checked_by_its_effect(tmp_path: Path) -> None:
    one = begin(tmp_path)
    wrong = one.do("workbench signature digits --rename serving_default=other --no-verify -o renamed")
    assert wrong.judged is False and "`renamed` has no signature named `predict`" in notes(wrong.blocks)
    other = one.do("inspect digits")
    assert other.judged is False and "this step is about `workbench signature`" in notes(other.blocks)
    failed = one.do("signature digits --rename serving_default=predict --no-verify -o digits")
    assert failed.judged is False and "exit code was 3" in notes(failed.blocks), (
        "no model of the lesson is replaced"
    )
    assert not one.done
    spelt = one.do("signatur digits")
    assert spelt.judged is None and "Did you mean signature?" in notes(spelt.blocks)
    right = one.do("$ workbench signature digits --rename serving_default=predict -o renamed --no-verify")
    assert right.judged and right.done and one.done and "It has a new key." in notes(right.blocks)


def test_hints_end_with_the_command(tmp_path: Path) -> None:
    one = begin(tmp_path)
    told = [notes(one.hint().blocks) for _ in range(4)]
    assert told[:2] == ["There is a command for signatures.", "It takes --rename."]
    assert told[2] == told[3] and "workbench signature digits" in told[2]
    assert "workbench signature" in str(one.solution().blocks) and not one.done


def test_skipping_makes_what_later_pages_need(tmp_path: Path) -> None:
    one = begin(tmp_path)
    one.go(1)
    assert (one.folder / "renamed" / "saved_model.pb").is_file() and one.notes == []
    asked = one.page().blocks[-1]
    assert isinstance(asked, Ask) and "`myOutput` in `renamed`" in asked.text
    unread = one.do("well")
    assert unread.judged is None and not one.done
    wrong = one.do("[?,11]")
    assert wrong.judged is False and "`workbench inspect renamed` shows it" in notes(wrong.blocks)
    looked = one.do("inspect renamed")
    assert looked.judged is None and isinstance(looked.blocks[0], Output), (
        "a command may be typed before an answer"
    )
    assert one.do("(None, 10)").judged and one.done


def test_the_score_counts_first_tries(tmp_path: Path) -> None:
    one = begin(tmp_path)
    answers = []
    for at in range(2, 5):
        one.go(at)
        answers.append(one.posed(one.lesson.questions[at - 2]).answer)
        if at == 3:
            assert one.do(answers[-1].wrong()).judged is False
        if at == 4:
            one.solution()
        assert one.do(answers[-1].text()).judged
    one.next()
    assert one.finished and (one.score.first, one.score.right, one.score.questions) == (1, 3, 3)
    assert "1 of 3 questions right at the first try, 2 more later." in notes(one.page().blocks)
    assert "asks for nothing" in notes(one.do("x").blocks) and one.number == one.pages - 1


def test_moving_stays_inside(tmp_path: Path) -> None:
    one = begin(tmp_path)
    one.back()
    assert one.number == 0
    for number in (-1, one.pages, 10**9):
        with pytest.raises(UsageError, match="There is no page"):
            one.go(number)
    assert one.titles == ("Look", "Think", "Question 1 of 3", "Question 2 of 3", "Question 3 of 3", "The end")


def test_progress_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    one = begin(tmp_path, keep=True)
    one.go(2)
    assert one.folder.is_relative_to(tmp_path / "state")
    again = Walk(one.lesson, runner=here)
    assert (again.number, again.seed) == (2, 1) and (again.folder / "renamed").is_dir()
    assert Walk(one.lesson, seed=2, runner=here).number == 0, "other questions: begin anew"
    again.restart()
    assert (
        again.number == 0 and not (again.folder / "renamed").exists() and (again.folder / "digits").is_dir()
    )


@pytest.mark.parametrize(
    "kept", ['{"seed": -1}', '{"seed": 1, "page": 1e9, "done": 3, "tries": []}', "[", '"x"']
)
def test_damaged_progress_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    one = begin(tmp_path, keep=True)
    (one.folder.parent / "progress.json").write_text(kept)
    assert Walk(one.lesson, runner=here).number == 0
    assert state.read(one.folder.parent / "progress.json") is not None or kept == "["


def test_without_tensorflow_the_page_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pages, walk):
        monkeypatch.setattr(module, "has_tensorflow", lambda: False)
    text = LOOK + "\n```console\n$ workbench run digits --input myInput=[[0]]\n```\n"
    one = begin(tmp_path, text=text, steps=STEP + TASK.replace(" --no-verify", ""))
    output, note = one.page().blocks[-3:-1]
    assert isinstance(output, Output) and output.exit is None
    assert isinstance(note, Note) and "not installed" in note.text
    said = one.do("signature digits --rename serving_default=predict -o renamed")
    assert said.judged is None and "not installed" in notes(said.blocks)
    assert one.done, "the student can go on all the same"
    one.next()
    assert (one.folder / "renamed").is_dir(), "what later pages need is made without running it"


def test_a_command_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('taken from the folder')")
    lesson = read_lesson(write(tmp_path / "lesson", head=HEAD, steps=STEP, questions=THREE))
    one = Walk(lesson, seed=1, folder=tmp_path, keep=False)
    ran = run_command(("inspect", "digits"), one.folder)
    assert ran.exit == 0 and "Signature serving_default" in ran.output and ran.errors == ""
    assert run_command(("inspect", "nothing"), one.folder).exit == 3


def test_another_folder_gets_what_earlier_pages_have_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    one = begin(tmp_path, keep=True)
    one.go(1)
    again = Walk(one.lesson, runner=here, folder=tmp_path / "elsewhere")
    assert again.number == 1 and (tmp_path / "elsewhere" / "renamed").is_dir()
