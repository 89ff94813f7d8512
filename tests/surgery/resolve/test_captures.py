"""What a function captures, as tensors of the main graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.protos import Func, const, function, graph, meta_graph, node, write
from workbench.model import open_model
from workbench.surgery.resolve.captures import Captures, Unbound

CREATES = function("makes", [], node("t", "HashTableV2", shared_name="table_7"))
WRAPS = function("wraps", [], node("c", "StatefulPartitionedCall", f=Func("makes")))


def model() -> Any:
    """Objects: 0 root, 1 constant, 2 asset, 3 variable, 4 table, 5 its creator, 6 a variable that no node is."""
    meta = meta_graph(
        graph(
            const("text", "hello"), const("path", "words.txt"),
            node("w", "VarHandleOp", dtype=1, shared_name="w"),
            node("words", "HashTableV2", shared_name="table_7"),
            node("call", "StatefulPartitionedCall", "text", "w", f=Func("body")),
            functions=(CREATES, WRAPS, function("body", ["a:7", "b:20"])),
        )
    )  # fmt: skip
    meta.asset_file_def.add(filename="words.txt").tensor_info.name = "path:0"
    objects = meta.object_graph_def
    objects.nodes.add().user_object.identifier = "_generic_user_object"
    objects.nodes.add().constant.operation = "text"
    objects.nodes.add().asset.asset_file_def_index = 0
    objects.nodes.add().variable.name = "w"
    table = objects.nodes.add()
    table.resource.SetInParent()
    table.children.add(node_id=5, local_name="_create_resource")
    objects.nodes.add().function.concrete_functions.append("wraps")
    objects.nodes.add().variable.name = "far"
    for number, name in enumerate(("text", "path", "w", "table"), 1):
        objects.nodes[0].children.add(node_id=number, local_name=name)
    objects.concrete_functions["body"].bound_inputs.append(3)
    return meta


def captures(folder: Path, meta: Any, *numbers: int) -> list[tuple[str, ...]]:
    meta.object_graph_def.concrete_functions["asked"].bound_inputs.extend(numbers)
    opened = open_model(write(folder, meta))
    return Captures(opened, opened.meta, restored=False).tensors("asked")


def test_each_kind(tmp_path: Path) -> None:
    """A variable is the node that a call passes for it; a table the one of its creator's `shared_name`."""
    found = captures(tmp_path / "m", model(), 1, 2, 3, 4)
    assert found == [("text:0",), ("path:0",), ("w:0",), ("words:0",)]


@pytest.mark.parametrize(
    ("number", "why"),
    [(6, "no node of the main graph represents the variable far"), (99, "there is no object 99")],
)
def test_unbound(tmp_path: Path, number: int, why: str) -> None:
    with pytest.raises(Unbound, match=why):
        captures(tmp_path / "m", model(), number)


def test_a_creator_that_calls_itself_ends(tmp_path: Path) -> None:
    meta = model()
    next(
        one for one in meta.graph_def.library.function if one.signature.name == "makes"
    ).CopyFrom(function("makes", [], node("again", "StatefulPartitionedCall", f=Func("wraps"))))  # fmt: skip
    with pytest.raises(Unbound, match="a captured resource"):
        captures(tmp_path / "m", meta, 4)
