"""`to_networkx(functions=True)`: what feeds a node, through calls, branches and loops."""

from __future__ import annotations

import io
import random
from typing import Any

import networkx as nx
import pytest

import workbench as wb
from tests.protos import Func, Shape, function, graph, meta_graph, node
from tests.timing import costs_at_most
from workbench.graph.views import to_networkx
from workbench.model import MetaGraph

SAMPLES = wb.sample_models()


def unfold(*nodes: Any, functions: Any = (), **options: Any) -> Any:
    meta = MetaGraph(meta_graph(graph(*nodes, functions=functions)))
    return to_networkx(meta, functions=True, **options)


def feeds(found: Any, name: str, op: str = "Placeholder") -> set[str]:
    """The placeholders before a node, by data."""
    data = nx.subgraph_view(found, filter_edge=lambda *edge: not found.edges[edge]["control"])
    return {other for other in nx.ancestors(data, name) if found.nodes[other]["op"] == op}


def inputs(*names: str) -> list[Any]:
    return [node(name, "Placeholder", dtype=1, shape=Shape([None, 3])) for name in names]


def call(name: str, to: str, *given: str, outputs: int = 1, op: str = "PartitionedCall") -> Any:
    return node(name, op, *given, f=Func(to), Tin=[1] * len(given), Tout=[1] * outputs)


@pytest.mark.parametrize("name", ["digits_tf2", "image_base64_tf2"])
def test_a_signatures_output_is_fed_by_its_inputs_and_variables(name: str) -> None:
    model = wb.open_model(SAMPLES / name)
    found = model.networkx(functions=True)
    signature = model.meta.signature()
    (output,) = signature.outputs.values()
    (given,) = signature.inputs.values()
    before = nx.ancestors(found, output.tensor.partition(":")[0])
    assert given.tensor.partition(":")[0] in before
    assert {variable.name for variable in model.meta.variables} <= before
    inside = {found.nodes[one]["op"] for one in before if "::" in one}
    assert ("MatMul" if name == "digits_tf2" else "DecodePng") in inside
    assert nx.is_directed_acyclic_graph(found)
    assert not {one for one in before if found.nodes[one]["op"] in ("SaveV2", "RestoreV2")}


def test_the_readers_of_a_call_are_fed_by_their_result_alone() -> None:
    two = function(
        "two",
        ["x", "y"],
        node("n", "Neg", "x", T=1),
        node("m", "Abs", "y", T=1),
        returns={"a": "n:y:0", "b": "m:y:0"},
    )
    outer = function(
        "outer",
        ["p", "q"],
        call("in", "two", "q", "p", outputs=2),
        returns={"a": "in:output:0", "b": "in:output:1"},
    )
    found = unfold(
        *inputs("x", "y"), call("go", "outer", "x", "y", outputs=2),
        node("first", "Neg", "go", T=1), node("second", "Neg", "go:1", T=1), functions=[two, outer],
    )  # fmt: skip
    assert feeds(found, "first") == {"y"} and feeds(found, "second") == {"x"}
    assert feeds(found, "go") == {"x", "y"}
    assert found.edges["go::in::n", "first", 0] == {
        "source": "go", "position": 0, "control": False, "call": "result"
    }  # fmt: skip
    assert found.edges["y", "go::q", 0]["call"] == "argument"
    assert "go::in::m" in nx.descendants(found, "x") and "go::in::n" not in nx.descendants(found, "x")


def test_two_calls_of_a_function_do_not_mix() -> None:
    same = function("same", ["x"], node("n", "Neg", "x", T=1), returns={"y": "n:y:0"})
    found = unfold(
        *inputs("a", "b"), call("one", "same", "a"), call("two", "same", "b", op="StatefulPartitionedCall"),
        node("three", "same", "one"), node("end", "Neg", "three", T=1), functions=[same],
    )  # fmt: skip
    assert feeds(found, "one") == {"a"} and feeds(found, "two") == {"b"} and feeds(found, "end") == {"a"}
    assert "three::n" in nx.ancestors(found, "end")


def test_an_argument_that_is_a_result() -> None:
    swap = function("swap", ["x", "y"], returns={"a": "y", "b": "x"})
    found = unfold(
        *inputs("x", "y"),
        call("go", "swap", "x", "y", outputs=2),
        node("n", "Neg", "go", T=1),
        functions=[swap],
    )
    assert feeds(found, "n") == {"y"}


