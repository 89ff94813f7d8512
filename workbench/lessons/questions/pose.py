"""Pose a question: the seed chooses what it is about, and the answer is computed from the model."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.disk import dtypes
from workbench.disk.tensor_proto import to_array
from workbench.errors import LessonError
from workbench.explaining.view import View
from workbench.graph.needs import Needs
from workbench.graph.reach import ancestors
from workbench.lessons.lesson import Question, Selector
from workbench.lessons.questions.answers import (
    Answer,
    Choice,
    DTypeAnswer,
    Names,
    Number,
    OneOf,
    ShapeAnswer,
    Text,
    Whole,
)
from workbench.lessons.questions.conditions import broken
from workbench.lessons.questions.models import Models
from workbench.lessons.questions.select import Thing, noun_of, select
from workbench.model.shapes import Shape
from workbench.names import show

_MOST_NAMES = 5
_MOST_AMONG = 5
_ELEMENTS = 8
"""Values of a tensor that `probe` lists."""
_NO_VALUE = (dtypes.INVALID, dtypes.RESOURCE, dtypes.VARIANT)


@dataclass(frozen=True, slots=True)
class Posed:
    """A question with its answer.

    Attributes:
        question: of the lesson.
        text: what is asked.
        options: answers to choose, in the order of their letters; empty for other kinds.
        answer: the right one.
        find: a command that shows it, without `workbench`.
    """

    question: Question
    text: str
    options: tuple[str, ...]
    answer: Answer
    find: str


class Poser:
    """Poses questions of a lesson.

    Args:
        lesson: its name, which the choice depends on.
        seed: which the choice depends on.
        models: where the models are opened.
    """

    def __init__(self, lesson: str, seed: int, models: Models) -> None:
        self.lesson = lesson
        self.seed = seed
        self.models = models

    def pose(self, question: Question) -> Posed:
        """Return a question with what the seed chose.

        Raises:
            LessonError: its selectors find nothing that can be asked about.
            TensorFlowMissing: the answer is a value that only TensorFlow can compute.
            WorkbenchError: the model can't be opened or run.
        """
        chance = random.Random(f"{self.lesson}:{question.id}:{self.seed}")
        view = self.models.view(question.model)
        makers: dict[str, Callable[[Question, View, random.Random], Posed]] = {
            "count": self._count,
            "shape of": self._shape,
            "dtype of": self._dtype,
            "feeds": self._feeds,
            "depends on": self._depends,
            "value of": self._value,
            "which node": self._which,
            "choose": self._choose,
        }
        return makers[question.kind](question, view, chance)

    # -- the kinds

    def _count(self, question: Question, view: View, chance: random.Random) -> Posed:
        selector = chance.choice(question.of)
        noun = noun_of(selector, functions=bool(view.meta.functions))
        number = len(select(view, selector))
        answer = Whole(number, f"the number of {noun}")
        said = f"How many {noun} does `{show(question.model)}` have?"
        it = selector.op or selector.node or ""
        return self._posed(question, it, said, answer, _where_counted(question.model, selector))

    def _shape(self, question: Question, view: View, chance: random.Random) -> Posed:
        thing = self._thing(question, view, chance, lambda one: _shape_of(view, one) is not None)
        answer = ShapeAnswer(_shape_of(view, thing), f"the shape of {_named(thing)}")
        said = f"What is the shape of {_named(thing)} in `{show(question.model)}`?"
        return self._posed(question, thing.shown, said, answer, _where_shown(question.model, thing))

    def _dtype(self, question: Question, view: View, chance: random.Random) -> Posed:
        thing = self._thing(question, view, chance, lambda one: _dtype_of(view, one) not in _NO_VALUE)
        answer = DTypeAnswer(_dtype_of(view, thing), f"the dtype of {_named(thing)}")
        said = f"What is the dtype of {_named(thing)} in `{show(question.model)}`?"
        return self._posed(question, thing.shown, said, answer, _where_shown(question.model, thing))

    def _feeds(self, question: Question, view: View, chance: random.Random) -> Posed:
        thing = self._thing(question, view, chance, lambda one: 0 < len(_consumers(one)) <= _MOST_NAMES)
        assert thing.value is not None
        known = frozenset(thing.value.level.nodes)
        answer = Names(frozenset(_consumers(thing)), known, f"the nodes that {_named(thing)} feeds")
        said = f"Which nodes does {_named(thing)} feed in `{show(question.model)}`? Name all of them."
        return self._posed(question, thing.shown, said, answer, f"explain {question.model} {_word(thing)}")

    def _depends(self, question: Question, view: View, chance: random.Random) -> Posed:
        assert question.among is not None
        others = {one.name: one for one in select(view, question.among) if one.value is not None}
        thing = self._thing(question, view, chance, lambda one: one.value is not None)
        behind = _behind(view, thing)
        right = sorted(
            name for name, one in others.items() if one.value is not None and one.value.name in behind
        )
        wrong = sorted(name for name in others if name not in right)
        for names in (right, wrong):
            chance.shuffle(names)
        listed = [*right[: max(_MOST_AMONG - 2, _MOST_AMONG - len(wrong))], *wrong]
        listed = sorted(one for one in listed[:_MOST_AMONG] if one != thing.name)
        if len(listed) < 2:
            raise self._nothing(question, "`among` finds fewer than two things")
        answer = Names(
            frozenset(listed) & frozenset(right), frozenset(listed), f"those that {_named(thing)} depends on"
        )
        shown = ", ".join(f"`{show(one)}`" for one in listed)
        said = f"On which of these does {_named(thing)} depend in `{show(question.model)}`: {shown}?"
        return self._posed(question, thing.shown, said, answer, f"draw {question.model}", among=shown)

    def _value(self, question: Question, view: View, chance: random.Random) -> Posed:
        thing = self._thing(question, view, chance, lambda one: one.value is not None)
        inputs = None
        if question.inputs is not None:
            inputs = {key: chance.choice(texts) for key, texts in question.inputs.items() if texts}
        array, find = self._array(question, view, thing, inputs)
        what, value = _taken(chance.choice(question.take), array, chance)
        if isinstance(value, str):
            answer: Answer = Text(value, f"{what} of {_named(thing)}")
        elif isinstance(value, int):
            answer = Whole(value, f"{what} of {_named(thing)}")
        else:
            answer = Number(value, f"{what} of {_named(thing)}")
        said = f"What is {what} of {_named(thing)} in `{show(question.model)}`"
        given = ", ".join(f"`{show(key)}={show(text)}`" for key, text in (inputs or {}).items())
        said = f"{said} for {given}?" if given else f"{said}?"
        return self._posed(question, thing.shown, said, answer, find, given=given)

    def _which(self, question: Question, view: View, chance: random.Random) -> Posed:
        selector = chance.choice(question.of)
        found = select(view, selector)
        if not found:
            raise self._nothing(
                question, f"there are no {noun_of(selector, functions=bool(view.meta.functions))}"
            )
        known = select(view, Selector(node="*", function=selector.function, everywhere=selector.everywhere))
        answer = OneOf(
            frozenset(one.name for one in found),
            frozenset(one.name for one in known),
            f"one of the {noun_of(selector, functions=bool(view.meta.functions))}",
        )
        said = f"Name one of the {noun_of(selector, functions=bool(view.meta.functions))} of `{show(question.model)}`."
        return self._posed(question, selector.op or "", said, answer, f"inspect {question.model} --nodes")

    def _choose(self, question: Question, view: View, chance: random.Random) -> Posed:
        thing = self._thing(question, view, chance, lambda one: True) if question.of else None
        it = thing.name if thing is not None else ""
        told: list[tuple[str, bool]] = []
        for option in question.options:
            right = option.right
            if not isinstance(right, bool):
                right = broken(right, self.models, question.model, it) is None
            told.append((option.text.replace("{it}", show(it)), right))
        chance.shuffle(told)
        rights = frozenset(at for at, (_, right) in enumerate(told) if right)
        if not rights or len(rights) == len(told):
            number = "no option is" if not rights else "all options are"
            raise self._nothing(question, f"with the seed {self.seed} {number} right")
        options = tuple(text for text, _ in told)
        find = f"inspect {question.model}" if thing is None else f"explain {question.model} {_word(thing)}"
        return self._posed(question, show(it), question.text, Choice(options, rights), find, options)

    # -- what they share

    def _posed(
        self,
        question: Question,
        it: str,
        said: str,
        answer: Answer,
        find: str,
        options: tuple[str, ...] = (),
        among: str = "",
        given: str = "",
    ) -> Posed:
        text = question.text or said
        for key, value in {"it": it, "model": show(question.model), "among": among, "inputs": given}.items():
            text = text.replace(f"{{{key}}}", value)
        return Posed(question, text, options, answer, find)

    def _thing(
        self, question: Question, view: View, chance: random.Random, fits: Callable[[Thing], bool]
    ) -> Thing:
        """Return the thing that a question is about.

        Raises:
            LessonError: nothing fits.
        """
        found = [one for selector in question.of for one in select(view, selector) if fits(one)]
        if not found:
            nouns = " or ".join(
                dict.fromkeys(noun_of(one, functions=bool(view.meta.functions)) for one in question.of)
            )
            raise self._nothing(question, f"`{show(question.model)}` has no {nouns} that can be asked about")
        return chance.choice(found)

    def _nothing(self, question: Question, why: str) -> LessonError:
        return LessonError(f"The question {question.id} can't be asked: {why}.", where=question.where)

    def _array(
        self, question: Question, view: View, thing: Thing, inputs: Mapping[str, str] | None
    ) -> tuple[Any, str]:
        """Return a value, and a command that shows it."""
        value, model = thing.value, question.model
        assert value is not None
        if inputs is None and thing.variable is not None:
            bundle, key = view.meta.bundle, thing.variable.key
            if bundle is None or key is None or thing.variable.slice is not None:
                raise self._nothing(question, f"the checkpoint has no value of {_named(thing)}")
            return bundle.array(key), f"probe {model} {_read(view, thing)}"
        node = value.node
        if inputs is None and node is not None and node.op == "Const":
            return to_array(node.attr["value"].tensor), f"explain {model} {_word(thing)}"
        inputs = inputs or {}
        given = "".join(f" --input {key}={text}" for key, text in inputs.items())
        if thing.kind == "output":
            return self.models.output(model, thing.name, inputs), f"run {model}{given}"
        address = f"{value.level.full_name(value.name)}:{value.index}"
        return self.models.tensor(model, address, inputs), f"probe {model} {address}{given}"


# -- what is computed


def _shape_of(view: View, thing: Thing) -> Shape:
    if thing.port is not None:
        return thing.port.shape
    if thing.variable is not None:
        return thing.variable.shape
    return view.shape(thing.value) if thing.value is not None else None


def _dtype_of(view: View, thing: Thing) -> int:
    if thing.port is not None:
        return thing.port.dtype
    if thing.variable is not None:
        return thing.variable.dtype
    return view.declared(thing.value)[0] if thing.value is not None else dtypes.INVALID


def _consumers(thing: Thing) -> list[str]:
    if thing.value is None:
        return []
    return list(dict.fromkeys(use.node.name for use in thing.value.level.uses(thing.value)))


def _behind(view: View, thing: Thing) -> set[str]:
    """Return the names that the value of a thing follows from, in the graph that it is in."""
    value = thing.value
    assert value is not None
    if value.level.function is not None:
        return ancestors(value.level.nodes, [value.name], controls=False)
    return set(Needs(view.meta).values([f"{value.name}:{value.index}"], {}))


def _taken(take: str, array: Any, chance: random.Random) -> tuple[str, str | int | float]:
    """Return what is asked of a value, and the answer."""
    if array is None or array.size == 0:
        raise LessonError("The value is empty, so nothing of it can be asked.")
    flat = array.reshape(-1)
    if take == "argmax":
        return "the index of the largest value", int(flat.argmax())
    if take in ("max", "min"):
        return f"the {'largest' if take == 'max' else 'smallest'} value", _plain(
            flat.max() if take == "max" else flat.min()
        )
    at = chance.randrange(min(_ELEMENTS, len(flat)))
    return ("the value" if len(flat) == 1 else f"value {at} (counted from 0)"), _plain(flat[at])


def _plain(value: Any) -> str | int | float:
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, bytes):
        return plain.decode("utf-8", "replace")
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return plain if isinstance(plain, str | int) else float(plain)


def _named(thing: Thing) -> str:
    """Return a thing as a sentence names it."""
    kind = "the node" if thing.kind == "node" else f"the {thing.kind}"
    return f"{kind} `{thing.shown}`"


def _word(thing: Thing) -> str:
    """Return what `explain` takes for a thing, quoted for a shell."""
    import shlex

    return shlex.quote(show(thing.address))


def _where_shown(model: str, thing: Thing) -> str:
    if thing.kind == "variable":
        return f"inspect {model} --variables"
    return f"inspect {model}" if thing.port is not None else f"explain {model} {_word(thing)}"


def _where_counted(model: str, selector: Selector) -> str:
    from workbench.lessons.questions.select import kind_of

    kind = kind_of(selector)
    if kind == "node":
        return f"inspect {model}" if selector.everywhere and selector.op else f"inspect {model} --nodes"
    options = {"variable": " --variables", "function": " --functions"}
    return f"inspect {model}{options.get(kind, '')}"


def _read(view: View, thing: Thing) -> str:
    """Return the tensor of a node that reads a variable; the variable where nothing does."""
    assert thing.value is not None
    for use in thing.value.level.uses(thing.value):
        if use.op in ("ReadVariableOp", "Identity"):
            return f"{use.node.name}:0"
    return thing.name
