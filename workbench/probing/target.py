"""What is run: a signature, or a callable as the signature that is made of it."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable
from dataclasses import dataclass, replace

from workbench.disk import dtypes
from workbench.errors import UnknownName, expect
from workbench.findings import Finding
from workbench.graph.reach import ancestors, descendants
from workbench.model import MetaGraph, Model, Port, Signature, as_model
from workbench.model.assets import check_inside
from workbench.model.graphdef import read_signature
from workbench.names import did_you_mean, input_node, parse_tensor, show
from workbench.runtime.api import refuse_unsafe
from workbench.runtime.chain import Call
from workbench.runtime.component_tensors import component_names
from workbench.surgery.resolve.callables import Prepared, prepare_named, usual_callable, variant_name


@dataclass(frozen=True, slots=True)
class Target:
    """A signature that is run.

    Attributes:
        model: the opened model.
        meta: its MetaGraph; of a callable a copy in which it is a signature.
        signature: one of its signatures.
        call: the callable that the signature was made of; None for a signature of the model.
    """

    model: Model
    meta: MetaGraph
    signature: Signature
    call: Call | None = None


def find_target(
    model: Model | str | os.PathLike[str],
    tags: str | Iterable[str] | None,
    name: str | None,
    *,
    fed: Iterable[str] = (),
    fetched: Iterable[str] = (),
) -> Target:
    """Open a model and return what a name means there.

    Tensors of the main graph may be fed instead of inputs, as a Session allows: they become inputs under their names,
    and inputs that nothing needs then are left out.

    Args:
        model: an opened model, or what `open_model` takes.
        tags: tag set of the MetaGraph; None for the obvious one.
        name: key of a signature, a callable (`__call__`, `encode[2]` as `inspect` lists them), or None for
            `serving_default`, the only signature, or the usual callable of a model without signatures. Without those it
            is from the placeholders to the ends of the main graph.
        fed: names of the values that are given; those of inputs, or tensors of the main graph.
        fetched: tensors that are asked for. Where a model has no signature, those of the main graph are its outputs.

    Raises:
        UnknownName: there is no such signature or callable; the hint has the nearest.
        DiskError: it can't be opened, or an asset lies outside the model.
    """
    opened = as_model(model, tags)
    meta = opened.meta
    check_inside(meta.assets)
    if name is None:
        name = usual_callable(meta)
    if name is None and not meta.shown_signatures:
        return Target(opened, meta, feed_tensors(meta, _between_ends(meta, fetched), fed))
    if name is None or name in meta.signatures:
        return Target(opened, meta, feed_tensors(meta, meta.signature(name), fed))
    prepared = prepare_named(opened, name) if isinstance(name, str) else None
    if isinstance(prepared, Finding):
        raise UnknownName(prepared.message, where=show(name), hint=prepared.hint)
    if prepared is None:
        expect(name, str, "A signature", "text")
        raise _unknown(meta, name)
    return _of_callable(opened, prepared)


def open_to_run(
    model: Model | str | os.PathLike[str],
    tags: str | Iterable[str] | None,
    name: str | None,
    *,
    allow_unsafe: bool,
    fed: Iterable[str] = (),
    fetched: Iterable[str] = (),
) -> Target:
    """Open a model and return what to run, if that is allowed; arguments as for `find_target`.

    Raises:
        NotAllowedToRun: unsafe ops are reached, and nobody allowed it.
        UnknownName, DiskError: as for `find_target`.
    """
    target = find_target(model, tags, name, fed=fed, fetched=fetched)
    if not allow_unsafe:
        refuse_unsafe(target.meta, target.signature)
    return target


def _of_callable(model: Model, prepared: Prepared) -> Target:
    called = prepared.called
    signature = prepared.meta.signature(called.key)
    sides = []
    for ports, tensors in ((signature.inputs, called.inputs), (signature.outputs, called.outputs)):
        names = _components(ports.values())
        sides.append(tuple(names.get(tensor, tensor) for tensor in tensors))
    return Target(model, prepared.meta, signature, Call(called.path, called.index, *sides))


def _components(ports: Iterable[Port]) -> dict[str, str]:
    """Return the name of the value of each tensor."""
    return {
        tensor: name
        for port in ports
        for name, tensor in zip(component_names(port), port.tensors, strict=True)
    }


def _between_ends(meta: MetaGraph, fetched: Iterable[str]) -> Signature:
    """Return a signature from the placeholders of a main graph to some tensors, or to its ends.

    Raises:
        UnknownName: there is nothing that could be run.
    """
    found = {text: port for text in fetched if (port := _port(meta, text)) is not None}
    between = read_signature(meta)
    if not between:
        return meta.signature(None)
    (signature,) = between.values()
    outputs = found or _of_inputs(meta, signature) or signature.outputs
    return _needed(meta, replace(signature, outputs=outputs), ())


def _of_inputs(meta: MetaGraph, signature: Signature) -> dict[str, Port]:
    """Return the outputs that follow from an input, but not from the name of a checkpoint: the saver has its own."""
    filename = input_node(meta.proto.saver_def.filename_tensor_name)
    inputs = {input_node(tensor) for port in signature.inputs.values() for tensor in port.tensors}
    computed = descendants(meta.nodes, inputs - {filename}, controls=False)
    saving = descendants(meta.nodes, {filename} & meta.nodes.keys())
    return {
        key: port
        for key, port in signature.outputs.items()
        if all((node := input_node(tensor)) in computed and node not in saving for tensor in port.tensors)
    }


def feed_tensors(meta: MetaGraph, signature: Signature, fed: Iterable[str]) -> Signature:
    """Return a signature in which some tensors of the main graph are inputs, if any of the names is one."""
    names = {name for port in signature.inputs.values() for name in (port.key, *component_names(port))}
    ports = {text: port for text in fed if text not in names and (port := _port(meta, text)) is not None}
    if not ports:
        return signature
    return _needed(meta, replace(signature, inputs={**signature.inputs, **ports}), ports)


def _needed(meta: MetaGraph, signature: Signature, given: Container[str]) -> Signature:
    """Return a signature without the inputs that no output needs, but for those that are given."""
    nodes = {key: {input_node(tensor) for tensor in port.tensors} for key, port in signature.inputs.items()}
    stop = {node for key, own in nodes.items() if key in given for node in own}
    outputs = [input_node(tensor) for port in signature.outputs.values() for tensor in port.tensors]
    reached = ancestors(meta.nodes, outputs, stop=stop)
    kept = {
        key: port
        for key, port in signature.inputs.items()
        if key in given or not nodes[key].isdisjoint(reached)
    }
    return replace(signature, inputs=kept)


def _port(meta: MetaGraph, text: str) -> Port | None:
    """Return a tensor of the main graph as an input or output, or None if there is none of the name."""
    parsed = parse_tensor(text.removeprefix("%")) if isinstance(text, str) else None
    tensor = meta.node_tensor(str(parsed)) if parsed is not None and parsed.node in meta.nodes else None
    if tensor is None:
        return None
    return Port(text, "dense", (str(parsed),), dtypes.dtype(dtypes.base(tensor.dtype)), tensor.shape)


def _unknown(meta: MetaGraph, name: str) -> UnknownName:
    """Return the error for a name that is neither a signature nor a callable."""
    callables = (
        [variant_name(meta, one, variant) for one in meta.callables for variant in one.variants]
        if meta.has_object_graph
        else []
    )
    known = [*meta.shown_signatures, *callables]
    kinds = (
        ("signature or callable", "signatures and callables") if callables else ("signature", "signatures")
    )
    return UnknownName(
        f"There is no {kinds[0]} {show(name)!r}.", hint=did_you_mean(name, known, noun=kinds[1])
    )
