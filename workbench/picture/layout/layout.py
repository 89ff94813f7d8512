"""Layouts in character cells, with a time limit."""

from __future__ import annotations

from collections.abc import Callable

from workbench.picture.layout.geometry import CutOff, Detail, Direction, Layout
from workbench.picture.scene.scene import Scene

TIME_LIMIT = 8.0
SMALL = 40
"""Boxes and edges that are always laid out within some 20 ms; starting a process takes ten times that."""


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


def lay_out_within(
    scene: Scene,
    time_limit: float = TIME_LIMIT,
    *,
    direction: Direction = "down",
    detail: Detail = "full",
    engine: str | None = None,
    stop: Callable[[], bool] | None = None,
) -> Layout | CutOff:
    """Lay out a scene within a time limit: a large one in a process that is ended when it is over.

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
    boxes, edges = len(scene.nodes) + len(scene.frames), len(scene.edges)
    if boxes + edges <= SMALL and time_limit > 0:
        if stop is not None and stop():
            return CutOff(time_limit, boxes, edges)
        return lay_out(scene, direction=direction, detail=detail, engine=engine)
    from workbench.picture.layout.worker import run

    return run(scene, time_limit, {"direction": direction, "detail": detail, "engine": engine}, stop)
