"""Freeze: convert variables to constants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from workbench import names
from workbench.disk.schema import MetaGraphDef, NodeDef
from workbench.findings import Action, Hint
from workbench.model import MetaGraph
from workbench.model.op_classes import VARIABLES
from workbench.model.variables import VARIABLE_COLLECTIONS, Variable
from workbench.names import show
from workbench.surgery.export.collections import kept_contexts
from workbench.surgery.export.init_ops import carry_init, signature_tensors, use_main_op
from workbench.surgery.export.restored_state import Restored, restored
from workbench.surgery.imported import unique_name
from workbench.surgery.operation import Operation
from workbench.surgery.rewrite.freeze_variables import bytes_of, freeze
from workbench.surgery.rewrite.prefix import Renamer, Rule
from workbench.surgery.rewrite.prune import drop_functions, drop_nodes, roots_of
from workbench.surgery.rewrite.variables_to_constants import Conversion
from workbench.surgery.signatures.made_signature import make_signature
from workbench.surgery.step import register
from workbench.surgery.workspace import Workspace

MAX_PROTO_BYTES = 2**31 - 1
_HINT = Hint(
    "Keep the variables, or leave out the signature that needs it: ",
    Action("drop-signature", {"model": "MODEL", "step": "freeze"}),
)


@register
@dataclass(frozen=True, slots=True)
class Freeze(Operation):
    """Convert the variables of a model to constants, also in functions, loops and branches.

    Tables stay tables. The result has no checkpoint. A variable that a signature writes to cannot be frozen; it is
    reported.
    """

    NAME: ClassVar[str] = "freeze"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("freeze",)
    KEEPS_SIGNATURES: ClassVar[bool] = True

    def apply(self, workspace: Workspace) -> None:
        """Apply it to a workspace, whose result is in TF1 format.

        What only serves training, saving and restoring is removed: the saver, initialisers, the object graph. Tables
        and their assets stay. A variable that a signature writes to is a finding with severity error. A model that has
        callables alone gets a signature of one, since they are removed, too.

        Raises:
            WorkbenchError: the checkpoint can't be read.
        """
        make_signature(workspace, objects=False, needed=True)
        if not workspace.blocked:
            _freeze_all(workspace)


def _freeze_all(workspace: Workspace) -> None:
    model = workspace.model
    meta_graph, graph, original = workspace.meta_graph, workspace.meta_graph.graph_def, workspace.original
    others = _needed_by(workspace)
    workspace.checkpoint.how = "copy" if others and model.bundle is not None else "drop"
    meta_graph.ClearField("object_graph_def")
    meta_graph.ClearField("saver_def")
    carry_init(workspace)
    use_main_op(meta_graph, MetaGraph(meta_graph).init_op)
    drop_nodes(meta_graph, roots_of(meta_graph))
    nodes = {node.name: node for node in graph.node}
    drop_functions(meta_graph)
    known = {variable.node: variable for variable in original.variables} | original.duplicate_variables
    state = restored(original)
    if not any(node.op in VARIABLES or state.lost(node, original.op_table) for node in _all(meta_graph)):
        workspace.note("freeze-nothing", "info", show(str(model.path)), "No signature reads a variable.")
    elif model.bundle is None and model.bundle_problem is not None:
        raise model.bundle_problem
    elif _fits(workspace, bytes_of(known[name] for name in nodes if name in known)):
        _freeze(workspace, nodes, known, state)
    _drop_collections(meta_graph, nodes)
    if workspace.checkpoint.how == "copy" and not workspace.blocked:
        listed = ", ".join(others[:4])
        told = f"variables/ stays: the model's other MetaGraphs need it (tag sets: {listed})."
        workspace.note("freeze-checkpoint", "info", show(str(model.path)), told)
    workspace.left_out |= {"keras_metadata.pb", "debug"}
    workspace.verify_all()
    workspace.faithful = False


def _all(meta_graph: MetaGraphDef) -> Iterator[NodeDef]:
    """Yield the nodes of the main graph and of all functions."""
    yield from meta_graph.graph_def.node
    for function in meta_graph.graph_def.library.function:
        yield from function.node_def


def _needed_by(workspace: Workspace) -> list[str]:
    """Return the tag sets of the other MetaGraphs that use the checkpoint."""
    return [
        show(meta.tags_text) or "(no tags)"
        for meta in workspace.model.meta_graphs
        if meta is not workspace.original
        and (meta.proto.saver_def.restore_op_name or meta.has_object_graph or not meta.is_frozen)
    ]


def _freeze(
    workspace: Workspace, nodes: dict[str, NodeDef], known: dict[str, Variable], state: Restored
) -> None:
    graph = workspace.meta_graph.graph_def

    def add(name: str, op: str) -> NodeDef:
        name = unique_name(name, nodes)
        nodes[name] = graph.node.add(name=name, op=op)
        return nodes[name]

    functions = {function.signature.name: function for function in graph.library.function}
    conversion = Conversion(nodes, functions, workspace.original.op_table, add)
    count = freeze(
        nodes,
        known,
        workspace.model.bundle,
        conversion,
        workspace.note,
        _HINT,
        signature_tensors(workspace.meta_graph),
        bodies=functions.values(),
        state=state,
    )
    graph.library.function.extend(conversion.made.values())
    dropped = drop_functions(workspace.meta_graph)
    left = [name for name, node in nodes.items() if node.op in VARIABLES]
    if count:
        workspace.note(
            "freeze-done",
            "info",
            show(str(workspace.model.path)),
            f"{count} {'variable is now a constant' if count == 1 else 'variables are now constants'}"
            + (
                f"; {dropped} {'function was' if dropped == 1 else 'functions were'} removed."
                if dropped
                else "."
            ),
        )
    if left and not workspace.blocked:
        listed = ", ".join(map(show, left[:4]))
        workspace.note(
            "freeze-left",
            "warning",
            show(str(workspace.model.path)),
            f"{len(left)} stay variables, set by the init op: {listed}.",
        )


def _fits(workspace: Workspace, nbytes: int) -> bool:
    size = int(workspace.proto.ByteSize()) + nbytes
    if size <= MAX_PROTO_BYTES:
        return True
    workspace.note(
        "R11-size",
        "error",
        show(str(workspace.model.path)),
        f"saved_model.pb would be about {size / 1e9:.2f} GB; a proto can't be over 2 GB.",
        "Keep the variables.",
    )
    return False


def _drop_collections(meta_graph: MetaGraphDef, nodes: dict[str, NodeDef]) -> None:
    """Drop collections of variables, and what names removed nodes."""
    collections = meta_graph.collection_def
    same = Renamer("", without=Rule)
    for name in list(collections):
        listed = collections[name]
        kind = listed.WhichOneof("kind")
        gone = name in VARIABLE_COLLECTIONS
        if name in ("cond_context", "while_context") and kind == "bytes_list":
            listed.bytes_list.value[:] = kept_contexts(name, listed.bytes_list.value, nodes, same)
        elif kind == "node_list":
            gone = gone or any(names.input_node(value) not in nodes for value in listed.node_list.value)
        elif kind == "bytes_list":
            gone = True
        if gone:
            del collections[name]
