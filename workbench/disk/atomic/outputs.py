"""Where a command may write.

Only to local paths, never into a source, over a file only where that is asked for.
"""

from __future__ import annotations

import io
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from workbench.disk import files
from workbench.disk.atomic import temporary
from workbench.disk.atomic.temporary import LOCK
from workbench.errors import CannotWrite, TargetExists
from workbench.findings import Action, Hint
from workbench.names import show

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(/+)(.*)", re.DOTALL)  # one letter is a drive of Windows
_STREAM = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,4})\Z")
_STREAMS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_MOST_ENTRIES = 100_000  # of a source that are looked at
_FOLDERS = frozenset({"variables", "assets", "assets.extra", "debug"})  # of a SavedModel
_OUTSIDE = "Choose a place outside of the model."

Identity = tuple[int, int]
"""Device and inode."""


def url(path: str | os.PathLike[str]) -> str | None:
    """Return a URL as it was typed, or None for a local path.

    A `Path` has lost the second slash; it is put back.
    """
    text = os.fspath(path)
    found = _URL.match(text)
    if found is None:
        return None
    scheme, slashes, rest = found.groups()
    if len(slashes) == 1:
        slashes = "///" if scheme.lower() == "file" else "//"
    return f"{scheme}:{slashes}{rest}"


def local_path(path: str | os.PathLike[str]) -> Path:
    """Return a path to write to.

    Raises:
        CannotWrite: it is a URL.
    """
    typed = url(path)
    if typed is not None:
        raise CannotWrite(
            "Only local paths can be written; this is a URL.",
            where=show(typed),
            hint="Write to a local path, then upload the result.",
        )
    return Path(path)


def source_around(path: Path, sources: Iterable[Path]) -> Path | None:
    """Return the source that a path is part of, or None.

    A path is part of a source if it is in its folder or in one linked from there, or is its file.

    Paths are compared by device and inode, so links, hard links, mounts and other spellings are seen through.

    Args:
        path: it need not exist.
        sources: folders of SavedModels, files of GraphDefs.
    """
    real = Path(os.path.realpath(path))
    around = {found for place in (real, *real.parents) if (found := _identity(place)) is not None}
    for source in sources:
        if not around.isdisjoint(_identities(source)):
            return source
    return None


def _identities(source: Path) -> set[Identity]:
    """Yield every folder and file of a source.

    Of linked folders only those of a model, and only themselves.
    """
    own = _identity(source)
    found = set() if own is None else {own}
    waiting = [(source, False)] if source.is_dir() else []
    while waiting and len(found) < _MOST_ENTRIES:
        folder, of_model = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                listed = list(entries)
        except OSError:
            continue
        for entry in listed:
            belongs = of_model or entry.name in _FOLDERS
            identity = _identity(entry.path)
            if identity is not None and (belongs or entry.is_file() or not entry.is_symlink()):
                found.add(identity)
            if entry.is_dir(follow_symlinks=False):
                waiting.append((Path(entry.path), belongs))
    return found


def _identity(path: str | Path) -> Identity | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def refuse_in_source(target: Path, sources: Iterable[Path]) -> None:
    """Make sure that a folder or file to be written is not part of a source.

    Raises:
        CannotWrite: it is.
    """
    source = source_around(target, sources)
    if source is None:
        return
    at = os.path.realpath(target)
    leads = "" if at == os.path.abspath(target) else f" (it leads to {show(at)})"
    raise CannotWrite(
        f"This path belongs to the source model {show(str(source))}{leads}; sources are never changed.",
        where=show(str(target)),
        hint=_OUTSIDE,
    )


