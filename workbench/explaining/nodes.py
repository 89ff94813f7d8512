"""A node and its tensors: op, inputs, outputs, attributes in words, unknown sizes, role."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from workbench import names
from workbench.describe.text import size
from workbench.disk import dtypes
from workbench.disk.nodes import attr
from workbench.disk.optable import ArgRange, input_args
from workbench.disk.schema import NodeDef
from workbench.explaining.attributes import attribute_lines
from workbench.explaining.explanation import Explanation, Line, section
from workbench.explaining.functions import captures
from workbench.explaining.models import filled
from workbench.explaining.roles import roles_of
from workbench.explaining.texts.op_texts import op_texts, sentence
from workbench.explaining.unknown_sizes import why_unknown
from workbench.explaining.view import View, address_of, quoted, shortly, variable_type
from workbench.graph.level import Level, Value
from workbench.graph.reach import ancestors
from workbench.graph.trace import origin
from workbench.model.duplicate_variables import sharing_memory
from workbench.model.op_classes import FILLS, PLACEHOLDERS, REF_VARIABLES, VARIABLES
from workbench.model.variables import Variable
from workbench.names import count, input_node, is_control

_LISTED = 8
_DTYPE_ATTRIBUTE = re.compile(r"dtype `(\w+)`")


def explain_node(view: View, level: Level, name: str, index: int | None = None) -> Explanation:
    """Return the explanation of a node, or of one of its outputs.

    Args:
        view: the model.
        level: where the node is.
        name: the node.
        index: of the output that was asked for; None for the node.
    """
    node = level.nodes[name]
    address = address_of(level, name)
    number = len(level.body.output_types(name) or ())
    shown = range(number) if index is None else range(index, index + 1)
    subject = address if index is None else f"{address}:{index}"
    return Explanation(
        subject,
        "node" if index is None else "tensor",
        _summary(view, level, node, index),
        tuple(
            one
            for one in (
                section("In this model", *_here(view, level, node)),
                section("Inputs", *_inputs(view, level, node)),
                section("Outputs", *_outputs(view, level, node, shown)),
                section("Attributes", *attribute_lines(view, level, node)),
                section("Unknown sizes", *_unknown(view, level, node, shown)),
                section("What needs it", *_role(view, level, node)),
            )
            if one.lines
        ),
    )


def _summary(view: View, level: Level, node: NodeDef, index: int | None) -> str:
    found = op_texts().get(node.op)
    calls = level.levels_under(node)
    if found is not None:
        text = f" {_with_dtypes(sentence(found.text), node)}"
    elif calls:
        text = " It calls a function."
    elif view.meta.op_table.get(node.op) is None:
        text = " TensorFlow 2.21 does not have this op."
    else:
        text = ""
    address = quoted(address_of(level, node.name))
    what = f"a node whose op is {names.show(node.op)}.{text}"
    if index is None:
        return f"{address} is {what}"
    typed = view.typed(Value(level, node.name, index))
    tensor = quoted(f"{address_of(level, node.name)}:{index}")
    return f"{tensor} is a tensor, {typed}: output {index} of {address}, {what}"


def _with_dtypes(text: str, node: NodeDef) -> str:
    """Return the text of an op with the node's dtypes in place of the attributes that hold them."""

    def named(match: re.Match[str]) -> str:
        value = attr(node, match[1])
        return f"dtype {dtypes.name(value.type)}" if value.WhichOneof("value") == "type" else match[0]

    return _DTYPE_ATTRIBUTE.sub(named, text)


def _sharing(view: View, variable: Variable) -> Iterator[Line]:
    """Yield the variables that a v1 Session keeps in the same place as this one."""
    for group in sharing_memory(view.meta.variables, view.meta.nodes):
        if variable in group:
            others = [one.name for one in group if one != variable]
            also = f"{shortly([quoted(one) for one in others])} {'has' if len(others) == 1 else 'have'}"
            yield Line(
                f"Its `shared_name`, by which a v1 Session finds its memory, is {quoted(variable.shared_name)}. "
                f"{also} the same: they share one value.",
                others[0],
            )


