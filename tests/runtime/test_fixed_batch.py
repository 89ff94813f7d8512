"""Samples where only one batch works: it is checked, reshaped to, or fixed by a wire."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.surgery.tiny import Tiny, plan, typed
from tests.surgery.tools import draft_of
from workbench.disk import dtypes
from workbench.model import open_model
from workbench.runtime.inputs.make_inputs import make_inputs, sample_source


@pytest.mark.parametrize("gives", [(None, 4), None])
@pytest.mark.parametrize("batch", [1, 5])
def test_samples_of_a_join_have_the_batch_of_its_wires(
    tmp_path: Path, gives: tuple[int | None, ...] | None, batch: int
) -> None:
    """Also where the shape is lost on the way to the wire."""
    made = Tiny(tmp_path / "a").placeholder("x", shape=(None, 4)).node("y", "Unknown", "x", T="float32")
    a = made.signature(x_in="x:0", y_out=("y:0", "float32", gives)).save()
    draft = draft_of(plan(a, typed(tmp_path / "b", "float32", (batch, 4))))
    source = sample_source(draft.meta, draft.signature, batch=draft.join.batch)
    assert source.make is not None
    for variant in range(7):
        made_samples = source.make(variant)
        assert made_samples is not None
        assert {sample["x"].shape for sample in made_samples.samples} == {(batch, 4)}


def test_a_batch_that_the_graph_checks(tmp_path: Path) -> None:
    made = Tiny(tmp_path / "m").placeholder("x", shape=(None, None)).node("n", "Neg", "x", T="float32")
    made.node("y", "EnsureShape", "n", T="float32", shape=(5, 7))
    made.signature(x_in=("x:0", "float32", None), y_out=("y:0", "float32", None))
    meta = open_model(made.save()).meta
    inputs = make_inputs(meta, meta.signature(), batch=2)
    assert inputs.values["x"].shape == (5, 7) and not inputs.free_batch


def test_a_batch_that_the_graph_reshapes_to(tmp_path: Path) -> None:
    made = Tiny(tmp_path / "m").placeholder("x", shape=(None, 2, 3)).node("to", "Const", dtype="int32")
    tensor = made.meta.graph_def.node[-1].attr["value"].tensor
    tensor.dtype = dtypes.INT32
    tensor.tensor_shape.dim.add(size=2)
    tensor.int_val.extend((8, 6))
    made.node("y", "Reshape", "x", "to", T="float32", Tshape="int32")
    meta = open_model(made.signature(x_in="x:0", y_out="y:0").save()).meta
    assert make_inputs(meta, meta.signature(), batch=2).values["x"].shape == (8, 2, 3)
