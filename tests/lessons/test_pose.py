"""Questions: answers are computed from the model, the seed chooses, and what can't be asked is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.lessons.tools import SAMPLES, here
from workbench.errors import LessonError
from workbench.explaining.view import View
from workbench.lessons.lesson import Condition, Option, Question, Selector
from workbench.lessons.questions.conditions import broken
from workbench.lessons.questions.models import Models
from workbench.lessons.questions.pose import Posed, Poser
from workbench.lessons.questions.select import noun_of, select
from workbench.model import open_model

MODELS = Models(SAMPLES, here)
ALL = Selector(node="*", everywhere=True)


def pose(question: Question, seed: int = 1) -> Posed:
    return Poser("lesson", seed, MODELS).pose(question)


def ask(kind: str, model: str, *of: Selector, **more: object) -> Question:
    return Question("1", kind, model, of, **more)  # type: ignore[arg-type]


def names(model: str, selector: Selector) -> list[str]:
    return [one.name for one in select(View(open_model(SAMPLES / model).meta), selector)]


@pytest.mark.parametrize(
    ("model", "selector", "found"),
    [
        ("digits", Selector(op="MatMul"), ["MatMul"]),
        ("digits", Selector(node="softmax/*", op="VarHandleOp"), ["softmax/weights", "softmax/bias"]),
        ("digits", Selector(scope="save", op="SaveV2"), ["save/SaveV2"]),
        ("digits", Selector(variable="*bias"), ["softmax/bias"]),
        ("digits", Selector(signature="*"), ["serving_default"]),
        ("digits", Selector(input="my*"), ["myInput"]),
        ("digits", Selector(output="*", signature="serving_default"), ["myOutput"]),
        ("digits", Selector(op="Mat"), []),
        ("digits", Selector(function="*"), []),
        ("digits_tf2", Selector(op="MatMul"), []),
        ("digits_tf2", Selector(op="MatMul", everywhere=True), ["MatMul"]),
        ("digits_tf2", Selector(op="MatMul", function="*___call___*"), ["MatMul"]),
        ("digits_tf2", Selector(op="MatMul", function="*traced*"), []),
        ("digits_tf2", Selector(asset="*"), []),
    ],
)
def test_selectors(model: str, selector: Selector, found: list[str]) -> None:
    assert names(model, selector) == found


def test_control_edges_are_selected() -> None:
    waiting = names("digits", Selector(control=True))
    assert waiting and set(waiting) < set(names("digits", Selector(node="*")))
    assert set(waiting) | set(names("digits", Selector(control=False))) == set(
        names("digits", Selector(node="*"))
    )


def test_counting_everywhere_agrees_with_inspect() -> None:
    for model in ("digits", "digits_tf2", "image_bytes_batch"):
        meta = open_model(SAMPLES / model).meta
        for op, number in meta.ops.items():
            posed = pose(ask("count", model, Selector(op=op, everywhere=True)))
            assert posed.answer.text() == str(number)
    assert noun_of(Selector(op="Const", everywhere=True)).startswith("nodes with the op `Const`")


def test_shape_and_dtype() -> None:
    assert pose(ask("shape of", "digits", Selector(variable="*weights"))).answer.text() == "[784,10]"
    assert pose(ask("shape of", "digits", Selector(input="*"))).answer.text() == "[?,784]"
    inside = pose(ask("shape of", "digits_tf2", Selector(op="MatMul", function="*")))
    assert inside.answer.text() == "[?,10]" and "::MatMul" in inside.text
    assert pose(ask("dtype of", "image_base64", Selector(op="DecodePng"))).answer.text() == "uint8"
    # a handle has no dtype that a reader could name
    with pytest.raises(LessonError, match="no nodes with the op `VarHandleOp`"):
        pose(ask("dtype of", "digits", Selector(op="VarHandleOp")))


def test_feeds_and_depends() -> None:
    assert pose(ask("feeds", "digits", Selector(node="MatMul"))).answer.text() == "add"
    assert pose(ask("feeds", "digits", Selector(input="*"))).answer.text() == "MatMul"
    depends = ask("depends on", "digits", Selector(node="MatMul"), among=Selector(variable="*"))
    posed = pose(depends)
    assert posed.answer.text() == "softmax/weights"
    assert posed.answer.judge("softmax/bias, softmax/weights").right is False
    through = replace(depends, model="digits_tf2", of=(Selector(output="*"),))
    assert pose(through).answer.text() == "bias, weights"


def test_values_without_tensorflow() -> None:
    constant = pose(ask("value of", "image_base64", Selector(node="convert_image/y")))
    assert constant.answer.judge("0.00392").right and constant.answer.judge("1").right is False
    largest = pose(ask("value of", "digits", Selector(variable="*bias"), take=("max",)))
    array = open_model(SAMPLES / "digits").meta.bundle.array("softmax/bias")  # type: ignore[union-attr]
    assert largest.answer.judge(f"{array.max():.4g}").right
    assert largest.find == "probe digits add/ReadVariableOp:0" or largest.find.startswith("probe digits ")


@pytest.mark.needs_tf
def test_values_of_a_run() -> None:
    pixels = "base64url:@digits_png/sample-3.png"
    of = Selector(output="pixels")
    posed = pose(ask("value of", "image_base64", of, take=("max",), inputs={"base64_input": (pixels,)}))
    assert posed.answer.text() == "1" and pixels in posed.text
    node = Selector(node="DecodePng")
    inside = pose(ask("value of", "image_base64", node, take=("max",), inputs={"base64_input": (pixels,)}))
    assert inside.answer.text() == "255"
    same = Condition(output="pixels", inputs={"base64_input": pixels}, same_as="image_base64_tf2")
    assert broken(same, MODELS, "image_base64") is None
    said = broken(replace(same, differs=True), MODELS, "image_base64")
    assert said is not None and "equal; they should differ" in said


def test_the_seed_chooses_and_is_stable() -> None:
    question = ask(
        "shape of", "digits_tf2", Selector(variable="*"), Selector(input="*"), Selector(output="*")
    )
    texts = [pose(question, seed).text for seed in range(30)]
    assert len(set(texts)) == 4 and texts == [pose(question, seed).text for seed in range(30)]


def test_choosing_is_computed() -> None:
    options = (
        Option("a variable", Condition(has=Selector(variable="{it}"))),
        Option("an input", Condition(has=Selector(input="{it}"))),
        Option("a model", False),
    )
    question = ask(
        "choose",
        "digits_tf2",
        Selector(variable="*"),
        Selector(input="*"),
        text="What is {it}?",
        options=options,
    )
    for seed in range(20):
        posed = pose(question, seed)
        right = "a variable" if "weights" in posed.text or "bias" in posed.text else "an input"
        assert posed.answer.judge(right).right and not posed.answer.judge("a model").right
        letter = "abc"[posed.options.index(right)]
        assert posed.answer.judge(letter).right
    with pytest.raises(LessonError, match="no option is right"):
        pose(replace(question, of=(Selector(output="*"),)))


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (Condition(has=Selector(op="MatMul")), None),
        (Condition(has=Selector(op="Conv2D")), "`digits` has no node with the op `Conv2D`"),
        (Condition(lacks=Selector(variable="*")), "`digits` still has variables."),
        (Condition(count=Selector(variable="*"), is_=2), None),
        (Condition(count=Selector(variable="*"), is_=3), "has 2 variables; there should be 3."),
        (Condition(count=Selector(variable="*"), at_least=3), "at least"),
        (Condition(count=Selector(variable="*"), at_most=1), "at most"),
        (Condition(model="digits_tf2", has=Selector(function="*")), None),
    ],
)
def test_conditions(condition: Condition, said: str | None) -> None:
    found = broken(condition, MODELS, "digits")
    assert found is None if said is None else found is not None and said in found


@pytest.mark.parametrize("kind", ["shape of", "dtype of", "feeds", "value of", "which node"])
def test_nothing_to_ask_about_is_an_error_with_its_place(kind: str) -> None:
    question = replace(ask(kind, "digits", Selector(op="Conv2D")), where="lesson.toml:7")
    with pytest.raises(LessonError) as caught:
        pose(question)
    assert caught.value.where == "lesson.toml:7" and "Conv2D" in caught.value.message
