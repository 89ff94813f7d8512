"""How ops hand on what they are given: the tables that following a value through a graph rests on."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.model.op_classes import EXITS, MERGES, NEXT_ITERATIONS, SAME_IN_RUN, SWITCHES

ANY = -1
"""All inputs, or all outputs."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


KEEP = (
    (SAME_IN_RUN - SWITCHES)
    | EXITS
    | NEXT_ITERATIONS
    | _words(
        """
    Cast ClipByValue Copy DebugIdentity RegexReplace
    ReverseV2 StaticRegexReplace StringLower StringStrip StringUpper
    """
    )
)
"""Ops whose output 0 has the shape and, for our purpose, the values of input 0."""

KEEP_SHAPE_TOO = SWITCHES | MERGES
"""Those of `VALUES` that keep the shape as well."""

ELEMENTWISE = _words(
    """
    Abs Add AddV2 BiasAdd Ceil Div DivNoNan Elu Erf Exp FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
    Floor FusedBatchNorm FusedBatchNormV3 LRN LeakyRelu Log Log1p Maximum Minimum Mul Neg Pow RealDiv
    Relu Relu6 Round Rsqrt Selu Sigmoid Sign Softmax Softplus Softsign Sqrt Square SquaredDifference Sub
    Tanh
    """
)
"""Ops whose output 0 has the shape of their first input (broadcasting aside), with other values."""

# "ops: input>output input>output", a star for all
_VALUES = """
Reshape ExpandDims Squeeze Transpose StridedSlice Slice Tile BroadcastTo Gather GatherV2 GatherNd: 0>0
Pad PadV2 MirrorPad Unique UniqueV2 UniqueWithCounts: 0>0
TensorListFromTensor TensorListGetItem TensorListStack TensorListGather TensorListScatterV2: 0>0
TensorListConcatV2: 0>0
Pack Concat ConcatV2 Merge RefMerge: *>0
Unpack SplitV DynamicPartition Switch RefSwitch: 0>*
Split: 1>*
Maximum Minimum: 0>0 1>0
Select SelectV2: 1>0 2>0
StringSplit StringSplitV2: 0>1
SparseFillEmptyRows SparseReorder SparseSlice: 1>1
SparseToDense: 2>0
RaggedTensorToTensor: 1>0
TensorListSetItem: 0>0 2>0
TensorListPushBack: 0>0 1>0
TensorListPopBack: 0>1
TensorArrayScatterV3 TensorArrayWriteV3: 2>0 3>0
TensorArraySplitV3: 1>0 3>0
TensorArrayReadV3 TensorArrayGatherV3 TensorArrayConcatV3: 2>0
"""

# "ops: input input"
_SIZES = """
Fill RandomUniform RandomUniformInt RandomStandardNormal TruncatedNormal: 0
Range: 0 1 2
Reshape Tile BroadcastTo TopK TopKV2 TensorListReserve: 1
ResizeBilinear ResizeNearestNeighbor ResizeBicubic ResizeArea: 1
"""
_AXES = """
ExpandDims ArgMax ArgMin Cumsum ReverseV2 Sum Mean Max Min Prod All Any: 1
GatherV2: 2
Split: 0
"""


def _number(word: str) -> int:
    return ANY if word == "*" else int(word)


def _table(text: str) -> dict[str, list[str]]:
    found = {}
    for line in text.strip().splitlines():
        ops, _, rest = line.partition(":")
        for op in ops.split():
            found[op] = rest.split()
    return found


def _routes(text: str) -> dict[str, dict[int, int]]:
    return {
        op: {_number(a): _number(b) for a, b in (pair.split(">") for pair in pairs)}
        for op, pairs in _table(text).items()
    }


VALUES: Mapping[str, Mapping[int, int]] = _routes(_VALUES)
"""Op to {input position: output index}: the values are handed on, the shape is not."""

SIZES: Mapping[str, frozenset[int]] = {op: frozenset(map(int, at)) for op, at in _table(_SIZES).items()}
"""Op to the inputs that say how large something becomes."""

AXES: Mapping[str, frozenset[int]] = {op: frozenset(map(int, at)) for op, at in _table(_AXES).items()}
"""Op to the inputs that are the number of a dimension."""
