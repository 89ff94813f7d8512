"""What is seen of a tensor: its size, its range, how its values are spread, the first of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

BINS = 16
"""Of a histogram."""
FIRST = 8
"""How many values are listed."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A tensor's value on one run.

    Attributes:
        address: of the tensor.
        op: that made it.
        dtype: `float32`, `string`, …
        shape: of the value.
        array: the value.
        least, most, mean: of its finite numbers; None for strings and empty tensors.
        nans, infinities: how many.
        histogram: counts of the finite numbers between `least` and `most`, in `BINS` bins of equal width.
    """

    address: str
    op: str
    dtype: str
    shape: tuple[int, ...]
    array: Array
    least: float | None = None
    most: float | None = None
    mean: float | None = None
    nans: int = 0
    infinities: int = 0
    histogram: tuple[int, ...] = ()

    @property
    def first(self) -> list[Any]:
        """Its first values, in row-major order."""
        found: list[Any] = self.array.reshape(-1)[:FIRST].tolist()
        return found

    @property
    def is_picture(self) -> bool:
        """Whether it looks like a picture: height × width, or with 1, 3 or 4 channels, perhaps with a batch."""
        return picture_of(self.array) is not None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON, with its first values only."""
        from workbench.describe.values import plain

        return {
            "tensor": self.address,
            "op": self.op,
            "dtype": self.dtype,
            "shape": list(self.shape),
            "min": self.least,
            "max": self.most,
            "mean": self.mean,
            "nan": self.nans,
            "inf": self.infinities,
            "histogram": list(self.histogram),
            "first": plain(self.first),
        }


def see(address: str, op: str, array: Array) -> Seen:
    """Return what is seen of a value."""
    import numpy as np

    text = array.dtype.kind in "OSU"
    dtype = "string" if text else array.dtype.name
    shape = tuple(array.shape)
    if text or array.size == 0 or array.dtype.kind not in "biufcV":
        return Seen(address, op, dtype, shape, array)
    numbers = np.abs(array) if array.dtype.kind == "c" else array
    flat = numbers.reshape(-1).astype(np.float64)
    nans, infinities = int(np.isnan(flat).sum()), int(np.isinf(flat).sum())
    finite = flat[np.isfinite(flat)]
    if not finite.size:
        return Seen(address, op, dtype, shape, array, None, None, None, nans, infinities)
    least, most = float(finite.min()), float(finite.max())
    counts: tuple[int, ...] = ()
    if most > least and np.isfinite(most - least):
        counts = tuple(map(int, np.histogram(finite, BINS, (least, most))[0]))
    return Seen(address, op, dtype, shape, array, least, most, float(finite.mean()), nans, infinities, counts)


def picture_of(array: Array) -> Array | None:
    """Return the first picture in a tensor as numbers from 0 to 1, height × width × channels; None if it is none."""
    import numpy as np

    if array.dtype.kind not in "uif" or array.ndim not in (2, 3, 4):
        return None
    one = array[0] if array.ndim == 4 and array.shape[0] else array
    if one.ndim == 2 and min(one.shape) >= 8 and max(one.shape) <= 2 * min(one.shape):
        one = one[..., None]
    if one.ndim != 3 or one.shape[-1] not in (1, 3, 4) or min(one.shape[:2]) < 4:
        return None
    values = np.nan_to_num(one[..., :3].astype(np.float64))
    least, most = float(values.min()), float(values.max())
    if array.dtype == np.uint8:
        least, most = 0.0, 255.0
    return (values - least) / (most - least) if most > least else np.zeros_like(values)
