"""The init op of a result: where it is named, and what a source without one needs to run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.protos import const, graph, meta_graph, node, write
from workbench.disk.schema import MetaGraphDef
from workbench.model import open_model
from workbench.surgery.export.init_ops import (
    MAIN_OP,
    add_main_op,
    init_ops,
    needed_init_ops,
    signature_tensors,
    tell_implicit,
    use_main_op,
)


def meta(*nodes: Any) -> MetaGraphDef:
    found: MetaGraphDef = meta_graph(
        graph(node("x", "Placeholder", dtype=1), node("y", "Neg", "x", T=1), *nodes),
        serving_default=({"x": "x:0"}, {"y": "y:0"}),
    )
    return found


def named(found: MetaGraphDef) -> list[str]:
    return list(found.collection_def[MAIN_OP].node_list.value) if MAIN_OP in found.collection_def else []


def test_a_single_noop_is_the_init_op_itself() -> None:
    found = meta(node("setup", "NoOp"))
    add_main_op(found, ["setup"])
    assert named(found) == ["setup"] and len(found.graph_def.node) == 3


@pytest.mark.parametrize("ops", [["a", "b"], ["fill"]])
def test_several_or_one_that_does_something_are_grouped(ops: list[str]) -> None:
    found = meta(
        node("a", "NoOp"), node("b", "NoOp"), node("fill", "LookupTableImportV2"), node("init", "NoOp")
    )
    add_main_op(found, ops)
    (name,) = named(found)
    group = found.graph_def.node[-1]
    assert name == group.name != "init" and group.op == "NoOp"
    assert list(group.input) == [f"^{op}" for op in ops]


def test_nodes_that_are_not_there_are_not_named() -> None:
    found = meta()
    add_main_op(found, ["gone"])
    add_main_op(found, [])
    assert named(found) == [] and len(found.graph_def.node) == 2


def test_every_former_way_to_name_an_init_op_is_removed() -> None:
    found = meta(node("setup", "NoOp"), node("other", "NoOp"))
    found.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"].name = "other"
    found.collection_def["legacy_init_op"].node_list.value.append("other")
    found.collection_def[MAIN_OP].node_list.value.append("other")
    use_main_op(found, "setup")
    assert named(found) == ["setup"]
    assert list(found.signature_def) == ["serving_default"] and "legacy_init_op" not in found.collection_def
    use_main_op(found, None)
    assert named(found) == []


def test_tensors_of_signatures_are_those_of_both_sides() -> None:
    assert sorted(signature_tensors(meta())) == ["x:0", "y:0"]


def table(name: str) -> list[Any]:
    """A table, what fills it, in the collection of initialisers of tables."""
    return [
        node(name, "HashTableV2", shared_name=f"{name}_1", key_dtype=7, value_dtype=7),
        const(f"{name}_keys", "a"),
        node(f"{name}_fill", "LookupTableImportV2", name, f"{name}_keys", f"{name}_keys", Tin=7, Tout=7),
    ]


def with_tables(folder: Path) -> Any:
    found = meta(*table("used"), *table("unused"))
    found.collection_def["table_initializer"].node_list.value.extend(["used_fill", "unused_fill"])
    return open_model(write(folder / "m", found)).meta


def test_without_an_init_op_the_tables_that_are_needed_are_filled(tmp_path: Path) -> None:
    opened = with_tables(tmp_path)
    assert set(opened.implicit_init) == {"used_fill", "unused_fill"}
    assert init_ops(opened, {"used", "y"}) == ("used_fill",)
    assert init_ops(opened, {"y"}) == ()
    assert "the 1 initialiser of" in str(tell_implicit(opened, ["used_fill"]))
    assert tell_implicit(opened, []) is None


def test_an_init_op_of_the_source_is_taken_as_it_is(tmp_path: Path) -> None:
    found = meta(*table("used"), node("setup", "NoOp"))
    found.collection_def["table_initializer"].node_list.value.append("used_fill")
    found.collection_def[MAIN_OP].node_list.value.append("setup")
    opened = open_model(write(tmp_path / "m", found)).meta
    assert init_ops(opened, {"used"}) == ("setup",)
    assert tell_implicit(opened, ["setup"]) is None


def test_only_the_parts_of_an_init_op_that_set_what_is_needed(tmp_path: Path) -> None:
    found = meta(
        *(node(f"table_{name}", "HashTableV2", shared_name=name) for name in "abc"),
        *(node(f"fill_{name}", "LookupTableImportV2", f"table_{name}") for name in "abc"),
        node("group", "NoOp", "^fill_a", "^fill_b"),
        node("init", "NoOp", "^group", "^fill_c"),
        node("find", "LookupTableFindV2", "table_b", "x", "x"),
    )
    add_main_op(found, ["init"])
    source = open_model(write(tmp_path / "m", found)).meta
    assert init_ops(source, {"find", "table_b"}) == ("init",)
    assert needed_init_ops(source, {"find", "table_b", "table_c"}) == ("fill_b", "fill_c")
    assert needed_init_ops(source, {"y", "x"}) == ()
