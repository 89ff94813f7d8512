"""The search for a result's sources, by the digests in its recipe.

A recipe says what its sources are, not where. Looked for, in this order: what the user gives; where the recipe says
(one that was saved for replay has paths); where a source was when it was used last; the folders beside the result and
in the working folder. A folder counts as the source only if its digest is the recorded one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.disk.folder.digests import Digest, digests
from workbench.disk.folder.layout import PB, PBTXT
from workbench.disk.folder.location import find
from workbench.errors import DamagedFile, MissingSource, UsageError, WorkbenchError, WrongSource
from workbench.findings import Action, Hint
from workbench.names import did_you_mean, show
from workbench.state import remembered_sources

_MODEL_FILES = (PB, PBTXT)
_MOST_LOOKED_AT = 200
_PART_NAMES = {"model": "the graph", "checkpoint": "the checkpoint", "assets": "the assets"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One source of a recipe.

    Attributes:
        handle: its own, after those of the results it is a source of: `net`, `merged/net`.
        digest: SHA-256 over all of it.
        parts: SHA-256 over each part; empty in recipes of older versions.
        recipe: its own recipe, where it is itself a result.
        path: where the recipe says it is, or None.
    """

    handle: str
    digest: str
    parts: Mapping[str, str] = field(default_factory=dict)
    recipe: dict[str, Any] | None = None
    path: str | None = None


def wanted(entry: Any, where: str, above: str = "") -> Wanted:
    """Return the source that an entry of a recipe describes.

    Args:
        entry: one of its `sources`.
        where: the recipe's file, for errors.
        above: what stands before the handle.

    Raises:
        DamagedFile: it is not of its form.
    """
    found = entry if isinstance(entry, dict) else {}
    handle, digest, parts, recipe = (found.get(name) for name in ("handle", "digest", "parts", "recipe"))
    if not isinstance(handle, str) or not isinstance(digest, str):
        raise DamagedFile("A source in the recipe has no handle or no digest.", where=where)
    path = found.get("path")
    return Wanted(
        above + handle,
        digest,
        {str(name): str(one) for name, one in parts.items()} if isinstance(parts, dict) else {},
        recipe if isinstance(recipe, dict) else None,
        path if isinstance(path, str) else None,
    )


class Finder:
    """Find sources; no model is read twice.

    Args:
        given: where the user says they are, by handle.
        result: the folder of the result.
        recipe: the file of its recipe.
    """

    def __init__(self, given: Mapping[str, Path], result: Path, recipe: Path) -> None:
        self.given = dict(given)
        self.result = Path(os.path.abspath(result))  # it may have been given as .
        self.recipe = recipe
        self._remembered: dict[str, Path] | None = None
        self._digests: dict[str, Digest | None] = {}
        self._looked_at = 0

    def find(self, source: Wanted) -> Path | None:
        """Return where a source is, or None.

        Raises:
            WrongSource: the model given for it is another one; the message says what differs.
            WorkbenchError: the model given for it can't be read.
        """
        if source.handle in self.given:
            return self._given(source, self.given[source.handle])
        for path in self._places(source):
            found = self._digest(path)
            if found is not None and found.total == source.digest:
                return path
        return None

    def check_given(self, recipe: Any) -> None:
        """Check that every given handle is that of a source.

        Raises:
            UsageError: one is not.
        """
        handles = list(handles_of(recipe))
        for handle in self.given.keys() - set(handles):
            raise UsageError(
                f"The recipe has no source {show(handle)!r}.",
                hint=did_you_mean(handle, handles, noun="sources"),
            )

    def _given(self, source: Wanted, path: Path) -> Path:
        found = digests(find(path))
        if found.total == source.digest:
            return path
        raise WrongSource(
            f"This is not the model that the result was made of as {show(source.handle)!r}: "
            f"{_difference(source, found)}. It has sha256 {found.total}, the recipe wants {source.digest}.",
            where=show(str(path)),
            hint=Hint("Give the model as it was, or ", Action("verify-against")),
        )

    def _places(self, source: Wanted) -> Iterator[Path]:
        if source.path is not None:
            yield from _with_versions(self.recipe.parent / source.path)
        if self._remembered is None:
            self._remembered = remembered_sources()
        if source.digest in self._remembered:
            yield from _with_versions(self._remembered[source.digest])
        name = source.handle.rpartition("/")[2]
        near = [self.result.parent]
        if self.result.name.isdecimal():  # a version under a serving folder
            near.append(self.result.parent.parent)
        with suppress(OSError):  # there may be no working folder any more
            near.append(Path.cwd())
        for folder in near:
            yield from sorted(_models_in(folder), key=lambda path: path.name != name)

    def _digest(self, path: Path) -> Digest | None:
        """Return the digest of the model at a path; None for no model or the result."""
        key = os.path.realpath(path)
        if key not in self._digests:
            self._digests[key] = None
            if key != os.path.realpath(self.result) and self._looked_at < _MOST_LOOKED_AT:
                self._looked_at += 1
                with suppress(WorkbenchError):  # something else, or damaged: not the one
                    self._digests[key] = digests(find(path))
        return self._digests[key]


