"""Remedies: the adapters that make a wire fit, as a whole wire to be pasted, or why there are none."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import TYPE_CHECKING

from workbench.disk import dtypes
from workbench.findings import Action, Hint
from workbench.model.shapes import Shape
from workbench.names import show
from workbench.surgery.adapters.image_shapes import is_first, is_last, picture_sizes
from workbench.surgery.adapters.language import print_wire

if TYPE_CHECKING:
    from workbench.surgery.adapters.suggest import Suggestion
    from workbench.surgery.adapters.tensor_type import TensorType
    from workbench.surgery.resolve.first_ops import FirstOps, Range

Typed = tuple[int, Shape]
SCALES: dict[tuple[Range, Range], str] = {
    ("0-255", "0-1"): "scale 1/255",
    ("0-255", "-1-1"): "scale 2/255 offset=-1",
    ("0-1", "-1-1"): "scale 2 offset=-1",
    ("-1-1", "0-1"): "scale 0.5 offset=0.5",
    ("0-1", "0-255"): "scale 255",
    ("-1-1", "0-255"): "scale 127.5 offset=127.5",
}
"""The adapter between two ranges of pixel values: from and to."""


def adapt_wire(
    written: tuple[str, str], *adapters: str, before: str = "", remarks: Iterable[str] = ()
) -> Hint:
    """Return the hint to put adapters on a wire.

    Args:
        written: output and input, as the wire has them.
        *adapters: chains, one after the other; an empty text for none.
        before: what stands before the action.
        remarks: sentences that follow.
    """
    through = " | ".join(filter(None, adapters))
    wire = print_wire(written[0], through, written[1])
    arguments = {"wire": show(wire, 1000), "through": show(through, 1000)}
    return Hint(before, Action("adapt-wire", arguments), " ".join([".", *remarks]))


def remedy(
    written: tuple[str, str],
    have: Typed,
    want: Typed,
    *,
    through: str = "",
    given: Range | None = None,
    first: FirstOps | None = None,
) -> str:
    """Return what to do where a tensor does not fit an input.

    Args:
        written: output and input, as the wire has them.
        have: DataType and shape of the tensor.
        want: DataType and shape of the input.
        through: adapters that the wire has already, which make the tensor.
        given: the range of the output's numbers, or None.
        first: what the first ops on the input show; or None.
    """
    from workbench.surgery.adapters.suggest import suggest
    from workbench.surgery.adapters.tensor_type import TensorType

    found = suggest(TensorType.of(*have), TensorType.of(*want))
    if found is None:
        return why_none(have, want)
    remarks = [str(mark) for mark in found.marks]
    source = TensorType.of(*have)
    scale, more = _scale(found, source, given, first.range if first is not None else None)
    if first is not None and first.order == "BGR" and _has_colours(found.chain.check(source).type.shape):
        more.append(
            f"The model begins as if it took BGR ({first.order_by}): if the output is RGB, add `color RGB>BGR`."
        )
    return adapt_wire(written, through, found.text, scale, remarks=[*remarks, *more])


def _has_colours(shape: Shape) -> bool:
    """Return whether a shape is that of images with three channels."""
    return picture_sizes(shape)[2] == 3


def _scale(
    found: Suggestion, have: TensorType, given: Range | None, wanted: Range | None
) -> tuple[str, list[str]]:
    """Return the adapter for the range of pixel values and what should be known of it."""
    after = found.chain.check(have).type
    pixels = have.name == "uint8" or "decode-image" in (one.NAME for one in found.chain.adapters)
    if not pixels or not after.is_float or not _from_picture(found, have):
        return "", []
    wanted_scale = SCALES.get((given or "0-255", wanted)) if wanted is not None else None
    if wanted_scale is not None:
        why = f"the model begins as if it took {'0-1' if wanted == '0-1' else '-1 to 1'}."
        return wanted_scale, [f"`{wanted_scale}` is guessed: {why}"]
    if wanted is not None:
        return "", []
    return "", [
        f"No graph tells the range of the pixels: if the model takes 0-1, add `{SCALES['0-255', '0-1']}`."
    ]


def _from_picture(found: Suggestion, have: TensorType) -> bool:
    """Return whether a chain starts from images or decodes them."""
    decodes = any(one.NAME == "decode-image" for one in found.chain.adapters)
    return decodes or is_first(have.shape) or is_last(have.shape)


def why_none(have: Typed, want: Typed) -> str:
    """Return why no adapters make a tensor fit an input.

    Args:
        have: DataType and shape of the tensor.
        want: DataType and shape of the input.
    """
    source, target = dtypes.name(have[0]), dtypes.name(want[0])
    from workbench.surgery.adapters.arguments import NUMERIC

    if not {source, target} <= {*NUMERIC, "half", "string"}:
        return f"Nothing turns {source} into {target}: choose another tensor."
    counted = "" if source == "string" or not have[1] or want[1] is None else _counted(have[1], want[1])
    return f"{counted}No adapters make them fit. Choose another tensor, or put a model between them."


def _counted(have: tuple[int | None, ...], want: tuple[int | None, ...]) -> str:
    """Return the numbers of elements as a sentence, where they can't be made the same."""
    free = [None in sizes for sizes in (have, want)]
    rows = bool(want) and have[0] is None and want[0] is None and None not in (*have[1:], *want[1:])
    of, to = (prod(1 if size is None else size for size in sizes) for sizes in (have, want))
    if (not rows and all(free)) or of == to:
        return ""
    least = ["a multiple of " if is_free and not rows else "" for is_free in free]
    return (
        f"The output has {least[0]}{of:,} {'element' if of == 1 else 'elements'}{' in each row' if rows else ''}, the "
        f"input takes {least[1]}{to:,}. "
    )
