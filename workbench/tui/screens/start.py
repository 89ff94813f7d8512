"""The first screen: recent models, the sample models, a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Static

from workbench.disk.samples import sample_models
from workbench.errors import WorkbenchError
from workbench.names import show
from workbench.session.lists.places import Entry, known
from workbench.tui.actions import bindings
from workbench.tui.widgets.bars import Keys
from workbench.tui.widgets.chooser import Chooser

if TYPE_CHECKING:
    from workbench.tui.host import Host

_HINT = "Then o opens a second model beside the first; space picks an output, and wires it to an input."


class StartScreen(Screen[None]):
    """The start screen: recent models, sample models, a folder."""

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
            banner.append("   look into TensorFlow SavedModels, and join them")
            yield Static(banner, classes="banner")
            yield Chooser(self._known)
            yield Static(_HINT, classes="hint", markup=False)
        yield Keys()

    def _known(self) -> list[Entry]:
        plans = [
            Entry("plan", show(one.summary), _ago(one.seconds), one.path)
            for one in self.app.store.unfinished()
        ]
        return known(self.app.store.recent(), sample_models(), plans)

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
