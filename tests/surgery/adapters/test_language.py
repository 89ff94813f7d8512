from __future__ import annotations

import shlex
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import DamagedFile, UsageError
from workbench.surgery.adapters import registry
from workbench.surgery.adapters.adapter import parameters
from workbench.surgery.adapters.arguments import DTYPE, FLAG, FREE_SIZE, NUMBER, NUMERIC, Choice, number_text
from workbench.surgery.adapters.chain import Chain
from workbench.surgery.adapters.language import (
    Call,
    WireText,
    Word,
    parse_calls,
    parse_wire,
    print_calls,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TRICKY = TEXTS | st.sampled_from(
    ["|", "=", "@x", "a=b", "", " ", "'", '"', "\\", "a b", "it's", "@", "$x", "-1"]
)
WORDS = st.builds(Word, TRICKY, st.booleans())
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,6}", fullmatch=True)
CALLS = st.builds(
    Call,
    TRICKY,
    st.lists(WORDS, max_size=3).map(tuple),
    st.lists(st.tuples(NAMES, WORDS), max_size=2).map(tuple),
)


@given(st.lists(CALLS, max_size=3).map(tuple))
def test_printed_calls_are_parsed_to_the_same(calls: tuple[Call, ...]) -> None:
    assert parse_calls(print_calls(calls)) == calls


@given(st.builds(WireText, TRICKY, st.lists(CALLS, min_size=1, max_size=2).map(tuple), TRICKY))
def test_a_printed_wire_is_parsed_to_the_same(wire: WireText) -> None:
    assert parse_wire(str(wire)) == wire


@given(st.text("ab|=@'\"\\ \t\n", max_size=14))
def test_words_are_those_of_a_posix_shell(text: str) -> None:
    try:
        wanted = shlex.split(f"x {text}")[1:]
    except ValueError:
        with pytest.raises(UsageError):
            parse_calls(f"x {text}")
        return
    if any(sign in text for sign in ("|", "=", "@")):
        return  # these mean more here
    assert parse_calls(f"x {text}") == (Call("x", tuple(map(Word, wanted))),)


def test_signs_separate_only_as_words_of_their_own() -> None:
    assert parse_calls("a x|y '|' \\| | b") == (Call("a", (Word("x|y"), Word("|"), Word("|"))), Call("b"))
    assert parse_calls("a '@x' @x @'x y' n=@z m='@z'") == (
        Call(
            "a", (Word("@x"), Word("x", True), Word("x y", True)), (("n", Word("z", True)), ("m", Word("@z")))
        ),
    )
    assert parse_calls("a 'n=1' n_m=1=2") == (Call("a", (Word("n=1"),), (("n-m", Word("1=2")),)),)