def handles_of(recipe: Any, above: str = "", deepest: int = 32) -> Iterator[str]:
    """Yield the handles of all sources of a recipe, nested ones included."""
    entries = recipe.get("sources") if isinstance(recipe, dict) else None
    for entry in entries if isinstance(entries, list) and deepest else ():
        handle = entry.get("handle") if isinstance(entry, dict) else None
        if isinstance(handle, str):
            yield above + handle
            yield from handles_of(entry.get("recipe"), f"{above}{handle}/", deepest - 1)


def missing(sources: Iterable[Wanted], where: str) -> MissingSource:
    """Return the error for the sources that were not found, all at once."""
    lost = list(sources)
    listed = "; ".join(f"{show(one.handle)} (sha256 {one.digest})" for one in lost)
    return MissingSource(
        f"{'A source' if len(lost) == 1 else f'{len(lost)} sources'} of the result can't be found: {listed}. "
        "Looked for where it was used last, beside the result, and here.",
        where=where,
        hint=Hint("", Action("give-source", {"handles": ", ".join(show(one.handle) for one in lost)})),
    )


def _difference(source: Wanted, found: Digest) -> str:
    """Return which parts differ: `the checkpoint differs; the graph is the same`."""
    if not source.parts:
        return "its digest differs"
    words: dict[str, list[str]] = {"differs": [], "is the same": [], "is not there": [], "is new": []}
    for part, name in _PART_NAMES.items():
        mine, theirs = found.parts.get(part), source.parts.get(part)
        if mine is None and theirs is None:
            continue
        word = "is the same" if mine == theirs else "differs"
        if mine is None or theirs is None:
            word = "is not there" if mine is None else "is new"
        words[word].append(name)
    return "; ".join(f"{' and '.join(names)} {_verb(word, names)}" for word, names in words.items() if names)


def _verb(word: str, names: list[str]) -> str:
    if len(names) == 1 and names[0] != "the assets":
        return word
    return word.replace("differs", "differ").replace("is ", "are ")


def _models_in(folder: Path) -> list[Path]:
    """Return the models directly in a folder, and versions in serving folders."""
    found: list[Path] = []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []
    for entry in entries:
        path = Path(entry.path)
        if not entry.is_dir():
            if path.suffix in (".pb", ".pbtxt") and not path.stem.startswith("saved_model"):
                found.append(path)
        else:
            found += [one for one in _with_versions(path) if _is_model(one)]
    return found


def _with_versions(path: Path) -> list[Path]:
    """Return a path and, if it is no model, its numbered versions, latest first."""
    if _is_model(path):
        return [path]
    return [path, *(path / name for name in sorted(_versions(path), key=int, reverse=True))]


def _is_model(path: Path) -> bool:
    return any((path / name).is_file() for name in _MODEL_FILES)


def _versions(path: Path) -> list[str]:
    try:
        return [name for name in os.listdir(path) if name.isdecimal()]
    except OSError:
        return []
