"""The recipe of a result: its sources and steps, equal bytes for equal plans.

It is in the result as `assets.extra/workbench.json` and names sources by handle and digest, never by place. A
recipe saved for replay (`--save-recipe`) names their paths too, relative to its own file.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.disk import files
from workbench.disk.atomic.outputs import url
from workbench.disk.documents import NotJson, parse
from workbench.errors import DamagedFile, DiskError, MissingFile, UsageError
from workbench.findings import Action, Hint
from workbench.names import did_you_mean, show
from workbench.surgery import step_files
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.share import Share
from workbench.surgery.plan import DEFAULT_SIGNATURE, Plan, ResultOptions, Source, SourceList
from workbench.surgery.step import (
    Step,
    fields_from_json,
    fields_to_json,
    from_json,
    operation,
    to_json,
)
from workbench.surgery.values import is_text, shown
from workbench.version import __version__

if TYPE_CHECKING:
    from workbench.surgery.resolve.join import Join

RECIPE, PROOF = "workbench.json", "workbench-proof.json"
OWN_FILES = frozenset({RECIPE, PROOF})
SCHEMA_VERSION = 2
_MAX_BYTES = 16 << 20


def describe(plan: Plan, join: Join, folder: Path | None = None) -> dict[str, Any]:
    """Return the recipe of a plan as JSON values.

    Args:
        plan: the plan.
        join: its sources opened, and its wires with both endpoints found.
        folder: where paths of files are relative to; None for the recipe in a result, which has bare names.

    Raises:
        DiskError: a file of a step can't be read.
    """
    sources = []
    for handle, part in join.parts.items():
        source: dict[str, Any] = {
            "handle": handle,
            "digest": part.model.digest(),
            "parts": dict(part.model.digests.parts),
            "tag_set": part.meta.tags_text,
        }
        if part.chosen is not None:
            source["signature"] = part.chosen.key
        earlier = nested(part.model.location.folder)
        if earlier is not None:
            source["recipe"] = earlier
        sources.append(source)
    steps: list[Step] = [Connect(str(link.source), str(link.target), link.through) for link in join.links]
    steps += (Share({one.key: list(map(str, one.targets))}) for one in join.shared)
    steps += plan.later_steps
    if folder is None:
        named = step_files.names_in_result(plan.steps, plan.files)
    else:
        named = step_files.names_beside(steps, folder)
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": tool(),
        "sources": sources,
        **plan_to_json(plan, [step_files.with_files(step, named) for step in steps]),
        **step_files.to_json(named),
    }


def plan_to_json(plan: Plan, steps: Sequence[Step]) -> dict[str, Any]:
    """Return steps and a plan's result options as a recipe stores them."""
    return {"steps": [to_json(step) for step in steps], "result": fields_to_json(plan.result)}


def dump(recipe: dict[str, Any]) -> bytes:
    """Return the bytes of a recipe."""
    return (json.dumps(recipe, indent=2, ensure_ascii=False) + "\n").encode()


def tool() -> dict[str, str]:
    """Return the name and version of this tool."""
    return {"name": "workbench", "version": __version__}


def nested(folder: Path | None) -> dict[str, Any] | None:
    """Return the recipe of a source that is itself a result, or None."""
    if folder is None:
        return None
    try:
        found = parse(files.read_whole(folder / "assets.extra" / RECIPE, _MAX_BYTES))
    except (DiskError, NotJson):
        return None
    return found if isinstance(found, dict) else None


def save(plan: Plan, join: Join, path: Path, *, overwrite: bool = False) -> None:
    """Write a recipe that `load` turns into the same plan again: all or nothing.

    Args:
        plan: the plan.
        join: the plan with its sources opened.
        path: the file.
        overwrite: replace a file that exists; never one of a source.

    Raises:
        TargetExists: the file exists, and is not to be replaced.
        CannotWrite: the file can't be written, or belongs to a source.
    """
    from workbench.disk.atomic.outputs import local_path, write_output

    path = local_path(path)
    base = path.resolve().parent
    recipe = describe(plan, join, base)
    for entry, source in zip(recipe["sources"], plan.sources, strict=True):
        entry["path"] = Path(os.path.relpath(source.path.resolve(), base)).as_posix()
    sources = [part.model.place for part in join.parts.values()]
    write_output(path, dump(recipe), overwrite=overwrite, sources=sources)


def load(path: Path, sources: Mapping[str, Path] | None = None) -> Plan:
    """Return the plan in a recipe file.

    Args:
        path: the file.
        sources: where to find sources instead, by handle.

    Raises:
        MissingFile: there is no such file.
        DamagedFile: it is not a recipe, or one without paths.
        UsageError: it has no source with one of these handles.
    """
    typed = url(path)
    if typed is not None:
        raise MissingFile("Only local files are read; this is a URL.", where=show(typed))
    where = show(str(path))
    base = path.resolve().parent
    try:
        recipe = parse(files.read_whole(path, _MAX_BYTES))
    except MissingFile:
        raise MissingFile("There is no such recipe.", where=where) from None
    except NotJson as error:
        raise DamagedFile(f"This is not a recipe: {show(str(error))}.", where=where) from None

    given = dict(sources or {})

    def place(entry: dict[str, Any]) -> Path:
        if entry.get("handle") in given:
            return given[str(entry["handle"])]
        if "path" not in entry:
            raise DamagedFile(
                "The recipe lacks 'path'.",
                where=where,
                hint=Hint("The recipe inside a result names no paths; ", Action("save-recipe")),
            )
        return Path(os.path.normpath(base / _Fields(entry, "a source", where).text("path")))

    plan = plan_of(recipe, place, where, base)
    for handle in given:
        if handle not in plan.handles:
            raise UsageError(
                f"The recipe has no source {show(handle)!r}.",
                hint=did_you_mean(handle, plan.handles, noun="sources"),
            )
    return plan


