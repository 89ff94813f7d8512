from __future__ import annotations

import base64
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sampling import plainly
from tests.surgery.adapters.building import assert_like_reference, reference, run
from tests.surgery.adapters.pictures import (
    converted,
    file,
    gif,
    opened,
    pixels,
    png_16_bit,
    sixteen_bits,
    string,
    strings,
)
from workbench.surgery.adapters.tensor_type import TensorType

pytestmark = pytest.mark.needs_tf

RNG = np.random.default_rng(7)
IMAGE = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
BATCH = RNG.integers(0, 256, (2, 6, 9, 3), dtype=np.uint8)
SCORES = RNG.normal(size=(3, 5)).astype(np.float32)
WORDS = strings(b"the quick Fox", b"", b"jumps  OVER a lazy dog")

CHAINS: list[tuple[str, Any]] = [
    *(
        (f"resize 4 5 method={name}", value)
        for name in (
            "bilinear",
            "nearest",
            "bicubic",
            "area",
            "lanczos3",
            "lanczos5",
            "gaussian",
            "mitchellcubic",
        )
        for value in (IMAGE, BATCH)
    ),
    *((f"resize 4 5 method={name} antialias=true", BATCH) for name in ("bilinear", "bicubic", "lanczos3")),
    *(
        (f"resize 11 5 method={name} grid={grid}", BATCH)
        for name in ("bilinear", "nearest", "bicubic", "area")
        for grid in ("align-corners", "legacy")
    ),
    ("resize 6 9", IMAGE),
    ("resize 6 9 method=nearest", IMAGE),
    ("crop 4 4", IMAGE),
    ("crop 3 4", BATCH),
    ("crop 3 4 1 2", BATCH),
    ("crop 3 4 2", IMAGE),
    ("crop 3 4 left=5", IMAGE),
    ("pad 9 12", IMAGE),
    ("pad 9 12 value=7", BATCH),
    ("pad 9 12 1 2 value=7", BATCH),
    ("letterbox 8 8", IMAGE),
    ("letterbox 8 5 value=114", BATCH),
    ("letterbox 20 7 method=nearest", BATCH),
    ("letterbox 4 4 method=bicubic antialias=true value=1/2", IMAGE),
    ("cast float32", IMAGE),
    ("cast uint8", SCORES * 100),
    ("cast uint8 round=true saturate=true", SCORES * 500),
    ("cast int32 saturate=true", SCORES * 1e10),
    ("cast int8 saturate=true", IMAGE),
    ("cast bool", SCORES),
    ("cast float16", SCORES),
    ("cast bfloat16", SCORES),
    ("scale 1/255", IMAGE),
    ("scale 1/127.5 offset=-1", BATCH),
    ("cast float16 | scale 1/3", SCORES),
    ("cast bfloat16 | scale 1/4 offset=0.5 | cast float32", SCORES),
    ("mean 123.68 116.779 103.939 | std 58.393 57.12 57.375", BATCH),
    ("mean 127.5", BATCH),
    ("layout NHWC>NCHW | mean 1 2 3 axis=1", BATCH),
    ("layout NHWC>NCHW | std 1 2 3 axis=-3", IMAGE),
    ("layout NHWC>NCHW | layout NCHW>NHWC", BATCH),
    ("clamp -0.5 1/2", SCORES),
    ("clamp 3 200", IMAGE),
    ("color RGB>BGR", IMAGE),
    ("color RGB>GRAY", BATCH),
    ("color BGR>GRAY", BATCH),
    ("color RGB>GRAY | color GRAY>RGB", IMAGE),
    ("color RGBA>BGR", RNG.integers(0, 256, (2, 4, 4, 4), dtype=np.uint8)),
    ("color RGBA>BGRA", RNG.integers(0, 256, (4, 4, 4), dtype=np.uint8)),
    ("color BGRA>GRAY", RNG.integers(0, 256, (4, 4, 4), dtype=np.uint8)),
    ("reshape 3 5 1", SCORES),
    ("reshape ? 3", SCORES),
    ("reshape ?", SCORES),
    ("flatten", BATCH),
    ("flatten", SCORES),
    ("expand", SCORES),
    ("expand -1", SCORES),
    ("expand 1 | squeeze", SCORES),
    ("expand 1 | squeeze 1", SCORES),
    ("one-hot 4", np.array([0, 3, 4, -1])),
    ("one-hot 4 dtype=int32", np.array([[0, 3]], dtype=np.int32)),
    ("lowercase", WORDS),
    ("lowercase encoding=utf-8", strings("GRÜN".encode())),
    (r"regex-replace '[aeiou]+' '<\0>'", WORDS),
    ("regex-replace o 0 first-only=true", WORDS),
    ("split", WORDS),
    ("split ' '", WORDS),
    ("split length=2", WORDS),
    ("split length=9", WORDS),
    ("split , length=3", string(b"1,2,3,4")),
    ("split ,", string(b"1,2,3,4")),
    ("split , | parse-number", string(b"1,2.5,-3e2")),
    ("parse-number int64", strings(b"12", b"-5")),
    ("softmax", SCORES),
    ("softmax", np.arange(6).reshape(2, 3)),
    ("sigmoid", SCORES),
    ("argmax", SCORES),
    ("top-k 3", SCORES),
    ("softmax | top-k 2 | threshold 1/4", SCORES),
    ("threshold", SCORES),
    ("threshold 3", np.arange(6)),
    *((f"slice {columns}", SCORES) for columns in ("2", "-1", "1:3", ":2", "-2:", "1:-1")),
    ("as-string", SCORES),
    ("as-string digits=2", SCORES),
    ("as-string", np.arange(4)),
    ("threshold 0 | as-string", SCORES),
]


