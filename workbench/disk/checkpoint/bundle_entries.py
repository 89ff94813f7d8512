"""Entries of a checkpoint's index, checked before anybody relies on them.

Source: `tensorflow/core/protobuf/tensor_bundle.proto` and `tensorflow/core/util/tensor_bundle/tensor_bundle.cc`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from google.protobuf.message import DecodeError

from workbench.disk import dtypes
from workbench.disk.checkpoint import ordered_code
from workbench.disk.checkpoint.ordered_code import FULL
from workbench.disk.schema import BundleEntryProto
from workbench.errors import DamagedFile
from workbench.names import show

MAX_DIMENSIONS = 254
"""`TensorShape::MaxDimensions()`."""

_MAX_SLICES = 1024  # of one tensor cut along several dimensions; along one there is no limit


class Slice(NamedTuple):
    """A part of a partitioned tensor.

    Attributes:
        start: its first index in each dimension.
        length: how many there are in each dimension.
        entry: where its bytes are.
    """

    start: tuple[int, ...]
    length: tuple[int, ...]
    entry: Entry


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index says of a tensor, found consistent.

    Attributes:
        key: its name in the checkpoint; for a slice the name of the whole tensor.
        dtype: `DataType` enum.
        shape: sizes, none unknown.
        shard: number of the data file; for a partitioned tensor that of its first slice.
        offset: of its first byte in the data file; 0 for a partitioned tensor.
        size: bytes on disk; for a partitioned tensor those of all slices.
        crc32c: masked, as stored; 0 for a partitioned tensor.
        slices: the parts of a partitioned tensor, else empty.
    """

    key: str
    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    crc32c: int
    slices: tuple[Slice, ...] = ()

    @property
    def count(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)

    def parts(self) -> tuple[Entry, ...]:
        """Return the entries that have bytes: those of its slices, or itself."""
        return tuple(part.entry for part in self.slices) or (self,)


class Entries:
    """The entries of one index.

    Args:
        values: serialised BundleEntryProtos by key, those of slices included.
        num_shards: how many data files the index speaks of.
        where: what to call the index in an error.
    """

    def __init__(self, values: dict[bytes, bytes], num_shards: int, where: str) -> None:
        self.values = values
        self.num_shards = num_shards
        self.where = where

    def message(self, key: bytes) -> BundleEntryProto:
        """Return the BundleEntryProto under a key, unchecked; a new one each time.

        Raises:
            DamagedFile: the value is no such message.
            KeyError: there is no such key.
        """
        try:
            return BundleEntryProto.FromString(self.values[key])
        except DecodeError:
            raise self.damaged(key_text(key), "its entry can't be parsed") from None

    def entry(self, key: bytes) -> Entry:
        """Return the entry of a tensor, checked against its dtype, shape and slices.

        Raises:
            DamagedFile: its entry contradicts itself, or its slices do not make up the tensor.
            KeyError: there is no such key.
        """
        message = self.message(key)
        if message.slices:
            return self._partitioned(key_text(key), message)
        return self._plain(key_text(key), message)

    def _plain(self, key: str, message: BundleEntryProto) -> Entry:
        dtype, shape = message.dtype, self._shape(key, message)
        shard, offset, size = message.shard_id, message.offset, message.size
        if not 0 <= shard < self.num_shards:
            raise self.damaged(key, f"it is in shard {shard}, and there are {self.num_shards}")
        if offset < 0 or size < 0 or offset + size >= 1 << 63:
            raise self.damaged(key, f"it has {size} bytes at byte {offset}")
        if dtype == dtypes.INVALID:
            raise self.damaged(key, "it has no dtype")
        if dtypes.is_ref(dtype):
            raise self.damaged(key, f"its dtype is {dtypes.name(dtype)}, and no value is a reference")
        each = dtypes.size(dtype)
        if each is not None and size != each * math.prod(shape):
            raise self.damaged(
                key,
                f"it has {size} bytes; {dtypes.name(dtype)} of shape {list(shape)} takes {each * math.prod(shape)}",
            )
        if dtype in (dtypes.STRING, dtypes.VARIANT) and size < math.prod(shape):
            raise self.damaged(key, f"{math.prod(shape)} elements can't be in {size} bytes")
        return Entry(key, dtype, shape, shard, offset, size, message.crc32c)

    def _shape(self, key: str, message: BundleEntryProto) -> tuple[int, ...]:
        shape = message.shape
        sizes = tuple([dimension.size for dimension in shape.dim])
        if shape.unknown_rank or len(sizes) > MAX_DIMENSIONS or (sizes and min(sizes) < 0):
            raise self.damaged(key, "its shape is not fully known")
        return sizes

    def _partitioned(self, key: str, message: BundleEntryProto) -> Entry:
        shape = self._shape(key, message)
        slices = []
        seen = set()
        for place, name in zip(message.slices, slice_keys(message, key_bytes(key)), strict=True):
            if len(place.extent) != len(shape):
                raise self.damaged(
                    key, f"a slice has {len(place.extent)} dimensions; the tensor has {len(shape)}"
                )
            start = tuple([extent.start for extent in place.extent])
            length = tuple(
                extent.length if extent.HasField("length") else size
                for extent, size in zip(place.extent, shape, strict=True)
            )
            if any(a < 0 or n < 0 or a + n > size for a, n, size in zip(start, length, shape, strict=True)):
                raise self.damaged(key, f"the slice {_range(start, length)} is not within {list(shape)}")
            if name not in self.values:
                raise self.damaged(key, f"the index has no entry for the slice {_range(start, length)}")
            if name in seen:  # else a small file could list a million
                raise self.damaged(key, f"it lists the slice {_range(start, length)} twice")
            seen.add(name)
            entry = self._plain(key, self.message(name))
            if (entry.dtype, entry.shape) != (message.dtype, length):
                raise self.damaged(
                    key,
                    f"the slice {_range(start, length)} is stored as {dtypes.name(entry.dtype)} {list(entry.shape)}",
                )
            slices.append(Slice(start, length, entry))
        size = sum(part.entry.size for part in slices)
        whole = Entry(key, message.dtype, shape, slices[0].entry.shard, 0, size, 0, tuple(slices))
        problem = cover_problem(whole) or _shared_bytes(whole)
        if problem:
            raise self.damaged(key, problem)
        return whole

    def damaged(self, key: str, message: str) -> DamagedFile:
        """Return the error for a wrong entry."""
        return DamagedFile(f"The entry of tensor {show(key)!r} is wrong: {message}.", where=self.where)


