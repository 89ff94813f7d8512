"""A list as a sequence of segments, each a sequence of small things and a function that makes a row of one.

So a hundred thousand nodes cost nothing until they are scrolled to.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from workbench.session.lists.rows import Key, Row


class Segment(NamedTuple):
    """Rows that are made alike.

    Attributes:
        items: one for each row.
        make: makes the row of an item.
        find: gives the place of the row with a key, or None; None to look at the rows one by one.
    """

    items: Sequence[Any]
    make: Callable[[Any], Row]
    find: Callable[[Key], int | None] | None = None


class Listing:
    """A sequence of rows."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = [segment for segment in segments if len(segment.items)]
        self._starts = []
        self._length = 0
        for segment in self._segments:
            self._starts.append(self._length)
            self._length += len(segment.items)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Row:
        if not 0 <= index < self._length:
            raise IndexError(index)
        place = bisect_right(self._starts, index) - 1
        segment = self._segments[place]
        return segment.make(segment.items[index - self._starts[place]])

    def find(self, key: Key) -> int | None:
        """Return the index of the row with this key, or None."""
        for start, segment in zip(self._starts, self._segments, strict=True):
            if segment.find is not None:
                place = segment.find(key)
                if place is not None:
                    return start + place
                continue
            for offset, item in enumerate(segment.items):
                if segment.make(item).key == key:
                    return start + offset
        return None


def one(row: Row) -> Segment:
    """Return a segment of a single row."""
    return Segment((row,), lambda item: item)
