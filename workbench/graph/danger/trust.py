"""Which tensors hold paths of the model's own files, and what an op that reads or writes them is excused for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.disk.schema import Message
from workbench.graph.adjacency import Adjacency
from workbench.graph.danger.report import INIT, OTHER_SAVERS, OWN_ASSET, RESTORE, SAVE, SAVERS_OWN
from workbench.graph.dangerous_ops import READS_ASSET, SAVER_READS, SAVER_WRITES
from workbench.model.saver import const_strings
from workbench.names import input_node

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

Trusted = frozenset[str]
"""Names in a body that are paths of the model's own files."""

_CACHE = frozenset({"CacheDataset", "CacheDatasetV2"})
_PASS = frozenset({"Identity", "PlaceholderWithDefault", "StopGradient", "ReadVariableOp"})
_HOLDS_PATH = frozenset({"ReadVariableOp", "VarIsInitializedOp", "AssignVariableOp", "DestroyResourceOp"})
_MAX_TRAIL = 64


class Trust:
    """What tensors of a MetaGraph are paths of its own files.

    Args:
        meta: the MetaGraph.
        adjacency: of its main graph.
    """

    def __init__(self, meta: MetaGraph, adjacency: Adjacency) -> None:
        self.meta = meta
        self.adjacency = adjacency

    def in_main(self, label: str | None, reached: Collection[str]) -> Trusted:
        """The nodes of the main graph that hold paths of the model's own files, while `label` runs.

        Only the init op is fed with the paths of assets, and only the saver with that of the checkpoint: whoever else
        reads such a constant gets what is written in it. A variable has what the init op put into it.
        """
        kept = {
            name
            for name, assigning in self._path_variables.items()
            if label in (INIT, None) or not assigning & set(reached)
        }
        if label in (INIT, None):
            kept |= self._own_assets
        if label in (RESTORE, SAVE, None):
            kept.add(input_node(self.meta.proto.saver_def.filename_tensor_name))
        return frozenset(kept)

    def bound(self, name: str, concrete: Message) -> Trusted:
        """The arguments of a concrete function that are bound to assets."""
        nodes = self.meta.proto.object_graph_def.nodes
        args = [arg.name for arg in self.meta.functions[name].signature.input_arg]
        bound = list(concrete.bound_inputs)
        pairs = zip(args[len(args) - len(bound) :], bound, strict=False)
        return frozenset(arg for arg, node in pairs if 0 <= node < len(nodes) and self._is_own(nodes[node]))

    def _is_own(self, node: Message) -> bool:
        """Whether an object is an asset that lies in the model's folder."""
        if not node.HasField("asset"):
            return False
        files, position = self.meta.proto.asset_file_def, node.asset.asset_file_def_index
        return 0 <= position < len(files) and self.meta.assets[position].problem is None

    @cached_property
    def _own_assets(self) -> frozenset[str]:
        """Nodes of the main graph that the loader feeds with an asset's path when it runs the init op."""
        return frozenset(input_node(asset.tensor) for asset in self.meta.assets if asset.problem is None)

    @cached_property
    def _path_variables(self) -> dict[str, frozenset[str]]:
        """Variables that hold an asset's path, with the nodes that put it there: the init op's, and tables read it."""
        found = {}
        nodes = self.meta.nodes
        for name, node in nodes.items() if self._own_assets else ():
            if node.op != "VarHandleOp":
                continue
            users = [nodes[user] for user, _ in self.adjacency.consumers(name)]
            assigning = [user for user in users if user.op == "AssignVariableOp" and len(user.input) > 1]
            only_path = assigning and all(user.op in _HOLDS_PATH for user in users)
            if only_path and all(_leads_to(user.input[1], nodes, self._own_assets) for user in assigning):
                found[name] = frozenset(user.name for user in assigning)
        return found


def passed_on(node: Message, function: Message, nodes: Mapping[str, Message], trusted: Trusted) -> Trusted:
    """The arguments of a function that get trusted tensors where a node calls it."""
    pairs = zip(function.signature.input_arg, node.input, strict=False)
    return frozenset(arg.name for arg, entry in pairs if _leads_to(entry, nodes, trusted))


def excuse(node: Message, nodes: Mapping[str, Message], trusted: Trusted, label: str | None) -> str | None:
    """Why a suspect is what it should be: the saver's own, or something that reads an asset."""
    if label == SAVE and node.op in SAVER_WRITES:
        return SAVERS_OWN
    if label is None and (node.op in SAVER_WRITES or node.op in SAVER_READS):
        return OTHER_SAVERS
    position = SAVER_READS.get(node.op) if label in (RESTORE, SAVE) else None
    if position is not None and _leads_to(_entry(node, position), nodes, trusted):
        return SAVERS_OWN
    position = READS_ASSET.get(node.op)
    if position is not None and label not in (RESTORE, SAVE):
        return OWN_ASSET if _leads_to(_entry(node, position), nodes, trusted) else None
    return None


def is_in_memory(node: Message, nodes: Mapping[str, Message]) -> bool:
    """Whether it is a dataset cached in memory: its file name is an empty constant."""
    if node.op not in _CACHE or len(node.input) < 2:
        return False
    names = list(_trail(node.input[1], nodes))
    origin = nodes.get(names[-1]) if names else None
    return origin is not None and origin.op == "Const" and not any(const_strings(origin).values)


def _entry(node: Message, position: int) -> str:
    return str(node.input[position]) if position < len(node.input) else "^"


def _leads_to(entry: str, nodes: Mapping[str, Message], names: Collection[str]) -> bool:
    """Whether an input is one of these nodes, or goes back to it through Identity and its like."""
    return bool(names) and any(name in names for name in _trail(entry, nodes))


def _trail(entry: str, nodes: Mapping[str, Message]) -> Iterator[str]:
    """The names an input goes back to through Identity and its like, nearest first."""
    for _ in range(_MAX_TRAIL):
        if entry.startswith("^"):
            return
        name = input_node(entry)
        yield name
        node = nodes.get(name)
        if node is None or node.op not in _PASS or not node.input:
            return
        entry = node.input[0]
