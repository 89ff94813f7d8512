"""Sizes of images: `resize`, `crop`, `pad`, `letterbox`. Layout `[height,width,channels]`, alone or in a batch."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from workbench.surgery.adapters import reference as ref
from workbench.surgery.adapters.adapter import Adapter, register
from workbench.surgery.adapters.arguments import FLAG, INDEX, NUMBER, SIZE, Choice, argument, option
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.reference import VALUE, Json, Tolerance
from workbench.surgery.adapters.steps.image_type import TAKES as IMAGE
from workbench.surgery.adapters.steps.image_type import any_size, expected, image, runtime_sizes, span
from workbench.surgery.adapters.tensor_type import Problem, TensorType

_METHODS = Choice(
    *("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic")
)
_OPS = {
    "bilinear": "ResizeBilinear",
    "nearest": "ResizeNearestNeighbor",
    "bicubic": "ResizeBicubic",
    "area": "ResizeArea",
}
_KERNELS = {
    "bilinear": "triangle",
    "bicubic": "keyscubic",
}  # of ScaleAndTranslate; the others by their own names
_V1_METHODS = {"bilinear": 0, "nearest": 1, "bicubic": 2, "area": 3}  # tf.compat.v1.image.ResizeMethod


def _batched(graph: Fragment, tensor: Tensor, rank: int) -> Tensor:
    return tensor if rank == 4 else graph.op("ExpandDims", tensor, graph.const(0, "int32", "axis"))


def _unbatched(graph: Fragment, tensor: Tensor, rank: int) -> Tensor:
    return tensor if rank == 4 else graph.op("Squeeze", tensor, squeeze_dims=[0])


def _float_or_same(have: TensorType, method: str) -> TensorType:
    return have if method == "nearest" else have.with_dtype("float32")


def _add_resize(
    graph: Fragment, images: Tensor, size: Tensor, method: str, antialias: bool, grid: str = "half-pixel"
) -> Tensor:
    """Add the op of a resize method to a batch of images; `size` is height and width, int32."""
    if method in _OPS and not (antialias and method in _KERNELS):
        attrs: dict[str, Any] = {"align_corners": True} if grid == "align-corners" else {}
        if method != "area" and grid == "half-pixel":
            attrs["half_pixel_centers"] = True
        return graph.op(_OPS[method], images, size, **attrs)
    sizes = span(graph, graph.op("Shape", images), 1, 3, "sizes")
    scale = graph.op(
        "RealDiv",
        graph.op("Cast", size, DstT="float32", name="wanted"),
        graph.op("Cast", sizes, DstT="float32", name="found"),
    )
    zeros = graph.const([0.0, 0.0], "float32", "translation")
    kernel = _KERNELS.get(method, method)
    return graph.op("ScaleAndTranslate", images, size, scale, zeros, kernel_type=kernel, antialias=antialias)


@register
@dataclass(frozen=True, slots=True)
class Resize(Adapter):
    """Resize images as `tf.image.resize` does: float32, or the same dtype with `method=nearest`."""

    NAME: ClassVar[str] = "resize"
    TAKES: ClassVar[str] = IMAGE
    TOLERANCE: ClassVar[Tolerance] = Tolerance(absolute=1e-4, relative=1e-4)

    height: int = argument(SIZE, "rows of the result")
    width: int = argument(SIZE, "columns of the result")
    method: str = option(_METHODS, "how values between pixels are found", "bilinear")
    antialias: bool = option(FLAG, "smooth before making smaller", False)
    grid: str = option(
        Choice("half-pixel", "align-corners", "legacy"),
        "where pixels lie: half_pixel_centers as in TensorFlow 2; align_corners or neither as in TensorFlow 1",
        "half-pixel",
    )

    def source(self, made: TensorType) -> TensorType | None:
        """Return images of any size."""
        return any_size(made)

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return images of the size asked for."""
        found = image(have)
        if isinstance(found, Problem):
            return found
        if self.antialias and self.method in ("nearest", "area"):
            return Problem(
                "antialias with other methods",
                "Remove antialias=true.",
                f"method={self.method} antialias=true",
            )
        if self.grid != "half-pixel" and (self.antialias or self.method not in _OPS):
            return Problem(
                "bilinear, nearest, bicubic or area without antialias for this grid",
                "Remove grid.",
                f"grid={self.grid}",
            )
        return _float_or_same(have, self.method).with_shape(found.sized(self.height, self.width))

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add the op of the method."""
        rank = expected(have).rank
        images = _batched(graph, tensor, rank)
        size = graph.const([self.height, self.width], "int32", "size")
        return _unbatched(
            graph, _add_resize(graph, images, size, self.method, self.antialias, self.grid), rank
        )

    def reference(self, have: TensorType) -> Json:
        """Return `tf.image.resize`, that of TensorFlow 1 for its grids."""
        size = [self.height, self.width]
        if self.grid == "half-pixel":
            found = ref.call("image.resize", VALUE, size, method=self.method, antialias=self.antialias)
        else:
            corners = self.grid == "align-corners"
            found = ref.call(
                "compat.v1.image.resize", VALUE, size, method=_V1_METHODS[self.method], align_corners=corners
            )
        return ref.cast(found, _float_or_same(have, self.method).name)  # of the same size it keeps the dtype


@dataclass(frozen=True, slots=True)
class _Sized(Adapter):
    """What takes a part of an image or puts it on a larger one."""

    height: int = argument(SIZE, "rows of the result")
    width: int = argument(SIZE, "columns of the result")
    top: int | None = argument(INDEX, "row of the corner; in the middle by default", default=None)
    left: int | None = argument(INDEX, "column of the corner; in the middle by default", default=None)

    LARGER: ClassVar[bool]

    def source(self, made: TensorType) -> TensorType | None:
        """Return images of any size."""
        return any_size(made)

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return images of the size asked for."""
        found = image(have)
        if isinstance(found, Problem):
            return found
        for size, wanted, start in (
            (found.height, self.height, self.top),
            (found.width, self.width, self.left),
        ):
            if size is None:
                continue
            inner, outer = (size, wanted) if self.LARGER else (wanted, size)
            if inner + (start or 0) > outer:
                least = "at most" if self.LARGER else "at least"
                return Problem(f"an image of {least} this size", "Add `resize` before it.", str(have))
        return have.with_shape(found.sized(self.height, self.width))

    def _corner(self, graph: Fragment, tensor: Tensor, have: TensorType) -> list[Tensor]:
        """Return top and left, int32 scalars: as given, or half of what the sizes differ by."""
        found = expected(have)
        sizes: tuple[Tensor, Tensor] | None = None
        corner: list[Tensor] = []
        for at, (given, size, wanted) in enumerate(
            ((self.top, found.height, self.height), (self.left, found.width, self.width))
        ):
            if given is None and size is not None:
                given = abs(size - wanted) // 2
            if given is not None:
                corner.append(graph.const(given, "int32", "corner"))
                continue
            sizes = sizes or runtime_sizes(graph, tensor, found.rank)
            target = graph.const(wanted, "int32", "target")
            pair = (target, sizes[at]) if self.LARGER else (sizes[at], target)
            half = graph.const(2, "int32", "two")
            corner.append(graph.op("FloorDiv", graph.op("Sub", *pair), half, name="corner"))
        return corner


