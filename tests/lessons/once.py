"""Runs each command of a lesson once, for all walks through it: what it said and what it wrote is given again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.lessons.tools import here
from workbench.lessons.running import Ran

_WRITES = ("-o", "--npz")


class Once:
    """A runner of commands; for one lesson, whose models are the same in each of its folders.

    Args:
        keep: a folder for what commands have written.
    """

    def __init__(self, keep: Path) -> None:
        self.keep = keep
        self._ran: dict[tuple[str, ...], Ran] = {}

    def __call__(self, words: Sequence[str], folder: Path) -> Ran:
        places = {at + 1: folder / words[at + 1] for at, word in enumerate(words[:-1]) if word in _WRITES}
        key = tuple(
            "FILE" if at in places and words[at - 1] == "--npz" else word for at, word in enumerate(words)
        )
        if key not in self._ran or any(place.exists() for place in places.values()):
            ran = here(words, folder)
            if ran.exit == 0:
                self._ran[key] = ran
                for at, place in places.items():
                    _copy(place, self.keep / f"{abs(hash(key))}-{at}")
            return ran
        for at, place in places.items():
            _copy(self.keep / f"{abs(hash(key))}-{at}", place)
        return self._ran[key]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.exists():
        shutil.copyfile(source, target)
