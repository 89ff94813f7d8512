"""Retag: change the tag set of a MetaGraph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.model.model import split_tags
from workbench.names import show
from workbench.surgery import values
from workbench.surgery.operation import Operation
from workbench.surgery.step import option, register
from workbench.surgery.workspace import Workspace


@register
@dataclass(frozen=True, slots=True)
class Retag(Operation):
    """Change the tag set of the chosen MetaGraph, by which loaders find it.

    Attributes:
        tags: the new tag set, `serve,gpu`; empty for none.
    """

    NAME: ClassVar[str] = "retag"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("retag tags=serve", "retag tags=serve,gpu")
    KEEPS_SIGNATURES: ClassVar[bool] = True

    tags: str = option(values.Text(), "its new tag set, such as serve,gpu", metavar="TAGS", positional=True)

    def apply(self, workspace: Workspace) -> None:
        """Apply it to a workspace, unless another MetaGraph has this tag set."""
        wanted, meta_graph = split_tags(self.tags), workspace.meta_graph
        told = show(",".join(wanted))
        for at, other in enumerate(workspace.proto.meta_graphs):
            if at != workspace.position and set(other.meta_info_def.tags) == set(wanted):
                workspace.note(
                    "retag-taken",
                    "error",
                    told,
                    f"The model has a MetaGraph with the tag set {told!r} already.",
                    "Choose another tag set, or remove that MetaGraph in a step before.",
                )
                return
        if set(meta_graph.meta_info_def.tags) == set(wanted):
            workspace.note("retag-same", "info", told, f"The tag set is {told!r} already.")
        meta_graph.meta_info_def.tags[:] = wanted
        workspace.verify_all()
