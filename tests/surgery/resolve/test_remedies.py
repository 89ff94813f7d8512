"""What is offered where an output does not fit an input: whole wires that can be pasted, and only what can work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.surgery.tiny import Shape, Tiny, plan, typed
from tests.surgery.tools import findings_of, the
from workbench.describe.actions import words
from workbench.disk import dtypes
from workbench.findings import Finding, Hint
from workbench.surgery.resolve.first_ops import FirstOps
from workbench.surgery.resolve.remedies import remedy

N = None
CASES: list[tuple[str, Shape, str, Shape, str]] = [
    ("float32", (28, 28), "float32", (784,), "reshape 784"),
    ("float32", (N, 28, 28), "float32", (N, 784), "flatten"),
    ("float32", (784,), "float32", (N, 28, 28, 1), "reshape ? 28 28 1"),
    ("float32", (N, 784), "float32", (1, 28, 28, 1), "reshape 1 28 28 1"),
    ("float32", (28, 28), "float32", (N, 28, 28), "expand"),
    ("float32", (N, 224, 224, 3), "float32", (N, 3, 224, 224), "layout NHWC>NCHW"),
    ("float32", (N, 3, 224, 224), "float32", (N, 224, 224, 3), "layout NCHW>NHWC"),
    ("uint8", (N, 784), "float32", (N, 784), "cast float32"),
    ("float32", (1, 784), "uint8", (N, 28, 28, 1), "reshape ? 28 28 1 | cast uint8"),
    ("uint8", (784,), "float32", (1, 784), "expand | cast float32"),
    ("float32", (1,), "float32", (), "squeeze 0"),
    ("string", (), "float32", (), "parse-number"),
    ("int64", (2,), "string", (1, 2), "expand | as-string"),
]
NEVER: list[tuple[Shape, Shape, str]] = [
    ((N, 784), (N, 32, 32, 3), "784 elements in each row, the input takes 3,072."),
    ((10,), (), "10 elements, the input takes 1."),
    ((N, 10), (N,), "10 elements in each row, the input takes 1."),
    ((784,), (3072,), "784 elements, the input takes 3,072."),
    ((N, 5), (3, 4), "a multiple of 5 elements, the input takes 12."),
    ((5,), (N, 3), "5 elements, the input takes a multiple of 3."),
]


def found(have: str, had: Shape, want: str, wanted: Shape) -> str:
    return remedy(("y", "x"), (dtypes.enum(have), had), (dtypes.enum(want), wanted))


@pytest.mark.parametrize(("have", "had", "want", "wanted", "chain"), CASES, ids=[one[-1] for one in CASES])
def test_a_remedy_is_a_whole_wire_that_fits(
    tmp_path: Path, have: str, had: Shape, want: str, wanted: Shape, chain: str
) -> None:
    hint = found(have, had, want, wanted)
    assert isinstance(hint, Hint)
    wire = f"y | {chain} = x"
    assert hint.action.arguments == {"wire": wire, "through": chain}
    assert words(hint, "command line").startswith(f"Use --wire '{wire}'.")
    assert words(hint, "Python").startswith(f"Pass wires=['{wire}'].")
    import workbench as wb

    models = {"a": typed(tmp_path / "a", have, had), "b": typed(tmp_path / "b", want, wanted)}
    assert [one for one in wb.check(wb.Plan.join(wires=wire, **models)) if one.severity == "error"] == []


@pytest.mark.parametrize(("had", "wanted", "says"), NEVER)
@pytest.mark.parametrize("have", ["float32", "int8"])
def test_nothing_that_can_not_work_is_offered(have: str, had: Shape, wanted: Shape, says: str) -> None:
    text = found(have, had, "float32", wanted)
    assert not isinstance(text, Hint)
    assert says in text and "No adapters make them fit." in text


def test_resources_have_no_adapters() -> None:
    assert (
        found("resource", (), "float32", ()) == "Nothing turns resource into float32: choose another tensor."
    )


PICTURES, SMALL = ("uint8", (N, 32, 32, 3)), ("float32", (N, 28, 28, 3))


def taker(folder: Path, op: str | None) -> Path:
    """`x` → `y`; divided by 255 first, or not."""
    made = Tiny(folder).placeholder("x", *SMALL).const("factor", 255.0)
    made.node("y", op or "Tanh", "x", *(["factor"] if op else []), T="float32")
    return made.signature(x_in=("x:0", *SMALL), y_out=("y:0", *SMALL)).save()


def refusal(tmp_path: Path, op: str | None) -> Finding:
    return the(findings_of(plan(typed(tmp_path / "a", *PICTURES), taker(tmp_path / "b", op))), "R3-dtype")


def test_a_guess_is_said_to_be_one(tmp_path: Path) -> None:
    hint = refusal(tmp_path, None).hint
    assert words(hint, "command line") == (
        "Use --wire 'y | resize 28 28 = x'. `resize 28 28` is guessed: bilinear; another method gives other values. "
        "No graph tells the range of the pixels: if the model takes 0-1, add `scale 1/255`."
    )


def test_a_scale_only_where_the_model_takes_another_range(tmp_path: Path) -> None:
    assert "scale" not in str(refusal(tmp_path / "255", "RealDiv").hint)  # it divides by 255 itself
    hint = refusal(tmp_path / "1", "Mul").hint  # and this one makes 0-255 of 0-1
    assert words(hint, "command line") == (
        "Use --wire 'y | resize 28 28 | scale 1/255 = x'. `resize 28 28` is guessed: bilinear; another method gives "
        "other values. `scale 1/255` is guessed: the model begins as if it took 0-1."
    )


def test_the_order_of_colours_is_named_and_never_changed_silently() -> None:
    first = FirstOps("0-255", "BGR", order_by="x - 103.9 116.8 123.7")
    have, want = (dtypes.enum("uint8"), (N, 9, 9, 3)), (dtypes.enum("float32"), (N, 8, 8, 3))
    hint = remedy(("y", "x"), have, want, first=first)
    assert isinstance(hint, Hint) and hint.action.arguments["through"] == "resize 8 8"
    assert hint.endswith(
        "The model begins as if it took BGR (x - 103.9 116.8 123.7): if the output is RGB, add `color RGB>BGR`."
    )
    grey = (dtypes.enum("float32"), (N, 8, 8, 1))
    assert "BGR" not in remedy(("y", "x"), have, grey, first=first)


def test_a_chain_is_completed(tmp_path: Path) -> None:
    import workbench as wb

    models = {"a": typed(tmp_path / "a", *PICTURES), "b": typed(tmp_path / "b", "float32", (N, 3, 28, 28))}
    (one,) = wb.check(wb.Plan.join(wires="a@y | resize 28 28 = b@x", **models))
    assert (one.code, isinstance(one.hint, Hint)) == ("adapt-chain", True)
    assert words(one.hint, "command line") == "Use --wire 'a@y | resize 28 28 | layout NHWC>NCHW = b@x'."


def test_images_of_any_size_are_given_that_of_the_input(tmp_path: Path) -> None:
    have, want = (
        typed(tmp_path / "a", "float32", (N, N, N, 3)),
        typed(tmp_path / "b", "float32", (N, 28, 28, 3)),
    )
    one = the(findings_of(plan(have, want)), "R4-unknown")
    assert words(one.hint, "command line") == (
        "If the images have other sizes, use --wire 'y | resize 28 28 = x'. `resize 28 28` is guessed: bilinear; "
        "another method gives other values."
    )
    pixels = typed(tmp_path / "c", "uint8", (N, N, N, 3)), typed(tmp_path / "d", "uint8", (N, 28, 28, 3))
    assert the(findings_of(plan(*pixels)), "R4-unknown").hint is None, "resize makes float32 of them"
    numbers = typed(tmp_path / "e", "float32", (N, N)), typed(tmp_path / "f", "float32", (N, 28))
    assert the(findings_of(plan(*numbers)), "R4-unknown").hint is None
