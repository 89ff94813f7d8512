"""The models beside each other, the wires between them, and what there is to say about them."""

from __future__ import annotations

import gc
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widget import Widget

from workbench.errors import WorkbenchError
from workbench.findings import Finding
from workbench.names import show
from workbench.session.command import inspect_line, merge_line
from workbench.session.options import suggested_target
from workbench.session.picking import Picked, best, end_of, resolve, wired_tensors
from workbench.session.text import count
from workbench.session.viewer import Viewer
from workbench.tui import glyphs
from workbench.tui.actions import bindings
from workbench.tui.messages import (
    DropAsked,
    GoTo,
    ModelAsked,
    PickAsked,
    SignatureAsked,
    SubtitleChanged,
    UnwireAsked,
)
from workbench.tui.widgets.bars import CommandLine, Head, Keys, Tabs
from workbench.tui.widgets.browse import Browse
from workbench.tui.widgets.findings import Findings
from workbench.tui.widgets.lines import Lines
from workbench.tui.widgets.wires import Wires

if TYPE_CHECKING:
    from workbench.model import Model
    from workbench.session.listing import Row
    from workbench.session.session import Outcome, Session
    from workbench.session.verdicts import Judgement
    from workbench.surgery.plan import Wire
    from workbench.tui.app import WorkbenchApp

NARROW = 110
AT_FIRST, AGAIN = 0.2, 0.05
"""Seconds until the findings are looked for, after the first frame and after a change."""
_TALL = 46


def _settle_memory() -> None:
    """Takes opened models out of the garbage collector's rounds: they are large, stay, and would make it stutter."""
    gc.freeze()
    gc.enable()


