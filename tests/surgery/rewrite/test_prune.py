"""Pruning of nodes and functions that nothing needs any more."""

from __future__ import annotations

import pytest

from tests.protos import Func, function, graph, meta_graph, node
from workbench.disk import schema
from workbench.disk.schema import MetaGraphDef
from workbench.surgery.rewrite.prune import drop_functions, drop_nodes, roots_of


def chain() -> MetaGraphDef:
    """`x` → `a` → `y`; `unused` takes `a`, `first` runs before `y`, `read` fills an asset."""
    nodes = [
        node("x", "Placeholder", dtype=1),
        node("a", "Neg", "x", T=1),
        node("first", "NoOp"),
        node("unused", "Neg", "a", T=1),
        node("y", "Neg", "a", "^first", T=1),
        node("unused_too", "Neg", "unused", T=1),
        node("init", "NoOp"),
        node("path", "Const", dtype=7),
    ]
    found: MetaGraphDef = meta_graph(graph(*nodes), serving_default=({"x": "x:0"}, {"y": "y:0"}))
    return found


def names(meta: MetaGraphDef) -> list[str]:
    return [one.name for one in meta.graph_def.node]


@pytest.mark.parametrize(
    ("roots", "kept"),
    [
        (["y:0"], ["x", "a", "first", "y"]),
        (["a:0"], ["x", "a"]),
        (["^init"], ["init"]),
        (["unused_too", "path:0"], ["x", "a", "unused", "unused_too", "path"]),
        (["no_such_node:0"], []),
        ([], []),
    ],
)
def test_only_what_roots_need_stays_in_its_order(roots: list[str], kept: list[str]) -> None:
    meta = chain()
    before = len(meta.graph_def.node)
    assert drop_nodes(meta, roots) == before - len(kept)
    assert names(meta) == kept


def test_colocation_with_a_pruned_node_is_removed() -> None:
    meta = chain()
    by_name = {one.name: one for one in meta.graph_def.node}
    by_name["a"].attr["_class"].list.s.extend([b"loc:@unused", b"loc:@x"])
    by_name["y"].attr["_class"].list.s.append(b"loc:@unused")
    drop_nodes(meta, ["y:0"])
    by_name = {one.name: one for one in meta.graph_def.node}
    assert list(by_name["a"].attr["_class"].list.s) == [b"loc:@x"]
    assert "_class" not in by_name["y"].attr


def test_roots_are_signatures_init_op_and_assets() -> None:
    meta = chain()
    assert sorted(roots_of(meta)) == ["x:0", "y:0"]
    meta.collection_def["saved_model_main_op"].node_list.value.append("init")
    meta.asset_file_def.add(filename="words.txt").tensor_info.name = "path:0"
    assert sorted(roots_of(meta)) == ["^init", "path:0", "x:0", "y:0"]


def library() -> MetaGraphDef:
    """The main graph calls `outer`, which calls `inner`; `lost` calls `also_lost`; nothing calls `lost`."""
    functions = [
        function("outer", ["a"], node("c", "PartitionedCall", "a", f=Func("inner"))),
        function("lost", ["a"], node("c", "PartitionedCall", "a", f=Func("also_lost"))),
        function("inner", ["a"], node("n", "Neg", "a", T=1)),
        function("also_lost", ["a"]),
        function("of_an_object", ["a"]),
    ]
    call = node("y", "PartitionedCall", "x", f=Func("outer"))
    found: MetaGraphDef = meta_graph(graph(node("x", "Placeholder", dtype=1), call, functions=functions))
    return found


def test_functions_that_nothing_calls_are_removed_with_what_they_call() -> None:
    meta = library()
    assert drop_functions(meta) == 3
    assert [one.signature.name for one in meta.graph_def.library.function] == ["outer", "inner"]


def test_functions_of_objects_stay() -> None:
    meta = library()
    meta.object_graph_def.concrete_functions["of_an_object"].SetInParent()
    assert drop_functions(meta) == 2
    assert "of_an_object" in [one.signature.name for one in meta.graph_def.library.function]


def test_what_only_a_removed_function_needs_is_removed_from_the_library() -> None:
    meta = library()
    shelf = meta.graph_def.library
    shelf.gradient.add(function_name="inner", gradient_func="outer")
    shelf.gradient.add(function_name="lost", gradient_func="outer")
    shelf.registered_gradients.add(gradient_func="also_lost", registered_op_type="Odd")
    meta.meta_info_def.function_aliases["lost"] = "f"
    meta.meta_info_def.function_aliases["inner"] = "g"
    drop_functions(meta)
    assert list(shelf.gradient) == [schema.GradientDef(function_name="inner", gradient_func="outer")]
    assert list(shelf.registered_gradients) == []
    assert dict(meta.meta_info_def.function_aliases) == {"inner": "g"}
