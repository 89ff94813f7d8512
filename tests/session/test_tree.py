"""Nodes by name scope, functions in the order of calls, and filters for sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sampling import plainly
from tests.timing import costs_at_most
from workbench.disk import schema
from workbench.model import MetaGraph, open_model
from workbench.session.lists.arrangement import Arrangement
from workbench.session.lists.lister import Lister
from workbench.session.lists.listing import Listing
from workbench.session.lists.rows import Row
from workbench.session.lists.search import parse_query
from workbench.session.lists.sizes import SizeRange, parse_bound
from workbench.session.lists.spots import Places
from workbench.session.lists.viewer import Viewer
from workbench.session.nodes.tree import Entry, Scope, Tree

NODES = {("section", "nodes")}


def tree_of(*names: str, last: tuple[str, ...] = ()) -> Tree:
    return Tree(names, ["NoOp"] * len(names), lambda numbers: dict.fromkeys(numbers, 1), last=last)


def outline(tree: Tree, scope: Scope | None = None) -> list[object]:
    """A tree as nested lists: a node by its name, a scope as its text (and its own node) with what is in it."""
    found: list[object] = []
    for entry in tree.entries(scope or tree.root):
        if isinstance(entry, int):
            found.append(tree.names[entry])
        else:
            own = [tree.names[entry.node]] if entry.node is not None else []
            found.append((entry.text, *own, outline(tree, entry)))
    return found


def test_scopes_stand_in_the_order_of_the_file_and_chains_are_one_row() -> None:
    tree = tree_of("x", "net/a/w", "net/b/one/two/w", "net/b/one/two/v", "y", "net/a/b")
    assert outline(tree) == [
        "x",
        ("net/", [("a/", ["net/a/w", "net/a/b"]), ("b/one/two/", ["net/b/one/two/w", "net/b/one/two/v"])]),
        "y",
    ]


def test_a_node_holds_the_scope_of_its_name() -> None:
    tree = tree_of("dense/MatMul/Read", "dense/MatMul", "dense/add", "alone/deep/x")
    assert outline(tree) == [
        ("dense/", [("MatMul/", "dense/MatMul", ["dense/MatMul/Read"]), "dense/add"]),
        "alone/deep/x",
    ]
    assert outline(tree_of("a/b", "a/b/c")) == [("a/b/", "a/b", ["a/b/c"])]


def test_no_node_is_lost_in_odd_names() -> None:
    names = ("a", "a", "a/", "/", "//x", "", "a//b", "a/b/c", "a/bc", "a/b/c/" + "d/" * 200 + "e")
    tree = tree_of(*names)
    assert sorted(leaves(tree, tree.root)) == list(range(len(names)))


def leaves(tree: Tree, scope: Scope) -> list[int]:
    found: list[int] = []
    for entry in tree.entries(scope):
        if isinstance(entry, int):
            found.append(entry)
        else:
            found += [entry.node] if entry.node is not None else []
            found += leaves(tree, entry)
    return found


@given(st.lists(st.text("ab/", max_size=8), max_size=12))
def test_every_node_is_in_the_tree_once_and_its_way_leads_to_it(names: list[str]) -> None:
    tree = tree_of(*names)
    assert sorted(leaves(tree, tree.root)) == list(range(len(names)))
    for number, name in enumerate(names):
        way = tree.way(name)
        here: list[Entry] = tree.entries(way[-1] if way else tree.root)
        numbers = [entry.node if isinstance(entry, Scope) else entry for entry in here]
        assert any(one is not None and tree.names[one] == name for one in numbers), number
        assert all(tree.scope(scope.prefix) is scope for scope in way)


def test_what_belongs_to_the_saver_comes_last_at_any_depth() -> None:
    tree = tree_of("img/save/x", "img/save/y", "img/conv/w", "img/conv/v", "saver_filename", "out",
                   last=("img/save", "saver_filename"))  # fmt: skip
    assert outline(tree) == [
        ("img/", [("conv/", ["img/conv/w", "img/conv/v"]), ("save/", ["img/save/x", "img/save/y"])]),
        "out",
        "saver_filename",
    ]
    (img, *_) = tree.entries(tree.root)
    assert isinstance(img, Scope)
    assert [entry.last for entry in tree.entries(img) if isinstance(entry, Scope)] == [False, True]


def rows_of(listing: Listing) -> list[Row]:
    return [listing[index] for index in range(len(listing))]


def test_a_scope_says_how_many_nodes_of_which_ops_and_how_many_bytes(sample_models: Path) -> None:
    view = Viewer(open_model(sample_models / "digits"))
    rows = rows_of(view.lister.listing(NODES))
    nodes = [row for row in rows if row.depth == 1]
    assert [row.text for row in nodes] == [
        "myInput", "softmax/", "MatMul", "add", "myOutput", "save/",
    ]  # fmt: skip
    softmax, save = nodes[1], nodes[-1]
    inside = [name for name in view.meta.nodes if name.startswith("softmax/")]
    assert softmax.columns == (f"{len(inside)} nodes", "31.5 kB") and softmax.open is False
    assert "MergeV2Checkpoints" in save.aside and save.quiet and not softmax.quiet
    opened = rows_of(view.lister.listing({*NODES, softmax.key}))
    assert [row.text for row in opened if row.depth == 2][:2] == ["weights", "bias"]


def test_the_flat_list_has_every_node_and_the_tree_finds_each(sample_models: Path) -> None:
    view = Viewer(open_model(sample_models / "digits"))
    flat = rows_of(view.lister.listing(NODES, Arrangement(flat=True)))
    assert [row.text for row in flat if row.kind == "node"] == list(view.meta.nodes)
    for name in view.meta.nodes:
        key = ("node", "", name)
        listing = view.lister.listing(view.lister.above(key))
        at = listing.find(key)
        assert at is not None and listing[at].ref.name == name


def test_variables_are_sorted_by_size_or_name(sample_models: Path) -> None:
    view = Viewer(open_model(sample_models / "digits"))
    section = {("section", "variables")}

    def names(arranged: Arrangement) -> list[str]:
        return [row.text for row in rows_of(view.lister.listing(section, arranged)) if row.kind == "variable"]

    by_size = Arrangement()
    assert names(by_size) == ["softmax/weights", "softmax/bias"]
    by_name = by_size.next_order("variables")
    assert names(by_name) == ["softmax/bias", "softmax/weights"]
    assert by_name.next_order("variables").next_order("variables") == by_size
    closed = rows_of(view.lister.listing(set()))
    assert [row.aside for row in closed if row.text == "Variables"] == ["largest: softmax/weights 31.4 kB"]


def test_functions_stand_in_the_order_of_calls_and_the_saver_s_last(sample_models: Path) -> None:
    view = Viewer(open_model(sample_models / "digits_tf2"))
    section = {("section", "functions")}
    for arranged in (Arrangement(), Arrangement(functions="size"), Arrangement(functions="name")):
        rows = [row for row in rows_of(view.lister.listing(section, arranged)) if row.kind == "function"]
        assert len(rows) == len(view.meta.functions)
        assert [row.quiet for row in rows] == [False, False, True, True], arranged
        assert {row.text for row in rows if row.quiet} == {"traced_save", "traced_restore"}
    called = [row.ref for row in rows_of(view.lister.listing(section)) if row.kind == "function"]
    call = view.meta.nodes["StatefulPartitionedCall"].attr["f"].func.name
    assert called[0] == call, "what the signature calls comes first, what that calls next"
    assert called[1] in {node.attr["f"].func.name for node in view.meta.functions[call].node_def}


def test_recursion_ends_where_a_function_would_be_in_itself() -> None:
    proto = schema.MetaGraphDef()
    proto.graph_def.node.add(name="call", op="PartitionedCall").attr["f"].func.name = "f"
    function = proto.graph_def.library.function.add()
    function.signature.name = "f"
    function.node_def.add(name="again", op="PartitionedCall").attr["f"].func.name = "f"
    meta = MetaGraph(proto)
    lister = Lister(None, meta, Places(meta))  # type: ignore[arg-type]
    segments = lister.bodies.segments(
        lister.places.main, 1, {("node", "", "call"), ("node", "call", "again")}, False
    )
    rows = rows_of(Listing(segments))
    assert [(row.text, row.open) for row in rows] == [("call", True), ("again", None)]


def test_many_captured_variables_are_one_row() -> None:
    proto = schema.MetaGraphDef()
    call = proto.graph_def.node.add(name="call", op="PartitionedCall")
    call.attr["f"].func.name = "f"
    function = proto.graph_def.library.function.add()
    function.signature.name = "f"
    function.signature.input_arg.add(name="x", type=1)
    for number in range(200):
        function.signature.input_arg.add(name=f"unknown_{number}", type=20)
    meta = MetaGraph(proto)
    lister = Lister(None, meta, Places(meta))  # type: ignore[arg-type]

    def shown(*more: tuple[str, ...]) -> list[str]:
        segments = lister.bodies.segments(lister.places.main, 1, {("node", "", "call"), *more}, False)
        return [row.text for row in rows_of(Listing(segments))]

    assert shown() == ["call", "x", "200 resources"]
    assert len(shown(("captures", "call"))) == 203
    assert ("captures", "call") in lister.above(("argument", "call", "unknown_7"))


# -- sizes


@pytest.mark.parametrize(
    ("word", "least", "most"),
    [
        (">1MB", 1_000_001, None),
        (">=1mb", 1_000_000, None),
        ("<10k", None, 9_999),
        ("<=4KiB", None, 4096),
        (">.5G", 500_000_001, None),
        ("<12", None, 11),
    ],
)
def test_sizes_are_read(word: str, least: int | None, most: int | None) -> None:
    found = parse_bound(word)
    assert found is not None
    if least is not None:
        assert found.has(least) and not found.has(least - 1)
    if most is not None:
        assert found.has(most) and not found.has(most + 1)


def test_what_is_no_size_is_a_word_and_an_unfinished_one_asks_for_nothing() -> None:
    assert parse_query(">abc").words == (">abc",)
    assert parse_query("a>1MB").words == ("a>1mb",)
    assert not parse_query(">") and not parse_query("<=")
    assert parse_query("kernel >1k <1M op:Const").sizes == SizeRange(1000.5, 999_999.5)


def test_a_filter_for_sizes_finds_variables_constants_and_assets(sample_models: Path) -> None:
    index = Viewer(open_model(sample_models / "digits")).index

    def found(text: str) -> list[tuple[str, str]]:
        return [(row.kind, row.text) for row in map(index.row, index.search(text))]

    assert found(">1k") == [("variable", "softmax/weights"), ("node", "softmax/weights")]
    assert ("node", "softmax/bias") in found("<100 bias") and ("variable", "softmax/bias") in found(
        "<100 bias"
    )
    assert all(kind == "node" for kind, _ in found(">=0 op:Const")) and len(found(">=0 op:Const")) > 3
    assert found(">1k dtype:float32") == [("variable", "softmax/weights")]


def test_in_names_a_function_a_scope_or_both(sample_models: Path) -> None:
    view = Viewer(open_model(sample_models / "digits_tf2"))
    index = view.index
    name = next(name for name, size in view.meta.function_sizes.items() if size == 7)
    assert len(index.search(f"in:{name}")) == 7
    assert len(index.search("in:.")) == len(view.meta.nodes)
    inside = [row.text for row in map(index.row, index.search(f"in:{name}::MatMul/"))]
    assert sorted(inside) == ["MatMul", "MatMul/ReadVariableOp"]


@pytest.mark.parametrize("count", plainly([20_000, 100_000], 20_000))
def test_a_hundred_thousand_nodes_are_a_tree_in_no_time(count: int) -> None:
    proto = schema.MetaGraphDef()
    for number in range(count):
        proto.graph_def.node.add(name=f"block_{number // 5000}/layer_{number // 50}/op_{number}", op="NoOp")
    meta = MetaGraph(proto)
    lister = Lister(None, meta, Places(meta))  # type: ignore[arg-type]
    with costs_at_most(5 * 0.3 * count / 100_000):
        segments = lister.bodies.segments(lister.places.main, 1, set(), False)
        rows = rows_of(Listing(segments))
    assert len(rows) == count // 5000 and rows[3].columns[0] == "5,000 nodes"
    with costs_at_most(5 * 0.1 * count / 100_000):
        found = lister.above(("node", "", "block_3/layer_377/op_18888"))
    assert ("scope", "", "block_3/layer_377/") in found
