"""Functions and objects of a result in TF2 format, made of a main graph of a few nodes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protos import graph, meta_graph, node
from tests.surgery.importing import written
from workbench.disk import schema
from workbench.disk.optable import OpTable
from workbench.surgery.export import functions
from workbench.surgery.export.object_graph import Objects, begin
from workbench.surgery.rewrite.outline import CannotOutline, Outliner

FLOAT, INT, RESOURCE = 1, 3, 20


def scaled(*, inputs: tuple[str, ...] = ("x",)) -> Any:
    """`y` = `x` times the variable `w`; further inputs are added to it."""
    nodes = [node(name, "Placeholder", dtype=FLOAT) for name in inputs]
    nodes += [
        node("w", "VarHandleOp", dtype=FLOAT),
        node("read", "ReadVariableOp", "w", dtype=FLOAT),
        node("y", "Mul", "x", "read", T=FLOAT),
    ]
    nodes += [node("z", "AddV2", "y", inputs[1], T=FLOAT)] if len(inputs) > 1 else []
    ports = {name: f"{name}:0" for name in inputs}
    return meta_graph(graph(*nodes), serving_default=(ports, {"y": "z:0" if len(inputs) > 1 else "y:0"}))


def working(meta: Any) -> tuple[Objects, Outliner]:
    """Objects in which `w` is a variable, and the outliner of the main graph."""
    objects = begin()
    number, variable = objects.add("variable", 0, "w")
    variable.variable.trainable = True
    objects.bound["w"] = number
    nodes = {one.name: one for one in meta.graph_def.node}
    return objects, Outliner(nodes, {}, OpTable(schema.OpList()))


def children(objects: Objects, number: int = 0) -> dict[str, int]:
    return {child.local_name: child.node_id for child in objects.graph.nodes[number].children}


def test_a_signature_is_a_function_with_captures() -> None:
    meta = scaled()
    objects, outliner = working(meta)
    place = functions.add_signature_map(objects)
    name = functions.add_signature(objects, meta, outliner, "serving_default", place)
    (made,) = meta.graph_def.library.function
    assert made.signature.name == name
    assert [(one.name, one.type) for one in made.signature.input_arg] == [
        ("x", FLOAT),
        ("capture_0", RESOURCE),
    ]
    assert written(made.node_def) == [
        "read = ReadVariableOp(capture_0)",
        "y = Mul(x, read:value:0)",
        "result_y = Identity(y:z:0)",
    ]
    concrete = objects.graph.concrete_functions[name]
    assert list(concrete.bound_inputs) == [objects.bound["w"]]
    assert list(concrete.output_signature.dict_value.fields) == ["y"]
    bare = objects.graph.nodes[children(objects, place)["serving_default"]].bare_concrete_function
    assert (list(bare.argument_keywords), bare.allowed_positional_arguments) == (["x"], 1)


def test_call_and_serve_take_inputs_by_position_and_in_a_dict() -> None:
    meta = scaled(inputs=("x", "add"))
    objects, outliner = working(meta)
    functions.add_call(objects, meta, outliner, "serving_default")
    found = children(objects)
    call = objects.graph.nodes[found["__call__"]].function
    assert list(call.concrete_functions) == ["__inference___call___0", "__inference___call___0_dict_2"]
    assert list(objects.graph.nodes[found["serve"]].function.concrete_functions) == list(
        call.concrete_functions
    )
    by_dict = meta.graph_def.library.function[1]
    assert [one.name for one in by_dict.signature.input_arg] == ["add", "x", "capture_0"]
    assert written(by_dict.node_def) == ["call = StatefulPartitionedCall(add, x, capture_0)"]


def test_an_input_with_a_default_comes_last_and_may_be_left_out() -> None:
    meta = scaled(inputs=("x", "add"))
    default = meta.signature_def["serving_default"].defaults["add"]
    default.dtype = FLOAT
    default.float_val.append(2.0)
    objects, outliner = working(meta)
    functions.add_call(objects, meta, outliner, "serving_default")
    call = objects.graph.nodes[children(objects)["__call__"]].function
    assert len(call.concrete_functions) == 3
    values = {pair.key: pair.value for pair in call.function_spec.fullargspec.named_tuple_value.values}
    assert [one.string_value for one in values["args"].list_value.values] == ["x", "add"]
    assert values["defaults"].tuple_value.values[0].tensor_value.float_val[:] == [2.0]


def test_training_is_an_argument_where_both_modes_exist() -> None:
    meta = scaled()
    objects, outliner = working(meta)
    other = dict(outliner.nodes)
    other["y"] = node("y", "Sub", "x", "read", T=FLOAT)
    modes = {False: outliner, True: Outliner(other, {}, outliner.op_table)}
    functions.add_call(objects, meta, outliner, "serving_default", modes)
    found = children(objects)
    call = objects.graph.nodes[found["__call__"]].function
    assert list(call.concrete_functions) == ["__inference___call___0", "__inference___call___1"]
    ops = {one.signature.name: one.node_def[1].op for one in meta.graph_def.library.function}
    assert (ops["__inference___call___0"], ops["__inference___call___1"]) == ("Mul", "Sub")
    training = objects.graph.concrete_functions["__inference___call___1"].canonicalized_input_signature
    assert training.tuple_value.values[0].tuple_value.values[-1].bool_value
    assert ops["__inference_serve_0"] == "Mul"


def test_a_large_constant_is_shared_by_all_functions() -> None:
    """It is an object that functions capture; a small one is copied into each."""
    meta = scaled()
    for name, size in (("small", 8), ("large", 4096)):
        constant = meta.graph_def.node.add(name=name, op="Const")
        constant.attr["dtype"].type = FLOAT
        tensor = constant.attr["value"].tensor
        tensor.dtype, tensor.tensor_content = FLOAT, b"\0" * size
        tensor.tensor_shape.dim.add(size=size // 4)
    meta.graph_def.node.add(name="all", op="AddN", input=["y", "small", "large"]).attr["T"].type = FLOAT
    objects, outliner = working(meta)
    captures, bound = functions.captures_of(objects, outliner, ["all:0"], ["x:0"])
    assert [(one.tensor, one.dtype) for one in captures] == [("w:0", RESOURCE), ("large:0", FLOAT)]
    assert objects.graph.nodes[bound[1]].constant.operation == "large"


def test_lists_of_the_root() -> None:
    meta = scaled()
    objects, _ = working(meta)
    _, frozen = objects.add("variable", 0, "mean")
    objects.bound["mean"] = len(objects.graph.nodes) - 1
    assert not frozen.variable.trainable
    functions.add_lists(objects)
    found = children(objects)
    listed = {name: sorted(children(objects, found[name]).values()) for name in found if "variables" in name}
    assert listed == {
        "variables": [objects.bound["w"], objects.bound["mean"]],
        "trainable_variables": [objects.bound["w"]],
    }
    assert children(objects, found["regularization_losses"]) == {}


REFUSED = {
    "a variable without an object": (
        lambda meta, objects: objects.bound.clear(),
        "no object represents this",
    ),
    "an input that is a Python keyword": (
        lambda meta, objects: (
            meta.signature_def["serving_default"]
            .inputs["class"]
            .CopyFrom(meta.signature_def["serving_default"].inputs["x"])
        ),
        "class",
    ),
    "a sparse output": (
        lambda meta, objects: meta.signature_def["serving_default"].outputs["s"].coo_sparse.SetInParent(),
        "no sparse or composite tensors",
    ),
}


@pytest.mark.parametrize(("spoil", "why"), REFUSED.values(), ids=REFUSED)
def test_what_can_be_no_signature_of_tf2(spoil: Any, why: str) -> None:
    meta = scaled()
    objects, outliner = working(meta)
    spoil(meta, objects)
    place = functions.add_signature_map(objects)
    with pytest.raises(CannotOutline, match=why):
        functions.add_signature(objects, meta, outliner, "serving_default", place)
    assert not meta.graph_def.library.function
