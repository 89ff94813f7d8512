"""Ops of images and signals: convolutions, pools, normalisation, resizing; the batch is their first dimension.

Source: `common_shape_fns.cc`, `nn_ops.cc`, `image_ops.cc`.
"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.graph.shape_inference.rules import Op, Refused, rule
from workbench.graph.shape_inference.sizes import BATCH, Facts, Rows, Size, Sizes, text


def batch_first(op: Op, position: int) -> Sizes:
    """Return the shape of an input whose first dimension is the batch.

    Raises:
        Refused: the rows of the batch are in another one, or nothing is known of them.
    """
    facts = op.input(position)
    if not op.has_rows(facts):
        return facts.sizes
    if facts.axis != 0:
        raise Refused(
            "reshape-rows",
            f"{op.named(position)} is {text(facts.sizes)}; the op expects the batch first",
        )
    return facts.sizes


def no_rows(op: Op, positions: Sequence[int]) -> None:
    """Refuse inputs that are filters or parameters and have the rows of a batch."""
    for position in positions:
        if op.has_rows(op.input(position)):
            raise Refused(
                "reshape-rows", f"{op.named(position)} is a filter or a parameter, and it has the batch"
            )


def _spatial(op: Op, rank: int) -> list[int]:
    """Return the spatial dimensions of an input in the op's layout."""
    layout = op.attr("data_format").s.decode("ascii", "replace")
    return list(range(2, rank)) if layout.startswith("NC") else list(range(1, rank - 1))


def _channel(op: Op, rank: int) -> int:
    return 1 if op.attr("data_format").s.startswith(b"NC") else rank - 1


