"""The rows of a body: arguments, its nodes as a tree of scopes or one under the other, results."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from typing import TYPE_CHECKING

from workbench.describe.text import size
from workbench.model.op_classes import ASSIGNS, VARIABLE_READS, VARIABLES
from workbench.names import count, show
from workbench.picture.scene.contents import summary
from workbench.picture.scene.labels import function_word
from workbench.session.lists.listing import Segment, one
from workbench.session.lists.rows import Key, Row, argument_row, result_row
from workbench.session.lists.spots import Places, Spot
from workbench.session.nodes.tree import Entry, Scope, Tree

if TYPE_CHECKING:
    from collections import Counter

    from workbench.disk.schema import NodeDef
    from workbench.graph.calls import Call
    from workbench.graph.level import Level
    from workbench.model.tensors import Tensor
    from workbench.session.nodes.trees import Trees

_SUMMARY = 48
_RESOURCE = 20
_FEW_RESOURCES = 1
_WORTH_SAYING = 1000  # bytes; what has less holds no weights but sizes of shapes and the like
_STORES = {"Const", "Identity", "NoOp", "Placeholder"} | VARIABLES | VARIABLE_READS | ASSIGNS
"""Ops that say little about what a scope does."""


class BodyRows:
    """Make the rows of the bodies of one MetaGraph.

    Args:
        places: its bodies.
        trees: the trees of their nodes.
    """

    def __init__(self, places: Places, trees: Trees) -> None:
        self.places = places
        self.meta = places.meta
        self.trees = trees

    def segments(self, level: Level, depth: int, unfolded: Set[Key], flat: bool) -> list[Segment]:
        """Return the rows of a body, with those under the unfolded ones.

        Args:
            level: the body.
            depth: of their indent.
            unfolded: keys of the rows that are open.
            flat: whether its nodes stand in one list.
        """
        key = self.places.key(level)
        found = self._arguments(level, depth, unfolded)
        tree = self.trees.of(level)
        entries: Sequence[Entry] = range(len(tree.names)) if flat else tree.entries(tree.root)
        found += self._entries(level, tree.root, entries, depth, unfolded, flat)
        if level.function is not None:
            results = [
                (arg.name, arg.type, level.function.ret.get(arg.name, ""))
                for arg in level.function.signature.output_arg
            ]
            found.append(Segment(results, lambda result: result_row(key, result, depth)))
        return found

    def _arguments(self, level: Level, depth: int, unfolded: Set[Key]) -> list[Segment]:
        """Return the arguments of a body; many resources, which are the variables it captures, are one row at first."""
        key = self.places.key(level)
        arguments, resources = level.body.argument_tensors, captured(level)

        def make(at: int) -> Callable[[Tensor], Row]:
            return lambda tensor: argument_row(key, tensor, at)

        if not resources:
            return [Segment(arguments, make(depth))]
        row = self.captures_row(level, depth, unfolded)
        others = [tensor for tensor in arguments if tensor.dtype != _RESOURCE]
        found = [Segment(others, make(depth)), one(row)]
        return [*found, Segment(resources, make(depth + 1))] if row.open else found

    def captures_row(self, level: Level, depth: int, unfolded: Set[Key] = frozenset()) -> Row:
        """Return the row that stands for the resources among the arguments of a body."""
        key = ("captures", self.places.key(level))
        text = count(len(captured(level)), "resource")
        return Row(
            "captures", key, depth, text, (), key in unfolded, "variables and tables passed in", ref=level
        )

    def _entries(
        self,
        level: Level,
        scope: Scope,
        entries: Sequence[Entry],
        depth: int,
        unfolded: Set[Key],
        flat: bool,
    ) -> list[Segment]:
        tree, key = self.trees.of(level), self.places.key(level)
        make = self._entry_row(level, tree, scope, depth, unfolded, flat)
        found: list[Segment] = []
        start = 0
        for index in self._open(tree, key, entries, unfolded):
            found.append(self._segment(tree, key, entries[start : index + 1], make))
            found += self._under(level, tree, entries[index], depth + 1, unfolded, flat)
            start = index + 1
        found.append(self._segment(tree, key, entries[start:], make))
        return found

    def _segment(
        self, tree: Tree, level: str, entries: Sequence[Entry], make: Callable[[Entry], Row]
    ) -> Segment:
        names = tree.names

        def find(key: Key) -> int | None:
            if key[0] not in ("node", "scope") or key[1] != level:
                return None
            is_node = key[0] == "node"
            for at, entry in enumerate(entries):
                number = entry.node if isinstance(entry, Scope) else entry
                if is_node and number is not None and names[number] == key[2]:
                    return at
                if not is_node and isinstance(entry, Scope) and entry.prefix == key[2]:
                    return at
            return None

        return Segment(entries, make, find)

    def _open(self, tree: Tree, level: str, entries: Sequence[Entry], unfolded: Set[Key]) -> list[int]:
        """Return the places of the entries that are open, in order."""
        nodes = {key[2] for key in unfolded if key[0] == "node" and key[1] == level}
        scopes = {key[2] for key in unfolded if key[0] == "scope" and key[1] == level}
        if not nodes and not scopes:
            return []
        names = tree.names

        def is_open(entry: Entry) -> bool:
            if isinstance(entry, int):
                return names[entry] in nodes
            return entry.prefix in scopes if entry.node is None else names[entry.node] in nodes

        return [at for at, entry in enumerate(entries) if is_open(entry)]

    def _under(
        self, level: Level, tree: Tree, entry: Entry, depth: int, unfolded: Set[Key], flat: bool
    ) -> list[Segment]:
        """Return what an open entry shows: the bodies that its node calls, and what is in its scope."""
        number = entry.node if isinstance(entry, Scope) else entry
        found = [] if number is None else self._called(level, number, depth, unfolded, flat)
        if isinstance(entry, Scope):
            found += self._entries(level, entry, tree.entries(entry), depth, unfolded, flat)
        return found

    def _called(self, level: Level, number: int, depth: int, unfolded: Set[Key], flat: bool) -> list[Segment]:
        calls = level.calls_under(level.body.node_defs[number])
        if len(calls) == 1:
            return self.segments(level.under(calls[0]), depth, unfolded, flat)
        found: list[Segment] = []
        for call in calls:
            under = level.under(call)
            key = ("body", self.places.key(under))
            opened = key in unfolded
            found.append(one(self._body_row(call, key, depth, opened)))
            if opened:
                found += self.segments(under, depth + 1, unfolded, flat)
        return found

    # -- single rows

    def _body_row(self, call: Call, key: Key, depth: int, opened: bool) -> Row:
        columns = (count(self.meta.function_sizes[call.function], "node"),)
        aside = f"calls {show(function_word(call.function))}"
        return Row("body", key, depth, show(call.label), columns, opened, aside, ref=call.function)

    def _entry_row(
        self, level: Level, tree: Tree, scope: Scope, depth: int, unfolded: Set[Key], flat: bool
    ) -> Callable[[Entry], Row]:
        at = len(scope.prefix)
        nodes = level.body.node_defs
        is_main = level.function is None

        def make(entry: Entry) -> Row:
            if isinstance(entry, Scope) and entry.node is None:
                return self.scope_row(level, entry, depth, unfolded)
            number = entry.node if isinstance(entry, Scope) else entry
            assert number is not None
            quiet = scope.last or (is_main and tree.is_last(number))
            below = len(entry.members) if isinstance(entry, Scope) else 0
            return self._node_row(level, nodes[number], at, depth, unfolded, quiet, below)

        return make

    def scope_row(self, level: Level, scope: Scope, depth: int, unfolded: Set[Key] = frozenset()) -> Row:
        """Return the row of a scope: how many nodes it has, of which ops, and their bytes."""
        tree = self.trees.of(level)
        key = ("scope", self.places.key(level), scope.prefix)
        nbytes = tree.nbytes(scope)
        columns = (count(len(scope.members), "node"), size(nbytes) if nbytes >= _WORTH_SAYING else "")
        return Row(
            "scope", key, depth, show(scope.text), columns, key in unfolded, does(tree.kinds(scope)),
            None, (level, scope), scope.last,
        )  # fmt: skip

    def _node_row(
        self, level: Level, node: NodeDef, cut: int, depth: int, unfolded: Set[Key], quiet: bool, below: int
    ) -> Row:
        at, name = self.places.key(level), node.name
        key = ("node", at, name)
        calls = level.calls_under(node)
        opened = key in unfolded if calls or below else None
        columns = (self._calls_text(calls) if calls else show(node.op),)
        return Row("node", key, depth, show(name[cut:]), columns, opened, "", Spot(at, name), node, quiet)

    def _calls_text(self, calls: Sequence[Call]) -> str:
        words = dict.fromkeys(show(function_word(call.function)) for call in calls)
        sizes = self.meta.function_sizes
        total = sum(sizes[name] for name in {call.function for call in calls})
        return f"calls {', '.join(words)}  {count(total, 'node')}"

    def named_row(self, level: Level, depth: int) -> Callable[[NodeDef], Row]:
        """Return a function that makes the row of a node with its whole name and, beside it, its function."""
        at = self.places.key(level)
        name = level.function.signature.name if level.function is not None else ""
        aside = show(function_word(name)) if name else ""

        def make(node: NodeDef) -> Row:
            key = ("node", at, node.name)
            return Row(
                "node", key, depth, show(node.name), (show(node.op),), None, aside, Spot(at, node.name), node
            )

        return make


def captured(level: Level) -> list[Tensor]:
    """Return the resources among the arguments of a body, if there are so many that one row stands for them."""
    found = [tensor for tensor in level.body.argument_tensors if tensor.dtype == _RESOURCE]
    return found if len(found) > _FEW_RESOURCES else []


def does(ops: Counter[str]) -> str:
    """Return the commonest ops of some nodes: `Conv2D ×35, Relu6 ×35, …`.

    Ops that hold or pass on a value are left out unless there are no others.
    """
    from collections import Counter

    telling = Counter({op: number for op, number in ops.items() if op not in _STORES})
    return summary(telling or ops, _SUMMARY)
