"""Exposing: functions on the way to a tensor are cloned once, gradients and shapes of calls follow, loops get lists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protos import Func, Shape, const, function, graph, meta_graph, node
from workbench.disk import dtypes, schema
from workbench.graph.level import Level, Value
from workbench.model import MetaGraph, shapes
from workbench.surgery.rewrite.expose_values import Exposed, expose_values

VARIANT = dtypes.VARIANT


def calls() -> list[Any]:
    """`outer` calls `inner` twice; both give one float."""
    inner = function(
        "inner",
        ["a"],
        node("sq", "Square", "a", T=1),
        node("neg", "Neg", "sq:y:0", T=1),
        returns={"out": "neg:y:0"},
    )
    outer = function(
        "outer",
        ["x"],
        node("one", "PartitionedCall", "x", f=Func("inner"), Tin=[1], Tout=[1]),
        node("two", "PartitionedCall", "one:output:0", f=Func("inner"), Tin=[1], Tout=[1]),
        returns={"exposed": "two:output:0"},
    )
    return [inner, outer]


def main(functions: list[Any], *more: Any) -> MetaGraph:
    nodes = [
        node("x", "Placeholder", dtype=1, shape=Shape((None, 4))),
        node(
            "go", "PartitionedCall", "x", f=Func("outer"), Tin=[1], Tout=[1], _output_shapes=listed((None, 4))
        ),
        node("also", "PartitionedCall", "x", f=Func("outer"), Tin=[1], Tout=[1]),
    ]
    return MetaGraph(
        meta_graph(graph(*nodes, *more, functions=functions), serving_default=({"x": "x:0"}, {}))
    )


def listed(*given: shapes.Shape) -> schema.AttrValue:
    found = schema.AttrValue()
    for one in given:
        found.list.shape.add().CopyFrom(shapes.to_proto(one))
    return found


def exposed(meta: MetaGraph, *places: str, iterations: int = 10) -> tuple[MetaGraph, Exposed]:
    """The MetaGraph with these tensors exposed, each under its own name, and what was done."""
    proto = schema.MetaGraphDef()
    proto.CopyFrom(meta.proto)
    root = Level.of(meta)
    values = {}
    for place in places:
        *path, last = place.split("::")
        level = root
        for step in path:
            bodies = level.levels_under(level.nodes[step])
            level = next(one for one in bodies if one.call and one.call.kind in ("call", "loop"))
        values[place] = Value(level, last)
    return MetaGraph(proto), expose_values(proto, values, iterations=iterations)


def test_a_function_is_cloned_once_for_all_tensors_behind_a_call() -> None:
    before = main(calls())
    after, done = exposed(before, "go::one::sq", "go::one::neg", "go::two::sq", "go::one::sq", "x")
    assert done.calls == ["go"] and done.tensors["x"] == "x:0"
    assert done.clones == {"outer_exposed": "outer", "inner_exposed": "inner", "inner_exposed_1": "inner"}
    assert [done.tensors[f"go::{name}"] for name in ("one::sq", "one::neg", "two::sq")] == [
        "go:1",
        "go:2",
        "go:3",
    ]
    go, outer = after.nodes["go"], after.functions["outer_exposed"]
    assert go.attr["f"].func.name == "outer_exposed" and list(go.attr["Tout"].list.type) == [1] * 4
    assert [arg.name for arg in outer.signature.output_arg] == [
        "exposed",
        "exposed_1",
        "exposed_2",
        "exposed_3",
    ]
    assert dict(outer.ret) == {
        "exposed": "two:output:0",
        "exposed_1": "one:output:1",
        "exposed_2": "one:output:2",
        "exposed_3": "two:output:1",
    }
    inside = {one.name: one.attr["f"].func.name for one in outer.node_def}
    assert inside == {"one": "inner_exposed", "two": "inner_exposed_1"}
    assert dict(after.functions["inner_exposed"].ret) == {
        "out": "neg:y:0",
        "exposed": "sq:y:0",
        "exposed_1": "exposed/again:output:0",
    }


def test_other_users_of_a_function_keep_it() -> None:
    before = main(calls())
    after, _ = exposed(before, "go::one::sq")
    assert after.nodes["also"] == before.nodes["also"]
    for name in ("inner", "outer"):
        assert after.functions[name] == before.functions[name]


def test_two_calls_that_want_the_same_share_a_clone() -> None:
    after, done = exposed(main(calls()), "go::one::sq", "go::two::sq", "also::one::sq", "also::two::sq")
    assert sorted(done.clones) == ["inner_exposed", "outer_exposed"]
    assert done.calls == ["go", "also"]
    assert [after.nodes[name].attr["f"].func.name for name in ("go", "also")] == ["outer_exposed"] * 2


def test_shapes_that_a_call_notes_are_as_many_as_its_outputs() -> None:
    after, _ = exposed(main(calls()), "go::one::sq", "go::two::sq")
    noted = after.nodes["go"].attr["_output_shapes"].list.shape
    assert [shapes.from_proto(one) for one in noted] == [(None, 4), None, None]


def test_an_op_that_is_a_function() -> None:
    """Calls of TF1: the op of the node is the function's name."""
    called = function("Twice", ["a"], node("sq", "Square", "a", T=1), returns={"out": "sq:y:0"})
    outer = function("outer", ["x"], node("c", "Twice", "x"), returns={"y": "c:out:0"})
    after, done = exposed(main([called, outer]), "go::c::sq")
    assert done.tensors == {"go::c::sq": "go:1"}
    body = after.functions["outer_exposed"]
    assert body.node_def[0].op == "Twice_exposed" and body.ret["exposed"] == "c:exposed:0"


