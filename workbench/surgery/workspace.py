"""Workspaces: the message that operations change, and its lineage.

A plan of one source works on a private copy, whose other MetaGraphs and names stay as they are. A plan that connects
models works on the message that joining them gave. An operation sees what stands before it as a model of its own
(`Workspace.model`), changes `Workspace.meta_graph` in place, and keeps `Workspace.references` true.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from workbench import names
from workbench.disk import schema
from workbench.disk.checkpoint.bundle_write import Alias, JoinPart
from workbench.disk.folder.location import Location
from workbench.disk.schema import MetaGraphDef, SavedModel
from workbench.disk.serialized.packed import PackedModel
from workbench.errors import WorkbenchError
from workbench.findings import Finding, Severity
from workbench.model import MetaGraph, Model
from workbench.model.assets import Asset
from workbench.model.shapes import to_proto
from workbench.model.signature import HIDDEN_SIGNATURES, Signature
from workbench.surgery.copied_files import EXTRA, CopiedFile, files_of
from workbench.surgery.imported import ImportedModel
from workbench.surgery.lineage import Reference, References, SourceTensors
from workbench.surgery.plan import Plan
from workbench.surgery.resolve.join import Join
from workbench.surgery.step_files import free_name

if TYPE_CHECKING:
    from workbench.disk.checkpoint.bundle import Bundle
    from workbench.disk.checkpoint.bundle_write import Tensor
    from workbench.surgery.adapters.checked import Checked

SERVE = ("serve",)
WARMUP = "tf_serving_warmup_requests"
# Oldest GraphDef producer that TensorFlow 2 still writes and reads alike (versions.h, TF_GRAPH_DEF_VERSION).
_MIN_CONSUMER = 12


@dataclass(slots=True)
class Checkpoint:
    """What becomes of the checkpoints of the sources.

    Attributes:
        how: `copy` takes `variables/` of the only source byte for byte, `drop` leaves it out, `join` writes a new one
            from `parts` and `tensors`.
        parts: for `join`: the checkpoints, and what their keys become, in the order of their data files.
        tensors: for `join`: tensors to add, by their final key.
    """

    how: Literal["copy", "drop", "join"] = "copy"
    parts: list[JoinPart] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)


class FreedRows(NamedTuple):
    """A batch that a step freed.

    Attributes:
        size: the number of rows that the sources take at once.
        axes: by tensor of the main graph, the dimension that counts the rows.
    """

    size: int
    axes: Mapping[str, int]


class StandingModel(Model):
    """A model as it is in a workspace before the next operation.

    Args:
        location: where the model it is a state of lies.
        proto: the message; it must not change any more.
        position: of the MetaGraph under edit.
        bundle: gives its checkpoint.
        assets: its assets, where it has no folder of its own; or None.
    """

    def __init__(
        self,
        location: Location,
        proto: SavedModel,
        position: int,
        bundle: Callable[[], Bundle | None],
        assets: tuple[Asset, ...] | None = None,
    ) -> None:
        super().__init__(location, proto)
        self._position = position
        self._standing = bundle
        self._own_assets = assets

    @cached_property
    def meta(self) -> MetaGraph:
        """The MetaGraph under edit."""
        found = self.meta_graphs[self._position]
        if self._own_assets is not None:
            found.__dict__["assets"] = self._own_assets
        return found

    @cached_property
    def _checkpoint(self) -> tuple[Bundle | None, WorkbenchError | None]:
        return self._standing(), None


@dataclass
class Workspace:
    """Models being changed. Make one with `begin`, or by joining models.

    Attributes:
        plan: what is asked for.
        join: the sources by handle, and the wires between them.
        packed: the SavedModel under edit, with bodies of functions that nobody looked at yet.
        position: of the MetaGraph under edit in it.
        model: the model as it stands before the operation that is applied.
        references: what the signatures must agree with.
        findings: what was found; with an error among them nothing is written.
        checkpoint: what becomes of the checkpoints.
        joined_files: assets and extra files of a join; None where the files of the only source stay.
        added_files: files that steps bring into the result of a single source.
        left_out: files of the only source's folder that are left out; see `files_of`.
        lineage: a MetaGraph that is equal to that of the only source and has the tensors that stand now: the source's
            own, or a copy with calls inlined.
        chains: the chains of adapters that steps put in, each with its place: `before image`.
        faithful: whether the graph still computes what the sources do from variables and inputs of its own, so that
            a copy of it with calls inlined can be compared with.
        bound_by: a MetaGraph whose calls show which objects nodes of the main graph represent: the only source's own,
            since later its calls may be of clones that no object knows; None for the one that stands.
        shared: the tensors of an input that models share, to the tensors of the models that take its value.
        rows: a batch that a step freed; None if none did.
    """

    plan: Plan
    join: Join
    packed: PackedModel
    position: int
    model: Model
    references: References = field(default_factory=References)
    findings: list[Finding] = field(default_factory=list)
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    joined_files: list[CopiedFile] | None = None
    added_files: list[CopiedFile] = field(default_factory=list)
    left_out: set[str] = field(default_factory=lambda: {"fingerprint.pb"})
    lineage: MetaGraph | None = None
    chains: list[tuple[str, Checked]] = field(default_factory=list)
    faithful: bool = True
    bound_by: MetaGraph | None = None
    rows: FreedRows | None = None
    shared: Mapping[tuple[str, ...], tuple[SourceTensors, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        findings = names.count(len(self.findings), "finding")
        return f"<Workspace: {findings}; {self.plan!r}>"

    @property
    def proto(self) -> SavedModel:
        """The SavedModel under edit."""
        return self.packed.unpack()

    @property
    def meta_graph(self) -> MetaGraphDef:
        """The MetaGraphDef to change."""
        return self.proto.meta_graphs[self.position]

    @property
    def original(self) -> MetaGraph:
        """The MetaGraph as it stands before the operation that is applied."""
        return self.model.meta

    @property
    def blocked(self) -> bool:
        """Whether a finding forbids to go on."""
        return any(finding.severity == "error" for finding in self.findings)

    def note(self, code: str, severity: Severity, where: str, message: str, hint: str | None = None) -> None:
        """Add a finding."""
        self.findings.append(Finding(code, severity, where, message, hint))

    def verify_all(self) -> None:
        """Mark every kept signature that has outputs for verification."""
        self.references.verify(
            key
            for key, signature in self.original.signatures.items()
            if key not in HIDDEN_SIGNATURES and key in self.meta_graph.signature_def and signature.outputs
        )

    def next_step(self) -> None:
        """Make what stands now the model that the next operation finds."""
        proto = schema.SavedModel.FromString(self.packed.serialize())
        if self.joined_files is None:
            self.model = StandingModel(
                self.source.model.location, proto, self.position, self._bundle_as_it_is()
            )
            return
        location = Location(Path("result"), "pb", Path("result"), None, False)
        self.model = StandingModel(location, proto, self.position, self._bundle_as_it_is(), self.assets())

    def bundle(self) -> Bundle | None:
        """Return the checkpoint of the result as it stands, or None."""
        return self._bundle_as_it_is()()

    def _bundle_as_it_is(self) -> Callable[[], Bundle | None]:
        if self.checkpoint.how == "copy":
            source = self.source
            return lambda: source.model.bundle
        return partial(_joined, list(self.checkpoint.parts) if self.checkpoint.how == "join" else [])

    def drop_keys(self, keys: Collection[str]) -> None:
        """Leave tensors out of the checkpoint of the result.

        Args:
            keys: their keys as they stand.
        """
        checkpoint = self.checkpoint
        if checkpoint.how == "copy" and keys:
            bundle = self.source.model.bundle
            assert bundle is not None, "it has these keys"
            checkpoint.how, checkpoint.parts = "join", [JoinPart(bundle)]
        checkpoint.parts[:] = [
            replace(
                part,
                rename=partial(_without, part, frozenset(keys)),
                aliases=[alias for alias in part.aliases if alias.key not in keys],
                compact=not part.aliases,
            )
            for part in checkpoint.parts
        ]
        if checkpoint.how == "join" and not checkpoint.tensors and not self._has_tensors():
            checkpoint.how = "drop"

    def add_keys(self, keys: Mapping[str, str]) -> None:
        """Give tensors of a joined checkpoint further keys.

        Args:
            keys: new key to the key as it stands.
        """
        parts = self.checkpoint.parts
        for at, part in enumerate(parts if keys else ()):
            own = {new: key for key in part.bundle if (new := part.new_key(key)) is not None}
            more = [Alias(key, own[of]) for key, of in keys.items() if of in own]
            parts[at] = replace(part, aliases=[*part.aliases, *more])

    def _has_tensors(self) -> bool:
        return any(part.new_key(key) is not None for part in self.checkpoint.parts for key in part.bundle)

    def assets(self) -> tuple[Asset, ...] | None:
        """Return a join's assets where the sources have them; None for one model."""
        if self.joined_files is None:
            return None
        places = {copied.relative: copied for copied in self.joined_files}
        found = []
        for definition in self.packed.message.meta_graphs[self.position].asset_file_def:
            copied = places[f"assets/{definition.filename}"]
            found.append(Asset(definition.filename, definition.tensor_info.name, copied.path, copied.nbytes))
        return tuple(found)

    def files(self) -> list[CopiedFile]:
        """Return the files that are copied, in a fixed order.

        Raises:
            MissingFile: an asset or a data file of the checkpoint is missing.
            WorkbenchError: the name of an asset leaves the folder.
        """
        if self.joined_files is not None:
            return self.joined_files
        kept = files_of(self.source.model, self.left_out, checkpoint=self.checkpoint.how == "copy")
        return [*kept, *self.added_files]

    def keep_file(self, path: Path, name: str) -> None:
        """Copy a file that a step reads into the result's `assets.extra/`, where a replay finds it.

        Args:
            path: the file.
            name: its name, which gets a number where it is taken.

        Raises:
            MissingFile: an asset or a data file of a source is missing.
        """
        taken = {copied.relative for copied in self.files()}
        files = self.added_files if self.joined_files is None else self.joined_files
        relative = free_name(f"{EXTRA}/{name}", taken)
        files.append(CopiedFile(path, relative, path.stat().st_size))

    def inlined(self) -> None:
        """Take the current state as an equal copy of the only source.

        It has more calls inlined than the copy before.
        """
        if self.joined_files is not None:
            return
        source = self.source
        proto = schema.MetaGraphDef()
        proto.CopyFrom(self.meta_graph)
        self.lineage = MetaGraph(
            proto, bundle=lambda: source.model.bundle, folder=source.model.folder, format=source.meta.format
        )

    @property
    def source(self) -> ImportedModel:
        """The only source of a plan that joins none."""
        (source,) = self.join.parts.values()
        return source

    # -- lineage

    def source_tensors(self, tensors: Iterable[str]) -> tuple[SourceTensors, ...]:
        """Return the tensors of sources that the given tensors are; none if no source has them.

        Those of an input that models share are an input of each.

        Args:
            tensors: `node:k`, all components of one input or output.
        """
        listed = tuple(names.input_tensor(text) for text in tensors)
        axis = self.rows.axes.get(str(listed[0])) if self.rows is not None else None
        return tuple(one._replace(axis=axis) for one in self._source_tensors(listed))

    def _source_tensors(self, listed: tuple[names.TensorName, ...]) -> tuple[SourceTensors, ...]:
        if self.joined_files is None:
            source = self.source
            known = (self.lineage or source.meta).nodes
            if any(tensor.node not in known for tensor in listed):
                return ()
            return (SourceTensors(source.handle, tuple(map(str, listed))),)
        if (shared := self.shared.get(tuple(map(str, listed)))) is not None:
            return shared
        handle = listed[0].node.partition("/")[0]
        part = self.join.parts.get(handle)
        own = [str(tensor)[len(handle) + 1 :] for tensor in listed if tensor.node.startswith(f"{handle}/")]
        gone = {*part.cuts, *part.moved} if part is not None else set()
        if part is None or len(own) < len(listed):
            return ()
        if any(text in gone or names.input_node(text) not in part.meta.nodes for text in own):
            return ()
        return (SourceTensors(handle, tuple(own)),)


