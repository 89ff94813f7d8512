"""What tensors of a MetaGraph need: nodes to run, or nodes that give values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from functools import cached_property

from workbench import names
from workbench.graph.depends import Dependence
from workbench.graph.effects import Effects
from workbench.graph.reach import needed, reach
from workbench.model import MetaGraph
from workbench.model.op_classes import CALLS, MUST_BE_FED, WITH_DEFAULT


class Needs:
    """Find needs in one MetaGraph, as it is or with some tensors replaced.

    Args:
        meta: the MetaGraph.
        cuts: tensor `n:k` to the node that is there instead of it; may grow. Nothing behind that node is needed.
    """

    def __init__(self, meta: MetaGraph, cuts: Mapping[str, str] | None = None) -> None:
        self._meta = meta
        self._cuts = cuts if cuts is not None else {}
        self._dependence = Dependence(meta)
        self._effects = Effects(meta)
        self._last: tuple[tuple[object, ...], Set[str]] | None = None

    @cached_property
    def placeholders(self) -> frozenset[str]:
        """The names of the nodes that have no value unless they are fed."""
        if self._meta.main_ops.keys().isdisjoint(MUST_BE_FED):
            return frozenset()
        return frozenset(name for name, node in self._meta.nodes.items() if node.op in MUST_BE_FED)

    def bridged(self) -> dict[str, str]:
        """Return the nodes whose only output is cut, with their replacements."""
        found: dict[str, str] = {}
        for tensor, bridge in self._cuts.items():
            node = names.input_tensor(tensor).node
            count = len(self._meta.output_types(self._meta.nodes[node]) or ())
            if bridge != node and count == 1:
                found[node] = bridge
        return found

    def nodes(
        self, roots: Iterable[str], feeds: Mapping[str, str] | None = None, *, as_it_is: bool = False
    ) -> set[str]:
        """Return the nodes that some tensors need, as the graph is after the cuts.

        A control edge from a node that has no effect, nor waits for one, does not count.

        Args:
            roots: inputs as a node would write them: `n`, `n:k`, `^n`.
            feeds: tensor `n:k` to a name of the caller's choice: such a tensor counts as fed; the name is in the
                answer if it is needed, and nothing behind it.
            as_it_is: every control edge counts, as in a graph that keeps them all.
        """
        nodes, waits = self._meta.nodes, self.bridged()
        for tensor, mark in (feeds or {}).items():
            name = names.input_tensor(tensor)
            if name.index == 0 and name.node in nodes and nodes[name.node].op in MUST_BE_FED:
                waits[name.node] = (
                    mark  # a Session leads control edges from a placeholder to what it is fed with
                )
        return needed(
            nodes,
            roots,
            tensors={**self._cuts, **(feeds or {})},
            waits=waits,
            controls=None if as_it_is else self._effects,
            stop=set(self._cuts.values()),
        )

    def values(
        self, roots: Iterable[str], feeds: Mapping[str, str], *, uncut: bool = False, optional: bool = True
    ) -> Set[str]:
        """Return the names of the nodes that the values of some tensors follow from.

        Control inputs don't count, and of a call's inputs only those that its body leads to the output.

        Args:
            roots: as for `nodes`.
            feeds: as for `nodes`.
            uncut: in the graph of the source, without the cuts.
            optional: a fed placeholder may be left out if it has a default, so what that follows from counts, too.
        """
        cuts_now = {} if uncut else dict(self._cuts)
        key = (tuple(roots), tuple(feeds.items()), tuple(cuts_now.items()), optional)
        if self._last is None or self._last[0] != key:  # of a large graph it is asked twice in a row
            self._last = key, self._follow(key[0], feeds, cuts_now, optional)
        return self._last[1]

    def forget(self) -> None:
        """Make the memory of the last answer free."""
        self._last = None

    def _follow(
        self, roots: Iterable[str], feeds: Mapping[str, str], replaced: Mapping[str, str], optional: bool
    ) -> set[str]:
        nodes = self._meta.nodes
        known = nodes.__contains__

        def plain(entry: str) -> str:  # a tensor by one name: `n` for `n:0`, `n:k` for others
            tensor = names.input_tensor(entry)
            return str(tensor) if tensor.index else tensor.node

        def data(entries: Iterable[str]) -> list[str]:
            listed = list(entries)
            if all(map(known, listed)):
                return listed
            return [plain(entry) for entry in listed if entry[:1] != "^"]

        cuts = {plain(tensor): mark for tensor, mark in (*replaced.items(), *feeds.items())}
        stop = set(replaced.values())

        def behind(tensor: str) -> list[str]:
            name, index = (tensor, "0") if tensor in nodes else tensor.rpartition(":")[::2]
            node = nodes.get(name)
            fed = cuts.get(tensor)
            if node is None or (name if fed is None else fed) in stop:
                return []
            if fed is not None and not (optional and node.op == WITH_DEFAULT):
                return []
            inputs = data(node.input)
            number = names.parse_number(index) if node.op in CALLS else None
            positions = self._dependence.inputs_of(name, number) if number is not None else None
            return inputs if positions is None else [inputs[at] for at in positions if at < len(inputs)]

        def name_of(tensor: str) -> str:
            return tensor if tensor in nodes or ":" not in tensor else names.input_tensor(tensor).node

        reached = reach(data(roots), behind)
        return {cuts[tensor] if tensor in cuts else name_of(tensor) for tensor in reached}
