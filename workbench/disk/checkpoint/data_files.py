"""The data files (shards) of a checkpoint: their names, and the bytes that entries of the index place in them.

An entry is one without slices; `bundle_read` puts slices together.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from workbench.disk import crc, dtypes, files
from workbench.disk.checkpoint import string_tensor
from workbench.disk.checkpoint.bundle_entries import Entry
from workbench.errors import DamagedFile, MissingFile, UnsupportedFormat
from workbench.names import show

_NUMPY_DIMENSIONS = 64
_POINTERS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")


class DataFiles:
    """The data files of a checkpoint.

    Args:
        prefix: the path that all their names begin with.
        count: how many the index speaks of.
    """

    def __init__(self, prefix: Path, count: int) -> None:
        self.prefix = prefix
        self.count = count

    @property
    def names(self) -> list[str]:
        """The names of all data files, there or not."""
        return [_name(self.prefix, number, self.count) for number in range(self.count)]

    @cached_property
    def paths(self) -> list[Path]:
        """The paths of all data files, there or not."""
        return [shard_path(self.prefix, number, self.count) for number in range(self.count)]

    @property
    def present(self) -> list[Path]:
        """The data files that are there."""
        return [path for number in sorted(self.numbers()) if (path := self.path(number)).is_file()]

    def numbers(self) -> set[int]:
        """Return the numbers of the data files that exist.

        An index can claim 99,999 of them.
        """
        try:
            names = os.listdir(self.prefix.parent)
        except OSError:
            return set()
        pattern = re.compile(rf"{re.escape(self.prefix.name)}\.data-([0-9]{{5}})-of-{self.count:05d}")
        return {int(match[1]) for match in map(pattern.fullmatch, names) if match}

    @property
    def missing(self) -> list[str]:
        """The names of the data files that are not there."""
        there = {path.name for path in self.present}
        return [name for name in self.names if name not in there]

    def check(self, number: int, end: int) -> int:
        """Return the size of a data file; make sure that it has at least `end` bytes.

        Raises:
            MissingFile: it is not there.
            DamagedFile: it is shorter, or a Git LFS pointer.
        """
        with self._open(number, end) as descriptor:
            return os.fstat(descriptor).st_size

    def path(self, number: int) -> Path:
        """Return the path of a data file."""
        return shard_path(self.prefix, number, self.count)

    @contextmanager
    def _open(self, number: int, end: int) -> Iterator[int]:
        """Return an open data file of at least `end` bytes."""
        path = self.path(number)
        try:
            descriptor = files.open_source(path)
        except MissingFile:
            raise MissingFile(
                f"A data file of the checkpoint is missing (the index speaks of {self.count}).",
                where=show(str(path)),
                hint="Copy it beside the index.",
            ) from None
        try:
            size = os.fstat(descriptor).st_size
            if size < end:
                refuse_pointer(files.read_at(descriptor, 0, min(size, 100), path), path)
                raise DamagedFile(
                    f"The data file has {size} bytes; the index places tensors up to byte {end}.",
                    where=show(str(path)),
                    hint="It was cut off, or belongs to another index.",
                )
            yield descriptor
        finally:
            os.close(descriptor)

    def check_of(self, entry: Entry) -> None:
        """Make sure that the bytes of a tensor are there.

        Raises:
            MissingFile, DamagedFile: as for `check`.
        """
        ends: dict[int, int] = {}
        for part in entry.parts():
            ends[part.shard] = max(ends.get(part.shard, 0), part.offset + part.size)
        for number, end in ends.items():
            self.check(number, end)

    def _bytes(self, entry: Entry) -> bytes:
        """Return a tensor's bytes, unverified; no more memory is taken than the file has."""
        with self._open(entry.shard, entry.offset + entry.size) as descriptor:
            return files.read_at(descriptor, entry.offset, entry.size, self.path(entry.shard))

    def read(self, entry: Entry) -> bytes:
        """Return the bytes of an entry without slices, its checksum verified."""
        data = self._bytes(entry)
        if entry.dtype == dtypes.VARIANT:
            total = string_tensor.check_variants(
                lambda offset, size: data[offset : offset + size], len(data), entry.count, self._where(entry)
            )
        else:
            total = crc.masked(data)
        self.compare(entry, total)
        return data

    def strings(self, entry: Entry) -> list[bytes]:
        """Return the elements of a string tensor without slices, its checksum verified."""
        found, total = string_tensor.decode(self._bytes(entry), entry.count, self._where(entry))
        self.compare(entry, total)
        return found

    def array(self, entry: Entry) -> Any:
        """Return a tensor without slices as a `numpy.ndarray`, its checksum verified."""
        import numpy as np

        dtype = self.numpy_dtype(entry)
        if entry.dtype != dtypes.STRING:
            return np.frombuffer(self.read(entry), dtype).reshape(entry.shape)
        strings = self.strings(entry)  # first: where they are not there, they must not take memory
        out = np.empty(entry.count, dtype)
        out[:] = strings
        return out.reshape(entry.shape)

    def numpy_dtype(self, entry: Entry) -> Any:
        """Return the dtype that numpy has for a tensor.

        Raises:
            UnsupportedFormat: numpy can't hold it.
        """
        dtype = dtypes.numpy(entry.dtype)
        what = f"of dtype {dtypes.name(entry.dtype)}" if dtype is None else ""
        if len(entry.shape) > _NUMPY_DIMENSIONS or math.prod(filter(None, entry.shape)) >= 1 << 59:
            what = f"of shape {show(str(list(entry.shape)))}"
        if what:
            raise UnsupportedFormat(
                f"Tensor {show(entry.key)!r} is {what}, which numpy can't hold.",
                where=show(str(self.prefix.with_name(self.prefix.name + ".index"))),
            )
        return dtype

    def sum(self, entry: Entry) -> int:
        """Return the checksum of a tensor's bytes, read a piece at a time."""
        path = self.path(entry.shard)
        with self._open(entry.shard, entry.offset + entry.size) as descriptor:

            def read(offset: int, size: int) -> bytes:
                return files.read_at(descriptor, entry.offset + offset, size, path)

            if entry.dtype == dtypes.STRING:
                return string_tensor.check_strings(read, entry.size, entry.count, self._where(entry))
            if entry.dtype == dtypes.VARIANT:
                return string_tensor.check_variants(read, entry.size, entry.count, self._where(entry))
            total = 0
            for at in range(0, entry.size, files.CHUNK):
                total = crc.extend(total, read(at, min(files.CHUNK, entry.size - at)))
            return crc.mask(total)

    def compare(self, entry: Entry, found: int) -> None:
        """Compare a checksum with that of the entry.

        Raises:
            DamagedFile: it is another.
        """
        if found != entry.crc32c:
            raise DamagedFile(
                f"The checksum of its {entry.size} bytes at byte {entry.offset} is {found:#010x};"
                f" the index says {entry.crc32c:#010x}.",
                where=self._where(entry),
                hint="The data file was changed, or belongs to another index.",
            )

    def _where(self, entry: Entry) -> str:
        return f"{show(str(self.path(entry.shard)))}: tensor {show(entry.key)!r}"


def shard_path(prefix: Path, number: int, count: int) -> Path:
    """Return the path of a data file: `PREFIX.data-00002-of-00005` is 2 of 5."""
    return prefix.with_name(_name(prefix, number, count))


def _name(prefix: Path, number: int, count: int) -> str:
    return f"{prefix.name}.data-{number:05d}-of-{count:05d}"


def refuse_pointer(head: bytes, path: Path) -> None:
    """Raise `DamagedFile` if a file begins as a Git LFS pointer does."""
    if head.startswith(_POINTERS):
        raise DamagedFile(
            "This is a Git LFS pointer: git left it where the real file should be.",
            where=show(str(path)),
            hint="Run `git lfs install` and `git lfs pull` in the repository, then try again.",
        )
