"""What the ops of TensorFlow touch besides tensors: files, the network, the process, code outside the graph.

Every op of TensorFlow 2.21 was looked at (`tests/graph/harmless_ops.txt` has the others). An op that does it only for
some values of an attr has a test of its own; a value that is not there to be read (a placeholder of a function) counts
as the unsafe one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Literal

from workbench.disk import optable
from workbench.disk.schema import NodeDef

Tier = Literal["code", "process", "write", "read", "network"]
TIERS: tuple[Tier, ...] = ("code", "process", "write", "read", "network")
"""The worst first."""

_OPS: dict[tuple[Tier, str], str] = {
    ("code", "calls Python"): "PyFunc PyFuncStateless EagerPyFunc",
    ("code", "runs a function on the host of a device"): "XlaHostCompute _XlaHostComputeMlir",
    ("code", "calls code of the process by its name"): "XlaCustomCall XlaCustomCallV2",
    ("code", "runs a graph that it is given as a string"): "DatasetFromGraph",
    ("code", "runs a program in another language"): "MlirPassthroughOp RemoteFusedGraphExecute",
    ("process", "ends the process"): "Abort WorkerHeartbeat",
    ("process", "changes how the process reaches files"): "FileSystemSetConfiguration",
    ("process", "starts or stops the machine's TPUs"): """
        ConfigureDistributedTPU ConfigureAndInitializeGlobalTPU ShutdownDistributedTPU ShutdownTPUSystem
        DTensorSetGlobalTPUArray _ConfigureDistributedTPU _DisconnectHostFromDistributedTPUSystem
        _InitializeHostForDistributedTPU _SetGlobalTPUArray _ShutdownDistributedTPU _WaitForDistributedTPU
    """,
    ("write", "writes files"): """
        WriteFile Save SaveSlices SaveV2 MergeV2Checkpoints SaveDataset SaveDatasetV2 DatasetToTFRecord
        ExperimentalDatasetToTFRecord CacheDataset CacheDatasetV2 SnapshotDataset SnapshotDatasetV2 DumpTensor
        CalibrationStatisticsSaver
    """,
    ("write", "writes what passes it to debug URLs, files or other machines"): """
        DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugNanCount DebugNumericSummary
    """,
    ("write", "opens a log of summaries"): "CreateSummaryFileWriter CreateSummaryDbWriter",
    ("write", "writes to a log of summaries"): """
        WriteSummary WriteScalarSummary WriteHistogramSummary WriteImageSummary WriteAudioSummary WriteGraphSummary
        WriteRawProtoSummary FlushSummaryWriter ImportEvent StatsAggregatorSetSummaryWriter
    """,
    ("write", "keeps statistics outside the model"): "StoreMinibatchStatisticsInFdo",
    ("read", "reads files"): """
        ReadFile WholeFileReader WholeFileReaderV2 TextLineReader TextLineReaderV2 FixedLengthRecordReader
        FixedLengthRecordReaderV2 TFRecordReader TFRecordReaderV2 LMDBReader TextLineDataset TFRecordDataset
        TFRecordDatasetV2 FixedLengthRecordDataset FixedLengthRecordDatasetV2 LMDBDataset ExperimentalLMDBDataset
        CSVDataset CSVDatasetV2 ExperimentalCSVDataset SqlDataset ExperimentalSqlDataset LoadDataset
        ListSnapshotChunksDataset SnapshotChunkDataset SnapshotDatasetReader SnapshotNestedDatasetReader Restore
        RestoreSlice RestoreV2 DTensorRestoreV2 ImmutableConst LoadAndRemapMatrix GenerateVocabRemapping
        InitializeTableFromTextFile InitializeTableFromTextFileV2 RecordInput Skipgram FixedUnigramCandidateSampler
        DecodeProtoV2 EncodeProto
    """,
    ("read", "lists files"): "MatchingFiles MatchingFilesDataset ExperimentalMatchingFilesDataset",
    ("network", "talks to other machines"): """
        RpcCall RpcClient RpcServer RpcServerStart RpcServerRegister RpcCheckStatus RpcGetValue Rpc TryRpc
        DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4 RegisterDataset
        RegisterDatasetV2 BigQueryReader BigtableClient GrpcServer
    """,
    ("network", "lets another machine write a data set"): "DistributedSave",
    ("network", "calls a function on a device that may be another machine's"): "RemoteCall",
}
VERDICTS: dict[str, tuple[Tier, str]] = {
    op: verdict for verdict, listed in _OPS.items() for op in listed.split()
}
"""Op to what is unsafe about it, whatever its attrs."""

SAVER_WRITES = {"Save": (0,), "SaveSlices": (0,), "SaveV2": (0,), "MergeV2Checkpoints": (0, 1)}
"""What a saver saves by, and the inputs that are names of files."""
SAVER_READS = {"Restore": 0, "RestoreSlice": 0, "RestoreV2": 0}
"""What a saver restores by, and the input that is the file's name."""
READS_ASSET = {
    "InitializeTableFromTextFile": 1,
    "InitializeTableFromTextFileV2": 1,
    "ReadFile": 0,
    "TextLineDataset": 0,
    "TFRecordDataset": 0,
    "TFRecordDatasetV2": 0,
    "FixedLengthRecordDataset": 0,
    "FixedLengthRecordDatasetV2": 0,
}
"""Ops that may read one of the model's own assets, and the input that is the file's name."""


