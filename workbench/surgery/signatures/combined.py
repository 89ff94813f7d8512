"""Outputs of a signature that are computed from several of its outputs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench import names
from workbench.disk.schema import TensorInfo
from workbench.model import shapes
from workbench.model.signature import Port, Signature
from workbench.names import did_you_mean, show
from workbench.surgery.adapters.fragment import Fragment, Tensor, free_scope
from workbench.surgery.adapters.tensor_type import TensorType
from workbench.surgery.export.signature_functions import InUse
from workbench.surgery.lineage import Combined, SourceTensors
from workbench.surgery.operation import Operation
from workbench.surgery.plan import split_handle
from workbench.surgery.signatures.chosen import add_copy, choose
from workbench.surgery.signatures.renewed import renew_function
from workbench.surgery.workspace import Workspace

Lists = Mapping[str, Sequence[str]] | Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why outputs can't be combined.

    Attributes:
        message: what is wrong.
        hint: the next move, or None.
    """

    message: str
    hint: str | None = None


Given = Sequence[tuple[str, TensorType]]
"""Outputs to be combined: the key of each, safe to print, and its type."""


def of_one_dtype(given: Given) -> Unfit | None:
    """Return why outputs have not one dtype, or None."""
    (name, first), *others = given
    for other, one in others:
        if one.dtype != first.dtype:
            return Unfit(
                f"Output `{name}` is {first}; output `{other}` is {one}. The outputs must have one dtype.",
                f"Cast one of them in a step before: adapt 'after={other}=cast {first.name}'.",
            )
    return None


class Combining(Operation):
    """An operation that computes an output from several others."""

    __slots__ = ()

    outputs: Lists
    keep: bool
    signature: str | None
    as_key: str | None

    @abstractmethod
    def result(self, given: Given) -> TensorType | Unfit:
        """Return the type of the result of at least two outputs, or why they don't fit."""

    @abstractmethod
    def build(self, fragment: Fragment, given: Sequence[Tensor], result: TensorType) -> Tensor:
        """Make the nodes that compute the result."""

    @abstractmethod
    def reference(self, given: Sequence[Any]) -> Any:
        """Return the expression that the result must agree with; see `adapters/reference.py`."""

    @property
    def empty(self) -> bool:
        """Whether no change is requested."""
        return not self.outputs

    def apply(self, workspace: Workspace) -> None:
        """Apply the change to a workspace, or report findings and change nothing."""
        found = choose(workspace, self.signature, self.as_key)
        if found is None:
            return
        work = _Work(workspace, found, self)
        if not self.outputs:
            work.wrong("combine-few", found.key, "No output is asked for.", "Write KEY=OUTPUT,OUTPUT.")
        for key, texts in dict(self.outputs).items():
            work.look_up(key, texts)
        work.check_keys()
        if not workspace.blocked:
            work.apply()


@dataclass(frozen=True, slots=True)
class _New:
    """A new output: its key, the keys of the outputs it is computed from, and its type."""

    key: str
    ports: tuple[Port, ...]
    type: TensorType


