"""Opening a model: its folder, its MetaGraphs, its checkpoint."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import names
from workbench.disk.folder.location import Location, find
from workbench.disk.folder.reading import load_stamped
from workbench.disk.schema import MetaGraphDef, SavedModel
from workbench.errors import (
    DamagedFile,
    MissingFile,
    UnknownName,
    UnsupportedFormat,
    WorkbenchError,
    WrongType,
)
from workbench.model.meta import Format, MetaGraph
from workbench.notebook import Shown

if TYPE_CHECKING:
    from workbench.disk.checkpoint.bundle_read import Bundle
    from workbench.disk.files import Stamp
    from workbench.disk.folder.digests import Digest
    from workbench.model.recipe import Origin

SERVE = ("serve",)
VARIABLES = "variables"
LARGE = 4 << 20  # bytes of a file whose message takes more memory than it is worth to keep


class Model(Shown):
    """One opened model. Everything but the message is read when it is asked for.

    Args:
        location: what `location.find` gave.
        proto: the `SavedModel`.
        tags: the tag set that `meta` means, or None for the obvious one.
        stamp: of its file as it was read; None if that is not known.

    Attributes:
        may_release: whether `release` frees memory. Only who opened a model knows that nobody works with its nodes.
    """

    def __init__(
        self,
        location: Location,
        proto: SavedModel,
        tags: tuple[str, ...] | None = None,
        stamp: Stamp | None = None,
    ) -> None:
        self.location = location
        self._proto: SavedModel | None = proto
        self._data = b""
        self.may_release = False
        self.stamp = stamp
        self.path: Path = location.path
        self.format: Format = location.kind
        self.notes: list[str] = [location.note] if location.note else []
        self.tags = tags

    def __repr__(self) -> str:
        chosen = None if self.tags is None else set(self.tags)
        metas = [meta for meta in self.proto.meta_graphs if chosen in (None, set(meta.meta_info_def.tags))]
        told = "; ".join(repr(MetaGraph(meta, format=self.format))[1:-1] for meta in metas[:3])
        more = f"; {len(metas) - 3:,} more" if len(metas) > 3 else ""
        return f"<Model {names.show(os.fspath(self.path))}: {told or 'no MetaGraph'}{more}>"

    @property
    def proto(self) -> SavedModel:
        """The `SavedModel` message."""
        if self._proto is None:
            self._proto = SavedModel.FromString(self._data)
        return self._proto

    def release(self) -> None:
        """Make the memory of a large message free.

        Its bytes are kept, and parsed when the message is needed again.
        """
        large = self.stamp is not None and self.stamp.size >= LARGE
        if not (self.may_release and large) or self._proto is None:
            return
        self._data = self._data or self._proto.SerializeToString(deterministic=True)
        for meta in self.meta_graphs:
            meta.release()
        self._proto = None
        gc.collect()  # bodies and levels of a graph refer to each other, and to its nodes

    @property
    def folder(self) -> Path | None:
        """The SavedModel's folder; None for a GraphDef."""
        return self.location.folder

    @property
    def read_from(self) -> Path:
        """The path as given, or of a folder of versions the version that was read."""
        folder = self.folder
        return folder if folder is not None and folder.parent == self.path else self.path

    @property
    def place(self) -> Path:
        """What it is made of on disk: the SavedModel's folder, or the GraphDef's file."""
        return self.location.folder or self.location.file

    @cached_property
    def meta_graphs(self) -> tuple[MetaGraph, ...]:
        """Every MetaGraph, in the order of the file."""
        return tuple(
            MetaGraph(
                proto,
                bundle=lambda: self.bundle,
                folder=self.folder,
                format=self.format,
                again=partial(self._message, position),
            )
            for position, proto in enumerate(self.proto.meta_graphs)
        )

    def _message(self, position: int) -> MetaGraphDef:
        return self.proto.meta_graphs[position]

    @cached_property
    def meta(self) -> MetaGraph:
        """The MetaGraph asked for when opening, else `{serve}`, else the only one.

        Raises:
            UnknownName: there are several and none is `{serve}`.
        """
        if self.tags is not None:
            return self.select(self.tags)
        for meta in self.meta_graphs:
            if set(meta.tags) == set(SERVE):
                return meta
        if len(self.meta_graphs) == 1:
            return self.meta_graphs[0]
        raise UnknownName(
            f"The model has {len(self.meta_graphs)} MetaGraphs and none has the tag set 'serve'.",
            where=names.show(os.fspath(self.path)),
            hint=f"Choose a tag set: {self._tag_sets()}.",
        )

    def select(self, tags: str | Iterable[str]) -> MetaGraph:
        """Return the MetaGraph with just these tags, in any order.

        Args:
            tags: `"serve,gpu"` or the tags one by one; empty for the MetaGraph without tags.

        Raises:
            UnknownName: there is none; the tag sets are listed.
        """
        wanted = split_tags(tags)
        for meta in self.meta_graphs:
            if set(meta.tags) == set(wanted):
                return meta
        raise UnknownName(
            f"There is no MetaGraph with tag set {names.show(','.join(wanted))!r}.",
            where=names.show(os.fspath(self.path)),
            hint=f"The tag sets are {self._tag_sets()}.",
        )

    def _tag_sets(self) -> str:
        listed = [names.show(meta.tags_text) or "(no tags)" for meta in self.meta_graphs]
        return "  ".join(listed)

    @property
    def bundle(self) -> Bundle | None:
        """The checkpoint in `variables/`, or None.

        None if there is none or it can't be read (`bundle_problem`).
        """
        return self._checkpoint[0]

    @property
    def bundle_problem(self) -> WorkbenchError | None:
        """Why the checkpoint can't be read, or None; missing shards do not count."""
        return self._checkpoint[1]

    @cached_property
    def _checkpoint(self) -> tuple[Bundle | None, WorkbenchError | None]:
        if self.folder is None:
            return None, None
        folder = self.folder / VARIABLES
        try:
            if (folder / "variables.index").exists():
                from workbench.disk.checkpoint.bundle_read import Bundle

                return Bundle.open(folder / "variables"), None
        except WorkbenchError as problem:
            return None, problem
        except OSError as problem:
            reason = f"The checkpoint can't be looked at: {problem.strerror}."
            return None, DamagedFile(reason, where=names.show(str(folder)))
        return None, _why_no_index(self.folder)

    @cached_property
    def variables_nbytes(self) -> int | None:
        """Bytes of all tensors of the checkpoint, shared ones once, or None.

        None if they are unknown.
        """
        try:
            return None if self.bundle is None else self.bundle.nbytes
        except WorkbenchError:  # a damaged entry: `checks.open_model` reports it
            return None

    @cached_property
    def digests(self) -> Digest:
        """SHA-256 of the model, as a recipe keeps it: of all, and of each part."""
        from workbench.disk.folder.digests import digests

        return digests(self.location)

    def digest(self) -> str:
        """Return the SHA-256 over all files of the model."""
        return self.digests.total

    @cached_property
    def origin(self) -> Origin | None:
        """For a model that was merged by this workbench: its recipe and proof."""
        if self.folder is None:
            return None
        from workbench.model.recipe import read_origin

        return read_origin(self.folder)


