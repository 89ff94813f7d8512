"""Images as adapters see them: `[height,width,channels]`, or a batch of them."""

from __future__ import annotations

from typing import NamedTuple

from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.tensor_type import Problem, TensorType

TAKES = "an image: numbers [height,width,channels], or a batch [?,height,width,channels]"


class Image(NamedTuple):
    """The sizes of an image; `batch` holds the first dimension where there is one."""

    batch: tuple[int | None, ...]
    height: int | None
    width: int | None
    channels: int | None

    @property
    def rank(self) -> int:
        """3, or 4 with a batch."""
        return 3 + len(self.batch)

    def sized(self, height: int | None, width: int | None) -> tuple[int | None, ...]:
        """Return the shape with another height and width."""
        return (*self.batch, height, width, self.channels)


def image(have: TensorType) -> Image | Problem:
    """Return the sizes of an image, or why a tensor is none."""
    if have.is_string:
        return Problem(TAKES, "Add `decode-image` before it.")
    if not have.is_number:
        return Problem(TAKES)
    if have.shape is None:
        return Problem(TAKES, "Add `reshape` with the sizes before it.")
    if len(have.shape) not in (3, 4):
        hint = None
        if len(have.shape) == 2:
            hint = "Add `reshape ? HEIGHT WIDTH CHANNELS` before it."
        return Problem(TAKES, hint)
    *batch, height, width, channels = have.shape
    return Image(tuple(batch), height, width, channels)


def expected(have: TensorType) -> Image:
    """Return the sizes of what is known to be an image."""
    found = image(have)
    assert isinstance(found, Image)
    return found


def any_size(made: TensorType) -> TensorType | None:
    """Return the type of such images of any size; None for what is no image."""
    if made.shape is None or len(made.shape) not in (3, 4):
        return None
    return made.with_shape((*made.shape[:-3], None, None, made.shape[-1]))


def runtime_sizes(graph: Fragment, tensor: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Add nodes that read height and width, int32 scalars; return both."""
    shape = graph.op("Shape", tensor)
    found = [part(graph, shape, rank - back, name) for back, name in ((3, "height"), (2, "width"))]
    return found[0], found[1]


def part(graph: Fragment, vector: Tensor, index: int, name: str) -> Tensor:
    """Add a node that takes one number out of a vector."""
    begin, end, step = (graph.const([one], "int32", f"{name}/at") for one in (index, index + 1, 1))
    return graph.op("StridedSlice", vector, begin, end, step, name=name, shrink_axis_mask=1)


def span(graph: Fragment, vector: Tensor, start: int, end: int, name: str) -> Tensor:
    """Add a node that takes a part of a vector."""
    bounds = (graph.const([one], "int32", f"{name}/at") for one in (start, end, 1))
    return graph.op("StridedSlice", vector, *bounds, name=name)
