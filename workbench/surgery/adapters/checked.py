"""A chain with the types along it: what was inserted, how it is built, and its reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from workbench.disk import dtypes, schema
from workbench.disk.schema import FunctionDef
from workbench.surgery.adapters.adapter import Adapter
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.language import print_calls
from workbench.surgery.adapters.reference import Json, Tolerance
from workbench.surgery.adapters.tensor_type import State, TensorType

_PARALLEL = 10  # iterations of a loop that may run side by side, as in tf.map_fn


@dataclass(frozen=True, slots=True)
class Step:
    """One adapter of a checked chain.

    Attributes:
        adapter: the adapter.
        before: the types that it gets.
        after: the types that it makes.
        by_row: whether it works on one row of a batch at a time.
        implied: whether it was inserted.
    """

    adapter: Adapter
    before: State
    after: State
    by_row: bool = False
    implied: bool = False

    def __str__(self) -> str:
        return str(self.adapter)


@dataclass(frozen=True, slots=True)
class Checked:
    """A chain whose types are known, as far as it could be checked.

    Attributes:
        have: the type of the input tensor.
        steps: the adapters, those inserted included, up to the first that does not fit.
        state: the types behind the last step.
        problem: why the chain does not type, as a sentence that names the adapter; None where it does.
        hint: the next move for that, or None.
        warnings: what only the run can tell, as sentences.
        done: whether every adapter takes what it gets; a problem is then of the result only.
    """

    have: TensorType
    steps: tuple[Step, ...]
    state: State
    problem: str | None = None
    hint: str | None = None
    warnings: tuple[str, ...] = ()
    done: bool = False

    @property
    def type(self) -> TensorType:
        """The type of the result."""
        return self.state.main

    @property
    def companions(self) -> Mapping[str, TensorType]:
        """The types of further results by name."""
        return self.state.companions

    @property
    def implied(self) -> tuple[Step, ...]:
        """The conversions that were inserted."""
        return tuple(step for step in self.steps if step.implied)

    @property
    def tolerance(self) -> Tolerance:
        """How far results may be from the reference."""
        found = Tolerance()
        for step in self.steps:
            found = found | step.adapter.TOLERANCE
        return found

    def print(self) -> str:
        """Return the text of the chain with what was inserted, to be pasted."""
        return print_calls([step.adapter.call() for step in self.steps])

    def reference(self) -> list[Json]:
        """Return the steps of the reference; see `reference.py`."""
        found: list[Json] = []
        for by_row, steps in groupby(self.steps, lambda step: step.by_row):
            items = [_reference(step) for step in steps]
            found += [{"rows": items}] if by_row else items
        return found

    def build(self, graph: Fragment, tensor: Tensor) -> dict[str, Tensor]:
        """Add the nodes of all adapters.

        Args:
            graph: gains the nodes, functions, assets and tables.
            tensor: the input.

        Returns:
            The results by name; `""` is the main one.
        """
        assert self.problem is None, self.problem
        tensors = {"": tensor}
        for by_row, group in groupby(self.steps, lambda step: step.by_row):
            steps = list(group)
            if by_row:
                tensors = {**tensors, "": _build_rows(graph, tensors[""], steps)}
            else:
                tensors = _build(graph, tensors, steps)
        return tensors


def _reference(step: Step) -> Json:
    found: Json = {"sets": step.adapter.reference_all(step.before)}
    drops = sorted(set(step.before.companions) - set(step.after.companions))
    return {**found, "drops": drops} if drops else found


def _build(graph: Fragment, tensors: dict[str, Tensor], steps: Sequence[Step]) -> dict[str, Tensor]:
    for step in steps:
        scope = step.adapter.NAME.replace("-", "_")
        tensors = step.adapter.build_all(graph.inside(scope), tensors, step.before)
    return tensors


def _build_rows(graph: Fragment, tensor: Tensor, steps: Sequence[Step]) -> Tensor:
    """Add a loop over the rows of a vector, as `tf.map_fn` does: each result becomes an item of a list."""
    graph = graph.inside("rows")
    row, result = steps[0].before.main, steps[-1].after.main
    sizes = [-1 if size is None else size for size in result.shape or ()]
    count = graph.op("Squeeze", graph.op("Shape", tensor), name="count")
    shape = graph.const(sizes, "int32", "row_shape", [len(sizes)])
    items = graph.op("TensorListReserve", shape, count, element_dtype=result.dtype)
    zero = graph.const(0, "int32", "first")
    condition, body = graph.function_name("condition"), graph.function_name("body")
    graph.functions.append(_condition(condition, tensor.dtype))
    graph.functions.append(_body(graph, body, row, steps))
    loop = graph.outputs(
        "StatelessWhile",
        [zero, count, tensor, items],
        cond=condition,
        body=body,
        parallel_iterations=_PARALLEL,
        output_shapes=[(), (), (steps[0].before.main.shape or (None,)), ()],
    )
    graph.nodes[-1].attr["_lower_using_switch_merge"].b = True
    return graph.op("TensorListStack", loop[3], shape, element_dtype=result.dtype)


_ARGUMENTS = ("index", "count", "values", "items")


def _function(name: str, dtype: int) -> FunctionDef:
    function = schema.FunctionDef()
    function.signature.name = name
    types = (dtypes.INT32, dtypes.INT32, dtype, dtypes.VARIANT)
    for argument, one in zip(_ARGUMENTS, types, strict=True):
        function.signature.input_arg.add(name=argument, type=one)
    return function


def _return(function: FunctionDef, body: Fragment, results: Mapping[str, Tensor]) -> FunctionDef:
    function.node_def.extend(body.nodes)
    for name, tensor in results.items():
        function.signature.output_arg.add(name=name, type=tensor.dtype)
        function.ret[name] = body.text(tensor)
    return function


def _condition(name: str, dtype: int) -> FunctionDef:
    body = Fragment("", _ARGUMENTS, body=True)
    index, count = Tensor("index", dtypes.INT32), Tensor("count", dtypes.INT32)
    return _return(_function(name, dtype), body, {"go_on": body.op("Less", index, count)})


def _body(graph: Fragment, name: str, row: TensorType, steps: Sequence[Step]) -> FunctionDef:
    body = Fragment("", _ARGUMENTS, body=True)
    index, count = Tensor("index", dtypes.INT32), Tensor("count", dtypes.INT32)
    values, items = Tensor("values", row.dtype), Tensor("items", dtypes.VARIANT)
    one = body.op("GatherV2", values, index, body.const(0, "int32", "axis"), name="row")
    made = _build(body, {"": one}, steps)[""]
    filled = body.op("TensorListSetItem", items, index, made)
    following = body.op("AddV2", index, body.const(1, "int32", "one"), name="next")
    results = {"next": following, "same_count": count, "same_values": values, "more_items": filled}
    return _return(_function(name, row.dtype), body, results)
