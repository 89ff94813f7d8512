"""What can be said of placed lines: where a label has room, how often two cross."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from workbench.names import elide
from workbench.picture.layout.boxes import one_cell_each
from workbench.picture.layout.geometry import Box, Line
from workbench.picture.scene.scene import Frame

_MAX_LABEL = 24


def segments(line: Line) -> Iterator[tuple[int, int, int, int]]:
    """Return (x1, y1, x2, y2) of each straight piece, the smaller one first.

    Ends are included.
    """
    for (x, y), (to_x, to_y) in pairwise(line.points):
        yield min(x, to_x), min(y, to_y), max(x, to_x), max(y, to_y)


def count_crossings(lines: Sequence[Line]) -> int:
    """Return how often a line passes over another.

    Lines that fork from one box or join at one do not cross there.
    """
    columns: dict[int, list[tuple[int, int, Line]]] = {}
    rows: list[tuple[int, int, int, Line]] = []
    for line in lines:
        for x1, y1, x2, y2 in segments(line):
            if x1 == x2:
                columns.setdefault(x1, []).append((y1, y2, line))
            else:
                rows.append((y1, x1, x2, line))
    order = sorted(columns)
    seen: set[tuple[int, int, str, str, str]] = set()
    for y, x1, x2, flat in rows:
        for x in order[bisect_right(order, x1) : bisect_left(order, x2)]:
            for y1, y2, upright in columns[x]:
                if y1 < y < y2 and not _related(flat, upright):
                    seen.add((x, y, "", flat.edge.source, upright.edge.source))
    return len(seen)


def _related(one: Line, other: Line) -> bool:
    return one.edge.source == other.edge.source or one.edge.target == other.edge.target


def place_labels(boxes: Sequence[Box], lines: Sequence[Line]) -> list[Line]:
    """Return the lines with `label_at` set where a label has room.

    Edges that fork from one box with the same label are labelled once, where they are still one line. A label
    may stand left of the canvas, at a negative column: make room for it.
    """
    taken = _taken(boxes, lines)
    said: set[tuple[str, str]] = set()
    found = []
    for line in lines:
        label = line.edge.label
        if not label or (line.edge.source, label) in said or len(label) > _MAX_LABEL:
            found.append(line)
            continue
        spot = _spot(line, len(label), taken)
        if spot is not None:
            said.add((line.edge.source, label))
            x, y = spot
            taken.update((at, y) for at in range(x - 1, x + len(label) + 1))
        found.append(replace(line, label_at=spot))
    return found


def place_titles(boxes: Sequence[Box], lines: Sequence[Line]) -> list[Box]:
    """Return the boxes with the title of each frame where no line passes the border, if there is such a place."""
    uprights: dict[int, list[tuple[int, int]]] = {}
    for line in lines if any(isinstance(box.item, Frame) for box in boxes) else ():
        for x1, y1, x2, y2 in segments(line):
            if x1 == x2:
                uprights.setdefault(x1, []).append((y1, y2))
    columns = sorted(uprights)
    found = []
    for box in boxes:
        if isinstance(box.item, Frame):
            here = columns[bisect_left(columns, box.x) : bisect_right(columns, box.x + box.w - 1)]
            crossed = [x for x in here if any(y1 <= box.y <= y2 for y1, y2 in uprights[x])]
            box = _titled(box, box.item, crossed)
        found.append(box)
    return found


def _titled(box: Box, frame: Frame, crossed: Sequence[int]) -> Box:
    """Return a frame with its title in the first gap that has room for it, else in the widest."""
    title = one_cell_each(frame.title)
    ends = [box.x + 1, *crossed, box.x + box.w - 1]
    gaps = [(first + 1, last) for first, last in pairwise(ends)]
    needed = len(title) + 2  # a blank on either side
    first, last = next((gap for gap in gaps if gap[1] - gap[0] >= needed), max(gaps, key=_width))
    return replace(box, title_x=first, lines=(elide(title, max(last - first - 2, 1), even=True),))


def _width(gap: tuple[int, int]) -> int:
    return gap[1] - gap[0]


def _taken(boxes: Sequence[Box], lines: Sequence[Line]) -> set[tuple[int, int]]:
    taken: set[tuple[int, int]] = set()
    for box in boxes:
        if isinstance(box.item, Frame):
            for x in range(box.x, box.x + box.w):
                taken |= {(x, box.y), (x, box.y + box.h - 1)}
            for y in range(box.y, box.y + box.h):
                taken |= {(x + aside, y) for x in (box.x, box.x + box.w - 1) for aside in (-1, 0, 1)}
        else:
            taken.update((x, y) for y in range(box.y, box.y + box.h) for x in range(box.x, box.x + box.w))
    for line in lines:
        for x1, y1, x2, y2 in segments(line):
            taken.update((x, y) for y in range(y1, y2 + 1) for x in range(x1, x2 + 1))
    return taken


def _spot(line: Line, size: int, taken: set[tuple[int, int]]) -> tuple[int, int] | None:
    """Return a free place for a label beside or above a piece, or None.

    Beside an upright piece: right of it, else left.
    """
    for (x, y), (to_x, to_y) in pairwise(line.points):
        if x == to_x:
            step = 1 if to_y > y else -1
            for row in range(y + step, to_y + step, step):
                for first in (x + 2, x - 1 - size):
                    if _free(first - (first > x), row, size + 1, taken):
                        return first, row
        elif abs(to_x - x) > size + 2:
            first = min(x, to_x) + 2
            if y > 0 and _free(first, y - 1, size, taken):
                return first, y - 1
    return None


def _free(x: int, y: int, size: int, taken: set[tuple[int, int]]) -> bool:
    return all((at, y) not in taken for at in range(x, x + size))
