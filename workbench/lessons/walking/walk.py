"""A walk through a lesson, page by page: what a page shows, what the student types, what is said of it.

A face shows the blocks of `page()`, gives what is typed to `do`, and shows the blocks of its outcome.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from workbench.errors import TensorFlowMissing, UsageError, WorkbenchError
from workbench.lessons.blocks import Block, Code, Note, Paragraph
from workbench.lessons.lesson import Lesson, Question, Task
from workbench.lessons.questions.conditions import broken
from workbench.lessons.questions.models import Models
from workbench.lessons.questions.pose import Posed, Poser
from workbench.lessons.reading.commands import looks_like_command, runs_tensorflow, split, targets
from workbench.lessons.running import Ran, Runner, has_tensorflow, run_command
from workbench.lessons.walking.folder import fill_folder, kept_folder, make, own_folder, remove_made, unmade
from workbench.lessons.walking.pages import MISSING, Shown, output_of, question_block, step_blocks
from workbench.lessons.walking.progress import Progress, read_progress
from workbench.names import show

PageKind = Literal["step", "question", "end"]
_SEEDS = 1000
_NEXT = "Press enter to go on."


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a walk.

    Attributes:
        number: its place, from 0.
        title: of it.
        kind: a step, a question of the end, or the end.
        blocks: what it shows.
        done: whether what it asks for is done.
    """

    number: int
    title: str
    kind: PageKind
    blocks: tuple[Block, ...]
    done: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of something that was typed.

    Attributes:
        blocks: what to show.
        done: whether the page is done now.
        judged: whether an answer was right or wrong; None where nothing was judged.
    """

    blocks: tuple[Block, ...]
    done: bool
    judged: bool | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """The score of the last questions.

    Attributes:
        first: answered rightly at the first try.
        right: answered rightly.
        questions: how many there are.
    """

    first: int
    right: int
    questions: int


class Walk:
    """A student's walk through a lesson.

    Args:
        lesson: the lesson.
        seed: of its questions; None for that of the progress, or a random one.
        folder: the student's folder; None for the one that is kept between two runs.
        runner: what runs commands.
        keep: whether progress is read and kept.

    Raises:
        CannotWrite: the student's folder can't be written.
    """

    def __init__(
        self,
        lesson: Lesson,
        *,
        seed: int | None = None,
        folder: Path | None = None,
        runner: Runner = run_command,
        keep: bool = True,
    ) -> None:
        self.lesson = lesson
        self._kept = kept_folder(lesson) if keep else None
        known = read_progress(self._kept) if self._kept is not None else None
        if known is None or (seed is not None and seed != known.seed):
            known = Progress(random.randrange(1, _SEEDS) if seed is None else seed)
        self.progress = known
        self.progress.page = min(known.page, self.pages - 1)
        if folder is None:
            folder = self._kept / "files" if self._kept is not None else own_folder()
        self.folder = folder
        self.runner = runner
        self._shown = Shown(folder, runner)
        self.models = Models(folder, runner)
        self.notes = [*fill_folder(lesson, folder, runner), *self._make_up(self.number)]
        self._posed: dict[str, Posed] = {}
        self._hints: dict[int, int] = {}

    # -- where the student is

    @property
    def seed(self) -> int:
        """The seed of the questions."""
        return self.progress.seed

    @property
    def pages(self) -> int:
        """How many pages there are: steps, questions of the end, and the end."""
        return len(self.lesson.steps) + len(self.lesson.questions) + 1

    @property
    def number(self) -> int:
        """The page that is open, from 0."""
        return self.progress.page

    @property
    def done(self) -> bool:
        """Whether the student may go on: what the page asks for is done, or it asks for nothing that can be done."""
        return self.number in self.progress.done or self.asks is None or self._cannot_run

    @property
    def slow(self) -> bool:
        """Whether the page has commands to run that start TensorFlow, which takes some seconds each."""
        return self.number < len(self.lesson.steps) and self._shown.waits_for(self.lesson.steps[self.number])

    @property
    def asks(self) -> Literal["command", "answer"] | None:
        """What the page asks for, if anything."""
        return "command" if self._task is not None else "answer" if self._question is not None else None

    @property
    def finished(self) -> bool:
        """Whether the page is the end."""
        return self.number == self.pages - 1

    @cached_property
    def titles(self) -> tuple[str, ...]:
        """The titles of all pages."""
        questions = [
            f"Question {at + 1} of {len(self.lesson.questions)}" for at in range(len(self.lesson.questions))
        ]
        return (*(step.title for step in self.lesson.steps), *questions, "The end")

    @property
    def score(self) -> Score:
        """The score of the last questions so far."""
        right = [one.id for one in self.lesson.questions if one.id in self.progress.right]
        first = [id for id in right if self.progress.tries.get(id) == 1]
        return Score(len(first), len(right), len(self.lesson.questions))

    def go(self, number: int) -> None:
        """Open a page, from 0. What earlier tasks would have made is made, if it is not there.

        Raises:
            UsageError: there is no such page.
        """
        if not 0 <= number < self.pages:
            raise UsageError(
                f"There is no page {number + 1}.", hint=f"The lesson has pages 1 to {self.pages}."
            )
        if number > self.number:
            self.notes = self._make_up(number)
        self.progress.page = number
        self.save()

    def _make_up(self, number: int) -> list[str]:
        """Make what tasks before a page would have made, if it is not there; return what failed."""
        tasks = [step.task for step in self.lesson.steps[:number] if step.task is not None]
        lacking = [one.command for one in tasks if unmade(one.command, self.folder)]
        if lacking:
            self._shown.forget()
        return make(lacking, self.folder, self.runner)

    def next(self) -> None:
        """Open the next page; the last one stays open."""
        self.go(min(self.number + 1, self.pages - 1))

    def back(self) -> None:
        """Open the page before; the first one stays open."""
        self.go(max(self.number - 1, 0))

    def restart(self, seed: int | None = None) -> None:
        """Make a fresh start: models are copied again where the program keeps them, progress is forgotten."""
        if self._kept is not None and self.folder == self._kept / "files":
            shutil.rmtree(self.folder, ignore_errors=True)
        self.progress = Progress(random.randrange(1, _SEEDS) if seed is None else seed)
        self._posed.clear()
        self._hints.clear()
        self._shown.forget()
        self.notes = fill_folder(self.lesson, self.folder, self.runner)
        self.save()

    def save(self) -> None:
        """Write the progress, if it is kept."""
        if self._kept is not None:
            self.progress.save(self._kept)

    # -- what a page shows

    def page(self) -> Page:
        """Return the page that is open; commands that it shows are run."""
        at, steps = self.number, self.lesson.steps
        blocks: list[Block] = [Note(text) for text in self.notes]
        kind: PageKind = "step"
        if at < len(steps):
            blocks += step_blocks(steps[at], self._shown)
            if steps[at].question is not None:
                blocks += self._asked()
        elif not self.finished:
            kind = "question"
            blocks += self._asked()
        else:
            kind = "end"
            blocks += self._end()
        return Page(at, self.titles[at], kind, tuple(blocks), at in self.progress.done)

    def posed(self, question: Question) -> Posed:
        """Return a question with its answer.

        Raises: as `Poser.pose`.
        """
        if question.id not in self._posed:
            self._posed[question.id] = Poser(self.lesson.name, self.seed, self.models).pose(question)
        return self._posed[question.id]

    def _asked(self) -> list[Block]:
        assert self._question is not None
        try:
            return [question_block(self.posed(self._question))]
        except TensorFlowMissing:
            return [
                Note(
                    "The answer to this question is computed by TensorFlow, which is not installed. " + _NEXT
                )
            ]
        except WorkbenchError as problem:
            return [Note(f"This question can't be asked: {problem} {_NEXT}")]

    def _end(self) -> list[Block]:
        score = self.score
        told = f"{score.first} of {score.questions} questions right at the first try"
        more = score.right - score.first
        told += f", {more} more later." if more else "."
        again = f"`workbench learn {self.lesson.name} --restart`"
        return [
            Paragraph(told),
            Paragraph(f"The seed was {self.seed}; another one asks other questions: {again}."),
            Paragraph(f"The files of the lesson are in `{show(str(self.folder), 500)}`."),
        ]

    # -- what is typed

    def do(self, text: str) -> Outcome:
        """Run a command or judge an answer, and return what to show.

        A command is run on every page. On a page with a task it is what the task asks for; elsewhere it is a look at
        the models.
        """
        if looks_like_command(text) or (self._task is not None and text.strip()):
            return self._command(text)
        if self._question is not None:
            return self._answer(self._question, text)
        return self._outcome(Note(f"This page asks for nothing. {_NEXT}"))

    def hint(self) -> Outcome:
        """Return the next hint; after the last, a command that shows the answer."""
        at = self._hints.get(self.number, 0)
        hints = self._hints_here()
        if not hints:
            return self._outcome(Note("There is no hint here."))
        self._hints[self.number] = min(at + 1, len(hints) - 1)
        return self._outcome(Note(hints[min(at, len(hints) - 1)], "hint"))

    def solution(self) -> Outcome:
        """Return the command that does the task, or the right answer; the page is not done by that."""
        if self._task is not None:
            return self._outcome(Paragraph("This command does it:"), Code(f"workbench {self._task.command}"))
        if self._question is None:
            return self._outcome(Note("This page asks for nothing."))
        try:
            posed = self.posed(self._question)
        except WorkbenchError as problem:
            return self._outcome(Note(str(problem)))
        self.progress.tries.setdefault(self._question.id, 0)
        self.progress.tries[self._question.id] += 1
        self.save()
        return self._outcome(
            Paragraph(f"The answer is `{posed.answer.text()}`. `workbench {posed.find}` shows it.")
        )

    # -- tasks

    @property
    def _cannot_run(self) -> bool:
        """Whether the page asks for something that only TensorFlow can do, which is not installed."""
        if has_tensorflow():
            return False
        task, question = self._task, self._question
        asked = question is not None and question.inputs is not None
        return asked or (task is not None and runs_tensorflow(split(task.command)))

    @property
    def _task(self) -> Task | None:
        return self.lesson.steps[self.number].task if self.number < len(self.lesson.steps) else None

    @property
    def _question(self) -> Question | None:
        at = self.number - len(self.lesson.steps)
        if at < 0:
            return self.lesson.steps[self.number].question
        return self.lesson.questions[at] if at < len(self.lesson.questions) else None

    def _hints_here(self) -> list[str]:
        task, question = self._task, self._question
        if task is not None:
            return [*task.hints, f"`workbench {task.command}` does it."]
        if question is None:
            return []
        try:
            return [*question.hints, f"`workbench {self.posed(question).find}` shows it."]
        except WorkbenchError:
            return list(question.hints)

    def _outcome(self, *blocks: Block, judged: bool | None = None) -> Outcome:
        return Outcome(blocks, self.done, judged)

    def _command(self, text: str) -> Outcome:
        task = self._task
        try:
            words = split(text)
        except UsageError as problem:
            hint = f" {problem.hint}" if problem.hint else ""
            return self._outcome(Note(f"{problem.message}{hint}", "wrong"))
        if runs_tensorflow(words) and not has_tensorflow():
            return self._outcome(Note(MISSING))
        for target in targets(words):
            remove_made(self.lesson, self.folder, target)
        ran = self.runner(words, self.folder)
        if targets(words):
            self._shown.forget()
        shown = output_of(ran)
        if task is None:
            return self._outcome(shown)
        said = self.unfinished(task, ran)
        if said is not None:
            return self._outcome(shown, Note(said, "wrong"), judged=False)
        self.progress.done.add(self.number)
        self.save()
        return self._outcome(shown, Note(task.done or "Done.", "right"), judged=True)

    def unfinished(self, task: Task, ran: Ran) -> str | None:
        """Return what is still missing of a task after a command, as a sentence; None if it is done."""
        expected = split(task.command)
        used = ran.words[0] if ran.words else ""
        if not task.any_command and used != expected[0]:
            wanted = f"this step is about `workbench {expected[0]}`"
            return f"The command was `{show(used)}`; {wanted}. Type `hint` for help."
        if task.exit is not None and ran.exit != task.exit:
            wanted = "work" if task.exit == 0 else f"end with the exit code {task.exit}"
            return f"The command should {wanted}; its exit code was {ran.exit}. Its message says why."
        lacking = [word for word in task.uses if word not in ran.words]
        if lacking:
            return f"The command works, and does not have `{show(lacking[0])}` in it. Type `hint` for help."
        missing = [part for part in task.prints if part not in ran.text]
        if missing:
            return (
                f"The command works, and its output does not show `{show(missing[0])}`. Type `hint` for help."
            )
        if not (task.checks or task.uses or task.prints or task.any_command):
            models = [word for word in expected[1:] if (self.folder / word).exists()]
            other = [word for word in models if word not in ran.words]
            if other:
                return f"The command works; it should be about `{show(other[0])}`."
        for check in task.checks:
            try:
                said = broken(check, self.models, targets(ran.words)[0] if targets(ran.words) else "")
            except TensorFlowMissing:
                continue
            except WorkbenchError as problem:
                return f"{problem}"
            if said is not None:
                return said
        return None

    # -- questions

    def _answer(self, question: Question, text: str) -> Outcome:
        try:
            posed = self.posed(question)
        except WorkbenchError as problem:
            return self._outcome(Note(str(problem)))
        judged = posed.answer.judge(text)
        if judged.read is None:
            return self._outcome(Note(judged.said, "wrong"))
        if question.id not in self.progress.right:
            self.progress.tries[question.id] = self.progress.tries.get(question.id, 0) + 1
        if judged.right:
            self.progress.right.add(question.id)
            self.progress.done.add(self.number)
        self.save()
        if judged.right:
            return self._outcome(Note(f"Right: {judged.said}", "right"), judged=True)
        said = f"Not yet. {judged.said} `workbench {posed.find}` shows it; a command can be typed here."
        return self._outcome(Note(said, "wrong"), judged=False)
