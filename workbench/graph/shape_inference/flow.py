"""The flow of a batch through a graph: facts of every tensor, what pins the old size, and where rows would mix.

Each function is analysed for the facts of its arguments, so that one that is called in two ways has two flows.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from workbench.disk.schema import NodeDef
from workbench.graph.body import Bodies, Body, Output
from workbench.graph.calls import Call, Kind
from workbench.graph.level import MAX_DEPTH
from workbench.graph.shape_inference.rules import Context, Op, Pin, Refused
from workbench.graph.shape_inference.sizes import BATCH, LOST, UNKNOWN, Facts, Rows, Size, Sizes, text
from workbench.graph.shape_inference.table import infer
from workbench.model import tensors
from workbench.model.op_classes import MERGES, NEXT_ITERATIONS
from workbench.names import input_node, is_control

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

Key: TypeAlias = tuple[str, tuple[Facts, ...]]
"""A function and the facts of its arguments."""
_LIMITED = ("Less",)
"""Ops by which a loop over rows ends; the limit is their second input."""
_ROUNDS = 12
_MOST_FLOWS = 5_000


@dataclass(frozen=True, slots=True)
class Problem:
    """A node that can't take any number of rows, or a warning about one.

    Attributes:
        code: of the finding.
        where: the node, with its function in front.
        op: its op.
        reason: a sentence whose subject is the node.
    """

    code: str
    where: str
    op: str
    reason: str


@dataclass(frozen=True, slots=True)
class Source:
    """A tensor of a body by which the size of the batch is known when it runs.

    Attributes:
        output: the node or argument, and the number of the output.
        axis: the dimension; None for a tensor list, whose length it is.
        rows: what that dimension is.
    """

    output: Output
    axis: int | None
    rows: Rows


@dataclass(slots=True)
class Flow:
    """The facts of one body under given arguments.

    Attributes:
        body: the main graph or a function's body.
        key: of the function; None for the main graph.
        facts: of each output and argument.
        pins: by node, what pins the old size of the batch.
        sources: by node, where the size of the batch can be read before it.
        calls: by node and label, the flow of the function that it calls.
        results: facts of the function's results.
        problems: nodes that can't take any number of rows.
        warnings: what should be looked at.
        over_rows: whether it is the condition of a loop over the rows of the batch.
    """

    body: Body
    key: Key | None = None
    facts: dict[Output, Facts] = field(default_factory=dict)
    pins: dict[str, list[Pin]] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    calls: dict[tuple[str, str], Key] = field(default_factory=dict)
    results: list[Facts] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    over_rows: bool = False
    _source: Source | None = None

    def add(self, output: Output, facts: Facts) -> None:
        """Record the facts of a tensor."""
        self.facts[output] = facts
        axis = facts.axis
        if axis is None or facts.sizes is None:
            return
        rows = facts.sizes[axis]
        assert isinstance(rows, Rows)
        if rows.factor is not None and (
            self._source is None or (self._source.rows.factor != 1 and rows.factor == 1)
        ):
            self._source = Source(output, axis, rows)

    def lists_rows(self, output: Output) -> None:
        """Take note of a tensor list with an entry for each row of the batch."""
        self._source = self._source or Source(output, None, BATCH)

    @property
    def source(self) -> Source | None:
        """Where the size of the batch can be read, of what is known so far."""
        return self._source


class BatchFlow:
    """The flow of a batch through a MetaGraph.

    Args:
        meta: the MetaGraph.
        batch: the size that the batch is fixed at; None where it is free.
    """

    def __init__(self, meta: MetaGraph, batch: int | None) -> None:
        self.meta = meta
        self.bodies = Bodies(meta)
        self.context = Context(batch)
        self.flows: dict[Key, Flow] = {}
        self._open: list[str] = []

    def follow(self, given: Mapping[Output, Facts], outputs: Iterable[str]) -> Flow:
        """Return the flow of the main graph.

        Args:
            given: facts of the inputs, which have the rows of the batch.
            outputs: tensors; what none of them needs is left out.
        """
        needed = self.bodies.main.adjacency.ancestors(input_node(text) for text in outputs)
        for _ in range(_ROUNDS):
            self.context.changed = False
            self.flows.clear()
            flow = self._main(given, needed)
            if not self.context.changed:
                break
        return flow

    def reached(self, flow: Flow) -> Iterator[Flow]:
        """Iterate over a flow and those of the functions that it calls, each once."""
        seen: set[Key] = set()
        todo = [flow]
        while todo:
            one = todo.pop()
            yield one
            for key in one.calls.values():
                if key not in seen:
                    seen.add(key)
                    todo.append(self.flows[key])

    # -- bodies

    def _main(self, given: Mapping[Output, Facts], needed: Iterable[str]) -> Flow:
        body = self.bodies.main
        flow = Flow(body)
        for output, facts in given.items():
            flow.add(output, facts)
        self._settle(flow, [name for name in in_order(body, needed) if (name, 0) not in given])
        return flow

    def _settle(self, flow: Flow, order: Sequence[str]) -> None:
        """Record the facts of nodes, in rounds until those of loops stay the same."""
        body = flow.body
        merges = [name for name in order if body.nodes[name].op in MERGES]
        for _ in range(_ROUNDS):
            before = {name: flow.facts.get((name, 0)) for name in merges}
            flow.problems.clear()
            flow.warnings.clear()
            for name in order:
                self._node(flow, body.nodes[name])
            if all(flow.facts.get((name, 0)) == facts for name, facts in before.items()):
                break

    def _function(self, name: str, arguments: tuple[Facts, ...], kind: Kind) -> Flow:
        """Return the flow of a function under given arguments."""
        key = (name, arguments)
        if key in self.flows:
            return self.flows[key]
        body = self.bodies.get(name)
        assert body is not None and body.function is not None
        flow = Flow(body, key)
        self.flows[key] = flow
        self._open.append(name)
        for argument, facts in zip(body.arguments, arguments, strict=False):
            flow.add((argument, 0), facts)
            if self._is_of_rows(facts):
                flow.over_rows = kind == "condition"
                flow.lists_rows((argument, 0))
        self._follow_body(flow)
        self._open.pop()
        for result in body.function.signature.output_arg:
            entry = body.function.ret.get(result.name)
            flow.results.append(flow.facts.get(body.address(entry), UNKNOWN) if entry else UNKNOWN)
        return flow

    def _follow_body(self, flow: Flow) -> None:
        """Record the facts of a function's nodes, those of its arguments known."""
        for node in in_order(flow.body, flow.body.nodes):
            self._node(flow, flow.body.nodes[node])

    # -- nodes

    def _node(self, flow: Flow, node: NodeDef) -> None:
        body = flow.body
        entries = [entry for entry in node.input if not is_control(entry)]
        inputs = [flow.facts.get(body.address(entry)) for entry in entries]
        types = body.output_types(node.name)
        count = 1 if types is None else len(types)
        known = [facts if facts is not None else UNKNOWN for facts in inputs]
        flow.pins.pop(node.name, None)
        if any(facts.lost for facts in known):
            results = [LOST] * count
        else:
            op = Op(
                node,
                self.meta.op_table.get(node.op),
                known,
                body.where(node.name),
                self.context,
                [tensors.output_shape(node, index, self.meta.producer) for index in range(count)],
                count,
            )
            if flow.over_rows and node.op in _LIMITED and self.context.batch == op.scalar(1):
                op.need(1, (BATCH,))
            try:
                results = self._merge(flow, op, inputs) if node.op in MERGES else self._results(flow, op)
                if op.pins:
                    flow.pins[node.name] = op.pins
                    if flow.source is not None:
                        flow.sources[node.name] = flow.source
                flow.warnings += (Problem("reshape-random", op.site, node.op, told) for told in op.warnings)
            except Refused as refused:
                flow.problems.append(Problem(refused.code, op.site, node.op, refused.reason))
                results = [LOST] * count
        for index, facts in enumerate(results):
            flow.add((node.name, index), facts)

    def _results(self, flow: Flow, op: Op) -> list[Facts]:
        calls = flow.body.calls(op.node)
        if not calls:
            return infer(op)
        if any(call.kind == "other" or call.first is None for call in calls):
            return self._unfollowed(op)
        deep = len(self._open) >= MAX_DEPTH or len(self.flows) >= _MOST_FLOWS
        if deep or any(call.function in self._open for call in calls):
            if op.carried():
                reason = (
                    "functions call each other too deeply or in too many ways" if deep else "it calls itself"
                )
                raise Refused("reshape-op", reason)
            return [op.known(index) for index in range(op.outputs)]
        kinds = {call.kind for call in calls}
        if kinds == {"loop", "condition"}:
            return self._loop(flow, op, calls)
        if kinds in ({"call"}, {"branch"}):
            return self._branches(flow, op, calls)
        return self._unfollowed(op)

    def _unfollowed(self, op: Op) -> list[Facts]:
        if op.carried():
            raise Refused("reshape-op", "how it runs its function is not known")
        return [op.known(index) for index in range(op.outputs)]

    def _is_of_rows(self, facts: Facts) -> bool:
        """Return whether a tensor list has an entry for each row of the batch."""
        return any(self.context.lengths.get(site) == BATCH for site in facts.lists)

    def _call(self, flow: Flow, op: Op, call: Call, arguments: Iterable[Facts]) -> Flow:
        found = self._function(call.function, tuple(arguments), call.kind)
        assert found.key is not None
        flow.calls[op.node.name, call.label] = found.key
        return found

    def _branches(self, flow: Flow, op: Op, calls: list[Call]) -> list[Facts]:
        """Return what all branches give; a call is the only one."""
        given = [self._call(flow, op, call, op.inputs[call.first or 0 :]).results for call in calls]
        found = []
        for index in range(op.outputs):
            listed = [one[index] for one in given if index < len(one)]
            if len({facts.axis for facts in listed}) > 1 and not any(facts.lost for facts in listed):
                shapes = ", ".join(text(facts.sizes) for facts in listed)
                raise Refused(
                    "reshape-pinned", f"output {index} has the batch in some branches only: {shapes}"
                )
            found.append(_common(listed, None) if listed else UNKNOWN)
        return found

    def _loop(self, flow: Flow, op: Op, calls: list[Call]) -> list[Facts]:
        """Return what a While gives: each variable as it is after any number of rounds."""
        (body,) = (call for call in calls if call.kind == "loop")
        (condition,) = (call for call in calls if call.kind == "condition")
        state = list(op.inputs)
        for _ in range(_ROUNDS):
            after = self._call(flow, op, body, state).results
            if any(facts.lost for facts in after):
                return [LOST] * op.outputs
            joined = [
                _common([one, other], self.context.batch) for one, other in zip(state, after, strict=False)
            ]
            if joined == state:
                break
            state = joined
        else:
            raise Refused("reshape-op", "the shapes of its variables change with each round")
        self._call(flow, op, condition, state)
        for position, (start, facts) in enumerate(zip(list(op.inputs), state, strict=True)):
            if facts.lost:
                continue
            if facts.row:
                raise Refused(
                    "reshape-rows",
                    f"its variable {position} carries values from one row of the batch to the next",
                )
            if facts.axis is not None and start.axis is None:
                op.spread(position, facts.axis)
            if facts.axis is None and (start.axis is not None or after[position].axis is not None):
                raise Refused(
                    "reshape-pinned",
                    f"its variable {position} is {text(start.sizes)} at first and {text(after[position].sizes)} after "
                    "a round",
                )
            if facts.axis != after[position].axis:
                raise Refused(
                    "reshape-pinned", f"its body gives variable {position} without the rows of the batch"
                )
        return state

    def _merge(self, flow: Flow, op: Op, inputs: list[Facts | None]) -> list[Facts]:
        """Return what a Merge gives; the start of a loop is spread where its rounds have the rows of the batch."""
        known = [facts for facts in inputs if facts is not None]
        if not known:
            return [UNKNOWN] * op.outputs
        facts = _common(known, self.context.batch)
        for position, given in enumerate(inputs):
            if given is None or facts.axis is None or given.axis is not None:
                continue
            enter = flow.body.nodes.get(input_node(op.node.input[position]))
            if enter is None or enter.op not in ("Enter", "RefEnter"):
                raise Refused("reshape-pinned", f"{op.named(position)} has no rows of the batch")
            op.spread(position, facts.axis)
            flow.pins[enter.name] = [pin._replace(position=0) for pin in op.pins]
            if flow.source is not None:
                flow.sources[enter.name] = flow.source
            op.pins.clear()
        return [facts, Facts(())][: op.outputs]


