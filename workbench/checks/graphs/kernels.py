"""For which dtypes each op has a kernel on CPUs, in TensorFlow 2.21.

`kernels.bin` is zlib over lines, one an op that has any: `OP;COMBO;COMBO…`, each combination
`attr=dtype,dtype attr=dtype…` with dtypes as numbers; an attr that is not named may be any. It is made by
`tests/tools/make_kernels.py`.
"""

from __future__ import annotations

import os
import zlib
from functools import cache

from workbench.disk import optable
from workbench.disk.schema import NodeDef

Combo = dict[str, frozenset[int]]

NEVER_RUN = frozenset({"AccumulateNV2"})
"""Ops without a kernel that TensorFlow replaces before it looks for one."""


def has_any(op: str) -> bool:
    """Return whether an op has a kernel for any dtype."""
    return op in _table() or op in NEVER_RUN


def lacking(node: NodeDef) -> dict[str, int] | None:
    """Return the dtypes for which a node's op has no kernel, by attr; None if it has one or is unknown.

    Args:
        node: of an op that has any kernel.
    """
    combos = _combos(node.op)
    if not combos:
        return None
    op_def = optable.lookup(node.op)
    dtypes: dict[str, tuple[int, ...] | None] = {}
    for name in {name for combo in combos for name in combo}:
        value = optable.attr(node, op_def, name)
        kind = None if value is None else value.WhichOneof("value")
        if value is None or kind not in ("type", "list"):
            dtypes[name] = None
        else:
            dtypes[name] = (value.type,) if kind == "type" else tuple(value.list.type)
    for combo in combos:
        if all(_fits(dtypes[name], allowed) for name, allowed in combo.items()):
            return None
    return {name: types[0] for name, types in sorted(dtypes.items()) if types}


def _fits(types: tuple[int, ...] | None, allowed: frozenset[int]) -> bool:
    return types is None or all(dtype in allowed for dtype in types)


@cache
def _combos(op: str) -> tuple[Combo, ...]:
    """Return the dtype combinations of an op; empty if it takes any."""
    found = []
    for text in _table().get(op, "").split(";"):
        if not text:
            return ()
        pairs = (one.split("=") for one in text.split(" "))
        found.append({name: frozenset(map(int, dtypes.split(","))) for name, dtypes in pairs})
    return tuple(found)


@cache
def _table() -> dict[str, str]:
    with open(os.path.join(os.path.dirname(__file__), "kernels.bin"), "rb") as file:
        lines = zlib.decompress(file.read()).decode("ascii").split("\n")
    return dict(line.split(";", 1) for line in lines)
