"""What is known of an array: range, odd numbers, histogram, images, differences; and values of a recorder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.probing.probed_tensor import probed, stacked
from workbench.runtime.child_script.recording import BINS, CHUNK, Recording, as_array, difference

PLAN: dict[str, Any] = {
    "loops": {"0": [], "1": [0], "2": [0, 1]},
    "again": [1, 2],
    "frames": [],
    "starts": {"3": [0], "4": [1]},
    "rounds": {"5": 0, "6": 1},
    "kept": [0, 1, 2],
    "iterations": 100,
    "images": 10,
    "bytes": 1000,
}


def test_numbers() -> None:
    found = probed("y:0", "Neg", np.array([[0.0, 1.0], [3.0, 4.0]], np.float32))
    assert (found.dtype, found.shape, found.size) == ("float32", (2, 2), 4)
    assert (found.least, found.most, found.mean) == (0.0, 4.0, 2.0)
    assert sum(found.histogram) == 4 and len(found.histogram) == BINS
    assert found.as_json()["first"] == [0.0, 1.0, 3.0, 4.0]


def test_odd_numbers_are_counted_and_left_out_of_the_range() -> None:
    found = probed("y:0", "Log", np.array([1.0, np.nan, np.inf, -np.inf, 3.0]))
    assert (found.nans, found.above, found.below, found.infinities) == (1, 1, 1, 2)
    assert (found.least, found.most, found.mean, found.is_odd) == (1.0, 3.0, 2.0, True)
    assert found.as_json()["first"] == [1.0, "NaN", "Infinity", "-Infinity", 3.0]


@pytest.mark.parametrize(
    "array",
    [np.array([b"a", b"\xff"], object), np.zeros((0, 4)), np.array([np.nan]), np.full(3, 7, np.int64)],
    ids=["strings", "empty", "only NaN", "all alike"],
)
def test_without_a_histogram(array: Any) -> None:
    found = probed("y:0", "Const", array)
    assert found.histogram == ()
    assert found.as_json()["tensor"] == "y:0" and found.has_value


def test_an_array_is_summarised_in_parts_as_at_once() -> None:
    array = np.random.default_rng(0).normal(size=CHUNK + 1000).astype(np.float32)
    found = probed("y:0", "Conv2D", array)
    wide = array.astype(np.float64)
    assert (found.least, found.most) == (wide.min(), wide.max())
    assert found.mean == pytest.approx(wide.mean())
    assert found.histogram == tuple(np.histogram(wide, BINS, (wide.min(), wide.max()))[0])


def test_numbers_of_odd_types() -> None:
    import ml_dtypes

    assert probed("a", "", np.array([1.5, -2], ml_dtypes.bfloat16)).least == -2.0
    assert probed("a", "", np.array([3 + 4j])).most == 5.0
    assert probed("a", "", np.array([True, False])).mean == 0.5
    quantised = probed("a", "", np.array([(3,), (-4,)], np.dtype([("qint8", np.int8)])))
    assert (quantised.dtype, quantised.least, quantised.first) == ("qint8", -4.0, (3, -4))
    assert probed("a", "", np.array([1e308, 1e308])).mean is None


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((28, 28), (28, 28, 1)),
        ((2, 28, 28, 1), (28, 28, 1)),
        ((3, 28, 28), (28, 28, 1)),
        ((8, 8, 3), (8, 8, 3)),
        ((300, 200, 4), (60, 40, 3)),
        ((4, 784), None),
        ((3, 3, 512, 64), None),
        ((5,), None),
        ((0, 28, 28, 1), None),
    ],
)
def test_images(shape: tuple[int, ...], size: tuple[int, ...] | None) -> None:
    array = np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    images = probed("y:0", "Identity", array, images=5).images
    assert [(one.height, one.width, one.channels) for one in images] == ([] if size is None else [size])
    assert probed("y:0", "Identity", array).images == ()


def test_the_first_image_of_a_batch_says_so() -> None:
    (image,) = probed("y:0", "", np.zeros((4, 8, 8, 3), np.uint8), images=9).images
    assert image.caption == "first of 4"
    (image,) = probed("y:0", "", np.zeros((200, 200, 3), np.uint8), images=9).images
    assert image.caption == "every 4th pixel"


def test_features_are_images_by_channel() -> None:
    features = np.zeros((2, 8, 6, 32), np.float32)
    features[0, 0, 0, 3] = 5.0
    images = probed("y:0", "Conv2D", features, images=240).images
    assert len(images) == 12 and images[3].caption == "channel 3"
    assert images[3].pixels[0] == 255 and set(images[0].pixels) == {0}
    assert len(probed("y:0", "Conv2D", features, images=5).images) == 5


# -- differences


def test_how_far_numbers_differ() -> None:
    one = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, np.inf]], np.float32)
    other = np.array([[1.0, np.nan, 3.5], [4.0, 9.0, np.inf]], np.float32)
    found = difference(one, other)
    assert (found["differing"], found["size"], found["largest"], found["at"]) == (2, 6, 4.0, [1, 1])
    assert [value.tolist() for value in found["values"]] == [[5.0], [9.0]]
    assert difference(one, one)["largest"] == 0.0 and difference(one, one)["at"] is None


def test_a_nan_on_one_side_is_the_largest_difference() -> None:
    found = difference(np.array([1.0, 2.0]), np.array([9.0, np.nan]))
    assert (found["largest"], found["at"], found["differing"]) == (np.inf, [1], 2)


def test_integers_strings_and_booleans_differ() -> None:
    large = np.array([2**62, -(2**62)], np.int64)
    found = difference(large, large + np.array([1, 0]))
    assert (found["largest"], found["at"]) == (1.0, [0])
    found = difference(np.array([0, 255], np.uint8), np.array([0, 0], np.uint8))
    assert (found["largest"], found["at"]) == (255.0, [1])
    found = difference(np.array([b"a", b"b", b"c"], object), np.array([b"a", b"x", b"y"], object))
    assert (found["differing"], found["largest"], found["at"]) == (2, None, [1])
    assert difference(np.array([True, False]), np.array([True, True]))["differing"] == 1


def test_shapes_that_differ() -> None:
    assert difference(np.zeros(2), np.zeros(3)) == {"shapes": [[2], [3]]}


# -- recorders


def test_values_know_their_iterations() -> None:
    """Two rounds of a loop; in each an inner loop of two, then of one round."""
    recording = Recording(PLAN)
    recording.take(3, ())
    for outer, inner in ((0, 2), (1, 1)):
        recording.take(5, ())
        recording.take(1, (np.float32(outer),))
        recording.take(4, ())
        for number in range(inner):
            recording.take(6, ())
            recording.take(2, (np.float32(10 * outer + number),))
    assert recording.problem is None
    assert [index for index, _ in recording.found[1].rounds] == [(0,), (1,)]
    assert [index for index, _ in recording.found[2].rounds] == [(0, 0), (0, 1), (1, 0)]
    assert recording.found[2].summary()["most"] == 10.0
    assert stacked([(0, 0), (0, 1), (1, 0)], recording.found[2].arrays) is not None


def test_values_in_a_loop_of_tf1_are_numbered_as_they_come() -> None:
    """In each of two rounds of a loop of TF2."""
    recording = Recording({**PLAN, "frames": [1]})
    for _ in range(2):
        recording.take(5, ())
        recording.take(1, (np.float32(1),))
        recording.take(1, (np.float32(2),))
    assert [index for index, _ in recording.found[1].rounds] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_iterations_are_stacked_by_loop() -> None:
    indices = [(0, 0), (0, 1), (1, 0), (1, 1)]
    arrays = [np.full(3, number) for number in range(4)]
    whole = stacked(indices, arrays)
    assert whole is not None and whole.shape == (2, 2, 3) and whole[1, 0, 0] == 2
    assert stacked([(0,), (1,)], [np.zeros(2), np.zeros(3)]) is None


def test_arrays_find_no_room() -> None:
    recording = Recording(PLAN)
    recording.take(0, (np.zeros(1000, np.uint8),))
    recording.take(1, (np.zeros(10, np.uint8),))
    assert not recording.found[0].cut and recording.found[1].cut and recording.array(1, (0,)) is None


def test_iterations_beyond_the_limit_are_counted() -> None:
    recording = Recording({**PLAN, "iterations": 2})
    for number in range(5):
        recording.take(5, ())
        recording.take(1, (np.float32(number),))
    one = recording.found[1]
    assert (one.runs, len(one.rounds), one.summary()["most"]) == (5, 2, 1.0)


def test_what_a_recorder_raises_disturbs_nothing() -> None:
    recording = Recording(PLAN)
    recording.take(0, (object(),))
    assert isinstance(recording.problem, Exception)


def test_a_scalar_string_keeps_its_last_zeros() -> None:
    assert as_array(b"a\0").tolist() == b"a\0"