@pytest.mark.parametrize(("text", "value"), CHAINS, ids=[f"{n}-{text}" for n, (text, _) in enumerate(CHAINS)])
def test_a_chain_computes_what_its_reference_does(text: str, value: np.ndarray[Any, Any]) -> None:
    assert_like_reference(text, value)


FREE = [
    ("flatten", BATCH, TensorType.of("uint8", (None, None, None, None))),
    ("flatten", BATCH, TensorType.of("uint8", (None, 6, 9, 3))),
    ("flatten", BATCH, TensorType.of("uint8", None)),
    ("crop 3 4 | pad 5 6", BATCH, TensorType.of("uint8", (None, None, None, None))),
    ("letterbox 8 8", BATCH, TensorType.of("uint8", (None, None, None, 3))),
    ("slice -1", SCORES, TensorType.of("float32", None)),
    ("mean 1 2 3 4 5", SCORES, TensorType.of("float32", None)),
    ("argmax", SCORES, TensorType.of("float32", None)),
    ("reshape ? 54 3", BATCH, TensorType.of("uint8", None)),
]


@pytest.mark.parametrize("size", [(4, 4), (3, 8), (6, 9), (1, 2)])
def test_the_middle_is_that_of_tensorflow(size: tuple[int, int]) -> None:
    import tensorflow as tf

    height, width = size
    wanted = tf.image.resize_with_crop_or_pad(BATCH, height, width).numpy()
    assert run(f"crop {height} {width}", BATCH)[""].tolist() == wanted.tolist()
    wanted = tf.image.resize_with_crop_or_pad(BATCH, height + 6, width + 9).numpy()
    assert run(f"pad {height + 6} {width + 9}", BATCH)[""].tolist() == wanted.tolist()


@pytest.mark.parametrize("text", ["crop 7 4", "crop 4 10", "pad 5 20", "pad 20 8 value=3"])
def test_a_size_that_an_image_does_not_have_is_refused_by_the_reference_as_well(text: str) -> None:
    import tensorflow as tf

    free = TensorType.of("uint8", (None, None, None, 3))
    for compute in (run, reference):
        with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
            compute(text, BATCH, free)


@pytest.mark.parametrize(("text", "value", "have"), FREE, ids=[f"{n}-{one[0]}" for n, one in enumerate(FREE)])
def test_a_chain_works_where_sizes_are_unknown(
    text: str, value: np.ndarray[Any, Any], have: TensorType
) -> None:
    assert_like_reference(text, value, have)


# -- images


