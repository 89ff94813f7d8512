"""Python values in a SavedModel, and the callables made of them."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.disk import schema
from workbench.model import structured
from workbench.model.callables import read_callables
from workbench.model.objects import ObjectGraph


def value(python: Any) -> Any:
    """A StructuredValue of a Python value; a `TensorSpecProto` stays one."""
    found = schema.StructuredValue()
    if python is None:
        found.none_value.SetInParent()
    elif isinstance(python, bool):
        found.bool_value = python
    elif isinstance(python, int):
        found.int64_value = python
    elif isinstance(python, float):
        found.float64_value = python
    elif isinstance(python, str):
        found.string_value = python
    elif isinstance(python, list):
        found.list_value.SetInParent()
        found.list_value.values.extend(value(item) for item in python)
    elif isinstance(python, tuple):
        found.tuple_value.SetInParent()
        found.tuple_value.values.extend(value(item) for item in python)
    elif isinstance(python, dict):
        found.dict_value.SetInParent()
        for key, item in python.items():
            found.dict_value.fields[key].CopyFrom(value(item))
    else:
        found.tensor_spec_value.CopyFrom(python)
    return found


def tensor(*sizes: int | None, dtype: int = 1, name: str = "") -> Any:
    spec = schema.TensorSpecProto(dtype=dtype, name=name)
    spec.shape.SetInParent()
    for size in sizes:
        spec.shape.dim.add().size = -1 if size is None else size
    return spec


@pytest.mark.parametrize(
    ("python", "text"),
    [
        (None, "None"),
        (True, "True"),
        (3, "3"),
        (1.5, "1.5"),
        ("a", "'a'"),
        ((1,), "(1,)"),
        ([1, (2, None)], "[1, (2, None)]"),
        ({"b": 1, "a": "x"}, "{'a': 'x', 'b': 1}"),
        ("\x1b[31m", r"'\\x1b[31m'"),
    ],
)
def test_text(python: Any, text: str) -> None:
    assert structured.text(value(python)) == text


def test_tensor_text() -> None:
    assert structured.text(value([tensor(None, 784), tensor(dtype=7)])) == "[float32 [?,784], string []]"


def test_leaves_are_in_the_order_of_nest_flatten() -> None:
    nested = value({"b": [1, {"z": 2, "y": 3}], "a": (4,)})
    found = [("/".join(path), leaf.int64_value) for path, leaf in structured.leaves(nested)]
    assert found == [("a/0", 4), ("b/0", 1), ("b/1/y", 3), ("b/1/z", 2)]


def test_nesting_without_end_ends() -> None:
    deep = value(1)
    for _ in range(80):
        deep = _wrap(deep)
    assert "…" in structured.text(deep)
    assert list(structured.leaves(deep)) == []


def _wrap(inner: Any) -> Any:
    found = schema.StructuredValue()
    found.list_value.values.add().CopyFrom(inner)
    return found


def ragged() -> Any:
    found = schema.StructuredValue()
    found.type_spec_value.type_spec_class_name = "RaggedTensorSpec"
    found.type_spec_value.num_flat_components = 2
    state = found.type_spec_value.type_state.tuple_value.values
    shape = state.add().tensor_shape_value
    for _ in range(2):
        shape.dim.add().size = -1
    state.add().tensor_dtype_value = 9
    state.add().int64_value = 1
    state.add().tensor_dtype_value = 9
    return found


def object_graph(signature: Any, result: Any, names: list[str] | None = None) -> ObjectGraph:
    """A root with one function `serve` of one variant, in an object `layer` too."""
    proto = schema.SavedObjectGraph()
    root = proto.nodes.add()
    root.user_object.identifier = "_generic_user_object"
    root.children.add(node_id=1, local_name="layer")
    root.children.add(node_id=2, local_name="serve")
    root.children.add(node_id=3, local_name="table")
    layer = proto.nodes.add()
    layer.user_object.SetInParent()
    layer.children.add(node_id=2, local_name="again")
    layer.children.add(node_id=99, local_name="nowhere")
    layer.children.add(node_id=0, local_name="parent")
    function = proto.nodes.add().function
    function.concrete_functions.append("f_1")
    args = function.function_spec.fullargspec.named_tuple_value.values.add()
    args.key = "args"
    args.value.CopyFrom(value(names or ["self", "x", "training", "more"]))
    table = proto.nodes.add()
    table.resource.SetInParent()
    table.children.add(node_id=4, local_name="_initialize")
    proto.nodes.add().function.concrete_functions.append("f_1")
    concrete = proto.concrete_functions["f_1"]
    concrete.canonicalized_input_signature.CopyFrom(signature)
    concrete.output_signature.CopyFrom(result)
    concrete.bound_inputs.extend([5, 6])
    return ObjectGraph(proto)


def test_arguments_and_results() -> None:
    signature = value(((tensor(None, 4), False, {"k": tensor(2), "j": 7}), {"mask": tensor(dtype=10)}))
    (found,) = read_callables(object_graph(signature, value({"b": tensor(1), "a": [tensor(2)]})), {})
    assert found.path == "serve"
    (variant,) = found.variants
    assert (variant.index, variant.function, variant.captures) == (1, "f_1", 2)
    assert (
        variant.arguments
        == "x: float32 [?,4], training=False, more={'j': 7, 'k': float32 [2]}, mask: bool []"
    )
    assert [(spec.key, spec.first) for spec in variant.inputs] == [("x", 0), ("more/k", 1), ("mask", 2)]
    assert [(spec.key, spec.first) for spec in variant.outputs] == [("a/0", 0), ("b", 1)]


def test_a_root_that_is_itself_a_function_is_the_call() -> None:
    proto = schema.SavedObjectGraph()
    proto.nodes.add().bare_concrete_function.concrete_function_name = "f_1"
    proto.concrete_functions["f_1"].canonicalized_input_signature.CopyFrom(value(((tensor(2),), {})))
    (found,) = read_callables(ObjectGraph(proto), {})
    assert (found.path, [variant.function for variant in found.variants]) == ("__call__", ["f_1"])


@pytest.mark.parametrize(
    ("result", "keys"),
    [
        (tensor(1), ["output_0"]),
        ((tensor(1), tensor(2)), ["output_0", "output_1"]),
        ([tensor(1), {"k": tensor(2)}], ["output_0", "output_1/k"]),
        (None, []),
    ],
)
def test_result_keys(result: Any, keys: list[str]) -> None:
    (found,) = read_callables(object_graph(value(((), {})), value(result)), {})
    assert [spec.key for spec in found.variants[0].outputs] == keys


def test_a_ragged_argument_takes_two_places() -> None:
    signature = value(((None, None), {}))
    positional = signature.tuple_value.values[0].tuple_value.values
    positional[0].CopyFrom(ragged())
    positional[1].CopyFrom(value(tensor(3)))
    (found,) = read_callables(object_graph(signature, value(None), ["r", "x"]), {})
    first, second = found.variants[0].inputs
    assert (first.kind, first.count, first.first, first.shape, first.dtype) == (
        "ragged",
        2,
        0,
        (None, None),
        9,
    )
    assert (second.key, second.first) == ("x", 2)
    assert found.variants[0].arguments == "r: ragged int64 [?,?], x: float32 [3]"


def test_variables_by_checkpoint_key() -> None:
    proto = schema.SavedObjectGraph()
    root = proto.nodes.add()
    root.children.add(node_id=1, local_name="a/b.c")
    root.children.add(node_id=2, local_name="opt")
    proto.nodes.add().variable.name = "kernel"
    proto.nodes.add().slot_variables.add(original_variable_node_id=1, slot_name="m", slot_variable_node_id=3)
    proto.nodes.add().variable.name = "slot"
    proto.nodes.add().variable.name = "kernel"
    objects = ObjectGraph(proto)
    suffix = "/.ATTRIBUTES/VARIABLE_VALUE"
    assert objects.variable_of_key(f"a.Sb..c{suffix}") == 1
    assert objects.variable_of_key(f"a.Sb..c/.OPTIMIZER_SLOT/opt/m{suffix}") == 3
    assert objects.variable_of_key(f"a.Sb..c/.OPTIMIZER_SLOT/opt/v{suffix}") is None
    assert objects.variable_of_key(f"gone{suffix}") is None
    assert objects.variable_of_key("a.Sb..c") is None
    assert objects.variable(None, "slot").name == "slot"
    assert objects.variable(None, "kernel") is None, "two have the name"
