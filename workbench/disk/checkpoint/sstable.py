"""The table in a checkpoint's `.index`: sorted keys and values in blocks.

Keys of a block share prefixes (LevelDB's format).

Source: `tensorflow/core/lib/io/{table_builder,block_builder,block,format}.cc` (LevelDB's table with other
sizes): data blocks, an empty metaindex block, an index block, a footer of 48 bytes. A block is its entries
(`varint shared, varint non_shared, varint value_size, key rest, value`), the offsets of its restart points as
uint32 and their number; a type byte (0 plain, 1 snappy) and a masked crc32c over block and type follow it.

A table is read with distrust. Offsets, sizes, checksums and the order of keys are checked, and what a small
file can make us hold is bounded: a compressed block by its declared size before it is unpacked, the number of
entries and the bytes of all keys by the size of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from workbench.disk import crc
from workbench.disk.serialized.wire import encode_varint
from workbench.errors import DamagedFile, UnsupportedFormat
from workbench.names import show

MAX_FILE = 1 << 30
"""Bytes of the largest index that is read."""

MAX_KEY = 64 << 10
"""Bytes of the longest key."""

MAX_BLOCK = 64 << 20
"""Bytes of the largest block, unpacked. TensorFlow's are 256 KiB and a bit."""

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TRAILER = 5
_PLAIN, _SNAPPY = 0, 1
_BLOCK_SIZE = 256 << 10
_RESTART_INTERVAL = 16
_EMPTY_BLOCK = struct.pack("<II", 0, 1)


def read_table(data: bytes, where: str) -> dict[bytes, bytes]:
    """Return the values of a table by key, in the order of keys, all checked.

    Args:
        data: the whole file.
        where: what to call the file in an error.

    Raises:
        DamagedFile: a checksum, an offset, a size or the order of keys is wrong, the file ends early or is no
            table, or it would take more memory than a file of its size can have good use for.
        UnsupportedFormat: a block is compressed by something else than snappy.
    """
    return _Reader(data, where).entries()


def write_table(items: Iterable[tuple[bytes, bytes]], *, block_size: int = _BLOCK_SIZE) -> bytes:
    """Return a table as TensorFlow writes it, byte for byte, uncompressed.

    Args:
        items: keys and values, keys strictly ascending bytewise.
        block_size: bytes at which a block is closed.

    Raises:
        ValueError: the keys do not ascend.
    """
    out = bytearray()
    block, index = _Block(_RESTART_INTERVAL), _Block(1)
    last: bytes | None = None
    pending: tuple[bytes, bytes] | None = None  # last key and handle of a closed block that index lacks yet
    for key, value in items:
        if last is not None and key <= last:
            raise ValueError(f"the keys of a table must ascend: {key!r} after {last!r}")
        if pending is not None:
            index.add(_separator(pending[0], key), pending[1])
            pending = None
        block.add(key, value)
        last = key
        if block.size >= block_size:
            pending = last, _append(out, block.finish())
            block = _Block(_RESTART_INTERVAL)
    if block.count and last is not None:
        pending = last, _append(out, block.finish())
    metaindex = _append(out, _EMPTY_BLOCK)
    if pending is not None:
        index.add(_successor(pending[0]), pending[1])
    out += (metaindex + _append(out, index.finish())).ljust(_FOOTER - 8, b"\0")
    out += struct.pack("<Q", _MAGIC)
    return bytes(out)


