"""Endpoints of wires: from written forms to tensors of a model's main graph.

The written forms are those of the README: a signature key, `SIGNATURE#KEY`, a tensor (`node:0`, `%node:0`), a tensor
inside calls (`CALL::node:0`). Looking up never raises for what the user can mend; it returns a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from workbench import names
from workbench.disk import dtypes
from workbench.findings import Action, Finding, Hint
from workbench.model.meta import MetaGraph
from workbench.model.shapes import Shape
from workbench.model.signature import HIDDEN_SIGNATURES, Port, Signature
from workbench.names import show
from workbench.surgery.imported import is_placeholder
from workbench.surgery.plan import DEFAULT_SIGNATURE

Side = Literal["source", "target"]
_NEVER_CROSSES = frozenset({"resource", "variant"})


class Endpoint(NamedTuple):
    """One endpoint of a wire, looked up.

    Attributes:
        handle: the model.
        written: the endpoint in its shortest unambiguous written form, without the handle.
        kind: `dense`, `sparse` or `composite`.
        tensors: `node:k` of each component; one for dense, indices, values and dense_shape for sparse.
        dtypes: DataType of each component, references as their base.
        shapes: shape of each component by its node and the signature.
        signature: the signature it was found in, or None for a bare tensor.
        key: the key it was found under, or None for a bare tensor.
        hides: the other tensor that the same text would name if there was no such key, or None.
    """

    handle: str
    written: str
    kind: str
    tensors: tuple[str, ...]
    dtypes: tuple[int, ...]
    shapes: tuple[Shape, ...]
    signature: str | None = None
    key: str | None = None
    hides: str | None = None

    def __str__(self) -> str:
        return f"{self.handle}@{self.written}"

    @property
    def nodes(self) -> tuple[str, ...]:
        """The node of each component."""
        return tuple(names.input_tensor(tensor).node for tensor in self.tensors)


def chosen_signature(
    meta: MetaGraph, handle: str, wanted: str | None, *, step: bool = False
) -> Signature | Finding:
    """Return the signature whose keys this model's endpoints mean, or a finding.

    Args:
        meta: the MetaGraph of the model.
        handle: of the model.
        wanted: key of the signature; None for `serving_default` if there, else the only one.
        step: whether a step of a plan asks, which has a field for it.
    """
    known = {key: value for key, value in meta.signatures.items() if key not in HIDDEN_SIGNATURES}
    if wanted is not None:
        if wanted in known:
            return known[wanted]
        callables = [item.path for item in meta.callables]
        if wanted in callables:
            return Finding(
                "R1-callable",
                "error",
                handle,
                f"{show(wanted)!r} is a callable of the object graph; a join takes the main graph's tensors.",
                _signature_hint(known),
            )
        return Finding(
            "R1-signature",
            "error",
            handle,
            f"There is no signature {show(wanted)!r}.",
            names.did_you_mean(wanted, [*known, *callables], noun="signatures and callables"),
        )
    if DEFAULT_SIGNATURE in known:
        return known[DEFAULT_SIGNATURE]
    if len(known) == 1:
        return next(iter(known.values()))
    if not known:
        return Finding(
            "R1-no-signature",
            "error",
            handle,
            "The MetaGraph has no signature whose keys could be named.",
            Hint("Name tensors instead (`node:0`): ", Action("list-nodes")),
        )
    return Finding(
        "R1-signature",
        "error",
        handle,
        f"There are {len(known)} signatures and none is {DEFAULT_SIGNATURE!r}: "
        f"{', '.join(show(key) for key in sorted(known)[:8])}.",
        Hint("Choose one: ", Action("choose-signature", {"step": "any"} if step else {"handle": handle})),
    )


def _signature_hint(known: Mapping[str, Signature]) -> str:
    if known:
        return f"Use a signature: {', '.join(show(key) for key in sorted(known)[:8])}."
    return "Save the model with a signature, or name a tensor of the main graph."


@dataclass(frozen=True, slots=True)
class Lookup:
    """Look up endpoints in one model.

    Attributes:
        meta: the MetaGraph; for endpoints inside calls, one in which those calls are inlined.
        handle: of the model.
        chosen: the signature whose keys are looked up, or None.
        inside: endpoints inside calls, as written, to their tensor in `meta`, or to what is wrong with them.
        judging: find endpoints inside calls although none are inlined in `meta`: to judge wires that are not drawn yet.
    """

    meta: MetaGraph
    handle: str
    chosen: Signature | None
    inside: Mapping[str, str | Finding] = field(default_factory=dict)
    judging: bool = False

    def find(self, text: str, side: Side) -> Endpoint | Finding:
        """Return the endpoint that `text` (without its handle) means, or a finding."""
        where = f"{self.handle}@{show(text)}"
        key = self.key(text, side)
        if key is not None:
            return key
        if self.chosen is not None and text in self._ports(self.chosen, side):
            return self._dangling(self.chosen, text, where, side)
        if names.CALL_SEPARATOR in text:
            known = self.inside.get(text)
            if isinstance(known, Finding):
                return known
            if known is not None:
                return self._tensor(known, where, side, text)
            return self._judged(text, where) if self.judging else self._inside_call(text, where)
        if text.startswith("%"):
            return self._tensor(text[1:], where, side, text)
        if "#" in text:
            found = self._qualified(text, where, side)
            if found is not None:
                return found
        if self._node_tensor(text) is not None:
            return self._tensor(text, where, side, text)
        return self._unknown(text, where, side)

    def key(self, text: str, side: Side) -> Endpoint | None:
        """Find the endpoint that is a key of a signature, whatever characters the key has.

        A key of the chosen signature wins over everything else that the text could name.
        """
        found = self._by_key(text, side)
        if found is not None:
            other = self._node_tensor(text)
            return found if other in (None, *found.tensors) else found._replace(hides=other)
        if "#" in text:
            qualified = self._qualified(text, f"{self.handle}@{show(text)}", side)
            return qualified if isinstance(qualified, Endpoint) else None
        return None

    def _node_tensor(self, text: str) -> str | None:
        """Return `node:k` of the main graph, if a text names one."""
        tensor = names.parse_tensor(text)
        return str(tensor) if tensor is not None and tensor.node in self.meta.nodes else None

    def _ports(self, signature: Signature, side: Side) -> Mapping[str, Port]:
        return signature.outputs if side == "source" else signature.inputs

    def _dangling(self, signature: Signature, key: str, where: str, side: Side) -> Finding:
        """Say that a key exists, and that the graph lacks its tensor."""
        tensors = ", ".join(show(name) for name in self._ports(signature, side)[key].tensors)
        return Finding(
            "R1-dangling",
            "error",
            where,
            f"The signature {show(signature.key)!r} gives {tensors or 'no tensor'} for this key, "
            "which the graph does not have.",
            Hint("The model is damaged. Name another tensor, or ", Action("check-model")),
        )

    def _by_key(self, key: str, side: Side) -> Endpoint | None:
        if self.chosen is None or key not in self._ports(self.chosen, side):
            return None
        found = self._port(self.chosen, key, side, written=key)
        return found if isinstance(found, Endpoint) else None

    def _qualified(self, text: str, where: str, side: Side) -> Endpoint | Finding | None:
        """Return the endpoint of `SIGNATURE#KEY` or `#KEY`; names may contain `#`."""
        for index, char in enumerate(text):
            if char != "#":
                continue
            name, key = text[:index], text[index + 1 :]
            signature = self.chosen if not name else self.meta.signatures.get(name)
            if signature is not None and key in self._ports(signature, side):
                return self._port(signature, key, side, written=text)
        name, _, key = text.partition("#")
        signature = self.chosen if not name else self.meta.signatures.get(name)
        if signature is not None:
            return self._no_key(signature, key, where, side)
        if name.partition("[")[0] in [item.path for item in self.meta.callables]:
            return Finding(
                "R1-callable",
                "error",
                where,
                f"{show(name)!r} is a callable, and the model is joined by another signature.",
                Hint(
                    "Choose it for the whole model: ",
                    Action("choose-signature", {"handle": self.handle, "key": show(name)}),
                ),
            )
        if name:
            return Finding(
                "R1-signature",
                "error",
                where,
                f"There is no signature {show(name)!r}.",
                self._meant(name),
            )
        return None

    def _meant(self, name: str) -> str | None:
        """Return a suggestion for an unknown signature or callable, or None."""
        known = [key for key in self.meta.signatures if key not in HIDDEN_SIGNATURES]
        callables = [item.path for item in self.meta.callables]
        noun = "signatures and callables" if callables else "signatures"
        return names.did_you_mean(name, [*known, *callables], noun=noun)

    def _no_key(self, signature: Signature, key: str, where: str, side: Side) -> Finding:
        ports, other = self._ports(signature, side), "inputs" if side == "source" else "outputs"
        direction = "outputs" if side == "source" else "inputs"
        opposite = signature.inputs if side == "source" else signature.outputs
        aside = f" It is one of its {other}." if key in opposite else ""
        return Finding(
            "R1-key",
            "error",
            where,
            f"The signature {show(signature.key)!r} has no {direction[:-1]} {show(key)!r}.{aside}",
            names.did_you_mean(key, ports, noun=f"{direction}"),
        )

    def _port(self, signature: Signature, key: str, side: Side, written: str) -> Endpoint | Finding:
        port = self._ports(signature, side)[key]
        where = f"{self.handle}@{show(written)}"
        types: list[int] = []
        shapes: list[Shape] = []
        for name in port.tensors:
            checked = self._checked(name, where)
            if isinstance(checked, Finding):
                return checked
            dtype, shape = checked
            types.append(dtype if dtype is not None else port.dtype)
            shapes.append(shape)
        return Endpoint(
            self.handle,
            written,
            port.kind,
            tuple(port.tensors),
            tuple(types),
            tuple(shapes),
            signature.key,
            key,
        )

    def _checked(self, tensor: str, where: str) -> tuple[int | None, Shape] | Finding:
        """Return the dtype (None if unknown) and shape of a tensor, or a finding."""
        parsed = names.parse_tensor(tensor)
        node = self.meta.nodes.get(parsed.node) if parsed is not None else None
        if parsed is None or node is None:
            return Finding(
                "R1-tensor",
                "error",
                where,
                f"There is no tensor {show(tensor)!r} in the main graph.",
                names.did_you_mean(parsed.node if parsed else tensor, self.meta.nodes, noun="nodes"),
            )
        types = self.meta.output_types(node)
        if types is not None and parsed.index >= len(types):
            count = len(types)
            return Finding(
                "R1-output",
                "error",
                where,
                f"{show(parsed.node)!r} ({show(node.op)}) has "
                + (f"outputs 0 to {count - 1}" if count > 1 else "one output, 0" if count else "no outputs")
                + f", not {parsed.index}.",
                f"Write {show(parsed.node)}:0." if count else "Choose a node with outputs.",
            )
        # A placeholder's own attributes say what it takes; signatures of real models may be wrong.
        look = self.meta.node_tensor if is_placeholder(node) else self.meta.tensor
        found = look(str(parsed))
        if found is None or not found.dtype:
            return None, None
        return dtypes.base(found.dtype), found.shape

    def _tensor(self, text: str, where: str, side: Side, written: str) -> Endpoint | Finding:
        parsed = names.parse_tensor(text)
        checked = self._checked(text, where)
        if isinstance(checked, Finding):
            return checked
        dtype, shape = checked
        assert parsed is not None
        if dtype is None:
            return Finding(
                "R1-unknown-op",
                "error",
                where,
                f"The op {show(self.meta.nodes[parsed.node].op)!r} is in neither TensorFlow's op table nor the "
                "model's own list, so the dtypes of its outputs are unknown.",
                "Wire a tensor before or behind it, or one that a signature names.",
            )
        if dtypes.name(dtype) in _NEVER_CROSSES:
            return Finding(
                "R3-resource",
                "error",
                where,
                f"{show(text)!r} is a {dtypes.name(dtype)}; such tensors never cross from one model to another.",
                "Wire the value that is read from it.",
            )
        del side
        return Endpoint(self.handle, written, "dense", (str(parsed),), (dtype,), (shape,))

    def _judged(self, text: str, where: str) -> Endpoint | Finding:
        """Return an endpoint inside calls that are not inlined, or a finding."""
        from workbench.surgery.resolve.inside_calls import look_inside

        found = look_inside(self.meta, text, where)
        if isinstance(found, Finding):
            return found
        name, tensor = found
        if not tensor.dtype or dtypes.name(dtypes.base(tensor.dtype)) in _NEVER_CROSSES:
            what = (
                "tensor of an unknown dtype" if not tensor.dtype else dtypes.name(dtypes.base(tensor.dtype))
            )
            return Finding(
                "R3-resource",
                "error",
                where,
                f"{show(text)!r} is a {what}; such tensors never cross from one model to another.",
                "Wire the value that is read from it.",
            )
        return Endpoint(self.handle, text, "dense", (name,), (dtypes.base(tensor.dtype),), (tensor.shape,))

    def _inside_call(self, text: str, where: str) -> Finding:
        call = text.split(names.CALL_SEPARATOR, 1)[0]
        node = self.meta.nodes.get(call)
        if node is None:
            return Finding(
                "R1-call",
                "error",
                where,
                f"There is no call {show(call)!r} in the main graph.",
                names.did_you_mean(call, self.meta.nodes, noun="nodes"),
            )
        count = len(self.meta.output_types(node) or ())
        outputs = ", ".join(f"{show(call)}:{index}" for index in range(min(count, 6)))
        return Finding(
            "R1-inside-call",
            "error",
            where,
            "A tensor inside a function's body can't be an endpoint of a wire.",
            f"The nearest that can are the outputs of the call: {outputs}." if outputs else None,
        )

    def _unknown(self, text: str, where: str, side: Side) -> Finding:
        ports: Mapping[str, Port] = {}
        aside = ""
        if self.chosen is not None:
            ports = self._ports(self.chosen, side)
            opposite = self.chosen.inputs if side == "source" else self.chosen.outputs
            if text in opposite:
                aside = f" (It is an {'input' if side == 'source' else 'output'} of the signature.)"
            for other in self.meta.signatures.values():
                if text in self._ports(other, side):
                    return Finding(
                        "R1-key",
                        "error",
                        where,
                        f"The signature {show(self.chosen.key)!r} has no such key; {show(other.key)!r} has.",
                        f"Write {show(other.key)}#{show(text)}.",
                    )
        direction = "outputs" if side == "source" else "inputs"
        callable_ = self._callable_with(text, side) if self.chosen is None else None
        node = text.partition(":")[0]
        close_nodes = names.nearest(node, self.meta.nodes)
        if callable_ is not None:
            hint: str | None = f"Write {show(callable_)}#{show(text)}: it is a key of this callable."
        elif names.nearest(text, ports) or not close_nodes:
            hint = names.did_you_mean(text, ports, noun=direction)
        else:
            hint = f"Nodes with similar names: {', '.join(map(show, close_nodes))}."
        return Finding(
            "R1-unknown",
            "error",
            where,
            f"{show(text)!r} is neither {'an output' if side == 'source' else 'an input'} of the signature "
            f"nor a node of the main graph.{aside}",
            hint,
        )

    def _callable_with(self, key: str, side: Side) -> str | None:
        """Return the first callable that has a key."""
        for item in self.meta.callables:
            for variant in item.variants:
                if key in [spec.key for spec in (variant.outputs if side == "source" else variant.inputs)]:
                    return item.path
        return None
