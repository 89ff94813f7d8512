"""A graph as plain adjacency: who feeds whom, what is reached, what is needed, whether it is cyclic."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from workbench.disk.schema import Message
from workbench.model.op_classes import MUST_BE_FED, NEXT_ITERATIONS
from workbench.names import TensorName, input_node, input_tensor, is_control


@dataclass(frozen=True, slots=True)
class Cut:
    """What is needed to compute some tensors when others are fed.

    Attributes:
        nodes: every node that runs, those of fed tensors left out.
        fed: the fed tensors that something needs.
        unfed: placeholders without a default that are needed and not fed.
        missing: inputs that name no node, as (node, entry of its `input`).
    """

    nodes: frozenset[str]
    fed: frozenset[str]
    unfed: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]


class Adjacency:
    """Edges of a graph by node name, data and control alike.

    Args:
        nodes: the nodes by name, as `MetaGraph.nodes`; not copied.
    """

    def __init__(self, nodes: Mapping[str, Message]) -> None:
        self.nodes = nodes

    @cached_property
    def _parents(self) -> dict[str, list[str]]:
        return {name: [input_node(entry) for entry in node.input] for name, node in self.nodes.items()}

    @cached_property
    def _consumers(self) -> dict[str, list[tuple[str, int]]]:
        found: dict[str, list[tuple[str, int]]] = {name: [] for name in self.nodes}
        for name, parents in self._parents.items():
            for position, parent in enumerate(parents):
                if parent in found:
                    found[parent].append((name, position))
        return found

    def inputs(self, node: str) -> list[str]:
        """The nodes behind a node's inputs, in the order of `NodeDef.input`, control inputs included.

        A name that no node has is in the list too; an unknown `node` has no inputs.
        """
        return self._parents.get(node, [])

    def consumers(self, node: str) -> list[tuple[str, int]]:
        """Who uses a node: (consumer, position in the consumer's `input`), control inputs included."""
        return self._consumers.get(node, [])

    def tensor_consumers(self, tensor: TensorName) -> list[tuple[str, int]]:
        """Who uses just this output: (consumer, position in the consumer's `input`)."""
        return [
            (consumer, position)
            for consumer, position in self.consumers(tensor.node)
            if not is_control(entry := self.nodes[consumer].input[position]) and input_tensor(entry) == tensor
        ]

    def ancestors(self, starts: Iterable[str], stop: Collection[str] = ()) -> set[str]:
        """All nodes that `starts` depend on, `starts` included; names that no node has are left out.

        Args:
            starts: node names.
            stop: nodes that are included but not looked behind.
        """
        return self._reach(starts, stop, self._parents)

    def descendants(self, starts: Iterable[str], stop: Collection[str] = ()) -> set[str]:
        """All nodes that depend on `starts`, `starts` included. Arguments as for `ancestors`."""
        children = {name: [consumer for consumer, _ in used] for name, used in self._consumers.items()}
        return self._reach(starts, stop, children)

    def _reach(
        self, starts: Iterable[str], stop: Collection[str], edges: Mapping[str, list[str]]
    ) -> set[str]:
        seen = {name for name in starts if name in self.nodes}
        todo = [name for name in seen if name not in stop]
        while todo:
            for name in edges[todo.pop()]:
                if name not in seen and name in edges:
                    seen.add(name)
                    if name not in stop:
                        todo.append(name)
        return seen

    def cut(self, outputs: Iterable[str], fed: Iterable[str] = ()) -> Cut:
        """What has to run for `outputs` when `fed` is given.

        Args:
            outputs: tensors `n:k`, or bare nodes.
            fed: tensors `n:k` whose values are given, so that nothing behind them is needed.
        """
        given = {str(input_tensor(name)) for name in fed}
        used: set[str] = set()
        nodes: set[str] = set()
        missing: list[tuple[str, str]] = []
        todo: list[tuple[str, str]] = [("", name) for name in outputs]
        while todo:
            reader, entry = todo.pop()
            if is_control(entry):
                name = input_node(entry)
                if f"{name}:0" in given and name in self.nodes and self.nodes[name].op in MUST_BE_FED:
                    used.add(
                        f"{name}:0"
                    )  # a session leads control edges from a placeholder to what it is fed with
                    continue
            else:
                tensor = input_tensor(entry)
                if str(tensor) in given:
                    used.add(str(tensor))
                    continue
                name = tensor.node
            if name in nodes:
                continue
            node = self.nodes.get(name)
            if node is None:
                missing.append((reader, entry))
                continue
            nodes.add(name)
            todo.extend((name, needed) for needed in node.input)
        bare = {name for name in nodes if self.nodes[name].op in MUST_BE_FED}
        unfed = tuple(name for name in self.nodes if name in bare) if len(bare) > 1 else tuple(bare)
        return Cut(frozenset(nodes), frozenset(used), unfed, tuple(missing))

    def find_cycle(self, starts: Iterable[str] | None = None) -> list[str] | None:
        """A cycle as node names in the direction of the data, the first not repeated; None if there is none.

        The back edge of a v1 while loop (out of NextIteration) is no cycle. Needs memory and time linear in
        the graph, and no recursion.

        Args:
            starts: look only behind these nodes; None for the whole graph.
        """
        parents = self._parents
        loops = {name for name, node in self.nodes.items() if node.op in NEXT_ITERATIONS}
        done: set[str] = set()
        pending = list(reversed(list(self.nodes if starts is None else starts)))
        while pending:
            start = pending.pop()
            if start in done or start not in parents:
                continue
            path = [start]
            on_path = {start}
            todo = [iter(parents[start])]
            while todo:
                for parent in todo[-1]:
                    if parent in done or parent not in parents:
                        continue
                    if parent in loops:
                        pending.append(parent)
                        continue
                    if parent in on_path:
                        return path[path.index(parent) :][::-1]
                    path.append(parent)
                    on_path.add(parent)
                    todo.append(iter(parents[parent]))
                    break
                else:
                    todo.pop()
                    finished = path.pop()
                    on_path.discard(finished)
                    done.add(finished)
        return None
