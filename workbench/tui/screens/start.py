"""The first screen: the story, sample models, recent models, models below the working folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from workbench.disk.samples import sample_models
from workbench.errors import WorkbenchError
from workbench.names import show
from workbench.session.lists.places import Entry, begin, known
from workbench.tui.actions import bindings
from workbench.tui.screens.base import BaseScreen
from workbench.tui.widgets.bars import Keys
from workbench.tui.widgets.chooser import Chooser

if TYPE_CHECKING:
    from workbench.tui.host import Host

_FIRST = "Enter opens the marked line. Type a path, or letters of a name, to find a model of yours."


class StartScreen(BaseScreen[None]):
    """The start screen: the story, sample models, recent models, those below the working folder."""

    app: Host
    CSS_PATH = "start.tcss"
    SCOPE = "start"
    BINDINGS = bindings("start")
    AUTO_FOCUS = None

    def compose(self) -> ComposeResult:
        """Yield a greeting and the chooser."""
        with Vertical(classes="start"):
            banner = Text()
            banner.append("● workbench ▲", "bold")
            banner.append("   look into TensorFlow SavedModels, change and join them")
            yield Static(banner, classes="banner")
            recent = self.app.store.recent()
            plans = self.app.store.unfinished()
            yield Chooser(self._known, first=recent[0] if recent and not plans else None)
            yield Static(_FIRST, classes="hint", markup=False)
        yield Keys()

    def _known(self, found: Sequence[Path]) -> list[Entry]:
        plans = [
            Entry("plan", show(one.summary), _ago(one.seconds), one.path)
            for one in self.app.store.unfinished()
        ]
        entries = known(self.app.store.recent(), sample_models(), plans, found)
        at = 1 + len(plans) if plans else 0
        return [*entries[:at], *begin(sample_models()), *entries[at:]]

    def action_leave(self) -> None:
        """Clear the typed text; quit if there is none."""
        line = self.query_one(Chooser).line
        if line.value:
            line.clear()
        else:
            self.app.action_ask_quit()

    @on(Chooser.Done)
    def _done(self, event: Chooser.Done) -> None:
        event.stop()
        if event.kind == "plan":
            self._open_plan(event.path)
            return
        if event.kind == "story":
            self.app.begin_story()
            self._go()
            return
        if event.kind == "lessons":
            from workbench.tui.learning.lessons import LessonsScreen

            self.app.push_screen(LessonsScreen())
            return
        self.app.session.add(event.path)
        self._go()

    def _open_plan(self, path: Path) -> None:
        from workbench.session.session import Session
        from workbench.surgery.recipe import load

        try:
            plan = load(path)
        except WorkbenchError as error:
            self.app.tell(str(error), severity="error")
            return
        taken = next((one for one in self.app.store.unfinished() if one.path == path), None)
        self.app.session = Session(plan)
        if taken is not None:
            self.app.session.forget_saved()
            self.app.plan_changed()
            self.app.store.drop(taken)
        self._go()

    def _go(self) -> None:
        self.app.pop_screen()
        self.app.show_work()


def _ago(seconds: float) -> str:
    """Return how long ago a time was: `5 minutes ago`."""
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {name}{'' if number == 1 else 's'} ago"
    return "a moment ago"
