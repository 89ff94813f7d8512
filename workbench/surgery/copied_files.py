"""Files that go into a result as they are."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from workbench.disk.folder.assets import asset_files, asset_path
from workbench.disk.folder.layout import ASSETS, VARIABLES
from workbench.errors import MissingFile
from workbench.model import Model
from workbench.names import show
from workbench.surgery.recipe import OWN_FILES

EXTRA, DEBUG, KERAS = "assets.extra", "debug", "keras_metadata.pb"


class CopiedFile(NamedTuple):
    """A file of a source that is copied unchanged into the result.

    Attributes:
        path: where it is.
        relative: its path in the result, with `/`.
        nbytes: its size.
    """

    path: Path
    relative: str
    nbytes: int


def files_of(model: Model, left_out: Collection[str], *, checkpoint: bool) -> list[CopiedFile]:
    """Return the files that a changed model keeps, in a fixed order.

    Args:
        model: the original.
        left_out: names of files at the top of the folder, or below `assets.extra/`, that are left out; of assets with
            `assets/` before them.
        checkpoint: whether its checkpoint is copied as well.

    Raises:
        MissingFile: an asset or a data file of the checkpoint is missing.
        WorkbenchError: the name of an asset leaves the folder, or the checkpoint can't be read.
    """
    folder = model.folder
    if folder is None:
        return []
    found: dict[str, CopiedFile] = {}
    for path in _checkpoint_files(model, folder) if checkpoint else ():
        _add(found, path, f"{VARIABLES}/{path.name}")
    for definition in (asset for meta in model.meta_graphs for asset in meta.assets):
        if f"{ASSETS}/{definition.filename}" in left_out:
            continue
        path = asset_path(folder, definition.filename)
        if not path.is_file():
            raise MissingFile(
                "The model names this asset and does not have it.",
                where=show(str(path)),
                hint="Fetch the whole assets/ folder again.",
            )
        _add(found, path, f"{ASSETS}/{definition.filename}")
    for filename, path in asset_files(folder).items():
        if f"{ASSETS}/{filename}" in left_out:
            continue
        _add(found, path, f"{ASSETS}/{filename}")
    for name in (EXTRA, DEBUG, KERAS):
        for path in _below(folder / name):
            if path.name not in OWN_FILES and not {name, path.name} & set(left_out):
                _add(found, path, path.relative_to(folder).as_posix())
    return list(found.values())


def _checkpoint_files(model: Model, folder: Path) -> list[Path]:
    bundle = model.bundle
    if bundle is None:
        problem = model.bundle_problem
        if problem is not None:
            raise problem
        return []
    if missing := bundle.missing_shards:
        raise MissingFile(
            "A data file of the checkpoint is missing.",
            where=show(str(bundle.prefix.with_name(missing[0]))),
            hint="Fetch the whole variables/ folder again.",
        )
    return [folder / VARIABLES / "variables.index", *bundle.shards]


def _add(found: dict[str, CopiedFile], path: Path, relative: str) -> None:
    found.setdefault(relative, CopiedFile(path, relative, path.stat().st_size))


def _below(path: Path) -> Iterable[Path]:
    """Yield the regular files at or below a path, sorted; links are not followed."""
    if path.is_symlink():
        return
    if path.is_file():
        yield path
    elif path.is_dir():
        for folder, names, files in os.walk(path):
            names.sort()
            for name in sorted(files):
                inside = Path(folder, name)
                if inside.is_file() and not inside.is_symlink():
                    yield inside
