"""Trust in file names: what a loader feeds is what an op reads, and whatever else could come there is no excuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.protos import Func, attr, const, function, graph, meta_graph, node, strings, write
from tests.timing import costs_at_most
from workbench.checks.unsafe import OWN_ASSET, SAVERS_OWN, scan, unsafe_ops
from workbench.disk import schema
from workbench.model import MetaGraph, open_model

INIT, SAVE, RESTORE = ["(init op)"], ["(save)"], ["(restore)"]


def initialised(
    *nodes: Any, functions: Any = (), assets: Any = (("vocab.txt", "asset:0"),), **signatures: Any
) -> MetaGraph:
    """A MetaGraph whose init op is the node `init`; `assets` are pairs of file and tensor."""
    meta = meta_graph(graph(*nodes, functions=functions), **signatures)
    for filename, tensor in assets:
        meta.asset_file_def.add(filename=filename).tensor_info.name = tensor
    meta.collection_def["saved_model_main_op"].node_list.value.append("init")
    return MetaGraph(meta)


def found(meta: MetaGraph, keys: Any = ()) -> list[tuple[str, list[str]]]:
    return [(one.op, list(one.signatures)) for one in unsafe_ops(meta, keys)]


def reader(name: str = "reader", *arguments: str, reads: str = "file") -> Any:
    """A function that reads the file named by one of its arguments."""
    return function(name, [f"{one}:7" for one in arguments] or ["file:7"], node("r", "ReadFile", reads))


# --- a Const that is fed


@pytest.mark.parametrize("op", ["CacheDataset", "CacheDatasetV2"])
def test_a_dataset_is_not_cached_in_memory_where_the_loader_feeds_the_empty_name(op: str) -> None:
    """The loader feeds the path of the asset, and the dataset writes beside it."""
    nodes = [const("asset", ""), node("same", "Identity", "asset"), node("init", op, "d", "same", "cache")]
    assert found(initialised(*nodes)) == [(op, INIT)]
    assert found(initialised(*nodes, assets=[])) == []


@pytest.mark.parametrize("fed", ["saver", "signature", "caller", "collection"])
def test_a_constant_that_anybody_feeds_is_no_constant(fed: str) -> None:
    one = graph(const("name", ""), node("y", "CacheDataset", "d", "name"))
    meta = meta_graph(one, s=({"x": "name:0"} if fed == "signature" else {}, {"y": "y:0"}))
    if fed == "saver":
        meta.saver_def.filename_tensor_name = "name:0"
    if fed == "collection":
        asset = schema.AssetFileDef(filename="vocab.txt")
        asset.tensor_info.name = "name:0"
        packed = meta.collection_def["saved_model_assets"].any_list.value.add()
        packed.type_url, packed.value = (
            "type.googleapis.com/tensorflow.AssetFileDef",
            asset.SerializeToString(),
        )
    more = ["name:0"] if fed == "caller" else []
    listed = unsafe_ops(MetaGraph(meta), [], tensors=["y:0"], fed=more)
    assert [(one.op, one.tier) for one in listed] == [("CacheDataset", "write")]


def test_a_default_that_is_fed_and_what_lies_behind_it() -> None:
    nodes = [const("empty", ""), node("x", "PlaceholderWithDefault", "empty"), node("same", "Identity", "x")]
    cached = node("y", "CacheDataset", "d", "same")
    fed = meta_graph(graph(*nodes, cached), s=({"x": "x:0"}, {"y": "y:0"}))
    assert found(MetaGraph(fed), ["s"]) == [("CacheDataset", ["s"])]
    default = meta_graph(graph(*nodes, cached), s=({}, {"y": "y:0"}))
    assert found(MetaGraph(default), ["s"]) == []


def _content() -> Any:
    """A string tensor whose value is in `tensor_content`, which wins over `string_val`: length, then bytes."""
    tensor = strings("")
    tensor.tensor_content = b"\x0a/tmp/cache"
    return tensor


def _placeholder() -> Any:
    value = schema.AttrValue()
    value.placeholder = "name"
    return value


@pytest.mark.parametrize("value", [_content(), _placeholder(), strings("", "/tmp/cache")])
def test_an_empty_name_is_one_that_tensorflow_reads_as_empty(value: Any) -> None:
    body = function("body", [], node("c", "Const", dtype=7, value=value), node("d", "CacheDataset", "x", "c"))
    call = node("y", "PartitionedCall", f=Func("body"))
    meta = meta_graph(graph(call, functions=[body]), s=({}, {"y": "y:0"}))
    assert found(MetaGraph(meta), ["s"]) == [("CacheDataset", ["s"])]


@pytest.mark.parametrize(
    "op", ["WriteFile", "SaveV2", "MergeV2Checkpoints", "CacheDatasetV2", "DatasetToTFRecord"]
)
def test_nothing_is_written_to_an_assets_path(op: str) -> None:
    meta = initialised(const("asset", ""), node("init", op, "asset", "asset", "asset"))
    assert [(one.op, one.tier) for one in unsafe_ops(meta, [])] == [(op, "write")]


# --- which tensor


def test_an_asset_is_one_output_of_a_node() -> None:
    nodes = [
        const("elsewhere", "/etc/passwd"),
        node("two", "IdentityN", "elsewhere", "elsewhere", T=[7, 7]),
        node("own", "ReadFile", "two:1"),
        node("other", "ReadFile", "two"),
        node("init", "NoOp", "^own", "^other"),
    ]
    assert [one.node for one in unsafe_ops(initialised(*nodes, assets=[("vocab.txt", "two:1")]), [])] == [
        "other"
    ]


@pytest.mark.parametrize(
    ("assets", "expected"),
    [
        ([("vocab.txt", "asset:0")], 0),
        ([("vocab.txt", "asset:0"), ("other.txt", "asset:0")], 0),
        ([("vocab.txt", "asset:0"), ("../../secret", "asset:0")], 1),
        ([("../../secret", "asset:0"), ("vocab.txt", "asset:0")], 1),
        ([("/etc/passwd", "asset:0")], 1),
        ([("vocab.txt", "asset:0"), ("../../secret", "asset:00")], 1),
        ([("vocab.txt", "asset:0"), ("../../secret", "asset:-1")], 1),
        ([("vocab.txt", "asset:0"), ("other.txt", "asset: 0")], 1),
        ([("vocab.txt", "asset:00")], 1),
    ],
)
def test_an_asset_counts_if_all_its_definitions_lie_inside(
    assets: Any, expected: int, tmp_path: Path
) -> None:
    """The last one counts in TensorFlow, which takes `n:00` and `n:-1` for names of outputs too."""
    meta = initialised(const("asset", "vocab.txt"), node("init", "ReadFile", "asset"), assets=assets)
    (tmp_path / "secret").touch()
    listed = unsafe_ops(open_model(write(tmp_path / "a" / "m", meta.proto)).meta, [])
    assert len(listed) == expected


@pytest.mark.parametrize("leaves", ["link", "folder"])
def test_an_asset_behind_a_link_that_leaves_the_folder_is_not_the_models_own(
    leaves: str, tmp_path: Path
) -> None:
    meta = initialised(
        const("asset", ""), node("init", "ReadFile", "asset"), assets=[("sub/v.txt", "asset:0")]
    )
    path = write(tmp_path / "m", meta.proto)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "v.txt").touch()
    (path / "assets").mkdir()
    if leaves == "folder":
        (path / "assets" / "sub").symlink_to(tmp_path / "out")
    else:
        (path / "assets" / "sub").mkdir()
        (path / "assets" / "sub" / "v.txt").symlink_to(tmp_path / "out" / "v.txt")
    assert found(open_model(path).meta) == [("ReadFile", INIT)]


def test_a_name_that_leaves_the_folder_counts_in_a_model_without_a_folder_too() -> None:
    meta = initialised(const("asset", ""), node("init", "ReadFile", "asset"), assets=[("../x", "asset:0")])
    assert found(meta) == [("ReadFile", INIT)]


# --- through calls


def call_cases() -> list[tuple[str, Any, list[Any], int]]:
    """(what, the node that calls, functions, dangers); `asset` is the model's own, `other` is not."""
    two = reader("first", "file", "rest", reads="file"), reader("second", "skip", "file", reads="file")
    plain = node("init", "PartitionedCall", "asset", "other", f=Func("first"))
    captured = {"Targuments": [7], "output_types": [7]}
    return [
        ("call", plain, [two[0]], 0),
        ("call, other argument", node("init", "PartitionedCall", "asset", "other", f=Func("second")), [two[1]], 1),
        ("function as op", node("init", "first", "asset", "other"), [two[0]], 0),
        ("function as op, other argument", node("init", "second", "asset", "other"), [two[1]], 1),
        *(
            (
                f"{op}, {name}",
                node("init", op, "asset", "asset", "other", **{first: Func(name), second: Func(name)}),
                list(two),
                {"first": 0, "second": 1}[name],
            )
            for op in ("If", "StatelessIf")
            for first, second in [("then_branch", "else_branch")]
            for name in ("first", "second")
        ),
        ("If, condition", node("init", "If", "asset", "other", then_branch=Func("reader")), [reader()], 1),
        ("Case", node("init", "Case", "asset", "other", branches=[Func("reader")]), [reader()], 1),
        ("Case, own", node("init", "Case", "other", "asset", branches=[Func("reader")]), [reader()], 0),
        ("RemoteCall", node("init", "RemoteCall", "asset", "other", f=Func("reader")), [reader()], 2),
        ("map", node("init", "MapDataset", "d", "asset", f=Func("second"), **captured), [two[1]], 0),
        ("map, element", node("init", "MapDataset", "d", "asset", f=Func("first"), **captured), [two[0]], 1),
        ("map, dataset", node("init", "MapDataset", "asset", "other", f=Func("second"), **captured), [two[1]], 1),
        ("map, too many", node("init", "MapDataset", "d", "asset", "z", f=Func("second"), **captured), [two[1]], 1),
        ("filter", node("init", "FilterDataset", "d", "asset", predicate=Func("second"), Targuments=[7]), [two[1]], 0),
        (
            "reduce",
            node("init", "ReduceDataset", "d", "other", "asset", f=Func("second"), Tstate=[7], Targuments=[7]),
            [two[1]],
            0,
        ),
        (
            "reduce, state",
            node("init", "ReduceDataset", "d", "asset", "other", f=Func("first"), Tstate=[7], Targuments=[7]),
            [two[0]],
            1,
        ),
        (
            "batch",
            node("init", "BatchFunction", "other", "asset", f=Func("second"), Tin=[7], Tcaptured=[7]),
            [two[1]],
            1,
        ),
        (
            "batch, batched with others'",
            node("init", "BatchFunction", "asset", "other", f=Func("first"), Tin=[7], Tcaptured=[7]),
            [two[0]],
            1,
        ),
        ("op that nobody mapped", node("init", "XlaLaunch", "asset", function=Func("reader")), [reader()], 1),
        ("one argument that is a list", plain, [_listed()], 1),
    ]  # fmt: skip


