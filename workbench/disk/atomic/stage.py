"""A folder that appears whole: made beside its target, synced, then renamed.

The temporary of target `merged` is `.merged.workbench-1a2b3c4d`, beside it a lock `….lock` that its process
holds (`flock`, see `locked_folder` and `temporary`).

Where there is no `flock` (Windows, some network file systems) nothing is taken for dead and removed. What
`files.move_to_new` says of file systems without `RENAME_NOREPLACE` holds for publishing.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from workbench.disk import files
from workbench.disk.atomic import outputs, temporary
from workbench.disk.atomic.locked_folder import LockedFolder
from workbench.disk.serialized.wire import Buffer
from workbench.errors import CannotWrite, TargetExists
from workbench.names import show

_HIGHEST_VERSION = (1 << 63) - 1  # TensorFlow Serving reads version numbers as int64
_SAVED_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt", "saved_model.cpb")


class Stage(LockedFolder):
    """A folder in the making, as a context manager.

    Left without `publish`, it leaves nothing behind.

    Interrupts and errors in any phase, `publish` included, remove the temporary, its lock, and every folder
    above the target that was made for it; a process that is killed (SIGTERM too, unless the program turns it
    into an exception) leaves them to the next stage in the same folder. Missing folders above the target are
    made.

    Args:
        target: the folder to make. With `serving` the folder above it, in which the result becomes the next
            version number (the highest there plus one, 1 if there is none).
        serving: see `target`.
        sources: folders and files in which nothing may be made.

    Raises:
        TargetExists: on entering and on publishing, if anything is at `target`, a link that leads nowhere
            included; for `serving` if it is a file or itself a SavedModel.
        CannotWrite: at once, if the target is a URL; on entering, if it is inside a source, or nothing can be made
            there.
    """

    NOT_REMOVED = "What was begun could not be removed"
    NEXT = "The next commit to the same folder tries again; or remove it by hand."

    def __init__(self, target: Path | str, *, serving: bool = False, sources: Iterable[Path] = ()) -> None:
        super().__init__()
        self.target = outputs.local_path(target)
        self._sources = tuple(sources)
        self.serving = serving
        self.published: Path | None = None
        self._absolute = self.target.absolute()
        self._parent = self._absolute if serving else self._absolute.parent
        self._made: list[Path] = []  # folders above, outermost first
        self._synced: set[Path] = set()
        self._identity = (-1, -1)  # device and inode of the folder
        self._goal: Path | None = None  # where a rename may have put it

    def _enter(self) -> None:
        self._refuse_existing()
        with files.writing(self.target):
            self._begin()

    def write(self, relative: str, *parts: Buffer) -> Path:
        """Write a new file of the result and sync it; parent folders are made.

        Args:
            relative: its path in the result, with `/`.
            parts: its bytes, one after the other.

        Raises:
            CannotWrite: the path leaves the folder, the file is there already, or the system refuses.
        """
        path = self._inside(relative)
        files.write_file(path, *parts)
        self._synced.add(path)
        return path

    def copy(self, source: Path, relative: str) -> Path:
        """Copy the bytes of a file into the result and sync them.

        Args:
            source: a regular file.
            relative: its path in the result, with `/`.

        Raises:
            CannotWrite: as for `write`.
            MissingFile: there is no `source`.
            DamagedFile: it can't be read.
        """
        path = self._inside(relative)
        files.copy_file(source, path)
        self._synced.add(path)
        return path

    def need(self, size: int) -> None:
        """Make sure, before work starts, that `size` bytes are free on the disk.

        Raises:
            CannotWrite: there are fewer.
        """
        if not hasattr(os, "statvfs"):
            return
        with files.writing(self.target):
            found = os.statvfs(self.folder)
        free = found.f_bavail * found.f_frsize
        if free < size:
            raise CannotWrite(
                f"{size} bytes are needed and {free} are free.",
                where=show(str(self.target)),
                hint="Free some space, or write to another disk.",
            )

    def publish(self) -> Path:
        """Sync what was made and rename it to its target; return the result's path.

        The path is absolute only if `target` is.

        Until this returns nothing is final: an error or an interrupt after the rename takes it back.

        Raises:
            TargetExists: something has come to be at the target meanwhile.
            CannotWrite: the system refuses.
        """
        with files.writing(self.target):
            self._sync_tree()
            while True:
                version = str(self._next_version()) if self.serving else None
                final = self.target / version if version else self.target
                try:
                    self._rename(self._parent / version if version else self._absolute, final)
                except FileExistsError:
                    if version is None:
                        raise self._exists() from None
                    continue  # another took the number: take the next
                return final

    # entering

    def _refuse_existing(self) -> None:
        """Refuse a target that exists, before anything is made."""
        if "\0" in str(self.target):
            raise CannotWrite("A path can't contain a zero byte.", where=show(str(self.target)))
        outputs.refuse_in_source(self.target, self._sources)
        with files.writing(self.target):
            try:
                found = os.lstat(self._absolute)
            except FileNotFoundError:
                return
        if not self.serving:
            raise self._exists()
        if stat.S_ISLNK(found.st_mode):
            with suppress(OSError):
                found = os.stat(self._absolute)
        if not stat.S_ISDIR(found.st_mode):
            raise TargetExists(
                "This is not a folder, so no version can be made in it.",
                where=show(str(self.target)),
                hint="Give the folder that holds the version numbers, or one that does not exist yet.",
            )
        if any(os.path.lexists(self._absolute / name) for name in _SAVED_MODEL_FILES):
            raise TargetExists(
                "This is a SavedModel itself, not a folder of version numbers.",
                where=show(str(self.target)),
                hint="Give the folder above it, or one that does not exist yet.",
            )

    def _exists(self) -> TargetExists:
        return TargetExists(
            "The target exists already, and nothing is ever overwritten.",
            where=show(str(self.target)),
            hint="Remove it, or write to another name.",
        )

    def _begin(self) -> None:
        for attempt in (1, 2, 3):
            try:
                self._make_parents(self._parent)
                temporary.remove_dead(self._parent)
                self._make_temporary()
                return
            except FileNotFoundError:
                # Another stage that failed may have taken back the folder it had made and we had found.
                self._folder = None
                self._release()
                if attempt == 3:
                    raise

    def _make_parents(self, path: Path) -> None:
        """Make parent folders and remember them, so that they can be removed again."""
        if path.is_dir():
            return
        if path.parent != path:
            self._make_parents(path.parent)
        self._made.append(path)  # before it exists: an interrupt in between must not lose it
        try:
            files.make_folder(path)
        except FileExistsError:
            self._made.remove(path)
            if not path.is_dir():
                raise

    def _make_temporary(self) -> None:
        name = str(self._next_version()) if self.serving else self._absolute.name
        found = os.stat(self._make_folder(self._parent, name))
        self._identity = (found.st_dev, found.st_ino)

    def _next_version(self) -> int:
        highest = 0
        with os.scandir(self._parent) as found:
            for entry in found:
                name = entry.name
                if name.isascii() and name.isdigit() and len(name) < 40 and int(name) <= _HIGHEST_VERSION:
                    highest = max(highest, int(name))
        if highest == _HIGHEST_VERSION:
            raise CannotWrite(
                f"The highest version there is {highest}; there is no number after it.",
                where=show(str(self.target)),
            )
        return highest + 1

    # filling

    def _inside(self, relative: str) -> Path:
        """Return the path of a file of the result; folders above it are made."""
        pure = PurePosixPath(relative)
        if not pure.parts or pure.is_absolute() or ".." in pure.parts or "\0" in relative:
            raise CannotWrite(
                f"The name {show(relative)!r} does not stay inside the result.", where=show(str(self.target))
            )
        path = self.folder.joinpath(*pure.parts)
        with files.writing(path):
            missing = [parent for parent in path.relative_to(self.folder).parents if parent.parts]
            for parent in reversed(missing):
                with suppress(FileExistsError):
                    files.make_folder(self.folder / parent)
        return path

    # publishing

    def _sync_tree(self) -> None:
        for folder, _, names in os.walk(self.folder, topdown=False):
            for name in names:
                path = Path(folder, name)
                if path not in self._synced and stat.S_ISREG(os.lstat(path).st_mode):
                    files.sync_path(path)
            files.sync_path(Path(folder))

    def _rename(self, goal: Path, final: Path) -> None:
        """Rename the folder to `goal` and sync; `remove` undoes it before `published`."""
        self._goal = goal
        files.move_to_new(self.folder, goal)
        for folder in (self._parent, *(made.parent for made in reversed(self._made))):
            files.sync_path(folder)
        self._release()  # last: what is taken back is ours as long as there is the lock
        self.published = final

    # leaving

    def _remove_once(self) -> None:
        if self._folder is not None and self.published is None:
            self._take_back(self._folder)
        super()._remove_once()
        if self.published is None:
            for made in reversed(self._made):
                try:
                    files.remove_folder(made)
                except FileNotFoundError:
                    pass
                except OSError as problem:
                    if problem.errno in (errno.ENOTEMPTY, errno.EEXIST):
                        break  # somebody else has put something in
                    raise
        self._made.clear()

    def _take_back(self, folder: Path) -> None:
        """Undo a rename after which something failed."""
        if self._goal is None:
            return
        with suppress(FileNotFoundError):
            found = os.lstat(self._goal)
            if (found.st_dev, found.st_ino) == self._identity:
                files.move(self._goal, folder)
