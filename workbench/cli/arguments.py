"""Arguments that several commands have, with what a shell completes for them."""

from __future__ import annotations

import argparse

_FILES = {"bash": "_shtab_compgen_files", "zsh": "_files", "tcsh": "f"}
_FOLDERS = {"bash": "_shtab_compgen_dirs", "zsh": "_files -/", "tcsh": "d"}


def completes_files(action: argparse.Action) -> argparse.Action:
    """Lets the shell complete file names for an argument (`shtab` reads the attribute)."""
    action.complete = _FILES  # type: ignore[attr-defined]
    return action


def completes_folders(action: argparse.Action) -> argparse.Action:
    """Lets the shell complete folder names for an argument."""
    action.complete = _FOLDERS  # type: ignore[attr-defined]
    return action


def add_json(parser: argparse.ArgumentParser, help: str = "data as JSON on stdout, errors too") -> None:
    """Adds `--json`."""
    parser.add_argument("--json", action="store_true", help=help)
