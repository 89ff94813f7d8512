"""Files that steps read: `@labels.txt` of an adapter, `@value.npy` of a constant.

In a plan a path is relative to the working folder. In a recipe it is relative to the recipe, or just a name, and its
digest stands beside. A file that is gone is found again among the files of the result that contains the recipe.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from workbench.disk.folder.digests import file_digest
from workbench.disk.folder.layout import ASSETS
from workbench.errors import DamagedFile, DiskError
from workbench.findings import Finding
from workbench.names import show
from workbench.surgery.step import Step, kind_of

_EXTRA = "assets.extra"
_MOST_LOOKED_AT = 1000


class StepFile(NamedTuple):
    """A file of a step as the recipe knows it that a plan was read from.

    Attributes:
        path: as it stands in the step.
        name: as it stood in the recipe.
        digest: SHA-256 (hex) of its content then.
    """

    path: str
    name: str
    digest: str


def files_of(step: Step) -> tuple[str, ...]:
    """Return the paths of the files that a step reads, as written."""
    found = [
        path for field in dataclasses.fields(step) for path in kind_of(field).files(getattr(step, field.name))
    ]
    return tuple(dict.fromkeys(found))


def with_files(step: Step, paths: Mapping[str, str]) -> Step:
    """Return a step that reads its files elsewhere.

    Args:
        step: the step.
        paths: written path to the new one; others stay.
    """
    if not any(path in paths for path in files_of(step)):
        return step
    changed: dict[str, Any] = {
        field.name: kind_of(field).with_files(getattr(step, field.name), paths)
        for field in dataclasses.fields(step)
    }
    return dataclasses.replace(step, **changed)


def names_in_result(steps: Iterable[Step], known: Iterable[StepFile]) -> dict[str, str]:
    """Return the names that files have in the recipe of a result, by path as written.

    They are bare names, each file's own, and stay when the recipe is replayed.

    Args:
        steps: the steps that read them.
        known: files that had a name before.
    """
    recorded = {file.path: PurePath(file.name).name for file in known}
    found: dict[str, str] = {}
    places: dict[str, str] = {}
    for step in steps:
        for path in files_of(step):
            place = os.path.realpath(path)
            if place not in places:
                name = recorded.get(path) or PurePath(path).name
                places[place] = free_name(name, places.values())
            found[path] = places[place]
    return found


def names_beside(steps: Iterable[Step], folder: Path) -> dict[str, str]:
    """Return the paths of files relative to a recipe's folder, by path as written."""
    return {
        path: Path(os.path.relpath(os.path.realpath(path), folder)).as_posix()
        for step in steps
        for path in files_of(step)
    }


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a file's name or path, with a number before its suffix where it is taken."""
    folder, slash, base = name.rpartition("/")
    stem, dot, suffix = base.partition(".")
    tried = (
        name,
        *(f"{folder}{slash}{stem}_{number}{dot}{suffix}" for number in range(1, len(taken) + 2)),
    )
    return next(one for one in tried if one not in taken)


def to_json(names: Mapping[str, str]) -> dict[str, Any]:
    """Return what a recipe says of files: nothing where there are none.

    Args:
        names: path as written to the name in the recipe.

    Raises:
        DiskError: a file can't be read.
    """
    listed = {name: {"path": name, "digest": file_digest(Path(path)).hex()} for path, name in names.items()}
    return {"files": list(listed.values())} if listed else {}


def digests_in(recipe: Mapping[str, Any], where: str) -> dict[str, str]:
    """Return the digests of files in a recipe, by their path in it.

    Args:
        recipe: JSON values, of any kind.
        where: the recipe's file, for errors.

    Raises:
        DamagedFile: they are not of their form.
    """
    listed = recipe.get("files", [])
    for entry in listed if isinstance(listed, list) else [None]:
        match entry:
            case {"path": str(), "digest": str()}:
                continue
        raise DamagedFile("This is not a recipe: a file in it has no path or no digest.", where=where)
    return {entry["path"]: entry["digest"] for entry in listed}


def located(
    steps: Iterable[Step], folder: Path, digests: Mapping[str, str]
) -> tuple[tuple[Step, ...], tuple[StepFile, ...]]:
    """Return the steps of a recipe with paths for the working folder, and what is known of their files.

    Args:
        steps: as they stand in the recipe.
        folder: the recipe's.
        digests: of the files, by their path in the recipe.
    """
    places: dict[str, str] = {}
    made = []
    for step in steps:
        for name in files_of(step):
            if name not in places:
                places[name] = _from_here(_find(folder, name, digests.get(name)))
        made.append(with_files(step, places))
    known = tuple(StepFile(place, name, digests[name]) for name, place in places.items() if name in digests)
    return tuple(made), known


def _find(folder: Path, name: str, digest: str | None) -> Path:
    """Return where a file of a recipe is; where it should be if it is nowhere."""
    place = Path(os.path.normpath(folder / name))
    if digest is None or os.path.lexists(place) or folder.name != _EXTRA:
        return place
    for path in _kept(folder.parent, PurePath(name).name):
        with suppress(DiskError):
            if file_digest(path).hex() == digest:
                return path
    return place


def _kept(result: Path, name: str) -> list[Path]:
    """Return the files of a result, those with a name first."""
    found = []
    for top in (ASSETS, _EXTRA):
        for folder, _, files in os.walk(result / top):
            found += [Path(folder, file) for file in files]
            if len(found) > _MOST_LOOKED_AT:
                break
    return sorted(found[:_MOST_LOOKED_AT], key=lambda path: (path.name != name, str(path)))


def _from_here(path: Path) -> str:
    """Return a path for the working folder: relative if it is below."""
    with suppress(OSError, ValueError):  # there may be no working folder any more
        relative = os.path.relpath(path)
        if not relative.startswith(os.pardir):
            return relative
    return str(path)


def changed_files(steps: Iterable[Step], known: Iterable[StepFile]) -> Iterator[Finding]:
    """Yield a finding for each file that is gone or has another content than its recipe says.

    Args:
        steps: the steps that read them.
        known: what the recipe says of them.
    """
    read = {path for step in steps for path in files_of(step)}
    for file in known:
        if file.path not in read:
            continue
        try:
            found = file_digest(Path(file.path)).hex()
        except DiskError as problem:
            yield Finding(
                "step-file",
                "error",
                show(file.path),
                f"A step reads this file, which can't be read: {problem.message} The recipe wants the content with "
                f"sha256 {file.digest}.",
                "Put the file there again.",
            )
            continue
        if found != file.digest:
            yield Finding(
                "step-file",
                "error",
                show(file.path),
                f"A step reads this file, which has another content now: sha256 {found}; the recipe wants "
                f"{file.digest}.",
                "Give the file as it was, or make the plan again with the new one.",
            )
