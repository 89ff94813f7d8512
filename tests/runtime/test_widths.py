"""Where an output does not move, values of other ranges are tried: floats far out, dark and light pictures, patches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.surgery.tiny import Tiny, typed
from tests.surgery.tools import flattened
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.runtime.child_process.child import Child
from workbench.runtime.inputs.make_inputs import sample_source
from workbench.runtime.inputs.makers import LONG_VARIANTS, WIDTHS


def samples(path: Path, width: int, variant: int = 0) -> list[Any]:
    meta = open_model(path).meta
    source = sample_source(meta, meta.signature())
    assert source.widen is not None
    made = source.widen(variant, width)
    assert made is not None
    return [sample["x"] for sample in made.samples]


def width(**wanted: Any) -> int:
    return next(
        number
        for number, one in enumerate(WIDTHS)
        if all(getattr(one, key) == value for key, value in wanted.items())
    )


def test_floats_reach_further_on_both_sides(tmp_path: Path) -> None:
    path = typed(tmp_path / "m", "float32", (1, 50))
    for factor in (1e3, 1e6):
        for found in samples(path, width(factor=factor)):
            assert found.min() < -factor / 10 and found.max() > factor / 10 and np.isfinite(found).all()


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint8", "int32", "bool", "complex64", "bfloat16"])
@pytest.mark.parametrize("number", range(1, len(WIDTHS)))
def test_every_width_makes_values_of_any_dtype(tmp_path: Path, dtype: str, number: int) -> None:
    for found in samples(typed(tmp_path / "m", dtype, (1, 32, 32, 3)), number):
        assert found.shape == (1, 32, 32, 3)
        assert np.isfinite(found.astype(np.complex128)).all()


def test_dark_and_light_pictures_in_patches(tmp_path: Path) -> None:
    path = typed(tmp_path / "m", "uint8", (1, 40, 40, 3))
    dark, light = (
        samples(path, width(high=high, smooth=True, low=low)) for low, high in ((0.0, 0.1), (0.8, 1.0))
    )
    assert max(one.max() for one in dark) < 40 and min(one.min() for one in light) > 200
    assert all((one[0, :8, :8] == one[0, 0, 0]).all() for one in (*dark, *light))


def test_a_lone_row_may_be_a_stretch_of_sound(tmp_path: Path) -> None:
    path = typed(tmp_path / "m", "float32", (None,))
    assert {len(one) for one in samples(path, 0, LONG_VARIANTS[0])} == {2048}
    made = Tiny(tmp_path / "two").placeholder("x", shape=(None,)).placeholder("z", shape=(None,))
    made.node("y", "AddV2", "x", "z", T="float32")
    shape = ("float32", (None,))
    both = made.signature(x_in=("x:0", *shape), z_in=("z:0", *shape), y_out=("y:0", *shape)).save()
    assert max(len(one) for one in samples(both, 0, LONG_VARIANTS[0])) < 5  # rows that belong together


@pytest.mark.needs_tf
def test_a_saturated_output_is_moved(child: Child, tmp_path: Path) -> None:
    """It is 0 below 10,000, and of one size."""
    made = Tiny(tmp_path / "m").placeholder("x", shape=(1, 4)).const("far", 1e4)
    made.node("less", "Sub", "x", "far", T="float32").node("y", "Relu", "less", T="float32")
    path = made.signature(x_in=("x:0", "float32", (1, 4)), y_out=("y:0", "float32", (1, 4))).save()
    report = commit(flattened(open_model(path)), tmp_path / "out", child=child)
    assert (report.verdict, report.verification and report.verification.notes) == ("verified", ())


@pytest.mark.needs_tf
def test_an_output_beside_a_random_one_is_verified(child: Child, tmp_path: Path) -> None:
    def model(name: str, **outputs: Any) -> Path:
        made = (
            Tiny(tmp_path / name).placeholder("x").node("size", "Shape", "x", T="float32", out_type="int32")
        )
        made.node("noise", "RandomStandardNormal", "size", dtype="float32", T="int32")
        made.node("z", "AddV2", "x", "noise", T="float32").node("y", "Tanh", "x", T="float32")
        return made.signature(x_in="x:0", **outputs).save()

    both = commit(flattened(open_model(model("both", y_out="y:0", z_out="z:0"))), tmp_path / "a", child=child)
    assert both.verdict == "verified" and both.verification is not None
    assert "Output z is random" in both.verification.notes[0]
    alone = commit(flattened(open_model(model("alone", z_out="z:0"))), tmp_path / "b", child=child)
    assert alone.verdict == "inconclusive" and "output z" in alone.reason
