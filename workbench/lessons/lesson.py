"""What a lesson is: pages of Markdown, tasks, questions, and the models they are about. Pure data, read from files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

Kind = Literal["count", "shape of", "dtype of", "feeds", "depends on", "value of", "which node", "choose"]
"""The kinds of questions."""
KINDS: tuple[Kind, ...] = get_args(Kind)
Take = Literal["element", "argmax", "max", "min"]
"""What of a value is asked for: an element that the seed chooses, the index of the largest, the largest, the least."""
TAKES: tuple[Take, ...] = get_args(Take)
LESSON_FILE = "lesson.toml"


@dataclass(frozen=True, slots=True)
class Selector:
    """Which things of a model a question is about. Every field that is given must fit; texts are globs.

    Which kind of thing it finds follows from the fields: `variable`, `input`, `output`, `signature` and `function`
    alone find what they name, all others find nodes.

    Attributes:
        node: name of a node.
        op: op of a node.
        scope: scope that a node is in, without its last `/`.
        function: function of the library; with another field, the function that the node is in.
        variable: name of a variable.
        signature: key of a signature; with `input` or `output`, the signature that these are of.
        input: key of an input.
        output: key of an output.
        asset: file name of an asset.
        control: whether a node waits for others by control edges.
        everywhere: whether nodes inside functions are found besides those of the main graph.
    """

    node: str | None = None
    op: str | None = None
    scope: str | None = None
    function: str | None = None
    variable: str | None = None
    signature: str | None = None
    input: str | None = None
    output: str | None = None
    asset: str | None = None
    control: bool | None = None
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be true of a model. The fields that are given must all hold.

    Attributes:
        model: name of the model; empty for the one of the question.
        has: at least one thing is found.
        lacks: nothing is found.
        count: things that are counted, compared with `is_`, `at_least` and `at_most`.
        is_: exact number.
        at_least: smallest number.
        at_most: largest number.
        output: key of an output that is computed, and must have the value of `same_as`.
        inputs: values of inputs for that, as `run` takes them.
        same_as: model whose output of the same key is compared.
        same_output: its key, where that is another.
        same_inputs: values of inputs of that model, where they differ.
        differs: whether the values must differ instead.
    """

    model: str = ""
    has: Selector | None = None
    lacks: Selector | None = None
    count: Selector | None = None
    is_: int | None = None
    at_least: int | None = None
    at_most: int | None = None
    output: str = ""
    inputs: Mapping[str, str] | None = None
    same_as: str = ""
    same_output: str = ""
    same_inputs: Mapping[str, str] | None = None
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """An answer to choose.

    Attributes:
        text: of the answer; `{it}` is the name of the thing that the seed chose.
        right: whether it is right, or the condition under which it is.
    """

    text: str
    right: bool | Condition


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a model, whose answer is computed.

    Attributes:
        id: as a file of answers names it.
        kind: what is asked.
        model: name of the model.
        of: what it is about: one of the things that one of these selectors finds, chosen by the seed.
        text: of the question; empty for the one that the kind has.
        hints: shown one after the other, when asked for.
        among: for `depends on`: what may be in the answer.
        options: for `choose`: the answers.
        take: for `value of`: what of the value; the seed takes one.
        inputs: for `value of`: values of the inputs as `run` takes them, of which the seed takes one each; None where
            nothing is run.
        where: file and line.
    """

    id: str
    kind: Kind
    model: str
    of: tuple[Selector, ...]
    text: str = ""
    hints: tuple[str, ...] = ()
    among: Selector | None = None
    options: tuple[Option, ...] = ()
    take: tuple[Take, ...] = ("element",)
    inputs: Mapping[str, tuple[str, ...]] | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A command that the student is to type, and what must be true afterwards.

    Attributes:
        say: what to do.
        command: one that does it, without `workbench`.
        any_command: whether another command may do it.
        exit: the exit code that it must end with; None for any.
        uses: words that the student's command must have.
        prints: text that its output must have.
        checks: what must be true of the models afterwards.
        hints: shown one after the other, when asked for.
        done: said when it is done.
        where: file and line.
    """

    say: str
    command: str
    any_command: bool = False
    exit: int | None = 0
    uses: tuple[str, ...] = ()
    prints: tuple[str, ...] = ()
    checks: tuple[Condition, ...] = ()
    hints: tuple[str, ...] = ()
    done: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A page of a lesson: it shows something, and asks the student to do something.

    Attributes:
        title: of the page.
        text: Markdown.
        file: the Markdown file.
        task: what to do, or None.
        question: what to answer, or None.
        where: file and line.
    """

    title: str
    text: str
    file: str
    task: Task | None
    question: Question | None
    where: str


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson.

    Attributes:
        name: how a user names it: the folder's name without the number in front.
        title: of the lesson.
        summary: what one learns, in a sentence.
        minutes: how long it takes.
        folder: where its files are.
        models: models and files by the name they have in the student's folder; where they are.
        prepare: commands that make further models, each run once before the first page; without `workbench`.
        steps: its pages.
        questions: asked at its end.
    """

    name: str
    title: str
    summary: str
    minutes: int
    folder: Path
    models: Mapping[str, Path]
    prepare: tuple[str, ...]
    steps: tuple[Step, ...]
    questions: tuple[Question, ...]

    def __repr__(self) -> str:
        return f"<Lesson {self.name}: {len(self.steps)} steps, {len(self.questions)} questions>"

    def as_json(self) -> dict[str, Any]:
        """Return what a list of lessons says of it."""
        return {
            "name": self.name,
            "title": self.title,
            "summary": self.summary,
            "minutes": self.minutes,
            "steps": len(self.steps),
            "questions": len(self.questions),
            "models": sorted(self.models),
            "path": str(self.folder),
        }
