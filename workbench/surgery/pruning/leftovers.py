"""What names nodes of a main graph besides other nodes: what must stay for it, and what is dropped with them."""

from __future__ import annotations

from collections.abc import Collection

from workbench.disk.schema import MetaGraphDef
from workbench.model.variables import VARIABLE_COLLECTIONS, variable_defs
from workbench.names import input_node
from workbench.surgery.export.collections import kept_contexts
from workbench.surgery.export.init_ops import signature_tensors
from workbench.surgery.rewrite.prefix import Renamer, Rule

_CONTEXTS = ("cond_context", "while_context")


def object_constants(meta_graph: MetaGraphDef) -> list[str]:
    """Return the constants of the main graph that objects name, as control inputs."""
    objects = meta_graph.object_graph_def.nodes if meta_graph.HasField("object_graph_def") else ()
    return [f"^{node.constant.operation}" for node in objects if node.WhichOneof("kind") == "constant"]


def saver_nodes(meta_graph: MetaGraphDef, nodes: Collection[str]) -> list[str]:
    """Return the nodes that the saver names, as control inputs; those that exist."""
    saver = meta_graph.saver_def
    named = (saver.filename_tensor_name, saver.save_tensor_name, saver.restore_op_name)
    return [f"^{input_node(name)}" for name in named if name and input_node(name) in nodes]


def variable_tensors(meta_graph: MetaGraphDef, nodes: Collection[str], of: Collection[str]) -> list[str]:
    """Return what the VariableDefs of some variables name.

    Args:
        meta_graph: has the collections.
        nodes: of the main graph.
        of: nodes of the variables.
    """
    named = [
        name
        for collection in VARIABLE_COLLECTIONS
        for one in variable_defs(meta_graph, collection)
        if input_node(one.variable_name) in of
        for name in (one.variable_name, one.initializer_name, one.initial_value_name, one.snapshot_name)
    ]
    return [name for name in dict.fromkeys(named) if name and input_node(name) in nodes]


def roots_of_all(meta_graph: MetaGraphDef) -> list[str]:
    """Return the inputs that anything names: signatures, assets, the saver, objects, collections but for contexts."""
    nodes = {node.name for node in meta_graph.graph_def.node}
    roots = signature_tensors(meta_graph)
    roots += [asset.tensor_info.name for asset in meta_graph.asset_file_def]
    roots += object_constants(meta_graph)
    roots += saver_nodes(meta_graph, nodes)
    roots += variable_tensors(meta_graph, nodes, nodes)
    for listed in meta_graph.collection_def.values():
        if listed.WhichOneof("kind") == "node_list":
            roots += [one for one in listed.node_list.value if input_node(one) in nodes]
    return roots


def drop_collections(
    meta_graph: MetaGraphDef, also: Collection[str] = (), resolved: Collection[str] = ()
) -> None:
    """Drop from collections what they name of removed nodes, and those that have nothing left.

    Args:
        meta_graph: changed in place.
        also: names of collections of other messages that are dropped.
        resolved: nodes that are predicates of conditionals which are none any more.
    """
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    collections = meta_graph.collection_def
    same = Renamer("", without=Rule)
    for name in list(collections):
        listed = collections[name]
        kind = listed.WhichOneof("kind")
        if kind == "bytes_list" and name in VARIABLE_COLLECTIONS:
            kept = [
                one.SerializeToString(deterministic=True)
                for one in variable_defs(meta_graph, name)
                if input_node(one.variable_name) in nodes
            ]
            if len(kept) < len(listed.bytes_list.value):
                listed.bytes_list.value[:] = kept
        elif kind == "bytes_list" and name in _CONTEXTS:
            left = {key: node for key, node in nodes.items() if key not in resolved}
            listed.bytes_list.value[:] = kept_contexts(name, listed.bytes_list.value, left, same)
        elif kind == "bytes_list" and name in also:
            listed.bytes_list.value[:] = []
        elif kind == "node_list":
            listed.node_list.value[:] = [one for one in listed.node_list.value if input_node(one) in nodes]
        if kind in ("node_list", "bytes_list") and not getattr(listed, kind).value:
            del collections[name]
