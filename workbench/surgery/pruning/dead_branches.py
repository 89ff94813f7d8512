"""What can no longer run because a predicate is constant, in a MetaGraph and all functions of its library.

A functional conditional becomes a call of its branch, a loop that never runs becomes its inputs; v1 control flow is
resolved as `dead_conditionals` says. A function that is called with a constant is looked at with that constant; where
something is dead then, the call gets a copy of its own, so that other callers keep the original.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.disk.schema import AttrValue, FunctionDef, GraphDef, MetaGraphDef, NodeDef
from workbench.graph.functions import function_attrs
from workbench.graph.needs import Needs
from workbench.graph.reach import ancestors, descendants
from workbench.model import MetaGraph
from workbench.model.op_classes import BRANCHES, CALLS, CASES, IDENTITY, IFS, LOOPS, V1_CONTROL_FLOW, call_op
from workbench.names import count, input_node, is_control, show
from workbench.surgery.export.signature_functions import InUse, sweep
from workbench.surgery.imported import unique_name
from workbench.surgery.pruning.dead_conditionals import Conditionals
from workbench.surgery.pruning.known_values import KnownValues
from workbench.surgery.pruning.leftovers import drop_collections, roots_of_all
from workbench.surgery.rewrite.prune import drop_nodes
from workbench.surgery.workspace import Workspace

_FLOW = BRANCHES | LOOPS | V1_CONTROL_FLOW
_DEEPEST = 60


@dataclass(slots=True)
class Dead:
    """What was removed.

    Attributes:
        conditionals: how many conditionals had a constant predicate.
        loops: how many loops never ran.
        nodes: number of removed nodes of the main graph.
        functions: number of removed functions.
    """

    conditionals: int = 0
    loops: int = 0
    nodes: int = 0
    functions: int = 0

    @property
    def found(self) -> bool:
        """Whether anything was."""
        return bool(self.conditionals or self.loops)


def prune_dead(meta_graph: MetaGraphDef) -> Dead:
    """Remove what can no longer run; nothing else is folded.

    Args:
        meta_graph: changed in place. Functions that only dead branches called are removed; nodes that nothing needed
            before stay.

    Returns:
        What was removed.
    """
    return _Work(meta_graph).run()


def remove_dead(workspace: Workspace) -> bool:
    """Remove what can no longer run from the MetaGraph under edit, report it, and have all signatures verified.

    Returns:
        Whether anything was.
    """
    unused = _unused(MetaGraph(workspace.meta_graph))
    dead = prune_dead(workspace.meta_graph)
    if not dead.found:
        return False
    for key, name in sorted(_unused(MetaGraph(workspace.meta_graph)) - unused):
        told = f"No output of {show(key)!r} depends on the input {show(name)!r} any more; loaders still ask for it."
        hint = "Set it to any value in a step as well, which removes it."
        workspace.note("signature-unused-input", "warning", f"{show(key)}#{show(name)}", told, hint)
    kinds = [(dead.conditionals, "conditional"), (dead.loops, "loop")]
    parts = [(dead.nodes, "node"), (dead.functions, "function")]
    what = " and ".join(count(number, noun) for number, noun in kinds if number)
    removed = " and ".join(count(number, noun) for number, noun in parts if number) or "no node"
    told = f"{what} resolved, whose predicate is constant: {removed} removed."
    workspace.note("dead-removed", "info", show(str(workspace.model.path)), told)
    workspace.verify_all()
    return True


def _unused(meta: MetaGraph) -> set[tuple[str, str]]:
    """Return the inputs that no output of their signature follows from, each with the key of the signature."""
    needs, found = Needs(meta), set()
    for key, signature in meta.signatures.items():
        fed = {tensor: f"\0{name}" for name, port in signature.inputs.items() for tensor in port.tensors}
        roots = [tensor for port in signature.outputs.values() for tensor in port.tensors]
        reached = needs.values(roots, fed)
        found |= {(key, name) for name in signature.inputs if f"\0{name}" not in reached}
    return found


class _Work:
    """The pruning of one MetaGraph."""

    def __init__(self, meta_graph: MetaGraphDef) -> None:
        self.meta_graph = meta_graph
        self.graph = meta_graph.graph_def
        self.functions = {one.signature.name: one for one in self.graph.library.function}
        self.dead = Dead()
        self.done: dict[tuple[str, tuple[Any, ...]], str] = {}
        self.predicates: set[str] = set()
        self.flowing = self._flowing()

    def run(self) -> Dead:
        in_use, library = InUse.of(self.meta_graph), len(self.graph.library.function)
        roots = roots_of_all(self.meta_graph)
        nodes = {node.name: node for node in self.graph.node}
        before = ancestors(nodes, roots)
        fed = {
            input_node(info.name)
            for signature in self.meta_graph.signature_def.values()
            for info in signature.inputs.values()
        }
        for name in [name for name in self.functions if name in self.flowing]:
            self._in_function(name, {})
        self._in_body(self.graph, KnownValues(nodes, fed=fed), fed, 0)
        if not self.dead.found:
            return self.dead
        nodes = {node.name: node for node in self.graph.node}
        gone = before - ancestors(nodes, roots)
        gone = descendants(nodes, gone)  # what nothing needed before may need them
        self.dead.nodes = len(gone)
        kept = [f"^{name}" for name in nodes if name not in gone]
        drop_nodes(self.meta_graph, kept)
        drop_collections(self.meta_graph, resolved=self.predicates)
        sweep(self.meta_graph, in_use)
        left = {one.signature.name for one in self.graph.library.function}
        gradients = self.graph.library.registered_gradients
        for at in reversed(range(len(gradients))):
            if gradients[at].gradient_func not in left:
                del gradients[at]
        self.dead.functions = max(library - len(self.graph.library.function), 0)
        return self.dead

    def _flowing(self) -> set[str]:
        """Return the functions with control flow, in them or in what they call."""
        found = {
            name for name, one in self.functions.items() if any(node.op in _FLOW for node in one.node_def)
        }
        callers: dict[str, set[str]] = {}
        for name, one in self.functions.items():
            for node in one.node_def:
                for called in self._called(node):
                    callers.setdefault(called, set()).add(name)
        todo = list(found)
        while todo:
            for caller in callers.get(todo.pop(), ()):
                if caller not in found:
                    found.add(caller)
                    todo.append(caller)
        return found

    def _called(self, node: NodeDef) -> Iterator[str]:
        if node.op in self.functions:
            yield node.op
        for _, name in function_attrs(node.attr):
            if name in self.functions:
                yield name

    # -- functions

    def _in_function(self, name: str, values: Mapping[str, Any], depth: int = 0) -> str:
        """Prune a function for some values of its arguments; return the name of what is left of it.

        Without values the function itself is changed; with some, a copy.
        """
        if name not in self.flowing or depth > _DEEPEST:
            return name
        key = (
            name,
            tuple(sorted((arg, str(one.dtype), one.shape, one.tobytes()) for arg, one in values.items())),
        )
        if key in self.done:
            return self.done[key]
        self.done[key] = name  # while it is looked at: a function that calls itself
        function = self.functions[name]
        if not values:
            self._in_body(function, KnownValues({one.name: one for one in function.node_def}), (), depth)
            return name
        copy = FunctionDef()
        copy.CopyFrom(function)
        if self._in_body(copy, KnownValues({one.name: one for one in copy.node_def}, values), (), depth):
            copy.signature.name = unique_name(f"{name}_pruned", self.functions)
            self.graph.library.function.append(copy)
            made = self.graph.library.function[-1]
            self.functions[made.signature.name] = made
            self.flowing.add(made.signature.name)
            self.done[key] = str(made.signature.name)
        return self.done[key]

    def _in_body(self, body: GraphDef | FunctionDef, known: KnownValues, fed: Any, depth: int) -> bool:
        """Prune a graph or a body; return whether anything changed."""
        nodes = dict(known.nodes)
        needed = _needed(body, nodes) if isinstance(body, FunctionDef) else set()
        flow = Conditionals(body, nodes, known, fed)
        conditionals, loops = flow.resolve()
        if isinstance(body, GraphDef):
            self.predicates = flow.predicates
        changed = bool(conditionals or loops)
        self.dead.conditionals += conditionals
        self.dead.loops += loops
        for node in list(nodes.values()):
            if not node.input:
                continue
            if node.op in IFS or node.op in CASES:
                changed |= self._in_branches(node, known, depth)
            elif node.op in LOOPS:
                changed |= self._in_loop(node, known, depth)
            if node.op in CALLS or node.op in self.functions:
                changed |= self._in_call(node, known, depth)
        if changed and isinstance(body, FunctionDef):
            gone = descendants(nodes, needed - _needed(body, nodes))
            for at in reversed(range(len(body.node_def))):
                if body.node_def[at].name in gone:
                    del body.node_def[at]
        return changed

    def _in_branches(self, node: NodeDef, known: KnownValues, depth: int) -> bool:
        """Make a conditional with a constant predicate a call; prune the branches of another."""
        chosen = _branch(node, known)
        if chosen is not None:
            self.dead.conditionals += 1
            _become_call(node, chosen)
            return True
        values = known_arguments(node, known, 1)
        attrs = ["then_branch", "else_branch"] if node.op in IFS else ["branches"]
        named = [one for name in attrs for one in _functions(node.attr[name])]
        return self._rename(named, values, depth)

    def _in_loop(self, node: NodeDef, known: KnownValues, depth: int) -> bool:
        """Make a loop that never runs its inputs; prune the functions of another."""
        values = known_arguments(node, known, 0)
        condition = self.functions.get(node.attr["cond"].func.name)
        if condition is not None and self._result(condition, values) is False:
            self.dead.loops += 1
            _become_inputs(node)
            return True
        body = self.functions.get(node.attr["body"].func.name)
        fixed = {at: value for at, value in values.items() if body is not None and _passes(body, at)}
        named = [one for name in ("cond", "body") for one in _functions(node.attr[name])]
        return self._rename(named, fixed, depth)

    def _in_call(self, node: NodeDef, known: KnownValues, depth: int) -> bool:
        values = known_arguments(node, known, 0)
        if node.op in CALLS:
            return self._rename(_functions(node.attr["f"]), values, depth)
        name = self._in_function(node.op, self._by_name(node.op, values), depth + 1)
        changed, node.op = name != node.op, name
        return changed

    def _rename(self, named: list[Any], values: Mapping[int, Any], depth: int) -> bool:
        """Prune functions that take values, and name what is left; return whether there is another name."""
        changed = False
        for one in named:
            if one.name in self.functions:
                name = self._in_function(one.name, self._by_name(one.name, values), depth + 1)
                changed |= name != one.name
                one.name = name
        return changed

    def _by_name(self, function: str, values: Mapping[int, Any]) -> dict[str, Any]:
        arguments = self.functions[function].signature.input_arg
        if any(arg.number_attr or arg.type_list_attr for arg in arguments):
            return {}
        return {arguments[at].name: value for at, value in values.items() if at < len(arguments)}

    def _result(self, function: FunctionDef, values: Mapping[int, Any]) -> bool | None:
        """Return whether the only result of a function is true for some arguments, or None."""
        nodes = {node.name: node for node in function.node_def}
        known = KnownValues(nodes, self._by_name(function.signature.name, values))
        results = list(function.ret.values())
        return known.is_true(results[0]) if len(results) == 1 else None


# -- nodes


def known_arguments(node: NodeDef, known: KnownValues, first: int) -> dict[int, Any]:
    """Return the known values that a node passes to its function, by argument.

    Args:
        node: the node.
        known: what is known where it is.
        first: its first input that is an argument.
    """
    data = [entry for entry in node.input if not is_control(entry)][first:]
    found = {at: known.value(entry) for at, entry in enumerate(data)}
    return {at: value for at, value in found.items() if value is not None}


def _branch(node: NodeDef, known: KnownValues) -> Any:
    """Return the branch that a conditional always takes, or None."""
    if node.op in IFS:
        side = known.is_true(node.input[0])
        return None if side is None else node.attr["then_branch" if side else "else_branch"].func
    index, branches = known.index(node.input[0]), node.attr["branches"].list.func
    if index is None or not branches:
        return None
    return branches[index if 0 <= index < len(branches) else len(branches) - 1]


def _become_call(node: NodeDef, branch: Any) -> None:
    """Make a conditional a call of one of its branches."""
    kept = {name: AttrValue.FromString(node.attr[name].SerializeToString()) for name in ("Tin", "Tout")}
    if "_class" in node.attr:
        kept["_class"] = AttrValue.FromString(node.attr["_class"].SerializeToString())
    called = type(branch).FromString(branch.SerializeToString())
    node.op = call_op(not node.op.startswith("Stateless"))
    del node.input[0]
    node.attr.clear()
    for name, value in kept.items():
        node.attr[name].CopyFrom(value)
    node.attr["f"].func.CopyFrom(called)
    for name in ("config", "config_proto", "executor_type"):
        node.attr[name].s = b""


def _become_inputs(node: NodeDef) -> None:
    """Make a loop the IdentityN of its inputs."""
    types = list(node.attr["T"].list.type)
    node.op = "IdentityN"
    node.attr.clear()
    node.attr["T"].list.type.extend(types)


def _functions(value: AttrValue) -> list[Any]:
    """Return the functions that an attr names, to be changed in place."""
    if value.WhichOneof("value") == "func":
        return [value.func]
    return list(value.list.func) if value.WhichOneof("value") == "list" else []


def _passes(body: FunctionDef, at: int) -> bool:
    """Return whether the body of a loop gives back its argument of this number."""
    if at >= len(body.signature.output_arg) or at >= len(body.signature.input_arg):
        return False
    nodes = {node.name: node for node in body.node_def}
    entry = body.ret[body.signature.output_arg[at].name]
    for _ in range(len(nodes) + 1):
        node = nodes.get(input_node(entry))
        if node is None or node.op not in IDENTITY:
            break
        entry = node.input[0]
    return input_node(entry) == body.signature.input_arg[at].name and input_node(entry) not in nodes


def _needed(body: FunctionDef, nodes: Mapping[str, NodeDef]) -> set[str]:
    return ancestors(nodes, [*body.ret.values(), *(f"^{name}" for name in body.control_ret.values())])