def plan_of(
    recipe: Any, place: Callable[[dict[str, Any]], Path], where: str, folder: Path | None = None
) -> Plan:
    """Return the plan that a recipe describes.

    Args:
        recipe: JSON values, of any kind: it may be from anybody.
        place: where a source is, from its entry in the recipe, whose handle is a text.
        where: the recipe's file, for errors.
        folder: where its files are; None for the working folder.

    Raises:
        DamagedFile: it is not a recipe, or lacks something.
    """
    fields = _Fields(recipe, "the recipe", where)
    version = fields.value.get("schema_version", 1)
    if version not in (1, SCHEMA_VERSION):
        raise DamagedFile(
            f"This is a recipe of version {shown(version)}; versions 1 and {SCHEMA_VERSION} can be read.",
            where=where,
            hint="A later workbench made it: update this one.",
        )
    sources = _sources(fields, place, where)
    if version == 1:
        return _version_1(fields, sources, where)
    steps = tuple(
        from_json(item, f"step {number}", where) for number, item in enumerate(fields.all("steps"), 1)
    )
    given = _Fields(fields.value.get("result", {}), "the result", where).value
    digests = step_files.digests_in(fields.value, where)
    known: tuple[step_files.StepFile, ...] = ()
    if folder is not None:
        steps, known = step_files.located(steps, folder, digests)
    return Plan(sources, steps, fields_from_json(ResultOptions, given, "the result", where), known)


def _sources(fields: _Fields, place: Callable[[dict[str, Any]], Path], where: str) -> tuple[Source, ...]:
    listed = SourceList()
    for number, item in enumerate(fields.all("sources"), 1):
        entry = _Fields(item, f"source {number}", where)
        handle, tag_set = entry.text("handle"), entry.text("tag_set")
        tags = tuple(tag for tag in tag_set.split(",") if tag)
        signature = entry.text_or_none("signature")
        if "edit" in fields.value:  # of version 1: its handle was any folder's name
            return (Source(handle, place(entry.value), tags),)
        try:
            listed.add(place(entry.value), handle, tags=tags, signature=signature)
        except UsageError as problem:
            raise DamagedFile(f"Source {number} can't be used: {problem.message}", where=where) from None
    return tuple(listed.sources)


def _version_1(fields: _Fields, sources: tuple[Source, ...], where: str) -> Plan:
    """Return the plan of a recipe of version 1.

    In it a join and a change of one model had forms of their own.
    """
    options = _Fields(fields.value.get("options", {}), "options", where).value
    if "edit" in fields.value:
        kind = fields.text("edit")
        cls = operation(kind) if kind in _EDITS else None
        if cls is None:
            raise DamagedFile(
                f"The recipe names an edit {show(kind)!r}, which this version of workbench does not know.",
                where=where,
                hint=did_you_mean(kind, _EDITS, noun="edits"),
            )
        return Plan(sources, (fields_from_json(cls, options, "options", where),))
    wires = [_Fields(item, f"wire {number}", where) for number, item in enumerate(fields.all("wires"), 1)]
    known = {field.name for field in dataclasses.fields(ResultOptions)} - {"signature"}
    given = {name: value for name, value in options.items() if name in known}
    result = fields_from_json(ResultOptions, given, "options", where)
    steps = tuple(Connect(wire.text("from"), wire.text("to")) for wire in wires)
    signature = fields.text("signature", DEFAULT_SIGNATURE)
    prefix = len(sources) == 1 and not steps
    return Plan(sources, steps, dataclasses.replace(result, signature=signature, prefix=prefix))


# what version 1 called edits: operations of the same names and fields
_EDITS = ("flatten", "freeze", "signature")


class _Fields:
    """A JSON object whose values are read with a check of their kind.

    Args:
        value: what should be an object.
        what: what to call it.
        where: the file.

    Raises:
        DamagedFile: it is none, or (by each method) a value is missing or of another kind.
    """

    def __init__(self, value: object, what: str, where: str) -> None:
        if not isinstance(value, dict):
            raise DamagedFile(f"This is not a recipe: {what} is no JSON object.", where=where)
        self.value: dict[str, Any] = value
        self.what = what
        self.where = where

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text, of characters that a file can hold."""
        if key not in self.value and default is None:
            raise DamagedFile(f"The recipe lacks {key!r} ({self.what}).", where=self.where)
        found = self.value.get(key, default)
        if not is_text(found):
            raise self.wrong(key, "a text")
        return str(found)

    def text_or_none(self, key: str) -> str | None:
        """Return a text, or None for null and for a missing value."""
        return None if self.value.get(key) is None else self.text(key)

    def all(self, key: str) -> list[Any]:
        """Return a list."""
        if key not in self.value:
            raise DamagedFile(f"The recipe lacks {key!r} ({self.what}).", where=self.where)
        found = self.value[key]
        if not isinstance(found, list):
            raise self.wrong(key, "a list")
        return found

    def wrong(self, key: str, expected: str) -> DamagedFile:
        """Return the error for a value of the wrong kind."""
        found = shown(self.value.get(key))
        message = f"This is not a recipe: {key!r} of {self.what} is {found}; it has to be {expected}."
        return DamagedFile(message, where=self.where)
