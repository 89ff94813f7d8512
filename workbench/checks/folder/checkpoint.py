"""Variables against the checkpoint, both ways, and the checkpoint's own files."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from workbench.checks.codes import Code, Found
from workbench.checks.graphs.initialised import running
from workbench.disk.schema import TrackableObjectGraph
from workbench.errors import DamagedFile
from workbench.findings import Action, Hint
from workbench.model.duplicate_variables import sharing_memory
from workbench.model.objects import OBJECT_GRAPH_KEY
from workbench.model.op_classes import RESTORES
from workbench.model.saver import const_strings
from workbench.names import input_node, show

if TYPE_CHECKING:
    from workbench.disk.checkpoint.bundle_read import Bundle
    from workbench.graph.adjacency import Adjacency
    from workbench.graph.body import Body
    from workbench.model.meta import MetaGraph
    from workbench.model.variables import Variable

BAD_TENSOR = Code(
    "bad-tensor", "error", "the bytes of a tensor do not have the checksum that the index says",
    "The data file was changed or damaged, or belongs to another index. TensorFlow refuses to restore it.",
    "Copy the whole folder variables/ again from where the model was exported.",
)  # fmt: skip
TENSOR_OVERLAP = Code(
    "tensor-overlap", "error", "two tensors of the checkpoint share a part of their bytes",
    "Two keys may be for one tensor, as a whole. Bytes that are the end of one and the start of another are not right "
    "for both.",
    "The index was put together wrongly: copy the folder variables/ again.",
)  # fmt: skip
ORPHAN_SHARD = Code(
    "orphan-shard", "warning", "a file in variables/ does not belong to the checkpoint",
    "A data file of another checkpoint, with another number of shards, or what a save left that was interrupted. "
    "Nothing reads it.",
    "Delete it, once it is sure that the index is the right one.",
)  # fmt: skip
NOT_RESTORED = Code(
    "variable-not-restored", "warning", "a signature reads a variable that nothing gives a value",
    "Neither the saver nor the init op nor the graph does. A v1 Session, and with it TensorFlow Serving, fails with "
    "`Attempting to use uninitialized value` when the signature is run.",
    "Save the model with a saver for all its variables.",
)  # fmt: skip
UNUSED_KEY = Code(
    "unused-key", "info", "the checkpoint has values that no variable of the model uses",
    "They are loaded by nobody and cost space; often they are an optimizer's, or of a tag set that was dropped.",
    "Nothing has to be done. A merge and a freeze leave variables behind that are not used.",
)  # fmt: skip
PARTITION_GAP = Code(
    "partition-gap", "warning", "the partitions of a variable in the graph do not make up the whole",
    "The checkpoint has a tensor of which the graph's variables hold only a part, or a part twice.",
    "If all of it is needed, save the model again.",
)  # fmt: skip
SHARED_VARIABLE = Code(
    "shared-variable", "warning", "two variables with keys of their own share their memory",
    "A v1 Session, and with it TensorFlow Serving, finds the memory of a variable by its `shared_name`. Where two have "
    "the same, both get the value that is restored last, and no error is raised. A merge by `import_scope` makes such "
    "graphs, because it renames nodes and no `shared_name`.",
    "Join the models again from their sources: a join here renames the variables of each.",
)  # fmt: skip
_MAX_KEYS = 5


def check_files(bundle: Bundle, found: Found) -> None:
    """Check the checkpoint's files: bytes that two tensors share, files that are not its own."""
    _overlaps(bundle, found)
    own = {bundle.index.name, *bundle.shard_names}
    try:
        there = sorted(os.listdir(bundle.prefix.parent))
    except OSError:
        return
    for name in there:
        if name not in own:
            message = (
                f"It is neither the checkpoint's index nor a data file of it (0 to {bundle.num_shards - 1})."
            )
            found.add(ORPHAN_SHARD, show(str(bundle.prefix.parent / name)), message)


def _overlaps(bundle: Bundle, found: Found) -> None:
    places: dict[tuple[int, int], tuple[int, str]] = {}
    for key in bundle:
        try:
            parts = bundle.entry(key).parts()
        except DamagedFile:  # told by the check of the entries
            continue
        for part in parts:
            place = (part.shard, part.offset)
            if part.size and places.get(place, (0, ""))[0] < part.size:
                places[place] = (part.size, key)
    end, before, shard = 0, "", -1
    for place in sorted(places):
        if place[0] != shard:
            end, before, shard = 0, "", place[0]
        size, key = places[place]
        if place[1] < end:
            message = f"Its bytes begin at {place[1]}, within those of {show(before)!r}, which end at {end}."
            found.add(TENSOR_OVERLAP, show(key), message)
        if place[1] + size > end:
            end, before = place[1] + size, key


def check_variables(meta: MetaGraph, adjacency: Adjacency, found: Found) -> None:
    """Check that each variable has a value, and that partitions cover the whole."""
    _not_restored(meta, adjacency, found)
    _shared(meta, found)
    _partitions(meta, found)


