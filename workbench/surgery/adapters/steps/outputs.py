"""What readers want of an output: softmax, sigmoid, argmax, top-k, labels, threshold, slice, as-string."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar

from workbench.disk import dtypes
from workbench.names import count, show
from workbench.surgery.adapters import reference as ref
from workbench.surgery.adapters.adapter import Adapter, register
from workbench.surgery.adapters.arguments import (
    FILE,
    INDEX,
    NUMBER,
    SIZE,
    TEXT,
    Kind,
    Unreadable,
    argument,
    option,
)
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.language import Word
from workbench.surgery.adapters.reference import VALUE, Json, Tolerance
from workbench.surgery.adapters.steps import line_file
from workbench.surgery.adapters.steps.numeric import Cast
from workbench.surgery.adapters.tensor_type import Problem, State, TensorType

_SCORES = "numbers with the classes in the last dimension"
_CLOSE = Tolerance(absolute=1e-6, relative=1e-5)


@dataclass(frozen=True, slots=True)
class _OnScores(Adapter):
    """What works along the last dimension."""

    BY_ROW: ClassVar[bool] = False

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the same type."""
        if have.is_number and have.shape != ():
            return have
        return Problem(self.TAKES, "Add `reshape ?` before it." if have.is_number else None)


@register
@dataclass(frozen=True, slots=True)
class Softmax(_OnScores):
    """Make shares that sum up to 1 of scores, along the last dimension."""

    NAME: ClassVar[str] = "softmax"
    TAKES: ClassVar[str] = _SCORES
    TOLERANCE: ClassVar[Tolerance] = _CLOSE

    def source(self, made: TensorType) -> TensorType | None:
        """Return the same type."""
        return made

    def needs(self, have: TensorType) -> tuple[Adapter, ...]:
        """Return a cast of integers to float32."""
        return (Cast("float32"),) if have.is_integer else ()

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a Softmax."""
        return graph.op("Softmax", tensor)

    def reference(self, have: TensorType) -> Json:
        """Return the definition: exponentials by their sum."""
        less = ref.call("subtract", VALUE, ref.call("reduce_max", VALUE, axis=-1, keepdims=True))
        powers = ref.call("exp", less)
        return ref.call("divide", powers, ref.call("reduce_sum", powers, axis=-1, keepdims=True))


@register
@dataclass(frozen=True, slots=True)
class Sigmoid(Adapter):
    """Make a share from 0 to 1 of each score."""

    NAME: ClassVar[str] = "sigmoid"
    TAKES: ClassVar[str] = "numbers"
    TOLERANCE: ClassVar[Tolerance] = _CLOSE
    BY_ROW: ClassVar[bool] = False

    def source(self, made: TensorType) -> TensorType | None:
        """Return the same type."""
        return made

    def needs(self, have: TensorType) -> tuple[Adapter, ...]:
        """Return a cast of integers to float32."""
        return (Cast("float32"),) if have.is_integer else ()

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the same type."""
        return have if have.is_float else Problem(self.TAKES)

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a Sigmoid."""
        return graph.op("Sigmoid", tensor)

    def reference(self, have: TensorType) -> Json:
        """Return `tf.sigmoid`."""
        return ref.call("sigmoid", VALUE)


@register
@dataclass(frozen=True, slots=True)
class Argmax(_OnScores):
    """Return the index of the largest score, along the last dimension."""

    NAME: ClassVar[str] = "argmax"
    TAKES: ClassVar[str] = _SCORES

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return int64 indices, a dimension less."""
        found = _OnScores.result(self, have)
        if isinstance(found, Problem):
            return found
        shape = None if have.shape is None else have.shape[:-1]
        return TensorType(dtypes.INT64, shape, have.rows and shape != (), have.last)

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add an ArgMax."""
        return graph.op("ArgMax", tensor, graph.const(-1, "int32", "axis"), output_type=dtypes.INT64)

    def reference(self, have: TensorType) -> Json:
        """Return `tf.argmax`."""
        return ref.call("argmax", VALUE, axis=-1)


@register
@dataclass(frozen=True, slots=True)
class TopK(_OnScores):
    """Return the largest scores in order, and their indices beside them."""

    NAME: ClassVar[str] = "top-k"
    TAKES: ClassVar[str] = _SCORES

    k: int = argument(SIZE, "how many")

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the scores."""
        found = _OnScores.result(self, have)
        if isinstance(found, Problem):
            return found
        if have.last is not None and have.last < self.k:
            return Problem(f"at least {count(self.k, 'class', 'classes')}", f"Write `top-k {have.last}`.")
        return have.with_shape(None if have.shape is None else (*have.shape[:-1], self.k))

    def apply(self, state: State) -> State | Problem:
        """Return scores, and `indices` as a companion."""
        found = self.result(state.main)
        if isinstance(found, Problem):
            return found
        indices = TensorType(dtypes.INT32, found.shape, found.rows, state.main.last)
        return State(found, {**state.companions, "indices": indices})

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a TopKV2; return its values."""
        return graph.op("TopKV2", tensor, graph.const(self.k, "int32", "k"))

    def build_all(self, graph: Fragment, tensors: Mapping[str, Tensor], state: State) -> dict[str, Tensor]:
        """Add a TopKV2; return values and indices."""
        values, indices = graph.outputs("TopKV2", tensors[""], graph.const(self.k, "int32", "k"))
        return {**tensors, "": values, "indices": indices}

    def reference(self, have: TensorType) -> Json:
        """Return the values of `tf.math.top_k`."""
        return {"pick": 0, "of": ref.call("math.top_k", VALUE, self.k)}

    def reference_all(self, state: State) -> dict[str, Json]:
        """Return the values and the indices of `tf.math.top_k`."""
        found = ref.call("math.top_k", VALUE, self.k)
        return {"": {"pick": 0, "of": found}, "indices": {"pick": 1, "of": found}}


@register
@dataclass(frozen=True, slots=True)
class Labels(Adapter):
    """Return the label of each index: the line of a file, from 0. After `top-k` the scores stay beside the labels."""

    NAME: ClassVar[str] = "labels"
    TAKES: ClassVar[str] = "int32 or int64 indices, or the result of `top-k`"
    BY_ROW: ClassVar[bool] = False

    file: str = argument(FILE, "a file with a label on each line")
    default: str = option(TEXT, "the label of an index without a line", "")

    def source(self, made: TensorType) -> TensorType | None:
        """Return int64 indices of the same shape."""
        return made.with_dtype("int64")

    def _indices(self, state: State) -> tuple[str, TensorType]:
        """Return the name and type of the tensor that holds indices."""
        if "indices" in state.companions:
            return "indices", state.companions["indices"]
        return "", state.main

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return strings of the same shape."""
        if have.name not in ("int32", "int64"):
            hint = "Add `argmax` or `top-k` before it." if have.is_float else None
            return Problem(self.TAKES, hint or ("Add `cast int64` before it." if have.is_integer else None))
        return TensorType(dtypes.STRING, have.shape, have.rows)

    def apply(self, state: State) -> State | Problem:
        """Return strings; after `top-k` as the companion `labels`."""
        name, have = self._indices(state)
        found = self.result(have)
        if isinstance(found, Problem):
            return found
        if not name:
            return State(found, state.companions)
        rest = {key: one for key, one in state.companions.items() if key != name}
        return State(state.main, {**rest, "labels": found})

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a table with the file as its asset."""
        if have.name != "int64":
            tensor = graph.op("Cast", tensor, DstT=dtypes.INT64)
        return line_file.add_table(graph, self.file, tensor, by_line=True, default=self.default.encode())

    def build_all(self, graph: Fragment, tensors: Mapping[str, Tensor], state: State) -> dict[str, Tensor]:
        """Add a table; return the labels in place of the indices."""
        name, have = self._indices(state)
        found = dict(tensors)
        built = self.build(graph, found.pop(name), have)
        return {**found, "labels" if name else "": built}

    def reference(self, have: TensorType) -> Json:
        """Return `tf.gather` of the lines. Reads the file."""
        return self._gathered(VALUE)

    def _gathered(self, index: Json) -> Json:
        lines = line_file.read_lines(self.file)
        number = ref.call("minimum", ref.cast(index, "int64"), ref.constant(len(lines), "int64"))
        return ref.call("gather", ref.strings([*lines, self.default.encode()]), number)

    def reference_all(self, state: State) -> dict[str, Json]:
        """Return the labels by name."""
        name, _ = self._indices(state)
        return {"labels" if name else "": self._gathered({"value": name})}

    @property
    def files(self) -> tuple[str, ...]:
        """The labels."""
        return (self.file,)

    def check_files(self, state: State) -> Iterator[str]:
        """Yield that the file can't be read, is empty, or has another number of lines than there are classes."""
        found = list(line_file.problems(self.file))
        yield from found
        below = self._indices(state)[1].below
        lines = 0 if found else len(line_file.read_lines(self.file))
        if not found and below is not None and lines != below:
            yield (
                f"{show(self.file)} has {count(lines, 'line')}; the output has {count(below, 'class', 'classes')}. "
                "Give a file with a line for each class."
            )


