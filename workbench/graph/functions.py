"""The functions that a node calls or names, and those reached from nodes.

A function is named by an attr of kind func or list(func) (also inside another func attr's own attrs), by an
op that is the function's name, by a gradient of a function (`library.gradient`), by a gradient registered for
a `_gradient_op_type`, and by the string attrs that tie forward and backward functions together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from workbench.disk.schema import AttrValue, FunctionDef, GraphDef, NameAttrList, NodeDef

_NAMED_IN_STRINGS = ("forward_function_name", "backward_function_name")
_GRADIENT_TYPE = "_gradient_op_type"


def function_attrs(attrs: Mapping[str, AttrValue]) -> Iterator[tuple[str, str]]:
    """Yield (label, function) for each function an attr map names.

    A list gives `branches[0]`, `branches[1]`, …. Functions named inside the attrs of a func attr follow it,
    under the same label.
    """
    kinds = {name: kind for name in attrs if (kind := attrs[name].WhichOneof("value")) in ("func", "list")}
    for name in sorted(kinds):  # the order of a protobuf map is its own
        value = attrs[name]
        if kinds[name] == "func":
            yield from _function(name, value.func)
        else:
            for index, function in enumerate(value.list.func):
                yield from _function(f"{name}[{index}]", function)


def _function(label: str, function: NameAttrList) -> Iterator[tuple[str, str]]:
    todo = [function]
    while todo:
        one = todo.pop()
        if one.name:
            yield label, one.name
        for name in sorted(one.attr, reverse=True):
            value = one.attr[name]
            if value.HasField("func"):
                todo.append(value.func)
            elif value.HasField("list"):
                todo.extend(reversed(value.list.func))


def calls(node: NodeDef, functions: Mapping[str, FunctionDef]) -> list[tuple[str, str]]:
    """Return (label, function) for each body of a node that the library has.

    The label is the attr (`f`, `cond`, `body`, `branches[1]`), or the op's name where the op is the function.
    """
    found = [(label, name) for label, name in function_attrs(node.attr) if name in functions]
    if node.op in functions:
        found.append((node.op, node.op))
    return found


def named(node: NodeDef, functions: Mapping[str, FunctionDef], gradients: Mapping[str, str]) -> set[str]:
    """Return all functions a node names: called ones and those in string attrs.

    Args:
        node: a NodeDef.
        functions: the library.
        gradients: `_gradient_op_type` → function, from `registered_gradients`.
    """
    found = {name for name in _names(node.attr) if name in functions}
    if node.op in functions:
        found.add(node.op)
    found |= _in_strings(node.attr, functions)
    if _GRADIENT_TYPE in node.attr:
        gradient = gradients.get(node.attr[_GRADIENT_TYPE].s.decode("utf-8", "replace"))
        if gradient is not None:
            found.add(gradient)
    return found


def _names(attrs: Mapping[str, AttrValue]) -> Iterator[str]:
    """Yield the functions of `function_attrs` in any order.

    Most of the time of a walk is spent here.
    """
    for name in attrs:
        value = attrs[name]
        kind = value.WhichOneof("value")
        if kind == "func" or kind == "list":
            for function in (value.func,) if kind == "func" else value.list.func:
                for _, one in _function(name, function):
                    yield one


def _in_strings(attrs: Mapping[str, AttrValue], functions: Mapping[str, FunctionDef]) -> set[str]:
    found = set()
    for attr in _NAMED_IN_STRINGS:
        if attr in attrs:
            name = attrs[attr].s.decode("utf-8", "replace")
            if name in functions:
                found.add(name)
    return found


def registered_gradients(graph: GraphDef) -> dict[str, str]:
    """Return the gradient function of each `_gradient_op_type` of a GraphDef."""
    return {entry.registered_op_type: entry.gradient_func for entry in graph.library.registered_gradients}


def reachable(
    graph: GraphDef,
    nodes: Iterable[NodeDef],
    more: Iterable[str] = (),
    made: Mapping[str, FunctionDef] | None = None,
    *,
    naming: Callable[[str], Iterable[NodeDef]] | None = None,
) -> set[str]:
    """Return the functions reached from some nodes, through any number of calls.

    Args:
        graph: the `GraphDef` that has the library.
        nodes: the nodes to start from.
        more: function names to start from as well.
        made: functions by name that are not in the library yet.
        naming: gives those nodes of a function of the library that may name one; None looks at all.
    """
    library = functions = {function.signature.name: function for function in graph.library.function}
    if made:
        functions = {**library, **made}
    if not functions:
        return set()
    gradients = registered_gradients(graph)
    gradient_of: dict[str, list[str]] = {}
    for entry in graph.library.gradient:
        gradient_of.setdefault(entry.function_name, []).append(entry.gradient_func)
    todo = [name for name in more if name in functions]
    for node in nodes:
        todo.extend(named(node, functions, gradients))
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        function = functions[name]
        todo.extend(gradient_of.get(name, ()))
        todo.extend(_in_strings(function.attr, functions))
        todo.extend(_names(function.attr))
        known = naming is not None and function is library.get(name)
        for node in naming(name) if naming is not None and known else function.node_def:
            todo.extend(named(node, functions, gradients) - seen)
    return seen