def _without(part: JoinPart, keys: Collection[str], key: str) -> str | None:
    """Return the new key of a tensor; None for one of those to leave out."""
    new = part.new_key(key)
    return None if new in keys else new


def _joined(parts: list[JoinPart]) -> Bundle | None:
    """Return the checkpoint that a join would give, or None for no sources."""
    if not parts:
        return None
    from workbench.disk.checkpoint.joined import JoinedBundle

    return JoinedBundle(parts)


def begin(plan: Plan, model: Model) -> Workspace:
    """Return a workspace with a private, unchanged copy of the plan's only source.

    A GraphDef becomes a SavedModel with tag set `serve` and the signature it is shown with.

    Args:
        plan: a plan of one source.
        model: the source; its chosen MetaGraph is the one under edit.
    """
    (source,) = plan.sources
    original = model.meta
    proto = schema.SavedModel.FromString(model.proto.SerializeToString(deterministic=True))
    position = next(at for at, meta in enumerate(model.meta_graphs) if meta is original)
    if model.format == "graphdef":
        _become_saved_model(proto.meta_graphs[position], original)
    join = Join(plan, {source.handle: ImportedModel(source, model, original, None)}, order=[source.handle])
    workspace = Workspace(plan, join, PackedModel(proto), position, model, bound_by=original)
    for key, signature in original.signatures.items():
        if key not in HIDDEN_SIGNATURES:
            workspace.references.known[key] = Reference.of(signature, source.handle)
    return workspace


def put_signature(meta_graph: MetaGraphDef, signature: Signature) -> None:
    """Write a signature of dense tensors into a MetaGraphDef."""
    definition = meta_graph.signature_def[signature.key]
    definition.method_name = signature.method_name
    for side, ports in (("inputs", signature.inputs), ("outputs", signature.outputs)):
        for key, port in ports.items():
            info = getattr(definition, side)[key]
            info.name = port.tensor
            info.dtype = port.dtype
            info.tensor_shape.CopyFrom(to_proto(port.shape))


def _become_saved_model(meta_graph: MetaGraphDef, original: MetaGraph) -> None:
    """Add to a MetaGraph what a GraphDef lacks."""
    meta_graph.meta_info_def.tags.extend(SERVE)
    for signature in original.signatures.values():
        put_signature(meta_graph, signature)
    versions = meta_graph.graph_def.versions
    if not versions.min_consumer:
        versions.min_consumer = min(_MIN_CONSUMER, versions.producer)
