"""What a picture shows of a probe: values by box, small pictures of tensors that look like some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.describe.values import text_of
from workbench.graph.level import Level
from workbench.names import show
from workbench.picture.values import TensorValue, ValueLayer, number_text
from workbench.probing.places import value_at
from workbench.probing.probed_tensor import ProbedTensor, probed
from workbench.probing.steps import path_steps

if TYPE_CHECKING:
    import numpy as np

    from workbench.model import MetaGraph, Signature
    from workbench.picture.scene.scene import Scene

    Array = np.ndarray[Any, Any]

MOST = 400
"""How many tensors of a picture are seen at most: the steps from inputs to outputs first, then what loops run."""
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
    root = Level.of(meta)
    addresses = [one for one in found[:MOST] if value_at(root, one) is not None]
    left = len(found) - MOST
    note = f"Values of {left:,} of {len(found):,} tensors are left out: draw a part to see them."
    return addresses, [note] if left > 0 else []


def value_layer(
    signature: str,
    inputs: Mapping[str, Array],
    tensors: Sequence[ProbedTensor],
    outputs: Mapping[str, Array],
    notes: Iterable[str] = (),
) -> ValueLayer:
    """Return what a picture shows of each tensor of a run, and of the signature's inputs and outputs.

    Args:
        signature: its key.
        inputs: what it was run on, by component.
        tensors: the tensors on the way.
        outputs: what it gave, by component.
        notes: what to say about the run.
    """
    every = [*_ends("in", inputs), *tensors, *_ends("out", outputs)]
    return ValueLayer([_value(one) for one in every if one.has_value], signature, tuple(notes))


def _ends(side: str, arrays: Mapping[str, Array]) -> Iterator[ProbedTensor]:
    for key, array in arrays.items():
        yield probed(f"#{side}#{key}", "", array, images=1, keep=False)


def _value(one: ProbedTensor) -> TensorValue:
    return TensorValue(
        one.address,
        one.dtype,
        one.shape or (),
        one.least,
        one.most,
        one.mean,
        one.nans,
        one.above,
        one.below,
        one.histogram,
        tuple(_words(one)),
        one.images,
    )


def _words(one: ProbedTensor) -> Iterable[str]:
    for value in one.first:
        if one.dtype == "string":
            yield show(text_of(value), _MAX_TEXT)
        elif isinstance(value, float):
            yield {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}.get(str(value)) or number_text(value)
        else:
            yield show(str(value), _MAX_TEXT)
