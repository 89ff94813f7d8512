"""Functions of an object graph that run when `tf.saved_model.load` loads it, or when the loaded model is deleted.

`saved_model/load.py: Loader` makes every object and then sets each child as an attribute of its parent
(`_add_object_graph_edges`). So a child replaces the method of TensorFlow's class that has its name, and a function (or
an object with a child `__call__`, `_call_attribute`) in that place is called by whoever calls the method.

Called while loading
    resources     `_create_resource` where a function captures the resource (`get_tensor_from_node` in
                  `tensorflow/core/function/capture/restore_captures.py`), `_initialize` of each (`Loader.__init__`).
                  A registered name makes a resource of any object (`Loader._recreate`; `ops/lookup_ops.py:
                  StaticHashTable._deserialize_from_proto`), with the `_create_resource` among its dependencies.
    saveables     `save_function`, with an empty name (`training/saving/saveable_object_util.py:
                  recreate_saveable_objects`), and both while restoring (`RestoredSaveableObject`).
    restoring     Methods and attributes of `trackable/base.py: Trackable` on every object that the checkpoint names:
                  `_maybe_initialize_trackable`, `_trackable_children`, `_lookup_dependency`, `_checkpoint_adapter`,
                  `_gather_saveables_for_checkpoint`, `_serialize_to_tensors`, `_restore_from_tensors`, …
                  (`checkpoint/restore.py: _single_restore, _queue_children_for_restoration, _queue_slot_variables`).
    slots         `add_slot` of an object with slot variables (`Loader._load_nodes`).
    others        A variable, a function or a resource with children has methods replaced by all of these names.
Called when an object is deleted
    resources     `_destroy_resource` (`trackable/resource.py: CapturableResource.__del__`).
Called when a function is called
    The body, all of it: nodes that nothing reads run too where their op is stateful. What it captures was made while
    loading; a gradient runs where something asks for one (`SymbolicGradient`), and no signature does by itself.
Called by nobody but the user
    Signatures. Children of plain objects under names that do not begin with `_`: what the loader looks up on a plain
    object begins so, every name of it was logged; layers made of a loaded object look for a few more. Entries of lists
    and dicts. Traces (`trace_0`) and captures (`capture_0`) of functions. Functions that no object has: gradients.

The rule is the other way round: a function that an object has counts as called by loading unless it is one of the last.
A child is found by its number as Python finds it: -1 is the last object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from workbench.disk.schema import SavedObject
from workbench.model.callables import SIGNATURES_CHILD
from workbench.model.objects import ObjectGraph, resolve

_GENERIC = "_generic_user_object"
_OF_KERAS = "_tf_keras_"
"""How identifiers of layers and models of Keras 2 begin: plain objects, too, where Keras does not load them itself."""
_CONTAINERS = frozenset(
    {"signature_map", "trackable_dict_wrapper", "trackable_list_wrapper", "trackable_tuple_wrapper"}
)
"""Identifiers of user objects that keep their children as entries (`revived_types.py`), in version 1 of each."""
_OWN = re.compile(r"(trace|capture)_\d+")
"""Names of the children of functions that are their own."""
_CALL = "__call__"
_OF_LAYERS = frozenset(
    {
        "get_concrete_function",
        "concrete_functions",
        "trainable_variables",
        "variables",
        "regularization_losses",
    }
)
"""Plain names that layers made of a loaded object look for on it and on its children, and look into: `TFSMLayer`
(`keras/src/export/saved_model_export_archive.py: _list_variables_used_by_fns`) and `hub.KerasLayer`."""
_OURS = "prune"
"""What `runtime.child_script.loaders: V2.run` looks for on the root."""
_METHODS = """
    _LEGACY_SAVEABLE_NAME _add_trackable_child _add_variable_with_custom_getter _attached_dependencies
    _attribute_sentinel _checkpoint_adapter _checkpoint_dependencies _copy_trackable_to_cpu
    _create_or_restore_slot_variable _deferred_dependencies _delete_tracking _deserialization_dependencies
    _deserialize_from_proto _destruction_context _export_to_saved_model_graph _gather_saveables_for_checkpoint
    _handle_deferred_dependencies _in_graph_mode _lookup_dependency _manual_tracking
    _maybe_initialize_trackable _name_based_attribute_restore _name_based_restores _no_dependency
    _object_identifier _parent_trackable _preload_simple_restoration _resource_handle _resource_handle_value
    _restore_from_tensors _save_slice_info _self_attribute_sentinel _self_destruction_context
    _self_external_modification _self_extra_variables _self_last_wrapped_dict_snapshot
    _self_name_based_restores _self_saveable_object_factories _self_setattr_tracking _self_trainable
    _self_unconditional_checkpoint_dependencies _self_unconditional_deferred_dependencies
    _self_unconditional_dependency_names _self_update_uid _serialize_to_proto _serialize_to_tensors
    _setattr_tracking _shared_name _should_act_as_resource_variable _track_trackable _trackable
    _trackable_children _unconditional_checkpoint_dependencies _unconditional_dependency_names _update_uid
    _use_resource_variables
