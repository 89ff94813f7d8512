"""What tensors of a MetaGraph need: the nodes that run, or only those that their values follow from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workbench import names
from workbench.graph.depends import Dependence
from workbench.graph.effects import Effects
from workbench.graph.reach import needed, reach
from workbench.model import MetaGraph
from workbench.model.op_classes import MUST_BE_FED, WITH_DEFAULT


class Needs:
    """Answers for one MetaGraph, as it is or with some tensors replaced.

    Args:
        meta: the MetaGraph.
        cuts: tensor `n:k` to the node that is there instead of it; may grow. Nothing behind that node is needed.
    """

    def __init__(self, meta: MetaGraph, cuts: Mapping[str, str] | None = None) -> None:
        self._meta = meta
        self._cuts = cuts if cuts is not None else {}
        self._dependence = Dependence(meta)
        self._effects = Effects(meta)

    def bridged(self) -> dict[str, str]:
        """Return the nodes whose only output is cut, to what is there instead: waiting for them is waiting for it."""
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
        """Return the names of the nodes that some tensors need, as the graph is after the cuts.

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
    ) -> set[str]:
        """Return the names of the nodes that the values of some tensors follow from.

        Control inputs don't count, and of a call's inputs only those that its body leads to the output.

        Args:
            roots: as for `nodes`.
            feeds: as for `nodes`.
            uncut: in the graph as the source has it, without the cuts.
            optional: a fed placeholder may be left out if it has a default, so what that follows from counts, too.
        """
        cuts = {**({} if uncut else self._cuts), **feeds}
        stop = set() if uncut else set(self._cuts.values())
        nodes = self._meta.nodes

        def behind(tensor: str) -> list[str]:
            name = names.input_tensor(tensor)
            fed = cuts.get(tensor)
            node = nodes.get(name.node)
            if node is None or (name.node if fed is None else fed) in stop:
                return []
            if fed is not None and not (optional and node.op == WITH_DEFAULT):
                return []
            data = [entry for entry in node.input if entry[:1] != "^"]
            positions = self._dependence.inputs_of(name.node, name.index)
            if positions is not None:
                data = [data[at] for at in positions if at < len(data)]
            return tensors(data)

        def tensors(entries: Iterable[str]) -> list[str]:
            return [str(names.input_tensor(entry)) for entry in entries if entry[:1] != "^"]

        reached = reach(tensors(roots), behind)
        return {cuts[tensor] if tensor in cuts else names.input_tensor(tensor).node for tensor in reached}
