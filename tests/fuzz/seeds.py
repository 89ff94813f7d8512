"""The models to start from, out of `seeds.zip` (see `make_seeds.py`)."""

from __future__ import annotations

import random
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.fuzz import tables
from tests.fuzz.messages import Pool, gather, parsed
from workbench.disk import crc, dtypes, schema

_FILE = Path(__file__).with_name("seeds.zip")
_MOST_SHARD = 3000


@cache
def archive() -> dict[str, dict[str, bytes]]:
    """Name of a model → its files."""
    found: dict[str, dict[str, bytes]] = {}
    with zipfile.ZipFile(_FILE) as opened:
        for entry in opened.namelist():
            model, _, file = entry.partition("/")
            found.setdefault(model, {})[file] = opened.read(entry)
    return found


@cache
def messages() -> list[Any]:
    """Every SavedModel and GraphDef."""
    found = []
    for files in archive().values():
        if "saved_model.pb" in files:
            found.append(schema.SavedModel.FromString(files["saved_model.pb"]))
        if "graph.pb" in files:
            found.append(schema.GraphDef.FromString(files["graph.pb"]))
    return found


@cache
def pool() -> Pool:
    """The messages in them by type, and those of the checkpoints."""
    entries = [
        message
        for items in indexes()
        for key, value in items
        if (message := parsed("BundleEntryProto" if key else "BundleHeaderProto", value)) is not None
    ]
    return gather([*messages(), *entries])


@cache
def shard() -> bytes:
    """One data file that all `indexes` speak of."""
    return _checkpoints()[0]


@cache
def indexes() -> list[tables.Items]:
    """The items of each checkpoint's index, moved to their place in `shard`."""
    return _checkpoints()[1]


@cache
def _checkpoints() -> tuple[bytes, list[tables.Items]]:
    data = b""
    found = []
    for files in archive().values():
        if "variables.index" not in files:
            continue
        parts = {name: content for name, content in sorted(files.items()) if ".data-" in name}
        starts = []
        for content in parts.values():
            starts.append(len(data))
            data += content if len(content) <= _MOST_SHARD else b""
        items: tables.Items = []
        for key, value in tables.table_items(files["variables.index"]):
            message = parsed("BundleEntryProto" if key else "BundleHeaderProto", value)
            if key and not message.slices and message.shard_id < len(starts):
                message.offset += starts[message.shard_id]
            items.append((key, bytes(message.SerializeToString())))
        found.append(tables.repair_items(items, data) if parts else items)
    extra = [b"some", b"", b"\xff" * 200]
    from workbench.disk.checkpoint.string_tensor import encode

    data += encode(extra)[0] + random.Random(0).randbytes(500)
    return data, found


@cache
def union() -> tuple[bytes, bytes]:
    """(index, shard) of one checkpoint with the keys of all: it lies beside every mutated graph."""
    most = 2000
    zeros = crc.masked(b"")
    entries: dict[bytes, bytes] = {}
    for items in indexes():
        for key, value in items:
            message = parsed("BundleEntryProto" if key else "BundleHeaderProto", value)
            if not key:
                message.num_shards = 1
            elif not message.slices:
                if message.size > most or message.dtype in (dtypes.STRING, dtypes.VARIANT):
                    continue
                message.offset = message.shard_id = 0
                message.crc32c = crc.masked(bytes(message.size)) if message.size else zeros
            entries[key] = bytes(message.SerializeToString())
    return tables.write(sorted(entries.items())), bytes(most)
