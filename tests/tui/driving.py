"""Driving the application in tests: a store of its own, waiting for what threads do, screenshots."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from workbench.session.store import Store
from workbench.tui.app import Look, WorkbenchApp
from workbench.tui.screens import work
from workbench.tui.start import make_session
from workbench.tui.widgets import browse

Story = Callable[[WorkbenchApp, Pilot[int]], Awaitable[None]]
WAIT = 60.0


def drive(
    story: Story,
    paths: Sequence[Path] = (),
    *,
    state: Path,
    size: tuple[int, int] = (120, 40),
    look: Look | None = None,
) -> WorkbenchApp:
    """Runs an application without a terminal and lets `story` press its keys."""
    work.AT_FIRST = work.AGAIN = browse.FOLLOW = 0.005  # what waits for a user's leisure need not wait here
    app = WorkbenchApp(make_session(paths), Store(state), look or Look("workbench-dark"))

    async def run() -> None:
        async with app.run_test(size=size, notifications=True) as pilot:
            await settle(app, pilot)
            await story(app, pilot)

    asyncio.run(run())
    return app


async def settle(app: WorkbenchApp, pilot: Pilot[int]) -> None:
    """Waits until no thread works for the UI any more, and it is drawn."""
    for _ in range(3):
        await pilot.pause(0.02)
        with suppress(WorkerCancelled):  # a newer one took its place
            await asyncio.wait_for(app.workers.wait_for_complete(), WAIT)
    await pilot.pause()


async def press(app: WorkbenchApp, pilot: Pilot[int], *keys: str) -> None:
    """Presses keys and waits for what they start."""
    await pilot.press(*keys)
    await settle(app, pilot)


async def until(pilot: Pilot[int], condition: Callable[[], bool], seconds: float = WAIT) -> None:
    """Waits for something."""
    waited = 0.0
    while not condition():
        await pilot.pause(0.05)
        waited += 0.05
        assert waited < seconds, "it did not come to that"


def screen_text(app: WorkbenchApp) -> str:
    """What is on the screen, as lines of text."""
    width, height = app.size
    lines = []
    for strip in app.screen._compositor.render_strips(app.size):
        lines.append("".join(segment.text for segment in strip)[:width])
    return "\n".join(lines[:height])
