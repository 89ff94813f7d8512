"""Prune: remove what is left of training."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from workbench.disk import schema
from workbench.disk.schema import TrackableObjectGraph
from workbench.findings import Action, Hint
from workbench.graph.reach import ancestors
from workbench.model import MetaGraph
from workbench.model.signature import TRAIN_OP
from workbench.model.variables import Variable
from workbench.names import count, input_node, show
from workbench.surgery.export.init_ops import init_ops, signature_tensors
from workbench.surgery.export.signature_functions import InUse, sweep
from workbench.surgery.operation import Operation
from workbench.surgery.pruning.checkpoint_keys import drop_unneeded_keys, tracked_graph
from workbench.surgery.pruning.drop_optimizers import drop_optimizers, numbers_by_key, without_keys
from workbench.surgery.pruning.leftovers import (
    drop_collections,
    object_constants,
    saver_nodes,
    variable_tensors,
)
from workbench.surgery.pruning.shrink_saver import CannotShrink, shrink_saver
from workbench.surgery.rewrite.prune import drop_functions, drop_nodes
from workbench.surgery.step import register
from workbench.surgery.workspace import Workspace


@register
@dataclass(frozen=True, slots=True)
class Prune(Operation):
    """Remove what is left of training: what no signature, callable, init op or saver needs.

    That is nodes such as gradients, losses and summaries, variables that only training reads, such as the slots of
    optimizers, with their values in the checkpoint, functions that nothing calls, and collections of what is gone.
    Other MetaGraphs stay as they are.
    """

    NAME: ClassVar[str] = "prune"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("prune",)
    KEEPS_SIGNATURES: ClassVar[bool] = True

    def apply(self, workspace: Workspace) -> None:
        """Apply it to a workspace, and report what was removed.

        Raises:
            WorkbenchError: the checkpoint can't be read.
        """
        _Work(workspace).apply()


class _Work:
    """The steps of one operation."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.meta_graph = workspace.meta_graph
        self.original = workspace.original

    def apply(self) -> None:
        meta_graph, workspace = self.meta_graph, self.workspace
        if not self.original.shown_signatures and not self.original.has_object_graph:
            workspace.note(
                "prune-no-signature",
                "error",
                show(str(workspace.model.path)),
                "The model has no signature and no object graph, so that nothing says what it is for.",
                Hint("First ", Action("add-signature", {"model": "MODEL", "step": "prune"})),
            )
            return
        size = meta_graph.ByteSize()
        before = len(meta_graph.graph_def.node), _restored(self.original)
        in_use = InUse.of(meta_graph)
        if TRAIN_OP in meta_graph.signature_def:
            del meta_graph.signature_def[TRAIN_OP]
        roots = signature_tensors(meta_graph)
        roots += [asset.tensor_info.name for asset in meta_graph.asset_file_def]
        roots += object_constants(meta_graph)
        nodes = self.original.nodes
        roots += [f"^{name}" for name in init_ops(self.original, ancestors(nodes, roots))]
        needed = ancestors(nodes, roots)
        tracked = tracked_graph(workspace) if self.original.has_object_graph else None
        keys = self._dropped_keys(needed, tracked)
        if tracked is not None:
            tracked = without_keys(tracked, keys) if keys else None
        roots += self._saver(keys, needed)
        kept = needed | ancestors(self._nodes(), roots)
        roots += variable_tensors(meta_graph, self._nodes(), kept)
        drop_nodes(meta_graph, roots)
        drop_collections(meta_graph, also=("savers",))
        if self.original.has_object_graph:
            sweep(meta_graph, in_use)
        functions = drop_functions(meta_graph)
        drop_unneeded_keys(workspace, tracked)
        after = MetaGraph(meta_graph, bundle=workspace.bundle())
        left = len(meta_graph.graph_def.node), _restored(after)
        self._tell(before[0] - left[0], before[1] - left[1], functions, size - meta_graph.ByteSize())
        workspace.verify_all()

    def _nodes(self) -> dict[str, schema.NodeDef]:
        return {node.name: node for node in self.meta_graph.graph_def.node}

    def _dropped_keys(self, needed: Collection[str], tracked: TrackableObjectGraph | None) -> set[str]:
        """Return the keys of variables that only training needs; their objects are removed."""
        variables = self.original.variables
        if self.original.has_object_graph:
            assert self.original.objects is not None
            objects = drop_optimizers(self.meta_graph, tracked)
            of = {} if tracked is None else numbers_by_key(self.original.proto.object_graph_def, tracked)
            number = self.original.objects.variable_of_key
            gone = [
                one
                for one in variables
                if one.key is not None and of.get(one.key, number(one.key)) in objects
            ]
        else:
            opened = {_name(one) for one in variables if one.node in needed}  # two nodes may be one variable
            opened |= {
                node.attr["shared_name"].s.decode("utf-8", "surrogateescape")
                for function in self.original.functions.values()
                for node in function.node_def
                if "shared_name" in node.attr
            }
            gone = [one for one in variables if one.node not in needed and _name(one) not in opened]
        nodes = {one.node for one in gone}
        return {one.key for one in gone if one.key is not None} - {
            one.key for one in variables if one.node not in nodes
        }

    def _saver(self, keys: set[str], needed: Collection[str]) -> list[str]:
        """Make the saver leave out some keys; return the nodes that it needs."""
        meta_graph, saver = self.meta_graph, self.meta_graph.saver_def
        if not meta_graph.HasField("saver_def"):
            return []
        if keys and keys >= {one.key for one in self.original.variables if one.key is not None}:
            meta_graph.ClearField("saver_def")
            return []
        if keys:
            try:
                named = map(input_node, saver_nodes(meta_graph, self._nodes()))
                shrink_saver(meta_graph, keys, {*needed, *named})
            except CannotShrink as problem:
                self.workspace.note(
                    "prune-saver",
                    "info",
                    show(saver.restore_op_name),
                    f"{count(len(keys), 'variable')} of training stay, because of the saver: {problem.why}.",
                )
        return saver_nodes(meta_graph, self._nodes())

    def _tell(self, nodes: int, variables: int, functions: int, nbytes: int) -> None:
        where = show(str(self.workspace.model.path))
        found = [(nodes, "node"), (variables, "variable"), (functions, "function")]
        removed = [count(number, noun) for number, noun in found if number > 0]
        if not removed:
            self.workspace.note("prune-nothing", "info", where, "Nothing is left of training.")
            return
        told = f"{', '.join(removed)} removed; the graph is {max(nbytes, 0):,} bytes smaller."
        self.workspace.note("prune-done", "info", where, told)


def _restored(meta: MetaGraph) -> int:
    """Return the number of variables that have a value in the checkpoint."""
    return sum(variable.key is not None for variable in meta.variables)


def _name(variable: Variable) -> str:
    return variable.shared_name or variable.node
