"""Replay of a result's recipe: its sources found, its draft built again.

A source that is itself a result and can't be found is made again from its own recipe, if its sources are there: the
same recipe gives the same bytes, and the digest shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import DamagedFile, MissingFile, PlanError
from workbench.findings import Action, Hint
from workbench.model import Model, open_model
from workbench.model.recipe import EXTRA
from workbench.names import show
from workbench.publishing.commit import commit
from workbench.publishing.running import Progress, Proving
from workbench.publishing.work import Work
from workbench.surgery.draft import Draft, build
from workbench.surgery.recipe import RECIPE, plan_of
from workbench.verification.find_sources import Finder, Wanted, missing, wanted
from workbench.version import __version__

_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Found:
    """A source that was found.

    Attributes:
        handle: as in `Wanted`.
        path: where; of one that was made again, the folder it was made in.
        digest: SHA-256 over all of it.
        made_again: whether it was made from its own recipe.
    """

    handle: str
    path: Path
    digest: str
    made_again: bool = False


@dataclass(frozen=True, slots=True)
class Replayed:
    """The sources and the draft that a result was made of.

    Attributes:
        made: the draft.
        sources: where its sources are, those of sources included.
        notes: what a reader of the verdict should know besides.
    """

    made: Draft
    sources: tuple[Found, ...]
    notes: tuple[str, ...] = ()

    @property
    def signature(self) -> str | None:
        """The signature that given values are for."""
        return next(iter(self.made.references), None)

    def work(self, proving: Proving, progress: Progress | None = None) -> Work:
        """Return it as something that can be verified."""
        return Work(self.made, proving, progress)

    def serialize(self) -> bytes:
        """Return the bytes of `saved_model.pb`, equal if the same version made it."""
        return self.made.serialize()


def replay(result: Model, given: Mapping[str, Path], scratch: Path) -> Replayed:
    """Read a result's recipe, find its sources, and build its draft again.

    Args:
        result: the result.
        given: where sources are, by handle; what is not there is looked for.
        scratch: a folder for sources that have to be made again.

    Raises:
        MissingFile: it has no recipe.
        DamagedFile: the recipe can't be read, or can't be done with these sources any more.
        MissingSource: sources were not found.
        WrongSource: a given one is another model.
        UsageError: a given handle is that of no source.
    """
    origin = result.origin
    if result.folder is None or origin is None or (origin.recipe is None and not origin.findings):
        raise MissingFile(
            f"The model has no recipe ({EXTRA}/{RECIPE}): it was not made by workbench, or has lost it.",
            where=show(str(result.path)),
            hint=Hint("", Action("verify-against")),
        )
    file = result.folder / EXTRA / RECIPE
    if origin.recipe is None:
        raise DamagedFile(origin.findings[0].message, where=show(str(file)))
    return _Replaying(Finder(given, result.folder, file), show(str(file)), scratch).run(origin.recipe)


class _Replaying:
    """The replay of one result and of its sources that are results."""

    def __init__(self, finder: Finder, where: str, scratch: Path) -> None:
        self.finder = finder
        self.where = where
        self.scratch = scratch
        self.found: list[Found] = []
        self.notes: list[str] = []

    def run(self, recipe: dict[str, Any]) -> Replayed:
        self.finder.check_given(recipe)
        places, lost = self._locate(recipe, "")
        if lost:
            raise missing(lost, self.where)
        made = self._make(recipe, places)
        assert made is not None
        return Replayed(made, tuple(self.found), tuple(self.notes))

    def _locate(self, recipe: dict[str, Any], above: str) -> tuple[dict[str, Path], list[Wanted]]:
        """Return where the sources of a recipe are, by handle, and which are missing."""
        places: dict[str, Path] = {}
        lost: list[Wanted] = []
        entries = recipe.get("sources")
        if not isinstance(entries, list) or not entries or above.count("/") > _DEEPEST:
            raise DamagedFile("The recipe names no sources, or too many below each other.", where=self.where)
        for entry in entries:
            source = wanted(entry, self.where, above)
            path = self.finder.find(source)
            if path is None and source.recipe is not None:
                path, below = self._again(source)
                lost += below
            elif path is None:
                lost.append(source)
            else:
                self.found.append(Found(source.handle, path, source.digest))
            if path is not None:
                places[source.handle.removeprefix(above)] = path
        return places, lost

    def _again(self, source: Wanted) -> tuple[Path | None, list[Wanted]]:
        """Make a source from its own recipe, or return None and what is missing."""
        assert source.recipe is not None
        places, lost = self._locate(source.recipe, f"{source.handle}/")
        if lost:
            return None, [source, *lost]
        target = self.scratch / f"{len(self.found)}"
        made = self._make(source.recipe, places)
        commit(made, target, verify=False)
        got = open_model(target).digest()
        if got != source.digest:
            self.notes.append(
                f"The source {show(source.handle)!r} was made again from its recipe and has another digest now: "
                f"workbench {_version(source.recipe)} made it then, {__version__} now. The result is compared with "
                "the values of the new one."
            )
        self.found.append(Found(source.handle, target, got, made_again=True))
        return target, []

    def _make(self, recipe: dict[str, Any], places: Mapping[str, Path]) -> Draft:
        plan = plan_of(recipe, lambda entry: places[entry["handle"]], self.where, self.finder.recipe.parent)
        draft, findings = build(plan)
        if draft is None:
            raise PlanError("The recipe can't be replayed any more.", findings, where=self.where)
        return draft


def _version(recipe: Mapping[str, Any]) -> str:
    """Return the version of the workbench that made a recipe, for a message."""
    tool = recipe.get("tool")
    return show(str(tool.get("version"))) if isinstance(tool, dict) else "of an unknown version"
