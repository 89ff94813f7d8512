"""Assets: files that came with a model and the tensors that hold their paths."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from workbench.disk.schema import AssetFileDef, MetaGraphDef
from workbench.errors import WorkbenchError

FOLDER = "assets"
_COLLECTION = "saved_model_assets"


class Asset(NamedTuple):
    """One asset.

    Attributes:
        filename: as the model names it, relative to `assets/`; may have sub-folders.
        tensor: the string tensor the loader feeds with the file's path.
        path: where the file is, or None for a model that has no folder.
        nbytes: size of the file; None if it is not there.
        problem: why the file may not be used (its name or a link leaves the folder), or None.
    """

    filename: str
    tensor: str
    path: Path | None
    nbytes: int | None
    problem: WorkbenchError | None = None


def read_assets(meta: MetaGraphDef, folder: Path | None) -> tuple[Asset, ...]:
    """Return the assets of a `MetaGraphDef`.

    From its own list, else from the collection that older models have.
    """
    definitions = list(meta.asset_file_def) or _from_collection(meta)
    return tuple(_asset(definition, folder) for definition in definitions)


def _from_collection(meta: MetaGraphDef) -> list[AssetFileDef]:
    if _COLLECTION not in meta.collection_def:
        return []
    from google.protobuf.message import DecodeError

    found = []
    for entry in meta.collection_def[_COLLECTION].any_list.value:
        try:
            found.append(AssetFileDef.FromString(entry.value))
        except DecodeError:
            continue
    return found


def _asset(definition: AssetFileDef, folder: Path | None) -> Asset:
    name, tensor = definition.filename, definition.tensor_info.name
    from workbench.disk.folder.assets import asset_path, check_asset_name

    try:
        if folder is None:
            check_asset_name(name)
            return Asset(name, tensor, None, None)
        path = asset_path(folder, name)
    except WorkbenchError as problem:
        return Asset(name, tensor, None, None, problem)
    try:
        nbytes = path.stat().st_size if path.is_file() else None
    except OSError:
        nbytes = None
    return Asset(name, tensor, path, nbytes)


def check_inside(assets: Iterable[Asset]) -> None:
    """Refuse assets whose name or link leaves the model.

    Who runs the model would read them, whatever they are.

    Raises:
        WorkbenchError: the problem of the first.
    """
    for asset in assets:
        if asset.problem is not None:
            raise asset.problem