def _listed() -> Any:
    made = reader("first", "file", "rest", reads="file")
    made.signature.input_arg[0].number_attr = "N"
    return made


@pytest.mark.parametrize(
    ("what", "call", "functions", "expected"), call_cases(), ids=lambda value: str(value)[:30]
)
def test_each_op_hands_its_inputs_on_in_its_own_way(
    what: str, call: Any, functions: Any, expected: int
) -> None:
    nodes = [const("asset", "vocab.txt"), const("other", "/etc/passwd"), call]
    assert len(unsafe_ops(initialised(*nodes, functions=functions), [])) == expected, what


@pytest.mark.parametrize("op", ["While", "StatelessWhile"])
@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("file", 0),
        ("same:output:0", 0),
        ("elsewhere:output:0", 1),
        ("joined:output:0", 1),
        ("read:contents:0", 1),
    ],
)
def test_a_loop_keeps_a_path_only_if_its_body_returns_it(op: str, returned: str, expected: int) -> None:
    body = function(
        "body",
        ["file:7"],
        const("elsewhere", "/etc/passwd"),
        node("same", "Identity", "file"),
        node("joined", "StringJoin", "file", "elsewhere:output:0"),
        node("read", "ReadFile", "file"),
        returns={"file": returned},
    )
    loop = node("init", op, "asset", cond=Func("cond"), body=Func("body"))
    meta = initialised(const("asset", "vocab.txt"), loop, functions=[function("cond", ["file:7"]), body])
    assert found(meta) == [("ReadFile", INIT)] * expected


