"""A file of answers: `{lesson, seed, name, answers}` in TOML, written blank and read with distrust."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.lessons.catalogue import is_built_in
from workbench.lessons.lesson import Lesson
from workbench.lessons.questions.pose import Posed
from workbench.lessons.reading.document import REQUIRED, Document, described
from workbench.names import count, show

_KEYS = ("lesson", "seed", "name", "answers")
_MOST_ANSWERS = 100
_MOST = 2000
MOST_SEED = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """What a file of answers says.

    Attributes:
        lesson: name of the lesson.
        seed: of the questions.
        name: whose it is, or empty; safe to print.
        answers: by question.
        document: the file, for messages.
    """

    lesson: str
    seed: int
    name: str
    answers: dict[str, str]
    document: Document

    def where(self, *path: str) -> str:
        """Return file and line of a value."""
        return self.document.where(path)


def blank(lesson: Lesson, seed: int, posed: Sequence[Posed]) -> str:
    """Return the text of a file to be filled in: the questions as remarks, and an empty answer for each."""
    name = lesson.name if is_built_in(lesson) else "FOLDER"
    lines = [
        f"# {lesson.title}",
        "# Write each answer between the quotes. Hand the file in; a teacher marks it.",
        f"# `workbench learn {name} --questions --folder DIR` puts the models into the new folder DIR.",
        "",
        f"lesson = {_text(lesson.name)}",
        f"seed = {seed}",
        'name = ""',
        "",
        "[answers]",
    ]
    for at, one in enumerate(posed):
        lines += ["", f"# {at + 1}. {' '.join(one.text.split())}"]
        lines += [
            f"#    {chr(ord('a') + number)}) {' '.join(text.split())}"
            for number, text in enumerate(one.options)
        ]
        lines += [f"#    Write {one.answer.form()}.", f'{one.question.id} = ""']
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    return json.dumps(text)  # a TOML text, for names without control characters


def read_answers(path: Path) -> AnswerFile:
    """Return a file of answers.

    Raises:
        LessonError: it can't be read, is no TOML, or lacks something; all errors are in its findings.
    """
    document = Document(path, str(path))
    value = document.value
    document.known(value, (), _KEYS, "A file of answers")
    lesson = document.get(value, (), "lesson", str, REQUIRED)
    seed = document.get(value, (), "seed", int, REQUIRED)
    if not 0 <= seed <= MOST_SEED:
        document.add(("seed",), f"`seed` must be 0 to {MOST_SEED}.")
    table: dict[str, Any] = document.get(value, (), "answers", dict, REQUIRED)
    if len(table) > _MOST_ANSWERS:
        document.add(("answers",), f"There are {len(table)} answers; {_MOST_ANSWERS} are allowed.")
    answers = {}
    for key, given in list(table.items())[:_MOST_ANSWERS]:
        text = _answer(given)
        if text is None or len(text) > _MOST:
            what = described(given) if text is None else f"a text of {len(text)} characters"
            document.add(
                ("answers", key), f"The answer to {show(key, 60)!r} must be a text or a number, not {what}."
            )
        else:
            answers[key] = text
    name = document.get(value, (), "name", str, "")
    document.done(f"The file of answers has {count(len(document.findings), 'error')}.")
    return AnswerFile(lesson, seed, show(name, 80), answers, document)


def _answer(given: Any) -> str | None:
    """Return an answer as one would type it: numbers and lists of them may stand without quotes."""
    if isinstance(given, str):
        return given
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, int | float):
        return str(given)
    if isinstance(given, list) and all(isinstance(one, str | int | float) for one in given):
        return f"[{', '.join(map(str, given))}]" if given else "[]"
    return None
