"""Small graphs made by hand: branches, loops, tables, gradients, and what is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.explaining.test_samples import lines
from tests.protos import Func, Shape, const, function, graph, meta_graph, node, write

FLOAT, BOOL, RESOURCE = 1, 10, 20


def explained(
    tmp_path: Path, graph_def: object, what: str | None = None, **signatures: object
) -> wb.Explanation:
    found = signatures or {"serving_default": ({"x": "x:0"}, {"y": "y:0"})}
    folder = tmp_path / "m"
    if not folder.exists():
        write(folder, meta_graph(graph_def, **found))
    return wb.explain(folder, what)


def placeholder(name: str = "x", *sizes: int | None, dtype: int = FLOAT) -> object:
    return node(name, "Placeholder", dtype=dtype, shape=Shape(sizes))


def test_a_branch_names_both_sides(tmp_path: Path) -> None:
    body = {"returns": {"r": "n:y:0"}}
    functions = [
        function("then", ["a"], node("n", "Relu", "a", T=FLOAT), returns={"r": "n:activations:0"}),
        function("other", ["a"], node("n", "Neg", "a", T=FLOAT), **body),
    ]
    attrs = {
        "then_branch": Func("then"),
        "else_branch": Func("other"),
        "Tin": [FLOAT],
        "Tout": [FLOAT],
        "Tcond": BOOL,
    }
    found = explained(
        tmp_path,
        graph(
            placeholder(),
            placeholder("c", dtype=BOOL),
            node("y", "If", "c", "x", **attrs),
            functions=functions,
        ),
    )
    (line,) = lines(found, "From input to output")
    assert line == (
        "1. in one of two branches: if true: applies ReLU (negative values become 0); else: changes the sign"
    )
    inside = explained(tmp_path, None, "y[then_branch]::n")
    assert "A result of the function `then` is computed from it." in lines(inside, "What needs it")


@pytest.mark.parametrize(
    ("op", "inputs", "attrs", "sentence"),
    [
        ("Cast", ["x"], {"SrcT": FLOAT, "DstT": 9}, "It converts `x` from dtype float32 to dtype int64."),
        ("StringToNumber", ["x"], {"out_type": 2}, "as a number of dtype float64."),
        ("StringToNumber", ["x"], {}, "as a number of dtype `out_type`."),
        ("Cast", ["x"], {"SrcT": FLOAT, "DstT": 77}, "to dtype dtype_77."),
    ],
)
def test_the_dtypes_of_a_conversion_are_named(
    op: str, inputs: list[str], attrs: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    assert sentence in explained(tmp_path, graph(placeholder(), node("y", op, *inputs, **attrs)), "y").summary


def test_a_value_that_a_branch_only_chooses_depends_on_the_condition(tmp_path: Path) -> None:
    functions = [
        function(name, ["a"], node("n", "Neg", "a", T=FLOAT), returns={"r": "n:y:0"}) for name in "fg"
    ]
    attrs = {
        "then_branch": Func("f"),
        "else_branch": Func("g"),
        "Tin": [FLOAT],
        "Tout": [FLOAT],
        "Tcond": BOOL,
    }
    nodes = [
        placeholder("x", dtype=BOOL),
        placeholder("k"),
        node("b", "If", "x", "k", **attrs),
        node("y", "Exp", "b", T=1),
    ]
    (first, second) = lines(explained(tmp_path, graph(*nodes, functions=functions)), "From input to output")
    assert first.startswith("1. in one of two branches") and second == "2. takes the exponential"


def test_a_loop_of_tf1_is_followed_round(tmp_path: Path) -> None:
    nodes = [
        placeholder("x", None),
        node("enter", "Enter", "x", T=FLOAT, frame_name="f"),
        node("merge", "Merge", "enter", "next", T=FLOAT),
        node("k", "Less", "merge", "merge", T=FLOAT),
        node("cond", "LoopCond", "k"),
        node("switch", "Switch", "merge", "cond", T=FLOAT),
        node("neg", "Neg", "switch:1", T=FLOAT),
        node("next", "NextIteration", "neg", T=FLOAT),
        node("y", "Exit", "switch", T=FLOAT),
    ]
    found = lines(explained(tmp_path, graph(*nodes)), "From input to output")
    assert found[0] == "1. enters a loop" and not any("do not depend" in line for line in found)


def test_an_operand_is_named_in_the_order_of_the_op(tmp_path: Path) -> None:
    nodes = [
        placeholder("x", 3),
        placeholder("k", 3),
        node("s", "Sub", "k", "x", T=FLOAT),
        node("y", "Mul", "s", "s", T=1),
    ]
    found = lines(explained(tmp_path, graph(*nodes)), "From input to output")
    assert found == ["1. subtracts it from the output of `k`", "2. multiplies by itself"]


def test_what_no_value_reaches_is_said(tmp_path: Path) -> None:
    nodes = [placeholder("x", None, 3), node("y", "Shape", "x", T=FLOAT, out_type=3)]
    assert lines(explained(tmp_path, graph(*nodes)), "From input to output") == [
        "The outputs do not depend on the values of the inputs, at most on their shapes."
    ]


def test_gradients_are_told_by_their_scope(tmp_path: Path) -> None:
    nodes = [placeholder(), node("y", "Neg", "x", T=FLOAT), node("gradients/g", "Neg", "y", T=FLOAT)]
    found = explained(tmp_path, graph(*nodes))
    assert lines(found, "All nodes") == [
        "2 nodes compute `serving_default`.",
        "1 node belongs to gradients, left from training: `gradients/g`.",
    ]
    told = lines(explained(tmp_path, None, "gradients/g"), "What needs it")
    assert told == [
        "By its name it belongs to gradients, which training needs and a signature does not.",
        "No signature, saver or init op needs it.",
    ]


def test_a_table_and_the_asset_that_fills_it(tmp_path: Path) -> None:
    nodes = [
        placeholder("x", None, dtype=7),
        const("path", "words.txt"),
        node("table", "HashTableV2", key_dtype=7, value_dtype=9),
        node("fill", "InitializeTableFromTextFileV2", "table", "path"),
        const("default", "none"),
        node("y", "LookupTableFindV2", "table", "x", "default", Tin=7, Tout=9),
        node("init", "NoOp", "^fill"),
    ]
    made = meta_graph(graph(*nodes), serving_default=({"x": "x:0"}, {"y": "y:0"}))
    made.asset_file_def.add(filename="words.txt").tensor_info.name = "path:0"
    made.collection_def["saved_model_main_op"].node_list.value.append("init")
    folder = write(tmp_path / "m", made)
    found = wb.explain(folder)
    assert lines(found, "From input to output") == ["1. looks up in the table `table`"]
    assert lines(found, "Loading") == [
        "After restoring, the init op `init` runs once, with 3 nodes that it needs.",
        "`fill` fills the table `table` from the asset `words.txt`.",
        "Asset files: `words.txt`. The loader gives their paths to the graph.",
    ]
    assert lines(wb.explain(folder, "table"), "In this model") == [
        "`fill` fills the table `table` from the asset `words.txt`."
    ]
    assert "path of the asset `words.txt`" in lines(wb.explain(folder, "path"), "In this model")[0]
    assert lines(wb.explain(folder, "fill"), "What needs it") == [
        "The init op needs it: it runs once, after loading.",
        "Filling a table needs it.",
    ]


def test_strides_and_padding_in_words(tmp_path: Path) -> None:
    conv = node("y", "Conv2D", "x", "w", T=FLOAT, padding="SAME", data_format="NHWC")
    conv.attr["strides"].list.i.extend([1, 2, 2, 1])
    found = explained(
        tmp_path, graph(placeholder("x", None, 8, 8, 1), placeholder("w", 3, 3, 1, 4), conv), "y"
    )
    told = lines(found, "Attributes")
    assert "`strides` is [1, 2, 2, 1]: the window moves 2 × 2 pixels at a time." in told
    assert any(line.startswith('`padding` is "SAME": the edges are filled with zeros') for line in told)
    assert lines(found, "Outputs") == ["`output`, float32 [?,4,4,4]: the output `y` of `serving_default`."]


@pytest.mark.parametrize("what", [None, "y", "y:0", "serving_default", "f", "term:capture", "op:Neg"])
def test_damaged_graphs_are_explained_or_refused(tmp_path: Path, what: str | None) -> None:
    """A cycle, inputs that are not there, a function that calls itself, an op that nobody knows."""
    call = node("again", "PartitionedCall", "a", f=Func("f"), Tin=[FLOAT], Tout=[FLOAT])
    nodes = [
        placeholder(),
        node("y", "AddV2", "z", "nothing:7", "^gone", T=FLOAT),
        node("z", "Neg", "y", T=FLOAT),
        node("c", "PartitionedCall", "x", f=Func("f"), Tin=[FLOAT], Tout=[FLOAT]),
        node("u", "Nobody{}Knows", "c", "y:9"),
    ]
    made = graph(*nodes, functions=[function("f", ["a"], call, returns={"r": "again:output:0"})])
    found = explained(tmp_path, made, what)
    assert found.summary
    if what == "y":
        assert "`y` is `nothing`, which no node is called." in lines(found, "Inputs")
    assert str(explained(tmp_path, made, "u"))


HOSTILE = "a\x1b[31m\u202e\n<b>"


def test_names_are_shown_as_text(tmp_path: Path) -> None:
    """No escape, line break or direction mark of a model reaches the page."""
    nodes = [
        placeholder(f"{HOSTILE}x"),
        node(f"{HOSTILE}y", HOSTILE, f"{HOSTILE}x", f"^{HOSTILE}x", **{HOSTILE: HOSTILE}),
        node(f"{HOSTILE}c", "PartitionedCall", f"{HOSTILE}x", f=Func(HOSTILE), Tin=[FLOAT], Tout=[FLOAT]),
    ]
    body = function(
        HOSTILE, [HOSTILE], node(f"{HOSTILE}n", HOSTILE, HOSTILE), returns={HOSTILE: f"{HOSTILE}n:o:0"}
    )
    made = graph(*nodes, functions=[body])
    signature = ({HOSTILE: f"{HOSTILE}x:0"}, {HOSTILE: f"{HOSTILE}y:0"})
    folder = write(tmp_path / "m", meta_graph(made, (HOSTILE,), **{HOSTILE: signature}))
    asked = [None, HOSTILE, f"{HOSTILE}y", f"{HOSTILE}c", f"function:{HOSTILE}", f"op:{HOSTILE}"]
    asked += [
        f"{HOSTILE}::{HOSTILE}n",
        *(f"term:{term}" for term in ("node", "op", "tag set", "function", "tensor")),
    ]
    for what in asked:
        found = wb.explain(folder, what, tags=(HOSTILE,))
        for text in (
            found.summary,
            repr(found),
            *(line.text for one in found.sections for line in one.lines),
        ):
            assert text.isprintable(), (what, text)


def test_an_open_size_from_far_away_is_not_laid_to_a_node_on_the_way(tmp_path: Path) -> None:
    chain = [node(f"n{at}", "Identity", f"n{at - 1}" if at else "x", T=FLOAT) for at in range(1_200)]
    model = graph(placeholder("x", None, 4), *chain, node("y", "Identity", "n1199", T=FLOAT))
    assert (
        "The size shown as ? in [?,4] is unknown: it comes from further away than 1,000 ops, by way of `n200`."
        in lines(explained(tmp_path, model, "y"), "Unknown sizes")
    )
