"""Savers of sources become one: keys are found and prefixed, file names are fed, pieces are merged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.protos import Func, const, function, graph, meta_graph, node, strings
from tests.surgery.importing import imported, written
from workbench.disk.schema import SaverDef
from workbench.surgery.export.saver import CheckpointNames, merge_savers, prefix_const, saver_nodes
from workbench.surgery.imported import ImportedModel

STRING = 7


def saved(*nodes: Any, functions: tuple[Any, ...] = ()) -> Any:
    """A MetaGraph with a V2 saver of the variable `w`."""
    found = [
        node("x", "Placeholder", dtype=1),
        node("w", "VarHandleOp", dtype=1),
        node("read", "ReadVariableOp", "w", dtype=1),
        node("y", "Mul", "x", "read", T=1),
        const("save/Const", "model"),
        const("save/names", "w"),
        const("save/slices", ""),
        node("save/SaveV2", "SaveV2", "save/Const", "save/names", "save/slices", "read", dtypes=[1]),
        node("save/control", "Identity", "save/Const", "^save/SaveV2", T=STRING),
        node("save/RestoreV2", "RestoreV2", "save/Const", "save/names", "save/slices", dtypes=[1]),
        node("save/Assign", "AssignVariableOp", "w", "save/RestoreV2", dtype=1),
        node("save/all", "NoOp", "^save/Assign"),
    ]
    meta = meta_graph(
        graph(*found, *nodes, functions=functions), serving_default=({"x": "x:0"}, {"y": "y:0"})
    )
    saver = meta.saver_def
    saver.filename_tensor_name, saver.save_tensor_name = "save/Const:0", "save/control:0"
    saver.restore_op_name, saver.version = "save/all", SaverDef.V2
    return meta


def keys_of(part: ImportedModel) -> CheckpointNames:
    return CheckpointNames(part, {name: part.function(name) for name in part.functions})


def test_the_nodes_a_saver_names(tmp_path: Path) -> None:
    assert saver_nodes(imported(tmp_path / "m", saved())) == ["save/Const", "save/control", "save/all"]


def test_keys_are_constants(tmp_path: Path) -> None:
    names = keys_of(imported(tmp_path / "m", saved()))
    assert names.main == {"save/names"}
    assert names.keys() == {"w"}


def test_a_constant_with_another_meaning_is_copied(tmp_path: Path) -> None:
    """It is an output too: the saver gets its own copy, which is renamed alone."""
    meta = saved()
    meta.signature_def["serving_default"].outputs["names"].name = "save/names:0"
    part = imported(tmp_path / "m", meta)
    part.exported.add("save/names:0")
    names = keys_of(part)
    assert names.main == {"save/names/checkpoint_keys"}
    assert part.kept["save/RestoreV2"].input[1] == "save/names/checkpoint_keys"
    assert part.kept["save/SaveV2"].input[1] == "save/names/checkpoint_keys"
    assert part.kept["save/names"].attr["value"].tensor.string_val[:] == [b"w"]


def test_computed_keys_are_refused(tmp_path: Path) -> None:
    meta = saved(node("joined", "StringJoin", "save/names", "save/names"))
    restore = next(one for one in meta.graph_def.node if one.name == "save/RestoreV2")
    restore.input[1] = "joined"
    part = imported(tmp_path / "m", meta)
    keys_of(part)
    (found,) = part.findings
    assert (found.code, found.where) == ("R7-computed-keys", "m@save/RestoreV2")
    assert "StringJoin" in found.message


def test_the_old_checkpoint_format_is_refused(tmp_path: Path) -> None:
    meta = saved()
    restore = next(one for one in meta.graph_def.node if one.name == "save/RestoreV2")
    restore.op = "RestoreSlice"
    part = imported(tmp_path / "m", meta)
    keys_of(part)
    assert [found.code for found in part.findings] == ["R7-old-saver"]


def test_keys_in_a_function(tmp_path: Path) -> None:
    """TF2 savers: the keys are constants of a body, or an argument of it; each call may give others."""
    body = function(
        "restores", ["file:7", "given:7"],
        const("own", "inner"), const("slices", ""),
        node("one", "RestoreV2", "file", "own:output:0", "slices:output:0", dtypes=[1]),
        node("two", "RestoreV2", "file", "given", "slices:output:0", dtypes=[1]),
    )  # fmt: skip
    calls = [
        node(f"call_{keys}", "StatefulPartitionedCall", "save/Const", keys, f=Func("restores"))
        for keys in ("first", "second")
    ]
    keys = [const("first", "given"), const("second", "too")]
    part = imported(tmp_path / "m", saved(*keys, *calls, functions=(body,)))
    names = keys_of(part)
    assert names.bodies == {"restores": {"own"}}
    assert names.main == {"save/names", "first/checkpoint_keys", "second/checkpoint_keys"}
    assert names.keys() == {"w", "inner", "given", "too"}


def test_keys_are_renamed() -> None:
    constant = node("names", "Const", dtype=STRING, value=strings("a", "b/.ATTRIBUTES"))
    prefix_const(constant, lambda key: f"m/{key}")
    assert constant.attr["value"].tensor.string_val[:] == [b"m/a", b"m/b/.ATTRIBUTES"]


def test_one_saver_stays_what_it_is(tmp_path: Path) -> None:
    part = imported(tmp_path / "m", saved())
    merged = merge_savers([part], graph(), set())
    assert merged.filename_tensor_name == "m/save/Const:0"
    assert merged.restore_op_name == "m/save/all"
    assert merge_savers([], graph(), set()) == SaverDef()


def test_two_savers_become_one(tmp_path: Path) -> None:
    """Restoring reads one file name; saving writes a piece each, which are merged."""
    parts = [imported(tmp_path / handle, saved(), handle=handle) for handle in ("a", "b")]
    result = graph()
    for part in parts:
        for kept in part.kept.values():
            copy = result.node.add()
            copy.CopyFrom(kept)
            copy.name = f"{part.handle}/{kept.name}"
            copy.input[:] = [
                f"^{part.handle}/{text[1:]}" if text.startswith("^") else f"{part.handle}/{text}"
                for text in kept.input
            ]
    merged = merge_savers(parts, result, {one.name for one in result.node})
    assert merged.filename_tensor_name == "checkpoint/filename:0"
    assert merged.save_tensor_name == "checkpoint/save:0"
    assert (merged.restore_op_name, merged.sharded) == ("checkpoint/restore_all", True)
    lines = written(result.node)
    assert "checkpoint/restore_all = NoOp(^a/save/all, ^b/save/all)" in lines
    assert "a/save/Const = Identity(checkpoint/filename)" in lines
    assert "a/save/RestoreV2 = RestoreV2(a/save/Const, a/save/names, a/save/slices)" in lines
    assert "a/save/SaveV2 = SaveV2(checkpoint/save/part_0, a/save/names, a/save/slices, a/read)" in lines
    assert "b/save/control = Identity(checkpoint/save/part_1, ^b/save/SaveV2)" in lines
    assert (
        "checkpoint/save/parts = Pack(checkpoint/save/part_0, checkpoint/save/part_1, ^a/save/control, "
        "^b/save/control)" in lines
    )
    assert "checkpoint/save = Identity(checkpoint/filename, ^checkpoint/save/merge)" in lines
    suffix = next(one for one in result.node if one.name == "checkpoint/save/part_1/suffix")
    assert suffix.attr["value"].tensor.string_val[:] == [b"_part1"]


def test_names_that_are_taken(tmp_path: Path) -> None:
    parts = [imported(tmp_path / handle, saved(), handle=handle) for handle in ("a", "b")]
    result = graph(node("checkpoint/filename", "NoOp"))
    for part in parts:
        for kept in part.kept.values():
            result.node.add(name=f"{part.handle}/{kept.name}", op=kept.op)
    taken = {one.name for one in result.node}
    merged = merge_savers(parts, result, taken)
    assert merged.filename_tensor_name == "checkpoint/filename_1:0"
    assert len({one.name for one in result.node}) == len(result.node)