class WorkScreen(Screen[None]):
    """The main screen.

    Args:
        session: what is drawn, and what every key calls.
    """

    app: WorkbenchApp
    SCOPE = "work"
    BINDINGS = bindings("work")
    AUTO_FOCUS = None

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.picked: Picked | None = None
        self._viewers: dict[int, Viewer] = {}
        self._wired: dict[str, set[str]] = {}
        self._problems: dict[tuple[Path, tuple[str, ...] | None], WorkbenchError] = {}
        self._remembered: set[Path] = set()
        self._region = "pane-0"
        self._outcome: Outcome | None = None

    def compose(self) -> ComposeResult:
        """Head, tabs, panes, wires and findings, command, keys."""
        yield Head()
        yield Tabs()
        with Horizontal(id="panes", classes="holder"):
            for position in range(max(len(self.session.plan.sources), 1)):
                yield self._make_pane(position)
        with Horizontal(id="lower", classes="holder"):
            yield Wires(self.session, id="wires", classes="panel region")
            yield Findings(id="findings", classes="panel region")
        yield CommandLine()
        yield Keys()

    def _make_pane(self, position: int) -> Browse:
        return Browse(position, id=f"pane-{position}", classes=f"panel region -model-{position % 4}")

    def on_mount(self) -> None:
        """Opens what was named, after the first frame."""
        self._arrange(self.app.size.width, self.app.size.height)
        self.call_after_refresh(self._load_all)
        self.panes[0].rows.focus()
        self.changed(save=False)

    # -- regions

    @property
    def panes(self) -> list[Browse]:
        """The panes that are there with all their parts, in order."""
        return [pane for pane in self.query(Browse) if pane.is_mounted]

    @property
    def regions(self) -> list[str]:
        """Ids of what can be gone to."""
        shown = max(len(self.session.plan.sources), 1)
        return [*(f"pane-{position}" for position in range(shown)), "wires", "findings"]

    def on_resize(self, event: events.Resize) -> None:
        """Panes become tabs where it is narrow."""
        self._arrange(event.size.width, event.size.height)

    def _arrange(self, width: int, height: int) -> None:
        narrow = width < NARROW or width / max(len(self.session.plan.sources), 1) < NARROW / 2
        self.set_class(narrow, "-narrow")
        self.set_class(height >= _TALL, "-tall")
        shown = self.regions
        for pane in self.panes:
            pane.set_class(pane.id not in shown, "-absent")
        if self._region not in shown:
            self._region = shown[0]
        for widget in self.query(".region"):
            widget.set_class(widget.id == self._region, "-active")
        for holder in self.query(".holder"):
            holder.set_class(bool(holder.query(f"#{self._region}")), "-active")
        self._tabs()

    def go_region(self, region: str) -> None:
        """Shows a region and puts the focus there."""
        if region not in self.regions:
            return
        self._region = region
        self._arrange(self.size.width, self.size.height)
        widget = self.query_one(f"#{region}")
        if not widget.is_mounted:  # a pane that is being made
            self.set_timer(0.05, partial(self.go_region, region))
            return
        target: Widget = widget
        if isinstance(widget, Browse):
            target = widget.details if widget.in_detail else widget.rows
        if target.display:
            target.focus()

    def action_region(self, letter: str) -> None:
        """A region by its letter or name."""
        self.go_region({"a": "pane-0", "b": "pane-1"}.get(letter, letter))

    def action_next_region(self) -> None:
        """The next region."""
        self._step(1)

    def action_previous_region(self) -> None:
        """The region before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        regions = self.regions
        at = regions.index(self._region) if self._region in regions else 0
        self.go_region(regions[(at + by) % len(regions)])

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Notes where one is."""
        for node in event.widget.ancestors_with_self:
            if isinstance(node, Widget) and node.id in self.regions and node.id != self._region:
                self._region = node.id or self._region
                self._arrange(self.size.width, self.size.height)

    @on(Tabs.Chosen)
    def _tab(self, event: Tabs.Chosen) -> None:
        self.go_region(event.region)

    def pane_of(self, handle: str) -> Browse | None:
        """The pane of a model."""
        return next((pane for pane in self.panes if pane.handle == handle), None)

    # -- opening

    def _load_all(self) -> None:
        """Opens what is not open; what was opened meanwhile on the thread that began early is shown."""
        shown = {pane.handle: pane.viewer.model for pane in self.panes if pane.viewer is not None}
        fresh = False
        for source in self.session.plan.sources:
            key = (source.path, source.tags)
            model = self.session.model(source.handle)
            if model is not None:
                self._opened(source.path)
                fresh = fresh or shown.get(source.handle) is not model
            elif key not in self._problems:
                self._load(source.path, source.tags)
        if fresh:
            self.changed(save=False)

    def _opened(self, path: Path) -> None:
        if path not in self._remembered:
            self._remembered.add(path)
            self.app.remember(path)
            self.set_timer(1.0, _settle_memory)

    @work(thread=True, group="load")
    def _load(self, path: Path, tags: tuple[str, ...] | None) -> None:
        """Opens a model on a thread; an error is shown in its pane."""
        problem: WorkbenchError | None = None
        try:
            model: Model | None = self.session.load(path, tags)
        except WorkbenchError as error:
            model, problem = None, error
        except OSError as error:
            model, problem = (
                None,
                WorkbenchError(f"It can't be read: {error.strerror}.", where=show(str(path))),
            )
        self.call_later(self._loaded, path, tags, model, problem)

    def _loaded(
        self, path: Path, tags: tuple[str, ...] | None, model: Model | None, problem: WorkbenchError | None
    ) -> None:
        if problem is not None:
            self._problems[path, tags] = problem
        elif model is not None:
            self._problems.pop((path, tags), None)
            self._opened(path)
        self.changed(save=False)

    def open_path(self, path: Path, handle: str = "") -> None:
        """Opens a model beside the others, or in the place of one."""
        self._problems.pop((path, None), None)
        if handle:
            new = self.session.swap_in(handle, path)
        else:
            new = self.session.add(path)
        self.changed()
        self._load_all()
        position = self.session.handles.index(new.handle)
        self.call_after_refresh(self.go_region, f"pane-{position}")

    # -- what is shown

    def changed(self, save: bool = True) -> None:
        """The plan or the models changed: shows what is now."""
        session = self.session
        if self.picked is not None and self.picked.handle not in session.handles:
            self.picked = None
        self._sync_panes()
        self._wired = wired_tensors(session)
        self.query_one(Wires).rows_changed()
        self._arrange(self.size.width or self.app.size.width, self.size.height or self.app.size.height)
        self.refresh_state()
        if save:
            self.app.plan_changed()
        if session.models:
            self.query_one(Findings).pending = session.outcome is None
            # the rows are drawn first: a thread that looks through a big graph takes time from drawing
            self.set_timer(AGAIN if self._outcome is not None else AT_FIRST, self._compute)

    def _sync_panes(self) -> None:
        sources = self.session.plan.sources
        panes = self.panes
        for position in range(len(self.query(Browse)), len(sources)):
            self.query_one("#panes").mount(self._make_pane(position))
        if len(panes) < len(sources):
            self.set_timer(0.05, partial(self.changed, False))
        for pane, source in zip(panes, sources, strict=False):
            model = self.session.model(source.handle)
            if model is not None:
                viewer = self._viewers.setdefault(id(model), Viewer(model))
                pane.rows.state = self._state_of(source.handle)
                pane.rows.sign = partial(self._verdict, pane)
                pane.show_model(source.handle, viewer, self.session.chosen(source.handle))
                continue
            problem = self._problems.get((source.path, source.tags))
            text = f"opening {show(str(source.path))} …" if problem is None else ""
            pane.show_problem(source.handle, text, problem)
        for pane in panes[len(sources) :]:
            pane.show_problem("", "o opens a model here")

    def _state_of(self, handle: str) -> Any:
        def state(row: Row) -> str:
            if self.picked is not None and self.picked.handle == handle and self.picked.key == row.key:
                return "picked"
            wired = self._wired.get(handle)
            if row.kind in ("input", "output"):
                return "wired" if wired and any(name in wired for name in row.ref.tensors) else ""
            if row.kind == "node" and wired and row.spot is not None and not row.spot.level:
                return "wired" if any(name.rpartition(":")[0] == row.spot.node for name in wired) else ""
            if row.kind == "signature" and self.session.chosen(handle) == row.key[1]:
                return "chosen"
            return ""

        return state

    def refresh_state(self) -> None:
        """Marks, verdicts, titles and the command line, for the plan and the pick as they stand."""
        for pane in self.panes:
            pane.refresh_state()
        self._titles()
        self._head()
        self._tabs()
        plan, commit = self.session.plan, self.session.commit
        if plan.wires:
            line = merge_line(plan, commit, suggested_target(plan))
        elif plan.sources:
            line = inspect_line(plan)
        else:
            line = "workbench tui"
        self.query_one(CommandLine).show_command(line)

    @on(SubtitleChanged)
    def _titles(self) -> None:
        """Titles of the panes."""
        for position, pane in enumerate(self.panes):
            if not pane.handle:
                pane.border_title, pane.border_subtitle = "", ""
                continue
            title = f"{glyphs.mark(position)} {show(pane.handle)}"
            if pane.in_detail and pane.details.detail is not None:
                title = f"{title} {glyphs.CLOSED} {pane.details.detail.title}"
            pane.border_title = title.replace("[", r"\[")
            subtitle = ""
            if pane.rows.hits is not None:
                subtitle = f"{len(pane.rows.hits):,} of {len(pane.viewer.index) if pane.viewer else 0:,}"
            elif self.picked is not None and pane.handle != self.picked.handle:
                what = "outputs" if self.picked.side == "target" else "inputs"
                subtitle = f"{what} for {show(self.picked.end.written, 40)}"
            pane.border_subtitle = subtitle.replace("[", r"\[")
        self.query_one(Wires).border_title = "Wires"
        self.query_one(Findings).border_title = "Findings"

    def _head(self) -> None:
        left: list[tuple[str, str]] = [("workbench  ", "strong")]
        for position, source in enumerate(self.session.plan.sources):
            if position:
                left.append((f"  {glyphs.ARROW}  " if self.session.plan.wires else "   ", "quiet"))
            left.append((f"{glyphs.mark(position)} {show(source.handle)}", f"model-{position % 4}"))
        if self.picked is not None:
            other = "an output" if self.picked.side == "target" else "an input"
            right = [
                (f"{glyphs.PICKED} {show(self.picked.end.written, 40)}", "strong"),
                (f"  space on {other} wires it", "quiet"),
            ]
        else:
            right = self._standing()
        self.query_one(Head).show_pieces(left, right)

    def _standing(self) -> list[tuple[str, str]]:
        found = (
            [(count(len(self.session.plan.wires), "wire"), "quiet")] if self.session.plan.sources[1:] else []
        )
        outcome = self.session.outcome
        if outcome is None:
            return found
        warnings = sum(finding.severity == "warning" for finding in outcome.findings)
        if outcome.errors:
            found.append((f"  {glyphs.NO} {count(outcome.errors, 'error')}", "bad"))
        elif outcome.draft is not None:
            found.append((f"  {glyphs.FITS} can be committed", "good"))
        if warnings:
            found.append((f"  ! {count(warnings, 'warning')}", "maybe"))
        return found

    def _tabs(self) -> None:
        labels = []
        for position, source in enumerate(self.session.plan.sources):
            labels.append((f"pane-{position}", f"{glyphs.mark(position)} {show(source.handle)}"))
        if not labels:
            labels.append(("pane-0", "no model"))
        findings = len(self.session.outcome.findings) if self.session.outcome is not None else 0
        labels += [("wires", f"wires {len(self.session.plan.wires)}"), ("findings", f"findings {findings}")]
        self.query_one(Tabs).show_tabs(labels, self._region)

    @work(thread=True, exclusive=True, group="compute")
    def _compute(self) -> None:
        """Findings and draft, on a thread."""
        plan = self.session.plan
        try:
            outcome = self.session.compute()
        except WorkbenchError as error:
            finding = Finding(error.code, "error", error.where or "", error.message, error.hint)
            from workbench.session.session import Outcome

            outcome = Outcome(plan, None, (finding,))
        self.call_later(self._computed, outcome)

    def _computed(self, outcome: Outcome) -> None:
        if outcome.plan != self.session.plan or not self.is_attached:
            return
        self._outcome = outcome
        self.query_one(Findings).show_findings(outcome.findings)
        self._head()
        self._tabs()

    # -- picking and wiring

    def _verdict(self, pane: Browse, row: Row) -> Judgement | None:
        if self.picked is None or pane.handle == self.picked.handle or not pane.handle:
            return None
        return self.picked.judge(self.session, pane.handle, row)

    @on(PickAsked)
    def _pick(self, event: PickAsked) -> None:
        picked = self.picked
        if picked is None or picked.handle == event.handle:
            self._pick_first(event)
            return
        other = end_of(
            self.session, event.handle, event.row, "source" if picked.side == "target" else "target"
        )
        if other is None:
            wanted = "an output" if picked.side == "target" else "an input"
            self.app.tell(
                f"{show(picked.end.written)} needs {wanted} of the other model.", severity="warning"
            )
            return
        if isinstance(other, Finding):
            self._refuse(other)
            return
        source, target = (other, picked.end) if picked.side == "target" else (picked.end, other)
        judged = self.session.judge(source, target)
        if judged.state == "no":
            self.app.tell(judged.reason, judged.hint, title="This does not fit", severity="error")
            return
        self.session.wire(source, target)
        self.picked = None
        self.changed()

    def _pick_first(self, event: PickAsked) -> None:
        if self.picked is not None and self.picked.key == event.row.key:
            self.action_drop()
            return
        side = "target" if event.row.kind == "input" else "source"
        end = end_of(self.session, event.handle, event.row, "target" if side == "target" else "source")
        if end is None:
            self.app.tell("Put the cursor on an output, an input or a node, then press space.")
            return
        if isinstance(end, Finding):
            self._refuse(end)
            return
        self.picked = Picked(end, event.row.key, "target" if side == "target" else "source")
        self.refresh_state()
        others = [pane for pane in self.panes if pane.handle and pane.handle != event.handle and pane.viewer]
        if not others:
            self.app.tell("Open a second model to wire it to (o).")
            return
        pane = others[0]
        place = best(self.session, self.picked, pane.handle, pane.rows.listing)
        pane.leave_detail()
        if place is not None:
            pane.rows.cursor = place
        self.go_region(pane.id or "")

    def _refuse(self, finding: Finding) -> None:
        self.app.tell(finding.message, finding.hint, title="It can't be picked", severity="warning")

    @on(DropAsked)
    def action_drop(self) -> None:
        """Lets the pick go."""
        if self.picked is not None:
            self.picked = None
            self.refresh_state()

    @on(UnwireAsked)
    def _unwire(self, event: UnwireAsked) -> None:
        self.session.unwire(event.wire)
        self.changed()

    def action_suggest(self) -> None:
        """Wires that would fit."""
        from workbench.tui.screens.suggest import SuggestScreen

        if len(self.session.plan.sources) < 2:
            self.app.tell("Suggestions need two models; o opens another one.")
            return
        if not self.session.complete:
            self.app.tell("Both models must be open for that.")
            return
        found = self.session.suggestions()
        if not found:
            self.app.tell(
                "No output of the chosen signatures fits an input that is still free.",
                "space on any row shows why.",
            )
            return

        def chosen(wires: list[Wire] | None) -> None:
            for wire in wires or ():
                self.session.add_wire(wire)
            if wires:
                self.picked = None
                self.changed()

        self.app.push_screen(SuggestScreen(self.session, found), chosen)

    def action_undo(self) -> None:
        """Takes the last change back."""
        self._travel(self.session.undo(), "Undone")

    def action_redo(self) -> None:
        """Does it again."""
        self._travel(self.session.redo(), "Done again")

    def _travel(self, label: str | None, title: str) -> None:
        if label is None:
            self.app.tell(
                "There is nothing more to undo." if title == "Undone" else "There is nothing to do again."
            )
            return
        self.app.tell(label, title=title)
        self.changed()
        self._load_all()

    # -- models

    @on(ModelAsked)
    def _model_asked(self, event: ModelAsked) -> None:
        if event.close:
            self.session.close(event.handle)
            self.changed()
            self.call_after_refresh(self.go_region, "pane-0")
        else:
            self._choose(event.handle)

    def action_open(self) -> None:
        """A model beside the others."""
        self._choose("")

    def _choose(self, handle: str) -> None:
        from workbench.tui.screens.choose import ChooseScreen

        def chosen(path: Path | None) -> None:
            if path is not None:
                self.open_path(path, handle)

        title = f"Open instead of {show(handle)}" if handle else "Open a model"
        self.app.push_screen(ChooseScreen(title, self.app.store), chosen)

    def action_swap(self) -> None:
        """The other way round."""
        if len(self.session.plan.sources) > 1:
            self.session.swap()
            self.changed()

    @on(SignatureAsked)
    def _signature(self, event: SignatureAsked) -> None:
        self.session.choose_signature(event.handle, event.key)
        self.changed()
        self.app.tell(f"{show(event.key)} is the signature of {show(event.handle)} now.")

    # -- places

    @on(GoTo)
    def _go_to(self, event: GoTo) -> None:
        found = resolve(
            self.session,
            event.where,
            {pane.handle: pane.viewer for pane in self.panes if pane.viewer},
            event.side,
        )
        if found is None:
            self.app.tell(f"{show(event.where) or 'This'} is no place in a model.")
            return
        handle, key = found
        pane = self.pane_of(handle)
        if pane is not None:
            self.go_region(pane.id or "")
            if key is not None:
                pane.reveal(key)

    # -- further

    def action_copy_command(self) -> None:
        """Copies the command."""
        self.app.copy_to_clipboard(self.query_one(CommandLine).command)

    def action_save_recipe(self) -> None:
        """Saves the plan."""
        from workbench.tui.screens.recipe import ask_and_save

        if not self.session.plan.wires:
            self.app.tell("There is nothing to save yet: no wires.")
            return
        ask_and_save(self.app, self.session)

    def action_preview(self) -> None:
        """The joined graph."""
        from workbench.tui.screens.preview import PreviewScreen

        if not self.session.models:
            self.app.tell("Open a model first (o).")
            return
        pane = next((pane for pane in self.panes if pane.id == self._region), None)
        self.app.push_screen(PreviewScreen(self.session, pane.handle if pane else ""), lambda _: self._back())

    def action_commit(self) -> None:
        """To the commit screen."""
        from workbench.tui.screens.commit import CommitScreen

        if not self.session.plan.wires:
            self.app.tell("There is no wire yet.", "space picks an output, space again wires it; s suggests.")
            return
        self.app.push_screen(CommitScreen(self.session), lambda _: self._back())

    def _back(self) -> None:
        """Something may have changed on the other screen."""
        self.changed()

    @on(Lines.Moved)
    def _moved(self, event: Lines.Moved) -> None:
        event.stop()
