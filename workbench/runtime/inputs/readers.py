"""The ops that read a string, and what each expects in it."""

from __future__ import annotations

from collections.abc import Callable

from workbench.disk import dtypes, optable
from workbench.disk.nodes import attr
from workbench.graph.level import Use, Value
from workbench.model import shapes
from workbench.runtime.inputs import flow
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

Follow = Callable[[Value, int], Facts]
"""Returns what the graph says of a value, at a depth of texts in texts."""
_MAX_PREFIX = 1 << 16
_IMAGES = {
    "DecodePng": "png",
    "DecodeImage": "png",
    "DecodeJpeg": "png",  # the kernel looks at the bytes, not at its name
    "DecodeAndCropJpeg": "jpeg",
    "ExtractJpegShape": "jpeg",
    "DecodeGif": "gif",
    "DecodeBmp": "bmp",
}


def _read_image(follow: Follow, use: Use, nested: int) -> Text:
    channels = int(use.node.attr["channels"].i) if "channels" in use.node.attr else 0
    facts = follow(use.output(), nested)
    side, elements = facts.dims.get(-3), facts.total or facts.row
    if side is None and elements is not None:
        for count in (channels,) if channels else (3, 1, 4):
            root = round((elements / count) ** 0.5)
            if root * root * count == elements:
                return Image(_IMAGES[use.op], count, root)
    if side is None and facts.picture is not None:
        return Image(_IMAGES[use.op], channels, *facts.picture)
    return Image(_IMAGES[use.op], channels, side, facts.dims.get(-2) if side is not None else None)


def _read_base64(follow: Follow, use: Use, nested: int) -> Text:
    return Base64(follow(use.output(), nested))


def _read_number(follow: Follow, use: Use, nested: int) -> Text:
    dtype = attr(use.node, "out_type").type or dtypes.FLOAT
    return Number(dtype, follow(use.output(), nested))


def _read_raw(follow: Follow, use: Use, nested: int) -> Text:
    facts = follow(use.output(), nested)
    return Raw(attr(use.node, "out_type").type, facts.total or facts.row or facts.dims.get(-1))


def _read_compressed(follow: Follow, use: Use, nested: int) -> Text:
    kind = attr(use.node, "compression_type").s.decode("ascii", "replace")
    return Compressed(kind, follow(use.output(), nested))


def _read_csv(follow: Follow, use: Use, nested: int) -> Text:
    types = list(attr(use.node, "OUT_TYPE").list.type)
    delimiter = attr(use.node, "field_delim").s.decode("utf-8", "replace") or ","
    fields = tuple((dtype, follow(use.output(i), nested)) for i, dtype in enumerate(types))
    return Csv(delimiter, fields)


def _read_wav(follow: Follow, use: Use, nested: int) -> Text:
    samples = int(attr(use.node, "desired_samples").i)
    return Wav(max(int(attr(use.node, "desired_channels").i), 1), samples if samples > 0 else None)


def _read_fields(follow: Follow, use: Use, nested: int) -> Text | None:
    """What is split and then read: numbers in a line, words of a vocabulary. Any words need no telling."""
    facts = follow(use.output(1), nested)
    if not facts.texts and not facts.keys:
        return None
    count = facts.row or facts.total or facts.dims.get(-1)
    for text in facts.texts:
        if isinstance(text, Number) and count is None:
            count = text.inner.row or text.inner.total or text.inner.dims.get(-1)
    separator = flow.const(use.input(1))
    known = [_text(one) for one in separator.reshape(-1)[:1].tolist()] if separator is not None else []
    return Fields(known[0] if known else "", count, facts)


def _read_slice(follow: Follow, use: Use, nested: int) -> Text | None:
    facts = follow(use.output(), nested)
    start, length = (flow.const(use.input(position)) for position in (1, 2))
    if not facts.texts or start is None or length is None or start.size != 1 or length.size != 1:
        return None
    first, count = int(start.reshape(-1)[0]), int(length.reshape(-1)[0])
    return Sliced(first, count if count < _MAX_PREFIX else -1, facts) if 0 <= first < _MAX_PREFIX else None


def _read_tensor(follow: Follow, use: Use, nested: int) -> Text:
    return ParsedTensor(attr(use.node, "out_type").type, follow(use.output(), nested))


