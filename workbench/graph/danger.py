"""Ops that touch more than tensors: files, the network, Python, code that nobody knows.

TensorFlow models are programs. What is listed here reads or writes files, talks to other machines, calls back
into Python, or is an op TensorFlow does not have, so that a library would have to be loaded for it. The walk
goes through every function that is called by anything, branches and loop bodies included; TensorFlow's own
`saved_model_cli scan` does not.

Not dangerous: the saver's own save and restore nodes where only the saver reaches them, a table (or ReadFile)
that reads one of the model's own assets, and PrintV2 to the terminal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from workbench.disk import optable
from workbench.disk.schema import Message
from workbench.graph.adjacency import Adjacency
from workbench.graph.functions import calls
from workbench.model.saver import const_strings
from workbench.model.signature import INIT_OP
from workbench.names import input_node, show

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

Tier = Literal["code", "write", "read", "network"]
CLI_DENYLIST = ("WriteFile", "ReadFile", "PrintV2")
"""What `saved_model_cli scan` looks for when it is not told otherwise."""

_CODE = """
    PyFunc PyFuncStateless EagerPyFunc RemoteCall RemoteFusedGraphExecute XlaHostCompute _XlaHostComputeMlir
    XlaCustomCall XlaCustomCallV2
"""
_WRITE = """
    WriteFile Save SaveSlices SaveV2 MergeV2Checkpoints DistributedSave SaveDataset SaveDatasetV2
    DatasetToTFRecord ExperimentalDatasetToTFRecord CacheDataset CacheDatasetV2 SnapshotDataset
    SnapshotDatasetV2 DumpTensor DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugNanCount
    DebugNumericSummary CreateSummaryFileWriter CreateSummaryDbWriter CalibrationStatisticsSaver
"""
_READ = """
    ReadFile MatchingFiles MatchingFilesDataset ExperimentalMatchingFilesDataset WholeFileReader
    WholeFileReaderV2 TextLineReader TextLineReaderV2 FixedLengthRecordReader FixedLengthRecordReaderV2
    TFRecordReader TFRecordReaderV2 LMDBReader TextLineDataset TFRecordDataset TFRecordDatasetV2
    FixedLengthRecordDataset FixedLengthRecordDatasetV2 LMDBDataset ExperimentalLMDBDataset CSVDataset
    CSVDatasetV2 ExperimentalCSVDataset SqlDataset ExperimentalSqlDataset LoadDataset
    ListSnapshotChunksDataset SnapshotChunkDataset SnapshotDatasetReader SnapshotNestedDatasetReader
    Restore RestoreSlice RestoreV2 DTensorRestoreV2 ImmutableConst LoadAndRemapMatrix
    GenerateVocabRemapping InitializeTableFromTextFile InitializeTableFromTextFileV2 ImportEvent
    FileSystemSetConfiguration
"""
_NETWORK = """
    RpcCall RpcClient RpcServer RpcServerStart RpcServerRegister Rpc TryRpc DataServiceDataset
    DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4 RegisterDataset RegisterDatasetV2
    BigQueryReader BigtableClient GrpcServer