@register
@dataclass(frozen=True, slots=True)
class Crop(_Sized):
    """Take a part of each image: the middle, or from a corner."""

    NAME: ClassVar[str] = "crop"
    TAKES: ClassVar[str] = IMAGE
    LARGER: ClassVar[bool] = False

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a Slice, which fails where an image is smaller."""
        found = expected(have)
        zero = graph.const(0, "int32", "zero")
        before = [zero] * len(found.batch)
        begin = graph.op("Pack", [*before, *self._corner(graph, tensor, have), zero], name="begin")
        size = [*[-1] * len(found.batch), self.height, self.width, -1]
        cut = graph.op("Slice", tensor, begin, graph.const(size, "int32", "size"))
        return graph.op("EnsureShape", cut, shape=found.sized(self.height, self.width))

    def reference(self, have: TensorType) -> Json:
        """Return `tf.image.crop_to_bounding_box`, which refuses an image that is smaller."""
        corner = _reference_corner(self)
        return ref.call("image.crop_to_bounding_box", VALUE, *corner, self.height, self.width)


@register
@dataclass(frozen=True, slots=True)
class Pad(_Sized):
    """Put each image on a larger one: in the middle, or at a corner."""

    NAME: ClassVar[str] = "pad"
    TAKES: ClassVar[str] = IMAGE
    LARGER: ClassVar[bool] = True

    value: Fraction = option(NUMBER, "value of the pixels around", Fraction(0))

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return images of the size asked for."""
        found = _Sized.result(self, have)
        if isinstance(found, Problem):
            return found
        return _whole(self.value, have) or found

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a PadV2, which fails where an image is larger."""
        found = expected(have)
        height, width = runtime_sizes(graph, tensor, found.rank)
        zero = graph.const(0, "int32", "zero")
        pairs: list[Tensor] = [graph.op("Pack", [zero, zero], name="none")] * len(found.batch)
        for start, size, wanted in zip(
            self._corner(graph, tensor, have), (height, width), (self.height, self.width), strict=True
        ):
            end = graph.op("AddV2", start, size)
            after = graph.op("Sub", graph.const(wanted, "int32", "target"), end, name="after")
            pairs.append(graph.op("Pack", [start, after], name="around"))
        paddings = graph.op("Pack", [*pairs, graph.op("Pack", [zero, zero], name="none")], name="paddings")
        padded = graph.op("PadV2", tensor, paddings, graph.const(self.value, have.dtype, "value"))
        return graph.op("EnsureShape", padded, shape=found.sized(self.height, self.width))

    def reference(self, have: TensorType) -> Json:
        """Return `tf.image.pad_to_bounding_box` of the image less the value; it refuses an image that is larger."""
        less = ref.call("subtract", VALUE, ref.number(self.value, have.name)) if self.value else VALUE
        corner = _reference_corner(self)
        found = ref.call("image.pad_to_bounding_box", less, *corner, self.height, self.width)
        return ref.call("add", found, ref.number(self.value, have.name)) if self.value else found


def _reference_corner(adapter: _Sized) -> list[Json | int]:
    """Return top and left as given; centred as by `tf.image.resize_with_crop_or_pad`."""
    size = ref.call("shape", VALUE)
    corner: list[Json | int] = []
    for given, target, at in ((adapter.top, adapter.height, -3), (adapter.left, adapter.width, -2)):
        sizes: list[Json | int] = [{"pick": at, "of": size}, target]
        difference = ref.call("subtract", *(reversed(sizes) if adapter.LARGER else sizes))
        corner.append(ref.call("math.floordiv", difference, 2) if given is None else given)
    return corner


def _whole(value: Fraction, have: TensorType) -> Problem | None:
    """Return the problem of a value that integers can't hold."""
    if have.is_integer and (value.denominator != 1 or (have.name.startswith("u") and value < 0)):
        return Problem("whole numbers for this dtype", "Add `cast float32` before it.", f"value {value}")
    return None


