"""What the main screen shows: models beside each other, the wires between them, what there is to say about them."""

from __future__ import annotations

import gc
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget

from workbench.errors import WorkbenchError
from workbench.findings import Finding
from workbench.names import CALL_SEPARATOR, show
from workbench.session.command import command_line
from workbench.session.lists.picking import Picked, Wired, wired_endpoints
from workbench.session.lists.viewer import Viewer
from workbench.session.options import suggested_target
from workbench.tui import glyphs
from workbench.tui import status as standing
from workbench.tui.layout.arranged import ArrangedScreen
from workbench.tui.messages import CursorMoved, SubtitleChanged
from workbench.tui.widgets.bars import CommandLine, Head, Keys, Tabs
from workbench.tui.widgets.browse import Browse
from workbench.tui.widgets.findings import Findings
from workbench.tui.widgets.lines import Lines
from workbench.tui.widgets.wires import Wires

if TYPE_CHECKING:
    from workbench.model import Model
    from workbench.session.lists.compatibility import Judgement
    from workbench.session.lists.rows import Row
    from workbench.session.looked_up import Outcome
    from workbench.session.session import Session
    from workbench.tui.host import Host

AT_FIRST, AGAIN = 0.2, 0.05
"""Seconds until the findings are looked for, after the first frame and after a change."""


def _settle_memory() -> None:
    """Freeze opened models for the garbage collector, whose rounds would stutter."""
    gc.freeze()
    gc.enable()


