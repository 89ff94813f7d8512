"""What lies where in a SavedModel's folder, and what a file's first bytes say.

The layout is that of `tensorflow/python/saved_model/constants.py`: `saved_model.pb` or `saved_model.pbtxt`,
`variables/`, `assets/`, `assets.extra/`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from workbench.disk import files
from workbench.errors import DiskError
from workbench.names import show

PB, PBTXT, CPB = "saved_model.pb", "saved_model.pbtxt", "saved_model.cpb"
VARIABLES, ASSETS = "variables", "assets"

MAX_PROTO = 2**31 - 1
"""The most bytes a protobuf message can have."""

MAX_FILES = 10_000
"""Of the files below `assets/`; as many as a model may name."""

# variables.data-00000-of-00001; variables-00000-of-00001 and bare variables are the V1 format
SHARD = r"variables(\.data-\d+-of-\d+|-\d+-of-\d+)?\Z"
_HEAD = 4096
_CONTROL = bytes([*range(9), *range(14, 32), 127])
_HIGH = bytes(range(128, 256))
_POINTERS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")

Kind = Literal["pb", "pbtxt", "graphdef"]


def is_text(head: bytes) -> bool:
    """Return whether the first bytes of a file are text.

    No control characters, and UTF-8 or mostly ASCII.

    Some bytes over 127 are allowed in another encoding too: what is wrong with them is better told by line
    than by "binary". A NodeDef has the tag of its `op` (0x12) near its start, so no GraphDef is taken for text.
    """
    if len(head.translate(None, _CONTROL)) < len(head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as problem:
        high = len(head) - len(head.translate(None, _HIGH))
        return problem.end == len(head) or high <= len(head) * 0.3
    return True


def read_head(path: Path) -> bytes:
    """Return the first 4,096 bytes of a file, or all.

    Raises:
        DamagedFile: it can't be read.
    """
    return files.read_first(path, _HEAD)


def is_lfs_pointer(path: Path) -> bool:
    """Return whether a file is a Git LFS pointer; False if it can't be read.

    Git leaves one where Git LFS did not fetch the content.
    """
    try:
        return path.stat().st_size < 1024 and read_head(path).startswith(_POINTERS)
    except (OSError, DiskError):
        return False


def show_path(path: str | os.PathLike[str]) -> str:
    """Return a path as text that is safe to print."""
    return show(os.fspath(path))
