"""Duplicate variables: the saver restores the one that is read."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from workbench import names
from workbench.disk.schema import MetaGraphDef, NodeDef
from workbench.model import MetaGraph
from workbench.model.variables import Variable
from workbench.surgery.imported import ImportedModel

_COLOCATED = b"loc:@"
_COPIES: WeakKeyDictionary[MetaGraph, MetaGraph] = WeakKeyDictionary()


def join_duplicates(part: ImportedModel) -> None:
    """Make the saver restore the variables that are read, instead of their duplicates.

    The duplicates that are restored in the source are recorded in `part.duplicates`.
    """
    part.duplicates = {
        node: restored for node, restored in part.meta.duplicate_variables.items() if node in part.kept
    }
    for restored in restore_what_is_read(part.kept, part.duplicates):
        if f"{restored}:0" not in part.exported:
            part.remove(restored)


def restoring_what_is_read(meta: MetaGraph) -> MetaGraph:
    """Return a copy of a MetaGraph whose saver restores the variables that are read, for a v1 Session.

    It is the same copy for the same MetaGraph, or the MetaGraph itself where its saver does so already.
    """
    if not meta.duplicate_variables:
        return meta
    if meta not in _COPIES:
        proto = MetaGraphDef()
        proto.CopyFrom(meta.proto)
        restore_what_is_read({node.name: node for node in proto.graph_def.node}, meta.duplicate_variables)
        _COPIES[meta] = MetaGraph(proto, bundle=lambda: meta.bundle, folder=meta.folder, format=meta.format)
    return _COPIES[meta]


def restore_what_is_read(nodes: Mapping[str, NodeDef], duplicates: Mapping[str, Variable]) -> list[str]:
    """Let the saver of a graph restore the nodes that are read; return those that it restored before.

    Args:
        nodes: of the graph, by name; changed in place.
        duplicates: node that is read to the restored variable that is the same.
    """
    new = {restored.node: node for node, restored in duplicates.items() if restored.node in nodes}
    for node in nodes.values() if new else ():
        for position, text in enumerate(node.input):
            head, rest = names.split_input(text)
            if head in new:
                node.input[position] = f"^{new[head]}" if rest == "^" else new[head] + rest
        if "_class" in node.attr:
            places = node.attr["_class"].list.s
            for position, place in enumerate(places):
                name = place.removeprefix(_COLOCATED).decode()
                if place.startswith(_COLOCATED) and name in new:
                    places[position] = _COLOCATED + new[name].encode()
    return list(new)
