"""The function library: names that clash, results that name nothing, calls that do not fit, calls without end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from workbench.checks.codes import Code, Found
from workbench.checks.codes_of_opening import DUPLICATE_NODE, MISSING_FUNCTION
from workbench.checks.graphs.nodes import fits
from workbench.disk import dtypes, optable
from workbench.disk.schema import FunctionDef, NodeDef
from workbench.graph.body import Body, Dangling
from workbench.graph.functions import function_attrs
from workbench.model.op_classes import CALLS, CASES, FUNCTION_ATTRS, IFS, LOOPS
from workbench.names import did_you_mean, show

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

CLASH = Code(
    "function-clash", "error", "two functions have one name and different bodies",
    "TensorFlow refuses the library: it could not know which is called.",
    "Save the model again; a tool that joined graphs did not rename their functions.",
)  # fmt: skip
NAMED_AS_OP = Code(
    "function-named-as-op", "error", "a function has the name of an op",
    "TensorFlow refuses the library: a node of that op could mean either.",
    "Rename the function.",
)  # fmt: skip
RETURN = Code(
    "function-return", "error", "a function's result names nothing in its body",
    "Every output argument needs an entry in `ret`, and each entry an output of a node or an argument. The function "
    "can't be instantiated: whatever calls it fails.",
    "Save the model again; a tool that edited the function has lost a node.",
)  # fmt: skip
CALL_ARGUMENTS = Code(
    "call-arguments", "error", "a call gives a function other arguments than it takes",
    "The number or a dtype differs between the call's `Tin` and the function's arguments: the call fails when it "
    "runs.",
    "Save the model again; a tool that edited the function did not edit its calls.",
)  # fmt: skip
CALL_RESULTS = Code(
    "call-results", "error", "a call expects other results of a function than it gives",
    "The number or a dtype differs between the call's `Tout` and the function's results: the call fails when it runs.",
    "Save the model again; a tool that edited the function did not edit its calls.",
)  # fmt: skip
RECURSION = Code(
    "recursion", "error", "functions call each other without end",
    "Nothing on the way could stop it: the call is followed until the stack is full, and the process dies.",
    "Break the circle; TensorFlow has no recursion.",
)  # fmt: skip
GRADIENT = Code(
    "gradient-function", "warning", "a gradient is registered whose function is not there",
    "The model runs; asking for this gradient, as training does, fails.",
    "To train the model, save it again.",
)  # fmt: skip
GRADIENT_TWICE = Code(
    "gradient-twice", "warning", "two gradients are registered for one op type",
    "The model runs; asking for this gradient, as training does, fails or takes one for both.",
    "Register each under an op type of its own.",
)  # fmt: skip


class _Called(NamedTuple):
    """A function that a node calls, with the inputs and outputs that the op declares."""

    name: str
    takes: tuple[int, ...] | None
    gives: tuple[int, ...] | None


def check(meta: MetaGraph, bodies: Iterable[Body], found: Found) -> None:
    """Check the library of a MetaGraph and every call in it."""
    clashes(meta, found)
    for body in bodies:
        if body.function is not None:
            _body_names(body, found)
            _results(body, found)
        for name, node in body.nodes.items():
            for code, message in call_problems(node, meta.functions):
                found.add(code, body.where(name), message)
            _missing(body, name, node, found)
    _gradients(meta, found)
    recursion({name: _called_always(one, meta.functions) for name, one in meta.functions.items()}, found)


def clashes(meta: MetaGraph, found: Found) -> None:
    """Report functions that have the name of another one, or of an op."""
    functions = meta.functions
    if len(functions) != len(meta.graph.library.function):
        for function in meta.graph.library.function:
            name = function.signature.name
            if functions[name] is not function and functions[name] != function:
                message = "The library has two functions of this name, and they differ."
                found.add(CLASH, show(name), message)
    for name in functions:
        if optable.is_known(name):
            message = "The library has a function of this name, and TensorFlow has an op of this name."
            found.add(NAMED_AS_OP, show(name), message)


def _body_names(body: Body, found: Found) -> None:
    """Report names that occur twice in a body; an argument counts as a node."""
    assert body.function is not None
    if len(body.nodes) == len(body.function.node_def) and not (body.nodes.keys() & body.arguments.keys()):
        return
    seen = set(body.arguments)
    for node in body.function.node_def:
        if node.name in seen:
            message = (
                "The function has two nodes, or an argument and a node, of this name; TensorFlow refuses it."
            )
            found.add(DUPLICATE_NODE, body.where(node.name), message)
        seen.add(node.name)


def _results(body: Body, found: Found) -> None:
    function = body.function
    assert function is not None
    returned = dict(function.ret)
    for arg in function.signature.output_arg:
        entry = returned.get(arg.name)
        if entry is None:
            message = f"Its result {show(arg.name)!r} has no entry in `ret`."
            found.add(RETURN, show(body.name), message)
            continue
        try:
            types = body.types(entry)
        except Dangling:
            message = f"Its result {show(arg.name)!r} is {show(entry)!r}, which the body does not have."
            source = entry.partition(":")[0]
            known = [*body.arguments, *body.nodes]
            found.add(
                RETURN, show(body.name), message,
                partial(did_you_mean, source, known, noun="nodes"),
            )  # fmt: skip
            continue
        have = types[0] if len(types) == 1 else dtypes.INVALID
        if have and arg.type and not fits(have, arg.type):
            message = (
                f"Its result {show(arg.name)!r} is declared {dtypes.name(arg.type)}; "
                f"{show(entry)!r} is {dtypes.name(have)}."
            )
            found.add(RETURN, show(body.name), message)
    for name, node in dict(function.control_ret).items():
        if node not in body.nodes:
            message = (
                f"Its control result {show(name)!r} is node {show(node)!r}, which the body does not have."
            )
            found.add(RETURN, show(body.name), message)


def _missing(body: Body, name: str, node: NodeDef, found: Found) -> None:
    """Report functions that attrs of other ops name and the library lacks."""
    told = FUNCTION_ATTRS.get(node.op, ())
    functions = body.meta.functions
    for label, called in functions_of(node):
        if called not in functions and label not in told:
            found.add(
                MISSING_FUNCTION,
                body.where(name),
                f"Its attr {show(label)!r} is the function {show(called)!r}, which the model does not have.",
                partial(did_you_mean, called, functions, noun="functions"),
            )


def functions_of(node: NodeDef) -> Iterator[tuple[str, str]]:
    """Yield (attr, function) for each function that an attr of a node names, `_…` attrs left out."""
    op_def = optable.lookup(node.op)
    if op_def is None or any(attr.type.endswith(("func", "func)")) for attr in op_def.attr):
        for label, called in function_attrs(node.attr):
            if not label.startswith("_"):
                yield label, called


def call_problems(node: NodeDef, functions: Mapping[str, FunctionDef]) -> Iterator[tuple[Code, str]]:
    """Yield a code and a message for each mismatch between a node and the functions it calls."""
    reader = _SIGNATURE_OF.get(node.op)
    for called in () if reader is None else reader(node):
        function = functions.get(called.name)
        if function is None:
            continue
        for side, code, want in (
            (function.signature.input_arg, CALL_ARGUMENTS, called.takes),
            (function.signature.output_arg, CALL_RESULTS, called.gives),
        ):
            if want is None or any(arg.number_attr or arg.type_list_attr for arg in side):
                continue
            have = [arg.type for arg in side]
            problem = _differ(want, have)
            if problem:
                word = "arguments" if code is CALL_ARGUMENTS else "results"
                yield code, f"It calls {show(called.name)!r} with other {word} than it has: {problem}."


def _differ(call: tuple[int, ...], function: list[int]) -> str | None:
    if len(call) != len(function):
        return f"{len(call)} in the call, {len(function)} in the function"
    for position, (have, want) in enumerate(zip(call, function, strict=True)):
        if have and want and dtypes.base(have) != dtypes.base(want):
            return (
                f"number {position} is {dtypes.name(have)} in the call, {dtypes.name(want)} in the function"
            )
    return None


def _types(node: NodeDef, attr: str) -> tuple[int, ...] | None:
    if attr not in node.attr or not node.attr[attr].HasField("list"):
        return None
    return tuple(node.attr[attr].list.type)


def _name(node: NodeDef, attr: str) -> str:
    return str(node.attr[attr].func.name) if attr in node.attr else ""


def _plain(node: NodeDef) -> Iterator[_Called]:
    yield _Called(_name(node, "f"), _types(node, "Tin"), _types(node, "Tout"))


def _if(node: NodeDef) -> Iterator[_Called]:
    for attr in ("then_branch", "else_branch"):
        yield _Called(_name(node, attr), _types(node, "Tin"), _types(node, "Tout"))


def _while(node: NodeDef) -> Iterator[_Called]:
    types = _types(node, "T")
    yield _Called(_name(node, "body"), types, types)
    # the condition gives one value; it need not be a bool
    yield _Called(_name(node, "cond"), types, (dtypes.INVALID,))


def _case(node: NodeDef) -> Iterator[_Called]:
    if "branches" in node.attr:
        for function in node.attr["branches"].list.func:
            yield _Called(function.name, _types(node, "Tin"), _types(node, "Tout"))


_SIGNATURE_OF = {
    op: reader for ops, reader in ((CALLS, _plain), (IFS, _if), (LOOPS, _while), (CASES, _case)) for op in ops
}


def _gradients(meta: MetaGraph, found: Found) -> None:
    functions, library = meta.functions, meta.graph.library
    pairs = [(one.function_name, one.gradient_func) for one in library.gradient]
    registered: dict[str, str] = {}
    for one in library.registered_gradients:
        pairs.append((one.registered_op_type, one.gradient_func))
        other = registered.setdefault(one.registered_op_type, one.gradient_func)
        if other != one.gradient_func:
            message = f"Both {show(other)!r} and {show(one.gradient_func)!r} are registered as its gradient."
            found.add(GRADIENT_TWICE, show(one.registered_op_type), message)
    for of, gradient in pairs:
        if gradient not in functions:
            message = f"The gradient of {show(of)!r} is {show(gradient)!r}, which the model does not have."
            found.add(
                GRADIENT, show(of), message, partial(did_you_mean, gradient, functions, noun="functions")
            )


def recursion(calls: Mapping[str, Sequence[str]], found: Found) -> None:
    """Report functions that call each other in a circle, in linear time and without recursion.

    Args:
        calls: each function of the library, and those it calls whatever happens.
        found: the collector.
    """
    done: set[str] = set()
    for start in calls:
        path, todo = [start], [iter(calls[start])]
        on_path = {start}
        while todo and start not in done:
            for called in todo[-1]:
                if called in on_path:
                    circle = path[path.index(called) :]
                    listed = " → ".join(show(name, 60) for name in [*circle[:6], called])
                    found.add(RECURSION, show(called), f"The function calls itself: {listed}.")
                elif called not in done:
                    path.append(called)
                    on_path.add(called)
                    todo.append(iter(calls[called]))
                    break
            else:
                todo.pop()
                finished = path.pop()
                on_path.discard(finished)
                done.add(finished)


def _called_always(function: FunctionDef, functions: Mapping[str, FunctionDef]) -> list[str]:
    """Return the functions that a body calls without a condition, each once."""
    found: dict[str, None] = {}
    for node in function.node_def:
        if node.op in CALLS and _name(node, "f") in functions:
            found[_name(node, "f")] = None
        elif node.op in functions:
            found[node.op] = None
    return list(found)
