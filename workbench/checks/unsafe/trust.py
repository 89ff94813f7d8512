"""Which tensors hold paths of the model's own files, and what an op that reads or writes them is excused for.

A loader feeds them: the paths of assets while the init op runs (`SavedModelLoader.run_init_ops`, loader_impl.py;
`_EagerSavedModelLoader.load`, load_v1_in_v2.py), that of the checkpoint while the saver's restore op runs. So a Const
that is fed holds what it is fed with, and for everybody else what is written in it. Functions of the object graph get
assets as captures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from workbench.checks.unsafe.loading import saved_variables
from workbench.checks.unsafe.ops import READS_ASSET, SAVER_READS, SAVER_WRITES
from workbench.checks.unsafe.passing import own_arguments
from workbench.checks.unsafe.paths import (
    NOTHING,
    Fed,
    Kind,
    Known,
    Paths,
    Tensor,
    data_inputs,
    loader_tensor,
    read_input,
)
from workbench.checks.unsafe.report import (
    INIT,
    OTHER_SAVERS,
    OWN_ASSET,
    REPLACED,
    RESTORE,
    SAVE,
    SAVERS_OWN,
)
from workbench.checks.unsafe.stablehlo import HARMLESS, custom_call_targets
from workbench.disk.schema import NodeDef, SavedConcreteFunction, SavedObject
from workbench.graph.adjacency import Adjacency
from workbench.names import input_node

if TYPE_CHECKING:
    from workbench.model.assets import Asset
    from workbench.model.meta import MetaGraph

_CACHE = frozenset({"CacheDataset", "CacheDatasetV2"})
_HOLDS_PATH = frozenset({"ReadVariableOp", "VarIsInitializedOp", "AssignVariableOp", "DestroyResourceOp"})
_ANY_NAME = b"\0any"
"""Represents the name of a variable that is given by the caller of a function or by nobody known."""


class Trust:
    """The tensors of a MetaGraph that hold paths of the model's own files.

    Args:
        meta: the MetaGraph.
        adjacency: of its main graph.
        fed: tensors that a caller feeds besides the inputs of signatures.
        run: nodes and tensors of the main graph that are run besides the init op.
    """

    def __init__(
        self,
        meta: MetaGraph,
        adjacency: Adjacency,
        fed: Iterable[str] = (),
        run: Iterable[str] = (),
    ) -> None:
        self.meta = meta
        self.adjacency = adjacency
        self._more_fed = tuple(fed)
        self._run = tuple(run)
        self._in_main: dict[tuple[bool, bool], Paths] = {}

    def in_main(self, label: str | None) -> Paths:
        """Return what the tensors of the main graph hold while `label` runs.

        Only the init op is fed with the paths of assets, and only the saver with that of the checkpoint: whoever else
        reads such a constant gets what is written in it. A variable has what the init op put into it.
        """
        feeds = (label in (INIT, None), label in (RESTORE, SAVE, None))
        if feeds not in self._in_main:
            known: dict[Tensor, Kind] = {(name, 0): "variable" for name in self._path_variables}
            if feeds[0]:
                known |= dict(self._own_assets)
            checkpoint = loader_tensor(self.meta.proto.saver_def.filename_tensor_name)
            if feeds[1] and checkpoint is not None:
                known[checkpoint] = "checkpoint"
            paths = Paths(self.meta.nodes, frozenset(known.items()), self._fed, self.meta.functions)
            self._in_main[feeds] = paths
        return self._in_main[feeds]

    def bound(self, name: str, concrete: SavedConcreteFunction) -> Known:
        """Return the arguments of a concrete function that are bound to assets.

        `Loader._setup_function_captures` (saved_model/load.py) gives them to the last ones.
        """
        nodes = self.meta.proto.object_graph_def.nodes
        args, bound = own_arguments(self.meta.functions[name]), concrete.bound_inputs
        if len(bound) > len(args):
            return NOTHING
        pairs = zip(args[len(args) - len(bound) :], bound, strict=True)
        return frozenset(
            ((arg, 0), "asset")
            for arg, node in pairs
            if arg is not None and 0 <= node < len(nodes) and self._is_own(nodes[node])
        )

    def _is_own(self, node: SavedObject) -> bool:
        """Return whether an object is an asset inside the model's folder.

        A registered name would make another object of it, and children become its attributes (trackable/asset.py).
        """
        if not node.HasField("asset") or node.registered_name or node.children:
            return False
        files, position = self.meta.proto.asset_file_def, node.asset.asset_file_def_index
        return 0 <= position < len(files) and self.meta.assets[position].problem is None

    @cached_property
    def _own_assets(self) -> Known:
        """Return tensors the init op's runner feeds with paths, all definitions inside the folder."""
        told: dict[Tensor, list[Asset]] = {}
        for asset in self.meta.assets:
            tensor = loader_tensor(asset.tensor)
            if tensor is not None:
                told.setdefault(tensor, []).append(asset)
        odd = self._fed.nodes
        return frozenset(
            (tensor, "asset")
            for tensor, assets in told.items()
            if tensor[0] not in odd and all(asset.problem is None for asset in assets)
        )

    @cached_property
    def _fed(self) -> Fed:
        """Return all that anybody may feed."""
        names = [asset.tensor for asset in self.meta.assets]
        names.append(self.meta.proto.saver_def.filename_tensor_name)
        for signature in self.meta.signatures.values():
            names += [name for port in signature.inputs.values() for name in port.tensors]
        return Fed.of(name for name in (*names, *self._more_fed) if name)

    @cached_property
    def _path_variables(self) -> frozenset[str]:
        """Return variables that hold an asset's path: set by the init op, written by nothing else.

        Several nodes may be handles of one variable: those that share a name.
        """
        if not self._own_assets:
            return frozenset()
        handles: dict[bytes, list[str]] = {}
        for name, node in self.meta.nodes.items():
            if node.op == "VarHandleOp":
                for key in _names_of(node):
                    handles.setdefault(key, []).append(name)
        paths = Paths(self.meta.nodes, self._own_assets, self._fed, self.meta.functions)
        written = {key: {self._written(name, paths) for name in names} for key, names in handles.items()}
        elsewhere = {key for key, names in handles.items() if self._names[key] > len(names)}
        found = set()
        for name in dict.fromkeys(name for names in handles.values() for name in names):
            keys = set(_names_of(self.meta.nodes[name]))
            what = set().union(*(written[key] for key in keys))
            if "path" in what and "anything" not in what and not keys & elsewhere:
                found.add(name)
        return frozenset(() if self._names[_ANY_NAME] else found)

    def _written(self, handle: str, paths: Paths) -> Literal["path", "nothing", "anything"]:
        """Return what is written to a variable through one handle."""
        users = [self.meta.nodes[user] for user, _ in self.adjacency.consumers(handle)]
        if (handle, 0) in self._fed or any(user.op not in _HOLDS_PATH for user in users):
            return "anything"
        if any(name in self._saved for name in (handle, *(user.name for user in users))):
            return "anything"
        assigning = [user for user in users if user.op == "AssignVariableOp"]
        if any(
            user.name in self._run_by_others or not _assigns_path(user, handle, paths) for user in assigning
        ):
            return "anything"
        return "path" if assigning else "nothing"

    @cached_property
    def _names(self) -> Counter[bytes]:
        """Return how many variables have each name, in the main graph and in all functions."""
        found: Counter[bytes] = Counter()
        for nodes, ops in self.meta.bodies:
            for node, op in zip(nodes, ops, strict=True):
                if op == "VarHandleOp":
                    found.update(_names_of(node))
                elif op == "_VarHandlesOp":
                    found[_ANY_NAME] += 1
        return found

    @cached_property
    def _saved(self) -> frozenset[str]:
        """Return handles and reads of variables that a Saver of collections fills before the init op."""
        return frozenset(input_node(name) for name in saved_variables(self.meta.proto))

    @cached_property
    def _run_by_others(self) -> set[str]:
        """Return the nodes that run outside the init op, without the paths of assets fed."""
        return self.adjacency.ancestors([input_node(name) for name in self._run])


