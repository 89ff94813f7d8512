"""The object graph of the result, so that it can be trained and saved again.

It stands beside the merged main graph, which v1 Sessions and TensorFlow Serving go on using. Each TF2 source keeps its
own objects, with new numbers, as a child of a new root; a TF1 source or GraphDef gets an object with its variables.
The signatures of the result are functions made of the merged main graph itself (`outline`), whose captures are bound
to the variables and tables of the objects.

Sources: saved_object_graph.proto, trackable_object_graph.proto; `tensorflow/python/saved_model/load.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench import names
from workbench.disk import dtypes
from workbench.disk.checkpoint.bundle_write import Alias
from workbench.disk.nodes import attr
from workbench.disk.schema import SavedObject, SavedObjectGraph, TrackableObjectGraph
from workbench.model.meta import MetaGraph
from workbench.model.objects import OBJECT_GRAPH_KEY, VALUE_SUFFIX
from workbench.model.op_classes import CALLS, RESOURCE_TABLES
from workbench.model.variables import Variable
from workbench.surgery.export.optimizer_slots import plain_slots
from workbench.surgery.imported import ImportedModel, unique_name
from workbench.surgery.rewrite.prefix import Renamer

_DEEPEST = 32  # calls in calls of a function that makes a table


@dataclass(slots=True)
class Objects:
    """The object graph under construction.

    Attributes:
        graph: the SavedObjectGraph.
        tracked: the TrackableObjectGraph of the checkpoint.
        bound: node of the merged main graph (a handle of a variable or table) to its object.
        aliases: more keys for the checkpoint of each source, by handle.
    """

    graph: SavedObjectGraph = field(default_factory=lambda: SavedObjectGraph())
    tracked: TrackableObjectGraph = field(default_factory=lambda: TrackableObjectGraph())
    bound: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, list[Alias]] = field(default_factory=dict)

    def add(self, kind: str, parent: int | None = None, name: str = "") -> tuple[int, SavedObject]:
        """Add an object under `name` of `parent`; return its number and message."""
        number = len(self.graph.nodes)
        node = self.graph.nodes.add()
        getattr(node, kind).SetInParent()
        if kind == "user_object":
            node.user_object.identifier = "_generic_user_object"
            node.user_object.version.producer = 1
            node.user_object.version.min_consumer = 1
        if parent is not None:
            self.graph.nodes[parent].children.add(node_id=number, local_name=name)
        return number, node

    def track(
        self, parent: int | None = None, name: str = ""
    ) -> tuple[int, TrackableObjectGraph.TrackableObject]:
        """Add a node to the checkpoint's own graph, which has numbers of its own."""
        number = len(self.tracked.nodes)
        node = self.tracked.nodes.add()
        if parent is not None:
            self.tracked.nodes[parent].children.add(node_id=number, local_name=name)
        return number, node


def functions_of_objects(part: ImportedModel) -> list[str]:
    """Return the functions of a source's objects, which must stay in the library."""
    if not part.meta.has_object_graph:
        return []
    graph = part.meta.beside.object_graph_def
    found = set(graph.concrete_functions)
    for node in graph.nodes:  # some are named without being listed; the loader wants them all the same
        if node.WhichOneof("kind") == "function":
            found.update(node.function.concrete_functions)
        elif node.WhichOneof("kind") == "bare_concrete_function":
            found.add(node.bare_concrete_function.concrete_function_name)
        elif node.WhichOneof("kind") == "captured_tensor":
            found.add(node.captured_tensor.concrete_function)
    return sorted(found & part.meta.functions.keys())


def constants_of_objects(part: ImportedModel) -> list[str]:
    """Return the main graph's Const nodes that hold constant objects."""
    if not part.meta.has_object_graph:
        return []
    nodes = part.meta.beside.object_graph_def.nodes
    return [
        node.constant.operation
        for node in nodes
        if node.WhichOneof("kind") == "constant" and node.constant.operation in part.meta.nodes
    ]


def begin() -> Objects:
    """Return an object graph that has only a root."""
    objects = Objects()
    objects.add("user_object")
    objects.track()
    return objects


# -- TF2 sources


