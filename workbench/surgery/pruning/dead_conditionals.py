"""V1 control flow with a constant predicate: conditionals of Switch and Merge, and loops that never run.

The live output of such a Switch is its input. What takes the dead one is dead, as is all behind it up to the Merges,
which become Identities of what is left. Sources: control_flow_ops.cc; `executor.cc` for what is dead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping

from workbench.disk.nodes import attr
from workbench.disk.schema import FunctionDef, GraphDef, NodeDef
from workbench.graph.reach import consumers
from workbench.model.op_classes import ENTERS, EXITS, MERGES, NEXT_ITERATIONS
from workbench.names import input_node, is_control
from workbench.surgery.imported import unique_name
from workbench.surgery.pruning.known_values import KnownValues, is_switch, output_index

_INT32 = 3


class Conditionals:
    """The v1 control flow of one graph or body.

    Args:
        body: gains constants.
        nodes: its nodes by name; changed in place.
        known: values that are known.
        fed: nodes whose value comes from outside.
    """

    def __init__(
        self,
        body: GraphDef | FunctionDef,
        nodes: dict[str, NodeDef],
        known: KnownValues,
        fed: Collection[str] = (),
    ) -> None:
        self.body = body
        self.nodes = nodes
        self.known = known
        self.fed = fed
        self.dead: set[str] = set()
        self.predicates: set[str] = set()

    def resolve(self) -> tuple[int, int]:
        """Resolve what is constant; return how many conditionals and loops."""
        loops = self._loops()
        switches = {
            name: int(side)
            for name, node in self.nodes.items()
            if is_switch(node) and (side := self.known.is_true(node.input[1])) is not None
        }
        if not switches:
            return 0, loops
        pairs = [tuple(map(input_node, self.nodes[name].input[:2])) for name in switches]
        self.predicates = {predicate for value, predicate in pairs if value != predicate}
        self._find_dead(switches)
        self._resolve_merges()
        self._bypass(switches)
        return max(len(self.predicates), 1), loops

    # -- conditionals

    def _find_dead(self, switches: Mapping[str, int]) -> None:
        """Find the nodes that never run."""
        behind = consumers(self.nodes)
        todo = deque(one for name in switches for one in behind[name])
        while todo:
            name = todo.popleft()
            if name not in self.dead and self._is_dead(self.nodes[name], switches):
                self.dead.add(name)
                todo.extend(behind[name])

    def _is_dead(self, node: NodeDef, switches: Mapping[str, int]) -> bool:
        data = [entry for entry in node.input if not is_control(entry)]
        if node.op in MERGES:
            entering = [entry for entry in data if self._op(entry) not in NEXT_ITERATIONS]
            return all(self._is_dead_tensor(entry, switches) for entry in entering)
        return any(self._is_dead_tensor(entry, switches) for entry in data) or any(
            input_node(entry) in self.dead for entry in node.input if is_control(entry)
        )

    def _is_dead_tensor(self, entry: str, switches: Mapping[str, int]) -> bool:
        name = input_node(entry)
        return name in self.dead or (name in switches and output_index(entry) != switches[name])

    def _resolve_merges(self) -> None:
        """Make each Merge that has one input left an Identity."""
        indices = self._taken_indices()
        for node in list(self.nodes.values()):
            if node.op not in MERGES or node.name in self.dead:
                continue
            data = [entry for entry in node.input if not is_control(entry)]
            alive = [at for at, entry in enumerate(data) if not self._gone(entry)]
            if len(alive) == len(data) or any(self._op(entry) in NEXT_ITERATIONS for entry in data):
                continue
            if len(alive) == 1:
                self._become_identity(node, data[alive[0]], alive[0], node.name in indices)
            elif node.name not in indices:
                controls = [entry for entry in node.input if is_control(entry) and not self._gone(entry)]
                node.input[:] = [*(data[at] for at in alive), *controls]
                node.attr["N"].i = len(alive)

    def _gone(self, entry: str) -> bool:
        name = input_node(entry)
        return name in self.dead or self._is_dead_side(entry)

    def _is_dead_side(self, entry: str) -> bool:
        node = self.nodes.get(input_node(entry))
        if is_control(entry) or node is None or not is_switch(node):
            return False
        side = self.known.is_true(node.input[1])
        return side is not None and output_index(entry) != int(side)

    def _taken_indices(self) -> set[str]:
        """Return the Merges of which something takes the index."""
        found = set()
        for node in self.nodes.values():
            for entry in node.input:
                if not is_control(entry) and self._op(entry) in MERGES and output_index(entry) == 1:
                    found.add(input_node(entry))
        return found

    def _become_identity(self, node: NodeDef, entry: str, at: int, index_is_taken: bool) -> None:
        if index_is_taken:
            self._add_index(node.name, entry, at)
        controls = [one for one in node.input if is_control(one) and not self._gone(one)]
        node.op = "RefIdentity" if node.op == "RefMerge" else "Identity"
        node.input[:] = [entry, *controls]
        if "N" in node.attr:
            del node.attr["N"]
        if "_output_shapes" in node.attr:
            del node.attr["_output_shapes"]

    def _add_index(self, merge: str, entry: str, at: int) -> None:
        """Give the consumers of a Merge's index a constant, which runs only if the input does."""
        listed = self.body.node_def if isinstance(self.body, FunctionDef) else self.body.node
        constant = listed.add(name=unique_name(f"{merge}/index", self.nodes), op="Const")
        constant.input.append(f"^{input_node(entry)}")
        constant.attr["dtype"].type = _INT32
        constant.attr["value"].tensor.dtype = _INT32
        constant.attr["value"].tensor.tensor_shape.SetInParent()
        constant.attr["value"].tensor.int_val.append(at)
        text = f"{constant.name}:output:0" if isinstance(self.body, FunctionDef) else constant.name
        for node in self.nodes.values():
            for position, one in enumerate(node.input):
                if not is_control(one) and input_node(one) == merge and output_index(one) == 1:
                    node.input[position] = text
        self.nodes[constant.name] = constant

    def _bypass(self, switches: Mapping[str, int]) -> None:
        """Give the consumers of live outputs the inputs of the Switches."""

        def behind(entry: str) -> str:
            for _ in range(len(switches) + 1):
                name = input_node(entry)
                if name not in switches or (not is_control(entry) and output_index(entry) != switches[name]):
                    break
                source = self.nodes[name].input[0]
                entry = f"^{input_node(source)}" if is_control(entry) else source
            return entry

        for node in self.nodes.values():
            if node.name in self.dead:
                continue
            changed = [behind(entry) for entry in node.input]
            if changed != list(node.input):
                node.input[:] = list(dict.fromkeys(changed)) if _only_controls(changed) else changed

    # -- loops

    def _loops(self) -> int:
        """Replace the exits of loops whose condition is false at once; return how many loops."""
        never = {name for name, node in self.nodes.items() if node.op == "LoopCond" and self._never(node)}
        if not never:
            return 0
        done: set[str] = set()
        for node in list(self.nodes.values()):
            if node.op not in EXITS or not node.input:
                continue
            switch = self.nodes.get(input_node(node.input[0]))
            if switch is None or not is_switch(switch) or input_node(switch.input[1]) not in never:
                continue
            entering = self._entering(switch.input[0])
            if entering is not None:
                controls = [entry for entry in node.input if is_control(entry)]
                node.op = "RefIdentity" if node.op == "RefExit" else "Identity"
                node.input[:] = [entering, *controls]
                done.add(input_node(switch.input[1]))
        return len(done)

    def _never(self, condition: NodeDef) -> bool:
        """Return whether a loop's condition is false at its first iteration, each time it is entered."""
        frames = {
            attr(self.nodes[input_node(one)], "frame_name").s
            for node in self.nodes.values()
            if is_switch(node) and input_node(node.input[1]) == condition.name
            for merge in [self.nodes.get(input_node(node.input[0]))]
            if merge is not None and merge.op in MERGES
            for one in merge.input
            if self._op(one) in ENTERS
        }
        if len(frames) != 1 or not condition.input:
            return False
        first = KnownValues(self.nodes, self.known.arguments, self.fed, frames.pop())
        return first.is_true(condition.input[0]) is False

    def _entering(self, entry: str) -> str | None:
        """Return what enters a loop where its Merge is, or None."""
        merge = self.nodes.get(input_node(entry))
        if merge is None or merge.op not in MERGES:
            return None
        enters = [self.nodes[input_node(one)] for one in merge.input if self._op(one) in ENTERS]
        return str(enters[0].input[0]) if len(enters) == 1 and enters[0].input else None

    def _op(self, entry: str) -> str:
        node = self.nodes.get(input_node(entry))
        return node.op if node is not None else ""


def _only_controls(entries: Collection[str]) -> bool:
    return all(map(is_control, entries))
