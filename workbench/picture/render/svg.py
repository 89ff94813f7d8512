"""A layout as one self-contained SVG file, light and dark.

Its geometry is that of the terminal's canvas.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import Literal

from workbench.names import show
from workbench.picture.layout.boxes import caption
from workbench.picture.layout.geometry import Box, Layout, Line
from workbench.picture.render.colours import BACKGROUNDS, FAMILIES, LINES, OWNERS, SEAM, TEXTS, Pair
from workbench.picture.render.glyphs import owner_mark
from workbench.picture.scene.families import SAID, SIGNS, family, kinds
from workbench.picture.scene.scene import Frame, Node, owner_title

Theme = Literal["light", "dark", "auto"]

_W, _H = 8, 16
_MARGIN = 24
_TITLE = 24
_ROW = 20
_LEAST = 640
_CORNER = 6
_FONT = "ui-monospace, 'DejaVu Sans Mono', 'Liberation Mono', Menlo, Consolas, monospace"
# What each class looks like: (light, dark).
_COLOURS: dict[str, Pair] = {
    "svg .paper{fill:%}": BACKGROUNDS["paper"],
    ".box{stroke:%}": LINES["border"],
    ".box{fill:%}": BACKGROUNDS["box"],
    ".box.scope,.box.call{fill:%}": BACKGROUNDS["scope"],
    ".box.input,.box.output,.box.result{fill:%}": BACKGROUNDS["end"],
    ".frame{stroke:%}": LINES["frame-line"],
    ".frame{fill:%}": BACKGROUNDS["frame"],
    **{f".{role}{{fill:%}}": pair for role, pair in TEXTS.items()},
    ".edge{stroke:%}": LINES["edge"],
    ".head{fill:%}": LINES["edge"],
    ".control{stroke:%}": LINES["control"],
    **{f".edge.{owner},.box.{owner}{{stroke:%}}": pair for owner, pair in OWNERS.items()},
    **{f".mark.{owner},.head.{owner}{{fill:%}}": pair for owner, pair in OWNERS.items()},
    **{f".kind-{name.replace(' ', '-')}{{fill:%}}": pair for name, pair in FAMILIES.items()},
    ".edge.seam,.box.seam{stroke:%}": SEAM,
    ".head.seam,.word.seam{fill:%}": SEAM,
}
_SHAPE = (
    f"text{{font:13px {_FONT};white-space:pre}}"
    ".title,.sign{font-weight:600}.label,.word{font-size:11px}.heading{font-size:16px;font-weight:600}"
    ".box{stroke-width:1.4}.box.seam{stroke-width:2.6}.frame{stroke-dasharray:5 4}"
    ".edge{fill:none;stroke-width:1.4;stroke-linejoin:round}.edge.seam{stroke-width:3.2}"
    ".control{stroke-dasharray:4 3}"
)


def to_svg(layout: Layout, *, theme: Theme = "auto", title: str = "") -> str:
    """Return a layout as SVG text; `auto` follows `prefers-color-scheme`.

    Args:
        layout: what to draw.
        theme: colours.
        title: for the `<title>` element and a heading; empty for none.
    """
    writer = _Writer(layout, title)
    return "\n".join(writer.document(_style(theme)))


def _style(theme: Theme) -> str:
    def rules(which: int) -> str:
        return "".join(rule.replace("%", colours[which]) for rule, colours in _COLOURS.items())

    if theme == "dark":
        return _SHAPE + rules(1)
    more = f"@media(prefers-color-scheme:dark){{{rules(1)}}}" if theme == "auto" else ""
    return _SHAPE + rules(0) + more


class _Writer:
    def __init__(self, layout: Layout, title: str) -> None:
        self.layout = layout
        self.title = title
        self.owners = layout.scene.numbers
        self.marked = layout.scene.marked
        self.item_of = {box.id: box.item for box in layout.boxes}
        self.heads: list[str] = []
        self.legend = self._legend()
        self.dx = _MARGIN
        self.dy = _MARGIN + (_TITLE if title else 0) + len(self.legend) * _ROW + (8 if self.legend else 0)

    def document(self, style: str) -> Iterator[str]:
        ends = [x + (len(text) + 3) * _W for row in self.legend for x, _, _, text in row]
        width = max([layout_width(self.layout), len(self.title) * 10, *ends]) + 2 * _MARGIN
        height = self.layout.height * _H + self.dy + _MARGIN
        name = _safe(self.title or "graph")
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img" aria-label="{name}">'
        )
        yield f"<title>{name}</title><style>{style}</style>"
        yield f'<rect class="paper" width="{width}" height="{height}"/>'
        yield from self._head()
        yield f'<g transform="translate({self.dx} {self.dy})">'
        for box in self.layout.boxes:
            if isinstance(box.item, Frame):
                yield from self._frame(box, box.item)
        for line in sorted(self.layout.lines, key=lambda line: line.edge.seam):
            yield from self._line(line)
        for box in self.layout.boxes:
            if isinstance(box.item, Node):
                yield from self._box(box, box.item)
        yield from self.heads  # over the boxes: a caption on a border must not hide one
        yield "</g></svg>\n"

    def _entries(self) -> Iterator[tuple[str, str, str]]:
        """Yield (sign, its class, what it means) for the legend; no sign for the line of a boundary."""
        for owner, number in self.owners.items() if self.marked else ():
            yield owner_mark(number, "unicode"), f"mark {_kind(number)}", owner_title(owner)
        if any(line.edge.seam for line in self.layout.lines):
            yield "", "edge seam", "boundary between models"
        for kind in kinds(self.layout.scene.nodes):
            yield SIGNS[kind], f"sign {_class(kind)}", SAID[kind]

    def _legend(self) -> list[list[tuple[int, str, str, str]]]:
        """Return the rows of the legend: (x, sign, its class, what it means)."""
        room = max(layout_width(self.layout), _LEAST)
        rows: list[list[tuple[int, str, str, str]]] = []
        x = room
        for sign, kind, text in self._entries():
            wide = (len(text) + 5) * _W
            if x + wide > room:
                rows.append([])
                x = 0
            rows[-1].append((x, sign, kind, text))
            x += wide
        return rows

    def _head(self) -> Iterator[str]:
        if self.title:
            yield _text(_MARGIN, 34, self.title, "title heading")
        for row, entries in enumerate(self.legend):
            y = _MARGIN + (_TITLE if self.title else 0) + row * _ROW + 12
            for at, sign, kind, text in entries:
                x = _MARGIN + at
                yield (
                    _text(x, y, sign, kind)
                    if sign
                    else f'<path class="{kind}" d="M{x} {y - 4}h{_W * 3 // 2}"/>'
                )
                yield _text(x + 2 * _W, y, text, "sub")

    def _owner(self, owner: str | None) -> str:
        return f" {_kind(self.owners[owner])}" if self.marked and owner in self.owners else ""

    def _frame(self, box: Box, frame: Frame) -> Iterator[str]:
        yield _rect(box, f"frame{self._owner(frame.owner)}", 4)
        (title,) = box.lines
        x, wide = box.title_x * _W, (len(title) + 2) * _W
        yield f'<rect class="paper" x="{x}" y="{_y(box.y) - 8}" width="{wide}" height="16"/>'
        yield _text(x + _W, _y(box.y) + 4, title, "sub title")

    def _box(self, box: Box, node: Node) -> Iterator[str]:
        kind = f"box {node.kind}{self._owner(node.owner)}{' seam' if node.seam else ''}"
        tiny = self.layout.detail == "tiny"
        yield "<g>" + f"<title>{escape(_tooltip(node))}</title>"
        yield _rect(box, kind, 3 if tiny else 6, tiny=tiny)
        if not tiny and (word := caption(node)):
            seam = " seam" if node.seam else ""
            yield (
                f'<rect class="paper" x="{_x(box.x + 1)}" y="{_y(box.y) - 6}" '
                f'width="{len(word) * 7 + 6}" height="12" rx="3"/>'
            )
            yield _text(_x(box.x + 1) + 3, _y(box.y) + 4, word, f"word sub{seam}")
        if not tiny and (kind_of_op := family(node)) != "other":
            yield from self._on_border(box, 0, SIGNS[kind_of_op], f"sign {_class(kind_of_op)}", kind_of_op)
        if node.opens is not None and not tiny:
            yield from self._on_border(box, box.h - 1, "+", "title", "more inside")
        x, y = box.text_at(self.layout.detail)
        if tiny and (kind_of_op := family(node)) != "other":
            yield _text(x * _W, _y(y) + 4, SIGNS[kind_of_op], f"sign {_class(kind_of_op)}")
            x += 2
        for at, text in enumerate(box.lines):
            role = "title" if at == 0 else "sub" if at == 1 and node.subtitle else "detail"
            start = x
            if at == 0 and self.marked and node.owner in self.owners:
                mark = owner_mark(self.owners[node.owner], "unicode")
                yield _text(start * _W, _y(y) + 4, mark, f"mark{self._owner(node.owner)}")
                start += 2
            yield _text(start * _W, _y(y + at) + 4, text, role)
        yield "</g>"

    def _on_border(self, box: Box, row: int, sign: str, kind: str, says: str) -> Iterator[str]:
        """Yield a sign near the right end of a horizontal border, and what it says in words."""
        x, y = _x(box.x + box.w - 1) - 22, _y(box.y + row)
        yield f'<g><title>{says}</title><rect class="paper" x="{x}" y="{y - 6}" width="14" height="12" rx="3"/>'
        yield f"{_text(x + 3, y + 5, sign, kind)}</g>"

    def _line(self, line: Line) -> Iterator[str]:
        edge = line.edge
        if len(line.points) < 2:
            return
        one, other = self.item_of[edge.source].owner, self.item_of[edge.target].owner
        owner = self._owner(one) if one == other else ""
        kind = "seam" if edge.seam else "control" if edge.control else owner.strip()
        points = [(_x(x), _y(y)) for x, y in line.points]
        (from_x, from_y), (x, y) = points[-2:]
        way_x, way_y = _sign(x - from_x), _sign(y - from_y)
        tip = (x + way_x * _W, y + way_y * _H)
        points[-1] = (tip[0] - way_x * 7, tip[1] - way_y * 7)
        yield f'<path class="edge {kind}" d="{_path(points)}"/>'
        self.heads.append(
            f'<path class="head {kind}" d="{_head(tip, way_x, way_y, 5 if edge.seam else 4)}"/>'
        )
        if line.label_at is not None:
            at_x, at_y = line.label_at
            yield _text(at_x * _W, _y(at_y) + 4, edge.label, "label")


def _class(kind: str) -> str:
    """Return the class of a kind of op."""
    return f"kind-{kind.replace(' ', '-')}"


def _kind(number: int) -> str:
    """Return the class of an owner's number."""
    return "oa" if number < 0 else f"o{number % 3}"


