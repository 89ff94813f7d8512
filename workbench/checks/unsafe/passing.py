"""Which arguments of a function hold known paths where a node calls it: each op hands its inputs on in its own way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from workbench.checks.unsafe.paths import NOTHING, Known, Paths, data_inputs
from workbench.disk import optable
from workbench.disk.schema import FunctionDef, NodeDef
from workbench.graph.functions import calls
from workbench.model.op_classes import FIRST_INPUT, LOOPS

_ONE_FUNCTION = {
    "f": """
        MapDataset ExperimentalMapDataset ParallelMapDataset ParallelMapDatasetV2 FlatMapDataset InterleaveDataset
        ParallelInterleaveDataset ExperimentalParallelInterleaveDataset ParallelInterleaveDatasetV2
        ParallelInterleaveDatasetV3 ParallelInterleaveDatasetV4 LegacyParallelInterleaveDatasetV2 MapAndBatchDataset
        ExperimentalMapAndBatchDataset ScanDataset ExperimentalScanDataset ReduceDataset
    """,
    "predicate": "FilterDataset ParallelFilterDataset TakeWhileDataset ExperimentalTakeWhileDataset",
}
_LAST: dict[str, dict[str, str]] = {
    "MapDefun": {"f": "captured_inputs"},
    "GeneratorDataset": {
        "init_func": "init_func_other_args",
        "next_func": "next_func_other_args",
        "finalize_func": "finalize_func_other_args",
    },
    **{op: {attr: "other_arguments"} for attr, ops in _ONE_FUNCTION.items() for op in ops.split()},
}
"""Op, attr that names a function: the inputs that are the function's last arguments; elements come before them.

Not here: BatchFunction, which runs calls of a queue together, with what the last of them captured
(`ProcessFuncBatch`, kernels/batching_util/batch_resource_base.cc).
"""

_SWAPPED = "api_implements"


class Passing:
    """How nodes that call functions pass known paths on as arguments.

    Args:
        functions: the library by name.
    """

    def __init__(self, functions: Mapping[str, FunctionDef]) -> None:
        self._functions = functions
        self._arguments: dict[str, list[str | None]] = {}
        self._unchanged: dict[str, frozenset[int]] = {}

    def arguments(self, node: NodeDef, called: Sequence[str], paths: Paths) -> Iterator[tuple[str, Known]]:
        """Yield each function a node may call with what is known of its arguments; one may come twice.

        Args:
            node: the node.
            called: all that it may call, what TensorFlow may put in place of others included.
            paths: of the body that the node is in.
        """
        direct = list(self._direct(node)) if paths.known else []
        for name, entries in direct:
            yield name, self._known(name, entries, paths)
        if not direct:
            yield from ((name, NOTHING) for name in called)
            return
        times = Counter(name for _, name in calls(node, self._functions))
        times.subtract(name for name, _ in direct)
        named = {name for name, _ in direct}
        # what is named elsewhere too (inside another function's attrs), or put in place of another, gets anything
        yield from ((name, NOTHING) for name in called if name not in named or times[name] > 0)

    def _known(self, name: str, entries: Sequence[str | None], paths: Paths) -> Known:
        if name not in self._arguments:
            self._arguments[name] = own_arguments(self._functions[name])
        found = []
        for arg, entry in zip(self._arguments[name], entries, strict=False):
            kind = paths.kind(entry) if entry is not None and arg is not None else None
            if kind is not None and arg is not None:
                found.append(((arg, 0), kind))
        return frozenset(found)

    def _direct(self, node: NodeDef) -> Iterator[tuple[str, list[str | None]]]:
        """Yield the functions a node calls by itself, with the inputs that become their arguments."""
        data = data_inputs(node)
        if node.op in self._functions:
            yield node.op, [*data]
            return
        for attr, first in FIRST_INPUT.get(node.op, {}).items():
            for name in self._named(node, attr):
                entries: list[str | None] = [*data[first:]]
                if node.op in LOOPS:
                    kept = self._kept(node)
                    entries = [entry if number in kept else None for number, entry in enumerate(entries)]
                yield name, entries
        for attr, arg in _LAST.get(node.op, {}).items():
            for name in self._named(node, attr):
                captured = _inputs_of(node, arg, data)
                before = len(self._functions[name].signature.input_arg) - len(captured)
                yield name, [*[None] * before, *captured] if before >= 0 else []

    def _named(self, node: NodeDef, attr: str) -> list[str]:
        if attr not in node.attr:
            return []
        value = node.attr[attr]
        listed = [value.func] if value.WhichOneof("value") == "func" else list(value.list.func)
        return [one.name for one in listed if one.name in self._functions]

    def _kept(self, loop: NodeDef) -> frozenset[int]:
        """Return the positions of a loop's arguments that its body returns unchanged."""
        bodies = self._named(loop, "body")
        if len(bodies) != 1:
            return frozenset()
        name = bodies[0]
        if name not in self._unchanged:
            body = self._functions[name]
            paths = Paths({node.name: node for node in body.node_def}, functions=self._functions)
            pairs = zip(body.signature.input_arg, body.signature.output_arg, strict=False)
            kept = {
                number
                for number, (arg, out) in enumerate(pairs)
                if paths.origin(body.ret.get(out.name, "^")) == (arg.name, 0) and arg.name not in paths.nodes
            }
            self._unchanged[name] = frozenset(kept if _SWAPPED not in body.attr else ())
        return self._unchanged[name]


def own_arguments(function: FunctionDef) -> list[str | None]:
    """Return a function's argument names; None for one shared with a node; all None if one is a list."""
    args = function.signature.input_arg
    if any(arg.number_attr or arg.type_list_attr for arg in args):
        return [None] * len(args)
    nodes = {node.name for node in function.node_def}
    return [arg.name if arg.name not in nodes else None for arg in args]


def _inputs_of(node: NodeDef, arg: str, data: list[str]) -> list[str]:
    """Return the inputs that are one arg of an op; none if their number does not fit."""
    op_def = optable.lookup(node.op)
    ranges = optable.input_args(node, op_def) if op_def is not None else None
    if ranges is None or sum(one.size for one in ranges) != len(data):
        return []
    return [entry for one in ranges if one.arg == arg for entry in data[one.first : one.first + one.size]]
