"""What a picture shows of a probe: values by box, small pictures of tensors that look like some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.describe.values import text_of
from workbench.names import show
from workbench.picture.values import Image, TensorValue, ValueLayer, number_text
from workbench.probing.seen import Seen, picture_of, see
from workbench.probing.steps import path_steps
from workbench.surgery.exposing.exposed_tensors import find_tensors

if TYPE_CHECKING:
    import numpy as np

    from workbench.model import MetaGraph, Signature
    from workbench.picture.scene.scene import Scene

    Array = np.ndarray[Any, Any]

MOST = 400
"""How many tensors of a picture are seen at most: the steps from inputs to outputs first, then what loops run."""
_PIXELS = 64  # along a side at most
_CHANNELS = 12  # of a tensor of features
_IMAGES = 240  # of a whole picture, so that a page stays small
_LEAST_SIDE = 4
_MAX_TEXT = 60


def addresses_of(meta: MetaGraph, signature: Signature, scene: Scene) -> tuple[list[str], list[str]]:
    """Return the tensors whose values a picture of a signature can show, and notes on what is left out.

    Args:
        meta: the MetaGraph.
        signature: the one that is run.
        scene: what is drawn.
    """
    boxes = {node.path for node in scene.nodes} | {frame.path for frame in scene.frames}
    steps = [step.address for step in path_steps(meta, signature) if step.address.rpartition(":")[0] in boxes]
    bodies = [
        f"{node.path}:0"
        for node in scene.nodes
        if node.frame is not None and node.op and node.kind in ("op", "call")
    ]
    found = [*dict.fromkeys([*steps, *bodies])]
    wrong = find_tensors(meta, {one: one for one in found[:MOST]}, signature).wrong
    addresses = [one for one in found[:MOST] if one not in wrong]
    left = len(found) - MOST
    note = f"Values of {left:,} of {len(found):,} tensors are left out: draw a part to see them."
    return addresses, [note] if left > 0 else []


def value_layer(
    signature: str,
    inputs: Mapping[str, Array],
    seen: Sequence[Seen],
    outputs: Mapping[str, Array],
    notes: Iterable[str] = (),
) -> ValueLayer:
    """Return what a picture shows of each tensor of a run, and of the signature's inputs and outputs.

    Args:
        signature: its key.
        inputs: what it was run on, by component.
        seen: the tensors on the way.
        outputs: what it gave, by component.
        notes: what to say about the run.
    """
    room = _IMAGES
    found = []
    for one in (*_ends("in", inputs), *seen, *_ends("out", outputs)):
        images = tuple(_images(one.array))[:room]
        room -= len(images)
        found.append(_value(one, images))
    return ValueLayer(found, signature, tuple(notes))


def _ends(side: str, arrays: Mapping[str, Array]) -> Iterator[Seen]:
    for key, array in arrays.items():
        yield see(f"#{side}#{key}", "", array)


def _value(one: Seen, images: tuple[Image, ...]) -> TensorValue:
    import numpy as np

    above = below = 0
    if one.infinities:
        if one.array.dtype.kind == "c":
            above = one.infinities
        else:
            numbers = one.array.astype(np.float64)
            above, below = int(np.isposinf(numbers).sum()), int(np.isneginf(numbers).sum())
    return TensorValue(
        one.address,
        one.dtype,
        one.shape,
        one.least,
        one.most,
        one.mean,
        one.nans,
        above,
        below,
        one.histogram,
        tuple(_words(one)),
        images,
    )


def _words(one: Seen) -> Iterable[str]:
    for value in one.first:
        if one.dtype == "string":
            yield show(text_of(value), _MAX_TEXT)
        elif isinstance(value, float):
            yield {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}.get(str(value)) or number_text(value)
        else:
            yield show(str(value), _MAX_TEXT)


def _images(array: Array) -> Iterator[Image]:
    """Yield a picture of a tensor that looks like one, or one of each of the first channels of features."""
    import numpy as np

    picture = picture_of(array)
    if picture is not None:
        yield _image(picture)
        return
    if array.dtype.kind != "f" or array.ndim != 4 or not array.shape[0]:
        return
    features = array[0]
    if min(features.shape[:2]) < _LEAST_SIDE or features.shape[2] < 2:
        return
    for channel in range(min(features.shape[2], _CHANNELS)):
        values = np.nan_to_num(features[..., channel].astype(np.float64), posinf=0.0, neginf=0.0)
        least, most = values.min(), values.max()
        grey = (values - least) / (most - least) if most > least else np.zeros_like(values)
        yield _image(grey[..., None], f"channel {channel}")


def _image(picture: Array, caption: str = "") -> Image:
    """Return numbers from 0 to 1 as bytes, with fewer pixels where there are too many."""
    import numpy as np

    step = max(1, -(-max(picture.shape[:2]) // _PIXELS))
    small = picture[::step, ::step]
    if small.shape[2] == 2:
        small = small[..., :1]
    pixels = np.rint(np.clip(small, 0.0, 1.0) * 255).astype(np.uint8)
    height, width, channels = pixels.shape
    return Image(width, height, channels, pixels.tobytes(), caption)
