"""Checkpoints without TensorFlow: written, read, joined here, and made wrong in every way. See test_bundle_tf.py."""

from __future__ import annotations

import math
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sampling import plainly
from tests.timing import costs_at_most
from workbench.disk import crc, dtypes, files, schema
from workbench.disk.checkpoint import sstable, string_tensor
from workbench.disk.checkpoint.bundle import Bundle, JoinPart, Tensor, join, joined_size, shard_path, write
from workbench.disk.checkpoint.ordered_code import FULL, slice_key
from workbench.errors import (
    CannotWrite,
    DamagedFile,
    MissingFile,
    UnknownName,
    UnsupportedFormat,
    WorkbenchError,
)

ROOT = Path(__file__).parents[2]
FLOAT, STRING, INT32 = dtypes.FLOAT, dtypes.STRING, dtypes.INT32


def floats(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


TENSORS: dict[str, Tensor] = {
    "a/matrix": (FLOAT, (2, 3), floats(1, 2, 3, 4, 5, 6)),
    "a/scalar": (INT32, (), struct.pack("<i", -7)),
    "empty": (FLOAT, (0, 3), b""),
    "words": (STRING, (2, 2), [b"", b"x" * 300, b"\0\xff", b"four"]),
    "no words": (STRING, (0,), []),
    "ä": (dtypes.BOOL, (3,), b"\1\0\1"),
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The prefix of a checkpoint with `TENSORS`."""
    prefix = tmp_path / "saved" / "variables"
    write(prefix, TENSORS)
    return prefix


def entry(
    dtype: int = FLOAT,
    shape: tuple[int, ...] = (2,),
    data: bytes | None = floats(1, 2),
    slices: list[list[tuple[int, int]]] | None = None,
    **fields: Any,
) -> Any:
    """A BundleEntryProto; size and checksum are those of `data`."""
    message = schema.BundleEntryProto(dtype=dtype)
    message.shape.SetInParent()
    for size in shape:
        message.shape.dim.add(size=size)
    for extents in slices or []:
        place = message.slices.add()
        for start, length in extents:
            extent = place.extent.add(start=start)
            if length != FULL:
                extent.length = length
    if data is not None and not slices:
        message.size, message.crc32c = len(data), crc.masked(data)
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def forge(folder: Path, entries: dict[bytes, Any], data: bytes = floats(1, 2), **header: Any) -> Path:
    """A checkpoint with just these entries, whatever they say; its prefix."""
    folder.mkdir(exist_ok=True)
    head = schema.BundleHeaderProto(num_shards=1)
    head.version.producer = 1
    for name, value in header.items():
        setattr(head, name, value)
    items = {b"": head.SerializeToString(), **{key: _bytes(value) for key, value in entries.items()}}
    prefix = folder / "variables"
    prefix.with_name("variables.index").write_bytes(sstable.write_table(sorted(items.items())))
    shard_path(prefix, 0, 1).write_bytes(data)
    return prefix


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else bytes(value.SerializeToString())


def partitioned(folder: Path, shape: tuple[int, ...], slices: list[list[tuple[int, int]]]) -> Path:
    """A checkpoint with tensor `w`, float32 0, 1, 2, … of `shape`, cut into `slices`."""
    whole = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    entries: dict[bytes, Any] = {b"w": entry(shape=shape, slices=slices)}
    data = b""
    for extents in slices:
        sizes = [size if n == FULL else n for (_, n), size in zip(extents, shape, strict=True)]
        part = whole[tuple(slice(a, a + n) for (a, _), n in zip(extents, sizes, strict=True))]
        entries[slice_key(b"w", extents)] = entry(
            shape=tuple(part.shape), data=part.tobytes(), offset=len(data)
        )
        data += part.tobytes()
    return forge(folder, entries, data)


# reading what is right


def test_read_back(saved: Path) -> None:
    bundle = Bundle.open(saved)
    assert bundle.keys() == list(bundle) == sorted(TENSORS) and len(bundle) == 6
    assert bundle.num_shards == 1 and bundle.missing_shards == []
    assert bundle.shards == [saved.with_name("variables.data-00000-of-00001")]
    assert bundle.nbytes == bundle.shards[0].stat().st_size
    for key, (dtype, shape, content) in TENSORS.items():
        found = bundle.entry(key)
        assert (found.key, found.dtype, found.shape) == (key, dtype, shape) and key in bundle
        if dtype == STRING:
            assert bundle.strings(key) == content
            assert bundle.array(key).ravel().tolist() == content
        else:
            assert bundle.raw(key) == content
            assert bundle.array(key).tobytes() == content
        assert bundle.array(key).shape == shape
    assert bundle.array("a/matrix").tolist() == [[1, 2, 3], [4, 5, 6]]
    assert bundle.array("ä").dtype == bool
    assert bundle.verify() == bundle.check() == []


def test_raw_entries(saved: Path) -> None:
    found = Bundle.open(saved).raw_entries
    assert set(found) == {key.encode() for key in TENSORS}
    assert found[b"a/matrix"].size == 24


@pytest.mark.parametrize(
    "name", ["bfloat16", "float16", "int4", "uint4", "float8_e5m2", "qint8", "complex128"]
)
def test_dtypes_of_all_sizes(name: str, tmp_path: Path) -> None:
    number = dtypes.enum(name)
    array = np.array([[1, 0, 2]]).astype(dtypes.numpy(number))
    write(tmp_path / "v", {"x": (number, (1, 3), array.tobytes())})
    found = Bundle.open(tmp_path / "v").array("x")
    assert found.dtype == array.dtype and found.astype(complex).tolist() == [[1, 0, 2]]


def test_names_that_are_not_there(saved: Path) -> None:
    bundle = Bundle.open(saved)
    for key in ("a/matrx", "", "\0w\0\1"):
        assert key not in bundle
        with pytest.raises(UnknownName):
            bundle.entry(key)
    with pytest.raises(UnknownName, match="Did you mean a/matrix"):
        bundle.raw("a/matrx")


def test_strings_and_numbers_are_not_mixed_up(saved: Path) -> None:
    bundle = Bundle.open(saved)
    with pytest.raises(TypeError, match="use strings"):
        bundle.raw("words")
    with pytest.raises(TypeError, match="use raw"):
        bundle.strings("a/scalar")


def test_aliased_keys_share_bytes_and_count_once(tmp_path: Path) -> None:
    both = entry()
    bundle = Bundle.open(forge(tmp_path, {b"one": both, b"two": both}))
    assert bundle.raw("one") == bundle.raw("two") == floats(1, 2)
    assert bundle.nbytes == 8
    assert bundle.verify() == []


def test_opening_needs_no_shard(saved: Path) -> None:
    shard = saved.with_name("variables.data-00000-of-00001")
    shard.unlink()
    bundle = Bundle.open(saved)
    assert bundle.missing_shards == [shard.name]
    assert bundle.entry("a/matrix").size == 24
    assert [(f.code, f.where) for f in bundle.verify()] == [("missing-shard", str(shard))]
    with pytest.raises(MissingFile, match="data file of the checkpoint is missing") as caught:
        bundle.raw("a/matrix")
    assert caught.value.where == str(shard)
    with pytest.raises(MissingFile):
        join([JoinPart(bundle, "a")], saved.with_name("joined"))
    assert sorted(os.listdir(saved.parent)) == ["variables.index"]


# partitioned tensors

CUTS: dict[str, tuple[tuple[int, ...], list[list[tuple[int, int]]]]] = {
    "rows": ((5, 2), [[(0, 2), (0, FULL)], [(2, 3), (0, FULL)]]),
    "rows, listed out of order": ((5, 2), [[(2, 3), (0, FULL)], [(0, 2), (0, FULL)]]),
    "columns": ((3, 100), [[(0, FULL), (0, 64)], [(0, FULL), (64, 36)]]),
    "both": ((4, 4), [[(r, 2), (c, 2)] for r in (0, 2) for c in (0, 2)]),
    "uneven tiles": ((2, 3), [[(0, 1), (0, FULL)], [(1, 1), (0, 1)], [(1, 1), (1, 2)]]),
    "one slice that is all": ((4,), [[(0, 4)]]),
    "an empty slice": ((4,), [[(0, 0)], [(0, 4)]]),
    "nothing": ((0, 3), [[(0, FULL), (0, FULL)]]),
    "a scalar": ((), [[]]),
}


@pytest.mark.parametrize("name", CUTS)
def test_slices_are_put_together(name: str, tmp_path: Path) -> None:
    shape, slices = CUTS[name]
    bundle = Bundle.open(partitioned(tmp_path, shape, slices))
    expected = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    assert bundle.keys() == ["w"]
    found = bundle.entry("w")
    assert found.size == expected.nbytes and len(found.slices) == len(slices)
    assert bundle.raw("w") == expected.tobytes()
    assert (bundle.array("w") == expected).all() and bundle.array("w").shape == shape
    assert bundle.verify() == []


def test_slices_of_strings(tmp_path: Path) -> None:
    entries: dict[bytes, Any] = {b"w": entry(STRING, (3,), slices=[[(0, 1)], [(1, 2)]])}
    data = b""
    for extents, strings in (([(0, 1)], [b"one"]), ([(1, 2)], [b"", b"three"])):
        body, checksum = string_tensor.encode(strings)
        found = entry(STRING, (len(strings),), None, offset=len(data), size=len(body), crc32c=checksum)
        entries[slice_key(b"w", extents)] = found
        data += body
    bundle = Bundle.open(forge(tmp_path, entries, data))
    assert bundle.strings("w") == [b"one", b"", b"three"]
    assert bundle.verify() == []


BAD_CUTS: dict[str, tuple[tuple[int, ...], list[list[tuple[int, int]]], str]] = {
    "a hole": ((5,), [[(0, 2)], [(3, 2)]], r"leave a hole at \[3:5\]"),
    "a hole at the end": ((5,), [[(0, 2)], [(2, 2)]], "end at 4 of 5"),
    "an overlap": ((5,), [[(0, 3)], [(2, 3)]], r"overlap at \[2:5\]"),
    "twice the same": ((4,), [[(0, FULL)], [(0, 4)]], "overlap"),
    "listed twice": ((4,), [[(0, 2)], [(2, 2)], [(2, 2)]], r"lists the slice \[2:4\] twice"),
    "an overlap of tiles": ((2, 2), [[(0, 1), (0, 2)], [(0, 2), (0, 1)]], "overlap"),
    "a hole between tiles": ((2, 2), [[(0, 1), (0, 2)], [(1, 1), (0, 1)]], "leave holes"),
    "out of range": ((5,), [[(0, 2)], [(2, 4)]], r"\[2:6\] is not within \[5\]"),
    "a negative start": ((5,), [[(-2, 2)]], "is not within"),
    "a scalar in two": ((), [[], []], "twice"),
}


@pytest.mark.parametrize("name", BAD_CUTS)
def test_slices_that_do_not_make_up_the_tensor(name: str, tmp_path: Path) -> None:
    shape, slices, message = BAD_CUTS[name]
    entries: dict[bytes, Any] = {b"w": entry(shape=shape, slices=slices)}
    for extents in slices:
        sizes = tuple(size if n == FULL else n for (_, n), size in zip(extents, shape, strict=True))
        entries[slice_key(b"w", extents)] = entry(shape=sizes, data=bytes(4 * int(np.prod(sizes))))
    _refused(forge(tmp_path, entries, bytes(100)), message)


def test_slices_that_are_not_as_announced(tmp_path: Path) -> None:
    whole = entry(shape=(4,), slices=[[(0, 4)]])
    key = slice_key(b"w", [(0, 4)])
    _refused(forge(tmp_path / "1", {b"w": whole}), r"no entry for the slice \[0:4\]")
    wrong = {b"w": whole, key: entry(shape=(2, 2), data=bytes(16))}
    _refused(forge(tmp_path / "2", wrong), r"stored as float32 \[2, 2\]")
    wrong = {b"w": whole, key: entry(INT32, shape=(4,), data=bytes(16))}
    _refused(forge(tmp_path / "3", wrong), r"stored as int32 \[4\]")
    wrong = {b"w": entry(shape=(4, 1), slices=[[(0, 4)]]), key: entry(shape=(4,), data=bytes(16))}
    _refused(forge(tmp_path / "4", wrong), "1 dimensions; the tensor has 2")


def test_many_slices_take_no_quadratic_time(tmp_path: Path) -> None:
    rows = [[(2 * number, 2), (0, FULL)] for number in range(2000)]
    bundle = Bundle.open(partitioned(tmp_path / "rows", (4000, 1), rows))
    with costs_at_most(0.5):
        assert len(bundle.entry("w").slices) == 2000
    tiles = [[(r, 1), (c, 1)] for r in range(40) for c in range(40)]
    _refused(partitioned(tmp_path / "tiles", (40, 40), tiles), "1024 is the most")


def test_many_slices_of_a_long_name_take_no_time(tmp_path: Path) -> None:
    name = b"w" * (60 << 10)
    whole, part = entry(shape=(4,), slices=[[(0, 2)]] * 100_000), entry()
    bundle = Bundle.open(forge(tmp_path, {name: whole, slice_key(name, [(0, 2)]): part}))
    with costs_at_most(1), pytest.raises(DamagedFile, match="twice"):
        bundle.entry(name.decode())


def test_a_shard_in_which_nothing_is_may_be_missing(tmp_path: Path) -> None:
    prefix = forge(tmp_path, {b"w": entry()}, num_shards=9_999)
    shard_path(prefix, 0, 1).rename(shard_path(prefix, 0, 9_999))
    bundle = Bundle.open(prefix)
    assert len(bundle.missing_shards) == 9_998
    assert bundle.verify() == []
    join([JoinPart(bundle, "a")], tmp_path / "out")
    assert Bundle.open(tmp_path / "out").num_shards == 1


def test_a_slice_that_belongs_to_nothing(tmp_path: Path) -> None:
    bundle = Bundle.open(forge(tmp_path, {b"v": entry(), slice_key(b"w", [(0, 2)]): entry()}))
    assert bundle.keys() == ["v"]
    assert [(f.code, f.severity) for f in bundle.check()] == [("orphan-slice", "warning")]
    join([JoinPart(bundle, "a")], tmp_path / "joined")
    assert set(Bundle.open(tmp_path / "joined").values) == {b"a/v"}


def _refused(prefix: Path, message: str, key: str = "w") -> None:
    """One entry is refused by each way to it, and found by `check` and `verify`."""
    bundle = Bundle.open(prefix)
    with pytest.raises(DamagedFile, match=message) as caught:
        bundle.entry(key)
    assert caught.value.where == str(bundle.index)
    with pytest.raises(DamagedFile, match=message):
        bundle.raw(key)
    with pytest.raises(DamagedFile, match=message):
        join([JoinPart(bundle, "a")], prefix.with_name("joined"))
    assert not list(prefix.parent.glob("joined*"))
    assert bundle.nbytes in (0, 8)
    found = [finding for finding in bundle.verify() if finding.code == "bad-entry"]
    assert [finding.where for finding in found] == [key]


# reading what is wrong

BAD_ENTRIES: dict[str, tuple[Any, str]] = {
    "no message": (b"\xff\xff", "can't be parsed"),
    "no dtype": (entry(0), "no dtype"),
    "more bytes than the shape": (entry(size=12), r"it has 12 bytes; float32 of shape \[2\] takes 8"),
    "fewer bytes than the shape": (entry(shape=(3,)), r"it has 8 bytes; float32 of shape \[3\] takes 12"),
    "a shape that overflows": (entry(shape=(1 << 62, 1 << 62)), "it has 8 bytes; float32"),
    "a negative size in the shape": (entry(shape=(-1,)), "not fully known"),
    "too many dimensions": (entry(shape=(1,) * 255), "not fully known"),
    "no such shard": (entry(shard_id=1), "it is in shard 1, and there are 1"),
    "a negative shard": (entry(shard_id=-1), "in shard -1"),
    "a negative offset": (entry(offset=-8), "8 bytes at byte -8"),
    "a negative size": (entry(size=-8), "-8 bytes at byte 0"),
    "an offset that overflows": (entry(offset=(1 << 63) - 4), "8 bytes at byte 9223372036854775804"),
    "more strings than bytes": (entry(STRING, (1 << 40,)), "1099511627776 elements can't be in 8 bytes"),
    "more variants than bytes": (entry(dtypes.VARIANT, (9,)), "9 elements can't be in 8 bytes"),
}


@pytest.mark.parametrize("name", BAD_ENTRIES)
def test_bad_entry(name: str, tmp_path: Path) -> None:
    message, expected = BAD_ENTRIES[name]
    _refused(forge(tmp_path, {b"good": entry(), b"w": message}), expected)


def test_unknown_rank(tmp_path: Path) -> None:
    message = entry()
    message.shape.unknown_rank = True
    _refused(forge(tmp_path, {b"w": message}), "not fully known")


def test_unknown_dtype_is_read_raw(tmp_path: Path) -> None:
    bundle = Bundle.open(forge(tmp_path, {b"w": entry(77)}))
    assert bundle.raw("w") == floats(1, 2)
    with pytest.raises(UnsupportedFormat, match="dtype_77, which numpy"):
        bundle.array("w")


@pytest.mark.parametrize("shape", [(1 << 62, 0), (1,) * 65])
def test_shapes_that_numpy_cannot_hold(shape: tuple[int, ...], tmp_path: Path) -> None:
    data = bytes(4 * math.prod(shape))
    bundle = Bundle.open(forge(tmp_path, {b"w": entry(shape=shape, data=data)}, data))
    with pytest.raises(UnsupportedFormat, match=r"of shape .* which numpy can't hold"):
        bundle.array("w")
    assert bundle.raw("w") == data


def test_a_shard_that_is_too_short(saved: Path) -> None:
    bundle = Bundle.open(saved)
    shard = bundle.shards[0]
    size = shard.stat().st_size
    os.truncate(shard, size - 1)
    assert [finding.code for finding in bundle.verify()] == ["bad-shard"]
    with pytest.raises(
        DamagedFile, match=rf"has {size - 1} bytes; the index places tensors up to byte {size}"
    ):
        bundle.raw("ä")
    assert bundle.raw("a/matrix") == TENSORS["a/matrix"][2]
    with pytest.raises(DamagedFile, match="The data file has"):
        join([JoinPart(bundle, "a")], saved.with_name("joined"))


def test_a_huge_tensor_in_a_small_shard_takes_no_memory(tmp_path: Path) -> None:
    bundle = Bundle.open(forge(tmp_path, {b"w": entry(shape=(1 << 50,), size=1 << 52)}))
    with pytest.raises(DamagedFile, match="The data file has 8 bytes"):
        bundle.raw("w")


def test_a_shard_that_is_a_pointer(saved: Path) -> None:
    bundle = Bundle.open(saved)
    bundle.shards[0].write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n")
    with pytest.raises(DamagedFile, match="Git LFS pointer"):
        bundle.strings("words")
    assert [finding.code for finding in bundle.check()] == ["bad-shard"]


def test_a_shard_that_is_no_file(saved: Path) -> None:
    bundle = Bundle.open(saved)
    bundle.shards[0].unlink()
    os.mkfifo(bundle.shards[0])
    with pytest.raises(DamagedFile, match="not a regular file"):
        bundle.raw("a/matrix")
    assert bundle.missing_shards == bundle.shard_names


@pytest.mark.parametrize("step", plainly([1, 13], 13))
def test_every_flipped_bit_of_a_shard_is_noticed(step: int, saved: Path) -> None:
    bundle = Bundle.open(saved)
    shard = bundle.shards[0]
    data = shard.read_bytes()
    read: dict[str, Callable[[str], Any]] = {
        key: bundle.strings if dtype == STRING else bundle.raw for key, (dtype, _, _) in TENSORS.items()
    }
    for place in range(0, len(data) * 8, step):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        shard.write_bytes(flipped)
        wrong = []
        for key, reader in read.items():
            try:
                assert reader(key) == TENSORS[key][2]
            except DamagedFile:
                wrong.append(key)
        assert len(wrong) == 1, place
        if place % 50 == 0:
            assert [(f.code, f.where) for f in bundle.verify()] == [("bad-tensor", wrong[0])]


@pytest.mark.parametrize("step", plainly([1, 13], 13))
def test_every_flipped_bit_of_an_index_is_noticed_or_harmless(step: int, saved: Path) -> None:
    index = saved.with_name("variables.index")
    data, expected = index.read_bytes(), Bundle.open(saved).values
    for place in range(0, len(data) * 8, step):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        index.write_bytes(flipped)
        try:
            assert Bundle.open(saved).values == expected
        except (DamagedFile, UnsupportedFormat):
            continue


def test_headers(tmp_path: Path) -> None:
    forge(tmp_path, {b"w": entry()}, endianness=1)
    with pytest.raises(UnsupportedFormat, match="big-endian"):
        Bundle.open(tmp_path / "variables")
    for number in (0, -1, 100_000):
        forge(tmp_path, {b"w": entry()}, num_shards=number)
        with pytest.raises(DamagedFile, match=f"speaks of {number} data files"):
            Bundle.open(tmp_path / "variables")
    index = tmp_path / "variables.index"
    for version in (b"\x10\x02", b"\x1a\x01\x01"):  # min_consumer = 2; bad_consumers = [1]
        header = b"\x08\x01\x1a" + bytes((len(version),)) + version
        index.write_bytes(sstable.write_table([(b"", header)]))
        with pytest.raises(UnsupportedFormat, match="reader of version"):
            Bundle.open(tmp_path / "variables")
    index.write_bytes(sstable.write_table([(b"w", b"")]))
    with pytest.raises(DamagedFile, match="has no header"):
        Bundle.open(tmp_path / "variables")
    index.write_bytes(sstable.write_table([(b"", b"\xff\xff")]))
    with pytest.raises(DamagedFile, match="header of the index can't be parsed"):
        Bundle.open(tmp_path / "variables")


def test_no_index(tmp_path: Path, saved: Path) -> None:
    with pytest.raises(MissingFile, match="There is no checkpoint"):
        Bundle.open(tmp_path / "no" / "variables")
    index = saved.with_name("variables.index")
    index.unlink()
    with pytest.raises(MissingFile, match=r"data files are there \('variables.data-00000-of-00001'\)"):
        Bundle.open(saved)
    saved.with_name("variables-00000-of-00001").write_bytes(b"")
    with pytest.raises(UnsupportedFormat, match="V1 format"):
        Bundle.open(saved)
    index.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n")
    with pytest.raises(DamagedFile, match="Git LFS pointer"):
        Bundle.open(saved)
    index.unlink()
    index.mkdir()
    with pytest.raises(DamagedFile, match="not a regular file"):
        Bundle.open(saved)


def test_names_are_made_safe_to_show(tmp_path: Path) -> None:
    key = "red\x1b[31m\n"
    bundle = Bundle.open(forge(tmp_path, {key.encode(): entry(size=3)}))
    with pytest.raises(DamagedFile) as caught:
        bundle.entry(key)
    assert "\x1b" not in str(caught.value) and "\n" not in str(caught.value)
    assert "\x1b" not in bundle.check()[0].where


def test_keys_that_are_no_text(tmp_path: Path) -> None:
    bundle = Bundle.open(forge(tmp_path, {b"\xfe\x80w": entry()}))
    (key,) = bundle.keys()
    assert bundle.raw(key) == floats(1, 2)
    join([JoinPart(bundle, "a")], tmp_path / "joined")
    assert set(Bundle.open(tmp_path / "joined").values) == {b"a/\xfe\x80w"}


# strings and variants


@given(st.lists(st.binary(max_size=400), max_size=40))
def test_strings_round_trip(strings: list[bytes]) -> None:
    data, checksum = string_tensor.encode(strings)
    assert string_tensor.decode(data, len(strings), "x") == (strings, checksum)


def test_many_strings() -> None:
    strings = [b"x" * (number % 5) for number in range(40_000)] + [b"y" * 200] * 1000 + [b"z"] * 70_000
    data, checksum = string_tensor.encode(strings)
    assert string_tensor.decode(data, len(strings), "x") == (strings, checksum)


@given(st.binary(max_size=60), st.integers(0, 20))
def test_bytes_that_are_no_strings_give_only_our_errors(data: bytes, count: int) -> None:
    def read(offset: int, size: int) -> bytes:
        assert 0 <= offset <= offset + size <= len(data)
        return data[offset : offset + size]

    for check in (string_tensor.check_strings, string_tensor.check_variants):
        try:
            check(read, len(data), count, "x")
        except DamagedFile as problem:
            assert problem.where == "x"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "1 of its elements have no length in its 0 bytes"),
        (b"\xff" * 20, "1 of its elements have no length"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + bytes(20), "1 of its elements have no length"),
        (b"\3abc", r"take 1 \+ 4 \+ 3 bytes; the index says 4"),
        (b"\3\0\0\0\0abc", "checksum of its strings' lengths"),
    ],
)
def test_strings_that_are_wrong(data: bytes, message: str) -> None:
    with pytest.raises(DamagedFile, match=message):
        string_tensor.decode(data, 1, "x")


# writing


def test_an_empty_checkpoint(tmp_path: Path) -> None:
    write(tmp_path / "v", {})
    bundle = Bundle.open(tmp_path / "v")
    assert bundle.keys() == [] and bundle.num_shards == 1 and bundle.verify() == []


@pytest.mark.parametrize(
    "tensor",
    [
        (FLOAT, (2,), b"abc"),
        (STRING, (), b"abc"),
        (STRING, (2,), [b"abc"]),
        (FLOAT, (1,), [b"abcd"]),
        (20, (), b""),
    ],
)
def test_bytes_that_do_not_fit_are_not_written(tensor: Tensor, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="for tensor 'x'"):
        write(tmp_path / "v", {"x": tensor})
    assert os.listdir(tmp_path) == []


def test_nothing_is_overwritten(saved: Path) -> None:
    before = {path: path.read_bytes() for path in saved.parent.iterdir()}
    with pytest.raises(CannotWrite, match="File exists"):
        write(saved, {"x": (FLOAT, (), floats(0))})
    assert {path: path.read_bytes() for path in saved.parent.iterdir()} == before


# joining


def parts_of(folder: Path) -> tuple[Bundle, Bundle]:
    """Two checkpoints: `TENSORS`, and a partitioned `w`."""
    write(folder / "one" / "v", TENSORS)
    return Bundle.open(folder / "one" / "v"), Bundle.open(partitioned(folder / "two", *CUTS["rows"]))


def test_join(tmp_path: Path) -> None:
    one, two = parts_of(tmp_path)
    seen: list[tuple[int, int]] = []
    out = tmp_path / "out" / "variables"
    extra: dict[str, Tensor] = {"root/graph": (STRING, (), [b"graph"]), "root/n": (INT32, (1,), b"\1\0\0\0")}
    parts = [JoinPart(one, "img"), JoinPart(two, "dig"), JoinPart(one, "img_2")]
    join(parts, out, extra=extra, progress=lambda done, total: seen.append((done, total)))
    joined = Bundle.open(out)
    assert joined.num_shards == 4 and joined.verify() == []
    sources = [one.shards[0], two.shards[0], one.shards[0]]
    assert [path.read_bytes() for path in joined.shards[:3]] == [path.read_bytes() for path in sources]
    expected = {f"{handle}/{key}" for handle in ("img", "img_2") for key in TENSORS} | {"dig/w", *extra}
    assert set(joined.keys()) == expected
    for key, (dtype, _, content) in TENSORS.items():
        for handle, shard in (("img", 0), ("img_2", 2)):
            read = joined.strings if dtype == STRING else joined.raw
            assert read(f"{handle}/{key}") == content
            assert joined.entry(f"{handle}/{key}").shard == shard
    assert joined.raw("dig/w") == two.raw("w") and len(joined.entry("dig/w").slices) == 2
    assert {part.entry.shard for part in joined.entry("dig/w").slices} == {1}
    assert joined.message(b"dig/w").shard_id == 0  # the entry of the whole names no shard
    assert joined.strings("root/graph") == [b"graph"] and joined.entry("root/n").shard == 3
    assert seen[0][0] == 0 and seen[-1][0] == seen[-1][1] == sum(
        path.stat().st_size for path in joined.shards
    )
    written = sum(path.stat().st_size for path in out.parent.iterdir())
    assert joined_size(parts, extra) == written


def test_join_of_a_join(tmp_path: Path) -> None:
    one, two = parts_of(tmp_path)
    join([JoinPart(one, "a"), JoinPart(two, "b")], tmp_path / "first")
    first = Bundle.open(tmp_path / "first")
    join([JoinPart(first, "c"), JoinPart(two, "d")], tmp_path / "second")
    second = Bundle.open(tmp_path / "second")
    assert second.num_shards == 3 and second.verify() == []
    assert second.raw("c/b/w") == second.raw("d/w") == two.raw("w")


def test_join_of_one_without_a_prefix_changes_nothing(tmp_path: Path) -> None:
    one, two = parts_of(tmp_path)
    for number, bundle in enumerate((one, two)):
        out = tmp_path / f"copy{number}"
        join([JoinPart(bundle)], out)
        copy = Bundle.open(out)
        assert copy.index.read_bytes() == bundle.index.read_bytes()
        assert copy.shards[0].read_bytes() == bundle.shards[0].read_bytes()


def test_keys_dropped_and_renamed(tmp_path: Path) -> None:
    one, two = parts_of(tmp_path)
    names = {"a/matrix": "new", "words": "w"}
    parts = [JoinPart(one, rename=names.get), JoinPart(two, rename=lambda key: None)]
    join(parts, tmp_path / "out")
    joined = Bundle.open(tmp_path / "out")
    assert joined.keys() == ["new", "w"] and joined.raw("new") == TENSORS["a/matrix"][2]
    assert joined.num_shards == 1  # of the other nothing is needed


def test_shards_that_nothing_needs_are_left_out(tmp_path: Path) -> None:
    one, two = parts_of(tmp_path)
    join([JoinPart(one, "a"), JoinPart(two, "b")], tmp_path / "both")
    both = Bundle.open(tmp_path / "both")
    both.shards[0].unlink()
    join([JoinPart(both, rename=lambda key: key if key.startswith("b/") else None)], tmp_path / "half")
    half = Bundle.open(tmp_path / "half")
    assert half.keys() == ["b/w"] and half.num_shards == 1 and half.raw("b/w") == two.raw("w")


def test_two_tensors_of_one_key_are_refused(tmp_path: Path) -> None:
    one, _ = parts_of(tmp_path)
    with pytest.raises(ValueError, match="have the key b'a/a/matrix'"):
        join([JoinPart(one, "a"), JoinPart(one, "a")], tmp_path / "out")
    with pytest.raises(ValueError, match="have the key b'a/empty'"):
        join([JoinPart(one, "a")], tmp_path / "out", extra={"a/empty": (FLOAT, (0,), b"")})
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("without", [["copy_file_range"], ["copy_file_range", "sendfile"]])
def test_join_without_help_of_the_kernel(
    without: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = bytes(range(256)) * 9000
    write(tmp_path / "v", {"x": (dtypes.UINT8, (len(big),), big)})
    for name in without:

        def refuse(*arguments: Any) -> int:
            raise OSError(18, "Invalid cross-device link")

        monkeypatch.setattr(os, name, refuse)
    join([JoinPart(Bundle.open(tmp_path / "v"), "a")], tmp_path / "out")
    assert Bundle.open(tmp_path / "out").raw("a/x") == big


def test_a_shard_that_shrinks_while_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "v", {"x": (dtypes.UINT8, (5000,), bytes(5000))})
    bundle = Bundle.open(tmp_path / "v")
    open_new = files.open_new

    def shrink(path: Path) -> int:
        os.truncate(bundle.shards[0], 100)
        return open_new(path)

    monkeypatch.setattr(files, "open_new", shrink)
    with pytest.raises(DamagedFile, match="ends at byte 100; it had 5000 bytes"):
        join([JoinPart(bundle, "a")], tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


def test_disk_full(tmp_path: Path) -> None:
    write(tmp_path / "v", {"x": (dtypes.UINT8, (200_000,), bytes(200_000))})
    script = """
import resource, sys
from pathlib import Path
from workbench.disk.checkpoint.bundle import Bundle, JoinPart, join
from workbench.errors import CannotWrite
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    join([JoinPart(Bundle.open(sys.argv[1]), "a")], Path(sys.argv[2]))
except CannotWrite as problem:
    print(problem)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "v"), str(tmp_path / "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "out.data-00000-of-00001: Cannot write: File too large" in done.stdout
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("call", ["sync", "open_new", "write_all"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_join_that_fails_removes_what_it_wrote(
    call: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = parts_of(tmp_path)
    original = getattr(files, call)
    for number in range(20):
        calls = 0

        def fail_once(*arguments: Any, number: int = number) -> Any:
            nonlocal calls
            calls += 1
            if calls == number + 1:
                raise error
            return original(*arguments)

        monkeypatch.setattr(files, call, fail_once)
        try:
            join([JoinPart(one, "a"), JoinPart(two, "b")], tmp_path / "out", extra={"c": (FLOAT, (0,), b"")})
        except (CannotWrite, KeyboardInterrupt) as problem:
            assert isinstance(problem, CannotWrite) == isinstance(error, OSError)
            assert not list(tmp_path.glob("out*"))
        else:
            break
    assert number > 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_memory_does_not_grow_with_the_tensors(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from workbench.disk.checkpoint.bundle import Bundle, JoinPart, join
def peak():  # not ru_maxrss: that keeps the size of the parent it was forked from
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
before = peak()
bundle = Bundle.open(sys.argv[1])
join([JoinPart(bundle, "a"), JoinPart(bundle, "b")], Path(sys.argv[2]))
print(len(Bundle.open(sys.argv[2]).verify()), peak() - before)
"""
    size = 64 << 20
    # a hole in the file: nothing of it is on the disk
    message = entry(dtypes.UINT8, (size,), None, size=size)
    total, block = 0, bytes(1 << 20)
    for _ in range(64):
        total = crc.extend(total, block)
    message.crc32c = crc.mask(total)
    prefix = forge(tmp_path / "big", {b"x": message})
    os.truncate(shard_path(prefix, 0, 1), 0)
    os.truncate(shard_path(prefix, 0, 1), size)
    command = [sys.executable, "-c", script, str(prefix), str(tmp_path / "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    problems, grown = map(int, done.stdout.split())
    assert problems == 0
    assert grown * 1024 < 40 << 20  # two chunks, and what Python takes


def test_the_bundle_in_the_samples(sample_models: Path) -> None:
    for name in ("digits", "digits_tf2"):
        bundle = Bundle.open(sample_models / name / "variables" / "variables")
        assert bundle.verify() == [] and bundle.nbytes > 784 * 10 * 4


keys = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
tensors = st.one_of(
    st.lists(st.integers(-100, 100), max_size=5).map(
        lambda n: (INT32, (len(n),), struct.pack(f"<{len(n)}i", *n))
    ),
    st.lists(st.binary(max_size=200), max_size=5).map(lambda s: (STRING, (len(s),), s)),
)


@given(st.dictionaries(keys, tensors, max_size=8), st.dictionaries(keys, tensors, max_size=8))
def test_any_two_joined_hold_what_both_held(
    tmp_path_factory: pytest.TempPathFactory, one: dict[str, Tensor], two: dict[str, Tensor]
) -> None:
    folder = tmp_path_factory.mktemp("join")
    write(folder / "one", one)
    write(folder / "two", two)
    parts = [JoinPart(Bundle.open(folder / "one"), "a"), JoinPart(Bundle.open(folder / "two"), "b")]
    join(parts, folder / "out")
    joined = Bundle.open(folder / "out")
    expected = {f"a/{key}": value for key, value in one.items()} | {
        f"b/{key}": value for key, value in two.items()
    }
    assert set(joined) == set(expected) and joined.verify() == []
    for key, (dtype, _, content) in expected.items():
        assert (joined.strings(key) if dtype == STRING else joined.raw(key)) == content


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_random_entries_give_only_our_errors(
    tmp_path_factory: pytest.TempPathFactory, header: bytes, value: bytes
) -> None:
    folder = tmp_path_factory.mktemp("random")
    prefix = forge(folder, {b"w": value})
    bundle = Bundle.open(prefix)
    try:
        bundle.array("w")
    except WorkbenchError:
        assert bundle.verify()
    prefix.with_name("variables.index").write_bytes(sstable.write_table([(b"", header)]))
    try:
        Bundle.open(prefix)
    except WorkbenchError as problem:
        assert problem.where
