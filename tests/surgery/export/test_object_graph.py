"""Objects of sources in the object graph of a result: new numbers, new names, what handles are bound to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.protos import Func, function, graph, meta_graph, node
from tests.surgery.importing import imported
from workbench.disk.schema import VariableDef
from workbench.surgery.export.object_graph import (
    add_objects,
    add_variables,
    begin,
    bound_objects,
    constants_of_objects,
    functions_of_objects,
)
from workbench.surgery.rewrite.prefix import Renamer

FLOAT = 1


def tf2() -> Any:
    """Root with a variable `w` and its slot, a constant, an asset, a function that captures `w`."""
    meta = meta_graph(
        graph(
            node("w", "VarHandleOp", dtype=FLOAT, shared_name="w"),
            node("text", "Const", dtype=7),
            node("x", "Placeholder", dtype=FLOAT),
            node("call", "StatefulPartitionedCall", "x", "w", f=Func("body")),
            functions=(function("body", ["x:1", "w:20"]), function("unlisted", [])),
        ),
        serving_default=({"x": "x:0"}, {"y": "call:0"}),
    )
    objects = meta.object_graph_def
    root = objects.nodes.add()
    root.user_object.identifier = "_generic_user_object"
    objects.nodes.add().variable.name = "w"
    objects.nodes.add().constant.operation = "text"
    objects.nodes.add().asset.asset_file_def_index = 3
    objects.nodes.add().function.concrete_functions.append("body")
    objects.nodes.add().bare_concrete_function.concrete_function_name = "unlisted"
    for number, name in enumerate(("w", "text", "file", "f", "bare"), 1):
        root.children.add(node_id=number, local_name=name)
    root.slot_variables.add(original_variable_node_id=1, slot_name="m", slot_variable_node_id=1)
    objects.concrete_functions["body"].bound_inputs.append(1)
    return meta


def renamer() -> Renamer:
    return Renamer("m", frozenset({"body", "unlisted"}), frozenset(), frozenset())


def test_functions_and_constants_that_objects_need(tmp_path: Path) -> None:
    part = imported(tmp_path / "m", tf2())
    assert functions_of_objects(part) == ["body", "unlisted"]
    assert constants_of_objects(part) == ["text"]


def test_objects_get_new_numbers_and_names(tmp_path: Path) -> None:
    part, objects = imported(tmp_path / "m", tf2()), begin()
    objects.add("user_object", 0, "before")
    add_objects(objects, part, renamer(), {3: 7})
    nodes = objects.graph.nodes
    assert [(child.local_name, child.node_id) for child in nodes[0].children] == [("before", 1), ("m", 2)]
    assert [child.node_id for child in nodes[2].children] == [3, 4, 5, 6, 7]
    assert (nodes[3].variable.name, nodes[4].constant.operation) == ("m/w", "m/text")
    assert nodes[5].asset.asset_file_def_index == 7
    assert list(nodes[6].function.concrete_functions) == ["m/body"]
    assert nodes[7].bare_concrete_function.concrete_function_name == "m/unlisted"
    assert list(objects.graph.concrete_functions["m/body"].bound_inputs) == [3]
    assert objects.bound == {"m/w": 3}


def test_handles_are_bound_by_what_calls_capture(tmp_path: Path) -> None:
    """The name of the variable is another one: the call tells."""
    meta = tf2()
    meta.object_graph_def.nodes[1].variable.name = "elsewhere"
    part = imported(tmp_path / "m", meta)
    assert bound_objects(part.model.meta, part.meta) == {"w": 1}


def test_variables_of_tf1_get_objects_and_keys(tmp_path: Path) -> None:
    """Trainable are those of the collection; each gets a key as TF2 checkpoints have them."""
    meta = meta_graph(
        graph(
            node("layer/w", "VarHandleOp", dtype=FLOAT, shared_name="layer/w"),
            node("layer/read", "ReadVariableOp", "layer/w", dtype=FLOAT),
            node("step", "VarHandleOp", dtype=9, shared_name="step"),
        ),
        serving_default=({}, {"y": "layer/read:0"}),
    )
    for name, trainable in (("layer/w", True), ("step", False)):
        definition = VariableDef(variable_name=f"{name}:0", trainable=trainable, is_resource=True)
        meta.collection_def["variables"].bytes_list.value.append(definition.SerializeToString())
    part, objects = imported(tmp_path / "m", meta), begin()
    keyed = [replace(one, key=one.name) for one in part.meta.variables]  # there is no checkpoint to look in
    part.meta.__dict__["variables"] = tuple(keyed)
    add_variables(objects, part)
    found = {
        one.variable.name: one.variable.trainable for one in objects.graph.nodes if one.HasField("variable")
    }
    assert found == {"m/layer/w": True, "m/step": False}
    assert [alias.key for alias in objects.aliases["m"]] == [
        "m/layer/w/.ATTRIBUTES/VARIABLE_VALUE",
        "m/step/.ATTRIBUTES/VARIABLE_VALUE",
    ]
    assert set(objects.bound) == {"m/layer/w", "m/step"}
