"""Dangerous ops: found wherever they hide, and only they."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.protos import Func, attr, const, function, graph, meta_graph, node, write
from tests.timing import costs_at_most
from tests.zoo import ZOO, Example, names
from workbench.checks.unsafe import OTHER_SAVERS, OWN_ASSET, SAVERS_OWN, Danger, on_denylist, scan, unsafe_ops
from workbench.checks.unsafe import ops as unsafe_table
from workbench.disk import optable
from workbench.model import MetaGraph, open_model

Zoo = Callable[[str], Example]


def found(graph_def: Any, keys: Any = None, **signatures: Any) -> list[Danger]:
    return unsafe_ops(MetaGraph(meta_graph(graph_def, **signatures)), keys)


def ops(dangers: list[Danger]) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.op, one.signatures) for one in dangers]


def test_every_listed_op_that_is_not_from_a_custom_library_is_in_the_op_table() -> None:
    elsewhere = {"RemoteFusedGraphExecute", "Rpc", "TryRpc", "BigQueryReader", "BigtableClient", "GrpcServer"}
    assert {op for op in unsafe_table.VERDICTS if not optable.is_known(op)} == elsewhere


def test_every_op_of_tensorflow_was_looked_at() -> None:
    """An op that is in neither list is new: read what its kernel touches, and put it into one of them."""
    listed = (Path(__file__).parent / "harmless_ops.txt").read_text().split()
    harmless, told = set(listed), set(unsafe_table.VERDICTS)
    assert len(listed) == len(harmless)
    assert harmless & told == set()
    assert set(optable.all_names()) - harmless - told == set()
    assert harmless - set(optable.all_names()) == set()


def test_ops_with_a_file_or_an_address_among_their_attrs_and_inputs_are_told() -> None:
    words = ("file", "path", "url", "addr", "dir", "uri", "host", "server", "logdir")
    harmless = {
        "CudnnRNN",
        "RiscSort",
        "TPUReplicateMetadata",
        "_TPUReplicate",
    }  # direction, host_compute_core
    harmless |= {"ShardedFilename", "ShardedFilespec"}  # text only
    for op in optable.all_names():
        op_def = optable.lookup(op)
        named = [one.name for one in op_def.attr if one.type in ("string", "list(string)")]
        named += [one.name for one in op_def.input_arg if one.type == 7]
        if any(word in name for word in words for name in named):
            assert op in unsafe_table.VERDICTS or op.startswith(tuple(harmless)), (op, named)


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


def test_a_long_chain_of_calls_is_walked_in_no_time() -> None:
    """Each function calls the next two; the last writes a file. A walk that looks twice would not end."""
    count = 1200
    made = [
        function(
            f"f{at}",
            ["a:7"],
            node("one", "PartitionedCall", "a", f=Func(f"f{min(at + 1, count)}")),
            node("two", "PartitionedCall", "a", f=Func(f"f{min(at + 2, count)}")),
        )
        for at in range(count)
    ]
    made.append(function(f"f{count}", ["a:7"], node("w", "WriteFile", "a", "a")))
    one = graph(node("y", "PartitionedCall", f=Func("f0")), functions=made)
    with costs_at_most(10):
        (danger,) = found(one, s=({}, {"y": "y:0"}))
    assert (danger.op, danger.signatures) == ("WriteFile", ("s",))
    assert (danger.path[0], danger.path[-1], len(danger.path)) == ("…", f"f{count}", 101)


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
    meta.saver_def.filename_tensor_name = "file:0"
    meta.saver_def.restore_op_name = "restore_all"
    meta.saver_def.save_tensor_name = "saved:0"
    assert ops(unsafe_ops(MetaGraph(meta), ["fine"])) == []
    assert ops(unsafe_ops(MetaGraph(meta))) == [("SaveV2", ("bad",))]
    del meta.signature_def["bad"]
    assert ops(unsafe_ops(MetaGraph(meta))) == []


def test_restoring_may_hide_other_ops() -> None:
    one = saver_graph()
    one.node.add(name="evil", op="WriteFile", input=["file", "file"])
    next(n for n in one.node if n.name == "restore_all").input.append("^evil")
    meta = meta_graph(one, fine=({}, {"y": "y:0"}))
    meta.saver_def.filename_tensor_name = "file:0"
    meta.saver_def.restore_op_name = "restore_all"
    assert ops(unsafe_ops(MetaGraph(meta), ["fine"])) == [("WriteFile", ("(restore)",))]


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
    dangers = unsafe_ops(MetaGraph(meta), [])
    assert [one.signatures for one in dangers] == [("(init op)",)] * expected


@pytest.mark.parametrize(("path", "expected"), [("", 0), ("/tmp/cache", 1)])
def test_a_dataset_may_be_cached_in_memory(path: str, expected: int) -> None:
    one = graph(const("where", path), node("c", "CacheDataset", "d", "where"))
    assert len(found(one)) == expected


def test_denylist_finds_ops_in_functions_too() -> None:
    body = function("body", ["a"], node("n", "Neg", "a", T=1))
    meta = MetaGraph(meta_graph(graph(node("a", "Neg"), node("b", "Abs"), functions=[body])))
    assert [(one.node, one.path) for one in on_denylist(meta, {"Neg"})] == [("a", ()), ("n", ("body",))]
    assert on_denylist(meta, set()) == []


@pytest.mark.parametrize(
    ("one", "tier"),
    [
        (node("n", "PrintV2", "x", output_stream="file:///tmp/log"), "write"),
        (node("n", "XlaCallModule", module="MLR\0custom_call_v1\0system\0"), "code"),
        (node("n", "XlaCallModule", module="MLR\0add_v1\0"), None),
        (node("n", "FixedUnigramCandidateSampler", vocab_file="/etc/passwd"), "read"),
        (node("n", "FixedUnigramCandidateSampler", vocab_file=""), None),
        (node("n", "DecodeProtoV2", descriptor_source="/etc/passwd"), "read"),
        (node("n", "DecodeProtoV2", descriptor_source="bytes://abc"), None),
        (node("n", "EncodeProto"), None),
        (node("n", "Skipgram", filename="corpus"), "read"),
        (node("n", "RecordInput", file_pattern="*"), "read"),
        (node("n", "Abort"), "process"),
        (node("n", "DatasetFromGraph", "x"), "code"),
        (node("n", "RemoteCall", "x"), "network"),
        (node("n", "WriteScalarSummary", "x"), "write"),
        (node("n", "TFLite_Detection_PostProcess", "x"), "code"),
    ],
    ids=lambda value: getattr(value, "op", str(value)),
)
def test_ops_and_the_attrs_that_make_them_dangerous(one: Any, tier: str | None) -> None:
    assert [found.tier for found in found(graph(one))] == ([tier] if tier else [])


def test_an_attr_that_the_caller_of_a_function_sets_counts_as_the_worst() -> None:
    printing = node("p", "PrintV2", "a")
    printing.attr["output_stream"].placeholder = "where"
    body = function("body", ["a:7"], printing)
    caller = node("y", "PartitionedCall", "x", f=Func("body"), where="file:///tmp/log")
    assert ops(found(graph(caller, functions=[body]), s=({}, {"y": "y:0"}))) == [("PrintV2", ("s",))]


def test_functions_that_tensorflow_may_call_in_place_of_others() -> None:
    """Grappler's implementation selector, and the gradient of a function."""
    fair, foul = function("fair", ["a:7"]), function("foul", ["a:7"], node("w", "WriteFile", "a", "a"))
    for one in (fair, foul):
        one.attr["api_implements"].CopyFrom(attr("lstm"))
    call = node("y", "PartitionedCall", "x", f=Func("fair"))
    assert ops(found(graph(call, functions=[fair, foul]), s=({}, {"y": "y:0"}))) == [("WriteFile", ("s",))]
    foul.ClearField("attr")
    one = graph(node("y", "SymbolicGradient", "x", f=Func("fair")), functions=[fair, foul])
    assert ops(found(one, s=({}, {"y": "y:0"}))) == [("WriteFile", ())]
    one.library.gradient.add(function_name="fair", gradient_func="foul")
    assert ops(found(one, s=({}, {"y": "y:0"}))) == [("WriteFile", ("s",))]


