"""Places of models: recent ones, the sample models, folders on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from workbench.disk.samples import SAMPLES, STORY
from workbench.names import show

Kind = Literal["heading", "model", "folder", "file", "plan", "up", "story", "lessons"]
_MAX_LISTED = 2000
_LOOKED_INTO = 8_000_000  # bytes of a graph that is opened only to say what it takes and gives
_NAMED = 2
_RECENT = 8
_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")
_GRAPHS = (".pb", ".pbtxt")


class Entry(NamedTuple):
    """One line of a chooser.

    Attributes:
        kind: what choosing it does: a `folder` or `up` is entered, all else is the answer.
        text: its name, safe to print.
        aside: what follows it: a sentence, or the folder that it is in.
        path: of the model, None for a heading.
    """

    kind: Kind
    text: str
    aside: str = ""
    path: Path | None = None


def is_model(path: Path) -> bool:
    """Return whether a path looks like a model, by names only."""
    try:
        if path.is_dir():
            if any((path / name).exists() for name in _MODEL_FILES):
                return True
            inside = [entry.name for entry in os.scandir(path)][:200]
            return bool(inside) and all(name.isdecimal() for name in inside)
        return path.suffix in _GRAPHS and path.is_file()
    except OSError:
        return False


def short(path: Path) -> str:
    """Return a path relative to the working folder or the home folder."""
    try:
        return str(path.relative_to(Path.cwd())) or "."
    except ValueError:
        pass
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)


def takes_and_gives(path: Path) -> str:
    """Return `string [] → float32 [1,784]` for a model's default signature.

    It opens the model, so call it in a thread.

    Empty for a model that is large or does not open: that is reported when it is chosen.
    """
    from workbench.errors import WorkbenchError
    from workbench.model import open_model, shapes
    from workbench.names import count

    try:
        if sum(file.stat().st_size for file in _graphs_of(path)) > _LOOKED_INTO:
            return ""
        model = open_model(path)
        signatures = {key: one for key, one in model.meta.signatures.items() if not key.startswith("__")}
    except (WorkbenchError, OSError):
        return ""
    found = signatures.get("serving_default") or next(iter(signatures.values()), None)
    if found is None:
        return "no signature"
    sides = [
        ", ".join(shapes.typed(port.dtype, port.shape) for port in ports.values())
        if len(ports) <= _NAMED
        else count(len(ports), noun)
        for ports, noun in ((found.inputs, "input"), (found.outputs, "output"))
    ]
    others = f"  and {len(signatures) - 1:,} more" if len(signatures) > 1 else ""
    return f"{sides[0]} → {sides[1]}{others}"


def _graphs_of(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [
        file for name in _MODEL_FILES for file in (path / name, *path.glob(f"*/{name}")) if file.is_file()
    ]


def known(
    recent: Iterable[Path], samples: Path, plans: Iterable[Entry] = (), found: Iterable[Path] = ()
) -> list[Entry]:
    """Return the entries shown before anything is typed.

    Args:
        recent: models that were opened lately.
        samples: the folder of the sample models.
        plans: entries of unfinished plans.
        found: models below the working folder.
    """
    listed = list(plans)
    entries = [Entry("heading", "Not finished"), *listed] if listed else []
    ours = [Entry("model", name, line, samples / name) for name, line in SAMPLES.items()]
    ours = [entry for entry in ours if entry.path is not None and is_model(entry.path)]
    if ours:
        entries += [Entry("heading", "Sample models"), *ours]
    said = {_identity(entry.path) for entry in entries if entry.path is not None}
    for title, paths in (("Recent", list(recent)[:_RECENT]), ("In this folder", found)):
        fresh = [path for path in paths if title == "Recent" or _identity(path) not in said]
        said |= {_identity(path) for path in fresh}
        if fresh:
            entries += [Entry("heading", title), *map(_model, fresh)]
    return entries


def begin(samples: Path) -> list[Entry]:
    """Return the entries for those who begin: the story and the lessons.

    Args:
        samples: the folder of the sample models.
    """
    if not all(is_model(samples / name) for name in STORY):
        return []
    line = "join two sample models into one, in five guided steps"
    return [
        Entry("heading", "Begin here"),
        Entry("story", "Try the story", line, samples),
        Entry("lessons", "Lessons", "learn what a graph is, ten minutes each", samples),
    ]


def _identity(path: Path) -> str:
    return os.path.realpath(path)


def _model(path: Path) -> Entry:
    return Entry("model", show(path.name), show(str(path.absolute().parent), 1000), path)


def listing(folder: Path, *, models: bool) -> list[Entry]:
    """Return the entries of a folder: models, then folders, then files.

    With `models` the files are graph files only.

    A folder that can't be read is empty.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name.lower())[:_MAX_LISTED]
    except (OSError, ValueError):
        return []
    found: dict[str, list[Entry]] = {"model": [], "folder": [], "file": []}
    for entry in entries:
        path = Path(entry.path)
        try:
            directory = entry.is_dir()
        except OSError:
            continue
        if models and is_model(path):
            found["model"].append(Entry("model", show(entry.name), "", path))
        elif directory:
            if not entry.name.startswith("."):
                found["folder"].append(Entry("folder", f"{show(entry.name)}/", "", path))
        elif not models or entry.name.endswith(".json"):
            kind: Kind = "plan" if models else "file"
            found["file"].append(Entry(kind, show(entry.name), "plan" if models else "", path))
    return [*found["model"], *found["folder"], *found["file"]]


