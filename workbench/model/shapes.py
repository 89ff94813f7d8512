"""Tensor shapes: reading, writing, showing, and whether one fits another.

A `Shape` is None for an unknown rank, else a tuple with None for each unknown size
(`tensor_shape.proto`: `unknown_rank`, and `dim.size` of -1).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from workbench.disk import dtypes
from workbench.disk.schema import TensorShapeProto

Shape = tuple[int | None, ...] | None
Fit = Literal["proven", "unknown", "refuted"]
FITS: dict[Fit, str] = {"proven": "compatible", "unknown": "maybe compatible", "refuted": "incompatible"}
"""What people read for each `Fit`."""
_SHOWN = 32
_MOST = 1 << 63
_MOST_KNOWN = 256  # bytes of a shape that is kept


def from_proto(proto: TensorShapeProto) -> Shape:
    """Return the shape in a `TensorShapeProto`; a negative size is unknown."""
    # the shapes of a graph are alike, and to look one up is faster than to read its sizes
    data = proto.SerializeToString()
    return _known(data) if len(data) <= _MOST_KNOWN else _read(proto)


@lru_cache(maxsize=4096)
def _known(data: bytes) -> Shape:
    return _read(TensorShapeProto.FromString(data))


def _read(proto: TensorShapeProto) -> Shape:
    if proto.unknown_rank:
        return None
    return tuple([size if (size := dim.size) >= 0 else None for dim in proto.dim])


def to_proto(shape: Shape) -> TensorShapeProto:
    """Return a shape as a `TensorShapeProto`."""
    proto = TensorShapeProto()
    if shape is None:
        proto.unknown_rank = True
    else:
        for size in shape:
            proto.dim.add().size = -1 if size is None else size
    return proto


def text(shape: Shape) -> str:
    """Return a shape as text: `[?,784]`, `[]` for a scalar, `[?…]` for any rank.

    Of more than 32 dimensions the first ones.
    """
    if shape is None:
        return "[?…]"
    more = f",… {len(shape) - _SHOWN} more" if len(shape) > _SHOWN else ""
    return "[" + ",".join("?" if size is None else str(size) for size in shape[:_SHOWN]) + more + "]"


def typed(dtype: int, shape: Shape) -> str:
    """Return dtype and shape as text: `float32 [?,784]`; `?` for no dtype."""
    return f"{dtypes.shown(dtype)} {text(shape)}"


def as_json(shape: Shape) -> list[int | None] | None:
    """Return a shape for JSON: None for any rank, a list with None for unknown sizes."""
    return None if shape is None else list(shape)


def fits(source: Shape, target: Shape) -> Fit:
    """Return whether a tensor of shape `source` fits where `target` is declared.

    Returns:
        `proven`: all that `target` fixes is fixed to the same by `source`. `refuted`: a rank or a size
        contradicts. `unknown`: only the run can tell.
    """
    if target is None:
        return "proven"
    if source is None:
        return "unknown"
    if len(source) != len(target):
        return "refuted"
    open_question = False
    for have, want in zip(source, target, strict=True):
        if want is None or have == want:
            continue
        if have is not None:
            return "refuted"
        open_question = True
    return "unknown" if open_question else "proven"


def both(one: Shape, other: Shape) -> Shape:
    """Return what is known of a tensor that has both shapes; where they contradict, the first holds."""
    if one is None or other is None or len(one) != len(other):
        return other if one is None else one
    return tuple([mine if mine is not None else theirs for mine, theirs in zip(one, other, strict=True)])


def count(shape: Shape) -> int | None:
    """Return the number of elements, or None.

    None where a size is unknown, or for more than an int64 can count.
    """
    if shape is None:
        return None
    total = 1
    for size in shape:
        if size is None:
            return None
        total = min(total * size, _MOST)
    return total if total < _MOST else None
