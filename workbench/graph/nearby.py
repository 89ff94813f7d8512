"""Facts of single tensors on demand: each follows from its nearest ancestors, whatever the size of the graph."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from workbench.graph.body import Output
from workbench.graph.level import Level, Value
from workbench.graph.shape_inference.flow import BatchFlow, Flow, ordered
from workbench.graph.shape_inference.sizes import Facts
from workbench.model import tensors
from workbench.names import is_control

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

_MOST_ANCESTORS = 5_000
_ROUNDS = 12


class NearbyFlow(BatchFlow):
    """The facts of the tensors that are asked for, in the main graph and in functions that it calls.

    A graph may have far more nodes than one tensor depends on. Facts that are known stay known, so that asking for
    all tensors of a path costs as much as asking for its last.

    Args:
        meta: the MetaGraph.
        most: how many ancestors are followed for one tensor; what is further away counts as its node declares it.
    """

    def __init__(self, meta: MetaGraph, most: int = _MOST_ANCESTORS) -> None:
        super().__init__(meta, None)
        self._most = most
        self._main_graph = Flow(self.bodies.main)
        self._of_levels: dict[Level, Flow] = {}

    def facts(self, value: Value) -> Facts | None:
        """Return what is known of a tensor; None where nothing calls its function."""
        flow = None
        for repeated in range(_ROUNDS):
            if repeated:
                self._forget()
            self.context.changed = False
            flow = self._flow(value.level)
            if flow is None:
                return None
            self._extend(flow, [value.name])
            if not self.context.changed:
                break
        return None if flow is None else flow.facts.get((value.name, value.index))

    def _forget(self) -> None:
        """Forget facts that an item of a tensor list, learnt since, may change."""
        self._main_graph = Flow(self.bodies.main)
        self._of_levels.clear()
        self.flows.clear()

    def _flow(self, level: Level) -> Flow | None:
        """Return the flow of a level, its arguments known; None where nothing calls it."""
        if level.caller is None or level.call is None:
            return self._main_graph if level.function is None else None
        found = self._of_levels.get(
            level
        )  # the key of a flow holds the facts of all arguments: slow to look up
        above = self._flow(level.caller) if found is None else None
        if above is None:
            return found
        called = (level.call.node, level.call.label)
        if called not in above.calls:
            self._extend(above, [level.call.node])
        key = above.calls.get(called)
        if key is not None and key in self.flows:
            found = self._of_levels[level] = self.flows[key]
        return found

    def _follow_body(self, flow: Flow) -> None:
        function = flow.body.function
        assert function is not None
        results = [function.ret.get(result.name) for result in function.signature.output_arg]
        self._extend(flow, [flow.body.address(entry)[0] for entry in results if entry])

    def _extend(self, flow: Flow, names: Iterable[str]) -> None:
        """Record the facts of nodes and of what they need."""
        todo = [name for name in names if name in flow.body.nodes and (name, 0) not in flow.facts]
        if not todo:
            return
        near, beyond = self._nearest(flow, todo)
        for name, index in beyond:
            node = flow.body.nodes[name]
            flow.facts[name, index] = Facts(tensors.output_shape(node, index, self.meta.producer))
        self._settle(flow, ordered(flow.body, near, near))
        for output in beyond:
            del flow.facts[output]  # to be followed if it is asked for

    def _nearest(self, flow: Flow, starts: Iterable[str]) -> tuple[dict[str, None], dict[Output, None]]:
        """Return the nearest nodes whose facts are to be found, and the outputs that they take of others."""
        body = flow.body
        near = dict.fromkeys(starts)
        beyond: dict[Output, None] = {}
        todo = deque(near)
        while todo:
            for entry in body.nodes[todo.popleft()].input:
                if is_control(entry):
                    continue
                output = body.address(entry)
                node = body.nodes.get(output[0])
                if node is None or output[0] in near or output in flow.facts:
                    continue
                if node.input and len(near) >= self._most:
                    beyond[output] = None
                    continue
                near[output[0]] = None
                todo.append(output[0])
        return near, beyond
