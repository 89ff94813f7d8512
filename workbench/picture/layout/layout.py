"""Layouts in character cells, in a worker process with a time limit."""

from __future__ import annotations

from collections.abc import Callable

from workbench.picture.layout.geometry import CutOff, Detail, Direction, Layout
from workbench.picture.scene.scene import Scene

TIME_LIMIT = 8.0


def lay_out(
    scene: Scene, *, direction: Direction = "down", detail: Detail = "full", engine: str | None = None
) -> Layout:
    """Lay out a scene in this process, however long it takes.

    The same scene gives the same layout.

    Args:
        scene: what to place.
        direction: where the data flows.
        detail: how much a box says; the zoom level.
        engine: `graphlay` or `own`; None for the better one that is there.
    """
    from workbench.picture.layout.place import place

    return place(scene, direction, detail, engine)


def layout_in_worker(
    scene: Scene,
    time_limit: float = TIME_LIMIT,
    *,
    direction: Direction = "down",
    detail: Detail = "full",
    engine: str | None = None,
    stop: Callable[[], bool] | None = None,
) -> Layout | CutOff:
    """Lay out a scene in a process that is ended after `time_limit` seconds.

    Otherwise as `lay_out`.

    Blocks until done: call it from a thread. Interrupting it ends the process too.

    Args:
        scene: what to place.
        time_limit: in seconds.
        direction: as for `lay_out`.
        detail: as for `lay_out`.
        engine: as for `lay_out`.
        stop: asked many times a second; when it says True the process is ended and the answer is a `CutOff`.

    Raises:
        ChildDied: the process ended without an answer.
        CannotWrite: there is no room for the temporary file that it reads.
    """
    from workbench.picture.layout.worker import run

    return run(scene, time_limit, {"direction": direction, "detail": detail, "engine": engine}, stop)