"""
_TIERS: dict[str, Tier] = {}
_TIERS.update(dict.fromkeys(_CODE.split(), "code"))
_TIERS.update(dict.fromkeys(_WRITE.split(), "write"))
_TIERS.update(dict.fromkeys(_READ.split(), "read"))
_TIERS.update(dict.fromkeys(_NETWORK.split(), "network"))

_WHY: dict[Tier, str] = {
    "code": "runs code outside the graph",
    "write": "writes files",
    "read": "reads files",
    "network": "talks to other machines",
}
_SAVER_OPS = frozenset(
    {"Save", "SaveSlices", "SaveV2", "MergeV2Checkpoints", "RestoreV2", "Restore", "RestoreSlice"}
)
# ops that may read one of the model's own assets, and which input the file's name is
_READS_ASSET = {
    "InitializeTableFromTextFile": 1,
    "InitializeTableFromTextFileV2": 1,
    "ReadFile": 0,
    "TextLineDataset": 0,
    "TFRecordDataset": 0,
    "TFRecordDatasetV2": 0,
}
_CACHE = frozenset({"CacheDataset", "CacheDatasetV2"})
_PASS = frozenset({"Identity", "PlaceholderWithDefault", "StopGradient", "ReadVariableOp"})
_HOLDS_PATH = frozenset({"ReadVariableOp", "VarIsInitializedOp", "AssignVariableOp", "DestroyResourceOp"})
_MAX_VISITS = 100_000


@dataclass(frozen=True, slots=True)
class Danger:
    """One op that touches more than tensors.

    Attributes:
        op: its op.
        tier: `code`, `write`, `read`, `network`.
        why: what it does, in words.
        node: its name.
        path: the functions on the way to it, outermost first; empty for the main graph.
        signatures: keys of the signatures that reach it (and paths of callables, where all is listed),
            `(load)` if loading the model does, `(save)` for the saving side of the saver; empty if nothing
            that can be called reaches it.
    """

    op: str
    tier: Tier
    why: str
    node: str
    path: tuple[str, ...]
    signatures: tuple[str, ...]


LOAD, SAVE = "(load)", "(save)"


def classify(node: Message, known: Collection[str] = ()) -> tuple[Tier, str] | None:
    """What is dangerous about an op by itself, or None.

    Args:
        node: a NodeDef.
        known: names that are no ops but functions of the model.
    """
    op = node.op
    if op == "PrintV2":
        stream = node.attr["output_stream"].s if "output_stream" in node.attr else b"stderr"
        return ("write", "prints into a file") if stream.startswith(b"file:") else None
    tier = _TIERS.get(op)
    if tier is not None:
        return tier, _WHY[tier]
    if op not in known and not optable.is_known(op):
        return "code", "is not an op of TensorFlow: it needs a library of its own"
    return None


def dangerous(meta: MetaGraph, signature_keys: Iterable[str] | None = None) -> list[Danger]:
    """The dangerous ops of a MetaGraph, each node of a body once.

    Args:
        meta: the MetaGraph.
        signature_keys: what is to be run: only what these signatures or loading the model reach is listed.
            None lists everything in the graph and its library, reached or not.
    """
    walk = _Walk(meta)
    keys = list(meta.signatures) if signature_keys is None else list(signature_keys)
    for key in keys:
        if key == INIT_OP or key not in meta.signatures:
            continue
        outputs = [name for port in meta.signatures[key].outputs.values() for name in port.tensors]
        walk.from_main(outputs, key)
    saver = meta.proto.saver_def
    walk.from_main([meta.init_op] if meta.init_op else [], LOAD)
    walk.from_main([saver.restore_op_name] if saver.restore_op_name else [], LOAD, by_saver=True)
    walk.from_objects()
    if signature_keys is None:
        walk.from_callables()
        walk.from_main([saver.save_tensor_name] if saver.save_tensor_name else [], SAVE, by_saver=True)
        walk.the_rest()
    return list(walk.found.values())


def on_denylist(meta: MetaGraph, denylist: Collection[str]) -> list[Danger]:
    """Every node of the main graph and of all functions whose op is on a list, whoever reaches it."""
    found = []
    places: list[tuple[tuple[str, ...], Iterable[Message]]] = [((), meta.nodes.values())]
    places += [((name,), function.node_def) for name, function in meta.functions.items()]
    for path, nodes in places:
        for node in nodes:
            if node.op in denylist:
                tier, why = classify(node, meta.functions) or ("code", "is on the list")
                found.append(Danger(node.op, tier, why, node.name, path, ()))
    return found


class _Walk:
    """Collects dangers from several starting points; the same node found again gains a signature."""

    def __init__(self, meta: MetaGraph) -> None:
        self.meta = meta
        self.functions = meta.functions
        self.adjacency = Adjacency(meta.nodes)
        self.found: dict[tuple[str, str], Danger] = {}
        self.harmless: set[tuple[str, str]] = set()
        self.assets = {input_node(asset.tensor) for asset in meta.assets}
        self.assets |= set(self._asset_variables())

    def _asset_variables(self) -> Iterator[str]:
        """Variables that hold an asset's path: TensorFlow 2 assigns it when loading, and tables read it."""
        if not self.assets:
            return
        nodes = self.meta.nodes
        for name, node in nodes.items():
            if node.op != "VarHandleOp":
                continue
            users = [nodes[user] for user, _ in self.adjacency.consumers(name)]
            assigned = [
                user.input[1] for user in users if user.op == "AssignVariableOp" and len(user.input) > 1
            ]
            only_path = assigned and all(user.op in _HOLDS_PATH for user in users)
            if only_path and all(self._is_asset(entry, nodes, frozenset(), ()) for entry in assigned):
                yield name

    def from_main(self, starts: Iterable[str], label: str, *, by_saver: bool = False) -> None:
        """What some tensors or nodes of the main graph depend on."""
        reached = self.adjacency.ancestors([input_node(name) for name in starts])
        nodes = [node for name, node in self.meta.nodes.items() if name in reached]
        self._visit(nodes, self.meta.nodes, frozenset(), (), label, by_saver)

    def from_objects(self) -> None:
        """The functions that make and fill resources: `tf.saved_model.load` calls them."""
        objects = self.meta.objects
        if objects is None:
            return
        concrete = objects.proto.concrete_functions
        for number, node in enumerate(objects.nodes):
            if not node.HasField("resource"):
                continue
            for child in objects.children[number].values():
                target = objects.nodes[child]
                names = list(target.function.concrete_functions)
                if target.HasField("bare_concrete_function"):
                    names.append(target.bare_concrete_function.concrete_function_name)
                for name in names:
                    if name in self.functions and name in concrete:
                        self._function(name, self._bound_assets(name, concrete[name]), (), LOAD, False)

    def from_callables(self) -> None:
        """The functions that Python can call on a loaded model."""
        if self.meta.objects is None:
            return
        concrete = self.meta.objects.proto.concrete_functions
        for found in self.meta.callables:
            for variant in found.variants:
                if variant.function in self.functions:
                    bound = self._bound_assets(variant.function, concrete[variant.function])
                    self._function(variant.function, bound, (), found.path, False)

    def _bound_assets(self, name: str, concrete: Message) -> frozenset[str]:
        """The arguments of a concrete function that are bound to assets."""
        nodes = self.meta.proto.object_graph_def.nodes
        args = [arg.name for arg in self.functions[name].signature.input_arg]
        bound = list(concrete.bound_inputs)
        pairs = zip(args[len(args) - len(bound) :], bound, strict=False)
        return frozenset(
            arg for arg, node in pairs if 0 <= node < len(nodes) and nodes[node].HasField("asset")
        )

    def the_rest(self) -> None:
        """What nothing reached: nodes of the main graph and functions of the library."""
        nodes = self.meta.nodes
        self._own(list(nodes.values()), nodes, frozenset(), (), None, False)
        for name, function in self.functions.items():
            body = {node.name: node for node in function.node_def}
            self._own(list(body.values()), body, frozenset(), (name,), None, False)

    def _visit(
        self,
        nodes: list[Message],
        scope: Mapping[str, Message],
        asset_args: frozenset[str],
        path: tuple[str, ...],
        label: str,
        by_saver: bool,
    ) -> None:
        """The nodes of a place and all functions under it, each once for a set of asset arguments."""
        done: set[tuple[str, frozenset[str]]] = set()
        todo = [(nodes, scope, asset_args, path)]
        while todo and len(done) < _MAX_VISITS:
            nodes, scope, asset_args, path = todo.pop()
            self._own(nodes, scope, asset_args, path, label, by_saver)
            for node in nodes:
                for _, name in calls(node, self.functions):
                    function = self.functions[name]
                    pairs = zip(function.signature.input_arg, node.input, strict=False)
                    args = frozenset(
                        arg.name for arg, entry in pairs if self._is_asset(entry, scope, asset_args, path)
                    )
                    if (name, args) not in done:
                        done.add((name, args))
                        body = {inner.name: inner for inner in function.node_def}
                        todo.append((list(body.values()), body, args, (*path, name)))

    def _function(
        self, name: str, args: frozenset[str], path: tuple[str, ...], label: str, by_saver: bool
    ) -> None:
        body = {node.name: node for node in self.functions[name].node_def}
        self._visit(list(body.values()), body, args, (*path, name), label, by_saver)

    def _own(
        self,
        nodes: list[Message],
        scope: Mapping[str, Message],
        asset_args: frozenset[str],
        path: tuple[str, ...],
        label: str | None,
        by_saver: bool,
    ) -> None:
        for node in nodes:
            verdict = classify(node, self.functions)
            if verdict is None:
                continue
            place = (path[-1] if path else "", node.name)
            allowed = self._is_allowed(node, scope, asset_args, path)
            if allowed or (by_saver and node.op in _SAVER_OPS):
                self.harmless.add(place)
                continue
            if label is None and place in self.harmless:
                continue
            known = self.found.get(place)
            labels = () if label is None else (label,)
            if known is None:
                self.found[place] = Danger(node.op, *verdict, node.name, path, labels)
            elif label is not None and label not in known.signatures:
                self.found[place] = replace(known, signatures=(*known.signatures, label))

    def _is_asset(
        self, entry: str, scope: Mapping[str, Message], asset_args: frozenset[str], path: tuple[str, ...]
    ) -> bool:
        """Whether an input is the path of one of the model's assets."""
        return any(name in asset_args or (not path and name in self.assets) for name in _trail(entry, scope))

    def _is_allowed(
        self, node: Message, scope: Mapping[str, Message], asset_args: frozenset[str], path: tuple[str, ...]
    ) -> bool:
        """Something that reads the model's own asset, or a dataset cached in memory."""
        position = _READS_ASSET.get(node.op)
        if position is not None and len(node.input) > position:
            return self._is_asset(node.input[position], scope, asset_args, path)
        if node.op in _CACHE and len(node.input) > 1:
            names = list(_trail(node.input[1], scope))
            origin = scope.get(names[-1]) if names else None
            return origin is not None and origin.op == "Const" and not any(const_strings(origin))
        return False


def _trail(entry: str, scope: Mapping[str, Message]) -> Iterator[str]:
    """The names an input goes back to through Identity and its like, nearest first."""
    for _ in range(64):
        if entry.startswith("^"):
            return
        name = input_node(entry)
        yield name
        node = scope.get(name)
        if node is None or node.op not in _PASS or not node.input:
            return
        entry = node.input[0]


def tell(found: Sequence[Danger]) -> str:
    """Some dangers as a sentence, the first three by name."""
    listed = "; ".join(
        f"{show(danger.op)} at {show('::'.join((*danger.path, danger.node)))} {danger.why}"
        for danger in found[:3]
    )
    more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
    return f"The model reaches ops that do more than compute: {listed}{more}."
