"""A digest of a model, by which a recipe knows its sources."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from workbench.disk import files
from workbench.disk.folder.assets import files_below, stays_inside
from workbench.disk.folder.layout import ASSETS, SHARD, VARIABLES, show_path
from workbench.disk.folder.location import Location
from workbench.errors import DiskError

_PARTS = {VARIABLES: "checkpoint", ASSETS: "assets"}


class Digest(NamedTuple):
    """SHA-256 (hex) of what a model is made of; equal for equal models.

    Digested are, each with its name and its length: the model file, the checkpoint's index, the names and sizes of
    the shards (not their bytes, which may be many; the index holds their checksums), and every file below
    `assets/`. Names of folders, times and modes do not.

    Attributes:
        total: over all of it.
        parts: over each part that is there: `model`, `checkpoint`, `assets`.
    """

    total: str
    parts: Mapping[str, str]


def digest(location: Location) -> str:
    """Return the digest of all that a model is made of; see `digests`."""
    return digests(location).total


def digests(location: Location) -> Digest:
    """Return the digests of a model.

    Raises:
        MissingFile: the model file is gone.
        DiskError: a file can't be read.
    """
    from hashlib import sha256

    total = sha256()
    parts: dict[str, Any] = {}
    try:
        for label, content in _digested(location):
            name = label.encode("utf-8", "surrogateescape")
            part = parts.setdefault(_PARTS.get(label.partition("/")[0], "model"), sha256())
            for one in (name, content):
                sized = len(one).to_bytes(8, "little") + one
                total.update(sized)
                part.update(sized)
    except OSError as problem:
        raise DiskError(f"Cannot read: {problem.strerror}.", where=show_path(location.path)) from problem
    return Digest(total.hexdigest(), {name: part.hexdigest() for name, part in parts.items()})


def _digested(location: Location) -> Iterator[tuple[str, bytes]]:
    """Yield the parts of a digest: a label, and a digest or a size."""
    yield "graphdef" if location.folder is None else location.file.name, file_digest(location.file)
    if location.folder is None:
        return
    variables, assets = location.folder / VARIABLES, location.folder / ASSETS
    if variables.is_dir():
        for entry in sorted(os.scandir(variables), key=lambda entry: entry.name):
            if entry.name == "variables.index":
                yield f"{VARIABLES}/{entry.name}", file_digest(Path(entry.path))
            elif re.match(SHARD, entry.name) and entry.is_file():
                yield f"{VARIABLES}/{entry.name}", entry.stat().st_size.to_bytes(8, "little")
    for relative in files_below(assets):
        path = assets / relative
        inside = stays_inside(location.folder, path) and path.is_file()
        yield f"{ASSETS}/{relative}", file_digest(path) if inside else b""


def file_digest(path: Path) -> bytes:
    """Return the SHA-256 of a regular file.

    Raises:
        DiskError: it can't be read.
    """
    from hashlib import sha256

    total = sha256()
    descriptor = files.open_source(path)
    try:
        size = os.fstat(descriptor).st_size
        for start in range(0, size, files.CHUNK):
            total.update(files.read_at(descriptor, start, min(files.CHUNK, size - start), path))
    finally:
        os.close(descriptor)
    return total.digest()