def test_a_wire() -> None:
    assert parse_wire("img@pixels | resize 2 3 | cast float32 = net@'my input'") == WireText(
        "img@pixels",
        (Call("resize", (Word("2"), Word("3"))), Call("cast", (Word("float32"),))),
        "net@my input",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a | | b", "nothing before, after or between"),
        ("| a", "nothing before, after or between"),
        ("a 'b", "quote is not closed"),
        ("a b\\", "ends with a backslash"),
        ("a = b", "= stands alone"),
        ("a n=1 b", "'b' comes after n="),
    ],
)
def test_what_can_not_be_parsed(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_calls(text)


@pytest.mark.parametrize("text", ["a | b", "a | b =", "= b", "a | b = c d", "a b | c = d", "a = b = c"])
def test_what_is_no_wire(text: str) -> None:
    with pytest.raises(UsageError):
        parse_wire(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resise 2 3", "There is no adapter 'resise'. Did you mean resize or reshape?"),
        ("resize 2", "`resize 2` can't be read: WIDTH is missing. Write resize HEIGHT WIDTH"),
        ("resize 2 x", "width of `resize` takes a whole number of at least 1; found 'x'."),
        ("resize 0 3", "height of `resize` takes a whole number of at least 1; found '0'."),
        ("resize 2 3 4", "4 is more than it takes."),
        ("resize 2 3 methode=area", "it has no argument 'methode'. Did you mean method?"),
        ("resize 2 3 method=cubic", "method of `resize` takes bilinear, nearest, bicubic, area"),
        ("resize 2 3 height=4", "height is given twice"),
        ("scale 1/0", "by of `scale` takes a number or a fraction (1/255); found '1/0'."),
        ("scale nan", "takes a number or a fraction"),
        ("scale 1e999", "takes a number or a fraction"),
        ("mean", "VALUES is missing"),
        ("lookup words.txt", "vocabulary of `lookup` takes a file, written @PATH; found 'words.txt'."),
        ("cast string", "dtype of `cast` takes a dtype: uint8, "),
        ("layout NHWC>NCHX", "takes two orders of the same letters"),
        ("color RGB>RGBA", "takes two orders of colours"),
    ],
)
def test_an_error_says_which_adapter_what_it_takes_and_what_was_found(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Chain.parse(text)
    assert message in str(caught.value)


def test_the_shortest_form_is_printed() -> None:
    text = "resize 224 224 method=bilinear antialias=true | scale 0.5 | scale 2/510 | scale 1e0 | pad 9 9 0 left=3"
    assert Chain.parse(text).print() == (
        "resize 224 224 antialias=true | scale 0.5 | scale 1/255 | scale 1 | pad 9 9 0 3"
    )
    assert Chain.parse("crop 2 2 left=1").print() == "crop 2 2 left=1"
    assert Chain.parse("").print() == ""


@given(
    st.fractions()
    | st.floats(allow_nan=False, allow_infinity=False, min_value=-1e90, max_value=1e90).map(Fraction)
)
def test_a_number_is_read_as_it_was_printed(value: Fraction) -> None:
    if value.denominator < 10**100:
        assert NUMBER.read(Word(number_text(value))) == value
        assert NUMBER.from_json(NUMBER.as_json(value)) == value


KINDS = {
    NUMBER: st.fractions(max_denominator=10**6),
    FREE_SIZE: st.none() | st.integers(0, 1000),
    FLAG: st.booleans(),
    DTYPE: st.sampled_from(NUMERIC),
}
BY_NAME = {
    "channels": st.sampled_from([0, 1, 3, 4]),
    "order": st.just("NHWC>NCHW"),
    "columns": st.sampled_from(["3", "1:", ":-2", "0:4"]),
    "digits": st.integers(0, 9),
}


def _values(field: object, parameter: object) -> st.SearchStrategy[object]:
    kind = parameter.kind  # type: ignore[attr-defined]
    if kind.takes.startswith("two orders of colours"):
        return st.just("RGB>BGR")
    if field.name in BY_NAME:  # type: ignore[attr-defined]
        return BY_NAME[field.name]  # type: ignore[attr-defined]
    if isinstance(kind, Choice):
        return st.sampled_from(kind.words)
    if kind.takes.startswith("a whole number"):
        return st.integers(max(1, kind.least or 0), 10**6)
    if kind.takes.startswith("a file"):
        return TEXTS.filter(lambda text: text and "\0" not in text)
    return KINDS.get(kind, TRICKY)


@given(st.data())
def test_every_adapter_is_read_as_it_was_printed_and_stored(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(registry.adapters().values())))
    values = {
        field.name: data.draw(
            st.lists(_values(field, parameter), min_size=1, max_size=3).map(tuple)
            if parameter.many
            else _values(field, parameter)
        )
        for field, parameter in parameters(kind)
    }
    chain = Chain((kind(**values),))
    assert Chain.parse(chain.print()) == chain
    assert Chain.from_json(chain.as_json()) == chain


@pytest.mark.parametrize(
    "item",
    [
        None,
        {},
        {"adapter": "resise"},
        {"adapter": ["resize"]},
        {"adapter": "resize", "height": 2},
        {"adapter": "resize", "height": 2, "width": "x"},
        {"adapter": "resize", "height": 2, "width": True},
        {"adapter": "resize", "height": 2, "width": [2]},
        {"adapter": "resize", "height": 2, "width": 2, "antialias": "true"},
        {"adapter": "resize", "height": 2, "width": 2, "depth": 2},
        {"adapter": "mean", "values": 1},
        {"adapter": "mean", "values": [{}]},
        {"adapter": "lookup", "vocabulary": "words.txt"},
        {"adapter": "regex-replace", "pattern": 1, "rewrite": ""},
        {"adapter": "scale", "by": 1e999},
    ],
)
def test_a_damaged_recipe_is_refused(item: object) -> None:
    with pytest.raises(DamagedFile):
        Chain.from_json([item])
    with pytest.raises(DamagedFile):
        Chain.from_json(item)
