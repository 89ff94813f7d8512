"""Numbers: `cast`, `scale`, `mean`, `std`, `clamp`, `one-hot`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from workbench.disk import dtypes
from workbench.surgery.adapters import reference as ref
from workbench.surgery.adapters.adapter import Adapter, register
from workbench.surgery.adapters.arguments import DTYPE, FLAG, INTEGER, NUMBER, SIZE, argument, option
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.reference import VALUE, Json, Tolerance
from workbench.surgery.adapters.tensor_type import Problem, TensorType

_LIMITS = {"float16": 65504, "int8": (1 << 7) - 1, "uint8": (1 << 8) - 1, "int16": (1 << 15) - 1}
_LIMITS |= {"uint16": (1 << 16) - 1, "int32": (1 << 31) - 1, "uint32": (1 << 32) - 1}
_ROUNDING = Tolerance(absolute=1e-6, relative=1e-5)
_NUMBERS = "numbers"


@register
@dataclass(frozen=True, slots=True)
class Cast(Adapter):
    """Change the dtype as `tf.cast` does: fractions are cut off, numbers out of range wrap around."""

    NAME: ClassVar[str] = "cast"
    TAKES: ClassVar[str] = "numbers or bools"

    dtype: str = argument(DTYPE, "the new dtype")
    round: bool = option(FLAG, "round to the nearest whole number first", False)
    saturate: bool = option(FLAG, "take the nearest number that the dtype has", False)
    from_: str | None = option(DTYPE, "the dtype that it gets: what a new input takes", None)

    def source(self, made: TensorType) -> TensorType | None:
        """Return the same shape in the dtype that it gets."""
        return made if self.from_ is None else made.with_dtype(self.from_)

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the same shape in the new dtype."""
        if self.from_ is not None and have.name != self.from_:
            return Problem(self.from_, f"Write `from={have.name}`, or leave it out.")
        if have.is_string:
            return Problem(self.TAKES, f"Write `parse-number {self.dtype}` instead.")
        if not have.is_number and have.dtype != dtypes.BOOL:
            return Problem(self.TAKES)
        if (self.round or self.saturate) and have.dtype == dtypes.BOOL:
            return Problem(f"{_NUMBERS} for round and saturate")
        return have.with_dtype(self.dtype)

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a Cast, behind Round and the limits where they are asked for."""
        if self.round and have.is_float:
            tensor = graph.op("Round", tensor)
        if self.saturate:
            least, most = _limits(self.dtype, have)
            if least is not None:
                tensor = graph.op("Maximum", tensor, graph.const(least, have.dtype, "least"))
            if most is not None:
                tensor = graph.op("Minimum", tensor, graph.const(most, have.dtype, "most"))
        return graph.op("Cast", tensor, DstT=self.dtype)

    def reference(self, have: TensorType) -> Json:
        """Return `tf.cast` or `tf.saturate_cast`."""
        value = ref.call("round", VALUE) if self.round and have.is_float else VALUE
        return ref.call("saturate_cast" if self.saturate else "cast", value, ref.dtype(self.dtype))


def _limits(target: str, have: TensorType) -> tuple[int | None, int | None]:
    """Return the least and the largest number of a dtype, each None where the source has none beyond it.

    A limit that the source can't hold exactly is taken one step inside: 2³¹-1 is no float32.
    """
    most = _LIMITS.get(target)
    if target in ("int64", "uint64"):
        most = (1 << (63 if target == "int64" else 64)) - 1
    if most is None:
        return None, None
    least = 0 if target.startswith("u") else -most - (target.startswith("int"))
    own = {"bfloat16": 8, "float16": 11, "float32": 24, "float64": 53}.get(have.name)
    if own is not None:
        digits = most.bit_length()
        if digits > own:
            most -= (1 << (digits - own)) - 1
        if have.name == "float16":
            least, most = max(least, -65504), min(most, 65504)
        return least, most
    bits = int("".join(filter(str.isdigit, have.name)))
    unsigned = have.name.startswith("u")
    top = (1 << (bits - (not unsigned))) - 1
    bottom = 0 if unsigned else -top - 1
    return (least if least > bottom else None), (most if most < top else None)


@dataclass(frozen=True, slots=True)
class _OnFloats(Adapter):
    """What calculates with floating-point numbers; integers are cast by necessity."""

    def source(self, made: TensorType) -> TensorType | None:
        """Return the same type."""
        return made

    def needs(self, have: TensorType) -> tuple[Adapter, ...]:
        """Return a cast of integers to float32."""
        return (Cast("float32"),) if have.is_integer or have.dtype == dtypes.BOOL else ()

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the same type."""
        if have.is_string:
            return Problem(self.TAKES, "Add `parse-number` or a decoder before it.")
        return have if have.is_float else Problem(self.TAKES)


