"""What a picture shows of a probe: signs of infinities, texts, small pictures."""

from __future__ import annotations

import numpy as np

import workbench as wb
from workbench.picture.drawing import Drawing
from workbench.picture.values import TensorValue
from workbench.probing.drawn import addresses_of, value_layer
from workbench.probing.seen import see


def drawn(array: np.ndarray) -> TensorValue:  # type: ignore[type-arg]
    (found,) = value_layer("s", {}, [see("a:0", "Log", array)], {}).values
    return found


def test_infinities_by_sign() -> None:
    found = drawn(np.array([np.nan, np.inf, np.inf, -np.inf, -2.0], np.float32))
    assert (found.nans, found.above, found.below) == (1, 2, 1)
    assert found.first == ("NaN", "+Inf", "+Inf", "-Inf", "-2")


def test_texts_are_shown_as_text() -> None:
    assert drawn(np.array([b"a\x1b[31m", b"\xff"], object)).first == ("a\\x1b[31m", "1 bytes: b'\\xff'")


def test_inputs_and_outputs_are_ends() -> None:
    one = np.zeros((1, 2), np.float32)
    found = value_layer("s", {"x": one}, [see("a:0", "Neg", one)], {"y.indices": one}, ["A note."])
    assert (found.signature, found.notes) == ("s", ("A note.",))
    assert [value.address for value in found.values] == ["#in#x", "a:0", "#out#y.indices"]


def test_pictures() -> None:
    (grey,) = drawn(np.linspace(0, 1, 28 * 28, dtype=np.float32).reshape(1, 28, 28, 1)).images
    assert (grey.width, grey.height, grey.channels, len(grey.pixels)) == (28, 28, 1, 784)
    assert grey.pixels[0] == 0 and grey.pixels[-1] == 255
    (colour,) = drawn(np.full((300, 200, 3), 128, np.uint8)).images
    assert (colour.channels, colour.width, colour.height) == (3, 40, 60)
    assert set(colour.pixels) == {128}
    assert drawn(np.zeros((1, 10), np.float32)).images == ()


def test_features_are_pictures_by_channel() -> None:
    features = np.zeros((2, 8, 6, 32), np.float32)
    features[0, 0, 0, 3] = 5.0
    found = drawn(features).images
    assert len(found) == 12 and found[3].caption == "channel 3"
    assert (found[3].width, found[3].height, found[3].pixels[0]) == (6, 8, 255) and set(found[0].pixels) == {
        0
    }


def test_pictures_of_a_large_model_are_limited() -> None:
    features = np.zeros((1, 8, 8, 16), np.float32)
    found = value_layer("s", {}, [see(f"a{at}:0", "Relu", features) for at in range(30)], {}).values
    assert sum(len(one.images) for one in found) == 240 and not found[-1].images


def test_tensors_that_a_picture_can_show() -> None:
    model = wb.open_model(wb.sample_models() / "digits")
    scene = Drawing().scene(model.meta, whole=True)
    addresses, notes = addresses_of(model.meta, model.meta.signature(), scene)
    assert addresses == ["myInput:0", "MatMul:0", "add:0", "myOutput:0"] and notes == []
    part = Drawing(focus="MatMul", hops=0).scene(model.meta, whole=True)
    assert addresses_of(model.meta, model.meta.signature(), part)[0] == ["MatMul:0"]
