"""Variables turned into constants: only those the main graph reads itself; captured ones are named and refused."""

from __future__ import annotations

from typing import Any

from workbench import names
from workbench.disk import dtypes, schema
from workbench.disk.schema import Message
from workbench.model.variables import Variable
from workbench.names import show
from workbench.surgery.part import VARIABLE_OPS, Part, attr_type

_READS = frozenset({"ReadVariableOp", "Identity"})
_RESTORED_TABLES = ("MutableHashTable", "MutableDenseHashTable")


def bytes_to_freeze(part: Part) -> int:
    """Bytes that the constants of this part will hold."""
    return sum(
        variable.nbytes or 0
        for variable in part.meta.variables
        if variable.node in part.kept and variable.key is not None
    )


def freeze_variables(part: Part) -> int:
    """Makes a Const of every variable the kept nodes read; returns how many.

    What can't be frozen is a finding of the part: a variable captured by a function, assigned to by the graph, or
    without a value in the checkpoint.
    """
    known = {variable.node: variable for variable in part.meta.variables} | part.twins
    users: dict[str, list[tuple[Message, int]]] = {}
    frozen = 0
    for name, node in part.kept.items():
        if node.op.startswith(_RESTORED_TABLES):
            part.note(
                "freeze-table",
                "error",
                show(name),
                f"The content of this {show(node.op)} lies in the checkpoint, which a frozen model does not have.",
                "Merge without --freeze.",
            )
        for position, text in enumerate(node.input):
            if not text.startswith("^"):
                users.setdefault(names.input_node(text), []).append((node, position))
    for name in [name for name, node in part.kept.items() if node.op in VARIABLE_OPS]:
        frozen += _freeze(part, name, known.get(name), users.get(name, []))
    return frozen


def _freeze(part: Part, name: str, variable: Variable | None, users: list[tuple[Message, int]]) -> bool:
    if variable is None or variable.key is None:
        part.note(
            "freeze-no-value",
            "warning",
            show(name),
            "The checkpoint has no value for it, so it stays a variable.",
        )
        return False
    reference = part.kept[name].op != "VarHandleOp"
    for user, _ in users:
        obstacle = _obstacle(part, user, reference=reference)
        if obstacle is not None:
            part.note(
                "freeze-refused", "error", show(name), obstacle, "Merge without --freeze: variables are kept."
            )
            return False
    node = part.kept[name]
    value = _value(part, variable)
    place = _copy(node.attr["_class"]) if "_class" in node.attr else None
    node.op = "Const"
    node.attr.clear()
    node.attr["dtype"].type = value.dtype
    node.attr["value"].tensor.CopyFrom(value)
    if place is not None:
        node.attr["_class"].CopyFrom(place)
    for user, position in users:
        _read_constant(part, user, position, value.dtype)
    for definitions in part.variable_defs.values():
        definitions[:] = [one for one in definitions if names.input_node(one.variable_name) != name]
    return True


def _obstacle(part: Part, user: Message, *, reference: bool) -> str | None:
    """Why a user of a variable can't take a constant instead, or None."""
    if user.op in ("ReadVariableOp", "ResourceGather"):
        return None
    if any(value.WhichOneof("value") == "func" or value.list.func for value in user.attr.values()):
        return f"It is captured by the function call {show(user.name)} ({show(user.op)}); such can't be frozen yet."
    if user.op in part.meta.functions:
        return f"It is captured by the function call {show(user.name)}; such can't be frozen yet."
    if reference and not _demands_reference(part, user):
        return None
    return f"{show(user.name)} ({show(user.op)}) writes to it or needs it as a variable."


def _demands_reference(part: Part, user: Message) -> bool:
    op_def = part.meta.op_table.get(user.op)
    return op_def is None or any(arg.is_ref for arg in op_def.input_arg)


def _read_constant(part: Part, user: Message, position: int, dtype: int) -> None:
    if user.op == "ReadVariableOp":
        user.op = "Identity"
        del user.attr["dtype"]
        user.attr["T"].type = dtype
    elif user.op == "ResourceGather":
        indices = user.attr["Tindices"].type
        batch_dims = user.attr["batch_dims"].i if "batch_dims" in user.attr else 0
        axis_value = schema.AttrValue()
        axis_value.tensor.dtype = dtypes.enum("int32")
        axis_value.tensor.tensor_shape.SetInParent()
        axis_value.tensor.int_val.append(batch_dims)
        axis = part.new_node(
            f"{user.name}/axis", "Const", dtype=attr_type(dtypes.enum("int32")), value=axis_value
        )
        controls = [text for text in user.input if text.startswith("^")]
        data = [text for text in user.input if not text.startswith("^")]
        user.op = "GatherV2"
        user.attr.clear()
        user.attr["Tparams"].type = dtype
        user.attr["Tindices"].type = indices
        user.attr["Taxis"].type = dtypes.enum("int32")
        user.attr["batch_dims"].i = batch_dims
        user.input[:] = [*data, axis.name, *controls]
    del position


def _copy(value: Message) -> Message:
    copy = schema.AttrValue()
    copy.CopyFrom(value)
    return copy


def _value(part: Part, variable: Variable) -> Message:
    """The variable's value in the checkpoint as a TensorProto."""
    bundle = part.model.bundle
    assert bundle is not None and variable.key is not None
    array: Any = bundle.array(variable.key)
    if variable.slice is not None:
        ranges = zip(variable.slice.start, variable.slice.length, strict=True)
        array = array[tuple(slice(start, start + length) for start, length in ranges)]
    tensor = schema.TensorProto(dtype=dtypes.base(variable.dtype))
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_shape.SetInParent()
    if array.dtype == object:
        tensor.string_val.extend(array.reshape(-1).tolist())
    else:
        tensor.tensor_content = array.tobytes()
    return tensor
