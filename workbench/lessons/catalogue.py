"""Lessons by name: those that come with the program, and those of a teacher's folder."""

from __future__ import annotations

import os
import re
from pathlib import Path

from workbench.errors import LessonError, UnknownName
from workbench.lessons.lesson import LESSON_FILE, Lesson
from workbench.lessons.reading.read_lesson import lesson_name, read_lesson
from workbench.names import did_you_mean, show

LIBRARY = Path(__file__).resolve().parent / "library"
_MOST = 500


def is_built_in(lesson: Lesson) -> bool:
    """Return whether a lesson came with the program."""
    return lesson.folder.is_relative_to(LIBRARY)


def lesson_folders(folder: Path = LIBRARY) -> list[Path]:
    """Return the folders of lessons in a folder, or the folder itself where it is one; in the order of their numbers.

    Raises:
        LessonError: there is no lesson.
    """
    if folder.name == LESSON_FILE and folder.is_file():
        return [folder.parent]
    if (folder / LESSON_FILE).is_file():
        return [folder]
    found = [one.parent for one in folder.glob(f"*/{LESSON_FILE}")] if folder.is_dir() else []
    if not found:
        hint = f"A lesson is a folder with a {LESSON_FILE} in it."
        raise LessonError("There is no lesson here.", where=show(str(folder), 500), hint=hint)
    return sorted(found, key=_order)[:_MOST]


def _order(folder: Path) -> tuple[int, str]:
    number = re.match(r"\d{1,9}", folder.name)
    return int(number[0]) if number else 1_000_000, folder.name


def list_lessons(folder: str | os.PathLike[str] | None = None) -> list[Lesson]:
    """Return the lessons that come with the program, or those of a folder, in their order.

    Raises:
        LessonError: there is none, or one has errors.
    """
    return [read_lesson(one) for one in lesson_folders(LIBRARY if folder is None else Path(folder))]


def open_lesson(name: str | os.PathLike[str]) -> Lesson:
    """Return a lesson by its name or number, or by the path of its folder.

    Args:
        name: a name from `list_lessons`, the number of its place there, or a path.

    Raises:
        UnknownName: there is no lesson of that name; the nearest are in the hint.
        LessonError: the lesson has errors; all are in its findings, with file and line.
    """
    text = os.fspath(name)
    found = built_in(text)
    if found is not None:
        return found
    path = Path(text)
    if path.exists():
        return read_lesson(path)
    known = [lesson_name(one) for one in lesson_folders()]
    raise UnknownName(
        f"There is no lesson {show(text)!r}.", hint=did_you_mean(text, known, noun="lessons", limit=20)
    )


def built_in(name: str) -> Lesson | None:
    """Return a lesson that comes with the program by name or number, or None."""
    for at, folder in enumerate(lesson_folders()):
        if name in (lesson_name(folder), str(at + 1)):
            return read_lesson(folder)
    return None
