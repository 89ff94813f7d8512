"""From a path to a `SavedModel` message: what is there, reading it, and a digest of it.

The layout of a folder is that of `tensorflow/python/saved_model/constants.py`: `saved_model.pb` or
`saved_model.pbtxt`, `variables/`, `assets/`, `assets.extra/`. Nothing here looks into a checkpoint.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Literal

from workbench.disk import files
from workbench.disk.atomic.outputs import url
from workbench.disk.schema import GraphDef, SavedModel
from workbench.errors import DamagedFile, DiskError, NotASavedModel, UnsupportedFormat
from workbench.names import nearest, show

PB, PBTXT, CPB = "saved_model.pb", "saved_model.pbtxt", "saved_model.cpb"
VARIABLES, ASSETS = "variables", "assets"
_PARTS = {VARIABLES: "checkpoint", ASSETS: "assets"}

MAX_PROTO = 2**31 - 1
"""The most bytes a protobuf message can have."""

MAX_FILES = 10_000
"""Of the files below `assets/`; as many as a model may name."""

_HEAD = 4096
_MAX_NAME, _MAX_NAMES = 255, 2048  # bytes of one part of a path, and of all below `assets/`
# variables.data-00000-of-00001; variables-00000-of-00001 and bare variables are the V1 format
SHARD = r"variables(\.data-\d+-of-\d+|-\d+-of-\d+)?\Z"
_CONTROL = bytes([*range(9), *range(14, 32), 127])
_HIGH = bytes(range(128, 256))
_POINTERS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")

Kind = Literal["pb", "pbtxt", "graphdef"]


@dataclass(frozen=True, slots=True)
class Location:
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
    """The model that a path means.

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
            raise NotASavedModel("This is neither a folder nor a regular file.", where=_shown(given))
    except (OSError, ValueError) as problem:  # no permission, too long, a NUL in the name
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise DiskError(f"Cannot look there: {reason}.", where=_shown(given)) from problem
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
                f"{name} is a link to {_shown(os.readlink(folder / name))}, which is not there.",
                where=_shown(folder),
                hint="Copy the model with its links followed (cp -rL, rsync -L).",
            )
    served = _served(folder, given)
    if served is not None:
        return served
    from workbench.disk import foreign

    raise foreign.no_model_in(folder)


def _served(folder: Path, given: Path) -> Location | None:
    """The highest version in a serving base folder; None if there is a folder that is no version."""
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
    from workbench.disk import foreign

    head = read_head(path)
    problem = foreign.by_content(path, head) or foreign.by_name(path)
    if problem is not None:
        raise problem
    text = _check_text(path, head)
    return Location(path, "graphdef", path, None, text)


def _saved_model(file: Path, given: Path, note: str | None) -> Location:
    if not file.is_file():
        raise NotASavedModel(f"{file.name} is not a file.", where=_shown(file))
    head = read_head(file)
    if head[:1] != b"\x08":  # how every SavedModel that is not text begins
        from workbench.disk import foreign

        problem = foreign.by_content(file, head)
        if problem is not None:
            raise problem
    text = _check_text(file, head)
    if file.is_symlink() and not stays_inside(file.parent, file):
        note = _join(note, f"{file.name} is a link to {_shown(os.path.realpath(file))}.")
    return Location(given, "pbtxt" if text else "pb", file, file.parent, text, note)


def _check_text(path: Path, head: bytes) -> bool:
    """Whether a file is text, after its name was found to say the same."""
    text = is_text(head)
    suffix = path.suffix.lower()
    if text and suffix == ".pb":
        raise DamagedFile(
            "The name says binary, but the content is text.",
            where=_shown(path),
            hint=f"If it is a model in text format, rename it to {show(path.stem)}.pbtxt.",
        )
    if not text and suffix in (".pbtxt", ".pbtext", ".prototxt"):
        raise DamagedFile(
            "The name says text, but the content is binary.",
            where=_shown(path),
            hint=f"If it is a model, rename it to {show(path.stem)}.pb.",
        )
    return text