def test_a_loop_that_swaps_its_arguments() -> None:
    body = function("body", ["a:7", "b:7"], node("read", "ReadFile", "a"), returns={"a": "b", "b": "a"})
    loop = node("init", "While", "asset", "other", cond=Func("cond"), body=Func("body"))
    nodes = [const("asset", "vocab.txt"), const("other", "/etc/passwd"), loop]
    meta = initialised(*nodes, functions=[function("cond", ["a:7", "b:7"]), body])
    assert found(meta) == [("ReadFile", INIT)]


def test_a_function_that_is_called_twice_is_judged_for_both() -> None:
    nodes = [
        const("asset", "vocab.txt"),
        const("other", "/etc/passwd"),
        node("one", "PartitionedCall", "asset", f=Func("reader")),
        node("two", "PartitionedCall", "other", f=Func("reader")),
    ]
    both = initialised(*nodes, node("init", "NoOp", "^one", "^two"), functions=[reader()])
    assert found(both) == [("ReadFile", INIT)]
    own = initialised(*nodes, node("init", "NoOp", "^one"), functions=[reader()])
    assert found(own) == []


def test_a_function_that_is_named_inside_anothers_attrs_gets_anything() -> None:
    call = node("init", "PartitionedCall", "asset", f=Func("outer"))
    call.attr["f"].func.attr["g"].func.name = "reader"
    meta = initialised(const("asset", ""), call, functions=[function("outer", ["file:7"]), reader()])
    assert found(meta) == [("ReadFile", INIT)]
    call.attr["f"].func.name = "reader"
    assert found(initialised(const("asset", ""), call, functions=[reader()])) == [("ReadFile", INIT)]


