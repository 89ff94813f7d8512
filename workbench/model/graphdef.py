"""The signature a GraphDef has: fed at its placeholders, read at its sinks.

A PlaceholderWithDefault may be an input that can be left out. It is none where it would take the place of another one:
a Session prunes what only a fed tensor needs (`RewriteGraphForExecution` in subgraph.cc), so that the placeholder from
which its default follows would have no effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from workbench.disk import dtypes
from workbench.disk.schema import GraphDef, NodeDef
from workbench.model.op_classes import INTO_CONTROL_FLOW, NO_VALUE, OUT_OF_CONTROL_FLOW, PLACEHOLDERS
from workbench.model.signature import DEFAULT, PREDICT, Port, Signature
from workbench.model.tensors import Tensor, output_shape
from workbench.names import input_node, is_control

_MAX_MORE = 4096
_MOST_STEPS = 2_000_000


class Graph(Protocol):
    """What is asked of a MetaGraph here."""

    @property
    def graph(self) -> GraphDef:
        """The `GraphDef`."""

    @property
    def nodes(self) -> dict[str, NodeDef]:
        """Its nodes by name."""

    @property
    def producer(self) -> int:
        """Its version."""

    def output_types(self, node: NodeDef) -> list[int] | None:
        """Return the dtypes of a node's outputs, or None for an unknown op."""

    def node_tensor(self, name: str) -> Tensor | None:
        """Return a tensor as the nodes declare it."""


def read_signature(meta: Graph) -> dict[str, Signature]:
    """Return the signature of a GraphDef: placeholders in, sinks out, keyed by node.

    A PlaceholderWithDefault is one that may be left out, unless an output would no longer follow from another one.
    A sink is a node that no data input names, other than NoOp, Assert, Print, and Const where anything else
    is left; likewise what lies inside a branch or a loop of TF1's control flow and may have no value when it is
    fetched. A sink with several outputs gives `node`, `node:1`, …, up to some thousand for all sinks together.
    """
    inputs: dict[str, Port] = {}
    sinks: list[str] = []
    used: set[str] = set()
    for node in meta.graph.node:
        used.update([input_node(entry) for entry in node.input if not is_control(entry)])
    ends = {name for name, node in meta.nodes.items() if name not in used and node.op not in NO_VALUE}
    inner = _displacing(meta, ends)
    for name, node in meta.nodes.items():
        if node.op in PLACEHOLDERS and name not in inner:
            inputs[name] = _port(meta, name, f"{name}:0")
        elif name not in used and node.op not in NO_VALUE:
            sinks.append(name)
    computed = [name for name in sinks if meta.nodes[name].op != "Const"]
    outputs: dict[str, Port] = {}
    more = _MAX_MORE
    for name in _outside_control_flow(meta, computed) or computed or sinks:
        types = meta.output_types(meta.nodes[name])
        number = 1 if types is None else len(types)
        more -= max(number - 1, 0)
        if more < 0:  # a few bytes can claim thousands
            number = min(number, 1)
        for index in range(number):
            key = name if index == 0 else f"{name}:{index}"
            dtype = dtypes.dtype(types[index] if types is not None else dtypes.INVALID)
            shape = output_shape(meta.nodes[name], index, meta.producer)
            outputs[key] = Port(key, "dense", (f"{name}:{index}",), dtype, shape)
    if not inputs and not outputs:
        return {}
    ordered_in = {key: inputs[key] for key in sorted(inputs)}
    ordered_out = {key: outputs[key] for key in sorted(outputs)}
    return {DEFAULT: Signature(DEFAULT, PREDICT, ordered_in, ordered_out)}


def _displacing(meta: Graph, sinks: set[str]) -> set[str]:
    """Return placeholders with a default that replace another when fed."""
    placeholders = {node.name for node in meta.graph.node if node.op in PLACEHOLDERS}
    if not any(meta.nodes[name].input for name in placeholders):
        return set()
    takers = _takers(meta)
    inner = placeholders & _behind(takers, placeholders)
    if len(placeholders) * len(inner) * len(takers) > _MOST_STEPS:
        return inner
    fed = set(inner)
    changed = bool(fed)
    while changed:
        changed = False
        for name in sorted(placeholders):
            reached = _behind(takers, [name])
            at_stake = {one for one in fed & reached if one != name}
            wanted = reached & sinks
            if at_stake and not wanted <= _behind(takers, [name], at_stake):
                alone = {one for one in at_stake if not wanted <= _behind(takers, [name], {one})}
                fed -= alone or at_stake
                changed = True
    return inner - fed


def _outside_control_flow(meta: Graph, sinks: list[str]) -> list[str]:
    """Return the nodes that have one value whichever branches are taken.

    A Switch gives its value to one of its outputs alone; an Enter begins a loop; Merge and Exit end them.
    """
    into = {node.name for node in meta.graph.node if node.op in INTO_CONTROL_FLOW}
    if not into:
        return sinks
    inside = into | _behind(_takers(meta, OUT_OF_CONTROL_FLOW), into)
    return [sink for sink in sinks if sink not in inside]


def _takers(meta: Graph, without: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """Return for each node the nodes that take a value of it; some ops left out."""
    found: dict[str, list[str]] = {}
    for node in meta.graph.node:
        if node.op not in without:
            for entry in node.input:
                if not is_control(entry):
                    found.setdefault(input_node(entry), []).append(node.name)
    return found


def _behind(takers: Mapping[str, list[str]], starts: Iterable[str], stops: Iterable[str] = ()) -> set[str]:
    """Return the nodes that depend on some nodes, and not through `stops` alone."""
    stopped = set(stops)
    found: set[str] = set()
    todo = list(starts)
    while todo:
        for name in takers.get(todo.pop(), ()):
            if name not in found and name not in stopped:
                found.add(name)
                todo.append(name)
    return found


def _port(meta: Graph, key: str, tensor: str) -> Port:
    found = meta.node_tensor(tensor)
    if found is None:
        return Port(key, "dense", (tensor,), dtypes.dtype(dtypes.INVALID), None)
    return Port(key, "dense", (tensor,), found.dtype, found.shape)
