"""What is known of a tensor after a run: range, odd values, histogram, first values, small images, iterations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from workbench.names import CALL_SEPARATOR, count
from workbench.picture.values import Image

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What is shown of an array.

    Attributes:
        dtype: `float32`, `string`, …
        shape: of the array; None where iterations have several.
        size: the number of its elements.
        least, most, mean: of its finite numbers (of complex ones the magnitudes); None without any.
        nans: how many values are NaN.
        above: how many are plus infinity.
        below: how many are minus infinity.
        histogram: counts of the finite numbers between `least` and `most`, in bins of equal width; empty where all
            are equal, and for iterations of a loop that are large.
        first: the first values in row-major order, at most 8: numbers, booleans or bytes.
    """

    dtype: str
    shape: tuple[int, ...] | None = None
    size: int = 0
    least: float | None = None
    most: float | None = None
    mean: float | None = None
    nans: int = 0
    above: int = 0
    below: int = 0
    histogram: tuple[int, ...] = ()
    first: tuple[Any, ...] = ()

    @property
    def infinities(self) -> int:
        """How many values are infinite."""
        return self.above + self.below

    @property
    def is_odd(self) -> bool:
        """Whether it has a NaN or an infinity."""
        return bool(self.nans or self.above or self.below)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        from workbench.describe.values import plain

        return {
            "dtype": self.dtype,
            "shape": None if self.shape is None else list(self.shape),
            "size": self.size,
            "min": plain(self.least),
            "max": plain(self.most),
            "mean": plain(self.mean),
            "nan": self.nans,
            "inf": self.infinities,
            "histogram": list(self.histogram),
            "first": plain(list(self.first)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration(Summary):
    """A tensor's value in one iteration of the loops it is in.

    Attributes:
        index: a number from 0 for each loop, the outermost first; of a loop of TF1 one number for all.
    """

    index: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How far a tensor differs between two runs.

    Attributes:
        differing: how many elements differ; two NaN are equal.
        size: how many elements were compared.
        largest: the largest absolute difference; None for strings.
        at: the index of the element with this difference; of strings, of the first that differs.
        values: both values there.
        iteration: the iteration in which that is; empty outside loops.
        shapes: both shapes where they differ; then nothing else is compared.
        note: why it could not be compared, or not in full; empty if it was.
    """

    differing: int = 0
    size: int = 0
    largest: float | None = None
    at: tuple[int, ...] | None = None
    values: tuple[Any, Any] | None = None
    iteration: tuple[int, ...] = ()
    shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    note: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether everything that was compared is equal."""
        return not self.differing and self.shapes is None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        from workbench.describe.values import plain

        return {
            "differing": self.differing,
            "size": self.size,
            "largest": plain(self.largest),
            "at": None if self.at is None else list(self.at),
            "values": None if self.values is None else plain(list(self.values)),
            "iteration": list(self.iteration),
            "shapes": None if self.shapes is None else [list(shape) for shape in self.shapes],
            "note": self.note,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedTensor(Summary):
    """A tensor on one run.

    Attributes:
        address: as it was written, or as `probe` writes it: `node:0`, `CALL::node:0`, `LOOP[body]::node:0`.
        op: that makes it; empty for an argument of a function.
        runs: how often it was computed: 0 if it was not, more than 1 in a loop.
        note: why it has no value, or what was left out; empty if nothing was.
        iterations: its values one by one, if it was computed several times, up to the limit. The summary of the tensor
            itself is that of all these together, its shape that of each.
        images: its first value as small images, if it looks like one, or has channels that do.
        array: its value, if that was asked for; with a dimension more in front for each loop. None if it was not, or
            if its iterations have several shapes.
        difference: between two runs, if two were asked for.
        other: the same tensor on the second run.
    """

    address: str
    op: str = ""
    runs: int = 1
    note: str = ""
    iterations: tuple[Iteration, ...] = ()
    images: tuple[Image, ...] = ()
    array: Array | None = None
    difference: Difference | None = None
    other: ProbedTensor | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """The calls that lead to it, from the main graph: `CALL`, `LOOP[body]`."""
        return tuple(self.address.split(CALL_SEPARATOR)[:-1])

    @property
    def has_value(self) -> bool:
        """Whether it was computed, and is a tensor and no resource or variant."""
        return (self.runs > 0 and self.shape is not None) or bool(self.iterations)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON, with its first values; `iterations` only where there are several."""
        found = {
            "tensor": self.address,
            "op": self.op,
            **Summary.as_json(self),
            "runs": self.runs,
            "note": self.note,
        }
        if self.iterations:
            found["iterations"] = [{"index": list(one.index), **one.as_json()} for one in self.iterations]
        if self.difference is not None:
            found["difference"] = self.difference.as_json()
            found["other"] = None if self.other is None else self.other.as_json()
        return found


def probed(address: str, op: str, array: Array, *, images: int = 0, keep: bool = True) -> ProbedTensor:
    """Return what is known of an array.

    Args:
        address: of the tensor.
        op: that makes it.
        array: its value.
        images: how many images of it there may be.
        keep: whether the array itself is in the result.
    """
    from workbench.runtime.child_script import recording

    return ProbedTensor(
        address=address,
        op=op,
        images=tuple(Image(**one) for one in recording.images_of(array, images)),
        array=array if keep else None,
        **fields_of(recording.summary(array)),
    )


def fields_of(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `Summary` from what `recording.summary` gives."""
    found = dict(summary)
    found["shape"] = None if found["shape"] is None else tuple(found["shape"])
    found["histogram"] = tuple(found["histogram"])
    found["first"] = tuple(found["first"].tolist())
    return found


def difference_of(one: Array, other: Array) -> Difference:
    """Return how far two arrays differ; arrays of different dtypes differ as numbers."""
    from workbench.runtime.child_script import recording

    if one.dtype != other.dtype:
        note = f"One is {one.dtype.name}, the other {other.dtype.name}."
        if "O" in one.dtype.kind + other.dtype.kind:
            return Difference(differing=int(other.size), size=int(other.size), note=note)
        import numpy as np

        wide = np.result_type(one.dtype, other.dtype)
        return replace(difference_of(one.astype(wide), other.astype(wide)), note=note)
    found = recording.difference(one, other)
    if "shapes" in found:
        first, second = found["shapes"]
        return Difference(shapes=(tuple(first), tuple(second)))
    values = found["values"]
    return Difference(
        differing=found["differing"],
        size=found["size"],
        largest=found["largest"],
        at=None if found["at"] is None else tuple(found["at"]),
        values=None if values is None else (values[0].tolist()[0], values[1].tolist()[0]),
    )


def stacked(indices: Sequence[tuple[int, ...]], arrays: Sequence[Array]) -> Array | None:
    """Return the values of iterations as one array, with a dimension for each loop.

    Where the inner loops ran differently often there is one dimension for all; None if the shapes differ.
    """
    import numpy as np

    if not arrays or any(array.shape != arrays[0].shape for array in arrays):
        return None
    whole = np.stack(arrays)
    sizes = [max(index[at] for index in indices) + 1 for at in range(len(indices[0]))]
    if sizes and int(np.prod(sizes)) == len(arrays) == len(set(indices)):
        order = sorted(range(len(arrays)), key=lambda at: indices[at])
        return whole[order].reshape(*sizes, *arrays[0].shape)
    return whole


def left_out(runs: int, kept: int) -> str:
    """Return the note for iterations that are left out."""
    return f"{kept:,} of {count(runs, 'iteration')} are kept." if runs > kept else ""
