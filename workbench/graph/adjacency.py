"""A graph as adjacency: inputs, consumers, ancestors, descendants, cycles."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from workbench.disk.schema import NodeDef
from workbench.graph.reach import needed, reach
from workbench.model.op_classes import MUST_BE_FED, NEXT_ITERATIONS
from workbench.names import input_node, input_tensor


class Cut(NamedTuple):
    """The nodes needed to compute some tensors when others are fed.

    Attributes:
        nodes: every node that runs, those of fed tensors left out.
        fed: the fed tensors that something needs.
        unfed: placeholders without a default that are needed and not fed.
    """

    nodes: frozenset[str]
    fed: frozenset[str]
    unfed: tuple[str, ...]


class Adjacency:
    """The edges of a graph by node name, data and control alike.

    Args:
        nodes: the nodes by name, as `MetaGraph.nodes`; not copied.
    """

    def __init__(self, nodes: Mapping[str, NodeDef]) -> None:
        self.nodes = nodes

    @cached_property
    def _parents(self) -> dict[str, list[str]]:
        nodes = self.nodes  # most inputs are plain names
        return {
            name: [entry if entry in nodes else input_node(entry) for entry in node.input]
            for name, node in nodes.items()
        }

    @cached_property
    def _consumers(self) -> dict[str, list[tuple[str, int]]]:
        found: dict[str, list[tuple[str, int]]] = {name: [] for name in self.nodes}
        for name, parents in self._parents.items():
            for position, parent in enumerate(parents):
                if parent in found:
                    found[parent].append((name, position))
        return found

    def inputs(self, node: str) -> list[str]:
        """Return the nodes of a node's inputs, in order, control inputs included.

        A name that no node has is in the list too; an unknown `node` has no inputs.
        """
        return self._parents.get(node, [])

    def consumers(self, node: str) -> list[tuple[str, int]]:
        """Return the uses of a node: (consumer, position), control inputs included."""
        return self._consumers.get(node, [])

    def ancestors(self, starts: Iterable[str], stop: Container[str] = ()) -> set[str]:
        """Return all nodes that `starts` depend on, `starts` included.

        Args:
            starts: node names.
            stop: nodes that are included but not looked behind.
        """
        parents = self._parents

        def behind(name: str) -> list[str]:
            return [parent for parent in parents[name] if parent in parents]

        return reach((name for name in starts if name in parents), behind, stop)

    def descendants(self, starts: Iterable[str], stop: Container[str] = ()) -> set[str]:
        """Return all nodes that depend on `starts`, `starts` included.

        Arguments as for `ancestors`.
        """
        consumers = self._consumers

        def next_to(name: str) -> list[str]:
            return [consumer for consumer, _ in consumers[name]]

        return reach((name for name in starts if name in consumers), next_to, stop)

    def cut(self, outputs: Iterable[str], fed: Iterable[str] = ()) -> Cut:
        """Return the nodes that `outputs` need when `fed` is given.

        Args:
            outputs: tensors `n:k`, or bare nodes.
            fed: tensors `n:k` whose values are given, so that nothing behind them is needed.
        """
        marks = {tensor: f"^{tensor}" for tensor in map(str, map(input_tensor, fed))}  # no node is called so
        # a session leads control edges from a placeholder to what it is fed with
        waits = {
            name: mark
            for tensor, mark in marks.items()
            if (name := tensor.removesuffix(":0")) in self.nodes and self.nodes[name].op in MUST_BE_FED
        }
        found = needed(self.nodes, outputs, tensors=marks, waits=waits)
        used = frozenset(tensor for tensor, mark in marks.items() if mark in found)
        nodes = found & self.nodes.keys()
        bare = {name for name in nodes if self.nodes[name].op in MUST_BE_FED}
        unfed = tuple(name for name in self.nodes if name in bare) if len(bare) > 1 else tuple(bare)
        return Cut(frozenset(nodes), used, unfed)

    def find_cycle(self, starts: Iterable[str] | None = None) -> list[str] | None:
        """Return a cycle as node names in the data's direction, or None.

        The back edge of a v1 while loop (out of NextIteration) is no cycle. Needs memory and time linear in
        the graph, and no recursion.

        Args:
            starts: look only behind these nodes; None for the whole graph.
        """
        nodes = self.nodes
        loops = {name for name, node in nodes.items() if node.op in NEXT_ITERATIONS}
        done = self._in_order(loops) if starts is None else set()
        pending = [name for name in (nodes if starts is None else starts) if name not in done][::-1]
        while pending:
            start = pending.pop()
            if start in done or start not in nodes:
                continue
            path = [start]
            on_path = {start}
            todo = [map(input_node, nodes[start].input)]
            while todo:
                for parent in todo[-1]:
                    if parent in done or parent not in nodes:
                        continue
                    if parent in loops:
                        pending.append(parent)
                        continue
                    if parent in on_path:
                        return path[path.index(parent) :][::-1]
                    path.append(parent)
                    on_path.add(parent)
                    todo.append(map(input_node, nodes[parent].input))
                    break
                else:
                    todo.pop()
                    finished = path.pop()
                    on_path.discard(finished)
                    done.add(finished)
        return None

    def _in_order(self, loops: Container[str]) -> set[str]:
        """Return nodes that come after all that they need, which most graphs list so: no cycle is behind these.

        Args:
            loops: nodes whose edges do not count.
        """
        nodes = self.nodes
        done: set[str] = set()
        for name, node in nodes.items():
            for entry in node.input:
                if entry not in done:
                    parent = input_node(entry)
                    if parent not in done and parent in nodes and parent not in loops:
                        break
            else:
                done.add(name)
        return done
