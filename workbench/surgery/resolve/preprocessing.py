"""Findings about differing value ranges and image layouts of a wire (R5).

Whether pictures come as 0-255 or 0-1 and what the taker expects (`ranges`), and whether channels are first or last.
Nothing here can stop a merge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from workbench.disk import dtypes
from workbench.findings import Finding, Hint
from workbench.model import MetaGraph, Shape
from workbench.model.shapes import text
from workbench.names import show
from workbench.surgery.resolve.first_ops import Range
from workbench.surgery.resolve.links import Link, if_it_fits
from workbench.surgery.resolve.remedies import SCALES
from workbench.surgery.resolve.shares import SharedInput, adapt_input
from workbench.surgery.resolve.value_ranges import given_range, wanted_range

if TYPE_CHECKING:
    from workbench.surgery.adapters.checked import Checked

_CHANNELS = (1, 3, 4)
_FLOATS = ("float32", "float16", "bfloat16", "float64")
_WORDS: dict[Range, str] = {"0-255": "0-255", "0-1": "0-1", "-1-1": "-1 to 1"}


def remarks(link: Link, source: MetaGraph, target: MetaGraph) -> Iterator[Finding]:
    """Return the findings about a wire's meaning."""
    where = show(str(link))
    layout = _layout(link.shapes[0], link.target.shapes[0])
    if layout is not None:
        order, message = layout
        hint = if_it_fits(link, f"layout {order}", before="If so, ")
        yield Finding("R5-layout", "warning", where, message, hint)
    if len(link.source.tensors) != 1 or dtypes.name(link.target.dtypes[0]) not in _FLOATS:
        return
    picture = _is_picture(link.source.shapes[0]) or _is_picture(link.target.shapes[0])
    given = given_range(source, link.source.tensors[0], squashed=picture)
    written = False
    if link.chain is not None:
        if given is None and picture and dtypes.name(link.source.dtypes[0]) == "uint8":
            given = "0-255"
        given, written = _range_behind(given, link.chain)
    wanted = wanted_range(target, link.target.tensors[0])
    found = _disagreement(link, given, wanted)
    if found is None and picture and given is None and not written:
        found = _unknown(where, wanted)
    if found is not None:
        yield found


def shared_remarks(shared: SharedInput, metas: Mapping[str, MetaGraph]) -> Iterator[Finding]:
    """Return the findings about the meaning of an input that models share.

    Args:
        shared: the input.
        metas: the MetaGraph of each model, by handle.
    """
    if len(shared.dtypes) != 1 or dtypes.name(shared.dtypes[0]) not in _FLOATS:
        return
    targets = {str(one): one for one in shared.targets}
    wanted = {name: wanted_range(metas[one.handle], one.tensors[0]) for name, one in targets.items()}
    told = {name: found for name, found in wanted.items() if found is not None}
    if not told:
        return
    where = show(str(shared), 1000)
    first, begins = next(iter(told.items()))
    other = next((name for name, found in told.items() if found != begins), None)
    if other is not None:
        message = (
            f"{show(first)} begins as if its value was {_WORDS[begins]}, {show(other)} as if it was "
            f"{_WORDS[told[other]]}."
        )
        chain = SCALES[begins, told[other]]
        before = f"Put `{chain}` before {show(other)}: "
        hint = Hint(before, adapt_input(targets[other], chain), ", or do not share this input.")
        yield Finding("R5-range", "warning", where, message, hint)
    elif len(told) < len(wanted) and _is_picture(shared.shapes[0]):
        silent = next(name for name in wanted if name not in told)
        message = f"{show(first)} expects {_WORDS[begins]}; the graph of {show(silent)} does not show what it expects."
        yield Finding("R5-range-unknown", "info", where, message, _LOOK)


_LOOK = (
    "A verification compares results; it does not show that the range is the right one. Look at the values."
)


_SETS_RANGE = frozenset({"mean", "std", "scale", "clamp", "one-hot", "parse-number", "argmax", "lookup"})
_SQUASHES = frozenset({"softmax", "sigmoid"})


def _range_behind(given: Range | None, checked: Checked) -> tuple[Range | None, bool]:
    """Return the value range behind a chain, and whether the chain was written to set it.

    Args:
        given: the range of the input, or None.
        checked: the chain.
    """
    written = False
    for step in checked.steps:
        name, adapter = step.adapter.NAME, step.adapter
        if name == "decode-image":
            given = "0-255"
        elif name in _SQUASHES:
            given, written = "0-1", True
        elif name in _SETS_RANGE:
            scaled = {(of, text): to for (of, to), text in SCALES.items()}
            given, written = scaled.get((given, str(adapter))) if given is not None else None, True
    return given, written


def _disagreement(link: Link, given: Range | None, wanted: Range | None) -> Finding | None:
    """Return a warning if the value ranges differ or nobody scales the pixels."""
    where = show(str(link))
    if given == "0-255" and wanted is None:
        message = (
            "The output is pixels of 0-255, and the model that takes it does not scale them; many expect 0-1."
        )
        hint = if_it_fits(link, SCALES[given, "0-1"], before="If it does, ")
        return Finding("R5-range", "warning", where, message, hint)
    if given is None or wanted is None or given == wanted:
        return None
    scale = SCALES[given, wanted]
    if given != "0-255" and wanted == "0-255":
        message = f"The output is scaled to {_WORDS[given]} already; the model that takes it scales 0-255 down again."
        before = "Wire the tensor before the scaling, or behind the taker's own; or "
    else:
        message = f"The output is {_WORDS[given]}, and the model that takes it begins as if it was {_WORDS[wanted]}."
        before = ""
    return Finding("R5-range", "warning", where, message, if_it_fits(link, scale, before))


def _unknown(where: str, wanted: Range | None) -> Finding:
    """Return the remark that the value range of images is not known."""
    if wanted is None:
        message = "Neither graph tells in which range the pixels are, 0-255 or 0-1."
    else:
        message = (
            f"The model that takes the pixels expects {_WORDS[wanted]}; the graph that gives them does not tell their "
            "range."
        )
    return Finding("R5-range-unknown", "info", where, message, _LOOK)


def _is_picture(shape: Shape) -> bool:
    """Return whether a shape is that of a batch of images."""
    if shape is None or len(shape) != 4:
        return False
    return shape[3] in _CHANNELS or (shape[1] in _CHANNELS and shape[3] is not None)


def _layout(have: Shape, want: Shape) -> tuple[str, str] | None:
    """Return the order that is needed and a message, if one shape looks like the other order of the other."""
    if have is None or want is None or len(have) != 4 or len(want) != 4:
        return None
    last, first = (
        have[3] in _CHANNELS and have[1] not in _CHANNELS,
        want[1] in _CHANNELS and want[3] not in _CHANNELS,
    )
    if last and first:
        message = f"The output {text(have)} looks like NHWC, the input {text(want)} like NCHW."
        return "NHWC>NCHW", message
    last, first = (
        want[3] in _CHANNELS and want[1] not in _CHANNELS,
        have[1] in _CHANNELS and have[3] not in _CHANNELS,
    )
    if last and first:
        message = f"The output {text(have)} looks like NCHW, the input {text(want)} like NHWC."
        return "NCHW>NHWC", message
    return None
