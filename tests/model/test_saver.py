"""The key of each variable, from savers written down by hand."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.protos import Func, const, function, node
from workbench.disk import schema
from workbench.model import saver
from workbench.model.variables import SaveSlice, parse_slice

RESTORE = schema.SaverDef(restore_op_name="restore_all")


def follow(
    nodes: list[Any], functions: tuple[Any, ...] = (), saver_def: Any = RESTORE
) -> dict[str, saver.Saved]:
    by_name = {one.name: one for one in nodes}
    return saver.follow(by_name, {one.signature.name: one for one in functions}, saver_def)


def v1_nodes(names: Any, slices: Any) -> list[Any]:
    return [
        node("a", "VarHandleOp"),
        node("b", "VariableV2"),
        names,
        slices,
        node("file", "Const"),
        node("r", "RestoreV2", "file", "names", "slices"),
        node("through", "Identity", "r:1"),
        node("again", "Reshape", "through", "shape"),
        node("assign_a", "AssignVariableOp", "a", "r"),
        node("assign_b", "Assign", "b", "again"),
        node("shard", "NoOp", "^assign_a", "^assign_b"),
        node("restore_all", "NoOp", "^shard"),
    ]


def test_v1_saver_through_identity_and_reshape() -> None:
    found = follow(v1_nodes(const("names", "ka", "kb"), const("slices", "", "8 4 0,3:-")))
    assert found == {"a": ("ka", ""), "b": ("kb", "8 4 0,3:-")}


def test_strings_that_are_repeated_on_disk_only_once() -> None:
    found = follow(v1_nodes(const("names", "same", count=2), const("slices", "", count=2)))
    assert found == {"a": ("same", ""), "b": ("same", "")}


def test_an_initializer_is_no_restore() -> None:
    nodes = [node("a", "VarHandleOp"), node("zero", "Const"), node("init", "AssignVariableOp", "a", "zero")]
    nodes.append(node("restore_all", "NoOp", "^init"))
    assert follow(nodes) == {}


def test_without_a_saver_the_whole_graph_is_searched() -> None:
    nodes = v1_nodes(const("names", "ka", "kb"), const("slices", "", ""))[:-2]
    assert set(follow(nodes, saver_def=None)) == {"a", "b"}
    assert set(follow(nodes, saver_def=schema.SaverDef())) == {"a", "b"}


def v2_restore() -> Any:
    return function(
        "restore",
        ["file_prefix:7", "handle_a:20", "handle_b:20"],
        const("names", "a/.ATTRIBUTES/VARIABLE_VALUE", "b/.ATTRIBUTES/VARIABLE_VALUE"),
        const("slices", "", count=2),
        node("r", "RestoreV2", "file_prefix", "names:output:0", "slices:output:0"),
        node("one", "Identity", "r:tensors:1"),
        node("assign", "AssignVariableOp", "handle_a", "one:output:0"),
        node("assign_1", "AssignVariableOp", "handle_b", "r:tensors:0"),
    )


def test_v2_saver_by_captured_arguments() -> None:
    nodes = [
        node("v1", "VarHandleOp"),
        node("v2", "VarHandleOp"),
        node("saver_filename", "Placeholder"),
        node("restore_all", "StatefulPartitionedCall", "saver_filename", "v1", "v2", f=Func("restore")),
    ]
    found = follow(nodes, (v2_restore(),))
    assert found == {"v1": ("b/.ATTRIBUTES/VARIABLE_VALUE", ""), "v2": ("a/.ATTRIBUTES/VARIABLE_VALUE", "")}


def test_v2_saver_whose_work_is_done_in_an_inner_function() -> None:
    outer = function(
        "outer",
        ["file_prefix:7", "x:20", "y:20"],
        node("call", "PartitionedCall", "file_prefix", "y", "x", f=Func("restore")),
    )
    nodes = [
        node("v1", "VarHandleOp"),
        node("v2", "VarHandleOp"),
        node("restore_all", "StatefulPartitionedCall", "saver_filename", "v1", "v2", f=Func("outer")),
    ]
    found = follow(nodes, (v2_restore(), outer))
    assert found["v2"].key.startswith("b/")
    assert found["v1"].key.startswith("a/")


def test_the_saving_side_tells_where_restoring_does_not() -> None:
    save = function(
        "save",
        ["file_prefix:7", "read_w:1", "handle:20"],
        const("names", "w_key", "h_key"),
        const("slices", "", count=2),
        node("read", "ReadVariableOp", "handle"),
        node("copy", "Identity", "read:value:0"),
        node(
            "SaveV2", "SaveV2", "file_prefix", "names:output:0", "slices:output:0", "read_w", "copy:output:0"
        ),
    )
    nodes = [
        node("w", "VarHandleOp"),
        node("h", "VarHandleOp"),
        node("w/Read/ReadVariableOp", "ReadVariableOp", "w"),
        node("save", "StatefulPartitionedCall", "file", "w/Read/ReadVariableOp", "h", f=Func("save")),
    ]
    found = follow(nodes, (save,), schema.SaverDef(save_tensor_name="save:0"))
    assert found == {"w": ("w_key", ""), "h": ("h_key", "")}


def test_functions_that_call_each_other_end() -> None:
    calls = [node(f"c{i}", "PartitionedCall", "x", f=Func("other")) for i in range(3)]
    back = [node(f"c{i}", "PartitionedCall", "x", f=Func("one")) for i in range(3)]
    functions = (function("one", ["x"], *calls), function("other", ["x"], *back))
    nodes = [node("restore_all", "PartitionedCall", "x", f=Func("one"))]
    assert follow(nodes, functions) == {}


def test_a_ring_of_identities_ends() -> None:
    nodes = [
        node("a", "VarHandleOp"),
        node("i", "Identity", "j"),
        node("j", "Identity", "i"),
        node("restore_all", "AssignVariableOp", "a", "i"),
    ]
    assert follow(nodes) == {}


def test_more_names_than_tensors_and_fewer() -> None:
    found = follow(v1_nodes(const("names", "only"), const("slices", "")))
    assert found == {"a": ("only", "")}


def test_a_const_that_claims_a_billion_strings_is_not_unfolded() -> None:
    found = saver.const_strings(const("c", "x", count=1 << 40))
    assert found.values == ["x"] and found.get(1 << 39) == "x" and found.get(1 << 40) is None


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=4).map(
        lambda dims: SaveSlice(
            tuple(size for size, _, _ in dims),
            tuple(start for _, start, _ in dims),
            tuple(length for _, _, length in dims),
        )
    )
)
def test_a_slice_is_read_as_it_is_written(part: SaveSlice) -> None:
    assert parse_slice(str(part)) == part


def test_slices() -> None:
    assert parse_slice("8 4 0,3:0,4") == SaveSlice((8, 4), (0, 0), (3, 4))
    assert parse_slice("8 4 2,3:-") == SaveSlice((8, 4), (2, 0), (3, 4))
    for bad in ("8 4 0,3", "8 4 0,3:x", "a 4 0,3:-", "8 0,3:0,4", "0,3", "8 1;2"):
        assert parse_slice(bad) is None, bad
