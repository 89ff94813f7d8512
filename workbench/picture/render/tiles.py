"""Drawing one tile of a layout: 64×32 cells.

From the boxes and pieces of lines that touch it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from workbench.names import show
from workbench.picture.layout.boxes import caption
from workbench.picture.layout.geometry import Box, Layout, Line
from workbench.picture.render.glyphs import (
    ARROWS,
    BORDERS,
    DOWN,
    LEFT,
    PORTS,
    RIGHT,
    UP,
    Glyphs,
    kind_sign,
    line_glyph,
    owner_mark,
)
from workbench.picture.scene.families import family
from workbench.picture.scene.scene import Frame, Node

TILE_W, TILE_H = 64, 32
Tile = tuple[int, int]


class Piece(NamedTuple):
    """A straight piece of a line, the smaller coordinate first.

    Attributes:
        line: index of the line.
        x1: first column.
        y1: first row.
        x2: last column.
        y2: last row.
    """

    line: int
    x1: int
    y1: int
    x2: int
    y2: int


@dataclass(slots=True)
class _Content:
    boxes: list[int] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)


class Index:
    """Which boxes and lines touch which tile."""

    def __init__(self, layout: Layout) -> None:
        self.tiles: dict[Tile, _Content] = {}
        for number, box in enumerate(layout.boxes):
            for tile in _tiles(box.x, box.y, box.x + box.w - 1, box.y + box.h - 1):
                self._at(tile).boxes.append(number)
        for number, line in enumerate(layout.lines):
            self._add_line(number, line)

    def _add_line(self, number: int, line: Line) -> None:
        for (x, y), (to_x, to_y) in pairwise(line.points):
            piece = Piece(number, min(x, to_x), min(y, to_y), max(x, to_x), max(y, to_y))
            for tile in _tiles(*piece[1:]):
                self._at(tile).pieces.append(piece)
        for x, y in {line.points[0], line.points[-1]}:
            self._at((x // TILE_W, y // TILE_H)).ends.append(number)
        if line.label_at is not None:
            x, y = line.label_at
            for tile in _tiles(x, y, x + len(line.edge.label) - 1, y):
                self._at(tile).labels.append(number)

    def _at(self, tile: Tile) -> _Content:
        found = self.tiles.get(tile)
        if found is None:
            found = self.tiles[tile] = _Content()
        return found


def _tiles(x1: int, y1: int, x2: int, y2: int) -> Iterator[Tile]:
    for row in range(y1 // TILE_H, y2 // TILE_H + 1):
        for column in range(x1 // TILE_W, x2 // TILE_W + 1):
            yield column, row


def kind_role(kind: str) -> str:
    """Return the role of a kind's sign in a style key."""
    return f"kind-{kind.replace(' ', '-')}"


