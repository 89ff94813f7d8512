"""Drop-metagraph: remove MetaGraphs of other tag sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workbench.model.model import split_tags
from workbench.names import count, did_you_mean, show
from workbench.surgery import values
from workbench.surgery.operation import Operation
from workbench.surgery.pruning.checkpoint_keys import drop_unneeded_keys
from workbench.surgery.step import option, register
from workbench.surgery.workspace import Workspace


@register
@dataclass(frozen=True, slots=True)
class DropMetagraph(Operation):
    """Remove MetaGraphs of other tag sets than the chosen one.

    Values of the checkpoint that only they read are removed as well, where that is sure.

    Attributes:
        tag_sets: tag sets of the MetaGraphs, each as `serve,gpu`.
    """

    NAME: ClassVar[str] = "drop-metagraph"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "drop-metagraph tag_sets=train",
        "drop-metagraph tag_sets=serve,gpu",
    )
    KEEPS_SIGNATURES: ClassVar[bool] = True

    tag_sets: Sequence[str] = option(
        values.Texts(), "tag set of a MetaGraph to remove, such as train", metavar="TAGS", positional=True
    )

    def apply(self, workspace: Workspace) -> None:
        """Apply it to a workspace; what names no other MetaGraph becomes findings."""
        graphs = workspace.proto.meta_graphs
        known = [frozenset(one.meta_info_def.tags) for one in graphs]
        listed = [",".join(one.meta_info_def.tags) for one in graphs]
        gone: set[int] = set()
        for text in self.tag_sets:
            wanted = frozenset(split_tags(text))
            if wanted not in known:
                told = f"The model has no MetaGraph with the tag set {show(text)!r}."
                workspace.note(
                    "metagraph-unknown",
                    "error",
                    show(text),
                    told,
                    did_you_mean(text, listed, noun="tag sets"),
                )
            elif known.index(wanted) == workspace.position:
                told = (
                    "It is the only MetaGraph."
                    if len(graphs) == 1
                    else "It is the chosen MetaGraph, which stays."
                )
                workspace.note(
                    "metagraph-chosen", "error", show(text), told, "Choose another MetaGraph to stay."
                )
            else:
                gone.add(known.index(wanted))
        if workspace.blocked:
            return
        workspace.position -= sum(at < workspace.position for at in gone)
        for at in sorted(gone, reverse=True):
            del graphs[at]
        where = show(str(workspace.model.path))
        told = ", ".join(show(listed[at]) or "(no tags)" for at in sorted(gone))
        workspace.note(
            "metagraph-dropped", "info", where, f"{count(len(gone), 'MetaGraph')} removed: {told}."
        )
        drop_unneeded_keys(workspace)
        workspace.verify_all()