def is_text(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a text: no control characters, UTF-8 or mostly ASCII.

    Some bytes over 127 are allowed in another encoding too: what is wrong with them is better told by line
    than by "binary". A NodeDef has the tag of its `op` (0x12) near its start, so no GraphDef is taken for text.
    """
    if len(head.translate(None, _CONTROL)) < len(head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as problem:
        high = len(head) - len(head.translate(None, _HIGH))
        return problem.end == len(head) or high <= len(head) * 0.3
    return True


def load(location: Location) -> SavedModel:
    """The model as a `SavedModel` message, see `load_stamped`."""
    return load_stamped(location)[0]


def load_stamped(location: Location) -> tuple[SavedModel, files.Stamp]:
    """The model as a `SavedModel` message, a GraphDef as one MetaGraph without tags or signatures; its file's stamp.

    The file is read once, and its bytes are let go when they are parsed.

    Raises:
        DamagedFile: the file can't be parsed; says why, in text format also where.
        NotASavedModel: it is another message (a GraphDef named `saved_model.pb`, a MetaGraph, …).
        UnsupportedFormat: it is larger than a protobuf message can be.
    """
    data, stamp = _read_stamped(location.file, MAX_PROTO)
    message: GraphDef | SavedModel
    if location.kind == "graphdef":
        model = SavedModel(saved_model_schema_version=1)
        message = model.meta_graphs.add().graph_def
        message.SetInParent()
    else:
        model = message = SavedModel()
    from workbench.disk import parse

    if location.text:
        parse.text(message, data, location.file)
    else:
        parse.binary(message, data, location.file)
    return model, stamp


def read_file(path: Path, cap: int = MAX_PROTO) -> bytes:
    """All bytes of a regular file whose size was looked at before.

    Raises:
        MissingFile: there is no such file.
        DamagedFile: it is no regular file, can't be read, or gets shorter meanwhile.
        UnsupportedFormat: it has more than `cap` bytes.
    """
    return _read_stamped(path, cap)[0]


def _read_stamped(path: Path, cap: int) -> tuple[bytes, files.Stamp]:
    """All bytes of a regular file, and its stamp before they were read; raises as `read_file`."""
    descriptor = files.open_source(path)
    try:
        stamp = files.Stamp.of(os.fstat(descriptor))
        if stamp.size > cap:
            limit = "; a protobuf message has at most 2 GB" if cap == MAX_PROTO else ""
            raise UnsupportedFormat(
                f"The file has {stamp.size:,} bytes, more than the {cap:,} that are read{limit}.",
                where=_shown(path),
            )
        return files.read_at(descriptor, 0, stamp.size, path), stamp
    finally:
        os.close(descriptor)


def read_head(path: Path) -> bytes:
    """The first 4,096 bytes of a file, or all.

    Raises:
        DamagedFile: it can't be read.
    """
    return files.read_first(path, _HEAD)


def is_lfs_pointer(path: Path) -> bool:
    """Whether a file is what git leaves where Git LFS did not fetch the content. False if it can't be read."""
    try:
        return path.stat().st_size < 1024 and read_head(path).startswith(_POINTERS)
    except (OSError, DiskError):
        return False


def check_asset_name(name: str, where: str | None = None) -> str:
    """The name of an asset as it may be used below `assets/`: relative, with `/`, without `.` and `..`.

    Args:
        name: as the model has it.
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
    """Where the asset `name` of the SavedModel in `folder` is; it need not exist.

    Links are followed, but only inside the model's folder, and to the `blobs/` that a Hugging Face cache
    keeps the files of its `snapshots/` in.

    Raises:
        DamagedFile: the name or a link leads out of the folder.
    """
    path = folder / ASSETS / check_asset_name(name, _shown(folder))
    if not stays_inside(folder, path):
        raise DamagedFile(
            f"The asset {show(name)!r} is a link that leads out of the model, to {_shown(os.path.realpath(path))}.",
            where=_shown(folder),
            hint="If you trust the model, copy it with its links followed (cp -rL) and give the copy.",
        )
    return path


def asset_files(folder: Path) -> dict[str, Path]:
    """Every regular file below `assets/` of the SavedModel in `folder`, by its name as an asset would have it.

    A link counts where it leads to a file inside (see `asset_path`); linked folders are not entered.
    """
    found = {}
    for name in _below(folder / ASSETS):
        path = folder / ASSETS / name
        if stays_inside(folder, path) and path.is_file():
            found[name] = path
    return found


def links_out(folder: Path) -> list[Path]:
    """The links in `variables/`, and that folder itself, that lead out of the model.

    Raises:
        OSError: the folder can't be listed.
    """
    variables = folder / VARIABLES
    links = [variables] if variables.is_symlink() else []
    with os.scandir(variables) as entries:
        links += [Path(entry.path) for entry in entries if entry.is_symlink()]
    return [link for link in sorted(links) if not stays_inside(folder, link)]


def stays_inside(folder: Path, path: Path) -> bool:
    """Whether a path, its links followed, lies in a model's folder, or where the Hugging Face cache keeps its files."""
    root, target = Path(os.path.realpath(folder)), Path(os.path.realpath(path))
    if target.is_relative_to(root):
        return True
    caches = [above.parent for above in root.parents if above.name == "snapshots"]
    return any(target.is_relative_to(cache / "blobs") for cache in caches)


@dataclass(frozen=True, slots=True)
class Digest:
    """SHA-256 (hex) over what a model is made of; equal for equal models wherever they are.

    Goes in, each with its name and its length: the model file, the checkpoint's index, the names and sizes of
    the shards (not their bytes, which may be many; the index holds their checksums), and every file below
    `assets/`. Names of folders, times and modes do not.

    Attributes:
        total: over all of it.
        parts: over each part that is there: `model`, `checkpoint`, `assets`.
    """

    total: str
    parts: Mapping[str, str]


def digest(location: Location) -> str:
    """The digest of all that a model is made of; see `digests`."""
    return digests(location).total


def digests(location: Location) -> Digest:
    """The digests of a model.

    Raises:
        MissingFile: the model file is gone.
        DiskError: a file can't be read.
    """
    from hashlib import sha256

    total = sha256()
    parts: dict[str, Any] = {}
    try:
        for label, content in _digested(location):
            name = label.encode("utf-8", "surrogateescape")
            part = parts.setdefault(_PARTS.get(label.partition("/")[0], "model"), sha256())
            for one in (name, content):
                sized = len(one).to_bytes(8, "little") + one
                total.update(sized)
                part.update(sized)
    except OSError as problem:
        raise DiskError(f"Cannot read: {problem.strerror}.", where=_shown(location.path)) from problem
    return Digest(total.hexdigest(), {name: part.hexdigest() for name, part in parts.items()})


def _digested(location: Location) -> Iterator[tuple[str, bytes]]:
    """What goes into a digest: a label, and a digest or a size."""
    yield "graphdef" if location.folder is None else location.file.name, _file_digest(location.file)
    if location.folder is None:
        return
    variables, assets = location.folder / VARIABLES, location.folder / ASSETS
    if variables.is_dir():
        for entry in sorted(os.scandir(variables), key=lambda entry: entry.name):
            if entry.name == "variables.index":
                yield f"{VARIABLES}/{entry.name}", _file_digest(Path(entry.path))
            elif re.match(SHARD, entry.name) and entry.is_file():
                yield f"{VARIABLES}/{entry.name}", entry.stat().st_size.to_bytes(8, "little")
    for relative in _below(assets):
        path = assets / relative
        inside = stays_inside(location.folder, path) and path.is_file()
        yield f"{ASSETS}/{relative}", _file_digest(path) if inside else b""


def _file_digest(path: Path) -> bytes:
    from hashlib import sha256

    total = sha256()
    descriptor = files.open_source(path)
    try:
        size = os.fstat(descriptor).st_size
        for start in range(0, size, files.CHUNK):
            total.update(files.read_at(descriptor, start, min(files.CHUNK, size - start), path))
    finally:
        os.close(descriptor)
    return total.digest()


def _below(folder: Path) -> list[str]:
    """Every file below a folder, as sorted relative names with `/`; linked folders are not entered."""
    found = []
    for root, _, names in os.walk(folder):
        found += [Path(root, name).relative_to(folder).as_posix() for name in names]
    return sorted(found)


def _nothing_there(path: Path) -> DiskError:
    """Why a path that does not exist does not, and what near it does."""
    if path.is_symlink():
        return NotASavedModel(
            f"This is a link to {_shown(os.readlink(path))}, which is not there.", where=_shown(path)
        )
    parent = path.parent
    while not parent.is_dir() and parent != parent.parent:
        parent = parent.parent
    missing = path.relative_to(parent).parts[0]
    if (parent / missing).exists():
        what = f"There is no such path: {_shown(parent / missing)} is a file, not a folder."
    elif missing != path.name or parent != path.parent:
        what = f"There is no such path: in {_shown(parent)} there is no {show(missing)!r}."
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
        hint = f"Did you mean {' or '.join(map(_shown, close))}?"
    if not close and os.fspath(path).startswith("~"):
        hint = "A ~ is expanded by the shell only; give the whole path."
    return NotASavedModel(what, where=_shown(path), hint=hint)


def _join(*notes: str | None) -> str | None:
    return " ".join(note for note in notes if note) or None


def _shown(path: str | os.PathLike[str]) -> str:
    return show(os.fspath(path))