def _windowed(op: Op, sizes: tuple[Size, ...], windows: Sequence[Size]) -> list[Size]:
    """Return the sizes after a window has moved over the spatial dimensions."""
    strides, dilations = list(op.attr("strides").list.i), list(op.attr("dilations").list.i)
    pads, kind = list(op.attr("explicit_paddings").list.i), op.attr("padding").s
    found = list(sizes)
    for axis, window in zip(_spatial(op, len(sizes)), windows, strict=False):
        size = sizes[axis]
        stride = strides[axis] if axis < len(strides) else 1
        wide = dilations[axis] if axis < len(dilations) else 1
        if not isinstance(size, int) or not stride:
            found[axis] = None
        elif kind == b"SAME":
            found[axis] = -(-size // stride)
        elif not isinstance(window, int):
            found[axis] = None
        else:
            around = sum(pads[2 * axis : 2 * axis + 2]) if kind == b"EXPLICIT" else 0
            found[axis] = max(0, (size + around - (window - 1) * wide - 1) // stride + 1)
    return found


@rule("Conv2D Conv3D DepthwiseConv2dNative")
def convolution(op: Op) -> list[Facts]:
    """Return the shape after a convolution."""
    sizes, filters = batch_first(op, 0), op.input(1).sizes
    no_rows(op, [1])
    if sizes is None:
        return [Facts()]
    windows = list(filters[:-2]) if filters is not None else [None] * len(sizes)
    found = _windowed(op, sizes, windows)
    channels: Size = None
    if filters is not None:
        channels = filters[-1]
        if op.node.op == "DepthwiseConv2dNative":
            both = filters[-2], filters[-1]
            channels = both[0] * both[1] if isinstance(both[0], int) and isinstance(both[1], int) else None
    found[_channel(op, len(sizes))] = channels
    return [Facts(tuple(found))]


@rule("MaxPool AvgPool MaxPool3D AvgPool3D MaxPoolV2")
def pool(op: Op) -> list[Facts]:
    """Return the shape after a pool."""
    sizes = batch_first(op, 0)
    if sizes is None:
        return [Facts()]
    listed = list(op.attr("ksize").list.i)
    axes = _spatial(op, len(sizes))
    windows: list[Size] = [listed[axis] if axis < len(listed) else None for axis in axes]
    return [Facts(tuple(_windowed(op, sizes, windows)))]


@rule("Conv2DBackpropInput Conv3DBackpropInputV2 DepthwiseConv2dNativeBackpropInput")
def transposed_convolution(op: Op) -> list[Facts]:
    """Return the shape that the first input is; a constant with the old batch is replaced."""
    rows, target = batch_first(op, 2), op.input(0).value
    no_rows(op, [1])
    if not op.has_rows(op.input(2)):
        return [Facts(target)]
    if target is None or rows is None:
        raise Refused("reshape-pinned", f"{op.named(0)} is not known")
    if target[0] != rows[0]:
        if not op.is_batch(target[0]) or rows[0] != BATCH:
            raise Refused("reshape-pinned", f"{op.named(0)} is {text(target)}, which lacks the batch")
        target = (BATCH, *target[1:])
        op.need(0, target)
    return [Facts(target)]


@rule("FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3")
def batch_norm(op: Op) -> list[Facts]:
    """Return the shape of the input, and statistics of each channel."""
    facts = op.input(0)
    batch_first(op, 0)
    no_rows(op, range(1, len(op.inputs)))
    if op.attr("is_training").b and op.has_rows(facts):
        raise Refused(
            "reshape-rows", "it normalises by the mean and variance of the whole batch (is_training is true)"
        )
    sizes = facts.sizes
    channel = None if sizes is None else sizes[_channel(op, len(sizes))]
    return [Facts(sizes), *[Facts((channel,))] * (op.outputs - 1)]


@rule("ResizeBilinear ResizeNearestNeighbor ResizeBicubic ResizeArea ScaleAndTranslate")
def resized(op: Op) -> list[Facts]:
    """Return the shape of images with the height and width that the second input is."""
    sizes, target = batch_first(op, 0), op.input(1).value
    if sizes is None or len(sizes) != 4:
        return [Facts()]
    height, width = target if target is not None and len(target) == 2 else (None, None)
    return [Facts((sizes[0], height, width, sizes[3]))]


@rule("AdjustContrastv2 AdjustHue AdjustSaturation RGBToHSV HSVToRGB LRN")
def of_each_image(op: Op) -> list[Facts]:
    """Return the shape of the input: each image is changed alone."""
    facts = op.input(0)
    if op.has_rows(facts) and facts.axis != 0:
        raise Refused("reshape-rows", "the batch is not its first dimension")
    return [facts.of(facts.sizes)._replace(uniform=False)]


@rule("DepthToSpace SpaceToDepth")
def blocks(op: Op) -> list[Facts]:
    """Return the shape with blocks of channels as pixels, or pixels as channels."""
    sizes, block = batch_first(op, 0), int(op.attr("block_size").i)
    if sizes is None:
        return [Facts()]
    found = list(sizes)
    for axis in (*_spatial(op, len(sizes)), _channel(op, len(sizes))):
        size, by = found[axis], block * block if axis == _channel(op, len(sizes)) else block
        grows = (axis == _channel(op, len(sizes))) == (op.node.op == "SpaceToDepth")
        found[axis] = (size * by if grows else size // by) if isinstance(size, int) and by else None
    return [Facts(tuple(found))]


@rule("SpaceToBatchND BatchToSpaceND")
def blocks_of_batch(op: Op) -> list[Facts]:
    """Return the shape with blocks of pixels as further rows, or back: the rows of a block lie further out."""
    sizes, block = batch_first(op, 0), op.ints(1)
    if sizes is None or block is None:
        if op.carried():
            raise Refused("reshape-op", f"{op.named(1)} is not known")
        return [Facts()]
    away = op.node.op == "SpaceToBatchND"
    moved = op.ints(2)
    many = 1
    found = list(sizes)
    for number, by in enumerate(block):
        many *= by
        size, axis = sizes[1 + number], 1 + number
        around = sum(moved[2 * number : 2 * number + 2]) if moved is not None else None
        if not isinstance(size, int) or around is None or not by:
            found[axis] = None
        else:
            found[axis] = (size + around) // by if away else size * by - around
    rows = sizes[0]
    if isinstance(rows, Rows):
        if away:
            found[0] = Rows(rows.outer * many, rows.inner)
        elif rows.outer % many == 0:
            found[0] = Rows(rows.outer // many, rows.inner)
        else:
            raise Refused("reshape-rows", "it joins pixels of different rows of the batch")
    elif isinstance(rows, int):
        found[0] = rows * many if away else rows // many
    return [Facts(tuple(found))]


@rule("CombinedNonMaxSuppression")
def boxes(op: Op) -> list[Facts]:
    """Return boxes, scores, classes and their number for each image."""
    sizes, most = batch_first(op, 0), op.scalar(3)
    batch_first(op, 1)
    rows: Size = None if sizes is None else sizes[0]
    return [Facts((rows, most, 4)), Facts((rows, most)), Facts((rows, most)), Facts((rows,))]
