"""Tensors in loops and branches of TF1, loops in loops and calls included."""

from __future__ import annotations

import pytest

from tests.protos import function, graph, meta_graph, node
from workbench.graph.body import Bodies
from workbench.graph.control_flow import inside
from workbench.model import MetaGraph


def nested() -> list[object]:
    """A loop in a loop: `step` is behind the Exit of the inner one."""
    return [
        node("x", "Placeholder", dtype=1),
        node("enter", "Enter", "x", T=1),
        node("merge", "Merge", "enter", "next", T=1),
        node("go", "Const", "^merge", dtype=10),
        node("switch", "Switch", "merge", "go", T=1),
        node("inner_enter", "Enter", "switch:1", T=1),
        node("inner_merge", "Merge", "inner_enter", "inner_next", T=1),
        node("inner_switch", "Switch", "inner_merge", "go", T=1),
        node("inner_next", "NextIteration", "inner_switch:1", T=1),
        node("inner_exit", "Exit", "inner_switch", T=1),
        node("step", "Neg", "inner_exit", T=1),
        node("next", "NextIteration", "step", T=1),
        node("exit", "Exit", "switch", T=1),
        node("y", "Neg", "exit", T=1),
    ]


def branch() -> list[object]:
    return [
        node("x", "Placeholder", dtype=1),
        node("p", "Placeholder", dtype=10),
        node("switch", "Switch", "x", "p", T=1),
        node("then", "Neg", "switch:1", T=1),
        node("merge", "Merge", "switch", "then", T=1),
        node("y", "Neg", "merge", T=1),
    ]


@pytest.mark.parametrize(
    ("name", "held"),
    [
        *(("x", None), ("go", "loop"), ("inner_merge", "loop"), ("inner_exit", "loop"), ("step", "loop")),
        *(("next", "loop"), ("exit", None), ("y", None)),
    ],
)
def test_loops(name: str, held: str | None) -> None:
    assert inside(Bodies(MetaGraph(meta_graph(graph(*nested())))).main, name) == held


@pytest.mark.parametrize(("name", "held"), [("x", None), ("then", "branch"), ("merge", None), ("y", None)])
def test_branches(name: str, held: str | None) -> None:
    assert inside(Bodies(MetaGraph(meta_graph(graph(*branch())))).main, name) == held


def test_in_a_function() -> None:
    nodes = branch()[2:]
    nodes[2] = node("merge", "Merge", "switch:output_false:0", "then:y:0", T=1)
    body = Bodies(MetaGraph(meta_graph(graph(functions=[function("f", ["x", "p:10"], *nodes)])))).get("f")
    assert body is not None
    assert [inside(body, name) for name in ("then", "merge")] == ["branch", None]