class _Work:
    """The steps of one operation."""

    def __init__(self, workspace: Workspace, signature: Signature, step: Combining) -> None:
        self.workspace = workspace
        self.signature = signature
        self.step = step
        self.key = signature.key if step.as_key is None else step.as_key
        self.new: list[_New] = []

    def wrong(self, code: str, where: str, message: str, hint: str | None = None) -> None:
        self.workspace.note(code, "error", show(where), message, hint)

    # -- checks, all before anything changes

    def look_up(self, key: str, texts: Sequence[str]) -> None:
        if not key:
            self.wrong("signature-key-name", key, "An output needs a key.")
            return
        ports = [self._port(text) for text in texts]
        found = [port for port in ports if port is not None]
        if len(found) < len(ports):
            return
        if len(found) < 2:
            self.wrong(
                "combine-few", key, "At least two outputs are combined.", f"Write {show(key)}=OUTPUT,OUTPUT."
            )
            return
        result = self.step.result([(show(port.key), self._type(port)) for port in found])
        if isinstance(result, Unfit):
            self.wrong("combine-unfit", key, result.message, result.hint)
            return
        self.new.append(_New(key, tuple(found), result))

    def _port(self, text: str) -> Port | None:
        """Return the output that a text means, or report why there is none."""
        outputs = self.signature.outputs
        port = outputs.get(text) or outputs.get(self._by_source(text) or "")
        if port is None:
            message = f"The signature {show(self.signature.key)!r} has no output {show(text)!r}."
            self.wrong("signature-output", text, message, did_you_mean(text, outputs, noun="outputs"))
        elif port.kind != "dense":
            self.wrong("combine-unfit", text, f"The output is {port.kind}; dense tensors are needed.")
            return None
        return port

    def _by_source(self, text: str) -> str | None:
        """Return the key that `HANDLE@KEY`, an output of a source, has in the signature now."""
        handle, key = split_handle(text, self.workspace.plan.handles)
        reference = self.workspace.references.known.get(self.signature.key)
        if handle is None or reference is None:
            return None
        part = self.workspace.join.parts[handle]
        chosen = part.chosen or part.meta.signatures.get(self.signature.key)
        if chosen is None or key not in chosen.outputs:
            return None
        wanted = [names.input_tensor(name) for name in chosen.outputs[key].tensors]
        for own, given in reference.outputs.items():
            if not isinstance(given, SourceTensors) or given.handle != handle or given.steps:
                continue  # another model's, or not what the source gives any more
            if [names.input_tensor(name) for name in given.tensors] == wanted:
                return own
        return None

    def _type(self, port: Port) -> TensorType:
        """Return the type of an output: what the graph and the signature tell."""
        found = self.workspace.original.node_tensor(port.tensor)
        if found is None:
            return TensorType.of(port.dtype, port.shape)
        return TensorType.of(found.dtype or port.dtype, shapes.both(found.shape, port.shape))

    def check_keys(self) -> None:
        """Report new outputs whose key is taken."""
        gone = set() if self.step.keep else {port.key for one in self.new for port in one.ports}
        for one in self.new:
            if one.key in self.signature.outputs and one.key not in gone:
                hint = (
                    "Choose another key."
                    if not self.step.keep
                    else "Choose another key, or do not keep them."
                )
                told = f"The signature {show(self.signature.key)!r} has an output {show(one.key)!r} already."
                self.wrong("signature-key-taken", one.key, told, hint)

    # -- the change

    def apply(self) -> None:
        workspace = self.workspace
        meta_graph = workspace.meta_graph
        in_use = InUse.of(meta_graph)
        if self.step.as_key is not None:
            add_copy(workspace, self.signature, self.step.as_key)
        nodes = {node.name for node in meta_graph.graph_def.node}
        fragment = Fragment(free_scope(self.step.NAME, nodes), nodes)
        made = {one.key: self._build(fragment, one) for one in self.new}
        meta_graph.graph_def.node.extend(fragment.nodes)
        outputs = meta_graph.signature_def[self.key].outputs
        for key in dict.fromkeys(port.key for one in self.new for port in one.ports):
            if not self.step.keep:
                del outputs[key]
        for key, info in made.items():
            outputs[key].CopyFrom(info)
        self._change_reference()
        if workspace.original.has_object_graph:
            renew_function(workspace, self.key, in_use, added=self.step.as_key is not None)
        workspace.references.verify([self.key])

    def _build(self, fragment: Fragment, one: _New) -> TensorInfo:
        given = []
        for port in one.ports:
            name = names.input_tensor(port.tensor)
            given.append(Tensor(name.node, self._type(port).dtype, name.index))
        tensor = self.step.build(fragment, given, one.type)
        return one.type.info(f"{tensor.node}:{tensor.index}")

    def _change_reference(self) -> None:
        known = self.workspace.references.known
        reference = known.get(self.key)
        if reference is None:
            return
        made = {}
        for one in self.new:
            given = {str(at): reference.outputs[port.key] for at, port in enumerate(one.ports)}
            expression = self.step.reference([{"value": name} for name in given])
            made[one.key] = Combined(given, ({"sets": {"": expression}},))
        gone = set() if self.step.keep else {port.key for one in self.new for port in one.ports}
        rest = {key: given for key, given in reference.outputs.items() if key not in gone}
        known[self.key] = reference.with_outputs({**rest, **made})
