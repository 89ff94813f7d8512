"""Callables as endpoints: a concrete function becomes a signature of a copy.

A source whose `__call__` is wired has no tensors for that in its main graph. So it gets them: a placeholder for each
argument, and a call of the concrete function that takes the variables, tables and constants it has captured from the
nodes that represent them in the main graph (`tf.saved_model.save` puts every resource there). From then on it is a
signature like any other, of a join or of an edit. The reference of a verification is `loaded.__call__(…)` itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from workbench import names
from workbench.disk import dtypes, schema
from workbench.findings import Finding
from workbench.model import Model
from workbench.model.callables import Callable_, Variant
from workbench.model.meta import MetaGraph
from workbench.model.op_classes import call_op
from workbench.model.shapes import Shape, to_proto
from workbench.model.signature import HIDDEN_SIGNATURES, PREDICT, Port, Signature
from workbench.model.structured import Spec
from workbench.names import show
from workbench.surgery.export.training_mode import counterpart, mode
from workbench.surgery.imported import unique_name
from workbench.surgery.plan import Plan, Source
from workbench.surgery.resolve.captures import Captures, Unbound

if TYPE_CHECKING:
    from workbench.disk.schema import MessageMap, TensorInfo

_INDEXED = re.compile(r"(?P<path>.+)\[(?P<index>\d+)\]\Z")
# Tried in this order where a model has no signature.
_USUAL = ("__call__", "serve")


@dataclass(frozen=True, slots=True)
class Called:
    """A variant of a callable that a source is joined by.

    Attributes:
        key: of the signature that was made of it: `__call__`, `__call__[2]`.
        path: of the callable below the loaded object.
        index: of the variant, from 1.
        inputs: the tensors of the placeholders, by the order of the function's arguments.
        outputs: the tensors of the call, by the order of the function's results.
        call: the node of the call.
        training: whether the variant trains; None if it has no such argument.
        other: the function that is the same but for `training`, with the tensors that represent each of its captures
            (a Keras model has two nodes for a variable, of which only one may be in the result); or None.
    """

    key: str
    path: str
    index: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    call: str
    training: bool | None = None
    other: tuple[str, tuple[tuple[str, ...], ...]] | None = None


class Prepared(NamedTuple):
    """A MetaGraph in which a callable is a signature.

    Attributes:
        meta: a view of the copy.
        called: the callable.
    """

    meta: MetaGraph
    called: Called


def prepare(plan: Plan, source: Source, model: Model) -> Prepared | Finding | None:
    """Prepare a source to be joined by a callable, if the plan asks for one.

    It is joined by one if `source.signature` names it, if a wire does (`__call__#KEY`), or if the model has no
    signature at all.

    Returns:
        None if the source is joined by a signature or by tensors; a finding if the callable can't be used.
    """
    meta = model.meta
    if not meta.has_object_graph or not meta.callables:
        return None
    known = {key for key in meta.signatures if key not in HIDDEN_SIGNATURES}
    by_path = {item.path: item for item in meta.callables}
    keys = _wired(plan, source)
    wanted = list(dict.fromkeys(name for name in keys if name not in known and _path(name, by_path)))
    if source.signature is not None:
        if source.signature in known or not _path(source.signature, by_path):
            return None
        wanted = list(dict.fromkeys([source.signature, *wanted]))
    elif not wanted and not known:
        wanted = _usual(by_path)
    if not wanted:
        return None
    if len(wanted) > 1:
        return Finding(
            "R1-callables",
            "error",
            source.handle,
            f"The wires name several callables of one model: {', '.join(map(show, wanted))}.",
            "Give the model twice, with two handles.",
        )
    (name,) = wanted
    needed = keys.get(name, frozenset()) | keys.get("", frozenset())
    return _made(model, source.handle, name, by_path, needed, edit=False)


def prepare_endpoints(
    model: Model, handle: str, inputs: Iterable[str], outputs: Iterable[str], taken: Iterable[str] = ()
) -> Prepared | Finding | None:
    """Prepare one model for a signature between keys of its callable.

    Args:
        model: the model.
        handle: for findings.
        inputs: endpoints as written: `__call__#KEY`, `__call__[2]#KEY`, a bare key of that callable, or any
            other endpoint. Where there is no signature, bare keys alone mean those of the usual callable.
        outputs: likewise.
        taken: names that no new node is to have, besides those of the main graph.

    Returns:
        None if no endpoint names a callable; a finding if the callable can't be used.
    """
    meta = model.meta
    if not meta.has_object_graph:
        return None
    by_path = {item.path: item for item in meta.callables}
    fed = [text.rpartition("#")[::2] for text in inputs]
    endpoints = [*fed, *(text.rpartition("#")[::2] for text in outputs)]
    named = dict.fromkeys(
        name for name, _ in endpoints if name not in meta.signatures and _path(name, by_path)
    )
    if len(named) > 1:
        return Finding(
            "R1-callables",
            "error",
            handle,
            f"The endpoints name several callables, or variants, for one signature: {', '.join(map(show, named))}.",
            "Add a signature for each.",
        )
    if not named and not any(key not in HIDDEN_SIGNATURES for key in meta.signatures):
        named = dict.fromkeys(_usual_with(by_path, [key for name, key in endpoints if not name]))
    for name in named:
        wanted, given = ({key for owner, key in listed if owner in (name, "")} for listed in (endpoints, fed))
        return _made(model, handle, name, by_path, wanted, given, taken)
    return None


def prepare_named(model: Model, name: str) -> Prepared | Finding | None:
    """Prepare the callable that `__call__` or `__call__[2]` names, to be run; None if there is none of the name.

    Without a number it is the first variant for inference.
    """
    meta = model.meta
    by_path = {item.path: item for item in meta.callables} if meta.has_object_graph else {}
    if not _path(name, by_path):
        return None
    return _made(model, "model", name, by_path, (), edit=False)


def prepare_usual(model: Model, handle: str) -> Prepared | Finding | None:
    """Prepare the usual callable of a model without a signature, or return None.

    It is prepared as `prepare` would do it. None if the usual callable is not certain.
    """
    meta = model.meta
    by_path = {item.path: item for item in meta.callables} if meta.has_object_graph else {}
    for name in _usual(by_path):
        return _made(model, handle, name, by_path, ())
    return None


def usual_callable(meta: MetaGraph) -> str | None:
    """Return the callable by which a model without signatures is joined, or None."""
    if not meta.has_object_graph or any(key not in HIDDEN_SIGNATURES for key in meta.signatures):
        return None
    return next(iter(_usual({item.path: item for item in meta.callables})), None)


def variant_name(meta: MetaGraph, item: Callable_, variant: Variant) -> str:
    """Return the name a wire writes before `#` for a variant."""
    if len(item.variants) == 1 and item.path not in meta.signatures:
        return item.path
    return f"{item.path}[{variant.index}]"


def find_variant(meta: MetaGraph, name: str) -> tuple[Callable_, Variant] | None:
    """Return the callable and the variant with this name, as `variant_name` writes it."""
    for item in meta.callables:
        if name.startswith(item.path):
            for variant in item.variants:
                if variant_name(meta, item, variant) == name:
                    return item, variant
    return None


def callable_ports(meta: MetaGraph, variant: Variant) -> Signature:
    """Return a variant as the signature that a join makes of it, without tensors."""
    function = meta.functions.get(variant.function)
    sides = ((), ()) if function is None else (function.signature.input_arg, function.signature.output_arg)
    found: list[dict[str, Port]] = []
    for specs, arguments in zip((variant.inputs, variant.outputs), sides, strict=True):
        ports: dict[str, Port] = {}
        for spec in specs:
            types = [argument.type for argument in arguments[spec.first : spec.first + spec.count]]
            if spec.kind == "sparse" and spec.count == 3:
                ports[spec.key] = Port(spec.key, "sparse", (), spec.dtype, spec.shape)
                continue
            for place in range(spec.count):
                key = _part_key(spec, place)
                dtype = dtypes.dtype(types[place]) if place < len(types) else spec.dtype
                ports[key] = Port(key, "dense", (), dtype, _shape(spec, place))
        found.append(ports)
    return Signature(variant.function, PREDICT, *found)


def _part_key(spec: Spec, place: int) -> str:
    return spec.key if spec.count == 1 else f"{spec.key}_{place}"


def _usual(by_path: Mapping[str, Callable_]) -> list[str]:
    """Return the callable used where none is named, in a list that may be empty."""
    usual = [name for name in _USUAL if name in by_path]
    return usual[:1] or (list(by_path) if len(by_path) == 1 else [])


def _usual_with(by_path: Mapping[str, Callable_], keys: list[str]) -> list[str]:
    """Return the usual callable, in a list, if one of its variants has all keys."""
    return [
        name
        for name in _usual(by_path)
        if keys
        and any(
            set(keys) <= {spec.key for spec in (*variant.inputs, *variant.outputs)}
            for variant in by_path[name].variants
        )
    ]


def _made(
    model: Model,
    handle: str,
    name: str,
    by_path: Mapping[str, Callable_],
    needed: Iterable[str],
    fed: Iterable[str] | None = None,
    taken: Iterable[str] = (),
    edit: bool = True,
) -> Prepared | Finding:
    """Return a MetaGraph with a callable as a signature, or why it can't be made.

    A join makes the saver restore the variables that are read (`duplicates`); an `edit` reads those that are restored.
    It has the component tensors of a sparse input as inputs of their own, as signatures of TF2 need.
    """
    item = by_path[_path(name, by_path)]
    variant = _variant(handle, name, item, needed, fed)
    if isinstance(variant, Finding):
        return variant
    try:
        return _prepare(model, model.meta, name, item, variant, taken, edit)
    except Unbound as problem:
        return Finding(
            "R1-capture",
            "error",
            f"{handle}@{show(name)}",
            f"It can't be made a signature: {problem}.",
            "Save the model again with tf.saved_model.save, or with a signature.",
        )


def _path(name: str, by_path: Mapping[str, Callable_]) -> str:
    """Return the callable that `__call__` or `__call__[2]` names, or ""."""
    if name in by_path:
        return name
    match = _INDEXED.match(name)
    return match["path"] if match is not None and match["path"] in by_path else ""


def _wired(plan: Plan, source: Source) -> dict[str, frozenset[str]]:
    """Return the endpoints that wires and shared inputs name in a source, by what precedes `#`."""
    found: dict[str, set[str]] = {}
    for endpoint, _ in plan.endpoints_of(source.handle):
        name, mark, key = endpoint.rpartition("#")
        found.setdefault(name, set()).add(key if mark else endpoint)
    return {name: frozenset(keys) for name, keys in found.items()}


def _variant(
    handle: str, name: str, item: Callable_, keys: Iterable[str], fed: Iterable[str] | None = None
) -> Variant | Finding:
    """Return the variant with the number or the keys asked for, or a finding.

    Without a number it is the first that has the keys, inference before training.

    If `fed` tells all inputs there will be, one that has no more comes before one that has.
    """
    match = _INDEXED.match(name) if name != item.path else None
    if match is not None:
        for variant in item.variants:
            if variant.index == int(match["index"]):
                return variant
        return Finding(
            "R1-variant",
            "error",
            f"{handle}@{show(name)}",
            f"{show(item.path)} has {len(item.variants)} variants, numbered from 1.",
            f"Write {show(item.path)}[1].",
        )
    usable = [variant for variant in item.variants if variant.inputs and variant.outputs] or item.variants
    ordered = sorted(usable, key=lambda variant: "training=True" in variant.arguments)
    wanted, given = set(keys), None if fed is None else set(fed)

    def lacks(variant: Variant) -> tuple[int, int]:
        takes = {spec.key for spec in variant.inputs}
        lacking = wanted - takes - {spec.key for spec in variant.outputs}
        return len(lacking), 0 if given is None else len(takes - given)

    return min(ordered, key=lacks)


def _prepare(
    model: Model,
    meta: MetaGraph,
    key: str,
    item: Callable_,
    variant: Variant,
    without: Iterable[str] = (),
    edit: bool = False,
) -> Prepared:
    proto = schema.MetaGraphDef()
    proto.CopyFrom(meta.proto)
    function = meta.functions.get(variant.function)
    if function is None:
        raise Unbound(f"there is no function {show(variant.function)}")
    bound = Captures(model, meta, restored=edit)
    captures = [tensors[0] for tensors in bound.tensors(variant.function)]
    arguments = function.signature.input_arg
    if len(arguments) != len(captures) + sum(spec.count for spec in variant.inputs):
        raise Unbound("its arguments are not those of its function")
    taken: dict[str, object] = dict.fromkeys((*meta.nodes, *without))
    base = unique_name(_node_name(key), taken)
    definition = proto.signature_def[key]
    definition.method_name = PREDICT
    inputs: list[str] = []
    for spec in variant.inputs:
        tensors = []
        for place in range(spec.count):
            name = unique_name(f"{base}/{_node_name(_part_key(spec, place))}", taken)
            taken[name] = None
            node = proto.graph_def.node.add(name=name, op="Placeholder")
            node.attr["dtype"].type = arguments[spec.first + place].type
            node.attr["shape"].shape.CopyFrom(to_proto(_shape(spec, place)))
            tensors.append(f"{name}:0")
        inputs += tensors
        types = [arguments[spec.first + at].type for at in range(spec.count)]
        _put(definition.inputs, spec, tensors, types, apart=edit)
    call = unique_name(f"{base}/call", taken)
    node = proto.graph_def.node.add(name=call)
    node.op = call_op(function.signature.is_stateful)
    fed = [names.format_input(names.input_tensor(tensor)) for tensor in (*inputs, *captures)]
    node.input.extend(fed)
    node.attr["f"].func.name = variant.function
    node.attr["Tin"].list.type.extend(argument.type for argument in arguments)
    results = function.signature.output_arg
    node.attr["Tout"].list.type.extend(result.type for result in results)
    outputs = [f"{call}:{at}" for at in range(len(results))]
    shapes: list[Shape] = [None] * len(results)
    for spec in variant.outputs:
        places = range(spec.first, min(spec.first + spec.count, len(results)))
        for at in places:
            shapes[at] = _shape(spec, at - spec.first)
        tensors, types = [outputs[at] for at in places], [results[at].type for at in places]
        _put(definition.outputs, spec, tensors, types, apart=edit)
    node.attr["_output_shapes"].list.shape.extend(map(to_proto, shapes))
    view = MetaGraph(proto, bundle=lambda: model.bundle, folder=model.folder, format=meta.format)
    training, other = mode(variant), None
    other_variant = counterpart(variant, item.variants) if training is not None else None
    if other_variant is not None and other_variant.function in meta.functions:
        with suppress(Unbound):
            other = (other_variant.function, tuple(bound.tensors(other_variant.function)))
    called = Called(key, item.path, variant.index, tuple(inputs), tuple(outputs), call, training, other)
    return Prepared(view, called)


def _node_name(text: str) -> str:
    """Return a text as part of a node's name."""
    return re.sub(r"[^A-Za-z0-9_.]+", "_", text).strip("_.") or "call"