def test_a_gradient_runs_those_of_all_functions_below() -> None:
    foul = function("foul", ["a:7"], node("w", "WriteFile", "a", "a"))
    outer = function("outer", ["a:7"], node("c", "fair", "a"))
    one = graph(
        node("y", "SymbolicGradient", "x", f=Func("outer")),
        functions=[function("fair", ["a:7"]), outer, foul],
    )
    one.library.gradient.add(function_name="fair", gradient_func="foul")
    assert ops(found(one, s=({}, {"y": "y:0"}))) == [("WriteFile", ("s",))]


def test_a_function_calls_what_its_own_attr_names_by_default() -> None:
    foul = function("foul", ["a:7"], node("w", "WriteFile", "a", "a"))
    call = node("c", "PartitionedCall", "a")
    call.attr["f"].placeholder = "F"
    outer = function("outer", ["a:7"], call)
    outer.signature.attr.add(name="F", type="func").default_value.func.name = "foul"
    one = graph(node("y", "outer", "x"), functions=[outer, foul])
    assert ops(found(one, s=({}, {"y": "y:0"}))) == [("WriteFile", ("s",))]
    outer.signature.attr[0].ClearField("default_value")
    one = graph(node("y", "outer", "x"), functions=[outer, foul])
    assert ops(found(one, s=({}, {"y": "y:0"}))) == [("WriteFile", ())]


