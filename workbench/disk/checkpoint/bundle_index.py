"""The index of a checkpoint as a file: its header, and what to say if there is none."""

from __future__ import annotations

import os
from pathlib import Path

from google.protobuf.message import DecodeError

from workbench.disk.schema import BundleHeaderProto
from workbench.errors import DamagedFile, MissingFile, UnsupportedFormat, WorkbenchError
from workbench.names import show

VERSION = 1
"""The version of the format that is read and written (`kTensorBundleVersion`)."""

MAX_SHARDS = 99_999
"""Shard numbers have five digits."""


def read_header(data: bytes | None, path: Path) -> BundleHeaderProto:
    """Return the header of an index, if it can be read."""
    where = show(str(path))
    if data is None:
        raise DamagedFile("The index has no header, so it is not of a checkpoint.", where=where)
    try:
        header = BundleHeaderProto.FromString(data)
    except DecodeError:
        raise DamagedFile("The header of the index can't be parsed.", where=where) from None
    if header.endianness != 0:
        raise UnsupportedFormat(
            "The checkpoint was written on a big-endian machine.",
            where=where,
            hint="Restore it with TensorFlow and save it again.",
        )
    if header.version.min_consumer > VERSION or VERSION in header.version.bad_consumers:
        raise UnsupportedFormat(
            f"The checkpoint asks for a reader of version {header.version.min_consumer} or says that version"
            f" {VERSION} reads it wrongly; that is the version there is.",
            where=where,
        )
    if not 1 <= header.num_shards <= MAX_SHARDS:
        raise DamagedFile(
            f"The index speaks of {header.num_shards} data files; there are 1 to {MAX_SHARDS}.", where=where
        )
    return header


def no_index(prefix: Path) -> WorkbenchError:
    """Return the error for a missing index, by the files that exist instead."""
    where = show(str(prefix.with_name(prefix.name + ".index")))
    try:
        names = sorted(os.listdir(prefix.parent))
    except OSError:
        names = []
    old = [name for name in names if name.startswith(f"{prefix.name}-") and "-of-" in name]
    if old:
        return UnsupportedFormat(
            f"There is no index, but {show(old[0])!r}: a checkpoint of the V1 format, from before 2017.",
            where=where,
            hint="Restore it with TensorFlow 1 or 2 and save it again: that writes the present format.",
        )
    shards = [name for name in names if name.startswith(f"{prefix.name}.data-")]
    if shards:
        return MissingFile(
            f"The index is missing; its data files are there ({show(shards[0])!r}).",
            where=where,
            hint="Copy it beside them: without it nobody knows which tensor is where.",
        )
    return MissingFile("There is no checkpoint: the index is missing.", where=where)
