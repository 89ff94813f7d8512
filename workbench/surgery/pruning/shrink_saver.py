"""A saver that neither reads nor writes some keys of the checkpoint any more.

In TF1 format the saver is nodes of the main graph. In TF2 format it is functions, which take the variables as
arguments: nodes that only serve a dropped key are removed from their bodies, then from their arguments and calls.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from workbench.disk.schema import FunctionDef, GraphDef, MetaGraphDef, NodeDef
from workbench.graph.functions import function_attrs
from workbench.graph.reach import consumers
from workbench.model.op_classes import CALLS, STORED_VALUE, V1_CHECKPOINT, V2_CHECKPOINT, VARIABLE_READS
from workbench.model.saver import const_strings
from workbench.names import input_node, is_control, output_number, show
from workbench.surgery.imported import unique_name
from workbench.surgery.pruning.checkpoint_keys import const_of

_READS = STORED_VALUE | VARIABLE_READS | {"Cast"}
_TENSORS = 3  # the first input of SaveV2 that is a tensor to save


if TYPE_CHECKING:
    from workbench.disk.schema import RepeatedMessage


class CannotShrink(Exception):
    """The error for a saver of which no key can be left out.

    Args:
        why: the rest of a sentence that begins with "because".
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def shrink_saver(meta_graph: MetaGraphDef, keys: Collection[str], protected: Collection[str]) -> None:
    """Make the saver of a MetaGraph leave out some keys.

    Args:
        meta_graph: changed in place; not at all where it can't be done.
        keys: the keys.
        protected: nodes of the main graph that have to stay.

    Raises:
        CannotShrink: the keys are not constants, nothing would be left, or a node that has to stay needs one.
    """
    graph = GraphDef()
    graph.CopyFrom(meta_graph.graph_def)
    functions = {function.signature.name: function for function in graph.library.function}
    changed = [
        name for name, function in functions.items() if _Body(function.node_def, function).leave_out(keys, ())
    ]
    _Body(graph.node, None).leave_out(keys, protected)
    named = set(meta_graph.object_graph_def.concrete_functions)
    while changed:
        name = changed.pop()
        gone = _unused_arguments(functions[name])
        if not gone:
            continue
        if name in named:
            raise CannotShrink(f"an object uses its function {show(name)}")
        changed += _remove_arguments(graph, functions, name, gone)
    meta_graph.graph_def.CopyFrom(graph)


