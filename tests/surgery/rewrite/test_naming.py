"""Nodes of functions that name more than their inputs."""

from __future__ import annotations

from tests.protos import Func, function, graph, meta_graph, node
from workbench.disk.schema import AttrValue
from workbench.graph.functions import reachable
from workbench.model.meta import MetaGraph
from workbench.surgery.rewrite.naming import NamingNodes


def test_nodes_that_name_functions_and_resources() -> None:
    body = function(
        "f",
        ["a"],
        node("plain", "Neg", "a", T=1),
        node("call", "PartitionedCall", "plain:y:0", f=Func("g")),
        node("types", "IdentityN", "plain:y:0", T=[1, 1]),
        node("branches", "Case", "plain:y:0", branches=[Func("g")]),
        node("by_op", "g", "plain:y:0"),
        node("empty", "Neg", "a", T=AttrValue()),
        node("table", "HashTableV2", shared_name="words"),
        node("handle", "VarHandleOp", dtype=1),
        node("custom", "Neg", "a", _gradient_op_type="CustomGradient-1"),
    )
    found = NamingNodes(MetaGraph(meta_graph(graph(functions=[body, function("g", [])]))))
    assert [one.name for one in found.nodes("f")] == [
        "call",
        "branches",
        "by_op",
        "empty",
        "table",
        "handle",
        "custom",
    ]
    assert found.positions("g") == [] and found.ops("g") == set()
    assert {"Neg", "IdentityN", "g"} <= found.ops("f")


def test_reach_looks_only_at_the_nodes_it_is_given() -> None:
    inner = function("g", ["a"], node("n", "Neg", "a", T=1))
    outer = function("f", ["a"], node("call", "PartitionedCall", "a", f=Func("g")))
    whole = graph(node("start", "PartitionedCall", f=Func("f")), functions=[outer, inner])
    found = NamingNodes(MetaGraph(meta_graph(whole)))
    assert reachable(whole, whole.node) == {"f", "g"}
    assert reachable(whole, whole.node, naming=found.nodes) == {"f", "g"}
    assert reachable(whole, whole.node, naming=lambda name: []) == {"f"}
    made = {"h": function("h", ["a"], node("call", "PartitionedCall", "a", f=Func("g")))}
    assert reachable(whole, [node("start", "h")], made=made, naming=lambda name: []) == {"h", "g"}
