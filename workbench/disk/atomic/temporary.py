"""Temporaries beside a target: which are in use, and which were left behind.

The temporary of `merged` is a folder `.merged.workbench-1a2b3c4d` with a lock `….lock` beside it, or, for a single
file, the lock alone, which then holds the content. Its process holds the lock (`flock`) and lets go of it when it dies.
Where there is no `flock` (Windows, some network file systems) nothing is taken for dead and removed.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from workbench.disk import files
from workbench.names import show

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_TEMPORARY = re.compile(r"\..+\.workbench-[0-9a-f]{8}\Z", re.DOTALL)
LOCK = ".lock"


def new_name(name: str) -> str:
    """Return a new name for a temporary of the target `name`."""
    short = os.fsdecode(os.fsencode(name)[:200])  # the whole must stay under the usual 255 bytes
    return f".{short}.workbench-{os.urandom(4).hex()}"


def remove_dead(folder: Path, *, own: bool = False) -> None:
    """Remove the temporaries of processes that no longer exist from a folder.

    Args:
        folder: where they lie.
        own: only those of this user: in a folder where anybody may write.
    """
    if fcntl is None:
        return
    with os.scandir(folder) as found:
        names = [entry.name for entry in found if entry.name.endswith(LOCK)]
    for name in names:
        if _TEMPORARY.match(name.removesuffix(LOCK)):
            _remove_if_dead(folder / name, own)


def remove_half(path: Path, failure: BaseException) -> None:
    """Remove what was begun, also while Ctrl-C is pressed again and again.

    The failure names the files that could not be removed.
    """
    interrupt: BaseException | None = None
    for _ in range(100):
        try:
            files.remove(path)
        except FileNotFoundError:
            pass
        except OSError as problem:
            failure.add_note(f"{show(str(path))} could not be removed: {problem.strerror}.")
        except (KeyboardInterrupt, SystemExit) as problem:
            interrupt = problem
            continue
        break
    if interrupt is not None:
        raise interrupt


def hold(lock: int) -> bool:
    """Take a lock if nobody holds it; return True also where a file can't be locked."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def is_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file is still the one at `path`."""
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return False
    found = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (found.st_dev, found.st_ino)


def _remove_if_dead(lock_path: Path, own: bool) -> None:
    """Remove a temporary and its lock if nobody holds the lock.

    Files that can't be removed stay.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        lock = os.open(lock_path, flags)
    except OSError:
        return
    try:
        found = os.fstat(lock)
        if not stat.S_ISREG(found.st_mode) or (own and found.st_uid != os.geteuid()):
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        if not is_at(lock, lock_path):
            return
        folder = lock_path.with_name(lock_path.name.removesuffix(LOCK))
        with suppress(OSError):
            with suppress(FileNotFoundError):
                files.remove_tree(folder)
            files.remove(lock_path)
    finally:
        os.close(lock)