def with_objects(*functions: Any) -> Any:
    """A MetaGraph with signature `s` on a harmless node, and an object graph of a root only."""
    meta = meta_graph(graph(node("y", "NoOp"), functions=functions), s=({}, {"y": "y:0"}))
    meta.object_graph_def.nodes.add().user_object.identifier = "_generic_user_object"
    return meta


def test_the_loaded_signature_may_be_another_function_than_the_main_graph_calls() -> None:
    meta = with_objects(function("foul", [], node("w", "WriteFile", "a", "a")))
    nodes = meta.object_graph_def.nodes
    nodes[0].children.add(node_id=1, local_name="signatures")
    nodes.add().user_object.identifier = "signature_map"
    nodes[1].children.add(node_id=2, local_name="s")
    nodes.add().bare_concrete_function.concrete_function_name = "foul"
    assert ops(unsafe_ops(MetaGraph(meta), ["s"])) == [("WriteFile", ("s",))]
    nodes[1].children[0].local_name = "other"
    assert ops(unsafe_ops(MetaGraph(meta), ["s"])) == []


def test_loading_calls_what_restores_objects() -> None:
    meta = with_objects(function("foul", [], node("w", "WriteFile", "a", "a")))
    nodes = meta.object_graph_def.nodes
    nodes[0].saveable_objects["state"].restore_function = 1
    nodes.add().function.concrete_functions.append("foul")
    assert ops(unsafe_ops(MetaGraph(meta), [])) == [("WriteFile", ("(load)",))]


def test_restoring_another_file_is_not_the_savers_own() -> None:
    one = saver_graph()
    next(n for n in one.node if n.name == "restore").input[0] = "elsewhere"
    one.node.append(const("elsewhere", "/home/somebody/model"))
    meta = meta_graph(one, fine=({}, {"y": "y:0"}))
    meta.saver_def.filename_tensor_name = "file:0"
    meta.saver_def.restore_op_name = "restore_all"
    assert ops(unsafe_ops(MetaGraph(meta), ["fine"])) == [("RestoreV2", ("(restore)",))]


