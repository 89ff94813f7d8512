"""Bodies as they are called: paths of calls, arguments, results."""

from __future__ import annotations

import pytest

from tests.graph.calling import meta
from tests.protos import Func, attr, function, graph, meta_graph, node
from workbench.disk import schema
from workbench.graph.calls import Call
from workbench.graph.level import MAX_DEPTH, Level, Value, find
from workbench.model import MetaGraph


def view_of(*nodes: object, functions: list[object]) -> MetaGraph:
    return MetaGraph(meta_graph(graph(*nodes, functions=functions)))


def only_under(level: Level, name: str) -> Level:
    (found,) = level.levels_under(level.nodes[name])
    return found


# -- paths


def test_places_in_nested_calls() -> None:
    view = meta()
    found = find(view, "go::call::sq:0")
    assert found is not None and found.tensor is not None
    assert (found.tensor.name, found.tensor.dtype) == ("go::call::sq:0", 1)
    assert [step.function for step in found.level.calls] == ["outer", "inner"]
    assert find(view, "x") is not None
    for nothing in ("go::gone", "gone::sq", "x::y", "go::call::sq::more", "", "go::", "^x"):
        assert find(view, nothing) is None, nothing
    missing = find(view, "go::call::sq:1")
    assert missing is not None and missing.tensor is None


def test_a_call_with_several_bodies() -> None:
    view = meta()
    either = find(view, "go::if::e")
    assert either is not None and either.level.path == "go::if[else_branch]"
    first = find(view, "go::if[then_branch]::both")
    second = find(view, "go::if[else_branch]::both")
    assert first is not None and second is not None
    assert first.level.nodes["both"].op == "Neg"
    assert second.level.nodes["both"].op == "Abs"
    assert find(view, "go::if[cond]::both") is None
    assert find(view, second.level.full_name("both")) is not None


def test_levels_and_arguments() -> None:
    view = meta()
    view.functions["outer"].arg_attr[0].attr["_output_shapes"].list.shape.add().dim.add().size = 3
    levels = {level.path: level for level in Level.of(view).levels()}
    assert list(levels) == ["", "go", "go::call", "go::if[else_branch]", "go::if[then_branch]"]
    (argument,) = levels["go"].body.argument_tensors
    assert (argument.name, argument.dtype, argument.shape) == ("x", 1, (3,))
    assert levels[""].body.argument_tensors == ()


def test_every_node_of_a_level_is_found_by_the_place_it_gives() -> None:
    view = meta()
    for level in Level.of(view).levels():
        for name in level.nodes:
            found = find(view, level.full_name(name))
            assert found is not None
            assert (found.level.path, found.name) == (level.path, name)


def test_recursion_ends() -> None:
    again = function("again", ["x"], node("c", "PartitionedCall", "x", f=Func("again"), Tout=[1]))
    main = Level.of(view_of(node("c", "PartitionedCall", f=Func("again")), functions=[again]))
    assert [level.path for level in main.levels()] == ["", "c"]
    assert [level.path for level in Level.of(main.meta, "again").levels()] == [""]
    ping = function("ping", ["x"], node("to", "PartitionedCall", "x", f=Func("pong"), Tout=[1]))
    pong = function("pong", ["x"], node("fro", "PartitionedCall", "x", f=Func("ping"), Tout=[1]))
    main = Level.of(view_of(node("c", "PartitionedCall", f=Func("ping")), functions=[ping, pong]))
    assert [level.path for level in main.levels()] == ["", "c", "c::to"]


def test_depth_ends() -> None:
    count = MAX_DEPTH + 10
    chain = [
        function(f"f{at}", ["x"], node("c", "PartitionedCall", "x", f=Func(f"f{at + 1}"), Tout=[1]))
        for at in range(count)
    ]
    main = Level.of(
        view_of(node("c", "PartitionedCall", f=Func("f0")), functions=[*chain, function(f"f{count}", [])])
    )
    assert len(list(main.levels())) == MAX_DEPTH + 1


def test_a_missing_function_is_no_call() -> None:
    view = view_of(node("c", "PartitionedCall", "x", f=Func("gone"), Tout=[1]), functions=[])
    main = Level.of(view)
    assert main.levels_under(view.nodes["c"]) == []
    assert find(view, "c::x") is None
    with pytest.raises(KeyError):
        Level.of(view, "gone")


