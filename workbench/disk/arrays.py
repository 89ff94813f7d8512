"""Arrays out of `.npy` and `.npz` files: what a header claims is compared with the file before memory is taken.

The format is that of `numpy/lib/_format_impl.py` (`read_magic`, `_read_array_header`). Numpy takes the memory that a
header asks for and only then looks at the file; it also loads whatever a member of an archive unpacks to. Nothing is
unpickled.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from workbench.errors import InputError
from workbench.names import show

if TYPE_CHECKING:
    import zipfile

    import numpy as np

    Array = np.ndarray[Any, Any]

MAX_BYTES = 1 << 30
"""Of all that is read from one file, since it is sent to the child in a message."""
_MAX_HEADER = 10_000
_MAX_MEMBERS = 10_000


class NotAnArray(ValueError):
    """A file, or a member of one, that can't be read as an array; the message says why."""


def read_bytes(name: str) -> bytes:
    """Return the bytes of a file.

    Raises:
        InputError: it can't be read, or is too large.
    """
    with reading(name), open(name, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(MAX_BYTES + 1) if size <= MAX_BYTES else b""
        if max(size, len(data)) > MAX_BYTES:
            raise NotAnArray(f"it is larger than {MAX_BYTES >> 20:,} MiB, the most that is given to an input")
        return data


def _regular(name: str, flags: int) -> int:
    """Open a regular file only: a pipe could block, and a device do something."""
    if not stat.S_ISREG(os.stat(name).st_mode):
        raise NotAnArray("it is not a regular file")
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def read_npy(name: str) -> Array:
    """Return the array of an `.npy` file.

    Raises:
        InputError: it is no such file, holds fewer bytes than its header claims, pickled objects or records, or is
            too large.
    """
    import zipfile

    with reading(name), open(name, "rb", opener=_regular) as file:
        found = os.fstat(file.fileno())
        if zipfile.is_zipfile(file):
            raise InputError(
                f"The file {show(name)} holds several arrays.", hint="Name it .npz and choose one."
            )
        file.seek(0)
        return _read(file, found.st_size)


def read_npz(name: str, member: str | None = None, *, every: bool = False) -> dict[str, Array]:
    """Return arrays of an `.npz` file by name.

    Args:
        name: of the file.
        member: the one that is wanted; None for the only one.
        every: all of them instead.

    Raises:
        InputError: it is no such file, has no such array or several, or one of them is refused as by `read_npy`.
    """
    import zipfile

    with reading(name), open(name, "rb", opener=_regular) as file:
        if file.read(6) == b"\x93NUMPY":
            raise InputError(f"The file {show(name)} holds just one array.", hint="Name it .npy.")
        with zipfile.ZipFile(file) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if len(members) > _MAX_MEMBERS:
                raise NotAnArray(f"it has {len(members):,} members; {_MAX_MEMBERS:,} are the most")
            if not every:
                if member is None and len(members) == 1:
                    member = next(iter(members))
                if member not in members:
                    raise _which(name, member, list(members))
                members = {member: members[member]}
            left, found = MAX_BYTES, {}
            for key, info in members.items():
                found[key] = _member(archive, info, key, left)
                left -= found[key].nbytes
            return found


def _which(name: str, member: str | None, members: list[str]) -> InputError:
    message = "It holds several arrays." if member is None else f"It has no array {show(member)!r}."
    listed = ", ".join(f"@{show(name)}[{show(item)}]" for item in members[:8]) or "none"
    return InputError(message, where=show(name), hint=f"It has {listed}.")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, key: str, most: int) -> Array:
    with archive.open(info) as stream:
        try:
            return _read(stream, info.file_size, most)
        except NotAnArray as problem:
            raise NotAnArray(f"array {show(key)}: {problem}") from None


def _read(stream: IO[bytes], size: int, most: int = MAX_BYTES) -> Array:
    """The array in a stream that is said to be `size` bytes long; at most that and `most` is read."""
    import numpy as np

    shape, fortran, dtype = _header(stream)
    if dtype.hasobject:
        raise NotAnArray("it holds pickled objects, which are never loaded")
    if dtype.fields is not None or dtype.subdtype is not None:
        raise NotAnArray(f"its elements are records ({show(str(dtype), 80)}), not numbers or strings")
    if any(length < 0 for length in shape):
        raise NotAnArray(f"its shape {list(shape)} has a negative length")
    if len(shape) > 32:
        raise NotAnArray(f"its shape has {len(shape)} dimensions; 32 are the most")
    count = 1
    for length in shape:
        count *= length
    nbytes = count * dtype.itemsize
    there = size - stream.tell()
    if nbytes > there:
        raise NotAnArray(
            f"its header claims {show(str(dtype))} {list(shape)}, {nbytes:,} bytes; {max(there, 0):,} follow"
        )
    if max(nbytes, count) > most:
        raise NotAnArray(
            f"its {show(str(dtype))} {list(shape)} takes {nbytes:,} bytes; of a file {MAX_BYTES:,} are read"
        )
    data = bytearray()  # grows with what is there: the size of a member is a claim as well
    while len(data) < nbytes and (part := stream.read(min(1 << 20, nbytes - len(data)))):
        data += part
    if len(data) < nbytes:
        raise NotAnArray(f"its header claims {nbytes:,} bytes; {len(data):,} follow")
    if not dtype.itemsize:
        return np.zeros(shape, dtype)
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether the first dimension runs fastest, and dtype."""
    import tokenize
    import warnings

    from numpy.lib import format as numpy_format

    try:
        version = numpy_format.read_magic(stream)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if version == (1, 0):
                return numpy_format.read_array_header_1_0(stream, max_header_size=_MAX_HEADER)
            if version == (2, 0):
                return numpy_format.read_array_header_2_0(stream, max_header_size=_MAX_HEADER)
    except (ValueError, TypeError, SyntaxError, tokenize.TokenError, RecursionError, MemoryError) as problem:
        raise NotAnArray(f"it has no header of an array ({show(str(problem), 120)})") from None
    raise NotAnArray(f"its format {version[0]}.{version[1]} is that of records, not of numbers or strings")


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what is raised for a file that can't be read, or is no array, into an error of ours."""
    import lzma
    import zipfile
    import zlib

    why: str
    try:
        yield
        return
    except OSError as error:
        why = error.strerror or str(error)
    except NotAnArray as error:
        why = str(error)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        why = f"it is damaged ({show(str(error), 120)})" if str(error) else "it ends early"
    except (
        ValueError,
        RuntimeError,
        NotImplementedError,
        UnicodeError,
    ) as error:  # as zipfile and open have it
        why = show(str(error), 120)
    raise InputError(f"The file {show(name)} can't be read: {why}.")
