"""Tables of a TF1 graph as objects with functions that make and fill them, on graphs of a few nodes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protos import const, graph, meta_graph, node
from tests.surgery.importing import written
from workbench.disk import schema
from workbench.disk.optable import OpTable
from workbench.surgery.export.object_graph import Objects, begin
from workbench.surgery.export.tables import add_tables
from workbench.surgery.rewrite.outline import CannotOutline, Outliner

STRING, INT64 = 7, 9


def model(*nodes: Any, shared_name: str = "") -> Any:
    """A table `m/words` filled from the asset `m/path` by the init op `init`."""
    meta = meta_graph(
        graph(
            const("m/path", "words.txt"),
            node("m/words", "HashTableV2", key_dtype=STRING, value_dtype=INT64, shared_name=shared_name),
            node("m/fill", "InitializeTableFromTextFileV2", "m/words", "m/path"),
            node("init", "NoOp", "^m/fill"),
            *nodes,
        )
    )
    meta.asset_file_def.add(filename="words.txt").tensor_info.name = "m/path:0"
    return meta


def added(meta: Any, init_ops: tuple[str, ...] = ("init",)) -> tuple[Objects, list[str]]:
    objects = begin()
    nodes = {one.name: one for one in meta.graph_def.node}
    outliner = Outliner(nodes, {}, OpTable(schema.OpList()))
    return objects, add_tables(objects, meta, outliner, "m", init_ops)


def children(objects: Objects, number: int) -> dict[str, int]:
    return {child.local_name: child.node_id for child in objects.graph.nodes[number].children}


def bodies(meta: Any) -> dict[str, list[str]]:
    return {one.signature.name: written(one.node_def) for one in meta.graph_def.library.function}


def test_a_table_has_three_functions_and_its_asset() -> None:
    meta = model()
    objects, tables = added(meta)
    assert tables == ["m/words"]
    table = children(objects, children(objects, 0)["m"])["words"]
    assert table == objects.bound["m/words"]
    found = children(objects, table)
    assert set(found) == {"_create_resource", "_initialize", "_destroy_resource", "asset"}
    made = bodies(meta)
    assert (
        made["__inference__initialize_m_words"][0]
        == "m/fill = InitializeTableFromTextFileV2(capture_0, asset_0)"
    )
    concrete = objects.graph.concrete_functions["__inference__initialize_m_words"]
    assert list(concrete.bound_inputs) == [found["asset"], table]
    assert objects.graph.nodes[found["asset"]].asset.asset_file_def_index == 0


@pytest.mark.parametrize(("given", "made"), [("", b"m/words"), ("vocabulary", b"vocabulary")])
def test_the_table_that_is_made_has_a_name(given: str, made: bytes) -> None:
    """Without one each run would make another table."""
    meta = model(shared_name=given)
    added(meta)
    creator = next(
        one for one in meta.graph_def.library.function if "create" in one.signature.name
    ).node_def[0]  # fmt: skip
    assert creator.attr["shared_name"].s == made
    assert meta.graph_def.node[1].attr["shared_name"].s == given.encode()


def test_a_table_that_nothing_fills() -> None:
    meta = model()
    objects, _ = added(meta, init_ops=())
    assert bodies(meta)["__inference__initialize_m_words"] == [
        "workbench/done = Const()",
        "result_identity = Identity(workbench/done:output:0)",
    ]
    assert "asset" not in children(objects, objects.bound["m/words"])


def test_tables_of_other_sources_are_left_alone() -> None:
    objects, tables = added(model(node("other/words", "HashTableV2")))
    assert tables == ["m/words"]
    assert "other/words" not in objects.bound


def test_two_tables_of_one_name_part() -> None:
    objects, _ = added(model(node("m/words_", "HashTableV2"), node("m/words-", "HashTableV2")))
    names = children(objects, children(objects, 0)["m"])
    assert len(names) == 3 and len(set(names.values())) == 3


def test_what_fills_it_from_an_input_is_refused() -> None:
    meta = model(node("m/x", "Placeholder", dtype=STRING))
    meta.graph_def.node[2].input[1] = "m/x"
    with pytest.raises(CannotOutline, match="placeholder that no input feeds"):
        added(meta)
