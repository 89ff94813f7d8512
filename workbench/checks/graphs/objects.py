"""The object graph of a TF2 model: ids that lead nowhere, functions and constants that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workbench.checks.codes import Code, Found
from workbench.disk.schema import SavedObject
from workbench.names import did_you_mean, show

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

OBJECT_ID = Code(
    "object-id", "error", "an id in the object graph is out of range",
    "A child, a dependency, a slot variable, a capture or an asset is given by its place in a list that is shorter: "
    "tf.saved_model.load fails.",
    "Save the model again; a tool that edited the object graph has lost an object. v1 Sessions still load it.",
)  # fmt: skip
OBJECT_FUNCTION = Code(
    "object-function", "error", "the object graph names a function that is not there",
    "A tf.function is stored as a list of concrete functions: each has to be in the object graph's "
    "function library.",
    "Save the model again; a tool that pruned the library has dropped a function that can be called.",
)  # fmt: skip
OBJECT_CONSTANT = Code(
    "object-constant", "error", "a constant of the object graph names no Const of the graph",
    "A function captures it: tf.saved_model.load looks for the node and fails.",
    "Save the model again; a tool that pruned the graph has dropped a constant that functions capture.",
)  # fmt: skip


def check(meta: MetaGraph, found: Found) -> None:
    """Check the SavedObjectGraph of a MetaGraph, captures left out."""
    if meta.objects is None:
        return
    proto = meta.objects.proto
    size = len(proto.nodes)
    for number, node in enumerate(proto.nodes):
        for what, name, other in _ids(node):
            if not 0 <= other < size:
                message = f"Its {what} {show(name)!r} is object {other}; there are {size}, from 0."
                found.add(OBJECT_ID, _where(number), message)
        _kind(meta, number, node, found)
    for name in sorted(proto.concrete_functions):
        _function(meta, "concrete_functions", name, found, listed=False)


def _ids(node: SavedObject) -> Iterator[tuple[str, str, int]]:
    """Yield the objects that an object refers to: role, name, id."""
    for child in node.children:
        yield "child", child.local_name, child.node_id
    for child in node.dependencies:
        yield "dependency", child.local_name, child.node_id
    for slot in node.slot_variables:
        yield "slot", slot.slot_name, slot.slot_variable_node_id
        yield "variable with the slot", slot.slot_name, slot.original_variable_node_id
    for name in node.saveable_objects:
        saveable = node.saveable_objects[name]
        yield "function to save", name, saveable.save_function
        yield "function to restore", name, saveable.restore_function


def _kind(meta: MetaGraph, number: int, node: SavedObject, found: Found) -> None:
    kind = node.WhichOneof("kind")
    if kind == "asset":
        index, count = node.asset.asset_file_def_index, len(meta.proto.asset_file_def)
        if not 0 <= index < count:
            message = f"It is asset {index}; the model has {count}, from 0."
            found.add(OBJECT_ID, _where(number), message)
    elif kind == "function":
        for name in node.function.concrete_functions:
            _function(meta, _where(number), name, found)
    elif kind == "bare_concrete_function":
        _function(meta, _where(number), node.bare_concrete_function.concrete_function_name, found)
    elif kind == "captured_tensor":
        _function(meta, _where(number), node.captured_tensor.concrete_function, found)
    elif kind == "constant":
        operation = meta.nodes.get(node.constant.operation)
        if operation is None or operation.op != "Const":
            what = "no node of the graph" if operation is None else f"a {show(operation.op)} and no Const"
            found.add(
                OBJECT_CONSTANT,
                _where(number),
                f"It is the constant {show(node.constant.operation)!r}, which is {what}.",
                lambda: did_you_mean(node.constant.operation, meta.nodes, noun="nodes"),
            )


def _function(meta: MetaGraph, where: str, name: str, found: Found, *, listed: bool = True) -> None:
    """Report a function that the library lacks.

    TensorFlow leaves out of `concrete_functions` what captures something that no object holds, and names it all the
    same (`saved_model/save.py`): Keras 2 saves such functions of activations. The loader wants them in the library.
    """
    assert meta.objects is not None
    if name in meta.functions or (listed and name in meta.objects.proto.concrete_functions):
        return  # a function that is listed but not in the library is reported once, with concrete_functions
    found.add(
        OBJECT_FUNCTION,
        where,
        f"It names the function {show(name)!r}, which is not in the function library.",
        lambda: did_you_mean(name, meta.functions, noun="functions"),
    )


def _where(number: int) -> str:
    return f"object {number}"
