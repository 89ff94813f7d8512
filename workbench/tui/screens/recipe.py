"""Saving the plan as a recipe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.names import show
from workbench.session.lists.places import expand
from workbench.session.session import Session
from workbench.tui.screens.dialog import AskScreen, PromptScreen

if TYPE_CHECKING:
    from workbench.tui.host import Host


def ask_and_save(app: Host, session: Session) -> None:
    """Ask for a file name and save the recipe; ask before replacing a file."""

    def named(text: str | None) -> None:
        if text is None:
            return
        path = expand(text)
        if os.path.lexists(path):
            question = f"{show(str(path))} already exists."
            app.push_screen(
                AskScreen("Replace it?", question, [("replace", "Replace"), ("no", "Keep it")]),
                lambda answer: save(app, session, path, overwrite=True) if answer == "replace" else None,
            )
        else:
            save(app, session, path)

    name = "-".join(session.handles) or "plan"
    app.push_screen(
        PromptScreen(
            "Save the recipe", "File for the recipe, which workbench apply replays:", f"{name}.json"
        ),
        named,
    )


def save(app: Host, session: Session, path: Path, *, overwrite: bool = False) -> None:
    """Save the recipe and show a notice of it."""
    from workbench.surgery.recipe import save as write

    join = session.join()
    if join is None:
        app.tell("Open every model first; a recipe needs all of them.", severity="warning")
        return
    try:
        write(session.plan, join, path, overwrite=overwrite)
    except (OSError, WorkbenchError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        app.tell(f"Cannot write the recipe: {why}.", severity="error")
        return
    session.mark_saved()
    app.plan_changed()
    app.tell(
        f"{show(str(path))}", "workbench apply replays it; workbench tui opens it.", title="Recipe saved"
    )