"""
_LOOKED_INTO = frozenset(_METHODS.split())
"""What the loader looks up on a plain object, and may look into: `self._unconditional_dependency_names.get(name)`."""
_TAKEN_FOR = frozenset({"is_distributed_variable", "is_distributed_table", "is_sharded_variable"})
"""Plain names by which the loader takes an object for a variable (`get_tensor_from_node`)."""
_DESTROY = "_destroy_resource"


class LoadedObjects:
    """The concrete functions of an object graph that loading or deleting runs.

    Args:
        objects: the object graph.
    """

    def __init__(self, objects: ObjectGraph) -> None:
        self._nodes = objects.nodes

    @cached_property
    def run(self) -> tuple[str, ...]:
        """Return the concrete functions that loading calls."""
        return self._functions(self._called(deleting=False))

    @cached_property
    def deleted(self) -> tuple[str, ...]:
        """Return the concrete functions that run when the loaded objects are deleted."""
        return self._functions(self._called(deleting=True))

    @cached_property
    def all(self) -> tuple[str, ...]:
        """Return the concrete functions of all objects."""
        return self._functions(range(len(self._nodes)))

    def signature(self, key: str) -> tuple[str, ...]:
        """Return the concrete functions of a signature; nothing ties them to the main graph."""
        return self._functions(self._callable(self._signatures.get(key, ())))

    def at(self, path: str) -> tuple[str, ...]:
        """Return the concrete functions a callable's path may mean, as `child_script.loaders: V2.call` follows it.

        A name in it is an attribute, one of digits an index of a list, whose items have any text that `int` reads,
        from the end too (`trackable/data_structures.py: _set_list_item`). A name with a dot in it is not found.
        """
        places = {0}
        for name in path.split("."):
            places = {
                child for place in places for label, child in self._edges(place) if _is_same(label, name)
            }
        return self._functions(self._callable(places))

    @cached_property
    def _signatures(self) -> dict[str, list[int]]:
        """Return objects by the signature they are set as."""
        found: dict[str, list[int]] = {}
        maps = [child for name, child in self._edges(0) if name == SIGNATURES_CHILD] if self._nodes else []
        for place in maps:
            for name, child in self._edges(place):
                found.setdefault(name, []).append(child)
        return found

    def _edges(self, number: int) -> Iterator[tuple[str, int]]:
        """Return names and numbers of an object's children and of what it is made with."""
        node, size = self._nodes[number], len(self._nodes)
        for reference in (*node.children, *node.dependencies):
            child = resolve(reference.node_id, size)
            if child is not None:
                yield reference.local_name, child

    def _called(self, *, deleting: bool) -> set[int]:
        """Return the objects that loading or deleting calls or looks into."""
        called: set[int] = set()
        looked_into: set[int] = set()
        for number, node in enumerate(self._nodes):
            plain = _is_plain(node)
            for name, child in self._edges(number):
                elsewhere = plain and (name in _OF_LAYERS or (number == 0 and name == _OURS))
                at_deletion = name == _DESTROY and not plain
                if at_deletion != deleting or not (elsewhere or _is_looked_for(node, plain, name)):
                    continue
                called.add(child)
                if not plain or elsewhere or name in _LOOKED_INTO or name.startswith("__"):
                    looked_into.add(child)
            for saveable in () if deleting else node.saveable_objects.values():
                both = (saveable.save_function, saveable.restore_function)
                called |= {place for one in both if (place := resolve(one, len(self._nodes))) is not None}
        return self._callable(called) | self._below(looked_into)

    def _callable(self, numbers: Iterable[int]) -> set[int]:
        """Return objects, and what is behind their `__call__`."""
        found = set(numbers)
        todo = list(found)
        while todo:
            below = {child for name, child in self._edges(todo.pop()) if name == _CALL} - found
            found |= below
            todo += below
        return found

    def _below(self, numbers: Iterable[int]) -> set[int]:
        """Return objects, and all below them."""
        found = set(numbers)
        todo = list(found)
        while todo:
            below = {child for _, child in self._edges(todo.pop())} - found
            found |= below
            todo += below
        return found

    def _functions(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """Return the concrete functions of those objects that are functions."""
        names: dict[str, None] = {}
        for number in sorted(numbers):
            node = self._nodes[number]
            names |= dict.fromkeys(node.function.concrete_functions)
            if node.HasField("bare_concrete_function"):
                names[node.bare_concrete_function.concrete_function_name] = None
        return tuple(names)


def _is_same(label: str, name: str) -> bool:
    """Return whether a child may be what a name in a path finds."""
    if label == name or not name.isdigit():
        return label == name
    try:
        number = int(label)
    except ValueError:
        return False
    return number < 0 or number == int(name)


def _is_plain(node: SavedObject) -> bool:
    """Return whether an object becomes a plain one, of which nothing special is used.

    One that has something of a variable, `_should_act_as_resource_variable` say, may be used as a variable is.
    """
    identifier = node.user_object.identifier
    return (
        node.WhichOneof("kind") == "user_object"
        and not node.registered_name
        and not len(node.slot_variables)
        and (identifier in (_GENERIC, *_CONTAINERS) or identifier.startswith(_OF_KERAS))
        and not any(one.local_name in _LOOKED_INTO or one.local_name in _TAKEN_FOR for one in node.children)
    )


def _is_container(node: SavedObject) -> bool:
    """Return whether the children of a plain object are entries, not attributes."""
    version = node.user_object.version
    loads = version.min_consumer <= 1 <= version.producer and 1 not in version.bad_consumers
    return node.user_object.identifier in _CONTAINERS and loads


def _is_looked_for(node: SavedObject, plain: bool, name: str) -> bool:
    """Return whether others than the user look for a child where it is."""
    if plain:
        return name.startswith("_") and name != _CALL and not _is_container(node)
    is_function = node.WhichOneof("kind") in ("function", "bare_concrete_function")
    return not (is_function and _OWN.fullmatch(name))
