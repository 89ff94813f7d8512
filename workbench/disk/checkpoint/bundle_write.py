"""Writing checkpoints, and joining several into one without touching a tensor.

A join renames keys, renumbers data files, writes a new index, and copies the data files byte for byte: it takes
the memory of the indexes, whatever the size of the tensors. Source of the format: see `bundle_read`.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from workbench.disk import crc, dtypes, files
from workbench.disk.checkpoint import sstable, string_tensor
from workbench.disk.checkpoint.bundle_entries import Entry, key_bytes, slice_keys
from workbench.disk.checkpoint.bundle_index import VERSION
from workbench.disk.checkpoint.bundle_read import Bundle
from workbench.disk.checkpoint.data_files import shard_path
from workbench.disk.checkpoint.ordered_code import rename_slice
from workbench.disk.schema import BundleEntryProto, BundleHeaderProto

Tensor = tuple[int, Sequence[int], bytes | Sequence[bytes]]
"""dtype enum, shape, and the bytes (row-major, little-endian), or for strings the list of them."""


class Alias(NamedTuple):
    """A second key for a tensor that is kept.

    Attributes:
        key: the new key, final.
        of: the key in the bundle.
        extents: for one slice of a partitioned tensor, start and length in each dimension; it becomes a tensor of
            its own. None for the whole tensor.
    """

    key: str
    of: str
    extents: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class JoinPart:
    """One checkpoint of a join.

    Attributes:
        bundle: the checkpoint.
        prefix: put before each key, with a `/` between; an empty one leaves keys as they are.
        rename: the new key for a key, or None for a tensor to leave out; takes the place of `prefix`.
        aliases: more keys for the same bytes; they cost an entry of the index each.
        compact: copy only the bytes of tensors that are kept, not whole data files; for a part without aliases.
    """

    bundle: Bundle
    prefix: str = ""
    rename: Callable[[str], str | None] | None = None
    aliases: Sequence[Alias] = ()
    compact: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes that are copied of it."""
        if not self.compact:
            return self.bundle.nbytes
        return sum(self.bundle.entry(key).size for key in self.bundle if self.new_key(key) is not None)

    def new_key(self, key: str) -> str | None:
        """Return the key in the result, or None for a tensor that is left out."""
        if self.rename is not None:
            return self.rename(key)
        return f"{self.prefix}/{key}" if self.prefix else key


class _Shard(NamedTuple):
    """A data file of a join.

    Attributes:
        source: where its bytes are.
        size: of the new file.
        starts: first bytes of the ranges that are copied, sorted; empty for the whole file.
        ends: their ends.
        moved: where each range begins in the new file.
    """

    source: Path
    size: int
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    moved: tuple[int, ...] = ()

    def offset(self, old: int) -> int:
        """Return where a kept byte of the source is in the new file."""
        if not self.starts:
            return old
        at = bisect_right(self.starts, old) - 1
        return old - self.starts[at] + self.moved[at]


def _compacted(source: Path, pieces: Iterable[Entry]) -> _Shard:
    """Return a data file with only the bytes of some entries, those of several entries once."""
    starts: list[int] = []
    ends: list[int] = []
    for start, end in sorted((piece.offset, piece.offset + piece.size) for piece in pieces):
        if ends and start <= ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    sizes = [end - start for start, end in zip(starts, ends, strict=True)]
    moved = [0, *accumulate(sizes)]
    return _Shard(source, moved.pop(), tuple(starts), tuple(ends), tuple(moved))


@dataclass(slots=True)
class _Plan:
    """What a join will write: entries by key, and where each data file comes from."""

    entries: dict[bytes, bytes] = field(default_factory=dict)
    shards: list[_Shard] = field(default_factory=list)
    extra: bytes | None = None

    @property
    def data_bytes(self) -> int:
        return sum(shard.size for shard in self.shards) + len(self.extra or b"")

    @property
    def num_shards(self) -> int:
        return len(self.shards) + (self.extra is not None)


