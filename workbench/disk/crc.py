"""CRC-32C as TensorFlow stores it: masked.

A checksum of bytes that hold checksums stays useful.

Source: `tensorflow/core/lib/hash/crc32c.h` (`Mask`, `Unmask`); the sum itself is RFC 3720's.
"""

from __future__ import annotations

from google_crc32c import extend as _extend

_DELTA = 0xA282EAD8
_ALL = 0xFFFFFFFF


def extend(crc: int, data: bytes) -> int:
    """Return the plain sum of what `crc` covers followed by `data`; 0 covers nothing."""
    found: int = _extend(crc, data)
    return found


def mask(crc: int) -> int:
    """Return a plain sum as it is stored: rotated right by 15 bits, plus a constant."""
    return ((crc >> 15 | crc << 17) + _DELTA) & _ALL


def unmask(masked: int) -> int:
    """Return the plain sum of a stored one."""
    rotated = (masked - _DELTA) & _ALL
    return (rotated >> 17 | rotated << 15) & _ALL


def masked(data: bytes) -> int:
    """Return the sum of `data` as it is stored."""
    return mask(extend(0, data))
