"""Commits from a face that must not wait, with progress and cancellation."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.errors import Cancelled, TargetExists, WorkbenchError
from workbench.names import show
from workbench.session.lists.places import expand
from workbench.session.options import CommitOptions
from workbench.state import remember_recipe

if TYPE_CHECKING:
    from workbench.publishing.report import Report
    from workbench.publishing.running import Progress
    from workbench.runtime.child_process.child import Child
    from workbench.surgery.draft import Draft

IDLE_LIMIT = 120.0
"""Seconds after which a child that nobody needs is ended: it holds half a gigabyte."""

_CANCELLED = "The commit was cancelled and left nothing behind."


class Committer:
    """Holds the child process and runs one commit at a time.

    `warm`, `cancel`, `tick` and `close` return at once and may be called while `commit` runs on another thread.

    Args:
        idle_limit: seconds until an idle child is ended.
        clock: for tests.
    """

    def __init__(self, idle_limit: float = IDLE_LIMIT, clock: Callable[[], float] = time.monotonic) -> None:
        self.idle_limit = idle_limit
        self._clock = clock
        self._child: Child | None = None
        self._made_for: tuple[object, ...] = ()
        self._used = 0.0
        self._running = threading.Lock()
        self._ending = threading.Lock()
        self._cancelled = threading.Event()
        self._active = False
        self._killer: threading.Thread | None = None
        self._progress: Progress = lambda phase, text: None

    @property
    def running(self) -> bool:
        """Return whether a commit is running."""
        return self._running.locked()

    @property
    def child_pid(self) -> int | None:
        """Return the process id of the child, None when none runs."""
        return self._child.pid if self._child is not None else None

    def warm(self, options: CommitOptions) -> None:
        """Start TensorFlow in the child, unless it runs with these options.

        Raises:
            UsageError: the interpreter can't be started.
        """
        self._used = self._clock()
        if not self.running:
            self._ready(options).start()

    def _ready(self, options: CommitOptions) -> Child:
        from workbench.runtime.child_process.child import Child

        wanted = (options.python, options.imports, options.op_libraries)
        if self._child is not None and self._made_for != wanted:
            self._child.kill()
            self._child = None
        if self._child is None:
            self._child = Child(
                options.python,
                imports=options.imports,
                op_libraries=options.op_libraries,
                on_progress=lambda text: self._progress("tensorflow", text),
            )
            self._made_for = wanted
        return self._child

    def commit(self, draft: Draft, target: str, options: CommitOptions, progress: Progress) -> Report:
        """Commit and wait for the report; for a thread.

        Raises:
            Cancelled: `cancel` was called; nothing was left behind.
            WorkbenchError: as `commit` raises, and for values that do not fit their inputs.
        """
        from workbench.publishing.commit import commit

        def told(phase: str, text: str) -> None:
            # between phases and between files this is where it stops; Stage and Child clean up behind it
            if self._cancelled.is_set():
                raise Cancelled(_CANCELLED)
            progress(phase, text)

        with self._running:
            with self._ending:
                self._cancelled.clear()
                self._active = True
            self._progress = told
            try:
                told("check", "checking target and inputs")
                path = expand(target)
                if os.path.lexists(path) and not options.serving:  # said before TensorFlow is waited for
                    raise TargetExists(
                        "The target already exists and is not overwritten.",
                        where=show(str(path)),
                        hint="Choose another name.",
                    )
                report = commit(
                    draft,
                    path,
                    serving=options.serving,
                    verify=options.verify,
                    proving=options.proving(draft),
                    child=self._ready(options) if options.verify else None,
                    progress=told,
                )
            except WorkbenchError as error:
                if self._cancelled.is_set():
                    raise Cancelled(_CANCELLED) from error
                raise
            finally:
                self._end()
        if self._cancelled.is_set() and not report.published:
            raise Cancelled(_CANCELLED)
        if report.published:
            remember_recipe(draft.recipe, [source.path for source in draft.plan.sources])
        return report

    def cancel(self) -> None:
        """Cancel a running commit, which then raises `Cancelled`."""
        with self._ending:
            if not self._active or self._killer is not None:
                return
            self._cancelled.set()
            if self._child is not None:
                self._killer = threading.Thread(target=self._child.kill, daemon=True)
                self._killer.start()

    def _end(self) -> None:
        """Note that a commit has ended; wait until its child is killed, which the next one would take over."""
        with self._ending:
            self._active = False
            killer, self._killer = self._killer, None
        if killer is not None:
            killer.join()
        self._progress = lambda phase, text: None
        self._used = self._clock()

    def tick(self) -> None:
        """End a child that was idle for too long; to be called now and then."""
        if self._child is None or self.running or not self._child.alive:
            return
        if self._clock() - self._used >= self.idle_limit:
            self._child.kill()

    def close(self) -> None:
        """Cancel a running commit and end the child; wait some seconds at most."""
        self._cancelled.set()
        if self._child is not None:
            self._child.kill()
        if self._running.acquire(timeout=10.0):
            self._running.release()
