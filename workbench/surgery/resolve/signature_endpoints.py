"""Endpoints of an added signature: tensors, or the keys of one callable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from workbench import names
from workbench.disk.schema import NodeDef, TensorInfo
from workbench.findings import Finding
from workbench.graph.needs import Needs
from workbench.model import MetaGraph
from workbench.model.op_classes import MUST_BE_FED
from workbench.model.shapes import to_proto
from workbench.model.signature import Signature
from workbench.names import show
from workbench.surgery.resolve.callables import Prepared, prepare_endpoints
from workbench.surgery.resolve.endpoints import Endpoint, Lookup, chosen_signature
from workbench.surgery.resolve.inside_calls import InlinedCopy, inline_for_endpoints
from workbench.surgery.resolve.links import hides

if TYPE_CHECKING:
    from workbench.surgery.signatures.changes import Added
    from workbench.surgery.workspace import Workspace

Side = Literal["inputs", "outputs"]


@dataclass(frozen=True, slots=True)
class FoundEndpoints:
    """What the inputs and outputs of a signature mean.

    Attributes:
        inputs: by key, those that were found.
        outputs: likewise.
        meta: where their tensors are: the original, with calls inlined, or with the nodes that call a callable.
        prepared: the callable, or None.
        calls: the nodes that the main graph gets for it, by name.
    """

    inputs: Mapping[str, Endpoint]
    outputs: Mapping[str, Endpoint]
    meta: MetaGraph
    prepared: Prepared | None
    calls: Mapping[str, NodeDef]

    def info(self, endpoint: Endpoint) -> TensorInfo:
        """Return the TensorInfo of an endpoint."""
        definitions = self.meta.proto.signature_def
        if endpoint.signature is not None and endpoint.key is not None and endpoint.signature in definitions:
            definition = definitions[endpoint.signature]
            for ports in (definition.outputs, definition.inputs):
                if endpoint.key in ports and endpoint.kind != "dense":
                    return ports[endpoint.key]
        info = TensorInfo(name=endpoint.tensors[0], dtype=endpoint.dtypes[0])
        info.tensor_shape.CopyFrom(to_proto(endpoint.shapes[0]))
        return info


def inline_for_added(workspace: Workspace, added: Iterable[Added], chosen: str | None) -> InlinedCopy | None:
    """Inline the calls that endpoints of added signatures are in, in a copy.

    None if no endpoint is inside a call.

    Args:
        workspace: in which nothing has changed yet.
        added: the signatures.
        chosen: as for `find_endpoints`.
    """
    meant = chosen_signature(workspace.original, "model", chosen, step=True)
    lookup = Lookup(workspace.original, "model", meant if isinstance(meant, Signature) else None)
    inside: list[str] = []
    for one in added:
        inside += [text for text in dict(one.inputs).values() if _is_inside(lookup, text, "target")]
        inside += [text for text in dict(one.outputs).values() if _is_inside(lookup, text, "source")]
    return inline_for_endpoints(workspace.model, "model", inside) if inside else None


def _is_inside(lookup: Lookup, text: str, role: Literal["source", "target"]) -> bool:
    return names.CALL_SEPARATOR in text and lookup.key(text, role) is None


def find_endpoints(
    workspace: Workspace,
    added: Added,
    chosen: str | None,
    taken: Iterable[str],
    inlined: InlinedCopy | None = None,
) -> FoundEndpoints | None:
    """Look up the endpoints of a signature; report what is wrong with them.

    Problems are findings of the workspace.

    Args:
        workspace: in which nothing has changed yet.
        added: the signature.
        chosen: key of the signature whose keys bare words mean; None for the obvious one.
        taken: names that no node for it may have, besides those of the main graph.
        inlined: the original with the calls inlined in which endpoints lie, or None.

    Returns:
        None if the callable that they name can't be used.
    """
    endpoints = (dict(added.inputs).values(), dict(added.outputs).values())
    prepared = prepare_endpoints(workspace.model, "model", *endpoints, taken=taken)
    if isinstance(prepared, Finding):
        workspace.findings.append(prepared)
        return None
    meta, calls = workspace.original if inlined is None else inlined.meta, {}
    if prepared is not None:
        meta = prepared.meta
        calls = {name: node for name, node in meta.nodes.items() if name not in workspace.original.nodes}
    inputs, outputs = (
        _look_up(workspace, added, chosen, meta, prepared, role, inlined) for role in ("target", "source")
    )
    if not added.outputs:
        where = show(added.key)
        workspace.note(
            "signature-no-output",
            "error",
            where,
            "A signature needs outputs.",
            "Add outputs: KEY=TENSOR.",
        )
    found = FoundEndpoints(inputs, outputs, meta, prepared, calls)
    if len(inputs) == len(added.inputs) and len(outputs) == len(added.outputs):
        _check_feedable(workspace, added.key, found)
    return found


def _look_up(
    workspace: Workspace,
    added: Added,
    chosen: str | None,
    meta: MetaGraph,
    prepared: Prepared | None,
    role: Literal["source", "target"],
    inlined: InlinedCopy | None,
) -> dict[str, Endpoint]:
    called = None if prepared is None else meta.signatures[prepared.called.key]
    meant = called or chosen_signature(meta, "model", chosen, step=True)
    inside = inlined.inside if inlined is not None else {}
    lookup = Lookup(meta, "model", meant if isinstance(meant, Signature) else None, inside)
    found = {}
    for key, text in dict(added.outputs if role == "source" else added.inputs).items():
        endpoint = lookup.find(text, role)
        if not isinstance(endpoint, Endpoint):
            workspace.findings.append(endpoint)
        elif called is not None and endpoint.signature != called.key:
            workspace.note(
                "signature-callable",
                "error",
                show(text),
                f"The signature {show(added.key)!r} is made of the callable {show(called.key)}, and this is none of "
                "its keys.",
                f"Write {show(called.key)}#KEY, or add a signature of its own for this tensor.",
            )
        else:
            found[key] = endpoint
            hidden = hides(endpoint)
            if hidden is not None:
                workspace.findings.append(hidden)
    return found


def _check_feedable(workspace: Workspace, signature: str, found: FoundEndpoints) -> None:
    feeds = {tensor: f"\0{key}" for key, endpoint in found.inputs.items() for tensor in endpoint.tensors}
    roots = [tensor for endpoint in found.outputs.values() for tensor in endpoint.tensors]
    reached = Needs(found.meta).nodes(roots, feeds, as_it_is=True)
    nodes = found.meta.nodes
    bare = sorted(name for name in reached if name in nodes and nodes[name].op in MUST_BE_FED)
    if bare:
        _tell_unfed(workspace, signature, bare, found.prepared)
    fed: dict[str, str] = {}
    for key, endpoint in found.inputs.items():
        for tensor in endpoint.tensors:
            if fed.setdefault(tensor, key) != key:
                workspace.note(
                    "signature-shared-input",
                    "error",
                    show(signature),
                    f"{show(fed[tensor])!r} and {show(key)!r} would both feed {show(tensor)}.",
                    "Leave one of them out; tf.saved_model.load takes no two inputs for one tensor.",
                )
        if not {feeds[tensor] for tensor in endpoint.tensors} & reached:
            workspace.note(
                "signature-unused-input", "warning", f"{show(signature)}#{show(key)}",
                "None of its outputs depends on this input, but callers have to give it.",
                "Leave it out, unless it has to be there.",
            )  # fmt: skip


def _tell_unfed(workspace: Workspace, signature: str, bare: list[str], prepared: Prepared | None) -> None:
    """Report the placeholders, or arguments of a callable, that no input feeds."""
    if prepared is None:
        listed = ", ".join(f"{show(name)}:0" for name in bare[:6])
        told = f"Its outputs need {'a placeholder' if len(bare) == 1 else f'{len(bare)} placeholders'} that no input "
        told += f"feeds: {listed}."
        hint = f"Add an input KEY={show(bare[0])}:0."
    else:
        called = prepared.called
        ports = prepared.meta.signatures[called.key].inputs
        keys = [key for key, port in ports.items() if any(f"{name}:0" in port.tensors for name in bare)]
        told = f"{show(called.path)}[{called.index}] takes {'an argument' if len(keys) == 1 else 'arguments'} that no "
        told += f"input feeds: {', '.join(map(show, keys))}."
        hint = f"Add an input {show(keys[0])}={show(called.key)}#{show(keys[0])}, or choose another variant."
    workspace.note("signature-unfeedable", "error", show(signature), told, hint)
