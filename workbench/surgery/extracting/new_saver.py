"""A saver for the variables of a part: one op that restores them, one that saves them.

That of the source may be a function, or shared with what is not in the part. Source of the form:
tensorflow/python/training/saver.py, `BulkSaverBuilder` without shards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workbench.disk import dtypes, schema
from workbench.disk.nodes import attr
from workbench.disk.schema import AttrValue, NodeDef, SaverDef
from workbench.model.op_classes import REF_VARIABLES
from workbench.model.variables import Variable
from workbench.surgery.imported import ImportedModel, attr_type


@dataclass(frozen=True, slots=True)
class Stored:
    """A variable of a part that has a value in the checkpoint.

    Attributes:
        node: its node.
        variable: what the source says of it, or of the one whose value it has.
        key: of its value.
    """

    node: str
    variable: Variable
    key: str

    @property
    def slice(self) -> str:
        """The part of a partitioned value that it has, as a saver writes it; empty for the whole."""
        return "" if self.variable.slice is None else str(self.variable.slice)


def stored_variables(part: ImportedModel) -> list[Stored]:
    """Return the kept variables of a part whose values the checkpoint has, in graph order."""
    found = []
    for variable in part.meta.variables:
        own = part.duplicates.get(variable.node, variable)
        if variable.node in part.kept and own.key is not None:
            found.append(Stored(variable.node, own, own.key))
    return found


def add_saver(part: ImportedModel, stored: Iterable[Stored]) -> SaverDef:
    """Add a saver to the graph of a part and return what describes it; an empty message if nothing is stored.

    Args:
        part: its nodes are kept; it gains those of the saver.
        stored: its variables.
    """
    stored = list(stored)
    result = SaverDef()
    if not stored:
        return result
    default = part.new_node(
        "save/filename/input", "Const", dtype=_STRING, value=_strings(["model"], scalar=True)
    )
    filename = part.new_node(
        "save/filename", "PlaceholderWithDefault", [default.name], dtype=_STRING, shape=AttrValue(shape={})
    )
    result.filename_tensor_name = f"{filename.name}:0"
    result.save_tensor_name = f"{_save(part, stored, filename.name)}:0"
    result.restore_op_name = _restore(part, stored, filename.name)
    result.max_to_keep = part.saver.max_to_keep or 5
    result.keep_checkpoint_every_n_hours = part.saver.keep_checkpoint_every_n_hours or 10000.0
    result.version = SaverDef.CheckpointFormatVersion.Value("V2")
    return result


_STRING = attr_type(dtypes.STRING)


def _dtype(part: ImportedModel, one: Stored) -> int:
    return dtypes.base(attr(part.kept[one.node], "dtype").type)


def _is_reference(part: ImportedModel, one: Stored) -> bool:
    return part.kept[one.node].op in REF_VARIABLES


def _lists(part: ImportedModel, what: str, stored: Iterable[Stored]) -> list[str]:
    keys = part.new_node(
        f"{what}/tensor_names", "Const", dtype=_STRING, value=_strings([one.key for one in stored])
    )
    slices = part.new_node(
        f"{what}/shape_and_slices", "Const", dtype=_STRING, value=_strings([one.slice for one in stored])
    )
    return [keys.name, slices.name]


def _save(part: ImportedModel, stored: list[Stored], filename: str) -> str:
    """Add the op that saves each value once, and return the node that waits for it."""
    once = list({(one.key, one.slice): one for one in reversed(stored)}.values())[::-1]
    values = []
    for one in once:
        dtype = attr_type(_dtype(part, one))
        if _is_reference(part, one):
            values.append(part.new_node(f"save/{one.node}", "Identity", [one.node], T=dtype).name)
        else:
            values.append(part.new_node(f"save/{one.node}", "ReadVariableOp", [one.node], dtype=dtype).name)
    save = part.new_node("save/SaveV2", "SaveV2", [filename, *_lists(part, "save/SaveV2", once), *values])
    save.attr["dtypes"].list.type.extend(_dtype(part, one) for one in once)
    return part.new_node("save/control_dependency", "Identity", [filename, f"^{save.name}"], T=_STRING).name


def _restore(part: ImportedModel, stored: list[Stored], filename: str) -> str:
    restore = part.new_node(
        "save/RestoreV2", "RestoreV2", [filename, *_lists(part, "save/RestoreV2", stored)]
    )
    restore.attr["dtypes"].list.type.extend(_dtype(part, one) for one in stored)
    assigns = [
        _assign(part, one, f"{restore.name}:{at}" if at else restore.name) for at, one in enumerate(stored)
    ]
    return part.new_node("save/restore_all", "NoOp", [f"^{one.name}" for one in assigns]).name


def _assign(part: ImportedModel, one: Stored, value: str) -> NodeDef:
    dtype = attr_type(_dtype(part, one))
    if _is_reference(part, one):
        node = part.new_node("save/Assign", "Assign", [one.node, value], T=dtype)
        node.attr["use_locking"].b = node.attr["validate_shape"].b = True
        return node
    return part.new_node("save/AssignVariableOp", "AssignVariableOp", [one.node, value], dtype=dtype)


def _strings(texts: list[str], *, scalar: bool = False) -> AttrValue:
    tensor = schema.TensorProto(dtype=dtypes.STRING)
    tensor.tensor_shape.SetInParent()
    if not scalar:
        tensor.tensor_shape.dim.add(size=len(texts))
    tensor.string_val.extend(text.encode("utf-8", "surrogateescape") for text in texts)
    return AttrValue(tensor=tensor)