def test_a_path_that_a_call_returns_is_not_known() -> None:
    same = function("same", ["file:7"], returns={"out": "file"})
    nodes = [const("asset", ""), node("call", "PartitionedCall", "asset", f=Func("same"))]
    meta = initialised(*nodes, node("init", "ReadFile", "call"), functions=[same])
    assert found(meta) == [("ReadFile", INIT)]


@pytest.mark.parametrize(
    "op", ["IdentityN", "Switch", "Merge", "Pack", "StringJoin", "TensorListGetItem", "RefIdentity"]
)
def test_other_ops_keep_no_path(op: str) -> None:
    meta = initialised(
        const("asset", ""), node("same", op, "asset", "asset"), node("init", "ReadFile", "same")
    )
    assert found(meta) == [("ReadFile", INIT)]


def test_an_op_that_is_a_function_of_the_model_is_a_call() -> None:
    other = function("Identity", ["file:7"], const("c", "/etc/passwd"), returns={"out": "c:output:0"})
    nodes = [const("asset", ""), node("same", "Identity", "asset"), node("init", "ReadFile", "same")]
    assert found(initialised(*nodes, functions=[other])) == [("ReadFile", INIT)]


def test_a_node_that_has_the_name_of_an_argument() -> None:
    body = function("body", ["file:7"], const("file", "/etc/passwd"), node("r", "ReadFile", "file"))
    meta = initialised(
        const("asset", ""), node("init", "PartitionedCall", "asset", f=Func("body")), functions=[body]
    )
    assert found(meta) == [("ReadFile", INIT)]


# --- variables


