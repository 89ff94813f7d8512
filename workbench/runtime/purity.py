"""Whether running a part of a graph leaves everything as it was, and gives the same again.

Where it does, a second run needs no Session of its own. Nothing is executed; what is not known counts as impure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from workbench.disk.schema import Message
from workbench.graph.adjacency import Adjacency
from workbench.graph.functions import reachable
from workbench.model import MetaGraph
from workbench.names import input_node

# Ops that touch a resource or a ref or run a function, but change nothing that is left after the run; bodies
# are looked into.
_READING = frozenset(
    """
    AnonymousHashTable Assert Case DisableCopyOnRead DummyIterationCounter HashTable HashTableV2 If
    ImmutableConst LookupTableExport LookupTableExportV2 LookupTableFind LookupTableFindV2 LookupTableSize
    LookupTableSizeV2 MutableDenseHashTable MutableDenseHashTableV2 MutableHashTable MutableHashTableV2
    PartitionedCall ReadVariableOp RefEnter RefExit RefIdentity RefMerge RefNextIteration RefSwitch
    ResourceGather ResourceGatherNd StatefulPartitionedCall TensorArrayCloseV3 TensorArrayConcatV3
    TensorArrayGatherV3 TensorArrayReadV3 TensorArrayScatterV3 TensorArraySizeV3 TensorArraySplitV3
    TensorArrayV3 TensorArrayWriteV3 VarHandleOp VarIsInitializedOp Variable VariableShape VariableV2 While
    """.split()  # noqa: SIM905
)
# What a graph may do once, when it is loaded.
_FILLING = frozenset(
    """
    Assign AssignVariableOp InitializeTable InitializeTableFromTextFile InitializeTableFromTextFileV2
    InitializeTableV2 LookupTableImport LookupTableImportV2
    """.split()  # noqa: SIM905
)


def is_pure(meta: MetaGraph, tensors: Iterable[str]) -> bool:
    """Whether computing `tensors` (`n:k`), in a graph that was just loaded, is the same every time.

    The init op counts as well: what it fills with random numbers differs from Session to Session.
    """
    graph = Adjacency(meta.nodes)
    for node in _below(meta, graph, map(input_node, tensors)):
        if _writes(meta, node, _READING):
            return False
    allowed = _READING | _FILLING
    return not any(_writes(meta, node, allowed) for node in _below(meta, graph, meta.init_ops))


def _below(meta: MetaGraph, graph: Adjacency, starts: Iterable[str]) -> Iterator[Message]:
    """The nodes that some nodes need, and all nodes of the bodies these call."""
    nodes = [meta.nodes[name] for name in graph.ancestors(starts)]
    yield from nodes
    for name in reachable(meta.graph, nodes):
        yield from meta.functions[name].node_def


def _writes(meta: MetaGraph, node: Message, allowed: frozenset[str]) -> bool:
    if node.op in allowed or node.op in meta.functions:
        return False
    op_def = meta.op_table.get(node.op)
    # an op that takes a ref writes to it, though TensorFlow does not call it stateful
    return op_def is None or op_def.is_stateful or any(arg.is_ref for arg in op_def.input_arg)
