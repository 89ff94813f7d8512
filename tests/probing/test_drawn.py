"""What a picture shows of a probe: signs of infinities, texts, small pictures."""

from __future__ import annotations

import numpy as np

import workbench as wb
from workbench.picture.drawing import Drawing
from workbench.picture.values import TensorValue
from workbench.probing.drawn import addresses_of, value_layer
from workbench.probing.probed_tensor import probed


def drawn(array: np.ndarray) -> TensorValue:  # type: ignore[type-arg]
    (found,) = value_layer("s", {}, [probed("a:0", "Log", array)], {}).values
    return found


def test_infinities_by_sign() -> None:
    found = drawn(np.array([np.nan, np.inf, np.inf, -np.inf, -2.0], np.float32))
    assert (found.nans, found.above, found.below) == (1, 2, 1)
    assert found.first == ("NaN", "+Inf", "+Inf", "-Inf", "-2")


def test_texts_are_shown_as_text() -> None:
    assert drawn(np.array([b"a\x1b[31m", b"\xff"], object)).first == ("a\\x1b[31m", "1 bytes: b'\\xff'")


def test_inputs_and_outputs_are_ends() -> None:
    one = np.zeros((1, 2), np.float32)
    found = value_layer("s", {"x": one}, [probed("a:0", "Neg", one)], {"y.indices": one}, ["A note."])
    assert (found.signature, found.notes) == ("s", ("A note.",))
    assert [value.address for value in found.values] == ["#in#x", "a:0", "#out#y.indices"]


def test_tensors_that_a_picture_can_show() -> None:
    model = wb.open_model(wb.sample_models() / "digits")
    scene = Drawing().scene(model.meta, whole=True)
    addresses, notes = addresses_of(model.meta, model.meta.signature(), scene)
    assert addresses == ["myInput:0", "MatMul:0", "add:0", "myOutput:0"] and notes == []
    part = Drawing(focus="MatMul", hops=0).scene(model.meta, whole=True)
    assert addresses_of(model.meta, model.meta.signature(), part)[0] == ["MatMul:0"]
