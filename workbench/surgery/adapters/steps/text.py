"""Text: `lowercase`, `regex-replace`, `split`, `lookup`, `parse-number`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from workbench.disk import dtypes
from workbench.surgery.adapters import reference as ref
from workbench.surgery.adapters.adapter import Adapter, register
from workbench.surgery.adapters.arguments import FILE, FLAG, INTEGER, SIZE, TEXT, Choice, argument, option
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.reference import VALUE, Json
from workbench.surgery.adapters.steps import line_file
from workbench.surgery.adapters.tensor_type import Problem, State, TensorType

_STRINGS = "strings"


@dataclass(frozen=True, slots=True)
class _OnStrings(Adapter):
    """What takes strings, by element."""

    BY_ROW: ClassVar[bool] = False

    def source(self, made: TensorType) -> TensorType | None:
        """Return strings of the same shape."""
        return made.with_dtype("string")

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the same type."""
        if have.is_string:
            return have
        return Problem(self.TAKES, "Add `as-string` before it." if have.is_number else None)


@register
@dataclass(frozen=True, slots=True)
class Lowercase(_OnStrings):
    """Make letters lower case."""

    NAME: ClassVar[str] = "lowercase"
    TAKES: ClassVar[str] = _STRINGS

    encoding: str = option(Choice("ascii", "utf-8"), "utf-8: all letters; ascii: A to Z only", "ascii")

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a StringLower."""
        return graph.op("StringLower", tensor, encoding=self._encoding())

    def _encoding(self) -> str:
        return "" if self.encoding == "ascii" else self.encoding

    def reference(self, have: TensorType) -> Json:
        """Return `tf.strings.lower`."""
        return ref.call("strings.lower", VALUE, encoding=self._encoding())


@register
@dataclass(frozen=True, slots=True)
class RegexReplace(_OnStrings):
    """Replace what matches a regular expression (RE2)."""

    NAME: ClassVar[str] = "regex-replace"
    TAKES: ClassVar[str] = _STRINGS

    pattern: str = argument(TEXT, "the regular expression")
    rewrite: str = argument(TEXT, r"what stands in its place; \1 is the first group")
    first_only: bool = option(FLAG, "replace the first match only", False)

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a StaticRegexReplace."""
        return graph.op(
            "StaticRegexReplace",
            tensor,
            pattern=self.pattern,
            rewrite=self.rewrite,
            replace_global=not self.first_only,
        )

    def reference(self, have: TensorType) -> Json:
        """Return `tf.strings.regex_replace`."""
        return ref.call(
            "strings.regex_replace", VALUE, self.pattern, self.rewrite, replace_global=not self.first_only
        )


