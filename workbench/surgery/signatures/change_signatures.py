"""Changes of signatures: rename, drop or add them, and rename their keys.

All loaders agree afterwards: `signature_def` is changed, and with it the object graph of a TF2 model, whose signatures
are functions of their own (`export.signature_functions`). Problems are reported as findings, all at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from workbench.disk.optable import OpTable
from workbench.disk.schema import Message
from workbench.model.signature import HIDDEN_SIGNATURES, PREDICT
from workbench.names import show
from workbench.surgery.export.functions import add_signature as add_function
from workbench.surgery.export.functions import add_signature_map
from workbench.surgery.export.init_ops import carry_init
from workbench.surgery.export.object_graph import Objects, bound_objects
from workbench.surgery.export.signature_functions import (
    InUse,
    UnknownForm,
    children_by_key,
    rename_ports,
    signature_map,
    sweep,
    unlink,
)
from workbench.surgery.lineage import Reference, SourceTensors
from workbench.surgery.resolve.signature_endpoints import FoundEndpoints
from workbench.surgery.rewrite.outline import CannotOutline, Outliner
from workbench.surgery.signatures.checked_change import CheckedChange
from workbench.surgery.workspace import WARMUP, Workspace

if TYPE_CHECKING:
    from workbench.disk.schema import MessageMap
    from workbench.surgery.signatures.changes import Added, SignatureChanges

_M = TypeVar("_M", bound=Message)


def change_signatures(workspace: Workspace, change: SignatureChanges) -> None:
    """Change the signatures of a model, or report findings.

    Args:
        workspace: changed in place.
        change: what is wanted.
    """
    asked = CheckedChange(workspace, change)
    asked.look_up()
    if not workspace.blocked:
        _Changing(workspace, asked).apply()
        carry_init(workspace)


def add_signature(workspace: Workspace, change: SignatureChanges, *, objects: bool) -> None:
    """Add signatures within another operation, which handles the init op itself.

    Args:
        workspace: changed in place.
        change: the signatures to add.
        objects: whether the result has an object graph, which then gets the functions of the signatures.
    """
    asked = CheckedChange(workspace, change, objects=objects)
    asked.look_up()
    if not workspace.blocked:
        _Changing(workspace, asked).apply()


class _Changing:
    """The steps of one change of signatures, after it was checked."""

    def __init__(self, workspace: Workspace, asked: CheckedChange) -> None:
        self.workspace = workspace
        self.asked = asked

    def apply(self) -> None:
        before = InUse.of(self.workspace.meta_graph)
        if self.asked.inlined is not None and self.asked.inlined.changed:
            graph = self.workspace.meta_graph.graph_def
            del graph.node[:]
            graph.node.extend(self.asked.inlined.meta.proto.graph_def.node)
        self.workspace.meta_graph.graph_def.node.extend(self.asked.calls.values())
        for key in self.asked.drop:  # first: another signature may be renamed to a dropped one's key
            del self.workspace.meta_graph.signature_def[key]
            unlink(self.workspace.meta_graph.object_graph_def, key)
            self.workspace.references.drop(key)
        touched = [*self._change_chosen(), *self._rename()]
        for added in self.asked.add:
            self._add(added)
        if self.asked.objects and not self.workspace.blocked:
            sweep(self.workspace.meta_graph, before)
        self._tell()
        self._verify([*touched, *(added.key for added in self.asked.add)])

    def _verify(self, touched: Sequence[str]) -> None:
        """Verify the changed signatures, or one of the others if none is left."""
        references = self.workspace.references
        references.verify(touched)
        if not references.verified:
            references.verify([key for key in self.asked.known if key not in self.asked.drop][:1])
        if self.asked.inlined is not None and self.asked.inlined.changed:
            # the reference is a copy with calls inlined: that it is the same model, its own signatures show
            self.workspace.verify_all()
            self.workspace.lineage = self.asked.inlined.meta

    def _change_chosen(self) -> list[str]:
        """Change the chosen signature and return its key in the result, in a list."""
        chosen = self.asked.chosen
        if chosen is None:
            return []
        definition = self.workspace.meta_graph.signature_def[chosen.key]
        if self.asked.method_of_chosen:
            assert self.asked.method is not None
            definition.method_name = self.asked.method
        inputs = {old: new for old, new in self.asked.rename_inputs.items() if old != new}
        outputs = {old: new for old, new in self.asked.rename_outputs.items() if old != new}
        _rename_keys(definition.inputs, inputs)
        _rename_keys(definition.defaults, inputs)
        _rename_keys(definition.outputs, outputs)
        known = self.workspace.references.known
        if chosen.key in known:
            kept = known[chosen.key].without(self.asked.drop_inputs, self.asked.drop_outputs)
            known[chosen.key] = kept.renamed(inputs, outputs)
        touched = [self.asked.rename.get(chosen.key, chosen.key)]
        linked = children_by_key(self.workspace.meta_graph.object_graph_def)
        if self.asked.drop_inputs or self.asked.drop_outputs:
            for table, keys in (
                (definition.inputs, self.asked.drop_inputs),
                (definition.defaults, self.asked.drop_inputs),
                (definition.outputs, self.asked.drop_outputs),
            ):
                for key in keys:
                    if key in table:
                        del table[key]
            if self.asked.objects and chosen.key in linked:
                unlink(self.workspace.meta_graph.object_graph_def, chosen.key)
                self._make_function(chosen.key)
            return touched
        if not (inputs or outputs) or not self.asked.objects or chosen.key not in linked:
            return touched
        try:
            rename_ports(self.workspace.meta_graph, chosen.key, inputs, outputs)
        except UnknownForm:
            # an unusual function: a new one is made of the main graph, as for a signature that is added
            unlink(self.workspace.meta_graph.object_graph_def, chosen.key)
            self._make_function(chosen.key)
        return touched

    def _rename(self) -> list[str]:
        """Rename signatures and return their keys in the result."""
        renames = {old: new for old, new in self.asked.rename.items() if old != new}
        _rename_keys(self.workspace.meta_graph.signature_def, renames)
        self.workspace.references.rename(renames)
        graph = self.workspace.meta_graph.object_graph_def
        number = signature_map(graph)
        if number is not None:
            for reference in (*graph.nodes[number].children, *graph.nodes[number].dependencies):
                reference.local_name = renames.get(reference.local_name, reference.local_name)
        return list(self.asked.rename.values())

    def _add(self, added: Added) -> None:
        definition = self.workspace.meta_graph.signature_def[added.key]
        method = self.asked.method if not self.asked.method_of_chosen else None
        definition.method_name = PREDICT if method is None else method
        found = self.asked.added[added.key]
        for side, endpoints in (("inputs", found.inputs), ("outputs", found.outputs)):
            for key, endpoint in endpoints.items():
                getattr(definition, side)[key].CopyFrom(found.info(endpoint))
        reference = self._reference(found)
        if reference is None:
            self.asked.wrong(
                "step-lineage",
                added.key,
                "Its tensors were made by an earlier step, so no source has values to verify it with.",
                "Add the signature in a step before that one.",
            )
            return
        self.workspace.references.known[added.key] = reference
        if self.asked.objects:
            self._make_function(added.key)

    def _reference(self, found: FoundEndpoints) -> Reference | None:
        """Return the reference of an added signature in the source, or None."""
        workspace = self.workspace
        if found.prepared is not None or found.meta is not workspace.original:
            # tensors of a callable, or inside calls: of the source itself, in a copy
            if workspace.joined_files is not None or not (workspace.faithful or found.prepared is not None):
                return None
            inlined = found.meta if found.prepared is None else None
            (handle,) = workspace.plan.handles
            inputs, outputs = (
                {key: SourceTensors(handle, endpoint.tensors) for key, endpoint in endpoints.items()}
                for endpoints in (found.inputs, found.outputs)
            )
            return Reference({key: (one,) for key, one in inputs.items()}, outputs, found.prepared, inlined)
        origins: list[dict[str, tuple[SourceTensors, ...]]] = []
        for endpoints in (found.inputs, found.outputs):
            origins.append({})
            for key, endpoint in endpoints.items():
                origin = workspace.source_tensors(endpoint.tensors)
                if not origin:
                    return None
                origins[-1][key] = origin
        given = {key: origin[0] for key, origin in origins[1].items()}
        rows = workspace.rows.size if workspace.rows is not None else None
        return Reference(origins[0], given, inlined=workspace.lineage, rows=rows)

    def _make_function(self, key: str) -> None:
        make_function(self.workspace, key)

    def _tell(self) -> None:
        if self.asked.rename or self.asked.drop or self.asked.rename_inputs or self.asked.drop_inputs:
            drop_warmup(self.workspace)
        if not any(key not in HIDDEN_SIGNATURES for key in self.workspace.meta_graph.signature_def):
            self.workspace.note("signature-none", "warning", "model", "No signature is left.")


def make_function(workspace: Workspace, key: str, tables: Mapping[str, int] | None = None) -> None:
    """Make the function of a signature, its captures bound to the model's objects.

    Args:
        workspace: has an object graph, without a function for this signature.
        key: of the signature.
        tables: nodes of tables that this step added, with their objects.
    """
    meta_graph = workspace.meta_graph
    bound = bound_objects(workspace.bound_by or workspace.original, workspace.original)
    objects = Objects(graph=meta_graph.object_graph_def, bound={**bound, **(tables or {})})
    number = signature_map(objects.graph)
    if number is None:
        number = add_signature_map(objects)
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    functions = {one.signature.name: one for one in meta_graph.graph_def.library.function}
    outliner = Outliner(nodes, functions, OpTable(meta_graph.meta_info_def.stripped_op_list))
    try:
        add_function(objects, meta_graph, outliner, key, number)
    except CannotOutline as problem:
        workspace.note(
            "signature-function",
            "error",
            show(key),
            f"It can't become a function, as a TF2 model needs: {show(problem.node)}: {problem.why}.",
            "Choose other tensors.",
        )


def drop_warmup(workspace: Workspace) -> None:
    """Leave out warm-up requests, which name signatures and keys, and report it."""
    folder = workspace.model.folder
    if folder is None:
        return
    for path in sorted((folder / "assets.extra").glob(f"{WARMUP}*")):
        workspace.left_out.add(path.name)
        workspace.note(
            "dropped-file",
            "info",
            show(path.name),
            "Not carried over: warm-up requests name signatures and keys.",
        )


def _rename_keys(table: MessageMap[str, _M], renames: Mapping[str, str]) -> None:
    """Rename keys of a protobuf map of messages; keys may be swapped."""
    copies = {}
    for old, new in renames.items():
        if old in table:
            copies[new] = type(table[old])()
            copies[new].CopyFrom(table[old])
    for old in renames:
        if old in table:
            del table[old]
    for new, copy in copies.items():
        table[new].CopyFrom(copy)