@register
@dataclass(frozen=True, slots=True)
class Scale(_OnFloats):
    """Multiply by a number, then add an offset."""

    NAME: ClassVar[str] = "scale"
    TAKES: ClassVar[str] = _NUMBERS
    TOLERANCE: ClassVar[Tolerance] = _ROUNDING

    by: Fraction = argument(NUMBER, "what to multiply by: 1/255")
    offset: Fraction = option(NUMBER, "what to add afterwards", Fraction(0))

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a Mul and, with an offset, an AddV2."""
        found = graph.op("Mul", tensor, graph.const(self.by, have.dtype, "by"))
        if self.offset:
            found = graph.op("AddV2", found, graph.const(self.offset, have.dtype, "offset"))
        return found

    def reference(self, have: TensorType) -> Json:
        """Return `tf.multiply` and `tf.add`."""
        found = ref.call("multiply", VALUE, ref.number(self.by, have.name))
        return ref.call("add", found, ref.number(self.offset, have.name)) if self.offset else found


@dataclass(frozen=True, slots=True)
class _ByChannel(_OnFloats):
    """One number for all, or one for each channel."""

    values: tuple[Fraction, ...] = argument(NUMBER, "one number, or one for each channel", many=True)
    axis: int = option(INTEGER, "the dimension of the channels", -1)

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the same type."""
        found = _OnFloats.result(self, have)
        if isinstance(found, Problem) or len(self.values) == 1:
            return found
        if have.shape is None:
            return found if self.axis == -1 else Problem(f"{self.TAKES} of a known rank for axis={self.axis}")
        if not -len(have.shape) <= self.axis < len(have.shape):
            return Problem(f"{self.TAKES} with a dimension {self.axis}")
        if have.shape[self.axis] not in (None, len(self.values)):
            return Problem(
                f"{len(self.values)} channels in dimension {self.axis}, one for each value",
                "Give one value, or one for each channel; axis=1 where channels come first.",
            )
        sizes = list(have.shape)
        sizes[self.axis] = len(self.values)
        return have.with_shape(tuple(sizes))

    def _shape(self, have: TensorType) -> list[int]:
        """Return the shape of the constant: the channels, then a 1 for each dimension behind."""
        if len(self.values) == 1:
            return []
        behind = 0 if self.axis == -1 else (len(have.shape or ()) - self.axis - 1) % len(have.shape or (0,))
        return [len(self.values), *[1] * behind]

    def _constant(self, graph: Fragment, have: TensorType) -> Tensor:
        shape = self._shape(have)
        if not shape:
            return graph.const(self.values[0], have.dtype, "value")
        return graph.const(self.values, have.dtype, "values", shape)

    def _reference(self, function: str, have: TensorType) -> Json:
        values = ref.constant([float(value) for value in self.values], have.name)
        return ref.call(function, VALUE, ref.call("reshape", values, self._shape(have)))


