"""What the nodes of a main graph are for: a signature, the saver, an initialiser, a table, a gradient."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from weakref import WeakKeyDictionary

from workbench.explaining.view import View
from workbench.graph.functions import reachable
from workbench.model.op_classes import ASSIGNS, FILLS, VARIABLE_READS
from workbench.names import input_node

SIGNATURE, OTHER, INIT, SAVER, TABLE, INITIALISER, READ, GRADIENT, REST = (
    "signature",
    "other signature",
    "init",
    "saver",
    "table",
    "initialiser",
    "read",
    "gradient",
    "rest",
)


_known: WeakKeyDictionary[View, Roles] = WeakKeyDictionary()


def roles_of(view: View) -> Roles:
    """Return the roles of the nodes of a model; they are found once, since each walks the whole graph."""
    found = _known.get(view)
    if found is None:
        found = _known[view] = Roles(view)
    return found


class Roles:
    """The roles of the nodes of a main graph; a node can have several.

    Args:
        view: the model.
    """

    def __init__(self, view: View) -> None:
        self._root = view.root
        self.meta = view.meta

    @cached_property
    def signatures(self) -> dict[str, frozenset[str]]:
        """For each signature that can be called, the nodes that it needs, its inputs included."""
        adjacency = self._root.body.adjacency
        found = {}
        for key, signature in self.meta.shown_signatures.items():
            fed = [tensor for port in signature.inputs.values() for tensor in port.tensors]
            outputs = [tensor for port in signature.outputs.values() for tensor in port.tensors]
            cut = adjacency.cut(outputs, fed)
            inputs = {input_node(tensor) for tensor in fed} & self.meta.nodes.keys()
            found[key] = cut.nodes | inputs
        return found

    @cached_property
    def init(self) -> frozenset[str]:
        """The nodes that loading runs once after restoring."""
        return self._behind(self.meta.init_ops)

    @cached_property
    def init_functions(self) -> set[str]:
        """The functions that loading calls once after restoring."""
        return self.functions(self.init)

    @cached_property
    def saver(self) -> frozenset[str]:
        """The nodes that write and read checkpoints."""
        saver = self.meta.proto.saver_def
        return self._behind((saver.save_tensor_name, saver.restore_op_name, saver.filename_tensor_name))

    @cached_property
    def tables(self) -> frozenset[str]:
        """The nodes that fill tables."""
        return self._behind(name for name, node in self.meta.nodes.items() if node.op in FILLS)

    @cached_property
    def initialisers(self) -> frozenset[str]:
        """The nodes that give variables their first values, before training; loading does not run them."""
        other = self.saver.union(self.init, *self.signatures.values())
        return self._behind(
            name for name, node in self.meta.nodes.items() if node.op in ASSIGNS and name not in other
        )

    @cached_property
    def reads(self) -> frozenset[str]:
        """The nodes that read variables or ask about them, and that nothing else here needs."""
        nodes, consumers = self.meta.nodes, self._root.body.adjacency.consumers
        return frozenset(
            name for name, node in nodes.items() if node.op in VARIABLE_READS and not consumers(name)
        )

    @cached_property
    def gradients(self) -> frozenset[str]:
        """The nodes in a scope `gradients`, as `tf.gradients` calls what it adds."""
        return frozenset(
            name
            for name in self.meta.nodes
            if any(part.partition("_")[0] == "gradients" for part in name.split("/")[:-1])
        )

    def partition(self, first: str | None) -> dict[str, list[str]]:
        """Return each node under one role: the first that it has.

        Args:
            first: the signature that comes first; the nodes of others are under OTHER.
        """
        sets: list[tuple[str, Iterable[str]]] = []
        if first is not None and first in self.signatures:
            sets.append((SIGNATURE, self.signatures[first]))
        others = [nodes for key, nodes in self.signatures.items() if key != first]
        sets.append((OTHER, frozenset().union(*others)))
        sets += [(INIT, self.init), (SAVER, self.saver), (TABLE, self.tables)]
        sets += [(INITIALISER, self.initialisers), (READ, self.reads), (GRADIENT, self.gradients)]
        sets.append((REST, self.meta.nodes))
        taken: set[str] = set()
        found = {}
        for role, nodes in sets:
            fresh = set(nodes) - taken
            own = [name for name in self.meta.nodes if name in fresh] if fresh else []
            taken.update(own)
            if own:
                found[role] = own
        return found

    def functions(self, nodes: Iterable[str]) -> set[str]:
        """Return the functions that some nodes reach."""
        known = self.meta.nodes
        return reachable(self.meta.graph, [known[name] for name in nodes if name in known])

    def _behind(self, tensors: Iterable[str]) -> frozenset[str]:
        starts = [input_node(tensor) for tensor in tensors if tensor]
        return frozenset(self._root.body.adjacency.ancestors(starts))
