"""A part of a graph becomes a function: every form that a reference to a tensor has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protos import Func, function, graph, node
from tests.surgery.importing import written
from workbench.disk import schema
from workbench.disk.optable import OpTable
from workbench.surgery.rewrite.outline import Argument, CannotOutline, Outliner

FLOAT, INT, RESOURCE = 1, 3, 20


def outliner(*nodes: Any, functions: tuple[Any, ...] = (), set_up: tuple[str, ...] = ()) -> Outliner:
    by_name = {one.signature.name: one for one in functions}
    return Outliner({one.name: one for one in nodes}, by_name, OpTable(schema.OpList()), set_up)


def outlined(made: Outliner, arguments: list[Argument], outputs: dict[str, str], **more: Any) -> Any:
    return made.add_function(schema.FunctionDefLibrary(), "f", arguments, outputs, **more)


X = Argument("x:0", "x", FLOAT, (None, 4))


def test_inputs_take_the_form_of_bodies() -> None:
    """`n:k` becomes `n:ARG:i`; an op with several results has several args."""
    made = outliner(
        node("x", "Placeholder", dtype=FLOAT),
        node("k", "Const", dtype=INT),
        node("best", "TopKV2", "x", "k", T=FLOAT),
        node("both", "AddV2", "best", "best", T=FLOAT),
        node("where", "Identity", "best:1", T=INT),
    )
    found = outlined(made, [X], {"values": "both:0", "places": "where:0"})
    assert written(found.node_def) == [
        "k = Const()",
        "best = TopKV2(x, k:output:0)",
        "both = AddV2(best:values:0, best:values:0)",
        "where = Identity(best:indices:0)",
        "result_values = Identity(both:z:0)",
        "result_places = Identity(where:output:0)",
    ]
    assert dict(found.ret) == {"values": "result_values:output:0", "places": "result_places:output:0"}
    assert [one.type for one in found.signature.output_arg] == [FLOAT, INT]
    assert not found.signature.is_stateful


def test_only_what_the_outputs_need() -> None:
    made = outliner(
        node("x", "Placeholder", dtype=FLOAT),
        node("y", "Neg", "x", "^other", T=FLOAT),
        node("other", "NoOp"),
        node("far", "Exp", "x", T=FLOAT),
    )
    found = outlined(made, [X], {"y": "y:0"})
    assert written(found.node_def) == ["y = Neg(x, ^other)", "other = NoOp()", "result_y = Identity(y:y:0)"]


def test_a_tensor_inside_is_fed() -> None:
    """What is above an argument is not in the body."""
    made = outliner(
        node("x", "Placeholder", dtype=FLOAT), node("h", "Exp", "x", T=FLOAT), node("y", "Neg", "h", T=FLOAT)
    )
    found = outlined(made, [Argument("h:0", "hidden", FLOAT, None)], {"y": "y:0"})
    assert written(found.node_def) == ["y = Neg(hidden)", "result_y = Identity(y:y:0)"]


def test_an_argument_gives_way_to_a_node_of_its_name() -> None:
    """Arguments and nodes of a body share one namespace; a node keeps its name, as gradients may ask for it."""
    made = outliner(
        node("fed", "Placeholder", dtype=FLOAT),
        node("x", "Exp", "fed", T=FLOAT),
        node("y", "Neg", "x", T=FLOAT),
    )
    found = outlined(made, [Argument("fed:0", "x", FLOAT, None)], {"y": "y:0"})
    assert [one.name for one in found.signature.input_arg] == ["x_0"]
    assert written(found.node_def)[:2] == ["x = Exp(x_0)", "y = Neg(x:y:0)"]
    assert found.arg_attr[0].attr["_user_specified_name"].s == b"x", "callers know it by its key"


def test_names_of_arguments_are_identifiers_and_unique() -> None:
    made = outliner(node("a", "Placeholder", dtype=FLOAT), node("b", "Placeholder", dtype=FLOAT))
    arguments = [Argument("a:0", "Image/Raw", FLOAT), Argument("b:0", "image_raw", FLOAT)]
    found = outlined(made, arguments, {"image/raw": "a:0"})
    assert [one.name for one in found.signature.input_arg] == ["image_raw", "image_raw_0"]
    assert [one.name for one in found.signature.output_arg] == ["image_raw_1"]
    assert found.arg_attr[0].attr["_user_specified_name"].s == b"Image/Raw"


def test_a_variable_is_captured_with_what_it_holds() -> None:
    made = outliner(node("w", "VarHandleOp", dtype=FLOAT), node("read", "ReadVariableOp", "w", dtype=FLOAT))
    handle = Argument("w:0", "w", RESOURCE, (4, 2), FLOAT)
    found = outlined(made, [handle], {"y": "read:0"})
    assert written(found.node_def)[0] == "read = ReadVariableOp(w)"
    (data,) = found.signature.input_arg[0].handle_data
    assert (data.dtype, [one.size for one in data.shape.dim]) == (FLOAT, [4, 2])
    assert found.signature.is_stateful


def test_nodes_that_also_run_are_control_results() -> None:
    made = outliner(
        node("w", "VarHandleOp", dtype=FLOAT),
        node("x", "Placeholder", dtype=FLOAT),
        node("count", "AssignAddVariableOp", "w", "x", dtype=FLOAT),
    )
    handle = Argument("w:0", "w", RESOURCE, (), FLOAT)
    found = outlined(made, [X, handle], {"y": "x:0"}, also_run=["count"])
    assert written(found.node_def) == [
        "count = AssignAddVariableOp(w, x)",
        "result_y = Identity(x, ^count)",
    ]
    assert dict(found.control_ret) == {"count": "count"}
    assert list(found.signature.control_output) == ["count"]


def test_outputs_of_a_call() -> None:
    called = function("called", ["a:1"], returns={"first": "a", "second": "a"})
    made = outliner(
        node("x", "Placeholder", dtype=FLOAT),
        node("call", "PartitionedCall", "x", f=Func("called"), Tin=[FLOAT], Tout=[FLOAT, FLOAT]),
        node("y", "Neg", "call:1", T=FLOAT),
        functions=(called,),
    )
    found = outlined(made, [X], {"y": "y:0"})
    assert "y = Neg(call:output:1)" in written(found.node_def)


def test_colocation_with_what_is_outside_is_dropped() -> None:
    y = node("y", "Neg", "x", T=FLOAT)
    y.attr["_class"].list.s.extend([b"loc:@far", b"loc:@y"])
    found = outlined(outliner(node("x", "Placeholder", dtype=FLOAT), y), [X], {"y": "y:0"})
    assert list(found.node_def[0].attr["_class"].list.s) == [b"loc:@y"]


REFUSED = {
    "a reference variable": (
        [node("v", "VariableV2", dtype=FLOAT), node("y", "Neg", "v", T=FLOAT)], "VariableV2 can't stand in a function",
    ),
    "a placeholder that nothing feeds": (
        [node("p", "Placeholder", dtype=FLOAT), node("y", "Neg", "p", T=FLOAT)], "placeholder that no input feeds",
    ),
    "an op that is not known": (
        [node("a", "SomebodysOp"), node("y", "Neg", "a", T=FLOAT)], "the outputs of the op SomebodysOp are not known",
    ),
    "a node that is not there": ([node("y", "Neg", "gone", T=FLOAT)], "the graph has no such node"),
    "an output that is not there": (
        [node("a", "Const", dtype=FLOAT), node("y", "Neg", "a:3", T=FLOAT)], "it has no output 3",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("nodes", "why"), REFUSED.values(), ids=REFUSED)
def test_refused(nodes: list[Any], why: str) -> None:
    """The library is left as it was."""
    library = schema.FunctionDefLibrary()
    with pytest.raises(CannotOutline, match=why):
        outliner(*nodes).add_function(library, "f", [], {"y": "y:0"})
    assert not library.function


def test_a_resource_that_an_init_op_sets_up_is_refused() -> None:
    """The TF2 format runs no init op."""
    nodes = [node("table", "HashTableV2"), node("size", "LookupTableSizeV2", "table")]
    with pytest.raises(CannotOutline, match="the init op sets it up"):
        outlined(outliner(*nodes, set_up=("table",)), [], {"n": "size:0"})
    assert outlined(outliner(*nodes), [], {"n": "size:0"}).ret


def test_the_same_function_again_has_another_name() -> None:
    made, library = outliner(node("x", "Placeholder", dtype=FLOAT)), schema.FunctionDefLibrary()
    first = made.add_function(library, "first", [X], {"y": "x:0"})
    second = made.add_function(library, "second", [X], {"y": "x:0"})
    assert (first.signature.name, second.signature.name) == ("first", "second")
    assert written(first.node_def) == written(second.node_def)
    assert graph(functions=library.function).library.function[1].ret == {"y": "result_y:output:0"}


def test_bodies_that_are_kept_apart_are_the_same() -> None:
    nodes = node("x", "Placeholder", dtype=FLOAT), node("y", "Neg", "x", T=FLOAT)
    usual = outlined(outliner(*nodes), [X], {"y": "y:0"})
    apart, library = outliner(*nodes), schema.FunctionDefLibrary()
    apart.bodies = {}
    for name in ("f", "g"):
        found = apart.add_function(library, name, [X], {"y": "y:0"})
        assert not found.node_def and found.ret == usual.ret
        assert written(apart.bodies[name]) == written(usual.node_def)
    assert apart.bodies["f"] is apart.bodies["g"]