def _here(view: View, level: Level, node: NodeDef) -> Iterator[Line]:
    """Yield what the node is in this model, beyond its op."""
    variable = view.variables.get(node.name) if level.function is None else None
    if variable is not None:
        key = (
            "nothing restores it" if variable.key is None else f"its checkpoint key is {quoted(variable.key)}"
        )
        stored = f", {size(variable.nbytes)}" if variable.nbytes is not None else ""
        trainable = {True: ", trainable", False: ", not trainable", None: ""}[variable.trainable]
        yield Line(f"The variable is {variable_type(variable)}{stored}{trainable}; {key}.", "term:variable")
        yield from _sharing(view, variable)
    if node.op in PLACEHOLDERS and level.function is None:
        for signature in view.meta.shown_signatures.values():
            for port in signature.inputs.values():
                if node.name in map(input_node, port.tensors):
                    yield Line(
                        f"It is the input {quoted(port.key)} of the signature {quoted(signature.key)}.",
                        signature.key,
                    )
    if level.function is None:
        for asset in view.meta.assets:
            if input_node(asset.tensor) == node.name:
                yield Line(
                    f"It gives the path of the asset {quoted(asset.filename)}. A loader puts in where the file is now.",
                    "term:asset",
                )
        for user, position in level.body.adjacency.consumers(node.name):
            if position == 0 and level.nodes[user].op in FILLS:
                yield Line(filled(view, user), user)
    if node.op == "ReadVariableOp":
        yield from _reading(view, level, node)
    if node.op == "Identity" and node.input:
        value = level.input(node, 0)
        if value is not None and value.node is not None and value.node.op in REF_VARIABLES:
            yield Line(
                f"It reads the variable {quoted(value.name)}. The output of this older kind of variable is a "
                "reference, and an Identity takes the value from it.",
                value.name,
            )
    for below in level.levels_under(node):
        if below.call is not None:
            label = "" if below.call.alone else f" as {below.call.label}"
            yield Line(
                f"It calls the function {quoted(below.body.name)}{label}.", f"function:{below.body.name}"
            )
            yield from _captured(view, below)


def _captured(view: View, below: Level) -> Iterator[Line]:
    """Yield which of the arguments that a call hands in are captures of the function."""
    found = [what for _, what, _ in captures(view, below)]
    if found:
        what = "one is a capture" if len(found) == 1 else f"{len(found):,} are captures"
        yield Line(
            f"Of the arguments that it hands in, {what}: {shortly(found)}. Python code does not pass them; the "
            "function uses them from outside.",
            "term:capture",
        )


def _reading(view: View, level: Level, node: NodeDef) -> Iterator[Line]:
    value = level.input(node, 0)
    behind = origin(value) if value is not None else None
    if behind is None or behind.node is None or behind.node.op not in VARIABLES:
        return
    captured = ""
    if behind.level is not level:
        captured = " The function gets the handle as an argument: it captures the variable."
    yield Line(
        f"It reads the variable {quoted(behind.name)}. Reading takes two nodes: a VarHandleOp gives a handle, and a "
        f"ReadVariableOp gets the value that is stored there at that moment.{captured}",
        behind.name,
    )


# -- inputs and outputs


def _inputs(view: View, level: Level, node: NodeDef) -> Iterator[Line]:
    data = [entry for entry in node.input if not is_control(entry)]
    args = _arg_names(view, node)
    for position, entry in enumerate(data[:_LISTED]):
        value = level.value(entry)
        assert value is not None
        label = quoted(args[position]) if position < len(args) else f"input {position}"
        text, link, names_of = _from(view, value)
        yield Line(f"{label} is {text}.", link, names_of)
    if len(data) > _LISTED:
        yield Line(f"and {len(data) - _LISTED:,} more")
    controls = [input_node(entry) for entry in node.input if is_control(entry)]
    if controls:
        shown = shortly([quoted(name) for name in controls], _LISTED)
        yield Line(
            f"It waits for {shown}: {count(len(controls), 'control edge')}, which carry no value.",
            address_of(level, controls[0]),
            _addresses(level, controls[:_LISTED]),
        )


def _from(view: View, value: Value) -> tuple[str, str | None, dict[str, str]]:
    """Return where an input comes from, the address of it, and addresses of further names."""
    if value.node is None and value.name not in value.level.body.arguments:
        return f"{quoted(value.name)}, which no node is called", None, {}
    if value.node is None:
        outside = value.level.given(value)
        text = f"the argument {quoted(value.name)}, {view.typed(value)}"
        own = address_of(value.level, value.name)
        if outside is None:
            return text, own, {}
        behind = address_of(outside.level, outside.name)
        return f"{text}; the caller gives {quoted(behind)}", behind, {quoted(value.name): own}
    name = f"`{names.show(value.name)}:{value.index}`" if value.index else quoted(value.name)
    what = "a constant" if value.node.op == "Const" else names.show(value.node.op)
    number = view.operand(value) if value.node.op == "Const" else ""
    known = f" {number}" if number and not number.startswith("the constant") else ""
    address = address_of(value.level, value.name)
    return f"{name} ({what}{known}), {view.typed(value)}", address, {name: address}


def _arg_names(view: View, node: NodeDef) -> list[str]:
    """Return the name of the input arg for each data input; none if they are not known."""
    op_def = view.meta.op_table.get(node.op)
    ranges = input_args(node, op_def) if op_def is not None else None
    return _spread(ranges)


