"""Saving a picture in a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.names import show
from workbench.picture.formats import SUFFIXES, Format
from workbench.session.lists.places import expand
from workbench.tui.screens.dialog import AskScreen, PromptScreen

if TYPE_CHECKING:
    from workbench.tui.host import Host

_TEXT = "File for the picture. Its suffix is the format: .svg, .html (opens and closes boxes), .txt, .dot, .mmd, .json."


def format_of(path: Path) -> Format:
    """Return the format that the suffix of a file means; text for one without."""
    return SUFFIXES.get(path.suffix.lower(), "text")


def ask_for_file(app: Host, name: str, write: Callable[[Path, bool], None]) -> None:
    """Ask for a file; ask before replacing one.

    Args:
        app: to ask in.
        name: the file that is proposed.
        write: gets the path, and whether a file there is replaced.
    """

    def answered(path: Path, answer: str | None) -> None:
        if answer == "replace":
            write(path, True)

    def named(text: str | None) -> None:
        if text is None:
            return
        path = expand(text)
        if path.suffix and path.suffix.lower() not in SUFFIXES:
            known = " ".join(SUFFIXES)
            app.tell(f"No picture format has the suffix {show(path.suffix)!r}.", f"Use one of {known}.")
        elif os.path.lexists(path):
            app.push_screen(
                AskScreen(
                    "Replace it?",
                    f"{show(str(path))} already exists.",
                    [("replace", "Replace"), ("no", "Keep it")],
                ),
                partial(answered, path),
            )
        else:
            write(path, False)

    app.push_screen(PromptScreen("Save the picture", _TEXT, name), named)


def save(app: Host, path: Path, text: str, overwrite: bool) -> None:
    """Write a picture and show a notice of it."""
    from workbench.disk.atomic.outputs import write_output

    sources = [model.place for model in app.session.models.values()]
    try:
        write_output(str(path), text.encode(), overwrite=overwrite, sources=sources)
    except (OSError, WorkbenchError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        app.tell(f"Cannot write the picture: {why}", severity="error")
        return
    app.tell(show(str(path)), title="Picture saved")
