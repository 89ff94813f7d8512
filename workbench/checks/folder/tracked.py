"""The checkpoint's own object graph, by which `tf.saved_model.load` finds each variable's value.

`_CHECKPOINTABLE_OBJECT_GRAPH` is a TrackableObjectGraph with ids of its own; it is matched to the model's objects by
the names of children, from the root down. Source: `checkpoint/restore.py`, `load.py: _restore_checkpoint`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from workbench.checks.codes import Code, Found
from workbench.disk import dtypes
from workbench.disk.schema import TrackableObjectGraph
from workbench.errors import WorkbenchError
from workbench.model.objects import OBJECT_GRAPH_KEY
from workbench.names import did_you_mean, show

if TYPE_CHECKING:
    from workbench.disk.checkpoint.bundle_read import Bundle
    from workbench.model.meta import MetaGraph

TRACKED_UNREADABLE = Code(
    "tracked-unreadable", "error", "the checkpoint's object graph is missing or can't be read",
    f"The key {OBJECT_GRAPH_KEY} tells tf.saved_model.load which tensor is whose: without it no variable is restored.",
    "The checkpoint belongs to another model, or was written by another tool: copy variables/ again.",
)  # fmt: skip
TRACKED_ID = Code(
    "tracked-id", "error", "an id in the checkpoint's object graph is out of range",
    "A child or a slot variable is given by its place in a list that is shorter: restoring fails.",
    "Copy the folder variables/ again from where the model was exported.",
)  # fmt: skip
TRACKED_KEY = Code(
    "tracked-key", "error", "the checkpoint's object graph names a key that the checkpoint does not have",
    "Restoring the object's value fails.",
    "Index and object graph do not belong together: copy the folder variables/ again.",
)  # fmt: skip
UNTRACKED = Code(
    "variable-untracked", "error", "a variable has no value in the checkpoint's object graph",
    "The path of names that leads to it from the root leads nowhere in the checkpoint: tf.saved_model.load refuses to "
    "restore (`Some Python objects were not bound to checkpointed values`).",
    "The checkpoint belongs to another version of the model: copy the folder variables/ that was saved with it.",
)  # fmt: skip


def read(bundle: Bundle) -> TrackableObjectGraph | None:
    """Return the TrackableObjectGraph of a checkpoint, or None if it has none that parses."""
    if OBJECT_GRAPH_KEY not in bundle:
        return None
    try:
        if bundle.entry(OBJECT_GRAPH_KEY).dtype != dtypes.STRING:
            return None
        values = bundle.strings(OBJECT_GRAPH_KEY)
        return TrackableObjectGraph.FromString(values[0]) if values else None
    except (WorkbenchError, DecodeError):
        return None


def check(meta: MetaGraph, tracked: TrackableObjectGraph | None, found: Found) -> None:
    """Compare the checkpoint's object graph with the model's.

    Args:
        meta: with its checkpoint.
        tracked: what `read` gave.
        found: the collector.
    """
    bundle, objects = meta.bundle, meta.objects
    if bundle is None or objects is None:
        return
    if tracked is None:
        if any(node.HasField("variable") for node in objects.nodes):
            there = "can't be read" if OBJECT_GRAPH_KEY in bundle else "is not there"
            found.add(TRACKED_UNREADABLE, OBJECT_GRAPH_KEY, f"The checkpoint's object graph {there}.")
        return
    size = len(tracked.nodes)
    keys = sorted(bundle)
    for number, node in enumerate(tracked.nodes):
        where = f"{OBJECT_GRAPH_KEY} {number}"
        for what, other in _ids(node):
            if not 0 <= other < size:
                found.add(TRACKED_ID, where, f"Its {what} is object {other}; there are {size}, from 0.")
        for attribute in node.attributes:
            key = attribute.checkpoint_key
            if not _has(keys, key):
                found.add(
                    TRACKED_KEY,
                    where,
                    f"Its value {show(attribute.full_name or attribute.name)!r} is under {show(key)!r}, which the "
                    "checkpoint does not have.",
                    partial(did_you_mean, key, bundle.keys(), noun="keys"),
                )
    _matched(meta, tracked, found)


def _has(keys: list[str], key: str) -> bool:
    """Return whether a key exists, or several that begin with it (a table's `…-keys`, `…-values`)."""
    at = bisect_left(keys, key)
    return at < len(keys) and keys[at].startswith(key)


def _ids(node: TrackableObjectGraph.TrackableObject) -> list[tuple[str, int]]:
    found = [(f"child {show(child.local_name)!r}", child.node_id) for child in node.children]
    for slot in node.slot_variables:
        name = show(slot.slot_name)
        found.append((f"slot {name!r}", slot.slot_variable_node_id))
        found.append((f"variable with the slot {name!r}", slot.original_variable_node_id))
    return found


def _matched(meta: MetaGraph, tracked: TrackableObjectGraph, found: Found) -> None:
    """Match both graphs by names of children; a variable without a path has no value."""
    objects = meta.objects
    assert objects is not None
    size = len(tracked.nodes)
    theirs = [
        {child.local_name: child.node_id for child in node.children if 0 <= child.node_id < size}
        for node in tracked.nodes
    ]
    paths: dict[int, tuple[str, ...]] = {0: ()}
    partner: dict[int, int] = {0: 0} if size else {}
    todo = deque([0] if len(objects.nodes) else [])
    while todo:
        number = todo.popleft()
        other = partner.get(number)
        for name, child in objects.children[number].items():
            target = theirs[other].get(name) if other is not None else None
            if child not in paths or (child not in partner and target is not None):
                paths[child] = (*paths[number], name)
                if target is not None:
                    partner[child] = target
                todo.append(child)
    for number, path in paths.items():
        node = objects.nodes[number]
        if not node.HasField("variable"):
            continue
        other = partner.get(number)
        if other is None or not (
            tracked.nodes[other].attributes or tracked.nodes[other].HasField("registered_saver")
        ):
            name = show(".".join(path))
            message = (
                f"The variable {show(node.variable.name)!r} has no value in the checkpoint's object graph."
            )
            found.add(UNTRACKED, name, message)