@register
@dataclass(frozen=True, slots=True)
class Mean(_ByChannel):
    """Subtract a mean: one number, or one for each channel."""

    NAME: ClassVar[str] = "mean"
    TAKES: ClassVar[str] = _NUMBERS
    TOLERANCE: ClassVar[Tolerance] = _ROUNDING

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a Sub."""
        return graph.op("Sub", tensor, self._constant(graph, have))

    def reference(self, have: TensorType) -> Json:
        """Return `tf.subtract`."""
        return self._reference("subtract", have)


@register
@dataclass(frozen=True, slots=True)
class Std(_ByChannel):
    """Divide by a standard deviation: one number, or one for each channel."""

    NAME: ClassVar[str] = "std"
    TAKES: ClassVar[str] = _NUMBERS
    TOLERANCE: ClassVar[Tolerance] = _ROUNDING

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the same type."""
        if not all(self.values):
            return Problem("numbers other than 0 to divide by", None, "0 as a standard deviation")
        return _ByChannel.result(self, have)

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a RealDiv."""
        return graph.op("RealDiv", tensor, self._constant(graph, have))

    def reference(self, have: TensorType) -> Json:
        """Return `tf.divide`."""
        return self._reference("divide", have)


@register
@dataclass(frozen=True, slots=True)
class Clamp(Adapter):
    """Take the nearest number between a least and a largest one."""

    NAME: ClassVar[str] = "clamp"
    TAKES: ClassVar[str] = _NUMBERS

    least: Fraction = argument(NUMBER, "the least number")
    most: Fraction = argument(NUMBER, "the largest number")

    def source(self, made: TensorType) -> TensorType | None:
        """Return the same type."""
        return made

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the same type."""
        if not have.is_number:
            return Problem(self.TAKES)
        if self.least > self.most:
            return Problem("a least number that is not above the largest", None, f"`{self}`")
        if have.is_integer and not all(_fits(value, have.name) for value in (self.least, self.most)):
            return Problem(
                f"whole numbers that {have.name} has", "Add `cast float32` before it.", f"`{self}`"
            )
        return have

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a Minimum and a Maximum."""
        most = graph.op("Minimum", tensor, graph.const(self.most, have.dtype, "most"))
        return graph.op("Maximum", most, graph.const(self.least, have.dtype, "least"))

    def reference(self, have: TensorType) -> Json:
        """Return `tf.clip_by_value`."""
        least, most = (ref.number(one, have.name) for one in (self.least, self.most))
        return ref.call("clip_by_value", VALUE, least, most)


def _fits(value: Fraction, dtype: str) -> bool:
    """Return whether an integer dtype has a number."""
    bits = int("".join(filter(str.isdigit, dtype)))
    if dtype.startswith("u"):
        return value.denominator == 1 and 0 <= value < 1 << bits
    return value.denominator == 1 and -(1 << (bits - 1)) <= value < 1 << (bits - 1)


@register
@dataclass(frozen=True, slots=True)
class OneHot(Adapter):
    """Make a vector of zeros with a one at each index; one dimension more."""

    NAME: ClassVar[str] = "one-hot"
    TAKES: ClassVar[str] = "int32, int64 or uint8 indices"

    depth: int = argument(SIZE, "how many classes there are")
    dtype: str = option(DTYPE, "dtype of the result", "float32")

    def source(self, made: TensorType) -> TensorType | None:
        """Return int64 indices, a dimension less."""
        return made.with_shape(made.shape[:-1]).with_dtype("int64") if made.shape else None

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return a dimension more, of the depth."""
        if have.name not in ("int32", "int64", "uint8"):
            hint = "Add `lookup @vocabulary` or `parse-number int64` before it." if have.is_string else None
            return Problem(self.TAKES, hint or ("Add `cast int64` before it." if have.is_number else None))
        if self.dtype == "bool":
            return Problem("a dtype of numbers", "Add `threshold 1` behind it.", "dtype=bool")
        shape = None if have.shape is None else (*have.shape, self.depth)
        return TensorType(dtypes.enum(self.dtype), shape, have.rows)

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a OneHot."""
        on, off = graph.const(1, self.dtype, "on"), graph.const(0, self.dtype, "off")
        return graph.op("OneHot", tensor, graph.const(self.depth, "int32", "depth"), on, off, axis=-1)

    def reference(self, have: TensorType) -> Json:
        """Return `tf.one_hot`."""
        return ref.call("one_hot", VALUE, self.depth, dtype=ref.dtype(self.dtype))
