"""Optimizers of an object graph, with all that only they hold: slots, iterations, learning rates.

Sources: `slot_variables` in saved_object_graph.proto and trackable_object_graph.proto; the identifiers are those that
Keras registers (`optimizer`; `tf_deprecated_optimizer` in TensorFlow 2.21).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from workbench.disk.schema import MetaGraphDef, SavedObject, SavedObjectGraph, TrackableObjectGraph
from workbench.graph.reach import reach
from workbench.model.objects import ObjectGraph

_IDENTIFIERS = frozenset({"optimizer", "tf_deprecated_optimizer"})


def drop_optimizers(meta_graph: MetaGraphDef) -> set[int]:
    """Remove optimizers and what only they hold from an object graph.

    Numbers of objects stay: a removed one becomes a plain object without children.

    Args:
        meta_graph: changed in place.

    Returns:
        The numbers of the removed objects.
    """
    graph = meta_graph.object_graph_def
    optimizers = {number for number, node in enumerate(graph.nodes) if _is_optimizer(node)}
    if not optimizers or 0 in optimizers:
        return set()
    kept = _kept(graph, optimizers)
    gone = set(range(len(graph.nodes))) - kept
    for number in gone:
        graph.nodes[number].Clear()
        plain = graph.nodes[number].user_object
        plain.identifier = "_generic_user_object"
        plain.version.producer = plain.version.min_consumer = 1
    for number in kept:
        node = graph.nodes[number]
        for references in (node.children, node.dependencies):
            _keep(references, [one for one in references if one.node_id not in gone])
        _keep(
            node.slot_variables,
            [
                slot
                for slot in node.slot_variables
                if not {slot.slot_variable_node_id, slot.original_variable_node_id} & gone
            ],
        )
    return gone


def without_keys(tracked: TrackableObjectGraph, keys: Collection[str]) -> TrackableObjectGraph:
    """Return the object graph of a checkpoint without the values under some keys."""
    made = TrackableObjectGraph()
    made.CopyFrom(tracked)
    bare = set()
    for number, node in enumerate(made.nodes):
        kept = [one for one in node.attributes if one.checkpoint_key not in keys]
        if len(kept) < len(node.attributes):
            _keep(node.attributes, kept)
            if not kept:
                bare.add(number)
    for node in made.nodes:
        _keep(
            node.slot_variables, [one for one in node.slot_variables if one.slot_variable_node_id not in bare]
        )
    return made


def _is_optimizer(node: SavedObject) -> bool:
    if node.WhichOneof("kind") != "user_object":
        return False
    return node.user_object.identifier in _IDENTIFIERS or bool(node.slot_variables)


def _kept(graph: SavedObjectGraph, optimizers: Collection[int]) -> set[int]:
    """Return the objects that are reached without an optimizer, also as captures of functions."""
    children = ObjectGraph(graph).children
    concrete = graph.concrete_functions

    def next_to(name: str) -> list[str]:
        number = int(name)
        if number in optimizers:
            return []
        node = graph.nodes[number]
        found = set(children[number].values())
        named: list[str] = []
        match node.WhichOneof("kind"):
            case "function":
                named = list(node.function.concrete_functions)
            case "bare_concrete_function":
                named = [node.bare_concrete_function.concrete_function_name]
        found |= {bound for one in named if one in concrete for bound in concrete[one].bound_inputs}
        for saveable in node.saveable_objects.values():
            found |= {saveable.save_function, saveable.restore_function}
        return [str(one) for one in found if 0 <= one < len(graph.nodes)]

    return {int(name) for name in reach(["0"], next_to)} - set(optimizers)


def _keep(repeated: Any, kept: list[Any]) -> None:
    """Leave only some messages in a repeated field."""
    if len(kept) < len(repeated):
        copies = [type(one).FromString(one.SerializeToString()) for one in kept]
        del repeated[:]
        repeated.extend(copies)
