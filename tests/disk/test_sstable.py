"""The table of an index: what is written is TensorFlow's, what is read may be hostile."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sampling import plainly
from tests.timing import costs_at_most
from workbench.disk import crc
from workbench.disk.checkpoint.sstable import MAX_BLOCK, MAX_KEY, read_table, write_table
from workbench.disk.serialized.wire import encode_varint
from workbench.errors import DamagedFile, UnsupportedFormat, WorkbenchError

ROOT = Path(__file__).resolve().parents[2]

MAGIC = 0xDB4775248B80FB57
Items = list[tuple[bytes, bytes]]


def read(data: bytes) -> Items:
    return list(read_table(data, "x.index").items())


def entry(shared: int, rest: bytes, value: bytes) -> bytes:
    return encode_varint(shared) + encode_varint(len(rest)) + encode_varint(len(value)) + rest + value


def block(*entries: bytes) -> bytes:
    return b"".join(entries) + struct.pack("<II", 0, 1)


def table(
    *blocks: bytes,
    kinds: tuple[int, ...] = (),
    index: bytes | None = None,
    separators: tuple[bytes, ...] = (),
    handles: dict[int, tuple[int, int]] | None = None,
    magic: int = MAGIC,
) -> bytes:
    """A table of given block bodies, every checksum right, everything else as one likes."""
    out = bytearray()

    def append(body: bytes, kind: int = 0) -> tuple[int, int]:
        place = len(out), len(body)
        out.extend(body + bytes((kind,)))
        out.extend(struct.pack("<I", crc.masked(body + bytes((kind,)))))
        return place

    places = [append(body, kind) for body, kind in zip(blocks, kinds or (0,) * len(blocks), strict=True)]
    places = [(handles or {}).get(number, place) for number, place in enumerate(places)]
    if index is None:
        names = separators or tuple(bytes((0xF0 + number,)) for number in range(len(blocks)))
        index = block(
            *(
                entry(0, name, encode_varint(a) + encode_varint(b))
                for name, (a, b) in zip(names, places, strict=True)
            )
        )
    ends = [append(block()), append(index)]
    footer = b"".join(encode_varint(a) + encode_varint(b) for a, b in ends).ljust(40, b"\0")
    return bytes(out) + footer + struct.pack("<Q", magic)


def snappy(body: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(body))


# what is right


def test_empty_table() -> None:
    assert read(write_table([])) == []


def test_one_block_by_its_bytes() -> None:
    data = write_table([(b"", b"H"), (b"ab", b"1"), (b"abc", b"2")])
    body = b"\0\0\x01H" + b"\0\x02\x01ab1" + b"\x02\x01\x01c2" + struct.pack("<II", 0, 1)
    assert data.startswith(body + b"\0" + struct.pack("<I", crc.masked(body + b"\0")))
    assert data[-8:] == bytes.fromhex("57fb808b247547db")
    index_key = b"b"  # the short successor of "abc"
    assert b"\0\x01\x02" + index_key + encode_varint(0) + encode_varint(len(body)) in data
    assert read(data) == [(b"", b"H"), (b"ab", b"1"), (b"abc", b"2")]


def test_a_restart_point_every_sixteen_entries() -> None:
    items = [(b"key%02d" % number, b"") for number in range(33)]
    data = write_table(items)
    first = 3 + 5  # a key in full
    sixteen = first + 9 * (3 + 1) + (3 + 2) + 5 * (3 + 1)  # key00; 01 to 09; 10; 11 to 15
    second = (
        first + 3 * (3 + 1) + (3 + 2) + 9 * (3 + 1) + (3 + 2) + (3 + 1)
    )  # 16; 17 to 19; 20; 21 to 29; 30; 31
    restarts = struct.pack("<4I", 0, sixteen, sixteen + second, 3)
    assert data[sixteen + second + first :].startswith(restarts + b"\0")
    assert read(data) == items


def test_separators_between_blocks_are_short() -> None:
    data = write_table([(b"alpha_long_name", b"x" * 40), (b"gamma_long_name", b"y" * 40)], block_size=32)
    assert b"\0\x01\x02b" in data  # the index says "b" for what lies between alpha… and gamma…
    assert read(data) == [(b"alpha_long_name", b"x" * 40), (b"gamma_long_name", b"y" * 40)]


keys = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [b"layer/kernel", b"layer/bias", b"layer_1/kernel", b"\xff\xff", b"\xff\xff\x01", b"\0w\0\x01"]
    ),
    st.binary(min_size=120, max_size=300),
)
tables = st.dictionaries(keys, st.binary(max_size=200), max_size=60).map(lambda found: sorted(found.items()))


@given(tables, st.sampled_from([1, 50, 300, 256 << 10]))
def test_round_trip(items: Items, block_size: int) -> None:
    assert read(write_table(items, block_size=block_size)) == items


@given(tables)
def test_snappy_blocks(items: Items) -> None:
    entries = [entry(0, key, value) for key, value in items]
    half = len(items) // 2
    if not half:
        assert read(table(snappy(block(*entries)), kinds=(1,), separators=(b"\xff" * 400,))) == items
        return
    separators = items[half - 1][0], items[-1][0]
    for kinds in ((1, 0), (0, 1), (1, 1)):
        bodies = [block(*entries[:half]), block(*entries[half:])]
        packed = [snappy(body) if kind else body for body, kind in zip(bodies, kinds, strict=True)]
        assert read(table(*packed, kinds=kinds, separators=separators)) == items


def test_long_keys_and_values_take_long_varints() -> None:
    items = [(b"k" * MAX_KEY, b"v" * 100_000), (b"l" * 300, b"")]
    assert read(write_table(items)) == items


def test_writer_refuses_keys_out_of_order() -> None:
    with pytest.raises(ValueError, match="must ascend"):
        write_table([(b"b", b""), (b"a", b"")])
    with pytest.raises(ValueError, match="must ascend"):
        write_table([(b"a", b""), (b"a", b"")])


# what is wrong

GOOD = block(entry(0, b"a", b"1"), entry(0, b"b", b"2"))
HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", r"has 0 bytes; .* at least 48"),
    "no magic": (table(GOOD, magic=7), r"the last 8 bytes are 0x0*7;"),
    "another kind of file": (b"PK\x03\x04" + bytes(500), r"last 8 bytes"),
    "unended varint in the footer": (b"\xff" * 40 + struct.pack("<Q", MAGIC), r"no pair of varints"),
    "index handle past the end": (
        table(GOOD)[:-48]
        + (bytes(2) + encode_varint(1 << 40) + encode_varint(9)).ljust(40, b"\0")
        + table(GOOD)[-8:],
        r"past the end",
    ),
    "block past the end": (table(GOOD, handles={0: (0, 1 << 20)}), r"past the end of the blocks"),
    "block at a huge offset": (table(GOOD, handles={0: (1 << 63, 4)}), r"past the end of the blocks"),
    "blocks out of order": (
        table(GOOD, block(entry(0, b"c", b"")), handles={1: (0, len(GOOD))}),
        r"begins before the one before it ends",
    ),
    "handle of a block is no handle": (table(index=block(entry(0, b"a", b"\xff"))), r"no pair of varints"),
    "more restart points than bytes": (
        table(b"abc" + struct.pack("<I", 1 << 30)),
        r"restart points in 7 bytes",
    ),
    "block too short": (table(b"\0\0"), r"restart points in 2 bytes"),
    "shares more than there is": (table(block(entry(3, b"a", b""))), r"shares 3 of 0 key bytes"),
    "key past the block": (table(block(b"\0\x50\0ab")), r"does not fit"),
    "value past the block": (table(block(b"\0\x01\x7fab")), r"does not fit"),
    "entry cut off in a varint": (table(block(b"\0\xff\xff")), r"does not fit"),
    "lengths of 2^34": (table(block(b"\0\xff\xff\xff\xff\x3f\0a")), r"does not fit"),
    "key too long": (table(block(entry(0, b"k" * (MAX_KEY + 1), b""))), r"at most 65536"),
    "keys not ascending": (
        table(block(entry(0, b"b", b""), entry(0, b"a", b""))),
        r"key 'a' must come after 'b'",
    ),
    "a key twice": (table(block(entry(0, b"b", b""), entry(1, b"", b""))), r"key 'b' must come after 'b'"),
    "keys not ascending between blocks": (
        table(GOOD, GOOD, separators=(b"b", b"c")),
        r"'a' must come after 'b'",
    ),
    "separator before its block": (table(GOOD, separators=(b"a",)), r"'a' must come after 'b'"),
    "key before the separator": (
        table(block(entry(0, b"a", b"")), block(entry(0, b"c", b"")), separators=(b"d", b"e")),
        r"'c' must come after",
    ),
    "snappy that is none": (table(b"\x20garbage", kinds=(1,)), r"block at byte 0: snappy"),
    "snappy of nothing": (table(b"", kinds=(1,)), r"unpack to \? bytes"),
    "snappy that is too large": (
        table(encode_varint(MAX_BLOCK + 1) + bytes(99), kinds=(1,)),
        r"unpack to 67108865",
    ),
    "snappy that lies": (table(encode_varint(MAX_BLOCK) + bytes(99), kinds=(1,)), r"103 bytes of snappy say"),
    "snappy with a size of 2^35": (table(b"\xff\xff\xff\xff\x7fx", kinds=(1,)), r"6 bytes of snappy say"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str) -> None:
    data, message = HOSTILE[name]
    with pytest.raises(DamagedFile, match=message) as caught:
        read(data)
    assert caught.value.where == "x.index"


def test_other_compression_is_said() -> None:
    with pytest.raises(UnsupportedFormat, match="compression type 2; 0"):
        read(table(GOOD, kinds=(2,)))


def test_text_of_a_key_is_made_safe() -> None:
    with pytest.raises(DamagedFile) as caught:
        read(table(block(entry(0, b"\x1b[31mred", b""), entry(0, b"\x07", b""))))
    assert "\x1b" not in str(caught.value) and "\x07" not in str(caught.value)


SMALL = write_table(
    [(b"", b"header"), *((b"layer/%d" % number, b"value%d" % number) for number in range(9))], block_size=60
)


def test_every_flipped_bit_is_noticed_or_harmless() -> None:
    expected = read(SMALL)
    harmless = 0
    for place in range(8 * len(SMALL)):
        data = bytearray(SMALL)
        data[place // 8] ^= 1 << place % 8
        try:
            assert read(bytes(data)) == expected, place
            harmless += 1
        except (DamagedFile, UnsupportedFormat):
            pass
    assert harmless <= 8 * 40  # the padding of the footer


def test_every_cut_is_noticed() -> None:
    for size in range(len(SMALL)):
        with pytest.raises(DamagedFile):
            read(SMALL[:size])


@given(st.binary(max_size=300), st.binary(max_size=60))
def test_blocks_of_random_bytes_give_only_our_errors(body: bytes, index: bytes) -> None:
    for data in (
        body,
        body + struct.pack("<Q", MAGIC),
        table(body),
        table(body, kinds=(1,)),
        table(index=index),
    ):
        with contextlib.suppress(WorkbenchError):
            read(data)


def shared_prefixes() -> bytes:
    """64 KiB of key from 8 bytes of file, 120,000 times."""
    deep = b"k" * (MAX_KEY - 4)
    return table(
        block(entry(0, deep, b""), *(entry(len(deep), struct.pack(">I", n), b"") for n in range(120_000)))
    )


def tiny_entries() -> bytes:
    """An entry from 4 bytes of file, 130,000 times."""
    out = bytearray(b"\0\x03\0\0\0\0")
    for number in range(1, 130_000):
        key = number.to_bytes(3, "big")
        out += b"\2\1\0" + key[2:] if number % 256 else b"\0\3\0" + key
    return table(block(bytes(out)))


def tiny_snappy_entries() -> bytes:
    """An entry from about 4 bytes of snappy, 1,500,000 times."""
    step, row = 90_000, 11
    rows = b"".join(b"\0\4\4" + struct.pack(">I", n) + bytes(4) for n in range(1_500_000))
    packed = [snappy(block(rows[at : at + row * step])) for at in range(0, len(rows), row * step)]
    ends = tuple(struct.pack(">I", step * (n + 1) - 1) for n in range(len(packed)))
    return table(*packed, kinds=(1,) * len(packed), separators=ends)


@pytest.mark.parametrize("make", plainly([shared_prefixes, tiny_entries, tiny_snappy_entries], tiny_entries))
def test_a_bomb_takes_bounded_time_and_memory(make: Callable[[], bytes], tmp_path: Path) -> None:
    data = make()
    limit = 1 + 0.1 * len(data) / 1e6
    (tmp_path / "bomb").write_bytes(data)
    script = f"""
