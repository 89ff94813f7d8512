"""Which inputs of a signature are the parts of one sparse or ragged tensor, and must fit each other.

A TF1 signature says so itself. A TF2 one lists the parts as inputs of their own, `x`, `x_1`, `x_2`; the
callable they came from still knows, and so do, for sparse ones, their dtypes and shapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from workbench.disk import dtypes
from workbench.model import Shape, Signature
from workbench.model.callables import Callable_
from workbench.runtime.slots import SPARSE_PARTS, Slot, slot_names

_INTEGERS = (dtypes.INT64, dtypes.INT32)


@dataclass(frozen=True, slots=True)
class Group:
    """Slots that are filled together.

    Attributes:
        kind: `dense` is one slot; `sparse` indices, values and dense shape; `ragged` flat values and then
            row splits, the outermost first.
        names: the slots.
        shape: of the tensor they make, as far as it is known; not used for `dense`.
    """

    kind: Literal["dense", "sparse", "ragged"]
    names: tuple[str, ...]
    shape: Shape = None


def find_groups(
    signature: Signature,
    slots: Mapping[str, Slot],
    callables: Iterable[Callable_] = (),
    *,
    guess: bool = False,
) -> list[Group]:
    """The groups of a signature's inputs, each slot in one.

    Args:
        signature: the signature.
        slots: its inputs.
        callables: of the same MetaGraph.
        guess: also take `x` and an integer vector `x_1` for a ragged tensor.
    """
    found: list[Group] = []
    open_slots = dict(slots)
    for port in signature.inputs.values():
        if port.kind != "dense":
            names = slot_names(port)
            found.append(Group("sparse" if port.kind == "sparse" else "ragged", names, port.shape))
            for name in names:
                open_slots.pop(name, None)
    shapes: dict[tuple[str, str, int], Shape] = {
        (spec.kind, spec.key, spec.count): spec.shape
        for callable_ in callables
        for variant in callable_.variants
        for spec in variant.inputs
    }
    for name in list(open_slots):
        if name not in open_slots:
            continue
        group = _numbered(name, open_slots, shapes, guess) or _named(name, open_slots)
        if group is not None:
            found.append(group)
            for part in group.names:
                del open_slots[part]
    return [*found, *(Group("dense", (name,)) for name in open_slots)]


def _numbered(
    name: str, slots: Mapping[str, Slot], shapes: Mapping[tuple[str, str, int], Shape], guess: bool
) -> Group | None:
    """`x`, `x_1`, `x_2`, …, the parts of an argument `x`."""
    names = [name]
    while f"{name}_{len(names)}" in slots:
        names.append(f"{name}_{len(names)}")
    for count in range(len(names), 1, -1):
        parts = tuple(names[:count])
        if count == 3 and _is_sparse([slots[part] for part in parts]):
            return Group("sparse", parts, shapes.get(("sparse", name, count)))
        if _is_ragged([slots[part] for part in parts]) and (guess or ("ragged", name, count) in shapes):
            return Group("ragged", parts, shapes.get(("ragged", name, count)))
    return None


def _named(name: str, slots: Mapping[str, Slot]) -> Group | None:
    """`x/indices`, `x/values` and `x/shape` (or `x/dense_shape`), whatever stands between."""
    stem = name.removesuffix("indices")
    if stem == name:
        return None
    for last in (SPARSE_PARTS[2], "shape"):
        parts = (name, f"{stem}values", f"{stem}{last}")
        if all(part in slots for part in parts) and _is_sparse([slots[part] for part in parts]):
            return Group("sparse", parts)
    return None


def _is_sparse(parts: list[Slot]) -> bool:
    indices, values, dense_shape = parts
    return (
        indices.dtype == dense_shape.dtype == dtypes.INT64
        and _rank(indices) in (2, None)
        and _rank(values) in (1, None)
        and _rank(dense_shape) in (1, None)
        and None not in (_rank(indices), _rank(dense_shape))
    )


def _is_ragged(parts: list[Slot]) -> bool:
    return all(part.dtype in _INTEGERS and _rank(part) == 1 and part.shape == (None,) for part in parts[1:])


def _rank(slot: Slot) -> int | None:
    return None if slot.shape is None else len(slot.shape)
