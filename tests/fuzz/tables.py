"""Changes to a checkpoint: to its index as a table of blocks, to its entries, to the bytes of its tensors.

Whatever is changed, the checksums above it are made right again, so that what is behind them is reached.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable
from typing import Any

import cramjam

from tests.fuzz.messages import NUMBERS, TEXTS, Pool, change, change_bytes, change_wire, parsed
from workbench.disk import crc, dtypes
from workbench.disk.checkpoint import string_tensor
from workbench.disk.checkpoint.ordered_code import FULL, slice_key
from workbench.disk.serialized.wire import encode_varint
from workbench.errors import DamagedFile

Items = list[tuple[bytes, bytes]]
_MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)


def write(items: Items, rng: random.Random | None = None) -> bytes:
    """A table of these items in this order; with `rng` one whose structure lies in a place or two."""
    lie = rng.choice(_LIES) if rng is not None and rng.random() < 0.5 else ""
    block_size = rng.choice((1, 200, 4096, 1 << 18)) if rng is not None else 1 << 18
    interval = rng.choice((1, 2, 16, 1000)) if rng is not None else 16
    packed = rng is not None and rng.random() < 0.3
    out = bytearray()
    index: Items = []
    chunk: Items = []
    size = 0
    for key, value in items:
        chunk.append((key, value))
        size += len(key) + len(value)
        if size >= block_size:
            index.append((key, _append(out, _block(chunk, interval, rng, lie), packed, rng, lie)))
            chunk, size = [], 0
    if chunk:
        index.append((chunk[-1][0], _append(out, _block(chunk, interval, rng, lie), packed, rng, lie)))
    metaindex = _append(out, _block([], 1, None, ""), False, None, "")
    if rng is not None and index and lie == "index":
        place = rng.randrange(len(index))
        key, handle = index[place]
        index[place] = rng.choice(
            (
                (rng.choice(TEXTS).encode()[:100], handle),
                (key, encode_varint(rng.choice(NUMBERS) % 2**64) + handle),
                (key, index[0][1]),
                (key, handle[:1]),
                (key, b"\xff" * 20),
            )
        )
    handle = _append(out, _block(index, 1, rng, lie if lie == "index entry" else ""), packed, rng, "")
    footer = metaindex + handle
    if rng is not None and lie == "footer":
        footer = change_bytes(footer, rng)[:40]
    return bytes(out) + footer.ljust(40, b"\0") + _MAGIC


_LIES = ("shared", "index", "index entry", "restarts", "snappy", "footer", "length", "kind", "gap")


def _block(items: Items, interval: int, rng: random.Random | None, lie: str) -> bytes:
    out = bytearray()
    restarts = [0]
    last = b""
    liar = rng.randrange(len(items)) if rng is not None and items and lie else -1
    for number, (key, value) in enumerate(items):
        shared = 0
        if number % interval:
            most = min(len(last), len(key))
            while shared < most and last[shared] == key[shared]:
                shared += 1
        elif number:
            restarts.append(len(out))
        rest, length = len(key) - shared, len(value)
        head = encode_varint(shared), encode_varint(rest), encode_varint(length)
        if number == liar and rng is not None:
            wrong = encode_varint(rng.choice((*NUMBERS, shared + 1, 64 << 10, 65_537)) % 2**64)
            if lie in ("shared", "index entry"):
                head = wrong, head[1], head[2]
            elif lie == "length":
                head = rng.choice(
                    ((head[0], wrong, head[2]), (head[0], head[1], wrong), (b"\x80\0", head[1], head[2]))
                )
        out += b"".join(head) + key[shared:] + value
        last = key
    if rng is not None and lie == "restarts":
        restarts = rng.choice(([], [2**32 - 1], [0] * 50, [5]))
        return (
            bytes(out)
            + struct.pack(f"<{len(restarts)}I", *restarts)
            + struct.pack("<I", rng.choice((len(restarts), 0, 1, 2**32 - 1, len(out) // 4)))
        )
    return bytes(out) + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def _append(out: bytearray, block: bytes, packed: bool, rng: random.Random | None, lie: str) -> bytes:
    kind = 0
    if packed:
        block, kind = bytes(cramjam.snappy.compress_raw(block)), 1
    if rng is not None and lie == "snappy" and rng.random() < 0.5:
        kind = 1
        size = rng.choice((0, 5, 1 << 20, (64 << 20) - 1, (64 << 20) + 1, 22 * len(block), 2**32 - 1, 2**35))
        if not packed:
            block = bytes(cramjam.snappy.compress_raw(block))
        block = (
            encode_varint(size) + block[_skip(block) :] if rng.random() < 0.6 else change_bytes(block, rng)
        )
    if rng is not None and lie == "kind":
        kind = rng.choice((0, 1, 2, 3, 255))
    if rng is not None and lie == "gap":
        out += b"\0" * rng.randrange(9)
    handle = encode_varint(len(out)) + encode_varint(len(block))
    body = block + bytes((kind,))
    out += body + struct.pack("<I", crc.masked(body))
    return handle


def _skip(data: bytes) -> int:
    at = 0
    while at < len(data) and data[at] >= 128:
        at += 1
    return at + 1


def repaired(data: bytes) -> bytes:
    """A table whose block checksums are right, as far as its handles lead to blocks."""
    if len(data) < 48 or data[-8:] != _MAGIC:
        return data
    out = bytearray(data)
    footer = data[-48:]
    numbers = []
    at = 0
    for _ in range(4):
        end = at + _skip(footer[at:])
        numbers.append(_number(footer[at:end]))
        at = end
    for offset, size in (numbers[:2], numbers[2:]):
        _repair(out, offset, size)
    offset, size = numbers[2:]
    if offset + size <= len(data) and size < 100_000 and data[offset + size : offset + size + 1] == b"\0":
        for _, handle in loose_items(data[offset : offset + size]):
            first = _skip(handle)
            _repair(out, _number(handle[:first]), _number(handle[first : first + _skip(handle[first:])]))
    return bytes(out)


def _repair(out: bytearray, offset: int, size: int) -> None:
    end = offset + size + 1
    if end + 4 <= len(out) - 48:
        out[end : end + 4] = struct.pack("<I", crc.masked(bytes(out[offset:end])))


def _number(data: bytes) -> int:
    return sum((byte & 127) << (7 * place) for place, byte in enumerate(data[:10]))


def loose_items(block: bytes) -> Items:
    """The entries of a plain block, as many as can be read; nothing is checked."""
    items: Items = []
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    at, key = 0, b""
    while 0 <= at < end and len(items) < 2000:
        numbers = []
        for _ in range(3):
            stop = at + _skip(block[at:])
            numbers.append(_number(block[at:stop]))
            at = stop
        shared, rest, length = numbers
        if shared > len(key) or at + rest + length > end:
            break
        key = key[:shared] + block[at : at + rest]
        items.append((key, block[at + rest : at + rest + length]))
        at += rest + length
    return items


def table_items(data: bytes) -> Items:
    """The items of a table whose blocks are plain, as many as can be read."""
    if len(data) < 48:
        return []
    footer = data[-48:]
    at = 0
    numbers = []
    for _ in range(4):
        end = at + _skip(footer[at:])
        numbers.append(_number(footer[at:end]))
        at = end
    items: Items = []
    for _, handle in loose_items(data[numbers[2] : numbers[2] + numbers[3]]):
        first = _skip(handle)
        offset = _number(handle[:first])
        size = _number(handle[first : first + _skip(handle[first:])])
        items += loose_items(data[offset : offset + size])
        if len(items) > 2000:
            break
    return items


def change_items(items: Items, rng: random.Random, pool: Pool, shard: bytes) -> Items:
    """One change to header, entries or keys; where an entry is changed, its checksum is mostly made right."""
    if not items:
        return items
    items = list(items)
    at = rng.randrange(len(items))
    key, value = items[at]
    what = rng.random()
    if what < 0.6:
        message = parsed("BundleHeaderProto" if key == b"" else "BundleEntryProto", value)
        if message is None or rng.random() < 0.15:
            items[at] = key, change_wire(value, rng)
            return items
        if key and rng.random() < 0.5:
            _change_entry(message, rng)
        else:
            change(message, rng, pool)
        if key and rng.random() < 0.85:
            repair_entry(message, shard)
        items[at] = key, bytes(message.SerializeToString())
    elif what < 0.68:
        del items[at]
    elif what < 0.78:
        new = rng.choice(TEXTS).encode() if rng.random() < 0.7 else rng.randbytes(rng.randrange(1, 20))
        if rng.random() < 0.2:
            new = b"k" * rng.choice((1000, 65_535, 65_536, 65_537))
        items.append((new, value))
        if rng.random() < 0.9:
            items.sort(key=lambda item: item[0])
    elif what < 0.88:
        items = _partition(items, at, rng)
    elif what < 0.92:
        items += [(key + b"/%d" % number, value) for number in range(rng.choice((2, 50, 500)))]
        items.sort(key=lambda item: item[0])
    elif what < 0.96:
        rng.shuffle(items)
    else:
        items.insert(at, items[at])
    return items


def _change_entry(message: Any, rng: random.Random) -> None:
    """An entry that says another dtype, place or shape, near enough to the truth to be believed."""
    what = rng.randrange(6)
    if what == 0:
        message.dtype = rng.choice((0, *range(1, 36), 77, 101, 107))
    elif what == 1:
        message.offset = min(max(0, message.offset + rng.choice((-8, -1, 1, 8))), 2**62)
    elif what == 2:
        message.dtype = rng.choice((dtypes.STRING, dtypes.VARIANT, dtypes.RESOURCE, 77))
        del message.shape.dim[:]
        if rng.random() < 0.7:
            message.shape.dim.add(size=rng.choice((0, 1, 2, 3, message.size)))
    elif what == 3:
        each = dtypes.size(message.dtype) or 1
        message.size = each * rng.randrange(0, 8)
        del message.shape.dim[:]
        message.shape.dim.add(size=message.size // each)
    elif what == 4:
        message.shape.dim.add(size=rng.choice((1, 0, 1 << 62, 1 << 31)))
    else:
        message.shape.dim.extend(
            [type(message.shape).Dim(size=1)] * rng.choice((1, 30, 62, 64, 65, 254, 255))
        )


def _partition(items: Items, at: int, rng: random.Random) -> Items:
    """The tensor becomes a partitioned one, its slices right or nearly."""
    key, value = items[at]
    message = parsed("BundleEntryProto", value)
    if not key or message is None:
        return items
    del message.slices[:]
    shape = [dim.size for dim in message.shape.dim][:20]
    extents = [(0, FULL)] * len(shape)
    if shape and 1 < shape[0] < 100:
        cut = rng.randrange(shape[0])
        parts = [[(0, cut), *extents[1:]], [(cut, shape[0] - cut), *extents[1:]]]
    else:
        parts = [extents]
    each = dtypes.size(message.dtype) or 1
    offset = message.offset
    for part in parts:
        if rng.random() < 0.05:
            part = [(rng.choice(NUMBERS), rng.choice(NUMBERS))] * len(shape)
        place = message.slices.add()
        for start, length in part:
            extent = place.extent.add(start=start)
            if length != FULL:
                extent.length = length
        entry = type(message)()
        entry.CopyFrom(message)
        del entry.slices[:]
        count = each
        for dim, (_, length), size in zip(entry.shape.dim, part, shape, strict=False):
            dim.size = size if length == FULL else length
            count *= max(dim.size, 0)
        if rng.random() < 0.95 and offset < 2**63:
            entry.size, entry.offset = min(count, 2**62), offset
            offset += count if count < 2**40 else 0
        try:
            slice_name = slice_key(key, part)
        except (OverflowError, ValueError):
            continue
        items.append((slice_name, bytes(entry.SerializeToString())))
    items[at] = key, bytes(message.SerializeToString())
    items.sort(key=lambda item: item[0])
    return items


def repair_entry(message: Any, shard: bytes) -> None:
    """Makes an entry's checksum that of the bytes it names, if the shard has them."""
    offset, size = message.offset, message.size
    if offset < 0 or size < 0 or offset + size > len(shard):
        return
    data = shard[offset : offset + size]
    count = 1
    for dim in message.shape.dim:
        count *= max(dim.size, 0)

    def read(at: int, many: int) -> bytes:
        return data[at : at + many]

    try:
        if message.dtype == dtypes.STRING and count < 10_000:
            message.crc32c = string_tensor.check_strings(read, size, count, "")
        elif message.dtype == dtypes.VARIANT and count < 10_000:
            message.crc32c = string_tensor.check_variants(read, size, count, "")
        else:
            message.crc32c = crc.masked(data)
    except DamagedFile:
        message.crc32c = 0


