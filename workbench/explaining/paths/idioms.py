"""Several ops that a framework writes for one thing: batch normalization, GELU, attention, indices from the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from workbench.disk.schema import NodeDef
from workbench.explaining.paths.step import Step, Wording
from workbench.explaining.texts.op_texts import is_quiet
from workbench.explaining.view import View, quoted
from workbench.graph.level import Level, Value
from workbench.graph.trace import origin
from workbench.model.op_classes import PLACEHOLDERS, VARIABLE_READS
from workbench.names import is_control

_PRODUCTS = frozenset({"MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum"})
_ADDS = frozenset({"Add", "AddV2", "BiasAdd"})
_SCALES = frozenset({"RealDiv", "Div", "Mul"})
_BEFORE_SOFTMAX = frozenset(
    {"Mul", "RealDiv", "Add", "AddV2", "Sub", "SelectV2", "Reshape", "Cast", "Maximum"}
)
_FEW = 16
_LEAST = 4
_ROOT_OF_HALF = 0.5**0.5
_CLOSE = 1e-2  # the error of half precision


@dataclass(frozen=True, slots=True)
class _Found:
    """An idiom: the steps it is made of, the last of them, and how it is called."""

    members: frozenset[int]
    end: int
    wording: Wording
    noun: str


def condensed(view: View, level: Level, steps: Sequence[Step]) -> list[Step]:
    """Return the steps of a body with each known idiom as one step, at the place of its last op.

    The idioms are found by the edges between the ops, not by names.
    """
    body = _Body(view, level, steps)
    taken: set[int] = set()
    ends: dict[int, _Found] = {}
    for at, step in enumerate(steps):
        for idiom in _IDIOMS.get(step.node.op, ()) if step.level is level else ():
            found = idiom(body, at)
            if found is not None and not found.members & taken:
                taken |= found.members
                ends[found.end] = found
    return [
        replace(step, wording=ends[at].wording, noun=ends[at].noun) if at in ends else step
        for at, step in enumerate(steps)
        if at in ends or at not in taken
    ]


class _Body:
    """The steps of one body, with the edges between them.

    Args:
        view: the model.
        level: the body.
        steps: its steps in order; those of bodies that it calls are among them and are not looked at.
    """

    def __init__(self, view: View, level: Level, steps: Sequence[Step]) -> None:
        self.view, self.level, self.steps = view, level, steps
        self.at = {step.node.name: at for at, step in enumerate(steps) if step.level is level}
        self._users: list[list[int]] | None = None
        self._sources: dict[tuple[int, int], Value | None] = {}

    def op(self, at: int | None) -> str:
        """Return the op of a step; an empty text for none."""
        return "" if at is None else self.steps[at].node.op

    def source(self, at: int, position: int) -> Value | None:
        """Return what makes an input of a step, behind ops that pass a value on."""
        if (at, position) not in self._sources:
            self._sources[at, position] = self._source(at, position)
        return self._sources[at, position]

    def _source(self, at: int, position: int) -> Value | None:
        value = self.level.input(self.steps[at].node, position)
        for _ in range(_FEW):
            if value is None or value.node is None or not is_quiet(value.node.op) or _is_stored(value.node):
                return value
            value = value.level.input(value.node, 0) or value
        return value

    def step(self, at: int | None, position: int) -> int | None:
        """Return the step that makes an input of a step; None if no step of this body does."""
        value = self.source(at, position) if at is not None else None
        return self.at.get(value.name) if value is not None and value.level is self.level else None

    def depends(self, at: int, position: int) -> bool:
        """Return whether an input of a step depends on what the body is given."""
        value = self.source(at, position)
        if value is None or self.step(at, position) is not None:
            return value is not None
        return value.node is None or value.node.op in PLACEHOLDERS

    def inputs(self, at: int | None) -> list[int | None]:
        """Return the steps that make the inputs of a step."""
        return (
            [] if at is None else [self.step(at, position) for position in range(_data(self.steps[at].node))]
        )

    def same(self, one: tuple[int, int], other: tuple[int, int]) -> bool:
        """Return whether two inputs, each as step and position, are one value."""
        first, second = self.source(*one), self.source(*other)
        return first is not None and first == second

    def users(self, at: int) -> list[int]:
        """Return the steps that take an output of a step."""
        if self._users is None:
            self._users = [[] for _ in self.steps]
            for user in self.at.values():
                for made in set(self.inputs(user)):
                    if made is not None:
                        self._users[made].append(user)
        return self._users[at]

    def join(self, start: int) -> int | None:
        """Return the first step at which all that a step leads to is one value again; None if that is far off."""
        inside, waiting = {start}, {start}
        for _ in range(_FEW):
            following = min(
                (user for at in waiting for user in self.users(at) if user not in inside), default=None
            )
            if following is None:
                return None
            inside.add(following)
            waiting = {at for at in inside if any(user not in inside for user in self.users(at))}
            if waiting <= {following} and len(self.inputs(following)) > 1 and len(inside) > _LEAST:
                return following
        return None

    def between(self, given: Value | None, end: int) -> frozenset[int] | None:
        """Return the steps that compute a step's output from one value alone; None if they need another one."""
        found, todo = {end}, [end]
        while todo:
            at = todo.pop()
            for position, made in enumerate(self.inputs(at)):
                if made is None or made in found or self.source(at, position) == given:
                    continue
                if len(found) > _FEW:
                    return None
                found.add(made)
                todo.append(made)
        return frozenset(found) if all(self._reaches(at, given, found) for at in found) else None

    def _reaches(self, at: int, given: Value | None, found: set[int]) -> bool:
        return any(
            made in found or self.source(at, position) == given
            for position, made in enumerate(self.inputs(at))
        )

    def number(self, at: int, position: int) -> float | None:
        """Return the number that an input is, if it is a constant of one element."""
        from workbench.disk.tensor_proto import to_array

        value = self.source(at, position)
        if value is None or value.node is None or value.node.op != "Const":
            return None
        tensor = value.node.attr["value"].tensor
        if tensor.ByteSize() > 100:
            return None
        array = to_array(tensor)
        return (
            float(array.reshape(-1)[0])
            if array is not None and array.size == 1 and array.dtype.kind in "fiu"
            else None
        )


