"""The detail of a node: inputs, outputs, attributes, ancestors, descendants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench import names
from workbench.describe.attributes import attribute_text
from workbench.model import shapes
from workbench.model.op_classes import HASH_TABLES, PLACEHOLDERS, VARIABLES
from workbench.names import count, show
from workbench.session.lists.spots import Places, Spot
from workbench.session.texts.detail import LISTED, Detail, Link, Span

if TYPE_CHECKING:
    from workbench.disk.schema import NodeDef
    from workbench.graph.level import Level
    from workbench.model import MetaGraph


class NodeTeller:
    """Describe nodes of one model, with links to them.

    Args:
        meta: the MetaGraph.
        places: its bodies.
    """

    def __init__(self, meta: MetaGraph, places: Places) -> None:
        self.meta = meta
        self.places = places

    def node(self, out: Detail, spot: Spot) -> None:
        """Add the whole detail of a node: op, inputs, outputs, attributes, reach."""
        level, node = self.places.level(spot.level), self.places.node(spot)
        if level is None or node is None:
            out.add(Span("This graph has no such node.", "bad"))
            return
        out.name = str(spot)
        out.fact(
            "op",
            Span(show(node.op), "op"),
            Span("  not in TensorFlow 2.21" if node.op in self.meta.unknown_ops else "", "maybe"),
        )
        if level.function is not None:
            function = level.function.signature.name
            out.fact("in", Span(show(function), "name", Link(("function", function))))
            if not spot.level.startswith("fn:"):
                out.fact("path", show(str(spot), 1000))
        if node.device:
            out.fact("device", show(node.device))
        for call in level.calls_under(node):
            label = "calls" if call.alone else call.label
            out.fact(label, Span(show(call.function), "name", Link(("function", call.function))))
        self._inputs(out, spot, level, node)
        self._outputs(out, spot, level, node)
        self._attributes(out, node)
        self.needs(out, spot.level, [spot.node])
        self.feeds(out, spot.level, [spot.node])

    def _inputs(self, out: Detail, spot: Spot, level: Level, node: NodeDef) -> None:
        data = [entry for entry in node.input if not names.is_control(entry)]
        controls = [names.input_node(entry) for entry in node.input if names.is_control(entry)]
        out.heading("Inputs", f"{len(data):,}" if data else "none")
        for number, entry in enumerate(data[:LISTED]):
            out.add(
                Span(f"  {number:>2} ", "dim"),
                self.link(Spot(spot.level, names.input_node(entry)), entry),
                "  ",
                Span(self._typed(level, entry), "dtype"),
            )
        out.more(len(data))
        if controls:
            out.heading("Control inputs", f"{len(controls):,}")
            for name in controls[:LISTED]:
                out.add("     ", self.link(Spot(spot.level, name)))
            out.more(len(controls))

    def _typed(self, level: Level, entry: str) -> str:
        """Return the dtype and shape of what an input reads."""
        name = names.input_node(entry)
        if name not in level.nodes:
            found = next((tensor for tensor in level.body.argument_tensors if tensor.name == name), None)
            return shapes.typed(found.dtype, found.shape) if found is not None else "missing node"
        tensor = level.tensor(name, self.places.output_of(level, entry))
        if level.function is None and tensor is not None and tensor.shape is None:
            tensor = level.meta.tensor(entry) or tensor
        return shapes.typed(tensor.dtype, tensor.shape) if tensor is not None else "?"

    def _outputs(self, out: Detail, spot: Spot, level: Level, node: NodeDef) -> None:
        types = self.meta.output_types(node)
        consumers = self.places.adjacency(spot.level).consumers(spot.node)
        users: dict[int, list[str]] = {}
        waiting = []
        for name, position in consumers:
            entry = level.nodes[name].input[position]
            if names.is_control(entry):
                waiting.append(name)
            else:
                users.setdefault(self.places.output_of(level, entry), []).append(name)
        if types is None:
            out.heading("Outputs", "unknown: TensorFlow has no such op")
        else:
            out.heading("Outputs", f"{len(types):,}" if types else "none")
        for index in range(len(types)) if types is not None else sorted(users):
            tensor = (
                self.meta.tensor(f"{spot.node}:{index}")
                if level.function is None
                else level.tensor(spot.node, index)
            )
            typed = shapes.typed(tensor.dtype, tensor.shape) if tensor is not None else "?"
            found = users.get(index, [])
            out.add(
                Span(f"  {index:>2} ", "dim"),
                Span(typed, "dtype"),
                Span(f"  used by {len(found):,}" if found else "  not used here", "dim"),
            )
            for name in found[:LISTED]:
                out.add(
                    "     → ",
                    self.link(Spot(spot.level, name)),
                    "  ",
                    Span(show(level.nodes[name].op), "op"),
                )
            out.more(len(found))
            if index >= LISTED:
                break
        if waiting:
            out.heading("Control outputs", f"{len(waiting):,}")
            for name in waiting[:LISTED]:
                out.add("     ", self.link(Spot(spot.level, name)))
            out.more(len(waiting))

    def _attributes(self, out: Detail, node: NodeDef) -> None:
        keys = sorted(node.attr, key=lambda key: (key.startswith("_"), key))
        if not keys:
            return
        out.heading("Attributes", f"{len(keys):,}")
        width = min(max(map(len, keys)), 24)
        for key in keys[:LISTED]:
            out.add(Span(f"  {show(key, 60).ljust(width)}  ", "dim"), attribute_text(node.attr[key]))
        out.more(len(keys))

    # -- reach

    def needs(self, out: Detail, level: str, starts: Sequence[str]) -> None:
        """Add what nodes depend on: the count, and which are fed or hold state."""
        found = self.places.adjacency(level).ancestors(starts) - set(starts)
        if not found:
            return
        nodes = self.places.adjacency(level).nodes
        roots = [name for name in nodes if name in found and _is_root(nodes[name])]
        out.heading("Depends on", count(len(found), "node"))
        for name in roots[:12]:
            out.add("     ", self.link(Spot(level, name)), "  ", Span(show(nodes[name].op), "op"))
        if len(roots) > 12:
            out.add(Span(f"     and {len(roots) - 12:,} more placeholders, variables or tables", "dim"))

    def feeds(self, out: Detail, level: str, starts: Sequence[str]) -> None:
        """Add what depends on nodes: the count, and which signature outputs."""
        found = self.places.adjacency(level).descendants(starts)
        if len(found) <= len(set(starts)):
            return
        out.heading("Needed by", count(len(found) - len(set(starts)), "node"))
        if level:
            return
        for key, signature in self.meta.signatures.items():
            for port in signature.outputs.values():
                if any(names.input_node(name) in found for name in port.tensors):
                    link = Link(("port", key, "output", port.key))
                    out.add(
                        "     ", Span(show(port.key), "name", link), Span(f"  output of {show(key)}", "dim")
                    )

    # -- links

    def spots(self, out: Detail, title: str, spots: Sequence[Spot]) -> None:
        """Add a list of places."""
        out.heading(title, f"{len(spots):,}" if spots else "nothing")
        for spot in spots[:LISTED]:
            out.add("     ", self.link(spot))
        out.more(len(spots))

    def tensor_link(self, tensor: str, level: str) -> Span:
        """Return a span that links to the node of a tensor."""
        return self.link(Spot(level, names.input_node(tensor)), tensor)

    def link(self, spot: Spot, text: str | None = None) -> Span:
        """Return a span that links to a node or argument; a broken link is marked."""
        shown = show(text if text is not None else spot.node)
        if self.places.node(spot) is not None:
            return Span(shown, "name", Link(("node", spot.level, spot.node)))
        level = self.places.level(spot.level)
        if level is not None and any(tensor.name == spot.node for tensor in level.body.argument_tensors):
            return Span(shown, "name", Link(("argument", spot.level, spot.node)))
        return Span(shown, "bad")


def _is_root(node: NodeDef) -> bool:
    return node.op in PLACEHOLDERS or node.op in VARIABLES or node.op in HASH_TABLES
