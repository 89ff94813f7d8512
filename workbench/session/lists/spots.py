"""Places in a model's graph: nodes by body, and how each body is reached."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from workbench import names
from workbench.disk.schema import NodeDef
from workbench.graph.adjacency import Adjacency
from workbench.graph.level import Level, Value, descend, find

if TYPE_CHECKING:
    from workbench.model import MetaGraph


@dataclass(frozen=True, slots=True)
class Spot:
    """A node in a body.

    Attributes:
        level: id of the body: empty for the main graph, `CALL::CALL` for a body that is called there, or
            `fn:NAME` for a function that nothing calls.
        node: the node, or an argument of the body.
    """

    level: str
    node: str

    def __str__(self) -> str:
        if not self.level or self.level.startswith("fn:"):
            return self.node
        return f"{self.level}{names.CALL_SEPARATOR}{self.node}"


class Places:
    """The bodies of one MetaGraph by id, each made at its first use.

    Args:
        meta: the MetaGraph.
    """

    def __init__(self, meta: MetaGraph) -> None:
        self.meta = meta
        self.main = Level.of(meta)
        self._levels: dict[str, Level] = {"": self.main}
        self._adjacency: dict[str, Adjacency] = {}

    @cached_property
    def of_function(self) -> dict[str, str]:
        """The first body of each function, breadth first from the main graph, by id."""
        found: dict[str, str] = {}
        todo = deque([self.main])
        while todo:
            level = todo.popleft()
            for node in level.nodes.values():
                if not node.attr and node.op not in self.meta.functions:
                    continue
                for call in level.calls_under(node):
                    if call.function not in found:
                        under = level.under(call)
                        self._levels[under.path] = under
                        found[call.function] = under.path
                        todo.append(under)
        for name in self.meta.functions:
            if name not in found:
                found[name] = f"fn:{name}"
                self._levels[f"fn:{name}"] = Level.of(self.meta, name)
        return found

    def level(self, key: str) -> Level | None:
        """Return the body with this id, or None."""
        if key in self._levels:
            return self._levels[key]
        if key.startswith("fn:"):
            _ = self.of_function
            return self._levels.get(key)
        level = next(descend(self.main, key.split(names.CALL_SEPARATOR)), None)
        if level is not None:
            self._levels[key] = level
        return level

    def key(self, level: Level) -> str:
        """Return the id of a body."""
        if level.function is not None and not level.calls:
            return f"fn:{level.function.signature.name}"
        self._levels.setdefault(level.path, level)
        return level.path

    def node(self, spot: Spot) -> NodeDef | None:
        """Return the node of a place; None for an argument or a missing node."""
        level = self.level(spot.level)
        return level.nodes.get(spot.node) if level is not None else None

    def adjacency(self, key: str) -> Adjacency:
        """Return the adjacency of a body."""
        if key not in self._adjacency:
            level = self.level(key)
            self._adjacency[key] = Adjacency(level.nodes if level is not None else {})
        return self._adjacency[key]

    def find(self, text: str) -> Spot | None:
        """Return the place that `CALL::CALL::node:k` names, without the output number."""
        value = find(self.meta, text)
        return None if value is None else Spot(self.key(value.level), value.name)

    def source_of(self, key: str, entry: str) -> tuple[Spot, int] | None:
        """Return the node and output that an entry of a body names, or None.

        Args:
            key: id of the body.
            entry: as an input of a node in it, or a result of the body, names it.
        """
        level = self.level(key)
        value = None if level is None else level.value(entry)
        return None if value is None else self._outside(value)

    def output_of(self, level: Level, entry: str) -> int:
        """Return which output of its node an input entry names."""
        return level.body.address(entry)[1]

    def handed_in(self, spot: Spot) -> tuple[Spot, int] | None:
        """Return the outer node and output that give a body's argument, or None.

        It is None for an argument of a loop, a branch, or a function that nothing calls.

        None for an argument of a loop or a branch, or of a function that nothing calls.
        """
        level = self.level(spot.level)
        return None if level is None or spot.node in level.nodes else self._outside(Value(level, spot.node))

    def _outside(self, value: Value | None) -> tuple[Spot, int] | None:
        """Return the node that gives a value, through the arguments of plain calls."""
        while value is not None:
            if value.node is not None:
                return Spot(self.key(value.level), value.name), value.index
            call = value.level.call
            value = value.level.given(value) if call is not None and call.kind == "call" else None
        return None

    def outermost(self, spot: Spot) -> Spot | None:
        """Return the main graph's node that contains a place, or None."""
        if spot.level.startswith("fn:"):
            return None
        call = spot.level.split(names.CALL_SEPARATOR)[0] if spot.level else spot.node
        return Spot("", call.partition("[")[0])
