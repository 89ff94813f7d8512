"""Values followed up to what makes them and down to what they become."""

from __future__ import annotations

import pytest

from tests.protos import Func, function, graph, meta_graph, node
from workbench.disk import schema
from workbench.graph.level import Level, Value, find
from workbench.graph.trace import given_out, origin, origins, reached, returned_by
from workbench.model import MetaGraph


def main_of(*nodes: object, functions: list[object] | None = None) -> Level:
    return Level.of(MetaGraph(meta_graph(graph(*nodes, functions=functions or []))))


def written(*values: Value | None) -> list[str]:
    return [f"{value.level.full_name(value.name)}:{value.index}" if value else "nothing" for value in values]


def nested(op: str = "PartitionedCall") -> Level:
    """`x → one → [outer: two → [inner: sum] → three] → y`, where the numbered are Identity."""
    inner = function(
        "inner",
        ["a", "b"],
        node("sum", "Add", "a", "b", T=1),
        returns={"first": "b", "second": "sum:z:0"},
    )
    outer = function(
        "outer",
        ["p"],
        node("two", "Identity", "p", T=1),
        node("deep", op, "p", "two:output:0", f=Func("inner"), Tin=[1, 1], Tout=[1, 1]),
        node("three", "Identity", "deep:output:1", T=1),
        returns={"sum": "three:output:0", "same": "deep:output:0"},
    )
    return main_of(
        node("x", "Placeholder", dtype=1),
        node("one", "Identity", "x", T=1),
        node("call", op, "one", f=Func("outer"), Tin=[1], Tout=[1, 1]),
        node("y", "Identity", "call:1", T=1),
        node("z", "Identity", "call", T=1),
        functions=[inner, outer],
    )


@pytest.mark.parametrize("op", ["PartitionedCall", "StatefulPartitionedCall"])
def test_up_through_nested_calls(op: str) -> None:
    main = nested(op)
    assert written(origin(Value(main, "z"))) == ["call::deep::sum:0"]
    assert written(origin(Value(main, "y"))) == ["x:0"]
    inside = find(main.meta, "call::deep::sum")
    assert inside is not None
    assert written(origin(Value(inside.level, "b"))) == ["x:0"]
    assert written(*origins(Value(main, "y"))) == ["x:0"]


def test_up_without_looking_into_calls() -> None:
    main = nested()
    assert written(origin(Value(main, "y"), into=())) == ["call:1"]
    assert written(origin(Value(main, "y"), passes=())) == ["y:0"]


def test_down_through_nested_calls() -> None:
    main = nested()
    assert sorted(written(*reached(Value(main, "x")))) == [
        "call:1",
        "call::deep:0",
        "call::deep::a:0",
        "call::deep::b:0",
        "call::p:0",
        "call::two:0",
        "one:0",
        "x:0",
        "y:0",
    ]
    assert sorted(written(*reached(Value(main, "x"), passes=()))) == ["x:0"]


def test_the_results_of_a_call() -> None:
    main = nested()
    outer = main.under(main.calls_under(main.nodes["call"])[0])
    assert written(returned_by(Value(main, "call")), returned_by(Value(main, "call", 1))) == [
        "call::three:0",
        "call::deep:0",
    ]
    assert returned_by(Value(main, "call", 2)) is None and returned_by(Value(main, "x")) is None
    assert written(*given_out(Value(outer, "three"))) == ["call:0"]
    assert list(given_out(Value(outer, "two"))) == [] and list(given_out(Value(main, "x"))) == []


def test_a_function_called_by_its_name() -> None:
    twice = function("twice", ["a"], node("add", "Add", "a", "a", T=1), returns={"r": "add:z:0"})
    main = main_of(node("x", "Placeholder", dtype=1), node("c", "twice", "x"), functions=[twice])
    assert written(origin(Value(main, "c"))) == ["c::add:0"]
    assert written(*reached(Value(main, "x"))) == ["x:0", "c::a:0"]


def test_identity_of_several_passes_each_to_its_own_output() -> None:
    main = main_of(
        node("x", "Placeholder", dtype=1),
        node("w", "Placeholder", dtype=1),
        node("n", "IdentityN", "x", "w", T=[1, 1]),
        node("r", "Reshape", "n:1", "x", T=1),
    )
    assert written(origin(Value(main, "n", 1)), origin(Value(main, "r"))) == ["w:0", "w:0"]
    assert written(*reached(Value(main, "x"))) == ["x:0", "n:0"], "a shape is not what is reshaped"


def branching(op: str = "If", *attrs: str) -> Level:
    then = function("then", ["a", "b"], returns={"r": "a", "s": "b"})
    other = function("other", ["a", "b"], node("neg", "Neg", "b", T=1), returns={"r": "neg:y:0", "s": "b"})
    chosen = node("c", op, "go", "x", "w", Tin=[1, 1], Tout=[1, 1])
    if op == "Case":
        chosen.attr["branches"].list.func.add().name = "then"
        chosen.attr["branches"].list.func.add().name = "other"
    else:
        chosen.attr["then_branch"].func.name = "then"
        chosen.attr["else_branch"].func.name = "other"
    return main_of(
        *(node(name, "Placeholder", dtype=1) for name in ("go", "x", "w")), chosen, functions=[then, other]
    )


