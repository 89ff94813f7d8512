"""Files of answers: blank ones for a class, and what is right in those that come back."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workbench.errors import LessonError, TensorFlowMissing, WorkbenchError
from workbench.lessons.answer_files import AnswerFile, read_answers
from workbench.lessons.catalogue import built_in, lesson_folders
from workbench.lessons.lesson import Lesson
from workbench.lessons.questions.models import Models
from workbench.lessons.questions.pose import Posed, Poser
from workbench.lessons.reading.read_lesson import lesson_name
from workbench.lessons.running import Runner, run_command
from workbench.lessons.walking.folder import checked, fill_folder
from workbench.names import did_you_mean, show

Result = Literal["right", "wrong", "empty", "unreadable", "not marked"]


@dataclass(frozen=True, slots=True)
class Mark:
    """What is said of one answer.

    Attributes:
        question: its id.
        given: what was written.
        result: right, wrong, empty, unreadable (not of the form of an answer), or not marked (TensorFlow is missing).
        said: what was compared.
        answer: the right answer, or empty where it could not be computed.
    """

    question: str
    given: str
    result: Result
    said: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Marked:
    """A file of answers, marked.

    Attributes:
        path: the file.
        name: whose it is, as the file says; else the name of the file.
        lesson: name of the lesson, or empty.
        seed: of the questions, or None.
        marks: by question, in the lesson's order.
        error: why it can't be marked, or None.
    """

    path: str
    name: str
    lesson: str = ""
    seed: int | None = None
    marks: tuple[Mark, ...] = ()
    error: WorkbenchError | None = None

    @property
    def right(self) -> int:
        """How many answers are right."""
        return sum(mark.result == "right" for mark in self.marks)

    def as_json(self) -> dict[str, Any]:
        """Return it as `workbench learn --mark --json` prints it."""
        error = self.error
        return {
            "path": self.path,
            "name": self.name,
            "lesson": self.lesson or None,
            "seed": self.seed,
            "right": self.right,
            "questions": len(self.marks),
            "answers": [
                {
                    "question": one.question,
                    "given": one.given,
                    "result": one.result,
                    "said": one.said,
                    "answer": one.answer or None,
                }
                for one in self.marks
            ],
            "error": None
            if error is None
            else {"code": error.code, "message": error.message, "where": error.where},
        }


def pose_all(
    lesson: Lesson, seed: int, folder: Path | None = None, runner: Runner = run_command
) -> list[Posed]:
    """Return the questions of a lesson's end, as a seed has them, with their answers.

    Args:
        lesson: the lesson.
        seed: which varies them.
        folder: where the models are put; None for a folder that is removed.
        runner: what runs commands.

    Raises:
        LessonError: a question can't be asked.
        TensorFlowMissing: an answer can only be computed by TensorFlow.
        WorkbenchError: a model can't be opened or made.
    """
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="workbench-learn-")))
        checked(fill_folder(lesson, folder, runner))
        poser = Poser(lesson.name, seed, Models(folder, runner))
        return [poser.pose(question) for question in lesson.questions]


class Marker:
    """Marks files of answers; the answers of a lesson and seed are computed once.

    Args:
        lesson: the lesson that all files must be of; None for any that comes with the program.
        runner: what runs commands.
    """

    def __init__(self, lesson: Lesson | None = None, runner: Runner = run_command) -> None:
        self.lesson = lesson
        self.runner = runner
        self._posed: dict[tuple[str, int], dict[str, Posed]] = {}

    def mark(self, path: Path) -> Marked:
        """Return what is right in a file; an error of the file, or of its lesson, is in the answer."""
        shown = show(str(path), 500)
        try:
            file = read_answers(path)
        except WorkbenchError as problem:
            return Marked(shown, show(path.stem), error=problem)
        name = file.name or show(path.stem)
        try:
            return self._mark(file, shown, name)
        except WorkbenchError as problem:
            return Marked(shown, name, file.lesson, file.seed, error=problem)

    def _mark(self, file: AnswerFile, shown: str, name: str) -> Marked:
        lesson = self._lesson(file)
        ids = [one.id for one in lesson.questions]
        unknown = next((one for one in file.answers if one not in ids), None)
        if unknown is not None:
            raise LessonError(
                f"The lesson {lesson.name!r} has no question {show(unknown, 60)!r}.",
                where=file.where("answers", unknown),
                hint=did_you_mean(unknown, ids, noun="questions"),
            )
        posed = self._answers(lesson, file.seed)
        marks = tuple(_mark(id, file.answers.get(id, ""), posed.get(id)) for id in ids)
        return Marked(shown, name, lesson.name, file.seed, marks)

    def _lesson(self, file: AnswerFile) -> Lesson:
        """Return the lesson of a file. A file names no path: it was written by somebody else."""
        if self.lesson is not None:
            if file.lesson != self.lesson.name:
                raise LessonError(
                    f"These are answers to the lesson {show(file.lesson, 60)!r}, not to {self.lesson.name!r}.",
                    where=file.where("lesson"),
                )
            return self.lesson
        found = built_in(file.lesson)
        if found is None:
            known = [lesson_name(one) for one in lesson_folders()]
            raise LessonError(
                f"No lesson of that name came with the program: {show(file.lesson, 60)!r}.",
                where=file.where("lesson"),
                hint=did_you_mean(file.lesson, known, noun="lessons", limit=20)
                + " For a lesson of your own write workbench learn FOLDER --mark FILE.",
            )
        return found

    def _answers(self, lesson: Lesson, seed: int) -> dict[str, Posed]:
        key = lesson.name, seed
        if key not in self._posed:
            with tempfile.TemporaryDirectory(prefix="workbench-learn-") as folder:
                checked(fill_folder(lesson, Path(folder), self.runner))
                poser = Poser(lesson.name, seed, Models(Path(folder), self.runner))
                found = {}
                for question in lesson.questions:
                    try:
                        found[question.id] = poser.pose(question)
                    except TensorFlowMissing:
                        continue
                self._posed[key] = found
        return self._posed[key]


def mark_answers(paths: Sequence[Path], lesson: Lesson | None = None) -> list[Marked]:
    """Return what is right in files of answers, in their order.

    Args:
        paths: the files.
        lesson: the lesson that all must be of; None for any that comes with the program.
    """
    marker = Marker(lesson)
    return [marker.mark(Path(path)) for path in paths]


def _mark(id: str, given: str, posed: Posed | None) -> Mark:
    shown = show(given, 200)
    answer = "" if posed is None else show(posed.answer.text(), 500)
    if not given.strip():
        return Mark(id, shown, "empty", "No answer is given.", answer)
    if posed is None:
        return Mark(id, shown, "not marked", "The answer is computed by TensorFlow, which is not installed.")
    judged = posed.answer.judge(given)
    if judged.read is None:
        return Mark(id, shown, "unreadable", judged.said, answer)
    return Mark(id, shown, "right" if judged.right else "wrong", judged.said, answer)
