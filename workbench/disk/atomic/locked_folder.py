"""A temporary folder with a lock, removed whatever happens.

The lock is made before the folder and removed after it: a folder without a lock is not ours. A process that dies lets
go of the lock, so the next one can tell dead temporaries from those at work (`temporary`).
"""

from __future__ import annotations

import atexit
import os
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from workbench.disk import files
from workbench.disk.atomic import temporary
from workbench.errors import CannotWrite
from workbench.names import show


class LockedFolder(ABC):
    """A temporary folder with a lock beside it, as a context manager.

    It is made on entering and removed on leaving.

    Interrupts wait until the folder is removed; a process that is killed leaves it to the next one.

    Attributes:
        NOT_REMOVED: the message for a folder that could not be removed, without the system's reason.
        NEXT: the hint for that.
    """

    NOT_REMOVED: str
    NEXT: str

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._lock_path: Path | None = None
        self._lock: int | None = None
        self._process = os.getpid()

    @property
    def folder(self) -> Path:
        """The temporary folder, as an absolute path."""
        if self._folder is None:
            raise RuntimeError("a temporary folder exists only between entering and leaving")
        return self._folder

    def __enter__(self) -> Self:
        atexit.register(self.remove)  # for an interrupt that strikes as the `with` block is being left
        try:
            self._enter()
        except BaseException as failure:
            self._remove_reporting(failure)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove_reporting(value)

    def remove(self) -> OSError | None:
        """Remove the folder, if it exists; an interrupt waits until that is done.

        Returns:
            What kept it from being removed; the next process will find it dead.
        """
        if os.getpid() != self._process:
            return None  # a fork of ours: it is not its to remove
        interrupt: BaseException | None = None
        failed: OSError | None = None
        for _ in range(100):  # as often as somebody leans on Ctrl-C
            try:
                self._remove_once()
                break
            except OSError as problem:
                failed = problem
                self._unlock()
                break
            except BaseException as problem:
                interrupt = problem
        atexit.unregister(self.remove)
        if interrupt is not None:
            raise interrupt
        return failed

    @abstractmethod
    def _enter(self) -> None:
        """Make the folder, and whatever else is needed before the block runs."""

    def _make_folder(self, parent: Path, name: str, mode: int = 0o777) -> Path:
        """Make the lock and then the folder, as a temporary of `name`.

        The umask applies to `mode`.
        """
        while True:
            path = parent / temporary.new_name(name)
            if os.path.lexists(path):
                continue
            self._lock_path = path.with_name(path.name + temporary.LOCK)
            try:
                self._lock = files.open_new(self._lock_path)
            except FileExistsError:
                self._lock_path = None  # somebody else's, by a rare chance
                continue
            if temporary.hold(self._lock) and temporary.is_at(self._lock, self._lock_path):
                break
            # A process that starts just now took our lock, before we held it, for a dead one's.
            os.close(self._lock)
            self._lock = None
        self._folder = path
        files.make_folder(path, mode)
        return path

    def _remove_once(self) -> None:
        self._remove_folder()
        self._release()

    def _remove_folder(self) -> None:
        if self._folder is not None:
            if os.path.lexists(self._folder):  # a published folder has another name
                with suppress(FileNotFoundError):
                    files.remove_tree(self._folder)
            self._folder = None

    def _release(self) -> None:
        """Remove the lock and let go of it."""
        if self._lock_path is not None:
            with suppress(FileNotFoundError):
                files.remove(self._lock_path)
            self._lock_path = None
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            lock, self._lock = self._lock, None
            os.close(lock)

    def _remove_reporting(self, failure: BaseException | None) -> None:
        """Remove the folder; report what could not be removed.

        With the failure, or as one of its own.
        """
        problem = self.remove()
        if problem is None:
            return
        left = show(str(problem.filename or self._folder or self._lock_path or ""))
        message = f"{self.NOT_REMOVED}: {problem.strerror or problem}."
        if failure is None:
            raise CannotWrite(message, where=left, hint=self.NEXT)
        failure.add_note(f"{left}: {message} {self.NEXT}")
