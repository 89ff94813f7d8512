"""Variables with two nodes, of which one is read and the other restored; and two variables in one place.

`tf.saved_model.save` on a Keras 3 model writes such graphs: the functions read `dense/kernel`, the saver restores
`Variable_1`, and only the object graph knows that both are one. `tf.saved_model.load` follows the object graph and is
right; a v1 Session finds the variable uninitialised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from workbench.disk.schema import NodeDef
from workbench.model.objects import ObjectGraph
from workbench.model.variables import Variable


def find_duplicates(variables: Sequence[Variable], objects: ObjectGraph | None) -> dict[str, Variable]:
    """Return unrestored variables that are second nodes of restored ones.

    By the name of the second node: the restored variable of the same object.

    Args:
        variables: all variables of a MetaGraph.
        objects: its object graph, which alone knows that two nodes are one object.
    """
    if objects is None:
        return {}
    lost = [variable for variable in variables if variable.key is None and variable.op == "VarHandleOp"]
    if not lost:
        return {}
    restored: dict[int, Variable] = {}
    for variable in variables:
        number = objects.variable_of_key(variable.key) if variable.key is not None else None
        if number is not None:
            restored.setdefault(number, variable)
    found: dict[str, Variable] = {}
    for variable in lost:
        number = objects.variables_by_name.get(variable.shared_name or variable.name)
        same = restored.get(number) if number is not None else None
        if same is not None and (same.dtype, same.shape) == (variable.dtype, variable.shape):
            found[variable.node] = same
    return found


def sharing_memory(variables: Iterable[Variable], nodes: Mapping[str, NodeDef]) -> list[list[Variable]]:
    """Return groups of variables that a v1 Session keeps in one place although they have keys of their own.

    It finds the place by container and `shared_name`, or the node's name where that is empty; the value that is
    restored last is that of all of them. Source: `resource_variable_ops.cc`, VarHandleOp; `variable_ops.cc`.
    """
    groups: dict[tuple[bytes, str, bool], list[Variable]] = {}
    for variable in variables:
        if variable.key is not None:
            node = nodes[variable.name]
            container = node.attr["container"].s if "container" in node.attr else b""
            place = container, variable.shared_name or variable.name, variable.is_ref
            groups.setdefault(place, []).append(variable)
    return [group for group in groups.values() if len({one.key for one in group}) > 1]
