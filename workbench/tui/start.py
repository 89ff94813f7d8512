"""Starting the application for what was named on the command line."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.session.session import Session

if TYPE_CHECKING:
    from textual.screen import Screen

    from workbench.tui.app import WorkbenchApp

_PATIENCE = 0.3  # seconds
_SWITCH = 0.0005
"""Seconds for which a thread keeps the interpreter: a key is answered while another thread walks a large graph."""
_WRITER = "textual-output"  # textual/drivers/_writer_thread.py


def make_session(paths: Sequence[Path]) -> Session:
    """Return a session whose models are opened after the first frame, or with a plan.

    Raises:
        WorkbenchError: a plan can't be read.
    """
    if len(paths) == 1 and paths[0].suffix == ".json" and paths[0].is_file():
        from workbench.surgery.recipe import load

        return Session(load(paths[0]))
    session = Session()
    for path in paths:
        session.add(path)
    return Session(session.plan)


def _end_with_terminal(app: WorkbenchApp) -> None:
    """End the application when the terminal can't be written to.

    Textual writes on a thread, which dies of it; the application would then wait for ever for that thread.
    """
    usual = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        lost = args.thread is not None and args.thread.name == _WRITER and isinstance(args.exc_value, OSError)
        if lost:
            app.lose_terminal()
        usual(args)

    threading.excepthook = hook


class LessonAsked(NamedTuple):
    """A lesson to begin with.

    Attributes:
        lesson: its name, number or folder.
        seed: of its questions, or None.
        page: to begin at, from 0; or None.
        restart: whether progress is forgotten.
        folder: the student's folder, or None.
    """

    lesson: str
    seed: int | None = None
    page: int | None = None
    restart: bool = False
    folder: Path | None = None


def start(
    paths: Sequence[Path],
    *,
    theme: str = "",
    ascii: bool = False,
    mouse: bool = True,
    lesson: LessonAsked | None = None,
) -> int:
    """Run the application until the user leaves; return the exit code."""
    session = make_session(paths)
    sys.setswitchinterval(_SWITCH)
    gc.disable()  # until the models are open: nothing of what is made now is removed
    reading = session.begin()  # while Textual is imported
    from workbench.session.store import Store
    from workbench.tui.app import WorkbenchApp
    from workbench.tui.host import Look

    reading.join(_PATIENCE)  # a first frame with the rows in it beats one that says they will come
    app = WorkbenchApp(session, Store(), Look(theme, ascii), _screens(lesson))
    _end_with_terminal(app)
    app.run(mouse=mouse)
    return app.return_code or 0


def _screens(asked: LessonAsked | None) -> list[Screen[Any]]:
    """Return the screens above the start screen for a lesson."""
    if asked is None:
        return []
    from workbench.tui.learning.lesson import LessonScreen
    from workbench.tui.learning.lessons import LessonsScreen

    lesson = LessonScreen(
        asked.lesson, seed=asked.seed, page=asked.page, restart=asked.restart, folder=asked.folder
    )
    return [LessonsScreen(), lesson]
