"""Files of lessons: what is wrong is named with its file, its line and what was expected; all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lessons.tools import HEAD, LOOK, STEP, THREE, question, write
from workbench.errors import LessonError
from workbench.lessons.blocks import Code, Heading, Item, Paragraph
from workbench.lessons.catalogue import lesson_folders, list_lessons, open_lesson
from workbench.lessons.lesson import Selector
from workbench.lessons.reading.commands import split, wrong_in_file
from workbench.lessons.reading.markdown import Console, blocks_of, excerpt
from workbench.lessons.reading.read_lesson import read_lesson

TASK = '\n[steps.task]\nsay = "Inspect it."\ncommand = "inspect digits"\n'


def wrong(folder: Path) -> list[str]:
    """The findings of a lesson, each as `file:line message hint`."""
    with pytest.raises(LessonError) as caught:
        read_lesson(folder)
    found = [f"{one.where} {one.message} {one.hint or ''}" for one in caught.value.findings]  # type: ignore[attr-defined]
    return found or [f"{caught.value.where} {caught.value.message} {caught.value.hint or ''}"]


def line_of(folder: Path, text: str) -> int:
    lines = (folder / "lesson.toml").read_text("utf-8").splitlines()
    return next(at for at, line in enumerate(lines, 1) if text in line)


def test_a_lesson_is_read(tmp_path: Path) -> None:
    lesson = read_lesson(write(tmp_path / "03-first_look", steps=STEP + TASK))
    assert (lesson.name, lesson.title, lesson.minutes) == ("first_look", "A lesson", 10)
    assert [one.kind for one in lesson.questions] == ["shape of", "dtype of", "count"]
    assert [one.id for one in lesson.questions] == ["1", "2", "3"]
    assert lesson.questions[2].of == tuple(
        Selector(op=op, everywhere=True) for op in ("MatMul", "Const", "NoOp")
    )
    assert lesson.steps[0].task is not None and lesson.steps[0].task.exit == 0
    assert lesson.models["digits"].joinpath("saved_model.pb").is_file()


@pytest.mark.parametrize(
    ("where", "before", "after", "said"),
    [
        (
            "summery",
            'summary = "A small one."',
            'summery = "A small one."',
            "A lesson has no `summery`. Did you mean summary?",
        ),
        ("title", 'title = "A lesson"', "title = 7", "`title` must be a text, not the number 7"),
        ("digits = ", '"sample:digits"', '"sample:digit"', "There is no 'sample:digit'. Did you mean digits"),
        ("digits = ", '"sample:digits"', '"sample:../build.py"', "leaves the sample models"),
        ("digits = ", '"sample:digits"', '"../../etc"', "leaves the folder of the lesson"),
        ("digits = ", '"sample:digits"', '"/etc/passwd"', "leaves the folder of the lesson"),
        (
            '"counts"',
            'ask = "count"',
            'ask = "counts"',
            "`ask` is 'counts'. It must be one of: count, shape of",
        ),
        ("of = { op", '{ op = ["MatMul"', '{ opp = ["MatMul"', "A selector has no `opp`. Did you mean op?"),
        ("of = 3", 'of = { variable = "*" }', "of = 3", 'such as { op = "MatMul" }, not the number 3'),
        (
            "text = ",
            '"look.md"',
            '"lok.md"',
            "There is no file 'lok.md' in the folder. Did you mean look.md?",
        ),
        ("text = ", '"look.md"', '"../look.md"', "leaves the folder of the lesson"),
        (
            "command = ",
            "inspect digits",
            "inspct digits",
            "workbench has no command 'inspct'. Did you mean inspect?",
        ),
        ("command = ", "inspect digits", "inspect /etc", "the path '/etc' leaves the folder"),
        (
            "command = ",
            "inspect digits",
            "run digits --input myInput=@../x.npy",
            "'../x.npy' leaves the folder",
        ),
        ("command = ", "inspect digits", "run digits --allow-unsafe", "a lesson may not use --allow-unsafe"),
        ("command = ", "inspect digits", "run digits --python=x", "a lesson may not use --python"),
        ("command = ", "inspect digits", "tui digits", "`workbench tui` does not run inside a lesson"),
        ("command = ", "inspect digits", "inspect 'digits", "A quote is not closed"),
        ("[steps.task]", 'say = "Inspect it."\n', "", "`say` is missing; it must be a text"),
        ("othr", 'model = "other"', 'model = "othr"', "The lesson has no model 'othr'. Did you mean other?"),
    ],
)
def test_an_error_names_line_and_expectation(
    tmp_path: Path, where: str, before: str, after: str, said: str
) -> None:
    folder = write(tmp_path / "lesson", steps=STEP + TASK)
    file = folder / "lesson.toml"
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), "utf-8")
    found = wrong(folder)
    line = line_of(folder, where)
    assert any(one.startswith(f"lesson.toml:{line} ") and said in one for one in found), found


def test_all_errors_come_together(tmp_path: Path) -> None:
    questions = question("choose", 'text = "?"\noptions = [{ text = "a" }]') + question(
        "depends on", 'of = { output = "*" }'
    )
    found = wrong(
        write(
            tmp_path,
            head=HEAD + "minuts = 3\n",
            questions=questions,
            text="```console to=x y=2\n$ run\n$ nope x\n```\n",
        )
    )
    for said in (
        "2 to 8 options",
        "`among` is missing",
        "ends with 3 questions; this one has 2",
        "A console has no 'y'",
        "no command 'nope'",
    ):
        assert any(said in one for one in found), (said, found)


def test_a_page_writes_nothing(tmp_path: Path) -> None:
    found = wrong(write(tmp_path, text="```console\n$ freeze digits -o frozen\n```\n"))
    (said,) = found
    assert said.startswith("look.md:1 A command of a page writes a file") and "put it into `prepare`" in said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'title = "a\n', "lesson.toml:1 The file is no TOML"),
        (b'title = "a"\ntitle = "b"\n', "lesson.toml:2 The file is no TOML"),
        (b"\xff\xfe", "lesson.toml:1 The file is not UTF-8"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "nested"),
        (b"a = " + b"[" * 30 + b"]" * 30, "nested deeper than 20"),
        (b"#" * (2 << 20), "larger than 1 MB"),
        (b"a = " + b"9" * 10_000, "no TOML"),
        (b"a = 2026-99-99", "no TOML"),
        (b"", "`title` is missing"),
        (b"steps = 3\nquestions = [3]\nmodels = []\nprepare = {}", "`steps` must be a list"),
    ],
)
def test_hostile_files_are_refused(tmp_path: Path, data: bytes, said: str) -> None:
    write(tmp_path)
    (tmp_path / "lesson.toml").write_bytes(data)
    found = wrong(tmp_path)
    assert any(said in one for one in found), found


def test_names_with_escapes_are_shown_as_text(tmp_path: Path) -> None:
    found = wrong(write(tmp_path, head=HEAD + '"\\u001b[31m" = "sample:digits"\n'))
    assert all(one.isprintable() for one in found) and len(found) == 1


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = write(tmp_path / "lesson", head=HEAD + 'mine = "mine"\n')
    (folder / "mine").symlink_to(outside)
    assert any("leaves the folder" in one for one in wrong(folder))


def test_markdown_becomes_blocks() -> None:
    found = blocks_of(
        "# Head\n\nA *b* `c`\nd.\n\n- one\n- two\n  1. three\n\n```python\nx = 1\n```\n\n" + LOOK
    )
    assert found[:6] == [
        Heading("Head", 2),
        Paragraph("A *b* `c` d."),
        Item("one"),
        Item("two"),
        Item("three", "1.", 1),
        Code("x = 1", "python"),
    ]
    assert found[7] == Console("inspect digits", "Signature", "", 3, 16)


@pytest.mark.parametrize(
    ("after", "until", "lines", "part"),
    [
        ("", "", None, "a\nb b\nc\nd"),
        ("b", "", None, "…\nb b\nc\nd"),
        ("b", "c", None, "…\nb b\nc\n…"),
        ("", "", 2, "a\nb b\n…"),
        ("c", "", 9, "…\nc\nd"),
        ("x", "", None, None),
        ("c", "b", None, None),
    ],
)
def test_an_excerpt(after: str, until: str, lines: int | None, part: str | None) -> None:
    assert excerpt(Console("x", after, until, lines, 1), "a\nb b\nc\nd\n\n") == part


def test_lessons_of_a_folder_in_their_order(tmp_path: Path) -> None:
    for name in ("10-last", "2-second", "b", "1-first", "a"):
        write(tmp_path / name)
    assert [one.name for one in list_lessons(tmp_path)] == ["first", "second", "last", "a", "b"]
    assert lesson_folders(tmp_path / "a") == [tmp_path / "a"]
    assert open_lesson(tmp_path / "2-second").name == "second"
    with pytest.raises(LessonError, match="no lesson here"):
        lesson_folders(tmp_path / "nothing")
    assert THREE.count("[[questions]]") == 3


@pytest.mark.parametrize(
    "words",
    [
        "inspect /etc",
        "inspect ~/model",
        "merge a=../x b",
        "run m --input x=@/etc/passwd",
        "run m --input x=base64url:@../x",
        """edit m --step 'adapt after={"y":"labels @/etc/passwd"}'""",
        """edit m --step 'lookup file="/etc/passwd"'""",
        "draw m -o /tmp/p.svg",
        "run m --allow-unsafe",
        "run m --python=/usr/bin/python3",
        "run m --import os",
        "run m --op-library x.so",
    ],
)
def test_what_a_lesson_may_not_run(words: str) -> None:
    assert wrong_in_file(split(words)) is not None


@pytest.mark.parametrize(
    "words",
    [
        "adapt m --before x 'decode-image channels=1 | resize 28 28 | scale 1/255 | flatten' -o out",
        "explain m CALL::dense/MatMul",
        "merge a=m b=n --wire 'softmax/x:0 = y' -o out",
        "signature m --add s --inputs x=a/b:0 --outputs y=c:0 -o two",
    ],
)
def test_what_it_may(words: str) -> None:
    assert wrong_in_file(split(words)) is None