class _Reader:
    """One pass over a table, with what is left of its limits."""

    def __init__(self, data: bytes, where: str) -> None:
        self.data = data
        self.where = where
        # At least half the entries of a real index have a checksum of their own, which nothing can compress.
        self.entries_left = (64 << 10) + len(data) // 10
        # Shared prefixes can make 64 KiB of key from 4 bytes of file. Real keys grow about fourfold.
        self.key_bytes_left = MAX_BLOCK + 32 * len(data)

    def entries(self) -> dict[bytes, bytes]:
        out: dict[bytes, bytes] = {}
        limit = last = b""
        end = 0
        for separator, handle in self._index().items():
            offset, size = self._handle(handle, "an entry of the index block")
            if offset < end:
                raise self._damaged(f"block at byte {offset} begins before the one before it ends ({end})")
            end = offset + size + _TRAILER
            # A reader that looks a key up trusts the separators, so they must tell the truth.
            last = self._parse(self._block(offset, size), offset, out, max(limit, last))
            if last > separator:
                raise self._order(separator, last, offset)
            limit = separator
        return out

    def _index(self) -> dict[bytes, bytes]:
        data = self.data
        if len(data) < _FOOTER:
            raise self._damaged(f"it has {len(data)} bytes; a checkpoint index has at least {_FOOTER}")
        if len(data) > MAX_FILE:
            raise self._damaged(f"it has {len(data)} bytes; {MAX_FILE} is the most that is read")
        footer = data[-_FOOTER:]
        (magic,) = struct.unpack("<Q", footer[-8:])
        if magic != _MAGIC:
            raise self._damaged(
                f"the last 8 bytes are {magic:#018x}; a checkpoint index ends in {_MAGIC:#018x}",
                hint="It ends early, or is another kind of file.",
            )
        pos = 0
        handles = []
        for name in ("metaindex", "index"):
            at = pos
            pos = self._skip_varints(footer, pos, 2, f"the footer's {name} handle")
            handles.append(self._handle(footer[at:pos], f"the footer's {name} handle"))
        self._block(*handles[0])  # only its checksum; TensorFlow puts nothing in
        offset, size = handles[1]
        index: dict[bytes, bytes] = {}
        self._parse(self._block(offset, size), offset, index, b"")
        return index

    def _skip_varints(self, data: bytes, pos: int, count: int, what: str) -> int:
        for _ in range(count):
            pos = _varint(data, pos, _FOOTER - 8, 10)[1]
            if pos < 0:
                raise self._damaged(f"{what} is no pair of varints")
        return pos

    def _handle(self, handle: bytes, what: str) -> tuple[int, int]:
        """Return offset and size of a block, both varints; what follows is ignored."""
        offset, pos = _varint(handle, 0, len(handle), 10)
        size, pos = _varint(handle, pos, len(handle), 10) if pos >= 0 else (0, -1)
        if pos < 0:
            raise self._damaged(f"{what} is no pair of varints")
        if offset + size + _TRAILER > len(self.data) - _FOOTER:
            raise self._damaged(
                f"{what} points to {size} bytes at byte {offset}, past the end of the blocks"
                f" ({len(self.data) - _FOOTER})"
            )
        return offset, size

    def _block(self, offset: int, size: int) -> bytes:
        """Return a block's bytes, unpacked, after verifying its checksum."""
        if size > MAX_BLOCK:
            raise self._damaged(f"block at byte {offset} has {size} bytes; {MAX_BLOCK} is the most")
        end = offset + size
        (stored,) = struct.unpack_from("<I", self.data, end + 1)
        found = crc.masked(self.data[offset : end + 1])
        if found != stored:
            raise self._damaged(
                f"block at byte {offset}: the checksum of its {size} bytes is {found:#010x},"
                f" {stored:#010x} is stored"
            )
        kind = self.data[end]
        block = self.data[offset:end]
        if kind == _SNAPPY:
            return self._unpack(block, offset)
        if kind != _PLAIN:
            raise UnsupportedFormat(
                f"block at byte {offset} has compression type {kind}; 0 (none) and 1 (snappy) are read",
                where=self.where,
            )
        return block

    def _unpack(self, block: bytes, offset: int) -> bytes:
        size, pos = _varint(block, 0, len(block), 5)
        # No element of snappy's format makes more than 64 bytes from 3, so a larger claim is a lie.
        if pos < 0 or size > MAX_BLOCK or size > 22 * len(block):
            raise self._damaged(
                f"block at byte {offset}: {len(block)} bytes of snappy say they unpack to"
                f" {size if pos >= 0 else '?'} bytes"
            )
        import cramjam

        try:
            unpacked = bytes(cramjam.snappy.decompress_raw(block))
        except cramjam.DecompressionError as problem:
            raise self._damaged(f"block at byte {offset}: {show(str(problem))}") from None
        return unpacked

    def _parse(self, block: bytes, at: int, out: dict[bytes, bytes], last: bytes) -> bytes:
        """Add the entries of a block to `out`.

        Args:
            block: its bytes, unpacked.
            at: its offset in the file, for errors.
            out: what the blocks before held; an empty one may begin with an empty key.
            last: what all keys must come after.

        Returns:
            The last key, or `last` if there is none.
        """
        size = len(block)
        restarts = int.from_bytes(block[-4:], "little")
        end = size - 4 * (restarts + 1)
        if size < 4 or end < 0:
            raise self._damaged(f"block at byte {at}: {restarts} restart points in {size} bytes")
        key = b""
        pos = 0
        entries_left, key_bytes_left = self.entries_left, self.key_bytes_left
        while pos < end:
            # Of the 4 bytes at least that follow the entries, these three reads may take two.
            shared, rest, length = block[pos], block[pos + 1], block[pos + 2]
            if shared < 128 and rest < 128 and length < 128:
                begin = pos + 3
            else:
                shared, begin = _varint(block, pos, end, 5)
                rest, begin = _varint(block, begin, end, 5) if begin >= 0 else (0, -1)
                length, begin = _varint(block, begin, end, 5) if begin >= 0 else (0, -1)
            middle = begin + rest
            following = middle + length
            if begin < 0 or following > end or shared > len(key) or shared + rest > MAX_KEY:
                raise self._damaged(
                    f"block at byte {at}: the entry at {pos} does not fit"
                    f" (shares {shared} of {len(key)} key bytes, adds {rest}, value of {length},"
                    f" {end - pos} bytes are left; a key has at most {MAX_KEY})"
                )
            key = key[:shared] + block[begin:middle]
            if key <= last and out:
                raise self._order(key, last, at)
            out[key] = block[middle:following]
            last = key
            pos = following
            entries_left -= 1
            key_bytes_left -= shared + rest
            if entries_left < 0 or key_bytes_left < 0:
                raise self._damaged(
                    f"its keys take more memory than those of any checkpoint index of {len(self.data)} bytes"
                    f" (given up in the block at byte {at})"
                )
        self.entries_left, self.key_bytes_left = entries_left, key_bytes_left
        return last

    def _order(self, key: bytes, last: bytes, at: int) -> DamagedFile:
        names = [show(repr(name)[1:], 100) for name in (key, last)]
        return self._damaged(f"block at byte {at}: key {names[0]} must come after {names[1]}")

    def _damaged(self, message: str, hint: str | None = None) -> DamagedFile:
        return DamagedFile(f"Not a sound checkpoint index: {message}.", where=self.where, hint=hint)