def test_attributes_for_the_results_a_function_had_are_not_the_clone_s() -> None:
    functions = calls()
    for name in ("forward_function_name", "backward_function_name", "api_implements", "_noinline"):
        functions[0].attr[name].s = b"inner"
    after, _ = exposed(main(functions), "go::one::sq")
    assert list(after.functions["inner_exposed"].attr) == ["_noinline"]


def test_a_gradient_of_its_own_ignores_the_new_outputs() -> None:
    functions = calls()
    gradient = function("grad", ["a", "dy"], node("m", "Mul", "a", "dy", T=1), returns={"da": "m:z:0"})
    before = main([*functions, gradient])
    before.proto.graph_def.library.gradient.add(function_name="inner", gradient_func="grad")
    after, done = exposed(before, "go::one::sq", "go::one::neg")
    found = {one.function_name: one.gradient_func for one in after.proto.graph_def.library.gradient}
    assert found == {"inner": "grad", "inner_exposed": "grad_exposed"}
    arguments = after.functions["grad_exposed"].signature.input_arg
    assert [(one.name, one.type) for one in arguments] == [
        ("a", 1),
        ("dy", 1),
        ("exposed_in", 1),
        ("exposed_in_1", 1),
    ]
    assert done.own_gradients == ["inner"]


@pytest.mark.parametrize("registered", [True, False])
def test_the_gradient_type_of_a_call(registered: bool) -> None:
    """A registered one gets a counterpart; one that is known only where the model was made is removed."""
    functions = calls()
    functions[1].node_def[0].attr["_gradient_op_type"].s = b"Custom-1"
    gradient = function("grad", ["dy"], node("n", "Neg", "dy", T=1), returns={"dx": "n:y:0"})
    before = main([*functions, gradient])
    if registered:
        before.proto.graph_def.library.registered_gradients.add(
            gradient_func="grad", registered_op_type="Custom-1"
        )
    after, done = exposed(before, "go::one::sq")
    call = after.functions["outer_exposed"].node_def[0]
    found = {
        one.registered_op_type: one.gradient_func
        for one in after.proto.graph_def.library.registered_gradients
    }
    if registered:
        assert call.attr["_gradient_op_type"].s == b"Custom-1_exposed"
        assert found == {"Custom-1": "grad", "Custom-1_exposed": "grad_exposed"}
    else:
        assert "_gradient_op_type" not in call.attr and not found and not done.own_gradients
    assert before.functions["outer"].node_def[0].attr["_gradient_op_type"].s == b"Custom-1"


def test_a_reference_is_read() -> None:
    before = main(calls(), node("w", "VariableV2", dtype=1, shape=Shape((2,))))
    after, done = exposed(before, "w")
    assert done.tensors == {"w": "expose_1/w_0:0"}
    assert after.nodes["expose_1/w_0"].op == "Identity" and after.nodes["expose_1/w_0"].input == ["w"]


