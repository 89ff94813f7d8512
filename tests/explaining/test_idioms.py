"""Ops that a framework writes for one thing are one step of a path, found by their edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.explaining.test_graphs import FLOAT, explained, placeholder
from tests.explaining.test_samples import lines
from tests.protos import Shape, graph, node
from workbench.disk import schema

INT = 3
TRUE = schema.AttrValue(b=True)


def binary(name: str, op: str, one: str, other: str) -> object:
    return node(name, op, one, other, T=FLOAT)


def integer(value: int) -> object:
    return schema.AttrValue(i=value)


def unary(name: str, op: str, one: str) -> object:
    return node(name, op, one, T=FLOAT)


def stored(name: str, values: object, dtype: int = FLOAT) -> object:
    array = np.array(values, {FLOAT: "float32", INT: "int32"}[dtype])
    tensor = schema.TensorProto(dtype=dtype, tensor_content=array.tobytes())
    tensor.tensor_shape.SetInParent()
    for size in array.shape:
        tensor.tensor_shape.dim.add().size = size
    return node(name, "Const", dtype=dtype, value=tensor)


def number(name: str, value: float) -> object:
    return stored(name, value)


def path(tmp_path: Path, *nodes: object) -> list[str]:
    return lines(explained(tmp_path, graph(placeholder("x", None, 4), *nodes)), "From input to output")


def mean(name: str, of: str, axes: str) -> object:
    return node(name, "Mean", of, axes, T=FLOAT, Tidx=INT, keep_dims=TRUE)


LAYER_NORM = [
    stored("axes", [1], INT),
    number("e", 1e-3),
    number("scale", 2),
    mean("mean", "x", "axes"),
    unary("stopped", "StopGradient", "mean"),
    binary("spread", "SquaredDifference", "x", "stopped"),
    mean("variance", "spread", "axes"),
    binary("safe", "AddV2", "variance", "e"),
    unary("root", "Rsqrt", "safe"),
    binary("factor", "Mul", "root", "scale"),
    binary("scaled", "Mul", "x", "factor"),
    binary("shift", "Mul", "mean", "factor"),
    binary("y", "Sub", "scaled", "shift"),
]
GELU_ERF = [
    number("two", 1.4142135),
    number("one", 1),
    number("half", 0.5),
    binary("halved", "Mul", "half", "x"),
    binary("divided", "RealDiv", "x", "two"),
    unary("erf", "Erf", "divided"),
    binary("plus", "AddV2", "one", "erf"),
    binary("y", "Mul", "halved", "plus"),
]
GELU_LAST_HALF = [
    number("two", 1.4142135),
    number("one", 1),
    number("half", 0.5),
    binary("divided", "RealDiv", "x", "two"),
    unary("erf", "Erf", "divided"),
    binary("plus", "AddV2", "erf", "one"),
    binary("gated", "Mul", "x", "plus"),
    binary("y", "Mul", "gated", "half"),
]
GELU_ERFC = [
    number("root", 0.7071),
    number("half", 0.5),
    binary("halved", "Mul", "half", "x"),
    unary("negative", "Neg", "x"),
    binary("divided", "Mul", "negative", "root"),
    unary("erfc", "Erfc", "divided"),
    binary("y", "Mul", "halved", "erfc"),
]
SILU = [unary("gate", "Sigmoid", "x"), binary("y", "Mul", "x", "gate")]
SILU_WITH_BETA = [
    number("beta", 1),
    binary("scaled", "Mul", "beta", "x"),
    unary("gate", "Sigmoid", "scaled"),
    binary("y", "Mul", "x", "gate"),
]
ATTENTION = [
    number("scale", 0.5),
    unary("query", "Neg", "x"),
    unary("key", "Relu", "x"),
    node("products", "MatMul", "query", "key", T=FLOAT, transpose_b=TRUE),
    binary("scores", "Mul", "products", "scale"),
    unary("weights", "Softmax", "scores"),
    node("y", "MatMul", "weights", "x", T=FLOAT),
]


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (LAYER_NORM, ["1. normalizes by its own mean and variance (layer normalization)"]),
        (GELU_ERF, ["1. applies GELU (a smooth ReLU)"]),
        (GELU_LAST_HALF, ["1. applies GELU (a smooth ReLU)"]),
        (GELU_ERFC, ["1. applies GELU (a smooth ReLU)"]),
        (SILU, ["1. applies SiLU (x times its sigmoid)"]),
        (SILU_WITH_BETA, ["1. applies SiLU (x times its sigmoid)"]),
        (
            ATTENTION,
            [
                "1. changes the sign",
                "2. applies ReLU (negative values become 0)",
                "3. attends: weighs values by the softmax of the products of queries and keys",
            ],
        ),
    ],
)
def test_an_idiom_is_one_step(tmp_path: Path, nodes: list[object], said: list[str]) -> None:
    assert path(tmp_path, *nodes) == said


def test_batch_normalization_names_its_layer(tmp_path: Path) -> None:
    nodes = [
        node("bn/variance", "VarHandleOp", dtype=FLOAT, shape=Shape([4]), shared_name="bn/variance"),
        node("read", "ReadVariableOp", "bn/variance", dtype=FLOAT),
        number("e", 1e-3),
        stored("mean", [0, 0, 0, 0]),
        binary("safe", "AddV2", "read", "e"),
        unary("root", "Rsqrt", "safe"),
        binary("scaled", "Mul", "x", "root"),
        binary("shift", "Mul", "mean", "root"),
        unary("offset", "Neg", "shift"),
        binary("y", "AddV2", "scaled", "offset"),
    ]
    assert path(tmp_path, *nodes) == ["1. normalizes by stored mean and variance `bn`"]


def test_negative_indices(tmp_path: Path) -> None:
    nodes = [
        number("zero", 0),
        number("size", 10),
        binary("less", "Less", "x", "zero"),
        binary("added", "AddV2", "x", "size"),
        node("y", "SelectV2", "less", "added", "x", T=FLOAT),
    ]
    assert path(tmp_path, *nodes) == ["1. counts negative indices from the end"]


@pytest.mark.parametrize(
    "nodes",
    [
        [unary("other", "Neg", "x"), unary("gate", "Sigmoid", "other"), binary("y", "Mul", "x", "gate")],
        [
            number("k", 2),
            binary("scaled", "Mul", "x", "k"),
            number("o", 1),
            binary("y", "AddV2", "scaled", "o"),
        ],
        [
            number("one", 1),
            number("size", 10),
            binary("less", "Less", "x", "one"),
            binary("added", "AddV2", "x", "size"),
            node("y", "SelectV2", "less", "added", "x", T=FLOAT),
        ],
        [number("one", 1), unary("erf", "Erf", "x"), binary("y", "AddV2", "one", "erf")],
        [number("two", 3) if at == 0 else one for at, one in enumerate(GELU_ERF)],
        [*GELU_LAST_HALF[:-1], unary("y", "Neg", "gated")],
        [node("p", "MatMul", "x", "x", T=FLOAT, transpose_b=TRUE), unary("y", "Softmax", "p")],
        [unary("y", "Rsqrt", "x")],
    ],
)
def test_what_only_resembles_an_idiom_keeps_its_steps(tmp_path: Path, nodes: list[object]) -> None:
    made = sum(one.op != "Const" for one in nodes)  # type: ignore[attr-defined]
    assert len(path(tmp_path, *nodes)) == made


def test_a_partitioned_variable_is_one_operand(tmp_path: Path) -> None:
    nodes = [
        node("b/part_0", "VariableV2", dtype=FLOAT, shape=Shape([2])),
        node("b/part_1", "VariableV2", dtype=FLOAT, shape=Shape([2])),
        unary("b/part_0/read", "Identity", "b/part_0"),
        unary("b/part_1/read", "Identity", "b/part_1"),
        stored("axis", 0, INT),
        node("b", "ConcatV2", "b/part_0/read", "b/part_1/read", "axis", T=FLOAT, Tidx=INT, N=integer(2)),
        binary("y", "AddV2", "x", "b"),
    ]
    assert path(tmp_path, *nodes) == ["1. adds `b` [4] (a variable in 2 parts)"]