class _Body:
    """The main graph, or the body of a function.

    Args:
        listed: its nodes.
        function: whose body it is; None for the main graph.
    """

    def __init__(self, listed: RepeatedMessage[NodeDef], function: FunctionDef | None) -> None:
        self.listed = listed
        self.function = function
        self.nodes = {node.name: node for node in listed}
        self.gone: set[str] = set()
        self.seeds: set[str] = set()
        self.unread: list[str] = []
        self.lists: set[str] = set()

    def leave_out(self, keys: Collection[str], protected: Collection[str]) -> bool:
        """Leave out some keys; return whether anything changed."""
        if not any(node.op in V2_CHECKPOINT | V1_CHECKPOINT for node in self.nodes.values()):
            return False
        for node in list(self.nodes.values()):
            if node.op in V1_CHECKPOINT:
                raise CannotShrink(f"it uses {node.op}, the V1 checkpoint format")
            if node.op in V2_CHECKPOINT:
                self._leave_out(node, keys)
        if not self.seeds and not self.unread:
            return False
        self._drop_behind()
        if self.gone & set(protected):
            raise CannotShrink(f"{show(min(self.gone & set(protected)))} needs a value of it")
        if self.function is not None:
            self._drop_reads()
            taken = consumers(self.nodes)
            self.gone.update(name for name in self.lists if not taken[name])
        self._remove()
        return True

    def _leave_out(self, node: NodeDef, keys: Collection[str]) -> None:
        """Leave keys out of one op; note what stood behind or before them."""
        lists = [const_of(entry, self.nodes) for entry in node.input[1:3]]
        if len(lists) < 2 or None in lists:
            raise CannotShrink(f"the keys of {show(node.name)} are not constants")
        texts = [const_strings(const) for const in lists if const is not None]
        count = len(node.attr["dtypes"].list.type)
        names = [texts[0].get(at) for at in range(count)]
        if None in names:
            raise CannotShrink(f"the keys of {show(node.name)} are not constants")
        kept = [at for at in range(count) if names[at] not in keys]
        if len(kept) == count:
            return
        if not kept:
            raise CannotShrink(f"nothing would be left for {show(node.name)}")
        for position, (const, found) in enumerate(zip(lists, texts, strict=True), 1):
            assert const is not None
            node.input[position] = self._list_of(const, [found.get(at) or "" for at in kept])
        types = node.attr["dtypes"].list.type
        types[:] = [types[at] for at in kept]
        _forget_shapes(node)
        if node.op.startswith("Save"):
            data = [entry for entry in node.input if not is_control(entry)]
            controls = [entry for entry in node.input if is_control(entry)]
            tensors = data[_TENSORS:]
            if len(tensors) < count:
                raise CannotShrink(f"{show(node.name)} lacks a value")
            node.input[:] = [*data[:_TENSORS], *(tensors[at] for at in kept), *controls]
            self.unread += [input_node(entry) for at, entry in enumerate(tensors) if at not in kept]
        else:
            self._renumber(node.name, {old: new for new, old in enumerate(kept)})

    def _list_of(self, const: NodeDef, values: list[str]) -> str:
        """Add a constant list of texts beside another and return its name."""
        made = self.listed.add()
        made.CopyFrom(const)
        made.name = unique_name(f"{const.name}_kept", self.nodes)
        made.attr["value"].tensor.string_val[:] = [
            value.encode("utf-8", "surrogateescape") for value in values
        ]
        shape = made.attr["value"].tensor.tensor_shape
        shape.Clear()
        shape.dim.add(size=len(values))
        _forget_shapes(made)
        self.lists.add(const.name)
        self.nodes[made.name] = made
        return f"{made.name}:output:0" if self.function is not None else str(made.name)

    def _renumber(self, name: str, numbers: dict[int, int]) -> None:
        """Give consumers of a restore op the new numbers of its outputs; note those of dropped ones."""
        for node in self.nodes.values():
            for position, entry in enumerate(node.input):
                if is_control(entry) or input_node(entry) != name:
                    continue
                old = output_number(entry.partition(":")[2].rpartition(":")[2])  # `n:k`, in a body `n:arg:k`
                if old not in numbers:
                    self.seeds.add(node.name)
                elif self.function is not None:
                    node.input[position] = f"{name}:tensors:{numbers[old]}"
                else:
                    node.input[position] = f"{name}:{numbers[old]}" if numbers[old] else name

    def _drop_behind(self) -> None:
        """Drop what takes a value that is no longer restored."""
        behind = consumers(self.nodes, controls=False)
        todo = list(self.seeds)
        while todo:
            name = todo.pop()
            if name in self.gone:
                continue
            if self.nodes[name].op in V2_CHECKPOINT:
                raise CannotShrink(f"{show(name)} takes a restored value")
            self.gone.add(name)
            todo += behind[name]

    def _drop_reads(self) -> None:
        """Drop reads of variables that are no longer saved."""
        assert self.function is not None
        results = {input_node(entry) for entry in self.function.ret.values()}
        taken = consumers(self.nodes, controls=False)
        left = {name: len(found) for name, found in taken.items()}
        todo, read = list(self.unread), set(self.unread)
        while todo:
            name = todo.pop()
            node = self.nodes.get(name)
            if (
                node is None
                or name in self.gone
                or name in results
                or left.get(name)
                or node.op not in _READS
            ):
                continue
            self.gone.add(name)
            for entry in map(input_node, filter(lambda one: not is_control(one), node.input)):
                left[entry] -= 1
                todo.append(entry)
                read.add(entry)
        for arg in self.function.signature.input_arg:  # what only announces a read
            rest = [name for name in taken[arg.name] if name not in self.gone] if arg.name in read else []
            if all(self.nodes[name].op in _READS - STORED_VALUE and not left.get(name) for name in rest):
                self.gone.update(rest)

    def _remove(self) -> None:
        """Remove what was dropped, and every wait for it."""
        if self.function is not None:
            if any(input_node(entry) in self.gone for entry in self.function.ret.values()):
                raise CannotShrink(f"the function {show(self.function.signature.name)} returns a value of it")
            waits = [key for key in self.function.control_ret if self.function.control_ret[key] in self.gone]
            for key in waits:
                del self.function.control_ret[key]
            outputs = self.function.signature.control_output
            outputs[:] = [key for key in outputs if key not in waits]
        for at in reversed(range(len(self.listed))):
            node = self.listed[at]
            if node.name in self.gone:
                del self.listed[at]
            elif any(is_control(entry) and input_node(entry) in self.gone for entry in node.input):
                node.input[:] = [
                    entry
                    for entry in node.input
                    if not (is_control(entry) and input_node(entry) in self.gone)
                ]