def test_branches_are_fed_by_the_condition_too() -> None:
    then = function("then", ["a", "b"], node("t", "Neg", "a", T=1), returns={"y": "t:y:0"})
    other = function("other", ["a", "b"], node("e", "Abs", "b", T=1), returns={"y": "e:y:0"})
    found = unfold(
        *inputs("p", "x", "y"),
        node("if", "If", "p", "x", "y", then_branch=Func("then"), else_branch=Func("other"), Tout=[1]),
        node("case", "Case", "p", "x", "y", branches=[Func("then"), Func("other")], Tout=[1]),
        node("n", "Neg", "if", T=1), functions=[then, other],
    )  # fmt: skip
    assert feeds(found, "n") == {"p", "x", "y"} == feeds(found, "case")
    assert {"if[then_branch]::t", "if[else_branch]::e"} <= nx.ancestors(found, "n")
    assert feeds(found, "if[else_branch]::e") == {"y"} and feeds(found, "case[branches[0]]::t") == {"x"}
    assert nx.is_directed_acyclic_graph(found)


def test_a_loop_goes_round() -> None:
    """`a` becomes `b` in the next round, and `b` decides whether there is one."""
    cond = function("cond", ["a", "b"], node("c", "Greater", "b", "b", T=1), returns={"go": "c:z:0"})
    body = function("body", ["a", "b"], node("n", "Neg", "a", T=1), returns={"a": "a", "b": "n:y:0"})
    found = unfold(
        *inputs("x", "y"), node("w", "While", "x", "y", cond=Func("cond"), body=Func("body"), T=[1, 1]),
        node("end", "Neg", "w:1", T=1), functions=[cond, body],
    )  # fmt: skip
    assert feeds(found, "w[cond]::c") == {"x", "y"} and feeds(found, "w[body]::n") == {"x"}
    assert {"w[cond]::c", "w[body]::n"} <= nx.ancestors(found, "end") and feeds(found, "end") == {"x", "y"}
    assert found.edges["w[body]::n", "w[cond]::b", 0]["call"] == "loop"


def test_an_op_that_hands_on_in_its_own_way() -> None:
    mapped = function(
        "mapped", ["element", "captured"], node("n", "Neg", "captured", T=1), returns={"y": "n:y:0"}
    )
    inner = function("inner", ["x"], node("i", "Neg", "x", T=1), returns={"y": "i:y:0"})
    odd = node("odd", "PartitionedCall", "x", f=Func("mapped"), Tin=[1], Tout=[1])
    odd.attr["f"].func.attr["g"].func.name = "inner"
    found = unfold(
        *inputs("x", "y", "z"), node("map", "MapDataset", "x", "y", "z", f=Func("mapped"), output_types=[1]),
        odd, functions=[mapped, inner],
    )  # fmt: skip
    assert feeds(found, "map") == feeds(found, "map::n") == {"x", "y", "z"}
    assert feeds(found, "odd[f]::i") == feeds(found, "odd[f]::n") == {"x"}


def test_recursion_ends() -> None:
    again = function(
        "again", ["x"], call("c", "again", "x"), node("n", "Neg", "c:output:0", T=1), returns={"y": "n:y:0"}
    )
    found = unfold(*inputs("x"), call("go", "again", "x"), functions=[again])
    assert feeds(found, "go") == {"x"} and "go::c::n" not in found


def test_what_is_wrong_in_a_model_is_no_error() -> None:
    odd = function(
        "odd", ["x:1", "x:1"], node("x", "Neg", "gone:y:9", "^x", T=1), returns={"y": "nobody:y:0", "z": ""}
    )
    odd.control_ret["also"] = "nowhere"
    found = unfold(
        call("go", "odd", "go:7", "^go", "nothing:3", outputs=3), node("n", "Neg", "go:2", "go:99", T=1),
        functions=[odd],
    )  # fmt: skip
    assert found.nodes["go::nobody"]["op"] is None and found.nodes["go::x"]["op"] == "Neg"
    assert "go" in nx.ancestors(found, "n")


def test_nodes_carry_dtype_and_shape() -> None:
    body = function("body", ["a:9"], node("n", "Neg", "a", T=9), returns={"y": "n:y:0"})
    body.arg_attr[0].attr["_output_shapes"].list.shape.add().dim.add().size = 3
    found = unfold(*inputs("x"), call("go", "body", "x"), node("u", "Nobody>Knows"), functions=[body])
    assert (found.nodes["x"]["dtypes"], found.nodes["x"]["shapes"]) == (["float32"], [(None, 3)])
    assert (found.nodes["go::a"]["dtypes"], found.nodes["go::a"]["shapes"]) == (["int64"], [(3,)])
    assert found.nodes["go::n"]["shapes"] == [None] and found.nodes["u"]["shapes"] is None


