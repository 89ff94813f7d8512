"""A folder of a process's own, for what another process is to read and nobody is to keep.

It lies in the system's temporary folder under a name that nobody can guess, can be entered by its owner alone, and is
removed when it is left, whatever ends the work. What a killed process leaves behind is found dead by its lock
(`temporary`) and removed by the next.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from workbench.disk import files
from workbench.disk.atomic import temporary
from workbench.errors import CannotWrite
from workbench.names import show

_NAME = "run"
HINT = "Free some space there, or name another folder: TMPDIR=/path."


class Scratch:
    """A private temporary folder. A context manager: it is made on entering and removed on leaving.

    Raises:
        CannotWrite: on entering, if nothing can be made there.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._lock: int | None = None
        self._lock_path: Path | None = None
        self._process = os.getpid()

    @property
    def folder(self) -> Path:
        """The folder, as an absolute path."""
        if self._folder is None:
            raise RuntimeError("a scratch folder exists only between entering and leaving")
        return self._folder

    def __enter__(self) -> Self:
        atexit.register(self.remove)  # for an interrupt that strikes as the `with` block is being left
        try:
            parent = Path(tempfile.gettempdir()).absolute()
            with suppress(OSError):
                temporary.remove_dead(parent, own=True)
            self._make(parent)
        except OSError as problem:
            self.remove()
            raise CannotWrite(
                f"No temporary folder can be made: {problem.strerror or problem}.",
                where=show(str(problem.filename)) if problem.filename else None,
                hint=HINT,
            ) from problem
        except BaseException as failure:
            self._discard_telling(failure)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard_telling(value)

    def _make(self, parent: Path) -> None:
        while True:
            path = parent / temporary.new_name(_NAME)
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
            os.close(self._lock)  # one that starts just now took it for a dead one's, before we held it
            self._lock = None
        self._folder = path
        os.mkdir(path, 0o700)

    def _discard_telling(self, failure: BaseException | None) -> None:
        problem = self.remove()
        if problem is None:
            return
        left = show(str(problem.filename or self._folder))
        message = f"The temporary folder could not be removed: {problem.strerror or problem}."
        if failure is None:
            raise CannotWrite(message, where=left, hint="The next run tries again; or remove it by hand.")
        failure.add_note(f"{left}: {message}")

    def remove(self) -> OSError | None:
        """Removes the folder, if it is there; an interrupt waits until that is done.

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

    def _remove_once(self) -> None:
        if self._folder is not None:
            with suppress(FileNotFoundError):
                files.remove_tree(self._folder)
            self._folder = None
        if self._lock_path is not None:
            with suppress(FileNotFoundError):
                files.remove(self._lock_path)
            self._lock_path = None
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            lock, self._lock = self._lock, None
            os.close(lock)