@register
@dataclass(frozen=True, slots=True)
class Letterbox(Adapter):
    """Resize images so that they fit, keeping their proportions, and pad.

    As `tf.image.resize_with_pad`, but in whole numbers: its floats make 223 pixels of 224 for one size in forty.
    """

    NAME: ClassVar[str] = "letterbox"
    TAKES: ClassVar[str] = IMAGE
    TOLERANCE: ClassVar[Tolerance] = Tolerance(absolute=1e-3, relative=1e-4)

    height: int = argument(SIZE, "rows of the result")
    width: int = argument(SIZE, "columns of the result")
    method: str = option(_METHODS, "how values between pixels are found", "bilinear")
    antialias: bool = option(FLAG, "smooth before making smaller", False)
    value: Fraction = option(NUMBER, "value of the pixels around", Fraction(0))

    def source(self, made: TensorType) -> TensorType | None:
        """Return images of any size."""
        return any_size(made)

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return images of the size asked for."""
        found = self._resize().result(have)
        return (_whole(self.value, found) or found) if isinstance(found, TensorType) else found

    def _resize(self) -> Resize:
        return Resize(self.height, self.width, self.method, self.antialias)

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add nodes that find the size, resize, and pad."""
        found = expected(have)
        height, width = (
            graph.op("Cast", one, DstT="int64") for one in runtime_sizes(graph, tensor, found.rank)
        )
        wanted = [graph.const(one, "int64", "wanted") for one in (self.height, self.width)]
        one, zero = graph.const(1, "int64", "one"), graph.const(0, "int64", "zero")
        two = graph.const(2, "int64", "two")
        around = [graph.op("Pack", [zero, zero], name="none")]
        inner: list[Tensor] = []
        for size, other, target, beside in ((height, width, *wanted), (width, height, *reversed(wanted))):
            scaled = graph.op("Mul", size, beside)
            fitting = graph.op("Minimum", target, graph.op("FloorDiv", scaled, other))
            inner.append(graph.op("Maximum", one, fitting, name="inner"))
            left = graph.op("Sub", graph.op("Mul", target, other), scaled)
            before = graph.op("FloorDiv", left, graph.op("Mul", two, other))
            before = graph.op("Maximum", zero, before, name="before")
            after = graph.op("Sub", target, graph.op("AddV2", before, inner[-1]), name="after")
            around.append(graph.op("Pack", [before, after], name="around"))
        size = graph.op("Cast", graph.op("Pack", inner), DstT="int32", name="size")
        images = _batched(graph, tensor, found.rank)
        resized = _add_resize(graph, images, size, self.method, self.antialias)
        paddings = graph.op("Pack", [*around, around[0]], name="paddings")
        value = graph.const(self.value, resized.dtype, "value")
        padded = graph.op("PadV2", resized, paddings, value)
        shape = _batch_of(found.batch, self.height, self.width, found.channels)
        return _unbatched(graph, graph.op("EnsureShape", padded, shape=shape), found.rank)

    def reference(self, have: TensorType) -> Json:
        """Return `tf.image.resize` and `tf.image.pad_to_bounding_box` of the image less the value."""
        name = _float_or_same(have, self.method).name
        sizes = ref.cast(ref.call("shape", VALUE), "int64")
        height, width = ({"pick": at, "of": sizes} for at in (-3, -2))
        inner: list[Json] = []
        before: list[Json] = []
        for size, other, target, beside in (
            (height, width, self.height, self.width),
            (width, height, self.width, self.height),
        ):
            scaled = ref.call("multiply", size, beside)
            fitting = ref.call("minimum", target, ref.call("math.floordiv", scaled, other))
            inner.append(ref.call("maximum", 1, fitting))
            left = ref.call("subtract", ref.call("multiply", other, target), scaled)
            half = ref.call("math.floordiv", left, ref.call("multiply", other, 2))
            before.append(ref.cast(ref.call("maximum", 0, half), "int32"))
        size = ref.cast(ref.call("stack", inner), "int32")
        resized = ref.call("image.resize", VALUE, size, method=self.method, antialias=self.antialias)
        less = ref.call("subtract", ref.cast(resized, name), ref.number(self.value, name))
        padded = ref.call("image.pad_to_bounding_box", less, *before, self.height, self.width)
        return ref.call("add", padded, ref.number(self.value, name))


def _batch_of(
    batch: tuple[int | None, ...], height: int, width: int, channels: int | None
) -> tuple[int | None, ...]:
    """Return the shape of a batch: of one image, where there was none."""
    return (*(batch or (1,)), height, width, channels)
