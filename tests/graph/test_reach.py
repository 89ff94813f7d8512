"""One walk and what counts in it: controls, what is fed, effects, bodies of functions. Graphs by hand."""

from __future__ import annotations

from tests.protos import Func, function, graph, meta_graph, node
from workbench.graph.needs import Needs
from workbench.graph.reach import ancestors, descendants, needed, reach
from workbench.model import MetaGraph

NODES = {
    one.name: one
    for one in (
        node("x", "Placeholder", dtype=1),
        node("split", "Split", "x"),
        node("side", "NoOp"),
        node("y", "Add", "split:1", "x", "^side"),
        node("z", "Neg", "y:0"),
        node("after", "NoOp", "^z"),
    )
}


def test_a_walk_asks_once_for_each_name_and_not_behind_a_stop() -> None:
    edges = {"a": ["b", "c"], "b": ["a", "d"], "c": ["d"], "d": ["e"], "e": []}
    asked = []

    def next_to(name: str) -> list[str]:
        asked.append(name)
        return edges[name]

    assert reach(["a", "a"], next_to, stop={"d"}) == {"a", "b", "c", "d"}
    assert sorted(asked) == ["a", "b", "c"]


def test_ancestors_with_and_without_what_is_waited_for() -> None:
    assert ancestors(NODES, ["after"]) == set(NODES)
    assert ancestors(NODES, ["after"], controls=False) == {"after"}
    assert ancestors(NODES, ["^z"], controls=False) == set(), "such a root is only waited for"
    assert ancestors(NODES, ["z:0"], controls=False) == {"z", "y", "split", "x"}
    assert ancestors(NODES, ["y", "gone:1"], stop={"split"}) == {"y", "split", "x", "side"}


def test_descendants_with_and_without_those_that_wait() -> None:
    assert descendants(NODES, ["side"]) == {"side", "y", "z", "after"}
    assert descendants(NODES, ["side"], controls=False) == {"side"}
    assert descendants(NODES, ["split"], stop={"y"}) == {"split", "y"}


def test_a_body_is_walked_by_the_names_of_its_nodes_and_arguments() -> None:
    body = {one.name: one for one in (node("a", "Neg", "arg"), node("b", "Unpack", "a:y:0"), node("c", "X"))}
    assert ancestors(body, ["b:output:1"]) == {"a", "b"}
    assert descendants(body, ["arg"]) == {"arg", "a", "b"}


def test_what_is_fed_is_named_instead_and_not_looked_behind() -> None:
    found = needed(NODES, ["z"], tensors={"split:1": "<split>", "split:0": "<other>"}, waits={})
    assert found == {"z", "y", "<split>", "x", "side"}
    found = needed(NODES, ["z"], tensors={"y:0": "<y>"}, waits={})
    assert found == {"z", "<y>"}


def test_who_waits_may_wait_for_something_else_or_not_at_all() -> None:
    assert "<side>" in needed(NODES, ["z"], tensors={}, waits={"side": "<side>"})
    assert "side" not in needed(NODES, ["z"], tensors={}, waits={}, controls={"another"})
    assert needed(NODES, ["^side"], tensors={}, waits={}, controls=()) == {"side"}, "a root always counts"
    lost = {"y": node("y", "Neg", "gone", "^also_gone", "y:no_number")}
    assert needed(lost, ["y"], tensors={}, waits={}, controls=()) == {"y", "gone", "also_gone", "y:no_number"}


def test_a_long_chain_is_walked_without_recursion() -> None:
    chain = {f"n{i}": node(f"n{i}", "X", f"n{i - 1}") for i in range(1, 3000)}
    assert len(ancestors(chain, ["n2999"])) == 2999
    assert len(descendants(chain, ["n0"])) == 3000
    assert len(needed(chain, ["n2999"], tensors={"n0:0": "<n0>"}, waits={})) == 3000


# -- needs of a MetaGraph


def meta() -> MetaGraph:
    """`y` by a call that ignores its second argument; it waits for a read, for a write, and for an input."""
    body = function(
        "first", ["a", "b"], node("kept", "Neg", "a", T=1), node("ignored", "Neg", "b", T=1),
        returns={"out": "kept:y:0", "second": "nested:output:0"},
    )  # fmt: skip
    nested = node("nested", "PartitionedCall", "b", "a", f=Func("second"), Tin=[1, 1], Tout=[1])
    body.node_def.append(nested)
    second = function("second", ["p", "q"], node("n", "Neg", "p", T=1), returns={"out": "n:y:0"})
    main = [
        node("x", "Placeholder", dtype=1),
        node("other", "Placeholder", dtype=1),
        node("constant", "Const", dtype=1),
        node("default", "PlaceholderWithDefault", "other", dtype=1),
        node("v", "VarHandleOp", dtype=1),
        node("read", "ReadVariableOp", "v", dtype=1),
        node("write", "AssignVariableOp", "v", "constant", dtype=1),
        node("behind_write", "NoOp", "^write"),
        node("call", "PartitionedCall", "x", "default", f=Func("first"), Tin=[1, 1], Tout=[1, 1]),
        node("y", "Identity", "call", "^read", "^behind_write", "^x", T=1),
    ]
    return MetaGraph(meta_graph(graph(*main, functions=[body, second])))


def test_only_a_control_edge_from_an_effect_counts_where_others_may_go() -> None:
    needs = Needs(meta())
    always = {"y", "call", "x", "default", "other", "behind_write", "write", "v", "constant"}
    assert needs.nodes(["y"]) == always
    assert needs.nodes(["y"], as_it_is=True) == always | {"read"}
    assert needs.nodes(["^read"]) == {"read", "v"}


def test_a_fed_placeholder_is_waited_for_as_what_it_is_fed_with() -> None:
    found = Needs(meta()).nodes(["y"], {"x:0": "<x>", "default:0": "<default>"}, as_it_is=True)
    assert {"<x>", "<default>"} <= found
    assert not {"x", "default", "other"} & found


def test_cuts_are_seen_when_they_are_made_and_nothing_is_needed_behind_them() -> None:
    cuts: dict[str, str] = {}
    needs = Needs(meta(), cuts)
    assert "other" in needs.nodes(["call:1"])
    cuts["default:0"] = "default"
    assert needs.nodes(["call:1"]) == {"call", "x", "default"}
    cuts["x:0"] = "bridge"
    assert needs.bridged() == {"x": "bridge"}
    assert needs.nodes(["^x"]) == {"bridge"}


def test_values_follow_from_the_arguments_that_the_bodies_lead_to_the_output() -> None:
    needs = Needs(meta())
    assert needs.values(["call:0"], {}) == {"call", "x"}
    assert needs.values(["call:1"], {}) == {"call", "default", "other"}
    assert needs.values(["y"], {}) == {"y", "call", "x"}
    assert needs.values(["^y"], {}) == set()


def test_behind_a_fed_default_lies_what_it_may_be_left_out_for() -> None:
    needs = Needs(meta(), {"x:0": "bridge"})
    fed = {"default:0": "<default>"}
    assert needs.values(["call:1"], fed) == {"call", "<default>", "other"}
    assert needs.values(["call:1"], fed, optional=False) == {"call", "<default>"}
    assert needs.values(["call:0"], {}) == {"call", "bridge"}
    assert needs.values(["call:0"], {}, uncut=True) == {"call", "x"}
