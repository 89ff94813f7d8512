"""Names of the sources' asset files in a join: their own, or with a handle.

Names are kept because libraries look for files beside an asset by its folder and prefix (decision forests do), and
TFLite's converter looks for a table's file right below `assets/` by the last part of its path
(`init_text_file_to_import.cc`). Where two sources have different files of one name, the files of both get other names:
`HANDLE_name` where the graph does nothing with a path but read the file at it, `HANDLE/name` otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from workbench import names
from workbench.disk.files import same_content
from workbench.disk.folder.assets import asset_files
from workbench.surgery.export.asset_readers import only_read
from workbench.surgery.imported import ImportedModel

_LONGEST_NAME = 250  # a file system's 255 bytes, less a number to tell handles apart


class Placed(NamedTuple):
    """Where the asset files of one source are placed in the result.

    Attributes:
        files: each file by its name in the source, below `assets/`.
        prefix: what stands before their names in the result: `HANDLE/`, `HANDLE_`, or nothing.
        met: a name that another source has, too, for another file: why there is a prefix.
    """

    files: Mapping[str, Path]
    prefix: str = ""
    met: str = ""

    def name(self, filename: str) -> str:
        """Return the name in the result of a source's file."""
        return f"{self.prefix}{_normal(filename)}"


def place_assets(sources: Iterable[ImportedModel], *, apart: bool = True) -> dict[str, Placed]:
    """Choose the place of each source's asset files in the result, by handle.

    A part that keeps an asset brings all files of its `assets/` along: what reads one by its name can't be seen.

    Args:
        sources: the parts, with their nodes kept.
        apart: keep files of one name apart; not doing so is for tests that show what this is for.
    """
    parts = {part.handle: part for part in sources}
    found = {handle: _files(part) for handle, part in parts.items()}
    met = _met(found) if apart else {}
    taken = {_key(name) for handle, files in found.items() if handle not in met for name in files}
    taken |= {above for name in taken for above in _above(name)}
    placed = {}
    for handle, files in found.items():
        prefix = ""
        if handle in met:
            prefix = next(one for one in _prefixes(parts[handle], files) if _is_free(one, files, taken))
            new = {_key(f"{prefix}{name}") for name in files}
            taken |= {above for name in new for above in _above(name)} | new
        placed[handle] = Placed(files, prefix, met.get(handle, ""))
    return placed


def _prefixes(part: ImportedModel, files: Mapping[str, Path]) -> Iterable[str]:
    """Yield prefixes for the files of a source, the best first."""
    stem = part.handle.replace("/", "_")
    declared = {_key(asset.filename) for asset in part.meta.assets}
    longest = max(len(name.partition("/")[0].encode()) for name in files)
    alone = all(_key(name) in declared for name in files)
    mark = "_" if alone and len(stem.encode()) + longest < _LONGEST_NAME and only_read(part) else "/"
    return chain([f"{stem}{mark}"], (f"{stem}_{number}{mark}" for number in count(2)))


def _is_free(prefix: str, files: Iterable[str], taken: Collection[str]) -> bool:
    names_ = [_key(f"{prefix}{name}") for name in files]
    return not any(name in taken or any(above in taken for above in _above(name)) for name in names_)


def _files(part: ImportedModel) -> dict[str, Path]:
    """Return the asset files that a source brings along, by name."""
    kept = {
        _normal(asset.filename): asset.path
        for asset in part.meta.assets
        if names.input_node(asset.tensor) in part.kept and asset.path is not None and asset.nbytes is not None
    }
    folder = part.model.folder
    if not kept or folder is None:
        return {}
    return kept | {name: path for name, path in asset_files(folder).items() if name not in kept}


def _met(found: Mapping[str, Mapping[str, Path]]) -> dict[str, str]:
    """Return the handles whose files need a prefix, each with the colliding name."""
    owners: dict[str, list[tuple[str, str]]] = {}
    for handle, files in found.items():
        for name in files:
            owners.setdefault(_key(name), []).append((handle, name))
    met: dict[str, str] = {}
    for key, owned in owners.items():
        first = found[owned[0][0]][owned[0][1]]
        several = any(handle != owned[0][0] for handle, _ in owned)
        if several and not all(_alike(first, found[handle][name]) for handle, name in owned):
            for handle, name in owned:
                met.setdefault(handle, name)
        for above in _above(key):  # a file of one where the other has a folder
            for handle, name in owners.get(above, ()):
                if any(handle != other for other, _ in owned):
                    met.setdefault(handle, name)
                    met |= {other: inner for other, inner in owned if other != handle and other not in met}
    return met


def _alike(one: Path, other: Path) -> bool:
    """Return whether two files have the same bytes.

    The answer is kept, as a plan is built again at each change.
    """
    first, second = _state(one), _state(other)
    return first == second or (first[2] == second[2] and _compare(first, second))


def _state(path: Path) -> tuple[str, int, int, int]:
    found = path.stat()
    return str(path), found.st_ino, found.st_size, found.st_mtime_ns


@lru_cache(maxsize=1024)
def _compare(one: tuple[str, int, int, int], other: tuple[str, int, int, int]) -> bool:
    return same_content(Path(one[0]), Path(other[0]))


def _normal(name: str) -> str:
    """Return a name without `.` and doubled `/`."""
    return PurePosixPath(name).as_posix()


def _key(name: str) -> str:
    """Return a key that is equal for names some file systems can't tell apart."""
    return _normal(name).casefold()


def _above(key: str) -> list[str]:
    return [above.as_posix() for above in PurePosixPath(key).parents if above.parts]
