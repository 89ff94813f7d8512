"""The detail of one row: what it is, what it takes and gives, what it depends on, with links to follow.

A detail is lines of spans; a span may carry a link to another place. It holds no styles, only roles (`op`, `dtype`,
`dim`, …), so that any face can draw it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from workbench import names
from workbench.names import show
from workbench.session import text as text_
from workbench.session.attributes import attribute_text
from workbench.session.listing import Key, Row
from workbench.session.spots import Places, Spot

if TYPE_CHECKING:
    from workbench.disk.schema import Message
    from workbench.graph.nest import Level
    from workbench.model import MetaGraph, Model, Port, Signature

Role = Literal["", "title", "heading", "dim", "op", "dtype", "name", "good", "bad", "maybe"]
_LISTED = 40


@dataclass(frozen=True, slots=True)
class Link:
    """Where a span leads: the key of a row of the same model."""

    key: Key


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line."""

    text: str
    role: Role = ""
    link: Link | None = None


Line = tuple[Span, ...]


@dataclass(slots=True)
class Detail:
    """What is told about one place.

    Attributes:
        key: of the row it is about.
        title: for the pane's border and the way back.
        name: what `y` copies.
        lines: to be drawn.
        row: the row it was made from.
    """

    key: Key
    title: str
    name: str
    lines: list[Line] = field(default_factory=list)
    row: Row | None = None

    @property
    def links(self) -> list[tuple[int, int]]:
        """(line, span) of every link, in reading order."""
        return [
            (at, number)
            for at, line in enumerate(self.lines)
            for number, span in enumerate(line)
            if span.link is not None
        ]

    def add(self, *spans: Span | str) -> None:
        """Adds a line."""
        self.lines.append(tuple(Span(span) if isinstance(span, str) else span for span in spans))

    def heading(self, text: str, note: str = "") -> None:
        """Adds a blank line and a heading."""
        if self.lines:
            self.add("")
        self.add(Span(text, "heading"), Span(f"  {note}" if note else "", "dim"))

    def fact(self, label: str, *value: Span | str, width: int = 12) -> None:
        """Adds a labelled line."""
        self.add(Span(f"  {label.ljust(width)} ", "dim"), *value)


