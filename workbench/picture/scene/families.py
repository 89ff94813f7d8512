"""What kind of op a box is, for its colour and its sign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workbench.model.op_classes import (
    FUNCTIONAL_CONTROL_FLOW,
    HASH_TABLES,
    IMAGE_DECODERS,
    REF_TABLES,
    RESOURCE_TABLES,
    V1_CONTROL_FLOW,
    VARIABLE_READS,
    VARIABLES,
)
from workbench.picture.scene.scene import Node

SIGNS: Mapping[str, str] = {
    "input": "▷",
    "constant": "#",
    "variable": "◆",
    "arithmetic": "±",
    "convolution": "▦",
    "control flow": "↻",
    "table": "≡",
    "string": '"',
    "other": "·",
}
"""The sign of each kind; the order is that of a legend."""
ASCII_SIGNS: Mapping[str, str] = {
    "input": "I",
    "constant": "C",
    "variable": "V",
    "arithmetic": "A",
    "convolution": "K",
    "control flow": "F",
    "table": "T",
    "string": "S",
    "other": "-",
}
"""The sign of each kind without Unicode: a letter, since other signs are marks of models, arrows and lines there."""
SAID: Mapping[str, str] = {
    "input": "input or output",
    "constant": "constant",
    "variable": "variable",
    "arithmetic": "arithmetic",
    "convolution": "convolution or pooling",
    "control flow": "control flow",
    "table": "table",
    "string": "string or image",
}
"""What a legend says of each kind that has a sign in a box."""


def kinds(nodes: Iterable[Node]) -> list[str]:
    """Return the kinds that boxes have, in the order of a legend; `other`, which has no sign, left out."""
    found = {family(node) for node in nodes}
    return [kind for kind in SAID if kind in found]


def _ops(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ARITHMETIC = _ops(
    "Abs Add AddN AddV2 Sub Mul MulNoNan Div DivNoNan RealDiv FloorDiv FloorMod Mod Neg Exp Expm1 Log Log1p Pow Sqrt "
    "Rsqrt Square SquaredDifference Reciprocal Inv Sign Sin Cos Tan Tanh Sigmoid Softmax LogSoftmax Relu Relu6 "
    "LeakyRelu Elu Selu Softplus Softsign Erf Erfc Maximum Minimum Max Min Mean Sum Prod All Any ArgMax ArgMin MatMul "
    "BatchMatMul BatchMatMulV2 BatchMatMulV3 SparseTensorDenseMatMul Einsum BiasAdd BiasAddV1 Cumsum Round Rint Floor "
    "Ceil ClipByValue L2Loss Less LessEqual Greater GreaterEqual Equal NotEqual LogicalAnd LogicalOr LogicalNot "
    "FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 _FusedMatMul LRN IsNan IsInf IsFinite Atan Atan2"
)
_CONVOLUTIONS = (
    "Conv2D",
    "Conv3D",
    "DepthwiseConv",
    "MaxPool",
    "AvgPool",
    "_FusedConv",
    "Dilation2D",
    "Conv",
)
_STRINGS: tuple[str, ...] = tuple(
    _ops(
        "String Regex StaticRegex AsString Substr ReduceJoin Unicode Base64 ParseExample DecodeBase64 EncodeBase64 "
        "DecodeRaw DecodeCSV DecodeJSON ParseSingle EncodePng EncodeJpeg SerializeTensor ParseTensor ReadFile "
        "DecodeCompressed"
    )
)
_TABLES = HASH_TABLES | REF_TABLES | RESOURCE_TABLES
_FLOW = FUNCTIONAL_CONTROL_FLOW | V1_CONTROL_FLOW


def family(node: Node) -> str:
    """Return what kind of op a box is: a key of `SIGNS`; `other` for a scope."""
    op = node.op
    if node.kind in ("input", "output", "result"):
        return "input"
    if op in ("Const", "HostConst", "ImmutableConst") or (node.kind == "constant" and not op):
        return "constant"
    if op in VARIABLES or op in VARIABLE_READS or op.startswith("Assign") or node.kind == "variable":
        return "variable"
    if op in _FLOW or node.kind == "call":
        return "control flow"
    if op in _TABLES or op.startswith("LookupTable") or op.startswith("InitializeTable"):
        return "table"
    if op in _ARITHMETIC:
        return "arithmetic"
    if op in IMAGE_DECODERS or op.startswith(_STRINGS):
        return "string"
    return "convolution" if op.startswith(_CONVOLUTIONS) else "other"