def expand(text: str) -> Path:
    """Return a typed path with `~` as the home folder.

    The home folder of a user nobody knows stays as typed.
    """
    return Path(os.path.expanduser(text.strip()))


def readings(text: str) -> list[str]:
    """Return the meanings of a typed path: all, or what follows the last `//` or `/~`.

    A path that was pasted behind another one replaces it. Quotes around it are left out.
    """
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    at = max(text.rfind("//"), text.rfind("/~"))
    return [text, text[at + 1 :]] if at > 0 else [text]


def existing(text: str) -> Path | None:
    """Return the path that a typed text means, if there is one of that name."""
    for reading in readings(text) if text.strip() else ():
        path = expand(reading)
        if _exists(path):
            return path
    return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long; a NUL in it
        return False


def is_path(text: str) -> bool:
    """Return whether a typed text is a path and not a part of a name."""
    text = text.strip().lstrip("'\"")
    return "/" in text or os.sep in text or text.startswith(("~", "."))


def typed(text: str, entries: Callable[[], list[Entry]], *, models: bool) -> list[Entry]:
    """Return the entries for a typed text: of a folder, or filtered by a word."""
    if not text.strip():
        return entries()
    if not is_path(text):
        word = text.strip().lower()
        known = [
            entry
            for entry in entries()
            if entry.kind != "heading" and word in f"{entry.text} {entry.aside}".lower()
        ]
        return known or _beginning(text.strip(), models)
    for reading in readings(text):
        found = _beginning(reading, models)
        if found:
            return found
    return []


def _beginning(text: str, models: bool) -> list[Entry]:
    """Return the entries that begin with a path's last part; for `folder/` all."""
    path = expand(text)
    folder, start = (path, "") if text.endswith(("/", os.sep)) else (path.parent, path.name)
    inside = listing(folder, models=models)
    close = [entry for entry in inside if entry.text.lower().startswith(start.lower())]
    up = [Entry("up", "../", "", folder.parent)] if not start and folder.is_dir() else []
    return [*up, *close]


def nothing(text: str) -> str:
    """Return why nothing is offered for a typed text, and the next move."""
    path = expand(readings(text)[-1])
    if not is_path(text):
        return f"No name here is like {show(text.strip(), 60)!r}. Type a path to look elsewhere."
    if _exists(path):
        if path.is_dir():
            return f"{show(str(path))} has no models and no folders in it. Type another path."
        return f"{show(str(path))} is not a SavedModel, a GraphDef or a folder. Type another path."
    near = show(short(nearest(text)))
    return (
        f"{show(str(path))} does not exist; the nearest folder that exists is {near}. Press tab to go there."
    )


def nearest(text: str) -> Path:
    """Return the nearest folder above a typed path that exists."""
    path = expand(readings(text)[-1])
    return next((folder for folder in path.absolute().parents if _exists(folder)), Path(path.anchor))
