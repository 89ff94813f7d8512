"""Reading a checkpoint: an index of entries, and data files (shards).

Source: `tensorflow/core/util/tensor_bundle/tensor_bundle.{h,cc}`, `tensor_bundle.proto`. The index is a table
(`sstable`): under the empty key a BundleHeaderProto, under every other a BundleEntryProto that says dtype,
shape, shard, offset, size and masked crc32c. A partitioned variable has an entry without bytes that lists its
slices, and an entry for each slice under a key of its own (`ordered_code`).

Opening reads the index alone; shards may be missing. A tensor's entry is checked when it is asked for, its
bytes when they are read. `bundle_write` writes and joins checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from workbench.disk import dtypes, files
from workbench.disk.checkpoint import sstable
from workbench.disk.checkpoint.bundle_entries import Entries, Entry, cut_axis, key_bytes, key_text, slice_keys
from workbench.disk.checkpoint.bundle_index import no_index, read_header
from workbench.disk.checkpoint.data_files import DataFiles, refuse_pointer
from workbench.disk.checkpoint.ordered_code import is_slice_key
from workbench.disk.schema import BundleEntryProto, BundleHeaderProto
from workbench.errors import DamagedFile, MissingFile, UnknownName, WorkbenchError
from workbench.findings import Finding, FirstFew, rest
from workbench.names import did_you_mean, show

_LISTED = 100
_MORE = {
    "bad-entry": "entries are wrong",
    "missing-shard": "data files are missing",
    "bad-shard": "data files are too short or none",
}


class Bundle:
    """A checkpoint, its index read. Make one with `Bundle.open`.

    Attributes:
        prefix: the path that all its files' names begin with.
        header: its BundleHeaderProto.
        num_shards: how many data files the index speaks of.
        values: the serialised entries by key as bytes, those of slices included, the header not.
        stamp: of the index as it was read; None for one that is not from a file.
    """

    def __init__(self, prefix: Path, header: BundleHeaderProto, values: dict[bytes, bytes]) -> None:
        self.prefix = prefix
        self.header = header
        self.num_shards: int = header.num_shards
        self.values = values
        self.stamp: files.Stamp | None = None
        self._keys = [key_text(key) for key in values if not is_slice_key(key)]
        self._data = DataFiles(prefix, self.num_shards)
        self._all = Entries(values, self.num_shards, show(str(self.index)))
        self._entries: dict[str, Entry] = {}
        self._wrong: dict[str, str] = {}
        self._pieces: dict[str, dict[tuple[tuple[int, ...], tuple[int, ...]], Entry]] = {}

    @classmethod
    def open(cls, prefix: Path | str) -> Bundle:
        """Open a checkpoint: read the index `PREFIX.index`.

        Raises:
            MissingFile: there is no index.
            DamagedFile: the index is not sound, or a Git LFS pointer.
            UnsupportedFormat: it is of another format: big-endian, a later version, a V1 checkpoint.
        """
        prefix = Path(prefix)
        path = prefix.with_name(prefix.name + ".index")
        try:
            data, stamp = files.read_stamped(path, sstable.MAX_FILE)
        except MissingFile:
            raise no_index(prefix) from None
        refuse_pointer(data, path)
        values = sstable.read_table(data, show(str(path)))
        header = read_header(values.pop(b"", None), path)
        found = cls(prefix, header, values)
        found.stamp = stamp
        return found

    @property
    def index(self) -> Path:
        """The path of the index."""
        return self.prefix.with_name(self.prefix.name + ".index")

    @cached_property
    def raw_entries(self) -> dict[bytes, BundleEntryProto]:
        """All entries as messages by key, those of slices included, unchecked."""
        return {key: self.message(key) for key in self.values}

    @cached_property
    def nbytes(self) -> int:
        """Bytes of all tensors on disk.

        What several keys share counts once, a damaged entry not at all.
        """
        sizes: dict[tuple[int, int], int] = {}
        for key in self._keys:
            with suppress(DamagedFile):
                for part in self.entry(key).parts():
                    sizes[part.shard, part.offset] = part.size
        return sum(sizes.values())

    def keys(self) -> list[str]:
        """Return the keys of all tensors, in bytewise order; a partitioned one has one."""
        return list(self._keys)

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str):
            return False
        encoded = key_bytes(key)
        return encoded in self.values and not is_slice_key(encoded)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def message(self, key: bytes) -> BundleEntryProto:
        """Return the BundleEntryProto under a key, unchecked; a new one each time.

        Raises:
            DamagedFile: the value is no such message.
            KeyError: there is no such key.
        """
        return self._all.message(key)

    def entry(self, key: str) -> Entry:
        """Return the entry of a tensor, checked against its dtype, shape and slices.

        Raises:
            UnknownName: there is no tensor of that key.
            DamagedFile: its entry contradicts itself, or its slices do not make up the tensor.
        """
        found = self._entries.get(key)
        if found is None:
            if key in self._wrong:
                raise DamagedFile(self._wrong[key], where=self._all.where)
            if key not in self:
                raise UnknownName(
                    f"The checkpoint has no tensor {show(key)!r}.",
                    where=show(str(self.index)),
                    hint=did_you_mean(key, self._keys, noun="tensors"),
                )
            try:
                found = self._entries[key] = self._all.entry(key_bytes(key))
            except DamagedFile as problem:
                self._wrong[key] = problem.message
                raise
        return found

    def piece(self, key: str, start: tuple[int, ...], length: tuple[int, ...]) -> Entry | None:
        """Return the slice of a tensor with this start and length, or None.

        Raises:
            UnknownName, DamagedFile: as for `entry`.
        """
        pieces = self._pieces.get(key)
        if pieces is None:
            pieces = {(part.start, part.length): part.entry for part in self.entry(key).slices}
            self._pieces[key] = pieces
        return pieces.get((start, length))

    def raw(self, key: str) -> bytes:
        """Return the bytes of a tensor, row-major and little-endian.

        Slices are put together; checksums are verified.

        Raises:
            UnknownName: there is no tensor of that key.
            MissingFile: a data file is missing.
            DamagedFile: its bytes are not all there, or a checksum is wrong.
            TypeError: it is a string tensor; `strings` reads those.
        """
        entry = self.entry(key)
        if entry.dtype == dtypes.STRING:
            raise TypeError(f"{key!r} is a string tensor: use strings()")
        if not entry.slices:
            return self._data.read(entry)
        if cut_axis(entry) == 0:
            parts = sorted(entry.slices, key=lambda part: part.start)
            return b"".join(self._data.read(part.entry) for part in parts)
        joined: bytes = self.array(key).tobytes()
        return joined

    def strings(self, key: str) -> list[bytes]:
        """Return the elements of a string tensor, row-major.

        Raises:
            TypeError: it is no string tensor.
            UnknownName, MissingFile, DamagedFile: as for `raw`.
        """
        entry = self.entry(key)
        if entry.dtype != dtypes.STRING:
            raise TypeError(f"{key!r} is no string tensor: use raw() or array()")
        if not entry.slices:
            return self._data.strings(entry)
        found: list[bytes] = self.array(key).ravel().tolist()
        return found

    def array(self, key: str) -> Any:
        """Return a tensor as a `numpy.ndarray`; strings as objects of type bytes.

        Raises:
            UnsupportedFormat: numpy has nothing like its dtype.
            UnknownName, MissingFile, DamagedFile: as for `raw`.
        """
        import numpy as np

        entry = self.entry(key)
        if not entry.slices:
            return self._data.array(entry)
        dtype = self._data.numpy_dtype(entry)
        self._data.check_of(entry)  # a tensor that is not there must not take memory
        out = np.empty(entry.shape, dtype)
        for part in entry.slices:
            place = tuple(slice(a, a + n) for a, n in zip(part.start, part.length, strict=True))
            out[place] = self._data.array(part.entry)
        return out

    @property
    def shards(self) -> list[Path]:
        """The paths of all data files, there or not."""
        return self._data.paths

    @property
    def present_shards(self) -> list[Path]:
        """The data files that are there."""
        return self._data.present

    @property
    def missing_shards(self) -> list[str]:
        """The names of the data files that are not there; an index can claim 99,999 of them."""
        return self._data.missing

    @property
    def shard_names(self) -> list[str]:
        """The names of all data files, there or not."""
        return self._data.names

    def check(self) -> list[Finding]:
        """Return findings about the index and the sizes of data files.

        No tensor is read.

        A data file in which no tensor is may be missing.

        Codes: `missing-shard`, `bad-shard` (too short, or no data file), `bad-entry`, `orphan-slice`.
        """
        return self._survey()[0]

    def verify(self, progress: files.Progress | None = None) -> list[Finding]:
        """Read every tensor, compare its checksum, and return the findings.

        Memory does not grow with the tensors.

        Codes: those of `check`, and `bad-tensor` for one whose checksum is wrong, or that overlaps
        another. No byte of the data files is read twice.

        Args:
            progress: called with bytes done and bytes in all.
        """
        findings, keys, shards = self._survey()
        work: dict[tuple[int, int, int], list[Entry]] = {}
        for key in keys:
            for part in self.entry(key).parts():
                if part.shard in shards:
                    work.setdefault((part.shard, part.offset, part.size), []).append(part)
        total, done = sum(size for _, _, size in work), 0
        shard, end = -1, 0
        for place in sorted(work):
            done += place[2]
            if place[2] and place[0] == shard and place[1] < end:
                message = f"Its {place[2]} bytes at byte {place[1]} are partly those of another tensor."
                findings += [Finding("bad-tensor", "error", show(part.key), message) for part in work[place]]
                continue
            if place[2]:
                shard, end = place[0], place[1] + place[2]
            sums: dict[tuple[int, int], int] = {}  # of one place, by dtype and count: keys may share bytes
            for part in work[place]:
                try:
                    kind = part.dtype, part.count
                    if kind not in sums:
                        sums[kind] = self._data.sum(part)
                    self._data.compare(part, sums[kind])
                except WorkbenchError as problem:
                    findings.append(_finding("bad-tensor", part.key, problem))
            if progress is not None:
                progress(done, total)
        return findings

    def check_shard(self, number: int, end: int) -> int:
        """Return the size of a data file; make sure that it has at least `end` bytes.

        Raises:
            MissingFile: it is not there.
            DamagedFile: it is shorter, or a Git LFS pointer.
        """
        return self._data.check(number, end)

    def uncovered(self, number: int) -> int:
        """Return how many bytes of a data file belong to no tensor.

        No checksum of `verify` covers them.

        Raises:
            MissingFile, DamagedFile: the data file or an entry of the index can't be read.
        """
        places = {
            (part.offset, part.size)
            for key in self._keys
            for part in self.entry(key).parts()
            if part.shard == number
        }
        return self.check_shard(number, 0) - sum(size for _, size in places)

    def _survey(self) -> tuple[list[Finding], list[str], set[int]]:
        """Return the findings of `check`, the keys with a good entry, the readable shards."""
        findings: list[Finding] = []
        few: FirstFew[str] = FirstFew(_LISTED)  # a file can have a hundred thousand of each

        def add(code: str, where: str, problem: WorkbenchError) -> None:
            if few.takes(code):
                findings.append(_finding(code, where, problem))

        keys: list[str] = []
        used: set[bytes] = set()
        ends: dict[int, int] = {}
        for key in self._keys:
            try:
                entry = self.entry(key)
            except DamagedFile as problem:
                add("bad-entry", key, problem)
                continue
            keys.append(key)
            if entry.slices:
                used.update(slice_keys(self.message(key_bytes(key)), key_bytes(key)))
            for part in entry.parts():
                ends[part.shard] = max(ends.get(part.shard, 0), part.offset + part.size)
        orphans = [name for name in self.values if is_slice_key(name) and name not in used]
        for name in orphans:
            if few.takes("orphan-slice"):
                message = "A slice belongs to no tensor that the index lists."
                findings.append(Finding("orphan-slice", "warning", show(repr(name)), message))
        shards = set(ends)
        there = self._data.numbers()
        for number, end in sorted(ends.items()):
            try:
                if number not in there and few.seen["missing-shard"] >= _LISTED:
                    shards.discard(number)
                    few.takes("missing-shard")
                    continue
                self.check_shard(number, end)
            except (MissingFile, DamagedFile) as problem:
                code = "missing-shard" if isinstance(problem, MissingFile) else "bad-shard"
                add(code, str(self._data.path(number)), problem)
                shards.discard(number)
        if left := few.left["orphan-slice"]:
            findings.append(rest("orphan-slice", "warning", left, "slices belong to no tensor"))
        for code, text in _MORE.items():
            if left := few.left[code]:
                findings.append(rest(code, "error", left, text, where=show(str(self.index))))
        return findings, keys, shards


def _finding(code: str, where: str, problem: WorkbenchError) -> Finding:
    return Finding(code, "error", show(where), problem.message, problem.hint)
