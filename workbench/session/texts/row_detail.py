"""The detail of one row: what it is and what it depends on, with links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from workbench import names
from workbench.describe.text import size
from workbench.disk import dtypes
from workbench.model import shapes
from workbench.names import count, show
from workbench.session.lists.rows import Row
from workbench.session.lists.spots import Places, Spot
from workbench.session.nodes.bodies import captured
from workbench.session.texts.detail import LISTED, Detail, Line, Link, Span
from workbench.session.texts.node_detail import NodeTeller
from workbench.session.texts.scope_detail import MAIN, add_ops, scope_detail
from workbench.surgery.resolve.callables import callable_ports

if TYPE_CHECKING:
    from workbench.disk.schema import NodeDef
    from workbench.model import MetaGraph, Model, Port, Signature
    from workbench.model.variables import Counts
    from workbench.session.nodes.trees import Trees

_SECTION_HELP = {
    "signatures": "What servers call: named inputs and outputs of the main graph.",
    "callables": "Functions of the saved Python objects. Each variant is one trace of a function.",
    "variables": "Nodes that hold state; their values are in variables/.",
    "assets": "Files of the model, such as vocabularies.",
    "functions": "The function library. In a TF2 model it holds the network, which the signature calls.",
    "nodes": "The main graph. A node that calls a function unfolds into its body.",
}


class Teller:
    """Make the details of one model.

    One detail may walk the whole graph: tenths of a second for 100,000 nodes.

    Args:
        model: the model.
        meta: its MetaGraph.
        places: its bodies.
        trees: the trees of their nodes.
        does: gives what a signature does, in lines with links to rows.
    """

    def __init__(
        self,
        model: Model,
        meta: MetaGraph,
        places: Places,
        trees: Trees,
        does: Callable[[str], Sequence[Line]] = lambda key: (),
    ) -> None:
        self.model = model
        self.meta = meta
        self.places = places
        self.trees = trees
        self._does = does
        self._about = NodeTeller(meta, places)

    def tell(self, row: Row) -> Detail:
        """Return the detail of a row."""
        title = show(row.spot.node) if row.kind == "node" and row.spot is not None else row.text
        found = Detail(row.key, title, row.text, row=row)
        found.add(Span(title, "title"))
        make = {
            "model": self._model,
            "section": self._section,
            "signature": self._signature,
            "input": self._port,
            "output": self._port,
            "callable": self._callable,
            "variable": self._variable,
            "asset": self._asset,
            "function": self._function,
            "body": self._function,
            "argument": self._argument,
            "result": self._node,
            "node": self._node,
            "scope": self._scope,
            "captures": self._captures,
        }
        make[row.kind](found, row)
        return found

    # -- the whole

    def _model(self, out: Detail, row: Row) -> None:
        model, meta = self.model, self.meta
        out.name = str(model.path)
        out.heading("Model")
        out.fact("file", show(str(model.location.file)))
        graph = "frozen GraphDef" if meta.is_frozen else "GraphDef, variables without values"
        out.fact("format", {"pb": "SavedModel", "pbtxt": "SavedModel, text", "graphdef": graph}[model.format])
        out.fact("tag set", show(meta.tags_text) or "(none)")
        if len(model.meta_graphs) > 1:
            others = [show(other.tags_text) or "(none)" for other in model.meta_graphs]
            out.fact("tag sets", "  ".join(others))
        if meta.tensorflow_version:
            out.fact("written by", f"TensorFlow {show(meta.tensorflow_version)}, producer {meta.producer}")
        out.fact("objects", "TF2 object graph" if meta.has_object_graph else "none (TF1 format)")
        nodes = count(len(meta.graph.node), "node")
        out.fact("graph", f"{nodes}, {count(len(meta.functions), 'function')}")
        if meta.variables:
            out.fact("variables", ", ".join(variable_facts(meta.variable_counts)))
        for note in model.notes:
            out.fact("note", show(note, 500))
        if model.origin is not None:
            out.fact("made by", "workbench (recipe in assets.extra/workbench.json)")
        add_ops(out, meta, meta.ops)

    def _section(self, out: Detail, row: Row) -> None:
        out.add(Span(_SECTION_HELP[row.key[1]], "dim"))
        if row.key[1] == "nodes":
            add_ops(out, self.meta, self.meta.main_ops, MAIN)
        elif row.key[1] == "variables":
            out.add("")
            for fact in variable_facts(self.meta.variable_counts):
                out.add(f"  {fact}")

    def _signature(self, out: Detail, row: Row) -> None:
        signature: Signature = row.ref
        out.fact("method", show(signature.method_name) or "(none)")
        done = self._does(signature.key)
        if done:
            out.heading("What it does")
            for line in done:
                out.add("  ", *line)
        for title, side, ports in (
            ("Inputs", "input", signature.inputs),
            ("Outputs", "output", signature.outputs),
        ):
            out.heading(title, f"{len(ports):,}")
            for port in ports.values():
                link = Link(("port", signature.key, side, port.key))
                out.add(
                    "  ",
                    Span(show(port.key), "name", link),
                    "  ",
                    Span(shapes.typed(port.dtype, port.shape), "dtype"),
                )

    def _port(self, out: Detail, row: Row) -> None:
        port: Port = row.ref
        side = "input" if row.kind == "input" else "output"
        out.name = port.key
        out.fact(
            "what",
            f"{side} of {show(row.key[1])}{'' if row.key[1] in self.meta.signatures else ', a callable'}"
            + ("" if port.kind == "dense" else f", {port.kind} {port.spec or ''}"),
        )
        out.fact("declared", Span(shapes.typed(port.dtype, port.shape), "dtype"))
        if port.default is not None:
            out.fact("default", "yes: the input may be left out")
        if not port.tensors:
            link = Link(("callable", row.key[1]))
            out.fact("callable", Span(show(row.key[1]), "name", link))
            return
        out.heading("Tensor" if len(port.tensors) == 1 else "Tensors")
        for name in port.tensors:
            tensor = self.meta.node_tensor(name)
            if tensor is not None:
                typed = Span(shapes.typed(tensor.dtype, tensor.shape), "dtype")
            elif name in self.meta.nodes:
                typed = Span("an operation, not a tensor", "dim")
            else:
                typed = Span("the tensor does not exist", "bad")
            out.add("  ", self._about.tensor_link(name, ""), "  ", typed)
        starts = [names.input_node(name) for name in port.tensors]
        if side == "output":
            self._about.needs(out, "", starts)
        else:
            self._about.feeds(out, "", starts)

    def _callable(self, out: Detail, row: Row) -> None:
        item, variant = row.ref
        out.fact("what", f"variant {variant.index} of {len(item.variants)}")
        out.fact("arguments", show(variant.arguments, 2000) or "none")
        out.fact("captures", f"{count(variant.captures, 'tensor')} of the model")
        out.fact("function", Span(show(variant.function), "name", Link(("function", variant.function))))
        signature = callable_ports(self.meta, variant)
        for title, side, ports in (
            ("Inputs", "input", signature.inputs),
            ("Outputs", "output", signature.outputs),
        ):
            out.heading(title, f"{len(ports):,}")
            for port in ports.values():
                link = Link(("port", row.key[1], side, port.key))
                typed = Span(shapes.typed(port.dtype, port.shape), "dtype")
                out.add("  ", Span(show(port.key), "name", link), "  ", typed)

    def _variable(self, out: Detail, row: Row) -> None:
        variable = row.ref
        out.name = variable.name
        out.fact(
            "holds",
            Span(shapes.typed(variable.dtype, variable.shape), "dtype"),
            f"  {size(variable.nbytes)}",
        )
        out.fact("key", show(variable.key) if variable.key else "none: it is not restored")
        if variable.title:
            out.fact("in Python", show(variable.title))
        if variable.shard is not None:
            out.fact("data file", str(variable.shard))
        if variable.trainable is not None:
            out.fact("trainable", "yes" if variable.trainable else "no")
        if variable.slice is not None:
            out.fact("slice", str(variable.slice))
        if variable.is_ref:
            out.fact("kind", "reference variable (TF1)")
        self._about.node(out, Spot("", variable.name))

    def _asset(self, out: Detail, row: Row) -> None:
        asset = row.ref
        out.name = asset.filename
        out.fact("size", size(asset.nbytes) if asset.nbytes is not None else "the file is missing")
        if asset.path is not None:
            out.fact("file", show(str(asset.path)))
        if asset.problem is not None:
            out.fact("problem", Span(asset.problem.message, "bad"))
        out.fact("tensor", self._about.tensor_link(asset.tensor, ""))

    # -- functions

    def _function(self, out: Detail, row: Row) -> None:
        name = row.ref
        function = self.meta.functions[name]
        out.name = name
        key = row.key[1] if row.kind == "body" else self.places.of_function[name]
        level = self.places.level(key)
        out.fact("what", f"function, {count(len(function.node_def), 'node')}")
        if show(name) != row.text:
            out.fact("name", show(name))
        if key.startswith("fn:"):
            out.fact("called", "not from the main graph")
        else:
            call = self.places.find(key.partition("[")[0] if key.count("::") == 0 else key)
            spot = call or self._spot_of(key)
            if spot is not None:
                out.fact("called by", self._about.link(spot))
        if level is None:
            return
        out.heading("Arguments", f"{len(level.body.argument_tensors):,}")
        for tensor in level.body.argument_tensors[:LISTED]:
            link = Link(("argument", key, tensor.name))
            out.add(
                "  ",
                Span(show(tensor.name), "name", link),
                "  ",
                Span(shapes.typed(tensor.dtype, tensor.shape), "dtype"),
            )
        out.heading("Results", f"{len(function.signature.output_arg):,}")
        for arg in list(function.signature.output_arg)[:LISTED]:
            source = function.ret.get(arg.name, "")
            spot = Spot(key, names.input_node(source))
            out.add(
                "  ",
                Span(show(arg.name), "name"),
                "  ",
                Span(dtypes.shown(arg.type), "dtype"),
                "  from ",
                self._about.link(spot, source),
            )
        add_ops(out, self.meta, Counter(node.op for node in function.node_def), name)

    def _spot_of(self, key: str) -> Spot | None:
        outer, _, last = key.rpartition(names.CALL_SEPARATOR)
        spot = Spot(outer, last.partition("[")[0])
        return spot if self.places.node(spot) is not None else None

    def _argument(self, out: Detail, row: Row) -> None:
        tensor, level = row.ref, row.key[1]
        out.fact("what", "argument of a function")
        out.fact("holds", Span(shapes.typed(tensor.dtype, tensor.shape), "dtype"))
        users = [
            Spot(level, name)
            for name, node in self._nodes(level)
            if any(names.input_node(entry) == tensor.name for entry in node.input)
        ]
        self._about.spots(out, "Used by", users)

    def _nodes(self, level: str) -> Iterable[tuple[str, NodeDef]]:
        found = self.places.level(level)
        return found.nodes.items() if found is not None else ()

    def _captures(self, out: Detail, row: Row) -> None:
        level = row.ref
        out.add(
            Span(
                "Handles of variables and tables that a call gives to this function: it captures them.", "dim"
            )
        )
        resources = captured(level)
        out.heading("Arguments", f"{len(resources):,}")
        for tensor in resources[:LISTED]:
            outer = self.places.handed_in(Spot(row.key[1], tensor.name))
            out.add("  ", Span(show(tensor.name), "name", Link(("argument", row.key[1], tensor.name))))
            if outer is not None:
                out.add("    ← ", self._about.link(outer[0]))
        out.more(len(resources))

    def _scope(self, out: Detail, row: Row) -> None:
        scope_detail(out, row, self.meta, self.trees, self._about)

    def _node(self, out: Detail, row: Row) -> None:
        if row.spot is not None:
            self._about.node(out, row.spot)


def variable_facts(counts: Counts) -> list[str]:
    """Return the number and size of variables, and notes on those not restored."""
    return [f"{counts.number:,}", size(counts.nbytes), *counts.notes]
