"""Adapt: put adapters before inputs and after outputs of a signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from workbench import names
from workbench.disk.schema import NodeDef, TensorInfo
from workbench.errors import UsageError
from workbench.findings import Finding
from workbench.graph.needs import Needs
from workbench.model import shapes
from workbench.model.op_classes import MUST_BE_FED
from workbench.model.signature import HIDDEN_SIGNATURES, Port, Signature
from workbench.names import did_you_mean, show
from workbench.surgery import values
from workbench.surgery.adapters.chain import Chain
from workbench.surgery.adapters.chains import Chains
from workbench.surgery.adapters.checked import Checked
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.tensor_type import TensorType
from workbench.surgery.export.files import place_files
from workbench.surgery.export.init_ops import use_main_op
from workbench.surgery.export.signature_functions import InUse, sweep, unlink
from workbench.surgery.operation import Operation, normalise, option, register
from workbench.surgery.resolve.adapted import adapter_remarks
from workbench.surgery.resolve.endpoints import chosen_signature
from workbench.surgery.signatures.change_signatures import drop_warmup, make_function
from workbench.surgery.workspace import Workspace

Pairs = Mapping[str, str] | Sequence[tuple[str, str]]
_SIZED = ("resize", "crop", "pad", "letterbox")
_FROM_STRINGS = (
    *("decode-base64", "decode-image", "lowercase", "regex-replace", "split", "lookup", "parse-number"),
)


@register
@dataclass(frozen=True, slots=True)
class Adapt(Operation):
    """Put adapters before inputs and after outputs of a signature.

    A chain of adapters is written `resize 224 224 | cast float32 | scale 1/255`.

    Attributes:
        before: key of an input to the chain that its value goes through first.
        after: key of an output to the chain that it goes through last; further results get the key `KEY_NAME`.
        signature: the chosen one; None for `serving_default` if there, else the only one.
    """

    NAME: ClassVar[str] = "adapt"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "adapt 'before=image=decode-image | resize 224 224 | scale 1/255'",
        "adapt 'after=scores=softmax | labels @labels.txt'",
    )

    before: Pairs = option(
        Chains(), "adapters before an input", metavar="KEY=CHAIN", default=(), words=2, keys="inputs"
    )
    after: Pairs = option(
        Chains(), "adapters after an output", metavar="KEY=CHAIN", default=(), words=2, keys="outputs"
    )
    signature: str | None = option(
        values.Text(optional=True), "the signature to change", metavar="KEY", default=None
    )

    def __post_init__(self) -> None:
        normalise(self)

    @property
    def empty(self) -> bool:
        """Whether no change is requested."""
        return not self.before and not self.after

    def apply(self, workspace: Workspace) -> None:
        """Apply the adapters to a workspace, or report findings and change nothing."""
        found = chosen_signature(workspace.original, "model", self.signature)
        if isinstance(found, Finding):
            workspace.findings.append(found)
            return
        work = _Work(workspace, found)
        for key, text in dict(self.before).items():
            work.look_up("input", key, text)
        for key, text in dict(self.after).items():
            work.look_up("output", key, text)
        if not self.before and not self.after:
            workspace.note("adapt-nothing", "error", show(found.key), "There are no adapters to put in.")
        if not workspace.blocked:
            work.apply()


@dataclass(frozen=True, slots=True)
class _Adapted:
    """An input or output and its checked chain."""

    key: str
    port: Port
    checked: Checked


class _Work:
    """The steps of one operation."""

    def __init__(self, workspace: Workspace, signature: Signature) -> None:
        self.workspace = workspace
        self.signature = signature
        self.before: list[_Adapted] = []
        self.after: list[_Adapted] = []

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
        try:
            chain = Chain.parse(text)
        except UsageError as problem:
            self.wrong("adapt-chain", key, problem.message, str(problem.hint) if problem.hint else None)
            return
        own = TensorType.of(port.dtype, port.shape)
        if noun == "input":
            checked = chain.check(_taken(chain, own), own, files=True)
        else:
            checked = chain.check(own, files=True)
        if checked.problem is not None:
            self.wrong("adapt-chain", key, checked.problem, checked.hint)
            return
        if noun == "input":
            if checked.companions:
                self.wrong(
                    "adapt-chain",
                    key,
                    f"The chain gives {len(checked.companions) + 1} tensors; an input takes one.",
                )
                return
            self._check_shared(key, port)
        for name in checked.companions:
            if f"{key}_{name}" in self.signature.outputs:
                self.wrong(
                    "adapt-endpoint", f"{key}_{name}", "The signature has an output of this name already."
                )
        (self.before if noun == "input" else self.after).append(_Adapted(key, port, checked))

    def _check_shared(self, key: str, port: Port) -> None:
        """Check that the input is a placeholder which no other signature needs."""
        original = self.workspace.original
        node = original.nodes.get(names.input_node(port.tensor))
        if node is None or node.op not in MUST_BE_FED:
            self.wrong(
                "adapt-endpoint", key, "The input is not a placeholder.", "Add a signature that has one."
            )
            return
        needs = Needs(original)
        for other in original.signatures.values():
            if other.key == self.signature.key or other.key in HIDDEN_SIGNATURES:
                continue
            tensors = [
                tensor for one in (*other.inputs.values(), *other.outputs.values()) for tensor in one.tensors
            ]
            if node.name in needs.nodes(tensors):
                self.wrong(
                    "adapt-shared",
                    key,
                    f"The signature {show(other.key)!r} needs the same placeholder, and would be changed, too.",
                    "Drop that signature in a step before.",
                )

    # -- the change

    def apply(self) -> None:
        workspace = self.workspace
        meta_graph = workspace.meta_graph
        in_use = InUse.of(meta_graph)
        nodes = {node.name: node for node in meta_graph.graph_def.node}
        scope = _scope(nodes)
        fragment = Fragment(scope, nodes)
        for one in self.before:
            self._put_before(fragment, nodes, one)
        for one in self.after:
            self._put_after(fragment, one)
        meta_graph.graph_def.node.extend(fragment.nodes)
        meta_graph.graph_def.library.function.extend(fragment.functions)
        self._place_files(fragment)
        if workspace.original.has_object_graph and not workspace.blocked:
            unlink(meta_graph.object_graph_def, self.signature.key)
            make_function(workspace, self.signature.key)
            sweep(meta_graph, in_use)
            workspace.note(
                "adapt-objects",
                "info",
                show(self.signature.key),
                "The signature is changed; callables of the object graph, as __call__, stay as they were.",
            )
        for one in (*self.before, *self.after):
            self._tell(one)
        if self.before:
            drop_warmup(workspace)
        workspace.references.verify([self.signature.key])

    def _put_before(self, fragment: Fragment, nodes: Mapping[str, NodeDef], one: _Adapted) -> None:
        """Add a placeholder for the new value and feed the chain's result to the old one."""
        have = one.checked.have
        value = fragment.op("Placeholder", name="input", dtype=have.dtype, shape=have.shape)
        result = one.checked.build(fragment, value)[""]
        old = nodes[names.input_node(one.port.tensor)]
        exact = shapes.fits(one.checked.type.shape, one.port.shape) == "proven"
        device = old.device
        name = old.name
        old.Clear()
        old.name, old.device, old.op = name, device, "Identity" if exact else "EnsureShape"
        old.input.append(fragment.text(result))
        old.attr["T"].type = result.dtype
        if not exact:
            old.attr["shape"].shape.CopyFrom(shapes.to_proto(one.port.shape))
        definition = self.workspace.meta_graph.signature_def[self.signature.key]
        _write(definition.inputs[one.key], f"{value.node}:0", have)
        if one.key in definition.defaults:  # a value of the old input
            del definition.defaults[one.key]
        self._adapt_reference("inputs", one, {one.key: ""})

    def _put_after(self, fragment: Fragment, one: _Adapted) -> None:
        """Replace the output by the chain's result; companions become outputs."""
        name = names.input_tensor(one.port.tensor)
        results = one.checked.build(fragment, Tensor(name.node, one.port.dtype, name.index))
        outputs = self.workspace.meta_graph.signature_def[self.signature.key].outputs
        keys = {}
        for part, tensor in results.items():
            key = f"{one.key}_{part}" if part else one.key
            keys[key] = part
            told = one.checked.companions[part] if part else one.checked.type
            _write(outputs[key], f"{tensor.node}:{tensor.index}", told)
        self._adapt_reference("outputs", one, keys)

    def _adapt_reference(self, side: str, one: _Adapted, parts: Mapping[str, str]) -> None:
        """Put the chain into the references of the signature's key."""
        known = self.workspace.references.known
        reference = known.get(self.signature.key)
        if reference is None:
            return
        ports = dict(getattr(reference, side))
        source = ports[one.key]
        steps = tuple(one.checked.reference())
        # what is nearer to the model comes last before an input, and first after an output
        steps = (*steps, *source.steps) if side == "inputs" else (*source.steps, *steps)
        tolerance = source.tolerance | one.checked.tolerance
        for key, part in parts.items():
            ports[key] = replace(source, steps=steps, part=part, tolerance=tolerance)
        changed = replace(reference, inputs=ports) if side == "inputs" else replace(reference, outputs=ports)
        known[self.signature.key] = changed

    def _place_files(self, fragment: Fragment) -> None:
        """Add the files of tables to the assets, and let the init op fill the tables."""
        meta_graph = self.workspace.meta_graph
        files, plan = self.workspace.joined_files, self.workspace.plan
        files = self.workspace.added_files if files is None else files
        if fragment.assets:
            place_files(meta_graph, fragment.assets, files, plan.file_name, self.workspace.files())
        if not fragment.init_ops:
            return
        if self.workspace.original.has_object_graph:
            self.wrong(
                "adapt-table",
                self.signature.key,
                "A table of an adapter can't be put into an object graph yet.",
                "Put the step `flatten format=tf1` before this one.",
            )
            return
        old = self.workspace.original.init_op
        group = meta_graph.graph_def.node.add(name=f"{fragment.scope}/init", op="NoOp")
        group.input.extend(f"^{name}" for name in (*([old] if old else ()), *fragment.init_ops))
        use_main_op(meta_graph, group.name)

    def _tell(self, one: _Adapted) -> None:
        self.workspace.findings += adapter_remarks(one.checked, show(one.key))


def _taken(chain: Chain, own: TensorType) -> TensorType:
    """Return the type of the new input of a chain.

    Images that are resized may have any size.
    """
    first = [adapter.NAME for adapter in chain.adapters]
    if first and first[0] in _FROM_STRINGS:
        single = own.shape == () or (own.shape is not None and own.shape[0] == 1 and "decode-image" in first)
        rows = () if single or not own.shape else (own.shape[0],)
        return TensorType.of("string", rows if own.shape is not None else (None,))
    if own.shape is not None and len(own.shape) in (3, 4) and any(name in _SIZED for name in first):
        return own.with_shape((*own.shape[:-3], None, None, own.shape[-1]))
    return own


def _scope(nodes: Mapping[str, NodeDef]) -> str:
    """Return a scope that no node is in."""
    scopes = {name.partition("/")[0] for name in nodes}
    return next(
        name for name in (f"adapt_{number}" for number in range(len(scopes) + 1)) if name not in scopes
    )


def _write(info: TensorInfo, tensor: str, told: TensorType) -> None:
    info.Clear()
    info.name, info.dtype = tensor, told.dtype
    info.tensor_shape.CopyFrom(shapes.to_proto(told.shape))
