"""What a join makes: a SavedModel in memory, and the files that go with it. Nothing here is written anywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from workbench.disk.checkpoint.bundle import Bundle
from workbench.disk.schema import Message
from workbench.findings import Finding
from workbench.model import MetaGraph, Signature
from workbench.model.assets import Asset
from workbench.names import count
from workbench.surgery import recipe as recipe_
from workbench.surgery.export.object_graph import (
    Alias,
)
from workbench.surgery.imported import ImportedModel
from workbench.surgery.plan import Plan
from workbench.surgery.resolve.join import Join
from workbench.surgery.result_signature import Interface
from workbench.surgery.rewrite.prefix import RenameLog


@dataclass(frozen=True, slots=True)
class Copied:
    """A file of a source that goes into the result as it is.

    Attributes:
        path: where it is.
        relative: where it goes, with `/`.
        nbytes: its size.
    """

    path: Path
    relative: str
    nbytes: int


@dataclass
class Draft:
    """A merged model in memory; `commit` writes it.

    Attributes:
        plan: what was asked for.
        join: what the plan was found to mean.
        interface: inputs and outputs, under the parts' own names.
        proto: the SavedModel message of the result.
        checkpoints: the parts' checkpoints with the prefix of their keys, in shard order.
        files: assets and extra files.
        logs: what was renamed, by handle.
        rewritten: counts of what was done besides: `references`, `described`, `frozen`.
        findings: everything found, errors excluded: a draft has none.
        tracked: TrackableObjectGraph of the checkpoint, or None for the TF1 format.
        aliases: second keys of variables, which the object graph goes by.
    """

    plan: Plan
    join: Join
    interface: Interface
    proto: Message
    checkpoints: list[tuple[Bundle, str]]
    files: list[Copied]
    logs: dict[str, RenameLog]
    rewritten: dict[str, int]
    findings: list[Finding] = field(default_factory=list)
    tracked: Message | None = None
    aliases: list[Alias] = field(default_factory=list)

    def __repr__(self) -> str:
        graphs = [meta.graph_def for meta in self.proto.meta_graphs]
        nodes = sum(len(graph.node) for graph in graphs)
        functions = sum(len(graph.library.function) for graph in graphs)
        return (
            f"<Draft: {count(nodes, 'node')}, {count(functions, 'function')}, "
            f"{count(len(self.findings), 'finding')}; {self.plan!r}>"
        )

    @property
    def parts(self) -> dict[str, ImportedModel]:
        """The sources by handle."""
        return self.join.parts

    @property
    def signature(self) -> Signature:
        """The signature the draft was made for."""
        return self.meta.signatures[self.plan.result.signature]

    @cached_property
    def meta(self) -> MetaGraph:
        """A view of the result's MetaGraph, with the assets where the sources have them."""
        self.serialize()  # first: reading a key of a protobuf map makes it, and readers do
        view = MetaGraph(self.proto.meta_graphs[0])
        places = {copied.relative: copied for copied in self.files}
        assets = []
        for definition in view.proto.asset_file_def:
            copied = places[f"assets/{definition.filename}"]
            assets.append(Asset(definition.filename, definition.tensor_info.name, copied.path, copied.nbytes))
        view.__dict__["assets"] = tuple(assets)
        return view

    @cached_property
    def recipe(self) -> bytes:
        """`assets.extra/workbench.json`: the same bytes for the same plan on the same sources."""
        return recipe_.dump(recipe_.describe(self.plan, self.join))

    @property
    def nbytes(self) -> int:
        """Bytes to be written, the checkpoint's index and the proof excluded."""
        shards = sum(bundle.nbytes for bundle, _ in self.checkpoints)
        files = sum(copied.nbytes for copied in self.files)
        return int(self.proto.ByteSize()) + int(shards) + files + len(self.recipe)

    @cached_property
    def _bytes(self) -> bytes:
        return bytes(self.proto.SerializeToString(deterministic=True))

    def serialize(self) -> bytes:
        """Return the bytes of `saved_model.pb`, the same for equal drafts."""
        return self._bytes
