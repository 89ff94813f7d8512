"""The content of a model as rows of a list, each made when it is looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set
from typing import TYPE_CHECKING, Literal

from workbench.describe.text import size
from workbench.names import count, parse_number, show
from workbench.picture.scene.labels import function_word
from workbench.session.lists.listing import Listing, Run, Segment, one
from workbench.session.lists.places import short
from workbench.session.lists.rows import Key, Row, argument_row, asset_row, port_row, result_row, variable_row
from workbench.session.lists.spots import Places, Spot
from workbench.surgery.plan import DEFAULT_SIGNATURE
from workbench.surgery.resolve.callables import callable_ports, find_variant, variant_name

if TYPE_CHECKING:
    from workbench.disk.schema import NodeDef
    from workbench.graph.calls import Call
    from workbench.graph.level import Level
    from workbench.model import MetaGraph, Model, Signature
    from workbench.model.callables import Callable_, Variant

SECTIONS = ("signatures", "callables", "variables", "assets", "functions", "nodes")


class Lister:
    """Make the listing of one model.

    Args:
        model: the model.
        meta: its MetaGraph.
        places: its bodies.
    """

    def __init__(self, model: Model, meta: MetaGraph, places: Places) -> None:
        self.model = model
        self.meta = meta
        self.places = places

    def unfolded_at_first(self, chosen: str | None) -> set[Key]:
        """Return what is unfolded at first: the chosen signature, and the nodes."""
        found: set[Key] = {("section", "signatures"), ("section", "nodes")}
        keys = self._signature_keys()
        if chosen is not None:
            found.add(("signature", chosen))
        elif keys:
            found.add(("signature", keys[0]))
        if not keys:  # it is joined by a callable
            names = [key for item in self.meta.callables if item.path == chosen for key in self._names(item)]
            found |= {("section", "callables"), *(("callable", name) for name in names[:1] or [chosen or ""])}
        return found

    def _names(self, item: Callable_) -> list[str]:
        return [variant_name(self.meta, item, variant) for variant in item.variants]

    def _signature_keys(self) -> list[str]:
        """Return the signature keys, `serving_default` first, then in natural order."""

        def place(key: str) -> tuple[bool, list[tuple[int, str]]]:
            parts = re.split(r"(\d+)", key)
            natural = [(-1, part) if (found := parse_number(part)) is None else (found, "") for part in parts]
            return key != DEFAULT_SIGNATURE, natural

        return sorted(self.meta.shown_signatures, key=place)

    def listing(self, unfolded: Set[Key]) -> Listing:
        """Return all rows, with those under the unfolded ones."""
        segments = [one(self._model_row())]
        for section in SECTIONS:
            items = getattr(self, f"_{section}")(unfolded)
            total = self._counts()[section]
            if not total and section not in ("signatures", "nodes"):
                continue
            key = ("section", section)
            opened = key in unfolded
            columns = (f"{total:,}", self._weight(section))
            segments.append(
                one(Row("section", key, 0, section.capitalize(), columns, opened if total else None))
            )
            if opened:
                segments += items
        return Listing(segments)

    def _counts(self) -> dict[str, int]:
        meta = self.meta
        return {
            "signatures": len(meta.signatures),
            "callables": sum(len(item.variants) for item in meta.callables),
            "variables": meta.variable_counts.number,
            "assets": len(meta.assets),
            "functions": len(meta.functions),
            "nodes": len(meta.graph.node),
        }

    def _weight(self, section: str) -> str:
        if section == "variables":
            return size(self.meta.variable_counts.nbytes)
        if section == "functions":
            return count(sum(self.meta.function_sizes.values()), "node")
        return ""

    def _model_row(self) -> Row:
        tags = show(self.meta.tags_text) or "no tags"
        version = self.meta.tensorflow_version
        columns = (tags, f"TensorFlow {show(version)}") if version else (tags,)
        path = show(short(self.model.path))
        return Row("model", ("model",), 0, path, columns, None, ref=self.model)

    def _signatures(self, unfolded: Set[Key]) -> list[Segment]:
        segments: list[Segment] = []
        for key in self._signature_keys():
            signature, row_key = self.meta.signatures[key], ("signature", key)
            opened = row_key in unfolded
            columns = (f"{len(signature.inputs)} in, {len(signature.outputs)} out",)
            segments.append(one(Row("signature", row_key, 1, show(key), columns, opened, ref=signature)))
            if opened:
                segments += self.ports(key, 2)
        return segments

    def ports(self, key: str, depth: int) -> list[Segment]:
        """Return the inputs and outputs of a signature."""
        signature = self.meta.signatures[key]
        return [
            Segment(list(signature.inputs.values()), lambda port: port_row(key, "input", port, depth)),
            Segment(list(signature.outputs.values()), lambda port: port_row(key, "output", port, depth)),
        ]

    def _callables(self, unfolded: Set[Key]) -> list[Segment]:
        segments: list[Segment] = []
        for item in self.meta.callables:
            for variant in item.variants:
                row = self.callable_row(item, variant, unfolded)
                segments.append(one(row))
                if row.open:
                    segments += self.callable_ports(variant, row.key[1], 2)
        return segments

    def callable_row(self, item: Callable_, variant: Variant, unfolded: Set[Key] = frozenset()) -> Row:
        """Return the row of a variant of a callable."""
        name = variant_name(self.meta, item, variant)
        key = ("callable", name)
        columns = (f"{len(variant.inputs)} in, {len(variant.outputs)} out",)
        aside = f"({show(variant.arguments, 400)})"
        return Row("callable", key, 1, show(name), columns, key in unfolded, aside, ref=(item, variant))

    def callable_ports(self, variant: Variant, name: str, depth: int) -> list[Segment]:
        """Return the inputs and outputs of a callable's variant that wires can name."""
        ports = callable_ports(self.meta, variant)
        return [
            Segment(list(ports.inputs.values()), lambda port: port_row(name, "input", port, depth)),
            Segment(list(ports.outputs.values()), lambda port: port_row(name, "output", port, depth)),
        ]

    def _variables(self, unfolded: Set[Key]) -> list[Segment]:
        if ("section", "variables") not in unfolded:
            return []
        variables = self.meta.variables
        counted = [one for one in variables if one.key is not None]
        return [
            Segment(counted, variable_row),
            Segment([one for one in variables if one.key is None], variable_row),
        ]

    def _assets(self, unfolded: Set[Key]) -> list[Segment]:
        return [Segment(self.meta.assets, asset_row)]

    def _functions(self, unfolded: Set[Key]) -> list[Segment]:
        names = list(self.meta.functions)
        segments, start = [], 0
        make = self.function_row(unfolded)
        for index, name in enumerate(names):
            if ("function", name) in unfolded:
                segments.append(Segment(names[start : index + 1], make))
                level = self.places.level(self.places.of_function[name])
                if level is not None:
                    segments += self._level(level, 2, unfolded)
                start = index + 1
        return [*segments, Segment(names[start:], make)]

    def function_row(self, unfolded: Set[Key]) -> Callable[[str], Row]:
        """Return a function that makes the row of a function."""

        def make(name: str) -> Row:
            key = ("function", name)
            columns = (count(self.meta.function_sizes[name], "node"),)
            return Row("function", key, 1, show(name), columns, key in unfolded, ref=name)

        return make

    def _nodes(self, unfolded: Set[Key]) -> list[Segment]:
        return self._level(self.places.main, 1, unfolded)

    def _level(self, level: Level, depth: int, unfolded: Set[Key]) -> list[Segment]:
        key = self.places.key(level)
        segments: list[Segment] = []
        if level.function is not None:
            segments.append(
                Segment(level.body.argument_tensors, lambda tensor: argument_row(key, tensor, depth))
            )
        nodes = level.body.node_defs
        make = self.node_row(level, depth, unfolded)
        start = 0
        for index in self._unfolded_in(nodes, key, unfolded):
            segments.append(Segment(Run(nodes, start, index + 1), make))
            segments += self._under(level, nodes[index], depth + 1, unfolded)
            start = index + 1
        segments.append(Segment(Run(nodes, start), make))
        if level.function is not None:
            results = [
                (arg.name, arg.type, level.function.ret.get(arg.name, ""))
                for arg in level.function.signature.output_arg
            ]
            segments.append(Segment(results, lambda result: result_row(key, result, depth)))
        return segments

    def _unfolded_in(self, nodes: Sequence[NodeDef], level: str, unfolded: Set[Key]) -> list[int]:
        """Return the indices of the unfolded nodes of a body, in order."""
        wanted = {key[2] for key in unfolded if key[0] == "node" and key[1] == level}
        return [index for index, node in enumerate(nodes) if node.name in wanted] if wanted else []

    def _under(self, level: Level, node: NodeDef, depth: int, unfolded: Set[Key]) -> list[Segment]:
        calls = level.calls_under(node)
        if len(calls) == 1:
            return self._level(level.under(calls[0]), depth, unfolded)
        segments: list[Segment] = []
        for call in calls:
            under = level.under(call)
            key = ("body", self.places.key(under))
            opened = key in unfolded
            segments.append(one(self._body_row(call, key, depth, opened)))
            if opened:
                segments += self._level(under, depth + 1, unfolded)
        return segments

    def _body_row(self, call: Call, key: Key, depth: int, opened: bool) -> Row:
        columns = (count(self.meta.function_sizes[call.function], "node"),)
        return Row(
            "body", key, depth, show(call.label), columns, opened, show(call.function), ref=call.function
        )

    def node_row(
        self, level: Level, depth: int, unfolded: Set[Key] = frozenset(), place: bool = False
    ) -> Callable[[NodeDef], Row]:
        """Return a function that makes the row of a node.

        Args:
            level: where the nodes are.
            depth: of their indent.
            unfolded: keys of the rows whose bodies are shown.
            place: say beside the name in which function it is, by what a programmer called that.
        """
        at = self.places.key(level)
        name = level.function.signature.name if place and level.function is not None else ""
        aside = show(function_word(name)) if name else ""

        def make(node: NodeDef) -> Row:
            name = node.name
            key = ("node", at, name)
            opened = (key in unfolded) if level.calls_under(node) and not place else None
            return Row("node", key, depth, show(name), (show(node.op),), opened, aside, Spot(at, name), node)

        return make

    # -- rows by their key

    def row_of(self, key: Key) -> Row | None:
        """Return the row with this key, or None if the model has no such thing."""
        kind, *rest = key
        if kind == "model":
            return self._model_row()
        if kind == "signature" and rest[0] in self.meta.signatures:
            signature = self.meta.signatures[rest[0]]
            return Row("signature", key, 1, show(rest[0]), (), None, ref=signature)
        if kind == "callable" and (named := find_variant(self.meta, rest[0])) is not None:
            return self.callable_row(*named)
        owner = self._ports_of(rest[0]) if kind == "port" else None
        if owner is not None:
            side: Literal["input", "output"] = "input" if rest[1] == "input" else "output"
            port = (owner.inputs if side == "input" else owner.outputs).get(rest[2])
            return port_row(rest[0], side, port, 2) if port is not None else None
        if kind == "function" and rest[0] in self.meta.functions:
            return self.function_row(frozenset())(rest[0])
        if kind == "variable":
            return next((variable_row(one) for one in self.meta.variables if one.name == rest[0]), None)
        level = self.places.level(rest[0]) if kind in ("node", "argument", "body") else None
        if level is None:
            return None
        if kind == "node" and rest[1] in level.nodes:
            return self.node_row(level, 1)(level.nodes[rest[1]])
        if kind == "argument":
            found = next((tensor for tensor in level.body.argument_tensors if tensor.name == rest[1]), None)
            return argument_row(rest[0], found, 1) if found is not None else None
        return None

    def _ports_of(self, name: str) -> Signature | None:
        """Return the signature with this key, or that of the callable with this name."""
        if name in self.meta.signatures:
            return self.meta.signatures[name]
        named = find_variant(self.meta, name)
        return callable_ports(self.meta, named[1]) if named is not None else None

    def above(self, key: Key) -> set[Key]:
        """Return the keys that must be unfolded to show a row."""
        kind = key[0]
        if kind == "port" and key[1] not in self.meta.signatures:
            return {("section", "callables"), ("callable", key[1])}
        if kind in ("port", "signature"):
            return (
                {("section", "signatures"), ("signature", key[1])}
                if kind == "port"
                else {("section", "signatures")}
            )
        if kind in ("callable", "variable", "asset", "function"):
            return {("section", f"{kind}s")}
        if kind not in ("node", "argument", "result", "body"):
            return set()
        level = self.places.level(key[1])
        if level is None:
            return set()
        if level.function is not None and not level.calls:
            return {("section", "functions"), ("function", level.function.signature.name)}
        found: set[Key] = {("section", "nodes")}
        outer = self.places.main
        for call in level.calls:
            found.add(("node", self.places.key(outer), call.node))
            outer = outer.under(call)
            if not call.alone:
                found.add(("body", self.places.key(outer)))
        return found