class PanesScreen(ArrangedScreen):
    """The base of the main screen: opens a session's models and shows its state.

    Args:
        session: what is drawn.
    """

    app: Host
    AUTO_FOCUS = None

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.picked: Picked | None = None
        self._viewers: dict[int, Viewer] = {}
        self._wired: dict[str, Wired] = {}
        self._problems: dict[tuple[Path, tuple[str, ...] | None], WorkbenchError] = {}
        self._remembered: set[Path] = set()
        self._outcome: Outcome | None = None
        self._entitled: dict[Widget, tuple[str, str]] = {}

    def compose(self) -> ComposeResult:
        """Yield head, tabs, panes, wires and findings, command line and keys.

        They have the classes that `arrange_regions` gives on a wide screen, so that styles are worked out once.
        """
        away = self.beside == 1 and not self.session.plan.steps
        yield Head()
        yield Tabs()
        with Horizontal(id="panes", classes="holder -active"):
            for position in range(max(len(self.session.plan.sources), 1)):
                yield self._make_pane(position)
        with Horizontal(id="lower", classes="holder -away" if away else "holder"):
            absent = "" if "wires" in self.regions else " -absent"
            yield Wires(self.session, id="wires", classes=f"panel region{absent}")
            yield Findings(id="findings", classes="panel region")
        yield CommandLine()
        yield Keys()

    def _make_pane(self, position: int) -> Browse:
        active = "" if position else " -active"
        return Browse(position, id=f"pane-{position}", classes=f"panel region -model-{position % 4}{active}")

    def on_mount(self) -> None:
        """Open the named models after the first frame."""
        self.arrange_regions()
        self.call_after_refresh(self._load_all)
        self.panes[0].rows.focus()
        self.changed(save=False)

    # -- regions

    def focus_of(self, region: Widget) -> Widget:
        """Return the widget to focus in a region: a pane's list, or the detail over it."""
        if isinstance(region, Browse):
            return region.details if region.in_detail else region.rows
        return region

    def show_tabs(self) -> None:
        """Update the tabs."""
        self.query_one(Tabs).show_tabs(standing.tabs(self.session), self.region_id)

    def pane_of(self, handle: str) -> Browse | None:
        """Return the pane of a model."""
        return next((pane for pane in self.panes if pane.handle == handle), None)

    # -- opening

    def _load_all(self) -> None:
        """Open every model of the session that is not open yet."""
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
        """Open a model on a thread; show an error in its pane."""
        problem: WorkbenchError | None = None
        try:
            model: Model | None = self.session.load(path, tags)
        except WorkbenchError as error:
            model, problem = None, error
        except OSError as error:
            model, problem = (
                None,
                WorkbenchError(f"The model cannot be read: {error.strerror}.", where=show(str(path))),
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
        """Open a model as another one, or in the place of one."""
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
        """Show the plan and the models after a change."""
        session = self.session
        if self.picked is not None and self.picked.handle not in session.handles:
            self.picked = None
        self._sync_panes()
        self._wired = wired_endpoints(session)
        self.query_one(Wires).rows_changed()
        self.arrange_regions()
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
        if len(self.query(Browse)) < len(sources):
            self._add_panes()
        for pane, source in zip(panes, sources, strict=False):
            model = self.session.model(source.handle)
            if model is not None:
                viewer = self._viewers.setdefault(id(model), Viewer(model))
                pane.rows.state = self._state_of(source.handle)
                pane.rows.sign = partial(self._verdict, pane)
                pane.show_model(source.handle, viewer, self.session.chosen(source.handle))
                pane.show_values(self.session.run_of(source.handle))
                continue
            problem = self._problems.get((source.path, source.tags))
            text = f"opening {show(str(source.path))} …" if problem is None else ""
            pane.show_problem(source.handle, text, problem)
        for pane in panes[len(sources) :]:
            pane.show_problem("", "o opens a model here")

    @work
    async def _add_panes(self) -> None:
        """Mount the panes that are missing and fill them."""
        for position in range(len(self.query(Browse)), len(self.session.plan.sources)):
            await self.query_one("#panes").mount(self._make_pane(position), after=self.query(Browse).last())
        self.changed(save=False)
        if self.region_id.startswith("pane-"):
            self.go_region(self.region_id)

    def _state_of(self, handle: str) -> Any:
        def state(row: Row) -> str:
            if self.picked is not None and self.picked.handle == handle and self.picked.key == row.key:
                return "picked"
            wired = self._wired.get(handle)
            if row.kind in ("input", "output"):
                if wired and row.key[0] == "port" and row.key[1:] in wired.keys:
                    return "wired"
                return "wired" if wired and any(name in wired.tensors for name in row.ref.tensors) else ""
            if row.kind in ("node", "argument") and wired and row.spot is not None:
                # the engine names a tensor inside calls as it will be called once they are opened up
                node = str(row.spot).replace(CALL_SEPARATOR, "/")
                return "wired" if any(name.rpartition(":")[0] == node for name in wired.tensors) else ""
            if row.kind in ("signature", "callable") and self.session.chosen(handle) == row.key[1]:
                return "chosen"
            return ""

        return state

    def refresh_state(self) -> None:
        """Update marks, verdicts, titles and the command line."""
        for pane in self.panes:
            pane.refresh_state()
        self._titles()
        self._head()
        self.show_tabs()
        self.app.refresh_keys()
        plan, commit = self.session.plan, self.session.commit
        self.query_one(CommandLine).show_command(command_line(plan, commit, suggested_target(plan)))

    @on(SubtitleChanged)
    def _titles(self) -> None:
        """Update the titles of the panes."""
        for position, pane in enumerate(self.panes):
            if not pane.handle:
                self._entitle(pane, "")
                continue
            title = f"{glyphs.mark(position)} {show(pane.handle)}"
            if pane.in_detail and pane.details.detail is not None:
                title = f"{title} {glyphs.CLOSED} {pane.details.detail.title}"
            title += self.note_of(pane)
            subtitle = ""
            if pane.rows.hits is not None:
                subtitle = f"{len(pane.rows.hits):,} of {len(pane.viewer.index) if pane.viewer else 0:,}"
            elif self.picked is not None and pane.handle != self.picked.handle:
                what = "outputs" if self.picked.side == "target" else "inputs"
                subtitle = f"{what} for {show(self.picked.endpoint.written, 40)}"
            self._entitle(pane, title.replace("[", r"\["), subtitle.replace("[", r"\["))
        self._entitle(self.query_one(Wires), standing.list_title(self.session))
        self._entitle(self.query_one(Findings), "Findings")

    def _entitle(self, panel: Widget, title: str, subtitle: str = "") -> None:
        """Give a panel its titles; Textual would parse and draw even those that it has."""
        if self._entitled.get(panel) != (title, subtitle):
            self._entitled[panel] = title, subtitle
            panel.border_title, panel.border_subtitle = title, subtitle

    def note_of(self, pane: Browse) -> str:
        """Return what the title of a pane says behind the model's name."""
        return ""

    def _head(self) -> None:
        session = self.session
        self.query_one(Head).show_pieces(
            standing.models(session, "workbench"), standing.standing(session, self.picked)
        )

    @work(thread=True, exclusive=True, group="compute")
    def _compute(self) -> None:
        """Compute findings and draft on a thread."""
        plan = self.session.plan
        try:
            outcome = self.session.compute()
        except WorkbenchError as error:
            finding = Finding(error.code, "error", error.where or "", error.message, error.hint)
            from workbench.session.looked_up import Outcome

            outcome = Outcome(plan, None, (finding,))
        self.call_later(self._computed, outcome)

    def _computed(self, outcome: Outcome) -> None:
        if outcome.plan != self.session.plan or not self.is_attached:
            return
        outcome = self.session.outcome or outcome  # a slower thread may have seen fewer models
        self._outcome = outcome
        self.query_one(Findings).show_findings(outcome.findings)
        self._head()
        self.arrange_regions()

    def _verdict(self, pane: Browse, row: Row) -> Judgement | None:
        if self.picked is None or pane.handle == self.picked.handle or not pane.handle:
            return None
        return self.picked.judge(self.session, pane.handle, row)

    @on(Lines.Moved)
    def _moved(self, event: Lines.Moved) -> None:
        event.stop()
        self.post_message(CursorMoved())
        self.app.refresh_keys()