def test_the_same_call_leads_to_the_same_level() -> None:
    main = Level.of(meta())
    assert only_under(main, "go") is only_under(main, "go")
    assert {Value(only_under(main, "go"), "x")} == {Value(only_under(main, "go"), "x")}


# -- how nodes call


@pytest.mark.parametrize(
    ("calling", "expected"),
    [
        (node("n", "PartitionedCall", f=Func("f")), [("f", "call", 0)]),
        (node("n", "StatefulPartitionedCall", f=Func("f")), [("f", "call", 0)]),
        (node("n", "f"), [("f", "call", 0)]),
        (node("n", "While", cond=Func("g"), body=Func("f")), [("body", "loop", 0), ("cond", "condition", 0)]),
        (
            node("n", "StatelessIf", then_branch=Func("f"), else_branch=Func("g")),
            [("else_branch", "branch", 1), ("then_branch", "branch", 1)],
        ),
        (
            node("n", "Case", branches=[Func("f"), Func("g")]),
            [("branches[0]", "branch", 1), ("branches[1]", "branch", 1)],
        ),
        (node("n", "RemoteCall", f=Func("f")), [("f", "remote", 1)]),
        (node("n", "BatchFunction", f=Func("f")), [("f", "remote", 0)]),
        (node("n", "SymbolicGradient", f=Func("f")), [("f", "other", 0)]),
        (node("n", "MapDataset", f=Func("f")), [("f", "other", None)]),
        (node("n", "Neg"), []),
    ],
    ids=lambda value: value.op if hasattr(value, "op") else "",
)
def test_how_a_node_calls_a_function(calling: object, expected: list[tuple[str, str, int | None]]) -> None:
    view = view_of(calling, functions=[function("f", ["x"]), function("g", ["x"])])
    found = Level.of(view).calls_under(view.nodes["n"])
    assert [(call.label, call.kind, call.first) for call in found] == expected
    assert all(call.alone == (len(expected) == 1) for call in found)


def test_a_function_named_by_another_one_is_called_in_an_unknown_way() -> None:
    calling = node("n", "PartitionedCall", "x", f=Func("f"))
    calling.attr["f"].func.attr["g"].func.name = "g"
    view = view_of(calling, functions=[function("f", ["x"]), function("g", ["x"])])
    assert Level.of(view).calls_under(view.nodes["n"]) == [
        Call("n", "f", "f", False, "call", 0),
        Call("n", "f", "g", False, "other", None),
    ]


# -- arguments and results


def test_arguments_and_results_of_a_call() -> None:
    two = function(
        "two", ["a", "b"], node("m", "Sub", "b", "a", T=1), returns={"first": "m:z:0", "second": "a"}
    )
    main = Level.of(
        view_of(
            node("x", "Placeholder", dtype=1),
            node("y", "Split", "x", "x", num_split=schema.AttrValue(i=2), T=1),
            node("c", "PartitionedCall", "x", "y:1", "^x", f=Func("two"), Tin=[1, 1], Tout=[1, 1]),
            functions=[two],
        )
    )
    body = only_under(main, "c")
    a, b = Value(body, "a"), Value(body, "b")
    assert (body.argument(0), body.argument(1), body.argument(2)) == (a, b, None)
    assert (body.position(a), body.position(b), body.position(Value(body, "m"))) == (0, 1, None)
    assert (body.given(a), body.given(b)) == (Value(main, "x"), Value(main, "y", 1))
    assert (body.result(0), body.result(1), body.result(2)) == (Value(body, "m"), a, None)
    assert (body.returned(a), body.returned(Value(body, "m")), body.returned(b)) == ([1], [0], [])
    assert main.given(Value(main, "x")) is None and main.result(0) is None
    assert body.calling_node is main.nodes["c"] and main.calling_node is None


def test_arguments_of_a_branch_come_after_its_condition() -> None:
    branch = function("branch", ["a", "b"], returns={"r": "b"})
    main = Level.of(
        view_of(
            node("if", "If", "go", "one", "two", then_branch=Func("branch"), else_branch=Func("gone")),
            functions=[branch],
        )
    )
    body = only_under(main, "if")
    assert body.given(Value(body, "a")) == Value(main, "one")
    assert body.given(Value(body, "b")) == Value(main, "two")
    assert body.argument(0) is None