def _shape(spec: Spec, place: int) -> Shape:
    """Return the shape of one tensor of a spec."""
    if spec.count == 1 and spec.kind == "dense":
        return spec.shape
    if spec.kind == "sparse" and spec.count == 3:
        rank = None if spec.shape is None else len(spec.shape)
        sparse: tuple[Shape, Shape, Shape] = ((None, rank), (None,), (rank,))
        return sparse[place]
    if spec.kind == "ragged" and place:
        return (None,)
    if spec.kind == "ragged" and spec.shape is not None:
        return (None, *spec.shape[spec.count :])
    return None


def _put(
    table: MessageMap[str, TensorInfo], spec: Spec, tensors: list[str], types: list[int], *, apart: bool
) -> None:
    """Add a spec to the inputs or outputs of a signature.

    Dense ones are added whole, sparse ones unless `apart`, others by component.
    """
    if spec.kind == "sparse" and len(tensors) == 3 and not apart:
        info = table[spec.key]
        info.dtype = spec.dtype or types[1]
        info.tensor_shape.CopyFrom(to_proto(spec.shape))
        sparse = info.coo_sparse
        sparse.indices_tensor_name, sparse.values_tensor_name, sparse.dense_shape_tensor_name = tensors
        return
    for place, (tensor, dtype) in enumerate(zip(tensors, types, strict=True)):
        info = table[_part_key(spec, place)]
        info.name = tensor
        info.dtype = dtype
        info.tensor_shape.CopyFrom(to_proto(_shape(spec, place)))
