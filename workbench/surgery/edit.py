"""An edit of one model: a private copy to change, everything else as it is, no prefixes.

The caller changes `Edit.meta_graph` in place and says what of the original each signature of the result must agree
with; `publishing.edits` writes it. What is copied besides the graph: `variables/`, `assets/`, `assets.extra/`,
`debug/` and `keras_metadata.pb`, byte for byte. `fingerprint.pb` goes, because it names the source's bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from workbench.disk import schema
from workbench.disk.folder.assets import asset_files, asset_path
from workbench.disk.folder.layout import ASSETS, VARIABLES
from workbench.disk.schema import Message
from workbench.errors import MissingFile, WorkbenchError
from workbench.findings import Finding
from workbench.model import MetaGraph, Model
from workbench.model.shapes import to_proto
from workbench.model.signature import HIDDEN_SIGNATURES, Signature
from workbench.names import count, show
from workbench.surgery.plan import handle_base
from workbench.surgery.postconditions import check_edit
from workbench.surgery.recipe import OWN_FILES, dump, nested, tool
from workbench.surgery.recipe import SCHEMA_VERSION as RECIPE_VERSION

if TYPE_CHECKING:
    from workbench.disk.checkpoint.bundle_write import JoinPart, Tensor
    from workbench.surgery.resolve.callables import Prepared

EXTRA, DEBUG, KERAS = "assets.extra", "debug", "keras_metadata.pb"
WARMUP = "tf_serving_warmup_requests"
SERVE = ("serve",)
# Oldest GraphDef producer that TensorFlow 2 still writes and reads alike (versions.h, TF_GRAPH_DEF_VERSION).
_MIN_CONSUMER = 12
Checkpoint = Literal["copy", "drop", "join"]


@dataclass(frozen=True, slots=True)
class Reference:
    """What a signature of the result must agree with: tensors of the original's main graph, or a callable.

    Attributes:
        inputs: key of the result to the tensors `n:k` of the original that take its value (one for a dense input).
        outputs: key of the result to the tensors of the original that give it.
        prepared: the callable of the original that gives them, whose tensors these are; or None.
        opened: a copy of the original in which calls are opened, whose tensors these are; or None.
    """

    inputs: Mapping[str, tuple[str, ...]]
    outputs: Mapping[str, tuple[str, ...]]
    prepared: Prepared | None = None
    opened: MetaGraph | None = None

    @classmethod
    def of(cls, signature: Signature) -> Reference:
        """The signature itself, its keys unchanged."""
        return cls(
            {key: port.tensors for key, port in signature.inputs.items()},
            {key: port.tensors for key, port in signature.outputs.items()},
        )


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """A file of the source that goes into the result as it is.

    Attributes:
        path: where it is.
        relative: where it goes, with `/`.
        nbytes: its size.
    """

    path: Path
    relative: str
    nbytes: int


@dataclass
class Edit:
    """A model being edited. Make one with `begin`.

    Attributes:
        kind: the command: `signature`, `flatten`, `freeze`, …
        model: the original.
        original: its MetaGraph that is edited.
        proto: a private copy of the SavedModel; its other MetaGraphs stay as they are.
        meta_graph: the MetaGraphDef in it to change.
        options: what was asked for, JSON values, for the recipe.
        references: key of each signature of the result that is to be proven, to what it must agree with. The values a
            user gives for a verification are for the first.
        findings: what was found; with an error among them it is not written.
        checkpoint: `copy` takes `variables/` byte for byte, `drop` leaves it out, `join` writes it anew from `part`
            and `tensors`.
        part: for `join`: what becomes of the keys of the original; None keeps all.
        tensors: for `join`: tensors to add, by their final key.
        left_out: names of files at the top of the folder, or below `assets.extra/`, that do not come along.
    """

    kind: str
    model: Model
    original: MetaGraph
    proto: Message
    meta_graph: Message
    options: dict[str, Any] = field(default_factory=dict)
    references: dict[str, Reference] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    checkpoint: Checkpoint = "copy"
    part: JoinPart | None = None
    tensors: dict[str, Tensor] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=lambda: {"fingerprint.pb"})
    _view: MetaGraph | None = None
    _bytes: bytes | None = None
    _examined: bool = False

    def __repr__(self) -> str:
        return f"<Edit {self.kind} of {self.model!r}, {count(len(self.findings), 'finding')}>"

    @property
    def blocked(self) -> bool:
        """Whether a finding forbids to write it."""
        return any(finding.severity == "error" for finding in self.findings)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tag set of the MetaGraph that is edited."""
        return tuple(self.meta_graph.meta_info_def.tags)

    @property
    def meta(self) -> MetaGraph:
        """A view of the edited MetaGraph. Ask for it when nothing changes any more: a view keeps what it read."""
        if self._view is None:
            self.serialize()  # first: reading a key of a protobuf map makes it, and readers do
            bundle = self.model.bundle if self.checkpoint == "copy" else None
            self._view = MetaGraph(self.meta_graph, bundle=bundle, folder=self.model.folder)
        return self._view

    def note(
        self,
        code: str,
        severity: Literal["info", "warning", "error"],
        where: str,
        message: str,
        hint: str | None = None,
    ) -> None:
        """Adds a finding."""
        self.findings.append(Finding(code, severity, where, message, hint))

    def examine(self) -> None:
        """Looks once at what was made, before anything is written; an error that the original has is a finding.

        Nothing is to change any more. It is not done where a finding forbids the edit already.

        Raises:
            UnsoundDraft: there is an error that the original has not: a bug.
        """
        if not self._examined and not self.blocked:
            self._examined = True
            check_edit(self)

    def prove_all(self) -> None:
        """Lets every signature that both have be proven, the default one first. One without outputs shows nothing."""
        for key, signature in self.original.signatures.items():
            if key not in HIDDEN_SIGNATURES and key in self.meta_graph.signature_def and signature.outputs:
                self.references.setdefault(key, Reference.of(signature))

    def serialize(self) -> bytes:
        """The bytes of `saved_model.pb`, the same for equal edits; kept from the first time on."""
        if self._bytes is None:
            self._bytes = bytes(self.proto.SerializeToString(deterministic=True))
        return self._bytes

    def recipe(self) -> bytes:
        """`assets.extra/workbench.json`: what was edited and how; no time, no absolute path."""
        source: dict[str, Any] = {
            "handle": handle_base(self.model.path),
            "digest": self.model.digest(),
            "parts": dict(self.model.digests.parts),
            "tag_set": self.original.tags_text,
        }
        earlier = nested(self.model.folder)
        if earlier is not None:
            source["recipe"] = earlier
        return dump(
            {
                "schema_version": RECIPE_VERSION,
                "tool": tool(),
                "edit": self.kind,
                "sources": [source],
                "options": self.options,
            }
        )

    def files(self) -> list[CopiedFile]:
        """The files that come along, in a fixed order.

        Raises:
            MissingFile: an asset or a data file of the checkpoint is missing.
            WorkbenchError: the name of an asset leaves the folder.
        """
        folder = self.model.folder
        if folder is None:
            return []
        found: dict[str, CopiedFile] = {}
        for path in self._checkpoint_files(folder) if self.checkpoint == "copy" else ():
            _add(found, path, f"{VARIABLES}/{path.name}")
        for definition in (asset for meta in self.model.meta_graphs for asset in meta.assets):
            path = asset_path(folder, definition.filename)
            if not path.is_file():
                raise MissingFile(
                    "The model names this asset and does not have it.",
                    where=show(str(path)),
                    hint="Fetch the whole assets/ folder again.",
                )
            _add(found, path, f"{ASSETS}/{definition.filename}")
        for filename, path in asset_files(folder).items():
            _add(found, path, f"{ASSETS}/{filename}")
        for name in (EXTRA, DEBUG, KERAS):
            for path in _below(folder / name):
                if path.name not in OWN_FILES and not {name, path.name} & self.left_out:
                    _add(found, path, path.relative_to(folder).as_posix())
        return list(found.values())

    def _checkpoint_files(self, folder: Path) -> list[Path]:
        bundle = self.model.bundle
        if bundle is None:
            problem = self.model.bundle_problem
            if problem is not None:
                raise problem
            return []
        if bundle.missing_shards:
            raise MissingFile(
                "A data file of the checkpoint is missing.",
                where=show(str(bundle.missing_shards[0])),
                hint="Fetch the whole variables/ folder again.",
            )
        return [folder / VARIABLES / "variables.index", *bundle.shards]

    def nbytes(self) -> int:
        """Bytes to be written, the index of a joined checkpoint and the proof excluded."""
        total = int(self.proto.ByteSize())
        with suppress(WorkbenchError):  # told when it is written
            total += sum(copied.nbytes for copied in self.files())
        if self.checkpoint == "join":
            total += 0 if self.model.bundle is None else int(self.model.bundle.nbytes)
            for _, _, content in self.tensors.values():
                total += len(content) if isinstance(content, bytes) else sum(map(len, content))
        return total