def test_arguments_nobody_gives() -> None:
    short = function("short", ["a", "b"], returns={"r": "a"})
    main = Level.of(
        view_of(
            node("c", "PartitionedCall", "x", f=Func("short")),
            node("d", "MapDataset", "x", f=Func("short")),
            functions=[short],
        )
    )
    call, dataset = only_under(main, "c"), only_under(main, "d")
    assert call.given(Value(call, "b")) is None
    assert dataset.given(Value(dataset, "a")) is None
    alone = Level.of(main.meta, "short")
    assert alone.given(Value(alone, "a")) is None
    assert alone.result(0) == Value(alone, "a")


def polymorphic() -> object:
    """`many(N * xs, y) -> (y, N * zs)`, where `zs` are `xs`."""
    found = function("many", [], node("id", "IdentityN", "xs", T=[1, 1, 1]))
    found.signature.input_arg.add(name="xs", type=1, number_attr="N")
    found.signature.input_arg.add(name="y", type=1)
    found.signature.output_arg.add(name="last", type=1)
    found.signature.output_arg.add(name="zs", type=1, number_attr="N")
    found.ret["last"] = "y"
    found.ret["zs"] = "id:output"
    return found


@pytest.mark.parametrize("direct", [True, False], ids=["direct", "call"])
def test_lists_have_as_many_tensors_as_the_call_says(direct: bool) -> None:
    number = schema.AttrValue(i=3)
    calling = node("c", "many" if direct else "PartitionedCall", "x", "x:1", "x:2", "w")
    if direct:
        calling.attr["N"].CopyFrom(number)
    else:
        calling.attr["f"].func.name = "many"
        calling.attr["f"].func.attr["N"].CopyFrom(number)
    main = Level.of(view_of(calling, functions=[polymorphic()]))
    body = only_under(main, "c")
    assert [body.argument(at) for at in range(4)] == [
        Value(body, "xs", 0),
        Value(body, "xs", 1),
        Value(body, "xs", 2),
        Value(body, "y"),
    ]
    assert body.given(Value(body, "xs", 2)) == Value(main, "x", 2)
    assert body.given(Value(body, "y")) == Value(main, "w")
    assert body.given(Value(body, "xs", 3)) is None
    assert body.result(0) == Value(body, "y")
    assert [body.result(at) for at in (1, 2, 3)] == [Value(body, "id", at) for at in range(3)]
    assert body.returned(Value(body, "id", 1)) == [2]


def test_a_list_of_unknown_length_gives_nothing() -> None:
    main = Level.of(view_of(node("c", "many", "x", "y"), functions=[polymorphic()]))
    body = only_under(main, "c")
    assert body.given(Value(body, "y")) is None and body.result(0) is None and body.argument(0) is None
    assert "f" not in main.nodes["c"].attr, "asking makes no attrs"


def test_uses_of_a_value() -> None:
    body = function(
        "f",
        ["a"],
        node("top", "TopKV2", "a", "a", T=1),
        node("use", "Sub", "top:indices:0", "a", T=3),
        node("wait", "NoOp", "^top"),
        returns={"r": "use:z:0"},
    )
    main = Level.of(view_of(node("c", "PartitionedCall", "x", f=Func("f")), functions=[body]))
    inside = only_under(main, "c")

    def users(value: Value) -> list[tuple[str, int]]:
        return [(use.node.name, use.position) for use in value.level.uses(value)]

    assert users(Value(inside, "a")) == [("top", 0), ("top", 1), ("use", 1)]
    assert users(Value(inside, "top", 1)) == [("use", 0)]
    assert users(Value(inside, "top", 0)) == []
    (use,) = main.uses(Value(main, "x"))
    assert list(use.arguments()) == [Value(inside, "a")]
    assert (use.op, use.output(), use.input(0), use.input(1)) == (
        "PartitionedCall",
        Value(main, "c"),
        Value(main, "x"),
        None,
    )


def test_shape_of_a_tensor_inside() -> None:
    inside = node("p", "Placeholder", dtype=1)
    inside.attr["shape"].CopyFrom(attr(schema.AttrValue()))
    inside.attr["shape"].shape.dim.add().size = 3
    view = view_of(node("c", "PartitionedCall", f=Func("f")), functions=[function("f", [], inside)])
    found = find(view, "c::p")
    assert found is not None and found.tensor is not None
    assert (found.tensor.name, found.tensor.shape) == ("c::p:0", (3,))