def _names_of(variable: NodeDef) -> Iterator[bytes]:
    """Return the names under which a variable may be shared.

    An empty one is a name like others; `fix_node_def` (saved_model/function_deserialization.py) puts the node's in its
    place. Containers are not told apart.
    """
    value = variable.attr.get("shared_name")
    if value is not None and value.WhichOneof("value") != "s":
        yield _ANY_NAME
    elif value is not None and value.s:
        yield value.s
    else:
        yield from (b"", variable.name.encode("utf-8", "surrogateescape"))


def _assigns_path(assign: NodeDef, variable: str, paths: Paths) -> bool:
    data = data_inputs(assign)
    return len(data) == 2 and read_input(data[0]) == (variable, 0) and paths.kind(data[1]) == "asset"


def excuse(node: NodeDef, paths: Paths, label: str | None) -> str | None:
    """Return why a suspect is harmless: the saver's own, an asset's reader, or no call.

    Args:
        node: the suspect.
        paths: of the body it is in.
        label: what runs it, None for nothing.
    """
    if node.op == "XlaCallModule":
        module = node.attr["module"].s if "module" in node.attr else b""
        targets = custom_call_targets(bytes(module))
        return f"{REPLACED}: {', '.join(sorted(targets))}" if targets and targets <= HARMLESS else None
    if label is None and (node.op in SAVER_WRITES or node.op in SAVER_READS):
        return OTHER_SAVERS
    if label == SAVE and node.op in SAVER_WRITES:
        return SAVERS_OWN if _holds(node, SAVER_WRITES[node.op], paths, "checkpoint", "beside") else None
    if label in (RESTORE, SAVE):
        reads = SAVER_READS.get(node.op)
        return SAVERS_OWN if reads is not None and _holds(node, (reads,), paths, "checkpoint") else None
    reads = READS_ASSET.get(node.op)
    return OWN_ASSET if reads is not None and _holds(node, (reads,), paths, "asset") else None


def is_in_memory(node: NodeDef, paths: Paths) -> bool:
    """Return whether a dataset is cached in memory: its file name is an unfed empty constant."""
    return node.op in _CACHE and len(node.input) > 1 and paths.is_empty(node.input[1])


def _holds(node: NodeDef, positions: Collection[int], paths: Paths, *kinds: Kind) -> bool:
    """Return whether all of some inputs of a node are such paths."""
    data = data_inputs(node)
    return all(position < len(data) and paths.kind(data[position]) in kinds for position in positions)