def loop() -> MetaGraph:
    """`while i < 3: i, s = i + 1, -s`, in a function; the second value of `inside` is a call's."""
    called = function("called", ["a"], node("sq", "Square", "a", T=1), returns={"out": "sq:y:0"})
    cond = function("cond", ["i:3", "s"], node("lt", "Less", "i", "i", T=3), returns={"go": "lt:z:0"})
    cond.signature.output_arg[0].type = 10
    cond.attr["_input_shapes"].list.shape.add()
    cond.attr["_input_shapes"].list.shape.add()
    body = function(
        "body",
        ["i:3", "s"],
        node("inc", "AddV2", "i", "i", T=3),
        node("neg", "Neg", "s", T=1, _output_shapes=listed((2, 3))),
        node("call", "PartitionedCall", "s", f=Func("called"), Tin=[1], Tout=[1]),
        returns={"i_out": "inc:z:0", "s_out": "neg:y:0"},
    )
    body.signature.output_arg[0].type = 3
    outer = function(
        "outer",
        ["x"],
        node("zero", "Const", dtype=3),
        node(
            "w",
            "While",
            "zero:output:0",
            "x",
            "^zero",
            T=[3, 1],
            cond=Func("cond"),
            body=Func("body"),
            output_shapes=listed((), (2, 3)),
        ),
        returns={"y": "w:output:1"},
    )
    outer.node_def[1].attr["_num_original_outputs"].i = 2
    return main([called, cond, body, outer], const("unused", "a"))


def test_a_loop_collects_the_value_of_each_iteration() -> None:
    after, done = exposed(loop(), "go::w::neg", "go::w::call::sq", iterations=7)
    assert done.loops == ["go::w"] and done.tensors == {"go::w::neg": "go:1", "go::w::call::sq": "go:2"}
    outer = {one.name: one for one in after.functions["outer_exposed"].node_def}
    w = outer["w"]
    assert list(w.input) == [
        "zero:output:0",
        "x",
        "exposed/list:handle:0",
        "exposed/list_1:handle:0",
        "^zero",
    ]
    assert list(w.attr["T"].list.type) == [3, 1, VARIANT, VARIANT] and w.attr["_num_original_outputs"].i == 4
    assert len(w.attr["output_shapes"].list.shape) == 4
    assert (w.attr["cond"].func.name, w.attr["body"].func.name) == ("cond_exposed", "body_exposed")
    values = outer["exposed/values"]
    assert values.op == "TensorListStack" and list(values.input) == ["w:output:2", "exposed/shape:output:0"]
    assert list(outer["exposed/shape"].attr["value"].tensor.int_val) == [2, 3]
    assert list(outer["exposed/shape_1"].attr["value"].tensor.int_val) == [-1]
    asks = after.functions["cond_exposed"]
    assert [one.type for one in asks.signature.input_arg] == [3, 1, VARIANT, VARIANT]
    assert len(asks.attr["_input_shapes"].list.shape) == 4


def test_the_list_of_a_loop_is_bounded() -> None:
    after, _ = exposed(loop(), "go::w::neg", iterations=7)
    body = after.functions["body_exposed"]
    nodes = {one.name: one for one in body.node_def}
    assert [(one.name, one.type) for one in body.signature.input_arg][2:] == [("exposed_in", VARIANT)]
    assert nodes["exposed/length"].input == ["exposed_in"]
    assert list(nodes["exposed/iterations"].attr["value"].tensor.int_val) == [7]
    assert list(nodes["exposed/room"].input) == ["exposed/length:length:0", "exposed/iterations:output:0"]
    append = nodes["exposed/append"]
    assert append.op == "StatelessIf" and list(append.input) == ["exposed/room:z:0", "exposed_in", "neg:y:0"]
    assert body.ret["exposed"] == "exposed/append:output:0"
    then, other = (after.functions[append.attr[one].func.name] for one in ("then_branch", "else_branch"))
    assert [one.op for one in then.node_def] == ["TensorListPushBack"] and then.node_def[0].attr[
        "element_dtype"
    ].type == 1
    assert [one.op for one in other.node_def] == ["Identity"]


def test_a_loop_in_the_main_graph() -> None:
    before = loop()
    while_ = schema.NodeDef()
    while_.CopyFrom(before.functions["outer"].node_def[1])
    while_.input[:] = ["zero", "x"]
    before = main(list(before.functions.values()), node("zero", "Const", dtype=3), while_)
    after, done = exposed(before, "w::neg")
    assert done.tensors == {"w::neg": "expose_1/values:0"} and done.calls == ["w"]
    assert list(after.nodes["w"].input) == ["zero", "x", "expose_1/list"]
    assert list(after.nodes["expose_1/values"].input) == ["w:2", "expose_1/shape"]
