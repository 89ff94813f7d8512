"""What happens to the inputs of a signature on the way to its outputs, in phrases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from workbench.disk import dtypes
from workbench.disk.schema import NodeDef
from workbench.explaining.texts.op_texts import is_quiet, op_texts
from workbench.explaining.view import View, listed
from workbench.graph.body import Output
from workbench.graph.calls import RETURNING
from workbench.graph.level import Level, Value
from workbench.graph.reach import ancestors
from workbench.graph.shape_inference.flow import in_order
from workbench.model import shapes
from workbench.model.op_classes import BRANCHES, LOOPS
from workbench.model.signature import Signature
from workbench.names import count, input_tensor, is_control, show

_ONLY_SHAPE = frozenset(
    {"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike", "TensorListElementShape"}
)
"""Ops whose output depends on the shape of their input, and not on its values."""
_MOST_NODES = 50_000
_ROUNDS = 8
_LISTED = 10
_ENDS = 3
_COUNTED = 6
_TURNED = {
    "Sub": "subtracts it from {}",
    "RealDiv": "divides {} by it",
    "FloorDiv": "divides {} by it and rounds down",
    "MatMul": "multiplies the matrix {} by it",
    "BatchMatMulV2": "multiplies the matrices {} by it",
    "Pow": "raises {} to this power",
}
"""The phrase where the value that comes from the input is the second operand."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens on the way.

    Attributes:
        level: where the node is.
        node: the node.
        phrase: what it does.
        noun: what to count it by.
        inner: what happens in the bodies of a loop or branch.
    """

    level: Level
    node: NodeDef
    phrase: str
    noun: str
    inner: tuple[Step, ...] = ()

    def __str__(self) -> str:
        if not self.inner:
            return self.phrase
        return f"{self.phrase}: {'; '.join(text for text, _ in phrases(self.inner))}"

    @property
    def address(self) -> str:
        """The node as `explain` takes it."""
        return self.level.full_name(self.node.name)


def follow(view: View, signature: Signature) -> list[Step]:
    """Return what happens to the inputs of a signature, in the order of the data."""
    given = {tensor for port in signature.inputs.values() for tensor in port.tensors}
    fed = {(name.node, name.index) for name in map(input_tensor, given)}
    roots = [tensor for port in signature.outputs.values() for tensor in port.tensors]
    walk = _Walk(view)
    steps, _ = walk.body(view.root, fed, roots)
    return steps


def inside(view: View, level: Level) -> list[Step]:
    """Return what a function does with its arguments that are no handles."""
    if level.function is None:
        return []
    given = {
        (tensor.name, 0)
        for tensor in level.body.argument_tensors
        if tensor.dtype not in (dtypes.RESOURCE, dtypes.VARIANT)
    }
    steps, _ = _Walk(view).body(level, given, level.function.ret.values())
    return steps


class _Walk:
    """A walk along all that depends on some values.

    Args:
        view: the model.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.left = _MOST_NODES

    def body(self, level: Level, given: set[Output], roots: Iterable[str]) -> tuple[list[Step], set[Output]]:
        """Return the steps of a body, and which of its values depend on the given ones."""
        fed = {name for name, _ in given if name in level.nodes}
        needed = ancestors(level.nodes, roots, controls=False, stop=fed)
        self.left -= len(needed)
        follows = set(given)
        steps: list[Step] = []
        for name in in_order(level.body, needed):
            if name in fed:
                continue
            node = level.nodes[name]
            entries = [entry for entry in node.input if not is_control(entry)]
            from_input = [at for at, entry in enumerate(entries) if level.body.address(entry) in follows]
            if not from_input or node.op in _ONLY_SHAPE:
                continue
            types = level.body.output_types(name)
            outputs = range(1 if types is None else len(types))
            below = [one for one in level.levels_under(node) if one.call and one.call.kind in RETURNING]
            if below and self.left > 0:
                made, reached = self._calls(node, below, from_input, outputs)
                steps += made
                follows.update((name, at) for at in reached)
            else:
                steps.append(self._step(level, node, from_input))
                follows.update((name, at) for at in outputs)
        return steps, follows

    def _calls(
        self, node: NodeDef, below: list[Level], from_input: list[int], outputs: range
    ) -> tuple[list[Step], set[int]]:
        """Return the steps of the bodies that a node runs, and which of its outputs depend on the input."""
        steps: list[Step] = []
        positions, reached = set(from_input), set[int]()
        for level in below:
            assert level.function is not None
            for _ in range(_ROUNDS):
                arguments = [found for at in positions if (found := level.argument(at)) is not None]
                given = {(one.name, one.index) for one in arguments}
                made, follows = self.body(level, given, level.function.ret.values())
                results = {at for at in outputs if _is_in(level.result(at), follows)}
                if node.op not in LOOPS or results <= positions or self.left <= 0:
                    break
                positions |= results
            reached |= results
            steps += made
        if node.op in LOOPS or node.op in BRANCHES:
            text = op_texts().get(node.op)
            assert below[0].caller is not None
            phrase, noun = (text.phrase, text.noun) if text is not None else (f"runs {node.op}", node.op)
            shown = tuple(step for step in steps if not is_quiet(step.node.op))
            steps = [Step(below[0].caller, node, phrase, noun, shown)]
        return steps, reached

    def _step(self, level: Level, node: NodeDef, from_input: list[int]) -> Step:
        text = op_texts().get(node.op)
        if text is None:
            return Step(level, node, f"applies {show(node.op)}", f"{show(node.op)} op")
        phrase = text.phrase
        if from_input == [1] and node.op in _TURNED:
            phrase = _TURNED[node.op]
        if "{}" in phrase:
            phrase = phrase.replace("{}", self._operand(level, node, from_input))
        return Step(level, node, phrase, text.noun)

    def _operand(self, level: Level, node: NodeDef, from_input: list[int]) -> str:
        """Return what stands for the other operand of a node in its phrase."""
        view = self.view
        if node.op == "Cast":
            return dtypes.name(node.attr["DstT"].type)
        if node.op == "Reshape":
            return shapes.text(view.shape(Value(level, node.name)))
        if node.op.startswith("Resize"):
            size = view.numbers(level.input(node, 1))
            return " × ".join(map(str, size)) if size else "a computed size"
        if "reduction_indices" in _inputs(view, node) or node.op == "TopKV2":
            found = view.numbers(level.input(node, 1))
            return listed(list(map(str, found))) if found is not None else "a computed number"
        others = [at for at, entry in enumerate(node.input) if not is_control(entry) and at not in from_input]
        if not others:
            return "another value computed from the input"
        value = level.input(node, others[0])
        return view.operand(value) if value is not None else "another value"


