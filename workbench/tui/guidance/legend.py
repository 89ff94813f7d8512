"""What the signs of lists and pictures mean, from the tables that draw them."""

from __future__ import annotations

from workbench.picture.render.glyphs import ADAPTERS_MARK, ARROWS, BORDERS, MARKS, Glyphs, kind_sign
from workbench.picture.scene.families import SAID
from workbench.session.lists.search import FIELDS
from workbench.tui import glyphs

Rows = list[tuple[str, str]]

LISTS = {
    "MARKS": "the models, in the order in which they were opened",
    "FITS": "compatible with what is picked",
    "UNKNOWN": "maybe compatible: a size is unknown until the graph runs",
    "NO": "incompatible; the line below says why",
    "PICKED": "picked; space on the other side connects it",
    "WIRED": "connected by a wire",
    "INTO": "an input, or an argument of a function",
    "OUT": "an output, or a result of a function",
    "CLOSED": "a row that can be unfolded",
    "OPENED": "an unfolded row",
    "ADAPTERS": "adapters on a wire: conversions of dtype, shape or content",
    "SEVERITY": "an error, a warning, something good to know",
    "ARROW": "a wire leads from the first model to the second",
    "BACK": "a wire leads from the second model to the first",
    "BOTH": "wires lead both ways",
}
"""The meaning of each sign in `glyphs`, by its name there."""

FIELDS_OF_FILTER = {
    "op": ("op:Conv2D", "nodes of an op; * and ? are wildcards"),
    "dtype": ("dtype:string", "inputs, outputs and nodes of that dtype"),
    "shape": ("shape:?x784", "of that shape: ? unknown size, * any size; also scalar, unknown"),
    "in": ("in:NAME", "nodes in the body of a function"),
}
"""An example of each field of the filter, and what it finds."""

_BORDERS = {
    "plain": "an op, a function or a scope",
    "heavy": "a box at the boundary between models",
    "selected": "the selected box",
    "frame": "an opened scope or function, or the body of a loop or branch",
    "tiny": "a box of which only the name has room",
}
_DOWN = (0, 1)


def of_lists() -> Rows:
    """Return the signs of lists and what they mean."""
    rows: Rows = [("Signs of lists", "")]
    for name, about in LISTS.items():
        sign = getattr(glyphs, name)
        shown = sign if isinstance(sign, str) else " ".join(sign.values() if isinstance(sign, dict) else sign)
        rows.append((shown, about))
    return rows


def of_filter() -> Rows:
    """Return what a filter takes."""
    return [
        ("Filter", ""),
        ("relu_7", "letters of the name in this order; all words must match"),
        *(FIELDS_OF_FILTER[field] for field in FIELDS),
        (">1MB <10k", "variables, constants and assets of that size"),
    ]


def of_pictures(glyphs: Glyphs = "unicode") -> Rows:
    """Return the signs of pictures and what they mean.

    Args:
        glyphs: which characters the picture is drawn in.
    """
    rows: Rows = [("Signs of pictures", "")]
    rows += [(kind_sign(kind, glyphs), about) for kind, about in SAID.items()]
    rows += [(border_text(name, glyphs), about) for name, about in _BORDERS.items()]
    rows += [
        (" ".join(MARKS[glyphs]), "the model that a box comes from"),
        (ADAPTERS_MARK[glyphs], "a box that an adapter makes"),
        (ARROWS[glyphs][_DOWN], "a tensor flows this way"),
        ("━━▶" if glyphs == "unicode" else "==>", "the boundary: a wire from one model to another"),
        ("┄┄▶" if glyphs == "unicode" else "..>", "a control edge: order without a value"),
        ("+", "a box that can be opened"),
    ]
    return rows


def border_text(name: str, glyphs: Glyphs) -> str:
    """Return the upper edge of a kind of border."""
    return BORDERS[glyphs][name][:3]
