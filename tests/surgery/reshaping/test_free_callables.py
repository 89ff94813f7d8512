"""Callables of an object graph whose functions have copies with a free batch."""

from __future__ import annotations

from typing import Any

from workbench.disk import schema
from workbench.graph.shape_inference.sizes import BATCH, Facts
from workbench.model import shapes
from workbench.model.structured import leaves
from workbench.surgery.reshaping.free_batch import FreedFunction
from workbench.surgery.reshaping.free_callables import free_callables


def spec(value: Any, *sizes: int) -> None:
    value.tensor_spec_value.dtype = 1
    value.tensor_spec_value.shape.CopyFrom(shapes.to_proto(sizes))


def object_graph(*functions: str) -> Any:
    """A root with one callable of these concrete functions, each `(x [1,4], training) -> {y: [1,2]}`."""
    graph = schema.SavedObjectGraph()
    graph.nodes.add().user_object.identifier = "_generic_user_object"
    node = graph.nodes.add()
    graph.nodes[0].children.add(node_id=1, local_name="serve")
    node.function.concrete_functions.extend(functions)
    spec(node.function.function_spec.input_signature.tuple_value.values.add(), 1, 4)
    for name in functions:
        concrete = graph.concrete_functions[name]
        arguments = concrete.canonicalized_input_signature.tuple_value
        given = arguments.values.add().tuple_value
        given.values.add().bool_value = False
        spec(given.values.add(), 1, 4)
        arguments.values.add().dict_value.SetInParent()
        spec(concrete.output_signature.dict_value.fields["y"], 1, 2)
    return graph


def shown(value: Any) -> list[str]:
    return [
        shapes.text(shapes.from_proto(leaf.tensor_spec_value.shape))
        for _, leaf in leaves(value)
        if leaf.HasField("tensor_spec_value")
    ]


COPY = FreedFunction("f", "f_1", (Facts((BATCH, 4)), Facts((), content=(4, 2))), (Facts((BATCH, 2)),))


def test_a_callable_uses_the_copy() -> None:
    graph = object_graph("f")
    assert free_callables(graph, [COPY]) == {"f"}
    function = graph.nodes[1].function
    assert list(function.concrete_functions) == ["f_1"]
    assert shown(function.function_spec.input_signature) == ["[?,4]"]
    concrete = graph.concrete_functions["f_1"]
    assert shown(concrete.canonicalized_input_signature) == ["[?,4]"], "a Python value is no tensor"
    assert shown(concrete.output_signature) == ["[?,2]"]
    assert shown(graph.concrete_functions["f"].output_signature) == ["[1,2]"], "others may use it"


def test_other_traces_stay() -> None:
    graph = object_graph("training", "f")
    assert free_callables(graph, [COPY]) == {"f"}
    function = graph.nodes[1].function
    assert list(function.concrete_functions) == ["training", "f_1"]
    assert shown(function.function_spec.input_signature) == ["[1,4]"]


def test_a_function_with_two_copies_stays() -> None:
    graph = object_graph("f")
    assert free_callables(graph, [COPY, COPY]) == set()
    assert list(graph.nodes[1].function.concrete_functions) == ["f"]
