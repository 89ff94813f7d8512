"""Signatures as users want them: renamed, their inputs and outputs renamed, dropped, added from any tensors.

All loaders agree afterwards: `signature_def` is changed, and with it the object graph of a TF2 model, whose signatures
are functions of their own (`signature_objects`). What can't be done is a finding; all of them are told at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.disk.optable import OpTable
from workbench.disk.schema import Message
from workbench.findings import Action, Finding, Hint
from workbench.model import Model
from workbench.model.signature import HIDDEN_SIGNATURES, PREDICT, Port, Signature
from workbench.names import UNUSABLE_ARGUMENT, did_you_mean, is_unusable_argument, show
from workbench.surgery.edit import WARMUP, Edit, Reference, begin
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
from workbench.surgery.resolve.endpoints import chosen_signature
from workbench.surgery.resolve.inside_calls import Opened
from workbench.surgery.resolve.signature_endpoints import FoundEnds, Side, find_ends, open_ends
from workbench.surgery.rewrite.outline import CannotUplift, Uplift


@dataclass(frozen=True, slots=True)
class Added:
    """A signature to add.

    Attributes:
        key: of the signature.
        inputs: key to a tensor, as written for an end of a wire (`node:0`, `CALL::node:0`, `SIGNATURE#KEY`), or to a
            key of a callable (`__call__#x`, `__call__[2]#x`); then all of them are keys of that.
        outputs: likewise.
    """

    key: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SignatureChange:
    """What is to become of a model's signatures.

    Attributes:
        rename: old to new key of signatures.
        rename_inputs: old to new key of inputs of the chosen signature.
        rename_outputs: likewise.
        drop: keys of signatures that go.
        add: signatures that come.
        method: method name of the added signatures, or of the chosen one if none is added; None leaves it.
        signature: the chosen one, by its old key; None for `serving_default` if there, else the only one.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    rename_inputs: Mapping[str, str] = field(default_factory=dict)
    rename_outputs: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    add: tuple[Added, ...] = ()
    method: str | None = None
    signature: str | None = None

    @property
    def needs_chosen(self) -> bool:
        """Whether something is said about the chosen signature."""
        method = self.method is not None and (self.signature is not None or not self.add)
        return bool(self.rename_inputs or self.rename_outputs or method or self.signature is not None)

    def options(self) -> dict[str, Any]:
        """What differs from nothing, as the recipe keeps it."""
        found: dict[str, Any] = {}
        for name in ("rename", "rename_inputs", "rename_outputs"):
            if getattr(self, name):
                found[name] = dict(getattr(self, name))
        if self.drop:
            found["drop"] = list(self.drop)
        if self.add:
            found["add"] = [
                {"key": one.key, "inputs": dict(one.inputs), "outputs": dict(one.outputs)} for one in self.add
            ]
        if self.method is not None:
            found["method"] = self.method
        if self.signature is not None:
            found["signature"] = self.signature
        return found


def change_signatures(model: Model, change: SignatureChange) -> Edit:
    """An edit with other signatures; its findings say what can't be done.

    Args:
        model: the original; its chosen MetaGraph is meant.
        change: what is wanted.
    """
    work = _Change(begin(model, "signature", change.options()), change)
    work.look_up()
    if not work.edit.blocked:
        work.apply()
        carry_init(work.edit)
    return work.edit


def add_signature(edit: Edit, added: Added, *, objects: bool) -> None:
    """Adds a signature to an edit in which nothing has changed yet; its findings say what can't be done.

    Args:
        edit: changed in place; the signature is what it is proven by.
        added: the signature.
        objects: whether the result has an object graph, which then gets the function of the signature.
    """
    work = _Change(edit, SignatureChange(add=(added,)), objects=objects)
    work.look_up()
    if not edit.blocked:
        work.apply()


