"""Ranges of the numbers on a wire, read off small graphs."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from tests.protos import Func, function, graph, meta_graph, node, write
from workbench.disk import schema
from workbench.model import MetaGraph, open_model
from workbench.surgery.resolve.value_ranges import given_range, wanted_range


def number(name: str, *values: float) -> Any:
    """A float32 Const."""
    tensor = schema.TensorProto(dtype=1, tensor_content=struct.pack(f"<{len(values)}f", *values))
    tensor.tensor_shape.dim.add().size = len(values)
    return node(name, "Const", dtype=1, value=tensor)


X = node("x", "Placeholder", dtype=1)
IMAGE = [node("png", "Placeholder", dtype=7), node("decoded", "DecodePng", "png")]


def opened(folder: Path, *nodes: Any, functions: tuple[Any, ...] = ()) -> MetaGraph:
    return open_model(write(folder / "m", meta_graph(graph(*nodes, functions=functions)))).meta


GIVEN: list[tuple[list[Any], str | None]] = [
    ([node("y", "Identity", "decoded")], "0-255"),
    ([node("y", "Cast", "x", SrcT=4, DstT=1)], "0-255"),
    ([number("k", 1 / 255), node("f", "Reshape", "decoded", "k"), node("y", "Mul", "f", "k")], "0-1"),
    ([number("k", 255.0), node("y", "RealDiv", "decoded", "k")], "0-1"),
    ([number("k", 127.5), number("one", 1.0), node("d", "RealDiv", "decoded", "k"), node("y", "Sub", "d", "one")],
     "-1-1"),
    ([number("k", 3.0), node("y", "Mul", "decoded", "k")], None),
    ([node("y", "Softmax", "x", T=1)], "0-1"),
    ([node("y", "Tanh", "x", T=1)], "-1-1"),
    ([node("y", "Relu", "decoded")], None),
    ([node("y", "Identity", "x", T=1)], None),
    ([node("y", "Identity", "y")], None),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "expected"), GIVEN)
def test_what_an_output_gives(nodes: list[Any], expected: str | None, tmp_path: Path) -> None:
    assert given_range(opened(tmp_path, X, *IMAGE, *nodes), "y:0") == expected


WANTED: list[tuple[list[Any], str | None]] = [
    ([number("k", 1 / 255), node("y", "Mul", "x", "k")], "0-255"),
    ([number("k", 255.0), node("f", "Reshape", "x", "k"), node("y", "RealDiv", "f", "k")], "0-255"),
    ([number("k", 255.0), node("y", "Mul", "x", "k")], "0-1"),
    ([number("mean", 123.7, 116.8, 103.9), node("y", "Sub", "x", "mean")], "0-255"),
    ([number("mean", 0.485, 0.456, 0.406), node("y", "Sub", "x", "mean")], "0-1"),
    ([number("k", 2.0), node("y", "Mul", "x", "k")], None),
    ([node("y", "Relu", "x", T=1)], None),
]


@pytest.mark.parametrize(("nodes", "expected"), WANTED)
def test_what_an_input_expects(nodes: list[Any], expected: str | None, tmp_path: Path) -> None:
    assert wanted_range(opened(tmp_path, X, *nodes), "x:0") == expected


def test_both_are_found_inside_a_call(tmp_path: Path) -> None:
    body = function(
        "f",
        ["a", "scale"],
        node("s", "Mul", "a", "scale"),
        returns={"r": "s:z:0"},
    )
    call = node("y", "PartitionedCall", "decoded", "k", f=Func("f"))
    meta = opened(tmp_path, *IMAGE, number("k", 1 / 255), call, functions=(body,))
    assert given_range(meta, "y:0") == "0-1"
    call = node("y", "PartitionedCall", "x", "k", f=Func("f"))
    meta = opened(tmp_path / "other", X, number("k", 1 / 255), call, functions=(body,))
    assert wanted_range(meta, "x:0") == "0-255"
