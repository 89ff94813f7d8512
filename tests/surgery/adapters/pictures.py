"""Small image files, made by Pillow."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

SIZE = (7, 5)  # width, height


def pixels(mode: str, size: tuple[int, int] = SIZE) -> np.ndarray[Any, Any]:
    """Values that differ from each other, of a mode of Pillow: L, LA, RGB, RGBA, I;16."""
    channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "I;16": 1}[mode]
    width, height = size
    ramp = np.arange(width * height * channels).reshape(height, width, channels)
    values = ramp * 1777 % 65536 if mode == "I;16" else ramp * 37 % 256
    values = values.astype(np.uint16 if mode == "I;16" else np.uint8)
    return values[..., 0] if channels == 1 else values


def file(
    mode: str, format_: str, size: tuple[int, int] = SIZE, *, smooth: bool = False, **options: Any
) -> bytes:
    """The bytes of an image file; smooth for a format that loses sharp edges."""
    buffer = io.BytesIO()
    values = pixels(mode, size)
    if smooth:
        rows, columns = np.indices(values.shape[:2])
        values = np.stack([rows * 9 + 20, columns * 7 + 90, rows * 3 + columns * 5], axis=-1).astype(np.uint8)
        values = values[..., 0] if mode == "L" else values
    Image.fromarray(values).save(buffer, format_, **options)
    return buffer.getvalue()


def converted(mode: str, format_: str, **options: Any) -> bytes:
    """The bytes of an image file of smooth colours in another mode of Pillow: 1, P, CMYK."""
    with Image.open(io.BytesIO(file("RGB", "PNG", smooth=True))) as image:
        made = image.quantize(8) if mode == "P" else image.convert(mode)
    buffer = io.BytesIO()
    made.save(buffer, format_, **options)
    return buffer.getvalue()


def sixteen_bits(channels: int) -> np.ndarray[Any, Any]:
    """Values from 0 to 65535."""
    width, height = SIZE
    return (
        (np.arange(width * height * channels) * 1777 % 65536)
        .astype(np.uint16)
        .reshape(height, width, channels)
    )


def png_16_bit(channels: int) -> bytes:
    """The bytes of a PNG of `sixteen_bits`, which Pillow can't write: RGB or RGBA."""
    values = sixteen_bits(channels)
    height, width, _ = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def gif(size: tuple[int, int] = SIZE) -> bytes:
    """A GIF of two frames; the first is blue, the second red."""
    frames = [Image.new("RGB", size, colour) for colour in ((0, 0, 255), (255, 0, 0))]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def opened(data: bytes, mode: str) -> np.ndarray[Any, Any]:
    """What Pillow reads, converted to a mode."""
    found = np.asarray(Image.open(io.BytesIO(data)).convert(mode))
    return found[..., None] if found.ndim == 2 else found


def strings(*values: bytes) -> np.ndarray[Any, Any]:
    """A vector of strings."""
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def string(value: bytes) -> np.ndarray[Any, Any]:
    """A scalar string."""
    found = np.empty((), dtype=object)
    found[()] = value
    return found
