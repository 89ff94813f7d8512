"""A private temporary folder, for what another process reads.

It is in the system's temporary folder under a name that nobody can guess, can be entered by its owner alone, and is
removed when it is left, whatever ends the work (`locked_folder`).
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from workbench.disk.atomic import temporary
from workbench.disk.atomic.locked_folder import LockedFolder
from workbench.errors import CannotWrite
from workbench.names import show

_NAME = "run"
HINT = "Free some space there, or name another folder: TMPDIR=/path."


class Scratch(LockedFolder):
    """A private temporary folder, as a context manager.

    It is made on entering and removed on leaving.

    Raises:
        CannotWrite: on entering, if nothing can be made there.
    """

    NOT_REMOVED = "The temporary folder could not be removed"
    NEXT = "The next run tries again; or remove it by hand."

    def _enter(self) -> None:
        try:
            parent = Path(tempfile.gettempdir()).absolute()
            with suppress(OSError):
                temporary.remove_dead(parent, own=True)
            self._make_folder(parent, _NAME, 0o700)
        except OSError as problem:
            raise CannotWrite(
                f"No temporary folder can be made: {problem.strerror or problem}.",
                where=show(str(problem.filename)) if problem.filename else None,
                hint=HINT,
            ) from problem