def add_objects(objects: Objects, part: ImportedModel, renamer: Renamer, assets: Mapping[int, int]) -> None:
    """Copy a TF2 source's objects under the root, with new numbers and names.

    Args:
        objects: is added to.
        part: the source.
        renamer: its names.
        assets: index of an asset in the source to the one in the result.
    """
    source = part.meta.beside.object_graph_def
    offset = len(objects.graph.nodes)
    for original in source.nodes:
        node = objects.graph.nodes.add()
        node.CopyFrom(original)
        _renumber(node, offset)
        _rename_object(node, renamer, assets)
    objects.graph.nodes[0].children.add(node_id=offset, local_name=part.handle)
    for name, concrete in source.concrete_functions.items():
        copy = objects.graph.concrete_functions[renamer.function(name)]
        copy.CopyFrom(concrete)
        copy.bound_inputs[:] = [number + offset for number in concrete.bound_inputs]
    _bind(objects.bound, part.model.meta, part.meta, part.duplicates, offset, f"{part.handle}/")
    plain_slots(objects.graph, objects.tracked, offset, _track_objects(objects, part, renamer))


def bound_objects(whole: MetaGraph, meta: MetaGraph) -> dict[str, int]:
    """Return the main graph's nodes that represent an object, with its number.

    Args:
        whole: the MetaGraph of the model, before anything changed: later its calls may be of clones that no object
            knows.
        meta: the same, or a copy in which some calls are opened and there are more.
    """
    bound: dict[str, int] = {}
    _bind(bound, whole, meta, {}, 0, "")
    return bound


def _bind(
    bound: dict[str, int],
    whole: MetaGraph,
    meta: MetaGraph,
    duplicates: Mapping[str, Variable],
    offset: int,
    prefix: str,
) -> None:
    """Record which object each handle of the main graph represents.

    What a call captures says it best: exports of Keras have each variable twice, once under the key that the saver
    gives the handle, once as what the functions read and `variables` lists.
    """
    _bind_captures(bound, whole, meta, offset, prefix)
    _bind_variables(bound, meta, duplicates, offset, prefix)
    for number, node in table_nodes(meta).items():
        bound.setdefault(f"{prefix}{node}", number + offset)


def table_nodes(meta: MetaGraph) -> dict[int, str]:
    """Return the main graph's tables by the object that makes the same one.

    What an object's `_create_resource` makes has the table's `shared_name`.
    """
    graph = meta.beside.object_graph_def
    if not any(node.WhichOneof("kind") == "resource" for node in graph.nodes):
        return {}
    by_name = {
        bytes(node.attr["shared_name"].s): node.name
        for node in meta.nodes.values()
        if node.op in RESOURCE_TABLES and "shared_name" in node.attr and node.attr["shared_name"].s
    }
    found: dict[int, str] = {}
    for number, node in enumerate(graph.nodes):
        for function in _creators(graph, node) if by_name else ():
            shared = _made_in(meta, function, 0)
            if shared in by_name:
                found.setdefault(number, by_name[shared])
    return found


def _creators(graph: SavedObjectGraph, node: SavedObject) -> list[str]:
    """Return the concrete functions of a resource's `_create_resource`."""
    found: list[str] = []
    for child in node.children if node.WhichOneof("kind") == "resource" else ():
        if child.local_name == "_create_resource" and 0 <= child.node_id < len(graph.nodes):
            creator = graph.nodes[child.node_id]
            if creator.WhichOneof("kind") == "function":
                found += creator.function.concrete_functions
            else:
                found.append(creator.bare_concrete_function.concrete_function_name)
    return found


def _made_in(meta: MetaGraph, function: str, depth: int) -> bytes:
    """Return the `shared_name` of the table that a function makes; empty where there is none."""
    for node in meta.functions[function].node_def if function in meta.functions and depth < _DEEPEST else ():
        if node.op in RESOURCE_TABLES and "shared_name" in node.attr and node.attr["shared_name"].s:
            return bytes(node.attr["shared_name"].s)
        if node.op in CALLS:
            found = _made_in(meta, attr(node, "f").func.name, depth + 1)
            if found:
                return found
    return b""


def _renumber(node: SavedObject, offset: int) -> None:
    for reference in (*node.children, *node.dependencies):
        reference.node_id += offset
    for slot in node.slot_variables:
        slot.original_variable_node_id += offset
        slot.slot_variable_node_id += offset
    for saveable in node.saveable_objects.values():
        saveable.save_function += offset
        saveable.restore_function += offset


def _rename_object(node: SavedObject, renamer: Renamer, assets: Mapping[int, int]) -> None:
    kind = node.WhichOneof("kind")
    if kind == "variable":
        node.variable.name = f"{renamer.prefix}{node.variable.name}"
        for component in node.variable.experimental_distributed_variable_components:
            component.name = f"{renamer.prefix}{component.name}"
    elif kind == "function":
        listed = node.function.concrete_functions
        listed[:] = [renamer.function(name) for name in listed]
    elif kind == "bare_concrete_function":
        bare = node.bare_concrete_function
        bare.concrete_function_name = renamer.function(bare.concrete_function_name)
    elif kind == "captured_tensor":
        captured = node.captured_tensor
        captured.concrete_function = renamer.function(captured.concrete_function)
    elif kind == "constant":
        node.constant.operation = f"{renamer.prefix}{node.constant.operation}"
    elif kind == "asset":
        node.asset.asset_file_def_index = assets.get(node.asset.asset_file_def_index, 0)


