"""Whether a path of an asset is only read from: where it goes, in graphs of a few nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.protos import Func, const, function, graph, meta_graph, node
from tests.surgery.importing import imported
from workbench.surgery.export.asset_readers import only_read

STRING, INT, RESOURCE = 7, 9, 20
TABLE = [
    node("table", "HashTableV2"),
    node("fill", "InitializeTableFromTextFileV2", "table", "path"),
]


def model(*nodes: Any, functions: tuple[Any, ...] = ()) -> Any:
    """A MetaGraph whose asset is the Const `path`."""
    meta = meta_graph(graph(const("path", "words.txt"), *nodes, functions=functions))
    meta.asset_file_def.add(filename="words.txt").tensor_info.name = "path:0"
    return meta


CALLED = function(
    "fills", ["table:20", "file:7"], node("i", "InitializeTableFromTextFileV2", "table", "file")
)
RETURNS = function("gives", ["file:7"], returns={"again": "file"})
NESTED = function(
    "outer", ["t:20", "f:7"], node("inner", "StatefulPartitionedCall", "t", "f", f=Func("fills"))
)
READ = {
    "a table that is filled from it": model(*TABLE),
    "through an Identity": model(
        node("same", "Identity", "path", T=STRING),
        node("table", "HashTableV2"),
        node("fill", "InitializeTableFromTextFileV2", "table", "same"),
    ),
    "a file that is read whole": model(node("bytes", "ReadFile", "path")),
    "kept in a variable, and read from there": model(
        node("v", "VarHandleOp", dtype=STRING),
        node("keep", "AssignVariableOp", "v", "path", dtype=STRING),
        node("get", "ReadVariableOp", "v", dtype=STRING),
        node("bytes", "ReadFile", "get"),
    ),
    "in a function": model(
        node("table", "HashTableV2"),
        node("call", "StatefulPartitionedCall", "table", "path", f=Func("fills")),
        functions=(CALLED,),
    ),
    "two calls deep": model(
        node("table", "HashTableV2"),
        node("call", "StatefulPartitionedCall", "table", "path", f=Func("outer")),
        functions=(CALLED, NESTED),
    ),
}
COMPUTED = {
    "its folder is taken": model(node("all", "StringJoin", "path", "path")),
    "as the table's handle": model(node("fill", "InitializeTableFromTextFileV2", "path", "path")),
    "a function that gives it back": model(
        node("call", "PartitionedCall", "path", f=Func("gives")), functions=(RETURNS,)
    ),
    "a branch": model(
        node("yes", "Const", dtype=10),
        node("if", "If", "yes", "path", then_branch=Func("gives"), else_branch=Func("gives")),
        functions=(RETURNS,),
    ),
    "an op that is not known": model(node("far", "SomebodysReader", "path")),
    "read, and more": model(*TABLE, node("all", "StringSplit", "path")),
}


@pytest.mark.parametrize("meta", READ.values(), ids=READ)
def test_only_read(meta: Any, tmp_path: Path) -> None:
    assert only_read(imported(tmp_path / "m", meta))


@pytest.mark.parametrize("meta", COMPUTED.values(), ids=COMPUTED)
def test_something_else_takes_the_path(meta: Any, tmp_path: Path) -> None:
    assert not only_read(imported(tmp_path / "m", meta))


def test_a_path_that_an_output_gives(tmp_path: Path) -> None:
    part = imported(tmp_path / "m", model(*TABLE))
    part.exported.add("path:0")
    assert not only_read(part)


def test_a_function_that_captures_the_asset(tmp_path: Path) -> None:
    """Captures come behind the arguments; the object says which is an asset."""
    meta = model(functions=(CALLED, RETURNS))
    objects = meta.object_graph_def
    objects.nodes.add().user_object.identifier = "_generic_user_object"
    objects.nodes.add().asset.asset_file_def_index = 0
    objects.concrete_functions["fills"].bound_inputs.append(1)
    part = imported(tmp_path / "m", meta)
    part.functions = ["fills", "gives"]
    assert only_read(part)
    meta.object_graph_def.concrete_functions["gives"].bound_inputs.append(1)
    other = imported(tmp_path / "n", meta)
    other.functions = ["fills", "gives"]
    assert not only_read(other)
