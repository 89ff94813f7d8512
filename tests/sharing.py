"""Values and folders that are made once in a test run, whichever of its processes comes first."""

from __future__ import annotations

import fcntl
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Made = TypeVar("Made")


def shared_folder(factory: pytest.TempPathFactory, config: pytest.Config) -> Path:
    """Return the folder of this run: below that of the worker, or beside those of all workers of pytest-xdist."""
    base = factory.getbasetemp()
    folder = (base.parent if hasattr(config, "workerinput") else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


def once(root: Path, name: str, make: Callable[[Path], Made]) -> Made:
    """Return what `make(folder)` returned, in this process or another; others wait for it.

    Args:
        root: the folder that the processes share.
        name: of the folder that `make` gets, new and its own.
        make: its result is pickled. If it fails, the next that asks tries again.
    """
    kept = root / f"{name}.pickle"
    with open(root / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.exists():
            return pickle.loads(kept.read_bytes())  # type: ignore[no-any-return]
        attempt = len(list(root.glob(f"{name}.try*")))
        (folder := root / f"{name}.try{attempt}" / name).mkdir(parents=True)
        made = make(folder)
        kept.write_bytes(pickle.dumps(made))
        return made
