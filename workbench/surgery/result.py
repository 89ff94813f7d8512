"""Drafts: a SavedModel in memory, and the files that belong to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.disk.schema import SavedModel
from workbench.disk.serialized.wire import Buffer
from workbench.errors import WorkbenchError
from workbench.findings import Finding
from workbench.model import MetaGraph, Model, Signature
from workbench.names import count
from workbench.notebook import Shown
from workbench.surgery import recipe as recipe_
from workbench.surgery.copied_files import CopiedFile
from workbench.surgery.imported import ImportedModel
from workbench.surgery.lineage import Reference
from workbench.surgery.plan import Plan
from workbench.surgery.resolve.join import Join
from workbench.surgery.rewrite.prefix import RenameLog
from workbench.surgery.signatures.interface import Interface
from workbench.surgery.workspace import Checkpoint, Workspace

if TYPE_CHECKING:
    from workbench.disk.checkpoint.bundle import Bundle


@dataclass
class Draft(Shown):
    """The result of a plan in memory; `commit` writes it.

    Attributes:
        workspace: what the plan's steps made.
        findings: everything found, errors excluded: a draft has none.
        interface: inputs and outputs that joining models gave, under the models' own names.
        logs: what was renamed when models were joined, by handle.
        rewritten: counts of what was done besides: `references`, `described`, `frozen`.
    """

    workspace: Workspace
    findings: list[Finding] = field(default_factory=list)
    interface: Interface = field(default_factory=Interface)
    logs: Mapping[str, RenameLog] = field(default_factory=dict)
    rewritten: Mapping[str, int] = field(default_factory=dict)

    def __repr__(self) -> str:
        graphs = [meta.graph_def for meta in self.proto.meta_graphs]
        nodes = sum(len(graph.node) for graph in graphs)
        functions = sum(len(graph.library.function) for graph in graphs)
        return (
            f"<Draft: {count(nodes, 'node')}, {count(functions, 'function')}, "
            f"{count(len(self.findings), 'finding')}; {self.plan!r}>"
        )

    @property
    def plan(self) -> Plan:
        """The plan the draft was made from."""
        return self.workspace.plan

    @property
    def join(self) -> Join:
        """The plan with its sources opened and its wires judged."""
        return self.workspace.join

    @property
    def parts(self) -> dict[str, ImportedModel]:
        """The imported models by handle."""
        return self.join.parts

    @property
    def proto(self) -> SavedModel:
        """The SavedModel message of the result."""
        return self.workspace.proto

    @property
    def checkpoint(self) -> Checkpoint:
        """What becomes of the checkpoints of the sources."""
        return self.workspace.checkpoint

    @cached_property
    def references(self) -> dict[str, Reference]:
        """The references to verify, by key of the result's signature."""
        return self.workspace.references.to_verify

    @property
    def signature(self) -> Signature:
        """The signature that given values are for: the first to verify, or the default; an empty one if it has none."""
        key = next(iter(self.references), None)
        if key is None and not self.meta.shown_signatures:
            return Signature("", "", {}, {})
        return self.meta.signatures[key] if key is not None else self.meta.signature()

    @cached_property
    def meta(self) -> MetaGraph:
        """A view of the result's MetaGraph, with its assets where the sources have them."""
        _ = self.parts_of_message  # first: reading a key of a protobuf map makes it, and readers do
        workspace = self.workspace
        assets = workspace.assets()
        if assets is None:
            model = self.source
            return MetaGraph(workspace.meta_graph, bundle=workspace.bundle(), folder=model.folder)
        packed = workspace.packed
        view = MetaGraph(packed.message.meta_graphs[workspace.position], packed=packed)
        view.__dict__["assets"] = assets
        return view

    @property
    def has_several_meta_graphs(self) -> bool:
        """Whether the result has more MetaGraphs than the one under edit."""
        return len(self.workspace.packed.message.meta_graphs) > 1

    @property
    def source(self) -> Model:
        """The first source: the only one of a plan that connects none."""
        return next(iter(self.parts.values())).model

    @property
    def checkpoints(self) -> list[tuple[Bundle, str]]:
        """The checkpoints that are read, with handle or path, in the order of their files."""
        if self.checkpoint.how == "join":
            return [(part.bundle, part.prefix or str(self.source.path)) for part in self.checkpoint.parts]
        bundle = None if self.checkpoint.how == "drop" else self.source.bundle
        return [] if bundle is None else [(bundle, str(self.source.path))]

    @cached_property
    def files(self) -> list[CopiedFile]:
        """The files that are copied, in a fixed order.

        Raises:
            MissingFile: an asset or a data file of the checkpoint is missing.
            WorkbenchError: the name of an asset leaves the folder.
        """
        return self.workspace.files()

    @cached_property
    def recipe(self) -> bytes:
        """`assets.extra/workbench.json`, the same bytes for the same plan and sources."""
        return recipe_.dump(recipe_.describe(self.plan, self.join))

    @property
    def nbytes(self) -> int:
        """Bytes to be written, the checkpoint's index, the recipe and the proof excluded."""
        total = sum(map(len, self.parts_of_message))
        with suppress(WorkbenchError):  # reported when it is written
            total += sum(copied.nbytes for copied in self.files)
        if self.checkpoint.how == "join":
            total += sum(part.nbytes for part in self.checkpoint.parts)
            for _, _, content in self.checkpoint.tensors.values():
                total += len(content) if isinstance(content, bytes) else sum(map(len, content))
        return total

    @cached_property
    def parts_of_message(self) -> Sequence[Buffer]:
        """The bytes of `saved_model.pb`, the same for equal drafts, in parts."""
        return self.workspace.packed.parts()

    def serialize(self) -> bytes:
        """Return the bytes of `saved_model.pb`, the same for equal drafts."""
        return b"".join(self.parts_of_message)