def _bind_variables(
    bound: dict[str, int], meta: MetaGraph, duplicates: Mapping[str, Variable], offset: int, prefix: str
) -> None:
    view = meta.objects
    if view is None:
        return
    for variable in meta.variables:
        key = variable.key
        if key is None and variable.node in duplicates:
            key = duplicates[variable.node].key
        number = view.variable_of_key(key) if key is not None else None
        if number is None:
            number = view.variables_by_name.get(variable.shared_name or variable.name)
        if number is not None:
            bound.setdefault(f"{prefix}{variable.node}", number + offset)


def _bind_captures(
    bound: dict[str, int], whole: MetaGraph, meta: MetaGraph, offset: int, prefix: str
) -> None:
    """Record the objects of handles that calls pass as `bound_inputs`.

    Calls pass variables, tables and the like in the order of the function's `bound_inputs`.
    """
    calls = [(view, node) for view in (whole, meta) for node in view.nodes.values() if node.op in CALLS]
    for caller, node in calls:
        found = caller.beside.object_graph_def.concrete_functions.get(attr(node, "f").func.name)
        if found is None or not found.bound_inputs:
            continue
        data = [text for text in node.input if not text.startswith("^")]
        for text, number in zip(
            data[len(data) - len(found.bound_inputs) :], found.bound_inputs, strict=False
        ):
            bound.setdefault(f"{prefix}{names.input_node(text)}", number + offset)


def _track_objects(objects: Objects, part: ImportedModel, renamer: Renamer) -> int | None:
    """Copy the checkpoint's object graph; return the number of its root, or None."""
    bundle = part.model.bundle
    if bundle is None or OBJECT_GRAPH_KEY not in bundle:
        return None
    source = TrackableObjectGraph.FromString(bundle.strings(OBJECT_GRAPH_KEY)[0])
    offset = len(objects.tracked.nodes)
    for original in source.nodes:
        node = objects.tracked.nodes.add()
        node.CopyFrom(original)
        for child in node.children:
            child.node_id += offset
        for slot in node.slot_variables:
            slot.original_variable_node_id += offset
            slot.slot_variable_node_id += offset
        for attribute in node.attributes:
            if attribute.checkpoint_key:
                attribute.checkpoint_key = f"{renamer.prefix}{attribute.checkpoint_key}"
            attribute.full_name = f"{renamer.prefix}{attribute.full_name}"
    objects.tracked.nodes[0].children.add(node_id=offset, local_name=part.handle)
    return offset


# -- TF1 sources


def add_variables(objects: Objects, part: ImportedModel) -> None:
    """Add an object for a TF1 source, with its variables as children.

    Each variable gets a key as TF2 checkpoints have it.
    """
    number, _ = objects.add("user_object", 0, part.handle)
    tracked, _ = objects.track(0, part.handle)
    taken: dict[str, object] = {}
    trainable = {
        names.input_node(definition.variable_name): definition.trainable
        for definition in part.variable_defs.get("variables", ())
    }
    trainable |= {
        names.input_node(definition.variable_name): True
        for definition in part.variable_defs.get("trainable_variables", ())
    }
    for variable in part.meta.variables:
        node = part.kept.get(variable.node)
        if node is None or node.op != "VarHandleOp" or variable.key is None:
            continue  # a value that only the init op gives can't be bound: no object, so no TF2 format
        child = unique_name(re.sub(r"[^A-Za-z0-9_]", "_", variable.name).strip("_") or "variable", taken)
        taken[child] = None
        own, message = objects.add("variable", number, child)
        message.variable.dtype = dtypes.base(attr(node, "dtype").type)
        message.variable.shape.CopyFrom(attr(node, "shape").shape)
        message.variable.trainable = bool(trainable.get(variable.node, False))
        message.variable.name = f"{part.handle}/{variable.name}"
        objects.bound[f"{part.handle}/{variable.node}"] = own
        _, entry = objects.track(tracked, child)
        key = f"{part.handle}/{variable.name}{VALUE_SUFFIX}"
        entry.attributes.add(
            name="VARIABLE_VALUE", full_name=f"{part.handle}/{variable.name}", checkpoint_key=key
        )
        pieces = None
        if variable.slice is not None:
            pieces = tuple(zip(variable.slice.start, variable.slice.length, strict=True))
        objects.aliases.setdefault(part.handle, []).append(Alias(key, variable.key, pieces))
