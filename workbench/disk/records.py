"""TFRecord files: records, each with its length and two masked crc32c.

Source: `tensorflow/core/lib/io/record_writer.h`: uint64 length, uint32 crc of the length, the bytes, uint32 crc of
the bytes, all little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from workbench.disk import crc, files
from workbench.errors import DamagedFile
from workbench.names import show

_HEAD, _TAIL = struct.Struct("<QI"), struct.Struct("<I")


def read(path: Path, limit: int) -> Iterator[bytes]:
    """Yield the records of a TFRecord file.

    Args:
        path: the file.
        limit: bytes; a larger file is refused.

    Raises:
        MissingFile: there is no such file.
        DamagedFile: it is cut off or too large, or a checksum is wrong.
    """
    data = files.read_whole(path, limit)
    where = show(str(path))
    at = number = 0
    while at < len(data):
        if at + _HEAD.size > len(data):
            raise DamagedFile(f"It ends within the length of record {number}.", where=where)
        length, check = _HEAD.unpack_from(data, at)
        if crc.masked(data[at : at + 8]) != check:
            raise DamagedFile(f"The checksum of the length of record {number} is wrong.", where=where)
        at += _HEAD.size
        if length > len(data) - at - _TAIL.size:
            raise DamagedFile(f"It ends within record {number}.", where=where)
        record = data[at : at + length]
        at += length
        if crc.masked(record) != _TAIL.unpack_from(data, at)[0]:
            raise DamagedFile(f"The checksum of record {number} is wrong.", where=where)
        at += _TAIL.size
        number += 1
        yield record
