"""The keys of a checkpoint that MetaGraphs read; those that none reads are removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from workbench.disk import dtypes
from workbench.disk.nodes import attr
from workbench.disk.schema import MetaGraphDef, NodeDef, TrackableObjectGraph
from workbench.errors import DamagedFile
from workbench.model import MetaGraph
from workbench.model.objects import OBJECT_GRAPH_KEY
from workbench.model.op_classes import IDENTITY, V1_CHECKPOINT, V2_CHECKPOINT
from workbench.model.saver import const_strings
from workbench.names import count, input_node, show
from workbench.surgery.pruning.drop_optimizers import without_keys
from workbench.surgery.workspace import Workspace

if TYPE_CHECKING:
    from workbench.disk.checkpoint.bundle import Bundle


def drop_unneeded_keys(workspace: Workspace, tracked: TrackableObjectGraph | None = None) -> None:
    """Remove from the checkpoint what no MetaGraph reads, and report it; keep all where that is not sure.

    Args:
        workspace: its MetaGraphs are final.
        tracked: the new object graph of the checkpoint, which is written; None for the one it has.
    """
    bundle = workspace.bundle()
    if bundle is None:
        return
    kept = tracked if tracked is not None else tracked_graph(workspace)
    needed: set[str] = set()
    for proto in workspace.proto.meta_graphs:
        meta = MetaGraph(proto, bundle=bundle, folder=workspace.model.folder)
        found = _needed_keys(meta, bundle, kept)
        if found is None:
            told = "The checkpoint stays as it is: the keys that a saver reads are not constants."
            workspace.note("checkpoint-kept", "info", "variables", told)
            return
        needed |= found
    gone = set(bundle) - needed
    nbytes = sum(bundle.entry(key).size for key in gone)
    dropped = len(gone)
    left = None if kept is None else without_keys(kept, gone)
    # In a join it is no key of a source, but made.
    written = OBJECT_GRAPH_KEY in needed or OBJECT_GRAPH_KEY in workspace.checkpoint.tensors
    if left is not None and written and (tracked is not None or left != kept):
        gone |= {OBJECT_GRAPH_KEY} & set(bundle)
        data = left.SerializeToString(deterministic=True)
        workspace.checkpoint.tensors[OBJECT_GRAPH_KEY] = (dtypes.STRING, (), [data])
    if not gone:
        return
    workspace.drop_keys(gone)
    told = (
        f"{count(dropped, 'value')} ({nbytes:,} bytes) removed from the checkpoint: no MetaGraph reads them."
    )
    workspace.note("checkpoint-pruned", "info", "variables", told)


def _needed_keys(meta: MetaGraph, bundle: Bundle, tracked: TrackableObjectGraph | None) -> set[str] | None:
    """Return the keys that a MetaGraph may read; None if that is not sure.

    More than it reads may be among them: every text in the graph that is a key counts.
    """
    if any(not _is_known(node, nodes) for nodes in _bodies(meta.proto) for node in nodes.values()):
        return None
    found = {variable.key for variable in meta.variables if variable.key is not None}
    for nodes in _bodies(meta.proto):
        for node in nodes.values():
            if node.op == "Const" and attr(node, "dtype").type == dtypes.STRING:
                found.update(const_strings(node).values)
    if meta.has_object_graph and tracked is not None:
        found.add(OBJECT_GRAPH_KEY)
        found |= {one.checkpoint_key for node in tracked.nodes for one in node.attributes}
    return {key for key in found if key in bundle}


def tracked_graph(workspace: Workspace) -> TrackableObjectGraph | None:
    """Return the object graph of the checkpoint as it stands, or None.

    Raises:
        DamagedFile: it can't be read.
    """
    from google.protobuf.message import DecodeError

    written = workspace.checkpoint.tensors.get(OBJECT_GRAPH_KEY)
    bundle = workspace.bundle()
    if written is not None:
        data = b"".join(one for one in written[2] if isinstance(one, bytes))  # a list of one
    elif bundle is not None and OBJECT_GRAPH_KEY in bundle:
        data = b"".join(bundle.strings(OBJECT_GRAPH_KEY))
    else:
        return None
    try:
        return TrackableObjectGraph.FromString(data)
    except DecodeError:
        where = show(str(workspace.model.path))
        raise DamagedFile("The object graph of the checkpoint is damaged.", where=where) from None


def _bodies(proto: MetaGraphDef) -> Iterator[dict[str, NodeDef]]:
    """Yield the nodes of the main graph, then those of each function."""
    bodies: list[Sequence[NodeDef]] = [proto.graph_def.node]
    bodies += [function.node_def for function in proto.graph_def.library.function]
    for body in bodies:
        yield {node.name: node for node in body}


def _is_known(node: NodeDef, nodes: dict[str, NodeDef]) -> bool:
    """Return whether a node reads no checkpoint, or keys that are constants."""
    if node.op in V1_CHECKPOINT:
        return False
    if node.op not in V2_CHECKPOINT:
        return True
    return const_of(node.input[1], nodes) is not None if len(node.input) > 1 else False


def const_of(entry: str, nodes: dict[str, NodeDef]) -> NodeDef | None:
    """Return the Const behind an input, through Identities; None if something else is there."""
    node = nodes.get(input_node(entry))
    for _ in range(len(nodes)):
        if node is None or node.op not in IDENTITY:
            break
        node = nodes.get(input_node(node.input[0]))
    return node if node is not None and node.op == "Const" else None
