"""Helpers for tests that change one model and hold it against itself."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from tests.zoo import Example
from workbench.disk import schema
from workbench.model import open_model
from workbench.probing.run import run
from workbench.runtime.child_process.child import Child
from workbench.runtime.comparison.compare import compare


def message_of(example: Example) -> Any:
    """The SavedModel message of a zoo model, a copy."""
    copy = schema.SavedModel()
    copy.CopyFrom(open_model(example.path).proto)
    return copy


def write_beside(example: Example, message: Any, folder: Path) -> Path:
    """The model with another message: `folder/model`."""
    path = folder / "model"
    shutil.copytree(example.path, path)
    for name in ("saved_model.pb", "saved_model.pbtxt", "fingerprint.pb"):
        (path / name).unlink(missing_ok=True)
    (path / "saved_model.pb").write_bytes(message.SerializeToString(deterministic=True))
    return path


def values_of(example: Example, batch: int) -> dict[str, Any]:
    """Sample inputs as `run` takes them."""
    return {
        key: tuple(value) if isinstance(value, tuple) else np.asarray(value)
        for key, value in example.inputs(batch).items()
    }


def assert_equal_runs(
    example: Example, path: Path, child: Child, signature: str | None = None, loader: Any = "v1"
) -> None:
    """The model at `path` gives what the zoo model gives, at each batch size."""
    key = signature or example.signature
    for batch in example.batches:
        values = values_of(example, batch)
        wanted = run(
            example.path, values, key, tags=example.tags, loader="v1", child=child, allow_unsafe=True
        )
        got = run(path, values, key, tags=example.tags, loader=loader, child=child, allow_unsafe=True)
        assert set(got) == set(wanted)
        for name in wanted:
            found = compare(wanted[name], got[name], None)
            assert found.equal, (name, batch, found)


def shard_bytes(path: Path) -> int:
    """Bytes below `variables/`; 0 if there is none."""
    return (
        sum(entry.stat().st_size for entry in os.scandir(path / "variables"))
        if (path / "variables").is_dir()
        else 0
    )
