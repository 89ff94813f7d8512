"""Driving the application in tests: a store of its own, waiting for what threads do, screenshots."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from tests.timing import HANG
from workbench.session.store import Store
from workbench.tui.app import Look, WorkbenchApp
from workbench.tui.screens import panes
from workbench.tui.start import make_session
from workbench.tui.widgets import browse

Story = Callable[[WorkbenchApp, Pilot[int]], Awaitable[None]]


def drive(
    story: Story,
    paths: Sequence[Path] = (),
    *,
    state: Path,
    size: tuple[int, int] = (120, 40),
    look: Look | None = None,
) -> WorkbenchApp:
    """Runs an application without a terminal and lets `story` press its keys."""
    panes.AT_FIRST = panes.AGAIN = browse.FOLLOW = 0.005  # what waits for a user's leisure need not wait here
    app = WorkbenchApp(make_session(paths), Store(state), look or Look("workbench-dark"))

    async def run() -> None:
        async with app.run_test(size=size, notifications=True) as pilot:
            await settle(app, pilot)
            await story(app, pilot)

    asyncio.run(run())
    return app


async def settle(app: WorkbenchApp, pilot: Pilot[int]) -> None:
    """Waits until no thread works for the UI any more, and it is drawn."""
    quiet = 0
    while quiet < 2:
        busy = any(not worker.is_finished for worker in app.workers)
        with suppress(WorkerCancelled):  # a newer one took its place
            await asyncio.wait_for(app.workers.wait_for_complete(), HANG)
        await pilot.pause(0.01)  # longer than any timer that is set here
        quiet = 0 if busy else quiet + 1


async def press(app: WorkbenchApp, pilot: Pilot[int], *keys: str) -> None:
    """Presses keys, each when the one before was handled, and waits for what they start.

    As `Pilot.press`, which waits after each key until the process has nothing to do: 80 ms and more for a letter.
    """
    for key in keys:
        await type_text(app, pilot, (key,))
        await pilot.pause(0)
        await settle(app, pilot)


async def type_text(app: WorkbenchApp, pilot: Pilot[int], keys: Sequence[str]) -> None:
    """Presses keys as fast as they are taken, as a paste does that a terminal does not mark as one."""
    for key in keys:
        name = _character_to_key(key) if len(key) == 1 else key
        event = events.Key(name, key if len(key) == 1 else None)
        event.set_sender(app)
        app.post_message(event)
    await pilot.pause(0)


async def until(pilot: Pilot[int], condition: Callable[[], bool], seconds: float = HANG) -> None:
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
