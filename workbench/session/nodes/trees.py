"""The trees of a model's bodies, and what belongs to its saver."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.graph.functions import reachable
from workbench.model.op_classes import CALLS, RESTORES, SAVES, VARIABLES
from workbench.names import input_node
from workbench.session.lists.sizes import constant_nbytes
from workbench.session.nodes.tree import Scope, Tree

if TYPE_CHECKING:
    from workbench.disk.schema import NodeDef
    from workbench.graph.level import Level
    from workbench.model import MetaGraph

_SAVER_OPS = SAVES | RESTORES | {"MergeV2Checkpoints", "ShardedFilename"}
_SAVER_SCOPE = re.compile(r"save(_\d+)?\Z")
_TRAINING_SCOPE = re.compile(r"gradients(_\d+)?\Z")


class Trees:
    """The tree of each body of one MetaGraph, made at its first use.

    Args:
        meta: the MetaGraph.
    """

    def __init__(self, meta: MetaGraph) -> None:
        self.meta = meta
        self._trees: dict[str, Tree] = {}

    def of(self, level: Level) -> Tree:
        """Return the tree of a body; bodies of one function share it."""
        name = level.body.name
        if name not in self._trees:
            self._trees[name] = self._main() if level.function is None else self._function(level)
        return self._trees[name]

    def _main(self) -> Tree:
        nodes = self.meta.graph.node
        ops = self.meta.bodies[0][1]
        calls = [name for name in self._called_by_signatures() if "/" not in name]
        last = {name.rpartition("/")[0] or name for name in self.saver_nodes}
        names = self.meta.node_names

        def weigh(numbers: Iterable[int]) -> dict[int, int]:
            listed = [*numbers]
            variables = (number for number in listed if ops[number] in VARIABLES)
            held = {number: self._variables.get(names[number], 0) for number in variables}
            return _constants(nodes, ops, listed) | held

        return Tree(names, ops, weigh, calls, last, lambda one: _is_late(one, ops))

    def _function(self, level: Level) -> Tree:
        nodes = level.body.node_defs
        ops = [node.op for node in nodes]
        return Tree([node.name for node in nodes], ops, lambda numbers: _constants(nodes, ops, numbers))

    @cached_property
    def _variables(self) -> dict[str, int]:
        """The bytes of the variables by name."""
        return {variable.name: variable.nbytes or 0 for variable in self.meta.variables}

    def _called_by_signatures(self) -> Iterator[str]:
        """Yield the nodes that call a function and give an output of a signature."""
        if not self.meta.functions:
            return
        for signature in self.meta.shown_signatures.values():
            for port in signature.outputs.values():
                for tensor in port.tensors:
                    node = self.meta.nodes.get(input_node(tensor))
                    if node is not None and node.op in CALLS:
                        yield node.name

    # -- the saver

    @cached_property
    def saver_nodes(self) -> frozenset[str]:
        """The nodes that the SaverDef names."""
        saver = self.meta.proto.saver_def
        tensors = (saver.save_tensor_name, saver.restore_op_name, saver.filename_tensor_name)
        return frozenset(input_node(tensor) for tensor in tensors if tensor)

    @cached_property
    def saver_functions(self) -> frozenset[str]:
        """The functions that only saving and restoring call."""
        known = self.meta.nodes
        found = reachable(self.meta.graph, [known[name] for name in self.saver_nodes if name in known])
        return frozenset(found)


def _constants(nodes: Sequence[NodeDef], ops: Sequence[str], numbers: Iterable[int]) -> dict[int, int]:
    """Return the bytes of the constants among some nodes of a body, by number."""
    return {number: constant_nbytes(nodes[number]) for number in numbers if ops[number] == "Const"}


def _is_late(scope: Scope, ops: Sequence[str]) -> bool:
    """Return whether a scope of the main graph is of gradients or, as its ops show, of a saver."""
    name = scope.prefix[:-1]
    if _TRAINING_SCOPE.match(name):
        return True
    return bool(_SAVER_SCOPE.match(name)) and any(ops[number] in _SAVER_OPS for number in scope.members)
