"""An op: what it does, and its inputs, outputs and attributes by the op table."""

from __future__ import annotations

from workbench.describe.attributes import attribute_text
from workbench.disk import dtypes
from workbench.disk.schema import OpDef
from workbench.explaining.explanation import Explanation, Line, Section, section
from workbench.explaining.texts.op_texts import op_texts, sentence
from workbench.explaining.view import View, quoted
from workbench.names import CALL_SEPARATOR, count, show

_LISTED = 12
_KINDS = {
    "type": "a dtype",
    "int": "a number",
    "float": "a number",
    "string": "a text",
    "bool": "true or false",
    "shape": "a shape",
    "tensor": "a tensor",
    "func": "a function",
}


def explain_op(view: View | None, op: str, op_def: OpDef | None) -> Explanation:
    """Return the explanation of an op, and the nodes of a model that are of it.

    Args:
        view: the model, or None.
        op: its name.
        op_def: its definition, or None for one that neither TensorFlow nor the model defines.
    """
    if op_def is None:
        summary = (
            f"{quoted(op)} is an op that TensorFlow 2.21 does not have, and the model does not define it."
        )
        return Explanation(f"op:{op}", "op", summary, _uses(view, op))
    found = op_texts().get(op)
    own = " There is no text for it here; this is its definition."
    stateful = " It is stateful: running it twice may give two results." if op_def.is_stateful else ""
    text = f" {sentence(found.text)}" if found is not None else own
    summary = f"{quoted(op)} is an op.{text}{stateful}"
    sections = (
        section("Inputs", *map(_arg, op_def.input_arg)),
        section("Outputs", *map(_arg, op_def.output_arg)),
        section("Attributes", *map(_attr, (one for one in op_def.attr if not one.name.startswith("_")))),
        *_uses(view, op),
    )
    return Explanation(f"op:{op}", "op", summary, tuple(one for one in sections if one.lines))


def _arg(arg: OpDef.ArgDef) -> Line:
    """Return an input or output of an op as a line."""
    what = f"of the dtype that {quoted(arg.type_attr)} says" if arg.type_attr else ""
    if arg.type_list_attr:
        what = f"several tensors, of the dtypes in {quoted(arg.type_list_attr)}"
    elif arg.type:
        what = dtypes.name(arg.type)
    if arg.number_attr:
        what = f"{quoted(arg.number_attr)} tensors, {what}" if what else f"{quoted(arg.number_attr)} tensors"
    return Line(f"{quoted(arg.name)}: {what}")


def _attr(attr: OpDef.AttrDef) -> Line:
    default = (
        f", {attribute_text(attr.default_value)} unless it is given" if attr.HasField("default_value") else ""
    )
    allowed = (
        f", one of {attribute_text(attr.allowed_values)}"
        if attr.HasField("allowed_values") and len(attr.allowed_values.list.s)
        else ""
    )
    return Line(f"{quoted(attr.name)}: {_kind(attr.type)}{default}{allowed}")


def _kind(kind: str) -> str:
    """Return the type of an attribute in words."""
    inner = kind.removeprefix("list(").removesuffix(")")
    if inner == kind:
        return _KINDS.get(kind, show(kind))
    return f"a list of {_KINDS.get(inner, show(inner)).removeprefix('a ')}s"


def _uses(view: View | None, op: str) -> tuple[Section, ...]:
    if view is None or not view.meta.ops[op]:
        return ()
    lines = [Line(quoted(node.name), node.name) for node in view.meta.nodes.values() if node.op == op]
    for name, function in view.meta.functions.items():
        lines += [
            Line(f"{quoted(node.name)} in the function {quoted(name)}", f"{name}{CALL_SEPARATOR}{node.name}")
            for node in function.node_def
            if node.op == op
        ]
    more = [Line(f"and {len(lines) - _LISTED:,} more")] if len(lines) > _LISTED else []
    return (section(f"In this model: {count(len(lines), 'node')}", *lines[:_LISTED], *more),)
