"""What happens to the inputs of a signature on the way to its outputs, in phrases."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial

from workbench.disk import dtypes
from workbench.disk.schema import NodeDef
from workbench.explaining.paths.idioms import condensed
from workbench.explaining.paths.step import Step
from workbench.explaining.texts.op_texts import op_texts
from workbench.explaining.view import View, listed
from workbench.graph.body import Output
from workbench.graph.calls import RETURNING
from workbench.graph.level import Level, Value
from workbench.graph.reach import ancestors
from workbench.graph.shape_inference.flow import in_order
from workbench.model import shapes
from workbench.model.op_classes import BRANCHES, ENTERS, LOOPS, NEXT_ITERATIONS, SWITCHES
from workbench.model.signature import Signature
from workbench.names import input_tensor, is_control, show

_ONLY_SHAPE = frozenset(
    {"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike", "TensorListElementShape"}
)
"""Ops whose output depends on the shape of their input, and not on its values."""
_MOST_NODES = 50_000
_ROUNDS = 8
_LABELS = {"then_branch": "if true: ", "else_branch": "else: "}
_NAMING = re.compile(r"the (matrix|matrices|table|bias) \{\}")
"""What stands before the name of an operand, and not before its description."""
_TURNED = {
    "Sub": "subtracts it from {}",
    "RealDiv": "divides {} by it",
    "FloorDiv": "divides {} by it and rounds down",
    "MatMul": "multiplies the matrix {} by it",
    "BatchMatMulV2": "multiplies the matrices {} by it",
    "Pow": "raises {} to the power of it",
}
"""The phrase where the value that comes from the input is the second operand."""


def follow(view: View, signature: Signature) -> tuple[list[Step], bool]:
    """Return what happens to the inputs of a signature, in order, and whether an output depends on them.

    What depends on the shape of an input alone does not count.
    """
    given = {tensor for port in signature.inputs.values() for tensor in port.tensors}
    fed = {(name.node, name.index) for name in map(input_tensor, given)}
    roots = [tensor for port in signature.outputs.values() for tensor in port.tensors]
    steps, follows = _Walk(view).body(view.root, fed, roots)
    return steps, any((name.node, name.index) in follows for name in map(input_tensor, roots))


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
        self.frames: set[bytes] = set()
        self.conditions: set[tuple[str, str]] = set()

    def body(self, level: Level, given: set[Output], roots: Iterable[str]) -> tuple[list[Step], set[Output]]:
        """Return the steps of a body, and which of its values depend on the given ones."""
        fed = {name for name, _ in given if name in level.nodes}
        needed = ancestors(level.nodes, roots, controls=False, stop=fed)
        self.left -= len(needed)
        order = in_order(level.body, needed)
        loops = any(level.nodes[name].op in NEXT_ITERATIONS for name in order)
        follows, before = set(given), (set(self.frames), set(self.conditions))
        for _ in range(_ROUNDS):
            known = len(follows)
            self.frames, self.conditions = set(before[0]), set(before[1])
            steps = self._once(level, [name for name in order if name not in fed], follows)
            if not loops or len(follows) == known:
                break
        return condensed(self.view, level, steps), follows

    def _once(self, level: Level, order: list[str], follows: set[Output]) -> list[Step]:
        """Return the steps of nodes in order, and add what depends on the input to `follows`."""
        steps: list[Step] = []
        for name in order:
            node = level.nodes[name]
            if not node.input:
                continue
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
        return steps

    def _calls(
        self, node: NodeDef, below: list[Level], from_input: list[int], outputs: range
    ) -> tuple[list[Step], set[int]]:
        """Return the steps of the bodies that a node runs, and which of its outputs depend on the input."""
        bodies: list[tuple[str, list[Step]]] = []
        positions, reached = set(from_input), set[int]()
        for level in sorted(below, key=lambda one: one.call is not None and one.call.label == "else_branch"):
            assert level.function is not None and level.call is not None
            for _ in range(_ROUNDS):
                steps, follows = self.body(level, self._given(level, positions), level.function.ret.values())
                results = {at for at in outputs if _is_in(level.result(at), follows)}
                if node.op not in LOOPS or results <= positions or self.left <= 0:
                    break
                positions |= results
            reached |= results
            bodies.append((_LABELS.get(level.call.label, f"{level.call.label}: "), steps))
        if self._decides(below[0], node, positions):
            reached = set(outputs)
        if node.op not in LOOPS and node.op not in BRANCHES:
            return [step for _, steps in bodies for step in steps], reached
        text = op_texts().get(node.op)
        caller = below[0].caller
        assert caller is not None
        phrase, noun = (text.phrase, text.noun) if text is not None else (f"runs {node.op}", node.op)
        shown = tuple(
            ("" if node.op in LOOPS else label, tuple(step for step in steps if step.noun))
            for label, steps in bodies
        )
        return [Step(caller, node, phrase, noun, shown)], reached

    def _given(self, level: Level, positions: set[int]) -> set[Output]:
        """Return the arguments of a body that some inputs of its node become."""
        arguments = [found for at in positions if (found := level.argument(at)) is not None]
        return {(one.name, one.index) for one in arguments}

    def _decides(self, body: Level, node: NodeDef, positions: set[int]) -> bool:
        """Return whether the input decides which branch runs, or how often a loop does."""
        if node.op in BRANCHES:
            return 0 in positions
        if node.op not in LOOPS or body.caller is None:
            return False
        for level in body.caller.levels_under(node):
            if level.call is not None and level.call.kind == "condition" and level.function is not None:
                _, follows = self.body(level, self._given(level, positions), level.function.ret.values())
                return _is_in(level.result(0), follows)
        return False

    def _step(self, level: Level, node: NodeDef, from_input: list[int]) -> Step:
        text = op_texts().get(node.op)
        if node.op in SWITCHES:
            condition = (level.path, node.input[1] if len(node.input) > 1 else "")
            if _continues_loop(level, node) or condition in self.conditions:
                return Step(level, node, "goes on", "")
            self.conditions.add(condition)
        if node.op in ENTERS:
            frame = node.attr["frame_name"].s
            if frame in self.frames:
                return Step(level, node, "enters the loop", "")
            self.frames.add(frame)
        if text is None:
            return Step(level, node, f"applies {show(node.op)}", f"{show(node.op)} op")
        phrase = text.phrase
        if from_input == [1] and node.op in _TURNED:
            phrase = _TURNED[node.op]
        if "{}" in phrase:
            return Step(level, node, partial(self._filled, phrase, level, node, from_input), text.noun)
        return Step(level, node, phrase, text.noun)

    def _filled(self, phrase: str, level: Level, node: NodeDef, from_input: list[int]) -> str:
        """Return a phrase with the other operand of a node in it."""
        operand = self._operand(level, node, from_input)
        if operand.startswith(("the ", "another ")):
            phrase = _NAMING.sub("{}", phrase)
        return phrase.replace("{}", operand)

    def _operand(self, level: Level, node: NodeDef, from_input: list[int]) -> str:
        """Return the text for the other operand of a node in its phrase."""
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
            if node.op == "TopKV2":
                return str(found[0]) if found is not None and len(found) == 1 else "k"
            if found is None:
                return "computed dimensions"
            return f"{'dimension' if len(found) == 1 else 'dimensions'} {listed(list(map(str, found)))}"
        others = [at for at, entry in enumerate(node.input) if not is_control(entry) and at not in from_input]
        if not others:
            data = [entry for entry in node.input if not is_control(entry)]
            return (
                "itself" if len(data) == 2 and data[0] == data[1] else "another value computed from the input"
            )
        value = level.input(node, others[0])
        return view.operand(value) if value is not None else "another value"


def _inputs(view: View, node: NodeDef) -> list[str]:
    op_def = view.meta.op_table.get(node.op)
    return [arg.name for arg in op_def.input_arg] if op_def is not None else []


def _continues_loop(level: Level, node: NodeDef) -> bool:
    """Return whether a Switch decides whether a loop of TF1 format continues."""
    value = level.input(node, 1)
    return value is not None and value.node is not None and value.node.op == "LoopCond"


def _is_in(value: Value | None, follows: set[Output]) -> bool:
    return value is not None and (value.name, value.index) in follows
