"""Ops of tensor lists, and of the tensor arrays of TF1, which loops keep their steps in.

A list has no shape of its own. What its items are is kept by the node that makes it, since an item is put in long
after; `Context.changed` says that an analysis must be repeated with what was learnt.
"""

from __future__ import annotations

from collections.abc import Iterable

from workbench.graph.shape_inference.rules import Op, Pin, Refused, rule
from workbench.graph.shape_inference.sizes import BATCH, Facts, Rows, Size, either, text


def _items(op: Op, lists: Iterable[str]) -> Facts | None:
    """Return what is known of the items of lists; None if nothing was put in yet."""
    found: Facts | None = None
    for site in sorted(lists):
        item = op.context.items.get(site)
        if item is not None:
            row = item.row or (found is not None and found.row)
            found = item if found is None else Facts(either(found.sizes, item.sizes), row=row)
    return found


def _put(op: Op, lists: Iterable[str], item: Facts) -> None:
    """Record an item that lists get."""
    if item.lost:
        return
    kept = Facts(item.sizes, row=item.row)
    for site in lists:
        before = op.context.items.get(site)
        row = kept.row or (before is not None and before.row)
        after = kept if before is None else Facts(_joined(op, before, kept), row=row)
        if after != before:
            op.context.items[site] = after
            op.context.changed = True


def _joined(op: Op, one: Facts, other: Facts) -> tuple[Size, ...] | None:
    """Return the shape of items of which some have the rows of the batch."""
    if one.sizes is None or other.sizes is None or len(one.sizes) != len(other.sizes):
        return None
    return tuple(
        a if a == b else next((size for size in (a, b) if isinstance(size, Rows)), None)
        for a, b in zip(one.sizes, other.sizes, strict=True)
    )


def _declare(op: Op, position: int, lists: Iterable[str]) -> None:
    """Free the old batch in an input that is the declared shape of items."""
    item, declared = _items(op, lists), op.input(position).value
    shape = op.input(position).sizes
    if item is None or item.sizes is None or declared is None or shape == () or item.axis is None:
        return
    if len(declared) != len(item.sizes):
        raise Refused(
            "reshape-pinned", f"{op.named(position)} is {text(declared)}, and an item is {text(item.sizes)}"
        )
    at = item.axis
    if declared[at] in (-1, item.sizes[at]):
        return
    op.need(
        position,
        tuple(-1 if axis == at else (-1 if size is None else size) for axis, size in enumerate(declared)),
    )


@rule("TensorListReserve EmptyTensorList")
def reserved(op: Op) -> list[Facts]:
    """Return an empty list."""
    lists = frozenset({op.site})
    _declare(op, 0, lists)
    if op.node.op == "TensorListReserve":
        value = op.input(1).value
        op.context.lengths[op.site] = _length_of(op, value[0] if value else None)
    return [Facts((), lists=lists)]


def _length_of(op: Op, length: Size) -> Size:
    """Return how many entries a list gets: one for each row of the batch, where rows are put into it."""
    found = op.context.items.get(op.site)
    if found is None or not found.row:
        return length
    if op.is_batch(length):
        op.need(1, (BATCH,))
    elif length != BATCH:
        raise Refused(
            "reshape-pinned", f"it makes a list of {length} entries, and rows of the batch are put into it"
        )
    return BATCH


@rule("TensorListFromTensor TensorListScatterV2")
def from_tensor(op: Op) -> list[Facts]:
    """Return a list of the entries of the first dimension."""
    facts, lists = op.input(0), frozenset({op.site})
    if facts.axis == 0 and (
        op.node.op != "TensorListFromTensor" or facts.kept or (facts.sizes or ())[0] != BATCH
    ):
        raise Refused("reshape-pinned", "it takes the rows of the batch one by one, for a loop over them")
    if facts.sizes:
        _put(op, lists, Facts(facts.sizes[1:], row=facts.axis == 0))
        op.context.lengths[op.site] = facts.sizes[0]
    _declare(op, 1 if op.node.op == "TensorListFromTensor" else 2, lists)
    return [Facts((), lists=lists)]


@rule("TensorListSetItem")
def with_item(op: Op) -> list[Facts]:
    """Return the list with another item."""
    _put(op, op.input(0).lists, op.input(2))
    return [op.input(0)]


@rule("TensorListPushBack")
def with_last(op: Op) -> list[Facts]:
    """Return the list with one item more."""
    _put(op, op.input(0).lists, op.input(1))
    return [op.input(0)]


