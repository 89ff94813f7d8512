"""Files below `assets/`: which names and links stay inside the model."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

from workbench.disk.folder.layout import ASSETS, VARIABLES, show_path
from workbench.errors import DamagedFile
from workbench.names import show

_MAX_NAME, _MAX_NAMES = 255, 2048  # bytes of one part of a path, and of all below `assets/`


def check_asset_name(name: str, where: str | None = None) -> str:
    """Return an asset's name; refuse one that could leave `assets/`.

    A good name is relative, with `/`, without `.` and `..`.

    Args:
        name: as it is in the model.
        where: the model, for the message.

    Raises:
        DamagedFile: the name is empty, absolute (on any system), leads out of the folder, or is too long for a
            file.
    """
    pure, windows = PurePosixPath(name), PureWindowsPath(name)
    parts = [part for part in pure.parts if part != "."]
    if (
        not parts
        or "\0" in name
        or ".." in parts
        or ".." in windows.parts
        or pure.is_absolute()
        or windows.drive
        or windows.root
    ):
        raise DamagedFile(
            f"The asset name {show(name)!r} does not stay inside {ASSETS}/.",
            where=where,
            hint="The model is damaged or made to do harm; ask where it came from.",
        )
    encoded = [len(part.encode("utf-8", "surrogatepass")) for part in parts]
    if max(encoded) > _MAX_NAME or sum(encoded) + len(encoded) > _MAX_NAMES:
        raise DamagedFile(
            f"The asset name {show(name)!r} is longer than the name of a file can be.",
            where=where,
            hint="The model is damaged or made to do harm; ask where it came from.",
        )
    return "/".join(parts)


def asset_path(folder: Path, name: str) -> Path:
    """Return the path of the asset `name` of a SavedModel; it need not exist.

    Links are followed, but only inside the model's folder, and to the `blobs/` that a Hugging Face cache
    keeps the files of its `snapshots/` in.

    Raises:
        DamagedFile: the name or a link leads out of the folder.
    """
    path = folder / ASSETS / check_asset_name(name, show_path(folder))
    if not stays_inside(folder, path):
        raise DamagedFile(
            f"The asset {show(name)!r} is a link that leads out of the model, to {show_path(os.path.realpath(path))}.",
            where=show_path(folder),
            hint="If you trust the model, copy it with its links followed (cp -rL) and give the copy.",
        )
    return path


def asset_files(folder: Path) -> dict[str, Path]:
    """Return every regular file below `assets/` of a SavedModel, by asset name.

    A link counts where it leads to a file inside (see `asset_path`); linked folders are not entered.
    """
    found = {}
    for name in files_below(folder / ASSETS):
        path = folder / ASSETS / name
        if stays_inside(folder, path) and path.is_file():
            found[name] = path
    return found


def links_out(folder: Path) -> list[Path]:
    """Return the links of `variables/`, itself included, that leave the model.

    Raises:
        OSError: the folder can't be listed.
    """
    variables = folder / VARIABLES
    links = [variables] if variables.is_symlink() else []
    with os.scandir(variables) as entries:
        links += [Path(entry.path) for entry in entries if entry.is_symlink()]
    return [link for link in sorted(links) if not stays_inside(folder, link)]


def stays_inside(folder: Path, path: Path) -> bool:
    """Return whether a path, links followed, is inside a model's folder.

    The folder in which the Hugging Face cache keeps its files counts too.
    """
    root, target = Path(os.path.realpath(folder)), Path(os.path.realpath(path))
    if target.is_relative_to(root):
        return True
    caches = [above.parent for above in root.parents if above.name == "snapshots"]
    return any(target.is_relative_to(cache / "blobs") for cache in caches)


def files_below(folder: Path) -> list[str]:
    """Return every file below a folder, as sorted relative names with `/`.

    Linked folders are not entered.
    """
    found = []
    for root, _, names in os.walk(folder):
        found += [Path(root, name).relative_to(folder).as_posix() for name in names]
    return sorted(found)