class Teller:
    """Makes details of one model. Building one may walk the whole graph: tenths of a second for 100,000 nodes.

    Args:
        model: the model.
        meta: its MetaGraph.
        places: its bodies.
    """

    def __init__(self, model: Model, meta: MetaGraph, places: Places) -> None:
        self.model = model
        self.meta = meta
        self.places = places

    def tell(self, row: Row) -> Detail:
        """The detail of a row."""
        found = Detail(row.key, row.text, row.text, row=row)
        found.add(Span(row.text, "title"))
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
        }
        make[row.kind](found, row)
        return found

    # -- the whole

    def _model(self, out: Detail, row: Row) -> None:
        model, meta = self.model, self.meta
        out.name = str(model.path)
        out.heading("Model")
        out.fact("file", show(str(model.location.file)))
        out.fact(
            "format",
            {"pb": "SavedModel", "pbtxt": "SavedModel, text", "graphdef": "frozen GraphDef"}[model.format],
        )
        out.fact("tag set", show(meta.tags_text) or "(none)")
        if len(model.meta_graphs) > 1:
            others = [show(other.tags_text) or "(none)" for other in model.meta_graphs]
            out.fact("tag sets", "  ".join(others))
        if meta.tensorflow_version:
            out.fact("written by", f"TensorFlow {show(meta.tensorflow_version)}, producer {meta.producer}")
        out.fact("objects", "TF2 object graph" if meta.has_object_graph else "none (TF1 format)")
        nodes = text_.count(len(meta.graph.node), "node")
        out.fact("graph", f"{nodes}, {text_.count(len(meta.functions), 'function')}")
        if meta.variables:
            total = sum(variable.nbytes or 0 for variable in meta.variables)
            out.fact("variables", f"{len(meta.variables):,}, {text_.size(total)}")
        for note in model.notes:
            out.fact("note", show(note, 500))
        if model.origin is not None:
            out.fact("made by", "a merge of this workbench (assets.extra/workbench.json)")
        self._ops(out, meta.ops)

    def _section(self, out: Detail, row: Row) -> None:
        out.add(Span(_SECTION_HELP[row.key[1]], "dim"))
        if row.key[1] == "nodes":
            self._ops(out, self.meta.main_ops)

    def _ops(self, out: Detail, ops: Counter[str]) -> None:
        out.heading("Ops", text_.count(sum(ops.values()), "node"))
        unknown = set(self.meta.unknown_ops)
        for op, number in ops.most_common(_LISTED):
            out.add(
                Span(f"  {number:>7,} "),
                Span(show(op), "op"),
                Span("  not in TensorFlow 2.21" if op in unknown else "", "maybe"),
            )
        if len(ops) > _LISTED:
            out.add(Span(f"          and {len(ops) - _LISTED:,} more", "dim"))

    def _signature(self, out: Detail, row: Row) -> None:
        signature: Signature = row.ref
        out.fact("method", show(signature.method_name) or "(none)")
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
                    Span(text_.typed(port.dtype, port.shape), "dtype"),
                )

    def _port(self, out: Detail, row: Row) -> None:
        port: Port = row.ref
        side = "input" if row.kind == "input" else "output"
        out.name = port.key
        out.fact(
            "what",
            f"{side} of {show(row.key[1])}"
            + ("" if port.kind == "dense" else f", {port.kind} {port.spec or ''}"),
        )
        out.fact("declared", Span(text_.typed(port.dtype, port.shape), "dtype"))
        if port.default is not None:
            out.fact("default", "has one: it need not be given")
        out.heading("Tensor" if len(port.tensors) == 1 else "Tensors")
        for name in port.tensors:
            tensor = self.meta.node_tensor(name)
            typed = text_.typed(tensor.dtype, tensor.shape) if tensor is not None else "no such tensor"
            out.add("  ", self._tensor_link(name, ""), "  ", Span(typed, "dtype" if tensor else "bad"))
        starts = [names.input_node(name) for name in port.tensors]
        if side == "output":
            self._needs(out, "", starts)
        else:
            self._feeds(out, "", starts)

    def _callable(self, out: Detail, row: Row) -> None:
        item, variant = row.ref
        out.fact("what", f"variant {variant.index} of {len(item.variants)}")
        out.fact("arguments", show(variant.arguments, 2000) or "none")
        out.fact("captures", f"{variant.captures} of the model's own tensors")
        out.fact("function", Span(show(variant.function), "name", Link(("function", variant.function))))
        for title, specs in (("Tensor arguments", variant.inputs), ("Results", variant.outputs)):
            out.heading(title, f"{len(specs)}")
            for spec in specs:
                out.add(
                    "  ",
                    Span(show(spec.key), "name"),
                    "  ",
                    Span(text_.typed(spec.dtype, spec.shape), "dtype"),
                )

    def _variable(self, out: Detail, row: Row) -> None:
        variable = row.ref
        out.name = variable.name
        out.fact(
            "holds",
            Span(text_.typed(variable.dtype, variable.shape), "dtype"),
            f"  {text_.size(variable.nbytes)}",
        )
        out.fact("key", show(variable.key) if variable.key else "nothing restores it")
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
        self._node_body(out, Spot("", variable.name))

    def _asset(self, out: Detail, row: Row) -> None:
        asset = row.ref
        out.name = asset.filename
        out.fact("size", text_.size(asset.nbytes) if asset.nbytes is not None else "the file is missing")
        if asset.path is not None:
            out.fact("file", show(str(asset.path)))
        if asset.problem is not None:
            out.fact("problem", Span(asset.problem.message, "bad"))
        out.fact("tensor", self._tensor_link(asset.tensor, ""))

    # -- functions

    def _function(self, out: Detail, row: Row) -> None:
        name = row.ref
        function = self.meta.functions[name]
        out.name = name
        key = row.key[1] if row.kind == "body" else self.places.of_function[name]
        level = self.places.level(key)
        out.fact("what", f"function, {text_.count(len(function.node_def), 'node')}")
        if key.startswith("fn:"):
            out.fact("called", "by nothing in the main graph")
        else:
            call = self.places.find(key.partition("[")[0] if key.count("::") == 0 else key)
            spot = call or self._spot_of(key)
            if spot is not None:
                out.fact("called by", self._node_link(spot))
        if level is None:
            return
        out.heading("Arguments", f"{len(level.arguments):,}")
        for tensor in level.arguments[:_LISTED]:
            link = Link(("argument", key, tensor.name))
            out.add(
                "  ",
                Span(show(tensor.name), "name", link),
                "  ",
                Span(text_.typed(tensor.dtype, tensor.shape), "dtype"),
            )
        out.heading("Results", f"{len(function.signature.output_arg):,}")
        for arg in list(function.signature.output_arg)[:_LISTED]:
            source = function.ret.get(arg.name, "")
            spot = Spot(key, names.input_node(source))
            out.add(
                "  ",
                Span(show(arg.name), "name"),
                "  ",
                Span(text_.dtype(arg.type), "dtype"),
                "  from ",
                self._node_link(spot, source),
            )
        self._ops(out, Counter(node.op for node in function.node_def))

    def _spot_of(self, key: str) -> Spot | None:
        outer, _, last = key.rpartition(names.CALL_SEPARATOR)
        spot = Spot(outer, last.partition("[")[0])
        return spot if self.places.node(spot) is not None else None

    def _argument(self, out: Detail, row: Row) -> None:
        tensor, level = row.ref, row.key[1]
        out.fact("what", "argument of a function")
        out.fact("holds", Span(text_.typed(tensor.dtype, tensor.shape), "dtype"))
        users = [
            Spot(level, name)
            for name, node in self._nodes(level)
            if any(names.input_node(entry) == tensor.name for entry in node.input)
        ]
        self._spots(out, "Used by", users)

    def _nodes(self, level: str) -> Iterable[tuple[str, Message]]:
        found = self.places.level(level)
        return found.nodes.items() if found is not None else ()

    # -- nodes

    def _node(self, out: Detail, row: Row) -> None:
        if row.spot is not None:
            self._node_body(out, row.spot)

    def _node_body(self, out: Detail, spot: Spot) -> None:
        level, node = self.places.level(spot.level), self.places.node(spot)
        if level is None or node is None:
            out.add(Span("There is no such node in this graph.", "bad"))
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
                out.fact("place", show(str(spot), 1000))
        if node.device:
            out.fact("device", show(node.device))
        for step in level.steps_under(node):
            label = "calls" if step.alone else step.label
            out.fact(label, Span(show(step.function), "name", Link(("function", step.function))))
        self._inputs(out, spot, level, node)
        self._outputs(out, spot, level, node)
        self._attributes(out, node)
        self._needs(out, spot.level, [spot.node])
        self._feeds(out, spot.level, [spot.node])

    def _inputs(self, out: Detail, spot: Spot, level: Level, node: Message) -> None:
        data = [entry for entry in node.input if not names.is_control(entry)]
        controls = [names.input_node(entry) for entry in node.input if names.is_control(entry)]
        out.heading("Inputs", f"{len(data):,}" if data else "none")
        for number, entry in enumerate(data[:_LISTED]):
            out.add(
                Span(f"  {number:>2} ", "dim"),
                self._node_link(Spot(spot.level, names.input_node(entry)), entry),
                "  ",
                Span(self._typed(level, entry), "dtype"),
            )
        _more(out, len(data))
        if controls:
            out.heading("Waits for", f"{len(controls):,} (control)")
            for name in controls[:_LISTED]:
                out.add("     ", self._node_link(Spot(spot.level, name)))
            _more(out, len(controls))

    def _typed(self, level: Level, entry: str) -> str:
        """Dtype and shape of what an input reads."""
        name = names.input_node(entry)
        if name not in level.nodes:
            found = next((tensor for tensor in level.arguments if tensor.name == name), None)
            return text_.typed(found.dtype, found.shape) if found is not None else "no such node"
        last = entry.rpartition(":")[2]
        tensor = level.tensor(name, int(last) if last.isdigit() and ":" in entry else 0)
        if level.function is None and tensor is not None and tensor.shape is None:
            tensor = level.meta.tensor(entry) or tensor
        return text_.typed(tensor.dtype, tensor.shape) if tensor is not None else "?"

    def _outputs(self, out: Detail, spot: Spot, level: Level, node: Message) -> None:
        types = self.meta.output_types(node)
        consumers = self.places.adjacency(spot.level).consumers(spot.node)
        users: dict[int, list[str]] = {}
        waiting = []
        for name, position in consumers:
            entry = level.nodes[name].input[position]
            if names.is_control(entry):
                waiting.append(name)
            else:
                last = entry.rpartition(":")[2]
                users.setdefault(int(last) if ":" in entry and last.isdigit() else 0, []).append(name)
        if types is None:
            out.heading("Outputs", "unknown: the op is in nobody's table")
        else:
            out.heading("Outputs", f"{len(types):,}" if types else "none")
        for index in range(len(types)) if types is not None else sorted(users):
            tensor = (
                self.meta.tensor(f"{spot.node}:{index}")
                if level.function is None
                else level.tensor(spot.node, index)
            )
            typed = text_.typed(tensor.dtype, tensor.shape) if tensor is not None else "?"
            found = users.get(index, [])
            out.add(
                Span(f"  {index:>2} ", "dim"),
                Span(typed, "dtype"),
                Span(f"  used by {len(found):,}" if found else "  used by nobody here", "dim"),
            )
            for name in found[:_LISTED]:
                out.add(
                    "     → ",
                    self._node_link(Spot(spot.level, name)),
                    "  ",
                    Span(show(level.nodes[name].op), "op"),
                )
            _more(out, len(found))
            if index >= _LISTED:
                break
        if waiting:
            out.heading("Waited for by", f"{len(waiting):,} (control)")
            for name in waiting[:_LISTED]:
                out.add("     ", self._node_link(Spot(spot.level, name)))
            _more(out, len(waiting))

    def _attributes(self, out: Detail, node: Message) -> None:
        keys = sorted(node.attr, key=lambda key: (key.startswith("_"), key))
        if not keys:
            return
        out.heading("Attributes", f"{len(keys):,}")
        width = min(max(map(len, keys)), 24)
        for key in keys[:_LISTED]:
            out.add(Span(f"  {show(key, 60).ljust(width)}  ", "dim"), attribute_text(node.attr[key]))
        _more(out, len(keys))

    # -- reach

    def _needs(self, out: Detail, level: str, starts: Sequence[str]) -> None:
        """What these nodes depend on: how many nodes, and which of them are fed or hold state."""
        found = self.places.adjacency(level).ancestors(starts) - set(starts)
        if not found:
            return
        nodes = self.places.adjacency(level).nodes
        roots = [name for name in nodes if name in found and _is_root(nodes[name])]
        out.heading("Depends on", text_.count(len(found), "node"))
        for name in roots[:12]:
            out.add("     ", self._node_link(Spot(level, name)), "  ", Span(show(nodes[name].op), "op"))
        if len(roots) > 12:
            out.add(Span(f"     and {len(roots) - 12:,} more placeholders and variables", "dim"))

    def _feeds(self, out: Detail, level: str, starts: Sequence[str]) -> None:
        """What depends on these nodes: how many, and which outputs of signatures."""
        found = self.places.adjacency(level).descendants(starts)
        if len(found) <= len(set(starts)):
            return
        out.heading("Needed by", text_.count(len(found) - len(set(starts)), "node"))
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

    def _spots(self, out: Detail, title: str, spots: Sequence[Spot]) -> None:
        out.heading(title, f"{len(spots):,}" if spots else "nothing")
        for spot in spots[:_LISTED]:
            out.add("     ", self._node_link(spot))
        _more(out, len(spots))

    def _tensor_link(self, tensor: str, level: str) -> Span:
        return self._node_link(Spot(level, names.input_node(tensor)), tensor)

    def _node_link(self, spot: Spot, text: str | None = None) -> Span:
        shown = show(text if text is not None else spot.node)
        if self.places.node(spot) is not None:
            return Span(shown, "name", Link(("node", spot.level, spot.node)))
        level = self.places.level(spot.level)
        if level is not None and any(tensor.name == spot.node for tensor in level.arguments):
            return Span(shown, "name", Link(("argument", spot.level, spot.node)))
        return Span(shown, "bad")


def _is_root(node: Message) -> bool:
    return node.op in (
        "Placeholder",
        "PlaceholderWithDefault",
        "VarHandleOp",
        "VariableV2",
        "Variable",
        "HashTableV2",
        "HashTable",
    )


def _more(out: Detail, total: int) -> None:
    if total > _LISTED:
        out.add(Span(f"     and {total - _LISTED:,} more", "dim"))


_SECTION_HELP = {
    "signatures": "What a server can be asked: named inputs and outputs of the main graph.",
    "callables": "Functions of the Python objects that were saved; each variant is one way it was traced.",
    "variables": "Nodes that hold state; their values lie in variables/.",
    "assets": "Files that came with the model, such as vocabularies.",
    "functions": "The function library. In a TF2 model the network is in here, behind the signature's call.",
    "nodes": "The main graph. A node that calls a function unfolds into its body.",
}
