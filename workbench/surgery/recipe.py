"""The recipe of a result: what it was made of and how, in a form that is the same every time.

It lies in the result as `assets.extra/workbench.json` and names sources by handle and digest, never by place. A
recipe saved for replay (`--save-recipe`) names their paths too, relative to its own file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import DamagedFile, MissingFile
from workbench.names import show
from workbench.surgery.plan import DEFAULT_SIGNATURE, Plan, Source, Wire
from workbench.version import __version__

if TYPE_CHECKING:
    from workbench.surgery.join import Join

RECIPE, PROOF = "workbench.json", "workbench-proof.json"
OWN_FILES = frozenset({RECIPE, PROOF})
SCHEMA_VERSION = 1
_MAX_BYTES = 16 << 20


def describe(plan: Plan, join: Join) -> dict[str, Any]:
    """The recipe of a plan as JSON values."""
    sources = []
    for handle, part in join.parts.items():
        source: dict[str, Any] = {
            "handle": handle,
            "digest": part.model.digest(),
            "parts": dict(part.model.digests.parts),
            "tag_set": ",".join(part.meta.tags),
            "signature": part.chosen.key if part.chosen is not None else None,
        }
        earlier = nested(part.model.location.folder)
        if earlier is not None:
            source["recipe"] = earlier
        sources.append(source)
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": tool(),
        "sources": sources,
        "wires": [{"from": str(link.source), "to": str(link.target)} for link in join.links],
        "signature": plan.signature,
        "options": plan.options(),
    }


def dump(recipe: dict[str, Any]) -> bytes:
    """The bytes of a recipe."""
    return (json.dumps(recipe, indent=2, ensure_ascii=False) + "\n").encode()


def tool() -> dict[str, str]:
    """What made the result."""
    return {"name": "workbench", "version": __version__}


def nested(folder: Path | None) -> dict[str, Any] | None:
    """The recipe of a source that is itself a result; None if it has none that can be read."""
    if folder is None:
        return None
    try:
        data = (folder / "assets.extra" / RECIPE).read_bytes()
        found = json.loads(data) if len(data) <= _MAX_BYTES else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def save(plan: Plan, join: Join, path: Path) -> None:
    """Writes a recipe that `load` turns into the same plan again, in place of what may be there: all or nothing.

    Raises:
        CannotWrite: the file can't be written.
    """
    from workbench.disk.temporary import replace_file

    recipe = describe(plan, join)
    base = path.resolve().parent
    for entry, source in zip(recipe["sources"], plan.sources, strict=True):
        entry["path"] = Path(os.path.relpath(source.path.resolve(), base)).as_posix()
    replace_file(path, dump(recipe))


def load(path: Path) -> Plan:
    """The plan in a recipe file.

    Raises:
        MissingFile: there is no such file.
        DamagedFile: it is not a recipe, or one without paths.
    """
    base = path.resolve().parent
    try:
        recipe = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise MissingFile("There is no such recipe.", where=str(path)) from None
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedFile(f"This is not a recipe: {show(str(error))}.", where=str(path)) from None
    return plan_of(recipe, lambda entry: Path(os.path.normpath(base / entry["path"])), str(path))


def plan_of(recipe: Any, place: Callable[[dict[str, Any]], Path], where: str) -> Plan:
    """The plan that a recipe tells of.

    Args:
        recipe: JSON values.
        place: where a source is, from its entry in the recipe.
        where: the recipe's file, for errors.

    Raises:
        DamagedFile: it is not a recipe, or lacks something.
    """
    try:
        sources = tuple(
            Source(
                entry["handle"],
                place(entry),
                tuple(tag for tag in entry["tag_set"].split(",") if tag),
                entry.get("signature"),
            )
            for entry in recipe["sources"]
        )
        wires = tuple(Wire(wire["from"], wire["to"]) for wire in recipe["wires"])
        options = recipe.get("options", {})
        return Plan(
            sources,
            wires,
            recipe.get("signature", DEFAULT_SIGNATURE),
            tuple(options.get("tags", ("serve",))),
            bool(options.get("keep_outputs")),
            bool(options.get("keep_signatures")),
            bool(options.get("freeze")),
            options.get("format", "auto"),
            tuple(options.get("rename_inputs", {}).items()),
            tuple(options.get("rename_outputs", {}).items()),
        )
    except KeyError as error:
        hint = (
            "The recipe inside a result names no paths; save one with --save-recipe."
            if error.args == ("path",)
            else None
        )
        raise DamagedFile(f"The recipe lacks {show(str(error.args[0]))!r}.", where=where, hint=hint) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise DamagedFile(f"This is not a recipe: {show(str(error))}.", where=where) from None