def write(out: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a checkpoint with one data file, as SaveV2 does, byte for byte.

    Args:
        out: its prefix; the files must not exist, their folder is made if it does not.
        tensors: by key; their bytes are written in this order.

    Raises:
        ValueError: the bytes of a tensor do not fit its dtype and shape.
        CannotWrite: the system refuses.
    """
    join([], out, extra=tensors)


def join(
    parts: Sequence[JoinPart],
    out: Path,
    *,
    extra: Mapping[str, Tensor] | None = None,
    progress: files.Progress | None = None,
) -> None:
    """Write one checkpoint with the tensors of several.

    Data files that hold nothing the result needs are left out; the others keep their order, those of the first
    part first. All files are synced, the index last. On failure the files written so far are removed.

    Args:
        parts: the checkpoints, and what their keys become. Partitioned variables stay partitioned.
        out: the prefix of the result; the files must not exist, their folder is made if it does not.
        extra: more tensors, under their final keys, in this order in a data file of their own after the others.
        progress: called with bytes done and bytes in all.

    Raises:
        MissingFile: a data file is missing.
        DamagedFile: an entry contradicts itself, or a data file is too short. (Checksums are not compared: that
            is `Bundle.verify`.)
        CannotWrite: the system refuses.
        ValueError: two tensors would get the same key, or an extra one's bytes do not fit its dtype and shape.
    """
    plan = _plan(parts, extra)
    total, done = plan.data_bytes, 0

    def copied(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    copied(0)
    written: list[Path] = []
    with files.writing(out.parent):
        if not out.parent.is_dir():
            files.make_folder(out.parent)
    try:
        for number, shard in enumerate(plan.shards):
            target = shard_path(out, number, plan.num_shards)
            _note_new(target, written)
            if shard.starts:
                _copy_ranges(shard, target, copied)
            else:
                files.copy_file(shard.source, target, copied)
        if plan.extra is not None:
            target = shard_path(out, plan.num_shards - 1, plan.num_shards)
            _note_new(target, written)
            files.write_file(target, plan.extra)
            copied(len(plan.extra))
        index = out.with_name(out.name + ".index")
        _note_new(index, written)
        files.write_file(index, _index(plan))
        with files.writing(out.parent):
            files.sync_path(out.parent)
    except BaseException:
        for path in written:
            with suppress(OSError):
                files.remove(path)
        raise


def joined_size(parts: Sequence[JoinPart], extra: Mapping[str, Tensor] | None = None) -> int:
    """Return how many bytes `join` would write, the index included.

    Raises:
        MissingFile, DamagedFile, ValueError: as for `join`.
    """
    plan = _plan(parts, extra)
    return plan.data_bytes + len(_index(plan))


def _copy_ranges(shard: _Shard, target: Path, progress: Callable[[int], None]) -> None:
    """Copy ranges of a data file to a new file and wait until they are on the disk."""
    reader = files.open_source(shard.source)
    try:
        with files.writing(target):
            writer = files.open_new(target)
            try:
                for start, end in zip(shard.starts, shard.ends, strict=True):
                    for at in range(start, end, files.CHUNK):
                        data = files.read_at(reader, at, min(files.CHUNK, end - at), shard.source)
                        files.write_all(writer, data)
                        progress(len(data))
                files.sync(writer)
            finally:
                os.close(writer)
    finally:
        os.close(reader)


def _note_new(path: Path, written: list[Path]) -> None:
    """Note a file that is about to be made, to remove it after an interrupt."""
    if not os.path.lexists(path):
        written.append(path)


def _plan(parts: Sequence[JoinPart], extra: Mapping[str, Tensor] | None) -> _Plan:
    plan = _Plan()
    for part in parts:
        _add_part(plan, part)
    if extra or not plan.shards:  # a checkpoint without a tensor has an empty data file, as TensorFlow's has
        _add_extra(plan, extra or {})
    return plan


def _add_part(plan: _Plan, part: JoinPart) -> None:
    bundle = part.bundle
    kept = [
        (key_bytes(key), new, bundle.entry(key)) for key in bundle if (new := part.new_key(key)) is not None
    ]
    pieces: dict[int, list[Entry]] = {}
    for _, _, entry in kept:
        for piece in entry.parts():
            pieces.setdefault(piece.shard, []).append(piece)
    numbers: _Numbers = {}
    for number in sorted(pieces):
        source = bundle.shards[number]
        size = bundle.check_shard(number, max(piece.offset + piece.size for piece in pieces[number]))
        shard = _compacted(source, pieces[number]) if part.compact else _Shard(source, size)
        numbers[number] = len(plan.shards), shard
        plan.shards.append(shard)
    for old, new, entry in kept:
        message = bundle.message(old)
        renamed = key_bytes(new)
        _add(plan, renamed, _renumbered(message, numbers))
        if entry.slices:
            for name in slice_keys(message, old):
                _add(plan, rename_slice(name, renamed), _renumbered(bundle.message(name), numbers))
    for alias in part.aliases:
        _add_alias(plan, bundle, alias, numbers)


_Numbers = dict[int, tuple[int, _Shard]]
"""Number of a data file in a source to its number in the join and what it becomes."""


def _add_alias(plan: _Plan, bundle: Bundle, alias: Alias, numbers: _Numbers) -> None:
    old = key_bytes(alias.of)
    message = bundle.message(old)
    renamed = key_bytes(alias.key)
    if alias.extents is None:
        _add(plan, renamed, _renumbered(message, numbers))
        for name in slice_keys(message, old) if message.slices else ():
            _add(plan, rename_slice(name, renamed), _renumbered(bundle.message(name), numbers))
        return
    for piece, name in zip(bundle.entry(alias.of).slices, slice_keys(message, old), strict=True):
        if tuple(zip(piece.start, piece.length, strict=True)) == alias.extents:
            _add(plan, renamed, _renumbered(bundle.message(name), numbers))
            return
    raise ValueError(f"{alias.of!r} has no slice {alias.extents}")


def _renumbered(message: BundleEntryProto, numbers: _Numbers) -> bytes:
    """Return an entry with the new number of its data file, and its place there.

    The entry of a partitioned variable has no number.
    """
    if not message.slices:
        message.shard_id, shard = numbers[message.shard_id]
        message.offset = shard.offset(message.offset)
    data: bytes = message.SerializeToString(deterministic=True)
    return data


def _add(plan: _Plan, key: bytes, value: bytes) -> None:
    if not key or key in plan.entries:
        raise ValueError(
            f"two tensors of a joined checkpoint have the key {key!r}" if key else "an empty key"
        )
    plan.entries[key] = value


def _add_extra(plan: _Plan, tensors: Mapping[str, Tensor]) -> None:
    number = len(plan.shards)
    data = bytearray()
    for name, (dtype, shape, content) in tensors.items():
        body, checksum = _encoded(name, dtype, shape, content)
        message = BundleEntryProto(
            dtype=dtype, shard_id=number, offset=len(data), size=len(body), crc32c=checksum
        )
        message.shape.SetInParent()
        for size in shape:
            message.shape.dim.add(size=size)
        _add(plan, key_bytes(name), message.SerializeToString(deterministic=True))
        data += body
    plan.extra = bytes(data)


def _encoded(
    name: str, dtype: int, shape: Sequence[int], content: bytes | Sequence[bytes]
) -> tuple[bytes, int]:
    count = 1
    for size in shape:
        count *= size
    each = dtypes.size(dtype)
    if isinstance(content, bytes):
        if each is None or len(content) != each * count:
            raise ValueError(
                f"{len(content)} bytes for tensor {name!r}, {dtypes.name(dtype)} of shape {list(shape)}"
            )
        return content, crc.masked(content)
    if dtype != dtypes.STRING or len(content) != count:
        raise ValueError(
            f"{len(content)} strings for tensor {name!r}, {dtypes.name(dtype)} of shape {list(shape)}"
        )
    return string_tensor.encode(content)


def _index(plan: _Plan) -> bytes:
    header = BundleHeaderProto(num_shards=plan.num_shards)
    header.version.producer = VERSION
    items = [(b"", header.SerializeToString(deterministic=True)), *sorted(plan.entries.items())]
    return sstable.write_table(items)
