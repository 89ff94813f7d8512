"""The list of what is in a model: rows unfold, are searched, and show verdicts while something is picked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workbench.model.op_classes import PLACEHOLDERS
from workbench.names import elide
from workbench.session.lists.arrangement import Arrangement
from workbench.session.lists.listing import Listing
from workbench.session.lists.rows import Key, Row
from workbench.tui import glyphs
from workbench.tui.widgets.lines import Lines, Painted, Piece

if TYPE_CHECKING:
    from textual import events

    from workbench.session.lists.compatibility import Judgement
    from workbench.session.lists.viewer import Viewer

_SIGN = {"fits": (glyphs.FITS, "good"), "unknown": (glyphs.UNKNOWN, "maybe"), "no": (glyphs.NO, "bad")}
_NAME_ROLE = {
    "section": "heading",
    "model": "quiet",
    "signature": "name",
    "input": "plain",
    "output": "plain",
    "scope": "plain",
}
_SORTED = {"variable": "variables", "function": "functions"}


class Rows(Lines):
    """The rows of one model, with what is unfolded; the pane around knows the pick."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.viewer: Viewer | None = None
        self.listing = Listing([])
        self.unfolded: set[Key] = set()
        self.arranged = Arrangement()
        self.hits: list[int] | None = None
        self.sign: Callable[[Row], Judgement | None] = lambda row: None
        self.state: Callable[[Row], str] = lambda row: ""

    def show_model(self, viewer: Viewer, chosen: str | None) -> None:
        """Show a model from its start, with the cursor at its first output."""
        self.viewer = viewer
        self.unfolded = viewer.lister.unfolded_at_first(chosen)
        self.hits = None
        self.listing = self._all()
        self.rows_changed(0)

    def _all(self) -> Listing:
        """Return all rows, as they are unfolded and arranged."""
        assert self.viewer is not None
        return self.viewer.lister.listing(self.unfolded, self.arranged)

    def show_nothing(self) -> None:
        """Show no rows."""
        self.hits, self.listing = None, Listing([])
        self.rows_changed(0)

    def count(self) -> int:
        """Return the number of rows."""
        return len(self.listing)

    def empty_text(self) -> str:
        """Return why there are no rows."""
        return "nothing matches the filter" if self.hits is not None else ""

    @property
    def row(self) -> Row | None:
        """Return the row under the cursor."""
        return self.listing[self.cursor] if 0 <= self.cursor < len(self.listing) else None

    # -- what is shown

    def relist(self, key: Key | None = None) -> None:
        """Build the rows anew; keep the cursor, or move it to the row with this key."""
        if self.viewer is None:
            return
        row = self.row
        wanted = key or (row.key if row is not None else None)
        if self.hits is not None:
            self.listing = self.viewer.index.listing(self.hits)
        else:
            self.listing = self._all()
        place = self.listing.find(wanted) if wanted is not None and len(self.listing) else None
        self.rows_changed(place if place is not None else min(self.cursor, max(len(self.listing) - 1, 0)))

    def show_hits(self, hits: list[int] | None) -> None:
        """Show search results, or all rows again with the cursor kept."""
        if self.viewer is None or hits is self.hits:
            return
        row = self.row
        self.hits = hits
        if hits is not None:
            self.listing = self.viewer.index.listing(hits)
            self.rows_changed(0)
        else:
            if row is not None:
                self.unfolded |= self.viewer.lister.above(row.key, flat=self.arranged.flat)
            self.relist(row.key if row is not None else None)
            self.show_cursor(center=True)

    def reveal(self, key: Key) -> bool:
        """Unfold what is above a row and move to it; return false if there is none."""
        if self.viewer is None:
            return False
        above = self.viewer.lister.above(key, flat=self.arranged.flat)
        if self.hits is not None or not above <= self.unfolded:
            self.hits = None
            self.unfolded |= above
            self.listing = self._all()
        place = self.listing.find(key)
        self.rows_changed(place)
        self.show_cursor(center=True)
        return place is not None

    def unfold(self) -> bool:
        """Unfold the row under the cursor; return false if it can't be."""
        row = self.row
        if row is None or row.open is not False:
            return False
        self.unfolded.add(row.key)
        self.relist(row.key)
        return True

    def on_click(self, event: events.Click) -> None:
        """Open or close a row whose sign was clicked."""
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if offset is None or index is None:
            return
        row = self.listing[index]
        if row.open is not None and 0 <= offset.x - _indent(row) < 2:
            event.prevent_default()
            self.cursor = index
            self.unfold() or self.fold()

    def fold(self) -> bool:
        """Fold the row under the cursor, else its parent; return false if there is none."""
        row = self.row
        if row is None:
            return False
        if row.open:
            self.unfolded.discard(row.key)
            self.relist(row.key)
            return True
        index = self.cursor
        while index > 0 and row.depth:
            index -= 1
            if self.listing[index].depth < row.depth:
                self.cursor = index
                return True
        return False

    # -- arranging

    def turn_flat(self) -> None:
        """Show all nodes in one list, or the tree of scopes again; the cursor stays on its row."""
        row = self.row
        self.arranged = self.arranged.other_shape()
        if row is None or self.viewer is None:
            return
        if row.kind == "scope":  # the flat list has no such row: its first node stands for it
            level, scope = row.ref
            number = scope.members[0]
            key: Key = ("node", row.key[1], self.viewer.lister.trees.of(level).names[number])
        else:
            key = row.key
        self.unfolded |= self.viewer.lister.above(key, flat=self.arranged.flat)
        self.relist(key)
        self.show_cursor(center=True)

    @property
    def sortable(self) -> str:
        """Return the section of the cursor that has several orders, or an empty text."""
        row = self.row
        if row is None or self.hits is not None:
            return ""
        if row.kind == "section":
            return row.key[1] if row.key[1] in _SORTED.values() else ""
        return _SORTED.get(row.kind, "")

    def sort_next(self) -> str:
        """Sort the section of the cursor in the next order; return what the order is called."""
        section = self.sortable
        self.arranged = self.arranged.next_order(section)
        self.unfolded.add(("section", section))
        self.relist()
        self.show_cursor(center=True)
        return self.arranged.order_words(section)

    def step_section(self, by: int) -> None:
        """Move to the next section (1), or to the start of this or the previous one (-1)."""
        from workbench.session.lists.lister import SECTIONS

        places = [self.listing.find(("section", name)) for name in SECTIONS]
        found = [place for place in places if place is not None]
        ahead = [place for place in found if (place > self.cursor if by > 0 else place < self.cursor)]
        self.cursor = (ahead[0 if by > 0 else -1]) if ahead else (self.count() - 1 if by > 0 else 0)

    # -- painting

    def paint(self, index: int) -> Painted:
        """Return a row as a line: fold sign, name, columns, verdict at the right end."""
        row = self.listing[index]
        state = self.state(row)
        left: list[Piece] = [(" " * _indent(row), "plain")]
        if row.open is not None:
            left.append((f"{glyphs.OPENED if row.open else glyphs.CLOSED} ", "quiet"))
        elif row.kind in ("input", "argument"):
            left.append((f"{glyphs.INTO} ", "quiet"))
        elif row.kind in ("output", "result"):
            left.append((f"{glyphs.OUT} ", "quiet"))
        elif row.kind != "model":
            left.append(("  ", "plain"))
        name_at = len(left)
        role = "heading" if state == "chosen" else _NAME_ROLE.get(row.kind, "plain")
        role = "quiet" if row.quiet else role
        left.append((row.text, role))
        if row.aside:
            left.append((f"  {row.aside}", "quiet"))
        right = self._columns(row)
        if row.kind == "scope" and row.aside:
            room = (
                self.scrollable_content_region.width - 5 - sum(len(text) for text, _ in (*left[:-1], *right))
            )
            left[-1] = f"  {_whole_words(row.aside, room)}", "quiet"
        sign = self.sign(row)
        if state == "picked":
            right.append((f" {glyphs.PICKED} ", "mark"))
        elif sign is not None and (sign.state != "no" or row.kind != "node" or row.ref.op in PLACEHOLDERS):
            text, role = _SIGN[sign.state]
            right.append((f" {text} ", role))
        elif state == "wired":
            right.append((f" {glyphs.WIRED} ", "good"))
        else:
            right.append(("   ", "plain"))
        whole = "picked" if state == "picked" else ""
        aside = (len(left) - 1,) if row.aside else ()
        return Painted(left, right, (name_at,), "mark" if whole else "", aside)

    def _columns(self, row: Row) -> list[Piece]:
        width = self.scrollable_content_region.width
        if row.kind == "node":
            most = (
                width // 2 if row.open is not None else width * 2 // 5
            )  # what a call names says more than its node
            op = elide(row.columns[0], max(most, 10))
            return [("  ", "plain"), (op, "quiet" if row.quiet else "op")]
        if row.kind == "scope":
            number, nbytes = row.columns
            return [(f"  {number}", "quiet"), (nbytes.rjust(9) if width >= 50 else "", "quiet")]
        if row.kind in ("input", "output", "argument", "result", "variable"):
            dtype, *rest = row.columns
            found: list[Piece] = [("  ", "plain"), (dtype, "dtype")]
            if rest:
                found.append((f" {rest[0]}".ljust(12 if width >= 50 and rest[1:] else 0), "dtype"))
            if len(rest) > 1 and width >= 50:
                found.append((rest[1].rjust(9), "quiet"))
            return found
        text = "  ".join(column for column in row.columns if column)
        return [(f"  {text}", "quiet")] if text and width >= 34 else []

    def action_copy(self) -> None:
        """Copy the name under the cursor."""
        if self.row is not None:
            self.app.copy_to_clipboard(copy_name(self.row))


def _indent(row: Row) -> int:
    """Return the cells before the sign of a row."""
    return 1 + 2 * min(row.depth, 12)


def _whole_words(text: str, room: int) -> str:
    """Return as many parts of a list as there is room for, none of them cut."""
    parts = text.split(", ")
    while parts and len(", ".join(parts)) > room:
        parts = [*parts[:-2], "…"] if len(parts) > 2 else []
    return ", ".join(parts)


def copy_name(row: Row) -> str:
    """Return a row's name as the command line and wires write it."""
    if row.kind in ("input", "output"):
        return str(row.ref.key)
    if row.spot is not None and row.kind == "node":
        return str(row.spot)
    if row.kind == "scope":
        return scope_name(row)
    if row.kind in ("function", "body"):
        return str(row.ref)
    if row.kind == "model":
        return str(row.ref.path)
    if row.kind in ("signature", "callable", "asset", "variable", "argument"):
        return str(row.key[-1]) if row.kind != "asset" else str(row.key[1])
    return row.text


def scope_name(row: Row) -> str:
    """Return a scope's prefix, with the calls that lead to its body in front."""
    level, scope = row.ref
    return str(level.full_name(scope.prefix))
