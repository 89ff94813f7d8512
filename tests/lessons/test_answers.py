"""Answers as people type them: what is right however it is written, what is wrong, what can't be read."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.disk import dtypes
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

PIXELS = ShapeAnswer((None, 784))
NAMES = Names(frozenset({"a/MatMul", "add"}), frozenset({"a/MatMul", "add", "x", "y"}))
LETTERS = Choice(("a variable", "a `function`", "neither"), frozenset({1}))


@pytest.mark.parametrize(
    ("answer", "typed"),
    [
        *(
            (PIXELS, one)
            for one in (
                "[?,784]",
                "(None, 784)",
                "[-1,784]",
                "? 784",
                "float32 [?,784]",
                "?x784",
                "[None,784]",
            )
        ),
        *((ShapeAnswer(()), one) for one in ("[]", "()", "scalar")),
        *((ShapeAnswer((10,)), one) for one in ("[10]", "10", "(10,)", " [ 10 ] ")),
        *((ShapeAnswer(None), one) for one in ("unknown", "[?…]")),
        *(
            (DTypeAnswer(dtypes.FLOAT), one)
            for one in ("float32", "float", "FLOAT32", "tf.float32", "DT_FLOAT", "float32 [?,784]")
        ),
        *((DTypeAnswer(dtypes.STRING), one) for one in ("string", "str", "bytes", "text")),
        *((DTypeAnswer(dtypes.INT64), one) for one in ("int64", "int", "long")),
        *((Whole(1000), one) for one in ("1000", "1,000", "1000.0", "'1000'")),
        *((Whole(3), one) for one in ("3", "three", " 3 ")),
        *((Number(0.99156), one) for one in ("0.99156", "0.99", "99 %", "99.2%", "0,9916", "9.9e-1")),
        *((Number(-2.5), one) for one in ("-2.5", "\u22122.5")),
        (Number(math.nan), "nan"),
        *(
            (NAMES, one)
            for one in (
                "add, a/MatMul",
                "a/MatMul and add",
                "[a/MatMul:0, add:0]",
                "CALL::add; A/MATMUL",
                "add a/MatMul",
            )
        ),
        *((Names(frozenset(), frozenset({"x"})), one) for one in ("none", "nothing", "[]")),
        *(
            (OneOf(frozenset({"f::MatMul"}), frozenset({"f::MatMul", "add"})), one)
            for one in ("MatMul", "matmul:0", "CALL::MatMul")
        ),
        *((Text("true"), one) for one in ("true", "yes", "True")),
        *((LETTERS, one) for one in ("b", "B)", "2", "a function", "`a function`")),
    ],
)
def test_right_however_it_is_written(answer: Answer, typed: str) -> None:
    judged = answer.judge(typed)
    assert judged.right and judged.read is not None, judged.said


@pytest.mark.parametrize(
    ("answer", "typed", "said"),
    [
        (PIXELS, "[784]", "number of sizes differs"),
        (PIXELS, "[1,784]", "size 0"),
        (PIXELS, "[?,783]", "size 1"),
        (DTypeAnswer(dtypes.FLOAT), "double", "float64 is not"),
        (DTypeAnswer(dtypes.INT32), "int64", "int64 is not"),
        (Whole(12), "11", "smaller"),
        (Whole(12), "13", "larger"),
        (Number(0.99156), "0.95", "smaller"),
        (Number(0.99156), "1", "larger"),
        (NAMES, "add", "your name is right, 1 name missing"),
        (NAMES, "add, x", "1 of your 2 names is right, 1 name too many, 1 name missing"),
        (NAMES, "none", "2 names missing"),
        (OneOf(frozenset({"MatMul"}), frozenset({"MatMul", "add"})), "add", "exists, and is not"),
        (Text("false"), "yes", "is not"),
        (LETTERS, "a", "does not agree with a: a variable"),
    ],
)
def test_wrong_says_what_was_compared(answer: Answer, typed: str, said: str) -> None:
    judged = answer.judge(typed)
    assert not judged.right and judged.read is not None
    assert said in judged.said and answer.text() not in judged.said.split()


@pytest.mark.parametrize(
    "answer", [PIXELS, DTypeAnswer(1), Whole(3), Number(0.5), Text("true"), LETTERS, NAMES]
)
@pytest.mark.parametrize("typed", ["", "   ", "[?,x]", "what?", "\x1b[31mred", "9" * 3000, "{'a': 1}", "z"])
def test_what_cannot_be_read_does_not_count(answer: Answer, typed: str) -> None:
    judged = answer.judge(typed)
    assert not judged.right and judged.read is None
    assert "Write " in judged.said and "\x1b" not in judged.said


@given(st.text(max_size=60))
def test_no_text_is_too_odd(typed: str) -> None:
    for answer in (
        PIXELS,
        ShapeAnswer(None),
        DTypeAnswer(1),
        Whole(3),
        Number(0.5),
        Text("x"),
        LETTERS,
        NAMES,
    ):
        assert answer.judge(typed).said.isprintable()


@given(
    st.one_of(
        st.integers(-(10**9), 10**9).map(Whole),
        st.floats(width=32).map(Number),
        st.lists(st.none() | st.integers(0, 10**6), max_size=6).map(lambda sizes: ShapeAnswer(tuple(sizes))),
        st.sampled_from(sorted(dtypes._TABLE)).map(DTypeAnswer),
        st.frozensets(st.sampled_from(["a", "b/c", "d:0x", "E"]), max_size=3).map(Names),
        st.sampled_from(["true", "false", "hello world"]).map(Text),
    )
)
def test_its_own_text_is_right_and_its_wrong_one_is_not(answer: Answer) -> None:
    assert answer.judge(answer.text()).right, answer.text()
    assert not answer.judge(answer.wrong()).right, answer.wrong()
