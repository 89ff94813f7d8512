"""A graph as a networkx graph; networkx is imported only when used."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from workbench.disk import dtypes
from workbench.disk.schema import NodeDef
from workbench.errors import TooManyNodes, expect
from workbench.graph.calls import Call
from workbench.graph.functions import calls
from workbench.graph.level import Level
from workbench.model import MetaGraph, Model, as_model, shapes
from workbench.names import input_node, is_control, show

if TYPE_CHECKING:
    import networkx as nx

_EDGES_A_NODE = 20
_LONG = 1000


def to_networkx(
    model: MetaGraph | Model | str | os.PathLike[str],
    *,
    functions: bool = False,
    max_nodes: int = 200_000,
    plain: bool = False,
) -> nx.MultiDiGraph[str]:
    """Return a graph as a `networkx.MultiDiGraph`.

    Nodes are named by their place (`node`, or `CALL::node` in bodies) and carry `op`, `device`, `name`, and for their
    outputs `dtypes` (names) and `shapes` (tuples with None for an unknown size; None for an unknown rank); both are
    None for an unknown op. Edges go with the data and carry `source` (what the reader wrote: `n`, `n:1`, `n:out:0`),
    `position` (in the reader's inputs) and `control`. An input that names no node gives a node with `op=None`.

    With `functions` each call has its own copy of the body, so that ancestors and descendants are those of this call
    alone. A body's arguments are nodes with op `_Arg`; its results are named in the calling node's attribute
    `returns`. What crosses a call is an edge with the attribute `call`:

    - `argument`: from what feeds the call to the body's argument.
    - `result`: from what gives a result in the body to the call, and to the readers of that result outside. The
      readers of a plain call are connected with its body only; those of an `If`, `Case` or `While` with the node
      itself, which has the results of all its bodies before it.
    - `loop`: from a result of a loop's body to the argument it becomes in the next round. Only these make cycles
      (and the `NextIteration` of TF1).

    What an op hands to its function otherwise (a dataset, an op that nobody knows) is connected with each argument.
    A function that calls itself is not opened again.

    Args:
        model: a MetaGraph, an opened model, or what `open_model` takes.
        functions: also put each body under its calls, to any depth.
        max_nodes: with `functions`: how many nodes and bodies are too many.
        plain: for files: attributes are texts, numbers and flags only (lists joined by commas, `returns` as JSON,
            nothing as empty text), and what XML can't hold is written as an escape, in names as well.

    Raises:
        TooManyNodes: there would be more nodes than `max_nodes`, or 20 times as many edges.
        WrongType: it is no model.
        WorkbenchError: the model can't be opened, or has no obvious MetaGraph.
    """
    expect(max_nodes, int, "max_nodes", "a number")
    import networkx as nx

    meta = model if isinstance(model, MetaGraph) else as_model(model).meta
    unfolding = _Unfolding(meta, nx.MultiDiGraph(), max_nodes if functions else None)
    for level in unfolding.levels():
        unfolding.add(level)
    return _plain(unfolding.graph) if plain else unfolding.graph


class _Unfolding:
    """The conversion of a graph to networkx, level by level.

    Args:
        meta: the MetaGraph.
        graph: what to fill.
        max_nodes: how many nodes are too many; None leaves out the bodies of functions.
    """

    def __init__(self, meta: MetaGraph, graph: nx.MultiDiGraph[str], max_nodes: int | None) -> None:
        self.meta = meta
        self.graph = graph
        self.max_nodes = max_nodes
        self._edges = 0
        self._nodes = 0
        self._bodies: dict[tuple[Level, str], list[Level]] = {}
        self._calling: dict[str | None, frozenset[str]] = {}
        self._attributes: dict[str | None, dict[str, dict[str, Any]]] = {}

    def levels(self) -> Iterator[Level]:
        """Yield the main graph and, if asked for, the bodies under it, callers first."""
        todo = [Level.of(self.meta)]
        while todo:
            level = todo.pop()
            yield level
            below = [body for name in level.nodes for body in self._under(level, name)]
            todo.extend(reversed(below))

    def add(self, level: Level) -> None:
        """Add the nodes of a level, the edges into them, and those that cross its calls."""
        attributes = self._described(level)
        self._count(nodes=len(attributes) * _weight(level))
        for name, known in attributes.items():
            self.graph.add_node(level.full_name(name), **known)
        for name, node in level.nodes.items():
            target = level.full_name(name)
            for position, entry in enumerate(node.input):
                self._connect(level, entry, target, position)
            for body in self._under(level, name):
                self._cross(level, node, body)

    def _described(self, level: Level) -> dict[str, dict[str, Any]]:
        """Return the attributes of a level's nodes and arguments."""
        key = None if level.function is None else level.function.signature.name
        if key not in self._attributes:
            found: dict[str, dict[str, Any]] = {
                argument.name: {
                    "op": "_Arg",
                    "device": "",
                    "name": argument.name,
                    "dtypes": [str(argument.dtype)],
                    "shapes": [argument.shape],
                }
                for argument in level.body.argument_tensors
            }
            for name, node in level.nodes.items():
                types = self.meta.output_types(node)
                found[name] = {
                    "op": node.op,
                    "device": node.device,
                    "name": name,
                    "dtypes": None if types is None else [dtypes.name(dtype) for dtype in types],
                    "shapes": None
                    if types is None
                    else [_shape(level, name, at) for at in range(len(types))],
                }
            self._attributes[key] = found
        return self._attributes[key]

    def _under(self, level: Level, name: str) -> list[Level]:
        """Return the bodies under a node."""
        if self.max_nodes is None or name not in self._callers(level):
            return []
        key = level, name
        if key not in self._bodies:
            calls_ = level.calls_under(level.nodes[name])
            self._count(nodes=len(calls_) * _weight(level))
            self._bodies[key] = [level.under(call) for call in calls_]
        return self._bodies[key]

    def _callers(self, level: Level) -> frozenset[str]:
        key = None if level.function is None else level.function.signature.name
        if key not in self._calling:
            functions = self.meta.functions
            self._calling[key] = frozenset(
                name for name, node in level.nodes.items() if functions and calls(node, functions)
            )
        return self._calling[key]

    def _source(self, level: Level, entry: str) -> str:
        """Return the node that gives an input entry: of a plain call, one in its body."""
        if is_control(entry):
            return level.full_name(input_node(entry))
        value = level.value(entry)
        while value is not None:
            body = self._opened(value.level, value.name)
            result = None if body is None else body.result(value.index)
            if result is None:
                return value.level.full_name(value.name)
            value = result
        return level.full_name(entry)

    def _opened(self, level: Level, name: str) -> Level | None:
        """Return the body whose results are the outputs of a node."""
        under = self._under(level, name)
        only = under[0] if len(under) == 1 else None
        return only if only is not None and only.call is not None and _is_plain(only.call) else None

    def _cross(self, level: Level, node: NodeDef, body: Level) -> None:
        """Connect a call with one of its bodies: arguments, results, loop edges."""
        function, call = body.function, body.call
        assert function is not None and call is not None
        target = level.full_name(node.name)
        for (position, entry), argument in _handed(node, body):
            self._connect(level, entry, body.full_name(argument), position, call="argument")
        for position, result in enumerate(function.signature.output_arg):
            value = function.ret.get(result.name)
            if not value:
                continue
            self._connect(body, value, target, position, call="result")
            if call.kind == "loop" and position < len(function.signature.input_arg):
                for other in self._under(level, node.name):
                    looped = list(other.function.signature.input_arg) if other.function is not None else []
                    if position < len(looped):
                        again = other.full_name(looped[position].name)
                        self._connect(body, value, again, position, call="loop")
        for position, last in enumerate(function.control_ret.values()):
            self._connect(body, f"^{last}", target, position, call="result")
        returns = {key: body.full_name(value) for key, value in function.ret.items()}
        self.graph.nodes[target].setdefault("returns", {})[call.label] = returns

    def _connect(self, level: Level, entry: str, target: str, position: int, call: str = "") -> None:
        source = self._source(level, entry)
        own = level.full_name(input_node(entry))
        if source == own and source not in self.graph and not self._exists(level, input_node(entry)):
            self._count(nodes=1)
            self.graph.add_node(source, op=None, device="", name=input_node(entry), dtypes=None, shapes=None)
        self._count(edges=1)
        crossing = call or ("result" if source != own else "")
        attributes = {"call": crossing} if crossing else {}
        self.graph.add_edge(
            source, target, source=entry, position=position, control=is_control(entry), **attributes
        )

    def _exists(self, level: Level, name: str) -> bool:
        return name in self._described(level)

    def _count(self, *, nodes: int = 0, edges: int = 0) -> None:
        self._nodes += nodes
        self._edges += edges
        if self.max_nodes is None:
            return
        hint = "Raise max_nodes, or leave functions=False."
        if self._nodes > self.max_nodes:
            raise TooManyNodes(
                f"With its own copy of a function for each call, the graph has more than {self.max_nodes:,} nodes.",
                hint=hint,
            )
        if self._edges > self.max_nodes * _EDGES_A_NODE:
            raise TooManyNodes(
                f"With the bodies of functions, the graph has more than {self.max_nodes * _EDGES_A_NODE:,} edges.",
                hint=hint,
            )


def _handed(node: NodeDef, body: Level) -> Iterable[tuple[tuple[int, str], str]]:
    """Yield a call's inputs with their arguments, or all pairs if unknown."""
    assert body.call is not None
    data = [(position, entry) for position, entry in enumerate(node.input) if not is_control(entry)]
    arguments, first = list(body.body.arguments), body.call.first
    if (
        first is None
        or len(data) - first != len(arguments)
        or any(arg.number_attr or arg.type_list_attr for arg in body.body.arguments.values())
    ):
        return product(data, arguments)
    return zip(data[first:], arguments, strict=True)


def _is_plain(call: Call) -> bool:
    return call.kind == "call" and call.alone


def _weight(level: Level) -> int:
    """Return how many nodes one of a level counts for.

    A long path costs memory for each of them.
    """
    return 1 + len(level.path) // _LONG


def _shape(level: Level, name: str, index: int) -> shapes.Shape:
    if level.function is None:
        found = level.meta.tensor(f"{name}:{index}")
    else:
        found = level.tensor(name, index)
    return None if found is None else found.shape


def _plain(graph: nx.MultiDiGraph[str]) -> nx.MultiDiGraph[str]:
    """Return a graph that every writer of networkx accepts.

    Names that are shown alike get a number.
    """
    import networkx as nx

    names: dict[str, str] = {}
    taken: set[str] = set()
    for name in graph:
        shown, number = show(name, len(name)), 1
        while shown in taken:
            number += 1
            shown = f"{show(name, len(name))} #{number}"
        taken.add(shown)
        names[name] = shown
    found: nx.MultiDiGraph[str] = nx.relabel_nodes(graph, names)
    for attributes in [data for _, data in found.nodes(data=True)] + [
        data for *_, data in found.edges(data=True)
    ]:
        for key, value in attributes.items():
            attributes[key] = _text(key, value)
    return found


def _text(key: str, value: Any) -> Any:
    if isinstance(value, list):
        value = ",".join(map(shapes.text, value) if key == "shapes" else value)
    elif isinstance(value, dict):
        value = json.dumps(value)
    elif value is None:
        value = ""
    return show(value, len(value)) if isinstance(value, str) else value
