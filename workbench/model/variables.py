"""Variables: nodes with state, where their values lie on disk, their sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from workbench.disk import dtypes
from workbench.disk.dtypes import DType
from workbench.disk.schema import FunctionDef, MetaGraphDef, NodeDef, VariableDef
from workbench.errors import DamagedFile
from workbench.model import saver, shapes
from workbench.model.objects import VALUE_SUFFIX, ObjectGraph
from workbench.model.op_classes import REF_VARIABLES, VARIABLES
from workbench.model.shapes import Shape
from workbench.model.tensors import variable_shape
from workbench.names import input_node, show

if TYPE_CHECKING:
    from workbench.disk.checkpoint.bundle_read import Bundle


VARIABLE_COLLECTIONS = (
    "variables",
    "trainable_variables",
    "model_variables",
    "moving_average_variables",
    "local_variables",
    "metric_variables",
    "global_step",
)
"""Collections of serialised VariableDefs (`tf.compat.v1.GraphKeys`)."""


class SaveSlice(NamedTuple):
    """The part of a partitioned variable that one node holds.

    `"8 4 0,3:0,4"` in a saver.

    Attributes:
        full_shape: shape of the whole, as it lies under the key.
        start: first index in each dimension.
        length: number of indices in each dimension.
    """

    full_shape: tuple[int, ...]
    start: tuple[int, ...]
    length: tuple[int, ...]

    def __str__(self) -> str:
        """Return the slice as a saver writes it."""
        parts = ":".join(f"{start},{length}" for start, length in zip(self.start, self.length, strict=True))
        return f"{' '.join(map(str, self.full_shape))} {parts}"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable node of the main graph.

    Attributes:
        name: the node's name.
        op: `VarHandleOp`, `VariableV2`, …
        is_ref: whether it is a reference variable (TF1) and not a resource.
        shared_name: the attr as written; what an empty one means depends on the op.
        key: checkpoint key its value is restored from; for a slice, the key of the whole; None if nothing
            restores it.
        dtype: of the values, `float32`.
        shape: of this node's part.
        nbytes: bytes on disk, else dtype times shape, else None.
        shard: number of the data file, or None.
        trainable: None if the model does not say.
        slice: the part of the whole it holds, or None.
        title: what Python called it, as the object graph tells (`dense/kernel`), or an empty text.
    """

    name: str
    op: str
    is_ref: bool
    shared_name: str
    key: str | None
    dtype: DType
    shape: Shape
    nbytes: int | None
    shard: int | None
    trainable: bool | None
    slice: SaveSlice | None = None
    title: str = ""

    @property
    def node(self) -> str:
        """The node's name, which is also the variable's."""
        return self.name

    def __repr__(self) -> str:
        size = "" if self.nbytes is None else f", {self.nbytes:,} bytes"
        trainable = ", trainable" if self.trainable else ""
        key = "nothing restores it" if self.key is None else f"key {show(self.key, 100)}"
        return f"<Variable {show(self.name, 100)} {shapes.typed(self.dtype, self.shape)}{size}{trainable}, {key}>"


class Counts(NamedTuple):
    """Counts of a MetaGraph's variables; every face takes its numbers from here.

    A node that nothing restores is counted apart from the variables whose values the checkpoint has: in an export of
    Keras it is often a second node of one of them.

    Attributes:
        number: how many have a value in the checkpoint; of a model without one, how many there are.
        nbytes: bytes of those, a value that several nodes read once; None if none is known.
        trainable: how many of those are trainable, as far as the model says.
        doubles: nodes that nothing restores and that are second nodes of a counted variable.
        unrestored: nodes that nothing restores and that are no doubles; 0 where those are what is counted.
        restored: whether the checkpoint has values of any.
    """

    number: int
    nbytes: int | None
    trainable: int
    doubles: int
    unrestored: int
    restored: bool

    @property
    def notes(self) -> list[str]:
        """Remarks beside number and bytes: `2 trainable`, `1 more that nothing restores`."""
        found = [f"{self.trainable:,} trainable"]
        if self.doubles:
            found.append(f"{self.doubles:,} with a second node that nothing restores")
        if self.unrestored:
            found.append(f"{self.unrestored:,} more that nothing restores")
        elif not self.restored:
            found.append("nothing restores them")
        return found


def count_variables(variables: Sequence[Variable], duplicates: Mapping[str, Variable]) -> Counts:
    """Count the variables of a MetaGraph.

    Args:
        variables: all of them.
        duplicates: second nodes of restored variables, as `find_duplicates` returns them.
    """
    restored = [variable for variable in variables if variable.key is not None]
    counted = restored or list(variables)
    values = {
        (variable.key, str(variable.slice)) if restored else variable.name: variable.nbytes
        for variable in counted
        if variable.nbytes is not None
    }
    return Counts(
        number=len(counted),
        nbytes=sum(values.values()) if values else None,
        trainable=sum(bool(variable.trainable) for variable in counted),
        doubles=len(duplicates),
        unrestored=len(variables) - len(counted) - len(duplicates),
        restored=bool(restored),
    )


def read_variables(
    proto: MetaGraphDef,
    nodes: Mapping[str, NodeDef],
    functions: Mapping[str, FunctionDef],
    bundle: Bundle | None,
    objects: ObjectGraph | None,
) -> tuple[Variable, ...]:
    """Return all variables of a MetaGraph's main graph, in the order of their nodes.

    Args:
        proto: the `MetaGraphDef`.
        nodes: of its main graph, by name.
        functions: of its library, by name.
        bundle: the checkpoint with their values, or None.
        objects: the object graph, or None.
    """
    has_saver = proto.HasField("saver_def")
    saved = saver.follow(nodes, functions, proto.saver_def if has_saver else None)
    declared = _declared(proto)
    return tuple(
        _variable(node, saved.get(name), declared, objects, bundle)
        for name, node in nodes.items()
        if node.op in VARIABLES
    )


