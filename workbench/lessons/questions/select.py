"""What a selector finds in a model: nodes, variables, keys of signatures, signatures, functions, assets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from workbench import names
from workbench.explaining.functions import first_level
from workbench.explaining.view import View, address_of
from workbench.graph.level import Level, Value
from workbench.lessons.lesson import Selector
from workbench.model.signature import Port, Signature
from workbench.model.variables import Variable
from workbench.names import show

ThingKind = Literal["node", "variable", "input", "output", "signature", "function", "asset"]


@dataclass(frozen=True, slots=True)
class Thing:
    """Something in a model.

    Attributes:
        kind: what it is.
        name: how the model names it.
        address: how `workbench explain` takes it.
        value: the output of a node, or the tensor behind a key; None for others.
        port: of a key.
        signature: whose key it is.
        variable: where it is one.
    """

    kind: ThingKind
    name: str
    address: str
    value: Value | None = None
    port: Port | None = None
    signature: str = ""
    variable: Variable | None = None

    @property
    def shown(self) -> str:
        """Its name, safe to print; of a node inside a function with the path of calls."""
        return show(self.address if self.kind == "node" else self.name)


def select(view: View, selector: Selector) -> list[Thing]:
    """Return what a selector finds, in the order of the model."""
    kind = kind_of(selector)
    if kind == "node":
        return list(_nodes(view, selector))
    if kind == "variable":
        return list(_variables(view, selector.variable or "*"))
    if kind in ("input", "output"):
        return list(_keys(view, selector))
    if kind == "signature":
        shown = view.meta.shown_signatures
        return [Thing("signature", key, key) for key in shown if _fits(key, selector.signature)]
    if kind == "function":
        return [
            Thing("function", name, name) for name in view.meta.functions if _fits(name, selector.function)
        ]
    found = [one.filename for one in view.meta.assets if _fits(one.filename, selector.asset)]
    return [Thing("asset", name, name) for name in found]


def kind_of(selector: Selector) -> ThingKind:
    """Return which kind of thing a selector finds, by its fields."""
    if selector.node or selector.op or selector.scope or selector.control is not None:
        return "node"
    for kind in ("variable", "input", "output", "asset", "signature"):
        if getattr(selector, kind):
            return kind
    return "function"


def noun_of(selector: Selector, *, plural: bool = True, functions: bool = True) -> str:
    """Return what a selector finds, as a question names it: `nodes with op MatMul`.

    Args:
        selector: the selector.
        plural: whether to describe several.
        functions: whether the model has any; else it is not said whether their nodes count.
    """
    kind = kind_of(selector)
    noun = f"{kind}s" if plural else kind
    parts = [noun]
    if kind == "node":
        parts += [f"with the op `{show(selector.op)}`"] if selector.op else []
        parts += [f"named `{show(selector.node)}`"] if selector.node and selector.node != "*" else []
        parts += [f"in the scope `{show(selector.scope)}`"] if selector.scope else []
        if selector.control is not None:
            parts.append("with" if selector.control else "without")
            parts.append("control inputs")
        return " ".join(parts) + (_place(selector) if functions else "")
    named = getattr(selector, kind)
    if named and named != "*":
        parts.append(f"named `{show(named)}`")
    if kind in ("input", "output") and selector.signature and selector.signature != "*":
        parts.append(f"of the signature `{show(selector.signature)}`")
    return " ".join(parts)


def _place(selector: Selector) -> str:
    if selector.everywhere:
        return " (the main graph and the functions together)"
    if selector.function:
        named = "" if selector.function == "*" else f" named `{show(selector.function)}`"
        return f" (inside functions{named}, each function counted once)"
    return " (main graph only, without functions)"


def _fits(name: str, glob: str | None) -> bool:
    return glob is None or name == glob or fnmatchcase(name, glob)


def _nodes(view: View, selector: Selector) -> Iterator[Thing]:
    """Yield nodes of the main graph, of functions, or of both, each body once."""
    for level in _levels(view, selector):
        for name, node in level.nodes.items():
            waits = any(map(names.is_control, node.input))
            if (
                _fits(name, selector.node)
                and _fits(node.op, selector.op)
                and (
                    selector.scope is None
                    or name.startswith(f"{selector.scope}/")
                    or _in(name, selector.scope)
                )
                and selector.control in (None, waits)
            ):
                yield Thing("node", name, address_of(level, name), Value(level, name))


def _in(name: str, scope: str) -> bool:
    """Return whether one of the scopes of a node fits a glob."""
    parts = name.split("/")[:-1]
    return any(fnmatchcase("/".join(parts[: at + 1]), scope) for at in range(len(parts)))


def _levels(view: View, selector: Selector) -> Iterator[Level]:
    if selector.function is None:
        yield view.root
    if selector.function is not None or selector.everywhere:
        for name in view.meta.functions:
            if _fits(name, selector.function):
                yield first_level(view, name) or Level.of(view.meta, name)


def _variables(view: View, glob: str) -> Iterator[Thing]:
    for variable in view.meta.variables:
        if _fits(variable.name, glob) or (variable.title and _fits(variable.title, glob)):
            value = Value(view.root, variable.name)
            yield Thing("variable", variable.name, variable.name, value, variable=variable)


def _keys(view: View, selector: Selector) -> Iterator[Thing]:
    """Yield inputs or outputs of signatures; without a signature those of the one that is followed."""
    kind: Literal["input", "output"] = "input" if selector.input else "output"
    for signature in _signatures(view, selector.signature):
        ports = signature.inputs if kind == "input" else signature.outputs
        for key, port in ports.items():
            if _fits(key, selector.input if kind == "input" else selector.output):
                tensor = names.parse_tensor(port.tensor)
                value = Value(view.root, tensor.node, tensor.index) if tensor is not None else None
                yield Thing(kind, key, f"{signature.key}#{key}", value, port, signature.key)


def _signatures(view: View, glob: str | None) -> list[Signature]:
    if glob is None:
        return [view.signature] if view.signature is not None else []
    return [found for key, found in view.meta.shown_signatures.items() if _fits(key, glob)]
