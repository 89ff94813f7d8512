"""What recorders of an instrumented graph see, reduced to what is shown of it.

It needs NumPy alone. The program imports it too, so that a value is summarised in one way on both sides.

A summary is `{"dtype", "shape", "size", "least", "most", "mean", "nans", "above", "below", "histogram", "first"}`:
range and mean of the finite numbers (None without any; of complex numbers their magnitudes), how many values are NaN,
plus and minus infinity, the counts of the finite numbers in `BINS` bins of equal width, and the first values as an
array.
"""

from __future__ import annotations

import threading
from typing import Any, Dict

import numpy as np

BINS = 16
FIRST = 8
SIDE = 64  # pixels of an image
CHANNELS = 12  # images of a tensor of features
LEAST_SIDE = 4
ORDINALS = {2: "nd", 3: "rd"}
CHUNK = 1 << 20  # elements that are looked at together
SMALL = 1 << 20  # bytes of the iterations of a loop that are summarised as one

Json = Dict[str, Any]


def summary(array: Any) -> Json:
    """Return the summary of an array."""
    text = array.dtype.kind in "OSU"
    dtype = "string" if text else array.dtype.name
    if array.dtype.names:  # TensorFlow's quantised types are structs of one field
        dtype = array.dtype.names[0]
        array = array[dtype]
    flat = array.reshape(-1)
    found: Json = {
        "dtype": dtype,
        "shape": list(array.shape),
        "size": int(array.size),
        "least": None,
        "most": None,
        "mean": None,
        "nans": 0,
        "above": 0,
        "below": 0,
        "histogram": [],
        "first": flat[:FIRST].copy(),
    }
    if not text and array.size:
        found.update(numbers_summary(flat))
    return found


def numbers_summary(flat: Any) -> Json:
    """Return what a summary says of the numbers of a flat array, which is looked at in chunks."""
    nans = above = below = count = 0
    total = 0.0
    least, most = np.inf, -np.inf
    for chunk in chunks(flat):
        finite = chunk[np.isfinite(chunk)]
        if finite.size < chunk.size:
            nans += int(np.isnan(chunk).sum())
            above += int(np.isposinf(chunk).sum())
            below += int(np.isneginf(chunk).sum())
        if finite.size:
            count += finite.size
            with np.errstate(over="ignore"):
                total += float(finite.sum())
            least, most = min(least, float(finite.min())), max(most, float(finite.max()))
    found: Json = {"nans": nans, "above": above, "below": below}
    if not count:
        return found
    found.update(least=least, most=most, mean=total / count if np.isfinite(total) else None)
    if most > least and np.isfinite(most - least):
        counts = np.zeros(BINS, np.int64)
        for chunk in chunks(flat):
            counts += np.histogram(chunk[np.isfinite(chunk)], BINS, (least, most))[0]
        found["histogram"] = counts.tolist()
    return found


def chunks(flat: Any) -> Any:
    """Iterate over parts of a flat array as float64; complex numbers as their magnitudes."""
    for start in range(0, flat.size, CHUNK):
        part = flat[start : start + CHUNK]
        yield (np.abs(part) if part.dtype.kind == "c" else part).astype(np.float64)


def merged(parts: list[Json]) -> Json:
    """Return the summary of all iterations of a loop; the histogram is left out, the first values are the first's."""
    if len(parts) == 1:
        return parts[0]
    found = dict(parts[0], histogram=[])
    shapes = {tuple(part["shape"]) for part in parts}
    found["shape"] = list(shapes.pop()) if len(shapes) == 1 else None
    ranged = [part for part in parts if part["least"] is not None]
    for name in ("size", "nans", "above", "below"):
        found[name] = sum(part[name] for part in parts)
    if ranged:
        found["least"] = min(part["least"] for part in ranged)
        found["most"] = max(part["most"] for part in ranged)
        sizes = [part["size"] - part["nans"] - part["above"] - part["below"] for part in ranged]
        means = [part["mean"] for part in ranged]
        found["mean"] = None if None in means else float(np.average(means, weights=sizes))
    return found


# ---------------------------------------------------------------- images


