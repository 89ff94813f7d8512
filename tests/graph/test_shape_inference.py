"""Shapes inferred into bodies: what a loop changes has no shape by what it starts with."""

from __future__ import annotations

import pytest

from tests.protos import Func, Shape, function, graph, meta_graph, node
from workbench.graph.level import find
from workbench.graph.shape_inference.shapes import Shapes
from workbench.model import MetaGraph
from workbench.model import shapes as shapes_


def looped(declared: bool) -> MetaGraph:
    """`while`: `kept` is passed on, `grown` is another value in each iteration."""
    cond = function("cond", ["kept", "grown"], node("c", "Neg", "kept", T=1), returns={"c": "c:y:0"})
    body = function(
        "body",
        ["kept", "grown"],
        node("of_kept", "Neg", "kept", T=1),
        node("of_grown", "Neg", "grown", T=1),
        node("more", "ConcatV2", "grown", "grown", T=1),
        returns={"a": "kept", "b": "more:output:0"},
    )
    if declared:
        noted = body.arg_attr[1].attr["_output_shapes"].list.shape.add()
        noted.CopyFrom(shapes_.to_proto((None, 3)))
    main = [
        node("x", "Placeholder", dtype=1, shape=Shape((1, 3))),
        node("loop", "While", "x", "x", T=[1, 1], cond=Func("cond"), body=Func("body")),
    ]
    return MetaGraph(meta_graph(graph(*main, functions=[cond, body])))


@pytest.mark.parametrize(
    ("name", "declared", "shape"),
    [("of_kept", False, (1, 3)), ("of_grown", False, None), ("of_grown", True, (None, 3))],
)
def test_arguments_of_a_loop(name: str, declared: bool, shape: shapes_.Shape) -> None:
    meta = looped(declared)
    value = find(meta, f"loop[body]::{name}")
    assert value is not None and Shapes(value.level).of_value(value) == shape


def test_a_constant_without_a_value_stays_without() -> None:
    """Reading a key of a protobuf map makes it; a check that comes later would no longer see that it is missing."""
    meta = MetaGraph(meta_graph(graph(node("c", "Const", dtype=1))))
    value = find(meta, "c")
    assert value is not None and Shapes(value.level).of_value(value) is None
    assert list(meta.nodes["c"].attr) == ["dtype"]
