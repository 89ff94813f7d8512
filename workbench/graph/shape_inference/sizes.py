"""Sizes and shapes with a symbol for the batch, and what is known of a tensor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias


class Rows(NamedTuple):
    """A size that is a multiple of the batch: `outer × batch × inner`.

    The order matters: in `[batch × 49, 512]` the 49 entries of a row lie together, in `[49 × batch, 512]` they do not.

    Attributes:
        outer: how often all rows are repeated.
        inner: how many entries each row has; None if that is unknown.
    """

    outer: int = 1
    inner: int | None = 1

    @property
    def factor(self) -> int | None:
        """How many times the batch it is, or None."""
        return None if self.inner is None else self.outer * self.inner

    def __str__(self) -> str:
        before = "" if self.outer == 1 else f"{self.outer}×"
        return before + "batch" + ("" if self.inner == 1 else f"×{'?' if self.inner is None else self.inner}")


BATCH = Rows()
_MOST = 1 << 63
Size: TypeAlias = int | Rows | None
"""A number, an unknown size, or a multiple of the batch."""
Sizes: TypeAlias = tuple[Size, ...] | None
"""A shape; None for an unknown rank."""


class Facts(NamedTuple):
    """What is known of a tensor.

    Attributes:
        sizes: its shape.
        value: the elements of a small tensor of integers, in order, as far as they are known; or None.
        content: of a resource, the shape of the variable; None if unknown.
        lists: of a tensor list, the nodes that may have made it.
        uniform: whether all elements are equal.
        alike: whether all entries of its first dimension are equal.
        random: whether random numbers are in it.
        kept: whether its rows are in a dimension that the source has none of, since it squeezed a batch of 1 away.
        row: whether it follows from one row of the batch, that of an iteration of a loop over the rows.
        lost: whether a node before it was refused, so that nothing is known.
    """

    sizes: Sizes = None
    value: tuple[Size, ...] | None = None
    content: Sizes = None
    lists: frozenset[str] = frozenset()
    uniform: bool = False
    alike: bool = False
    random: bool = False
    kept: bool = False
    row: bool = False
    lost: bool = False

    @property
    def axis(self) -> int | None:
        """The dimension that counts the rows of the batch; None if no dimension does."""
        for axis, size in enumerate(self.sizes or ()):
            if isinstance(size, Rows):
                return axis
        return None

    @property
    def rank(self) -> int | None:
        """The number of dimensions, or None."""
        return None if self.sizes is None else len(self.sizes)

    def of(self, sizes: Sizes) -> Facts:
        """Return what stays known of a tensor that is computed from it and has another shape."""
        return Facts(sizes, uniform=self.uniform, random=self.random, kept=self.kept)

    def reshaped(self, sizes: Sizes) -> Facts:
        """Return the facts of the same elements in another shape."""
        return self._replace(sizes=sizes)


LOST = Facts(lost=True)
UNKNOWN = Facts()


def product(sizes: Iterable[Size]) -> Size:
    """Return the product of sizes; None if one is unknown, or two are multiples of the batch."""
    total: Size = 1
    for size in sizes:
        total = times(total, size)
    return total


def times(one: Size, other: Size) -> Size:
    """Return the product of two sizes: `one` is further out."""
    if isinstance(one, Rows):
        if isinstance(other, Rows):
            return None
        inner = None if one.inner is None or other is None else within(one.inner * other)
        return Rows(one.outer, inner)
    if isinstance(other, Rows):
        outer = None if one is None else within(one * other.outer)
        return None if outer is None else Rows(outer, other.inner)
    return None if one is None or other is None else within(one * other)


def within(number: int) -> int | None:
    """Return a number that TensorFlow can hold, else None."""
    return number if -_MOST <= number < _MOST else None


def divided(one: Size, other: Size) -> Size:
    """Return an exact quotient of two sizes, or None."""
    if other == 1:
        return one
    if isinstance(one, Rows) and isinstance(other, Rows):
        if one.factor is None or not other.factor or one.factor % other.factor:
            return None
        return one.factor // other.factor
    if isinstance(one, Rows) and isinstance(other, int) and other > 0:
        if one.inner is not None and one.inner % other == 0:
            return Rows(one.outer, one.inner // other)
        return Rows(one.outer // other, one.inner) if one.outer % other == 0 else None
    if isinstance(one, int) and isinstance(other, int) and other > 0:
        return one // other
    return None


def multiple(size: int, batch: int | None) -> int | None:
    """Return how many times the fixed batch a size is; None if it is no multiple of it."""
    return size // batch if batch and size > 0 and size % batch == 0 else None


def either(one: Sizes, other: Sizes) -> Sizes:
    """Return what two shapes have in common: that of a tensor that has one or the other."""
    if one is None or other is None or len(one) != len(other):
        return None
    return tuple(a if a == b else None for a, b in zip(one, other, strict=True))


def plain(sizes: Sizes) -> tuple[int | None, ...] | None:
    """Return a shape with unknown sizes for multiples of the batch."""
    return None if sizes is None else tuple(size if isinstance(size, int) else None for size in sizes)


def text(sizes: Sizes) -> str:
    """Return a shape as text: `[batch,28,28,?]`."""
    if sizes is None:
        return "[?…]"
    return "[" + ",".join("?" if size is None else str(size) for size in sizes) + "]"
