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
from workbench.surgery.export.optimizer_slots import same_paths

_IDENTIFIERS = frozenset({"optimizer", "tf_deprecated_optimizer"})


def drop_optimizers(meta_graph: MetaGraphDef, tracked: TrackableObjectGraph | None = None) -> set[int]:
    """Remove optimizers and what only they hold from an object graph.

    Numbers of objects stay: a removed one becomes a plain object without children.

    Args:
        meta_graph: changed in place.
        tracked: the object graph of the checkpoint, or None. The root's lists of variables that it has, too, stay.

    Returns:
        The numbers of the removed objects.
    """
    graph = meta_graph.object_graph_def
    optimizers = {number for number, node in enumerate(graph.nodes) if _is_optimizer(node)}
    if not optimizers or 0 in optimizers:
        return set()
    lists = _lists(graph, tracked)
    bare = _reached(graph, 0, {*optimizers, *lists})
    held = {one for number in optimizers for one in _reached(graph, number, ())}
    # what a list alone has stays, unless it is an optimizer's
    kept = (_reached(graph, 0, optimizers) - held) | bare
    gone = set(range(len(graph.nodes))) - kept
    for number in gone:
        graph.nodes[number].Clear()
        plain = graph.nodes[number].user_object
        plain.identifier = "_generic_user_object"
        plain.version.producer = plain.version.min_consumer = 1
    for number in kept:
        node = graph.nodes[number]
        for references in (node.children, node.dependencies):
            left = [one for one in references if one.node_id not in gone]
            if number in lists and len(left) < len(references):
                for at, one in enumerate(left):
                    one.local_name = str(at)
            _keep(references, left)
        _keep(
            node.slot_variables,
            [
                slot
                for slot in node.slot_variables
                if not {slot.slot_variable_node_id, slot.original_variable_node_id} & gone
            ],
        )
    return gone


def numbers_by_key(saved: SavedObjectGraph, tracked: TrackableObjectGraph) -> dict[str, int]:
    """Return the object that each key of the checkpoint is of, by the paths that both graphs have.

    Args:
        saved: the objects.
        tracked: the object graph of the checkpoint, with numbers of its own.
    """
    if not saved.nodes or not tracked.nodes:
        return {}
    same = same_paths(saved, tracked, 0, 0)
    for number, theirs in list(same.items()):
        slots = {
            (slot.original_variable_node_id, slot.slot_name): slot.slot_variable_node_id
            for slot in tracked.nodes[theirs].slot_variables
        }
        for slot in saved.nodes[number].slot_variables:
            found = slots.get((same.get(slot.original_variable_node_id, -1), slot.slot_name))
            if found is not None and 0 <= found < len(tracked.nodes):
                same.setdefault(slot.slot_variable_node_id, found)
    return {
        one.checkpoint_key: number
        for number, theirs in same.items()
        for one in tracked.nodes[theirs].attributes
    }


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


def _lists(graph: SavedObjectGraph, tracked: TrackableObjectGraph | None) -> set[int]:
    """Return the root's lists of variables; those that the checkpoint has as well are left out."""
    there = {child.local_name for child in tracked.nodes[0].children} if tracked and tracked.nodes else set()
    return {
        number
        for name, number in ObjectGraph(graph).children[0].items()
        if name in ("variables", "trainable_variables")
        and name not in there
        and graph.nodes[number].user_object.identifier == "trackable_list_wrapper"
    }


def _reached(graph: SavedObjectGraph, start: int, stop: Collection[int]) -> set[int]:
    """Return the objects that one reaches, also as captures of functions.

    Args:
        graph: the objects.
        start: the number of the first.
        stop: objects that are not entered, and not in the answer.
    """
    children = ObjectGraph(graph).children
    concrete = graph.concrete_functions

    def next_to(name: str) -> list[str]:
        number = int(name)
        if number in stop:
            return []
        node = graph.nodes[number]
        found = {*children[number].values(), *(slot.slot_variable_node_id for slot in node.slot_variables)}
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

    return {int(name) for name in reach([str(start)], next_to)} - set(stop)


def _keep(repeated: Any, kept: list[Any]) -> None:
    """Leave only some messages in a repeated field."""
    if len(kept) < len(repeated):
        copies = [type(one).FromString(one.SerializeToString()) for one in kept]
        del repeated[:]
        repeated.extend(copies)
