"""What a lookup table holds: from its asset file, from constants, or from the checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.disk import dtypes
from workbench.disk import files as disk_files
from workbench.disk.nodes import attr
from workbench.disk.schema import NodeDef
from workbench.errors import DiskError, WorkbenchError
from workbench.graph.functions import calls
from workbench.graph.level import Level, Value
from workbench.model.op_classes import FILLS_FROM_FILE, FILLS_FROM_TENSORS
from workbench.runtime.inputs import flow

MAX_KEYS = 1000
"""How many of a table's entries are read: enough to choose from."""
_MAX_BYTES = 1 << 20
_MAX_SCOPES = 1000  # calls can nest so that the paths are exponentially many
_WHOLE_LINE, _LINE_NUMBER = -2, -1
_INTEGER = re.compile(rb"\s*[+-]?[0-9]{1,19}\s*\Z")


@dataclass(frozen=True, slots=True)
class Entries:
    """The first entries of a table.

    Attributes:
        keys: bytes or numbers; empty if nothing tells them.
        values: what the keys lead to, one for each; empty if nothing tells them.
    """

    keys: tuple[Any, ...] = ()
    values: tuple[Any, ...] = ()


def table_entries(main: Level, table: Value, assets: Mapping[str, Path]) -> Entries:
    """Up to `MAX_KEYS` entries of a table.

    Args:
        main: the main graph.
        table: where the table's handle comes from, as `flow.origin` gives it.
        assets: tensor name to file, besides what the MetaGraph's own folder has.
    """
    files = {asset.tensor: asset.path for asset in main.meta.assets if asset.path is not None}
    files.update(assets)
    for level, node in _initialisers(main):
        handle = level.input(node, 0)
        if handle is None or not _same_table(flow.origin(handle), table):
            continue
        if node.op in FILLS_FROM_TENSORS:
            keys, values = flow.const(level.input(node, 1)), flow.const(level.input(node, 2))
            if keys is not None:
                first = tuple(keys.reshape(-1)[:MAX_KEYS].tolist())
                if values is None or values.size != keys.size:
                    return Entries(first)
                return Entries(first, tuple(values.reshape(-1)[:MAX_KEYS].tolist()))
        else:
            found = _from_file(level, node, files)
            if found.keys:
                return found
    return _from_checkpoint(main, table)


def _same_table(one: Value, other: Value) -> bool:
    """Whether two handles are of one table: one node, or two that share a name."""
    if one == other:
        return True
    left, right = one.node, other.node
    if left is None or right is None:
        return False
    return bool(attr(left, "shared_name").s) and attr(left, "shared_name").s == attr(right, "shared_name").s


def _initialisers(main: Level) -> Iterator[tuple[Level, NodeDef]]:
    """Every op that fills a table, in the main graph and in the bodies that lead to one."""
    functions = main.meta.functions
    wanted = FILLS_FROM_FILE | FILLS_FROM_TENSORS
    leading = {
        name for name, function in functions.items() if any(node.op in wanted for node in function.node_def)
    }
    grown = True
    while grown:
        grown = False
        for name, function in functions.items():
            if name not in leading and any(
                called in leading for node in function.node_def for _, called in calls(node, functions)
            ):
                leading.add(name)
                grown = True
    todo = [main]
    for _ in range(_MAX_SCOPES):
        if not todo:
            return
        level = todo.pop()
        for node in level.nodes.values():
            if node.op in wanted:
                yield level, node
            elif any(called in leading for _, called in calls(node, functions)):
                todo += level.levels_under(node)


def _from_file(level: Level, node: NodeDef, files: Mapping[str, Path]) -> Entries:
    filename = level.input(node, 1)
    if filename is None:
        return Entries()
    at = _assigned(flow.origin(filename))
    path = files.get(f"{at.name}:{at.index}") if at.level.function is None else None
    if path is None:
        return Entries()
    try:
        lines = disk_files.read_first(path, _MAX_BYTES).splitlines()[:MAX_KEYS]
    except DiskError:
        return Entries()
    delimiter = attr(node, "delimiter").s or b"\t"
    table = flow.source_node(level.input(node, 0))
    pairs = []
    for number, line in enumerate(lines):
        pair = [
            _column(number, line, delimiter, attr(node, f"{side}_index").i, _dtype(table, side))
            for side in ("key", "value")
        ]
        if pair[0] is not None:
            pairs.append(pair)
    values = tuple(value for _, value in pairs)
    return Entries(tuple(key for key, _ in pairs), () if None in values else values)


def _dtype(table: NodeDef | None, side: str) -> int:
    """DataType of a table's keys or values; strings for keys and integers for values where nothing tells."""
    found = attr(table, f"{side}_dtype").type if table is not None else 0
    return int(found) or (dtypes.STRING if side == "key" else dtypes.INT64)


def _column(number: int, line: bytes, delimiter: bytes, column: int, dtype: int) -> Any:
    """The key or value in a line of a file; None if there is none, or it is no number where one is due."""
    if column == _LINE_NUMBER:
        return number
    if column != _WHOLE_LINE:
        fields = line.split(delimiter)
        if not 0 <= column < len(fields):
            return None
        line = fields[column]
    if dtype == dtypes.STRING:
        return line
    return int(line) if _INTEGER.match(line) else None


def _assigned(value: Value) -> Value:
    """What a variable of the main graph is assigned from there: TF2 keeps the paths of assets in variables."""
    node = value.node
    if node is None or node.op != "VarHandleOp":
        return value
    for use in value.level.uses(value):
        given = use.input(1)
        if use.op == "AssignVariableOp" and use.position == 0 and given is not None:
            return flow.origin(given)
    return value


def _from_checkpoint(main: Level, table: Value) -> Entries:
    """What a mutable table was saved with, where the checkpoint has just one table of that key dtype."""
    bundle = main.meta.bundle
    node = table.node
    if bundle is None or node is None or not node.op.startswith("MutableHashTable"):
        return Entries()
    dtype = attr(node, "key_dtype").type
    try:
        saved = [key for key in bundle.keys() if key.endswith("-keys")]  # noqa: SIM118 (no iterator)
        fitting = [key for key in saved if bundle.entry(key).dtype == dtype]
        if len(fitting) != 1 or bundle.entry(fitting[0]).size > _MAX_BYTES:
            return Entries()
        return Entries(tuple(bundle.array(fitting[0]).reshape(-1)[:MAX_KEYS].tolist()))
    except WorkbenchError:
        return Entries()
