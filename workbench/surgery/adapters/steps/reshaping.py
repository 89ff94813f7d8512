"""Dimensions: `reshape`, `flatten`, `expand`, `squeeze`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

from workbench.model import shapes
from workbench.surgery.adapters import reference as ref
from workbench.surgery.adapters.adapter import Adapter, register
from workbench.surgery.adapters.arguments import FREE_SIZE, INTEGER, argument
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.reference import VALUE, Json
from workbench.surgery.adapters.steps.image_type import span
from workbench.surgery.adapters.tensor_type import Problem, TensorType


@register
@dataclass(frozen=True, slots=True)
class Reshape(Adapter):
    """Give the same values another shape; one size may be `?`."""

    NAME: ClassVar[str] = "reshape"
    TAKES: ClassVar[str] = "a tensor of as many values"

    sizes: tuple[int | None, ...] = argument(
        FREE_SIZE, "the new sizes, none for a scalar", many=True, default=()
    )

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the new shape; a size that follows is filled in where the number of values is known."""
        if self.sizes.count(None) > 1:
            return Problem("at most one size that is ?", None, f"`{self}`")
        sizes = self.sizes
        known = prod(size for size in sizes if size is not None)
        have_known = prod(size for size in have.shape or () if size is not None)
        total = shapes.count(have.shape)
        if None in sizes:
            if total is not None and (total % known if known else total):
                return Problem(f"a number of values that {known:,} divides")
            by_row = total is None and have.shape and None not in have.shape[1:] and have_known and known
            if by_row and have_known % known and known % have_known:
                return Problem(f"rows of a number of values that {known:,} divides")
            if total is not None and known:
                sizes = tuple(total // known if size is None else size for size in sizes)
        elif total is not None:
            if total != known:
                return Problem(f"{known:,} values")
        elif have.shape is not None and have_known and known % have_known:
            return Problem(f"a tensor whose known sizes divide {known:,}")
        return TensorType(have.dtype, sizes, bool(sizes), have.below)

    def _target(self) -> list[int]:
        return [-1 if size is None else size for size in self.sizes]

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a Reshape."""
        return graph.op("Reshape", tensor, graph.const(self._target(), "int32", "shape"))

    def reference(self, have: TensorType) -> Json:
        """Return `tf.reshape`."""
        return ref.call("reshape", VALUE, ref.constant(self._target(), "int32"))


@register
@dataclass(frozen=True, slots=True)
class Flatten(Adapter):
    """Make one vector of each row; of all values where there are no rows."""

    NAME: ClassVar[str] = "flatten"
    TAKES: ClassVar[str] = "any tensor"

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return a vector for each row."""
        if not have.rows:
            return have.with_shape((shapes.count(have.shape),))
        if have.shape is None:
            return have.with_shape((None, None))
        return have.with_shape((have.shape[0], shapes.count(have.shape[1:])))

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a Reshape to a constant shape, or to the number of rows where no size is known."""
        if not have.rows:
            return graph.op("Reshape", tensor, graph.const([-1], "int32", "shape"))
        assert have.shape is None or have.shape
        rows, size = (None, None) if have.shape is None else (have.shape[0], shapes.count(have.shape[1:]))
        if size:
            target = graph.const([-1, size], "int32", "shape")
        elif rows:
            target = graph.const([rows, -1], "int32", "shape")
        else:
            first = span(graph, graph.op("Shape", tensor), 0, 1, "rows")
            rest = graph.op("Prod", _behind(graph, tensor), graph.const([0], "int32", "all"), keep_dims=True)
            target = graph.op("ConcatV2", [first, rest], graph.const(0, "int32", "axis"), name="shape")
        return graph.op("Reshape", tensor, target)

    def reference(self, have: TensorType) -> Json:
        """Return `tf.reshape` by the shape that the value has."""
        size = ref.call("shape", VALUE)
        if not have.rows:
            return ref.call("reshape", VALUE, [-1])
        rest = ref.call("reduce_prod", ref.call("slice", size, [1], [-1]))
        return ref.call("reshape", VALUE, ref.call("stack", [ref.call("gather", size, 0), rest]))


def _behind(graph: Fragment, tensor: Tensor) -> Tensor:
    """Add nodes that take all sizes but the first."""
    one, all_ = graph.const([1], "int32", "one"), graph.const([-1], "int32", "rest")
    return graph.op("Slice", graph.op("Shape", tensor), one, all_, name="behind")


@register
@dataclass(frozen=True, slots=True)
class Expand(Adapter):
    """Add a dimension of size 1; the first by default, which makes a batch of one."""

    NAME: ClassVar[str] = "expand"
    TAKES: ClassVar[str] = "any tensor"

    axis: int = argument(INTEGER, "where the new dimension stands", default=0)

    def source(self, made: TensorType) -> TensorType | None:
        """Return a dimension less."""
        if made.shape is None or not -len(made.shape) <= self.axis < len(made.shape):
            return None
        at = self.axis % len(made.shape)
        return TensorType.of(made.dtype, (*made.shape[:at], *made.shape[at + 1 :]))

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return a dimension more."""
        if have.shape is None:
            return have
        rank = len(have.shape)
        if not -rank - 1 <= self.axis <= rank:
            return Problem(f"a tensor of rank {abs(self.axis) - (self.axis < 0)} or more")
        at = self.axis % (rank + 1)
        found = have.with_shape((*have.shape[:at], 1, *have.shape[at:]))
        return replace(found, rows=have.rows or at == 0)

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add an ExpandDims."""
        return graph.op("ExpandDims", tensor, graph.const(self.axis, "int32", "axis"))

    def reference(self, have: TensorType) -> Json:
        """Return `tf.expand_dims`."""
        return ref.call("expand_dims", VALUE, self.axis)


@register
@dataclass(frozen=True, slots=True)
class Squeeze(Adapter):
    """Remove dimensions of size 1: those named, or all that are known to be 1."""

    NAME: ClassVar[str] = "squeeze"
    TAKES: ClassVar[str] = "a tensor with dimensions of size 1"

    axes: tuple[int, ...] = argument(INTEGER, "the dimensions to remove", many=True, default=())

    def source(self, made: TensorType) -> TensorType | None:
        """Return the same with dimensions of size 1; None where those are not named."""
        rank = len(made.shape) + len(self.axes) if made.shape is not None and self.axes else 0
        at = {axis % rank for axis in self.axes if -rank <= axis < rank} if rank else set()
        if made.shape is None or not at or len(at) < len(self.axes):
            return None
        kept = iter(made.shape)
        return TensorType.of(made.dtype, tuple(1 if axis in at else next(kept) for axis in range(rank)))

    def _removed(self, have: TensorType) -> list[int] | None:
        assert have.shape is not None
        rank = len(have.shape)
        if not self.axes:
            return [at for at, size in enumerate(have.shape) if size == 1]
        if any(not -rank <= axis < rank or have.shape[axis] not in (None, 1) for axis in self.axes):
            return None
        return sorted({axis % rank for axis in self.axes})

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the dimensions that are left."""
        if have.shape is None:
            return Problem("a tensor of a known rank", "Add `reshape` with the sizes before it.")
        removed = self._removed(have)
        if removed is None:
            return Problem(
                f"size 1 in {'dimension' if len(self.axes) == 1 else 'dimensions'} {self._named()}"
            )
        if not removed:
            return Problem(self.TAKES, "Remove it, or name the dimensions.")
        kept = tuple(size for at, size in enumerate(have.shape) if at not in removed)
        return replace(have.with_shape(kept), rows=have.rows and 0 not in removed and bool(kept))

    def _named(self) -> str:
        return " and ".join(map(str, self.axes))

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a Squeeze of the dimensions by number, so that a batch of one stays a batch."""
        return graph.op("Squeeze", tensor, squeeze_dims=self._removed(have))

    def reference(self, have: TensorType) -> Json:
        """Return `tf.squeeze`."""
        return ref.call("squeeze", VALUE, axis=self._removed(have))
