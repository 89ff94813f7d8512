"""What the graph expects of an input: it is followed forward to the ops that are particular about it.

Values are followed through what hands them on (Identity, Cast, Reshape, calls, loops, tensor lists), shapes
through what keeps them (element-wise ops too). Nothing is executed. What is not seen is not known: the run
decides, and other variants are tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from workbench.disk import nodes
from workbench.graph.level import Level, Use, Value
from workbench.graph.trace import given_out
from workbench.model import Shape, shapes
from workbench.runtime.inputs import flow
from workbench.runtime.inputs.facts import Facts
from workbench.runtime.inputs.readers import READERS
from workbench.runtime.inputs.routes import ANY, AXES, ELEMENTWISE, KEEP, KEEP_SHAPE_TOO, SIZES, VALUES
from workbench.runtime.inputs.tables import table_entries

# op: the input that gives the dense shape in which the indices (input 0) lie
_INDEXED = {
    "SparseToDense": 1,
    "SparseReshape": 1,
    "ScatterNd": 2,
    "SparseReorder": 2,
    "SparseFillEmptyRows": 2,
    "SparseSlice": 2,
    "SparseTensorDenseMatMul": 2,
    "SparseReduceSum": 2,
    "SparseReduceMax": 2,
    "SparseSoftmax": 2,
    "SparseDenseCwiseMul": 2,
    "SparseDenseCwiseAdd": 2,
    "SparseDenseCwiseDiv": 2,
}
_COMPARISONS = frozenset({"GreaterEqual", "Greater", "Less", "LessEqual"})
MAX_STEPS = 20_000
_MAX_NESTED = 4
_LARGEST_SIDE = 4_096  # of a picture that is made


class Tracer:
    """Follows values through one MetaGraph.

    Args:
        level: the main graph.
        assets: tensor name to file, where the MetaGraph itself has no folder.
    """

    def __init__(self, level: Level, assets: Mapping[str, Path] | None = None) -> None:
        self.main = level
        self.assets = dict(assets or {})
        self._known: dict[Value, Facts] = {}

    def facts(self, start: Value, nested: int = 0) -> Facts:
        """What is known of a value, from all its uses."""
        if start in self._known:
            return self._known[start]
        facts = self._known[start] = Facts()
        if nested > _MAX_NESTED:
            return facts
        todo: list[tuple[Value, bool, bool]] = [(start, True, True)]
        seen: set[tuple[Value, bool, bool]] = set()
        while todo and len(seen) < MAX_STEPS:
            state = todo.pop()
            if state in seen:
                continue
            seen.add(state)
            at, value, shape = state
            todo += [(output, value, shape) for output in given_out(at)]
            for use in at.level.uses(at):
                self._notice(facts, use, value, shape, nested)
                todo += self._further(use, value, shape)
        return facts

    def _further(self, use: Use, value: bool, shape: bool) -> list[tuple[Value, bool, bool]]:
        """Where a value flows from a use of it: (spot, still the values, still the shape)."""
        found = [(argument, value, shape) for argument in use.arguments()]
        if use.op in KEEP and use.position == 0:
            return [*found, (use.output(), value, shape)]
        if use.op == "IdentityN":
            return [*found, (use.output(use.position), value, shape)]
        if value and use.op in VALUES:
            outputs = VALUES[use.op]
            output = outputs.get(use.position, outputs.get(ANY))
            if output is not None:
                numbers = range(_output_count(use)) if output == ANY else (output,)
                still = shape and use.op in KEEP_SHAPE_TOO
                found += [(use.output(number), True, still) for number in numbers]
        if shape and use.op in ELEMENTWISE and _not_broadcast(use):
            found.append((use.output(), False, True))
        return found

    def _notice(self, facts: Facts, use: Use, value: bool, shape: bool, nested: int) -> None:
        if shape:
            _notice_shape(facts, use)
        if not value:
            return
        if use.op == "EnsureShape":
            _notice_picture(facts, use)
        _notice_number(facts, use)
        if facts.certain is None:
            facts.certain = self._certain(use, nested)
        if use.position == 1 and use.op.startswith("LookupTableFind"):
            table = use.input(0)
            if table is not None and not facts.keys:
                facts.keys = self._keys(use, flow.origin(table), nested)
        reader = READERS.get(use.op)
        if reader is not None and use.position == 0:
            text = reader(self.facts, use, nested + 1)
            if text is not None and text not in facts.texts:
                facts.texts.append(text)

    def _certain(self, use: Use, nested: int) -> float | None:
        """If a value is the probability that a dropout keeps or drops something, the one that drops nothing.

        `floor(keep + random)`, `random >= rate`, `random < keep`; the rate also as `1 - keep`.
        """
        op = use.op
        if op not in _COMPARISONS and op not in ("Sub", "Add", "AddV2"):
            return None
        other = use.input(1 - use.position)
        if op == "Sub" and use.position == 1:
            one = flow.const(other)
            if one is None or one.size != 1 or float(one.reshape(-1)[0]) != 1.0:
                return None
            rest = self.facts(use.output(), nested + 1).certain
            return None if rest is None else 1.0 - rest
        if op in ("Add", "AddV2"):
            floored = any(later.op == "Floor" for later in use.level.uses(use.output()))
            return 1.0 if floored and flow.is_random(other) else None
        if flow.is_random(other) and op != "Sub":
            return 1.0 if (op in ("Less", "LessEqual")) == (use.position == 1) else 0.0
        return None

    def _keys(self, use: Use, table: Value, nested: int) -> tuple[Any, ...]:
        """The keys of a table.

        Where their values are keys of another table, or indices, only those that are known there.
        """
        entries = table_entries(self.main, table, self.assets)
        if not entries.values:
            return entries.keys
        after = self.facts(use.output(), nested + 1)
        kept = [
            key for key, value in zip(entries.keys, entries.values, strict=True) if _is_known(value, after)
        ]
        return tuple(kept) or entries.keys


def _is_known(value: Any, facts: Facts) -> bool:
    if facts.keys and type(facts.keys[0]) is type(value):
        return value in facts.keys
    return facts.limit is None or not isinstance(value, int) or 0 <= value < facts.limit


def _output_count(use: Use) -> int:
    types = use.level.meta.output_types(use.node)
    return 1 if types is None else len(types)


def _not_broadcast(use: Use) -> bool:
    """Whether the other operand can't widen this one: it is unknown, a scalar, or of no higher rank."""
    return use.position == 0 or use.op not in ("BiasAdd", "FusedBatchNorm", "FusedBatchNormV3", "LRN")


