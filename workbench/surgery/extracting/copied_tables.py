"""Tables of a TF2 source in a part: their own objects, with the functions that make and fill them.

What fills a table from a file takes the asset as an object; in the main graph its path is in a variable that only the
init op sets, so no function can be made of that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from workbench.disk.schema import MetaGraphDef, SavedObject, SavedObjectGraph
from workbench.graph.functions import reachable
from workbench.model import MetaGraph
from workbench.model.op_classes import RESOURCE_TABLES
from workbench.surgery.export.object_graph import Objects
from workbench.surgery.imported import unique_name

_KINDS = frozenset({"resource", "function", "bare_concrete_function", "asset", "constant", "user_object"})


def copy_tables(
    objects: Objects, meta: MetaGraphDef, source: MetaGraph, bound: Mapping[str, int]
) -> list[str]:
    """Copy the objects of the tables that a part has; return the nodes of those tables.

    Args:
        objects: gains them, as children of the root.
        meta: the part, whose graph and library gain what the objects name.
        source: the model that the part is of.
        bound: nodes of its main graph to the numbers of their objects.
    """
    graph = source.proto.object_graph_def
    copied = []
    taken = {child.local_name: None for child in objects.graph.nodes[0].children}
    for name in [node.name for node in meta.graph_def.node if node.op in RESOURCE_TABLES]:
        number = bound.get(name)
        if number is None or not 0 < number < len(graph.nodes):
            continue
        found = _behind(graph, number)
        assets = _assets(meta, source)
        if found is None or any(_asset(graph.nodes[one], assets) is None for one in found):
            continue
        numbers = {old: len(objects.graph.nodes) + at for at, old in enumerate(found)}
        for old in found:
            _copy(objects, graph, old, numbers, assets)
        child = unique_name(re.sub(r"[^A-Za-z0-9_]", "_", name).strip("_") or "table", taken)
        taken[child] = None
        objects.graph.nodes[0].children.add(node_id=numbers[number], local_name=child)
        objects.bound[name] = numbers[number]
        copied.append(name)
    _add_named(objects, meta, source)
    return copied


def _behind(graph: SavedObjectGraph, number: int) -> list[int] | None:
    """Return an object with those that it needs; None if something else than a table is among them."""
    found: list[int] = []
    todo = [number]
    while todo:
        at = todo.pop()
        if at in found:
            continue
        if not 0 < at < len(graph.nodes):
            return None
        node = graph.nodes[at]
        if node.WhichOneof("kind") not in _KINDS or node.saveable_objects or node.slot_variables:
            return None
        found.append(at)
        todo += [one.node_id for one in (*node.children, *node.dependencies)]
        for name in _functions(node):
            if name in graph.concrete_functions:
                todo += graph.concrete_functions[name].bound_inputs
    return found


def _functions(node: SavedObject) -> Sequence[str]:
    kind = node.WhichOneof("kind")
    if kind == "function":
        return list(node.function.concrete_functions)
    return [node.bare_concrete_function.concrete_function_name] if kind == "bare_concrete_function" else ()


def _assets(meta: MetaGraphDef, source: MetaGraph) -> dict[int, int]:
    """Return the number of each asset of the source that the part has to its number there."""
    here = {asset.filename: number for number, asset in enumerate(meta.asset_file_def)}
    listed = enumerate(source.proto.asset_file_def)
    return {number: here[asset.filename] for number, asset in listed if asset.filename in here}


def _asset(node: SavedObject, assets: Mapping[int, int]) -> int | None:
    """Return the number of an asset in the part; 0 for another object, None for an asset it does not have."""
    return assets.get(node.asset.asset_file_def_index) if node.WhichOneof("kind") == "asset" else 0


def _copy(
    objects: Objects, graph: SavedObjectGraph, old: int, numbers: Mapping[int, int], assets: Mapping[int, int]
) -> None:
    node = objects.graph.nodes.add()
    node.CopyFrom(graph.nodes[old])
    for one in (*node.children, *node.dependencies):
        one.node_id = numbers[one.node_id]
    if node.WhichOneof("kind") == "asset":
        node.asset.asset_file_def_index = assets[node.asset.asset_file_def_index]
    for name in _functions(node):
        if name in graph.concrete_functions:
            concrete = objects.graph.concrete_functions[name]
            concrete.CopyFrom(graph.concrete_functions[name])
            concrete.bound_inputs[:] = [numbers[one] for one in concrete.bound_inputs]


def _add_named(objects: Objects, meta: MetaGraphDef, source: MetaGraph) -> None:
    """Add the functions and constants that copied objects name and the part does not have."""
    nodes = {node.name for node in meta.graph_def.node}
    for one in objects.graph.nodes:
        name = one.constant.operation if one.WhichOneof("kind") == "constant" else ""
        if name and name not in nodes and name in source.nodes:
            meta.graph_def.node.add().CopyFrom(source.nodes[name])
            nodes.add(name)
    library = {function.signature.name for function in meta.graph_def.library.function}
    called = reachable(source.graph, (), objects.graph.concrete_functions)
    for name, function in source.functions.items():
        if name in called and name not in library:
            meta.graph_def.library.function.add().CopyFrom(function)
