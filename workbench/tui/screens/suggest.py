"""Wires that would fit, the likeliest first, and inputs that can be shared."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from workbench.model import shapes
from workbench.names import elide, show
from workbench.session.session import Session
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.share import Share
from workbench.surgery.resolve.endpoints import Endpoint
from workbench.tui import glyphs
from workbench.tui.screens.dialog import Dialog
from workbench.tui.widgets.lines import Lines, Painted, Piece


class Suggestions(Lines):
    """The list of suggested wires and shared inputs, one a line."""

    def __init__(self, session: Session, wires: list[Connect | Share], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.session = session
        self.wires = wires

    def on_mount(self) -> None:
        """Set the height to the number of lines."""
        self.styles.height = min(len(self.wires), 14)
        self.rows_changed(0)

    def count(self) -> int:
        """Return the number of suggestions."""
        return len(self.wires)

    def paint(self, index: int) -> Painted:
        """Return a wire with the dtype and shape of its tensor, or a shared input."""
        wire = self.wires[index]
        if isinstance(wire, Share):
            return Painted(
                [(" share  ", "quiet"), (show(str(wire), 1000), "plain")], [(f"  {glyphs.FITS} ", "good")]
            )
        handles = self.session.handles
        left: list[Piece] = [(" ", "plain")]
        flex = []
        endpoints = []
        for number, (handle, text) in enumerate(
            zip(self.session.ends_of(wire), (wire.source, wire.target), strict=True)
        ):
            position = handles.index(handle)
            if number:
                left.append((f" {glyphs.ARROW} ", "quiet"))
            left.append((f"{glyphs.mark(position)} ", f"model-{position % 4}"))
            flex.append(len(left))
            plain = text.removeprefix(f"{handle}@")
            left.append((show(plain), "plain"))
            found = self.session.judging.lookups[handle].find(plain, "target" if number else "source")
            endpoints.append(found if isinstance(found, Endpoint) else None)
        right: list[Piece] = []
        source, target = endpoints
        if source is not None and target is not None:
            judged = self.session.judge(source, target, wire.through)
            given = shapes.typed(source.dtypes[0], source.shapes[0])
            if wire.through:
                right.append((f"  {glyphs.ADAPTERS} {elide(show(wire.through, 1000), 48)}", "adapter"))
            else:
                right.append((f"  {given} {glyphs.INTO} {shapes.text(target.shapes[0])}", "dtype"))
            right.append(
                (f"  {glyphs.FITS} ", "good") if judged.state == "fits" else (f"  {glyphs.UNKNOWN} ", "maybe")
            )
        return Painted(left, right, tuple(reversed(flex)))

    def action_copy(self) -> None:
        """Copy the wire."""
        self.app.copy_to_clipboard(str(self.wires[self.cursor]))


class SuggestScreen(Dialog[list[Connect | Share]]):
    """A dialog that returns the chosen wires, or a shared input."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "take", "Wire it"),
        Binding("a", "take_all", "Wire one to each input"),
    ]

    def __init__(self, session: Session, wires: list[Connect | Share]) -> None:
        super().__init__()
        self.session = session
        self.wires = wires

    def compose(self) -> ComposeResult:
        """Yield the list."""
        with Vertical(classes="dialog") as frame:
            wires = [wire for wire in self.wires if isinstance(wire, Connect)]
            adapted = any(wire.through for wire in wires)
            frame.border_title = "Wires that adapters make compatible" if adapted else "Compatible wires"
            frame.border_subtitle = "enter: wire it   a: wire one to each input   esc: close"
            if not wires:
                frame.border_title = "Inputs that can be shared"
                frame.border_subtitle = "enter: share it   esc: close"
            yield Suggestions(self.session, self.wires)

    def action_take(self) -> None:
        """Choose the wire under the cursor."""
        self.dismiss([self.wires[self.query_one(Suggestions).cursor]])

    def action_take_all(self) -> None:
        """Choose the likeliest wire for each input."""
        taken: dict[str, Connect] = {}
        for wire in self.wires:
            if isinstance(wire, Connect):
                taken.setdefault(wire.target, wire)
        self.dismiss(list(taken.values()))

    @on(Lines.Chosen)
    def _chosen(self) -> None:
        self.action_take()