def key_text(key: bytes) -> str:
    """Return a key as text; bytes that are not UTF-8 become surrogates."""
    return key.decode("utf-8", "surrogateescape")


def key_bytes(key: str) -> bytes:
    """Return the bytes of a key that `key_text` made."""
    return key.encode("utf-8", "surrogateescape")


def slice_keys(message: BundleEntryProto, key: bytes) -> Iterator[bytes]:
    """Return the keys of a partitioned tensor's slices, in the order of its entry."""
    slices = (
        [(extent.start, extent.length if extent.HasField("length") else FULL) for extent in place.extent]
        for place in message.slices
    )
    return ordered_code.slice_keys(key, slices)


def _range(start: tuple[int, ...], length: tuple[int, ...]) -> str:
    return f"[{', '.join(f'{a}:{a + n}' for a, n in zip(start, length, strict=True))}]"


def cut_axis(entry: Entry) -> int | None:
    """Return the one dimension along which a tensor is partitioned.

    None if there are several, 0 if it is not partitioned.
    """
    cut = [
        axis
        for axis, size in enumerate(entry.shape)
        if any(part.length[axis] != size for part in entry.slices)
    ]
    return None if len(cut) > 1 else cut[0] if cut else 0


def _shared_bytes(entry: Entry) -> str | None:
    """Return what is wrong if slices overlap on disk, or None.

    A small file could claim to be a huge tensor.
    """
    shard, end, last = -1, 0, None
    for part in sorted(entry.slices, key=lambda part: (part.entry.shard, part.entry.offset)):
        if part.entry.shard != shard:
            shard, end = part.entry.shard, 0
        if part.entry.size and last is not None and part.entry.offset < end:
            one, other = _range(last.start, last.length), _range(part.start, part.length)
            return f"its slices {one} and {other} overlap in the data file"
        if part.entry.size:
            end, last = part.entry.offset + part.entry.size, part
    return None


def cover_problem(entry: Entry) -> str | None:
    """Return why slices do not cover each element of their tensor once, or None."""
    axis = cut_axis(entry)
    if not entry.shape:
        return None  # there is but one way to slice a scalar, and none is listed twice
    if axis is not None:
        end = 0
        for part in sorted(entry.slices, key=lambda part: (part.start[axis], part.length[axis])):
            if part.start[axis] != end:
                how = "overlap" if part.start[axis] < end else "leave a hole"
                return f"its slices {how} at {_range(part.start, part.length)}"
            end += part.length[axis]
        return None if end == entry.shape[axis] else f"its slices end at {end} of {entry.shape[axis]}"
    if len(entry.slices) > _MAX_SLICES:
        return f"it has {len(entry.slices)} slices along several dimensions; {_MAX_SLICES} is the most"
    for number, one in enumerate(entry.slices):
        for other in entry.slices[:number]:
            if all(
                a < b + m and b < a + n
                for a, n, b, m in zip(one.start, one.length, other.start, other.length, strict=True)
            ):
                return f"its slices {_range(one.start, one.length)} and {_range(other.start, other.length)} overlap"
    if sum(part.entry.count for part in entry.slices) != entry.count:
        return "its slices leave holes"
    return None
