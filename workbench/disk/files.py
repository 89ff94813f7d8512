"""The few calls that change a disk, in one place, and their errors in our words.

`sync`, `make_folder`, `remove`, `move`, `write_all`, `copy_bytes` are the points where a disk can fail or an
interrupt can strike; a test that wants to see either replaces them here.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from workbench.disk.serialized.wire import Buffer
from workbench.errors import CannotWrite, DamagedFile, MissingFile
from workbench.names import show

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""

CHUNK = 16 << 20
"""Bytes copied or read at a time: enough to be fast, few enough to be stopped and to show progress."""

_HINTS = {
    errno.ENOSPC: "Free some space, or write to another disk.",
    errno.EDQUOT: "The quota is used up; write to another disk.",
    errno.EFBIG: "A file may not grow that large here (a limit of the shell or the file system).",
    errno.EROFS: "The file system is read-only; write elsewhere.",
    errno.EACCES: "Write to a folder you own.",
    errno.EPERM: "Write to a folder you own.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}
_NO_KERNEL_COPY = frozenset(
    {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EPERM, errno.EBADF}
)
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


@contextmanager
def writing(where: Path) -> Iterator[None]:
    """Turn an `OSError` while `where` is written into a `CannotWrite` that names it."""
    try:
        yield
    except OSError as problem:
        refused = CannotWrite(
            f"Cannot write: {problem.strerror or problem}.",
            where=show(str(where)),
            hint=_HINTS.get(problem.errno or 0, "Write to another place."),
        )
        for note in getattr(problem, "__notes__", ()):
            refused.add_note(note)
        raise refused from problem


def open_source(path: Path) -> int:
    """Open a regular file for reading; return its descriptor.

    Raises:
        MissingFile: there is no such file.
        DamagedFile: it is something else (a folder, a pipe), or may not be read.
    """
    shown = show(str(path))
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a device can do something when it is opened
            raise DamagedFile("This is not a regular file.", where=shown)
        descriptor = os.open(path, os.O_RDONLY | _BINARY | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError):
        raise MissingFile("There is no such file.", where=shown) from None
    except (OSError, ValueError) as problem:
        raise DamagedFile(f"Cannot read: {problem}.", where=shown) from problem
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DamagedFile("This is not a regular file.", where=shown)
    return descriptor


class Stamp(NamedTuple):
    """Size, times and identity of a file: what tells its content from another, unread.

    The time of change is set by the system alone, whenever a file is written to, renamed or linked; on Windows it is
    that of the creation. Not the inode, which some network file systems make anew for each look.
    """

    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, found: os.stat_result) -> Stamp:
        """Return the stamp in an answer of `stat`."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    @classmethod
    def at(cls, path: Path) -> Stamp | None:
        """Return the stamp of the file at a path, links followed, or None."""
        try:
            return cls.of(os.stat(path))
        except (OSError, ValueError):
            return None

    def same_content(self, other: Stamp) -> bool:
        """Return whether nothing was written in between, also if the file was moved."""
        return (self.size, self.modified) == (other.size, other.modified)