def _variable(
    node: NodeDef,
    saved: saver.Saved | None,
    declared: dict[str, bool],
    objects: ObjectGraph | None,
    bundle: Bundle | None,
) -> Variable:
    attr = node.attr
    shared_name = attr["shared_name"].s.decode("utf-8", "surrogateescape") if "shared_name" in attr else ""
    if saved is None and bundle is not None:
        saved = _by_name(node.name, shared_name, bundle)
    key = saved.key if saved else None
    dtype = dtypes.base(attr["dtype"].type) if "dtype" in attr else dtypes.INVALID
    shape = variable_shape(node)
    part = parse_slice(saved.slice_spec) if saved and saved.slice_spec else None
    nbytes, shard = None, None
    if bundle is not None and key is not None and key in bundle:
        nbytes, shard, disk_dtype, disk_shape = _on_disk(bundle, key, part)
        dtype = dtype or disk_dtype
        shape = disk_shape if shape is None else shape
    if nbytes is None:
        size, elements = dtypes.size(dtype), shapes.count(shape)
        nbytes = size * elements if size is not None and elements is not None else None
    declaration = objects.variable(key, shared_name or node.name) if objects is not None else None
    trainable = declared.get(node.name) if declaration is None else bool(declaration.trainable)
    return Variable(
        name=node.name,
        op=node.op,
        is_ref=node.op in REF_VARIABLES,
        shared_name=shared_name,
        key=key,
        dtype=dtypes.dtype(dtype),
        shape=shape,
        nbytes=nbytes,
        shard=shard,
        trainable=trainable,
        slice=part,
        title=declaration.name if declaration is not None else "",
    )


def _by_name(name: str, shared_name: str, bundle: Bundle) -> saver.Saved | None:
    """Return a key of the checkpoint that is the variable's own name, or None.

    Models without a saver have no better sign.
    """
    for candidate in (name, shared_name, name + VALUE_SUFFIX, shared_name + VALUE_SUFFIX):
        if candidate and candidate in bundle:
            return saver.Saved(candidate)
    return None


def _on_disk(bundle: Bundle, key: str, part: SaveSlice | None) -> tuple[int | None, int | None, int, Shape]:
    """Return (bytes, shard, dtype, shape) of a key, or of a part of it.

    (None, None, 0, None) for a damaged entry.
    """
    try:
        entry = bundle.entry(key)
    except DamagedFile:  # `checks.open_model` reports it
        return None, None, dtypes.INVALID, None
    if part is None:
        return entry.size, entry.shard, entry.dtype, entry.shape
    piece = bundle.piece(key, part.start, part.length)
    if piece is not None:
        return piece.size, piece.shard, entry.dtype, part.length
    size, elements = dtypes.size(entry.dtype), shapes.count(part.length)
    nbytes = size * elements if size is not None and elements is not None else None
    return nbytes, entry.shard, entry.dtype, part.length


def mismatch(variable: Variable, bundle: Bundle) -> str | None:
    """Return what differs between a variable and its checkpoint value, or None.

    Returns:
        None if dtype and shape agree, or there is no value, or its entry is damaged (`Bundle.check` reports that).
    """
    if variable.key is None or variable.key not in bundle:
        return None
    try:
        entry = bundle.entry(variable.key)
    except DamagedFile:
        return None
    whole = variable.slice.full_shape if variable.slice else variable.shape
    if entry.dtype == variable.dtype and shapes.fits(entry.shape, whole) != "refuted":
        return None
    return (
        f"The graph wants {dtypes.name(variable.dtype)} {shapes.text(whole)}, the checkpoint has "
        f"{dtypes.name(entry.dtype)} {shapes.text(entry.shape)} under {show(variable.key)!r}."
    )


def parse_slice(text: str) -> SaveSlice | None:
    """Return a slice as a saver writes it (`"8 4 0,3:-"`), or None.

    `-` is a whole dimension.

    Source: `tensor_slice.cc`, `ParseShapeAndSlice` in `saver.cc`.
    """
    *sizes, spec = text.split()
    try:
        full = tuple(int(size) for size in sizes)
        ranges = [
            (0, size) if part == "-" else _pair(part)
            for size, part in zip(full, spec.split(":"), strict=True)
        ]
    except ValueError:
        return None
    return SaveSlice(full, tuple(start for start, _ in ranges), tuple(length for _, length in ranges))


def _pair(text: str) -> tuple[int, int]:
    start, length = text.split(",")
    return int(start), int(length)


def variable_defs(meta: MetaGraphDef, collection: str) -> list[VariableDef]:
    """Return the `VariableDef` messages of a collection that can be parsed."""
    if collection not in meta.collection_def:
        return []
    from google.protobuf.message import DecodeError

    found = []
    for data in meta.collection_def[collection].bytes_list.value:
        try:
            found.append(VariableDef.FromString(data))
        except DecodeError:
            continue
    return found


def _declared(meta: MetaGraphDef) -> dict[str, bool]:
    """Return by variable node whether it is trainable, as the collections say.

    Before TF 1.13 a VariableDef had no `trainable` field: being in `trainable_variables` is what counted.
    """
    found: dict[str, bool] = {}
    for definition in variable_defs(meta, "variables"):
        found[input_node(definition.variable_name)] = definition.trainable
    for definition in variable_defs(meta, "trainable_variables"):
        found[input_node(definition.variable_name)] = True
    return found
