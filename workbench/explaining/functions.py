"""A function of the library, an argument of one, and a signature."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from workbench.disk import dtypes
from workbench.explaining.explanation import Explanation, Line, section
from workbench.explaining.models import path_lines, port, takes_and_gives
from workbench.explaining.paths.path import inside
from workbench.explaining.paths.step import phrases
from workbench.explaining.view import View, address_of, listed, quoted, variable_type
from workbench.graph.functions import calls
from workbench.graph.level import Level, Value
from workbench.graph.trace import origin
from workbench.model.signature import DEFAULT, Signature
from workbench.names import count, show

_LISTED = 12
_USERS = 8
_MOST_LEVELS = 5_000


def explain_function(view: View, name: str) -> Explanation:
    """Return the explanation of a function of the library."""
    meta = view.meta
    function = meta.functions[name]
    level = first_level(view, name) or Level.of(meta, name)
    arguments, results = len(function.signature.input_arg), len(function.signature.output_arg)
    found = [Line(f"{quoted(name)} is {what}.", link) for name, what, link in captures(view, level)]
    captured = (
        f" {len(found):,} of the arguments {'is a capture' if len(found) == 1 else 'are captures'}."
        if found
        else ""
    )
    summary = (
        f"{quoted(name)} is a function of the library: {count(len(function.node_def), 'node')} that make "
        f"{count(results, 'result')} of {count(arguments, 'argument')}.{captured}"
    )
    given = [
        Line(f"{quoted(tensor.name)}: {view.typed(Value(level, tensor.name))}")
        for tensor in level.body.argument_tensors
    ]
    steps = [
        Line(f"{number}. {text}", address)
        for number, (text, address) in enumerate(phrases(inside(view, level)), 1)
    ]
    return Explanation(
        name,
        "function",
        summary,
        tuple(
            one
            for one in (
                section("Arguments", *given[:_LISTED], _more(len(given))),
                section("Captures", *found[:_LISTED], _more(len(found))),
                section("What it does with them", *steps),
                section("Who calls it", *_callers(view, name)),
            )
            if one.lines
        ),
    )


def first_level(view: View, function: str) -> Level | None:
    """Return the first place where the main graph, or what it calls, runs a function; None if nothing does."""
    for number, level in enumerate(view.root.levels()):
        if level.body.name == function:
            return _entered(view, level)
        if number > _MOST_LEVELS:
            break
    return None


def _entered(view: View, level: Level) -> Level:
    """Return the level that the view's own root has for the same path."""
    found = view.root
    for call in level.calls:
        found = found.under(call)
    return found


def captures(view: View, level: Level) -> Iterator[tuple[str, str, str | None]]:
    """Yield the arguments that are bound to something of the main graph, what each is, and its node."""
    if level.function is None:
        return
    arguments = level.body.argument_tensors
    bound = max(
        (
            variant.captures
            for one in view.meta.callables
            for variant in one.variants
            if variant.function == level.body.name
        ),
        default=0,
    )
    for position, tensor in enumerate(arguments):
        behind = origin(Value(level, tensor.name))
        node = behind.node if behind.level.caller is None and behind.level.function is None else None
        handle = tensor.dtype == dtypes.RESOURCE and node is not None
        if not handle and position < len(arguments) - bound:
            continue
        if node is None:
            yield tensor.name, "bound to an object of the model", None
        elif behind.name in view.variables:
            variable = view.variables[behind.name]
            what = f"the handle of the variable {quoted(variable.name)} {variable_type(variable)}"
            yield tensor.name, what, behind.name
        else:
            yield tensor.name, f"{quoted(behind.name)} ({show(node.op)})", behind.name


def _callers(view: View, name: str) -> Iterator[Line]:
    meta = view.meta
    found: list[Line] = []
    for node in meta.nodes.values():
        if any(function == name for _, function in calls(node, meta.functions)):
            found.append(
                Line(f"The node {quoted(node.name)} of the main graph ({show(node.op)}).", node.name)
            )
    for other, function in meta.functions.items():
        for node in function.node_def:
            if any(called == name for _, called in calls(node, meta.functions)):
                where = f"of the function {quoted(other)}"
                found.append(
                    Line(f"The node {quoted(node.name)} ({show(node.op)}) {where}.", f"function:{other}")
                )
    for callable_ in meta.callables:
        for variant in callable_.variants:
            if variant.function == name:
                found.append(
                    Line(f"The callable {quoted(callable_.path)}, variant {variant.index}, is this function.")
                )
    yield from found[:_LISTED]
    more = _more(len(found))
    if more is not None:
        yield more
    if not found:
        yield Line("Nothing in this model calls it.")