def variables(*more: Any, shared_name: str = "v", functions: Any = ()) -> MetaGraph:
    """The init op puts an asset's path into a variable; a signature reads the file."""
    return initialised(
        const("asset", "vocab.txt"),
        const("other", "/etc/passwd"),
        node("v", "VarHandleOp", shared_name=shared_name),
        node("init", "AssignVariableOp", "v", "asset"),
        node("path", "ReadVariableOp", "v"),
        node("y", "ReadFile", "path"),
        *more,
        functions=functions,
        s=({}, {"y": "y:0"}),
    )


def _handle(shared_name: Any) -> Any:
    return node("w", "VarHandleOp", **({} if shared_name is None else {"shared_name": shared_name}))


@pytest.mark.parametrize(
    ("more", "functions", "expected"),
    [
        ([], [], 0),
        ([_handle("w"), node("set", "AssignVariableOp", "w", "other")], [], 0),
        ([_handle("v"), node("set", "AssignVariableOp", "w", "other")], [], 1),
        ([_handle("v"), node("set", "AssignVariableOp", "w", "asset")], [], 0),
        ([_handle("v"), node("again", "ReadVariableOp", "w")], [], 0),
        ([_handle("v"), node("call", "PartitionedCall", "w", f=Func("f"))], [function("f", ["v:20"])], 1),
        ([node("set", "AssignVariableOp", "v", "other")], [], 1),
        ([node("call", "PartitionedCall", "v", f=Func("f"))], [function("f", ["v:20"])], 1),
        ([node("same", "Identity", "v"), node("set", "AssignVariableOp", "same", "other")], [], 1),
        ([], [function("f", [], _handle("v"), node("set", "AssignVariableOp", "w", "x"))], 1),
        ([], [function("f", [], _handle(_placeholder()), node("set", "AssignVariableOp", "w", "x"))], 1),
        ([], [function("f", [], _handle("w"), node("set", "AssignVariableOp", "w", "x"))], 0),
        ([], [function("f", [], node("w", "_VarHandlesOp"))], 2),
    ],
)
def test_a_variable_holds_a_path_only_if_nothing_else_can_write_to_it(
    more: Any, functions: Any, expected: int
) -> None:
    listed = [one for one in unsafe_ops(variables(*more, functions=functions), ["s"]) if one.signatures]
    assert len(listed) == min(expected, 1)


def test_two_variables_without_a_name_are_one() -> None:
    assert found(variables(shared_name=""), ["s"]) == []
    second = [_handle(None), node("set", "AssignVariableOp", "w", "other")]
    assert found(variables(*second, shared_name=""), ["s"]) == [("ReadFile", ["s"])]
    # the name that a loader gives the first, by its node
    named = [_handle("v"), node("set", "AssignVariableOp", "w", "other")]
    assert found(variables(*named, shared_name=""), ["s"]) == [("ReadFile", ["s"])]


@pytest.mark.parametrize(
    "listed", [{"variable_name": "v:0"}, {"variable_name": "x:0", "snapshot_name": "path:0"}]
)
def test_a_variable_that_a_saver_of_collections_fills(listed: dict[str, str]) -> None:
    """Without a SaverDef one is made of the variables in the collection, and restores before the init op runs."""
    meta = variables()
    assert found(meta, ["s"]) == []
    one = schema.VariableDef(is_resource=True, **listed)
    meta.proto.collection_def["variables"].bytes_list.value.append(one.SerializeToString())
    assert ("ReadFile", ["s"]) in found(MetaGraph(meta.proto), ["s"])


def test_a_variable_that_another_signature_sets_is_not_trusted_where_both_are_run() -> None:
    """A signature is not fed with paths of assets: what it puts there is what the constant says."""
    meta = variables(node("z", "Identity", "other", "^init"))
    meta.proto.signature_def["t"].outputs["z"].name = "z:0"
    assert found(MetaGraph(meta.proto), ["s"]) == []
    assert found(MetaGraph(meta.proto), ["s", "t"]) == [("ReadFile", ["s"])]


# --- savers