class _Block:
    """A block being filled."""

    def __init__(self, restart_interval: int) -> None:
        self.interval = restart_interval
        self.buffer = bytearray()
        self.restarts = [0]
        self.count = 0
        self.last = b""

    @property
    def size(self) -> int:
        """Bytes the block would have if finished now."""
        return len(self.buffer) + 4 * len(self.restarts) + 4

    def add(self, key: bytes, value: bytes) -> None:
        if self.count % self.interval:
            shared = _shared(self.last, key)
        else:
            shared = 0
            if self.count:
                self.restarts.append(len(self.buffer))
        rest, length = len(key) - shared, len(value)
        if shared < 128 and rest < 128 and length < 128:
            self.buffer += bytes((shared, rest, length))
        else:
            self.buffer += encode_varint(shared) + encode_varint(rest) + encode_varint(length)
        self.buffer += key[shared:]
        self.buffer += value
        self.last = key
        self.count += 1

    def finish(self) -> bytes:
        count = len(self.restarts)
        return bytes(self.buffer) + struct.pack(f"<{count + 1}I", *self.restarts, count)


def _append(out: bytearray, block: bytes) -> bytes:
    """Append a plain block and its trailer to `out`; return its handle."""
    handle = encode_varint(len(out)) + encode_varint(len(block))
    body = block + bytes((_PLAIN,))
    out += body
    out += struct.pack("<I", crc.masked(body))
    return handle


def _shared(left: bytes, right: bytes) -> int:
    """Return the length of the common beginning of two keys, in bytes."""
    size = min(len(left), len(right))
    differs = int.from_bytes(left[:size], "big") ^ int.from_bytes(right[:size], "big")
    return size - (differs.bit_length() + 7) // 8


def _separator(start: bytes, limit: bytes) -> bytes:
    """Return a short key at or after `start` and before `limit`.

    LevelDB's `FindShortestSeparator`.
    """
    common = _shared(start, limit)
    if common < min(len(start), len(limit)):
        byte = start[common]
        if byte < 0xFF and byte + 1 < limit[common]:
            return start[:common] + bytes((byte + 1,))
    return start


def _successor(key: bytes) -> bytes:
    """Return a short key at or after `key` (`FindShortSuccessor`)."""
    for place, byte in enumerate(key):
        if byte != 0xFF:
            return key[:place] + bytes((byte + 1,))
    return key


def _varint(data: bytes, pos: int, end: int, longest: int) -> tuple[int, int]:
    """Return the varint at `pos` and where it ends; (0, -1) if it is too long."""
    number = shift = 0
    for place in range(pos, min(end, pos + longest)):
        byte = data[place]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place + 1
        shift += 7
    return 0, -1
