"""The shortest chain that makes a tensor fit an input, as text to be pasted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from math import isqrt, prod
from typing import Literal

from workbench.disk import dtypes
from workbench.model import shapes
from workbench.surgery.adapters.adapter import Adapter
from workbench.surgery.adapters.casts import lossy_cast
from workbench.surgery.adapters.chain import Chain
from workbench.surgery.adapters.image_shapes import is_first, is_last, picture_sizes
from workbench.surgery.adapters.marks import Mark
from workbench.surgery.adapters.steps.channels import Color, Layout
from workbench.surgery.adapters.steps.decoding import DecodeImage
from workbench.surgery.adapters.steps.geometry import Resize
from workbench.surgery.adapters.steps.numeric import Cast, OneHot
from workbench.surgery.adapters.steps.outputs import Argmax, AsString
from workbench.surgery.adapters.steps.reshaping import Expand, Flatten, Reshape, Squeeze
from workbench.surgery.adapters.steps.text import ParseNumber
from workbench.surgery.adapters.tensor_type import TensorType

_LONGEST = 6
# Costs: of what is certain, of a reshape, of what is lossy or guessed; and where only the run tells whether it fits.
_PLAIN, _RESHAPE, _DOUBTFUL = 10, 15, 20
_UNPROVEN_BATCH, _UNPROVEN = 12, 40
_MOST_TRIED = 3000
_SHAPING = (Expand, Squeeze, Reshape)
_METHOD = "bilinear; another method gives other values."


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A chain that makes a tensor fit.

    Attributes:
        chain: the chain.
        marks: what in it is lossy or guessed.
        cost: how much speaks against it: its length, what is lossy or guessed, and sizes that only the run can tell.
    """

    chain: Chain
    marks: tuple[Mark, ...] = ()
    cost: int = 0

    @property
    def text(self) -> str:
        """The chain, to be pasted."""
        return self.chain.print()

    def __str__(self) -> str:
        if not self.chain.adapters:
            return "It fits as it is."
        return " ".join([f"Add `{self.text}`.", *map(str, self.marks)])


@dataclass(frozen=True, slots=True)
class _Move:
    adapters: tuple[Adapter, ...]
    cost: int = _PLAIN
    marks: tuple[Mark, ...] = ()


def suggest(have: TensorType, want: TensorType) -> Suggestion | None:
    """Find the shortest chain that makes a tensor fit; certain adapters come before lossy and guessed ones.

    Args:
        have: the type of the tensor.
        want: the type of the input.

    Returns:
        A chain, empty where the tensor fits as it is; None where no chain of a few adapters does.
    """
    order = count()
    waiting: list[tuple[int, int, TensorType, tuple[_Move, ...], bool]] = [(0, next(order), have, (), False)]
    seen: set[TensorType] = set()
    while waiting and len(seen) < _MOST_TRIED:
        cost, _, now, moves, fits = heappop(waiting)
        if fits:
            marks = tuple(mark for move in moves for mark in move.marks)
            return Suggestion(Chain(tuple(one for move in moves for one in move.adapters)), marks, cost)
        if now in seen:
            continue
        seen.add(now)
        fit = shapes.fits(now.shape, want.shape)
        if now.dtype == want.dtype and fit != "refuted":
            open_sizes = _open_sizes(now, want) if moves else 0
            heappush(waiting, (cost + open_sizes, next(order), now, moves, True))
        if len(moves) == _LONGEST:
            continue
        shaped = any(isinstance(one, _SHAPING) for move in moves for one in move.adapters)
        for move in _moves(now, want, shaped):
            checked = Chain(move.adapters).check(now)
            if checked.problem is None and not checked.companions and checked.type not in seen:
                heappush(waiting, (cost + move.cost, next(order), checked.type, (*moves, move), False))
    return None


def _open_sizes(now: TensorType, want: TensorType) -> int:
    """Return the cost of sizes that only the run can tell: less for a batch than for others."""
    if shapes.fits(now.shape, want.shape) == "proven":
        return 0
    if now.shape and want.shape and shapes.fits(now.shape[1:], want.shape[1:]) == "proven":
        return _UNPROVEN_BATCH
    return _UNPROVEN


