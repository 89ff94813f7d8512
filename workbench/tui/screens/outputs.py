"""A dialog to choose one of several outputs of a node."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from workbench.model import shapes
from workbench.names import show
from workbench.session.lists.picking import Picked, endpoint_of, outputs_of
from workbench.session.lists.rows import Row
from workbench.session.session import Session
from workbench.surgery.resolve.endpoints import Endpoint
from workbench.tui import glyphs
from workbench.tui.screens.dialog import Dialog
from workbench.tui.widgets.lines import Lines, Painted, Piece

_SIGNS = {"fits": (glyphs.FITS, "good"), "unknown": (glyphs.UNKNOWN, "maybe"), "no": (glyphs.NO, "bad")}


class Outputs(Lines):
    """The outputs of a node, one a line, each judged against the pick."""

    def __init__(self, session: Session, picked: Picked | None, handle: str, row: Row, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.session, self.picked, self.handle, self.row = session, picked, handle, row
        self.number = outputs_of(session, handle, row)

    def on_mount(self) -> None:
        """Set the height to the number of lines."""
        self.styles.height = min(self.number, 14)
        self.rows_changed(0)

    def count(self) -> int:
        """Return the number of outputs."""
        return self.number

    def paint(self, index: int) -> Painted:
        """Return an output with its dtype and shape."""
        picked = self.picked if self.picked is not None and self.picked.handle != self.handle else None
        side = "target" if picked is not None and picked.side == "source" else "source"
        endpoint = endpoint_of(
            self.session, self.handle, self.row, "target" if side == "target" else "source", index
        )
        typed = (
            shapes.typed(endpoint.dtypes[0], endpoint.shapes[0])
            if isinstance(endpoint, Endpoint)
            else "can't be wired"
        )
        right: list[Piece] = [(f"  {typed} ", "dtype" if isinstance(endpoint, Endpoint) else "quiet")]
        judged = picked.judge(self.session, self.handle, self.row, index) if picked is not None else None
        if judged is not None:
            sign, role = _SIGNS[judged.state]
            right.append((f" {sign} ", role))
        return Painted([(f" {show(self.row.text)}:{index}", "plain")], right)


class OutputsScreen(Dialog[int]):
    """A dialog that returns the number of the chosen output."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "take", "This one")]

    def __init__(self, session: Session, picked: Picked | None, handle: str, row: Row) -> None:
        super().__init__()
        self._made = session, picked, handle, row

    def compose(self) -> ComposeResult:
        """Yield the list."""
        with Vertical(classes="dialog") as frame:
            frame.border_title = "Which output?"
            frame.border_subtitle = "enter: this one   esc: close"
            yield Outputs(*self._made)

    def action_take(self) -> None:
        """Choose the output under the cursor."""
        self.dismiss(self.query_one(Outputs).cursor)

    @on(Lines.Chosen)
    def _chosen(self) -> None:
        self.action_take()
