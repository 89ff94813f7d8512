"""VariableDefs for variables without one, so that loaders list and train them."""

from __future__ import annotations

from collections.abc import Iterable

from workbench import names
from workbench.disk import schema
from workbench.disk.schema import NodeDef
from workbench.surgery.imported import ImportedModel, attr_type


def opened_by_name(bodies: Iterable[tuple[str, Iterable[NodeDef]]]) -> dict[str, str]:
    """Return the variables that functions open by `shared_name`, not by handle.

    Such a one must stay what it is under that name: not a constant, and not an object of Python, for which
    `tf.saved_model.load` makes a variable without a name.

    Args:
        bodies: the functions that stay, each with those nodes of its body that may be VarHandleOps.

    Returns:
        `shared_name` (empty ones are a name, too) to the name of the first such function.
    """
    found: dict[str, str] = {}
    for function, nodes in bodies:
        for node in nodes:
            if node.op == "VarHandleOp":
                found.setdefault(_shared_name(node), function)
    return found


def known_by_name(part: ImportedModel) -> dict[str, str]:
    """Return the kept VarHandleOps that functions open by `shared_name`."""
    opened = opened_by_name((name, _handles(part, name)) for name in part.functions)
    handles = [node for node in part.kept.values() if node.op == "VarHandleOp"] if opened else []
    return {node.name: opened[name] for node in handles if (name := _shared_name(node)) in opened}


def _handles(part: ImportedModel, function: str) -> Iterable[NodeDef]:
    """Return the nodes of a function that may be VarHandleOps."""
    if function in part.made or "VarHandleOp" in part.naming.ops(function):
        return part.naming_nodes(function)
    return ()


def _shared_name(handle: NodeDef) -> str:
    attrs = handle.attr
    return attrs["shared_name"].s.decode("utf-8", "surrogateescape") if "shared_name" in attrs else ""


def describe_variables(part: ImportedModel) -> int:
    """Add the missing VariableDefs of resource variables; return how many.

    A TF2 export keeps its variables in the object graph only. Without a VariableDef they load and give the right
    numbers, but `loaded.variables`, `TFSMLayer.weights` and `global_variables()` are empty. Those that a function opens
    by their name are left as they are.
    """
    described = {
        names.input_node(definition.variable_name)
        for definitions in part.variable_defs.values()
        for definition in definitions
    }
    described |= known_by_name(part).keys()
    missing = [
        variable
        for variable in part.meta.variables
        if variable.node in part.kept
        and part.kept[variable.node].op == "VarHandleOp"
        and variable.node not in described
        and (variable.key is not None or variable.node in part.duplicates)
    ]
    if not missing:
        return 0
    reads = _reads(part)
    initializer = part.new_node("initialized_by_restore", "NoOp")
    for variable in missing:
        read = reads.get(variable.node)
        if read is None:
            read = part.new_node(
                f"{variable.node}/Read/ReadVariableOp",
                "ReadVariableOp",
                [variable.node],
                dtype=attr_type(variable.dtype),
            ).name
        definition = schema.VariableDef(
            variable_name=f"{variable.node}:0",
            initializer_name=initializer.name,
            initial_value_name=f"{read}:0",
            snapshot_name=f"{read}:0",
            is_resource=True,
            trainable=bool(variable.trainable),
        )
        part.variable_defs.setdefault("variables", []).append(definition)
        if variable.trainable:
            part.variable_defs.setdefault("trainable_variables", []).append(definition)
    return len(missing)


def _reads(part: ImportedModel) -> dict[str, str]:
    """Return a ReadVariableOp without control inputs for each variable node."""
    found: dict[str, str] = {}
    for name, node in part.kept.items():
        if node.op == "ReadVariableOp" and len(node.input) == 1:
            found.setdefault(names.input_node(node.input[0]), name)
    return found
