"""Callables as ends of wires: a concrete function of an object becomes a signature of a copy of its MetaGraph.

A source whose `__call__` is wired has no tensors for that in its main graph. So it gets them: a placeholder for each
argument, and a call of the concrete function that takes the variables, tables and constants it has captured from the
nodes that stand for them in the main graph (`tf.saved_model.save` puts every resource there). From then on it is a
signature like any other. Nothing is written: the reference of a verification is `loaded.__call__(…)` itself.

Source: saved_object_graph.proto (`bound_inputs`); `_map_captures_to_created_tensors` in tensorflow's save.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from workbench import names
from workbench.disk import schema
from workbench.disk.nodes import attr
from workbench.disk.schema import Message
from workbench.findings import Finding
from workbench.model import Model
from workbench.model.callables import Callable_, Variant
from workbench.model.meta import MetaGraph
from workbench.model.shapes import Shape, to_proto
from workbench.model.signature import PREDICT
from workbench.model.structured import Spec
from workbench.model.twins import find_twins
from workbench.names import show
from workbench.surgery.ends import HIDDEN_SIGNATURES
from workbench.surgery.objects import TABLE_OPS, of_model
from workbench.surgery.part import Part, unique_name
from workbench.surgery.plan import Plan, Source, split_handle
from workbench.surgery.training import counterpart, mode

_INDEXED = re.compile(r"(?P<path>.+)\[(?P<index>\d+)\]\Z")
# Tried in this order where a model has no signature.
_USUAL = ("__call__", "serve")
_DEEPEST = 32


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
        other: the function that is the same but for `training`, with the tensors that stand for each of its captures
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


@dataclass(frozen=True, slots=True)
class Prepared:
    """A MetaGraph in which a callable is a signature.

    Attributes:
        meta: a view of the copy.
        called: the callable.
    """

    meta: MetaGraph
    called: Called


class _Unbound(Exception):
    """A capture that no node of the main graph stands for."""


def prepare(plan: Plan, source: Source, model: Model) -> Prepared | Finding | None:
    """What a source needs to be joined by a callable.

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


def prepare_ends(
    model: Model, handle: str, inputs: Iterable[str], outputs: Iterable[str], taken: Iterable[str] = ()
) -> Prepared | Finding | None:
    """What one model needs for a signature between keys of its callable.

    Args:
        model: the model.
        handle: for findings.
        inputs: ends as written: `__call__#KEY`, `__call__[2]#KEY`, a bare key of that callable, or what else an end
            can be.
        outputs: likewise.
        taken: names that no new node is to have, besides those of the main graph.

    Returns:
        None if no end names a callable; a finding if the callable can't be used.
    """
    meta = model.meta
    if not meta.has_object_graph:
        return None
    by_path = {item.path: item for item in meta.callables}
    fed = [text.rpartition("#")[::2] for text in inputs]
    ends = [*fed, *(text.rpartition("#")[::2] for text in outputs)]
    named = dict.fromkeys(name for name, _ in ends if name not in meta.signatures and _path(name, by_path))
    if len(named) > 1:
        return Finding(
            "R1-callables",
            "error",
            handle,
            f"The ends name several callables, or variants, for one signature: {', '.join(map(show, named))}.",
            "Add a signature for each.",
        )
    for name in named:
        wanted, given = ({key for owner, key in listed if owner in (name, "")} for listed in (ends, fed))
        return _made(model, handle, name, by_path, wanted, given, taken)
    return None


def prepare_usual(model: Model, handle: str) -> Prepared | Finding | None:
    """The callable that a model without a signature is used by, as `prepare` would take it; None if that is open."""
    meta = model.meta
    by_path = {item.path: item for item in meta.callables} if meta.has_object_graph else {}
    for name in _usual(by_path):
        return _made(model, handle, name, by_path, ())
    return None


