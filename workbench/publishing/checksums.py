"""Checksums of a checkpoint, compared before its bytes are copied unread."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import DamagedFile, MissingFile
from workbench.names import show

if TYPE_CHECKING:
    from workbench.disk.checkpoint.bundle import Bundle


def check_bundle(bundle: Bundle, owner: str) -> None:
    """Compare every checksum of a checkpoint before its bytes are copied unread.

    Args:
        bundle: the checkpoint.
        owner: whose it is, for the message.

    Raises:
        DamagedFile, MissingFile: it is not what its index says.
    """
    bad = [finding for finding in bundle.verify() if finding.severity == "error"]
    if not bad:
        _refuse_strangers(bundle)
        return
    first = bad[0]
    file, message = first.where, first.message
    if first.code == "bad-tensor":
        path = _data_file(bundle, first.where)
        _refuse_pointer(path)
        file, message = show(str(path)), f"The tensor {first.where} is damaged. {message}"
    kind = MissingFile if first.code == "missing-shard" else DamagedFile
    raise kind(
        message + (f" {len(bad) - 1} more like this." if len(bad) > 1 else ""),
        where=file,
        hint=f"{first.hint or ''} Fetch the whole variables/ folder of {show(owner)} again.".lstrip(),
    )


def _refuse_strangers(bundle: Bundle) -> None:
    """Refuse data files outside the model that no checksum covers in full.

    A link may lead to any file of the user's, and data files are copied whole.

    What lies outside the model has to be a data file to its last byte: each under a checksum that was known to whoever
    made the index.
    """
    from workbench.disk.folder.assets import stays_inside

    there = set(bundle.present_shards)
    for number, path in enumerate(bundle.shards):
        if path not in there or stays_inside(bundle.prefix.parent.parent, path):
            continue
        strange = bundle.uncovered(number)
        if strange:
            raise DamagedFile(
                f"This data file lies outside the model, at {show(os.path.realpath(path))}, and {strange} of its bytes "
                "belong to no tensor: copied into a result they could give away what is not the model's.",
                where=show(str(path)),
                hint="If you trust the model, copy it with its links followed (cp -rL) and give the copy.",
            )


def _data_file(bundle: Bundle, shown: str) -> Path:
    """Return the data file of a tensor by its shown key, or the checkpoint's prefix."""
    for key in bundle.keys():  # noqa: SIM118 (a bundle is no mapping)
        if show(key) == shown:
            for part in bundle.entry(key).parts():
                return bundle.shards[part.shard]
    return bundle.prefix


def _refuse_pointer(path: Path) -> None:
    """Refuse a Git LFS pointer, which can be as long as a small data file."""
    from workbench.disk.checkpoint.data_files import refuse_pointer

    if path.is_file():
        with path.open("rb") as file:
            refuse_pointer(file.read(100), path)
