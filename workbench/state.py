"""What is kept for the user between two runs, as JSON files in a folder of their own.

`$XDG_STATE_HOME/workbench` (`~/.local/state/workbench`), readable by its owner only. A file that can't be read or
written is skipped: nothing here is worth stopping for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from workbench.disk.documents import NotJson, parse

_MAX_BYTES = 4 << 20
_SOURCES = "sources.json"
_MAX_SOURCES = 500


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder; it may not be there yet."""
    base = environment.get("XDG_STATE_HOME") or ""
    if os.path.isabs(base):
        return Path(base) / "workbench"
    try:
        return Path.home() / ".local" / "state" / "workbench"
    except RuntimeError:  # a user without a home: nothing can be kept
        return Path(os.devnull) / "workbench"


def read(path: Path) -> Any:
    """The value in a file, or None."""
    try:
        data = path.read_bytes()
        return parse(data) if len(data) <= _MAX_BYTES else None
    except (OSError, NotJson):
        return None


def write(path: Path, value: object) -> None:
    """Replaces a file, if it can be written."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _remove_dead(path)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file)
        os.replace(temporary, path)
    except BaseException as problem:
        with suppress(OSError):
            temporary.unlink()
        if not isinstance(problem, OSError):
            raise


def _remove_dead(path: Path) -> None:
    """Removes what processes that were killed while they wrote this file have left."""
    if os.name != "posix":
        return
    with os.scandir(path.parent) as found:
        names = [entry.name for entry in found if entry.name.startswith(f"{path.name}.")]
    for name in names:
        number = name[len(path.name) + 1 :]
        if number.isascii() and number.isdigit():
            try:
                os.kill(int(number), 0)
            except (ProcessLookupError, OverflowError):
                with suppress(OSError):
                    path.with_name(name).unlink()
            except PermissionError:
                pass  # it lives, and is another's


def remembered_sources() -> dict[str, Path]:
    """Where the sources of published results were: digest to path, the latest last. They may be gone, or changed."""
    found = read(state_folder() / _SOURCES)
    if not isinstance(found, dict):
        return {}
    return {digest: Path(path) for digest, path in found.items() if isinstance(path, str)}


def remember_recipe(recipe: bytes, paths: Sequence[Path]) -> None:
    """Keeps where the sources of a published result are, so that it can be proven again.

    Args:
        recipe: of the result.
        paths: of its sources, in the same order.
    """
    sources = json.loads(recipe)["sources"]
    remember_sources({source["digest"]: path for source, path in zip(sources, paths, strict=True)})


def remember_sources(places: Mapping[str, Path]) -> None:
    """Keeps where sources of results are, by digest."""
    known = {digest: str(path) for digest, path in remembered_sources().items() if digest not in places}
    known |= {digest: os.path.abspath(path) for digest, path in places.items()}
    latest = dict(list(known.items())[-_MAX_SOURCES:])
    write(state_folder() / _SOURCES, latest)
