"""Findings about differing value ranges and image layouts of a wire (R5).

Whether pictures come as 0-255 or 0-1 and what the taker expects (`ranges`), and whether channels are first or last.
Nothing here can stop a merge.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.disk import dtypes
from workbench.findings import Finding
from workbench.model import MetaGraph, Shape
from workbench.model.shapes import text
from workbench.names import show
from workbench.surgery.resolve.adapted import range_behind
from workbench.surgery.resolve.first_ops import Range
from workbench.surgery.resolve.join import Link
from workbench.surgery.resolve.value_ranges import given_range, wanted_range

_CHANNELS = (1, 3, 4)
_FLOATS = ("float32", "float16", "bfloat16", "float64")
_WORDS: dict[Range, str] = {"0-255": "0-255", "0-1": "0-1", "-1-1": "-1 to 1"}


def remarks(link: Link, source: MetaGraph, target: MetaGraph) -> Iterator[Finding]:
    """Return the findings about a wire's meaning."""
    where = show(str(link))
    layout = _layout(link.shapes[0], link.target.shapes[0])
    if layout is not None:
        yield Finding(
            "R5-layout", "warning", where, layout, "If so, a tf.transpose between the models would help."
        )
    if len(link.source.tensors) != 1 or dtypes.name(link.target.dtypes[0]) not in _FLOATS:
        return
    picture = _is_picture(link.source.shapes[0]) or _is_picture(link.target.shapes[0])
    given = given_range(source, link.source.tensors[0], squashed=picture)
    written = False
    if link.chain is not None:
        if given is None and picture and dtypes.name(link.source.dtypes[0]) == "uint8":
            given = "0-255"
        given, written = range_behind(given, link.chain)
    wanted = wanted_range(target, link.target.tensors[0])
    found = _disagreement(where, given, wanted)
    if found is None and picture and given is None and not written:
        found = _unknown(where, wanted)
    if found is not None:
        yield found


def _disagreement(where: str, given: Range | None, wanted: Range | None) -> Finding | None:
    """Return a warning if the value ranges differ or nobody scales the pixels."""
    if given == "0-255" and wanted is None:
        message = (
            "The output is pixels of 0-255, and the model that takes it does not scale them; many expect 0-1."
        )
        return Finding(
            "R5-range", "warning", where, message, "If it does, put a division by 255 between the models."
        )
    if given is None or wanted is None or given == wanted:
        return None
    if given != "0-255" and wanted == "0-255":
        message = f"The output is scaled to {_WORDS[given]} already; the model that takes it scales 0-255 down again."
        hint = "Wire the tensor before the scaling, or behind the taker's own."
    else:
        message = f"The output is {_WORDS[given]}, and the model that takes it begins as if it was {_WORDS[wanted]}."
        hint = f"Put a model between them that scales {_WORDS[given]} to {_WORDS[wanted]}."
    return Finding("R5-range", "warning", where, message, hint)


def _unknown(where: str, wanted: Range | None) -> Finding:
    """Return the remark that the value range of images is not known."""
    if wanted is None:
        message = "Neither graph tells in which range the pixels are, 0-255 or 0-1."
    else:
        message = (
            f"The model that takes the pixels expects {_WORDS[wanted]}; the graph that gives them does not tell their "
            "range."
        )
    hint = "A verification compares results; it does not show that the range is the right one. Look at the values."
    return Finding("R5-range-unknown", "info", where, message, hint)


def _is_picture(shape: Shape) -> bool:
    """Return whether a shape is that of a batch of images."""
    if shape is None or len(shape) != 4:
        return False
    return shape[3] in _CHANNELS or (shape[1] in _CHANNELS and shape[3] is not None)


def _layout(have: Shape, want: Shape) -> str | None:
    if have is None or want is None or len(have) != 4 or len(want) != 4:
        return None
    last, first = (
        have[3] in _CHANNELS and have[1] not in _CHANNELS,
        want[1] in _CHANNELS and want[3] not in _CHANNELS,
    )
    if last and first:
        return f"The output {text(have)} looks like NHWC, the input {text(want)} like NCHW."
    last, first = (
        want[3] in _CHANNELS and want[1] not in _CHANNELS,
        have[1] in _CHANNELS and have[3] not in _CHANNELS,
    )
    if last and first:
        return f"The output {text(have)} looks like NCHW, the input {text(want)} like NHWC."
    return None
