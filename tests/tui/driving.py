"""Driving the application in tests: a store of its own, waiting for what threads do, screenshots."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from textual import events
from textual._compositor import Compositor
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.keys import _character_to_key
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import WorkerCancelled

from tests.timing import HANG
from workbench.session.store import Store
from workbench.tui.app import WorkbenchApp
from workbench.tui.host import Look
from workbench.tui.screens import panes
from workbench.tui.screens.work import WorkScreen
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
    """Runs an application without a terminal and lets `story` press its keys.

    The application is that of an earlier story, set back, if that had the same models and the same screen and is still
    there: one that is started takes longer than most stories.
    """
    panes.AT_FIRST = panes.AGAIN = browse.FOLLOW = 0.005  # what waits for a user's leisure need not wait here
    wanted = (tuple(paths), size, look)
    kept = _kept.pop(wanted, None)
    if kept is None or not kept.set_back(paths, state):
        kept = Kept(wanted, WorkbenchApp(make_session(paths), Store(state), look or Look("workbench-dark")))
    with kept:
        kept.run(story)
    return kept.app


Wanted = tuple[tuple[Path, ...], tuple[int, int], Look | None]
_kept: dict[Wanted, Kept] = {}
"""Those that the next stories may have."""


def close_kept() -> None:
    """Ends the applications that wait for another story."""
    while _kept:
        _kept.popitem()[1].close()


class Kept:
    """An application that runs, on a loop of its own that stands still between two stories.

    Args:
        wanted: what it was started for.
        app: not started yet.
    """

    def __init__(self, wanted: Wanted, app: WorkbenchApp) -> None:
        self.wanted = wanted
        self.app = app
        self._runner = asyncio.Runner()
        self._running = app.run_test(size=wanted[1], notifications=True)
        with few_frames():
            self._pilot = self._runner.run(self._running.__aenter__())
            self._first_screen = self._runner.run(self._drawn())

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, problem: type[BaseException] | None, *rest: object) -> None:
        """Keeps it for the next, unless it was quit or something went wrong."""
        if problem is None and self.app._exception is None and self.app.is_running and not self.app._exit:
            _kept[self.wanted] = self
        else:
            self.close()

    def run(self, story: Story) -> None:
        async def told() -> None:
            await story(self.app, self._pilot)
            draw(self.app)

        with few_frames():
            self._runner.run(told())

    def close(self) -> None:
        try:
            self._runner.run(self._running.__aexit__(None, None, None))
        finally:
            self._runner.close()

    def set_back(self, paths: Sequence[Path], state: Path) -> bool:
        """Shows the models as if just opened; False, and closed, if the first screen does not come back."""
        if not isinstance(self.app.screen_stack[0], WorkScreen):
            self.close()
            return False
        with few_frames():
            self._runner.run(self._set_back(paths, state))
            shown = self._runner.run(self._drawn())
        if shown == self._first_screen:
            return True
        self.close()
        return False

    async def _set_back(self, paths: Sequence[Path], state: Path) -> None:
        app, screen = self.app, self.app.screen_stack[0]
        assert isinstance(screen, WorkScreen)
        app.store = Store(state)
        app.clear_notifications()
        app._clipboard = ""
        while len(app.screen_stack) > 1:
            app.pop_screen()
        with app.batch_update():
            vars(app.session).update(vars(make_session(paths)))
            for cache in (screen._viewers, screen._wired, screen._problems, screen._remembered):
                cache.clear()
            screen.picked = screen._outcome = None
            screen._load_all()
            screen.go_region("pane-0")
            screen.changed(save=False)

    async def _drawn(self) -> str:
        """What is on the screen, once nothing changes it any more."""
        await settle(self.app, self._pilot)
        draw(self.app)
        return screen_text(self.app)


_parse_rules = Stylesheet._parse_rules
_parsed: dict[Hashable, list[RuleSet]] = {}


def _parse_once(sheet: Stylesheet, *given: Any, **named: Any) -> list[RuleSet]:
    """Parses a style sheet as a sheet does that remembers: each application has its own, and all are the same."""
    key = (frozenset(sheet._variables.items()), given, *sorted(named.items()))
    if key not in _parsed:
        _parsed[key] = _parse_rules(sheet, *given, **named)
    return _parsed[key]


Stylesheet._parse_rules = _parse_once  # type: ignore[method-assign]

_draw_frame = Compositor.render_update


@contextmanager
def few_frames() -> Iterator[None]:
    """Lets changes add up until `draw`: nobody looks at the frames between, and drawing them takes half of the time."""

    def later(
        compositor: Compositor,
        full: bool = False,
        screen_stack: list[Screen[object]] | None = None,
        simplify: bool = False,
    ) -> RenderableType | None:
        return _draw_frame(compositor, full, screen_stack, simplify) if full else None

    Compositor.render_update = later  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        Compositor.render_update = _draw_frame  # type: ignore[method-assign]


def draw(app: WorkbenchApp) -> None:
    """Draws what has changed since it was drawn last."""
    if app.is_running and app.screen_stack:
        _draw_frame(app.screen._compositor, screen_stack=app._background_screens)


async def settle(app: WorkbenchApp, pilot: Pilot[int]) -> None:
    """Waits until no thread works for the UI any more, nothing is left to be handled, and it is laid out."""
    quiet = 0
    shown: object = None
    while quiet < 2:
        before, shown = shown, (app.screen, app.focused)
        busy = any(not worker.is_finished for worker in app.workers) or not handled(app) or before != shown
        with suppress(WorkerCancelled):  # a newer one took its place
            await asyncio.wait_for(app.workers.wait_for_complete(), HANG)
        await rest(app, 0 if busy else 0.01)  # longer than any timer that is set here
        quiet = 0 if busy else quiet + 1


async def rest(app: WorkbenchApp, seconds: float = 0) -> None:
    """Waits until all messages are handled, then so long, and lays out what they have changed.

    As `Pilot.pause`, which sends each widget of the screen a message and waits for all: most of a story's time.
    """
    end = time.monotonic() + HANG
    await asyncio.sleep(0)
    while not handled(app):
        assert time.monotonic() < end, "messages are still being handled"
        await asyncio.sleep(0.001)
    await asyncio.sleep(seconds)
    if app.screen_stack:
        app.screen._on_timer_update()


def handled(app: WorkbenchApp) -> bool:
    """Whether the application, its screens and their widgets all wait for a message, and none is there."""
    pumps = [app, *(widget for screen in app.screen_stack for widget in screen.walk_children(with_self=True))]
    return not any(_busy(pump) for pump in pumps)


def _busy(pump: MessagePump) -> bool:
    if pump._next_callbacks or pump._pending_message or pump.message_queue_size:
        return True
    return pump._running and not pump._message_queue.ready_event._waiters


async def press(app: WorkbenchApp, pilot: Pilot[int], *keys: str) -> None:
    """Presses keys, each when the one before was handled, waits for what they start, and draws what they lead to.

    Letters typed into a field are waited for together. As `Pilot.press`, which waits after each key until the process
    has nothing to do: 80 ms and more for a letter.
    """
    settled = False
    for key in keys:
        await type_text(app, pilot, (key,))
        settled = not (len(key) == 1 and isinstance(app.focused, Input))
        if settled:
            await settle(app, pilot)
    if not settled:
        await settle(app, pilot)
    draw(app)


async def type_text(app: WorkbenchApp, pilot: Pilot[int], keys: Sequence[str]) -> None:
    """Presses keys as fast as they are taken, as a paste does that a terminal does not mark as one."""
    for key in keys:
        name = _character_to_key(key) if len(key) == 1 else key
        event = events.Key(name, key if len(key) == 1 else None)
        event.set_sender(app)
        app.post_message(event)
    await rest(app)


async def until(pilot: Pilot[int], condition: Callable[[], bool], seconds: float = HANG) -> None:
    """Waits for something."""
    end = time.monotonic() + seconds
    while not condition():
        await pilot.pause(0.02)
        assert time.monotonic() < end, "it did not come to that"


def screen_text(app: WorkbenchApp) -> str:
    """What is on the screen, as lines of text."""
    width, height = app.size
    lines = []
    for strip in app.screen._compositor.render_strips(app.size):
        lines.append("".join(segment.text for segment in strip)[:width])
    return "\n".join(lines[:height])
