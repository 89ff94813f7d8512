"""Object graphs in which a function that writes a file is put where the loader looks, and where it does not.

Each case changes the object graph of one model: by hand in `test_loading.py`, as TensorFlow saved it in
`test_loading_runs.py`. Objects are found by the names they have in the root: variable `v`, plain objects `sub` and
`other`, a list `items`, a table `table`, functions `writes` (no argument), `saves` (a name; gives what a saver takes),
`takes` (a tensor) and `fair`, which writes nothing; `signature` is what signature `s` is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Ids = Mapping[str, int]
Edit = Callable[[Any, Ids], None]


class Case(NamedTuple):
    """A change of an object graph.

    Attributes:
        name: its name.
        edit: makes it: object graph, objects by name.
        label: what the walk says reaches the file, or None if nothing does but the user.
        fires: whether TensorFlow 2.21 writes the file; where it does not the arguments do not fit, or nobody calls.
    """

    name: str
    edit: Edit
    label: str | None
    fires: bool = True


def child(parent: str, name: str, target: str) -> Edit:
    """Gives an object a child, in place of one that has the name."""

    def edit(objects: Any, ids: Ids) -> None:
        for known in objects.nodes[ids[parent]].children:
            if known.local_name == name:
                known.node_id = ids[target]
                return
        objects.nodes[ids[parent]].children.add(local_name=name, node_id=ids[target])

    return edit


def both(*edits: Edit) -> Edit:
    """Does one after the other."""

    def edit(objects: Any, ids: Ids) -> None:
        for one in edits:
            one(objects, ids)

    return edit


def saveable(owner: str, save: str, restore: str, name: str = "x") -> Edit:
    """Gives an object a saver of its own."""

    def edit(objects: Any, ids: Ids) -> None:
        found = objects.nodes[ids[owner]].saveable_objects[name]
        found.save_function, found.restore_function = ids[save], ids[restore]

    return edit


def counted_from_the_end(objects: Any, ids: Ids) -> None:
    node = objects.nodes[ids["sub"]]
    node.children.add(local_name="_maybe_initialize_trackable", node_id=ids["writes"] - len(objects.nodes))


def saver_counted_from_the_end(objects: Any, ids: Ids) -> None:
    found = objects.nodes[ids["sub"]].saveable_objects["x"]
    found.save_function, found.restore_function = ids["saves"] - len(objects.nodes), ids["fair"]


def through_two_objects(objects: Any, ids: Ids) -> None:
    objects.nodes.add().user_object.CopyFrom(objects.nodes[ids["sub"]].user_object)
    last = len(objects.nodes) - 1
    objects.nodes[ids["sub"]].children.add(local_name="_maybe_initialize_trackable", node_id=last)
    objects.nodes[last].children.add(local_name="__call__", node_id=ids["other"])
    objects.nodes[ids["other"]].children.add(local_name="__call__", node_id=ids["writes"])


def registered(name: str) -> Edit:
    def edit(objects: Any, ids: Ids) -> None:
        objects.nodes[ids["sub"]].registered_name = name

    return edit


def dependency(objects: Any, ids: Ids) -> None:
    objects.nodes[ids["sub"]].dependencies.add(local_name="_create_resource", node_id=ids["writes"])


def slot_variable(objects: Any, ids: Ids) -> None:
    objects.nodes.add().variable.CopyFrom(objects.nodes[ids["v"]].variable)
    slot = objects.nodes[ids["sub"]].slot_variables.add(slot_name="m", original_variable_node_id=ids["v"])
    slot.slot_variable_node_id = len(objects.nodes) - 1


def unknown_identifier(objects: Any, ids: Ids) -> None:
    objects.nodes[ids["sub"]].user_object.identifier = "somebody's"


def newer_list(objects: Any, ids: Ids) -> None:
    version = objects.nodes[ids["items"]].user_object.version
    version.producer = version.min_consumer = 2


def second_signature(objects: Any, ids: Ids) -> None:
    """The one that is set last counts."""
    objects.nodes[ids["signatures"]].children.add(local_name="s", node_id=ids["writes"])


def signature_object(objects: Any, ids: Ids) -> None:
    objects.nodes[ids["other"]].children.add(local_name="__call__", node_id=ids["writes"])
    second = objects.nodes[ids["signatures"]].children.add(local_name="s", node_id=ids["other"])
    assert second.node_id == ids["other"]


def replaced(name: str) -> Edit:
    """A method of a plain object."""
    return child("sub", name, "writes")


def called(owner: str, target: str) -> Edit:
    """An object that can be called."""
    return child(owner, "__call__", target)


LOAD, DELETE = "(load)", "(delete)"
_INIT = "_maybe_initialize_trackable"
_TABLE = registered("tf.StaticHashTable")
CASES = [
    *(Case(f"method {name}", replaced(name), LOAD) for name in
      (_INIT, "_trackable_children", "_gather_saveables_for_checkpoint")),
    *(Case(f"method {name}", replaced(name), LOAD, False) for name in
      ("_lookup_dependency", "_checkpoint_adapter", "_restore_from_tensors", "_made_up")),
    Case("of the root", child("root", _INIT, "writes"), LOAD),
    Case("counted from the end", counted_from_the_end, LOAD),
    Case("saver counted from the end", saver_counted_from_the_end, LOAD),
    Case("an object that can be called", both(child("sub", _INIT, "other"), called("other", "writes")), LOAD),
    Case("through two objects", through_two_objects, LOAD),
    Case("looked into", both(child("sub", "_self_unconditional_dependency_names", "other"),
                             child("other", "get", "saves")), LOAD),
    Case("save function", saveable("sub", "saves", "fair"), LOAD),
    Case("restore function", saveable("sub", "fair", "takes"), LOAD, False),
    Case("save function of the new kind", saveable("v", "writes", "fair", ".TENSORS"), LOAD),
    Case("save function of the root", both(saveable("sub", "root", "fair"), called("root", "saves")), LOAD),
    Case("save function of an object", both(saveable("sub", "other", "fair"), called("other", "saves")), LOAD),
    Case("made", child("table", "_create_resource", "writes"), LOAD),
    Case("filled", child("table", "_initialize", "writes"), LOAD),
    Case("destroyed", child("table", "_destroy_resource", "writes"), DELETE),
    Case("method of a table", child("table", _INIT, "writes"), LOAD),
    Case("any child of a table", child("table", "whatever", "writes"), LOAD, False),
    Case("table by its registered name", both(_TABLE, replaced("_initialize")), LOAD),
    Case("registered table destroyed", both(_TABLE, replaced("_destroy_resource")), DELETE),
    Case("registered table made", both(_TABLE, dependency), LOAD, False),
    Case("another registered name", both(registered("a.B"), replaced("plain")), LOAD, False),
    Case("another identifier", both(unknown_identifier, replaced("plain")), LOAD, False),
    Case("slot", both(slot_variable, replaced("add_slot")), LOAD, False),
    Case("method of a variable", child("v", "_serialize_to_tensors", "writes"), LOAD),
    Case("another of a variable", child("v", _INIT, "writes"), LOAD),
    Case("method of a function", child("fair", "_trackable_children", "writes"), LOAD),
    Case("method of a signature", child("signature", "_captured_inputs", "writes"), LOAD, False),
    Case("a list of a later version", both(newer_list, child("items", _INIT, "writes")), LOAD),
    Case("losses of a hub module", child("root", "regularization_losses", "writes"), LOAD, False),
    Case("an endpoint that traces itself", replaced("get_concrete_function"), LOAD, False),
    Case("taken for a variable", both(child("sub", "_should_act_as_resource_variable", "fair"),
                                      child("sub", "read_value_no_copy", "writes")), LOAD, False),
    Case("what stands for a v1 graph", child("root", "prune", "writes"), LOAD, False),
    Case("that name elsewhere", replaced("prune"), None, False),
    Case("second signature", second_signature, "s", False),
    Case("signature of an object", signature_object, "s", False),
    Case("plain", replaced("plain"), None, False),
    Case("plain and callable", called("sub", "writes"), None, False),
    Case("trace", child("fair", "trace_7", "writes"), None, False),
    Case("entry of the signatures", child("signatures", "_other", "writes"), None, False),
]  # fmt: skip
