"""Read a lesson's folder: `lesson.toml` and its Markdown files. All errors at once, each with file and line."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

from workbench.disk.samples import sample_models
from workbench.errors import LessonError, UsageError
from workbench.findings import Finding
from workbench.lessons.lesson import LESSON_FILE, Lesson, Question, Step
from workbench.lessons.reading.commands import split, targets, wrong_in_file
from workbench.lessons.reading.document import REQUIRED, SCHEMA, Document, Path_, read_text
from workbench.lessons.reading.markdown import Console, blocks_of
from workbench.lessons.reading.tables import Tables
from workbench.names import count, did_you_mean, is_handle, show

SAMPLE = "sample:"
QUESTIONS = 3
_LESSON = ("title", "summary", "minutes", "models", "prepare", "steps", "questions")
_STEP = ("title", "text", "task", "question")
_NUMBER = re.compile(r"\d+[-_]")
_MOST_STEPS = 100


def lesson_name(folder: Path) -> str:
    """Return the name of a lesson: that of its folder, without a number in front."""
    return _NUMBER.sub("", folder.name, count=1) or folder.name


def read_lesson(path: Path) -> Lesson:
    """Return a lesson from its folder, or from its `lesson.toml`.

    Raises:
        LessonError: it can't be read, or has errors; all are in its findings, with file and line.
    """
    folder = path.parent if path.name == LESSON_FILE and not path.is_dir() else path
    if not (folder / LESSON_FILE).is_file():
        raise LessonError(
            f"There is no {LESSON_FILE} here.",
            where=show(str(path), 500),
            hint="A lesson is a folder that has one.",
        )
    return _Reader(folder).read()


class _Reader:
    """Reads one lesson."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.document = Document(self.folder / LESSON_FILE)
        self.value = self.document.value

    def read(self) -> Lesson:
        document, value = self.document, self.value
        document.known(value, (), _LESSON, "A lesson")
        models = self._models()
        prepare = document.texts(value, (), "prepare")
        made = {target for text in (*prepare, *self._commands()) for target in _written(text)}
        listed = value.get("models")
        declared = (
            listed if isinstance(listed, dict) else {}
        )  # also those whose path is wrong, which is said once
        tables = Tables(document, frozenset((*declared, *made)))
        for command in prepare:
            tables.command(command, ("prepare",))
        steps = [self._step(tables, one, path) for path, one in document.tables(value, (), "steps")]
        if not 0 < len(steps) <= _MOST_STEPS:
            document.add(("steps",), f"A lesson has 1 to {_MOST_STEPS} steps; this one has {len(steps)}.")
        questions = self._questions(tables)
        minutes: int = document.get(value, (), "minutes", int, 10)
        if not 0 < minutes < 1000:
            document.add(("minutes",), f"`minutes` is {minutes}; it must be 1 to 999.")
        lesson = Lesson(
            name=lesson_name(self.folder),
            title=document.get(value, (), "title", str, REQUIRED),
            summary=document.get(value, (), "summary", str, REQUIRED),
            minutes=minutes,
            folder=self.folder,
            models=models,
            prepare=prepare,
            steps=tuple(steps),
            questions=tuple(questions),
        )
        document.done(f"The lesson has {count(len(document.findings), 'error')}.")
        return lesson

    def _models(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for name, source in self.document.get(self.value, (), "models", dict, {}).items():
            path: Path_ = ("models", name)
            if not (is_handle(name) and name == PurePosixPath(name).name):
                self.document.add(
                    path, f"{show(name, 60)!r} is no name of a model or file.", "Letters, digits, _ . - only."
                )
            elif not isinstance(source, str):
                self.document.add(
                    path, "A model is a path in quotes, relative to the lesson, or sample:NAME."
                )
            else:
                place = self._place(source, path)
                if place is not None:
                    found[name] = place
        return found

    def _place(self, source: str, path: Path_) -> Path | None:
        """Return where a model or file is; paths stay inside the lesson's folder."""
        root = sample_models().resolve() if source.startswith(SAMPLE) else self.folder
        rest = source.removeprefix(SAMPLE)
        place = (root / rest).resolve()
        if not place.is_relative_to(root) or place == root:
            said = "the sample models" if source.startswith(SAMPLE) else "the folder of the lesson"
            self.document.add(
                path, f"The path {show(source, 100)!r} leaves {said}.", "Copy the model into it."
            )
            return None
        if not place.exists():
            known = sorted(one.name for one in place.parent.iterdir()) if place.parent.is_dir() else []
            self.document.add(
                path, f"There is no {show(source, 100)!r}.", did_you_mean(place.name, known, noun="files")
            )
            return None
        return place

    def _commands(self) -> list[str]:
        """Return the commands of tasks, whatever else is wrong with them."""
        steps = self.value.get("steps")
        tasks = [one.get("task") for one in steps if isinstance(one, dict)] if isinstance(steps, list) else []
        found = [task.get("command") for task in tasks if isinstance(task, dict)]
        return [one for one in found if isinstance(one, str)]

    def _step(self, tables: Tables, table: dict[str, Any], path: Path_) -> Step:
        document = self.document
        document.known(table, path, _STEP, "A step")
        name: str = document.get(table, path, "text", str, REQUIRED)
        text, file = "", ""
        if name:
            file = name
            text = self._markdown(tables, name, path)
        task, question = table.get("task"), table.get("question")
        if task is not None and question is not None:
            document.add(path, "A step has a task or a question, not both.", "Make two steps of it.")
        here = (*path, "task")
        task = tables.task(document.get(table, path, "task", dict, {}), here) if task is not None else None
        if question is not None:
            inner = document.get(table, path, "question", dict, {})
            question = tables.question(inner, (*path, "question"), f"step{int(path[-1]) + 1}")
        title: str = document.get(table, path, "title", str, REQUIRED)
        return Step(title, text, file, task, question, document.where(path))

    def _markdown(self, tables: Tables, name: str, path: Path_) -> str:
        """Return the text of a Markdown file of the lesson, its commands checked."""
        place = (self.folder / name).resolve()
        if not place.is_relative_to(self.folder):
            self.document.add(
                (*path, "text"), f"The path {show(name, 100)!r} leaves the folder of the lesson."
            )
            return ""
        if not place.is_file():
            known = sorted(one.name for one in self.folder.glob("*.md"))
            hint = did_you_mean(name, known, noun="Markdown files")
            self.document.add((*path, "text"), f"There is no file {show(name, 100)!r} in the folder.", hint)
            return ""
        text = read_text(place, show(name, 100))
        for number, line in enumerate(text.split("\n"), 1):
            if line.lstrip().startswith("```") and "`" in line.lstrip("` "):
                said = "The first line of a fence has a back quote in it, so it is no fence."
                where = f"{show(name, 100)}:{number}"
                self.document.findings.append(Finding(SCHEMA, "error", where, said, "Leave it out."))
        for block in blocks_of(text):
            if isinstance(block, Console):
                self._console(block, f"{show(name, 100)}:{block.line}")
        return text

    def _console(self, console: Console, where: str) -> None:
        """Check a command of a Markdown file, and what its fence says."""
        findings = self.document.findings
        for word in console.unknown:
            hint = 'Such as ```console from="Signature" lines=4'
            findings.append(Finding(SCHEMA, "error", where, f"A console has no {show(word, 60)!r}.", hint))
        try:
            wrong = wrong_in_file(split(console.command))
        except UsageError as problem:
            findings.append(Finding(SCHEMA, "error", where, problem.message, problem.hint))
            return
        if wrong is not None:
            findings.append(Finding(SCHEMA, "error", where, f"The command is not allowed: {wrong}."))
        elif _written(console.command):
            said = "A command of a page writes a file; a page may be shown again."
            hint = "Make it the task of a step, or put it into `prepare`."
            findings.append(Finding(SCHEMA, "error", where, said, hint))

    def _questions(self, tables: Tables) -> list[Question]:
        document = self.document
        listed = document.tables(self.value, (), "questions")
        found = [tables.question(one, path, str(at + 1)) for at, (path, one) in enumerate(listed)]
        if len(found) != QUESTIONS:
            here: Path_ = ("questions", QUESTIONS) if len(found) > QUESTIONS else ("questions",)
            document.add(here, f"A lesson ends with {QUESTIONS} questions; this one has {len(found)}.")
        ids = [one.id for one in found]
        for at, one in enumerate(found):
            if one.id in ids[:at] or not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", one.id):
                message = f"The id {show(one.id, 60)!r} is not letters, digits, _ and -, or is there twice."
                document.add((*listed[at][0], "id"), message)
        return found


def _written(command: str) -> list[str]:
    """Return the names of what a command writes; nothing where it is none."""
    try:
        return targets(split(command))
    except UsageError:
        return []