@rule("TensorListPopBack")
def without_last(op: Op) -> list[Facts]:
    """Return the list without its last item, and that item."""
    _declare(op, 1, op.input(0).lists)
    return [op.input(0), _items(op, op.input(0).lists) or Facts()]


@rule("TensorListGetItem")
def item(op: Op) -> list[Facts]:
    """Return an item."""
    _declare(op, 2, op.input(0).lists)
    return [_items(op, op.input(0).lists) or _declared_item(op, 2)]


@rule("TensorListStack TensorListGather")
def stacked(op: Op) -> list[Facts]:
    """Return the items as one tensor."""
    gather = op.node.op == "TensorListGather"
    shape, lists = (2 if gather else 1), op.input(0).lists
    _declare(op, shape, lists)
    found = _items(op, lists) or _declared_item(op, shape)
    lengths = {op.context.lengths.get(site) for site in lists}
    indices = op.input(1).sizes
    length: Size = indices[0] if gather and indices else lengths.pop() if len(lengths) == 1 else None
    if found.row and length != BATCH:
        raise Refused(
            "reshape-pinned", "it joins rows of the batch that were computed one by one, and not all"
        )
    if found.row and op.attr("num_elements").i >= 0 and not gather:
        op.pins.append(Pin(0, masks=(("num_elements", -1),)))
    return [Facts(None if found.sizes is None else (length, *found.sizes))]


def _declared_item(op: Op, position: int) -> Facts:
    """Return an item by the declared shape, where nothing was put in yet."""
    value = op.input(position).value
    if value is None or op.input(position).sizes == ():
        return Facts()
    return Facts(tuple(None if size == -1 else size for size in value))


@rule("TensorListLength")
def length(op: Op) -> list[Facts]:
    """Return how many items a list has, as a value."""
    lengths = {op.context.lengths.get(site) for site in op.input(0).lists}
    return [Facts((), (lengths.pop(),) if len(lengths) == 1 else None)]


@rule("TensorListElementShape")
def shape_of_item(op: Op) -> list[Facts]:
    """Return the shape of an item as a value."""
    found = _items(op, op.input(0).lists)
    return [Facts((None,), None if found is None else found.sizes)]


@rule("TensorListResize")
def resized(op: Op) -> list[Facts]:
    """Return a list of the same items of another length."""
    return [op.input(0)]


# -- tensor arrays of TF1, whose `flow` represents the list at one point


@rule("TensorArrayV3")
def array(op: Op) -> list[Facts]:
    """Return the handle and the flow of an empty array."""
    value = op.input(0).value
    op.context.lengths[op.site] = value[0] if value else None
    if isinstance(op.context.lengths[op.site], Rows):
        raise Refused("reshape-op", "it makes an array with an entry for each row of the batch")
    lists = frozenset({op.site})
    return [Facts((2,), lists=lists), Facts((), lists=lists)]


@rule("TensorArrayWriteV3")
def written(op: Op) -> list[Facts]:
    """Return the flow of an array with another entry."""
    _put(op, op.input(0).lists, op.input(2))
    return [Facts((), lists=op.input(0).lists)]


@rule("TensorArrayScatterV3")
def scattered(op: Op) -> list[Facts]:
    """Return the flow of an array whose entries are those of the first dimension of a tensor."""
    value = op.input(2)
    if value.axis == 0:
        raise Refused("reshape-pinned", "it takes the rows of the batch one by one, for a loop over them")
    if value.sizes:
        _put(op, op.input(0).lists, Facts(value.sizes[1:]))
    return [Facts((), lists=op.input(0).lists)]


@rule("TensorArrayReadV3")
def entry(op: Op) -> list[Facts]:
    """Return an entry."""
    return [_items(op, op.input(0).lists) or Facts()]


@rule("TensorArrayGatherV3")
def entries(op: Op) -> list[Facts]:
    """Return entries as one tensor."""
    found, indices = _items(op, op.input(0).lists), op.input(1).sizes
    if found is None or found.sizes is None:
        return [Facts()]
    return [Facts((indices[0] if indices else None, *found.sizes))]


@rule("TensorArraySizeV3")
def size_of_array(op: Op) -> list[Facts]:
    """Return how many entries an array has, as a value."""
    lengths = {op.context.lengths.get(site) for site in op.input(0).lists}
    return [Facts((), (lengths.pop(),) if len(lengths) == 1 else None)]


@rule("TensorArrayCloseV3")
def closed(op: Op) -> list[Facts]:
    """Return nothing."""
    return []
