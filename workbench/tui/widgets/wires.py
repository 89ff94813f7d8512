"""The wires of the plan and its other steps."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len

from workbench.model import shapes
from workbench.names import elide, show
from workbench.session.session import Session
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.share import Share
from workbench.surgery.plan import split_handle
from workbench.surgery.step import Step, print_step
from workbench.tui import glyphs
from workbench.tui.actions import bindings
from workbench.tui.messages import AdaptAsked, ChangeAsked, GoTo, RemoveAsked
from workbench.tui.widgets.lines import Lines, Painted, Piece


class Wires(Lines):
    """The wires of the plan, one a line, and below them its other steps."""

    SCOPE = "wires"
    CURSOR_STAYS = False
    BINDINGS = bindings("wires")

    def __init__(self, session: Session, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.session = session

    def count(self) -> int:
        """Return the number of wires and other steps."""
        return len(self.session.plan.steps)

    def empty_text(self) -> str:
        """Return how to make the first wire or step."""
        if len(self.session.plan.sources) < 2:
            return "No steps yet: A adds one. o opens a second model to join to this one."
        return "No wires yet: space picks, space again wires or shares, s suggests."

    @property
    def wire(self) -> Connect | None:
        """Return the wire under the cursor."""
        wires = self.session.plan.wires
        return wires[self.cursor] if 0 <= self.cursor < len(wires) else None

    @property
    def step(self) -> Step | None:
        """Return the step under the cursor that is no wire."""
        number = self.cursor - len(self.session.plan.wires)
        steps = self.session.plan.other_steps
        return steps[number] if 0 <= number < len(steps) else None

    def useful(self, action: str) -> bool:
        """Return whether there is a wire, or for some actions a step, that an action is about."""
        return self.wire is not None or (action in ("remove", "source") and self.step is not None)

    def paint(self, index: int) -> Painted:
        """Return a wire or another step as a line."""
        number = index - len(self.session.plan.wires)
        if number >= 0 and isinstance(shared := self.session.plan.other_steps[number], Share):
            return self._paint_shared(shared)
        if number >= 0:
            text = show(print_step(self.session.plan.other_steps[number]), 1000)
            return Painted([(f" step {number + 1}  ", "quiet"), (text, "plain")])
        return self._paint_wire(self.session.plan.wires[index])

    def _paint_shared(self, step: Share) -> Painted:
        """Return shared inputs as a line: the key in the result, and the inputs that it feeds."""
        handles = self.session.handles
        found = {one.key: one for one in self.session.shared()}
        left: list[Piece] = [(" share  ", "quiet")]
        for key, texts in dict(step.inputs).items():
            left += [(show(key), "strong"), (f" {glyphs.ARROW} ", "quiet")]
            listed = (
                [(one.handle, one.written) for one in found[key].targets]
                if key in found
                else [
                    (split_handle(text, handles)[0] or "", split_handle(text, handles)[1]) for text in texts
                ]
            )
            for handle, text in listed:
                if handle in handles:
                    position = handles.index(handle)
                    left.append((f"{glyphs.mark(position)} ", f"model-{position % 4}"))
                left.append((f"{show(text)}  ", "plain"))
        if any(key not in found for key in dict(step.inputs)):
            return Painted(left, [(f" {glyphs.NO} invalid ", "bad")])
        return Painted(left, [(f" {glyphs.FITS} compatible ", "good")])

    def _paint_wire(self, wire: Connect) -> Painted:
        handles = self.session.handles
        link = self.session.link(wire)
        left: list[Piece] = [(" ", "plain")]
        flex = []
        for number, (handle, text) in enumerate(
            zip(self.session.ends_of(wire), (wire.source, wire.target), strict=True)
        ):
            position = handles.index(handle) if handle in handles else 0
            if number:
                left.append((f" {glyphs.ARROW} ", "quiet"))
            left.append((f"{glyphs.mark(position)} ", f"model-{position % 4}"))
            flex.append(len(left))
            left.append((show(text.removeprefix(f"{handle}@")), "plain"))
        if link is None:
            invalid: Piece = (f" {glyphs.NO} invalid ", "bad")
            ends = self._adapted(left, wire.through, invalid) if wire.through else [invalid]
            return Painted(left, ends, tuple(flex))
        have = shapes.typed(link.source.dtypes[0], link.source.shapes[0])
        want = shapes.text(link.target.shapes[0])
        sign: Piece = (
            (f" {glyphs.FITS} compatible ", "good")
            if link.proven
            else (f" {glyphs.UNKNOWN} maybe compatible ", "maybe")
        )
        room = self.scrollable_content_region.width
        wide = 40 if room >= 100 or (wire.through and room >= 60) else 0
        self._share(left, flex, room - cell_len(sign[0]) - wide)
        right: list[Piece] = [sign]
        if room >= 60:
            right.insert(0, (f"  {have} {glyphs.INTO} {want}", "dtype"))
        if wire.through:
            right = self._adapted(left, wire.through, sign)
        return Painted(left, right, tuple(flex))

    def _adapted(self, left: list[Piece], chain: str, sign: Piece) -> list[Piece]:
        """Return the right end of a wire with adapters: they stand in the place of the types."""
        used = sum(cell_len(text) for text, _ in (*left, sign)) + 6
        text = elide(show(chain, 1000), max(self.scrollable_content_region.width - used, 8))
        return [(f"  {glyphs.ADAPTERS} {text}", "adapter"), sign]

    @staticmethod
    def _share(left: list[Piece], flex: list[int], room: int) -> None:
        """Return two ends cut to share the room; a short one leaves the rest to the other."""
        fixed = sum(cell_len(text) for at, (text, _) in enumerate(left) if at not in flex)
        room = max(room - fixed, 2)
        widths = [cell_len(left[at][0]) for at in flex]
        if sum(widths) <= room:
            return
        for number, at in enumerate(flex):
            mine = max(room // 2, room - widths[1 - number])
            left[at] = elide(left[at][0], mine), left[at][1]

    def action_remove(self) -> None:
        """Remove the wire or step."""
        if self.count():
            self.post_message(RemoveAsked(self.cursor))
        else:
            self.app.say("There is no wire or step to remove.")

    def action_adapters(self) -> None:
        """Show and change the adapters of the wire."""
        self._adapt(choose=True)

    def action_adapt(self) -> None:
        """Give the wire the adapters that a finding suggests."""
        self._adapt(choose=False)

    def _adapt(self, *, choose: bool) -> None:
        if self.wire is not None:
            self.post_message(AdaptAsked(wire=self.cursor, choose=choose))
        else:
            self.app.say("Adapters are for wires; put the cursor on one.")

    def action_source(self) -> None:
        """Go to the wire's source, or change the step."""
        if self.step is not None:
            self.post_message(ChangeAsked(self.cursor))
        else:
            self._go(0)

    def action_target(self) -> None:
        """Go to the wire's target."""
        self._go(1)

    def _go(self, side: int) -> None:
        wire = self.wire
        if wire is not None:
            handle = self.session.ends_of(wire)[side]
            text = (wire.source, wire.target)[side].removeprefix(f"{handle}@")
            self.post_message(GoTo(f"{handle}@{text}", "target" if side else "source"))
        elif self.step is not None:
            self.app.say("A step has no place in a model; enter changes it, d removes it.")
        else:
            self.app.say("There is no wire yet; space on an output of a model picks it.")

    def action_copy(self) -> None:
        """Copy the wire as `--wire` takes it, or the step as `--step` does."""
        if self.wire is not None:
            self.app.copy_to_clipboard(str(self.wire))
        elif self.step is not None:
            self.app.copy_to_clipboard(print_step(self.step))

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        """Go to the wire's source on a second click, or a click at its right end."""
        event.stop()
        self.action_source()