def _moves(now: TensorType, want: TensorType, shaped: bool) -> Iterator[_Move]:
    """Yield what could be the next step towards an input; no reshape where a dimension was added or removed."""
    if now.is_string and not want.is_string:
        yield from _decoded(now, want)
        return
    yield from _ranks(now, want, shaped)
    if now.is_number and want.is_number:
        yield from _pictures(now, want)
        yield from _classes(now, want)
    if now.dtype != want.dtype:
        yield from _dtypes(now, want)


def _decoded(now: TensorType, want: TensorType) -> Iterator[_Move]:
    height, width, channels = picture_sizes(want.shape)
    if channels is not None:
        decode = DecodeImage(channels)
        adapters: list[Adapter] = [decode]
        marks = [Mark(str(decode), "guessed", "the strings are taken for image files.")]
        if height and width:  # images have any size
            adapters.append(Resize(height, width))
            marks.append(Mark(str(adapters[-1]), "guessed", _METHOD))
        yield _Move(tuple(adapters), _DOUBTFUL * len(adapters), tuple(marks))
    elif now.rank is not None and want.is_number:
        yield from _decoded_flat(now.rank, want)
    if want.is_number:
        target = want.name if want.name in ("float32", "float64", "int32", "int64") else "float32"
        yield _doubt(ParseNumber(target), "guessed", "the strings are taken for numbers as text.")


def _decoded_flat(rank: int, want: TensorType) -> Iterator[_Move]:
    """Yield a decoder for an input whose rows may be the pixels of images."""
    for side, channels, why in _squares(want):
        if len(want.shape or ()) == rank + 1:
            decode, resize = DecodeImage(channels), Resize(side, side)
            marks = (
                Mark(str(decode), "guessed", "the strings are taken for image files."),
                Mark(str(resize), "guessed", why),
            )
            flat: Adapter = Flatten() if rank else Reshape((want.last,))
            yield _Move((decode, resize, flat), 2 * _DOUBTFUL + _PLAIN, marks)


