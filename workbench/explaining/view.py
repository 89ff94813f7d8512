"""A model as explanations look at it: its levels, shapes that follow from the graph, and names of values."""

from __future__ import annotations

from functools import cached_property

from workbench import names
from workbench.describe.attributes import values_text
from workbench.disk import dtypes
from workbench.disk.schema import NodeDef
from workbench.graph.level import Level, Value
from workbench.graph.nearby import NearbyFlow
from workbench.graph.shape_inference.sizes import Facts, plain
from workbench.graph.trace import origin
from workbench.model import MetaGraph, shapes
from workbench.model.op_classes import ENTERS, REF_TABLES, RESOURCE_TABLES, SAME_ELEMENTS, STORED_VALUE
from workbench.model.shapes import Shape
from workbench.model.signature import DEFAULT, Signature
from workbench.model.variables import Variable
from workbench.names import show

PASSED = SAME_ELEMENTS | STORED_VALUE | ENTERS | {"Cast"}
"""Ops behind which a weight is still called by the name of its variable."""
_LONG_NUMBER = 7
_MOST_BELOW = 1000


class View:
    """One MetaGraph, with what several explanations ask of it.

    Args:
        meta: the MetaGraph.
        signature: the key of the signature to follow; None for the obvious one.

    Raises:
        UnknownName: there is no such signature.
    """

    def __init__(self, meta: MetaGraph, signature: str | None = None) -> None:
        self.meta = meta
        self.root = Level.of(meta)
        self.chosen = None if signature is None else meta.signature(signature)

    @cached_property
    def signature(self) -> Signature | None:
        """The signature to follow: the chosen one, `serving_default`, or the first."""
        if self.chosen is not None:
            return self.chosen
        shown = self.meta.shown_signatures
        return shown.get(DEFAULT) or next(iter(shown.values()), None)

    @cached_property
    def variables(self) -> dict[str, Variable]:
        """The variables by node."""
        return {variable.name: variable for variable in self.meta.variables}

    # -- shapes

    @cached_property
    def _inferred(self) -> NearbyFlow:
        return NearbyFlow(self.meta)

    def facts(self, value: Value) -> Facts | None:
        """Return what shape inference knows of a value, or None."""
        return self._inferred.facts(value)

    def shape(self, value: Value) -> Shape:
        """Return the shape of a value: what the node declares and what follows from the graph."""
        facts = self.facts(value)
        return shapes.both(self.declared(value)[1], plain(facts.sizes) if facts is not None else None)

    def declared(self, value: Value) -> tuple[int, Shape]:
        """Return dtype and shape as the node or argument declares them; dtype 0 if unknown."""
        if value.node is None:
            found = next((one for one in value.level.body.argument_tensors if one.name == value.name), None)
            outside = value.level.given(value) if found is None or not found.dtype else None
            if outside is not None:
                return self.declared(outside)
            return (found.dtype, found.shape) if found is not None else (dtypes.INVALID, None)
        tensor = value.tensor
        return (tensor.dtype, tensor.shape) if tensor is not None else (dtypes.INVALID, None)

    def typed(self, value: Value) -> str:
        """Return dtype and shape of a value as text; of a handle, what it refers to."""
        dtype, _ = self.declared(value)
        if dtypes.base(dtype) == dtypes.RESOURCE:
            behind = origin(value)
            variable = self.variables.get(behind.name) if behind.node is not None else None
            if variable is not None and behind.level.caller is None:
                return f"handle of the variable {quoted(variable.name)} {variable_type(variable)}"
            return "handle"
        return shapes.typed(dtype, self.shape(value))

    def numbers(self, value: Value | None) -> tuple[int, ...] | None:
        """Return the integers that a value is, if they are known."""
        facts = self.facts(value) if value is not None else None
        if facts is None or facts.value is None:
            return None
        found = [one for one in facts.value if isinstance(one, int)]
        return tuple(found) if len(found) == len(facts.value) else None

    # -- names

    def operand(self, value: Value) -> str:
        """Return how a sentence names a value: a variable, a number, a constant, else the node."""
        behind = origin(value, PASSED)
        node = behind.node
        if node is not None and node.op == "Const":
            return constant(behind.level, node)
        if node is not None and behind.level.caller is None and behind.level.function is None:
            if node.name in self.variables:
                return f"{quoted(node.name)} {shapes.text(self.variables[node.name].shape)}"
            if node.op in RESOURCE_TABLES or node.op in REF_TABLES:
                return quoted(node.name)
        parts = self._parts(behind)
        if parts:
            scopes = {name.rpartition("/")[0] for name in parts}
            name = scopes.pop() if len(scopes) == 1 else ""
            return f"{quoted(name or behind.name)} {shapes.text(self.shape(behind))} (a variable in {len(parts)} parts)"
        if value.node is None:
            return f"the argument {quoted(value.name)}"
        return f"the output of {quoted(value.name)}"

    def _parts(self, value: Value) -> list[str]:
        """Return the variables that a value joins, all of them parts of one partitioned variable; else none."""
        node = value.node
        if node is None or node.op not in ("Concat", "ConcatV2"):
            return []
        made = [value.level.input(node, at) for at in range(1, len(node.input))]
        made = made if node.op == "Concat" else [value.level.input(node, 0), *made[:-1]]
        behind = [origin(one, PASSED) if one is not None else None for one in made]
        names = [one.name for one in behind if one is not None and one.level.caller is None]
        return names if len(names) == len(made) and set(names) <= self.variables.keys() else []


def constant(level: Level, node: NodeDef) -> str:
    """Return how a sentence names a constant: its value if it is a number, else its name and shape."""
    tensor = node.attr["value"].tensor
    shape = shapes.from_proto(tensor.tensor_shape)
    found = values_text(tensor) if shapes.count(shape) == 1 else None
    if found is not None:
        return fraction(found.strip("[]").removesuffix("."))
    return f"the constant {quoted(address_of(level, node.name))} {shapes.text(shape)}"


def fraction(number: str) -> str:
    """Return a number as text, with the fraction that it nearly is behind it: `0.00392157 (1/255)`."""
    try:
        value = float(number)
    except ValueError:
        return number
    if not 0 < value < 1 or len(number) < _LONG_NUMBER:
        return number
    below = round(1 / value)
    return f"{number} (1/{below})" if abs(below * value - 1) < 1e-5 and below <= _MOST_BELOW else number


def address_of(level: Level, node: str) -> str:
    """Return a node as `explain` takes it: with its calls, or its function if the main graph does not reach that."""
    if level.function is not None and not level.calls:
        return f"{level.body.name}{names.CALL_SEPARATOR}{node}"
    return level.full_name(node)


def quoted(name: str) -> str:
    """Return a name of the model in back quotes, safe to print."""
    return f"`{show(name)}`"


def variable_type(variable: Variable) -> str:
    """Return dtype and shape of a variable as text."""
    return shapes.typed(variable.dtype, variable.shape)


def listed(texts: list[str], word: str = "and") -> str:
    """Return texts as a list in a sentence: `a, b and c`."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {word} {texts[-1]}" if texts else ""


def shortly(texts: list[str], limit: int = 4) -> str:
    """Return the first few texts as a list in a sentence: `a, b and 5 more`."""
    if len(texts) <= limit:
        return listed(texts)
    return f"{', '.join(texts[:limit])} and {names.count(len(texts) - limit, 'more', 'more')}"
