"""Everything there is to say about the models and the plan; each leads to its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.describe.actions import words
from workbench.findings import Finding
from workbench.tui import glyphs
from workbench.tui.actions import bindings
from workbench.tui.messages import GoTo, HintAsked
from workbench.tui.widgets.lines import Lines, Painted, Piece


class Findings(Lines):
    """The findings, each a few lines: sign, place, message, hint."""

    SCOPE = "findings"
    CURSOR_STAYS = False
    BINDINGS = bindings("findings")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.findings: tuple[Finding, ...] = ()
        self._lines: list[tuple[int, str, str]] = []
        self._width = 0
        self.pending = False

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Show findings."""
        same = tuple(findings) == self.findings
        self.findings = tuple(findings)
        self.pending = False
        if not same:
            self._wrap()
        self.rows_changed(None if same else 0)

    def _wrap(self) -> None:
        """Wrap each finding to the width."""
        import textwrap

        self._width = max(self.scrollable_content_region.width - 6, 20)
        self._lines = []
        for number, finding in enumerate(self.findings):
            told = f"{finding.heading}: {finding.message}"
            for text, role in ((told, "plain"), (words(finding.hint, "terminal UI"), "quiet")):
                wrapped = [line for part in text.splitlines() for line in textwrap.wrap(part, self._width)]
                self._lines += ((number, line, role) for line in wrapped)

    def on_resize(self) -> None:
        """Wrap the findings anew."""
        if max(self.scrollable_content_region.width - 6, 20) != self._width:
            self._wrap()
            self.rows_changed()
        super().on_resize()

    def count(self) -> int:
        """Return the number of lines of all findings."""
        return len(self._lines)

    def empty_text(self) -> str:
        """Return the text for no findings."""
        return "checking …" if self.pending else "No findings."

    @property
    def finding(self) -> Finding | None:
        """Return the finding under the cursor."""
        return self.findings[self._lines[self.cursor][0]] if 0 <= self.cursor < len(self._lines) else None

    def useful(self, action: str) -> bool:
        """Return whether there is a finding that an action is about."""
        return self.finding is not None

    def paint(self, index: int) -> Painted:
        """Return a line of a finding."""
        number, text, role = self._lines[index]
        finding = self.findings[number]
        first = index == 0 or self._lines[index - 1][0] != number
        pieces: list[Piece] = [
            (f" {glyphs.SEVERITY[finding.severity]}  " if first else "    ", finding.severity),
            (text, role),
        ]
        return Painted(pieces)

    def action_place(self) -> None:
        """Go to the place of the finding."""
        if self.finding is not None:
            self.post_message(GoTo(self.finding.where))
        else:
            self.app.say("There is no finding to go to.")

    def action_act(self) -> None:
        """Do what the hint of the finding asks for."""
        if self.finding is not None:
            self.post_message(HintAsked(self.finding.hint))
        else:
            self.app.say("There is no finding with a hint to follow.")

    def action_copy(self) -> None:
        """Copy the finding."""
        if self.finding is not None:
            self.app.copy_to_clipboard(str(self.finding))

    def action_cursor_down(self) -> None:
        """Move to the next finding."""
        self._step(1)

    def action_cursor_up(self) -> None:
        """Move to the previous finding."""
        self._step(-1)

    def _step(self, by: int) -> None:
        if not self._lines:
            return
        wanted = self._lines[self.cursor][0] + by
        for index, (number, _, _) in enumerate(self._lines):
            if number == wanted:
                self.cursor = index
                return
        if by > 0:
            self.cursor = len(self._lines) - 1

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        """Go to the place of the finding on a second click."""
        event.stop()
        self.action_place()
