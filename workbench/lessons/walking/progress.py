"""How far a student is in a lesson, kept between two runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench import state
from workbench.lessons.lesson import Lesson

_FILE = "progress.json"
_MOST = 10_000


@dataclass(slots=True)
class Progress:
    """How far a student is.

    Attributes:
        seed: of the questions.
        page: the page that is open, from 0.
        done: pages whose task or question is done.
        tries: by question of the end: how many answers were judged, up to the right one.
        right: questions of the end that were answered rightly.
    """

    seed: int
    page: int = 0
    done: set[int] = field(default_factory=set)
    tries: dict[str, int] = field(default_factory=dict)
    right: set[str] = field(default_factory=set)

    def reached(self, lesson: Lesson) -> int:
        """Return how many pages are done, or behind the student where they ask for nothing."""
        steps = [
            at in self.done or (at < self.page and step.task is None and step.question is None)
            for at, step in enumerate(lesson.steps)
        ]
        return sum(steps) + len(self.right & {one.id for one in lesson.questions})

    def save(self, folder: Path) -> None:
        """Keep it, if the folder can be written."""
        value = {
            "seed": self.seed,
            "page": self.page,
            "done": sorted(self.done),
            "tries": self.tries,
            "right": sorted(self.right),
        }
        state.write(folder / _FILE, value)


def read_progress(folder: Path) -> Progress | None:
    """Return what was kept; None where there is nothing, or nothing that can be read."""
    found = state.read(folder / _FILE)
    if not isinstance(found, dict) or not _number(found.get("seed")):
        return None
    tries = found.get("tries")
    return Progress(
        seed=found["seed"],
        page=found["page"] if _number(found.get("page")) else 0,
        done={one for one in _list(found.get("done")) if _number(one)},
        tries={key: one for key, one in tries.items() if _number(one)} if isinstance(tries, dict) else {},
        right={one for one in _list(found.get("right")) if isinstance(one, str)},
    )


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31


def _list(value: Any) -> list[Any]:
    return value[:_MOST] if isinstance(value, list) else []
