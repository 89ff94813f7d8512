"""Driving the application in tests: a store of its own, waiting for what threads do, screenshots."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from rich.console import RenderableType
from textual import events
from textual._compositor import Compositor
from textual.geometry import Offset, Size
from textual.keys import _character_to_key
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input
from textual.widgets._toast import ToastHolder
from textual.worker import WorkerCancelled

from tests.timing import HANG
from tests.tui.remembering import remember
from workbench.errors import WorkbenchError
from workbench.session.lists.arrangement import Arrangement
from workbench.session.session import Session
from workbench.session.store import Store
from workbench.tui.app import WorkbenchApp
from workbench.tui.host import Look
from workbench.tui.screens import panes
from workbench.tui.screens.work import WorkScreen
from workbench.tui.start import make_session
from workbench.tui.widgets import browse
from workbench.tui.widgets.bars import Keys
from workbench.tui.widgets.filter import FilterLine
from workbench.tui.widgets.lines import Lines

Story = Callable[[WorkbenchApp, Pilot[int]], Awaitable[None]]

LEISURE = 0.01
"""Seconds: what is put off for so long at most, lest a user waits for it, need not wait here."""


def drive(
    story: Story,
    paths: Sequence[Path] = (),
    *,
    state: Path,
    size: tuple[int, int] = (120, 40),
    look: Look | None = None,
) -> WorkbenchApp:
    """Runs an application without a terminal and lets `story` press its keys.

    The application is that of an earlier story, set back, if one of that look and with so many models is still there:
    one that is started takes longer than most stories.
    """
    panes.AT_FIRST = panes.AGAIN = browse.FOLLOW = LEISURE / 2
    look, session, store = look or Look("workbench-dark"), make_session(paths), Store(state)
    wanted = (look, len(session.plan.sources))
    kept = _kept.pop(wanted, None)
    if kept is None:
        kept = Kept(wanted, WorkbenchApp(session, store, look), size)
    else:
        kept.set_back(session, store, size)
    with kept:
        kept.run(story)
    return kept.app


_looked_at: WeakSet[Screen[Any]] = WeakSet()
"""What a story has drawn itself: each screen that one ends with is drawn at least once."""

Wanted = tuple[Look, int]
_kept: dict[Wanted, Kept] = {}
"""Those that the next stories may have."""


def close_kept() -> None:
    """Ends the applications that wait for another story."""
    while _kept:
        _kept.popitem()[1].close()


class Kept:
    """An application that runs, on a loop of its own that stands still between two stories.

    Args:
        wanted: what it was started for: its look, and the number of its models.
        app: not started yet.
        size: of its terminal.
    """

    def __init__(self, wanted: Wanted, app: WorkbenchApp, size: tuple[int, int]) -> None:
        self.wanted = wanted
        self.app = app
        self._started: dict[Hashable, object] = {}
        """What the screen is made of once the models are opened, by size."""
        self._runner = asyncio.Runner()
        self._running = app.run_test(size=size, notifications=True)
        with unhurried():
            self._pilot = self._runner.run(self._running.__aenter__())
            self._pilot.pause = self._pause  # type: ignore[method-assign,assignment]
            self._runner.run(settle(app, self._pilot))

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
            _looked_at.clear()
            await story(self.app, self._pilot)
            if self.app.screen_stack and self.app.screen not in _looked_at:
                draw(self.app)

        with unhurried():
            self._runner.run(told())

    def close(self) -> None:
        try:
            self._runner.run(self._running.__aexit__(None, None, None))
        finally:
            self._runner.close()

    def set_back(self, session: Session, store: Store, size: tuple[int, int]) -> None:
        """Shows what an application shows that is started for this session."""
        with unhurried():
            self._runner.run(self._set_back(session, store, size))

    async def _set_back(self, session: Session, store: Store, size: tuple[int, int]) -> None:
        app, bottom = self.app, self.app.screen_stack[0]
        app.store, app.story, app._clipboard = store, None, ""
        app.theme = app.look.theme
        app.mouse_position, app._click_chain_last_time = Offset(-1, -1), None
        app.capture_mouse(None)
        if app.size != size:
            app._driver._size = size  # type: ignore[union-attr]
            app.post_message(events.Resize(Size(*size), Size(*size)))
        started = None if session.plan.steps else self._started.get(size)
        if started is not None and isinstance(bottom, WorkScreen) and len(bottom.panes) == self.wanted[1]:
            while len(app.screen_stack) > 1:
                app.pop_screen()
            app.clear_notifications()
            self._empty(bottom, session)
            await settle(app, self._pilot)
            if seen(app) == started:
                return
        app.session = session
        app.clear_notifications()
        await self._renew()
        await settle(app, self._pilot)
        if not session.plan.steps:
            self._started[size] = seen(app)

    def _empty(self, screen: WorkScreen, session: Session) -> None:
        """Gives the main screen another session: half of what a new screen costs."""
        for source in session.plan.sources:
            with suppress(WorkbenchError, OSError):  # it says so itself
                session.load(source.path, source.tags)
        with self.app.batch_update():
            vars(self.app.session).update(vars(session))
            for cache in (screen._viewers, screen._wired, screen._problems, screen._remembered):
                cache.clear()
            screen.picked = screen._outcome = None
            screen.query(f"{FilterLine.__name__}, {ToastHolder.__name__}").remove()
            screen.query_one(Keys).say("")
            for lines in screen.query(Lines):
                lines.scroll_to(y=0, animate=False, force=True, immediate=True)
            for pane in screen.panes:
                pane.rows.arranged = Arrangement()
            screen.go_region("pane-0")
            screen.changed(save=False)
            screen._load_all()

    async def _renew(self) -> None:
        """Puts the screens in place with which an application starts."""
        stack, first = self.app._screen_stack, self.app.get_default_screen()
        if first.id is None or first.id != stack[0].id:
            self.app.push_screen(first)
            before = stack[:-1]
            del stack[:-1]
        else:  # the empty one, of which there is only one
            before = stack[1:]
            del stack[1:]
        for screen in reversed(before):
            await self.app._replace_screen(screen)
        self.app.show_first()

    async def _pause(self, seconds: float | None = None) -> None:
        """As `Pilot.pause`, which asks each widget and then waits until the process has had nothing to do for 20 ms."""
        await rest(self.app)
        if seconds:
            await asyncio.sleep(seconds)
            await rest(self.app)


remember()
_draw_frame = Compositor.render_update


@contextmanager
def unhurried() -> Iterator[None]:
    """Nothing is drawn before `draw`, as nobody looks at the frames between; nothing is put off for a moment."""

    def later(
        compositor: Compositor,
        full: bool = False,
        screen_stack: list[Screen[object]] | None = None,
        simplify: bool = False,
    ) -> RenderableType | None:
        return _draw_frame(compositor, full, screen_stack, simplify) if full else None

    async def soon(seconds: float) -> None:
        await asyncio.sleep(seconds if seconds > LEISURE else 0)

    with pytest.MonkeyPatch.context() as patch:  # undone after a story that fails, too
        patch.setattr(Compositor, "render_update", later)
        patch.setattr("textual.timer.sleep", soon)
        patch.setattr("textual.screen.UPDATE_PERIOD", HANG)  # `rest` lays out, once for all that has changed
        yield


def draw(app: WorkbenchApp) -> None:
    """Draws what has changed since it was drawn last."""
    if app.is_running and app.screen_stack:
        _draw_frame(app.screen._compositor, screen_stack=app._background_screens)


async def settle(app: WorkbenchApp, pilot: Pilot[int]) -> None:
    """Waits until no thread works for the UI any more, nothing is left to be handled, and it is laid out."""
    shown: object = None
    while True:
        await rest(app)
        before, shown = shown, (app.screen, app.focused)
        if all(worker.is_finished for worker in app.workers):
            if handled(app) and before == shown:
                return
            continue
        with suppress(WorkerCancelled):  # a newer one took its place
            await asyncio.wait_for(app.workers.wait_for_complete(), HANG)


async def rest(app: WorkbenchApp) -> None:
    """Waits until all messages are handled, lays out what they have changed, and until that is handled.

    As `Pilot.pause`, which sends each widget of the screen a message and waits for all: most of a story's time.
    """
    await _all_handled(app)
    while app.screen_stack and _changed(app.screen):
        app.screen._on_timer_update()
        await _all_handled(app)


async def _all_handled(app: WorkbenchApp) -> None:
    end = time.monotonic() + HANG
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    while ready or not handled(app):
        assert app._exception is None, app._exception  # it handles none any more
        assert time.monotonic() < end, "messages are still being handled"
        await asyncio.sleep(0 if ready else 0.001)


def _changed(screen: Screen[object]) -> bool:
    """Whether something is to be laid out, as `Screen._on_idle` asks it."""
    if screen.app._batch_count or not screen.is_current:
        return False
    return bool(
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or screen._dirty_widgets
        or screen._callbacks
    )


def handled(app: WorkbenchApp) -> bool:
    """Whether the application, its screens and their widgets all wait for a message, and none is there."""
    return not any(_busy(pump) for pump in (app, *app._registry))


def _busy(pump: MessagePump) -> bool:
    if pump._next_callbacks or pump._pending_message or pump.message_queue_size:
        return True
    return pump._running and not pump._message_queue.ready_event._waiters


async def press(app: WorkbenchApp, pilot: Pilot[int], *keys: str) -> None:
    """Presses keys, each when the one before was handled, and waits for what they start.

    Letters typed into a field are waited for together, and so are steps of the cursor in one direction. As
    `Pilot.press`, which waits after each key until the process has nothing to do: 80 ms and more for a letter.
    """
    for key, following in zip_longest(keys, keys[1:]):
        typed = len(key) == len(following or "") == 1 and isinstance(app.focused, Input)
        _send(app, key)
        if not typed and not (key == following and key in ("up", "down")):
            await settle(app, pilot)
    await settle(app, pilot)


async def type_text(app: WorkbenchApp, pilot: Pilot[int], keys: Sequence[str]) -> None:
    """Presses keys as fast as they are taken, as a paste does that a terminal does not mark as one."""
    for key in keys:
        _send(app, key)
    await rest(app)


def _send(app: WorkbenchApp, key: str) -> None:
    name = _character_to_key(key) if len(key) == 1 else key
    event = events.Key(name, key if len(key) == 1 else None)
    event.set_sender(app)
    app.post_message(event)


async def until(pilot: Pilot[int], condition: Callable[[], bool], seconds: float = HANG) -> None:
    """Waits for something."""
    end = time.monotonic() + seconds
    while not condition():
        assert pilot.app._exception is None, pilot.app._exception
        await pilot.pause(0.002)
        assert time.monotonic() < end, "it did not come to that"


def seen(app: WorkbenchApp) -> object:
    """What the screen is made of."""
    return [
        (type(widget), widget.id, widget.classes, widget.display, widget is app.focused)
        for widget in app.screen.walk_children(with_self=True)
    ]


def screen_text(app: WorkbenchApp) -> str:
    """What is on the screen, as lines of text."""
    width, height = app.size
    lines = []
    _looked_at.add(app.screen)
    for strip in app.screen._compositor.render_strips(app.size):
        lines.append("".join(segment.text for segment in strip)[:width])
    return "\n".join(lines[:height])
