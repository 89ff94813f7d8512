"""The two ends of the pipes to the parent, and the end of this process."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
from typing import Any, Dict

Json = Dict[str, Any]


class Pipe:
    """The two ends this process has: `jobs` (a queue of raw lines) and `send`."""

    def __init__(self, source: int, sink: int) -> None:
        self._source = os.fdopen(source, "rb")
        self._sink = sink
        self._lock = threading.Lock()
        self.jobs: queue.Queue[bytes] = queue.Queue()
        self.current: int | None = None

    def watch(self) -> None:
        """Read on a thread while the parent lives; its death closes the pipe."""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._source:
            self.jobs.put(line)
        leave()

    def send(self, message: Json) -> None:
        """Write one whole line, from any thread."""
        data = memoryview(json.dumps(message).encode("ascii") + b"\n")
        with self._lock:
            try:
                while data:
                    data = data[os.write(self._sink, data) :]
            except OSError:
                leave()

    def progress(self, text: str) -> None:
        """Report progress to the parent."""
        self.send({"event": "progress", "id": self.current, "text": text})


def leave() -> None:
    """End this process and what it started, silently: nobody listens any more."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(0)


def guard(parent: int) -> None:
    """Forbid core dumps; on Linux let the kernel end this process with its parent.

    The signal reaches this process even while TensorFlow holds the interpreter; the pipe does not.
    """
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform.startswith("linux"):
        with contextlib.suppress(ImportError, OSError, AttributeError):
            import ctypes

            pr_set_pdeathsig = 1
            ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
        if parent and os.getppid() != parent:  # it died before the call above
            leave()
