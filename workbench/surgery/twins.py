"""Variables that stand twice in a main graph: once where they are read, once where the saver restores them.

`tf.saved_model.save` on a Keras 3 model writes such graphs: the functions read `dense/kernel`, the saver restores
`Variable_1`, and only the object graph knows that both are one. `tf.saved_model.load` goes by the object graph and is
right; a v1 Session finds the variable uninitialised. In the result the saver restores the one that is read.
"""

from __future__ import annotations

from workbench import names
from workbench.model import MetaGraph
from workbench.model.variables import Variable
from workbench.surgery.part import Part


def find_twins(meta: MetaGraph) -> dict[str, Variable]:
    """Node of a variable that nothing restores to the restored variable that is the same object."""
    objects = meta.objects
    if objects is None:
        return {}
    lost = [variable for variable in meta.variables if variable.key is None and variable.op == "VarHandleOp"]
    if not lost:
        return {}
    restored: dict[int, Variable] = {}
    for variable in meta.variables:
        number = objects.variable_of_key(variable.key) if variable.key is not None else None
        if number is not None:
            restored.setdefault(number, variable)
    found: dict[str, Variable] = {}
    for variable in lost:
        number = objects.variables_by_name.get(variable.shared_name or variable.name)
        twin = restored.get(number) if number is not None else None
        if twin is not None and (twin.dtype, twin.shape) == (variable.dtype, variable.shape):
            found[variable.node] = twin
    return found


def join_twins(part: Part) -> None:
    """Leads what the saver does to a restored twin to the variable that is read; notes it in `part.twins`."""
    part.twins = {node: twin for node, twin in find_twins(part.meta).items() if node in part.kept}
    new = {twin.node: node for node, twin in part.twins.items() if twin.node in part.kept}
    if not new:
        return
    for node in part.kept.values():
        for position, text in enumerate(node.input):
            head, rest = names.split_input(text)
            if head in new:
                node.input[position] = f"^{new[head]}" if rest == "^" else new[head] + rest
    for twin in new:
        if f"{twin}:0" not in part.exported:
            part.remove(twin)