def _data(node: NodeDef) -> int:
    return sum(not is_control(entry) for entry in node.input)


def _is_stored(node: NodeDef) -> bool:
    return node.op == "Const" or node.op in VARIABLE_READS


# -- the idioms; each looks from its rarest op


def _index_from_the_end(body: _Body, at: int) -> _Found | None:
    """`select(x < 0, x + size, x)`."""
    less, added = body.step(at, 0), body.step(at, 1)
    if less is None or added is None or body.op(less) != "Less" or body.op(added) not in _ADDS:
        return None
    if body.number(less, 1) != 0 or not body.same((at, 2), (less, 0)) or not body.same((added, 0), (less, 0)):
        return None
    return _Found(
        frozenset({less, added, at}), at, "counts negative indices from the end", "step for indices"
    )


def _batch_normalization(body: _Body, at: int) -> _Found | None:
    """`x * (rsqrt(variance + e) * scale) + (offset - mean * …)`, with all but x stored in the model."""
    scaled = next((one for one in body.inputs(at) if body.op(one) == "Mul"), None)
    if scaled is None or len([one for one in body.inputs(at) if one is not None]) != 1:
        return None
    factor = next((body.source(scaled, side) for side in (0, 1) if not body.depends(scaled, side)), None)
    root = _behind(factor, "Rsqrt", 3)
    if root is None or body.users(scaled) != [at]:
        return None
    return _Found(frozenset({scaled, at}), at, partial(_normalizes, body.view, root), "batch normalization")


def _normalizes(view: View, root: Value) -> str:
    variable = _variable_behind(view, root)
    name = f" {quoted(variable.rpartition('/')[0])}" if variable and "/" in variable else ""
    return f"normalizes by stored mean and variance{name}"


def _layer_normalization(body: _Body, at: int) -> _Found | None:
    """`(x - mean(x)) * rsqrt(variance(x) + e)`: mean and variance are computed from the value itself."""
    added = body.step(at, 0)
    spread = body.step(added, 0) if body.op(added) in _ADDS else added
    squared = body.step(spread, 0) if body.op(spread) == "Mean" else None
    if squared is None or body.op(squared) not in ("SquaredDifference", "Square"):
        return None
    given = body.source(squared, 0)
    if given is not None and body.op(body.step(squared, 0)) == "Sub":
        given = body.source(body.step(squared, 0) or 0, 0)
    end = body.join(at)
    members = body.between(given, end) if end is not None else None
    if members is None or end is None or squared not in members:
        return None
    return _Found(
        members, end, "normalizes by its own mean and variance (layer normalization)", "layer normalization"
    )


def _gelu(body: _Body, at: int) -> _Found | None:
    """`x / 2 * (1 + erf(x / sqrt(2)))`, or with erfc."""
    first, scale = at, 1.0
    for _ in range(_FEW):
        before = _scaled(body, first)
        if before is None:
            break
        first, scale = before, scale * _factor(body, before)
    if abs(scale - (_ROOT_OF_HALF if body.op(at) == "Erf" else -_ROOT_OF_HALF)) > _CLOSE:
        return None
    given = next(
        (body.source(first, at) for at, number in enumerate(_numbers(body, first)) if number is None), None
    )
    end = at
    for _ in range(4):
        users = body.users(end)
        if len(users) != 1:
            return None
        end = users[0]
        members = body.between(given, end)
        if (
            members is not None
            and body.op(end) == "Mul"
            and body.number(end, 0) is body.number(end, 1) is None
        ):
            half = body.users(end)
            if len(half) == 1 and _halves(body, half[0]):
                members, end = members | {half[0]}, half[0]
            if not any(_halves(body, one) for one in members):
                return None
            return _Found(members, end, "applies GELU (a smooth ReLU)", "GELU activation")
    return None