class Painter:
    """Draws tiles.

    Args:
        layout: what to draw.
        glyphs: which characters.
    """

    def __init__(self, layout: Layout, glyphs: Glyphs) -> None:
        self.layout = layout
        self.glyphs = glyphs
        self.index = Index(layout)
        self._owner = layout.scene.numbers
        self.marked = layout.scene.marked
        self._item_of = {box.id: box.item for box in layout.boxes}

    def paint(self, tile: Tile, selected: str | None) -> list[list[tuple[str, str]]]:
        """Return the rows of a tile as segments, each `TILE_W` cells long."""
        content = self.index.tiles.get(tile)
        if content is None:
            return [[(" " * TILE_W, "")]] * TILE_H
        sheet = _Sheet(tile)
        boxes = [self.layout.boxes[number] for number in content.boxes]
        for box in boxes:
            if isinstance(box.item, Frame):
                self._frame(sheet, box, box.id == selected)
        for number in content.labels:
            line = self.layout.lines[number]
            assert line.label_at is not None
            sheet.write(*line.label_at, line.edge.label, "label")
        self._lines(sheet, content, selected)
        for box in boxes:
            if isinstance(box.item, Node):
                self._box(sheet, box, box.item, box.id == selected)
        self._heads(sheet, content, selected)
        return sheet.rows()

    def _style(self, role: str, owner: str | None, selected: bool) -> str:
        number = f"@{self._owner[owner]}" if owner in self._owner and self.marked else ""
        return f"{role}{number}{'!' if selected else ''}"

    # -- boxes

    def _frame(self, sheet: _Sheet, box: Box, selected: bool) -> None:
        kind = "selected" if selected else "frame"
        self._border(sheet, box, kind, self._style("frame", box.item.owner, selected))
        (title,) = box.lines
        title = _plain(title) if self.glyphs == "ascii" else title
        sheet.write(box.title_x, box.y, f" {title} ", self._style("title", box.item.owner, selected))

    def _box(self, sheet: _Sheet, box: Box, node: Node, selected: bool) -> None:
        border = self._style("border", node.owner, selected)
        if self.layout.detail == "tiny":
            left, right = ("«", "»") if selected and self.glyphs == "unicode" else ("[", "]")
            for row in range(max(box.y, sheet.y), min(box.y + box.h, sheet.y + TILE_H)):
                sheet.write(box.x, row, left + " " * (box.w - 2) + right, border)
        else:
            kind = "selected" if selected else "heavy" if node.seam else "plain"
            self._border(sheet, box, kind, border)
            self._captions(sheet, box, node, selected)
        x, y = box.text_at(self.layout.detail)
        if self.layout.detail == "tiny" and (sign := kind_sign(family(node), self.glyphs)):
            sheet.write(x, y, sign, self._style(kind_role(family(node)), None, selected))
            x += 2
        for at, text in enumerate(box.lines):
            role = "title" if at == 0 else "subtitle" if at == 1 and node.subtitle else "detail"
            start = x
            if at == 0 and self.marked and node.owner in self._owner:
                mark = owner_mark(self._owner[node.owner], self.glyphs)
                sheet.write(x, y, mark, self._style("mark", node.owner, selected))
                start += 2
            if self.glyphs == "ascii":
                text = _plain(text)
            sheet.write(start, y + at, text, self._style(role, node.owner, selected))

    def _captions(self, sheet: _Sheet, box: Box, node: Node, selected: bool) -> None:
        x = box.x + 2
        if sign := kind_sign(family(node), self.glyphs):
            sheet.write(x, box.y, f" {sign} ", self._style(kind_role(family(node)), None, selected))
            x += 2
        if word := caption(node):
            style = self._style("seam" if node.seam else "subtitle", node.owner, selected)
            sheet.write(x, box.y, f" {word} ", style)
        if node.opens is not None and box.w >= 6:
            sheet.write(box.x + box.w - 4, box.y, " + ", self._style("title", node.owner, selected))

    def _border(self, sheet: _Sheet, box: Box, kind: str, style: str) -> None:
        top_left, flat, top_right, upright, bottom_right, bottom_left = tuple(BORDERS[self.glyphs][kind])
        right, bottom = box.x + box.w - 1, box.y + box.h - 1
        sheet.write(box.x, box.y, top_left + flat * (box.w - 2) + top_right, style)
        sheet.write(box.x, bottom, bottom_left + flat * (box.w - 2) + bottom_right, style)
        inner = " " * (box.w - 2) if kind != "frame" and isinstance(box.item, Node) else ""
        for y in range(max(box.y + 1, sheet.y), min(bottom, sheet.y + TILE_H)):
            sheet.write(box.x, y, upright + inner, style)
            sheet.write(right, y, upright, style)

    # -- lines

    def _lines(self, sheet: _Sheet, content: _Content, selected: str | None) -> None:
        cells: dict[tuple[int, int], list[tuple[int, int, int, int, int]]] = {}
        for piece in content.pieces:
            heavy = 2 if self.layout.lines[piece.line].edge.seam else 1
            _spread(piece, heavy, sheet, cells)
        for (x, y), entries in cells.items():
            char, style = self._cell(entries, selected)
            sheet.put(x, y, char, style)

    def _cell(self, entries: list[tuple[int, int, int, int, int]], selected: str | None) -> tuple[str, str]:
        lines = [self.layout.lines[number] for number in dict.fromkeys(entry[0] for entry in entries)]
        weights = (
            max([entry[1] for entry in entries]),
            max([entry[2] for entry in entries]),
            max([entry[3] for entry in entries]),
            max([entry[4] for entry in entries]),
        )
        crossing = len(lines) > 1 and not _one_net(lines)
        dashed = all(line.edge.control for line in lines)
        top = max(lines, key=lambda line: (_touches(line, selected), line.edge.seam, not line.edge.control))
        char = line_glyph(weights, self.glyphs, dashed=dashed, crossing=crossing)
        return char, self._line_style(top, selected)

    def _line_style(self, line: Line, selected: str | None) -> str:
        edge = line.edge
        role = "seam" if edge.seam else "control" if edge.control else "edge"
        owner = self._item_of[edge.source].owner
        same = owner if owner == self._item_of[edge.target].owner and not edge.seam else None
        return self._style(role, same, _touches(line, selected))

    def _heads(self, sheet: _Sheet, content: _Content, selected: str | None) -> None:
        for number in sorted(content.ends, key=lambda at: _touches(self.layout.lines[at], selected)):
            line = self.layout.lines[number]
            if len(line.points) < 2:
                continue
            (from_x, from_y), (x, y) = line.points[-2:]
            way = (_sign(x - from_x), _sign(y - from_y))
            sheet.put(x, y, ARROWS[self.glyphs][way], self._line_style(line, selected))
            self._port(sheet, line, selected)

    def _port(self, sheet: _Sheet, line: Line, selected: str | None) -> None:
        if self.layout.detail == "tiny":
            return
        (x, y), (to_x, to_y) = line.points[:2]
        item = self._item_of[line.edge.source]
        is_frame = isinstance(item, Frame)
        kind = "frame" if is_frame else "heavy" if isinstance(item, Node) and item.seam else "plain"
        if item.id == selected:
            kind = "selected"
        char = PORTS[self.glyphs][kind][_way(to_x - x, to_y - y)]
        role = "frame" if is_frame else "border"
        sheet.put(x, y, char, self._style(role, item.owner, item.id == selected))