def _string(node: NodeDef, name: str) -> bytes | None:
    """Return a string attr, empty where it is left out; None if it can't be read."""
    if name not in node.attr:
        return b""
    value = node.attr[name]
    return bytes(value.s) if value.WhichOneof("value") == "s" else None


def _prints_into_a_file(node: NodeDef) -> bool:
    stream = _string(node, "output_stream")
    return stream is None or stream.startswith(b"file:")


def _has_custom_calls(node: NodeDef) -> bool:
    """Return whether StableHLO, text or bytecode, has custom calls of unknown targets."""
    from workbench.checks.unsafe.stablehlo import may_call

    module = _string(node, "module")
    return module is None or may_call(module)


def _reads_vocabulary(node: NodeDef) -> bool:
    return _string(node, "vocab_file") != b""


def _reads_descriptors(node: NodeDef) -> bool:
    """Return whether `descriptor_source` names a file (`DecodeProtoV2`)."""
    source = _string(node, "descriptor_source")
    return source is None or not (source in (b"", b"local://") or source.startswith(b"bytes://"))


_ONLY_IF: dict[str, Callable[[NodeDef], bool]] = {
    "PrintV2": _prints_into_a_file,
    "XlaCallModule": _has_custom_calls,
    "FixedUnigramCandidateSampler": _reads_vocabulary,
    "DecodeProtoV2": _reads_descriptors,
    "EncodeProto": _reads_descriptors,
}
VERDICTS["PrintV2"] = ("write", "prints into a file")
VERDICTS["XlaCallModule"] = ("code", "calls code of the process by its name (a StableHLO custom call)")
UNKNOWN: tuple[Tier, str] = ("code", "is not an op of TensorFlow 2.21: nobody knows what it does")


def may_be_unsafe(ops: Iterable[str]) -> bool:
    """Return whether any op but a saver's own may be unsafe: a glance, cheaper than the walk."""
    return any(
        op in VERDICTS or not optable.is_known(op)
        for op in ops
        if op not in SAVER_WRITES and op not in SAVER_READS
    )


def classify(node: NodeDef, known: Collection[str] = ()) -> tuple[Tier, str] | None:
    """Return what is unsafe about an op by itself, or None.

    Args:
        node: a NodeDef.
        known: names that are no ops but functions of the model.
    """
    op = node.op
    verdict = VERDICTS.get(op)
    if verdict is not None:
        test = _ONLY_IF.get(op)
        return verdict if test is None or test(node) else None
    if op not in known and not optable.is_known(op):
        return UNKNOWN
    return None