@register
@dataclass(frozen=True, slots=True)
class Threshold(Adapter):
    """Return whether each score is at least a number."""

    NAME: ClassVar[str] = "threshold"
    TAKES: ClassVar[str] = "numbers"
    BY_ROW: ClassVar[bool] = False

    least: Fraction = argument(NUMBER, "the least score that counts", default=Fraction(1, 2))

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return bools of the same shape."""
        if not have.is_number:
            return Problem(self.TAKES)
        if have.is_integer and self.least.denominator != 1:
            return Problem("a whole number for integers", "Add `cast float32` before it.", f"`{self}`")
        return replace(have.with_dtype("bool"), below=None)

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a GreaterEqual."""
        return graph.op("GreaterEqual", tensor, graph.const(self.least, have.dtype, "least"))

    def reference(self, have: TensorType) -> Json:
        """Return `tf.greater_equal`."""
        return ref.call("greater_equal", VALUE, ref.number(self.least, have.name))


_SPAN = re.compile(r"(-?[0-9]{1,9})?:(-?[0-9]{1,9})?\Z")
_COLUMN = re.compile(r"-?[0-9]{1,9}\Z")


class _Columns(Kind):
    takes = "a column (3), or a part START:STOP of which either may be left out"

    def read(self, word: Word) -> str:
        if word.file or not (_COLUMN.match(word.text) or _SPAN.match(word.text)):
            raise Unreadable
        return word.text


