"""Single values to the graph's taste: numbers, words, pictures, Examples, and what wraps them."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.disk import dtypes, schema
from workbench.names import show
from workbench.runtime.inputs import images
from workbench.runtime.inputs.example_messages import feature_of, field_bytes, map_entry
from workbench.runtime.inputs.facts import (
    Base64,
    Compressed,
    Csv,
    Example,
    Facts,
    Feature,
    Fields,
    Image,
    JsonExample,
    Number,
    ParsedTensor,
    Raw,
    SequenceExample,
    Sliced,
    Text,
    Wav,
)

if TYPE_CHECKING:
    import numpy as np

    Generator = np.random.Generator

_INTEGERS = frozenset(
    {"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "int4", "uint4"}
)
_QUANTISED = {
    "qint8": (-128, 128),
    "quint8": (0, 256),
    "qint16": (-(1 << 15), 1 << 15),
    "quint16": (0, 1 << 16),
    "qint32": (-(1 << 24), 1 << 24),
}
_ORDER = (
    Image, Base64, Example, SequenceExample, JsonExample, Compressed, Csv, Fields, Sliced, Number, Raw, Wav,
    ParsedTensor,
)  # fmt: skip
_WORDS = "a the one two red green blue cat dog sun moon good bad new old day night yes no".split()  # noqa: SIM905
_FEW = 8
_DIGITS = 20
_LARGEST = 1_000_000
_SOUND_RATE, _SHORT_SOUND, _LONGEST_SOUND = 16_000, 1_600, 480_000
_CHANNELS = {1: "grey", 2: "grey and alpha", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True, slots=True)
class Width:
    """How far values reach, where it differs from the style's.

    Attributes:
        factor: floats lie around 0, this many times as far out as the style has them; integers reach this much
            higher. 1 for the style's own.
        low, high: the part of the range that is used.
        smooth: pictures have large patches of one colour.
    """

    factor: float = 1.0
    low: float = 0.0
    high: float = 1.0
    smooth: bool = False

    def within(self, low: int, high: int) -> tuple[int, int]:
        """The part of a range of integers, the upper end excluded."""
        start = low + int((high - low) * self.low)
        return start, max(low + int((high - low) * self.high), start + 1)


WIDTHS = (
    Width(),
    Width(10.0),
    Width(1e3),
    Width(1e6),
    Width(low=0.0, high=0.1, smooth=True),
    Width(low=0.8, high=1.0, smooth=True),
    Width(smooth=True),
)
"""The usual one, then those that are tried where an output does not move."""


@dataclass(frozen=True, slots=True)
class Style:
    """What one variant tries where the graph says nothing.

    Attributes:
        side: of a picture behind a decoder.
        plane: height and width of a picture given as numbers.
        dim: any other unknown size; None for that of the batch, so that all of them fit each other.
        low, high: integers from `low`, below `high`.
        spread: floats reach from 0 to it, or around 0 if it is negative.
        rank: for an unknown rank.
        words: in a text.
        text_rank: of strings of an unknown rank.
        flag: a scalar bool.
        batches: the batch sizes, one sample each.
        width: how far values reach.
    """

    side: int
    plane: int
    dim: int | None
    low: int
    high: int
    spread: float
    rank: int
    words: int
    text_rank: int
    flag: bool
    batches: tuple[int, ...]
    width: Width = WIDTHS[0]


STYLES = (
    Style(16, 32, 8, 0, 8, 1.0, 2, 3, 1, False, (2, 3)),
    Style(28, 64, 4, 1, 4, -1.0, 1, 1, 0, False, (1, 1)),
    Style(32, 224, 1, 0, 2, 10.0, 4, 6, 1, True, (2, 3)),
    Style(64, 16, 32, 0, 100, 255.0, 0, 2, 0, False, (1, 1)),
    Style(224, 299, 16, 1, 2, -8.0, 3, 12, 2, True, (1, 4)),
    Style(299, 8, 128, 0, 1000, 1.0, 1, 1, 1, False, (1, 2)),
    Style(16, 32, None, 1, 3, 1.0, 2, 3, 1, False, (2, 3)),
    Style(64, 512, 2_048, 0, 8, -1.0, 2, 64, 1, False, (1, 2)),
    Style(64, 512, 16_000, 0, 8, -1.0, 2, 64, 1, False, (1, 2)),
)
"""One a variant, the likeliest first; the last ones for what needs a stretch of sound or text."""
LONG_VARIANTS = (7, 8)
"""Variants with long inputs, tried one by one where nothing runs or nothing comes out of shorter ones."""


# ---------------------------------------------------------------- numbers


def numbers(
    facts: Facts, dtype: int, count: int, rng: Generator, style: Style
) -> tuple[np.ndarray[Any, Any], str]:
    """`count` numbers (or bools) of a dtype, and how they were made."""
    import numpy as np

    name = dtypes.name(dtype)
    target = dtypes.numpy(dtype) or np.dtype("float32")
    if name == "bool":
        values = (
            rng.random(count) < (style.width.low + style.width.high) / 2
            if count != 1
            else np.array([style.flag])
        )
        return values, "random booleans" if count != 1 else str(style.flag).lower()
    if facts.keys and not isinstance(facts.keys[0], bytes):
        return np.array(rng.choice(facts.keys, count)).astype(target), "keys of its lookup table"
    if facts.axis:
        return np.zeros(count, dtype=target), "0, a dimension's number"
    if facts.certain is not None and count == 1:
        return np.full(
            count, facts.certain, target
        ), f"{facts.certain:g}, so that nothing is dropped at random"
    if facts.limit is not None:
        return rng.integers(0, facts.limit, count).astype(target), f"indices below {facts.limit}"
    if facts.size:
        return rng.integers(1, 4, count).astype(target), "small sizes"
    if name == "uint8" or name in _QUANTISED:
        low, high = style.width.within(*_QUANTISED.get(name, (0, 256)))
        kind = "" if name == "uint8" else "quantised, "
        return rng.integers(low, high, count).astype(target), f"{kind}{low:,} to {high - 1:,}"
    if name in _INTEGERS:
        high = min(int(style.high * style.width.factor), 127 if target.itemsize == 1 else _LARGEST)
        high = min(high, 8) if target.itemsize == 1 and style.width.factor == 1.0 else high
        return rng.integers(style.low, high, count).astype(target), f"integers {style.low} to {high - 1}"
    return _floats(facts, target, count, rng, style)


def _floats(
    facts: Facts, target: np.dtype[Any], count: int, rng: Generator, style: Style
) -> tuple[np.ndarray[Any, Any], str]:
    import numpy as np

    spread, width = style.spread if facts.scale == 1.0 else facts.scale, style.width
    if spread < 0 or width.factor != 1.0:
        spread = min(
            abs(spread) * width.factor, float(np.finfo(target).max) / 100 if target.kind == "f" else np.inf
        )
        return rng.normal(0, spread, count).astype(target), f"numbers around 0, spread {spread:g}"
    low, high = width.low * spread, width.high * spread
    values = low + rng.random(count) * (high - low)
    if target.kind == "c":
        return (values + 1j * rng.random(count)).astype(target), f"complex numbers 0 to {spread:g}"
    return values.astype(target), f"numbers {low:g} to {high:g}"


# ---------------------------------------------------------------- texts

Make = Callable[[], bytes]


def texts(facts: Facts, rng: Generator, style: Style) -> tuple[Make, str]:
    """A maker of strings of the likeliest format, and a note on what it makes."""
    for kind in _ORDER:
        for text in facts.texts:
            if isinstance(text, kind):
                return _MAKERS[kind](text, rng, style)
    if facts.keys:
        keys = [key for key in facts.keys if isinstance(key, bytes)]
        if keys:
            return lambda: keys[int(rng.integers(len(keys)))], "keys of its lookup table"
    return lambda: " ".join(rng.choice(_WORDS, style.words)).encode(), "words"


def _image(image: Image, rng: Generator, style: Style) -> tuple[Make, str]:
    height = image.side or style.side
    width = image.width or height
    channels = image.channels or 3

    def make() -> bytes:
        colours = rng.integers(
            *style.width.within(0, 256), (height // images.BLOCK + 1, width // images.BLOCK + 1, 4)
        ).tolist()

        def pixels(x: int, y: int) -> list[int]:
            return [int(level) for level in colours[y][x]]

        if image.format == "gif":
            return images.gif(width, height, pixels)
        if image.format == "bmp":
            return images.bmp(width, height, 4 if channels == 4 else 3, pixels)
        if image.format == "jpeg":
            return images.jpeg(width, height, channels, pixels)
        return images.png(width, height, channels, pixels)

    return make, f"a {width} by {height} {_CHANNELS.get(channels, 'RGB')} {image.format.upper()}"


def _base64(text: Base64, rng: Generator, style: Style) -> tuple[Make, str]:
    inner, note = texts(text.inner, rng, style)
    return lambda: base64.urlsafe_b64encode(inner()), f"{note}, as web-safe base64"


def _number(text: Number, rng: Generator, style: Style) -> tuple[Make, str]:
    def make() -> bytes:
        value = numbers(text.inner, text.dtype, 1, rng, style)[0][0]
        return f"{value:.6g}".encode() if value.dtype.kind == "f" else str(int(value)).encode()

    return make, f"{numbers(text.inner, text.dtype, 0, rng, style)[1]}, as text"


def _raw(text: Raw, rng: Generator, style: Style) -> tuple[Make, str]:
    count = text.count or style.dim or _FEW

    def make() -> bytes:
        return numbers(Facts(), text.dtype, count, rng, style)[0].tobytes()

    return make, f"the bytes of {count} {dtypes.name(text.dtype)}"


def _compressed(text: Compressed, rng: Generator, style: Style) -> tuple[Make, str]:
    inner, note = texts(text.inner, rng, style)

    def make() -> bytes:
        if not text.kind:
            return inner()
        packer = zlib.compressobj(wbits=31 if text.kind == "GZIP" else 15)
        return packer.compress(inner()) + packer.flush()

    return make, f"{note}, compressed"


def _csv(text: Csv, rng: Generator, style: Style) -> tuple[Make, str]:
    def make() -> bytes:
        return text.delimiter.encode().join(_field(facts, dtype, rng, style) for dtype, facts in text.fields)

    return make, f"lines of {len(text.fields)} fields"


def _field(facts: Facts, dtype: int, rng: Generator, style: Style) -> bytes:
    if dtype == dtypes.STRING:
        return texts(facts, rng, style)[0]()
    return _number(Number(dtype, facts), rng, style)[0]()


def _wav(text: Wav, rng: Generator, style: Style) -> tuple[Make, str]:
    """A tone in noise, each of its own pitch and loudness."""
    count = min(text.samples or (_SHORT_SOUND if style is STYLES[0] else _SOUND_RATE), _LONGEST_SOUND)

    def make() -> bytes:
        import numpy as np

        loud, step = rng.uniform(1000, 12000), rng.uniform(0.02, 1.5)
        tone = loud * np.sin(np.arange(count) * step)[:, None] + rng.normal(0, 800, (count, text.channels))
        return images.wav(tone.astype(np.int16).reshape(-1).tolist(), text.channels)

    return make, f"a WAV of {count / _SOUND_RATE:g} s"


def _fields(text: Fields, rng: Generator, style: Style) -> tuple[Make, str]:
    count = text.count or 3
    inner, note = texts(text.inner, rng, style)
    separator = text.separator.encode("utf-8", "surrogateescape") or b" "
    return lambda: separator.join(inner() for _ in range(count)), f"{count} times {note}"


def _sliced(text: Sliced, rng: Generator, style: Style) -> tuple[Make, str]:
    """The slice in a run of digits: other slices of the same string are often read as numbers too."""
    numeric = any(isinstance(one, Number) for one in text.inner.texts)
    inner, note = texts(text.inner, rng, style)
    length = max(text.length, 0)

    def digits(count: int) -> bytes:
        return bytes(rng.integers(ord("1"), ord("9") + 1, count).tolist())

    def make() -> bytes:
        middle = digits(length or _DIGITS) if numeric else inner()
        return digits(text.start) + middle + digits(max(_DIGITS - text.start - len(middle), 0))

    return make, "digits" if numeric else f"{note}, from character {text.start} on"


def _tensor(text: ParsedTensor, rng: Generator, style: Style) -> tuple[Make, str]:
    dims = (
        [text.inner.dims.get(-1) or style.dim or _FEW]
        if text.inner.rank != 2
        else [2, text.inner.dims.get(-1) or style.dim or _FEW]
    )

    def make() -> bytes:
        tensor = schema.TensorProto(dtype=text.dtype)
        count = 1
        for size in dims:
            tensor.tensor_shape.dim.add(size=size)
            count *= size
        if text.dtype == dtypes.STRING:
            inner = texts(text.inner, rng, style)[0]
            tensor.string_val.extend(inner() for _ in range(count))
        else:
            tensor.tensor_content = numbers(text.inner, text.dtype, count, rng, style)[0].tobytes()
        data: bytes = tensor.SerializeToString()
        return data

    return make, f"a serialised {dtypes.name(text.dtype)} tensor"


# ---------------------------------------------------------------- Examples


def _example(text: Example, rng: Generator, style: Style) -> tuple[Make, str]:
    note = f"a serialised Example with {_keys(text.features)}" if text.features else "an empty Example"
    return lambda: _features(text.features, rng, style), note


def _sequence(text: SequenceExample, rng: Generator, style: Style) -> tuple[Make, str]:
    """A `SequenceExample` (`example.proto`): context 1, feature_lists 2; all lists of one are of the same length."""

    def make() -> bytes:
        steps, entries = int(rng.integers(2, 5)), b""
        for feature in text.lists:
            rows = b"".join(field_bytes(1, _feature(feature, rng, style)) for _ in range(steps))
            entries += map_entry(feature.key, rows)
        context = _features(text.context, rng, style) if text.context else b""
        return context + field_bytes(2, entries)

    return make, f"a serialised SequenceExample with {_keys((*text.context, *text.lists))}"


def _features(features: Sequence[Feature], rng: Generator, style: Style) -> bytes:
    """Features as field 1, which they are of an Example and of a SequenceExample."""
    return field_bytes(
        1, b"".join(map_entry(feature.key, _feature(feature, rng, style)) for feature in features)
    )


def _keys(features: Sequence[Feature]) -> str:
    return ", ".join(show(feature.key) for feature in features[:8]) + (", …" if len(features) > 8 else "")


def _values(feature: Feature, rng: Generator, style: Style) -> list[Any]:
    """The values of a feature as Python objects; a dense one has just as many as its shape says."""
    count = 2
    if feature.shape is not None:
        count = 1
        for size in feature.shape:
            count *= 2 if size is None else size
    if feature.dtype == dtypes.STRING:
        make = texts(feature.facts, rng, style)[0]
        return [make() for _ in range(count)]
    values: list[Any] = numbers(feature.facts, feature.dtype, count, rng, style)[0].tolist()
    return values


def _feature(feature: Feature, rng: Generator, style: Style) -> bytes:
    """A `Feature` with made values."""
    return feature_of(feature.dtype, _values(feature, rng, style))


def _json(text: JsonExample, rng: Generator, style: Style) -> tuple[Make, str]:
    features = [
        feature for inner in text.inner.texts if isinstance(inner, Example) for feature in inner.features
    ]

    def make() -> bytes:
        found: dict[str, Any] = {}
        for feature in features:
            values = _values(feature, rng, style)
            if feature.dtype == dtypes.STRING:
                encoded = [base64.b64encode(value).decode() for value in values]
                found[feature.key] = {"bytesList": {"value": encoded}}
            elif feature.dtype == dtypes.FLOAT:
                found[feature.key] = {"floatList": {"value": values}}
            else:
                found[feature.key] = {"int64List": {"value": [str(value) for value in values]}}
        return json.dumps({"features": {"feature": found}}).encode()

    return make, "an Example as JSON"


_MAKERS: dict[type[Text], Callable[[Any, Generator, Style], tuple[Make, str]]] = {
    Image: _image,
    Base64: _base64,
    Number: _number,
    Raw: _raw,
    Compressed: _compressed,
    Csv: _csv,
    Wav: _wav,
    ParsedTensor: _tensor,
    Example: _example,
    SequenceExample: _sequence,
    JsonExample: _json,
    Fields: _fields,
    Sliced: _sliced,
}
