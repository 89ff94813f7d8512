"""Collections, versions and the op list of the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from workbench import names
from workbench.disk import schema
from workbench.disk.schema import (
    CondContextDef,
    ControlFlowContextDef,
    GraphDef,
    MetaGraphDef,
    NodeDef,
    OpDef,
    WhileContextDef,
)
from workbench.model.variables import VARIABLE_COLLECTIONS
from workbench.names import show
from workbench.surgery.imported import ImportedModel
from workbench.surgery.rewrite.prefix import Renamer, Rule

_INIT_COLLECTIONS = frozenset({"saved_model_main_op", "legacy_init_op", "saved_model_train_op"})
_ASSET_COLLECTIONS = frozenset({"saved_model_assets", "asset_filepaths"})


def merge_collections(meta: MetaGraphDef, part: ImportedModel, renamer: Renamer) -> None:
    """Add what survives of a source's collections to the result, renamed.

    Dropped entries are reported.
    """
    for name, definitions in part.variable_defs.items():
        if not definitions:
            continue
        values = meta.collection_def[name].bytes_list.value
        for definition in definitions:
            copy = schema.VariableDef()
            copy.CopyFrom(definition)
            renamer.variable_def(copy)
            values.append(copy.SerializeToString(deterministic=True))
    for name in sorted(part.meta.beside.collection_def):
        if name in VARIABLE_COLLECTIONS or name in _INIT_COLLECTIONS or name in _ASSET_COLLECTIONS:
            continue
        collection = part.meta.beside.collection_def[name]
        kind = collection.WhichOneof("kind")
        if name in ("cond_context", "while_context") and kind == "bytes_list":
            _contexts(meta, name, collection.bytes_list.value, part, renamer)
        elif kind == "node_list":
            _node_list(meta, name, collection.node_list.value, part, renamer)
        elif kind in ("bytes_list", "any_list"):
            _drop(part, name, "what it holds can't be renamed")
        elif kind is not None and name not in meta.collection_def:
            # Numbers name nothing; the first part's win, as there can be only one value for the result.
            meta.collection_def[name].CopyFrom(collection)


def _node_list(
    meta: MetaGraphDef, name: str, values: Iterable[str], part: ImportedModel, renamer: Renamer
) -> None:
    listed = list(values)
    gone = [value for value in listed if names.input_node(value) not in part.kept]
    if gone:
        _drop(part, name, f"{show(gone[0])} is not in the result")
        return
    target = meta.collection_def[name].node_list.value
    target.extend(renamer.tensor(part.moved.get(value, value), Rule.COLLECTION) for value in listed)


def _drop(part: ImportedModel, name: str, why: str) -> None:
    part.note("R7-collection", "info", show(name), f"This collection is not in the result: {why}.")


def _contexts(
    meta: MetaGraphDef, name: str, values: Iterable[bytes], part: ImportedModel, renamer: Renamer
) -> None:
    kept = kept_contexts(
        name, values, part.kept, renamer, lambda: _drop(part, name, "one of its entries is damaged")
    )
    if kept:
        meta.collection_def[name].bytes_list.value.extend(kept)


def kept_contexts(
    name: str,
    values: Iterable[bytes],
    kept: Mapping[str, NodeDef],
    renamer: Renamer,
    damaged: Callable[[], object] = lambda: None,
) -> list[bytes]:
    """Return the surviving entries of `cond_context` or `while_context`, renamed.

    Args:
        name: of the collection.
        values: its entries.
        kept: the nodes that are still there, by old name.
        renamer: their new names.
        damaged: is called for an entry that can't be read.
    """
    from google.protobuf.message import DecodeError

    kind = CondContextDef if name == "cond_context" else WhileContextDef
    found: list[bytes] = []
    for data in values:
        try:
            context = kind.FromString(data)
        except DecodeError:
            damaged()
            continue
        if rename_context(context, kept, renamer):
            found.append(context.SerializeToString(deterministic=True))
    return found


def rename_context(
    context: CondContextDef | WhileContextDef, kept: Mapping[str, NodeDef], renamer: Renamer
) -> bool:
    """Rename a CondContextDef or WhileContextDef in place, nested ones too.

    Returns:
        Whether the context survives: its pivot and predicate are still in the graph.
    """
    named = [context.pivot_name]
    named.append(context.pred_name if hasattr(context, "pred_name") else context.pivot_for_pred_name)
    if any(name and names.input_node(name) not in kept for name in named):
        return False
    rule = Rule.CONTROL_FLOW
    context.context_name = renamer.tensor(context.context_name, rule)
    context.pivot_name = renamer.tensor(context.pivot_name, rule)
    renamer.values_def(context.values_def, kept)
    if hasattr(context, "pred_name"):
        context.pred_name = renamer.tensor(context.pred_name, rule)
    else:
        for field in ("pivot_for_pred_name", "pivot_for_body_name", "maximum_iterations_name"):
            name = getattr(context, field)
            if name and names.input_node(name) not in kept:
                context.ClearField(field)
            else:
                setattr(context, field, renamer.tensor(name, rule))
        for field in ("loop_exit_names", "loop_enter_names"):
            listed = getattr(context, field)
            listed[:] = [renamer.tensor(name, rule) for name in listed if names.input_node(name) in kept]
    nested = [inner for inner in context.nested_contexts if _rename_nested(inner, kept, renamer)]
    survivors = [type(inner).FromString(inner.SerializeToString()) for inner in nested]
    del context.nested_contexts[:]
    context.nested_contexts.extend(survivors)
    return True


def _rename_nested(wrapped: ControlFlowContextDef, kept: Mapping[str, NodeDef], renamer: Renamer) -> bool:
    kind = wrapped.WhichOneof("ctxt")
    return kind is not None and rename_context(getattr(wrapped, kind), kept, renamer)


def merge_versions(graph_def: GraphDef, parts: Iterable[ImportedModel]) -> None:
    """Set the oldest producer, youngest min_consumer and all bad_consumers.

    Source: versions.proto.

    A GraphDef without versions is of version 0, the oldest: a later one could refuse its ops as removed.
    """
    versions = [part.meta.beside.graph_def.versions for part in parts]
    result = graph_def.versions
    result.producer = min((version.producer for version in versions), default=0)
    result.min_consumer = max((version.min_consumer for version in versions), default=0)
    result.bad_consumers.extend(sorted({bad for version in versions for bad in version.bad_consumers}))


def merge_meta_info(meta: MetaGraphDef, parts: Iterable[ImportedModel], tags: Iterable[str]) -> None:
    """Set the result's tags, its newest TensorFlow version and all listed ops.

    The ops are all that any source lists.
    """
    info = meta.meta_info_def
    info.tags.extend(tags)
    ops: dict[str, OpDef] = {}
    newest = -1
    for part in parts:
        source = part.meta.beside.meta_info_def
        for op in source.stripped_op_list.op:
            ops.setdefault(op.name, op)
        producer = part.meta.beside.graph_def.versions.producer
        if producer > newest:
            newest = producer
            info.tensorflow_version = source.tensorflow_version
            info.tensorflow_git_version = source.tensorflow_git_version
        info.stripped_default_attrs = info.stripped_default_attrs or source.stripped_default_attrs
    for name in sorted(ops):
        info.stripped_op_list.op.add().CopyFrom(ops[name])
