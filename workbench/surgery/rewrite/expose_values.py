"""Exposing: tensors inside calls and loops become tensors of the main graph.

The functions on the way to a tensor are cloned, and each clone has one result more; other users of a function keep the
original. The call nodes of the main graph stay where they are and get further outputs behind those they have, so all
that names them holds. A loop gets a list as one more loop variable, to which each iteration appends its value.

Sources of the forms: function.proto; `functional_ops.cc` (`Tout` of a call, `T` of a While), `list_ops.cc`;
`while_v2.py` (`_num_original_outputs`) and `function_deserialization.py` (how gradients of calls are found).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

from workbench import names
from workbench.disk import dtypes
from workbench.disk.schema import FunctionDef, MetaGraphDef, NodeDef
from workbench.graph.body import Output
from workbench.graph.calls import Call, named_function
from workbench.graph.functions import registered_gradients
from workbench.graph.level import Level, Value
from workbench.graph.shape_inference.shapes import Shapes
from workbench.model.shapes import Shape, to_proto
from workbench.surgery.imported import unique_name
from workbench.surgery.rewrite.changed_body import ChangedBody, copy_function

Place = tuple[tuple[Call, ...], Output]
"""A tensor below a body: the calls that lead to it, and the output of a node in the last one."""
_GRADIENT = "_gradient_op_type"
_NAME = "exposed"


@dataclass(slots=True)
class Exposed:
    """What was done to expose some values.

    Attributes:
        tensors: the tensor `n:k` of the main graph for each key.
        calls: nodes of the main graph that got further outputs.
        clones: name of each clone to the function it was made of.
        loops: nodes of loops that got a list, each as a path.
        own_gradients: functions with a gradient of their own, through which nothing flows from the new results.
    """

    tensors: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    clones: dict[str, str] = field(default_factory=dict)
    loops: list[str] = field(default_factory=list)
    own_gradients: list[str] = field(default_factory=list)


def expose_values(meta_graph: MetaGraphDef, values: Mapping[str, Value], *, iterations: int) -> Exposed:
    """Give values inside calls and loops a tensor of the main graph each.

    Each function on the way is cloned once for all values behind one call.

    Args:
        meta_graph: changed in place; equal to the MetaGraph that the values are of.
        values: by key; all below one `Level`, whose calls are plain ones or bodies of loops.
        iterations: how many iterations of a loop are kept; those after them are left out.

    Returns:
        The tensors of a loop have a first dimension more, its iterations.
    """
    work = _Exposer(meta_graph, iterations)
    places = {key: (value.level.calls, (value.name, value.index)) for key, value in values.items()}
    unique = list(dict.fromkeys(places.values()))
    if unique:
        level = next(iter(values.values())).level
        while level.caller is not None:
            level = level.caller
        given = dict(zip(unique, work.give(level, unique, work.main(level)), strict=True))
        work.done.tensors = {
            key: str(names.input_tensor(given[place].entry)) for key, place in places.items()
        }
    return work.done


@dataclass(frozen=True, slots=True)
class _Given:
    """The tensor that a body has for a place.

    Attributes:
        entry: how a node of the body names it as an input.
        dtype: DataType.
        shape: as far as it is known.
    """

    entry: str
    dtype: int
    shape: Shape


class _Exposer:
    """The clones of one MetaGraph, and what they were made of."""

    def __init__(self, meta_graph: MetaGraphDef, iterations: int) -> None:
        self.meta_graph = meta_graph
        self.graph = meta_graph.graph_def
        self.library = self.graph.library
        self.iterations = iterations
        self.functions = {one.signature.name: one for one in self.library.function}
        self.gradients = {one.function_name: one.gradient_func for one in self.library.gradient}
        self.registered = registered_gradients(self.graph)
        self.done = Exposed()
        self._shapes: dict[tuple[str, Output], Shape] = {}
        self._clones: dict[tuple[object, ...], tuple[FunctionDef, list[_Given]]] = {}
        self._branches: dict[tuple[str, int], str] = {}

    def main(self, level: Level) -> ChangedBody:
        """Return the main graph as a body that is changed."""
        number = 1
        while any(name.startswith(f"expose_{number}/") for name in level.nodes):
            number += 1
        return ChangedBody(level, self.graph, f"expose_{number}")

    def give(self, level: Level, places: Sequence[Place], body: ChangedBody) -> list[_Given]:
        """Return what a body has for places below it, after the calls in it were changed."""
        found: dict[Place, _Given] = {}
        below: dict[Call, list[Place]] = {}
        for place in places:
            path, (name, index) = place
            if path:
                below.setdefault(path[0], []).append((path[1:], place[1]))
                continue
            tensor = level.tensor(name, index)
            dtype = tensor.dtype if tensor is not None else dtypes.INVALID
            entry = body.entry(body.nodes[name], index)
            if dtype != dtypes.base(dtype):  # a reference can't be an output everywhere
                value = body.add(f"{name}_{index}", "Identity", [entry], T=dtypes.base(dtype))
                entry = body.entry(value, 0)
            found[place] = _Given(entry, dtypes.base(dtype), self._shape(level, place))
        for call, inner in below.items():
            if body.is_main:
                self.done.calls.append(call.node)
            change = self._extend_loop if call.kind == "loop" else self._extend_call
            for (path, output), given in zip(inner, change(body, call, inner), strict=True):
                found[(call, *path), output] = given
        return [found[place] for place in places]

    def _shape(self, level: Level, place: Place) -> Shape:
        """Return the shape of a place's value, once for each path: arguments differ from call to call."""
        for call in place[0]:
            level = level.under(call)
        key = (level.path, place[1])
        if key not in self._shapes:
            self._shapes[key] = Shapes(level).of_value(Value(level, *place[1]))
        return self._shapes[key]

    # -- plain calls

    def _extend_call(self, body: ChangedBody, call: Call, places: Sequence[Place]) -> list[_Given]:
        node, first = body.nodes[call.node], body.count(body.nodes[call.node])
        clone, given = self._clone(body.level.under(call), places, lists=False)
        added = clone.signature.output_arg[len(clone.signature.output_arg) - len(places) :]
        if node.op == call.function:
            node.op = clone.signature.name
            entries = [f"{node.name}:{arg.name}:0" for arg in added]
        else:
            named_function(node, call.label).name = clone.signature.name
            node.attr["Tout"].list.type.extend(arg.type for arg in added)
            entries = [f"{node.name}:output:{first + at}" for at in range(len(added))]
        if body.is_main:
            entries = [f"{node.name}:{first + at}" for at in range(len(added))]
        _more_shapes(node, [None] * len(added))
        self._extend_gradients(node, call.function, clone, first, [arg.type for arg in added])
        return [_Given(entry, one.dtype, one.shape) for entry, one in zip(entries, given, strict=True)]

    def _clone(
        self, level: Level, places: Sequence[Place], *, lists: bool
    ) -> tuple[FunctionDef, list[_Given]]:
        """Return the clone of a function with one result more for each place, and what they are.

        Args:
            level: the function, as it is called.
            places: what is wanted of it.
            lists: whether it is the body of a loop: then the results are lists to which the values are appended, and
                there is one more argument for each.
        """
        assert level.function is not None
        original = level.function.signature.name
        key = (original, tuple((place, self._shape(level, place)) for place in places), lists)
        if key in self._clones:
            return self._clones[key]
        function = self._copy(level.function, _NAME)
        given = self.give(level, places, body := ChangedBody(level, function, _NAME))
        entries = [one.entry for one in given]
        types = [one.dtype for one in given]
        if lists:
            entries = self._append(body, function, given)
            types = [dtypes.VARIANT] * len(given)
        names_ = _free_names(_NAME, {arg.name for arg in function.signature.output_arg})
        returned = set(function.ret.values())
        for entry, dtype in zip(entries, types, strict=True):
            if entry in returned:  # tf.saved_model.load keeps one name for a tensor
                entry = body.entry(body.add("again", "Identity", [entry], T=dtype), 0)
            returned.add(entry)
            name = next(names_)
            function.signature.output_arg.add(name=name, type=dtype)
            function.ret[name] = entry
        self._clones[key] = function, given
        return self._clones[key]

    def _copy(self, original: FunctionDef, suffix: str) -> FunctionDef:
        """Add a copy of a function to the library, under a name of its own."""
        function = copy_function(self.meta_graph, original, suffix, self.functions)
        self.done.clones[function.signature.name] = original.signature.name
        return function

    # -- gradients

    def _extend_gradients(
        self, node: NodeDef, original: str, clone: FunctionDef, first: int, added: Sequence[int]
    ) -> None:
        """Keep the gradients of a call that has more outputs now.

        Most calls have none of their own: TensorFlow differentiates the body. Where there is one, it takes the
        gradients of the outputs and leaves the new ones out.
        """
        name, number = clone.signature.name, len(clone.signature.input_arg)
        if original in self.gradients and name not in self.gradients:
            own = self._more_arguments(self.gradients[original], number + first, added)
            if own is not None:
                self.library.gradient.add(function_name=name, gradient_func=own)
                self.gradients[name] = own
                self.done.own_gradients.append(original)
        for attribute in ("forward_function_name", "backward_function_name"):
            if attribute in node.attr:
                del node.attr[attribute]
        if _GRADIENT not in node.attr:
            return
        kind = node.attr[_GRADIENT].s.decode("utf-8", "replace")
        own = self._more_arguments(self.registered[kind], first, added) if kind in self.registered else None
        if own is None:  # of the original, or known only where the model was made
            del node.attr[_GRADIENT]
            return
        new = unique_name(f"{kind}_{_NAME}", self.registered)
        self.library.registered_gradients.add(gradient_func=own, registered_op_type=new)
        self.registered[new] = own
        node.attr[_GRADIENT].s = new.encode()
        self.done.own_gradients.append(original)

    def _more_arguments(self, gradient: str, at: int, added: Sequence[int]) -> str | None:
        """Return a copy of a gradient function with arguments it ignores; None if it takes something else."""
        function = self.functions.get(gradient)
        if function is None or len(function.signature.input_arg) != at:
            return None
        copy = self._copy(function, _NAME)
        _add_arguments(copy, added)
        return str(copy.signature.name)

    # -- loops

    def _extend_loop(self, body: ChangedBody, call: Call, places: Sequence[Place]) -> list[_Given]:
        node, first = body.nodes[call.node], body.count(body.nodes[call.node])
        under = body.level.under(call)
        self.done.loops.append(body.level.full_name(node.name))
        clone, given = self._clone(under, places, lists=True)
        condition = under.meta.functions[node.attr["cond"].func.name]
        asks = self._copy(condition, _NAME)
        _add_arguments(asks, [dtypes.VARIANT] * len(places))
        node.attr["body"].func.name = clone.signature.name
        node.attr["cond"].func.name = asks.signature.name
        data = [text for text in node.input if not names.is_control(text)]
        controls = [text for text in node.input if names.is_control(text)]
        lists = [self._empty_list(body, one) for one in given]
        node.input[:] = [*data, *lists, *controls]
        node.attr["T"].list.type.extend([dtypes.VARIANT] * len(places))
        if "output_shapes" in node.attr and node.attr["output_shapes"].list.shape:
            for _ in places:
                node.attr["output_shapes"].list.shape.add()
        if "_num_original_outputs" in node.attr:
            node.attr["_num_original_outputs"].i += len(places)
        _more_shapes(node, [()] * len(places))
        return [self._stack(body, node, first + at, one) for at, one in enumerate(given)]

    def _empty_list(self, body: ChangedBody, given: _Given) -> str:
        """Add the list that a loop starts with and return the input that names it."""
        shape, most = body.constant("any_shape", -1), body.constant("any_size", -1)
        types = {"element_dtype": given.dtype, "shape_type": dtypes.INT32}
        return body.entry(body.add("list", "EmptyTensorList", [shape, most], **types), 0)

    def _stack(self, body: ChangedBody, loop: NodeDef, index: int, given: _Given) -> _Given:
        """Add the tensor of all values in a list that a loop returns."""
        sizes = None if given.shape is None else [-1 if size is None else size for size in given.shape]
        shape = body.constant("shape", -1 if sizes is None else sizes)
        entry = f"{loop.name}:{index}" if body.is_main else f"{loop.name}:output:{index}"
        node = body.add("values", "TensorListStack", [entry, shape], element_dtype=given.dtype)
        node.attr["num_elements"].i = -1
        stacked = None if given.shape is None else (None, *given.shape)
        return _Given(body.entry(node, 0), given.dtype, stacked)

    def _append(self, body: ChangedBody, function: FunctionDef, given: Sequence[_Given]) -> list[str]:
        """Append values to lists that a loop's body gets; return the inputs that name the lists after that."""
        lists = _add_arguments(function, [dtypes.VARIANT] * len(given), taken=body.taken)
        body.taken.update(dict.fromkeys(lists))
        length = body.add("length", "TensorListLength", lists[:1])
        most = body.constant("iterations", self.iterations)
        room = body.entry(body.add("room", "Less", [body.entry(length, 0), most], T=dtypes.INT32), 0)
        found = []
        for name, one in zip(lists, given, strict=True):
            node = body.add("append", "StatelessIf", [room, name, one.entry], Tcond=dtypes.BOOL)
            node.attr["Tin"].list.type.extend([dtypes.VARIANT, one.dtype])
            node.attr["Tout"].list.type.append(dtypes.VARIANT)
            node.attr["then_branch"].func.name = self._branch("append", one.dtype)
            node.attr["else_branch"].func.name = self._branch("keep", one.dtype)
            node.attr["output_shapes"].list.shape.add()
            found.append(body.entry(node, 0))
        return found

    def _branch(self, what: str, dtype: int) -> str:
        """Return the function that takes a list and a value, and appends it or leaves the list as it is."""
        if (what, dtype) in self._branches:
            return self._branches[what, dtype]
        function = self.library.function.add()
        name = unique_name(f"{_NAME}_{what}_{dtypes.name(dtype)}", self.functions)
        self.functions[name] = function
        function.signature.name = name
        function.signature.input_arg.add(name="values", type=dtypes.VARIANT)
        function.signature.input_arg.add(name="value", type=dtype)
        function.signature.output_arg.add(name="result", type=dtypes.VARIANT)
        if what == "append":
            node = function.node_def.add(name="append", op="TensorListPushBack", input=["values", "value"])
            node.attr["element_dtype"].type = dtype
            function.ret["result"] = "append:output_handle:0"
        else:
            node = function.node_def.add(name="keep", op="Identity", input=["values"])
            node.attr["T"].type = dtypes.VARIANT
            function.ret["result"] = "keep:output:0"
        self._branches[what, dtype] = name
        return name


def _free_names(base: str, taken: Container[str]) -> Iterator[str]:
    """Yield names that are not taken: `base`, `base_1` and so on."""
    for name in chain([base], (f"{base}_{number}" for number in count(1))):
        if name not in taken:
            yield name


def _add_arguments(
    function: FunctionDef, types: Iterable[int], taken: Mapping[str, object] | None = None
) -> list[str]:
    """Add arguments to a function and return their names."""
    known = dict(taken) if taken is not None else {node.name: None for node in function.node_def}
    known |= dict.fromkeys(arg.name for arg in function.signature.input_arg)
    found = []
    for dtype, name in zip(types, _free_names(f"{_NAME}_in", known), strict=False):
        function.signature.input_arg.add(name=name, type=dtype)
        found.append(name)
        if "_input_shapes" in function.attr:  # one for each argument
            function.attr["_input_shapes"].list.shape.add().unknown_rank = True
    return found


def _more_shapes(node: NodeDef, shapes: Iterable[Shape]) -> None:
    """Add shapes of further outputs where those of all outputs are noted: their number is checked."""
    if "_output_shapes" in node.attr:
        for shape in shapes:
            node.attr["_output_shapes"].list.shape.add().CopyFrom(to_proto(shape))
