"""What fuzzing found in the readers of files, and what was found beside it: each small, each once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.disk.test_bundle import entry, floats, forge
from tests.sampling import plainly
from tests.timing import costs_at_most
from workbench.disk import crc, dtypes, files, parse, schema
from workbench.disk.checkpoint.bundle import Bundle, shard_path
from workbench.disk.checkpoint.ordered_code import slice_key
from workbench.disk.folder.assets import check_asset_name
from workbench.errors import DamagedFile, MissingFile
from workbench.names import NO_OUTPUT, nearest, output_number, parse_number


def test_a_partitioned_tensor_that_is_not_there_takes_no_memory(tmp_path: Path) -> None:
    """Found by fuzzing: the array was made before anybody looked for the bytes."""
    rows = [[(row, 1), (0, 1 << 40)] for row in range(4)]
    entries: dict[bytes, Any] = {b"w": entry(shape=(4, 1 << 40), slices=rows)}
    for row, extents in enumerate(rows):
        part = entry(shape=(1, 1 << 40), data=None, size=1 << 42, offset=row << 42)
        entries[slice_key(b"w", extents)] = part
    bundle = Bundle.open(forge(tmp_path, entries))
    for read in (bundle.array, bundle.raw):
        with pytest.raises(DamagedFile, match="The data file has 8 bytes"):
            read("w")


def test_strings_that_are_not_there_take_no_memory(tmp_path: Path) -> None:
    """Found by fuzzing, at input 288,927: the same for six billion strings."""
    strings = entry(dtypes.STRING, (6 << 30,), None, size=1 << 40)
    bundle = Bundle.open(forge(tmp_path, {b"w": strings}))
    for read in (bundle.array, bundle.strings):
        with pytest.raises(DamagedFile, match="The data file has 8 bytes"):
            read("w")


@pytest.mark.parametrize("dtype", [101, 107, 177])
def test_a_value_is_no_reference(dtype: int, tmp_path: Path) -> None:
    """Found by fuzzing: `string_ref` is no string, but numpy was asked for objects."""
    bundle = Bundle.open(forge(tmp_path, {b"w": entry(dtype)}))
    with pytest.raises(DamagedFile, match=r"no value is a reference"):
        bundle.array("w")
    assert [finding.code for finding in bundle.check()] == ["bad-entry"]


def test_slices_that_share_their_bytes(tmp_path: Path) -> None:
    slices = [[(0, 2)], [(2, 2)]]
    part = entry()
    entries: dict[bytes, Any] = {b"w": entry(shape=(4,), slices=slices)}
    entries |= {slice_key(b"w", extents): part for extents in slices}
    with pytest.raises(DamagedFile, match=r"its slices \[0:2\] and \[2:4\] overlap in the data file"):
        Bundle.open(forge(tmp_path, entries)).entry("w")


def test_tensors_that_lie_over_each_other_are_read_once(tmp_path: Path) -> None:
    """Three thousand keys, each a byte further into two megabytes, would be six gigabytes to read."""
    data = bytes(2 << 20)
    entries: dict[bytes, Any] = {
        b"%05d" % at: entry(dtypes.UINT8, (len(data) - at,), None, size=len(data) - at, offset=at)
        for at in range(3000)
    }
    entries[b"00000"].crc32c = crc.masked(data)
    bundle = Bundle.open(forge(tmp_path, entries, data))
    with costs_at_most(0.25):
        found = bundle.verify()
    assert len(found) == 2999 and "are partly those of another tensor" in found[0].message


def test_a_hundred_thousand_mistakes_are_counted(tmp_path: Path) -> None:
    entries: dict[bytes, Any] = {b"%x" % index: b"" for index in range(5000)}
    entries |= {slice_key(b"%x" % index, [(0, 1)]): entry() for index in range(300)}
    found = Bundle.open(forge(tmp_path, entries)).check()
    assert len(found) == 202
    assert {finding.message for finding in found} >= {
        "4,900 more entries are wrong.",
        "200 more slices belong to no tensor.",
    }


def test_an_entry_that_was_found_wrong_is_wrong_again(tmp_path: Path) -> None:
    bundle = Bundle.open(forge(tmp_path, {b"w": entry(size=12)}))
    said = set()
    for _ in range(3):
        with pytest.raises(DamagedFile) as caught:
            bundle.entry("w")
        said.add(str(caught.value))
    assert len(said) == 1


@pytest.mark.parametrize("count", plainly([9_999, 99_999], 9_999))
def test_an_index_that_speaks_of_many_shards(count: int, tmp_path: Path) -> None:
    entries: dict[bytes, Any] = {b"%x" % index: entry(shard_id=index) for index in range(500)}
    prefix = forge(tmp_path, entries, num_shards=count)
    shard_path(prefix, 0, 1).rename(shard_path(prefix, 3, count))
    bundle = Bundle.open(prefix)
    assert bundle.present_shards == [shard_path(prefix, 3, count)]
    assert len(bundle.missing_shards) == count - 1
    found = bundle.check()
    assert len(found) == 101 and found[-1].message == "399 more data files are missing."
    assert bundle.array("3").tolist() == [1, 2] and bundle.raw("3") == floats(1, 2)


def test_a_slice_is_found_by_its_place(tmp_path: Path) -> None:
    slices = [[(0, 2)], [(2, 2)]]
    entries: dict[bytes, Any] = {b"w": entry(shape=(4,), slices=slices)}
    for number, extents in enumerate(slices):
        entries[slice_key(b"w", extents)] = entry(offset=8 * number)
    bundle = Bundle.open(forge(tmp_path, entries, floats(1, 2, 3, 4)))
    found = bundle.piece("w", (2,), (2,))
    assert found is not None and found.offset == 8
    assert bundle.piece("w", (1,), (2,)) is None


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000, "-" + "9" * 30])
def test_text_with_a_number_that_its_field_cannot_hold(number: str, tmp_path: Path) -> None:
    """Found by fuzzing: text format raises another exception for these than for all other mistakes."""
    text = f"saved_model_schema_version: 1 meta_graphs {{ graph_def {{ versions {{ bad_consumers: {number} }} }} }}"
    with pytest.raises(DamagedFile, match="This text is no SavedModel: "):
        parse.text(schema.SavedModel(), text.encode(), tmp_path / "saved_model.pbtxt")


def test_nesting_beyond_what_protobuf_reads(tmp_path: Path) -> None:
    data = b""
    for _ in range(300):
        data = b"\x12" + _size(data) + data
    with pytest.raises(DamagedFile):
        parse.binary(schema.SavedModel(), b"\x08\x01" + data, tmp_path / "saved_model.pb")
    deep = "func { attr { key: 'a' value { " * 400
    with pytest.raises(DamagedFile, match="nested too deeply"):
        parse.text(
            schema.SavedModel(),
            f"meta_graphs {{ graph_def {{ node {{ attr {{ key: 'a' value {{ {deep}".encode(),
            tmp_path / "saved_model.pbtxt",
        )


def _size(data: bytes) -> bytes:
    from workbench.disk.serialized.wire import encode_varint

    return encode_varint(len(data))


@pytest.mark.parametrize("name", ["n" * 256, "é" * 128, "/".join("a" * 1025)])
def test_asset_names_longer_than_those_of_files(name: str) -> None:
    with pytest.raises(DamagedFile, match="longer than the name of a file can be"):
        check_asset_name(name)
    assert check_asset_name("n" * 255) == "n" * 255


def test_first_and_last_bytes(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"0123456789")
    assert files.read_first(path, 4) == b"0123" and files.read_last(path, 4) == b"6789"
    assert files.read_first(path, 99) == files.read_last(path, 99) == b"0123456789"
    with pytest.raises(MissingFile):
        files.read_last(tmp_path / "g", 1)
    os.mkfifo(tmp_path / "g")
    with pytest.raises(DamagedFile, match="not a regular file"):
        files.read_first(tmp_path / "g", 1)


def test_numbers_in_names() -> None:
    assert [parse_number(text) for text in ("0", "12", "999999999", "9" * 5000, "٣", "²", "-1", " 1", "")] == [
        0, 12, 999_999_999, None, None, None, None, None, None,
    ]  # fmt: skip
    assert (output_number(""), output_number("3"), output_number(":b")) == (0, 3, NO_OUTPUT)


def test_the_nearest_of_many_long_names_alike() -> None:
    """Quadratic in the length of names before: five thousand like these took minutes."""
    names = ["a" * 300 + f"{number:05d}" for number in range(5000)]
    with costs_at_most(2):
        assert nearest("a" * 290 + "x00017", names, 3)
    assert nearest("conv1/kernel", ["conv1/kernel_1", "conv2/kernel", "dense/bias"])[0] == "conv1/kernel_1"
