"""Prove that a lesson still works: every command runs, every question can be asked, a wrong answer is refused."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from workbench.errors import LessonError, TensorFlowMissing, WorkbenchError
from workbench.findings import Finding, Severity
from workbench.lessons.lesson import Lesson, Question, Step
from workbench.lessons.questions.models import Models
from workbench.lessons.questions.pose import Poser
from workbench.lessons.reading.commands import runs_tensorflow, split
from workbench.lessons.reading.markdown import Console, blocks_of, excerpt
from workbench.lessons.reading.read_lesson import read_lesson
from workbench.lessons.running import Ran, Runner, has_tensorflow, run_command
from workbench.lessons.walking.folder import fill_folder
from workbench.lessons.walking.walk import Walk
from workbench.names import show

SEEDS = 100
_ENOUGH = 10  # seeds to say that they change nothing
COMMAND, TASK, QUESTION, SHOWN, SKIPPED = (
    "lesson-command", "lesson-task", "lesson-question", "lesson-shown", "lesson-skipped",
)  # fmt: skip


def prove_lesson(path: Path, *, seeds: int = SEEDS, runner: Runner = run_command) -> list[Finding]:
    """Return what is wrong with a lesson; nothing where it works.

    Its files are read; its commands are run in order, those of the pages and those that do its tasks; each question is
    posed for many seeds, its answer accepted and another refused; the models of its questions are not shown before.

    Args:
        path: the lesson's folder, or its `lesson.toml`.
        seeds: how many seeds are tried.
        runner: what runs commands.
    """
    try:
        lesson = read_lesson(path)
    except LessonError as problem:
        found = [one for one in problem.findings if isinstance(one, Finding)]
        if found:
            return found
        return [Finding("lesson", "error", problem.where or "", problem.message, problem.hint)]
    with tempfile.TemporaryDirectory(prefix="workbench-learn-") as folder:
        return list(_Proof(lesson, Path(folder), seeds, runner).findings())


class _Proof:
    """Proves one lesson in an empty folder."""

    def __init__(self, lesson: Lesson, folder: Path, seeds: int, runner: Runner) -> None:
        self.lesson = lesson
        self.folder = folder
        self.seeds = seeds
        self.runner = runner
        self.skipped = 0

    def findings(self) -> Iterator[Finding]:
        try:
            failed = fill_folder(self.lesson, self.folder, self.runner)
        except WorkbenchError as problem:
            failed = [str(problem)]
        if failed:
            yield from (Finding(COMMAND, "error", "lesson.toml", one) for one in failed)
            return
        self.walk = Walk(self.lesson, seed=1, folder=self.folder, runner=self.runner, keep=False)
        for at, step in enumerate(self.lesson.steps):
            yield from self._pages(step)
            self.walk.progress.page = at
            yield from self._task(step)
            if step.question is not None:
                yield from self._questions(step.question)
        for question in self.lesson.questions:
            yield from self._unseen(question)
            yield from self._questions(question)
        if self.skipped:
            said = (
                f"{self.skipped} commands or answers that need TensorFlow were left out: it is not installed."
            )
            yield Finding(SKIPPED, "warning", "", said, "Install TensorFlow, and prove the lesson again.")

    # -- commands

    def _run(self, words: list[str]) -> Ran | None:
        if runs_tensorflow(words) and not has_tensorflow():
            self.skipped += 1
            return None
        return self.runner(words, self.folder)

    def _pages(self, step: Step) -> Iterator[Finding]:
        for block in blocks_of(step.text):
            if not isinstance(block, Console):
                continue
            where = f"{step.file}:{block.line}"
            ran = self._run(split(block.command))
            if ran is None:
                continue
            if ran.exit not in (0, 1) or (ran.exit and not ran.output.strip()):
                yield Finding(COMMAND, "error", where, f"`workbench {block.command}` failed: {_said(ran)}")
            elif excerpt(block, ran.output) is None:
                said = f"The output of `workbench {block.command}` has no line with {block.after or block.until!r}"
                if block.after and block.until:
                    said += f", or none with {block.until!r} behind it"
                yield Finding(SHOWN, "error", where, f"{said}.", "Correct `from` and `to` of the fence.")

    def _task(self, step: Step) -> Iterator[Finding]:
        task = step.task
        if task is None:
            return
        before = self.walk.unfinished(task, Ran((), 0, "", ""))
        if before is None:
            yield Finding(TASK, "error", task.where, "The task counts as done before anything is typed.")
        ran = self._run(split(task.command))
        if ran is None:
            return
        said = self.walk.unfinished(task, ran)
        if said is not None:
            message = f"`workbench {task.command}` does not do the task: {said}"
            yield Finding(TASK, "error", task.where, f"{message} {_said(ran) if ran.exit else ''}".strip())

    # -- questions

    def _unseen(self, question: Question) -> Iterator[Finding]:
        """Yield an error if a page or a task shows the model of a question."""
        for step in self.lesson.steps:
            texts = [block.command for block in blocks_of(step.text) if isinstance(block, Console)]
            texts += [step.task.command] if step.task is not None else []
            shown = any(question.model in split(text) for text in texts)
            if shown or (step.question is not None and step.question.model == question.model):
                said = f"Question {question.id} is about `{show(question.model)}`, which the step {step.title!r} shows."
                hint = "Ask about a model that the lesson does not show."
                yield Finding(QUESTION, "error", question.where, said, hint)
                return

    def _questions(self, question: Question) -> Iterator[Finding]:
        """Yield what is wrong with a question, for all seeds; the first of each kind."""
        models = Models(self.folder, self.runner)
        answers: set[str] = set()
        told: set[str] = set()

        def finding(seed: int, said: str, severity: Severity = "error") -> Iterator[Finding]:
            if said not in told:
                told.add(said)
                yield Finding(QUESTION, severity, question.where, f"With the seed {seed}: {said}")

        seeds = range(1, self.seeds + 1)
        for seed in seeds:
            try:
                posed = Poser(self.lesson.name, seed, models).pose(question)
            except TensorFlowMissing:
                self.skipped += 1
                return
            except WorkbenchError as problem:
                yield from finding(seed, problem.message)
                continue
            right, wrong = posed.answer.text(), posed.answer.wrong()
            answers.add(f"{posed.text} {right}")
            if not posed.answer.judge(right).right:
                yield from finding(seed, f"the right answer {right!r} is refused.")
            judged = posed.answer.judge(wrong)
            if judged.right:
                yield from finding(seed, f"the wrong answer {wrong!r} is accepted.")
        yield from self._found_by(question, models)
        varies = len(answers) > 1 or question.kind == "choose" or question not in self.lesson.questions
        if not told and not varies and self.seeds >= _ENOUGH:
            said = "The seed changes nothing: everyone is asked the same."
            hint = "Give `of` a list, or a glob that finds several."
            yield Finding(QUESTION, "info", question.where, said, hint)

    def _found_by(self, question: Question, models: Models) -> Iterator[Finding]:
        """Yield an error if the command that feedback names does not run."""
        try:
            posed = Poser(self.lesson.name, 1, models).pose(question)
        except WorkbenchError:
            return
        ran = self._run(split(posed.find))
        if ran is not None and ran.exit not in (0, 1):
            said = f"`workbench {posed.find}`, which feedback names, failed: {_said(ran)}"
            yield Finding(QUESTION, "error", question.where, said)


def _said(ran: Ran) -> str:
    return " ".join((ran.errors.strip() or ran.output.strip() or f"exit code {ran.exit}").split())[:500]
