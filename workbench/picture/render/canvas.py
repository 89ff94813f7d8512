"""A layout as characters, on a canvas that draws only visible tiles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from workbench.picture.layout.geometry import Box, Layout
from workbench.picture.render.glyphs import Glyphs, kind_sign, owner_mark
from workbench.picture.render.tiles import TILE_H, TILE_W, Painter, Tile, kind_role
from workbench.picture.scene.families import SAID, kinds
from workbench.picture.scene.scene import Frame, owner_title

Segment = tuple[str, str]
"""Text and its style key.

A style key is `ROLE`, `ROLE@N` or either with `!` at the end: N is the number in `scene.numbers`, `!` says that
the box is selected (or a line that touches it). Roles: `` (blank), `border`, `title`, `subtitle`, `detail`, `mark`,
`frame`, `edge`, `control`, `seam`, `label`, and `kind-KIND` for the sign of each kind of op. See `split_style`.
"""

Direction = Literal["up", "down", "left", "right"]


def split_style(key: str) -> tuple[str, int | None, bool]:
    """Return a style key as (role, owner index or None, selected)."""
    role, _, owner = key.rstrip("!").partition("@")
    return role, int(owner) if owner else None, key.endswith("!")


class Canvas:
    """A layout in tiles of 64×32 cells, each drawn once, when it is visible.

    Args:
        layout: what to draw.
        glyphs: box drawing characters, or plain ASCII.
    """

    def __init__(self, layout: Layout, glyphs: Glyphs = "unicode") -> None:
        self.layout = layout
        self.glyphs: Glyphs = glyphs
        self.width = layout.width
        self.height = layout.height
        self.selected: str | None = None
        self._painter = Painter(layout, glyphs)
        self._tiles: dict[Tile, list[list[Segment]]] = {}
        self._boxes = {box.id: box for box in layout.boxes}
        self._after: dict[str, list[str]] = {}
        self._before: dict[str, list[str]] = {}
        for line in layout.lines:
            self._after.setdefault(line.edge.source, []).append(line.edge.target)
            self._before.setdefault(line.edge.target, []).append(line.edge.source)

    def select(self, id: str | None) -> None:
        """Highlight a box and its lines, or none."""
        if id == self.selected:
            return
        changed = {self.selected, id}
        for tile in self._touched(changed - {None}):
            self._tiles.pop(tile, None)
        self.selected = id if id in self._boxes else None

    def _touched(self, ids: Iterable[str | None]) -> list[Tile]:
        """Return the tiles that show one of these boxes or a line of theirs."""
        wanted = set(ids)
        boxes = {at for at, box in enumerate(self.layout.boxes) if box.id in wanted}
        lines = {
            at
            for at, line in enumerate(self.layout.lines)
            if line.edge.source in wanted or line.edge.target in wanted
        }
        return [
            tile
            for tile, content in self._painter.index.tiles.items()
            if not boxes.isdisjoint(content.boxes)
            or any(piece.line in lines for piece in content.pieces)
            or not lines.isdisjoint(content.ends)
        ]

    def row(self, x: int, y: int, width: int) -> list[Segment]:
        """Return `width` cells of row `y` from `x` on, as segments.

        Outside the canvas is blank.
        """
        if not 0 <= y < self.height:
            return [(" " * width, "")]
        found: list[Segment] = []
        end = x + width
        tile_row, inner = divmod(y, TILE_H)
        for column in range(x // TILE_W, (end - 1) // TILE_W + 1):
            at = column * TILE_W
            for text, style in self._tile((column, tile_row))[inner]:
                after = at + len(text)
                if after > x and at < end:
                    if at < x or after > end:
                        text = text[max(x - at, 0) : end - at]
                    found.append((text, style))
                at = after
        return found

    def _tile(self, tile: Tile) -> list[list[Segment]]:
        found = self._tiles.get(tile)
        if found is None:
            found = self._tiles[tile] = self._painter.paint(tile, self.selected)
        return found

    def rows(self, x: int, y: int, width: int, height: int) -> list[list[Segment]]:
        """Return a rectangle as rows of segments."""
        return [self.row(x, at, width) for at in range(y, y + height)]

    def hit(self, x: int, y: int) -> str | None:
        """Return the id of the innermost box at a cell, or None.

        A frame counts at its border and title.
        """
        content = self._painter.index.tiles.get((x // TILE_W, y // TILE_H))
        for number in reversed(content.boxes if content is not None else []):
            box = self.layout.boxes[number]
            if box.x <= x < box.x + box.w and box.y <= y < box.y + box.h:
                inner = box.x < x < box.x + box.w - 1 and box.y < y < box.y + box.h - 1
                if not (inner and isinstance(box.item, Frame)):
                    return box.id
        return None

    def box(self, id: str) -> Box | None:
        """Return the placed box of a node or frame, to scroll to, or None."""
        return self._boxes.get(id)

    def neighbour(self, id: str | None, direction: Direction) -> str | None:
        """Return the box that an arrow key goes to, or None.

        Along an edge with or against the flow, else the nearest that way.

        Args:
            id: where from; None for the first box.
            direction: on the screen.
        """
        here = self._boxes.get(id) if id is not None else None
        if here is None:
            first = min(self.layout.boxes, key=lambda box: (box.y, box.x), default=None)
            return first.id if first is not None else None
        forth, back = ("down", "up") if self.layout.direction == "down" else ("right", "left")
        along = self._after if direction == forth else self._before if direction == back else {}
        linked = [self._boxes[other] for other in along.get(here.id, ())]
        linked = [box for box in linked if _is_that_way(here, box, direction)]
        if linked:
            return min(linked, key=lambda box: _distance(here, box, direction)).id
        others = [
            box
            for box in self.layout.boxes
            if box.id != here.id and not isinstance(box.item, Frame) and _is_that_way(here, box, direction)
        ]
        return min(others, key=lambda box: _distance(here, box, direction)).id if others else None

    def legend(self) -> list[Segment]:
        """Return what the signs in the picture mean, as one row: of models, the boundary, and kinds of ops."""
        found: list[Segment] = []
        if self.layout.scene.marked:
            for owner, number in self.layout.scene.numbers.items():
                mark = owner_mark(number, self.glyphs)
                found += [
                    (f"{mark} ", f"mark@{number}"),
                    (owner_title(owner), f"title@{number}"),
                    ("   ", ""),
                ]
        if any(line.edge.seam for line in self.layout.lines):
            arrow = "━━▶ " if self.glyphs == "unicode" else "==> "
            found += [(arrow, "seam"), ("boundary between models", "seam"), ("   ", "")]
        for kind in kinds(self.layout.scene.nodes):
            found += [
                (kind_sign(kind, self.glyphs), kind_role(kind)),
                (f" {SAID[kind]}", "subtitle"),
                ("   ", ""),
            ]
        if any(node.opens is not None for node in self.layout.scene.nodes):
            found += [("+", "title"), (" more inside", "subtitle"), ("   ", "")]
        return found[:-1]

    def text(self) -> str:
        """Return the whole canvas as plain text, without trailing blanks."""
        rows = self.rows(0, 0, self.width, self.height)
        return "\n".join("".join(text for text, _ in row).rstrip() for row in rows)


def _middle(box: Box) -> tuple[float, float]:
    return box.x + box.w / 2, box.y + box.h / 2


def _is_that_way(here: Box, box: Box, direction: Direction) -> bool:
    (x, y), (to_x, to_y) = _middle(here), _middle(box)
    if direction in ("up", "down"):
        return (to_y > y + 0.5) if direction == "down" else (to_y < y - 0.5)
    beside = box.y < here.y + here.h and here.y < box.y + box.h
    return beside and ((to_x > x) if direction == "right" else (to_x < x))


def _distance(here: Box, box: Box, direction: Direction) -> tuple[float, float]:
    """Return how far a box is; far counts more off the way than on it.

    A cell is twice as high as wide.
    """
    (x, y), (to_x, to_y) = _middle(here), _middle(box)
    dx, dy = abs(to_x - x), 2 * abs(to_y - y)
    return (dy + 2 * dx, dx) if direction in ("up", "down") else (dx + 2 * dy, dy)
