"""Slots of old Keras optimizers in an object graph, which become children.

Such an object (`optimizer`; TensorFlow 2.21 knows only `tf_deprecated_optimizer`) is loaded as a plain one, which has
no slots: the loader dies of them. As plain children the slot variables are restored, and the model loads.

Sources: `slot_variables` in saved_object_graph.proto and trackable_object_graph.proto;
`tensorflow/python/saved_model/load.py`.
"""

from __future__ import annotations

from workbench.disk.schema import SavedObjectGraph, TrackableObjectGraph

_OLD = "optimizer"


def plain_slots(
    saved: SavedObjectGraph, tracked: TrackableObjectGraph, root: int, tracked_root: int | None
) -> None:
    """Turn the slots of old optimizers into children.

    Args:
        saved: SavedObjectGraph, changed.
        tracked: TrackableObjectGraph of the checkpoint, changed alike; its numbers are its own.
        root: number of the object in `saved` from which everything of the model is reached.
        tracked_root: the same in `tracked`; None if the checkpoint has no graph.
    """
    old = [
        number
        for number in range(root, len(saved.nodes))
        if len(saved.nodes[number].slot_variables)
        and saved.nodes[number].WhichOneof("kind") == "user_object"
        and saved.nodes[number].user_object.identifier == _OLD
    ]
    if not old:
        return
    same = same_paths(saved, tracked, root, tracked_root) if tracked_root is not None else {}
    for number in old:
        optimizer = saved.nodes[number]
        if number in same:
            other = tracked.nodes[same[number]]
            values = {
                (slot.original_variable_node_id, slot.slot_name): slot.slot_variable_node_id
                for slot in other.slot_variables
            }
            for position, slot in enumerate(optimizer.slot_variables):
                value = values.get((same.get(slot.original_variable_node_id, -1), slot.slot_name))
                if value is not None:  # what the checkpoint does not have could not be restored
                    name = f"slot_{position}_{slot.slot_name}"
                    optimizer.children.add(node_id=slot.slot_variable_node_id, local_name=name)
                    other.children.add(node_id=value, local_name=name)
            del other.slot_variables[:]
        del optimizer.slot_variables[:]


def same_paths(
    saved: SavedObjectGraph, tracked: TrackableObjectGraph, root: int, tracked_root: int
) -> dict[int, int]:
    """Map the objects of `saved` to those of `tracked` with the same path; ids that nothing has lead nowhere."""
    found = {root: tracked_root}
    sizes = len(saved.nodes), len(tracked.nodes)
    todo = [root]
    while todo:
        number = todo.pop()
        theirs = {child.local_name: child.node_id for child in tracked.nodes[found[number]].children}
        for child in saved.nodes[number].children:
            other = theirs.get(child.local_name, -1)
            if child.node_id not in found and 0 <= child.node_id < sizes[0] and 0 <= other < sizes[1]:
                found[child.node_id] = other
                todo.append(child.node_id)
    return found