# ---------------------------------------------------------------- numbers and shapes


def _notice_number(facts: Facts, use: Use) -> None:
    op, position = use.op, use.position
    if position in SIZES.get(op, ()):
        facts.size = True
    if position in AXES.get(op, ()):
        facts.axis = True
    facts.below(_limit(use))
    if position == 0 and op in _INDEXED:
        dense = flow.const(use.input(_INDEXED[op]))
        for place, size in enumerate(dense.reshape(-1).tolist() if dense is not None else ()):
            if size > 0:
                facts.bounds[place] = min(size, facts.bounds.get(place, size))
    if op == "SparseTensorDenseMatMul" and position == 1:
        facts.dim(-1, _size(flow.shape(use.input(3)), 0))
    if op in ("RealDiv", "Div", "Mul", "DivNoNan"):
        other = flow.const(use.input(1 - position))
        if other is not None and other.size == 1 and other.dtype.kind == "f":
            factor = float(other.reshape(-1)[0])
            if op == "Mul" and 0 < factor <= 1 / 64:
                facts.scale = max(facts.scale, 1 / factor)
            elif op != "Mul" and position == 0 and factor >= 64:
                facts.scale = max(facts.scale, factor)
    if op == "Sub" and position == 0:
        mean = flow.const(use.input(1))
        if mean is not None and mean.dtype.kind == "f" and mean.size and float(mean.max()) > 64:
            facts.scale = max(facts.scale, 255.0)