@register
@dataclass(frozen=True, slots=True)
class Split(_OnStrings):
    """Split each string into words, filled up with empty strings to one length."""

    NAME: ClassVar[str] = "split"
    TAKES: ClassVar[str] = "one string, or a vector of strings"

    separator: str = argument(TEXT, "what stands between words; white space by default", default="")
    length: int | None = option(SIZE, "how many words a row has: cut or filled up", None)

    def source(self, made: TensorType) -> TensorType | None:
        """Return one string for each row of words."""
        return made.with_shape(made.shape[:-1]).with_dtype("string") if made.shape else None

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return a dimension more: the words."""
        found = _OnStrings.result(self, have)
        if isinstance(found, Problem):
            return found
        if have.shape is None or len(have.shape) > 1:
            rank = have.rank
            return Problem(
                self.TAKES, f"Add `{'reshape ?' if rank != 2 or have.last != 1 else 'squeeze 1'}` before it."
            )
        return have.with_shape((*have.shape, self.length))

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a StringSplitV2, then nodes that make a dense tensor of it."""
        scalar = have.shape == ()
        if scalar:
            tensor = graph.op("ExpandDims", tensor, graph.const(0, "int32", "axis"))
        separator = graph.const(self.separator.encode(), "string", "separator")
        indices, values, shape = graph.outputs("StringSplitV2", tensor, separator)
        empty = graph.const(b"", "string", "empty")
        dense = graph.op("SparseToDense", indices, shape, values, empty)
        if self.length is not None:
            dense = self._cut(graph, dense, shape, empty)
        return graph.op("Squeeze", dense, squeeze_dims=[0]) if scalar else dense

    def _cut(self, graph: Fragment, dense: Tensor, shape: Tensor, empty: Tensor) -> Tensor:
        length = self.length or 0
        zero = graph.const([0, 0], "int64", "zero")
        limit = graph.op("Minimum", shape, graph.const([(1 << 63) - 1, length], "int64", "length"))
        cut = graph.op("Slice", dense, zero, limit, name="cut")
        missing = graph.op("Sub", graph.const([0, length], "int64", "wanted"), limit, name="missing")
        after = graph.op("Maximum", missing, zero, name="after")
        paddings = graph.op("Pack", [zero, after], name="paddings", axis=1)
        padded = graph.op("PadV2", cut, paddings, empty)
        return graph.op("EnsureShape", padded, shape=(None, length))

    def reference(self, have: TensorType) -> Json:
        """Return `tf.strings.split` as a dense tensor."""
        value = ref.call("reshape", VALUE, [-1])
        words: Any = ref.call("strings.split", value, sep=self.separator or None)
        shape = None if self.length is None else [None, self.length]
        found = ref.call("RaggedTensor.to_tensor", words, default_value="", shape=shape)
        return ref.call("squeeze", found, axis=[0]) if have.shape == () else found


@register
@dataclass(frozen=True, slots=True)
class Lookup(_OnStrings):
    """Look words up in a vocabulary: the number of the line, from 0."""

    NAME: ClassVar[str] = "lookup"
    TAKES: ClassVar[str] = _STRINGS

    vocabulary: str = argument(FILE, "a file with a word on each line")
    default: int = option(INTEGER, "the number of unknown words", -1)

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return int64 numbers."""
        found = _OnStrings.result(self, have)
        return found if isinstance(found, Problem) else found.with_dtype("int64")

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a table with the file as its asset."""
        return line_file.add_table(graph, self.vocabulary, tensor, by_line=False, default=self.default)

    def reference(self, have: TensorType) -> Json:
        """Return a comparison with every word: no table. Reads the file."""
        words = line_file.read_lines(self.vocabulary)
        same = ref.call("equal", ref.call("expand_dims", VALUE, -1), ref.strings(words))
        number = ref.call("argmax", ref.cast(same, "int32"), axis=-1)
        unknown = ref.call("multiply", ref.call("ones_like", number), ref.constant(self.default, "int64"))
        return ref.call("where", ref.call("reduce_any", same, axis=-1), number, unknown)

    @property
    def files(self) -> tuple[str, ...]:
        """The vocabulary."""
        return (self.vocabulary,)

    def check_files(self, state: State) -> Iterator[str]:
        """Yield that the file can't be read, is empty, or has words twice."""
        found = list(line_file.problems(self.vocabulary))
        yield from found or line_file.duplicates(self.vocabulary)


@register
@dataclass(frozen=True, slots=True)
class ParseNumber(_OnStrings):
    """Read numbers that are written as text."""

    NAME: ClassVar[str] = "parse-number"
    TAKES: ClassVar[str] = _STRINGS

    dtype: str = argument(
        Choice("float32", "float64", "int32", "int64"), "dtype of the numbers", default="float32"
    )

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return numbers of the same shape."""
        if have.is_number:
            return Problem(self.TAKES, f"Write `cast {self.dtype}` instead.")
        found = _OnStrings.result(self, have)
        return found if isinstance(found, Problem) else found.with_dtype(self.dtype)

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add a StringToNumber."""
        return graph.op("StringToNumber", tensor, out_type=dtypes.enum(self.dtype))

    def reference(self, have: TensorType) -> Json:
        """Return `tf.strings.to_number`."""
        return ref.call("strings.to_number", VALUE, out_type=ref.dtype(self.dtype))
