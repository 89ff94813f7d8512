"""A batch made free: what pinned its size is replaced, in the main graph and in copies of the functions it flows into.

`graph.shape_inference.flow` found the constants that pin it. The size of the batch is read
from a tensor of the same body where it is needed, or is -1, for TensorFlow to infer, where the op allows that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.disk.schema import FunctionDef, MetaGraphDef, NodeDef
from workbench.graph.calls import named_function
from workbench.graph.shape_inference.flow import BatchFlow, Flow, Key
from workbench.graph.shape_inference.sizes import Facts, plain
from workbench.model import shapes
from workbench.names import is_control
from workbench.surgery.adapters.fragment import Fragment
from workbench.surgery.imported import unique_name
from workbench.surgery.reshaping.repairs import Repairs

if TYPE_CHECKING:
    from workbench.disk.schema import RepeatedMessage, ScalarMap

# Attributes of a function that hold for its old shapes, or that tie it to others of the old ones.
_OF_OLD_SHAPES = (
    "_input_shapes",
    "forward_function_name",
    "backward_function_name",
    "api_implements",
    "api_preferred_device",
)
_SHAPE_OF_ITEMS = ("TensorArrayV3", "TensorArrayGatherV3")
_SHAPE_FROM_INPUT = ("EnsureShape", "PlaceholderWithDefault")


@dataclass(frozen=True, slots=True)
class Repair:
    """One input that pinned the old size.

    Attributes:
        where: the node, with its function in front.
        op: its op.
        told: what was changed, in words.
    """

    where: str
    op: str
    told: str


@dataclass(frozen=True, slots=True)
class FreedFunction:
    """A copy of a function in which the batch is free.

    Attributes:
        old: the function's name.
        new: the copy's name.
        arguments: what is known of its arguments.
        results: what is known of its results.
    """

    old: str
    new: str
    arguments: tuple[Facts, ...]
    results: tuple[Facts, ...]


@dataclass(slots=True)
class Freed:
    """What `free_batch` did.

    Attributes:
        repairs: the inputs that pinned the old size, in the order of the bodies.
        functions: the copies of functions.
    """

    repairs: list[Repair] = field(default_factory=list)
    functions: list[FreedFunction] = field(default_factory=list)


def free_batch(meta_graph: MetaGraphDef, batch: BatchFlow, flow: Flow, scope: str) -> Freed:
    """Rewrite a graph so that the batch may have any size.

    Args:
        meta_graph: a private copy of the MetaGraph that was analysed; its placeholders are left to the caller.
        batch: the analysis, which found no problem.
        flow: of the main graph.
        scope: stands before the names of nodes that are added.
    """
    work = _Freeing(meta_graph, batch, flow, scope)
    work.run()
    return work.freed


class _Freeing:
    def __init__(self, meta_graph: MetaGraphDef, batch: BatchFlow, flow: Flow, scope: str) -> None:
        self.graph = meta_graph.graph_def
        self.batch = batch
        self.flow = flow
        self.scope = scope
        self.freed = Freed()
        self.names: dict[Key, str] = {}

    def run(self) -> None:
        functions = [one for one in self.batch.reached(self.flow) if one.key is not None]
        changed = self._changed(functions)
        taken = {function.signature.name: None for function in self.graph.library.function}
        for one in functions:
            assert one.key is not None
            if one.key in changed:
                name = unique_name(one.body.name, taken)
                taken[name] = None
                self.names[one.key] = name
                self.freed.functions.append(
                    FreedFunction(one.body.name, name, one.key[1], tuple(one.results))
                )
        self._edit(self.flow, {node.name: node for node in self.graph.node}, self.graph.node)
        originals = {function.signature.name: function for function in self.graph.library.function}
        copies = [
            self._copy(one, originals[one.body.name])
            for one in functions
            if one.key is not None and one.key in changed
        ]
        self.graph.library.function.extend(copies)

    def _changed(self, functions: list[Flow]) -> set[Key]:
        """Return the functions whose body or arguments change, and those that call one of them."""
        found = {
            one.key for one in functions if one.key and (one.pins or any(map(self._has_rows, one.key[1])))
        }
        while True:
            more = {
                one.key
                for one in functions
                if one.key and one.key not in found and any(key in found for key in one.calls.values())
            }
            if not more:
                return found
            found |= more

    def _has_rows(self, facts: Facts) -> bool:
        items = map(self._item, facts.lists)
        return facts.axis is not None or any(item is not None and item.axis is not None for item in items)

    def _copy(self, flow: Flow, original: FunctionDef) -> FunctionDef:
        assert flow.key is not None
        copy = FunctionDef()
        copy.CopyFrom(original)
        copy.signature.name = self.names[flow.key]
        for name in _OF_OLD_SHAPES:
            if name in copy.attr:
                del copy.attr[name]
        for number, facts in enumerate(flow.key[1]):
            if (
                number in copy.arg_attr
                and "_output_shapes" in copy.arg_attr[number].attr
                and facts.axis is not None
            ):
                listed = copy.arg_attr[number].attr["_output_shapes"].list.shape
                del listed[:]
                listed.add().CopyFrom(shapes.to_proto(plain(facts.sizes)))
        self._edit(flow, {node.name: node for node in copy.node_def}, copy.node_def, copy.ret)
        return copy

    def _edit(
        self,
        flow: Flow,
        nodes: dict[str, NodeDef],
        listed: RepeatedMessage[NodeDef],
        ret: ScalarMap[str, str] | None = None,
    ) -> None:
        """Change the nodes of one body, and in a function what its results name."""
        for name, node in nodes.items():
            if (name, 0) not in flow.facts and not flow.body.function:
                continue
            if "_output_shapes" in node.attr:
                del node.attr["_output_shapes"]
            self._shapes(flow, node)
            self._calls(flow, node)
        if not flow.pins:
            return
        repairs = Repairs(flow, Fragment(self.scope, nodes, body=flow.body.function is not None))
        for name, pins in flow.pins.items():
            for pin in pins:
                op = str(nodes[name].op)
                self.freed.repairs.append(Repair(flow.body.where(name), op, repairs.repair(nodes[name], pin)))
        listed.extend(repairs.fragment.nodes)
        if flow.body.function is not None and repairs.outputs:
            for node in listed:
                node.input[:] = [_renamed(entry, repairs.outputs) for entry in node.input]
            for result in list(ret or ()):
                assert ret is not None
                ret[result] = _renamed(ret[result], repairs.outputs)

    def _shapes(self, flow: Flow, node: NodeDef) -> None:
        """Free the batch in shapes that attrs hold."""
        facts = flow.facts.get((node.name, 0))
        if (
            node.op in _SHAPE_FROM_INPUT
            and facts is not None
            and facts.axis is not None
            and "shape" in node.attr
        ):
            node.attr["shape"].shape.CopyFrom(shapes.to_proto(plain(facts.sizes)))
        if node.op in _SHAPE_OF_ITEMS and "element_shape" in node.attr:
            sites = {site for name in node.input for site in self._lists(flow, name)}
            items = [item for site in sites | set(facts.lists if facts else ()) if (item := self._item(site))]
            item = next((one for one in items if one.axis is not None), None)
            if item is not None:
                node.attr["element_shape"].shape.CopyFrom(shapes.to_proto(plain(item.sizes)))
        if "output_shapes" in node.attr and flow.body.calls(node):
            for index, shape in enumerate(node.attr["output_shapes"].list.shape):
                found = flow.facts.get((node.name, index))
                if found is not None and found.axis is not None:
                    shape.CopyFrom(shapes.to_proto(plain(found.sizes)))

    def _lists(self, flow: Flow, entry: str) -> frozenset[str]:
        found = None if is_control(entry) else flow.facts.get(flow.body.address(entry))
        return frozenset() if found is None else found.lists

    def _item(self, site: str) -> Facts | None:
        return self.batch.context.items.get(site)

    def _calls(self, flow: Flow, node: NodeDef) -> None:
        """Let calls call the copies of functions."""
        for call in flow.body.calls(node):
            key = flow.calls.get((node.name, call.label))
            name = self.names.get(key) if key is not None else None
            if name is None:
                continue
            if node.op == call.function:
                node.op = name
            else:
                named_function(node, call.label).name = name
            if "_gradient_op_type" in node.attr:  # of the old function, for its shapes
                del node.attr["_gradient_op_type"]


def _renamed(entry: str, outputs: Mapping[str, str]) -> str:
    """Return an input with the output arg of an op that became another."""
    name, _, rest = entry.partition(":")
    return f"{name}:{outputs[name]}:0" if rest and name in outputs else entry
