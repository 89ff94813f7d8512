"""A layout in a process of its own, so that one that takes too long can be ended."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from workbench.errors import CannotWrite, ChildDied
from workbench.names import show
from workbench.picture.layout.geometry import CutOff, Layout
from workbench.picture.scene.scene import Scene

_LOOK_EVERY = 0.03
_GRACE = 5.0
_START = "import sys; sys.path[:] = {path!r}; from workbench.picture.layout.worker import main; main()"


def run(
    scene: Scene, time_limit: float, options: dict[str, Any], stop: Callable[[], bool] | None
) -> Layout | CutOff:
    """Lay out in a fresh interpreter; see `layout.lay_out_within`.

    The answer is read as a pickle: it comes from our own code, over pipes nobody else holds.
    """
    import pickle
    import subprocess
    import tempfile
    import time

    cut = CutOff(time_limit, len(scene.nodes) + len(scene.frames), len(scene.edges))
    end = time.monotonic() + time_limit
    data = memoryview(pickle.dumps((scene, options, time_limit + _GRACE), protocol=pickle.HIGHEST_PROTOCOL))
    with tempfile.TemporaryFile(buffering=0) as job:
        try:
            while data:
                data = data[job.write(data) :]
            job.seek(0)
        except OSError as error:  # such as a disk that is full
            raise CannotWrite(
                f"The temporary file for the layout cannot be written: {error.strerror}.",
                where=tempfile.gettempdir(),
                hint="Free some space, or set TMPDIR to another folder.",
            ) from error
        with subprocess.Popen(
            [sys.executable, "-c", _START.format(path=sys.path)],
            stdin=job,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as child:
            try:
                while True:
                    try:
                        answer, log = child.communicate(timeout=_LOOK_EVERY)
                        break
                    except subprocess.TimeoutExpired:
                        if time.monotonic() > end or (stop is not None and stop()):
                            return cut
            finally:
                child.kill()
    if child.returncode != 0:
        tail = show(log.decode("utf-8", "replace").strip()[-500:], 500)
        raise ChildDied(
            f"The process that lays out the picture ended with code {child.returncode}.", hint=tail or None
        )
    found: Layout = pickle.loads(answer)
    return found


def main() -> None:
    """Read a scene from stdin, write its layout to stdout: the worker.

    It ends by itself soon after the limit.
    """
    import pickle
    import signal

    scene, options, limit = pickle.load(sys.stdin.buffer)
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, limit)
    from workbench.picture.layout.place import place

    sys.stdout.buffer.write(pickle.dumps(place(scene, **options), protocol=pickle.HIGHEST_PROTOCOL))
    sys.stdout.buffer.flush()
