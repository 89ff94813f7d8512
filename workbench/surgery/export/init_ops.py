"""The init op of the result: what a loader runs once after restoring."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from workbench import names
from workbench.disk import dtypes
from workbench.disk.nodes import attr
from workbench.disk.schema import MetaGraphDef, NodeDef
from workbench.graph.adjacency import Adjacency
from workbench.graph.functions import reachable
from workbench.model import MetaGraph
from workbench.model.op_classes import VARIABLE_READS
from workbench.model.signature import HIDDEN_SIGNATURES, INIT_OP
from workbench.model.variables import variable_defs
from workbench.names import show
from workbench.surgery.imported import unique_name
from workbench.surgery.signatures.interface import info_tensors

if TYPE_CHECKING:
    from workbench.surgery.workspace import Workspace

MAIN_OP = "saved_model_main_op"
_LEGACY = "legacy_init_op"


def init_ops(meta: MetaGraph, needed: Collection[str]) -> tuple[str, ...]:
    """Return the nodes that the init op of a result has to run.

    That is the init op of the source; where it has none, those of `MetaGraph.implicit_init` that set a table or a
    variable which the result needs, or which another of them needs. Initialisers of variables that the saver restores
    are left out: the variables would lose their values in a v1 Session, which runs no implicit initialisation.

    Args:
        meta: the source.
        needed: names of the nodes of its main graph that signatures and wires need.
    """
    if meta.init_op is not None:
        return (meta.init_op,) if meta.init_op in meta.nodes else ()
    restoring = _restoring(meta)
    waiting = [name for name in meta.implicit_init if name not in restoring]
    return _that_set(waiting, meta, needed, meta.functions)


def needed_init_ops(meta: MetaGraph, needed: Collection[str]) -> tuple[str, ...]:
    """Return those parts of a source's initialisation that set what some nodes need.

    Args:
        meta: the source.
        needed: names of the nodes of its main graph that are needed.
    """
    if meta.init_op is None:
        return init_ops(meta, needed)
    found: list[str] = []
    seen, todo = set[str](), [meta.init_op]
    while todo:  # a NoOp only groups others
        name = todo.pop()
        node = meta.nodes.get(name)
        if node is None or name in seen:
            continue
        seen.add(name)
        if node.op == "NoOp":
            todo += reversed([names.input_node(text) for text in node.input])
        else:
            found.append(name)
    called = reachable(meta.graph, [meta.nodes[name] for name in needed if name in meta.nodes])
    return _that_set(found, meta, needed, called)


def _that_set(
    waiting: Sequence[str], meta: MetaGraph, needed: Collection[str], functions: Iterable[str]
) -> tuple[str, ...]:
    """Return the initialisers that set state which some nodes need, or which another of them needs.

    Args:
        waiting: the initialisers.
        meta: the source.
        needed: names of nodes.
        functions: those that may open state by its name.
    """
    adjacency = Adjacency(meta.nodes)
    above = {name: adjacency.ancestors([name]) for name in waiting}
    seen = set(needed)
    opened = {_shared_name(node) for name in functions for node in meta.functions[name].node_def}
    opened |= {_shared_name(meta.nodes[name]) for name in seen if name in meta.nodes}
    opened.discard("")
    found: set[str] = set()

    def is_needed(name: str) -> bool:
        return _is_state(meta, name) and (name in seen or _shared_name(meta.nodes[name]) in opened)

    while True:
        more = [name for name in waiting if name not in found and any(map(is_needed, above[name]))]
        if not more:
            return tuple(name for name in waiting if name in found)
        found.update(more)
        seen.update(*(above[name] for name in more))


def _restoring(meta: MetaGraph) -> set[str]:
    """Return the initialisers of local variables that the saver restores."""
    local = variable_defs(meta.proto, "local_variables")
    if not local or not meta.implicit_init:
        return set()
    restored = {variable.node for variable in meta.variables if variable.key is not None}
    return {
        names.input_node(definition.initializer_name)
        for definition in local
        if names.input_node(definition.variable_name) in restored
    }


def _is_state(meta: MetaGraph, name: str) -> bool:
    """Return whether a node may hold state that an initialiser sets.

    It has a stateful op that gives a handle or reference, or an unknown op.
    """
    op_def = meta.op_table.get(meta.nodes[name].op)
    return op_def is None or (
        op_def.is_stateful and any(arg.type == dtypes.RESOURCE or arg.is_ref for arg in op_def.output_arg)
    )


def _shared_name(node: NodeDef) -> str:
    return str(attr(node, "shared_name").s.decode("utf-8", "surrogateescape"))


def set_up_by(nodes: Mapping[str, NodeDef], roots: Sequence[str]) -> set[str]:
    """Return the nodes whose outputs some init ops work on: resources that they set up are among them.

    Args:
        nodes: the main graph.
        roots: the init ops.
    """
    ran = Adjacency(nodes).ancestors(roots) if roots else set()
    return {
        names.input_node(text)
        for name in ran
        if nodes[name].op not in VARIABLE_READS and nodes[name].op != "NoOp"
        for text in nodes[name].input
        if not text.startswith("^")
    }


def tell_implicit(meta: MetaGraph, ops: Sequence[str]) -> str | None:
    """Return a message about initialisation that no init op names, or None."""
    if meta.init_op is not None or not ops:
        return None
    count = f"{len(ops)} {'initialiser' if len(ops) == 1 else 'initialisers'}"
    return (
        f"The source has no init op: tf.saved_model.load runs the {count} of its tables and local variables, a v1 "
        f"Session does not. The init op of the result runs {'it' if len(ops) == 1 else 'them'} in every loader."
    )


def carry_init(workspace: Workspace) -> None:
    """Give a model an init op for its implicit initialisation and report it.

    Args:
        workspace: its signatures are final; nothing is done where the original has an init op.
    """
    original, nodes = workspace.original, workspace.meta_graph.graph_def.node
    if not original.implicit_init:
        return
    tensors = signature_tensors(workspace.meta_graph)
    needed = Adjacency({node.name: node for node in nodes}).ancestors(map(names.input_node, tensors))
    ops = init_ops(original, needed)
    told = tell_implicit(original, ops)
    if told is not None:
        add_main_op(workspace.meta_graph, ops)
        workspace.note("implicit-init", "info", show(str(workspace.model.path)), told)


def use_main_op(meta_graph: MetaGraphDef, init_op: str | None) -> None:
    """Name the init op in the collection only: its signature needs an object graph.

    Args:
        meta_graph: is changed.
        init_op: the node; one that does something itself is wrapped in a NoOp. None for no init op.
    """
    for key in HIDDEN_SIGNATURES:
        if key in meta_graph.signature_def:
            del meta_graph.signature_def[key]
    for name in (MAIN_OP, _LEGACY):
        if name in meta_graph.collection_def:
            del meta_graph.collection_def[name]
    add_main_op(meta_graph, [init_op] if init_op is not None else [])


def add_main_op(meta_graph: MetaGraphDef, ops: Sequence[str]) -> None:
    """Name the init op of a MetaGraph that has none.

    Args:
        meta_graph: is changed.
        ops: the nodes to run; several, or one that does something itself, are grouped by a new NoOp.
    """
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


def run_too(meta_graph: MetaGraphDef, init_op: str | None, ops: Sequence[str], name: str) -> None:
    """Make the init op of a MetaGraph run further nodes.

    A NoOp gets them as control inputs. Another init op is grouped with them; where the object graph needs its name in a
    signature, that names the group.

    Args:
        meta_graph: is changed.
        init_op: its init op, or None.
        ops: the nodes to run.
        name: of the new group, if one is needed.
    """
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    waits = [f"^{op}" for op in ops]
    if init_op is not None and init_op in nodes and nodes[init_op].op == "NoOp":
        nodes[init_op].input.extend(waits)
        return
    group = meta_graph.graph_def.node.add(name=name, op="NoOp")
    group.input.extend([f"^{init_op}", *waits] if init_op is not None and init_op in nodes else waits)
    signatures = meta_graph.signature_def
    if meta_graph.HasField("object_graph_def") and INIT_OP in signatures:
        signatures[INIT_OP].outputs[INIT_OP].name = group.name
    else:
        use_main_op(meta_graph, group.name)


def signature_tensors(meta_graph: MetaGraphDef) -> list[str]:
    """Return the tensors that signatures name."""
    return [
        tensor
        for signature in meta_graph.signature_def.values()
        for infos in (signature.inputs, signature.outputs)
        for info in infos.values()
        for tensor in info_tensors(info)
    ]