def begin(model: Model, kind: str, options: Mapping[str, Any] | None = None) -> Edit:
    """An edit of a model that changes nothing yet.

    A GraphDef becomes a SavedModel with tag set `serve` and the signature it is shown with.

    Args:
        model: the original; its chosen MetaGraph is the one to edit.
        kind: the command.
        options: what was asked for, JSON values, for the recipe.
    """
    original = model.meta
    data = model.proto.SerializeToString(deterministic=True)
    proto = schema.SavedModel.FromString(data)
    position = next(at for at, meta in enumerate(model.meta_graphs) if meta is original)
    meta_graph = proto.meta_graphs[position]
    if model.format == "graphdef":
        _become_saved_model(meta_graph, original)
    return Edit(kind, model, original, proto, meta_graph, dict(options or {}))


def put_signature(meta_graph: Message, signature: Signature) -> None:
    """Writes a signature of dense tensors into a MetaGraphDef."""
    definition = meta_graph.signature_def[signature.key]
    definition.method_name = signature.method_name
    for side, ports in (("inputs", signature.inputs), ("outputs", signature.outputs)):
        for key, port in ports.items():
            info = getattr(definition, side)[key]
            info.name = port.tensor
            info.dtype = port.dtype
            info.tensor_shape.CopyFrom(to_proto(port.shape))


def _become_saved_model(meta_graph: Message, original: MetaGraph) -> None:
    """What a MetaGraph has that a GraphDef lacks."""
    meta_graph.meta_info_def.tags.extend(SERVE)
    for signature in original.signatures.values():
        put_signature(meta_graph, signature)
    versions = meta_graph.graph_def.versions
    if not versions.min_consumer:
        versions.min_consumer = min(_MIN_CONSUMER, versions.producer)


def _add(found: dict[str, CopiedFile], path: Path, relative: str) -> None:
    found.setdefault(relative, CopiedFile(path, relative, path.stat().st_size))


def _below(path: Path) -> Iterable[Path]:
    """Regular files at or below a path, sorted; links that nobody names are not followed."""
    if path.is_symlink():
        return
    if path.is_file():
        yield path
    elif path.is_dir():
        for folder, names, files in os.walk(path):
            names.sort()
            for name in sorted(files):
                inside = Path(folder, name)
                if inside.is_file() and not inside.is_symlink():
                    yield inside
