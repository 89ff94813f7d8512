"""What TensorFlow's ops take and return: OpDefs by name, tensors by arg.

A model's own list (`meta_info_def.stripped_op_list`) is not complete, so the table is carried along: all
1,910 ops of TensorFlow 2.21 with args, attrs, defaults, allowed values and statefulness, without the
descriptions.

`ops.bin` is zlib over: the names in order, joined by newlines; a zero byte; the length of each OpDef (uint16,
little endian); the serialised OpDefs, without their names. It is made by `tests/tools/make_optable.py`, and
laid out so that an OpDef is parsed only when somebody asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

from workbench.disk import dtypes
from workbench.disk.schema import AttrValue, NodeDef, OpDef, OpList

MAX_TENSORS = 1_000_000
"""A node that lists more inputs or outputs than this is taken for damaged."""

MAX_CLAIMED = 1 << 14
"""The same where they are not listed, but claimed by a number: `num_split` of a Split."""

MAX_ARGS = 1000
"""An op of the model's own list with more args or attrs than this is not believed. TensorFlow's have up to 50."""

_index: dict[str, tuple[int, int]] = {}
_blobs = b""
_parsed: dict[str, OpDef] = {}


def lookup(op: str) -> OpDef | None:
    """Return the OpDef of a TensorFlow op, or None.

    It is shared: never change it.
    """
    found = _parsed.get(op)
    if found is None:
        place = _names().get(op)
        if place is None:
            return None
        found = OpDef.FromString(_blobs[place[0] : place[1]])
        found.name = op
        _parsed[op] = found
    return found


def is_known(op: str) -> bool:
    """Return whether TensorFlow 2.21 has an op of that name."""
    return op in _names()


def all_names() -> list[str]:
    """Return the names of all ops in the table, sorted."""
    return list(_names())


def _names() -> dict[str, tuple[int, int]]:
    """Name to (start, end) in `_blobs`."""
    global _index, _blobs
    if not _index:
        import struct
        import zlib

        with open(os.path.join(os.path.dirname(__file__), "ops.bin"), "rb") as file:
            data = zlib.decompress(file.read())
        end = data.index(b"\0")
        names = data[:end].decode("ascii").split("\n")
        blobs = end + 1 + 2 * len(names)
        ends = list(accumulate(struct.unpack_from(f"<{len(names)}H", data, end + 1)))
        _blobs = data[blobs:]
        _index = dict(zip(names, zip([0, *ends], ends, strict=False), strict=True))
    return _index


class OpTable:
    """The ops a model can use: TensorFlow's, then the model's own list.

    The second is for what TensorFlow does not know.

    TensorFlow's comes first because a model's list is stripped: defaults that an old exporter did not know
    are missing there.

    Args:
        extra: the model's `OpList`, or None.
    """

    __slots__ = ("_extra", "_extra_index")

    def __init__(self, extra: OpList | None = None) -> None:
        self._extra = extra
        self._extra_index: dict[str, OpDef] | None = None

    def get(self, op: str) -> OpDef | None:
        """Return the OpDef of `op`, or None if it is in neither list."""
        found = lookup(op)
        return self._own().get(op) if found is None else found

    def __contains__(self, op: str) -> bool:
        return is_known(op) or op in self._own()

    def unknown(self, ops: Iterable[str]) -> list[str]:
        """Return those of `ops` that neither list has, sorted."""
        return sorted({op for op in ops if op not in self})

    def _own(self) -> dict[str, OpDef]:
        if self._extra_index is None:
            self._extra_index = {} if self._extra is None else {op.name: op for op in self._extra.op}
        return self._extra_index


class ArgRange(NamedTuple):
    """An arg of an op, and which of the flat inputs or outputs belong to it."""

    arg: str
    """The name of the arg: `out` in `n:out:1`."""
    first: int
    """The flat index of its first tensor: `n:out:1` is output `first + 1`."""
    size: int
    """How many tensors it has; 0 is possible."""


def output_types(node: NodeDef, op_def: OpDef) -> list[int] | None:
    """Return the dtypes of a node's outputs, in order, ref dtypes included.

    Attrs that the node leaves out have the default of `op_def`. None if one can't be resolved: the attr is
    missing, is a placeholder of a function, or is out of any range.
    """
    return _types(node, op_def, op_def.output_arg)


def input_types(node: NodeDef, op_def: OpDef) -> list[int] | None:
    """Return the dtypes a node's data inputs must have; see `output_types`."""
    return _types(node, op_def, op_def.input_arg)


def output_args(node: NodeDef, op_def: OpDef) -> list[ArgRange] | None:
    """Return which flat outputs of a node belong to which output arg.

    None if a count can't be resolved.

    In a function's body `n:arg:i` is the flat output `first + i` of that arg.
    """
    return _ranges(node, op_def, op_def.output_arg)


def input_args(node: NodeDef, op_def: OpDef) -> list[ArgRange] | None:
    """Return which data inputs of a node belong to which input arg, or None.

    Control inputs are not counted.
    """
    return _ranges(node, op_def, op_def.input_arg)


def attr(node: NodeDef, op_def: OpDef | None, name: str) -> AttrValue | None:
    """Return an AttrValue of a node: its own, else the op's default, else None."""
    found = node.attr.get(name)
    if found is not None or op_def is None:
        return found
    for known in op_def.attr:
        if known.name == name:
            return known.default_value if known.HasField("default_value") else None
    return None


def _types(node: NodeDef, op_def: OpDef, args: Iterable[OpDef.ArgDef]) -> list[int] | None:
    types: list[int] = []
    if len(op_def.output_arg) + len(op_def.input_arg) + len(op_def.attr) > MAX_ARGS:
        return None
    for arg in args:
        if arg.type_list_attr:
            listed = attr(node, op_def, arg.type_list_attr)
            if listed is None or len(listed.list.type) > MAX_TENSORS:
                return None
            found = list(listed.list.type)
            if dtypes.INVALID in found or dtypes.REF in found:
                return None
        else:
            one = _type(node, op_def, arg)
            count = _count(node, op_def, arg)
            if one is None or count is None or one in (dtypes.INVALID, dtypes.REF):
                return None
            found = [one] * count
        if arg.is_ref:
            found = [number + dtypes.REF if number < dtypes.REF else number for number in found]
        types += found
        if len(types) > MAX_TENSORS:
            return None
    return types


def _type(node: NodeDef, op_def: OpDef, arg: OpDef.ArgDef) -> int | None:
    if arg.type:
        return int(arg.type)
    found = attr(node, op_def, arg.type_attr) if arg.type_attr else None
    return None if found is None or not found.type else int(found.type)


def _count(node: NodeDef, op_def: OpDef, arg: OpDef.ArgDef) -> int | None:
    """Return how many tensors an arg has, or None if that is unknown."""
    if arg.type_list_attr:
        found = attr(node, op_def, arg.type_list_attr)
        return None if found is None else len(found.list.type)
    if not arg.number_attr:
        return 1
    found = attr(node, op_def, arg.number_attr)
    if found is None or found.WhichOneof("value") != "i" or not 0 <= found.i <= MAX_CLAIMED:
        return None
    return int(found.i)


def _ranges(node: NodeDef, op_def: OpDef, args: Iterable[OpDef.ArgDef]) -> list[ArgRange] | None:
    ranges: list[ArgRange] = []
    first = 0
    for arg in args:
        size = _count(node, op_def, arg)
        if size is None:
            return None
        ranges.append(ArgRange(arg.name, first, size))
        first += size
    return ranges
