"""Layers that behave differently in training: in the main graph, in functions it calls, not in others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.protos import Func, Shape, function, graph, meta_graph, node
from tests.surgery.importing import imported
from workbench.disk.schema import AttrValue
from workbench.surgery.export.training_mode import differs_in_training

FLOAT = 1


def norm(*, training: bool) -> Any:
    return node(
        "bn", "FusedBatchNormV3", "a", "a", "a", "a", "a", T=FLOAT, U=FLOAT, is_training=AttrValue(b=training)
    )


def call(name: str, to: str, taken: str) -> Any:
    return node(name, "StatefulPartitionedCall", taken, f=Func(to), Tin=[FLOAT], Tout=[FLOAT])


def model(*called: Any, layer: str = "layer") -> Any:
    """`x` → a call of `outer`, which calls `inner`, which has the nodes `called` → `y`."""
    nodes = [
        node("x", "Placeholder", dtype=FLOAT, shape=Shape((None, 2, 2, 4))),
        call(layer, "outer", "x"),
        node("y", "Identity", layer, T=FLOAT),
    ]
    functions = [
        function("inner", ["a:1"], *called),
        function("outer", ["a:1"], call("inside", "inner", "a")),
        function("another", ["a:1"], norm(training=False)),
    ]
    return meta_graph(graph(*nodes, functions=functions), serving_default=({"x": "x:0"}, {"y": "y:0"}))


@pytest.mark.parametrize(
    ("called", "differs"),
    [
        (norm(training=False), True),
        (norm(training=True), False),
        (node("net/Dropout_1/Identity", "Identity", "a", T=FLOAT), True),
        (node("net/batch_normalization/batchnorm/mul", "Mul", "a", "a", T=FLOAT), True),
        (node("net/dense/Relu", "Relu", "a", T=FLOAT), False),
    ],
    ids=["norm", "training norm", "dropout", "norm by hand", "dense"],
)
def test_functions_that_are_called_count(tmp_path: Path, called: Any, differs: bool) -> None:
    assert differs_in_training(imported(tmp_path / "m", model(called))) is differs


def test_a_layer_of_the_main_graph_counts(tmp_path: Path) -> None:
    relu = node("net/dense/Relu", "Relu", "a", T=FLOAT)
    assert differs_in_training(imported(tmp_path / "m", model(relu, layer="dropout/call")))


def test_a_function_that_is_kept_but_not_joined_does_not_count(tmp_path: Path) -> None:
    part = imported(tmp_path / "m", model(node("net/dense/Relu", "Relu", "a", T=FLOAT)))
    part.keep(["x:0"], part.graph_def, more_functions=["another"])
    assert "another" in part.functions
    assert not differs_in_training(part)
