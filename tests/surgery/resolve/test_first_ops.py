"""What the first ops on an input show of the numbers and colours that a network takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.protos import Func, function, node
from tests.surgery.resolve.test_value_ranges import X, number, opened
from workbench.surgery.resolve.first_ops import FirstOps, first_ops

CAFFE = (-103.939, -116.779, -123.68)
STEP = [number("begin", 0.0, 0.0), number("step", 1.0, -1.0)]


def chain(*ops: tuple[str, tuple[float, ...]]) -> list[Any]:
    """`x` through ops with a constant each."""
    nodes: list[Any] = []
    last = "x"
    for at, (op, values) in enumerate(ops):
        nodes += [number(f"c{at}", *values), node(f"n{at}", op, last, f"c{at}", T=1)]
        last = f"n{at}"
    return nodes


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        (chain(("Mul", (1 / 255,))), ("0-255", None)),
        (chain(("RealDiv", (127.5,)), ("Sub", (1.0,))), ("0-255", None)),
        (chain(("Mul", (2.0,)), ("Sub", (1.0,))), ("0-1", None)),
        (chain(("Mul", (2.0,)), ("AddV2", (-1.0,))), ("0-1", None)),
        (chain(("Sub", (0.5,)), ("Mul", (2.0,))), ("0-1", None)),
        (chain(("Mul", (2.0,))), (None, None)),
        (chain(("Mul", (0.5,)), ("AddV2", (0.5,))), ("-1-1", None)),
        (chain(("AddV2", (1.0,)), ("Mul", (127.5,))), ("-1-1", None)),
        (chain(("Mul", (255.0,))), ("0-1", None)),
        (chain(("RealDiv", (255.0,)), ("Sub", (0.485, 0.456, 0.406)), ("RealDiv", (0.229, 0.224, 0.225))),
         ("0-255", "RGB")),
        (chain(("Sub", (0.48, 0.458, 0.408)), ("RealDiv", (0.269, 0.261, 0.276))), ("0-1", "RGB")),
        (chain(("Sub", (123.675, 116.28, 103.53)), ("Mul", (0.017, 0.0175, 0.0174))), ("0-255", "RGB")),
        (chain(("AddV2", CAFFE)), ("0-255", "BGR")),
        ([number("axis", -1.0), node("r", "ReverseV2", "x", "axis"), number("c", *CAFFE), node("y", "AddV2", "r", "c")],
         ("0-255", "RGB")),
        ([*STEP, node("r", "StridedSlice", "x", "begin", "begin", "step", ellipsis_mask=1), number("c", *CAFFE),
          node("y", "BiasAdd", "r", "c")], ("0-255", "RGB")),
        (chain(("Sub", (120.0, 110.0, 100.0)), ), ("0-255", None)),
        (chain(("RealDiv", (0.0,))), (None, None)),
        ([number("c", 255.0), node("y", "RealDiv", "c", "x")], (None, None)),
        ([number("c", 1.0), node("y", "Sub", "c", "x")], (None, None)),
        ([node("y", "Relu", "x")], (None, None)),
    ],
)  # fmt: skip
def test_what_an_input_expects(
    nodes: list[Any], found: tuple[str | None, str | None], tmp_path: Path
) -> None:
    seen = first_ops(opened(tmp_path, X, *nodes), "x:0")
    assert (seen.range, seen.order) == found
    assert bool(seen.range_by) == (seen.range is not None)


@pytest.mark.parametrize(("picked", "order"), [((2, 1, 0), "RGB"), ((0, 1, 2), "BGR"), ((1, 0, 2), None)])
def test_channels_that_are_picked_one_by_one(
    picked: tuple[int, ...], order: str | None, tmp_path: Path
) -> None:
    nodes = [number("one", 1.0, 1.0), number("mean", *CAFFE)]
    for at in picked:
        nodes += [number(f"b{at}", 0.0, float(at))]
        nodes.append(node(f"s{at}", "StridedSlice", "x", f"b{at}", f"b{at}", "one"))
        nodes[-1].attr["ellipsis_mask"].i, nodes[-1].attr["shrink_axis_mask"].i = 1, 2
    nodes.append(node("p", "Pack", *(f"s{at}" for at in picked), axis=-1))
    nodes.append(node("y", "BiasAdd", "p", "mean"))
    seen = first_ops(opened(tmp_path, X, *nodes), "x:0")
    assert (seen.range, seen.order) == ("0-255", order)


def test_words_for_it(tmp_path: Path) -> None:
    nodes = chain(("RealDiv", (255.0,)), ("AddV2", (-0.485, -0.456, -0.406)))
    assert first_ops(opened(tmp_path, X, *nodes), "x:0") == FirstOps(
        "0-255", "RGB", "x / 255", "(x / 255) - 0.485 0.456 0.406"
    )


def test_into_a_call_and_out_again(tmp_path: Path) -> None:
    body = function("f", ["a", "k"], node("s", "RealDiv", "a", "k"), returns={"r": "s:z:0"})
    call = node("called", "PartitionedCall", "x", "k", f=Func("f"))
    less = [number("mean", 0.485, 0.456, 0.406), node("y", "Sub", "called", "mean")]
    seen = first_ops(opened(tmp_path, X, number("k", 255.0), call, *less, functions=(body,)), "x:0")
    assert (seen.range, seen.order) == ("0-255", "RGB")