def _spread(
    piece: Piece,
    heavy: int,
    sheet: _Sheet,
    cells: dict[tuple[int, int], list[tuple[int, int, int, int, int]]],
) -> None:
    """Add a piece's cells in the tile: (line, weight up, right, down, left)."""
    line, x1, y1, x2, y2 = piece
    if x1 == x2:
        for y in range(max(y1, sheet.y), min(y2 + 1, sheet.y + TILE_H)):
            entry = (line, heavy if y > y1 else 0, 0, heavy if y < y2 else 0, 0)
            cells.setdefault((x1, y), []).append(entry)
    else:
        for x in range(max(x1, sheet.x), min(x2 + 1, sheet.x + TILE_W)):
            entry = (line, 0, heavy if x < x2 else 0, 0, heavy if x > x1 else 0)
            cells.setdefault((x, y1), []).append(entry)


def _one_net(lines: list[Line]) -> bool:
    """Return whether lines that meet fork from one box or join at one."""
    first = lines[0].edge
    return all(line.edge.source == first.source for line in lines) or all(
        line.edge.target == first.target for line in lines
    )


def _touches(line: Line, selected: str | None) -> bool:
    return selected is not None and selected in (line.edge.source, line.edge.target)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _way(dx: int, dy: int) -> int:
    if dy:
        return DOWN if dy > 0 else UP
    return RIGHT if dx > 0 else LEFT


def _plain(text: str) -> str:
    """Return text for a terminal without Unicode."""
    text = text.replace("…", "~").replace("×", "x")
    return text if text.isascii() else show(text.encode("ascii", "replace").decode("ascii"))


class _Sheet:
    """The cells of one tile while it is drawn, addressed by canvas coordinates."""

    def __init__(self, tile: Tile) -> None:
        self.x, self.y = tile[0] * TILE_W, tile[1] * TILE_H
        self.chars = [[" "] * TILE_W for _ in range(TILE_H)]
        self.styles = [[""] * TILE_W for _ in range(TILE_H)]

    def put(self, x: int, y: int, char: str, style: str) -> None:
        column, row = x - self.x, y - self.y
        if 0 <= column < TILE_W and 0 <= row < TILE_H:
            self.chars[row][column] = char
            self.styles[row][column] = style

    def write(self, x: int, y: int, text: str, style: str) -> None:
        row = y - self.y
        if not 0 <= row < TILE_H:
            return
        first = max(x, self.x)
        last = min(x + len(text), self.x + TILE_W)
        if first < last:
            self.chars[row][first - self.x : last - self.x] = text[first - x : last - x]
            self.styles[row][first - self.x : last - self.x] = [style] * (last - first)

    def rows(self) -> list[list[tuple[str, str]]]:
        return [_runs(chars, styles) for chars, styles in zip(self.chars, self.styles, strict=True)]


def _runs(chars: list[str], styles: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    start = 0
    for at in range(1, len(styles) + 1):
        if at == len(styles) or styles[at] != styles[start]:
            found.append(("".join(chars[start:at]), styles[start]))
            start = at
    return found
