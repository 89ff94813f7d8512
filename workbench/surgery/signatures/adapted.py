"""Adapters in front of inputs and behind outputs of a signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from workbench import names
from workbench.disk.schema import NodeDef
from workbench.errors import UsageError
from workbench.model import shapes
from workbench.model.op_classes import MUST_BE_FED
from workbench.model.signature import Port, Signature
from workbench.names import TensorName, did_you_mean, show
from workbench.surgery.adapters.chain import Chain
from workbench.surgery.adapters.checked import Checked
from workbench.surgery.adapters.fragment import Fragment, Tensor, free_scope
from workbench.surgery.adapters.tensor_type import TensorType
from workbench.surgery.export.files import place_files
from workbench.surgery.export.init_ops import run_too
from workbench.surgery.export.signature_functions import InUse
from workbench.surgery.export.tables import tables_of_step
from workbench.surgery.lineage import PassedThrough, after_steps
from workbench.surgery.resolve.links import adapter_remarks
from workbench.surgery.rewrite.copy_for_signature import Consumers, needed_elsewhere
from workbench.surgery.signatures.automatic import type_of
from workbench.surgery.signatures.change_signatures import drop_warmup
from workbench.surgery.signatures.chosen import add_copy
from workbench.surgery.signatures.renewed import renew_function
from workbench.surgery.workspace import Workspace

_PASSED = ("string", "int64")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a signature.

    Attributes:
        before: key of an input to its chain.
        after: key of an output to its chain.
        passed: inputs that are passed through: `KEY`, or `KEY:int64` for a new one of that dtype.
        as_key: key of the signature that is added; None to change the one that is given.
    """

    before: Mapping[str, str]
    after: Mapping[str, str]
    passed: Sequence[str] = ()
    as_key: str | None = None


def adapt(workspace: Workspace, signature: Signature, wanted: Wanted) -> None:
    """Put chains of adapters before inputs and after outputs; or report findings.

    Args:
        workspace: changed in place.
        signature: one of the model as it stands.
        wanted: what is wanted of it.
    """
    work = _Work(workspace, signature, wanted.as_key)
    for key, text in wanted.before.items():
        work.look_up("input", key, text)
    for key, text in wanted.after.items():
        work.look_up("output", key, text)
    for text in wanted.passed:
        work.look_up_passed(text)
    if not (wanted.before or wanted.after or wanted.passed):
        workspace.note("adapt-nothing", "error", show(signature.key), "There are no adapters to put in.")
    work.find_consumers()
    if not workspace.blocked:
        work.apply()


@dataclass(frozen=True, slots=True)
class _Adapted:
    """An input or output and its checked chain.

    Attributes:
        key: its key.
        port: the input or output.
        own: its type by the graph, which knows better than the signature.
        checked: the chain.
    """

    key: str
    port: Port
    own: TensorType
    checked: Checked

    @property
    def tensor(self) -> TensorName:
        return names.input_tensor(self.port.tensor)


