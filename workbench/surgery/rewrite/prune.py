"""Pruning: functions, nodes and objects that an edited MetaGraph no longer needs."""

from __future__ import annotations

from collections.abc import Iterable

from workbench import names
from workbench.disk.schema import MetaGraphDef
from workbench.graph.functions import reachable
from workbench.graph.reach import ancestors
from workbench.model import MetaGraph, Model
from workbench.surgery.export.duplicate_variables import restore_what_is_read
from workbench.surgery.export.init_ops import MAIN_OP, signature_tensors, use_main_op
from workbench.surgery.export.variable_defs import describe_variables
from workbench.surgery.imported import ImportedModel
from workbench.surgery.plan import Source


def drop_functions(meta_graph: MetaGraphDef) -> int:
    """Drop the functions that no graph or object reaches; return how many."""
    graph = meta_graph.graph_def
    concrete = (
        list(meta_graph.object_graph_def.concrete_functions)
        if meta_graph.HasField("object_graph_def")
        else []
    )
    kept = reachable(graph, graph.node, concrete)
    library = graph.library
    gone = [at for at, function in enumerate(library.function) if function.signature.name not in kept]
    for at in reversed(gone):
        del library.function[at]
    for at in reversed(range(len(library.gradient))):
        if library.gradient[at].function_name not in kept:
            del library.gradient[at]
    for at in reversed(range(len(library.registered_gradients))):
        if library.registered_gradients[at].gradient_func not in kept:
            del library.registered_gradients[at]
    aliases = meta_graph.meta_info_def.function_aliases
    for name in [name for name in aliases if name not in kept]:
        del aliases[name]
    return len(gone)


def drop_objects(meta_graph: MetaGraphDef, model: Model, original: MetaGraph) -> None:
    """Turn a MetaGraph to TF1 format: no object graph, a VariableDef per variable.

    Args:
        meta_graph: a private copy of `original`, its graph perhaps changed.
        model: whose it is.
        original: the view with the checkpoint, for what its variables are.
    """
    if not meta_graph.HasField("object_graph_def"):
        return
    meta_graph.ClearField("object_graph_def")
    use_main_op(meta_graph, original.init_op)
    part = ImportedModel(Source("model", model.path), model, original, None)
    part.graph_def = meta_graph.graph_def
    part.kept = {node.name: node for node in meta_graph.graph_def.node}
    part.duplicates = original.duplicate_variables
    # only the object graph knew that two nodes are one variable
    unused = set(restore_what_is_read(part.kept, part.duplicates))
    unused -= {names.input_node(tensor) for tensor in signature_tensors(meta_graph)}
    for place in reversed([at for at, node in enumerate(part.graph_def.node) if node.name in unused]):
        del part.kept[part.graph_def.node[place].name]
        del part.graph_def.node[place]
    describe_variables(part)
    for name, definitions in part.variable_defs.items():
        values = meta_graph.collection_def[name].bytes_list.value
        values.extend(definition.SerializeToString(deterministic=True) for definition in definitions)


def roots_of(meta_graph: MetaGraphDef) -> list[str]:
    """Return the inputs that signatures, init op and assets need in the main graph."""
    roots = signature_tensors(meta_graph)
    if MAIN_OP in meta_graph.collection_def:
        roots += (f"^{name}" for name in meta_graph.collection_def[MAIN_OP].node_list.value)
    roots += [asset.tensor_info.name for asset in meta_graph.asset_file_def]
    return roots


def drop_nodes(meta_graph: MetaGraphDef, roots: Iterable[str]) -> int:
    """Drop the nodes that no root needs and return their number."""
    graph = meta_graph.graph_def
    nodes = {node.name: node for node in graph.node}
    seen = ancestors(nodes, roots)
    end = len(graph.node)
    while end:  # a whole run of dropped nodes at once: each deletion moves all that follows
        start = end - 1
        gone = graph.node[start].name not in seen
        while start and (graph.node[start - 1].name not in seen) == gone:
            start -= 1
        if gone:
            del graph.node[start:end]
        end = start
    for node in graph.node:
        if "_class" not in node.attr:
            continue
        places = [
            place
            for place in node.attr["_class"].list.s
            if place[:5] != b"loc:@" or place[5:].decode("utf-8", "replace") in seen
        ]
        if places:
            node.attr["_class"].list.s[:] = places
        else:
            del node.attr["_class"]
    return len(nodes) - len(graph.node)
