"""Order of dimensions and of colours: `layout NHWC>NCHW`, `color RGB>BGR`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from workbench.surgery.adapters import reference as ref
from workbench.surgery.adapters.adapter import Adapter, register
from workbench.surgery.adapters.arguments import Kind, Unreadable, argument
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.language import Word
from workbench.surgery.adapters.reference import VALUE, Json, Tolerance
from workbench.surgery.adapters.steps.numeric import Cast
from workbench.surgery.adapters.tensor_type import Problem, TensorType

_COLOURS = {"GRAY": 1, "RGB": 3, "BGR": 3, "RGBA": 4, "BGRA": 4}
"""Orders of colours and how many channels they have."""
_GREY = {"R": 0.2989, "G": 0.587, "B": 0.114}  # as in tf.image.rgb_to_grayscale


class _Layout(Kind):
    takes = "two orders of the same letters: NHWC>NCHW"

    def read(self, word: Word) -> str:
        source, arrow, target = word.text.partition(">")
        letters = source.isalpha() and source.isupper() and len(set(source)) == len(source) <= 8
        if word.file or not arrow or not letters or sorted(source) != sorted(target):
            raise Unreadable
        return word.text


class _Order(Kind):
    takes = f"two orders of colours, of {', '.join(_COLOURS)}: RGB>BGR"

    def read(self, word: Word) -> str:
        source, arrow, target = word.text.partition(">")
        if word.file or not arrow or source not in _COLOURS or target not in _COLOURS or source == target:
            raise Unreadable
        if target in ("RGBA", "BGRA") and source not in ("RGBA", "BGRA"):
            raise Unreadable
        return word.text


@register
@dataclass(frozen=True, slots=True)
class Layout(Adapter):
    """Change the order of dimensions, named by letters."""

    NAME: ClassVar[str] = "layout"
    TAKES: ClassVar[str] = "a tensor with a dimension for each letter"

    order: str = argument(_Layout(), "from and to: NHWC>NCHW")

    def source(self, made: TensorType) -> TensorType | None:
        """Return the sizes in the old order."""
        axes = self._axes(len(made.shape)) if made.shape is not None else None
        if axes is None or made.shape is None:
            return None
        return made.with_shape(tuple(made.shape[axes.index(at)] for at in range(len(axes))))

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the sizes in the new order."""
        if have.shape is None:
            return Problem(self.TAKES, "Add `reshape` with the sizes before it.")
        axes = self._axes(len(have.shape))
        if axes is None:
            return Problem(f"{len(self.order.partition('>')[0])} dimensions")
        return have.with_shape(tuple(have.shape[axis] for axis in axes))

    def _axes(self, rank: int) -> list[int] | None:
        """Return the old place of each new dimension. N may be left out by a tensor without a batch."""
        source, _, target = self.order.partition(">")
        if len(source) == rank + 1 and source[0] == target[0] == "N":
            source, target = source[1:], target[1:]
        return [source.index(letter) for letter in target] if len(source) == rank else None

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a Transpose."""
        axes = self._axes(have.rank or 0)
        assert axes is not None
        return graph.op("Transpose", tensor, graph.const(axes, "int32", "perm"))

    def reference(self, have: TensorType) -> Json:
        """Return `tf.transpose`."""
        return ref.call("transpose", VALUE, self._axes(have.rank or 0))


@register
@dataclass(frozen=True, slots=True)
class Color(Adapter):
    """Change the order of colours in the last dimension; grey is weighed as in `tf.image.rgb_to_grayscale`."""

    NAME: ClassVar[str] = "color"
    TAKES: ClassVar[str] = "numbers with the channels in the last dimension"
    TOLERANCE: ClassVar[Tolerance] = Tolerance(absolute=1e-4, relative=1e-5)

    order: str = argument(_Order(), "from and to: RGB>BGR")

    def source(self, made: TensorType) -> TensorType | None:
        """Return the same with the channels of the old order."""
        if not made.shape:
            return None
        return made.with_shape((*made.shape[:-1], _COLOURS[self.order.partition(">")[0]]))

    def needs(self, have: TensorType) -> tuple[Adapter, ...]:
        """Return a cast of integers before they are weighed."""
        source, _, target = self.order.partition(">")
        weighed = target == "GRAY" and source != "GRAY"
        return (Cast("float32"),) if weighed and have.is_integer else ()

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the same with the channels of the new order."""
        source, _, target = self.order.partition(">")
        if not have.is_number:
            return Problem(self.TAKES)
        if not have.shape:
            return Problem(
                self.TAKES, "Add `reshape` with the sizes before it." if have.shape is None else None
            )
        if have.last is not None and have.last != _COLOURS[source]:
            return Problem(f"{source}: {_COLOURS[source]} channels in the last dimension")
        return have.with_shape((*have.shape[:-1], _COLOURS[target]))

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a Gather of channels, or a weighted sum."""
        source, _, target = self.order.partition(">")
        axis = graph.const(-1, "int32", "axis")
        if target == "GRAY":
            weights = graph.const([_GREY.get(letter, 0.0) for letter in source], have.dtype, "weights")
            axes = graph.const([-1], "int32", "axes")
            return graph.op("Sum", graph.op("Mul", tensor, weights), axes, keep_dims=True)
        order = [0, 0, 0] if source == "GRAY" else [source.index(letter) for letter in target]
        return graph.op("GatherV2", tensor, graph.const(order, "int32", "order"), axis)

    def reference(self, have: TensorType) -> Json:
        """Return functions of `tf.image`; a reversal by `tf.reverse`."""
        source, _, target = self.order.partition(">")
        value: Any = VALUE
        if source == "GRAY":
            return ref.call("image.grayscale_to_rgb", value)
        last, axis = (have.rank or 1) - 1, -1
        colours = ref.call("slice", value, [0] * (last + 1), [*[-1] * last, 3])
        if source[0] != target[0] and not (target == "GRAY" and source[0] == "R"):
            colours = ref.call("reverse", colours, [axis])
        if target == "GRAY":
            return ref.call("image.rgb_to_grayscale", colours)
        if _COLOURS[target] == 3:
            return colours
        alpha = ref.call("slice", value, [*[0] * last, 3], [*[-1] * last, 1])
        return ref.call("concat", [colours, alpha], axis)
