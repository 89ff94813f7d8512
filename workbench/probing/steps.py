"""The steps from the inputs of a signature to its outputs, in the order in which they run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from workbench import names
from workbench.disk import dtypes
from workbench.disk.schema import NodeDef
from workbench.graph.calls import Call, Kind
from workbench.graph.level import Level
from workbench.graph.reach import ancestors
from workbench.model import MetaGraph, Signature
from workbench.model.op_classes import ENTERS, MUST_BE_FED, NEXT_ITERATIONS, PASS_THROUGH, SWITCHES

ENTERED: frozenset[Kind] = frozenset({"call", "loop", "branch", "remote"})
"""How functions are called whose steps are shown."""
_PASSING = PASS_THROUGH | SWITCHES | ENTERS | NEXT_ITERATIONS | {"LoopCond"}
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class PathStep:
    """An output of a node, whose value depends on an input.

    Attributes:
        address: an output of it, as `expose` takes it: `CALL::node:0`.
        op: of the node.
    """

    address: str
    op: str


def path_steps(meta: MetaGraph, signature: Signature) -> list[PathStep]:
    """Return the nodes that depend on the inputs and that the outputs need, through calls, loops and branches.

    A loop or branch follows the steps inside it. Nodes that only pass a value on are left out, but for placeholders.
    """
    fed = {names.input_node(tensor) for port in signature.inputs.values() for tensor in port.tensors}
    wanted = [names.input_node(tensor) for port in signature.outputs.values() for tensor in port.tensors]
    tensors = {
        str(names.input_tensor(tensor)) for port in signature.inputs.values() for tensor in port.tensors
    }
    steps = _steps(Level.of(meta), wanted, fed, 0)
    # of a node that is fed, only the outputs that are: it does not run
    return [step for step in steps if step.address in tensors or step.address.rpartition(":")[0] not in fed]


def _steps(level: Level, wanted: Iterable[str], fed: Collection[str], depth: int) -> Iterator[PathStep]:
    """Yield the steps of one body.

    Args:
        level: the body.
        wanted: the nodes that have to be computed.
        fed: nodes and arguments that have a value of an input.
        depth: how many calls it is below the main graph.
    """
    if depth > _DEEPEST:
        return
    nodes, ends = level.nodes, set(wanted)
    moved = set(fed)
    for name in _in_order(nodes, ends, fed):
        node = nodes[name]
        data = [names.input_node(text) for text in node.input if not names.is_control(text)]
        if name not in fed and moved.isdisjoint(data):
            continue
        moved.add(name)
        calls = level.calls_under(node) if name not in fed else []
        for call in sorted(calls, key=lambda one: one.label == "else_branch"):
            if call.kind in ENTERED:
                yield from _inside(level, call, data, moved, depth)
        if len(calls) == 1 and calls[0].kind == "call" and calls[0].first is not None:
            continue  # its outputs are results of steps inside it
        if node.op not in _PASSING or node.op in MUST_BE_FED:
            for index in _used(level, node, name in ends):
                yield PathStep(level.full_name(f"{name}:{index}"), node.op)


def _inside(
    level: Level, call: Call, data: list[str], moved: Collection[str], depth: int
) -> Iterator[PathStep]:
    """Yield the steps of the function that a node calls."""
    under = level.under(call)
    if call.first is None or under.function is None:
        return
    taken = data[call.first :]
    arguments = [one.name for one in under.body.argument_tensors]
    inner = {argument for argument, given in zip(arguments, taken, strict=False) if given in moved}
    if call.kind == "loop":  # what one iteration changes, the next one gets
        inner = {one.name for one in under.body.argument_tensors if one.dtype != dtypes.RESOURCE}
    results = [text.partition(":")[0] for text in under.function.ret.values()]
    yield from _steps(under, [one for one in results if one in under.nodes], inner, depth + 1)


def _used(level: Level, node: NodeDef, is_end: bool) -> list[int]:
    """Return the outputs of a node that something uses; of an end the first, where nothing uses one."""
    types = level.meta.output_types(node) or [0]
    held = (dtypes.RESOURCE, dtypes.VARIANT)
    used = [
        index
        for index, dtype in enumerate(types)
        if dtype not in held and level.body.uses((node.name, index))
    ]
    return used or [0] * (is_end or len(types) == 1)


def _in_order(nodes: Mapping[str, NodeDef], wanted: Iterable[str], fed: Collection[str]) -> list[str]:
    """Return the nodes that are needed, each after its inputs; in the graph's order where it has a cycle."""
    needed = ancestors(nodes, wanted, stop=fed) & nodes.keys()
    edges = {
        name: []
        if name in fed
        else [
            one
            for text in nodes[name].input
            if (one := names.input_node(text)) in needed and not _is_back(nodes, one)
        ]
        for name in nodes
        if name in needed
    }
    try:
        return list(TopologicalSorter(edges).static_order())
    except CycleError:  # in a graph that no TensorFlow would run
        return list(edges)


def _is_back(nodes: Mapping[str, NodeDef], name: str) -> bool:
    """Return whether a node closes a loop of TF1."""
    return nodes[name].op in NEXT_ITERATIONS
