"""Keras 3 writes each variable twice; the saver of a result restores the one that is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.protos import graph, meta_graph, node
from tests.surgery.importing import imported, written
from workbench.surgery.export.duplicate_variables import (
    join_duplicates,
    restore_what_is_read,
    restoring_what_is_read,
)


class Restored:
    """What `duplicate_variables` says of the restored one."""

    node = "again"


def model() -> Any:
    return meta_graph(
        graph(
            node("w", "VarHandleOp", dtype=1),
            node("again", "VarHandleOp", dtype=1),
            node("read", "ReadVariableOp", "w", dtype=1),
            node("assign", "AssignVariableOp", "again", "value", dtype=1),
            node("value", "Const", "^again", dtype=1),
        ),
        serving_default=({}, {"y": "read:0"}),
    )


def test_the_saver_assigns_what_is_read(tmp_path: Path) -> None:
    part = imported(tmp_path / "m", model())
    part.meta.__dict__["duplicate_variables"] = {"w": Restored()}
    join_duplicates(part)
    lines = written(part.kept.values())
    assert "assign = AssignVariableOp(w, value)" in lines
    assert "value = Const(^w)" in lines
    assert "again" not in part.kept
    assert list(part.duplicates) == ["w"]


def test_one_that_an_output_gives_stays(tmp_path: Path) -> None:
    part = imported(tmp_path / "m", model())
    part.meta.__dict__["duplicate_variables"] = {"w": Restored()}
    part.exported.add("again:0")
    join_duplicates(part)
    assert "again" in part.kept


def test_without_duplicates_nothing_changes(tmp_path: Path) -> None:
    part = imported(tmp_path / "m", model())
    before = written(part.kept.values())
    join_duplicates(part)
    assert (written(part.kept.values()), part.duplicates) == (before, {})


def test_a_copy_restores_what_is_read(tmp_path: Path) -> None:
    """The same copy each time; the model itself stays, and is its own copy where nothing is to be mended."""
    meta = imported(tmp_path / "m", model()).meta
    assert restoring_what_is_read(meta) is meta
    meta.__dict__["duplicate_variables"] = {"w": Restored()}
    copy = restoring_what_is_read(meta)
    assert copy is restoring_what_is_read(meta)
    assert "assign = AssignVariableOp(w, value)" in written(copy.nodes.values())
    assert "assign = AssignVariableOp(again, value)" in written(meta.nodes.values())


def test_colocation_follows(tmp_path: Path) -> None:
    meta = model()
    for place in (b"loc:@again", b"loc:@read"):
        meta.graph_def.node[3].attr["_class"].list.s.append(place)
    nodes = {one.name: one for one in meta.graph_def.node}
    assert restore_what_is_read(nodes, {"w": Restored()}) == ["again"]  # type: ignore[dict-item]
    assert list(nodes["assign"].attr["_class"].list.s) == [b"loc:@w", b"loc:@read"]
