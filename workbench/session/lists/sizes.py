"""Sizes in bytes: of constants, and as a filter asks for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from workbench.disk import dtypes

if TYPE_CHECKING:
    from workbench.disk.schema import NodeDef

_STRING = 7
_BOUND = re.compile(
    r"(?P<sign>[<>]=?)(?:(?P<number>[0-9]{1,12}(?:\.[0-9]{1,6})?|\.[0-9]{1,6})(?P<unit>[kmgt]?i?b?))?\Z",
    re.IGNORECASE,
)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


@dataclass(frozen=True, slots=True)
class SizeRange:
    """A range of bytes; None is no bound.

    Attributes:
        least: the smallest size that is in it.
        most: the largest size that is in it.
    """

    least: float | None = None
    most: float | None = None

    def __bool__(self) -> bool:
        return self.least is not None or self.most is not None

    def narrowed(self, other: SizeRange) -> SizeRange:
        """Return what is in both ranges."""
        least = [one for one in (self.least, other.least) if one is not None]
        most = [one for one in (self.most, other.most) if one is not None]
        return SizeRange(max(least, default=None), min(most, default=None))

    def has(self, nbytes: int) -> bool:
        """Return whether a size is in the range; a negative one, of what has no size, never is."""
        return nbytes >= max(self.least or 0, 0) and (self.most is None or nbytes <= self.most)


ANY_SIZE = SizeRange()


def parse_bound(word: str) -> SizeRange | None:
    """Return the range that `>1MB`, `<10k`, `>=4KiB` means; None for another word.

    Units are powers of 1000, those with an i (`KiB`) of 1024. An unfinished one (`>`) is a range without bounds.
    """
    match = _BOUND.match(word)
    if match is None:
        return None
    if match["number"] is None:
        return ANY_SIZE
    unit = match["unit"].lower().removesuffix("b")
    base = 1024 if unit.endswith("i") else 1000
    bound = float(match["number"]) * base ** _POWERS[unit.removesuffix("i")]
    step = 0 if match["sign"].endswith("=") else 0.5  # sizes are whole numbers of bytes
    return SizeRange(least=bound + step) if word.startswith(">") else SizeRange(most=bound - step)


def constant_nbytes(node: NodeDef) -> int:
    """Return the bytes of the value of a constant as it claims them; 0 if it has none."""
    if "value" not in node.attr:
        return 0
    tensor = node.attr["value"].tensor
    if tensor.dtype == _STRING:
        return sum(map(len, tensor.string_val))
    return (dtypes.size(tensor.dtype) or 0) * prod(max(dim.size, 0) for dim in tensor.tensor_shape.dim)
