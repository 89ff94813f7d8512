"""Progress of a commit or a run: its phases with times, as lines that any face draws."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from workbench.session.texts.detail import Detail, Span

PHASES = (
    ("check", "check target, inputs and checkpoints"),
    ("reference", "run the models one after the other"),
    ("write", "write the result beside the target"),
    ("verify", "load and run the result, and compare"),
    ("publish", "rename the result to its target"),
)


class Progress:
    """Record the progress of a commit or a run on one thread, for another one to draw.

    Args:
        clock: for tests.
        phases: (phase, what happens in it), in order.
        ending: what Escape does meanwhile.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        phases: Sequence[tuple[str, str]] = PHASES,
        ending: str = "esc cancels and leaves nothing behind",
    ) -> None:
        self._clock = clock
        self._phases = phases
        self._ending = ending
        self._started = clock()
        self._began: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self.phase = ""
        self.note = ""

    def tell(self, phase: str, text: str) -> None:
        """Record a phase that begins, or what TensorFlow prints in between."""
        if phase == "tensorflow":
            self.note = text
            return
        if phase != self.phase:
            now = self._clock()
            if self.phase:
                self._ended[self.phase] = now
            self._began.setdefault(phase, now)
            self.phase = phase
        self.note = text if phase == "write" else ""

    def lines(self, done: str, going: str) -> Detail:
        """Return the finished, current and coming phases as lines.

        Args:
            done: sign of a phase that is over.
            going: sign of the one in progress.
        """
        out = Detail(("progress",), "", "")
        now = self._clock()
        for phase, about in self._phases:
            if phase not in self._began:
                out.add(Span(f"    {about}", "dim"))
                continue
            over = phase in self._ended
            seconds = self._ended.get(phase, now) - self._began[phase]
            sign = Span(f"  {done} ", "good") if over else Span(f"  {going} ", "heading")
            out.add(sign, Span(about, "" if over else "title"), Span(f"  {seconds:.1f} s", "dim"))
            if not over and self.note:
                out.add(Span(f"      {self.note}", "dim"))
        out.add("")
        out.add(Span(f"  {now - self._started:.0f} s   {self._ending}", "dim"))
        return out
