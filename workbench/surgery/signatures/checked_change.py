"""What stands against a change of signatures, all found before anything changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from workbench import names
from workbench.disk.schema import NodeDef
from workbench.findings import Action, Finding, Hint
from workbench.graph.needs import Needs
from workbench.model.op_classes import MUST_BE_FED
from workbench.model.signature import HIDDEN_SIGNATURES, Port, Signature
from workbench.names import UNUSABLE_ARGUMENT, did_you_mean, is_unusable_argument, show
from workbench.surgery.resolve.endpoints import chosen_signature
from workbench.surgery.resolve.inside_calls import InlinedCopy
from workbench.surgery.resolve.signature_endpoints import (
    FoundEndpoints,
    Side,
    find_endpoints,
    inline_for_added,
)
from workbench.surgery.workspace import Workspace

if TYPE_CHECKING:
    from workbench.surgery.signatures.changes import Added, SignatureChanges


class CheckedChange:
    """A change of signatures: what it means in a model, looked up and checked before anything changes.

    Args:
        workspace: gets the findings.
        change: what is wanted.
        objects: whether the result has an object graph, if the model has one.

    Attributes:
        objects: whether there is an object graph to change as well.
        known: the signatures of the model that can be changed, by key.
        chosen: the signature whose keys or method change, or None.
        added: the endpoints of each added signature, by its key.
        calls: placeholders and calls of callables that the main graph gets, by name.
        inlined: the original with the calls inlined that contain endpoints, or None.
        method_of_chosen: whether the method is that of the chosen signature, not of the added ones.
    """

    def __init__(self, workspace: Workspace, change: SignatureChanges, *, objects: bool = True) -> None:
        self.workspace = workspace
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
        self.calls: dict[str, NodeDef] = {}
        self.inlined: InlinedCopy | None = None
        self.method_of_chosen = change.method is not None and (change.signature is not None or not change.add)

    def wrong(self, code: str, where: str, message: str, hint: str | None = None) -> None:
        """Report an error."""
        self.workspace.note(code, "error", show(where), message, hint)

    def look_up(self) -> None:
        """Report everything that stands against the change, and find the endpoints of added signatures."""
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
