"""Ops that take a part of a tensor, or put something around it."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.graph.shape_inference.reductions import keep_apart
from workbench.graph.shape_inference.rules import Op, Pin, Refused, rule
from workbench.graph.shape_inference.sizes import BATCH, Facts, Rows, Size


@dataclass(slots=True)
class _Part:
    """What a strided slice takes of one dimension of its input.

    Attributes:
        axis: the dimension; None for a new one.
        place: in the vectors of begins, ends and strides; None where `...` covers it.
        shrink: whether one entry is taken, and the dimension is gone.
    """

    axis: int | None
    place: int | None = None
    shrink: bool = False


_MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


@dataclass(slots=True)
class _Spec:
    """The begins, ends, strides and masks of a strided slice, which may be changed.

    Attributes:
        vectors: begins, ends and strides, as far as they are known.
        masks: by the name of the attr.
    """

    vectors: list[tuple[Size, ...]]
    masks: dict[str, int]

    def has(self, mask: str, place: int) -> bool:
        """Return whether a mask has the bit of a place."""
        return bool(self.masks[mask] >> place & 1)

    def take_all(self, place: int) -> None:
        """Take all of the dimension at a place."""
        self.masks["begin_mask"] |= 1 << place
        self.masks["end_mask"] |= 1 << place

    def parts(self, rank: int) -> list[_Part]:
        """Return what is taken of each dimension (`strided_slice_op.cc`, ValidateStridedSliceOp)."""
        count = len(self.vectors[0])
        places = range(count)
        given = sum(not (self.has("ellipsis_mask", at) or self.has("new_axis_mask", at)) for at in places)
        parts: list[_Part] = []
        axis = 0
        for at in places:
            if self.has("ellipsis_mask", at):
                covered = max(0, rank - given)
                parts += (_Part(axis + number) for number in range(covered))
                axis += covered
            elif self.has("new_axis_mask", at):
                parts.append(_Part(None))
            else:
                parts.append(_Part(axis, at, self.has("shrink_axis_mask", at)))
                axis += 1
        return [*parts, *(_Part(rest) for rest in range(axis, rank))]


@rule("StridedSlice")
def strided_slice(op: Op) -> list[Facts]:
    """Return the shape of a slice, and the integers that it takes of a vector."""
    facts = op.input(0)
    vector = op.input(1).sizes
    count = vector[0] if vector is not None and len(vector) == 1 else None
    if facts.sizes is None or not isinstance(count, int):
        if op.carried():
            raise Refused("reshape-op", "what it takes of its input is not known")
        return [Facts()]
    old = {name: int(op.attr(name).i) for name in _MASKS}
    spec = _Spec([op.input(at).value or (None,) * count for at in (1, 2, 3)], dict(old))
    kept = facts.kept and _beside_kept_row(op, spec)
    sizes: list[Size] = []
    value = facts.value if facts.rank == 1 else None
    for part in spec.parts(len(facts.sizes)):
        if part.axis is None:
            sizes.append(1)
            continue
        if part.axis >= len(facts.sizes):
            return [Facts()]
        size = facts.sizes[part.axis]
        if part.place is None:
            sizes.append(size)
            continue
        masked, whole = spec.has("begin_mask", part.place), spec.has("end_mask", part.place)
        begin, end, stride = (one[part.place] for one in spec.vectors)
        begin, end = 0 if masked else begin, None if whole else end
        if isinstance(size, Rows):
            kept |= _all_rows(op, part, size, begin, end, stride, spec, whole=whole)
            sizes.append(size)
        elif part.shrink:
            value = (
                (value[begin],)
                if value and isinstance(begin, int) and -len(value) <= begin < len(value)
                else None
            )
        else:
            sizes.append(_length(size, None if masked else begin, end, stride, masked=masked, whole=whole))
            value = _taken(value, begin, end, stride, whole=whole)
    if spec.masks != old:
        op.pins.append(Pin(0, masks=tuple(sorted(spec.masks.items()))))
    found = Facts(tuple(sizes), value, uniform=facts.uniform, random=facts.random, kept=kept)
    if kept and found.axis != 0:
        raise Refused(
            "reshape-pinned", "it takes the only row of the batch, which is not the first dimension"
        )
    return [found]


def _beside_kept_row(op: Op, spec: _Spec) -> bool:
    """Let a slice skip the batch, which the source has removed before; return False where it is a batch again."""
    if op.input(0).axis != 0:
        raise Refused("reshape-pinned", "its input has lost the dimension of the batch before it")
    if spec.has("new_axis_mask", 0) and spec.vectors[2][0] == 1:
        spec.masks["new_axis_mask"] &= ~1
        spec.take_all(0)
        return False
    for position, first in ((1, 0), (2, 0), (3, 1)):
        spec.vectors[position - 1] = (first, *spec.vectors[position - 1])
        if None in spec.vectors[position - 1]:
            raise Refused("reshape-pinned", f"{op.named(position)} is not known")
        op.need(position, spec.vectors[position - 1])
    for name in _MASKS:
        spec.masks[name] <<= 1
    spec.take_all(0)
    return True


def _all_rows(
    op: Op,
    part: _Part,
    size: Rows,
    begin: Size,
    end: Size,
    stride: Size,
    spec: _Spec,
    *,
    whole: bool,
) -> bool:
    """Keep all rows in a slice; return whether it took the only row of a batch of 1, and lost its dimension.

    Raises:
        Refused: it takes some of several rows.
    """
    assert part.place is not None
    if part.shrink:
        if op.batch != 1 or size != BATCH or begin not in (0, -1):
            raise Refused(
                "reshape-pinned", f"it takes the row {begin} of the batch alone (dimension {part.axis})"
            )
        spec.masks["shrink_axis_mask"] &= ~(1 << part.place)
    elif begin != 0 or stride != 1 or not (whole or end == size or op.is_batch(end)):
        raise Refused(
            "reshape-pinned", f"it takes some rows of the batch (dimension {part.axis}), and not all"
        )
    if part.shrink or not (whole or end == size):
        spec.take_all(part.place)
    return part.shrink


def _length(size: Size, begin: Size, end: Size, stride: Size, *, masked: bool, whole: bool) -> Size:
    """Return how many entries a slice takes; None for an end or begin that is left out."""
    if not isinstance(size, int) or not isinstance(stride, int) or not stride:
        return None
    if not (masked or isinstance(begin, int)) or not (whole or isinstance(end, int)):
        return None
    first, last = (one if isinstance(one, int) else None for one in (begin, end))
    return len(range(*slice(first, last, stride).indices(size)))


def _taken(
    value: tuple[Size, ...] | None, begin: Size, end: Size, stride: Size, *, whole: bool
) -> tuple[Size, ...] | None:
    if value is None or not isinstance(begin, int) or not isinstance(stride, int) or not stride:
        return None
    if not whole and not isinstance(end, int):
        return None
    return value[begin : None if whole or not isinstance(end, int) else end : stride]


@rule("Slice")
def sliced(op: Op) -> list[Facts]:
    """Return the sizes that the third input is."""
    facts = op.input(0)
    if facts.sizes is None:
        if op.carried():
            raise Refused("reshape-op", "the rank of its input is not known")
        return [Facts()]
    begins = op.input(1).value or (None,) * len(facts.sizes)
    lengths = op.input(2).value or (None,) * len(facts.sizes)
    sizes: list[Size] = []
    for axis, (size, begin, length) in enumerate(zip(facts.sizes, begins, lengths, strict=False)):
        if isinstance(size, Rows):
            if begin != 0 or not (length in (-1, size) or op.is_batch(length)):
                raise Refused(
                    "reshape-pinned", f"it takes some rows of the batch (dimension {axis}), and not all"
                )
            if length not in (-1, size):
                op.need(2, tuple(-1 if at == axis else one for at, one in enumerate(lengths)))
            sizes.append(size)
        elif length == -1:
            sizes.append(size - begin if isinstance(size, int) and isinstance(begin, int) else None)
        else:
            sizes.append(length)
    value = None
    if facts.value is not None and facts.rank == 1 and isinstance(begins[0], int):
        value = _taken(
            facts.value, begins[0], None if sizes[0] is None else begins[0] + _int(sizes[0]), 1, whole=False
        )
    return [Facts(tuple(sizes), value, uniform=facts.uniform)]


def _int(size: Size) -> int:
    return size if isinstance(size, int) else 0


@rule("GatherV2 Gather")
def gathered(op: Op) -> list[Facts]:
    """Return the shape of entries of the first input, by the numbers that the second one is."""
    params, indices = op.input(0), op.input(1)
    at = op.scalar(2) if op.node.op == "GatherV2" else 0
    if params.sizes is None or indices.sizes is None or at is None:
        if op.carried():
            raise Refused("reshape-op", "which dimension it takes entries of is not known")
        return [Facts()]
    at = at if at >= 0 else at + len(params.sizes)
    shared = int(op.attr("batch_dims").i)
    shared = shared if shared >= 0 else shared + len(indices.sizes)
    keep_apart(op, params, frozenset({at}), "picks entries of")
    both = params.axis is not None and indices.axis is not None
    if both and not (params.axis == indices.axis and (params.axis or 0) < shared):
        raise Refused("reshape-rows", "it picks entries of each row of the batch for each other row")
    if not both and shared and op.carried():
        op.same_rows(range(2))
    value = None
    if params.value is not None and params.rank == 1 and (chosen := op.ints(1)) is not None:
        count = len(params.value)
        value = tuple(params.value[one] if -count <= one < count else None for one in chosen)
    params, indices = op.input(0), op.input(1)
    assert params.sizes is not None and indices.sizes is not None
    return [Facts((*params.sizes[:at], *indices.sizes[shared:], *params.sizes[at + 1 :]), value)]


@rule("GatherNd")
def gathered_by_place(op: Op) -> list[Facts]:
    """Return the shape of entries of the first input, by places."""
    params, indices = op.input(0), op.input(1)
    if op.has_rows(params):
        raise Refused("reshape-rows", "it picks entries of the batch by their place, rows among them")
    depth = indices.sizes[-1] if indices.sizes else None
    if params.sizes is None or indices.sizes is None or not isinstance(depth, int):
        if op.carried():
            raise Refused("reshape-op", "the rank of an input is not known")
        return [Facts()]
    return [Facts((*indices.sizes[:-1], *params.sizes[depth:]))]


@rule("Pad PadV2 MirrorPad")
def padded(op: Op) -> list[Facts]:
    """Return the sizes with what is put before and behind."""
    facts, pads = op.input(0), op.ints(1)
    if facts.sizes is None:
        if op.carried():
            raise Refused("reshape-op", "the rank of its input is not known")
        return [Facts()]
    if pads is None or len(pads) != 2 * len(facts.sizes):
        if op.carried():
            raise Refused("reshape-op", f"{op.named(1)} is not known")
        return [Facts((None,) * len(facts.sizes))]
    sizes: list[Size] = []
    for axis, size in enumerate(facts.sizes):
        more = pads[2 * axis] + pads[2 * axis + 1]
        if isinstance(size, Rows) and more:
            raise Refused("reshape-rows", f"it puts further rows into the batch (dimension {axis})")
        sizes.append(size + more if isinstance(size, int) else size)
    return [Facts(tuple(sizes))]