def _squares(want: TensorType) -> Iterator[tuple[int, int, str]]:
    """Yield side and channels of images whose pixels are a row of an input, and why it is a guess."""
    for channels in (1, 3):
        side = isqrt((want.last or 0) // channels)
        if side >= 4 and side * side * channels == want.last:
            why = f"{want.last:,} numbers are taken for an image of {side} × {side}; {_METHOD}"
            yield side, channels, why


def _doubt(adapter: Adapter, kind: Literal["lossy", "guessed"], why: str) -> _Move:
    return _Move((adapter,), _DOUBTFUL, (Mark(str(adapter), kind, why),))


def _plain(adapter: Adapter) -> _Move:
    return _Move((adapter,))


def _dtypes(now: TensorType, want: TensorType) -> Iterator[_Move]:
    numbers = now.is_number or now.dtype == dtypes.BOOL
    if want.is_string and numbers:
        adapter = AsString()
        yield _doubt(adapter, "lossy", "digits of floats are lost.") if now.is_float else _plain(adapter)
    elif numbers and (want.is_number or want.dtype == dtypes.BOOL):
        cast = Cast(want.name)
        lost = None if now.dtype == dtypes.BOOL else lossy_cast(now.name, want.name)
        yield _doubt(cast, "lossy", f"{lost}.") if lost else _plain(cast)


def _classes(now: TensorType, want: TensorType) -> Iterator[_Move]:
    """Yield vectors for numbers of classes, and numbers for scores."""
    if now.shape is None or want.shape is None:
        return
    rank, wanted = len(now.shape), len(want.shape)
    if (
        now.name in ("int32", "int64", "uint8")
        and rank + 1 == wanted
        and want.is_float
        and (want.last or 0) > 1
    ):
        dtype = want.name
        yield _doubt(OneHot(want.last or 0, dtype), "guessed", "the numbers are taken for classes, from 0.")
    if now.is_float and want.is_integer and rank == wanted + 1 and rank > 1 and now.last != 1:
        yield _doubt(Argmax(), "guessed", "the numbers are taken for scores; the largest is passed on.")


def _ranks(now: TensorType, want: TensorType, shaped: bool) -> Iterator[_Move]:
    if now.shape is None or want.shape is None:
        return
    rank, wanted = len(now.shape), len(want.shape)
    if rank < wanted:
        if want.shape[0] in (None, 1):
            if now.shape and now.shape[0] is None:  # a batch already
                if shapes.fits((1, *now.shape), want.shape) != "refuted":
                    yield _doubt(Expand(), "guessed", "all rows become one row of a batch.")
            else:
                yield _plain(Expand())
        if want.shape[-1] == 1 and rank:
            yield _plain(Expand(-1))
    if rank > wanted:
        for axis, size in enumerate(now.shape):
            if size == 1:
                yield _plain(Squeeze((axis,)))
    if wanted == 2 and rank > 2 and now.rows and (want.last is None or None not in now.shape[1:]):
        yield _plain(Flatten())
    if not shaped and want.shape.count(None) <= 1 and not _same_sizes(now.shape, want.shape):
        reshape = Reshape(want.shape)
        kept = _keeps_rows(now.shape, want.shape)
        if kept:
            yield _Move((reshape,), _RESHAPE)
        elif kept is None:
            why = "the values keep their order; whether rows stay rows is not known."
            unproven = _UNPROVEN if None in now.shape[1:] or _mixes(now.shape, want.shape) else 0
            yield _Move((reshape,), _RESHAPE + _DOUBTFUL + unproven, (Mark(str(reshape), "guessed", why),))


def _same_sizes(one: tuple[int | None, ...], other: tuple[int | None, ...]) -> bool:
    """Return whether two shapes have the same sizes, in another order: a reshape would mix up what they mean."""
    return sorted(map(str, one)) == sorted(map(str, other))


def _keeps_rows(now: tuple[int | None, ...], want: tuple[int | None, ...]) -> bool | None:
    """Return whether each row stays a row; None where that is not known."""
    if not now or not want or None in (*now[1:], *want[1:]):
        return None
    if prod(map(_size, now[1:])) != prod(map(_size, want[1:])):
        return False if now[0] is want[0] is None else None
    return True if now[0] == want[0] or None in (now[0], want[0]) else None


def _mixes(now: tuple[int | None, ...], want: tuple[int | None, ...]) -> bool:
    """Return whether a reshape makes several rows of what is neither one row nor as many."""
    if not now or not want or want[0] is not None or None in (*now, *want[1:]):
        return False
    return prod(map(_size, now)) not in (prod(map(_size, want)), prod(map(_size, want)) * _size(now[0]))


def _size(size: int | None) -> int:
    return 1 if size is None else size


def _pictures(now: TensorType, want: TensorType) -> Iterator[_Move]:
    if now.shape is None or want.shape is None or len(now.shape) not in (3, 4):
        return
    pictures = len(want.shape) in (3, 4)
    yield from _flat_picture(now, want)
    if pictures and is_last(now.shape) and is_first(want.shape):
        yield _plain(Layout("NHWC>NCHW"))
    if pictures and is_first(now.shape) and is_last(want.shape):
        yield _plain(Layout("NCHW>NHWC"))
    if not pictures or not is_last(now.shape):
        return
    height, width, channels = picture_sizes(want.shape)
    if height and width and tuple(now.shape[-3:-1]) != (height, width):
        yield _doubt(Resize(height, width), "guessed", _METHOD)
    yield from _colours(now, channels)


def _colours(now: TensorType, channels: int | None) -> Iterator[_Move]:
    """Yield conversions to a number of channels."""
    if now.last == 1 and channels == 3:
        yield _plain(Color("GRAY>RGB"))
    elif now.last == 3 and channels == 1:
        color = Color("RGB>GRAY")
        yield _doubt(color, "lossy", "colours are lost; red is taken to come first.")
    elif now.last == 4 and channels in (1, 3):
        color = Color("RGBA>RGB" if channels == 3 else "RGBA>GRAY")
        yield _doubt(color, "lossy", "alpha is lost; red is taken to come first.")


def _flat_picture(now: TensorType, want: TensorType) -> Iterator[_Move]:
    """Yield the size of an image whose pixels are a row of the input: 784 are 28 × 28."""
    if not is_last(now.shape) or now.shape is None or not want.last:
        return
    if len(want.shape or ()) not in (len(now.shape) - 2, 2):
        return
    for side, channels, why in _squares(want):
        if tuple(now.shape[-3:-1]) != (side, side):
            yield _doubt(Resize(side, side), "guessed", why)
        elif now.last != channels:
            yield from _colours(now, channels)
