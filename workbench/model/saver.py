"""The checkpoint key of each variable, found by following the saver.

TF1: the restore op's control inputs lead to `Assign(variable, RestoreV2:i)`, and RestoreV2's
`tensor_names[i]` and `shape_and_slices[i]` are the key and the slice. TF2: the restore op is a call, and the
same stands in its body, with the variable as a captured argument. Where restoring says nothing the saving
side is read: `SaveV2(prefix, names, slices, ReadVariableOp(variable), …)`. Sources: `training/saver.py`,
`checkpoint/functional_saver.py`, and what TF 1.2 to 2.21 wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from workbench.disk.nodes import attr
from workbench.disk.schema import FunctionDef, NodeDef, SaverDef
from workbench.model.op_classes import ASSIGNS, CALLS, RESTORES, STORED_VALUE, VARIABLES
from workbench.names import input_node, parse_number

_MAX_CHAIN = 64
_MAX_DEPTH = 32
_MAX_BODIES = 1000
_MAX_REPEATED = 1000  # characters of a string that represents many


class Saved(NamedTuple):
    """Where a variable's value lies: a key and the slice as written, `""` for all."""

    key: str
    slice_spec: str = ""


class _Scope:
    """Where names are looked up: the main graph, or a body with its arguments.

    Args:
        node: finds a node by name, or gives None.
        arguments: a body's arguments: the caller's scope and the input that is passed.
        depth: how many calls lead here.
    """

    __slots__ = ("arguments", "depth", "node", "strings")

    def __init__(
        self,
        node: Callable[[str], NodeDef | None],
        arguments: Mapping[str, tuple[_Scope, str]] | None = None,
        depth: int = 0,
    ) -> None:
        self.node = node
        self.arguments = arguments or {}
        self.depth = depth
        self.strings: dict[str, Strings] = {}  # of Consts, by the input that names them


def follow(
    nodes: Mapping[str, NodeDef], functions: Mapping[str, FunctionDef], saver: SaverDef | None
) -> dict[str, Saved]:
    """Return the place of each variable's value in the checkpoint, by node.

    Args:
        nodes: the main graph's nodes by name.
        functions: the function library by name.
        saver: the `SaverDef`, or None; without a restore op the whole main graph is searched.
    """
    walk = _Walk(_Scope(nodes.get), functions)
    found: dict[str, Saved] = {}
    restore = saver.restore_op_name if saver is not None else ""
    start = nodes.get(input_node(restore)) if restore else None
    reached = walk.ancestors(start) if start is not None else ((walk.main, node) for node in nodes.values())
    for scope, node in reached:
        if node.op in ASSIGNS:
            _read_assign(scope, node, found)
    save = saver.save_tensor_name if saver is not None else ""
    start = nodes.get(input_node(save)) if save else None
    if start is not None and walk.could_tell_more(start, found):
        for scope, node in walk.ancestors(start):
            if node.op == "SaveV2":
                _read_save(scope, node, found)
    return found


class _Walk:
    """Walk up from a node of the main graph and into the bodies of calls.

    Bodies are entered once a call, so functions that call each other could unfold without end: there is a
    limit to depth and to the number of bodies.
    """

    def __init__(self, main: _Scope, functions: Mapping[str, FunctionDef]) -> None:
        self.main = main
        self.functions = functions
        self.bodies_left = _MAX_BODIES

    def ancestors(self, start: NodeDef) -> Iterator[tuple[_Scope, NodeDef]]:
        """Yield the ancestors of `start`, itself included, and the bodies they call."""
        seen = {start.name}
        todo = [start]
        while todo:
            node = todo.pop()
            yield self.main, node
            if node.op in CALLS:
                yield from self._body(self.main, node)
            for entry in node.input:
                name = input_node(entry)
                if name not in seen:
                    seen.add(name)
                    parent = self.main.node(name)
                    if parent is not None:
                        todo.append(parent)

    def could_tell_more(self, start: NodeDef, found: Mapping[str, Saved]) -> bool:
        """Return whether a saving call takes a variable that is not in `found`."""
        if start.op not in CALLS:
            return True
        for entry in start.input:
            node = self.main.node(input_node(entry))
            if node is not None and node.op == "ReadVariableOp" and node.input:
                node = self.main.node(input_node(node.input[0]))
            if node is not None and node.op in VARIABLES and node.name not in found:
                return True
        return False

    def _body(self, caller: _Scope, call: NodeDef) -> Iterator[tuple[_Scope, NodeDef]]:
        function = self.functions.get(attr(call, "f").func.name)
        if function is None or caller.depth >= _MAX_DEPTH or not self.bodies_left:
            return
        self.bodies_left -= 1
        body = {node.name: node for node in function.node_def}
        pairs = zip(function.signature.input_arg, call.input, strict=False)
        scope = _Scope(body.get, {arg.name: (caller, entry) for arg, entry in pairs}, caller.depth + 1)
        for node in body.values():
            yield scope, node
            if node.op in CALLS:
                yield from self._body(scope, node)