def layout_width(layout: Layout) -> int:
    """Return the width of the drawing in pixels, margins excluded."""
    return layout.width * _W


def _x(cell: int) -> int:
    return cell * _W + _W // 2


def _y(cell: int) -> int:
    return cell * _H + _H // 2


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{_safe(text)}</text>'


def _safe(text: str) -> str:
    """Return text for XML: what no document may hold, or can't be seen, escaped."""
    return escape(show(text, len(text)))


def _rect(box: Box, kind: str, radius: int, *, tiny: bool = False) -> str:
    x, y = _x(box.x), _y(box.y)
    width, height = (box.w - 1) * _W, (box.h - 1) * _H
    if tiny:
        y, height = box.y * _H + 1, box.h * _H - 2
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"/>'


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Return a polyline with rounded corners."""
    parts = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for (before, here), (_, after) in pairwise(pairwise(points)):
        reach = min(_CORNER, _length(before, here) / 2, _length(here, after) / 2)
        start, end = _toward(here, before, reach), _toward(here, after, reach)
        parts.append(f"L{start[0]:g} {start[1]:g}Q{here[0]:g} {here[1]:g} {end[0]:g} {end[1]:g}")
    parts.append(f"L{points[-1][0]:g} {points[-1][1]:g}")
    return "".join(parts)


def _length(one: tuple[float, float], other: tuple[float, float]) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _toward(here: tuple[float, float], there: tuple[float, float], reach: float) -> tuple[float, float]:
    return here[0] + _sign(there[0] - here[0]) * reach, here[1] + _sign(there[1] - here[1]) * reach


def _head(tip: tuple[float, float], way_x: int, way_y: int, half: int) -> str:
    back_x, back_y = tip[0] - way_x * 9, tip[1] - way_y * 9
    side_x, side_y = way_y * half, way_x * half
    return (
        f"M{tip[0]:g} {tip[1]:g}L{back_x + side_x:g} {back_y + side_y:g}"
        f"L{back_x - side_x:g} {back_y - side_y:g}Z"
    )


def _tooltip(node: Node) -> str:
    rows = [f"{label}: {text}" for label, text in node.facts[:12]]
    return "\n".join(show(row, 1000) for row in (node.path or node.label, *rows))
