"""The detail of a name scope: its ops, its largest tensors, and what flows in and out."""

from __future__ import annotations

from collections import Counter
from heapq import nlargest
from typing import TYPE_CHECKING

from workbench import names
from workbench.describe.text import size
from workbench.names import count, show
from workbench.session.lists.spots import Spot
from workbench.session.texts.detail import FILTER, LISTED, Detail, Link, Span

if TYPE_CHECKING:
    from workbench.graph.level import Level
    from workbench.model import MetaGraph
    from workbench.session.lists.rows import Row
    from workbench.session.nodes.tree import Scope
    from workbench.session.nodes.trees import Trees
    from workbench.session.texts.node_detail import NodeTeller

MAIN = "."
"""How a filter names the main graph (`in:.`)."""
_LARGEST = 8
_FLOWS = 12


def add_ops(out: Detail, meta: MetaGraph, ops: Counter[str], within: str = "") -> None:
    """Add how many nodes of each op there are; the link of a line filters the list for that op.

    Args:
        out: the detail.
        meta: of the nodes.
        ops: the numbers.
        within: what `in:` of a filter says to get these nodes; empty for all of the model.
    """
    out.heading("Ops", f"{count(sum(ops.values()), 'node')}; enter lists those of one op")
    unknown = set(meta.unknown_ops)
    for op, number in ops.most_common(LISTED):
        text = f"op:{op} in:{within}" if within else f"op:{op}"
        can_be_typed = len(text.split()) == (2 if within else 1)
        out.add(
            Span(f"  {number:>7,} "),
            Span(show(op), "op", Link((FILTER, text)) if can_be_typed else None),
            Span("  not in TensorFlow 2.21" if op in unknown else "", "maybe"),
        )
    if len(ops) > LISTED:
        out.add(Span(f"          and {len(ops) - LISTED:,} more", "dim"))


def scope_detail(out: Detail, row: Row, meta: MetaGraph, trees: Trees, about: NodeTeller) -> None:
    """Add what is in a scope: how much, its largest tensors, what it reads and who reads it, its ops."""
    level, scope = row.ref
    at = row.key[1]
    tree = trees.of(level)
    out.name = level.full_name(scope.prefix)
    ops = tree.kinds(scope)
    out.fact("what", f"name scope, {count(len(scope.members), 'node')}")
    if level.function is not None:
        function = level.function.signature.name
        out.fact("in", Span(show(function), "name", Link(("function", function))))
    weights = tree.weights(scope)
    if any(weights.values()):
        out.fact("holds", f"{size(sum(weights.values()))} of variables and constants")
        out.heading("Largest")
        heavy = [number for number in scope.members if weights.get(number)]
        largest = nlargest(_LARGEST, heavy, key=weights.__getitem__)
        for number in largest:
            link = about.link(Spot(at, tree.names[number]))
            out.add(f"  {size(weights[number]):>9}  ", link)
    _flows(out, level, scope, at, about)
    body = level.function.signature.name if level.function is not None else MAIN
    add_ops(out, meta, ops, f"{body}{names.CALL_SEPARATOR}{scope.prefix}")


def _flows(out: Detail, level: Level, scope: Scope, at: str, about: NodeTeller) -> None:
    """Add the nodes outside that give a scope its inputs, and those that read its outputs."""
    adjacency = about.places.adjacency(at)
    listed = level.body.node_defs
    own = [scope.node] if scope.node is not None else []
    inside = dict.fromkeys(listed[number].name for number in (*own, *scope.members))
    sources: dict[str, None] = {}
    readers: dict[str, None] = {}
    for name in inside:
        for entry in level.nodes[name].input:
            source = names.input_node(entry)
            if source not in inside and not names.is_control(entry):
                sources[source] = None
        for consumer, position in adjacency.consumers(name):
            if consumer not in inside and not names.is_control(level.nodes[consumer].input[position]):
                readers[consumer] = None
    for title, found in (("Reads from", sources), ("Read by", readers)):
        out.heading(title, count(len(found), "node") if found else "nothing outside")
        for name in list(found)[:_FLOWS]:
            out.add("     ", about.link(Spot(at, name)))
        if len(found) > _FLOWS:
            out.add(Span(f"     and {len(found) - _FLOWS:,} more", "dim"))