def _read_assign(scope: _Scope, assign: NodeDef, found: dict[str, Saved]) -> None:
    if len(assign.input) < 2:
        return
    target = _origin(scope, assign.input[0])
    if target is None or target[1].op not in VARIABLES or target[1].name in found:
        return
    source = _origin(scope, assign.input[1])
    if source is not None and source[1].op in RESTORES:
        saved = _restored(*source)
        if saved is not None:
            found[target[1].name] = saved


def _restored(scope: _Scope, restore: NodeDef, index: int) -> Saved | None:
    names = _strings(scope, restore.input[1]) if len(restore.input) > 1 else _NO_STRINGS
    slices = _strings(scope, restore.input[2]) if len(restore.input) > 2 else _NO_STRINGS
    name = names.get(index)
    return None if name is None else Saved(name, slices.get(index) or "")


def _read_save(scope: _Scope, save: NodeDef, found: dict[str, Saved]) -> None:
    data = [entry for entry in save.input if not entry.startswith("^")]
    if len(data) < 3:
        return
    names, slices = _strings(scope, data[1]), _strings(scope, data[2])
    for index, entry in enumerate(data[3:]):
        origin = _origin(scope, entry)
        name = names.get(index)
        if origin is None or name is None:
            continue
        node = origin[1]
        if node.op in VARIABLES and node.name not in found:
            found[node.name] = Saved(name, slices.get(index) or "")


def _origin(scope: _Scope, entry: str) -> tuple[_Scope, NodeDef, int] | None:
    """Return the node a value comes from, through Identity and out of arguments.

    Returns:
        (its scope, the node, index of its output), or None if the trail ends.
    """
    for _ in range(_MAX_CHAIN):
        name, _, rest = entry.partition(":")
        if name.startswith("^"):
            return None
        node = scope.node(name)
        if node is None:
            outer = scope.arguments.get(name)
            if outer is None:
                return None
            scope, entry = outer
        elif node.op in STORED_VALUE and node.input:
            entry = node.input[0]
        else:
            # `n:k` in the main graph, `n:arg:k` in a body; the arg of a restore is its only one
            return scope, node, parse_number(rest.rpartition(":")[2]) or 0
    return None


def _strings(scope: _Scope, entry: str) -> Strings:
    found = scope.strings.get(entry)
    if found is None:
        origin = _origin(scope, entry)
        found = const_strings(origin[1]) if origin is not None and origin[1].op == "Const" else _NO_STRINGS
        scope.strings[entry] = found
    return found


class Strings(NamedTuple):
    """The strings of a Const, flat; the last one on disk is repeated up to `number`."""

    values: list[str]
    number: int

    def get(self, index: int) -> str | None:
        """Return string number `index`, or None."""
        if index < len(self.values):
            return self.values[index]
        if not self.values or index >= self.number or len(self.values[-1]) > _MAX_REPEATED:
            return None
        return self.values[-1]


_NO_STRINGS = Strings([], 0)


def const_strings(node: NodeDef) -> Strings:
    """Return the strings of a string Const.

    Bytes that are not UTF-8 keep their value through `surrogateescape`.
    """
    tensor = attr(node, "value").tensor
    values = [value.decode("utf-8", "surrogateescape") for value in tensor.string_val]
    total = 1
    for dim in tensor.tensor_shape.dim:
        total *= max(dim.size, 0)
    return Strings(values, max(total, len(values)))
