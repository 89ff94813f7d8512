"""What TensorFlow loads: never the user's folder, but a private copy of what was opened and walked.

A loader reads a folder again, by its own rules, some time after we did: it takes `saved_model.pb` where the user named
`saved_model.pbtxt` (`loader_impl.parse_saved_model`), what lies there by now, and what our parser did not see. So it
gets a folder of our making, for its owner alone: the message that was walked, in our own serialisation, its function
calls without Grappler (`unoptimised`); the index of the checkpoint; and links to the data files and assets as they were
opened. Of what loaders look for besides, `fingerprint.pb` and `debug/` are left out (they change nothing that runs), as
are `saved_model.cpb`, `keras_metadata.pb` and `assets.extra/`, which the loaders we use do not read.

Nothing large is copied: a link points to a descriptor that is held open here (`/proc/PID/fd/N`), so that the opened
file is read, whatever happens to its name. On systems without these links it points to the path. Changes of the files
meanwhile are detected at the end by size and time of modification.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from workbench.disk import files
from workbench.disk.atomic.scratch import HINT, Scratch
from workbench.disk.files import Stamp
from workbench.disk.folder.assets import asset_path, stays_inside
from workbench.disk.folder.layout import ASSETS, MAX_FILES, PB, SHARD, VARIABLES
from workbench.errors import CannotWrite, ChangedFile, DamagedFile
from workbench.model import MetaGraph, Model
from workbench.names import show
from workbench.runtime.chain import Chain, ModelRef
from workbench.runtime.child_process import unoptimised
from workbench.runtime.child_process.message import check_names, graph_def, saved_model

Place = Callable[[Model, MetaGraph], ModelRef]
"""Where a model is loaded from: `Copies.of`, or `ModelRef.of` for a reference that is only looked at."""

_GRAPHDEF = "graph.pb"
_INDEX = "variables.index"
_NO_ROOM = "Give a copy of the model with fewer files."


@dataclass(frozen=True, slots=True)
class _Held:
    """A file that a copy links to.

    Attributes:
        path: the user's.
        stamp: when it was opened.
        descriptor: that it is read through; None where it is read by its path.
        read: whether it is read while the model runs; False if the copy has its content.
    """

    path: Path
    stamp: Stamp
    descriptor: int | None = None
    read: bool = True


class Copies:
    """Private copies of models, each made when first asked for. A context manager that removes them.

    They are made in the parent, and are there for a child of the same user for as long as the parent holds them.
    """

    def __init__(self) -> None:
        self._scratch: Scratch | None = None
        self._made: dict[tuple[int, int], tuple[ModelRef, Model, MetaGraph]] = {}
        self._held: list[_Held] = []
        self._begun = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._scratch is not None:
                scratch, self._scratch = self._scratch, None
                scratch.__exit__(kind, value, trace)
        finally:
            self._made.clear()
            held, self._held = self._held, []
            for one in held:
                if one.descriptor is not None:
                    os.close(one.descriptor)

    @property
    def folder(self) -> Path:
        """Return the folder of the copies; made when first asked for."""
        if self._scratch is None:
            scratch = self._scratch = Scratch()
            scratch.__enter__()
        return self._scratch.folder

    def of(self, model: Model, meta: MetaGraph | None = None) -> ModelRef:
        """Return the copy of a model, to be loaded by one of its MetaGraphs.

        Args:
            model: the model as it was opened.
            meta: one of its MetaGraphs, or a changed copy of one that is loaded in its place; None for the chosen one.

        Raises:
            ChangedFile: a file of it is not the one that was read when it was opened.
            DamagedFile: loaders could read another graph than we do, the checkpoint's index can't be read, an asset
                lies outside the model, or a data file or asset is no regular file.
            CannotWrite: there is no room for it.
        """
        meta = meta or model.meta
        key = (id(model), id(meta))
        if key not in self._made:
            self._made[key] = (
                self._make(model, meta),
                model,
                meta,
            )  # which keeps both, and so their ids, alive
        return self._made[key][0]

    def of_result(self, result: ModelRef) -> ModelRef:
        """Return what is loaded to run an unpublished result: itself, if it calls no functions.

        Else its message, as it was read from the disk, beside links to the rest of it.

        Raises:
            CannotWrite: there is no room for it.
        """
        is_folder = result.kind == "saved_model"
        data = (result.path / PB if is_folder else result.path).read_bytes()
        made = unoptimised.saved_model(data) if is_folder else unoptimised.graph_def(data)
        if made.data is data or os.name == "nt":  # Windows lets few users make links
            return result
        with self._new_folder() as root:
            path = root if is_folder else root / _GRAPHDEF
            _write(root / PB if is_folder else path, made.data)
            for name in (VARIABLES, ASSETS) if is_folder else ():
                if (result.path / name).is_dir():
                    os.symlink(result.path / name, root / name)
        return replace(result, path=path, shown=result.shown or result.path, inline=made.inline)

    def elsewhere(self, chain: Chain) -> Chain:
        """Return the chain with each copy under another path, to see whether outputs depend on it."""
        return replace(
            chain,
            stages=tuple(replace(stage, model=self._another_path(stage.model)) for stage in chain.stages),
        )

    def changed(self) -> str | None:
        """Return which files changed since they were opened, as text; None if none did.

        A file that was replaced counts, and one that was written to, cut off or removed.
        """
        for one in self._held:
            now = Stamp.at(one.path)
            if now != one.stamp:
                return f"{show(str(one.path))} was {'removed' if now is None else 'changed'}"
        return None

    def check_written(self) -> None:
        """Check that no file was written to while it was read; a rename does not count.

        Raises:
            ChangedFile: it was.
        """
        for one in self._held:
            if not one.read:
                continue
            now = Stamp.at(one.path) if one.descriptor is None else Stamp.of(os.fstat(one.descriptor))
            if now is None or not now.same_content(one.stamp):
                raise ChangedFile(
                    "This file was written to while the model ran; the outputs may be wrong.",
                    where=show(str(one.path)),
                    hint="Run it again when nothing writes there.",
                )

    def _make(self, model: Model, meta: MetaGraph) -> ModelRef:
        check_names(meta)
        self._hold_model_file(model)
        with self._new_folder() as root:
            if model.folder is None:
                file = root / _GRAPHDEF
                made = unoptimised.graph_def(graph_def(model, meta))
                _write(file, made.data)
                shown = model.location.file.absolute()
                return ModelRef(file, (), "graphdef", shown=shown, inline=made.inline)
            made = unoptimised.saved_model(saved_model(model, meta))
            _write(root / PB, made.data)
            self._add_checkpoint(model, model.folder, root)
            self._add_assets(meta, model.folder, root)
        return ModelRef(root, meta.tags, shown=model.folder.absolute(), inline=made.inline)

    @contextmanager
    def _new_folder(self) -> Iterator[Path]:
        """Make a folder for a copy; lengths of paths differ, so that dependence on them shows."""
        number, self._begun = self._begun, self._begun + 1
        root = self.folder / f"model{'-' * (number % 100)}{number}"
        try:
            os.mkdir(root)
            yield root
        except OSError as problem:
            raise CannotWrite(
                f"The model can't be laid out for TensorFlow: {problem.strerror or problem}.",
                where=show(str(problem.filename or root)),
                hint=HINT,
            ) from problem

    def _hold_model_file(self, model: Model) -> None:
        """Note the stamp of the parsed file, which is not read again."""
        if model.stamp is not None:
            file = model.location.file
            if Stamp.at(file) != model.stamp:
                raise _changed(file)
            self._held.append(_Held(file, model.stamp, read=False))

    def _add_checkpoint(self, model: Model, folder: Path, root: Path) -> None:
        """Add a copy of the index and links to all data files, V1 format included."""
        source, target = folder / VARIABLES, root / VARIABLES
        names = sorted(name for name in _listed(source) if re.match(SHARD, name))
        index = source / _INDEX
        if os.path.lexists(index):
            if model.bundle is None and model.bundle_problem is not None:
                raise model.bundle_problem
            os.mkdir(target)
            self._copy_index(model, index, target / _INDEX)
        elif names:
            os.mkdir(target)
        for name in names:
            self._link(source / name, target / name)

    def _copy_index(self, model: Model, index: Path, target: Path) -> None:
        """Copy the index that was read; its size was checked then."""
        reader = files.open_source(index)
        try:
            stamp = Stamp.of(os.fstat(reader))
            if model.bundle is not None and model.bundle.stamp not in (None, stamp):
                raise _changed(index)
            self._held.append(_Held(index, stamp, read=False))
            _copy(reader, target, stamp.size, index)
        finally:
            os.close(reader)

    def _add_assets(self, meta: MetaGraph, folder: Path, root: Path) -> None:
        """Add links to every file below `assets/`: libraries find more there than the model names."""
        for asset in meta.assets:
            path = asset_path(folder, asset.filename)
            if os.path.lexists(path) and path.exists() and not path.is_file():
                raise DamagedFile("This asset is not a regular file.", where=show(str(path)))
        for count, relative in enumerate(_below(folder, folder / ASSETS), 1):
            if count > MAX_FILES:
                raise DamagedFile(
                    f"There are more than {MAX_FILES:,} files below {ASSETS}/.",
                    where=show(str(folder / ASSETS)),
                    hint=_NO_ROOM,
                )
            target = root / ASSETS / relative
            os.makedirs(target.parent, exist_ok=True)
            self._link(folder / ASSETS / relative, target)

    def _open(self, path: Path) -> _Held:
        """Open a file of the model and hold it; where too many are open, keep its path."""
        descriptor = files.open_source(path)
        held = _Held(path, Stamp.of(os.fstat(descriptor)), descriptor)
        if len(self._held) >= _most_descriptors() or not _has_descriptor_paths():
            held = replace(held, descriptor=None)
            os.close(descriptor)
        self._held.append(held)
        return held

    def _link(self, path: Path, target: Path) -> None:
        held = self._open(path)
        if held.descriptor is not None:
            os.symlink(f"/proc/{os.getpid()}/fd/{held.descriptor}", target)
            return
        try:
            os.symlink(os.path.realpath(path), target)
        except OSError:
            if os.name != "nt":
                raise
            reader = files.open_source(path)  # Windows lets few users make links
            try:
                _copy(reader, target, held.stamp.size, path)
            finally:
                os.close(reader)

    def _another_path(self, model: ModelRef) -> ModelRef:
        folder = self.folder / f"at-another-path-{self._begun}"
        self._begun += 1
        os.mkdir(folder)
        path = folder / model.path.name
        os.symlink(model.path, path)
        return replace(model, path=path, shown=None)


def _changed(path: Path) -> ChangedFile:
    return ChangedFile(
        "This file is not the one that was read when the model was opened.",
        where=show(str(path)),
        hint="Open the model again when nothing writes there.",
    )


def _write(path: Path, data: bytes) -> None:
    descriptor = files.open_new(path)
    try:
        files.write_all(descriptor, data)
    finally:
        os.close(descriptor)


def _copy(reader: int, target: Path, size: int, source: Path) -> None:
    """Copy an opened file to a new one."""
    writer = files.open_new(target)
    try:
        files.copy_bytes(reader, writer, size, source)
    finally:
        os.close(writer)


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # there is none
        return []


def _below(root: Path, folder: Path, above: str = "", inside: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the files below a model's folder as relative names; links inside it are followed."""
    if not stays_inside(root, folder):
        return
    here = os.path.realpath(folder)
    if here in inside:  # a link to a folder above
        return
    with suppress(NotADirectoryError, FileNotFoundError), os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            path = Path(entry.path)
            if entry.is_dir():
                yield from _below(root, path, f"{above}{entry.name}/", (*inside, here))
            elif entry.is_file() and (not entry.is_symlink() or stays_inside(root, path)):
                yield above + entry.name


def _has_descriptor_paths() -> bool:
    """Return whether another process can open what this one has open."""
    return sys.platform.startswith("linux") and os.path.isdir(f"/proc/{os.getpid()}/fd")


def _most_descriptors() -> int:
    """Return how many files may be held open: half of the system's limit."""
    try:
        import resource

        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    except (ImportError, OSError):
        return 256
    return 100_000 if soft == resource.RLIM_INFINITY else soft // 2
