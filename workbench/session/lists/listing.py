"""A list as a sequence of segments, each a sequence of small things and a function that makes a row of one.

So a hundred thousand nodes cost nothing until they are scrolled to.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.session.lists.rows import Key, Row

if TYPE_CHECKING:
    from workbench.disk.schema import NodeDef


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows that are made alike."""

    items: Sequence[Any]
    make: Callable[[Any], Row]


class Run(Sequence["NodeDef"]):
    """Some of the nodes of a body, each read at its first use.

    Args:
        nodes: all of them.
        start: of the first one.
        stop: behind the last one.
    """

    def __init__(self, nodes: Sequence[NodeDef], start: int = 0, stop: int | None = None) -> None:
        self._nodes = nodes
        self._start = start
        self._stop = len(nodes) if stop is None else stop

    def __len__(self) -> int:
        return self._stop - self._start

    def __getitem__(self, index: Any) -> Any:
        return self._nodes[self._start + index]

    def find(self, name: str) -> int | None:
        """Return the index of the node with this name, or None."""
        for index in range(self._start, self._stop):
            if self._nodes[index].name == name:
                return index - self._start
        return None


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
            first = segment.make(segment.items[0])
            if first.key == key:
                return start
            if isinstance(segment.items, Run):
                place = segment.items.find(key[2]) if key[0] == "node" and first.key[1] == key[1] else None
                if place is not None:
                    return start + place
                continue
            if first.kind != "node" or len(segment.items) == 1:
                for offset, item in enumerate(segment.items):
                    if segment.make(item).key == key:
                        return start + offset
        return None


def one(row: Row) -> Segment:
    """Return a segment of a single row."""
    return Segment((row,), lambda item: item)
