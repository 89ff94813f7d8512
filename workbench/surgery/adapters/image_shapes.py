"""Images by their shapes: where the channels are, and the sizes."""

from __future__ import annotations

from workbench.model.shapes import Shape

CHANNELS = (1, 3, 4)
"""Sizes of a dimension that is taken for channels."""


def is_first(shape: Shape) -> bool:
    """Return whether channels look to be first: `[?,3,224,224]`."""
    if shape is None or len(shape) not in (3, 4):
        return False
    return shape[-3] in CHANNELS and shape[-1] not in CHANNELS


def is_last(shape: Shape) -> bool:
    """Return whether channels look to be last: `[?,224,224,3]`."""
    return shape is not None and len(shape) in (3, 4) and shape[-1] in CHANNELS


def picture_sizes(shape: Shape) -> tuple[int | None, int | None, int | None]:
    """Return height, width and channels of what looks to be an image; all None otherwise."""
    if is_last(shape):
        assert shape is not None
        return shape[-3], shape[-2], shape[-1]
    if is_first(shape):
        assert shape is not None
        return shape[-2], shape[-1], shape[-3]
    return None, None, None