def _forget_shapes(node: NodeDef) -> None:
    """Remove the noted shapes of a node whose outputs changed."""
    if "_output_shapes" in node.attr:
        del node.attr["_output_shapes"]


def _unused_arguments(function: FunctionDef) -> list[int]:
    """Return the positions of the arguments that no node and no result takes."""
    used = {input_node(entry) for node in function.node_def for entry in node.input}
    used |= {input_node(entry) for entry in function.ret.values()}
    return [at for at, arg in enumerate(function.signature.input_arg) if arg.name not in used]


def _remove_arguments(
    graph: GraphDef, functions: dict[str, FunctionDef], name: str, gone: list[int]
) -> list[str]:
    """Remove arguments of a function and give them in no call any more; return the functions that call it."""
    calling: list[str] = []
    callers: list[tuple[str, RepeatedMessage[NodeDef]]] = [("", graph.node)]
    callers += [(caller, function.node_def) for caller, function in functions.items()]
    for caller, listed in callers:
        for node in listed:
            if node.op != name and all(called != name for _, called in function_attrs(node.attr)):
                continue
            if node.op not in CALLS:
                raise CannotShrink(f"{show(node.op)} {show(node.name)} calls its function {show(name)}")
            data = [entry for entry in node.input if not is_control(entry)]
            controls = [entry for entry in node.input if is_control(entry)]
            node.input[:] = [*(entry for at, entry in enumerate(data) if at not in gone), *controls]
            types = node.attr["Tin"].list.type
            types[:] = [type for at, type in enumerate(types) if at not in gone]
            if caller:
                calling.append(caller)
    function = functions[name]
    attrs = {at: function.arg_attr[at] for at in function.arg_attr}
    copies = {}
    kept = [at for at in range(len(function.signature.input_arg)) if at not in gone]
    for new, old in enumerate(kept):
        if old in attrs:
            copies[new] = type(attrs[old])()
            copies[new].CopyFrom(attrs[old])
    function.arg_attr.clear()
    for new, copy in copies.items():
        function.arg_attr[new].CopyFrom(copy)
    ids = {
        new: function.resource_arg_unique_id[old]
        for new, old in enumerate(kept)
        if old in function.resource_arg_unique_id
    }
    function.resource_arg_unique_id.clear()
    for new, number in ids.items():
        function.resource_arg_unique_id[new] = number
    for at in reversed(gone):
        del function.signature.input_arg[at]
    if "_input_shapes" in function.attr:
        del function.attr["_input_shapes"]
    return calling
