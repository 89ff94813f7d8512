"""Values of tensors laid over a picture: whose box each belongs to, and the step of the colour scale it gets.

Plain data. Whoever ran a model makes a `TensorValue` of each tensor; a renderer asks a `ValueLayer` what to write in a
box and how strong its colour is. Colours themselves are the renderer's: it has one for each of `STEPS` steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from workbench.names import CALL_SEPARATOR
from workbench.picture.scene.scene import Frame, Node

STEPS = 7
"""How many steps the scale of magnitudes has; step 0 is for zeros and what is next to nothing."""
_DECADES = 6  # below the largest magnitude; what is smaller than that is in step 0
_END = "#"
"""Before the side and the key of an input or output in an address: `#in#KEY`, `#out#KEY`."""


@dataclass(frozen=True, slots=True)
class Image:
    """A tensor as a small picture.

    Attributes:
        width: in pixels.
        height: in pixels.
        channels: 1 for grey, 3 for red, green and blue.
        pixels: a byte for each channel of each pixel, row by row.
        caption: which part of the tensor it is, such as `channel 3`; empty for all of it.
    """

    width: int
    height: int
    channels: int
    pixels: bytes
    caption: str = ""


@dataclass(frozen=True, slots=True)
class TensorValue:
    """What a picture shows of a tensor's value on one run.

    Attributes:
        address: `node:0`, `CALL::node:0`; of a signature's input or output `#in#KEY`, `#out#KEY`.
        dtype: `float32`, `string`, …
        shape: of the value.
        least, most, mean: of its finite numbers; None where it has none.
        nans: how many values are NaN.
        above: how many are plus infinity.
        below: how many are minus infinity.
        histogram: counts of the finite numbers between `least` and `most`, in bins of equal width.
        first: the first values as text.
        images: pictures of it, if it looks like one.
    """

    address: str
    dtype: str
    shape: tuple[int, ...]
    least: float | None = None
    most: float | None = None
    mean: float | None = None
    nans: int = 0
    above: int = 0
    below: int = 0
    histogram: tuple[int, ...] = ()
    first: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()

    @property
    def place(self) -> str:
        """The written place of the node that makes it; of an input or output, its address."""
        if self.address.startswith(_END):
            return self.address
        node, colon, index = self.address.removeprefix("%").rpartition(":")
        return node if colon and index.isdigit() else self.address.removeprefix("%")

    @property
    def type(self) -> str:
        """Its dtype and size: `float32 [1,784]`."""
        return f"{self.dtype} [{','.join(map(str, self.shape))}]"

    @property
    def magnitude(self) -> float | None:
        """Its largest finite absolute value; None where it has none."""
        if self.least is None or self.most is None:
            return None
        return max(abs(self.least), abs(self.most))

    @property
    def trouble(self) -> str:
        """What is not finite: `3 NaN, 1 -Inf`; empty if everything is."""
        counts = ((self.nans, "NaN"), (self.above, "+Inf"), (self.below, "-Inf"))
        return ", ".join(f"{number:,} {name}" for number, name in counts if number)

    @property
    def range(self) -> str:
        """Its finite numbers in a few words: `-0.5 … 3.1`; without numbers the first values."""
        if self.least is None or self.most is None:
            return ", ".join(self.first)
        if self.least == self.most:
            return number_text(self.least)
        return f"{number_text(self.least)} … {number_text(self.most)}"


def number_text(value: float) -> str:
    """Return a number with three significant digits: `0.0123`, `-4.5e+06`."""
    return f"{value + 0.0:.3g}"


@dataclass(frozen=True, slots=True)
class Scale:
    """A logarithmic scale of magnitudes in `STEPS` steps.

    Attributes:
        low: the magnitude at which step 1 begins.
        high: the largest magnitude.
    """

    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[TensorValue]) -> Scale | None:
        """Return the scale on which these values lie; None if none of them has a number other than zero."""
        sizes = [size for value in values if (size := value.magnitude)]
        if not sizes:
            return None
        high = max(sizes)
        return cls(max(min(sizes), high / 10.0**_DECADES), high)

    def step(self, magnitude: float) -> int:
        """Return the step of a magnitude, from 0 to `STEPS - 1`."""
        if magnitude < self.low:
            return 0
        if self.high <= self.low:
            return STEPS - 1
        part = (math.log(magnitude) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return 1 + min(int(part * (STEPS - 1) + 1e-9), STEPS - 2)

    @property
    def bounds(self) -> list[float]:
        """The magnitudes at which the steps from 1 begin, and the largest: for a legend."""
        ratio = self.high / self.low
        return [self.low * ratio ** (at / (STEPS - 1)) for at in range(STEPS - 1)] + [self.high]


@dataclass(frozen=True)
class ValueLayer:
    """Values by box.

    Attributes:
        values: all of them, in the order in which they were computed.
        signature: key of the signature that was run.
        notes: sentences on how the inputs were made and on what was left out.
    """

    values: Sequence[TensorValue]
    signature: str = ""
    notes: tuple[str, ...] = ()
    _by_place: dict[str, list[TensorValue]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Sort the values by place."""
        for value in self.values:
            self._by_place.setdefault(value.place, []).append(value)

    @cached_property
    def scale(self) -> Scale | None:
        """The scale on which all values lie; None if there are no numbers."""
        return Scale.of(self.values)

    def of(self, item: Node | Frame) -> tuple[TensorValue, ...]:
        """Return the values of a box's own outputs, or of a signature's input or output that it represents."""
        found = self._by_place.get(item.id) or self._by_place.get(item.path) or ()
        return tuple(found)

    def at(self, place: str) -> tuple[TensorValue, ...]:
        """Return the values of the node at a written place, such as `CALL::node`."""
        return tuple(self._by_place.get(place, ()))

    def inside(self, scope: Node) -> tuple[TensorValue, ...]:
        """Return the values of what is inside a closed scope."""
        return tuple(self._inside(scope))

    def _inside(self, scope: Node) -> Iterator[TensorValue]:
        starts = tuple(f"{scope.path}{end}" for end in ("/", CALL_SEPARATOR))
        if scope.id.endswith("*"):  # boxes whose names begin alike
            starts += (f"{scope.path}_",)
        for place, values in self._by_place.items():
            if scope.path and place.startswith(starts):
                yield from values

    def step(self, values: Iterable[TensorValue]) -> int | None:
        """Return the step of the largest of some values; None if they have no numbers."""
        sizes = [size for value in values if (size := value.magnitude) is not None]
        if not sizes:
            return None
        return self.scale.step(max(sizes)) if self.scale is not None else 0


class HasValues(Protocol):
    """What can be laid over a picture: the result of `probe`."""

    def value_layer(self) -> ValueLayer:
        """Return its values by box."""
        ...
