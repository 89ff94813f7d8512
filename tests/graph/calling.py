"""A MetaGraph with functions that call each other, for several tests."""

from __future__ import annotations

from tests.protos import Func, function, graph, meta_graph, node
from workbench.model import MetaGraph


def library() -> list[object]:
    inner = function("inner", ["a"], node("sq", "Square", "a", T=1), returns={"out": "sq:y:0"})
    then = function("then", ["a"], node("t", "Neg", "a", T=1), node("both", "Neg", "t:y:0", T=1))
    other = function("else", ["a"], node("e", "Neg", "a", T=1), node("both", "Abs", "e:y:0", T=1))
    outer = function(
        "outer",
        ["x:1"],
        node("call", "PartitionedCall", "x", f=Func("inner"), Tin=[1], Tout=[1]),
        node("if", "If", "x", "x", then_branch=Func("then"), else_branch=Func("else"), Tout=[1]),
        returns={"y": "call:output:0"},
    )
    return [inner, then, other, outer, function("alone", ["x"], node("n", "Neg", "x", T=1))]


def meta() -> MetaGraph:
    main = [
        node("x", "Placeholder", dtype=1),
        node("go", "StatefulPartitionedCall", "x", f=Func("outer"), Tin=[1], Tout=[1]),
    ]
    return MetaGraph(meta_graph(graph(*main, functions=library())))
