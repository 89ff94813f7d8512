"""What a loader runs once after restoring, carried into a result as its one init op."""

from __future__ import annotations

from collections.abc import Sequence

from workbench import names
from workbench.disk.schema import Message
from workbench.model import MetaGraph
from workbench.model.signature import INIT_OP
from workbench.model.variables import variable_defs
from workbench.surgery.part import unique_name

MAIN_OP = "saved_model_main_op"
_LEGACY = "legacy_init_op"
TRAIN_OP = "__saved_model_train_op"


def init_ops(meta: MetaGraph) -> tuple[str, ...]:
    """Return the nodes that the init op of a result has to run.

    What `MetaGraph.init_ops` names, less the initialisers of variables that the saver restores: those would lose their
    values in a v1 Session, which runs no implicit initialisation.
    """
    found = tuple(name for name in meta.init_ops if name in meta.nodes)
    if meta.init_op is not None or not found:
        return found
    restored = {variable.node for variable in meta.variables if variable.key is not None}
    spared = {
        names.input_node(definition.initializer_name)
        for definition in variable_defs(meta.proto, "local_variables")
        if names.input_node(definition.variable_name) in restored
    }
    return tuple(name for name in found if name not in spared)


def tell_implicit(meta: MetaGraph, ops: Sequence[str]) -> str | None:
    """Return what is to be told about initialisation that no init op names; None if there is none."""
    if meta.init_op is not None or not ops:
        return None
    count = f"{len(ops)} {'initialiser' if len(ops) == 1 else 'initialisers'}"
    return (
        f"The source has no init op: tf.saved_model.load runs the {count} of its tables and local variables, a v1 "
        f"Session does not. The init op of the result runs {'it' if len(ops) == 1 else 'them'} in every loader."
    )


def use_main_op(meta_graph: Message, ops: Sequence[str]) -> None:
    """Name the init op in the collection alone: a signature for it needs an object graph.

    Args:
        meta_graph: is changed.
        ops: the nodes to run; several are grouped by a new NoOp.
    """
    for key in (INIT_OP, TRAIN_OP):
        if key in meta_graph.signature_def:
            del meta_graph.signature_def[key]
    for name in (MAIN_OP, _LEGACY):
        if name in meta_graph.collection_def:
            del meta_graph.collection_def[name]
    add_main_op(meta_graph, ops)


def add_main_op(meta_graph: Message, ops: Sequence[str]) -> None:
    """Name the init op of a MetaGraph that has none; arguments as of `use_main_op`."""
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    ops = [name for name in ops if name in nodes]
    if not ops:
        return
    init_op = ops[0]
    if len(ops) > 1 or nodes[init_op].op != "NoOp":
        group = meta_graph.graph_def.node.add(name=unique_name("init", nodes), op="NoOp")
        group.input.extend(f"^{name}" for name in ops)
        init_op = group.name
    meta_graph.collection_def[MAIN_OP].node_list.value.append(init_op)
