"""The made pictures and sounds, read by TensorFlow."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from tests.zoo.example import tf
from workbench.runtime.inputs import images

pytestmark = pytest.mark.needs_tf

WIDTH, HEIGHT = 20, 13


@pytest.fixture
def pixels() -> Any:
    chance = random.Random(3)
    blocks: dict[tuple[int, int], list[int]] = {}

    def get(x: int, y: int) -> list[int]:
        return blocks.setdefault((x, y), [chance.randrange(256) for _ in range(4)])

    return get


def expected(pixels: Any, channels: int) -> Any:
    rows = [[pixels(x // 8, y // 8)[:channels] for x in range(WIDTH)] for y in range(HEIGHT)]
    return np.array(rows, dtype=int)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png(pixels: Any, channels: int) -> None:
    data = images.png(WIDTH, HEIGHT, channels, pixels)
    np.testing.assert_array_equal(tf.io.decode_png(data).numpy(), expected(pixels, channels))
    assert tf.io.decode_jpeg(data, channels=3).shape == (HEIGHT, WIDTH, 3)  # this op reads a PNG as well


@pytest.mark.parametrize("channels", [3, 4])
def test_bmp(pixels: Any, channels: int) -> None:
    data = images.bmp(WIDTH, HEIGHT, channels, pixels)
    np.testing.assert_array_equal(tf.io.decode_bmp(data).numpy(), expected(pixels, channels))


def test_gif(pixels: Any) -> None:
    got = tf.io.decode_gif(images.gif(WIDTH, HEIGHT, pixels)).numpy().astype(int)
    assert got.shape == (1, HEIGHT, WIDTH, 3)
    assert np.abs(got[0, :, :, :1] - expected(pixels, 1)).max() <= 1


def test_a_gif_of_many_pixels(pixels: Any) -> None:
    assert tf.io.decode_gif(images.gif(70, 50, pixels)).shape == (1, 50, 70, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg(pixels: Any, channels: int) -> None:
    data = images.jpeg(WIDTH, HEIGHT, channels, pixels)
    got = tf.io.decode_jpeg(data, fancy_upscaling=False).numpy().astype(int)
    assert np.abs(got - expected(pixels, channels)).max() <= 3
    assert tf.image.decode_and_crop_jpeg(data, [0, 0, 8, 8]).shape == (8, 8, channels)
    assert tf.io.extract_jpeg_shape(data).numpy().tolist() == [HEIGHT, WIDTH, channels]


def test_wav() -> None:
    audio, rate = tf.audio.decode_wav(images.wav([0, 16384, -32768, 32767], channels=2))
    assert audio.numpy().tolist() == [[0, 0.5], [-1, 32767 / 32768]]
    assert rate == 16000
