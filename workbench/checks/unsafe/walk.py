"""The walk through a graph and its functions: what is reached from some nodes or functions, each body once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from workbench.checks.unsafe import evaluated, trust
from workbench.checks.unsafe.ops import VERDICTS, classify
from workbench.checks.unsafe.passing import Passing
from workbench.checks.unsafe.paths import NOTHING, Known, Paths
from workbench.checks.unsafe.report import IMPORT, Danger
from workbench.checks.unsafe.trust import Trust
from workbench.disk import optable
from workbench.disk.schema import NodeDef
from workbench.graph.adjacency import Adjacency
from workbench.graph.functions import calls, function_attrs
from workbench.names import input_node

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

_SWAPPED = "api_implements"
_MAX_TRUSTING = 100_000
"""Nodes looked at in functions some of whose arguments are trusted; of more nothing is trusted any more."""
_MAX_SHOWN = 100


@dataclass(frozen=True, slots=True)
class _Body:
    """What counts of a main graph or function: its suspects, and its calling nodes."""

    nodes: Mapping[str, NodeDef]
    suspects: tuple[NodeDef, ...]
    callers: tuple[tuple[NodeDef, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Way:
    """The functions on the way to a body, from the inside out; shared, since ways are long."""

    name: str
    above: _Way | None = None

    def names(self) -> tuple[str, ...]:
        """Return the names from the outside in; of a long way only the end."""
        found: list[str] = []
        way: _Way | None = self
        while way is not None and len(found) < _MAX_SHOWN:
            found.append(way.name)
            way = way.above
        return (*(("…",) if way is not None else ()), *reversed(found))


class Walk:
    """Collects unsafe ops from several starting points; a node found again gains a signature.

    Args:
        meta: the MetaGraph.
        fed: tensors that a caller feeds besides the inputs of signatures.
        run: nodes and tensors of the main graph that are run besides the init op.
    """

    def __init__(self, meta: MetaGraph, fed: Iterable[str] = (), run: Iterable[str] = ()) -> None:
        self.meta = meta
        self.functions = meta.functions
        self.adjacency = Adjacency(meta.nodes)
        self.trust = Trust(meta, self.adjacency, fed, run)
        self.passing = Passing(meta.functions)
        self.found: dict[tuple[str, str], Danger] = {}
        self.excused: dict[tuple[str, str], Danger] = {}
        self._bodies: dict[str, _Body] = {}
        self._plain: dict[str, frozenset[str] | None] = {}
        self._holds: dict[str, bool] = {}
        self._trusting = 0

    def all(self) -> list[Danger]:
        """Return unsafe ops, then those excused wherever they are reached."""
        excused = [danger for place, danger in self.excused.items() if place not in self.found]
        return [*self.found.values(), *excused]

    # -- what there is

    @cached_property
    def main(self) -> _Body:
        """Return the main graph's body."""
        return self._read(self.meta.nodes, self.meta.graph.node)

    def body(self, name: str) -> _Body:
        """Return a function's body."""
        if name not in self._bodies:
            nodes = self.functions[name].node_def
            self._bodies[name] = self._read({node.name: node for node in nodes}, nodes)
        return self._bodies[name]

    def _read(self, by_name: Mapping[str, NodeDef], nodes: Iterable[NodeDef]) -> _Body:
        suspects, callers = [], []
        for node in nodes:
            op = node.op
            if op not in self._plain:
                self._plain[op] = _declared(op) if op not in self.functions else None
            declared = self._plain[op]
            if declared is not None and all(name in declared or name[:1] == "_" for name in node.attr):
                continue
            if classify(node, self.functions) is not None:
                suspects.append(node)
            called = self._called(node)
            if called:
                callers.append((node, called))
        return _Body(by_name, tuple(suspects), tuple(callers))

    def _called(self, node: NodeDef) -> tuple[str, ...]:
        """Return what a node may run: what it names, and what TensorFlow may swap in."""
        named = [name for _, name in calls(node, self.functions)]
        if node.op == "SymbolicGradient":
            named += self._gradients
        if not named:
            return ()
        named += [name for one in named for name in self._by_default(one)]
        swapped = [other for name in named for other in self._swapped.get(name, ())]
        return tuple(dict.fromkeys([*named, *swapped]))

    @cached_property
    def _gradients(self) -> list[str]:
        """Return the gradient functions of the library.

        A SymbolicGradient runs that of what it names, or else those of all that this calls, at any depth
        (`SymbolicGradientBuilder` and `InstantiateSymbolicGradient`, core/common_runtime/function.cc).
        """
        entries = self.meta.graph.library.gradient
        return [entry.gradient_func for entry in entries if entry.gradient_func in self.functions]

    def _by_default(self, name: str) -> list[str]:
        """Return the functions that attrs of a function name by default.

        `AddDefaultAttrsToGraphDef` (core/framework/graph_def_util.cc) fills them in; its body has placeholders.
        """
        defaults = {attr.name: attr.default_value for attr in self.functions[name].signature.attr}
        return [found for _, found in function_attrs(defaults) if found in self.functions]

    @cached_property
    def _swapped(self) -> dict[str, list[str]]:
        """Return functions that implement the same: grappler swaps them by device."""
        groups: dict[bytes, list[str]] = {}
        for name, function in self.functions.items():
            if _SWAPPED in function.attr:
                groups.setdefault(function.attr[_SWAPPED].s, []).append(name)
        return {name: group for group in groups.values() if len(group) > 1 for name in group}

    # -- where it starts

    def from_main(self, starts: Iterable[str], label: str) -> None:
        """Visit what some tensors or nodes of the main graph depend on."""
        main = self.main
        if not main.suspects and not any(self._holds_any(called) for _, called in main.callers):
            return
        reached = self.adjacency.ancestors([input_node(name) for name in starts])
        part = _Body(
            main.nodes,
            tuple(node for node in main.suspects if node.name in reached),
            tuple((node, called) for node, called in main.callers if node.name in reached),
        )
        self._visit(part, self.trust.in_main(label), None, label)

    def from_function(self, name: str, label: str) -> None:
        """Visit what a concrete function reaches."""
        objects = self.meta.objects
        if objects is None or name not in self.functions:
            return
        all_of_it = (name, *self._swapped.get(name, ()), *self._by_default(name))
        if not self._holds_any(all_of_it):
            return
        concrete = objects.proto.concrete_functions
        bound = self.trust.bound(name, concrete[name]) if name in concrete else NOTHING
        for one in all_of_it:
            body = self.body(one)
            self._visit(body, self._paths(body, bound if one == name else NOTHING), _Way(one), label)

    def from_import(self) -> None:
        """Visit what importing the main graph and the functions runs, reached or not."""
        if not any(evaluated.may_run_op(op) for op in self.meta.ops if op not in self.functions):
            return
        bodies: Iterator[tuple[_Body, _Way | None]] = (
            (self.body(name), _Way(name)) for name in self.functions
        )
        for body, way in chain([(self.main, None)], bodies):
            for node in evaluated.evaluated(body.nodes, body.suspects):
                self._note(node, self._paths(body, NOTHING), way, IMPORT)

    def the_rest(self) -> None:
        """Visit what nothing reached: nodes of the main graph and functions of the library."""
        self._own(self.main, self.trust.in_main(None), None, None)
        for name in self.functions:
            body = self.body(name)
            self._own(body, self._paths(body, NOTHING), _Way(name), None)

    # -- what follows from the functions found

    def _holds_any(self, names: Iterable[str]) -> bool:
        """Return whether anything under some functions is a suspect; looks at each once."""
        names = list(names)
        fresh = [name for name in names if name not in self._holds]
        if fresh:
            self._look_into(fresh)
        return any(self._holds[name] for name in names)

    def _look_into(self, names: list[str]) -> None:
        """Find for functions whether they reach a suspect: back from those that have one."""
        seen, todo = dict.fromkeys(names), list(names)
        callers: dict[str, list[str]] = {}
        dirty = []
        while todo:
            name = todo.pop()
            body = self.body(name)
            called = [one for _, listed in body.callers for one in listed]
            if body.suspects or any(self._holds.get(one) for one in called):
                dirty.append(name)
            for one in called:
                callers.setdefault(one, []).append(name)
                if one not in seen and one not in self._holds:
                    seen[one] = None
                    todo.append(one)
        found = set(dirty)
        while dirty:
            above = [name for name in callers.get(dirty.pop(), ()) if name not in found]
            found.update(above)
            dirty += above
        self._holds |= {name: name in found for name in seen}

    def _paths(self, body: _Body, known: Known) -> Paths:
        """Return what the tensors of a function's body hold."""
        return Paths(body.nodes, known, functions=self.functions)

    def _visit(self, body: _Body, paths: Paths, way: _Way | None, label: str) -> None:
        """Visit a body and all functions under it, each once for what is known of its arguments."""
        done: set[tuple[str, Known]] = set()
        todo = [(body, paths, way)]
        while todo:
            body, paths, way = todo.pop()
            self._own(body, paths, way, label)
            for node, called in body.callers:
                holding = [name for name in called if self._holds_any((name,))]
                if not holding:
                    continue
                for name, known in self.passing.arguments(node, holding, paths):
                    args = known if self._trusting < _MAX_TRUSTING else NOTHING
                    if name in holding and (name, args) not in done:
                        done.add((name, args))
                        inner = self.body(name)
                        if args:
                            self._trusting += 1 + len(inner.suspects) + len(inner.callers)
                        todo.append((inner, self._paths(inner, args), _Way(name, way)))

    def _own(self, body: _Body, paths: Paths, way: _Way | None, label: str | None) -> None:
        for node in body.suspects:
            self._note(node, paths, way, label)

    def _note(self, node: NodeDef, paths: Paths, way: _Way | None, label: str | None) -> None:
        verdict = classify(node, self.functions)
        if verdict is None or trust.is_in_memory(node, paths):
            return
        place = (way.name if way is not None else "", node.name)
        excuse = trust.excuse(node, paths, label)
        if label is None and (place in self.excused or place in self.found):
            return
        into = self.found if excuse is None else self.excused
        known = into.get(place)
        labels = () if label is None else (label,)
        if known is None:
            path = way.names() if way is not None else ()
            into[place] = Danger(node.op, *verdict, node.name, path, labels, excuse)
        elif label is not None and label not in known.signatures:
            into[place] = known._replace(signatures=(*known.signatures, label))


def _declared(op: str) -> frozenset[str] | None:
    """Return the attrs of a harmless op that calls no function; None for all others.

    Most nodes are of such an op, and need no closer look unless they have an attr that is not its own.
    """
    op_def = optable.lookup(op)
    if op in VERDICTS or op_def is None or any(attr.type in ("func", "list(func)") for attr in op_def.attr):
        return None
    return frozenset(attr.name for attr in op_def.attr)
