"""What the saver and the collections name: a loader looks all of it up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from workbench.checks.codes import Code, Found
from workbench.model.variables import VARIABLE_COLLECTIONS, variable_defs
from workbench.names import did_you_mean, input_node, show

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

SAVER_NODE = Code(
    "saver-node", "error", "the saver names a node that the graph does not have",
    "Loading restores the variables by the saver, and fails.",
    "Save the model again; a tool that pruned the graph has dropped the saver's nodes.",
)  # fmt: skip
COLLECTION_NODE = Code(
    "collection-node", "error", "a collection names a node that the graph does not have",
    "Loaders look up every node of every collection when they import the graph, and fail (`The name … refers to a "
    "Tensor which does not exist`).",
    "Drop the entry, or the collection.",
)  # fmt: skip


def check(meta: MetaGraph, found: Found) -> None:
    """Check the SaverDef and the collections of a MetaGraph."""
    check_names(meta, found)
    for key in VARIABLE_COLLECTIONS:
        for definition in variable_defs(meta.proto, key):
            for field in ("variable_name", "initializer_name", "snapshot_name", "initial_value_name"):
                name = getattr(definition, field)
                if name:
                    _named(meta, key, f" ({field} of a variable)", name, found)


def check_names(meta: MetaGraph, found: Found) -> None:
    """Check the names in the SaverDef and in the collections that name nodes."""
    proto, nodes = meta.proto, meta.nodes
    saver = proto.saver_def
    for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
        name = getattr(saver, field)
        if name and input_node(name) not in nodes:
            found.add(
                SAVER_NODE,
                f"saver_def.{field}",
                f"It is {show(name)!r}, which names no node of the graph.",
                partial(did_you_mean, input_node(name), nodes, noun="nodes"),
            )
    for key in sorted(proto.collection_def):
        for name in proto.collection_def[key].node_list.value:
            _named(meta, key, "", name, found)


def _named(meta: MetaGraph, collection: str, what: str, name: str, found: Found) -> None:
    if input_node(name) not in meta.nodes:
        found.add(
            COLLECTION_NODE,
            show(collection),
            f"It has {show(name)!r}{what}, which names no node of the graph.",
            lambda: did_you_mean(input_node(name), meta.nodes, noun="nodes"),
        )
