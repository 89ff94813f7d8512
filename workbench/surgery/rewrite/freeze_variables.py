"""Freezing: variables become constants, in the main graph and in functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from workbench import names
from workbench.disk import dtypes
from workbench.disk.checkpoint.bundle import Bundle
from workbench.disk.optable import OpTable
from workbench.disk.schema import FunctionDef, NodeDef, TensorProto
from workbench.findings import Action, Hint
from workbench.graph.reach import ancestors
from workbench.model.op_classes import ASSIGNS, PLACEHOLDERS, REF_VARIABLES, VARIABLES
from workbench.model.variables import Variable
from workbench.names import show
from workbench.surgery.export.restored_state import Restored, restored
from workbench.surgery.export.variable_defs import opened_by_name
from workbench.surgery.imported import ImportedModel
from workbench.surgery.rewrite.constant_reads import Obstacle
from workbench.surgery.rewrite.variables_to_constants import Conversion

Note = Callable[[str, Any, str, str, str | None], None]
"""Takes code, severity, where, message and hint of a finding."""


def bytes_to_freeze(part: ImportedModel) -> int:
    """Return the bytes that the constants of an imported model will hold."""
    known = {variable.node: variable for variable in part.meta.variables} | part.duplicates
    return bytes_of(known[name] for name in part.kept if name in known)


def bytes_of(variables: Iterable[Variable]) -> int:
    """Return the bytes of the variables that have a checkpoint value."""
    return sum(variable.nbytes or 0 for variable in variables if variable.key is not None)


def freeze_variables(part: ImportedModel) -> int:
    """Make a Const of every variable among the kept nodes and return their number.

    Variables that can't be frozen are reported: those assigned to, and those without a value in the
    checkpoint. The functions of the imported model are those of the frozen graph afterwards.
    """
    known = {variable.node: variable for variable in part.meta.variables} | part.duplicates
    conversion = Conversion(
        part.kept, part.meta.functions, part.meta.op_table, lambda name, op: part.new_node(name, op)
    )
    frozen = freeze(
        part.kept,
        known,
        part.model.bundle,
        conversion,
        part.note,
        Hint("To keep variables in the checkpoint, ", Action("keep-variables")),
        bodies=map(part.function, part.functions),
        state=restored(part.meta),
    )
    if frozen:
        part.use_functions(conversion.made)
        for definitions in part.variable_defs.values():
            definitions[:] = [
                one for one in definitions if part.kept[names.input_node(one.variable_name)].op in VARIABLES
            ]
    return frozen


def freeze(
    nodes: Mapping[str, NodeDef],
    known: Mapping[str, Variable],
    bundle: Bundle | None,
    conversion: Conversion,
    note: Note,
    hint: str,
    asked: Iterable[str] = (),
    *,
    bodies: Iterable[FunctionDef],
    state: Restored,
) -> int:
    """Make constants of a main graph's variables in place; return how many.

    0 if something prevents it, which is then a finding.

    Args:
        nodes: the main graph by name.
        known: its variables by node.
        bundle: the checkpoint.
        conversion: over the same nodes.
        note: takes the findings.
        hint: what to do instead.
        asked: what signatures and wires need, as inputs of a node would be written.
        bodies: the functions that the graph calls.
        state: what the checkpoint restores.
    """
    asked, bodies = list(asked), list(bodies)
    lost = _lost(nodes, bodies, state, conversion.op_table)
    for where, told in lost:
        note("freeze-state", "error", where, told, hint)
    values: dict[str, Variable] = {}
    given: dict[str, str] = {}
    for name, node in nodes.items():
        if node.op not in VARIABLES or state.lost(node, conversion.op_table):
            continue
        variable = known.get(name)
        if variable is None or variable.key is None or bundle is None:
            found = set_once(nodes, name, conversion.op_table, asked)
            if found is None:
                text = "The checkpoint has no value for it, so it stays a variable."
                note("freeze-no-value", "warning", show(name), text, None)
            else:
                conversion.once.add(found[0])
                given[name] = found[1]
        else:
            values[name] = variable
    types = {name: dtypes.base(nodes[name].attr["dtype"].type) for name in (*values, *given)}
    references = [name for name in types if nodes[name].op in REF_VARIABLES]
    obstacles = conversion.follow(types, references)
    for variable_name in dict.fromkeys(obstacle.variable for obstacle in obstacles):
        own = [obstacle for obstacle in obstacles if obstacle.variable == variable_name]
        note("freeze-refused", "error", show(variable_name), _tell(own), hint)
    opened = opened_by_name((body.signature.name, body.node_def) for body in bodies)
    by_name = [(name, opened[one.shared_name]) for name, one in known.items() if one.shared_name in opened]
    for name, function in by_name:
        text = f"It can't become a constant: the function {show(function)} opens it by its name."
        note("freeze-refused", "error", show(name), text, hint)
    if obstacles or by_name or lost:
        return 0
    conversion.apply()
    for name, variable in values.items():
        assert bundle is not None
        _become_constant(nodes[name], bundle, variable)
    for name, text in given.items():
        node = nodes[name]
        node.op = "Identity"
        node.attr.clear()
        node.attr["T"].type = types[name]
        node.input[:] = [text]
    return len(types)


def _lost(
    nodes: Mapping[str, NodeDef], bodies: Iterable[FunctionDef], state: Restored, op_table: OpTable
) -> list[tuple[str, str]]:
    """Return where restored state is that no constant can hold, and a message."""
    found = []
    for name, node in nodes.items():
        if state.lost(node, op_table):
            by = f" by {show(state.nodes[name])}" if state.nodes.get(name) else ""
            told = f"The checkpoint fills this {show(node.op)}{by}, and a frozen model has no checkpoint."
            found.append((show(name), told))
    for body in bodies:
        for node in body.node_def:
            if node.name not in nodes and state.lost(node, op_table):
                told = f"The checkpoint fills this {show(node.op)}, and a frozen model has no checkpoint."
                found.append((f"{show(body.signature.name)}::{show(node.name)}", told))
    return found


def set_once(
    nodes: Mapping[str, NodeDef], name: str, op_table: OpTable, asked: Iterable[str]
) -> tuple[str, str] | None:
    """Return the only assignment to a variable and its value, if always the same.

    Args:
        nodes: the main graph.
        name: the variable's node.
        op_table: op definitions.
        asked: what signatures need: a variable that is set from a fed tensor (an asset's path, fed to the init op
            alone) must not be among it.
    """
    setters = [
        node
        for node in nodes.values()
        if node.op in ASSIGNS and node.input and names.input_node(node.input[0]) == name
    ]
    if len(setters) != 1:
        return None
    setter = setters[0]
    if any(
        names.input_node(text) == setter.name
        for node in nodes.values()
        for text in node.input
        if text[0] != "^"
    ):
        return None
    behind = ancestors(nodes, [setter.input[1]])
    if name in behind or any(not _repeats(nodes[one], op_table) for one in behind):
        return None
    if any(nodes[one].op in PLACEHOLDERS for one in behind) and name in ancestors(nodes, asked):
        return None
    return str(setter.name), str(setter.input[1])


def _repeats(node: NodeDef, op_table: OpTable) -> bool:
    op_def = op_table.get(node.op)
    return op_def is not None and not op_def.is_stateful


def _tell(obstacles: list[Obstacle]) -> str:
    first = obstacles[0]
    more = f" ({len(obstacles) - 1} more like this.)" if len(obstacles) > 1 else ""
    return f"It can't become a constant: at {show(first.node)}, {first.why}.{more}"


def _become_constant(node: NodeDef, bundle: Bundle, variable: Variable) -> None:
    places = list(node.attr["_class"].list.s) if "_class" in node.attr else []
    node.op = "Const"
    node.attr.clear()
    node.attr["dtype"].type = dtypes.base(variable.dtype)
    _fill(node.attr["value"].tensor, bundle, variable)
    if places:
        node.attr["_class"].list.s.extend(places)


def _fill(tensor: TensorProto, bundle: Bundle, variable: Variable) -> None:
    """Copy a variable's checkpoint value into a TensorProto."""
    assert variable.key is not None
    entry = bundle.entry(variable.key)
    tensor.dtype = entry.dtype
    tensor.tensor_shape.SetInParent()
    if variable.slice is None and entry.dtype != dtypes.STRING:
        for size in entry.shape:
            tensor.tensor_shape.dim.add(size=size)
        tensor.tensor_content = bundle.raw(variable.key)
        return
    array: Any = bundle.array(variable.key)
    if variable.slice is not None:
        ranges = zip(variable.slice.start, variable.slice.length, strict=True)
        array = array[tuple(slice(start, start + length) for start, length in ranges)]
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    if array.dtype == object:
        tensor.string_val.extend(array.reshape(-1).tolist())
    else:
        tensor.tensor_content = array.tobytes()