class _Work:
    """The steps of one operation."""

    def __init__(self, workspace: Workspace, signature: Signature, as_key: str | None) -> None:
        self.workspace = workspace
        self.signature = signature
        self.as_key = as_key
        self.key = signature.key if as_key is None else as_key
        self.before: list[_Adapted] = []
        self.after: list[_Adapted] = []
        # key to the type of a new input, or None for one that is there
        self.passed: dict[str, TensorType | None] = {}
        # inputs whose placeholder something else needs, or that are none; and what consumes them
        self.apart: frozenset[TensorName] = frozenset()
        self.consumers: Consumers | None = None

    def wrong(self, code: str, where: str, message: str, hint: str | None = None) -> None:
        self.workspace.note(code, "error", show(where), message, hint)

    # -- checks, all before anything changes

    def look_up(self, noun: str, key: str, text: str) -> None:
        ports = self.signature.inputs if noun == "input" else self.signature.outputs
        port = ports.get(key)
        if port is None:
            message = f"The signature {show(self.signature.key)!r} has no {noun} {show(key)!r}."
            self.wrong("adapt-endpoint", key, message, did_you_mean(key, ports, noun=f"{noun}s"))
            return
        if port.kind != "dense":
            self.wrong("adapt-endpoint", key, f"The {noun} is {port.kind}; adapters take dense tensors.")
            return
        if names.input_node(port.tensor) not in self.workspace.original.nodes:
            self.wrong("adapt-endpoint", key, f"The graph has no node of its tensor {show(port.tensor)!r}.")
            return
        try:
            chain = Chain.parse(text)
        except UsageError as problem:
            self.wrong("adapt-chain", key, problem.message, str(problem.hint) if problem.hint else None)
            return
        if not chain.adapters:
            told = f"The chain of the {noun} {show(key)!r} has no adapter."
            self.wrong("adapt-chain", key, told, "Write one, such as cast, or leave the chain out.")
            return
        twins = [other.key for other in ports.values() if other is not port and port.tensor in other.tensors]
        if noun == "input" and twins:
            told = f"The input {show(twins[0])!r} feeds the same tensor."
            self.wrong("adapt-endpoint", key, told, f"Drop the input {show(twins[0])!r} in a step before.")
            return
        own = type_of(self.workspace, port)
        if noun == "input":
            checked = chain.check(chain.source(own), own, files=True)
        else:
            checked = chain.check(own, files=True)
        if checked.problem is not None:
            self.wrong("adapt-chain", key, checked.problem, checked.hint)
            return
        if noun == "input" and checked.companions:
            told = f"The chain gives {len(checked.companions) + 1} tensors; an input takes one."
            self.wrong("adapt-chain", key, told)
            return
        for name in checked.companions:
            if f"{key}_{name}" in self.signature.outputs:
                told = "The signature has an output of this name already."
                self.wrong("adapt-endpoint", f"{key}_{name}", told)
        (self.before if noun == "input" else self.after).append(_Adapted(key, port, own, checked))

    def look_up_passed(self, text: str) -> None:
        """Look up an input that is passed through; `KEY:int64` is a new one of that dtype."""
        inputs = self.signature.inputs
        key, _, dtype = text.rpartition(":")
        if text in inputs or not key or dtype not in _PASSED:
            key, dtype = text, "string"
        port = inputs.get(key)
        taken = {f"{one.key}_{name}" for one in self.after for name in one.checked.companions}
        if port is not None and port.kind != "dense":
            self.wrong(
                "adapt-endpoint", key, f"The input is {port.kind}; only a dense one can be passed through."
            )
        elif key in self.signature.outputs or key in taken or key in self.passed:
            told = f"Two outputs of the signature would be {show(key)!r}."
            self.wrong("signature-key-taken", key, told, "Rename the output in a step before.")
        elif not key or (port is None and names.is_unusable_argument(key)):
            told = f"{show(key)!r} can't be the key of an input: {names.UNUSABLE_ARGUMENT}."
            self.wrong("signature-key-name", key or "inputs", told if key else "A key can't be empty.")
        else:
            self.passed[key] = None if port is not None else TensorType.of(dtype, (None,))

    def find_consumers(self) -> None:
        """Find what consumes the inputs that can't simply become what the adapters make."""
        original = self.workspace.original
        elsewhere = needed_elsewhere(
            original, None if self.as_key is not None else self.signature.key, original.nodes
        )
        self.apart = frozenset(
            one.tensor
            for one in self.before
            if one.tensor.node in elsewhere or original.nodes[one.tensor.node].op not in MUST_BE_FED
        )
        outputs = [tensor for port in self.signature.outputs.values() for tensor in port.tensors]
        self.consumers = Consumers.of(original.nodes, self.apart, outputs, elsewhere)
        loop = self.consumers.loop
        if loop is not None:
            told = f"Another signature needs the loop of {show(loop)!r} as well, which can't be copied."
            self.wrong("R1-control-flow", self.signature.key, told, "Drop that signature in a step before.")

    # -- the change

    def apply(self) -> None:
        workspace = self.workspace
        meta_graph = workspace.meta_graph
        in_use = InUse.of(meta_graph)
        if self.as_key is not None:
            add_copy(workspace, self.signature, self.as_key)
        nodes = {node.name: node for node in meta_graph.graph_def.node}
        scope = free_scope("adapt", nodes)
        fragment = Fragment(scope, nodes)
        replacements = {one.tensor: self._put_before(fragment, nodes, one) for one in self.before}
        assert self.consumers is not None
        self.consumers.redirect(
            meta_graph.graph_def,
            meta_graph.signature_def[self.key],
            {tensor: replacements[tensor] for tensor in self.apart},
            f"{scope}/copy",
        )
        for one in self.after:
            self._put_after(fragment, one)
        for key, added in self.passed.items():
            self._pass_through(fragment, key, added)
        meta_graph.graph_def.node.extend(fragment.nodes)
        meta_graph.graph_def.library.function.extend(fragment.functions)
        self._place_files(fragment)
        if workspace.original.has_object_graph:
            self._make_function(fragment, in_use)
        for side, adapted in (("before", self.before), ("after", self.after)):
            for one in adapted:
                workspace.chains.append((f"{side} {one.key}", one.checked))
                workspace.findings += adapter_remarks(one.checked, show(one.key))
        if (self.before or any(self.passed.values())) and self.as_key is None:
            drop_warmup(workspace)
        workspace.faithful = False
        workspace.references.verify([self.key])

    def _put_before(self, fragment: Fragment, nodes: Mapping[str, NodeDef], one: _Adapted) -> TensorName:
        """Add a placeholder for the new value and the chain; return the tensor that replaces the old one."""
        have = one.checked.have
        value = fragment.op("Placeholder", name="input", dtype=have.dtype, shape=have.shape)
        result = one.checked.build(fragment, value)[""]
        exact = shapes.fits(one.checked.type.shape, one.own.shape) == "proven"
        if one.tensor in self.apart:
            attrs = {} if exact else {"shape": one.own.shape}
            name = fragment.op("Identity" if exact else "EnsureShape", result, name="value", **attrs).node
        else:  # the placeholder itself passes it on, under its own name
            old = nodes[one.tensor.node]
            device, name = old.device, old.name
            old.Clear()
            old.name, old.device, old.op = name, device, "Identity" if exact else "EnsureShape"
            old.input.append(fragment.text(result))
            old.attr["T"].type = result.dtype
            if not exact:
                old.attr["shape"].shape.CopyFrom(shapes.to_proto(one.own.shape))
        definition = self.workspace.meta_graph.signature_def[self.key]
        definition.inputs[one.key].CopyFrom(have.info(f"{value.node}:0"))
        if one.key in definition.defaults:  # a value of the old input
            del definition.defaults[one.key]
        self._adapt_reference("inputs", one, {one.key: ""})
        return TensorName(name)

    def _put_after(self, fragment: Fragment, one: _Adapted) -> None:
        """Replace the output by the chain's result; companions become outputs."""
        outputs = self.workspace.meta_graph.signature_def[self.key].outputs
        name = names.input_tensor(outputs[one.key].name)  # it may be a copy by now
        results = one.checked.build(fragment, Tensor(name.node, one.own.dtype, name.index))
        keys = {}
        for part, tensor in results.items():
            key = f"{one.key}_{part}" if part else one.key
            keys[key] = part
            told = one.checked.companions[part] if part else one.checked.type
            outputs[key].CopyFrom(told.info(f"{tensor.node}:{tensor.index}"))
        self._adapt_reference("outputs", one, keys)

    def _pass_through(self, fragment: Fragment, key: str, added: TensorType | None) -> None:
        """Return an input as it is given, under its own key."""
        definition = self.workspace.meta_graph.signature_def[self.key]
        if added is not None:
            made = fragment.op("Placeholder", name="passed", dtype=added.dtype, shape=added.shape)
            definition.inputs[key].CopyFrom(added.info(f"{made.node}:0"))
        info = definition.inputs[key]
        name = names.input_tensor(info.name)
        result = fragment.op("Identity", Tensor(name.node, info.dtype, name.index), name="passed_on")
        definition.outputs[key].CopyFrom(info)
        definition.outputs[key].name = f"{result.node}:0"
        known = self.workspace.references.known
        if self.key in known:
            reference = known[self.key]
            inputs = reference.inputs if added is None else {**reference.inputs, key: ()}
            outputs = {**reference.outputs, key: PassedThrough(key)}
            known[self.key] = replace(reference, inputs=inputs, outputs=outputs)

    def _adapt_reference(self, side: str, one: _Adapted, parts: Mapping[str, str]) -> None:
        """Put the chain into the references of the signature's key."""
        known = self.workspace.references.known
        reference = known.get(self.key)
        if reference is None:
            return
        steps, tolerance = tuple(one.checked.reference()), one.checked.tolerance
        if side == "inputs":
            # what is nearer to the model comes last before an input, and first after an output
            taking = tuple(
                found._replace(steps=(*steps, *found.steps), tolerance=found.tolerance | tolerance)
                for found in reference.inputs[one.key]
            )
            known[self.key] = replace(reference, inputs={**reference.inputs, one.key: taking})
            return
        source = reference.outputs[one.key]
        results = {key: after_steps(source, steps, tolerance, part) for key, part in parts.items()}
        known[self.key] = replace(reference, outputs={**reference.outputs, **results})

    def _place_files(self, fragment: Fragment) -> None:
        """Add the files of tables to the assets, and let the init op fill the tables."""
        meta_graph = self.workspace.meta_graph
        files, plan = self.workspace.joined_files, self.workspace.plan
        files = self.workspace.added_files if files is None else files
        if fragment.assets:
            place_files(meta_graph, fragment.assets, files, plan.file_name, self.workspace.files())
        if fragment.init_ops:
            init_op = self.workspace.original.init_op
            run_too(meta_graph, init_op, fragment.init_ops, f"{fragment.scope}/init")

    def _make_function(self, fragment: Fragment, in_use: InUse) -> None:
        """Make the function of the signature in the object graph, and the objects of tables."""
        workspace = self.workspace
        tables: dict[str, int] = {}
        tables_of_step(workspace.meta_graph, fragment.scope, fragment.init_ops, tables)
        renew_function(workspace, self.key, in_use, tables, added=self.as_key is not None)