def repair_items(items: Iterable[tuple[bytes, bytes]], shard: bytes) -> Items:
    """All entries with their checksums made right."""
    found: Items = []
    for key, value in items:
        message = parsed("BundleEntryProto", value) if key else None
        if message is not None and not message.slices:
            repair_entry(message, shard)
            value = bytes(message.SerializeToString())
        found.append((key, value))
    return found


def change_shard(items: Items, shard: bytes, rng: random.Random) -> tuple[Items, bytes]:
    """One change to the bytes of the tensors, or to how the index reads them."""
    what = rng.random()
    entries = [at for at, (key, _) in enumerate(items) if key]
    if what < 0.45 or not entries:
        return items, change_bytes(shard, rng)
    at = rng.choice(entries)
    key, value = items[at]
    message = parsed("BundleEntryProto", value)
    if message is None:
        return items, change_bytes(shard, rng)
    if what < 0.6:
        _change_entry(message, rng)
    else:  # strings or variants there, some with lengths that lie
        strings = [rng.randbytes(rng.choice((0, 1, 5, 127, 128, 300))) for _ in range(rng.randrange(6))]
        if rng.random() < 0.6:
            body, _ = string_tensor.encode(strings)
            if rng.random() < 0.4:
                lengths = [rng.choice((0, 1, 127, 128, 2**32 - 1, 2**32, 2**62, 2**63)) for _ in strings]
                packed = b"".join(map(encode_varint, lengths))
                body = packed + struct.pack("<I", _lengths_sum(lengths)) + b"".join(strings)
            message.dtype = dtypes.STRING
        else:
            body = b""
            total = 0
            for string in strings:
                length = len(string) if rng.random() < 0.8 else rng.choice(NUMBERS) % 2**63
                total = crc.extend(total, struct.pack("<Q", length))
                total = crc.extend(total, string)
                mark = struct.pack("<I", crc.mask(total))
                total = crc.extend(total, mark)
                body += encode_varint(length) + string + mark
            message.dtype = dtypes.VARIANT
        del message.shape.dim[:]
        message.shape.dim.add(size=len(strings) if rng.random() < 0.8 else rng.choice((0, 1, 7, 2**20)))
        message.offset, message.size = len(shard), len(body)
        shard += body
    items = list(items)
    items[at] = key, bytes(message.SerializeToString())
    return items, shard


def _lengths_sum(lengths: list[int]) -> int:
    return crc.mask(
        crc.extend(0, b"".join(length.to_bytes(4 if length < 2**32 else 8, "little") for length in lengths))
    )