def _more(number: int) -> Line | None:
    return Line(f"and {number - _LISTED:,} more") if number > _LISTED else None


def explain_argument(view: View, level: Level, name: str) -> Explanation:
    """Return the explanation of an argument of a function's body.

    Args:
        view: the model.
        level: the body.
        name: the argument.
    """
    value = Value(level, name)
    function = level.body.name
    summary = (
        f"{quoted(name)} is an argument of the function {quoted(function)}: {view.typed(value)}. "
        "A function has no values of its own at its arguments; each call gives them."
    )
    users = [use.node for use in level.uses(value)]
    used = [
        Line(f"{quoted(user.name)} ({show(user.op)})", address_of(level, user.name))
        for user in users[:_USERS]
    ]
    if len(users) > _USERS:
        used.append(Line(f"and {len(users) - _USERS:,} more"))
    if level.returned(value):
        used.append(Line("A result of the function is this argument."))
    sections = (
        section("Where it comes from", *_given(level, value)),
        section("What uses it", *(used or [Line("Nothing uses it.")])),
        section("Function", Line(f"It is an argument of {quoted(function)}.", f"function:{function}")),
    )
    subject = address_of(level, name)
    return Explanation(subject, "tensor", summary, tuple(one for one in sections if one.lines))


def _given(level: Level, value: Value) -> list[Line]:
    """Return what the caller gives, and what that is in the end."""
    outside = level.given(value)
    if outside is None:
        known = "a loop or branch gives it" if level.calls else "the main graph does not reach this function"
        return [Line(f"It is not known which node gives it: {known}.")]
    address = address_of(outside.level, outside.name)
    found = [Line(f"The caller gives {quoted(address)}.", address)]
    behind = origin(value)
    if behind.node is not None and (behind.level, behind.name) != (outside.level, outside.name):
        last = address_of(behind.level, behind.name)
        found.append(Line(f"That is {quoted(last)} ({show(behind.node.op)}) in the end.", last))
    return found


def explain_signature(view: View, signature: Signature, path: Path) -> Explanation:
    """Return the explanation of a signature: what it is for, its path, and how it is called."""
    meta, key = view.meta, signature.key
    summary = f"{quoted(key)} is a signature: a named way to call the model. It {takes_and_gives(signature)}."
    if meta.format == "graphdef":
        summary = (
            "A GraphDef has no signatures. This one is made of its placeholders and of the outputs that nothing uses. "
            f"It {takes_and_gives(signature)}."
        )
    ports = [
        Line(f"{side} {port(one)} is {listed([quoted(tensor) for tensor in one.tensors])}.", one.tensor)
        for side, listed_ports in (("Input", signature.inputs), ("Output", signature.outputs))
        for one in listed_ports.values()
    ]
    return Explanation(
        key,
        "signature",
        summary,
        tuple(
            one
            for one in (
                section("Its tensors", *ports[:_LISTED], _more(len(ports))),
                section("From input to output", *path_lines(view, signature)),
                section("Who calls it", *_users(view, signature)),
                section("How to call it", *_call(view, signature, path)),
            )
            if one.lines
        ),
    )


def _users(view: View, signature: Signature) -> Iterator[Line]:
    key = show(signature.key)
    if view.meta.format == "graphdef":
        yield Line("A v1 Session that imports the graph, or workbench run.")
        return
    default = ", which it also takes if a request names none" if key == DEFAULT else ""
    yield Line(f"TensorFlow Serving: a request with the signature name {key}{default}.")
    yield Line(
        f'Python: tf.saved_model.load(path).signatures["{key}"], with its inputs as keyword arguments.'
    )
    tags = show(view.meta.tags_text)
    yield Line(
        f"The shell: saved_model_cli run --dir PATH --tag_set {tags} --signature_def {key}, or workbench run."
    )


def _call(view: View, signature: Signature, path: Path) -> Iterator[Line]:
    from workbench.describe.calling import how_to_call

    for text in how_to_call(path, view.meta, signature).shell:
        yield Line(show(text, 1000))
