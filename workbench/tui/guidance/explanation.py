"""The explanation of what is under the cursor: in a pane beside the list, or on a screen of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from workbench.describe.actions import words
from workbench.errors import WorkbenchError
from workbench.session.texts.detail import Detail, Span
from workbench.session.texts.explained import Subject, Trail, as_detail
from workbench.tui.actions import bindings
from workbench.tui.screens.dialog import Dialog
from workbench.tui.widgets.detail import SpanLines
from workbench.tui.widgets.lines import Painted, Piece

if TYPE_CHECKING:
    from textual.timer import Timer

    from workbench.explaining.explanation import Explanation

REST = 0.15
"""Seconds for which the cursor rests before an explanation is made that is not known yet."""
Place = tuple[int, int, int]
"""Line, first cell and cell behind the last one."""


class ShowInList(Message):
    """The user wants to see in the list what is explained.

    Args:
        subject: what is explained.
    """

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.subject = subject


class ExplanationView(SpanLines):
    """An explanation with links to follow, and to go back and forward along.

    Args:
        explain: makes an explanation; any thread calls it.
        kept: returns an explanation that was made before, or None.
    """

    SCOPE = "explanation"
    CURSOR_STAYS = False
    HANG = 0
    BINDINGS = bindings("explanation")

    class Left(Message):
        """The user wants to return to the list."""

    class Shown(Message):
        """Another explanation is shown."""

    def __init__(
        self,
        explain: Callable[[Subject], Explanation],
        kept: Callable[[Subject], Explanation | None],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._explain, self._kept = explain, kept
        self.trail = Trail()
        self._resting: Timer | None = None
        self._links: list[tuple[Place, str]] = []
        self._at = -1

    # -- what is shown

    def start(self, subject: Subject | None) -> None:
        """Explain what is under the cursor, after a short rest; None for nothing."""
        if subject is None or subject == self.trail.here:
            return
        if self._resting is not None:
            self._resting.stop()
        self.trail.start(subject)
        self._show(rest=True)

    def _show(self, rest: bool = False) -> None:
        subject = self.trail.here
        if subject is None:
            return
        known = self._kept(subject)
        if known is not None:
            self._shown(subject, as_detail(known))
        elif rest:
            self._resting = self.set_timer(REST, lambda: self._make(subject))
        else:
            self._make(subject)

    @work(thread=True, exclusive=True, group="explain")
    def _make(self, subject: Subject) -> None:
        """Make an explanation on a thread."""
        if subject != self.trail.here:  # the cursor has moved on
            return
        try:
            detail = as_detail(self._explain(subject))
        except WorkbenchError as error:
            detail = Detail(("explain", ""), "", "")
            detail.add(Span(error.message))
            detail.add(Span(words(error.hint, "terminal UI"), "dim"))
        self.call_later(self._shown, subject, detail)

    def _shown(self, subject: Subject, detail: Detail) -> None:
        if subject != self.trail.here or not self.is_attached:
            return
        self.show_detail(detail)
        if self.has_focus:
            self._mark_first()
        self.post_message(self.Shown())

    @property
    def title(self) -> str:
        """Return what is explained, with signs of the way back and forward."""
        name = self.detail.title if self.detail is not None else ""
        back = "← " if self.trail.can_go_back else ""
        return f"{back}{name}{' →' if self.trail.can_go_forward else ''}"

    # -- links

    def _break(self) -> None:
        super()._break()
        self._links = []
        for number, line in enumerate(self.broken):
            x = 1
            for span in line:
                end = x + cell_len(span.text)
                if span.link is not None:
                    self._links.append(((number, x, end), span.link.key[1]))
                x = end
        self._at = -1

    def paint(self, index: int) -> Painted:
        """Return a line; the link that enter follows is marked."""
        painted = super().paint(index)
        if self._at < 0 or not self.has_focus or self._links[self._at][0][0] != index:
            return painted
        _, start, _ = self._links[self._at][0]
        pieces: list[Piece] = []
        x = 0
        for text, role in painted.left:
            pieces.append((text, "on" if x == start and role == "link" else role))
            x += cell_len(text)
        return Painted(pieces)

    def action_follow(self) -> None:
        """Explain the target of the marked link."""
        if self._at >= 0:
            self._follow(self._links[self._at][1])
        elif self._links:
            self.action_next_link()
        else:
            self.app.say("This explanation has no links; esc returns.")

    def _follow(self, what: str) -> None:
        here = self.trail.here
        if here is not None:
            self.trail.follow(Subject(here.handle, what))
            self._show()

    def action_next_link(self) -> None:
        """Mark the next link; after the last the first."""
        self._mark(self._at + 1)

    def action_previous_link(self) -> None:
        """Mark the previous link."""
        self._mark(self._at - 1 if self._at >= 0 else -1)

    def _mark(self, at: int) -> None:
        if not self._links:
            self.app.say("This explanation has no links; esc returns.")
            return
        self._at = at % len(self._links)
        self.cursor = self._links[self._at][0][0]
        self.repaint_rows()

    def watch_cursor(self, before: int, after: int) -> None:
        """Mark the first link of the line that the cursor is on."""
        super().watch_cursor(before, after)
        if self._at >= 0 and self._links[self._at][0][0] == after:
            return
        self._at = next((at for at, (place, _) in enumerate(self._links) if place[0] == after), -1)
        self.repaint_rows()

    def on_focus(self) -> None:
        """Mark the first link."""
        super().on_focus()
        if self._at < 0:
            self._mark_first()

    def _mark_first(self) -> None:
        """Mark the first link, if it is seen without scrolling."""
        if self._links and self._links[0][0][0] < self.size.height:
            self._mark(0)

    def action_back(self) -> None:
        """Go back to what was explained before."""
        if self.trail.back() is None:
            self.app.say("There is nothing to go back to; enter follows a link.")
        else:
            self._show()

    def action_forward(self) -> None:
        """Go forward again."""
        if self.trail.forward() is None:
            self.app.say("There is nothing to go forward to.")
        else:
            self._show()

    def action_place(self) -> None:
        """Show in the list what is explained."""
        here = self.trail.here
        if here is not None:
            self.post_message(ShowInList(here))

    def action_leave(self) -> None:
        """Return to where the explanation was asked for."""
        self.post_message(self.Left())

    def action_copy(self) -> None:
        """Copy the name of what is explained."""
        if self.detail is not None:
            self.app.copy_to_clipboard(self.detail.name)

    def on_click(self, event: events.Click) -> None:
        """Follow the clicked link."""
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if offset is None or index is None:
            return
        self.cursor = index
        for (line, start, end), what in self._links:
            if line == index and start <= offset.x < end:
                self._follow(what)
                return


class ExplanationPane(Vertical):
    """The explanation beside the panes of the models."""

    def __init__(self, view: ExplanationView, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.view = view

    def compose(self) -> ComposeResult:
        """Yield the explanation."""
        yield self.view

    @on(ExplanationView.Shown)
    def _shown(self, event: ExplanationView.Shown) -> None:
        event.stop()
        self.border_title = f"Explained: {self.view.title}".replace("[", r"\[")


class ExplanationScreen(Dialog[Subject]):
    """An explanation on a screen of its own; returns the subject to show in the list, or None.

    Args:
        explain: makes an explanation.
        kept: returns an explanation that was made before, or None.
        subject: what is explained first.
    """

    def __init__(
        self,
        explain: Callable[[Subject], Explanation],
        kept: Callable[[Subject], Explanation | None],
        subject: Subject,
    ) -> None:
        super().__init__()
        self._view = ExplanationView(explain, kept)
        self._subject = subject

    def compose(self) -> ComposeResult:
        """Yield the explanation."""
        with Vertical(classes="dialog tall-dialog"):
            yield self._view

    def on_mount(self) -> None:
        """Explain it at once."""
        frame = self.query_one(".dialog")
        frame.border_subtitle = "enter: follow   bksp: back   .: show in the list   esc: close"
        self._view.start(self._subject)
        self._view.focus()

    @on(ExplanationView.Shown)
    def _shown(self, event: ExplanationView.Shown) -> None:
        event.stop()
        self.query_one(".dialog").border_title = self._view.title.replace("[", r"\[")

    @on(ExplanationView.Left)
    def _left(self, event: ExplanationView.Left) -> None:
        event.stop()
        self.dismiss(None)

    @on(ShowInList)
    def _place(self, event: ShowInList) -> None:
        event.stop()
        self.dismiss(event.subject)