def open_model(path: str | os.PathLike[str], tags: str | Iterable[str] | None = None) -> Model:
    """Open a SavedModel folder, its `saved_model.pb` or `.pbtxt`, or a GraphDef.

    A GraphDef is a file with a frozen graph.

    Only the model file itself is read; variables, shards and assets may be missing.

    Args:
        path: the model; a folder with only version numbers in it means the highest.
        tags: the tag set of the MetaGraph to take as `.meta`, `"serve,gpu"` or one by one; None for
            `{serve}` if there, else the only one.

    Raises:
        NotASavedModel: there is no model there.
        UnsupportedFormat: it is another format; the message names it and the way to a SavedModel.
        DamagedFile: the file can't be parsed.
        UnknownName: there is no MetaGraph with these tags.
        WrongType: it is no path.
    """
    if not isinstance(path, (str, os.PathLike)) or isinstance(os.fspath(path), bytes):
        raise WrongType("A model", "a path (text or pathlib.Path)", path)
    location = find(Path(path))
    proto, stamp = load_stamped(location)
    model = Model(location, proto, None if tags is None else split_tags(tags), stamp)
    if tags is not None:
        _ = model.meta  # an unknown tag set is said now, not when the graph is first used
    return model


def as_model(model: Model | str | os.PathLike[str], tags: str | Iterable[str] | None = None) -> Model:
    """Return an opened model: the one given, or what is at a path.

    Args:
        model: an opened model, or what `open_model` takes.
        tags: the tag set of the MetaGraph that `.meta` is; None for the one it has, else the obvious one.

    Raises:
        WrongType: it is neither.
        WorkbenchError: it can't be opened, see `open_model`.
    """
    if isinstance(model, Model):
        if tags is None:
            return model
        chosen = Model(model.location, model.proto, split_tags(tags), model.stamp)
        _ = chosen.meta
        return chosen
    if isinstance(model, (str, os.PathLike)):
        return open_model(model, tags)
    hint = "Give the Model it belongs to." if isinstance(model, MetaGraph) else None
    raise WrongType("A model", "a path or what open_model returns", model, hint=hint)


def split_tags(tags: str | Iterable[str]) -> tuple[str, ...]:
    """Return tags as a tuple, from `"serve,gpu"` or one by one.

    Blanks around them and empty ones are dropped.
    """
    if not isinstance(tags, Iterable):
        raise WrongType("A tag set", "text ('serve,gpu') or a list of tags", tags)
    parts = tags.split(",") if isinstance(tags, str) else tags
    return tuple(tag.strip() for tag in parts if tag.strip())


def _why_no_index(folder: Path) -> WorkbenchError | None:
    """Return why `variables/variables.index` is missing, or None.

    None if the model has no variables.
    """
    variables = folder / VARIABLES
    try:
        inside = sorted(entry.name for entry in os.scandir(variables)) if variables.is_dir() else []
        beside = sorted(entry.name for entry in os.scandir(folder) if entry.name.startswith("variables."))
    except OSError as problem:
        return MissingFile(
            f"The folder can't be listed: {problem.strerror}.", where=names.show(str(variables))
        )
    shards = [name for name in inside if name.startswith("variables.data-")]
    if shards:
        return MissingFile(
            f"There are shards ({names.show(shards[0])}{', …' if len(shards) > 1 else ''}) but no "
            "variables.index that says what is in them.",
            where=names.show(str(variables)),
            hint="Copy variables.index from where the model was exported.",
        )
    if any(name == VARIABLES or name.startswith("variables-0") for name in inside):
        return UnsupportedFormat(
            "The variables are in the V1 checkpoint format that TensorFlow wrote before 2017.",
            where=names.show(str(variables)),
            hint="Load and save the model with TensorFlow 1.x to convert it.",
        )
    if beside:
        return MissingFile(
            f"{names.show(beside[0])} is beside saved_model.* instead of in variables/.",
            where=names.show(str(folder)),
            hint="Move variables.* into a folder named variables.",
        )
    return None
