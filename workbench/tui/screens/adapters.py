"""The adapters of a wire: the chain as text, what each adapter makes, and those that could come next."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from workbench.session.adapting import ChainText, read_chain, title
from workbench.surgery.resolve.endpoints import Endpoint
from workbench.tui import glyphs
from workbench.tui.roles import role_style
from workbench.tui.screens.dialog import Dialog
from workbench.tui.widgets.lines import Lines, Painted, Piece

if TYPE_CHECKING:
    from workbench.tui.host import Host

_MOST_STEPS = 5  # that are shown above the list


class Offers(Lines):
    """The adapters that could come next, one a line with the type it makes."""

    can_focus = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.state = ChainText()

    def show_state(self, state: ChainText) -> None:
        """Show what could come next."""
        self.state = state
        self.rows_changed(0)

    def count(self) -> int:
        """Return the number of adapters."""
        return len(self.state.offers)

    def empty_text(self) -> str:
        """Return why there is none."""
        return "Correct the chain: what comes next depends on it."

    def paint(self, index: int) -> Painted:
        """Return an adapter as a line."""
        offer = self.state.offers[index]
        right: list[Piece] = [(f"  {offer.makes} ", "dtype")]
        right.append((f" {glyphs.FITS} ", "good") if offer.fits else ("   ", "plain"))
        return Painted([(f" {offer.text}", "strong" if offer.suggested else "plain")], right)

    def action_copy(self) -> None:
        """Copy the adapter."""
        if self.state.offers:
            self.app.copy_to_clipboard(self.state.offers[self.cursor].text)


class AdaptersScreen(Dialog[str]):
    """A dialog that returns a chain of adapters that fits; an empty text for none.

    Args:
        source: the output.
        target: the input.
        chain: what stands there at first.
        remarks: what should be known of that chain, as sentences: what is lossy or guessed.
    """

    app: Host
    CSS_PATH: ClassVar[list[str | PurePath]] = ["dialog.tcss", "adapters.tcss"]
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "add", "Add", priority=True),
        Binding("up", "up", "Up", priority=True),
        Binding("down", "down", "Down", priority=True),
    ]

    def __init__(self, source: Endpoint, target: Endpoint, chain: str = "", remarks: str = "") -> None:
        super().__init__()
        self._ends = source, target
        self._chain, self._remarks = chain, remarks

    def compose(self) -> ComposeResult:
        """Yield the chain, what it makes, and the list."""
        with Vertical(classes="dialog") as frame:
            frame.border_title = f"Adapters  {title(*self._ends)}".replace("[", r"\[")
            frame.border_subtitle = "enter: use the chain   tab: add the marked adapter   esc: close"
            placeholder = "resize 224 224 | scale 1/255"
            yield Input(self._chain, placeholder=placeholder, compact=True, select_on_focus=False)
            yield Static(id="steps", markup=False)
            yield Offers()

    def on_mount(self) -> None:
        """Show what the chain makes."""
        self._read()

    @property
    def line(self) -> Input:
        """Return the line with the chain."""
        return self.query_one(Input)

    @property
    def offers(self) -> Offers:
        """Return the list of adapters."""
        return self.query_one(Offers)

    def _read(self) -> None:
        state = read_chain(*self._ends, self.line.value)
        self.offers.show_state(state)
        self.query_one("#steps", Static).update(self._steps(state))

    def _steps(self, state: ChainText) -> Text:
        """Return what each adapter makes, and whether the result fits."""
        text = Text()
        shown = state.steps[-_MOST_STEPS:]
        width = max((len(one.text) for one in shown), default=0)
        if len(state.steps) > len(shown):
            text.append(f"… {len(state.steps) - len(shown)} before\n", role_style(self.app, "quiet"))
        for one in shown:
            text.append(f"{one.text:{width}}  ")
            text.append(one.makes, role_style(self.app, "dtype"))
            text.append(f"  {one.remark}\n" if one.remark else "\n", role_style(self.app, "quiet"))
        if state.problem:
            text.append(f"{glyphs.NO} {state.problem}", role_style(self.app, "bad"))
        elif state.fits:
            text.append(f"{glyphs.FITS} The result fits the input.", role_style(self.app, "good"))
            if self._remarks and self.line.value.strip() == self._chain:
                text.append(f" {self._remarks}", role_style(self.app, "quiet"))
        else:
            has = f"The result is {state.makes}; it does not fit yet."
            text.append(f"{glyphs.NO} {has}", role_style(self.app, "maybe"))
        return text

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._read()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        state = self.offers.state
        if state.fits:
            self.dismiss(self.line.value.strip())
        else:
            self.app.say("The chain does not fit the input yet; tab adds the marked adapter.")

    @on(Lines.Chosen)
    def _chosen(self, event: Lines.Chosen) -> None:
        event.stop()
        self.action_add()

    def action_add(self) -> None:
        """Add the marked adapter to the chain."""
        offers = self.offers
        if not offers.state.offers:
            self.app.say("The chain has to be corrected first.")
            return
        chain = self.line.value.strip()
        text = offers.state.offers[offers.cursor].text
        self.line.value = f"{chain} | {text}" if chain else text
        self.line.action_end()

    def action_up(self) -> None:
        """Mark the adapter above."""
        self.offers.action_cursor_up()

    def action_down(self) -> None:
        """Mark the adapter below."""
        self.offers.action_cursor_down()
