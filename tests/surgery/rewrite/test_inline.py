"""Calls replaced by their bodies: the same numbers, on every model of the zoo that has calls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import protos
from tests.sampling import plainly
from tests.surgery.inlining import assert_equal_runs, message_of, write_beside
from tests.zoo import ZOO, Example
from workbench import names
from workbench.disk import schema
from workbench.model import MetaGraph
from workbench.model.op_classes import CALLS
from workbench.runtime.child_process.child import Child
from workbench.surgery.rewrite.inline import called_function, inline_calls, saver_calls

Zoo = Callable[[str], Example]
# what differs from itself, what no v1 Session runs, what has nothing to call
LEFT_OUT = {"random", "slow", "graphdef", "unknown_op", "elsewhere"}
MODELS = [name for name, made in ZOO.items() if not made.kinds & LEFT_OUT]


def meta_of(message: Any, tags: tuple[str, ...]) -> Any:
    return next(meta for meta in message.meta_graphs if set(meta.meta_info_def.tags) == set(tags))


def inline_all(meta: Any) -> Any:
    skip = saver_calls(meta.graph_def, meta.saver_def.filename_tensor_name)
    return inline_calls(meta.graph_def, op_table=MetaGraph(meta).op_table, skip=skip)


def test_the_result_is_the_same_in_every_process() -> None:
    letters = "hdbagcfe"
    body = protos.function(
        "f", ["a:1"], *(protos.node(letter, "NoOp", "^a") for letter in letters), returns={"y": "a"}
    )
    for letter in letters:  # a map of a protobuf message has no order
        body.control_ret[letter] = letter
    graph_def = protos.graph(
        protos.node("x", "Placeholder", dtype=1),
        protos.node("call", "StatefulPartitionedCall", "x", Tin=[1], Tout=[1], f=protos.Func("f")),
        functions=[body],
    )
    inline_calls(graph_def)
    (call,) = (made for made in graph_def.node if made.name == "call")
    assert list(call.input) == ["x", *(f"^call/{letter}" for letter in sorted(letters))]


@pytest.mark.parametrize(
    "name",
    plainly(
        MODELS,
        *("tf2_nested_functions", "tf2_equal_names", "tf2_cond", "tf2_while", "tf2_custom_gradient"),
        *("tf2_hash_table", "tf2_dtypes", "keras_dense", "v1_functions", "v1_while_functional"),
    ),
)
def test_a_model_with_its_calls_opened_gives_the_same(
    zoo: Zoo, child: Child, tmp_path: Path, name: str
) -> None:
    example = zoo(name)
    message = message_of(example)
    meta = meta_of(message, example.tags)
    variables = {node.name for node in meta.graph_def.node if node.op == "VarHandleOp"}
    before = {node.name for node in meta.graph_def.node}
    done = inline_all(meta)
    if not done.places:
        pytest.skip("it calls nothing")
    functions = {function.signature.name for function in meta.graph_def.library.function}
    skip = saver_calls(meta.graph_def, meta.saver_def.filename_tensor_name)
    nodes = {node.name: node for node in meta.graph_def.node}
    assert len(nodes) == len(meta.graph_def.node)
    assert [n for n in nodes.values() if called_function(n, functions) and n.name not in skip] == []
    assert before <= set(nodes)
    assert variables <= {name for name, node in nodes.items() if node.op == "VarHandleOp"}
    for path, scope in done.places.items():
        body = next(f for f in meta.graph_def.library.function if f.signature.name == done.functions[path])
        assert {f"{scope}/{node.name}" for node in body.node_def} <= set(nodes)
    if example.signature is None or not example.runs_v1:
        return
    assert_equal_runs(example, write_beside(example, message, tmp_path), child)


def test_only_some_calls_are_opened_with_those_above_them(zoo: Zoo, child: Child, tmp_path: Path) -> None:
    example = zoo("tf2_nested_functions")
    message = message_of(example)
    meta = message.meta_graphs[0]
    everything = inline_all(message_of(example).meta_graphs[0])
    deepest = max(everything.places, key=lambda path: path.count(names.CALL_SEPARATOR))
    assert deepest.count(names.CALL_SEPARATOR) >= 2
    done = inline_calls(meta.graph_def, which=[deepest])
    steps = deepest.split(names.CALL_SEPARATOR)
    assert set(done.places) == {names.CALL_SEPARATOR.join(steps[: n + 1]) for n in range(len(steps))}
    assert done.places[deepest] == "/".join(steps)
    assert any(node.op in CALLS for node in meta.graph_def.node)
    assert_equal_runs(example, write_beside(example, message, tmp_path), child)


def graph_with(*nodes: dict[str, Any], functions: list[Any]) -> Any:
    graph = schema.GraphDef()
    for node in nodes:
        graph.node.add(**node)
    graph.library.function.extend(functions)
    return graph


def doubling(name: str = "twice") -> Any:
    """x:T -> y:T, with an attr T the call gives, a Const, a stateful op that nobody asks for, and a control output."""
    function = schema.FunctionDef()
    function.signature.name = name
    function.signature.attr.add(name="T", type="type")
    function.signature.input_arg.add(name="x", type_attr="T")
    function.signature.output_arg.add(name="y", type_attr="T")
    add = function.node_def.add(name="add", op="AddV2", input=["x", "x"])
    add.attr["T"].placeholder = "T"
    add.attr["_class"].list.s.extend([b"loc:@x", b"loc:@print"])
    text = function.node_def.add(name="text", op="Const")
    text.attr["dtype"].type = 7
    text.attr["value"].tensor.dtype = 7
    text.attr["value"].tensor.string_val.append(b"seen")
    function.node_def.add(name="print", op="PrintV2", input=["text:output:0"])
    function.ret["y"] = "add:z:0"
    return function


def test_attrs_devices_places_and_effects_of_a_call_by_name() -> None:
    graph = graph_with(
        {"name": "a", "op": "Placeholder"},
        {"name": "first", "op": "NoOp"},
        {"name": "call", "op": "twice", "input": ["a", "^first"], "device": "/cpu:0"},
        {"name": "call/add", "op": "NoOp"},
        functions=[doubling()],
    )
    graph.node[2].attr["T"].type = 1
    done = inline_calls(graph)
    nodes = {node.name: node for node in graph.node}
    assert done.places == {"call": "call_1"}  # `call/add` was there before
    added = nodes["call_1/add"]
    assert list(added.input) == ["a", "a", "^first"]
    assert added.attr["T"].type == 1
    assert added.device == "/cpu:0"
    assert list(added.attr["_class"].list.s) == [b"loc:@a", b"loc:@call_1/print"]
    assert list(nodes["call_1/text"].input) == ["^first"]
    assert nodes["call"].op == "Identity"
    assert list(nodes["call"].input) == ["call_1/add", "^call_1/print", "^first"]
    assert nodes["call"].attr["T"].type == 1


def test_a_function_that_calls_itself_is_opened_once() -> None:
    function = doubling("again")
    call = function.node_def.add(name="more", op="again", input=["add:z:0"])
    call.attr["T"].placeholder = "T"
    function.ret["y"] = "more:y:0"
    graph = graph_with(
        {"name": "a", "op": "Placeholder"},
        {"name": "call", "op": "again", "input": ["a"]},
        functions=[function],
    )
    graph.node[1].attr["T"].type = 1
    done = inline_calls(graph)
    assert list(done.places) == ["call"]
    assert done.left == ["call::more"]
    assert {node.name: node.op for node in graph.node}["call/more"] == "again"


def test_a_constant_of_a_body_stays_in_the_loop_its_call_is_in() -> None:
    function = doubling()
    graph = graph_with(
        {"name": "a", "op": "Placeholder"},
        {"name": "enter", "op": "Enter", "input": ["a"]},
        {"name": "call", "op": "twice", "input": ["enter"]},
        functions=[function],
    )
    graph.node[2].attr["T"].type = 1
    inline_calls(graph)
    nodes = {node.name: node for node in graph.node}
    assert list(nodes["call/text"].input) == ["^call/input"]
    assert list(nodes["call/input"].input) == ["enter"]