def _spread(ranges: list[ArgRange] | None) -> list[str]:
    found = []
    for one in ranges or ():
        found += [one.arg] if one.size == 1 else [f"{one.arg}[{at}]" for at in range(min(one.size, 100))]
    return found


def _outputs(view: View, level: Level, node: NodeDef, shown: range) -> Iterator[Line]:
    labels = _spread(view.meta.output_ranges(node))
    for index in list(shown)[:_LISTED]:
        value = Value(level, node.name, index)
        label = quoted(labels[index]) if index < len(labels) else f"output {index}"
        users = [use.node for use in level.uses(value)]
        told = [f"{quoted(user.name)} ({names.show(user.op)})" for user in users]
        places = [f"used by {shortly(told)}"] if told else []
        if level.returned(value):
            places.append("a result of the function")
        places += [f"the output {quoted(key)} of {quoted(name)}" for name, key in _ports(view, value)]
        link = address_of(level, users[0].name) if users else None
        addresses = _addresses(level, [user.name for user in users[:_LISTED]])
        addresses |= {quoted(key): f"{name}#{key}" for name, key in _ports(view, value)}
        yield Line(
            f"{label}, {view.typed(value)}: {'; '.join(places) or 'nothing uses it'}.", link, addresses
        )
    if len(shown) > _LISTED:
        yield Line(f"and {len(shown) - _LISTED:,} more")
    waiting = [
        name
        for name, position in level.body.adjacency.consumers(node.name)
        if is_control(level.nodes[name].input[position])
    ]
    if waiting:
        yield Line(
            f"{shortly([quoted(name) for name in waiting])} {'waits' if len(waiting) == 1 else 'wait'} for it by "
            f"{'a control edge' if len(waiting) == 1 else 'control edges'}.",
            address_of(level, waiting[0]),
            _addresses(level, waiting[:_LISTED]),
        )


def _addresses(level: Level, nodes: Iterable[str]) -> dict[str, str]:
    """Return the address of each node of a level, by its quoted name."""
    return {quoted(name): address_of(level, name) for name in nodes}


def _ports(view: View, value: Value) -> list[tuple[str, str]]:
    """Return the signature and key of each output that a tensor of the main graph is."""
    if value.level.function is not None:
        return []
    name = f"{value.name}:{value.index}"
    return [
        (signature.key, port.key)
        for signature in view.meta.shown_signatures.values()
        for port in signature.outputs.values()
        if name in (str(names.input_tensor(tensor)) for tensor in port.tensors)
    ][:4]


def _unknown(view: View, level: Level, node: NodeDef, shown: range) -> Iterator[Line]:
    seen = set()
    for index in list(shown)[:_LISTED]:
        value = Value(level, node.name, index)
        if view.typed(value).startswith("handle") or str(view.declared(value)[0]) in ("variant", "resource"):
            continue
        found = why_unknown(view, value)
        if found is not None and found not in seen:
            seen.add(found)
            text, link = found
            yield Line(text, None if link == address_of(level, node.name) else link)


# -- role


def _role(view: View, level: Level, node: NodeDef) -> Iterator[Line]:
    roles = roles_of(view)
    top = level.calls[0].node if level.calls else node.name
    if level.function is not None:
        results = ancestors(level.nodes, level.function.ret.values(), controls=False)
        function = quoted(level.body.name)
        if node.name in results:
            yield Line(
                f"A result of the function {function} is computed from it.", f"function:{level.body.name}"
            )
        else:
            yield Line(
                f"No result of the function {function} is computed from it. If it runs, then for its effect, or since "
                "another node waits for it.",
                f"function:{level.body.name}",
            )
    if level.function is not None and not level.calls:
        yield Line("The main graph does not reach its function.")
        return
    what = f"the call {quoted(top)}" if level.calls else "it"
    found = False
    for key, nodes in roles.signatures.items():
        if top in nodes:
            found = True
            yield Line(f"The signature {quoted(key)} needs {what}.", key)
    for nodes, text, link in (
        (roles.saver, f"The saver needs {what}, to write or read a checkpoint.", "term:saver"),
        (roles.init, f"The init op needs {what}: it runs once, after loading.", "term:init op"),
        (roles.tables, f"Filling a table needs {what}.", "term:table"),
        (
            roles.initialisers,
            f"Initialising a variable before training needs {what}. Loading does not run that.",
            "term:variable",
        ),
    ):
        if top in nodes:
            found = True
            yield Line(text, link)
    if top in roles.gradients:
        yield Line("By its name it belongs to gradients, which training needs and a signature does not.")
    if not found:
        yield Line(f"No signature, saver or init op needs {what}.")