def open_new(path: Path) -> int:
    """Open a file that must not exist yet; its mode follows the umask."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)


def read_at(descriptor: int, offset: int, size: int, where: Path) -> bytes:
    """Return exactly `size` bytes of a file from `offset` on.

    Raises:
        DamagedFile: the file ends before, or the system can't read it.
    """
    shown = show(str(where))
    parts = []
    left = size
    try:
        while left:
            part = _pread(descriptor, min(left, 1 << 30), offset + size - left)
            if not part:
                raise DamagedFile(
                    f"The file ends at byte {os.fstat(descriptor).st_size};"
                    f" {size} bytes at byte {offset} were expected.",
                    where=shown,
                )
            parts.append(part)
            left -= len(part)
    except OSError as problem:
        raise DamagedFile(f"Cannot read: {problem.strerror or problem}.", where=shown) from problem
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _pread(descriptor: int, count: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, count, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, count)


def read_whole(path: Path, most: int) -> bytes:
    """Return all bytes of a regular file of at most `most` bytes.

    Raises as `read_stamped`.
    """
    return read_stamped(path, most)[0]


def read_stamped(path: Path, most: int) -> tuple[bytes, Stamp]:
    """Return all bytes of a regular file and its stamp before they were read.

    Raises:
        MissingFile: there is no such file.
        DamagedFile: it is larger, is no regular file, or can't be read.
    """
    descriptor = open_source(path)
    try:
        stamp = Stamp.of(os.fstat(descriptor))
        if stamp.size > most:
            raise DamagedFile(
                f"The file has {stamp.size} bytes; {most} is the most that is read.", where=show(str(path))
            )
        return read_at(descriptor, 0, stamp.size, path), stamp
    finally:
        os.close(descriptor)


def read_first(path: Path, most: int) -> bytes:
    """Return the first `most` bytes of a regular file, or all.

    Raises:
        MissingFile: there is no such file.
        DamagedFile: it is no regular file, or can't be read.
    """
    descriptor = open_source(path)
    try:
        return read_at(descriptor, 0, min(most, os.fstat(descriptor).st_size), path)
    finally:
        os.close(descriptor)


def read_last(path: Path, count: int) -> bytes:
    """Return the last `count` bytes of a regular file, or all.

    Raises as `read_first`.
    """
    descriptor = open_source(path)
    try:
        size = os.fstat(descriptor).st_size
        return read_at(descriptor, max(size - count, 0), min(count, size), path)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: Buffer) -> None:
    """Write all of `data`, also where the system takes only part of it at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync(descriptor: int) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk."""
    os.fsync(descriptor)


def sync_path(path: Path) -> None:
    """Wait until the file or folder at a path is on the disk.

    Windows can't open a folder for this; nothing is done there.
    """
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY | _BINARY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path, mode: int = 0o777) -> None:
    """Make one folder; the umask applies to its mode."""
    os.mkdir(path, mode)


def remove(path: Path) -> None:
    """Remove one file."""
    os.unlink(path)


def remove_folder(path: Path) -> None:
    """Remove one empty folder."""
    os.rmdir(path)


def remove_tree(path: Path) -> None:
    """Remove a folder and all in it; links are not followed."""
    import shutil

    shutil.rmtree(path)


def move(source: Path, target: Path) -> None:
    """Rename a folder or file within its file system."""
    os.rename(source, target)


def replace(source: Path, target: Path) -> None:
    """Rename a file within its folder; a file of that name is replaced."""
    os.replace(source, target)


def move_to_new(source: Path, target: Path) -> None:
    """Rename a folder; nothing is replaced.

    Linux does this in one step (`renameat2` with `RENAME_NOREPLACE`). Where the C library or the file system
    can't, it is looked first, and a plain rename follows: of a folder it replaces nothing but an empty folder
    (rename(2)), so one that somebody makes between the two is all that could be taken for free. On Windows a
    rename never replaces.

    Raises:
        FileExistsError: something is there, be it a link that leads nowhere.
        OSError: the system refuses for another reason.
    """
    if _rename_noreplace(source, target):
        return
    if os.name == "nt":
        move(source, target)
        return
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    try:
        move(source, target)
    except OSError as problem:
        if problem.errno in (errno.ENOTEMPTY, errno.ENOTDIR):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from problem
        raise


def _rename_noreplace(source: Path, target: Path) -> bool:
    """Call `renameat2(…, RENAME_NOREPLACE)`; return False where it does not exist."""
    import ctypes

    if os.name == "nt":
        return False
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    at_cwd, noreplace = -100, 1
    if call(at_cwd, os.fsencode(source), at_cwd, os.fsencode(target), noreplace) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
        return False
    raise OSError(number, os.strerror(number), str(target))


def copy_file(source: Path, target: Path, progress: Callable[[int], None] | None = None) -> int:
    """Copy the bytes of a file to a new file and wait until they are on the disk.

    In the kernel where it can (`copy_file_range`, else `sendfile`), in chunks; memory does not grow with the
    file. Nothing but the bytes is taken along: the mode follows the umask.

    Args:
        source: a regular file.
        target: a path where nothing is.
        progress: called with the number of bytes of each chunk.

    Returns:
        The number of bytes.

    Raises:
        MissingFile: there is no `source`.
        DamagedFile: it can't be read, or gets shorter meanwhile.
        CannotWrite: `target` exists, or the system refuses.
    """
    reader = open_source(source)
    try:
        size = os.fstat(reader).st_size
        with writing(target):
            writer = open_new(target)
            try:
                copy_bytes(reader, writer, size, source, progress)
                sync(writer)
            finally:
                os.close(writer)
    finally:
        os.close(reader)
    return size


def copy_bytes(
    reader: int, writer: int, size: int, source: Path, progress: Callable[[int], None] | None = None
) -> None:
    """Copy the first `size` bytes from one descriptor to another.

    `source` and `progress` are as for `copy_file`.

    Raises:
        DamagedFile: there are fewer.
        OSError: the system refuses.
    """
    done = 0
    methods = [_by_copy_file_range, _by_sendfile, _by_hand]
    while done < size:
        try:
            count = methods[0](reader, writer, done, min(CHUNK, size - done))
        except OSError as problem:
            if len(methods) == 1 or problem.errno not in _NO_KERNEL_COPY:
                raise
            count = 0
        if count:
            _begin_writing(writer, done, count)
            done += count
            if progress is not None:
                progress(count)
        elif len(methods) > 1:
            methods.pop(0)
        else:
            raise DamagedFile(f"The file ends at byte {done}; it had {size} bytes.", where=show(str(source)))


def _begin_writing(descriptor: int, offset: int, count: int) -> None:
    """Let the system begin to write what was copied, so that `sync` has little left to wait for.

    Linux starts the dirty pages of a range on their way to the disk when they are declared not needed, and keeps
    them in memory meanwhile (mm/fadvise.c).
    """
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):  # a hint; what keeps the bytes from the disk is for `sync` to tell
            os.posix_fadvise(descriptor, offset, count, os.POSIX_FADV_DONTNEED)


def _by_copy_file_range(reader: int, writer: int, offset: int, count: int) -> int:
    if not hasattr(os, "copy_file_range"):
        return 0
    return os.copy_file_range(reader, writer, count, offset, offset)


def _by_sendfile(reader: int, writer: int, offset: int, count: int) -> int:
    if not hasattr(os, "sendfile"):
        return 0
    os.lseek(writer, offset, os.SEEK_SET)
    return os.sendfile(writer, reader, offset, count)


def _by_hand(reader: int, writer: int, offset: int, count: int) -> int:
    data = _pread(reader, min(count, 1 << 20), offset)
    os.lseek(writer, offset, os.SEEK_SET)
    write_all(writer, data)
    return len(data)


def same_content(one: Path, other: Path) -> bool:
    """Return whether two files have the same bytes.

    Raises:
        MissingFile, DamagedFile: one of them can't be read.
    """
    first, second = open_source(one), open_source(other)
    try:
        size = os.fstat(first).st_size
        return size == os.fstat(second).st_size and all(
            read_at(first, start, min(CHUNK, size - start), one)
            == read_at(second, start, min(CHUNK, size - start), other)
            for start in range(0, size, CHUNK)
        )
    finally:
        os.close(first)
        os.close(second)


def write_file(target: Path, *parts: Buffer) -> None:
    """Write a new file and wait until it is on the disk.

    Raises:
        CannotWrite: `target` exists, or the system refuses.
    """
    with writing(target):
        descriptor = open_new(target)
        try:
            for data in parts:
                write_all(descriptor, data)
            sync(descriptor)
        finally:
            os.close(descriptor)