def picture_of(array: Any) -> Any:
    """Return the first picture in a tensor as numbers from 0 to 1, height × width × channels; None if it is none.

    A picture is height × width, or with 1, 3 or 4 channels, perhaps with a batch in front.
    """
    if array.dtype.kind not in "uif" or array.ndim not in (2, 3, 4):
        return None
    one = array[0] if array.ndim == 4 and array.shape[0] else array
    if one.ndim == 3 and one.shape[-1] not in (1, 3, 4) and one.shape[0]:  # a batch of grey ones
        one = one[0]
    if one.ndim == 2 and min(one.shape) >= 8 and max(one.shape) <= 2 * min(one.shape):
        one = one[..., None]
    if one.ndim != 3 or one.shape[-1] not in (1, 3, 4) or min(one.shape[:2]) < LEAST_SIDE:
        return None
    one = one[..., :3]
    if one.shape[0] * one.shape[1] > CHUNK:
        step = max(1, max(one.shape[:2]) // 1024)
        one = one[::step, ::step]
    if array.dtype == np.uint8:
        return one.astype(np.float64) / 255.0
    return scaled(one)


def scaled(values: Any) -> Any:
    """Return values from 0 to 1; what is not finite counts as 0."""
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    least, most = float(values.min()), float(values.max())
    if not most > least or not np.isfinite(most - least):
        return np.zeros_like(values)
    return (values - least) / (most - least)


def images_of(array: Any, room: int) -> list[Json]:
    """Return an array as an image if it looks like one, or images of the first channels of features.

    An image is `{"width", "height", "channels", "pixels": bytes, "caption"}`.
    """
    if room < 1 or not array.size:
        return []
    picture = picture_of(array)
    if picture is not None:
        return [image(picture, f"first of {array.shape[0]}" if is_batch(array) else "")]
    if array.dtype.kind != "f" or array.ndim != 4:
        return []
    features = array[0]
    if min(features.shape[:2]) < LEAST_SIDE or features.shape[2] < 2:
        return []
    channels = range(min(features.shape[2], CHANNELS, room))
    return [image(scaled(features[..., at : at + 1]), f"channel {at}") for at in channels]


def is_batch(array: Any) -> bool:
    """Return whether an array that is a picture has others behind the first one."""
    several = array.ndim == 4 or (array.ndim == 3 and array.shape[-1] not in (1, 3, 4))
    return bool(several and array.shape[0] > 1)


def image(picture: Any, caption: str) -> Json:
    """Return numbers from 0 to 1 as an image of at most `SIDE` pixels a side."""
    step = max(1, -(-max(picture.shape[:2]) // SIDE))
    small = picture[::step, ::step]
    if small.shape[2] == 2:
        small = small[..., :1]
    if step > 1:
        told = f"every {step}{ORDINALS.get(step, 'th')} pixel"
        caption = f"{caption}, {told}" if caption else told
    pixels = np.rint(np.clip(small, 0.0, 1.0) * 255).astype(np.uint8)
    height, width, channels = pixels.shape
    return {
        "width": width,
        "height": height,
        "channels": channels,
        "pixels": pixels.tobytes(),
        "caption": caption,
    }


# ---------------------------------------------------------------- differences


def difference(one: Any, other: Any) -> Json:
    """Return how far two arrays differ.

    It is `{"differing", "size", "largest", "at", "values"}`: how many elements differ, of how many, the largest
    absolute difference (None for strings), the index of that element (of strings the first that differs),
    and both its values; or `{"shapes": [shape, shape]}` where the shapes differ. Two NaNs are equal.
    """
    if one.shape != other.shape:
        return {"shapes": [list(one.shape), list(other.shape)]}
    if one.dtype.names:
        one, other = one[one.dtype.names[0]], other[other.dtype.names[0]]
    flat, others = one.reshape(-1), other.reshape(-1)
    found: Json = {"differing": 0, "size": int(flat.size), "largest": None, "at": None, "values": None}
    place, largest = None, -1.0
    is_text = flat.dtype.kind in "OSU"
    for start in range(0, flat.size, CHUNK):
        left, right = flat[start : start + CHUNK], others[start : start + CHUNK]
        unequal = left != right
        if not is_text:
            unequal &= ~((left != left) & (right != right))
        number = int(np.count_nonzero(unequal))
        found["differing"] += number
        if not number:
            continue
        if is_text:
            place = start + int(np.argmax(unequal)) if place is None else place
            continue
        distance = distances(left, right, unequal)
        at = int(np.argmax(distance))
        if distance[at] > largest:
            place, largest = start + at, float(distance[at])
    if place is not None:
        found["at"] = [int(index) for index in np.unravel_index(place, one.shape)]
        found["values"] = [flat[place : place + 1].copy(), others[place : place + 1].copy()]
    if not is_text:
        found["largest"] = max(largest, 0.0)
    return found


def distances(left: Any, right: Any, unequal: Any) -> Any:
    """Return the absolute differences as float64; infinite where only one value is NaN."""
    wide = np.complex128 if left.dtype.kind == "c" else np.float64
    if left.dtype.kind in "iu" and left.dtype.itemsize == 8:  # exact where float64 is not
        found = np.where(left > right, left - right, right - left).astype(np.uint64).astype(np.float64)
    else:
        with np.errstate(invalid="ignore", over="ignore"):
            found = np.abs(left.astype(wide) - right.astype(wide))
    found[np.isnan(found)] = np.inf
    found[~unequal] = 0.0
    return found


# ---------------------------------------------------------------- recording


class Recorded:
    """The values that one recorder got on a run.

    Attributes:
        rounds: `(index, summary)` of each that is kept; the index has a number for each loop it is in.
        arrays: those that are kept.
        runs: how many values there were.
        order: how many values of any recorder there were before the first one.
        images: of the first value.
        differences: of each value from that of another run with the same index.
    """

    def __init__(self, order: int) -> None:
        self.order = order
        self.runs = 0
        self.rounds: list[tuple[tuple[int, ...], Json]] = []
        self.arrays: list[Any] = []
        self.images: list[Json] = []
        self.differences: list[tuple[tuple[int, ...], Json]] = []
        self.held: list[Any] = []  # small values of a loop, to be summarised as one
        self.held_bytes = 0
        self.cut = False  # arrays are left out, since there was no room

    def summary(self) -> Json:
        """Return the summary of all its values."""
        if len(self.rounds) > 1 and len(self.held) == len(self.rounds) == self.runs:
            parts = [array.reshape(-1) for array in self.held]
            whole = summary(np.concatenate(parts))
            return dict(whole, shape=merged([part for _, part in self.rounds])["shape"])
        return merged([part for _, part in self.rounds])


class Recording:
    """All recorders of one run.

    Args:
        plan: `{"loops": {slot: [loop]}, "again": [slot], "frames": [slot], "starts": {slot: [loop]},
            "rounds": {slot: loop}, "kept": [slot], "iterations": n, "images": n, "bytes": n}`: the loops that each
            recorder is in, those that may get several values, those in loops of TF1, whose values are numbered as they
            come, the markers that begin a loop or one of its rounds, the recorders whose arrays are kept, how many
            values of each are, how many images there may be, and how many bytes the arrays may have.
        against: an earlier recording, whose arrays the values are compared with.
    """

    def __init__(self, plan: Json, against: Any = None) -> None:
        self.loops = {int(slot): loops for slot, loops in plan["loops"].items()}
        self.starts = {int(slot): loops for slot, loops in plan["starts"].items()}
        self.marks = {int(slot): loop for slot, loop in plan["rounds"].items()}
        self.again = set(plan["again"])
        self.frames = set(plan["frames"])
        self.kept = set(plan["kept"])
        self.iterations = plan["iterations"]
        self.room = plan["images"]
        self.bytes = plan["bytes"]
        self.against = against
        self.found: dict[int, Recorded] = {}
        self.problem: Any = None
        self._round: dict[int, int] = {}
        self._lock = threading.Lock()
        self._values = 0

    def take(self, slot: int, values: Any) -> None:
        """Take the value of a recorder, or note that a loop or a round of it begins."""
        with self._lock:
            try:
                if slot in self.starts:
                    for loop in self.starts[slot]:
                        self._round[loop] = -1
                elif slot in self.marks:
                    loop = self.marks[slot]
                    self._round[loop] = self._round.get(loop, -1) + 1
                elif slot in self.loops:
                    self._take(slot, as_array(values[0]))
            except Exception as problem:  # it may not disturb what runs; the job reports it
                self.problem = self.problem or problem

    def _take(self, slot: int, array: Any) -> None:
        one = self.found.get(slot)
        if one is None:
            one = self.found[slot] = Recorded(self._values)
        self._values += 1
        one.runs += 1
        if one.runs > self.iterations:
            return
        index = tuple(self._round.get(loop, 0) for loop in self.loops[slot])
        if slot in self.frames:
            index += (sum(1 for at, _ in one.rounds if at[:-1] == index),)
        first = not one.rounds
        one.rounds.append((index, summary(array)))
        if first:
            one.images = images_of(array, self.room)
            self.room -= len(one.images)
        self._keep(slot, one, array)
        if self.against is not None:
            other = self.against.array(slot, index)
            if other is not None:
                one.differences.append((index, difference(other, array)))

    def _keep(self, slot: int, one: Recorded, array: Any) -> None:
        size = size_of(array)
        if slot in self.kept and not one.cut:
            if size <= self.bytes:
                one.arrays.append(array.copy())
                self.bytes -= size
            else:
                one.cut = True
                self.bytes += sum(map(size_of, one.arrays))
                one.arrays = []
        if slot in self.again and one.held_bytes + size <= SMALL:
            one.held.append(array.copy())
            one.held_bytes += size

    def array(self, slot: int, index: tuple[int, ...]) -> Any:
        """Return the array that was kept of a recorder in some iterations, or None."""
        one = self.found.get(slot)
        if one is None or one.cut:
            return None
        for (at, _), array in zip(one.rounds, one.arrays):
            if at == index:
                return array
        return None


def as_array(value: Any) -> Any:
    """Return what a PyFunc gets as an array; a scalar string comes as bytes, whose last zeros NumPy would drop."""
    if isinstance(value, (bytes, str)):
        array = np.empty((), object)
        array[()] = value if isinstance(value, bytes) else value.encode()
        return array
    return np.asarray(value)


def size_of(array: Any) -> int:
    """Return the bytes of an array, of strings those of their text."""
    if array.dtype == object:
        return sum(len(item) for item in array.reshape(-1).tolist()) + 8 * int(array.size)
    return int(array.nbytes)