def saver(*nodes: Any, functions: Any = (), filename: str = "file:0") -> MetaGraph:
    """A MetaGraph whose saver restores by `restore` and saves by `save`."""
    meta = meta_graph(graph(const("other", "/tmp/other"), *nodes, functions=functions))
    meta.saver_def.filename_tensor_name = filename
    meta.saver_def.restore_op_name = "restore"
    meta.saver_def.save_tensor_name = "save:0"
    return MetaGraph(meta)


def listed(meta: MetaGraph) -> list[tuple[str, list[str], str | None]]:
    return sorted((one.op, list(one.signatures), one.excuse) for one in scan(meta))


FILE = node("file", "Placeholder", dtype=7)


@pytest.mark.parametrize(
    ("op", "inputs", "fine"),
    [
        ("SaveV2", ["file", "names", "slices"], True),
        ("SaveV2", ["other", "file", "slices"], False),
        ("Save", ["file", "names"], True),
        ("Save", ["other", "names"], False),
        ("SaveSlices", ["other", "names"], False),
        ("MergeV2Checkpoints", ["file", "file"], True),
        ("MergeV2Checkpoints", ["other", "file"], False),
        ("MergeV2Checkpoints", ["file", "other"], False),
        ("MergeV2Checkpoints", ["file"], False),
        ("WriteFile", ["file", "file"], False),
    ],
)
def test_saving_is_excused_on_the_file_that_it_is_given(op: str, inputs: list[str], fine: bool) -> None:
    (one,) = listed(saver(FILE, node("save", op, *inputs)))
    assert one == (op, SAVE, SAVERS_OWN if fine else None)


@pytest.mark.parametrize(
    ("parts", "separator", "fine"),
    [
        (["_temp_0123/part"], None, True),
        ([".part"], None, True),
        (["_part0"], "", True),
        (["/../../evil"], None, False),
        (["/.", "./evil"], None, False),
        (["a", "b"], "/../", False),
    ],
)
def test_pieces_that_a_saver_merges_lie_beside_the_file(parts: list[str], separator: Any, fine: bool) -> None:
    """As `Saver(sharded=True)` makes them, and what is made to look like it."""
    names = [f"part{number}" for number in range(len(parts))]
    meta = saver(
        FILE,
        *(const(name, part) for name, part in zip(names, parts, strict=True)),
        node(
            "joined", "StringJoin", "file", *names, **({} if separator is None else {"separator": separator})
        ),
        node("shard", "ShardedFilename", "joined", "i", "n"),
        node("all", "Pack", "shard", "shard"),
        node("piece", "SaveV2", "shard", "names", "slices"),
        node("save", "MergeV2Checkpoints", "all", "file", "^piece"),
    )
    excuse = SAVERS_OWN if fine else None
    assert listed(meta) == [("MergeV2Checkpoints", SAVE, excuse), ("SaveV2", SAVE, excuse)]


@pytest.mark.parametrize(
    "joined",
    [
        node("joined", "StringJoin", "other", "file"),
        node("joined", "StringJoin", "file", "file"),
        node("joined", "StringJoin", "file", "x"),
        node("joined", "ShardedFilename", "other", "file", "n"),
        node("joined", "Pack", "file", "other"),
        node("joined", "ReadFile", "file"),
    ],
)
def test_names_that_are_not_made_of_the_file_alone(joined: Any) -> None:
    meta = saver(FILE, joined, node("x", "Placeholder"), node("save", "SaveV2", "joined", "names", "slices"))
    assert ("SaveV2", SAVE, None) in listed(meta)


def traced_save(*choices: str) -> Any:
    """A saving function as TensorFlow 2 writes it: a suffix is chosen by where the file is to lie."""
    return function(
        "traced",
        ["prefix:7"],
        node("match", "StaticRegexFullMatch", "prefix"),
        *(const(f"choice{number}", choice) for number, choice in enumerate(choices)),
        node("suffix", "Select", "match:output:0", "choice0:output:0", "choice1:output:0"),
        node("joined", "StringJoin", "prefix", "suffix:output:0"),
        node("shard", "ShardedFilename", "joined:output:0", "i", "n"),
        node("piece", "SaveV2", "shard:filename:0", "names", "slices"),
        node("all", "Pack", "shard:filename:0"),
        node("merge", "MergeV2Checkpoints", "all:output:0", "prefix", "^piece"),
    )