def _numbers(body: _Body, at: int) -> list[float | None]:
    return [body.number(at, position) for position in range(len(body.inputs(at)))]


def _scaled(body: _Body, at: int) -> int | None:
    """Return the step before one if it only multiplies by a number or changes the sign."""
    before = next((one for one in body.inputs(at) if one is not None), None)
    if before is None:
        return None
    one_number = body.op(before) in _SCALES and any(number is not None for number in _numbers(body, before))
    return before if one_number or body.op(before) == "Neg" else None


def _factor(body: _Body, at: int) -> float:
    """Return what a step multiplies by; 0 where a number is divided by the value."""
    if body.op(at) == "Neg":
        return -1.0
    numbers = _numbers(body, at)
    number = next((one for one in numbers if one is not None), 0.0)
    if body.op(at) == "Mul":
        return number
    return 1 / number if numbers[0] is None and number else 0.0


def _halves(body: _Body, at: int) -> bool:
    return body.op(at) == "Mul" and 0.5 in _numbers(body, at)


def _silu(body: _Body, at: int) -> _Found | None:
    """`x * sigmoid(x)`."""
    for side in (0, 1):
        gate = body.step(at, side)
        if gate is None or body.op(gate) != "Sigmoid":
            continue
        scaled = _scaled(body, gate)
        if scaled is not None and 1 not in _numbers(body, scaled):
            continue
        given = [(gate, 0)] if scaled is None else [(scaled, 0), (scaled, 1), (gate, 0)]
        if any(body.same(one, (at, 1 - side)) for one in given):
            return _Found(
                frozenset({gate, at, scaled if scaled is not None else gate}),
                at,
                "applies SiLU (x times its sigmoid)",
                "SiLU activation",
            )
    return None


def _attention(body: _Body, at: int) -> _Found | None:
    """`softmax(query · key) · value`, the products computed from the input on both sides."""
    members, scores = {at}, body.step(at, 0)
    for _ in range(_FEW):
        if scores is None or body.op(scores) not in _BEFORE_SOFTMAX:
            break
        members.add(scores)
        scores = next(
            (one for one in body.inputs(scores) if one is not None and body.op(one) != "Cast"), None
        )
    if scores is None or not _is_product(body, scores):
        return None
    users = body.users(at)
    if len(users) != 1 or not _is_product(body, users[0]):
        return None
    return _Found(
        frozenset({*members, scores, users[0]}), users[0],
        "attends: weighs values by the softmax of the products of queries and keys", "attention",
    )  # fmt: skip


def _is_product(body: _Body, at: int) -> bool:
    """Return whether a step multiplies two matrices that both depend on the input."""
    return body.op(at) in _PRODUCTS and body.depends(at, 0) and body.depends(at, 1)


def _behind(value: Value | None, op: str, limit: int) -> Value | None:
    """Return the value of a node with an op, a few steps behind a value that is computed from stored ones."""
    found = [value]
    for _ in range(limit):
        following: list[Value | None] = []
        for one in found:
            if one is None or one.node is None:
                continue
            if one.node.op == op:
                return one
            following += [one.level.input(one.node, at) for at in range(min(_data(one.node), 4))]
        found = following[:_FEW]
    return None


def _variable_behind(view: View, value: Value) -> str | None:
    """Return the name of a variable that a value is computed from, the nearest one."""
    found: list[Value] = [value]
    for _ in range(6):
        following: list[Value] = []
        for one in found:
            behind = origin(one)
            if (
                behind.level.caller is None
                and behind.level.function is None
                and behind.name in view.variables
            ):
                return view.variables[behind.name].name
            if one.node is not None:
                made = (one.level.input(one.node, at) for at in range(min(_data(one.node), 4)))
                following += [one for one in made if one is not None]
        found = following[:_FEW]
    return None


def _idioms() -> Iterator[tuple[str, Callable[[_Body, int], _Found | None]]]:
    yield from (("SelectV2", _index_from_the_end), ("Select", _index_from_the_end))
    yield from ((op, _batch_normalization) for op in ("AddV2", "Add"))
    yield from (
        ("Rsqrt", _layer_normalization),
        ("Erf", _gelu),
        ("Erfc", _gelu),
        ("Mul", _silu),
        ("Softmax", _attention),
    )


_IDIOMS: dict[str, list[Callable[[_Body, int], _Found | None]]] = {}
for _op, _idiom in _idioms():
    _IDIOMS.setdefault(_op, []).append(_idiom)
