"""Starting the application for what was named on the command line."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path

from workbench.session.session import Session

_PATIENCE = 0.3  # seconds


def make_session(paths: Sequence[Path]) -> Session:
    """A session with models that are opened once the first frame is there, or with a plan.

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


def start(paths: Sequence[Path], *, theme: str = "", ascii: bool = False, mouse: bool = True) -> int:
    """Runs the application until it is left; the exit code."""
    session = make_session(paths)
    gc.disable()  # until the models are there: nothing of what is made now goes away
    reading = session.begin()  # while Textual is imported
    from workbench.session.store import Store
    from workbench.tui.app import Look, WorkbenchApp

    reading.join(_PATIENCE)  # a first frame with the rows in it beats one that says they will come
    app = WorkbenchApp(session, Store(), Look(theme, ascii))
    app.run(mouse=mouse)
    return app.return_code or 0