def _usual(by_path: Mapping[str, Callable_]) -> list[str]:
    """The callable that is meant where none is named, in a list, which is empty if that is open."""
    usual = [name for name in _USUAL if name in by_path]
    return usual[:1] or (list(by_path) if len(by_path) == 1 else [])


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
    """A MetaGraph with the callable that `name` means as a signature, or why it can't be made.

    A join leads the saver to the variables that are read (`twins`); an `edit` reads those that are restored. It has
    the parts of a sparse tensor as inputs of their own, as signatures of TF2 need.
    """
    item = by_path[_path(name, by_path)]
    variant = _variant(handle, name, item, needed, fed)
    if isinstance(variant, Finding):
        return variant
    try:
        return _prepare(model, model.meta, name, item, variant, taken, edit)
    except _Unbound as problem:
        return Finding(
            "R1-capture",
            "error",
            f"{handle}@{show(name)}",
            f"It can't be made a signature: {problem}.",
            "Save the model again with tf.saved_model.save, or with a signature.",
        )


def _path(name: str, by_path: Mapping[str, Callable_]) -> str:
    """The callable that `__call__` or `__call__[2]` names; empty if there is none."""
    if name in by_path:
        return name
    match = _INDEXED.match(name)
    return match["path"] if match is not None and match["path"] in by_path else ""


def _wired(plan: Plan, source: Source) -> dict[str, frozenset[str]]:
    """What the wires say before and after the `#` in the ends of this source; bare keys under an empty name."""
    handles = list(plan.handles)
    found: dict[str, set[str]] = {}
    for wire in plan.wires:
        for text, place in ((wire.source, 0), (wire.target, 1)):
            handle, end = split_handle(text, handles)
            if handle is None and len(handles) <= 2:
                handle = handles[min(place, len(handles) - 1)]
            if handle == source.handle:
                name, mark, key = end.rpartition("#")
                found.setdefault(name, set()).add(key if mark else end)
    return {name: frozenset(keys) for name, keys in found.items()}


def _variant(
    handle: str, name: str, item: Callable_, keys: Iterable[str], fed: Iterable[str] | None = None
) -> Variant | Finding:
    """The variant that is meant: by its number, else the first that has the keys, inference before training.

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
        raise _Unbound(f"there is no function {show(variant.function)}")
    bound = _Captures(model, meta, restored=edit)
    captures = [tensors[0] for tensors in bound.tensors(variant.function)]
    arguments = function.signature.input_arg
    if len(arguments) != len(captures) + sum(spec.count for spec in variant.inputs):
        raise _Unbound("its arguments are not those of its function")
    taken: dict[str, object] = dict.fromkeys((*meta.nodes, *without))
    base = unique_name(_node_name(key), taken)
    definition = proto.signature_def[key]
    definition.method_name = PREDICT
    inputs: list[str] = []
    for spec in variant.inputs:
        tensors = []
        for place in range(spec.count):
            part = spec.key if spec.count == 1 else f"{spec.key}_{place}"
            name = unique_name(f"{base}/{_node_name(part)}", taken)
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
    node.op = "StatefulPartitionedCall" if function.signature.is_stateful else "PartitionedCall"
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
    twin = counterpart(variant, item.variants) if training is not None else None
    if twin is not None and twin.function in meta.functions:
        with suppress(_Unbound):
            other = (twin.function, tuple(bound.tensors(twin.function)))
    called = Called(key, item.path, variant.index, tuple(inputs), tuple(outputs), call, training, other)
    return Prepared(view, called)


def _node_name(text: str) -> str:
    """A text as part of a node's name."""
    return re.sub(r"[^A-Za-z0-9_.]+", "_", text).strip("_.") or "call"


def _shape(spec: Spec, place: int) -> Shape:
    """The shape of one tensor of a spec."""
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