def _inputs(view: View, node: NodeDef) -> list[str]:
    op_def = view.meta.op_table.get(node.op)
    return [arg.name for arg in op_def.input_arg] if op_def is not None else []


def _is_in(value: Value | None, follows: set[Output]) -> bool:
    return value is not None and (value.name, value.index) in follows


def phrases(steps: Sequence[Step]) -> Iterator[tuple[str, str | None]]:
    """Yield the steps condensed to about eight phrases, each with the node to link to or None."""
    told = [step for step in steps if step.noun]
    if len(told) <= _LISTED:
        yield from ((str(step), step.address) for step in told)
        return
    yield from ((str(step), step.address) for step in told[:_ENDS])
    middle = Counter(step.noun for step in told[_ENDS:-_ENDS])
    parts = [count(number, noun, _plural(noun)) for noun, number in middle.most_common(_COUNTED)]
    rest = sum(number for _, number in middle.most_common()[_COUNTED:])
    if rest:
        parts.append(count(rest, "other op"))
    yield f"then come {listed(parts)}", None
    yield from ((str(step), step.address) for step in told[-_ENDS:])


def _plural(noun: str) -> str:
    """Return the plural of a noun of `op_texts`."""
    if noun.endswith(("x", "s")):
        return f"{noun}es"
    if noun.endswith("h") and not noun.endswith("th"):
        return f"{noun}es"
    return f"{noun}s"
