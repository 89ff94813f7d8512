from __future__ import annotations

from itertools import islice, product

import pytest

from tests.sampling import plainly
from workbench.disk.dtypes import enum
from workbench.model import shapes
from workbench.surgery.adapters.chain import Chain
from workbench.surgery.adapters.suggest import suggest
from workbench.surgery.adapters.tensor_type import TensorType

Shape = tuple[int | None, ...] | None
N = None

SUGGESTED: list[tuple[tuple[str, Shape], tuple[str, Shape], str, list[tuple[str, str]]]] = [
    (("float32", (N, 10)), ("float32", (N, 10)), "", []),
    (("float32", None), ("float32", (N, 4)), "", []),
    (("uint8", (N, 28, 28, 1)), ("float32", (N, 784)), "flatten | cast float32", []),
    (("int32", (N,)), ("int64", (N, 1)), "expand -1 | cast int64", []),
    (("float32", (28, 28)), ("float32", (N, 28, 28, 1)), "expand | expand -1", []),
    (("float32", (N, 1)), ("float64", (N,)), "squeeze 1 | cast float64", []),
    (("int64", (N,)), ("float32", (N, 5)), "one-hot 5", [("one-hot 5", "guessed")]),
    (("float32", (N, 10)), ("int64", (N,)), "argmax", [("argmax", "guessed")]),
    (("float32", (N, N)), ("float32", (1, N, 4)), "expand", [("expand", "guessed")]),
    (("float32", (N, 28, 28, 1)), ("float32", (1, 784)), "reshape 1 784", []),
    (
        ("uint8", (N, 32, 32, 3)),
        ("float32", (N, 784)),
        "resize 28 28 | color RGB>GRAY | flatten",
        [("resize 28 28", "guessed"), ("color RGB>GRAY", "lossy")],
    ),
    (
        ("uint8", (N, N, 3)),
        ("float32", (N, 784)),
        "resize 28 28 | color RGB>GRAY | reshape ? 784",
        [("resize 28 28", "guessed"), ("color RGB>GRAY", "lossy"), ("reshape ? 784", "guessed")],
    ),
    (
        ("string", (N,)),
        ("float32", (N, 784)),
        "decode-image channels=1 | resize 28 28 | flatten",
        [("decode-image channels=1", "guessed"), ("resize 28 28", "guessed")],
    ),
    (
        ("string", ()),
        ("float32", (48,)),
        "decode-image | resize 4 4 | reshape 48",
        [("decode-image", "guessed"), ("resize 4 4", "guessed")],
    ),
    (("bool", (N,)), ("float32", (N,)), "cast float32", []),
    (("int32", (N, 2)), ("string", (N, 2)), "as-string", []),
    (("float32", (N, 4)), ("string", (N, 4)), "as-string", [("as-string", "lossy")]),
    (("float32", (1, 784)), ("float32", (N, 28, 28, 1)), "reshape ? 28 28 1", []),
    (
        ("float32", (1, 784)),
        ("uint8", (N, 28, 28, 1)),
        "reshape ? 28 28 1 | cast uint8",
        [("cast uint8", "lossy")],
    ),
    (("int64", (N,)), ("int32", (N,)), "cast int32", [("cast int32", "lossy")]),
    (("float32", (12,)), ("float32", (3, 4)), "reshape 3 4", [("reshape 3 4", "guessed")]),
    (("float32", (N, 8, 8, 3)), ("float32", (N, 3, 8, 8)), "layout NHWC>NCHW", []),
    (("float32", (N, 3, 8, 8)), ("float32", (N, 8, 8, 3)), "layout NCHW>NHWC", []),
    (
        ("uint8", (N, 480, 640, 3)),
        ("float32", (N, 3, 224, 224)),
        "resize 224 224 | layout NHWC>NCHW",
        [("resize 224 224", "guessed")],
    ),
    (("uint8", (N, 8, 8, 1)), ("uint8", (N, 8, 8, 3)), "color GRAY>RGB", []),
    (("float32", (N, 8, 8, 3)), ("float32", (N, 8, 8, 1)), "color RGB>GRAY", [("color RGB>GRAY", "lossy")]),
    (("uint8", (N, 8, 8, 4)), ("uint8", (N, 8, 8, 3)), "color RGBA>RGB", [("color RGBA>RGB", "lossy")]),
    (("string", (N,)), ("float64", (N,)), "parse-number float64", [("parse-number float64", "guessed")]),
    (
        ("string", (N,)),
        ("float32", (N, 9, 9, 3)),
        "decode-image | resize 9 9",
        [("decode-image", "guessed"), ("resize 9 9", "guessed")],
    ),
    (
        ("string", ()),
        ("float32", (N, 1, 9, 9)),
        "decode-image channels=1 | resize 9 9 | expand | layout NHWC>NCHW",
        [("decode-image channels=1", "guessed"), ("resize 9 9", "guessed")],
    ),
]


@pytest.mark.parametrize(
    ("have", "want", "text", "marks"), SUGGESTED, ids=[one[2] or "-" for one in SUGGESTED]
)
def test_the_shortest_chain_that_fits(
    have: tuple[str, Shape], want: tuple[str, Shape], text: str, marks: list[tuple[str, str]]
) -> None:
    found = suggest(TensorType.of(*have), TensorType.of(*want))
    assert found is not None
    assert found.text == text
    assert [(mark.adapter, mark.kind) for mark in found.marks] == marks


@pytest.mark.parametrize(
    ("have", "want"),
    [
        (("resource", ()), ("float32", (N,))),
        (("float32", (N, 10)), ("float32", (N, 11))),
        (("float32", (N, 1000)), ("float32", (N, 32, 32, 3))),
        (("float32", (3, 4)), ("float32", (5,))),
        (("float32", (N, 10)), ("variant", ())),
        (("string", (N, 2)), ("float32", (N, 3))),
    ],
)
def test_what_no_chain_makes_fit(have: tuple[str, Shape], want: tuple[str, Shape]) -> None:
    assert suggest(TensorType.of(*have), TensorType.of(*want)) is None


@pytest.mark.parametrize("step", plainly([3, 1], 3))
def test_what_is_suggested_fits(step: int) -> None:
    """Of each third pair of types, or of all."""
    sizes: list[Shape] = [
        (),
        (N,),
        (1,),
        (N, 12),
        (1, 12),
        (N, 2, 2, 3),
        (2, 2, 3),
        (N, 3, 4, 4),
        (N, 2, 6, 1),
        None,
    ]
    dtypes = ("uint8", "float32", "int64", "string", "bool")
    types = [TensorType.of(dtype, shape) for dtype, shape in product(dtypes, sizes)]
    found = 0
    for have, want in islice(product(types, types), 0, None, step):
        suggestion = suggest(have, want)
        if suggestion is None:
            continue
        found += 1
        checked = Chain.parse(suggestion.text).check(have)
        assert checked.problem is None
        assert checked.type.dtype == want.dtype
        assert shapes.fits(checked.type.shape, want.shape) != "refuted"
        assert {mark.adapter for mark in suggestion.marks} <= set(map(str, suggestion.chain.adapters))
        assert not checked.warnings or want.shape is None
    assert found > 800 / step


def test_a_suggestion_reads_as_a_sentence() -> None:
    found = suggest(TensorType.of("float32", (N, 4)), TensorType.of("uint8", (N, 4)))
    assert str(found) == "Add `cast uint8`. `cast uint8` is lossy: fractions are cut off."
    assert (
        str(suggest(TensorType.of("uint8", (4,)), TensorType.of(enum("uint8"), None))) == "It fits as it is."
    )
