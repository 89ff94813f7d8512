"""The content of a model as rows of a list, each made when it is looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Set
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from workbench.describe.text import size
from workbench.names import count, input_node, parse_number, show
from workbench.picture.scene.labels import function_word
from workbench.session.lists.arrangement import Arrangement
from workbench.session.lists.listing import Listing, Segment, one
from workbench.session.lists.places import short
from workbench.session.lists.rows import Key, Row, argument_row, asset_row, port_row, variable_row
from workbench.session.lists.spots import Places
from workbench.session.nodes.bodies import BodyRows, captured
from workbench.session.nodes.functions import FunctionList
from workbench.session.nodes.tree import Scope
from workbench.session.nodes.trees import Trees
from workbench.surgery.plan import DEFAULT_SIGNATURE

if TYPE_CHECKING:
    from workbench.disk.schema import NodeDef
    from workbench.graph.level import Level
    from workbench.model import MetaGraph, Model, Signature
    from workbench.model.callables import Callable_, Variant
    from workbench.model.variables import Variable

SECTIONS = ("signatures", "callables", "variables", "assets", "functions", "nodes")
_WRAPPER = 12
"""A body of at most this many nodes that calls one function is opened with it at first."""


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
        self.trees = Trees(meta)
        self.bodies = BodyRows(places, self.trees)
        self.functions = FunctionList(places, self.trees)

    def unfolded_at_first(self, chosen: str | None) -> set[Key]:
        """Return what is unfolded at first: the chosen signature, and the nodes down to what it runs."""
        found: set[Key] = {("section", "signatures"), ("section", "nodes")}
        keys = self.signature_keys()
        if chosen is not None:
            found.add(("signature", chosen))
        elif keys:
            found.add(("signature", keys[0]))
        if not keys:  # it is joined by a callable
            names = [key for item in self.meta.callables if item.path == chosen for key in self._names(item)]
            found |= {("section", "callables"), *(("callable", name) for name in names[:1] or [chosen or ""])}
        return found | self._path_to_work(chosen or next(iter(keys), ""))

    def _path_to_work(self, signature: str) -> set[Key]:
        """Return the keys of the calls and scopes that lead from a signature to most of the nodes that it runs."""
        found: set[Key] = set()
        level = self.places.main
        ends: set[str] = set()
        if self.meta.functions and signature in self.meta.signatures:
            ports = self.meta.signatures[signature].outputs.values()
            ends = {input_node(tensor) for port in ports for tensor in port.tensors}
        node = level.nodes.get(next(iter(ends))) if len(ends) == 1 else None
        while node is not None and len(calls := level.calls_under(node)) == 1:
            found.add(("node", self.places.key(level), node.name))
            level = level.under(calls[0])
            calling = [one for one in level.nodes.values() if level.calls_under(one)]
            node = calling[0] if len(calling) == 1 and len(level.nodes) <= _WRAPPER else None
        return found | self._largest_scopes(level)

    def _largest_scopes(self, level: Level) -> set[Key]:
        """Return the keys of the scopes within each other that have more than half of a body's nodes."""
        found: set[Key] = set()
        tree = self.trees.of(level)
        scope: Scope | None = tree.root
        while scope is not None:
            scopes = [one for one in tree.entries(scope) if isinstance(one, Scope) and not one.last]
            scope = next((one for one in scopes if 2 * len(one.members) > len(tree.names)), None)
            if scope is not None and scope.node is None:
                found.add(("scope", self.places.key(level), scope.prefix))
        return found

    def _names(self, item: Callable_) -> list[str]:
        return [self._name(item, variant) for variant in item.variants]

    # what names callables is imported when one is shown: a first frame has none

    def _name(self, item: Callable_, variant: Variant) -> str:
        from workbench.surgery.resolve.callables import variant_name

        return variant_name(self.meta, item, variant)

    def _named(self, name: str) -> tuple[Callable_, Variant] | None:
        from workbench.surgery.resolve.callables import find_variant

        return find_variant(self.meta, name)

    def _interface(self, variant: Variant) -> Signature:
        from workbench.surgery.resolve.callables import callable_ports

        return callable_ports(self.meta, variant)

    def signature_keys(self) -> list[str]:
        """Return the signature keys, `serving_default` first, then in natural order."""
        keys = self.meta.shown_signatures
        return sorted(keys, key=lambda key: (key != DEFAULT_SIGNATURE, _natural(key)))

    def listing(self, unfolded: Set[Key], arranged: Arrangement | None = None) -> Listing:
        """Return all rows, with those under the unfolded ones.

        Args:
            unfolded: keys of the rows that are open.
            arranged: as a tree or flat, and in what order; None for as at first.
        """
        arranged = arranged or Arrangement()
        segments = [one(self._model_row())]
        for section in SECTIONS:
            total = self._counts()[section]
            if not total and section not in ("signatures", "nodes"):
                continue
            key = ("section", section)
            opened = key in unfolded
            columns = (f"{total:,}", self._weight(section))
            aside = self._section_aside(section, arranged, opened)
            segments.append(
                one(Row("section", key, 0, section.capitalize(), columns, opened if total else None, aside))
            )
            if opened:
                segments += getattr(self, f"_{section}")(unfolded, arranged)
        return Listing(segments)

    def _section_aside(self, section: str, arranged: Arrangement, opened: bool) -> str:
        """Return the order of an open section, or the largest variable of a closed one."""
        if opened:
            flat = "all in one list" if section == "nodes" and arranged.flat else ""
            return flat or arranged.order_words(section)
        if section == "variables" and len(found := self._by_size) > 1:
            return f"largest: {show(found[0].name)} {size(found[0].nbytes)}"
        return ""

    @cached_property
    def _by_size(self) -> list[Variable]:
        restored = [one for one in self.meta.variables if one.key is not None]
        return sorted(restored, key=lambda one: -(one.nbytes or 0))

    def _counts(self) -> dict[str, int]:
        meta = self.meta
        return {
            "signatures": len(meta.shown_signatures),
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

    def _signatures(self, unfolded: Set[Key], arranged: Arrangement) -> list[Segment]:
        segments: list[Segment] = []
        for key in self.signature_keys():
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

    def _callables(self, unfolded: Set[Key], arranged: Arrangement) -> list[Segment]:
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
        name = self._name(item, variant)
        key = ("callable", name)
        columns = (f"{len(variant.inputs)} in, {len(variant.outputs)} out",)
        aside = f"({show(variant.arguments, 400)})"
        return Row("callable", key, 1, show(name), columns, key in unfolded, aside, ref=(item, variant))

    def callable_ports(self, variant: Variant, name: str, depth: int) -> list[Segment]:
        """Return the inputs and outputs of a callable's variant that wires can name."""
        ports = self._interface(variant)
        return [
            Segment(list(ports.inputs.values()), lambda port: port_row(name, "input", port, depth)),
            Segment(list(ports.outputs.values()), lambda port: port_row(name, "output", port, depth)),
        ]

    def _variables(self, unfolded: Set[Key], arranged: Arrangement) -> list[Segment]:
        restored = [one for one in self.meta.variables if one.key is not None]
        others = [one for one in self.meta.variables if one.key is None]
        if arranged.variables == "size":
            restored = self._by_size
        elif arranged.variables == "name":
            restored = sorted(restored, key=lambda one: _natural(one.name))
        return [Segment(restored, variable_row), Segment(others, variable_row)]

    def _assets(self, unfolded: Set[Key], arranged: Arrangement) -> list[Segment]:
        return [Segment(self.meta.assets, asset_row)]

    def _functions(self, unfolded: Set[Key], arranged: Arrangement) -> list[Segment]:
        names = self.functions.sorted(arranged.functions)
        segments, start = [], 0
        make = self.function_row(unfolded)
        for index, name in enumerate(names):
            if ("function", name) in unfolded:
                segments.append(Segment(names[start : index + 1], make))
                level = self.places.level(self.places.of_function[name])
                if level is not None:
                    segments += self.bodies.segments(level, 2, unfolded, arranged.flat)
                start = index + 1
        return [*segments, Segment(names[start:], make)]

    def function_row(self, unfolded: Set[Key]) -> Callable[[str], Row]:
        """Return a function that makes the row of a function."""

        def make(name: str) -> Row:
            key = ("function", name)
            columns = (count(self.meta.function_sizes[name], "node"),)
            quiet = self.functions.is_of_saver(name)
            word = function_word(name)
            aside = "" if word == name else show(name)
            return Row("function", key, 1, show(word), columns, key in unfolded, aside, ref=name, quiet=quiet)

        return make

    def _nodes(self, unfolded: Set[Key], arranged: Arrangement) -> list[Segment]:
        return self.bodies.segments(self.places.main, 1, unfolded, arranged.flat)

    def node_row(self, level: Level, depth: int) -> Callable[[NodeDef], Row]:
        """Return a function that makes the row of a node with its whole name."""
        return self.bodies.named_row(level, depth)

    # -- rows by their key

    def row_of(self, key: Key) -> Row | None:
        """Return the row with this key, or None if the model has no such thing."""
        kind, *rest = key
        if kind == "model":
            return self._model_row()
        if kind == "signature" and rest[0] in self.meta.signatures:
            signature = self.meta.signatures[rest[0]]
            return Row("signature", key, 1, show(rest[0]), (), None, ref=signature)
        if kind == "callable" and (named := self._named(rest[0])) is not None:
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
        level = (
            self.places.level(rest[0]) if kind in ("node", "argument", "captures", "body", "scope") else None
        )
        if level is None:
            return None
        if kind == "captures":
            return self.bodies.captures_row(level, 1)
        if kind == "scope":
            scope = self.trees.of(level).scope(rest[1])
            return self.bodies.scope_row(level, scope, 1) if scope is not None else None
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
        named = self._named(name)
        return self._interface(named[1]) if named is not None else None

    def above(self, key: Key, *, flat: bool = False) -> set[Key]:
        """Return the keys that must be unfolded to show a row.

        Args:
            key: of the row.
            flat: whether nodes stand in one list, so that no scope is around them.
        """
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
        if kind not in ("node", "argument", "captures", "result", "body", "scope"):
            return set()
        level = self.places.level(key[1])
        if level is None:
            return set()
        found: set[Key] = set()
        if kind in ("node", "scope") and not flat:
            tree = self.trees.of(level)
            found = self._keys(level, tree.way(key[2]) if kind == "node" else tree.way_to_scope(key[2]))
        if kind == "argument" and any(tensor.name == key[2] for tensor in captured(level)):
            found.add(("captures", key[1]))
        if level.function is not None and not level.calls:
            return found | {("section", "functions"), ("function", level.function.signature.name)}
        found.add(("section", "nodes"))
        outer = self.places.main
        for call in level.calls:
            found.add(("node", self.places.key(outer), call.node))
            if not flat:
                found |= self._keys(outer, self.trees.of(outer).way(call.node))
            outer = outer.under(call)
            if not call.alone:
                found.add(("body", self.places.key(outer)))
        return found

    def _keys(self, level: Level, scopes: Iterable[Scope]) -> set[Key]:
        """Return the keys of scopes of a body; one that is a node's too has that node's row."""
        at, names = self.places.key(level), self.trees.of(level).names
        return {
            ("scope", at, one.prefix) if one.node is None else ("node", at, names[one.node]) for one in scopes
        }


def _natural(text: str) -> list[tuple[int, str]]:
    """Return a key that sorts `layer_2` before `layer_10`."""
    parts = re.split(r"(\d+)", text)
    return [(-1, part) if (found := parse_number(part)) is None else (found, "") for part in parts]
