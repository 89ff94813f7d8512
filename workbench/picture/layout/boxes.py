"""How large a box is and what it shows, by the level of detail."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import combining, east_asian_width

from workbench.names import count, elide
from workbench.picture.layout.geometry import Detail
from workbench.picture.scene.families import family
from workbench.picture.scene.labels import MAX_WIDTH
from workbench.picture.scene.scene import Node

_COMPACT_WIDTH = 24
_TINY_WIDTH = 12
_MARK = 2
_SIGN = 2
CAPTIONS = {"input": "input", "output": "output", "result": "result", "variable": "variable"}


def box_lines(node: Node, detail: Detail, marked: bool) -> tuple[str, ...]:
    """Return the lines of text in a box; the first is its title.

    Args:
        node: the box.
        detail: how much it says.
        marked: whether a mark stands before the title, which takes some of the room.
    """
    return tuple(one_cell_each(text) for text in _lines(node, detail, _MARK if marked else 0))


def _lines(node: Node, detail: Detail, room: int) -> tuple[str, ...]:
    if detail == "tiny":
        return (elide(node.title, _TINY_WIDTH - room, even=True),)
    if detail == "compact":
        short = node.title if len(node.label) > _COMPACT_WIDTH - room else node.label
        return (elide(short, _COMPACT_WIDTH - room, even=True),)
    lines = [elide(node.title, MAX_WIDTH - room, even=True)]
    if node.subtitle:
        lines.append(elide(node.subtitle, MAX_WIDTH, even=True))
    more = third_line(node)
    if more:
        lines.append(elide(more, MAX_WIDTH, even=True))
    return tuple(lines)


def one_cell_each(text: str) -> str:
    """Return `text` with each wide or combining sign replaced by one of one cell.

    Wide signs are those of Chinese, Japanese and Korean; accents take no cell.
    """
    if text.isascii():
        return text
    return "".join("·" if east_asian_width(char) in "WF" or combining(char) else char for char in text)


def third_line(node: Node) -> str:
    """Return what is folded into a box in a few words: weights, table, constant."""
    variables = [text for label, text in node.facts if label == "variable"]
    tables = [text for label, text in node.facts if label == "table"]
    if node.kind == "scope" and node.contents:
        return node.contents
    if node.kind == "scope":
        words = [count(len(variables), "variable")] if variables else []
        words += [count(len(tables), "table")] if tables else []
        return ", ".join(words)
    if node.contents:
        return node.contents
    if len(variables) == 1:
        return variables[0].rpartition("/")[2]
    if variables:
        return f"{len(variables)} variables"
    if tables:
        return tables[0]
    constants = [text for label, text in node.facts if label == "constant"]
    if len(constants) == 1 and "=" in constants[0]:
        name, _, value = constants[0].partition(" = ")
        return f"{name.rpartition('/')[2]} = {value}"
    return ""


def caption(node: Node) -> str:
    """Return the text on the border of a box that is not just an op."""
    return "boundary" if node.seam else CAPTIONS.get(node.kind, "")


def box_size(node: Node, lines: Sequence[str], detail: Detail, marked: bool) -> tuple[int, int]:
    """Return (width, height) of a box in cells, border included."""
    room = _MARK if marked else 0
    sign = _SIGN if family(node) != "other" else 0
    if detail == "tiny":
        return len(lines[0]) + room + sign + 2, 1
    widest = max([len(lines[0]) + room, *map(len, lines[1:])]) + 4
    on_border = (len(caption(node)) + 6 if caption(node) else 6) + sign
    return max(widest, on_border + (4 if node.opens else 0)), len(lines) + 2
