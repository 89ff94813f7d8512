"""The values of a run: a list of tensors, and the value of the one under the cursor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.message import Message

from workbench.names import elide
from workbench.picture.render.blocks import histogram
from workbench.session.running.rows import ValueRow, first_odd, value_rows
from workbench.session.texts.value_detail import Drawing
from workbench.tui.actions import bindings
from workbench.tui.widgets.lines import Lines, Painted, Piece

if TYPE_CHECKING:
    from workbench.session.running.run import KeptRun
    from workbench.tui.host import Host

_TYPED = 24
_NUMBERS, _TEXTS = 22, 12
"""Columns that a range, or the first strings, may have in the list."""
_RANGE, _HISTOGRAM = 52, 78
"""Columns of the list from which ranges and histograms are shown."""


def drawing_of(app: Host) -> Drawing:
    """Return how pictures are drawn in an application."""
    if app.look.ascii:
        return "ascii"
    return "shades" if app.current_theme.ansi else "colours"


class Values(Lines):
    """The values of a run, one tensor a line."""

    SCOPE = "values"
    BINDINGS = bindings("values")

    class ClearAsked(Message):
        """The user wants to forget the values."""

    class PictureAsked(Message):
        """The user wants to see the values in the picture."""

    @dataclass
    class DetailAsked(Message):
        """The user wants to see the value under the cursor."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.listed: list[ValueRow] = []
        self._typed = 0

    def show_run(self, run: KeptRun | None) -> None:
        """Show the values of a run, with the cursor on its first output."""
        self.listed = value_rows(run) if run is not None else []
        types = [len(row.value.type) for row in self.listed if row.value is not None]
        self._typed = min(max(types, default=0), _TYPED)
        self.rows_changed(1 if self.listed else 0)
        self.scroll_to(y=0, animate=False, force=True, immediate=True)

    @property
    def row(self) -> ValueRow | None:
        """Return the row under the cursor."""
        return self.listed[self.cursor] if self.cursor < len(self.listed) else None

    def count(self) -> int:
        """Return the number of rows."""
        return len(self.listed)

    def empty_text(self) -> str:
        """Return how to get values."""
        return "No values yet: ^s runs the model."

    def paint(self, index: int) -> Painted:
        """Return a row: name, what it answers, dtype and shape, range, histogram."""
        row = self.listed[index]
        value = row.value
        if value is None:
            return Painted([(f" {'  ' * row.depth}{row.text}", "heading" if not row.depth else "quiet")])
        width = self.scrollable_content_region.width
        left: list[Piece] = [(f" {'  ' * row.depth}{row.text}", "name" if row.answer else "plain")]
        right: list[Piece] = []
        if row.answer:
            right.append((f"  {row.answer}", "good"))
        elif value.trouble:
            right.append((f"  ! {value.trouble}", "bad"))
        elif width >= _RANGE:
            right.append(
                (f"  {elide(value.range, _NUMBERS if value.least is not None else _TEXTS)}", "plain")
            )
        right.append((f"  {value.type:{self._typed}}", "dtype"))
        if width >= _HISTOGRAM:
            glyphs = histogram(value.histogram, "ascii" if self.app.look.ascii else "unicode")
            right.append((f"  {glyphs:16}", "op"))
        right.append((" ", "plain"))
        return Painted(left, right)

    def action_copy(self) -> None:
        """Copy the name of the tensor."""
        if self.row is not None and self.row.value is not None:
            self.app.copy_to_clipboard(self.row.value.address.rpartition("#")[2])

    def action_detail(self) -> None:
        """Show the value under the cursor."""
        self.post_message(self.DetailAsked())

    def action_clear(self) -> None:
        """Forget the values."""
        self.post_message(self.ClearAsked())

    def action_picture(self) -> None:
        """Show the values in the picture."""
        self.post_message(self.PictureAsked())

    def action_next_odd(self) -> None:
        """Go to the first tensor that has a NaN or an infinity."""
        at = first_odd(self.listed)
        if at is None:
            self.app.say("No value here is NaN or infinite.")
        else:
            self.cursor = at
