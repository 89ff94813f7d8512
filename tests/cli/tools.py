"""What the tests of the command line share: calling it in this process, damaging copies of the sample models."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from workbench.cli.main import main
from workbench.disk import schema

SAMPLES = Path(__file__).resolve().parents[2] / "sample_models"
IMAGE, DIGITS = SAMPLES / "image_base64", SAMPLES / "digits"
WIRE = "pixels=myInput"


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str


def call(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Done:
    """Runs a command line in this process."""
    capsys.readouterr()
    code = main([str(word) for word in words])
    found = capsys.readouterr()
    assert "Traceback" not in found.err
    return Done(code, found.out, found.err)


def tree(folder: Path) -> dict[str, str]:
    """Every path below a folder, hidden ones too, with what is there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            what = f"link {os.readlink(path)}"
        elif path.is_file():
            what = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            what = "folder"
        found[str(path.relative_to(folder))] = what
    return found


def copy_of(source: Path, to: Path) -> Path:
    """A copy that may be changed."""
    shutil.copytree(source, to)
    return to


def edit(path: Path, change: Callable[[Any], None]) -> Path:
    """Changes the SavedModel message in a folder."""
    file = path / "saved_model.pb"
    message = schema.SavedModel.FromString(file.read_bytes())
    change(message)
    file.write_bytes(message.SerializeToString(deterministic=True))
    return path


def flip(file: Path, place: int, bit: int = 0) -> None:
    """Turns one bit of a file."""
    data = bytearray(file.read_bytes())
    data[place] ^= 1 << bit
    file.write_bytes(data)


def cut(file: Path, keep: int) -> None:
    """Keeps the first bytes of a file (all but the last, if negative)."""
    file.write_bytes(file.read_bytes()[:keep])
