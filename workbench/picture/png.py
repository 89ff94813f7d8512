"""Reading the PNG files that people try models with, to show them: 8 bits or fewer a channel, not interlaced.

Files are not trusted: sizes are checked before anything is unpacked.
"""

from __future__ import annotations

import struct
import zlib

from workbench.picture.values import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_MOST = 1 << 17
"""Pixels of a picture that is read."""


def read_png(data: bytes) -> Image | None:
    """Return a PNG as a picture, without its transparency; None if it is none, or is of a kind that is not read."""
    try:
        return _read(data)
    except (struct.error, zlib.error, IndexError, ValueError):
        return None


def png_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG from its header; None if it is none."""
    if not data.startswith(_SIGNATURE) or data[12:16] != b"IHDR" or len(data) < 24:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _read(data: bytes) -> Image | None:
    size = png_size(data)
    if size is None:
        return None
    width, height = size
    depth, colour, _, _, interlace = data[24:29]
    if not (0 < width * height <= _MOST) or colour not in _CHANNELS or depth > 8 or interlace:
        return None
    palette, packed = _chunks(data)
    channels = _CHANNELS[colour]
    stride = (width * channels * depth + 7) // 8
    raw = zlib.decompressobj().decompress(packed, (stride + 1) * height)
    rows = _unfiltered(raw, stride, height, max(1, channels * depth // 8))
    values = b"".join(_whole(row, depth, width * channels, colour) for row in rows)
    if colour == 3:
        pixels = b"".join(palette[3 * one : 3 * one + 3].ljust(3, b"\0") for one in values)
        return Image(width, height, 3, pixels)
    kept = 1 if channels < 3 else 3
    if kept == channels:
        return Image(width, height, kept, values)
    planes = [values[at::channels] for at in range(kept)]
    return Image(width, height, kept, bytes(one for pixel in zip(*planes, strict=True) for one in pixel))


def _chunks(data: bytes) -> tuple[bytes, bytes]:
    """Return the palette, and the packed rows."""
    palette, packed, at = b"", b"", len(_SIGNATURE)
    while at + 8 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if kind == b"PLTE":
            palette = body
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    return palette, packed


def _unfiltered(raw: bytes, stride: int, height: int, unit: int) -> list[bytearray]:
    """Return the rows with their filters undone; `unit` is the bytes of a pixel."""
    rows: list[bytearray] = []
    before = bytearray(stride)
    for y in range(height):
        start = y * (stride + 1)
        kind, row = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        if len(row) != stride or kind > 4:
            raise ValueError("not a PNG")
        for x in range(stride) if kind else ():
            left = row[x - unit] if x >= unit else 0
            above = before[x]
            corner = before[x - unit] if x >= unit else 0
            guess = (0, left, above, (left + above) // 2, _paeth(left, above, corner))[kind]
            row[x] = (row[x] + guess) & 0xFF
        rows.append(row)
        before = row
    return rows


def _paeth(left: int, above: int, corner: int) -> int:
    estimate = left + above - corner
    distances = (abs(estimate - left), abs(estimate - above), abs(estimate - corner))
    return (left, above, corner)[distances.index(min(distances))]


def _whole(row: bytearray, depth: int, count: int, colour: int) -> bytes:
    """Return a row with one byte a value; greys of fewer bits are spread to 255."""
    if depth == 8:
        return bytes(row)
    most = (1 << depth) - 1
    scale = 1 if colour == 3 else 255 // most
    values = bytearray()
    for byte in row:
        for shift in range(8 - depth, -1, -depth):
            values.append((byte >> shift & most) * scale)
    return bytes(values[:count])
