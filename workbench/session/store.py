"""What is kept between two starts: recent models and unfinished plans.

It is in `$XDG_STATE_HOME/workbench` (`~/.local/state/workbench`), readable by its owner only. Files that
can't be read or written there are ignored.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.session.steps import counted
from workbench.state import read, state_folder, write
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan
from workbench.surgery.recipe import SCHEMA_VERSION, plan_to_json
from workbench.surgery.step_files import files_of, with_files

_RECENT = "recent.json"
_KEPT = 20
_MAX_AGE = 30 * 86400.0  # seconds a plan nobody came back for is offered


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A plan whose session was lost before it was committed.

    Attributes:
        path: its file, which `recipe.load` reads.
        summary: `image + digits, 1 wire`.
        seconds: since its last change.
    """

    path: Path
    summary: str
    seconds: float


class Store:
    """Recent models and unfinished plans.

    Args:
        folder: where they lie; None for the user's own.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else state_folder()
        self._mine: Path | None = None

    # -- recent models

    def recent(self) -> list[Path]:
        """Return the recent models that still exist, the latest first."""
        found = read(self.folder / _RECENT)
        if not isinstance(found, list):
            return []
        paths = (Path(entry) for entry in found if isinstance(entry, str))
        return [path for path in paths if os.path.lexists(path)]

    def remember(self, path: Path) -> None:
        """Put a model first among the recent ones."""
        absolute = str(path.absolute())
        others = [str(known) for known in self.recent() if str(known) != absolute]
        write(self.folder / _RECENT, [absolute, *others][:_KEPT])

    # -- unfinished plans

    def keep(self, plan: Plan, tags: Mapping[str, tuple[str, ...]], target: str = "") -> None:
        """Save the current plan, as a recipe without digests.

        Args:
            plan: the plan.
            tags: the tag set of each source, by handle.
            target: the folder for the result.
        """
        if self._mine is None:
            self._mine = self.folder / "plans" / f"{os.getpid()}-{os.urandom(4).hex()}.json"
        sources = [
            {
                "handle": source.handle,
                "path": str(source.path.absolute()),
                "tag_set": ",".join(tags.get(source.handle, source.tags or ())),
                "signature": source.signature,
            }
            for source in plan.sources
        ]
        places = {path: os.path.abspath(path) for step in plan.steps for path in files_of(step)}
        write(
            self._mine,
            {
                "schema_version": SCHEMA_VERSION,
                "pid": os.getpid(),
                "born": _born(os.getpid()),
                "sources": sources,
                **plan_to_json(plan, [with_files(step, places) for step in plan.steps]),
                "files": [
                    {"path": places[file.path], "digest": file.digest}
                    for file in plan.files
                    if file.path in places
                ],
                "target": target,
            },
        )

    def forget(self) -> None:
        """Remove the plan this process saved: it was finished or given up."""
        if self._mine is not None:
            with suppress(OSError):
                self._mine.unlink()
            self._mine = None

    def drop(self, unfinished: Unfinished) -> None:
        """Remove a plan that was offered."""
        with suppress(OSError):
            unfinished.path.unlink()

    def unfinished(self) -> list[Unfinished]:
        """Return plans with steps whose process has ended, latest first; drop old ones."""
        found = []
        try:
            paths = list((self.folder / "plans").glob("*.json"))
        except OSError:
            return []
        for path in paths:
            entry = read(path)
            try:
                seconds = time.time() - path.stat().st_mtime
                if not isinstance(entry, dict) or seconds > _MAX_AGE:
                    path.unlink()
                    continue
            except OSError:
                continue
            if path == self._mine or _runs(entry.get("pid"), entry.get("born")) or not any(_steps(entry)):
                continue
            handles = [str(source.get("handle")) for source in entry.get("sources", ())]
            summary = f"{' + '.join(handles)}, {counted(*_steps(entry))}"
            found.append(Unfinished(path, summary, max(seconds, 0.0)))
        return sorted(found, key=lambda one: one.seconds)


def _steps(entry: dict[str, Any]) -> tuple[int, int]:
    """Return how many steps of a plan connect models, and how many do not.

    A file of an older version lists wires apart.
    """
    steps = entry.get("steps")
    if isinstance(steps, list):
        wires = sum(isinstance(step, dict) and step.get("operation") == Connect.NAME for step in steps)
        return wires, len(steps) - wires
    listed = entry.get("wires")
    return (len(listed) if isinstance(listed, list) else 0), 0


def _born(pid: int) -> str:
    """Return when a process started (field 22 of `stat`): process ids are reused."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19:20][0] if ")" in stat else ""


def _runs(pid: object, born: object) -> bool:
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass
    return _born(pid) in ("", born)
