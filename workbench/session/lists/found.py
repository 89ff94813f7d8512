"""Models below a folder, found by names and first bytes: SavedModels, serving base folders, frozen graphs."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from workbench.session.lists.places import is_model

DEPTH = 3
MOST = 100
_FOLDERS = 2_000
_SECONDS = 3.0
_ENTRIES = 2_000
_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "venv"})
_GRAPH_DEF = b"\x0a"  # the tag of field 1, the nodes
_SNIFFED = 4096


def models_below(folder: Path, depth: int = DEPTH, most: int = MOST) -> Iterator[Path]:
    """Yield models below a folder, near ones first; hidden folders and links are not entered.

    It reads folders, so call it in a thread. It ends after some seconds or some thousand folders.

    Args:
        folder: where to look.
        depth: how many folders deep.
        most: how many are yielded at most.
    """
    until = time.monotonic() + _SECONDS
    todo = deque([(folder, 0)])
    looked = 0
    while todo and most > 0 and looked < _FOLDERS and time.monotonic() < until:
        here, level = todo.popleft()
        looked += 1
        for entry in _entries(here):
            path = Path(entry.path)
            if _is_folder(entry):
                if is_model(path):
                    most -= 1
                    yield path
                elif level < depth - 1 and not entry.name.startswith(".") and entry.name not in _SKIPPED:
                    todo.append((path, level + 1))
            elif is_model(path) and is_graph(path):
                most -= 1
                yield path
            if most <= 0:
                return


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name.lower())[:_ENTRIES]
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def is_graph(path: Path) -> bool:
    """Return whether a file begins as a GraphDef does, binary or text."""
    try:
        with path.open("rb") as file:
            start = file.read(_SNIFFED)
    except OSError:
        return False
    return b"node" in start if path.suffix == ".pbtxt" else start[:1] == _GRAPH_DEF