@pytest.mark.parametrize(("choice", "fine"), [("_temp/part", True), ("/../../../etc/part", False)])
def test_a_traced_save_is_excused_on_the_file_that_it_is_given(choice: str, fine: bool) -> None:
    call = node("save", "StatefulPartitionedCall", "file", f=Func("traced"))
    meta = saver(FILE, call, functions=[traced_save(".part", choice)])
    excuse = SAVERS_OWN if fine else None
    assert listed(meta) == [("MergeV2Checkpoints", SAVE, excuse), ("SaveV2", SAVE, excuse)]
    other = saver(
        FILE,
        node("save", "StatefulPartitionedCall", "other", f=Func("traced")),
        functions=[traced_save("", "")],
    )
    assert {one[2] for one in listed(other)} == {None}


@pytest.mark.parametrize(
    ("inputs", "fine"), [(["file"], True), (["other"], False), (["two:1"], False), (["two"], False)]
)
def test_restoring_is_excused_on_the_file_that_it_is_given(inputs: list[str], fine: bool) -> None:
    two = node("two", "IdentityN", "file", "other", T=[7, 7])
    meta = saver(FILE, two, node("restore", "RestoreV2", *inputs, "names", "slices"))
    assert listed(meta) == [("RestoreV2", RESTORE, SAVERS_OWN if fine else None)]


def test_the_saver_is_fed_one_output_of_a_node() -> None:
    two = node("two", "IdentityN", "other", "other", T=[7, 7])
    for filename, fine in [("two:1", True), ("two:0", False), ("two:01", False), ("two", False)]:
        meta = saver(two, node("restore", "RestoreV2", "two:1", "names", "slices"), filename=filename)
        assert listed(meta) == [("RestoreV2", RESTORE, SAVERS_OWN if fine else None)]


def test_restoring_through_a_call_hands_the_file_on_as_its_own_argument() -> None:
    body = function("traced", ["a:7", "b:7"], node("r", "RestoreV2", "b", "names", "slices"))
    for inputs, fine in [(("other", "file"), True), (("file", "other"), False)]:
        call = node("restore", "StatefulPartitionedCall", *inputs, f=Func("traced"))
        assert listed(saver(FILE, call, functions=[body])) == [
            ("RestoreV2", RESTORE, SAVERS_OWN if fine else None)
        ]


def test_an_asset_is_no_checkpoint_and_a_checkpoint_is_no_asset() -> None:
    meta = initialised(const("asset", ""), node("init", "RestoreV2", "asset", "names", "slices"))
    assert found(meta) == [("RestoreV2", INIT)]
    assert listed(saver(FILE, node("restore", "ReadFile", "file"))) == [("ReadFile", RESTORE, None)]


# --- objects


def with_objects(
    bound: list[int], *, registered: str = "", child: str = "", index: int = 0, problem: bool = False
) -> MetaGraph:
    """A table whose initialiser, `init`, is bound to objects: 1 an asset, 2 a plain object."""
    init = function(
        "init", ["table:20", "file:7"], node("i", "InitializeTableFromTextFileV2", "table", "file")
    )
    meta = meta_graph(graph(const("asset", ""), functions=[init]))
    meta.asset_file_def.add(filename="../x" if problem else "vocab.txt").tensor_info.name = "asset:0"
    nodes = meta.object_graph_def.nodes
    nodes.add().resource.device = ""
    nodes.add(registered_name=registered).asset.asset_file_def_index = index
    if child:
        nodes[1].children.add(node_id=2, local_name=child)
    nodes.add().user_object.identifier = "_generic_user_object"
    nodes[0].children.add(node_id=3, local_name="_initialize")
    nodes.add().bare_concrete_function.concrete_function_name = "init"
    meta.object_graph_def.concrete_functions["init"].bound_inputs.extend(bound)
    return MetaGraph(meta)