import sys, time
from workbench.disk.checkpoint.sstable import read_table
from workbench.errors import DamagedFile
data = open({str(tmp_path / "bomb")!r}, "rb").read()
start = time.process_time()
try:
    kept = read_table(data, "bomb")
    print("read", len(kept), end=" ")
except DamagedFile:
    print("refused", end=" ")
took = time.process_time() - start
# not ru_maxrss: that keeps the size of the parent it was forked from
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
if took > {limit}:
    from tests.timing import pace  # after the peak, which it is no part of
    took /= pace()
print(took, int(peak) * 1024)
"""
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT)
    words = done.stdout.split()
    seconds, peak = float(words[-2]), int(words[-1])
    assert words[0] == "refused"
    assert peak <= 250e6 + 150 * len(data)
    assert seconds <= 2 * limit  # twice what it may: the pace is measured once


def test_a_table_of_seven_thousand_entries_reads_in_a_moment() -> None:
    items = [(b"", b"\x08\x01")] + [
        (b"model/layer_%04d/kernel/.ATTRIBUTES/VARIABLE_VALUE" % n, bytes(28)) for n in range(7000)
    ]
    data = write_table(items)
    with costs_at_most(0.15):  # 5 ms where nothing else runs
        assert len(read(data)) == 7001


# TensorFlow's own


@pytest.mark.needs_tf
@pytest.mark.parametrize("count", [1, 15, 16, 17, 300, 7000])
def test_written_as_tensorflow_writes(count: int, tmp_path: Path) -> None:
    import numpy as np
    import tensorflow as tf

    names = [
        f"layer_{number % 97:02d}/block_{number}/kernel/.ATTRIBUTES/VARIABLE_VALUE" for number in range(count)
    ]
    tensors = [np.full(number % 5, number, np.float32) for number in range(count)]
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "v"), tensor_names=names, shape_and_slices=[""] * count, tensors=tensors
    )
    data = (tmp_path / "v.index").read_bytes()
    items = read(data)
    assert [key.decode() for key, _ in items] == ["", *sorted(names)]
    assert write_table(items) == data
    if count == 7000:
        assert len(data) > 256 << 10  # more than one block