def _common(listed: list[Facts], batch: int | None) -> Facts:
    """Return the facts of a tensor that is one of several.

    Args:
        listed: the facts of each.
        batch: the old size of the batch, which becomes the batch where another has that; None to leave it.
    """
    found = listed[0]
    for other in listed[1:]:
        found = Facts(
            _common_sizes(found.sizes, other.sizes, batch),
            found.value if found.value == other.value else None,
            found.content if found.content == other.content else None,
            found.lists | other.lists,
            found.uniform and other.uniform,
            found.alike and other.alike,
            found.random or other.random,
            found.kept or other.kept,
            found.row or other.row,
            found.lost or other.lost,
        )
    return found


def _common_sizes(one: Sizes, other: Sizes, batch: int | None) -> Sizes:
    if one is None or other is None or len(one) != len(other):
        return None
    found: list[Size] = []
    for a, b in zip(one, other, strict=True):
        rows = next((size for size in (a, b) if isinstance(size, Rows)), None)
        if a == b:
            found.append(a)
        elif rows is not None and batch is not None and (a == batch or b == batch):
            found.append(rows)
        else:
            found.append(None)
    return tuple(found)


def in_order(body: Body, names: Iterable[str]) -> list[str]:
    """Return nodes in an order in which inputs come first, loops of TF1 cut where they are closed."""
    wanted = set(names)
    return ordered(body, (name for name in body.nodes if name in wanted), wanted)


def ordered(body: Body, roots: Iterable[str], wanted: Container[str]) -> list[str]:
    """Return those wanted of the nodes that some roots need, roots included, in the order of `in_order`."""
    nodes = body.nodes
    found: list[str] = []
    done: set[str] = set()
    for root in roots:
        todo: list[tuple[str, bool]] = [(root, False)]
        while todo:
            name, ready = todo.pop()
            if ready:
                found.append(name)
                continue
            if name in done or name not in nodes or name not in wanted:
                continue
            done.add(name)
            node = nodes[name]
            before = list(node.input)
            if not before:
                found.append(name)
                continue
            if node.op in MERGES:
                before = [entry for entry in before if not _closes_loop(nodes, entry)]
            todo.append((name, True))
            todo += [(input_node(entry), False) for entry in reversed(before)]
    return found


def _closes_loop(nodes: Mapping[str, NodeDef], entry: str) -> bool:
    """Return whether an input of a Merge closes a TF1 loop."""
    before = nodes.get(input_node(entry))
    return before is not None and before.op in NEXT_ITERATIONS
