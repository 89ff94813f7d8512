"""Reach, cuts and cycles, against networkx on random graphs and by hand."""

from __future__ import annotations

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from tests.protos import node
from workbench.graph.adjacency import Adjacency


def adjacency(*nodes: object) -> Adjacency:
    return Adjacency({one.name: one for one in nodes})  # type: ignore[attr-defined]


EDGES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.booleans()), max_size=16)


def build(edges: list[tuple[int, int, bool]]) -> tuple[Adjacency, nx.DiGraph]:
    """Random edges, data or control, as nodes and as a networkx graph."""
    inputs: dict[int, list[str]] = {number: [] for number in range(8)}
    graph = nx.DiGraph()
    graph.add_nodes_from(f"n{number}" for number in range(8))
    for source, target, control in edges:
        inputs[target].append(f"^n{source}" if control else f"n{source}:1")
        graph.add_edge(f"n{source}", f"n{target}")
    return adjacency(*(node(f"n{number}", "Op", *given) for number, given in inputs.items())), graph


@given(EDGES, st.sets(st.integers(0, 7), max_size=2))
def test_reach_is_that_of_networkx(edges: list[tuple[int, int, bool]], starts: set[int]) -> None:
    found, graph = build(edges)
    names = {f"n{number}" for number in starts}
    assert found.ancestors(names) == names.union(*(nx.ancestors(graph, name) for name in names))
    assert found.descendants(names) == names.union(*(nx.descendants(graph, name) for name in names))


@given(EDGES)
def test_a_cycle_is_found_where_networkx_finds_one(edges: list[tuple[int, int, bool]]) -> None:
    found, graph = build(edges)
    cycle = found.find_cycle()
    assert (cycle is None) == nx.is_directed_acyclic_graph(graph)
    if cycle is not None:
        assert len(set(cycle)) == len(cycle)
        assert all(graph.has_edge(a, b) for a, b in zip(cycle, cycle[1:] + cycle[:1], strict=True))


def test_stop_is_included_and_not_passed() -> None:
    found = adjacency(node("a", "X"), node("b", "X", "a"), node("c", "X", "b"), node("d", "X", "c"))
    assert found.ancestors(["d"], stop={"b"}) == {"b", "c", "d"}
    assert found.descendants(["a"], stop={"b"}) == {"a", "b"}
    assert found.ancestors(["a"], stop={"a"}) == {"a"}
    assert found.ancestors(["gone"]) == set()


def test_inputs_and_consumers() -> None:
    found = adjacency(node("a", "X"), node("b", "X", "a:1", "a", "^a", "gone:2"))
    assert found.inputs("b") == ["a", "a", "a", "gone"]
    assert found.consumers("a") == [("b", 0), ("b", 1), ("b", 2)]
    assert found.inputs("gone") == []
    assert found.consumers("gone") == []


def test_the_back_edge_of_a_while_loop_is_no_cycle() -> None:
    loop = [
        node("enter", "Enter", "x"),
        node("merge", "Merge", "enter", "next"),
        node("body", "Add", "merge"),
        node("next", "NextIteration", "body"),
        node("exit", "Exit", "body"),
    ]
    assert adjacency(*loop).find_cycle() is None
    broken = [*loop[:2], node("body", "Add", "merge", "exit"), *loop[3:]]
    assert set(adjacency(*broken).find_cycle() or []) == {"body", "exit"}


def test_a_cycle_behind_a_loop_is_found_from_a_start() -> None:
    found = adjacency(
        node("out", "X", "next"),
        node("next", "NextIteration", "a"),
        node("a", "X", "b"),
        node("b", "X", "a"),
        node("other", "X", "other"),
    )
    assert set(found.find_cycle(["out"]) or []) == {"a", "b"}
    assert found.find_cycle(["gone"]) is None


def test_a_node_that_feeds_itself() -> None:
    assert adjacency(node("a", "X", "a")).find_cycle() == ["a"]


def test_a_long_chain_needs_no_recursion() -> None:
    nodes = [node("n0", "X"), *(node(f"n{i}", "X", f"n{i - 1}") for i in range(1, 3000))]
    found = adjacency(*nodes)
    assert found.find_cycle(["n2999"]) is None
    assert len(found.ancestors(["n2999"])) == 3000


def test_cut() -> None:
    found = adjacency(
        node("x", "Placeholder"),
        node("z", "Placeholder"),
        node("d", "PlaceholderWithDefault", "c"),
        node("c", "Const"),
        node("split", "Split", "x"),
        node("y", "Add", "split:1", "d", "^side"),
        node("side", "NoOp", "^z"),
        node("unrelated", "Neg", "x"),
    )
    whole = found.cut(["y:0"], ["x:0"])
    assert whole.nodes == {"y", "split", "d", "c", "side", "z"}
    assert whole.fed == {"x:0"}
    assert whole.unfed == ("z",)
    inner = found.cut(["y"], ["split:1", "d"])
    assert inner.nodes == {"y", "side", "z"}
    assert inner.fed == {"split:1", "d:0"}
    other_output = found.cut(["y"], ["split:0", "z:0"])
    assert "split" in other_output.nodes
    assert other_output.unfed == ("x",)
    assert other_output.fed == {"z:0"}, (
        "a control input from a fed placeholder is one from what it is fed with"
    )


def test_inputs_that_are_no_names_lead_nowhere() -> None:
    found = adjacency(node("y", "Add", "y2:b", "y2:" + "9" * 5000, ":0"), node("y2", "Neg"))
    assert found.cut(["y", "nothing"]).nodes == {"y"}
    assert found.find_cycle() is None


def test_fed_outputs_need_nothing() -> None:
    cut = adjacency(node("x", "Placeholder")).cut(["x:0"], ["x"])
    assert (cut.nodes, cut.fed, cut.unfed) == (frozenset(), {"x:0"}, ())


def test_who_waits_for_a_placeholder_that_is_fed() -> None:
    found = adjacency(node("x", "Placeholder"), node("d", "Identity", "x"), node("y", "Neg", "d", "^x"))
    assert found.cut(["y"], ["d:0", "x:0"]).unfed == ()
    assert found.cut(["y"], ["d:0"]).unfed == ("x",)
