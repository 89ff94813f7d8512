"""Changes of signatures: rename, drop or add them, and rename their keys.

All loaders agree afterwards: `signature_def` is changed, and with it the object graph of a TF2 model, whose signatures
are functions of their own (`export.signature_functions`). Problems are reported as findings, all at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from workbench import names
from workbench.disk.optable import OpTable
from workbench.disk.schema import Message, NodeDef
from workbench.findings import Action, Finding, Hint
from workbench.graph.needs import Needs
from workbench.model.op_classes import MUST_BE_FED
from workbench.model.signature import HIDDEN_SIGNATURES, PREDICT, Port, Signature
from workbench.names import UNUSABLE_ARGUMENT, did_you_mean, is_unusable_argument, show
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
from workbench.surgery.resolve.endpoints import chosen_signature
from workbench.surgery.resolve.inside_calls import InlinedCopy
from workbench.surgery.resolve.signature_endpoints import (
    FoundEndpoints,
    Side,
    find_endpoints,
    inline_for_added,
)
from workbench.surgery.rewrite.outline import CannotOutline, Outliner
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
    work = _Change(workspace, change)
    work.look_up()
    if not workspace.blocked:
        work.apply()
        carry_init(workspace)


def add_signature(workspace: Workspace, change: SignatureChanges, *, objects: bool) -> None:
    """Add signatures within another operation, which handles the init op itself.

    Args:
        workspace: changed in place.
        change: the signatures to add.
        objects: whether the result has an object graph, which then gets the functions of the signatures.
    """
    work = _Change(workspace, change, objects=objects)
    work.look_up()
    if not workspace.blocked:
        work.apply()


class _Change:
    """The steps of one change of signatures."""

    def __init__(self, workspace: Workspace, change: SignatureChanges, *, objects: bool = True) -> None:
        self.workspace = workspace
        # whether there is an object graph to change as well
        self.objects = objects and workspace.original.has_object_graph
        self.add: Sequence[Added] = change.add
        self.drop = change.drop
        self.rename = dict(change.rename)
        self.rename_inputs = dict(change.rename_inputs)
        self.rename_outputs = dict(change.rename_outputs)
        self.drop_inputs = tuple(change.drop_inputs)
        self.drop_outputs = tuple(change.drop_outputs)
        self.method = change.method
        self.wanted = change.signature
        self.known = {
            key: found for key, found in workspace.original.signatures.items() if key not in HIDDEN_SIGNATURES
        }
        self.chosen: Signature | None = None
        self.added: dict[str, FoundEndpoints] = {}
        # placeholders and calls of callables, which the main graph gets
        self.calls: dict[str, NodeDef] = {}
        # the original with the calls inlined that contain endpoints
        self.inlined: InlinedCopy | None = None
        self.method_of_chosen = change.method is not None and (change.signature is not None or not change.add)

    def wrong(self, code: str, where: str, message: str, hint: str | None = None) -> None:
        self.workspace.note(code, "error", show(where), message, hint)

    # -- checks, all before anything changes

    def look_up(self) -> None:
        self._choose()
        for key in (*self.rename, *self.drop):
            if key not in self.known:
                self._no_signature(key)
        for key in self.drop:
            if key in self.rename:
                self.wrong(
                    "signature-twice",
                    key,
                    "Both a rename and a drop of it are requested.",
                    "Leave one of the two out.",
                )
        self._check_new_keys()
        if self.chosen is not None:
            if self.chosen.key in self.drop:
                self.wrong(
                    "signature-twice",
                    self.chosen.key,
                    "Both a change and a drop of it are requested.",
                    Hint("Choose another: ", Action("choose-signature", {"step": "signature"})),
                )
            self._check_ports(self.chosen, "inputs", self.rename_inputs, self.drop_inputs)
            self._check_ports(self.chosen, "outputs", self.rename_outputs, self.drop_outputs)
            if not self.workspace.blocked:
                self._check_what_stays(self.chosen)
        self.inlined = inline_for_added(self.workspace, self.add, self.wanted)
        for added in self.add:
            self._find_endpoints(added)

    def _choose(self) -> None:
        changes = (self.rename_inputs, self.rename_outputs, self.drop_inputs, self.drop_outputs)
        if not (any(changes) or self.method_of_chosen or self.wanted is not None):
            return
        wanted = self.wanted
        found = chosen_signature(self.workspace.original, "model", wanted, step=True)
        if isinstance(found, Signature):
            self.chosen = found
        elif wanted is not None:
            self._no_signature(wanted)
        else:
            hint = Hint("", Action("choose-signature", {"step": "signature"})) if self.known else None
            self.workspace.findings.append(
                Finding("signature-unknown", "error", "signature", found.message, hint)
            )

    def _no_signature(self, key: str) -> None:
        if key in HIDDEN_SIGNATURES:
            self.wrong("signature-hidden", key, "Loaders look for it under this name; it stays as it is.")
            return
        where_else = [
            name for name, found in self.known.items() if key in found.inputs or key in found.outputs
        ]
        hint = did_you_mean(key, self.known, noun="signatures")
        if where_else:
            side = "input" if key in self.known[where_else[0]].inputs else "output"
            hint = Hint(
                f"{show(where_else[0])!r} has an {side} of this name: ",
                Action(f"rename-{side}", {"key": show(key)}),
            )
        self.wrong("signature-unknown", key, f"There is no signature {show(key)!r}.", hint)

    def _check_new_keys(self) -> None:
        after: dict[str, str] = {}
        result = [(self.rename.get(key, key), key) for key in self.known if key not in self.drop]
        for new, origin in [*result, *((one.key, "") for one in self.add)]:
            if not new:
                self.wrong("signature-name", origin or "signature", "A signature needs a name.")
            elif new in HIDDEN_SIGNATURES:
                self.wrong("signature-hidden", new, "Loaders keep this name for the init op.")
            elif new in after:
                self.wrong(
                    "signature-taken",
                    new,
                    f"Two signatures of the result would be {show(new)!r}.",
                    Hint(
                        "Drop the other, or ",
                        Action("rename-signature", {"key": show(new), "new": "OTHER", "step": "signature"}),
                    ),
                )
            after[new] = origin

    def _check_ports(
        self, signature: Signature, side: Side, renames: Mapping[str, str], drops: Sequence[str]
    ) -> None:
        ports: Mapping[str, Port] = getattr(signature, side)
        noun = side[:-1]
        other: Mapping[str, Port] = signature.outputs if side == "inputs" else signature.inputs
        for key in drops:
            if key in renames:
                told = "Both a rename and a drop of it are requested."
                self.wrong("signature-twice", key, told, "Leave one of the two out.")
        for key in (*renames, *drops):
            if key not in ports:
                aside = (
                    f" It has an {'output' if side == 'inputs' else 'input'} of this name."
                    if key in other
                    else ""
                )
                self.wrong(
                    "signature-input" if noun == "input" else "signature-output",
                    key,
                    f"The signature {show(signature.key)!r} has no {noun} {show(key)!r}.{aside}",
                    did_you_mean(key, ports, noun=side),
                )
        new = [renames.get(key, key) for key in ports if key not in drops]
        for key in dict.fromkeys(one for one in new if new.count(one) > 1):
            self.wrong(
                "signature-key-taken",
                key,
                f"Two {side} of {show(signature.key)!r} would be {show(key)!r}.",
                "Keys of one side are unique; rename the other one as well.",
            )
        for key in renames.values():
            self._check_key(key, side)

    def _check_what_stays(self, signature: Signature) -> None:
        """Report a signature without outputs, and outputs that stay and need a dropped input."""
        kept = {key: port for key, port in signature.outputs.items() if key not in self.drop_outputs}
        if not kept and self.drop_outputs:
            told = f"No output of {show(signature.key)!r} would be left."
            hint = Hint(
                "Keep one, or drop the signature: ", Action("drop-signature", {"key": show(signature.key)})
            )
            self.wrong("signature-outputs", signature.key, told, hint)
        needs, nodes = Needs(self.workspace.original), self.workspace.original.nodes
        still_fed = {
            names.input_node(text)
            for key, port in signature.inputs.items()
            if key not in self.drop_inputs
            for text in port.tensors
        }
        for key in self.drop_inputs:
            tensors = [names.input_tensor(text) for text in signature.inputs[key].tensors]
            bare = {one.node for one in tensors if one.node in nodes and nodes[one.node].op in MUST_BE_FED}
            bare -= still_fed
            for output, port in kept.items() if bare else ():
                if bare.isdisjoint(needs.nodes(port.tensors)):
                    continue
                marks = {str(one): "\0fed" for one in tensors}
                told = f"Output {show(output)!r} needs the input {show(key)!r}, which has no default."
                move: str = "Give it a constant by the operation set, or a default by default."
                if "\0fed" not in needs.values(port.tensors, marks):
                    told = f"Output {show(output)!r} comes from a call that takes the input {show(key)!r}."
                    move = "Make a model of the outputs that stay by the operation extract, or set it to a constant."
                self.wrong("signature-needed", key, told, move)
                break

    def _check_key(self, key: str, side: Side) -> None:
        if not key:
            self.wrong("signature-key-name", side, "A key can't be empty.")
        elif side == "inputs" and is_unusable_argument(key):
            self.wrong(
                "signature-key-name",
                key,
                f"{show(key)!r} can't be the key of an input: {UNUSABLE_ARGUMENT}.",
                f"Choose another key, for example {show(key)}_.",
            )

    def _find_endpoints(self, added: Added) -> None:
        for key in dict(added.inputs):
            self._check_key(key, "inputs")
        for key in dict(added.outputs):
            self._check_key(key, "outputs")
        taken = [*self.calls, *(self.inlined.meta.nodes if self.inlined is not None else ())]
        found = find_endpoints(self.workspace, added, self.wanted, taken, self.inlined)
        if found is not None:
            self.added[added.key] = found
            self.calls |= found.calls

    # -- the change

    def apply(self) -> None:
        before = InUse.of(self.workspace.meta_graph)
        if self.inlined is not None and self.inlined.changed:
            graph = self.workspace.meta_graph.graph_def
            del graph.node[:]
            graph.node.extend(self.inlined.meta.proto.graph_def.node)
        self.workspace.meta_graph.graph_def.node.extend(self.calls.values())
        for key in self.drop:  # first: another signature may be renamed to a dropped one's key
            del self.workspace.meta_graph.signature_def[key]
            unlink(self.workspace.meta_graph.object_graph_def, key)
            self.workspace.references.drop(key)
        touched = [*self._change_chosen(), *self._rename()]
        for added in self.add:
            self._add(added)
        if self.objects and not self.workspace.blocked:
            sweep(self.workspace.meta_graph, before)
        self._tell()
        self._verify([*touched, *(added.key for added in self.add)])

    def _verify(self, touched: Sequence[str]) -> None:
        """Verify the changed signatures, or one of the others if none is left."""
        references = self.workspace.references
        references.verify(touched)
        if not references.verified:
            references.verify([key for key in self.known if key not in self.drop][:1])
        if self.inlined is not None and self.inlined.changed:
            # the reference is a copy with calls inlined: that it is the same model, its own signatures show
            self.workspace.verify_all()
            self.workspace.lineage = self.inlined.meta

    def _change_chosen(self) -> list[str]:
        """Change the chosen signature and return its key in the result, in a list."""
        chosen = self.chosen
        if chosen is None:
            return []
        definition = self.workspace.meta_graph.signature_def[chosen.key]
        if self.method_of_chosen:
            assert self.method is not None
            definition.method_name = self.method
        inputs = {old: new for old, new in self.rename_inputs.items() if old != new}
        outputs = {old: new for old, new in self.rename_outputs.items() if old != new}
        _rename_keys(definition.inputs, inputs)
        _rename_keys(definition.defaults, inputs)
        _rename_keys(definition.outputs, outputs)
        known = self.workspace.references.known
        if chosen.key in known:
            kept = known[chosen.key].without(self.drop_inputs, self.drop_outputs)
            known[chosen.key] = kept.renamed(inputs, outputs)
        touched = [self.rename.get(chosen.key, chosen.key)]
        linked = children_by_key(self.workspace.meta_graph.object_graph_def)
        if self.drop_inputs or self.drop_outputs:
            for table, keys in (
                (definition.inputs, self.drop_inputs),
                (definition.defaults, self.drop_inputs),
                (definition.outputs, self.drop_outputs),
            ):
                for key in keys:
                    if key in table:
                        del table[key]
            if self.objects and chosen.key in linked:
                unlink(self.workspace.meta_graph.object_graph_def, chosen.key)
                self._make_function(chosen.key)
            return touched
        if not (inputs or outputs) or not self.objects or chosen.key not in linked:
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
        renames = {old: new for old, new in self.rename.items() if old != new}
        _rename_keys(self.workspace.meta_graph.signature_def, renames)
        self.workspace.references.rename(renames)
        graph = self.workspace.meta_graph.object_graph_def
        number = signature_map(graph)
        if number is not None:
            for reference in (*graph.nodes[number].children, *graph.nodes[number].dependencies):
                reference.local_name = renames.get(reference.local_name, reference.local_name)
        return list(self.rename.values())

    def _add(self, added: Added) -> None:
        definition = self.workspace.meta_graph.signature_def[added.key]
        method = self.method if not self.method_of_chosen else None
        definition.method_name = PREDICT if method is None else method
        found = self.added[added.key]
        for side, endpoints in (("inputs", found.inputs), ("outputs", found.outputs)):
            for key, endpoint in endpoints.items():
                getattr(definition, side)[key].CopyFrom(found.info(endpoint))
        reference = self._reference(found)
        if reference is None:
            self.wrong(
                "step-lineage",
                added.key,
                "Its tensors were made by an earlier step, so no source has values to verify it with.",
                "Add the signature in a step before that one.",
            )
            return
        self.workspace.references.known[added.key] = reference
        if self.objects:
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
        if self.rename or self.drop or self.rename_inputs or self.drop_inputs:
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
