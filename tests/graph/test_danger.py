"""Dangerous ops: found wherever they hide, and only they."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.protos import Func, const, function, graph, meta_graph, node
from tests.zoo import ZOO, Example, names
from workbench.disk import optable
from workbench.graph import danger
from workbench.graph.danger import Danger, dangerous, on_denylist
from workbench.model import MetaGraph, open_model

Zoo = Callable[[str], Example]


def found(graph_def: Any, keys: Any = None, **signatures: Any) -> list[Danger]:
    return dangerous(MetaGraph(meta_graph(graph_def, **signatures)), keys)


def ops(dangers: list[Danger]) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.op, one.signatures) for one in dangers]


def test_every_listed_op_that_is_not_from_a_custom_library_is_in_the_op_table() -> None:
    elsewhere = {"RemoteFusedGraphExecute", "Rpc", "TryRpc", "BigQueryReader", "BigtableClient", "GrpcServer"}
    assert {op for op in danger._TIERS if not optable.is_known(op)} == elsewhere


def test_the_main_graph_and_who_reaches_it() -> None:
    one = graph(
        node("x", "Placeholder", dtype=7),
        node("read", "ReadFile", "x"),
        node("y", "Identity", "read", T=7),
        node("z", "Identity", "x", T=7),
        node("loose", "WriteFile", "x", "x"),
    )
    signatures = {"bad": ({"x": "x:0"}, {"y": "y:0"}), "good": ({"x": "x:0"}, {"z": "z:0"})}
    assert ops(found(one, **signatures)) == [("ReadFile", ("bad",)), ("WriteFile", ())]
    assert ops(found(one, ["bad"], **signatures)) == [("ReadFile", ("bad",))]
    assert ops(found(one, ["good"], **signatures)) == []


def test_branches_loops_and_gradients_do_not_hide_anything() -> None:
    body = function("body", ["a:7"], node("w", "WriteFile", "a", "a"))
    outer = function(
        "outer", ["a:7"], node("loop", "While", "a", cond=Func("cond"), body=Func("body"), T=[7])
    )
    functions = [
        body,
        outer,
        function("cond", ["a:7"]),
        function("unused", ["a:7"], node("p", "PyFunc", "a")),
    ]
    one = graph(
        node("x", "Placeholder", dtype=7),
        node("y", "PartitionedCall", "x", f=Func("outer")),
        functions=functions,
    )
    dangers = found(one, s=({"x": "x:0"}, {"y": "y:0"}))
    assert ops(dangers) == [("WriteFile", ("s",)), ("PyFunc", ())]
    assert dangers[0].path == ("outer", "body")
    assert dangers[1].path == ("unused",)


def test_functions_that_call_each_other_end() -> None:
    a = function("a", ["x:7"], node("c", "PartitionedCall", "x", f=Func("b")), node("r", "ReadFile", "x"))
    b = function("b", ["x:7"], node("c", "PartitionedCall", "x", f=Func("a")))
    one = graph(node("y", "PartitionedCall", f=Func("a")), functions=[a, b])
    assert ops(found(one, s=({}, {"y": "y:0"}))) == [("ReadFile", ("s",))]


def test_printing_is_dangerous_only_into_a_file() -> None:
    one = graph(
        node("a", "PrintV2", "x", output_stream="stdout"),
        node("b", "PrintV2", "x", output_stream="file:///tmp/log"),
        node("c", "PrintV2", "x"),
    )
    assert [(one.node, one.tier) for one in found(one)] == [("b", "write")]


def test_an_op_nobody_knows_is_code_and_a_function_is_not() -> None:
    one = graph(node("a", "Mine"), node("b", "double", "a"), functions=[function("double", ["x"])])
    assert [(one.op, one.tier) for one in found(one)] == [("Mine", "code")]


def saver_graph() -> Any:
    return graph(
        node("v", "VarHandleOp"),
        node("file", "Placeholder", dtype=7),
        node("restore", "RestoreV2", "file"),
        node("assign", "AssignVariableOp", "v", "restore"),
        node("restore_all", "NoOp", "^assign"),
        node("save", "SaveV2", "file"),
        node("saved", "Identity", "file", "^save", T=7),
        node("y", "ReadVariableOp", "v"),
    )


def test_the_savers_own_nodes_are_harmless_until_something_else_reaches_them() -> None:
    meta = meta_graph(saver_graph(), fine=({}, {"y": "y:0"}), bad=({}, {"s": "saved:0"}))
    meta.saver_def.restore_op_name = "restore_all"
    meta.saver_def.save_tensor_name = "saved:0"
    assert ops(dangerous(MetaGraph(meta), ["fine"])) == []
    assert ops(dangerous(MetaGraph(meta))) == [("SaveV2", ("bad",))]
    del meta.signature_def["bad"]
    assert ops(dangerous(MetaGraph(meta))) == []


def test_restoring_may_hide_other_ops() -> None:
    one = saver_graph()
    one.node.add(name="evil", op="WriteFile", input=["file", "file"])
    next(n for n in one.node if n.name == "restore_all").input.append("^evil")
    meta = meta_graph(one, fine=({}, {"y": "y:0"}))
    meta.saver_def.restore_op_name = "restore_all"
    assert ops(dangerous(MetaGraph(meta), ["fine"])) == [("WriteFile", ("(load)",))]


def table_graph(filename: str) -> Any:
    init = function(
        "init", ["file:7", "table:20"], node("i", "InitializeTableFromTextFileV2", "table", "file")
    )
    return graph(
        node("table", "HashTableV2"),
        const("asset", "vocab.txt"),
        const("elsewhere", "/etc/passwd"),
        node("path", "Identity", filename, T=7),
        node("call", "StatefulPartitionedCall", "path", "table", f=Func("init")),
        node("init_op", "NoOp", "^call"),
        functions=[init],
    )


@pytest.mark.parametrize(("filename", "expected"), [("asset", 0), ("elsewhere", 1)])
def test_a_table_may_read_the_models_own_asset_only(filename: str, expected: int) -> None:
    meta = meta_graph(table_graph(filename))
    meta.asset_file_def.add(filename="vocab.txt").tensor_info.name = "asset:0"
    meta.collection_def["saved_model_main_op"].node_list.value.append("init_op")
    dangers = dangerous(MetaGraph(meta), [])
    assert [one.signatures for one in dangers] == [("(load)",)] * expected


@pytest.mark.parametrize(("path", "expected"), [("", 0), ("/tmp/cache", 1)])
def test_a_dataset_may_be_cached_in_memory(path: str, expected: int) -> None:
    one = graph(const("where", path), node("c", "CacheDataset", "d", "where"))
    assert len(found(one)) == expected


def test_denylist_finds_ops_in_functions_too() -> None:
    body = function("body", ["a"], node("n", "Neg", "a", T=1))
    meta = MetaGraph(meta_graph(graph(node("a", "Neg"), node("b", "Abs"), functions=[body])))
    assert [(one.node, one.path) for one in on_denylist(meta, {"Neg"})] == [("a", ()), ("n", ("body",))]
    assert on_denylist(meta, set()) == []


@pytest.mark.parametrize("name", names())
def test_the_zoo_is_harmless_but_for_what_is_marked(zoo: Zoo, name: str) -> None:
    example = zoo(name)
    dangers = dangerous(open_model(example.path, example.tags).meta)
    marked = {"danger", "unknown_op"} & ZOO[name].kinds
    assert bool(dangers) == (bool(marked) and name != "tf2_prints"), dangers  # that one prints to stderr
