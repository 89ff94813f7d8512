"""Declared shapes of outputs: how much of them is valid behind wires.

A wrong declared output shape stops `tf.saved_model.load` ("Dimension 1 in both shapes must be equal"). The shape that
an input's own node takes holds behind every wire: where a wire does not prove it, an EnsureShape checks it. Only what a
signature declares beyond that can be wrong.
"""

from __future__ import annotations

from typing import Literal

from workbench.disk.schema import TensorInfo
from workbench.model import shapes
from workbench.model.shapes import Shape
from workbench.names import show
from workbench.surgery.imported import ImportedModel
from workbench.surgery.resolve.links import Link

Looseness = Literal["proven", "batch", "rank"]
_ORDER: tuple[Looseness, ...] = ("proven", "batch", "rank")


def looseness_of(link: Link, part: ImportedModel) -> Looseness:
    """Return what a wire leaves unproven of the shapes that the taking model declares.

    Args:
        link: the wire.
        part: the model that takes it.
    """
    if link.target.signature is None or link.target.key is None or link.target.kind != "dense":
        return "proven"
    declared = part.meta.signatures[link.target.signature].inputs[link.target.key].shape
    behind = shapes.both(link.shapes[0], link.target.shapes[0])
    if shapes.fits(behind, declared) == "proven":
        return "proven"
    if behind is None or declared is None or len(behind) != len(declared):
        return "rank"
    open_at = [
        place
        for place, (have, want) in enumerate(zip(behind, declared, strict=True))
        if want is not None and have != want
    ]
    return "batch" if open_at == [0] else "rank"


def looser(one: Looseness, other: Looseness) -> Looseness:
    """Return the one of two that proves less."""
    return max(one, other, key=_ORDER.index)


def correct(part: ImportedModel, key: str, info: TensorInfo, shape: Shape) -> None:
    """Replace a declared shape that the graph contradicts, and report it.

    Args:
        part: the model of the output; gets the finding.
        key: of the output.
        info: its TensorInfo, which is changed.
        shape: what the graph gives.
    """
    declared = shapes.from_proto(info.tensor_shape)
    if shapes.fits(declared, shape) != "refuted":
        return
    info.tensor_shape.CopyFrom(shapes.to_proto(shape))
    part.note(
        "R4-output-shape",
        "warning",
        show(key),
        f"The source declares this output as {shapes.text(declared)}; its graph gives {shapes.text(shape)}, and so the "
        "result declares that.",
    )


def loosen(info: TensorInfo, looseness: Looseness) -> None:
    """Make a declared output shape no more certain than the wires above it."""
    if looseness == "proven" or not info.HasField("tensor_shape"):
        return
    shape = shapes.from_proto(info.tensor_shape)
    if looseness == "rank" or not shape:
        shape = None if shape != () else shape
    else:
        shape = (None, *shape[1:])
    info.tensor_shape.CopyFrom(shapes.to_proto(shape))