def _not_restored(meta: MetaGraph, adjacency: Adjacency, found: Found) -> None:
    lost = [variable for variable in meta.variables if variable.key is None]
    if not lost or meta.format == "graphdef":
        return
    nodes = meta.nodes
    needed = running(meta, adjacency)
    loading = adjacency.ancestors([meta.init_op] if meta.init_op else [])
    implicit = adjacency.ancestors(meta.implicit_init)
    shared = {
        variable.shared_name or variable.name for variable in meta.variables if variable.key is not None
    }
    duplicates = meta.duplicate_variables
    for variable in lost:
        name = variable.name
        if name not in needed or name in loading or (variable.shared_name or name) in shared:
            continue
        if any(
            nodes[user].op.startswith("Assign") and user in needed for user, _ in adjacency.consumers(name)
        ):
            continue
        restored = duplicates.get(name)
        if restored is None and name in implicit:
            told = (
                "There is no init op that sets this local variable: tf.saved_model.load does, by its initialiser; a v1 "
                "Session does not."
            )
            found.add(NOT_RESTORED, show(name), told, Hint("To give it an init op, ", Action("flatten")))
            continue
        found.add(
            NOT_RESTORED,
            show(name),
            "Neither the saver nor the init op gives this variable a value, and a signature reads it."
            if restored is None
            else f"The saver restores its duplicate {show(restored.name)!r} instead; only tf.saved_model.load, which "
            "reads the object graph, knows that both are one variable.",
            None if restored is None else "A merge and a freeze restore the one that is read.",
        )


def _shared(meta: MetaGraph, found: Found) -> None:
    for group in sharing_memory(meta.variables, meta.nodes):
        first, *others = group
        keys = ", ".join(show(str(one.key), 100) for one in group[:_MAX_KEYS])
        for other in others:
            found.add(
                SHARED_VARIABLE,
                show(other.name),
                f"It has the `shared_name` {show(other.shared_name or other.name)!r}, as {show(first.name)!r} has, and "
                f"they are restored from different keys: {keys}.",
            )


def _partitions(meta: MetaGraph, found: Found) -> None:
    parts: dict[str, list[Variable]] = {}
    for variable in meta.variables:
        if variable.slice is not None and variable.key is not None:
            parts.setdefault(variable.key, []).append(variable)
    for key, variables in parts.items():
        slices = {one.slice.start: one.slice for one in variables if one.slice is not None}
        whole = _product(next(iter(slices.values())).full_shape)
        held = sum(_product(one.length) for one in slices.values())
        if held != whole:
            message = f"Of its {whole} elements the graph's partitions hold {held}."
            found.add(PARTITION_GAP, show(key), message)


def _product(sizes: Iterable[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


def unused_keys(
    bundle: Bundle,
    graphs: Sequence[Sequence[Body]],
    metas: Iterable[MetaGraph],
    tracked: TrackableObjectGraph | None,
) -> list[str]:
    """Return the keys of a checkpoint that no MetaGraph restores, in order.

    A second key for the same bytes counts as used with the first.

    Args:
        bundle: the checkpoint.
        graphs: the bodies of each MetaGraph.
        metas: the MetaGraphs.
        tracked: the checkpoint's object graph, or None.
    """
    used = {OBJECT_GRAPH_KEY}
    for meta in metas:
        used.update(variable.key for variable in meta.variables if variable.key is not None)
    for body in (body for bodies in graphs for body in bodies):
        used.update(_restored_by(body))
    for node in tracked.nodes if tracked is not None else ():
        used.update(attribute.checkpoint_key for attribute in node.attributes)
    left = [key for key in bundle if key not in used]
    if not left:
        return []
    shared = {_place(bundle, key) for key in used if key in bundle}
    return [key for key in left if _place(bundle, key) not in shared]


def tell_unused(keys: Sequence[str], bundle: Bundle, found: Found) -> None:
    """Report all unused keys as one finding."""
    if not keys:
        return
    listed = ", ".join(map(show, keys[:_MAX_KEYS])) + (", …" if len(keys) > _MAX_KEYS else "")
    total = f"{len(keys)} of {len(bundle)} tensors are used by no variable of the model: {listed}."
    found.add(UNUSED_KEY, show(str(bundle.index)), total)


def _restored_by(body: Body) -> Collection[str]:
    found: set[str] = set()
    for node in body.nodes.values():
        if node.op in RESTORES and len(node.input) > 1:
            names = body.nodes.get(input_node(node.input[1]))
            if names is not None and names.op == "Const":
                found.update(const_strings(names).values)
    return found


def _place(bundle: Bundle, key: str) -> tuple[int, int]:
    try:
        entry = bundle.entry(key)
    except DamagedFile:
        return -1, hash(key)
    first = entry.parts()[0]
    return first.shard, first.offset