def _limit(use: Use) -> int | None:
    """The bound an op puts on the values of one of its inputs: they are indices into something."""
    op, position = use.op, use.position
    if op in ("Gather", "GatherV2", "ResourceGather") and position == 1:
        axis = _gather_axis(use)
        return _size(flow.shape(use.input(0)), axis) if axis is not None else None
    if op in ("GatherNd", "ResourceGatherNd") and position == 1:
        indices, params = flow.shape(use.input(1)), flow.shape(use.input(0))
        depth = indices[-1] if indices else 1
        known = [size for size in (params or ())[:depth] if size is not None]
        return min(known, default=None)
    if op.startswith("SparseSegment") and position == 1:
        return _size(flow.shape(use.input(0)), 0)
    if op in ("OneHot", "Bincount", "DenseBincount", "UnsortedSegmentSum", "UnsortedSegmentMax"):
        bound_at = {"OneHot": 1, "Bincount": 1, "DenseBincount": 1}.get(op, 2)
        if position == (0 if bound_at == 1 else 1):
            bound = flow.const(use.input(bound_at))
            return int(bound.reshape(-1)[0]) if bound is not None and bound.size == 1 else None
    return None


def _gather_axis(use: Use) -> int | None:
    if use.op == "Gather":
        return 0
    if use.op == "ResourceGather":
        return int(use.node.attr["batch_dims"].i) if "batch_dims" in use.node.attr else 0
    axis = flow.const(use.input(2))
    return int(axis) if axis is not None and axis.ndim == 0 else None


def _size(shape: Shape, axis: int) -> int | None:
    if shape is None or not -len(shape) <= axis < len(shape):
        return None
    return shape[axis]


def _notice_picture(facts: Facts, use: Use) -> None:
    """Note the size of a picture that values must have, whatever moved them about before."""
    shape = shapes.from_proto(nodes.attr(use.node, "shape").shape) or ()
    if len(shape) not in (3, 4) or shape[-1] not in (None, 1, 3, 4):
        return
    height, width = shape[-3] or 0, shape[-2] or 0
    if 0 < height <= _LARGEST_SIDE and 0 < width <= _LARGEST_SIDE:
        before = facts.picture or (0, 0)
        facts.picture = (max(before[0], height), max(before[1], width))


def _notice_shape(facts: Facts, use: Use) -> None:
    op, position, attr = use.op, use.position, partial(nodes.attr, use.node)
    if op == "EnsureShape":
        shape = shapes.from_proto(attr("shape").shape)
        for place, size in enumerate(shape or ()):
            facts.dim(place - len(shape or ()), size)
        facts.rank = facts.rank if shape is None else len(shape)
    elif op == "MatMul":
        other = flow.shape(use.input(1 - position))
        if other is not None and len(other) == 2:
            mine = attr("transpose_a" if position == 0 else "transpose_b").b
            theirs = attr("transpose_b" if position == 0 else "transpose_a").b
            place, inner = (-1, 0) if position == 0 else (-2, 1)
            facts.rank = 2
            facts.dim(place if not mine else -3 - place, other[inner if not theirs else 1 - inner])
    elif op in ("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3") and position == 0:
        if not attr("adj_x").b and not attr("adj_y").b:
            facts.dim(-1, _size(flow.shape(use.input(1)), -2))
    elif op in ("Conv2D", "DepthwiseConv2dNative", "Conv3D") and position == 0:
        rank = 5 if op == "Conv3D" else 4
        channels_last = attr("data_format").s in (b"", b"NHWC", b"NDHWC")
        facts.rank = rank
        facts.dim(-1 if channels_last else 1 - rank, _size(flow.shape(use.input(1)), -2))
    elif op in ("MaxPool", "AvgPool", "MaxPoolV2") or op.startswith(("Resize", "FusedBatchNorm")):
        if position == 0:
            facts.rank = 4
    elif op == "BiasAdd" and position == 0 and attr("data_format").s in (b"", b"NHWC"):
        facts.dim(-1, _size(flow.shape(use.input(1)), 0))
    elif op == "Reshape" and position == 0:
        target = flow.const(use.input(1))
        if target is not None and target.ndim == 1 and target.size and (target[1:] > 0).all():
            if target[0] > 0:
                facts.total = facts.total or int(target.prod())
            elif target.size > 1:
                facts.row = facts.row or int(target[1:].prod())