def _read_json(follow: Follow, use: Use, nested: int) -> Text:
    return JsonExample(follow(use.output(), nested))


# what is keyed: (arg or attr of the keys, attr of the dtypes, attr of the shapes or "", output of the values)
_Keyed = tuple[tuple[str, str, str, str], ...]
_EXAMPLE: _Keyed = (
    ("dense_keys", "Tdense", "dense_shapes", "dense_values"),
    ("sparse_keys", "sparse_types", "", "sparse_values"),
    ("ragged_keys", "ragged_value_types", "", "ragged_values"),
)
_CONTEXT: _Keyed = (
    ("context_dense_keys", "Tcontext_dense", "context_dense_shapes", "context_dense_values"),
    ("context_sparse_keys", "context_sparse_types", "", "context_sparse_values"),
    ("context_ragged_keys", "context_ragged_value_types", "", "context_ragged_values"),
)
_LISTS: _Keyed = (
    (
        "feature_list_dense_keys",
        "feature_list_dense_types",
        "feature_list_dense_shapes",
        "feature_list_dense_values",
    ),
    ("feature_list_sparse_keys", "feature_list_sparse_types", "", "feature_list_sparse_values"),
    ("feature_list_ragged_keys", "feature_list_ragged_value_types", "", "feature_list_ragged_values"),
)


def _read_example(follow: Follow, use: Use, nested: int) -> Text | None:
    features = _features(follow, use, nested, _EXAMPLE)
    return None if features is None else Example(features, use.op == "ParseSingleExample")


def _read_sequence(follow: Follow, use: Use, nested: int) -> Text | None:
    context, lists = (_features(follow, use, nested, keyed) for keyed in (_CONTEXT, _LISTS))
    return None if context is None or lists is None else SequenceExample(context, lists)


def _features(follow: Follow, use: Use, nested: int, keyed: _Keyed) -> tuple[Feature, ...] | None:
    """The keys of an Example with dtype and shape, whichever of the ops reads it; None where the op is not known.

    Sources: `parsing_ops.cc` and the arg names of each op; keys are attrs in ParseSingleExample and
    ParseSequenceExample, and constants in the others.
    """
    node = use.node
    op_def = use.level.meta.op_table.get(node.op)
    if op_def is None:
        return None
    inputs = {entry.arg: entry for entry in optable.input_args(node, op_def) or []}
    outputs = {entry.arg: entry for entry in use.level.meta.output_ranges(node) or []}

    def keys(name: str) -> list[str]:
        if name in node.attr:
            return [_text(key) for key in node.attr[name].list.s]
        entry = inputs.get(name)
        found: list[str] = []
        for position in range(entry.first, entry.first + entry.size) if entry is not None else ():
            value = flow.const(use.input(position))
            if value is not None:
                found += [_text(key) for key in value.reshape(-1).tolist()]
        return found

    features = []
    for keys_name, types_attr, shapes_attr, output in keyed:
        types = list(attr(node, types_attr).list.type)
        known = (
            [shapes.from_proto(shape) for shape in attr(node, shapes_attr).list.shape] if shapes_attr else []
        )
        first = outputs[output].first if output in outputs else 0
        for number, (key, dtype) in enumerate(zip(keys(keys_name), types, strict=False)):
            shape = known[number] if number < len(known) else None
            features.append(Feature(key, dtype, shape, follow(use.output(first + number), nested)))
    return tuple(features)


def _text(key: bytes) -> str:
    return key.decode("utf-8", "surrogateescape")


READERS: dict[str, Callable[[Follow, Use, int], Text | None]] = {
    **dict.fromkeys(_IMAGES, _read_image),
    "DecodeBase64": _read_base64,
    "StringToNumber": _read_number,
    "DecodeRaw": _read_raw,
    "DecodeCompressed": _read_compressed,
    "DecodeCSV": _read_csv,
    "DecodeWav": _read_wav,
    "ParseTensor": _read_tensor,
    "DecodeJSONExample": _read_json,
    "StringSplit": _read_fields,
    "StringSplitV2": _read_fields,
    "Substr": _read_slice,
    "ParseExample": _read_example,
    "ParseExampleV2": _read_example,
    "ParseSingleExample": _read_example,
    "ParseSequenceExample": _read_sequence,
    "ParseSequenceExampleV2": _read_sequence,
    "ParseSingleSequenceExample": _read_sequence,
}
