"""What a word means that `explain` is given: a signature, an input, a tensor, a node, a function, an op."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from workbench import names
from workbench.disk import optable
from workbench.errors import UnknownName
from workbench.explaining.functions import first_level
from workbench.explaining.view import View
from workbench.graph.level import Level, descend
from workbench.model.signature import Port, Signature
from workbench.names import show

_PREFIXES = ("op", "term", "signature", "function", "node")
_MOST_HINTS = 3


@dataclass(frozen=True, slots=True)
class NodeTarget:
    """A node, or with an index one of its outputs; or an argument of a function.

    Attributes:
        level: where it is.
        name: of the node or argument.
        index: of the output, or None.
    """

    level: Level
    name: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A function, an op or a term, by its name."""

    kind: str
    name: str


Target = Signature | NodeTarget | Named


def find(view: View, text: str) -> Target:
    """Return what a word means in a model.

    A signature key comes first, then keys of the signature's inputs and outputs, nodes, functions, callables, ops. A
    prefix chooses one: `signature:`, `node:`, `function:`, `op:`, `term:`; `%NODE` is a node as well.

    Raises:
        UnknownName: the model has nothing of that name; the nearest names are in the hint.
    """
    kind, _, rest = text.partition(":")
    if rest and kind in _PREFIXES and not rest.isdecimal() and not rest.startswith(":"):
        return _prefixed(view, kind, rest)
    if text.startswith("%"):
        return _node(view, text[1:])
    found = _key(view, text)
    if found is not None:
        return found
    if names.CALL_SEPARATOR in text:
        return _inside(view, text)
    return _other(view, text)


def _prefixed(view: View, kind: str, name: str) -> Target:
    if kind == "signature":
        return view.meta.signature(name)
    if kind == "function":
        if name not in view.meta.functions:
            hint = names.did_you_mean(name, view.meta.functions, noun="functions")
            raise UnknownName(f"There is no function {show(name)!r}.", hint=hint)
        return Named("function", name)
    return Named(kind, name) if kind in ("op", "term") else _node(view, name)


def _key(view: View, text: str) -> Target | None:
    """Return the signature, or the tensor of an input or output, that a key means."""
    signatures = view.meta.shown_signatures
    if text in signatures:
        return signatures[text]
    key, sign, port = text.partition("#")
    signature = view.signature if not key else signatures.get(key)
    if sign and signature is not None:
        found = signature.inputs.get(port) or signature.outputs.get(port)
        if found is None:
            known = [*signature.inputs, *signature.outputs]
            raise UnknownName(
                f"The signature {show(signature.key)!r} has no input or output {show(port)!r}.",
                hint=names.did_you_mean(port, known, noun="keys"),
            )
        return _tensor(view, found)
    if view.signature is not None:
        found = view.signature.inputs.get(text) or view.signature.outputs.get(text)
        if found is not None:
            return _tensor(view, found)
    return None


def _tensor(view: View, port: Port) -> Target:
    return _node(view, str(names.input_tensor(port.tensor)))


def _node(view: View, text: str) -> NodeTarget:
    if names.CALL_SEPARATOR in text:
        return _inside(view, text)
    found = _at(view.root, text)
    if found is None:
        raise UnknownName(
            f"There is no node {show(text)!r} in the main graph.",
            hint=names.did_you_mean(text.partition(":")[0], view.meta.nodes, noun="nodes"),
        )
    return found


def _at(level: Level, text: str) -> NodeTarget | None:
    """Return the node or output of a level that `n` or `n:k` names, or None."""
    parsed = names.parse_tensor(text)
    if parsed is None or parsed.node not in level.nodes:
        return None
    index = parsed.index if ":" in text else None
    types = level.body.output_types(parsed.node)
    if index is not None and types is not None and index >= len(types):
        have = names.count(len(types), "output")
        raise UnknownName(
            f"{show(parsed.node)!r} ({show(level.nodes[parsed.node].op)}) has no output {index}.",
            hint=f"It has {have}, numbered from 0.",
        )
    return NodeTarget(level, parsed.node, index)


def _inside(view: View, text: str) -> NodeTarget:
    """Return the node that `CALL::CALL::node` or `FUNCTION::node` names."""
    *path, last = text.split(names.CALL_SEPARATOR)
    levels = list(descend(view.root, path))
    if not levels and len(path) == 1 and path[0] in view.meta.functions:
        levels = [first_level(view, path[0]) or Level.of(view.meta, path[0])]
    for level in levels:
        found = _at(level, last)
        if found is not None:
            return found
        if last in level.body.arguments:
            return NodeTarget(level, last)
    if levels:
        where = f"the body of {show(names.CALL_SEPARATOR.join(path))!r}"
        hint = names.did_you_mean(last.partition(":")[0], levels[0].nodes, noun="nodes")
        raise UnknownName(f"There is no node {show(last)!r} in {where}.", hint=hint)
    for depth in range(len(path)):
        above = list(descend(view.root, path[:depth]))
        if above and not list(descend(view.root, path[: depth + 1])):
            calling = [node.name for node in above[0].nodes.values() if above[0].calls_under(node)]
            where = (
                f"the body of {show(names.CALL_SEPARATOR.join(path[:depth]))!r}"
                if depth
                else "the main graph"
            )
            raise UnknownName(
                f"There is no call {show(path[depth])!r} in {where}.",
                hint=names.did_you_mean(path[depth].partition("[")[0], calling, noun="calls"),
            )
    raise UnknownName(f"{show(text)!r} names no node.")


def _other(view: View, text: str) -> Target:
    meta = view.meta
    found = _at(view.root, text)
    if found is not None:
        return found
    if text in meta.functions:
        return Named("function", text)
    name, _, number = text.rstrip("]").partition("[")
    for callable_ in meta.callables:
        if callable_.path == name and callable_.variants:
            for variant in callable_.variants:
                if number in ("", str(variant.index)) and variant.function in meta.functions:
                    return Named("function", variant.function)
    if text in meta.ops or optable.is_known(text):
        return Named("op", text)
    raise UnknownName(f"There is nothing called {show(text)!r} in this model.", hint=_nearest(view, text))


def _nearest(view: View, text: str) -> str:
    """Return a hint: addresses of nodes inside functions with that name, else the nearest names."""
    meta, node = view.meta, text.partition(":")[0]
    inside = [
        f"{name}{names.CALL_SEPARATOR}{node}"
        for name, function in meta.functions.items()
        if any(one.name == node for one in function.node_def)
    ]
    if inside:
        more = "" if len(inside) <= _MOST_HINTS else f" or in {len(inside) - _MOST_HINTS} more functions"
        listed = " or ".join(map(show, inside[:_MOST_HINTS]))
        return f"Functions have nodes of that name: {listed}{more}."
    signature = view.signature
    keys = [] if signature is None else [*signature.inputs, *signature.outputs]
    known = chain(meta.shown_signatures, keys, meta.nodes, meta.functions, meta.ops)
    return names.did_you_mean(node, known)
