"""A list of any length on the line API: only the lines that are seen are made. All lists of the UI are of this kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.names import elide
from workbench.tui.actions import bindings
from workbench.tui.roles import role_style

if TYPE_CHECKING:
    from textual import events

    from workbench.tui.host import Host

_READABLE = 12
"""Cells that are left of a name that is cut, where it can be so."""
Piece = tuple[str, str]
"""A text and the role it is styled by."""


class Painted(NamedTuple):
    """A line before it is fitted to a width.

    Attributes:
        left: pieces from the left edge.
        right: pieces that end at the right edge and are not cut.
        flex: numbers of the left pieces that may be cut in the middle, the first of them first; empty for the last.
        role: of the whole line, or empty.
        spare: numbers of the left pieces that are cut before others, and left out rather than made unreadable.
    """

    left: Sequence[Piece]
    right: Sequence[Piece] = ()
    flex: tuple[int, ...] = ()
    role: str = ""
    spare: tuple[int, ...] = ()


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """A list of any length that makes only the visible lines; subclasses paint them."""

    app: Host
    SCOPE = "list"
    CURSOR_STAYS: ClassVar[bool] = True
    """Whether the cursor is seen while something else has the focus."""
    BINDINGS = bindings("list")

    cursor: reactive[int] = reactive(0, repaint=False)

    @dataclass
    class Moved(Message):
        """The cursor moved to another row."""

        lines: Lines
        index: int

        @property
        def control(self) -> Lines:
            """Return the list."""
            return self.lines

    @dataclass
    class Chosen(Message):
        """A row was clicked twice, or at its right end (`mark`)."""

        lines: Lines
        index: int
        mark: bool
        x: int

        @property
        def control(self) -> Lines:
            """Return the list."""
            return self.lines

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._cache: dict[tuple[int, int, bool, bool], Strip] = {}

    # -- for subclasses

    def count(self) -> int:
        """Return the number of rows."""
        return 0

    def paint(self, index: int) -> Painted:
        """Return a row as a line."""
        return Painted(())

    def empty_text(self) -> str:
        """Return the text for an empty list."""
        return ""

    # -- changes

    def rows_changed(self, cursor: int | None = None) -> None:
        """Show other rows, with the cursor kept or at `cursor`.

        `Moved` is posted even if the cursor keeps its number: another row may be under it.
        """
        self._cache.clear()
        self.virtual_size = Size(self.scrollable_content_region.width, self.count())
        before = self.cursor
        self.cursor = self.validate_cursor(before if cursor is None else cursor)
        if self.cursor == before:
            self._tell_moved()
        self.refresh()

    def _tell_moved(self) -> None:
        """Post `Moved` so that every widget around this one gets it.

        By default the sender of a message is the widget whose handler is running, and a message bubbles no further
        than its sender (`MessagePump._on_message`): one from a handler around this list would end there.
        """
        self.post_message(self.Moved(self, self.cursor).set_sender(self))

    def repaint_rows(self) -> None:
        """Draw the same rows anew."""
        self._cache.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """Drop the colours of the previous theme."""
        super().notify_style_update()
        self._cache.clear()

    def validate_cursor(self, cursor: int) -> int:
        """Return the cursor clamped to the rows."""
        return max(0, min(cursor, self.count() - 1))

    def watch_cursor(self, before: int, after: int) -> None:
        """Scroll to the cursor."""
        if before != after:
            self._refresh_row(before)
            self._refresh_row(after)
        self.show_cursor()
        self._tell_moved()

    def show_cursor(self, center: bool = False) -> None:
        """Scroll so that the cursor is visible."""
        self.scroll_to_region(
            Region(0, self.cursor, 1, 1),
            animate=False,
            force=True,
            center=center,
            x_axis=False,
            immediate=True,
        )

    def _refresh_row(self, index: int) -> None:
        self.refresh(Region(0, index - self.scroll_offset.y, self.size.width, 1))

    def on_resize(self) -> None:
        """Fit the rows to another width."""
        self.virtual_size = Size(self.scrollable_content_region.width, self.count())
        if (
            self.cursor < self.size.height
        ):  # a list that was hidden has scrolled to its cursor as if it had no room
            self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self.call_after_refresh(self.show_cursor)

    def on_focus(self) -> None:
        """Draw the cursor as focused."""
        self._refresh_row(self.cursor)

    def on_blur(self) -> None:
        """Draw the cursor as not focused."""
        self._refresh_row(self.cursor)

    # -- painting

    def render_line(self, y: int) -> Strip:
        """Return the strip at a line of the window."""
        width = self.scrollable_content_region.width
        index = min(y + self.scroll_offset.y, self.count())  # all lines below the rows are one
        if index == self.count() and not index and y == 0:
            text = self.empty_text()
            return self._fitted([(f" {text}", "quiet")] if text else [], width, self.rich_style)
        key = (index, width, index == self.cursor, self.has_focus)
        strip = self._cache.get(key)
        if strip is None:
            if len(self._cache) > 4000:
                self._cache.clear()
            strip = self._cache[key] = self._strip(index, width)
        return strip

    def _strip(self, index: int, width: int) -> Strip:
        if index == self.count():
            return self._fitted([], width, self.rich_style)
        painted = self.paint(index)
        base = self.rich_style
        if painted.role:
            base += self.style_of(painted.role)
        if index == self.cursor:
            base += self.style_of("cursor")
        right = list(painted.right)
        room = width - sum(cell_len(text) for text, _ in right)
        left = list(painted.left)
        _fit(left, room, painted.flex or (len(left) - 1,), painted.spare)
        used = sum(cell_len(text) for text, _ in left)
        pieces = [*left, (" " * max(room - used, 0), "plain"), *right]
        if index == self.cursor and self.has_focus and self.app.current_theme.ansi:
            # reversed, colours would be backgrounds
            pieces = [(text, role if role == "on" else "") for text, role in pieces]
        return self._fitted(pieces, width, base)

    def _fitted(self, pieces: Sequence[Piece], width: int, base: Style) -> Strip:
        segments = [Segment(text, base + self.style_of(role)) for text, role in pieces if text]
        strip = Strip(segments)
        if strip.cell_length > width > 0:
            strip = Strip([*strip.crop(0, width - 1), Segment("…", base)])
        return strip.adjust_cell_length(width, base)

    def style_of(self, role: str) -> Style:
        """Return the style of a role in the current theme."""
        if role == "cursor" and not self.has_focus:
            return role_style(self.app, "mark") if self.CURSOR_STAYS else Style()
        return role_style(self.app, role)

    # -- mouse and keys

    def index_at(self, y: int) -> int | None:
        """Return the row at a line of the window."""
        index = y + self.scroll_offset.y
        return index if 0 <= index < self.count() else None

    def on_click(self, event: events.Click) -> None:
        """Move the cursor; choose a row clicked twice or at its right end."""
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if offset is None or index is None:
            return
        mark = offset.x >= self.scrollable_content_region.width - 3
        again = index == self.cursor and event.chain > 1
        self.cursor = index
        if mark or again:
            self.post_message(self.Chosen(self, index, mark, offset.x))

    def action_cursor_up(self) -> None:
        """Move a row up."""
        self.cursor -= 1

    def action_cursor_down(self) -> None:
        """Move a row down."""
        self.cursor += 1

    def action_page_up(self) -> None:
        """Move a page up."""
        self.cursor -= max(self.size.height - 1, 1)

    def action_page_down(self) -> None:
        """Move a page down."""
        self.cursor += max(self.size.height - 1, 1)

    def action_first(self) -> None:
        """Move to the first row."""
        self.cursor = 0

    def action_last(self) -> None:
        """Move to the last row."""
        self.cursor = self.count() - 1


def _fit(left: list[Piece], room: int, flex: Sequence[int], spare: Sequence[int]) -> None:
    """Return pieces cut to fit: the spare ones first, then the others."""

    def cut(places: Sequence[int], least: int) -> int:
        much = sum(cell_len(text) for text, _ in left) - room
        for at in places:
            if much <= 0:
                break
            text, role = left[at]
            short = _cut(text, max(cell_len(text) - much, min(least, cell_len(text))))
            much -= cell_len(text) - cell_len(short)
            left[at] = short, role
        return much

    if spare and cut(spare, _READABLE) > 0:
        for at in spare:
            left[at] = "", left[at][1]
    if left and cut(flex, _READABLE) > 0:
        cut(flex, 3)


def _cut(text: str, width: int) -> str:
    """Return `text` cut in its middle to `width` cells."""
    if text.isascii():
        return elide(text, width)
    if cell_len(text) <= width:
        return text
    half = max((width - 1) // 3, 1)
    head = set_cell_size(text, half)
    tail = ""
    for char in reversed(text):
        if cell_len(char + tail) > width - 1 - half:
            break
        tail = char + tail
    return f"{head}…{tail}"