FILES = {
    "png-grey": file("L", "PNG"),
    "png-grey-alpha": file("LA", "PNG"),
    "png-rgb": file("RGB", "PNG"),
    "png-rgba": file("RGBA", "PNG"),
    "jpeg-grey": file("L", "JPEG", smooth=True, quality=95),
    "jpeg-rgb": file("RGB", "JPEG", smooth=True, quality=95, subsampling=0),
    "gif": gif(),
    "jpeg-progressive": file("RGB", "JPEG", smooth=True, quality=95, subsampling=0, progressive=True),
    "jpeg-cmyk": converted("CMYK", "JPEG", quality=95, subsampling=0),
    "png-1-bit": converted("1", "PNG"),
    "png-palette": converted("P", "PNG"),
    "png-palette-alpha": converted("P", "PNG", transparency=3),
    "png-16-bit-rgb": png_16_bit(3),
    "png-16-bit-alpha": png_16_bit(4),
    "bmp-grey": file("L", "BMP"),
    "bmp-rgb": file("RGB", "BMP"),
    "bmp-rgba": file("RGBA", "BMP"),
}
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def rgba(name: str) -> np.ndarray[Any, Any]:
    return (
        pixels("RGBA") if name == "bmp-rgba" else opened(FILES[name], "RGBA")
    )  # Pillow reads no alpha in BMP


@pytest.mark.parametrize(
    ("name", "channels"),
    plainly(
        list(product(FILES, MODES)), *[(name, [*MODES][at % len(MODES)]) for at, name in enumerate(FILES)]
    ),
)
def test_an_image_of_any_format_has_the_channels_asked_for(name: str, channels: int) -> None:
    data = FILES[name]
    found = assert_like_reference(f"decode-image channels={channels}", string(data))
    mode = MODES[channels]
    if name.endswith("alpha") or name.endswith("rgba"):
        wanted = rgba(name)[..., : 4 if channels == 4 else 3]
        if channels == 1:
            wanted = np.round(wanted.astype(float) @ [0.299, 0.587, 0.114])[..., None]
    else:
        wanted = opened(data, mode)
    assert found.shape == (5, 7, channels)
    atol = 5 if "jpeg" in name else 1  # TensorFlow's fast transform of JPEG blocks is not Pillow's
    np.testing.assert_allclose(found.astype(int), wanted.astype(int), atol=atol)


def test_the_first_frame_of_a_gif_is_taken() -> None:
    found = run("decode-image", string(gif()))[""]
    assert found.shape == (5, 7, 3)
    assert found[0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize("name", ["png-grey-alpha", "png-rgba", "png-rgb", "png-grey", "bmp-rgba"])
@pytest.mark.parametrize("channels", [1, 3])
def test_alpha_is_composited_over_the_background(name: str, channels: int) -> None:
    found = assert_like_reference(
        f"decode-image channels={channels} alpha=composite background=200", string(FILES[name])
    )
    colour, share = rgba(name)[..., :3], rgba(name)[..., 3:] / 255
    wanted = colour * share + 200 * (1 - share)
    if channels == 1:
        wanted = wanted @ np.array([0.2989, 0.587, 0.114]) / 0.9999
        wanted = wanted[..., None]
    np.testing.assert_allclose(found.astype(float), wanted, atol=1.5)


def test_16_bits_are_kept() -> None:
    data = file("I;16", "PNG")
    found = assert_like_reference("decode-image channels=1 dtype=uint16", string(data))
    assert found[..., 0].tolist() == pixels("I;16").tolist()
    colour = assert_like_reference("decode-image channels=3 dtype=uint16", string(data))
    assert (colour == found).all()
    small = assert_like_reference("decode-image channels=1", string(data))
    np.testing.assert_allclose(small.astype(int), found >> 8, atol=1)
    with_alpha = assert_like_reference("decode-image channels=4 dtype=uint16", string(data))
    assert (with_alpha[..., 3] == 65535).all()


def test_16_bits_of_each_colour_are_kept() -> None:
    wanted = sixteen_bits(4)
    found = assert_like_reference("decode-image channels=4 dtype=uint16", string(png_16_bit(4)))
    assert found.tolist() == wanted.tolist()
    found = assert_like_reference("decode-image dtype=uint16 | scale 1/65535", string(png_16_bit(3)))
    np.testing.assert_allclose(found, sixteen_bits(3) / 65535, rtol=1e-5)


def test_the_channels_of_the_file_stay_if_asked_for() -> None:
    for name, count in (("png-grey", 1), ("png-grey-alpha", 2), ("png-rgba", 4), ("jpeg-rgb", 3)):
        assert assert_like_reference("decode-image channels=0", string(FILES[name])).shape == (5, 7, count)


def test_images_of_different_sizes_become_a_batch() -> None:
    files = [file("RGB", "PNG", (8, 5)), gif((3, 3)), file("L", "BMP", (20, 2)), file("RGBA", "PNG", (1, 9))]
    text = "decode-image | resize 4 6 | scale 1/255"
    have = TensorType.of("string", (None,))
    found = assert_like_reference(text, strings(*files), have)
    assert found.shape == (4, 4, 6, 3)
    for row, data in zip(found, files, strict=True):
        np.testing.assert_allclose(row, run(text, string(data))[""], atol=1e-5)
    assert run(text, strings(), have)[""].shape == (0, 4, 6, 3)


def test_images_of_one_size_need_no_resize() -> None:
    files = [file("RGB", "PNG"), file("L", "PNG")]
    found = assert_like_reference(
        "decode-image | color RGB>BGR", strings(*files), TensorType.of("string", (None,))
    )
    assert found.shape == (2, 5, 7, 3)


def test_base64_of_both_alphabets() -> None:
    data = bytes(range(256)) * 2
    plain = base64.b64encode(data)
    wrapped = base64.encodebytes(data)
    texts = [
        plain,
        plain.rstrip(b"="),
        base64.urlsafe_b64encode(data),
        wrapped,
        wrapped.replace(b"\n", b"\r\n"),
    ]
    texts.append(b"data:image/png;base64," + plain)
    found = assert_like_reference("decode-base64", strings(*texts))
    assert found.tolist() == [data] * len(texts)
    web_safe = assert_like_reference("decode-base64 alphabet=web-safe", string(texts[2]))
    assert web_safe == data


def test_the_story_of_the_digits() -> None:
    text = "decode-base64 | decode-image channels=1 | resize 28 28 | scale 1/255 | flatten"
    one, other = file("L", "PNG", (28, 28)), file("RGB", "JPEG", (40, 50))
    value = strings(*map(base64.urlsafe_b64encode, (one, other)))
    found = assert_like_reference(text, value, TensorType.of("string", (None,)))
    assert found.shape == (2, 784)
    np.testing.assert_allclose(found[0], pixels("L", (28, 28)).reshape(-1) / 255, atol=1e-6)


# -- published preprocessing


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("caffe", "color RGB>BGR | mean 103.939 116.779 123.68"),
        ("torch", "scale 1/255 | mean 0.485 0.456 0.406 | std 0.229 0.224 0.225"),
        ("tf", "scale 1/127.5 offset=-1"),
    ],
)
@pytest.mark.parametrize("first", [False, True])
def test_preprocessing_of_keras_applications_is_a_chain(mode: str, text: str, first: bool) -> None:
    from keras.applications.imagenet_utils import preprocess_input

    value = BATCH.astype(np.float32)
    layout = "channels_first" if first else "channels_last"
    wanted = preprocess_input(
        np.moveaxis(value, 3, 1).copy() if first else value.copy(), data_format=layout, mode=mode
    )
    found = run(f"{text} | layout NHWC>NCHW" if first else text, value)[""]
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