class _Change:
    """The steps of one edit."""

    def __init__(self, edit: Edit, change: SignatureChange, *, objects: bool = True) -> None:
        self.edit = edit
        # whether there is an object graph to change as well
        self.objects = objects and edit.original.has_object_graph
        self.change = change
        self.known = {
            key: found for key, found in edit.original.signatures.items() if key not in HIDDEN_SIGNATURES
        }
        self.chosen: Signature | None = None
        self.added: dict[str, FoundEnds] = {}
        # placeholders and calls of callables, which the main graph gets
        self.calls: dict[str, Message] = {}
        # the original with the calls opened that endpoints lie in
        self.opened: Opened | None = None
        self.method_of_chosen = change.method is not None and (change.signature is not None or not change.add)

    def wrong(self, code: str, where: str, message: str, hint: str | None = None) -> None:
        self.edit.note(code, "error", show(where), message, hint)

    # -- checks, all before anything changes

    def look_up(self) -> None:
        self._choose()
        for key in (*self.change.rename, *self.change.drop):
            if key not in self.known:
                self._no_signature(key)
        for key in self.change.drop:
            if key in self.change.rename:
                self.wrong(
                    "signature-twice", key, "It is to be renamed and dropped.", "Leave one of the two out."
                )
        self._check_new_keys()
        if self.chosen is not None:
            if self.chosen.key in self.change.drop:
                self.wrong(
                    "signature-twice",
                    self.chosen.key,
                    "It is to be changed and dropped.",
                    Hint("Choose another: ", Action("choose-signature")),
                )
            self._check_ports(self.chosen, "inputs", self.change.rename_inputs)
            self._check_ports(self.chosen, "outputs", self.change.rename_outputs)
        self.opened = open_ends(self.edit, self.change.add, self.change.signature)
        for added in self.change.add:
            self._find_ends(added)

    def _choose(self) -> None:
        if not self.change.needs_chosen:
            return
        wanted = self.change.signature
        found = chosen_signature(self.edit.original, "model", wanted)
        if isinstance(found, Signature):
            self.chosen = found
        elif wanted is not None:
            self._no_signature(wanted)
        else:
            hint = Hint("", Action("choose-signature")) if self.known else None
            self.edit.findings.append(Finding("signature-unknown", "error", "signature", found.message, hint))

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
        result = [
            (self.change.rename.get(key, key), key) for key in self.known if key not in self.change.drop
        ]
        for new, origin in [*result, *((one.key, "") for one in self.change.add)]:
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
                        "Drop the other, or ", Action("rename-signature", {"key": show(new), "new": "OTHER"})
                    ),
                )
            after[new] = origin

    def _check_ports(self, signature: Signature, side: Side, renames: Mapping[str, str]) -> None:
        ports: Mapping[str, Port] = getattr(signature, side)
        noun = side[:-1]
        other: Mapping[str, Port] = signature.outputs if side == "inputs" else signature.inputs
        for key in renames:
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
        new = [renames.get(key, key) for key in ports]
        for key in dict.fromkeys(one for one in new if new.count(one) > 1):
            self.wrong(
                "signature-key-taken",
                key,
                f"Two {side} of {show(signature.key)!r} would be {show(key)!r}.",
                "Keys of one side are unique; rename the other one as well.",
            )
        for key in renames.values():
            self._check_key(key, side)

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

    def _find_ends(self, added: Added) -> None:
        for key in added.inputs:
            self._check_key(key, "inputs")
        for key in added.outputs:
            self._check_key(key, "outputs")
        taken = [*self.calls, *(self.opened.meta.nodes if self.opened is not None else ())]
        found = find_ends(self.edit, added, self.change.signature, taken, self.opened)
        if found is not None:
            self.added[added.key] = found
            self.calls |= found.calls

    # -- the change

    def apply(self) -> None:
        before = InUse.of(self.edit.meta_graph)
        if self.opened is not None and self.opened.changed:
            graph = self.edit.meta_graph.graph_def
            del graph.node[:]
            graph.node.extend(self.opened.meta.proto.graph_def.node)
        self.edit.meta_graph.graph_def.node.extend(self.calls.values())
        references: dict[str, Reference] = {}
        self._change_chosen(references)
        self._rename(references)
        for key in self.change.drop:
            del self.edit.meta_graph.signature_def[key]
            unlink(self.edit.meta_graph.object_graph_def, key)
        for added in self.change.add:
            self._add(added, references)
        if self.objects and not self.edit.blocked:
            sweep(self.edit.meta_graph, before)
        self._told()
        self.edit.references = references or self._any_reference()
        if self.opened is not None and self.opened.changed:
            # the reference is a copy with calls opened: that it is the same model, its own signatures show
            self.edit.prove_all()

    def _change_chosen(self, references: dict[str, Reference]) -> None:
        chosen, change = self.chosen, self.change
        if chosen is None:
            return
        definition = self.edit.meta_graph.signature_def[chosen.key]
        if self.method_of_chosen:
            assert change.method is not None
            definition.method_name = change.method
        inputs = {old: new for old, new in change.rename_inputs.items() if old != new}
        outputs = {old: new for old, new in change.rename_outputs.items() if old != new}
        _rename_keys(definition.inputs, inputs)
        _rename_keys(definition.defaults, inputs)
        _rename_keys(definition.outputs, outputs)
        references[change.rename.get(chosen.key, chosen.key)] = Reference(
            {change.rename_inputs.get(key, key): port.tensors for key, port in chosen.inputs.items()},
            {change.rename_outputs.get(key, key): port.tensors for key, port in chosen.outputs.items()},
        )
        linked = children_by_key(self.edit.meta_graph.object_graph_def)
        if not (inputs or outputs) or not self.objects or chosen.key not in linked:
            return
        try:
            rename_ports(self.edit.meta_graph, chosen.key, inputs, outputs)
        except UnknownForm:
            # an unusual function: a new one is made of the main graph, as for a signature that is added
            unlink(self.edit.meta_graph.object_graph_def, chosen.key)
            self._make_function(chosen.key)

    def _rename(self, references: dict[str, Reference]) -> None:
        renames = {old: new for old, new in self.change.rename.items() if old != new}
        _rename_keys(self.edit.meta_graph.signature_def, renames)
        for old, new in self.change.rename.items():
            references.setdefault(new, Reference.of(self.known[old]))
        graph = self.edit.meta_graph.object_graph_def
        number = signature_map(graph)
        if number is not None:
            for reference in (*graph.nodes[number].children, *graph.nodes[number].dependencies):
                reference.local_name = renames.get(reference.local_name, reference.local_name)

    def _add(self, added: Added, references: dict[str, Reference]) -> None:
        definition = self.edit.meta_graph.signature_def[added.key]
        method = self.change.method if not self.method_of_chosen else None
        definition.method_name = PREDICT if method is None else method
        found = self.added[added.key]
        for side, ends in (("inputs", found.inputs), ("outputs", found.outputs)):
            for key, end in ends.items():
                getattr(definition, side)[key].CopyFrom(found.info(end))
        references[added.key] = Reference(
            {key: end.tensors for key, end in found.inputs.items()},
            {key: end.tensors for key, end in found.outputs.items()},
            found.prepared,
            found.meta if found.prepared is None and found.meta is not self.edit.original else None,
        )
        if self.objects:
            self._make_function(added.key)

    def _make_function(self, key: str) -> None:
        """The function of a signature, made of the main graph, its captures bound to the model's own objects."""
        meta_graph = self.edit.meta_graph
        bound = bound_objects(self.edit.model.meta, self.edit.original)
        objects = Objects(graph=meta_graph.object_graph_def, bound=bound)
        number = signature_map(objects.graph)
        if number is None:
            number = add_signature_map(objects)
        nodes = {node.name: node for node in meta_graph.graph_def.node}
        functions = {one.signature.name: one for one in meta_graph.graph_def.library.function}
        uplift = Uplift(nodes, functions, OpTable(meta_graph.meta_info_def.stripped_op_list))
        try:
            add_function(objects, meta_graph, uplift, key, number)
        except CannotUplift as problem:
            self.wrong(
                "signature-function",
                key,
                f"It can't become a function, as a TF2 model needs: {show(problem.node)}: {problem.why}.",
                "Choose other tensors.",
            )

    def _any_reference(self) -> dict[str, Reference]:
        """Something to run where nothing is left that changed: one of the signatures that stayed."""
        stayed = [key for key in self.known if key not in self.change.drop]
        return {key: Reference.of(self.known[key]) for key in stayed[:1]}

    def _told(self) -> None:
        change, folder = self.change, self.edit.model.folder
        if folder is not None and (change.rename or change.drop or change.rename_inputs):
            for path in sorted((folder / "assets.extra").glob(f"{WARMUP}*")):
                self.edit.left_out.add(path.name)
                self.edit.note(
                    "dropped-file",
                    "info",
                    show(path.name),
                    "Not carried over: warm-up requests name signatures and keys.",
                )
        if not any(key not in HIDDEN_SIGNATURES for key in self.edit.meta_graph.signature_def):
            self.edit.note("signature-none", "warning", "model", "No signature is left.")


def _rename_keys(table: Message, renames: Mapping[str, str]) -> None:
    """Renames keys of a protobuf map of messages; a swap is fine."""
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