@pytest.mark.parametrize(
    ("meta", "fine"),
    [
        (with_objects([2, 1]), True),
        (with_objects([1]), True),
        (with_objects([1, 2]), False),
        (with_objects([2, -3]), False),
        (with_objects([2, 9]), False),
        (with_objects([2, 1, 2]), False),
        (with_objects([2, 1], index=-1), False),
        (with_objects([2, 1], index=7), False),
        (with_objects([2, 1], problem=True), False),
        (with_objects([2, 1], registered="tf.StaticHashTable"), False),
        (with_objects([2, 1], child="_path"), False),
    ],
)
def test_a_function_is_bound_to_an_asset_by_its_last_arguments(meta: MetaGraph, fine: bool) -> None:
    (one,) = scan(meta)
    assert (one.op, one.excuse) == ("InitializeTableFromTextFileV2", OWN_ASSET if fine else None)


# --- effort


def test_many_assets_handed_down_a_long_chain_of_calls() -> None:
    """Each function hands its arguments on in another order; none is walked more often than the limit allows."""
    count, width = 120, 8
    names = [f"a{number}" for number in range(width)]
    functions = []
    for at in range(count):
        turned = names[1:] + names[:1]
        functions.append(
            function(
                f"f{at}",
                [f"{name}:7" for name in names],
                node("one", "PartitionedCall", *names, f=Func(f"f{at + 1}")),
                node("two", "PartitionedCall", *turned, f=Func(f"f{at + 1}")),
            )
        )
    functions.append(function(f"f{count}", [f"{name}:7" for name in names], node("r", "ReadFile", "a0")))
    nodes = [const(name, "") for name in names]
    assets = [(f"{name}.txt", f"{name}:0") for name in names]
    call = node("init", "PartitionedCall", *names, f=Func("f0"))
    with costs_at_most(10):
        assert found(initialised(*nodes, call, functions=functions, assets=assets)) == []
        assert found(initialised(*nodes, call, functions=functions, assets=assets[1:])) == [
            ("ReadFile", INIT)
        ]


def test_arguments_that_are_trusted_in_all_ways_are_not_looked_at_in_all() -> None:
    """Each function keeps or loses one argument: thousands of sets of them reach a function of hundreds of nodes."""
    width = 14
    names = [f"a{number}" for number in range(width)]
    arguments = [f"{name}:7" for name in [*names, "other"]]
    functions = [
        function(
            f"f{at}",
            arguments,
            node("keeps", "PartitionedCall", *names, "other", f=Func(f"f{at + 1}")),
            node(
                "loses",
                "PartitionedCall",
                *names[:at],
                "other",
                *names[at + 1 :],
                "other",
                f=Func(f"f{at + 1}"),
            ),
        )
        for at in range(width)
    ]
    readers = [node(f"r{number}", "ReadFile", names[number % width]) for number in range(200)]
    functions.append(function(f"f{width}", arguments, *readers))
    nodes = [const(name, "") for name in names]
    call = node("init", "PartitionedCall", *names, "other", f=Func("f0"))
    assets = [(f"{name}.txt", f"{name}:0") for name in names]
    meta = initialised(*nodes, const("other", ""), call, functions=functions, assets=assets)
    with costs_at_most(4):
        assert len(unsafe_ops(meta, [])) == 200


def test_names_of_pieces_that_are_nested_without_end() -> None:
    nodes: list[Any] = [FILE, node("p0", "Pack", *["file"] * 10)]
    nodes += [node(f"p{at}", "Pack", *[f"p{at - 1}"] * 10) for at in range(1, 2000)]
    meta = saver(*nodes, node("save", "MergeV2Checkpoints", "p1999", "file"))
    assert listed(meta) == [("MergeV2Checkpoints", SAVE, None)]


def test_branches_that_are_no_list() -> None:
    call = node("init", "Case", "i", "asset", branches=attr(Func("reader")))
    assert found(initialised(const("asset", ""), call, functions=[reader()])) == []