# -- files


@pytest.fixture
def fruit(tmp_path: Path) -> Path:
    path = tmp_path / "fruit names.txt"
    path.write_bytes("apple\r\nbanana\nBirne ü\ncherry\nfig\nlast".encode())
    return path


def test_a_word_is_looked_up_by_its_line(fruit: Path) -> None:
    value = strings(b"cherry", b"apple", b"none", "Birne ü".encode(), b"", b"last")
    found = assert_like_reference(f"lookup '@{fruit}' default=-7".replace("'@", "@'"), value)
    assert found.tolist() == [3, 0, -7, 2, -7, 5]


def test_labels_stand_beside_the_largest_scores(fruit: Path) -> None:
    scores = np.array([[0, 5, 1, 2, 3, -1], [9, 8, 7, 6, 5, 4]], dtype=np.float32)
    text = f"softmax | top-k 2 | labels @'{fruit}'"
    found = run(text, scores)
    assert found["labels"].tolist() == [[b"banana", b"fig"], [b"apple", b"banana"]]
    assert set(found) == {"", "labels"} == set(reference(text, scores))
    np.testing.assert_allclose(found[""][0, 0], 0.8255, atol=1e-3)
    assert_like_reference(text, scores)


def test_the_label_of_the_largest_score(fruit: Path) -> None:
    assert assert_like_reference(
        f"argmax | labels @'{fruit}'", np.eye(6, dtype=np.float32)[[3, 0]]
    ).tolist() == [
        b"cherry",
        b"apple",
    ]


def test_an_index_without_a_line_has_the_default(fruit: Path) -> None:
    assert assert_like_reference(f"labels @'{fruit}' default=?", np.array([5, 6])).tolist() == [b"last", b"?"]