def test_it_is_written_as_graphml() -> None:
    for name in ("digits_tf2", "image_base64_tf2"):
        found = wb.to_networkx(SAMPLES / name, functions=True, plain=True)
        out = io.BytesIO()
        nx.write_graphml(found, out)
        again = nx.read_graphml(io.BytesIO(out.getvalue()), force_multigraph=True)
        assert set(again) == set(found) and again.number_of_edges() == found.number_of_edges()
    assert found.nodes["serving_default_base64_input"]["shapes"] == "[]"


def chain(levels: int, calls: int, body: Any = ()) -> list[Any]:
    """Functions each of which calls the next several times: `calls ** levels` bodies."""
    return [
        function(
            f"f{at}", ["x"], *body, *(call(f"c{number}", f"f{at + 1}", "x") for number in range(calls)),
            returns={"y": "c0:output:0"},
        )
        for at in range(levels)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "functions"),
    [
        (call("c", "f0", "x"), chain(40, 4)),
        (node("c", "Case", "x", "x", branches=[Func("f0")] * 4000), chain(30, 1)),
        (node("c", "Case", "x", "x", branches=[Func("empty")] * 6000), [function("empty", [])]),
        (
            node("c", "MapDataset", *["x"] * 150, f=Func("wide")),
            [function("wide", [f"a{at}" for at in range(150)])],
        ),
    ],
    ids=["calls of calls", "deep branches", "empty branches", "every input to every argument"],
)
def test_what_has_too_many_copies_is_refused(nodes: Any, functions: list[Any]) -> None:
    with costs_at_most(0.5), pytest.raises(wb.errors.TooManyNodes, match="Raise max_nodes") as caught:
        unfold(*inputs("x"), nodes, functions=functions, max_nodes=1000)
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, wb.WorkbenchError)


def test_the_main_graph_alone_is_never_too_large() -> None:
    assert len(wb.to_networkx(MetaGraph(meta_graph(graph(*inputs("x", "y", "z")))), max_nodes=1)) == 3


@pytest.mark.parametrize("graphs", [15, pytest.param(150, marks=pytest.mark.exhaustive)])
def test_random_calls_against_an_evaluator(graphs: int) -> None:
    """The placeholders behind each node are what running the graph on sets of names gives."""
    rng = random.Random(3)
    for _ in range(graphs):
        library: dict[str, Any] = {}
        for depth in range(4):
            nodes, known = _random_nodes(rng, ["a", "b"], list(library), inside=True)
            library[f"f{depth}"] = function(
                f"f{depth}", ["a", "b"], *nodes, returns={key: rng.choice(known) for key in ("p", "q")}
            )
        nodes, _ = _random_nodes(rng, ["x", "y", "z"], list(library), inside=False)
        found = unfold(*inputs("x", "y", "z"), *nodes, functions=library.values())
        values: dict[str, set[str]] = {name: {name} for name in "xyz"}
        _evaluate(nodes, values, library)
        for one in nodes:
            if one.op == "AddV2":
                assert feeds(found, one.name) == values[f"{one.name}:0"]


def _random_nodes(
    rng: random.Random, known: list[str], library: list[str], *, inside: bool
) -> tuple[list[Any], list[str]]:
    """Additions and calls; the entries by which a node here names them."""
    nodes, known = [], list(known)
    for at in range(5):
        given = rng.choices(known, k=2)
        if library and rng.random() < 0.5:
            nodes.append(call(f"n{at}", rng.choice(library), *given, outputs=2))
            known += [f"n{at}:output:0", f"n{at}:output:1"] if inside else [f"n{at}", f"n{at}:1"]
        else:
            nodes.append(node(f"n{at}", "AddV2", *given, T=1))
            known.append(f"n{at}:z:0" if inside else f"n{at}")
    return nodes, known


def _evaluate(nodes: list[Any], values: dict[str, set[str]], library: dict[str, Any]) -> None:
    for one in nodes:
        given = [values[_plain(entry)] for entry in one.input]
        if one.op == "AddV2":
            values[f"{one.name}:0"] = set.union(*given)
        else:
            called = library[one.attr["f"].func.name]
            inner = dict(zip("ab", given, strict=True))
            _evaluate(called.node_def, inner, library)
            for index, key in enumerate(("p", "q")):
                values[f"{one.name}:{index}"] = inner[_plain(called.ret[key])]


def _plain(entry: str) -> str:
    name, *rest = entry.split(":")
    return entry if not rest and not name.startswith("n") else f"{name}:{rest[-1] if rest else 0}"