@register
@dataclass(frozen=True, slots=True)
class Slice(Adapter):
    """Return one column, or a part of the columns, of the last dimension."""

    NAME: ClassVar[str] = "slice"
    TAKES: ClassVar[str] = "a tensor with a last dimension"

    columns: str = argument(_Columns(), "3: one column; 0:3, 1: or :-1: a part")

    def _bounds(self) -> tuple[int | None, int | None, bool]:
        """Return start, stop, and whether it is one column."""
        if ":" not in self.columns:
            return int(self.columns), None, True
        start, _, stop = self.columns.partition(":")
        return int(start) if start else None, int(stop) if stop else None, False

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the columns; one alone has a dimension less."""
        if have.shape is None:
            return have
        if not have.shape:
            return Problem(self.TAKES)
        start, stop, one = self._bounds()
        size = have.last
        if one:
            assert start is not None
            if size is not None and not -size <= start < size:
                return Problem(f"a last dimension with column {start}")
            shape = have.shape[:-1]
            return replace(have.with_shape(shape), rows=have.rows and shape != ())
        width = None if size is None else len(range(*slice(start, stop).indices(size)))
        if width == 0:
            return Problem(f"a last dimension with columns {self.columns}")
        return have.with_shape((*have.shape[:-1], width))

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a StridedSlice behind an ellipsis."""
        start, stop, one = self._bounds()
        end = (start or 0) + 1 if one else stop or 0
        masks: dict[str, Any] = {"ellipsis_mask": 1}
        if one:
            masks["shrink_axis_mask"] = 2
        else:
            masks |= {"begin_mask": 2 if start is None else 0, "end_mask": 2 if stop is None else 0}
        bounds = (graph.const([0, at], "int32", "at") for at in (start or 0, end))
        return graph.op("StridedSlice", tensor, *bounds, graph.const([1, 1], "int32", "step"), **masks)

    def reference(self, have: TensorType) -> Json:
        """Return `tf.gather` along the last dimension."""
        start, stop, one = self._bounds()
        size: Json = {"pick": -1, "of": ref.call("shape", VALUE)}
        if one:
            index: Any = start if (start or 0) >= 0 else ref.call("add", size, start)
            return ref.call("gather", VALUE, index, axis=-1)
        everything = ref.call("range", size)
        return ref.call("gather", VALUE, {"slice": [start, stop], "of": everything}, axis=-1)


@register
@dataclass(frozen=True, slots=True)
class AsString(Adapter):
    """Write numbers as text."""

    NAME: ClassVar[str] = "as-string"
    TAKES: ClassVar[str] = "numbers or bools"
    BY_ROW: ClassVar[bool] = False

    digits: int | None = option(INDEX, "digits behind the point; 6 by default", None)

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return strings of the same shape."""
        if not have.is_number and have.dtype != dtypes.BOOL:
            return Problem(self.TAKES, "Remove it." if have.is_string else None)
        if self.digits is not None and not have.is_float:
            return Problem("floating-point numbers for digits", "Remove digits.")
        return TensorType(dtypes.STRING, have.shape, have.rows)

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add an AsString."""
        return graph.op("AsString", tensor, precision=-1 if self.digits is None else self.digits)

    def reference(self, have: TensorType) -> Json:
        """Return `tf.strings.as_string`."""
        return ref.call("strings.as_string", VALUE, precision=-1 if self.digits is None else self.digits)
