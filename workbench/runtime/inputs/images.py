"""Small files for graphs that decode them: PNG, JPEG, GIF, BMP, WAV. Standard library only.

Pixels are made of 8 by 8 blocks of one colour each, so that a lossy format and a resize keep the pictures apart.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workbench.names import show

BLOCK = 8

Pixels = Callable[[int, int], Sequence[int]]
"""(x, y) of a block to its channels, 0 to 255."""


_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"\xff\x0a", b"\0\0\0\x0cJXL ")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_=\s-]{16,}\Z")
_DECODING = re.compile(
    r"decode_?(image|png|jpeg|jpg|gif|bmp)|(image file format|invalid (png|jpeg|gif|bmp))", re.I
)


def told_of_no_image(error: str, values: Mapping[str, Any]) -> str | None:
    """Return which value is no image file, as a hint, where a decoder refused one; None if that can't be told.

    Args:
        error: TensorFlow's message.
        values: input to its value, an array.
    """
    if _DECODING.search(error) is None:
        return None
    strings = {name: array.ravel().tolist() for name, array in values.items() if array.dtype.kind in "OS"}
    for name, listed in strings.items():
        wrong = [at for at, one in enumerate(listed) if not (one.startswith(_STARTS) or _BASE64.match(one))]
        if not wrong or (len(wrong) == len(listed) and len(strings) > 1):  # another input may be the image
            continue
        first = listed[wrong[0]]
        which = "The value" if len(listed) == 1 else f"Value {wrong[0]}"
        what = f"begins with {show(first[:12].decode('utf-8', 'replace'))!r}" if first else "is empty"
        return f"{which} of {show(name)} is no image file: it {what}. Give the bytes of a PNG, JPEG, GIF or BMP file."
    return None


def png(width: int, height: int, channels: int, pixels: Pixels) -> bytes:
    """A PNG with 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA) channels of 8 bits."""
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = bytearray()
    for y in range(height):
        rows.append(0)  # no filter
        for x in range(width):
            rows += bytes(pixels(x // BLOCK, y // BLOCK)[:channels])
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in chunks:
        data += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data


def bmp(width: int, height: int, channels: int, pixels: Pixels) -> bytes:
    """A BMP with 3 or 4 channels, rows from the bottom up."""
    row_bytes = (width * channels + 3) // 4 * 4
    body = bytearray()
    for y in reversed(range(height)):
        row = bytearray()
        for x in range(width):
            red, green, blue, *alpha = (*pixels(x // BLOCK, y // BLOCK), 255)[:channels]
            row += bytes((blue, green, red, *alpha))
        body += row.ljust(row_bytes, b"\0")
    head = struct.pack("<2sIHHI", b"BM", 54 + len(body), 0, 0, 54)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, channels * 8, 0, len(body), 0, 0, 0, 0)
    return head + info + bytes(body)


def gif(width: int, height: int, pixels: Pixels) -> bytes:
    """A one-frame GIF of 128 greys; nothing is compressed: the dictionary is reset before it would be used."""
    palette = b"".join(bytes((grey * 2, grey * 2, grey * 2)) for grey in range(128))
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF6, 0, 0)
    clear, end, bits = 128, 129, 8
    codes = []
    for position in range(width * height):
        if position % 100 == 0:
            codes.append(clear)
        x, y = position % width, position // width
        codes.append(pixels(x // BLOCK, y // BLOCK)[0] // 2)
    stream, filled, data = 0, 0, bytearray()
    for code in (*codes, end):
        stream |= code << filled
        filled += bits
        while filled >= 8:
            data.append(stream & 0xFF)
            stream >>= 8
            filled -= 8
    blocks = b"".join(bytes((len(data[i : i + 255]),)) + data[i : i + 255] for i in range(0, len(data), 255))
    image = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x07" + blocks + b"\0"
    return head + palette + image + b";"


def jpeg(width: int, height: int, channels: int, pixels: Pixels) -> bytes:
    """A baseline JPEG, grey or YCbCr, whose blocks have a DC coefficient only.

    Tables: the DC codes of ITU-T T.81 Annex K.3 for luminance, and an AC table with the one code it needs,
    end-of-block. Quantisation 8 for DC keeps every level within one grey value.
    """
    components = 1 if channels == 1 else 3
    quantisation = b"\0" + bytes([8] + [1] * 63)
    frame = struct.pack(">BHHB", 8, height, width, components)
    frame += b"".join(bytes((number + 1, 0x11, 0)) for number in range(components))
    scan = bytes((components,)) + b"".join(bytes((n + 1, 0)) for n in range(components)) + b"\0\x3f\0"
    counts = (0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0)
    dc_table = b"\0" + bytes(counts) + bytes(range(12))
    ac_table = b"\x10" + bytes((1, *([0] * 15))) + b"\0"
    data = b"\xff\xd8"
    for marker, body in (
        (0xDB, quantisation),
        (0xC0, frame),
        (0xC4, dc_table),
        (0xC4, ac_table),
        (0xDA, scan),
    ):
        data += struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
    bits = "".join(_jpeg_bits(width, height, components, pixels, _dc_codes(counts)))
    bits += "1" * (-len(bits) % 8)
    body = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    return data + body.replace(b"\xff", b"\xff\0") + b"\xff\xd9"


def _dc_codes(counts: Sequence[int]) -> list[str]:
    """Return the canonical Huffman code of each size category, given the number of codes of each length."""
    codes, code = [], 0
    for length, count in enumerate(counts, 1):
        for _ in range(count):
            codes.append(f"{code:0{length}b}")
            code += 1
        code <<= 1
    return codes


def _jpeg_bits(width: int, height: int, components: int, pixels: Pixels, codes: list[str]) -> list[str]:
    bits = []
    last = [0] * components
    for y in range((height + 7) // 8):
        for x in range((width + 7) // 8):
            levels = [pixels(x, y)[0]] if components == 1 else _ycbcr(pixels(x, y))
            for number, level in enumerate(levels):
                value = level - 128  # the DC coefficient is eight times the mean; quantisation takes it back
                delta, last[number] = value - last[number], value
                size = abs(delta).bit_length()
                bits.append(codes[size])
                if size:
                    bits.append(f"{delta if delta > 0 else delta + (1 << size) - 1:0{size}b}")
                bits.append("0")  # end of block
    return bits


def _ycbcr(channels: Sequence[int]) -> list[int]:
    red, green, blue = (*channels, channels[0], channels[0])[:3]
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return [round(luma), round(128 + 0.564 * (blue - luma)), round(128 + 0.713 * (red - luma))]


def wav(samples: Sequence[int], channels: int = 1, rate: int = 16000) -> bytes:
    """A WAV of 16-bit PCM, `samples` interleaved by channel."""
    body = struct.pack(f"<{len(samples)}h", *samples)
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks
