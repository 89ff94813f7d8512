"""What the graph expects of an input, as data: bounds, sizes, and the formats that strings are read as."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from workbench.model import Shape


@dataclass(frozen=True, slots=True)
class Image:
    """Bytes of a picture.

    Attributes:
        format: `png`, `jpeg`, `gif` or `bmp`.
        channels: their number; 0 for any.
        side: its height, and its width where that is not known; None for any.
        width: its width; None where not known.
    """

    format: str
    channels: int
    side: int | None
    width: int | None = None


@dataclass(frozen=True, slots=True)
class Base64:
    """Web-safe base64 of something."""

    inner: Facts


@dataclass(frozen=True, slots=True)
class Number:
    """A number as text."""

    dtype: int
    inner: Facts


@dataclass(frozen=True, slots=True)
class Raw:
    """The bytes of an array, `count` elements."""

    dtype: int
    count: int | None


@dataclass(frozen=True, slots=True)
class Compressed:
    """Something through zlib or gzip."""

    kind: str
    inner: Facts


@dataclass(frozen=True, slots=True)
class Csv:
    """A line of fields."""

    delimiter: str
    fields: tuple[tuple[int, Facts], ...]


@dataclass(frozen=True, slots=True)
class Wav:
    """A sound; `samples` a channel, None for any number."""

    channels: int
    samples: int | None = None


@dataclass(frozen=True, slots=True)
class Fields:
    """Something several times in one string, with a separator (empty: white space) between; `count` None for any."""

    separator: str
    count: int | None
    inner: Facts


@dataclass(frozen=True, slots=True)
class Sliced:
    """A string of which `length` bytes from `start` on are something; negative for all the rest."""

    start: int
    length: int
    inner: Facts


@dataclass(frozen=True, slots=True)
class ParsedTensor:
    """A serialised TensorProto."""

    dtype: int
    inner: Facts


@dataclass(frozen=True, slots=True)
class Feature:
    """One key of an Example. A dense one has a shape; a sparse or ragged one any number of values."""

    key: str
    dtype: int
    shape: Shape
    facts: Facts


@dataclass(frozen=True, slots=True)
class Example:
    """A serialised `tf.train.Example`."""

    features: tuple[Feature, ...]
    single: bool


@dataclass(frozen=True, slots=True)
class SequenceExample:
    """A serialised `tf.train.SequenceExample`: features of the whole, and of each of its steps."""

    context: tuple[Feature, ...]
    lists: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class JsonExample:
    """An Example as JSON."""

    inner: Facts


Text = (
    Image
    | Base64
    | Number
    | Raw
    | Compressed
    | Csv
    | Wav
    | ParsedTensor
    | Example
    | SequenceExample
    | JsonExample
    | Fields
    | Sliced
)


@dataclass(slots=True)
class Facts:
    """What is known of an input.

    Attributes:
        limit: values are below it (an index).
        keys: values a lookup table knows.
        scale: values reach about this far; 1 where nothing says otherwise.
        size: it says how large something becomes.
        axis: it is the number of a dimension.
        certain: as the probability of a dropout, the value with which nothing is left to chance.
        texts: formats a string is read as.
        rank: number of dimensions.
        dims: sizes by dimension, counted from the end (-1 is the last).
        row: elements of all dimensions but the first, together.
        total: elements of all dimensions together.
        bounds: as rows of indices of a sparse tensor, what those in a column are below.
        picture: height and width that its values must have as a picture somewhere on the way; the largest.
    """

    limit: int | None = None
    keys: tuple[Any, ...] = ()
    scale: float = 1.0
    size: bool = False
    axis: bool = False
    certain: float | None = None
    texts: list[Text] = field(default_factory=list)
    rank: int | None = None
    dims: dict[int, int] = field(default_factory=dict)
    row: int | None = None
    total: int | None = None
    bounds: dict[int, int] = field(default_factory=dict)
    picture: tuple[int, int] | None = None

    def below(self, limit: int | None) -> None:
        """Adds an upper bound; the smallest counts."""
        if limit is not None and limit > 0:
            self.limit = limit if self.limit is None else min(self.limit, limit)

    def dim(self, place: int, size: int | None) -> None:
        """Adds the size of a dimension, counted from the end; the first found counts."""
        if size is not None and size > 0:
            self.dims.setdefault(place, size)
