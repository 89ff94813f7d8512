"""The names that the sources' asset files have in a join: their own, or in a folder of their handle where two meet.

Names are kept because libraries look for files beside an asset by its folder and prefix (decision forests do), and
TFLite's converter looks for a table's file right below `assets/` (`init_text_file_to_import.cc`). Where two sources
have different files of one name both go to folders, so that whoever drops the folder does not read the other's file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path, PurePosixPath

from workbench import names
from workbench.disk.files import same_content
from workbench.disk.folder import asset_files
from workbench.surgery.part import Part


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the asset files of a source go.

    Attributes:
        files: each file by its name in the source, below `assets/`.
        folder: the folder below `assets/` they go to; empty where they keep their place.
        met: a name that another source has, too, for another file; the reason for a folder.
    """

    files: Mapping[str, Path]
    folder: str = ""
    met: str = ""

    def name(self, filename: str) -> str:
        """The name in the result of a file of the source."""
        return f"{self.folder}/{filename}" if self.folder else filename


def place_assets(parts: Iterable[Part], *, apart: bool = True) -> dict[str, Placed]:
    """Decide where the asset files of each part go, by handle.

    A part that keeps an asset brings all files of its `assets/` along: what reads one by its name can't be seen.

    Args:
        parts: the sources, with their nodes kept.
        apart: keep files of one name apart; not doing so is for tests that show what this is for.
    """
    found = {part.handle: _files(part) for part in parts}
    met = _met(found) if apart else {}
    taken = {_key(name) for handle, files in found.items() if handle not in met for name in files}
    taken |= {above for name in taken for above in _above(name)}
    placed = {}
    for handle, files in found.items():
        folder = ""
        if handle in met:
            stem = handle.replace("/", "_")
            folder = next(one for one in _numbered(stem) if _key(one) not in taken)
            taken.add(_key(folder))
        placed[handle] = Placed(files, folder, met.get(handle, ""))
    return placed


def _files(part: Part) -> dict[str, Path]:
    """The asset files that a part brings along, by name."""
    kept = {
        asset.filename: asset.path
        for asset in part.meta.assets
        if names.input_node(asset.tensor) in part.kept and asset.path is not None and asset.nbytes is not None
    }
    folder = part.model.folder
    if not kept or folder is None:
        return {}
    spelled = {PurePosixPath(name).as_posix() for name in kept}
    return kept | {name: path for name, path in asset_files(folder).items() if name not in spelled}


def _met(found: Mapping[str, Mapping[str, Path]]) -> dict[str, str]:
    """The handles that have to go to a folder, each with the name for which."""
    owners: dict[str, list[tuple[str, str]]] = {}
    for handle, files in found.items():
        for name in files:
            owners.setdefault(_key(name), []).append((handle, name))
    met: dict[str, str] = {}
    for key, owned in owners.items():
        first = found[owned[0][0]][owned[0][1]]
        alike = all(
            found[handle][name] == first or same_content(first, found[handle][name]) for handle, name in owned
        )
        if not alike:
            for handle, name in owned:
                met.setdefault(handle, name)
        for above in _above(key):  # a file of one where the other has a folder
            for handle, name in owners.get(above, ()):
                if any(handle != other for other, _ in owned):
                    met.setdefault(handle, name)
                    met |= {other: inner for other, inner in owned if other != handle and other not in met}
    return met


def _key(name: str) -> str:
    """What two names have alike that can't be told apart on every file system."""
    return PurePosixPath(name).as_posix().casefold()


def _above(key: str) -> list[str]:
    return [above.as_posix() for above in PurePosixPath(key).parents if above.parts]


def _numbered(stem: str) -> Iterable[str]:
    return chain([stem], (f"{stem}_{number}" for number in count(2)))
