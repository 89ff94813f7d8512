"""Choosing a model or a file, over the screen beneath."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.disk.samples import sample_models
from workbench.session.lists.places import Entry, known, listing
from workbench.session.store import Store
from workbench.tui.screens.dialog import Dialog
from workbench.tui.widgets.chooser import Chooser


class ChooseScreen(Dialog[Path]):
    """A dialog that returns a chosen path.

    Args:
        title: in the frame.
        store: with the recent models; None to choose any file.
        start: the path that stands there at first.
        files: the files that are offered before anything is typed; None for those of the working folder.
    """

    def __init__(
        self,
        title: str,
        store: Store | None,
        start: str = "",
        files: Callable[[], list[Entry]] | None = None,
    ) -> None:
        super().__init__()
        self._title = title
        self._store = store
        self._start = start
        self._files = files or partial(listing, Path.cwd(), models=False)

    def compose(self) -> ComposeResult:
        """Yield the chooser."""
        store = self._store
        with Vertical(classes="dialog") as frame:
            frame.border_title = self._title
            frame.border_subtitle = "enter: choose   tab: complete   esc: close"
            if store is not None:
                yield Chooser(
                    lambda found: known(store.recent(), sample_models(), found=found),
                    plans=False,
                    start=self._start,
                )
            else:
                yield Chooser(lambda found: self._files(), models=False, start=self._start)

    @on(Chooser.Done)
    def _done(self, event: Chooser.Done) -> None:
        event.stop()
        self.dismiss(event.path)
