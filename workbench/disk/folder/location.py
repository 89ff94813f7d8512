"""From a path to the model it means; only first bytes of files are read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from workbench.disk.atomic.outputs import url
from workbench.disk.folder.assets import stays_inside
from workbench.disk.folder.layout import CPB, PB, PBTXT, Kind, is_text, read_head, show_path
from workbench.errors import DamagedFile, DiskError, NotASavedModel
from workbench.names import nearest, show


class Location(NamedTuple):
    """Where a model is.

    Attributes:
        path: as it was given.
        kind: `pb` and `pbtxt` for a SavedModel, `graphdef` for a frozen graph in a file of its own.
        file: the file to read.
        folder: the SavedModel's folder, with `variables/` and `assets/`; None for a GraphDef.
        text: whether `file` is in text format.
        note: what the user should be told about the choice (a version, a second file), or None.
    """

    path: Path
    kind: Kind
    file: Path
    folder: Path | None
    text: bool
    note: str | None = None


def find(path: str | os.PathLike[str]) -> Location:
    """Find the model that a path means.

    A folder with `saved_model.pb` or `.pbtxt`; that file itself; a serving base folder, of which the highest
    version is taken, with a note; or the file of a frozen GraphDef, binary or text. Only the first bytes of
    the file are read.

    Raises:
        NotASavedModel: there is nothing, or nothing that is a model; says what is there.
        UnsupportedFormat: a model of another format; says which, and the way to a SavedModel.
        DamagedFile: the file is empty, or its name and its content contradict each other.
        DiskError: the path can't be looked at.
    """
    given = Path(path)
    if not os.fspath(path):
        raise NotASavedModel("The path is empty.", hint="Give a SavedModel folder or a GraphDef file.")
    typed = url(path)
    if typed is not None:
        raise NotASavedModel(
            "Only local files are read; this is a URL.",
            where=show(typed),
            hint="Download the model first, then give its folder.",
        )
    try:
        if given.is_dir():
            return _in_folder(given, given)
        if given.is_file():
            return _in_file(given)
        if given.exists():
            raise NotASavedModel("This is neither a folder nor a regular file.", where=show_path(given))
    except (OSError, ValueError) as problem:  # no permission, too long, a NUL in the name
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise DiskError(f"Cannot look there: {reason}.", where=show_path(given)) from problem
    raise _nothing_there(given)


def _in_folder(folder: Path, given: Path) -> Location:
    binary, text = (folder / PB).exists(), (folder / PBTXT).exists()
    if binary or text:
        note = None
        if binary and text:
            note = f"{PB} and {PBTXT} are both there; {PB} is read, as TensorFlow does."
        elif (folder / CPB).exists():
            note = f"{CPB} is there, too, and is not read; {PB if binary else PBTXT} is."
        return _saved_model(folder / (PB if binary else PBTXT), given, note)
    for name in (PB, PBTXT):
        if (folder / name).is_symlink():
            raise NotASavedModel(
                f"{name} is a link to {show_path(os.readlink(folder / name))}, which is not there.",
                where=show_path(folder),
                hint="Copy the model with its links followed (cp -rL, rsync -L).",
            )
    served = _served(folder, given)
    if served is not None:
        return served
    from workbench.disk.folder import foreign

    raise foreign.no_model_in(folder)


def _served(folder: Path, given: Path) -> Location | None:
    """Return the highest version in a serving base folder.

    None if a folder in it is no version.
    """
    versions: dict[int, str] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or not entry.is_dir():
                continue
            if not (entry.name.isascii() and entry.name.isdecimal()):
                return None
            versions[int(entry.name)] = entry.name
    whole = [
        number
        for number, name in versions.items()
        if any((folder / name / file).exists() for file in (PB, PBTXT))
    ]
    if not whole:
        return None
    best = max(whole)
    found = _in_folder(folder / versions[best], given)
    listed = ", ".join(versions[number] for number in sorted(whole)[-10:])
    note = f"A serving base folder with version{'s' if len(whole) > 1 else ''} {listed};"
    note = f"{note} {versions[best]} is taken."
    if max(versions) > best:
        note = f"{note} {versions[max(versions)]} holds no model."
    return Location(given, found.kind, found.file, found.folder, found.text, _join(note, found.note))


def _in_file(path: Path) -> Location:
    if path.name in (PB, PBTXT):
        return _saved_model(path, path, None)
    from workbench.disk.folder import foreign

    head = read_head(path)
    problem = foreign.by_content(path, head) or foreign.by_name(path)
    if problem is not None:
        raise problem
    text = _check_text(path, head)
    return Location(path, "graphdef", path, None, text)


def _saved_model(file: Path, given: Path, note: str | None) -> Location:
    if not file.is_file():
        raise NotASavedModel(f"{file.name} is not a file.", where=show_path(file))
    head = read_head(file)
    if head[:1] != b"\x08":  # how every SavedModel that is not text begins
        from workbench.disk.folder import foreign

        problem = foreign.by_content(file, head)
        if problem is not None:
            raise problem
    text = _check_text(file, head)
    if file.is_symlink() and not stays_inside(file.parent, file):
        note = _join(note, f"{file.name} is a link to {show_path(os.path.realpath(file))}.")
    return Location(given, "pbtxt" if text else "pb", file, file.parent, text, note)


def _check_text(path: Path, head: bytes) -> bool:
    """Return whether a file is text; make sure that its name says the same."""
    text = is_text(head)
    suffix = path.suffix.lower()
    if text and suffix == ".pb":
        raise DamagedFile(
            "The name says binary, but the content is text.",
            where=show_path(path),
            hint=f"If it is a model in text format, rename it to {show(path.stem)}.pbtxt.",
        )
    if not text and suffix in (".pbtxt", ".pbtext", ".prototxt"):
        raise DamagedFile(
            "The name says text, but the content is binary.",
            where=show_path(path),
            hint=f"If it is a model, rename it to {show(path.stem)}.pb.",
        )
    return text


def _nothing_there(path: Path) -> DiskError:
    """Return the error for a path that does not exist, with what exists near it."""
    if path.is_symlink():
        return NotASavedModel(
            f"This is a link to {show_path(os.readlink(path))}, which is not there.", where=show_path(path)
        )
    parent = path.parent
    while not parent.is_dir() and parent != parent.parent:
        parent = parent.parent
    missing = path.relative_to(parent).parts[0]
    if (parent / missing).exists():
        what = f"There is no such path: {show_path(parent / missing)} is a file, not a folder."
    elif missing != path.name or parent != path.parent:
        what = f"There is no such path: in {show_path(parent)} there is no {show(missing)!r}."
    else:
        what = "There is no such file or folder."
    try:
        entries = sorted(os.listdir(parent))[:10_000]
    except OSError:
        entries = []
    rest = path.relative_to(parent / missing)
    close = [parent / name for name in nearest(missing, entries)]
    close = [near / rest for near in close if (near / rest).exists()] or close
    hint = "Give a SavedModel folder, or the file of a frozen GraphDef."
    if close:
        hint = f"Did you mean {' or '.join(map(show_path, close))}?"
    if not close and os.fspath(path).startswith("~"):
        hint = "A ~ is expanded by the shell only; give the whole path."
    return NotASavedModel(what, where=show_path(path), hint=hint)


def _join(*notes: str | None) -> str | None:
    return " ".join(note for note in notes if note) or None