def _put(table: Message, spec: Spec, tensors: list[str], types: list[int], *, apart: bool) -> None:
    """A spec as an input or output of a signature: dense ones whole, sparse ones unless `apart`, others by parts."""
    if spec.kind == "sparse" and len(tensors) == 3 and not apart:
        info = table[spec.key]
        info.dtype = spec.dtype or types[1]
        info.tensor_shape.CopyFrom(to_proto(spec.shape))
        sparse = info.coo_sparse
        sparse.indices_tensor_name, sparse.values_tensor_name, sparse.dense_shape_tensor_name = tensors
        return
    for place, (tensor, dtype) in enumerate(zip(tensors, types, strict=True)):
        info = table[spec.key if len(tensors) == 1 else f"{spec.key}_{place}"]
        info.name = tensor
        info.dtype = dtype
        info.tensor_shape.CopyFrom(to_proto(_shape(spec, place)))


class _Captures:
    """The tensors of the main graph that stand for the objects a function has captured."""

    def __init__(self, model: Model, meta: MetaGraph, restored: bool) -> None:
        self.meta = meta
        # of a variable that has two nodes, the one that the saver restores comes first
        self.last = find_twins(meta) if restored else {}
        self.graph = meta.proto.object_graph_def
        bound = of_model(Part(Source("model", model.path), model, meta, None)).bound
        self.nodes: dict[int, list[str]] = {}
        for node, number in bound.items():
            self.nodes.setdefault(number, []).append(node)
        self._tables: dict[bytes, str] | None = None

    def tensors(self, function: str) -> list[tuple[str, ...]]:
        """For each bound input of a concrete function, in order, the tensors that stand for it, at least one.

        Raises:
            _Unbound: nothing in the main graph stands for one.
        """
        numbers = self.graph.concrete_functions[function].bound_inputs
        return [self._tensors(number) for number in numbers]

    def _tensors(self, number: int) -> tuple[str, ...]:
        if not 0 <= number < len(self.graph.nodes):
            raise _Unbound(f"there is no object {number}")
        node = self.graph.nodes[number]
        kind = node.WhichOneof("kind")
        if kind == "constant" and node.constant.operation in self.meta.nodes:
            return (f"{node.constant.operation}:0",)
        if kind == "asset":
            definitions = self.meta.proto.asset_file_def
            if node.asset.asset_file_def_index < len(definitions):
                return (str(definitions[node.asset.asset_file_def_index].tensor_info.name),)
        found = list(self.nodes.get(number, ()))
        table = self._table(node) if kind == "resource" and not found else None
        if table is not None:
            found.append(table)
        if not found:
            what = f"the variable {show(node.variable.name)}" if kind == "variable" else f"a captured {kind}"
            raise _Unbound(f"no node of the main graph stands for {what}")
        return tuple(f"{name}:0" for name in sorted(found, key=lambda name: name in self.last))

    def _table(self, node: Message) -> str | None:
        """The node of a table: the one of the name that its `_create_resource` gives it."""
        creators = [child.node_id for child in node.children if child.local_name == "_create_resource"]
        for number in creators:
            creator = self.graph.nodes[number]
            listed = (
                list(creator.function.concrete_functions)
                if creator.WhichOneof("kind") == "function"
                else [creator.bare_concrete_function.concrete_function_name]
            )
            for name in listed:
                shared = self._made_in(name, 0)
                if shared is not None and shared in self._by_shared_name():
                    return self._by_shared_name()[shared]
        return None

    def _made_in(self, function: str, depth: int) -> bytes | None:
        """The `shared_name` of the table that a function makes, calls followed."""
        if function not in self.meta.functions or depth > _DEEPEST:
            return None
        for node in self.meta.functions[function].node_def:
            if node.op in TABLE_OPS and "shared_name" in node.attr and node.attr["shared_name"].s:
                return bytes(node.attr["shared_name"].s)
            if node.op in ("PartitionedCall", "StatefulPartitionedCall"):
                found = self._made_in(attr(node, "f").func.name, depth + 1)
                if found is not None:
                    return found
        return None

    def _by_shared_name(self) -> dict[bytes, str]:
        if self._tables is None:
            self._tables = {
                bytes(node.attr["shared_name"].s): node.name
                for node in self.meta.nodes.values()
                if node.op in TABLE_OPS and "shared_name" in node.attr and node.attr["shared_name"].s
            }
        return self._tables
