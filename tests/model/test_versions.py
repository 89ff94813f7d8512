"""What a graph says depends on the version of TensorFlow that wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.protos import Shape, graph, meta_graph, node, write
from workbench.disk import schema
from workbench.model import MetaGraph, shapes
from workbench.surgery.plan import Plan


def picture_model(producer: int, *more: Any, shape: tuple[int, ...] = (), op: str = "Placeholder") -> Any:
    two = schema.TensorProto(dtype=1, float_val=[2.0])
    found = graph(
        node("x", op, dtype=1, shape=Shape(shape)),
        node("two", "Const", dtype=1, value=two),
        node("y", "Mul", "x", "two", T=1),
        *more,
        producer=producer,
    )
    return meta_graph(found, serving_default=({"x": "x:0"}, {"y": "y:0"}))


@pytest.mark.parametrize(
    ("op", "producer", "expected"),
    [
        ("Placeholder", 0, None),
        ("Placeholder", 21, None),
        ("Placeholder", 22, ()),
        ("PlaceholderV2", 21, ()),
        ("Variable", 1882, None),
        ("VariableV2", 21, ()),
    ],
)
def test_a_scalar_may_mean_an_unknown_rank(op: str, producer: int, expected: Any) -> None:
    found = MetaGraph(picture_model(producer, op=op)).node_tensor("x:0")
    assert found is not None
    assert found.shape == expected


def test_a_shape_that_is_no_scalar_means_what_it_says() -> None:
    found = MetaGraph(picture_model(20, shape=(3,))).node_tensor("x:0")
    assert found is not None
    assert found.shape == (3,)


def joined(tmp_path: Path, first: int, second: int) -> Any:
    one, two = write(tmp_path / "one", picture_model(first)), write(tmp_path / "two", picture_model(second))
    draft = wb.apply(Plan.join(one, two, wires=["y=x"]))
    return draft.meta


@pytest.mark.parametrize("old", [0, 20])
@pytest.mark.parametrize("other", [0, 20, 1882])
def test_a_join_leaves_the_rank_of_an_old_input_open(tmp_path: Path, old: int, other: int) -> None:
    meta = joined(tmp_path, old, other)
    declared = meta.signatures["serving_default"].inputs["x"]
    assert declared.shape is None
    assert shapes.from_proto(meta.nodes["one/x"].attr["shape"].shape) is None
    assert meta.producer == min(old, other)


@pytest.mark.parametrize("old", [0, 20])
@pytest.mark.parametrize("other", [0, 20, 1882])
def test_a_wire_into_an_old_input_asks_for_no_scalar(tmp_path: Path, old: int, other: int) -> None:
    bridge = joined(tmp_path, other, old).nodes["two/x"]
    assert bridge.op in ("Identity", "EnsureShape")
    if bridge.op == "EnsureShape":
        assert shapes.from_proto(bridge.attr["shape"].shape) is None


def test_an_old_input_keeps_the_shape_that_its_signature_declares(tmp_path: Path) -> None:
    meta = picture_model(20)
    info = meta.signature_def["serving_default"].inputs["x"].tensor_shape
    info.unknown_rank = False
    info.dim.add().size, info.dim.add().size = -1, 784
    one = write(tmp_path / "one", meta)
    two = write(tmp_path / "two", picture_model(1882, shape=(-1, 784)))
    found = wb.apply(Plan.join(one, two, wires=["y=x"])).meta.signatures["serving_default"]
    assert found.inputs["x"].shape == (None, 784)