def test_what_is_excused_is_listed() -> None:
    meta = meta_graph(saver_graph(), fine=({}, {"y": "y:0"}))
    meta.saver_def.filename_tensor_name = "file:0"
    meta.saver_def.restore_op_name = "restore_all"
    meta.saver_def.save_tensor_name = "saved:0"
    listed = [(one.op, one.signatures, one.excuse) for one in scan(MetaGraph(meta))]
    assert listed == [("RestoreV2", ("(restore)",), SAVERS_OWN), ("SaveV2", ("(save)",), SAVERS_OWN)]
    meta = meta_graph(table_graph("asset"))
    meta.asset_file_def.add(filename="vocab.txt").tensor_info.name = "asset:0"
    meta.collection_def["saved_model_main_op"].node_list.value.append("init_op")
    (one,) = scan(MetaGraph(meta))
    assert (one.signatures, one.excuse) == (("(init op)",), OWN_ASSET)


def test_a_second_saver_that_nothing_calls_is_excused_until_it_is_fetched() -> None:
    meta = MetaGraph(meta_graph(saver_graph(), fine=({}, {"y": "y:0"})))
    assert unsafe_ops(meta) == []
    assert {(one.op, one.excuse) for one in scan(meta)} == {
        ("RestoreV2", OTHER_SAVERS),
        ("SaveV2", OTHER_SAVERS),
    }
    assert ops(unsafe_ops(meta, [], tensors=["saved:0"])) == [("SaveV2", ("(fetched)",))]


def test_only_the_init_op_is_fed_with_paths_of_assets() -> None:
    """A signature that reads the same constant gets what is written in it."""
    one = graph(const("asset", "/etc/passwd"), node("y", "ReadFile", "asset"))
    meta = meta_graph(one, s=({}, {"y": "y:0"}))
    meta.asset_file_def.add(filename="vocab.txt").tensor_info.name = "asset:0"
    assert ops(unsafe_ops(MetaGraph(meta), ["s"])) == [("ReadFile", ("s",))]


def test_a_variable_holds_an_assets_path_unless_the_signature_sets_it() -> None:
    nodes = [
        const("asset", "/etc/passwd"),
        node("v", "VarHandleOp", shared_name="v"),
        node("set", "AssignVariableOp", "v", "asset"),
        node("path", "ReadVariableOp", "v"),
        node("y", "ReadFile", "path"),
        node("z", "ReadFile", "path", "^set"),
    ]
    meta = meta_graph(graph(*nodes), s=({}, {"y": "y:0"}), t=({}, {"z": "z:0"}))
    meta.asset_file_def.add(filename="vocab.txt").tensor_info.name = "asset:0"
    meta.collection_def["saved_model_main_op"].node_list.value.append("set")
    assert ops(unsafe_ops(MetaGraph(meta), ["s"])) == []
    assert ops(unsafe_ops(MetaGraph(meta), ["t"])) == [("ReadFile", ("t",))]


def test_an_asset_that_leaves_the_folder_is_not_the_models_own(tmp_path: Path) -> None:
    meta = meta_graph(table_graph("asset"))
    meta.asset_file_def.add(filename="../../secret.txt").tensor_info.name = "asset:0"
    meta.collection_def["saved_model_main_op"].node_list.value.append("init_op")
    path = write(tmp_path / "m", meta)
    assert [one.signatures for one in unsafe_ops(open_model(path).meta, [])] == [("(init op)",)]


@pytest.mark.parametrize("name", names())
def test_the_zoo_is_harmless_but_for_what_is_marked(zoo: Zoo, name: str) -> None:
    example = zoo(name)
    meta = open_model(example.path, example.tags).meta
    assert unsafe_ops(meta, []) == [], "loading alone"
    dangers = unsafe_ops(meta)
    marked = bool({"danger", "unknown_op"} & ZOO[name].kinds)
    if name == "tf2_prints":  # to stderr
        marked = False
    if (
        name == "v1_assets_without_table"
    ):  # a signature is not fed with paths of assets: it reads the exporter's file
        marked = True
    assert bool(dangers) == marked, dangers
