"""The lessons that come with the program: each works, is walked through, and its questions are answered."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.lessons.once import Once
from tests.sampling import plainly
from workbench.lessons.blocks import Ask, Output, Paragraph
from workbench.lessons.catalogue import LIBRARY, lesson_folders
from workbench.lessons.lesson import Lesson
from workbench.lessons.proving import prove_lesson
from workbench.lessons.reading.commands import runs_tensorflow, split
from workbench.lessons.reading.markdown import Console, blocks_of
from workbench.lessons.reading.read_lesson import read_lesson
from workbench.lessons.walking.walk import Walk

FOLDERS = lesson_folders()
SEEDS = 2
PLAIN = ("2-digit", "4-functions")
"""Of the lessons that run TensorFlow, those of the plain run: one runs models, one makes them."""


@cache
def runs(folder: Path) -> bool:
    """Whether a lesson runs TensorFlow."""
    lesson = read_lesson(folder)
    commands = [step.task.command for step in lesson.steps if step.task is not None]
    for step in lesson.steps:
        commands += [one.command for one in blocks_of(step.text) if isinstance(one, Console)]
    asked = [*lesson.questions, *(step.question for step in lesson.steps if step.question is not None)]
    return any(runs_tensorflow(split(one)) for one in commands) or any(
        one.inputs is not None for one in asked
    )


def marked(folder: Path) -> object:
    return pytest.param(folder, id=folder.name, marks=[pytest.mark.needs_tf] if runs(folder) else [])


@pytest.mark.parametrize(
    "folder",
    plainly(map(marked, FOLDERS), *[marked(one) for one in FOLDERS if one.name in PLAIN or not runs(one)]),
)
def test_it_works(folder: Path, tmp_path: Path) -> None:
    """It proves itself, and is walked through by what a student types: each command, each answer, a mistake before."""
    run = Once(tmp_path / "kept")
    run.keep.mkdir()
    assert [str(one) for one in prove_lesson(folder, seeds=SEEDS, runner=run)] == []
    walk = Walk(read_lesson(folder), seed=2, folder=tmp_path / "files", runner=run, keep=False)
    assert walk.notes == []
    while not walk.finished:
        page = walk.page()
        if page.kind == "step":
            assert any(isinstance(block, Output) for block in page.blocks), page.title
        assert isinstance(page.blocks[-1], Ask), (page.title, page.blocks[-1])
        answer(walk)
        assert walk.done, page.title
        walk.next()
    assert (walk.score.first, walk.score.right) == (0, 3)


@pytest.mark.exhaustive
@pytest.mark.parametrize("folder", map(marked, FOLDERS))
def test_it_works_for_a_hundred_seeds(folder: Path, tmp_path: Path) -> None:
    run = Once(tmp_path)
    assert [str(one) for one in prove_lesson(folder, runner=run)] == []


def answer(walk: Walk) -> None:
    lesson, at = walk.lesson, walk.number
    step = lesson.steps[at] if at < len(lesson.steps) else None
    if step is not None and step.task is not None:
        assert not walk.do("check nothing").judged
        said = walk.do(step.task.command)
        assert said.judged, said
        return
    question = lesson.questions[at - len(lesson.steps)] if step is None else step.question
    assert question is not None
    right = walk.posed(question).answer
    assert walk.do(right.wrong()).judged is False
    assert walk.do(right.text()).judged


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda one: one.name)
def test_it_is_written_well(folder: Path) -> None:
    lesson = read_lesson(folder)
    assert 4 <= len(lesson.steps) <= 8 and lesson.minutes == 10
    assert lesson.summary.endswith(".") and not lesson.title.endswith(".")
    for step in lesson.steps:
        words = prose(step.text)
        assert 30 <= len(words.split()) <= 260, (step.file, len(words.split()))
        for sentence in re.split(r"(?<=[.!?:])\s+", words):
            assert len(sentence.split()) <= 40, sentence
    for question in lesson.questions:
        assert question.hints, question.where


def prose(text: str) -> str:
    return " ".join(one.text for one in blocks_of(text) if isinstance(one, Paragraph))


def test_every_sample_of_a_lesson_is_in_the_package() -> None:
    assert LIBRARY.is_dir() and all((folder / "lesson.toml").is_file() for folder in FOLDERS)
    for folder in FOLDERS:
        lesson: Lesson = read_lesson(folder)
        used = {step.file for step in lesson.steps}
        assert {one.name for one in folder.iterdir()} == {"lesson.toml", *used}, "no file is left over"