@pytest.mark.parametrize(
    ("op", "then", "other"),
    [
        ("If", "then_branch", "else_branch"),
        ("StatelessIf", "then_branch", "else_branch"),
        ("Case", "branches[0]", "branches[1]"),
    ],
)
def test_branches(op: str, then: str, other: str) -> None:
    main = branching(op)
    assert written(origin(Value(main, "c"))) == ["c:0"], "which branch runs is not known"
    assert sorted(written(*origins(Value(main, "c")))) == [f"c[{other}]::neg:0", "x:0"]
    assert written(*origins(Value(main, "c", 1))) == ["w:0"]
    assert sorted(written(*reached(Value(main, "w")))) == sorted(
        ["w:0", f"c[{then}]::b:0", f"c[{other}]::b:0", "c:1"]
    )
    assert written(*reached(Value(main, "go"))) == ["go:0"]


def looping(op: str = "While") -> Level:
    """`while going(i, v): i, v = i + 1, same(v)`, and what is left of `v` moves on to `last`."""
    going = function(
        "going", ["i", "v", "last"], node("less", "Less", "i", "i", T=1), returns={"r": "less:z:0"}
    )
    body = function(
        "body",
        ["i", "v", "last"],
        node("one", "Const", dtype=1),
        node("next", "Add", "i", "one:output:0", T=1),
        returns={"i": "next:z:0", "v": "v", "last": "v"},
    )
    return main_of(
        *(node(name, "Placeholder", dtype=1) for name in ("start", "x", "w")),
        node("loop", op, "start", "x", "w", cond=Func("going"), body=Func("body"), T=[1, 1, 1]),
        functions=[going, body],
    )


@pytest.mark.parametrize("op", ["While", "StatelessWhile"])
def test_up_through_a_loop(op: str) -> None:
    main = looping(op)
    assert written(origin(Value(main, "loop", 1))) == ["loop:1"]
    assert written(origin(Value(main, "loop"), into=("loop",))) == ["loop[body]::next:0"]
    assert written(*origins(Value(main, "loop", 1))) == ["x:0"]
    assert sorted(written(*origins(Value(main, "loop", 0)))) == ["loop[body]::next:0", "start:0"]
    assert sorted(written(*origins(Value(main, "loop", 2)))) == ["w:0", "x:0"], (
        "after a round, and after none"
    )
    condition, body = (find(main.meta, f"loop::{name}") for name in ("less", "next"))
    assert condition is not None and body is not None
    for level in (condition.level, body.level):
        assert sorted(written(*origins(Value(level, "i")))) == ["loop[body]::next:0", "start:0"]
        assert written(origin(Value(level, "i"))) == ["start:0"]


def test_down_through_a_loop() -> None:
    main = looping()
    inside = [f"loop[{label}]::{name}:0" for label in ("body", "cond") for name in ("v", "last")]
    assert sorted(written(*reached(Value(main, "x")))) == sorted(["x:0", "loop:1", "loop:2", *inside])
    body = find(main.meta, "loop::next")
    assert body is not None
    assert written(*given_out(body)) == ["loop:0"]
    less = find(main.meta, "loop::less")
    assert less is not None
    assert list(given_out(less)) == [], "what a condition returns is no output"


def test_recursion_ends() -> None:
    again = function(
        "again",
        ["a"],
        node("c", "PartitionedCall", "a", f=Func("again"), Tout=[1]),
        returns={"r": "c:output:0"},
    )
    main = main_of(
        node("x", "Placeholder", dtype=1),
        node("c", "PartitionedCall", "x", f=Func("again"), Tout=[1]),
        functions=[again],
    )
    assert written(origin(Value(main, "c"))) == ["c::c:0"]
    assert written(*origins(Value(main, "c"))) == ["c::c:0"]
    assert written(*reached(Value(main, "x"))) == ["x:0", "c::a:0"]


def test_cycles_end() -> None:
    main = main_of(node("a", "Identity", "b", T=1), node("b", "Identity", "a", T=1))
    assert origin(Value(main, "a")).name in ("a", "b")
    assert origins(Value(main, "a")) == []
    assert written(*reached(Value(main, "a"))) == ["a:0", "b:0"]


def test_what_leads_nowhere() -> None:
    broken = function("broken", ["a"], returns={"r": "gone:output:0", "s": ""})
    main = main_of(
        node("i", "Identity", "gone", T=1),
        node("only", "Identity", "^i", T=1),
        node("c", "PartitionedCall", f=Func("broken"), Tout=[1, 1]),
        node("d", "PartitionedCall", "i", f=Func("missing"), Tout=[1]),
        functions=[broken],
    )
    assert written(origin(Value(main, "i"))) == ["gone:0"] and origin(Value(main, "i")).node is None
    assert written(origin(Value(main, "only"))) == ["only:0"]
    assert written(origin(Value(main, "c"))) == ["c::gone:0"]
    assert written(origin(Value(main, "c", 1)), origin(Value(main, "d"))) == ["c:1", "d:0"]


def test_a_value_of_several_levels_is_one_for_each() -> None:
    same = function("same", ["a"], returns={"r": "a"})
    main = main_of(
        node("x", "Placeholder", dtype=1),
        node("c", "PartitionedCall", "x", f=Func("same"), Tout=[1]),
        node("d", "PartitionedCall", "c", f=Func("same"), Tout=[1]),
        node("top", "TopKV2", "d", "x", T=1, k=schema.AttrValue(i=1)),
        functions=[same],
    )
    assert written(*reached(Value(main, "x"))) == ["x:0", "c::a:0", "c:0", "d::a:0", "d:0"]
    assert written(origin(Value(main, "d"))) == ["x:0"]
