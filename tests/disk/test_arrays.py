"""Files of arrays are read with distrust: what they claim is compared with what is there before memory is taken."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.sampling import plainly
from workbench.disk import arrays
from workbench.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


def npy(header: str, data: bytes = b"", version: int = 1) -> bytes:
    text = header.encode("latin1") + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def claim(shape: str, descr: str = "'<f4'", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}"


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return path


HOSTILE = {
    "a trillion": (npy(claim("(1000000000000,)"), bytes(64)), "4,000,000,000,000 bytes; 64 follow"),
    "an overflow": (npy(claim("(4294967296, 4294967296, 4294967296)"), bytes(64)), "claims"),
    "one too many": (npy(claim("(17,)"), bytes(64)), "68 bytes; 64 follow"),
    "a negative length": (npy(claim("(-4,)"), bytes(64)), "negative"),
    "two negative lengths": (npy(claim("(-4, -4)"), bytes(64)), "negative"),
    "many empty strings": (npy(claim("(1000000000000,)", "'<U0'")), "of a file"),
    "dimensions": (npy(claim("(" + "1," * 40 + ")"), bytes(4)), "40 dimensions"),
    "pickles": (npy(claim("(1,)", "'|O'"), b"cos\nsystem\n(S'true'\ntR."), "pickled"),
    "records": (npy(claim("(1,)", "[('a', '<f4'), ('b', '<i8')]"), bytes(12)), "records"),
    "records with pickles": (npy(claim("(1,)", "[('a', '|O')]"), bytes(8)), "pickled"),
    "arrays of arrays": (npy(claim("(1,)", "('<f4', (1000, 1000))"), bytes(8)), "claims|records|header"),
    "a long header": (npy(claim("(1,)") + " " * 20_000), "header"),
    "a deep header": (npy("(" * 5000 + ")" * 5000), "header"),
    "code": (npy("__import__('os').system('true')"), "header"),
    "no dict": (npy("[1, 2]"), "header"),
    "another dtype": (npy(claim("(1,)", "'float99'"), bytes(4)), "header"),
    "a shape of floats": (npy(claim("(1.5,)"), bytes(4)), "header"),
    "a header cut off": (npy(claim("(1,)"))[:20], "header"),
    "only the mark": (b"\x93NUMPY", "header"),
    "nothing": (b"", "header"),
    "a later format": (b"\x93NUMPY\x03\x00" + bytes(20), "format 3.0"),
    "an unknown format": (b"\x93NUMPY\x09\x00" + bytes(20), "header|format 9.0"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_array_is_refused_in_words(name: str, tmp_path: Path) -> None:
    data, words = HOSTILE[name]
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(InputError, match=words):
        arrays.read_npy(str(tmp_path / "a.npy"))
    with pytest.raises(InputError, match=words):
        arrays.read_npz(str(archive(tmp_path / "a.npz", x=data)))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=">i8").reshape(2, 3)),
        np.array(True),
        np.zeros((0, 5), np.float16),
        np.array([["a", "longer"], ["", "ä"]]),
        np.array([b"x", b"\0y"]),
        np.array([1 + 2j]),
    ],
    ids=lambda array: f"{array.dtype}{list(array.shape)}",
)
def test_what_numpy_writes_is_read(array: np.ndarray, version: int, tmp_path: Path) -> None:
    written = io.BytesIO()
    np.lib.format.write_array(written, array, version=(version, 0))
    (tmp_path / "a.npy").write_bytes(written.getvalue())
    found = arrays.read_npy(str(tmp_path / "a.npy"))
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.tolist() == array.tolist()
    np.savez_compressed(tmp_path / "a.npz", x=array, y=array)
    both = arrays.read_npz(str(tmp_path / "a.npz"), every=True)
    assert list(both) == ["x", "y"] and both["y"].tolist() == array.tolist()


def test_a_pipe_is_no_array(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(b"")
    for device in ("/dev/zero", "/dev/null"):
        with pytest.raises(InputError, match="not a regular file"):
            arrays.read_npy(device)
        with pytest.raises(InputError, match="not a regular file"):
            arrays.read_npz(device)


@pytest.mark.exhaustive
def test_a_pipe_without_an_end_is_not_read_for_ever() -> None:
    with pytest.raises(InputError, match="larger than"):
        arrays.read_bytes("/dev/zero")


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "big", "wb") as file:
        os.truncate(file.fileno(), 1 << 40)
    with pytest.raises(InputError, match="larger than 1,024 MiB"):
        arrays.read_bytes(str(tmp_path / "big"))


def lying(path: Path) -> Path:
    """An archive whose directory says that a member of 70 bytes unpacks to 800 MB."""
    data = npy(claim("(200000000,)"), bytes(4))
    archive(path, x=data)
    raw = path.read_bytes()
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = raw.index(mark) + at
        raw = raw[:place] + struct.pack("<I", 800_000_128) + raw[place + 4 :]
    path.write_bytes(raw)
    return path


def bomb(path: Path, kind: str) -> Path:
    if kind == "lying":
        return lying(path)
    size, count = (1200, 1) if kind == "honest" else (40, 40)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for number in range(count):
            with file.open(f"x{number}.npy", "w", force_zip64=True) as member:
                member.write(npy(claim(f"({size << 18},)")))
                if count == 1:
                    for _ in range(size):
                        member.write(bytes(1 << 20))
    return path


MEASURE = """
import sys
from workbench.errors import InputError
from workbench.disk import arrays
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) >> 10
import numpy
for path in sys.argv[1:]:
    before = peak()
    try:
        arrays.read_npz(path, every=True)
        print("read", end=" ")
    except InputError as problem:
        print(problem, end=" ")
    print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize("kinds", plainly([["honest"], ["many", "lying"]], ["many", "lying"]))
def test_a_bomb_takes_little_memory(kinds: list[str], tmp_path: Path) -> None:
    """Archives of kilobytes that unpack, or claim to unpack, to gigabytes."""
    paths = [bomb(tmp_path / f"{kind}.npz", kind) for kind in kinds]
    words = [sys.executable, "-c", MEASURE, *map(str, paths)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT)
    lines = done.stdout.splitlines()
    assert len(lines) == len(kinds)
    for line in lines:
        said, _, grown = line.rpartition(" ")
        assert "can't be read" in said and "bytes" in said
        assert int(grown) < 60, said