def check_output(
    target: str | os.PathLike[str], *, overwrite: bool = False, sources: Iterable[Path] = ()
) -> None:
    """Make sure, before there is anything to write, that a file may be written.

    Args:
        target: the file; a pipe, a device or `/dev/stdout` is written to as it is.
        overwrite: replace a file that exists.
        sources: what must not be changed even so.

    Raises:
        CannotWrite: it is a URL, a folder, or part of a source.
        TargetExists: it exists, and is not to be replaced.
    """
    path = local_path(target)
    if _stream_number(path) is not None:
        return
    if "\0" in str(path):
        raise CannotWrite("A path can't contain a zero byte.", where=show(str(path)))
    refuse_in_source(path, sources)
    with files.writing(path):
        mode = _mode(path)
    if mode is None and not os.path.lexists(path):
        return
    if mode is not None and stat.S_ISDIR(mode):
        raise CannotWrite(
            "This is a folder, not a file to write to.",
            where=show(str(path)),
            hint="Give the name of a file.",
        )
    if (mode is None or stat.S_ISREG(mode)) and not overwrite:
        raise _exists(path)


def write_output(
    target: str | os.PathLike[str], data: bytes, *, overwrite: bool = False, sources: Iterable[Path] = ()
) -> None:
    """Write a file, all of it or nothing; arguments and errors as of `open_output`."""
    with open_output(target, overwrite=overwrite, sources=sources) as stream:
        stream.write(data)


@contextmanager
def open_output(
    target: str | os.PathLike[str], *, overwrite: bool = False, sources: Iterable[Path] = ()
) -> Iterator[BinaryIO]:
    """Open a file to be written whole or not at all.

    The file appears when the block ends without an error; until then, an earlier file stays in place.

    A link is followed, the mode of a replaced file kept. What is no regular file is written to as it is.

    Args:
        target: as for `check_output`.
        overwrite: as for `check_output`.
        sources: as for `check_output`.

    Raises:
        CannotWrite, TargetExists: as by `check_output`, or the system refuses.
    """
    check_output(target, overwrite=overwrite, sources=sources)
    path = local_path(target)
    with files.writing(path):
        number, mode = _stream_number(path), _mode(path)
        if number is not None:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            with open(os.dup(number), "wb") as opened:
                yield opened
        elif mode is not None and not stat.S_ISREG(mode):
            with path.open("wb") as opened:
                yield opened
        else:
            yield from _written(path, Path(os.path.realpath(path)), mode, overwrite)


def _written(given: Path, real: Path, mode: int | None, overwrite: bool) -> Iterator[BinaryIO]:
    """Write a regular file through a temporary that is renamed in the end.

    For `open_output`.
    """
    temporary.remove_dead(real.parent)
    path = lock = None
    try:
        while lock is None:
            path = real.with_name(temporary.new_name(real.name) + LOCK)
            try:
                lock = files.open_new(path)
            except FileExistsError:  # somebody else's, by a rare chance
                path = None
                continue
            if not (temporary.hold(lock) and temporary.is_at(lock, path)):
                os.close(lock)  # taken, before we held it, for a dead one's by who starts just now
                lock = None
        assert path is not None
        if mode is not None:
            os.chmod(path, stat.S_IMODE(mode))
        yield cast("BinaryIO", _Writer(lock))
        files.sync(lock)
        if overwrite:
            files.replace(path, real)
        else:
            files.move_to_new(path, real)
        files.sync_path(real.parent)
    except FileExistsError as failure:
        if path is not None:
            temporary.remove_half(path, failure)
        raise _exists(given) from None
    except BaseException as failure:
        if path is not None:
            temporary.remove_half(path, failure)
        raise
    finally:
        if lock is not None:
            os.close(lock)


class _Writer(io.RawIOBase):
    """Writes to a descriptor that is not its own; each call writes all."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Write all of `data`."""
        view = memoryview(data).cast("B")
        files.write_all(self._descriptor, cast("bytes", view))
        return len(view)


def _stream_number(path: Path) -> int | None:
    """Return the descriptor that a path like `/dev/stdout` means, or None."""
    text = os.path.abspath(path)
    found = _STREAM.match(text)
    return int(found[1]) if found else _STREAMS.get(text)


def _mode(path: Path) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _exists(path: Path) -> TargetExists:
    return TargetExists(
        "The file exists already.",
        where=show(str(path)),
        hint=Hint("Choose another name, or ", Action("overwrite")),
    )
