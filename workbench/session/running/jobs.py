"""One job at a time in the TensorFlow process, for a face that must not wait: progress, cancellation, an end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workbench.errors import Cancelled, WorkbenchError
from workbench.session.options import CommitOptions

if TYPE_CHECKING:
    from workbench.publishing.running import Progress
    from workbench.runtime.child_process.child import Child

IDLE_LIMIT = 120.0
"""Seconds after which a child that nobody needs is ended: it holds half a gigabyte."""


class Jobs:
    """Holds the child process and does one job at a time.

    `warm`, `cancel`, `tick` and `close` return at once and may be called while a job runs on another thread.

    Args:
        idle_limit: seconds until an idle child is ended.
        clock: for tests.
    """

    def __init__(self, idle_limit: float = IDLE_LIMIT, clock: Callable[[], float] = time.monotonic) -> None:
        self.idle_limit = idle_limit
        self.doing = ""
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
        """Return whether a job is running."""
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
            self.child(options).start()

    def child(self, options: CommitOptions) -> Child:
        """Return the child for these options; one that was started with others is ended."""
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

    @contextmanager
    def job(self, name: str, cancelled: str, progress: Progress) -> Iterator[Progress]:
        """Do a job on this thread, after the one that runs; yield what it calls between its phases.

        Args:
            name: what is done, as a noun: `commit`.
            cancelled: the message of `Cancelled`.
            progress: is called by what is yielded, unless the job was cancelled.

        Raises:
            Cancelled: `cancel` was called, and the job had not ended.
        """

        def told(phase: str, text: str) -> None:
            # between phases and between files this is where it stops; what it has begun cleans up behind it
            if self._cancelled.is_set():
                raise Cancelled(cancelled)
            progress(phase, text)

        with self._running:
            with self._ending:
                self._cancelled.clear()
                self._active = True
            self.doing, self._progress = name, told
            try:
                yield told
            except WorkbenchError as error:
                if self._cancelled.is_set():
                    raise Cancelled(cancelled) from error
                raise
            finally:
                self._end()

    def cancel(self) -> None:
        """Cancel a running job, which then raises `Cancelled`."""
        with self._ending:
            if not self._active or self._killer is not None:
                return
            self._cancelled.set()
            if self._child is not None:
                self._killer = threading.Thread(target=self._child.kill, daemon=True)
                self._killer.start()

    def _end(self) -> None:
        """Note that a job has ended; wait until its child is killed, which the next one would take over."""
        with self._ending:
            self._active = False
            killer, self._killer = self._killer, None
        if killer is not None:
            killer.join()
        self._progress = lambda phase, text: None
        self.doing = ""
        self._used = self._clock()

    def tick(self) -> None:
        """End a child that was idle for too long; to be called now and then."""
        if self._child is None or self.running or not self._child.alive:
            return
        if self._clock() - self._used >= self.idle_limit:
            self._child.kill()

    def close(self) -> None:
        """Cancel a running job and end the child; wait some seconds at most."""
        self._cancelled.set()
        if self._child is not None:
            self._child.kill()
        if self._running.acquire(timeout=10.0):
            self._running.release()
