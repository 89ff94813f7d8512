"""The pane of one model: its list and its detail, beside each other, below each other, or one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.reactive import reactive
from textual.widget import Widget

from workbench.errors import WorkbenchError
from workbench.session.texts.detail import FILTER
from workbench.tui.actions import bindings
from workbench.tui.messages import (
    AdaptAsked,
    CursorMoved,
    DropAsked,
    ModelAsked,
    PickAsked,
    SignatureAsked,
    SplitChanged,
    SubtitleChanged,
    tell_screen,
)
from workbench.tui.widgets.detail import DetailView
from workbench.tui.widgets.lines import Lines
from workbench.tui.widgets.listed import Listed
from workbench.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from textual.timer import Timer

    from workbench.session.lists.rows import Key, Row
    from workbench.session.lists.viewer import Viewer
    from workbench.session.running.run import KeptRun
    from workbench.session.texts.detail import Detail
    from workbench.tui.host import Host

_SIDE_BY_SIDE = 100  # columns from which list and detail stand beside each other
_STACKED = 30  # lines from which they stand above each other
PICKABLE = ("input", "output", "node", "variable", "argument", "result")
FOLLOW = 0.1  # seconds until the detail beside the list follows the cursor


class Browse(Widget):
    """The pane of one model: list and detail. An empty handle is a place without a model."""

    app: Host
    SCOPE = "browse"
    BINDINGS = bindings("browse")
    ALLOW_MAXIMIZE: ClassVar[bool | None] = False

    split: reactive[str] = reactive("", init=False)
    """How list and detail share the pane: `beside`, `below`, or empty for one at a time."""

    def __init__(self, position: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.position = position
        self.handle = ""
        self.viewer: Viewer | None = None
        self.run: KeptRun | None = None
        self._back: list[Key] = []
        self._wanted: Key | None = None
        self._following: Timer | None = None

    def compose(self) -> ComposeResult:
        """Yield list and detail."""
        with Horizontal(classes="parts"):
            yield Listed(classes="listed")
            yield DetailView(classes="detail")

    def on_mount(self) -> None:
        """Hide what is not needed yet."""
        self.details.display = False

    @property
    def listed(self) -> Listed:
        """Return the list with its filter and notice."""
        return self.query_one(Listed)

    @property
    def rows(self) -> Rows:
        """Return the rows of the list."""
        return self.query_one(Rows)

    @property
    def details(self) -> DetailView:
        """Return the detail."""
        return self.query_one(DetailView)

    # -- which model

    def show_model(self, handle: str, viewer: Viewer, chosen: str | None) -> None:
        """Show a model; one already shown keeps its position, and `refresh_state` draws what has changed."""
        known = self.viewer
        self.handle = handle
        if known is not None and known.model is viewer.model:
            return
        self.viewer = viewer
        self._back.clear()
        alone = len(self.app.session.plan.sources) == 1
        side = "signature" if alone else "output" if self.position == 0 else "input"
        self.listed.show_model(viewer, chosen, side)
        self.leave_detail()

    def show_problem(self, handle: str, message: str, problem: WorkbenchError | None = None) -> None:
        """Show why there is no model, and the next move."""
        self.handle, self.viewer = handle, None
        self.listed.show_problem(message, problem)

    def show_values(self, run: KeptRun | None) -> None:
        """Show the values of a run in the details of rows, or no values any more."""
        if run is not self.run:
            self.run = run
            if self.split:
                self._follow_cursor()

    def refresh_state(self) -> None:
        """Update rows after a pick or a change of wires."""
        self.rows.repaint_rows()
        self.listed.peek(shrink=True)

    # -- layout

    def on_resize(self, event: events.Resize) -> None:
        """Show list and detail together where there is room."""
        self.share_room(event.size.width, event.size.height)

    def share_room(self, width: int = 0, height: int = 0) -> None:
        """Show list and detail together if a size has room for both and the user did not hide it."""
        beside = (width or self.size.width) >= _SIDE_BY_SIDE
        fits = "beside" if beside else "below" if (height or self.size.height) >= _STACKED else ""
        self.split = fits if self.app.session.layout.details else ""

    def action_show_details(self) -> None:
        """Show or hide the details beside the list."""
        layout = self.app.session.layout
        layout.details = not layout.details
        self.share_room()
        if layout.details and not self.split:
            self.app.say("There is no room for list and details; enter shows the details.")

    def watch_split(self, split: str) -> None:
        """Arrange list and detail."""
        self.set_class(split == "below", "-below")
        self.set_class(split == "beside", "-beside")
        if split:
            self.details.display = self.listed.display = True
            tell_screen(self, SplitChanged())
            self._follow_cursor()
        elif self.details.has_focus:
            self.listed.display = False
        else:
            self.details.display = False
            self.listed.display = True

    @on(Lines.Moved)
    def _moved(self, event: Lines.Moved) -> None:
        event.stop()
        tell_screen(self, CursorMoved())
        self.app.refresh_keys()
        if event.lines is self.rows and self.split:
            self._follow_cursor()

    # -- detail

    def _follow_cursor(self) -> None:
        """Show the detail of the row under the cursor, after a short delay."""
        if self._following is not None:
            self._following.stop()
        self._following = self.set_timer(FOLLOW, self._follow)

    def _follow(self) -> None:
        if self.viewer is None or self.details.has_focus:
            return
        if self.rows.row is not None:
            self._show(self.rows.row, focus=False)
        else:
            self._wanted = None
            self.details.show_nothing()

    def open_detail(self, row: Row) -> None:
        """Show the detail of a row and focus it."""
        self._show(row, focus=True)

    def _show(self, row: Row, focus: bool) -> None:
        self._wanted = row.key
        self._tell(row, focus)

    @work(thread=True, exclusive=True, group="detail")
    def _tell(self, row: Row, focus: bool) -> None:
        viewer = self.viewer
        if viewer is None:
            return
        detail = viewer.teller.tell(row)
        if self.run is not None:
            from workbench.session.running.beside import add_row_value
            from workbench.tui.running.values import drawing_of

            add_row_value(detail, row, self.run, drawing_of(self.app))
        self.call_later(self._told, viewer, detail, focus)  # also when a newer row is wanted by now

    def _told(self, viewer: Viewer, detail: Detail, focus: bool) -> None:
        if viewer is not self.viewer or detail.key != self._wanted or not self.is_attached:
            return
        self.details.show_detail(detail)
        if focus:
            self.details.display = True
            if not self.split:
                self.listed.display = False
            self.details.focus()
            self._title()

    def leave_detail(self) -> None:
        """Return to the list."""
        self._back.clear()
        self.listed.display = True
        if not self.split:
            self.details.display = False
        if self.details.has_focus:
            self.rows.focus()
        self._title()

    def _title(self) -> None:
        tell_screen(self, SubtitleChanged())

    @property
    def in_detail(self) -> bool:
        """Return whether the detail hides the list."""
        return not self.listed.display

    @on(DetailView.Followed)
    async def _followed(self, event: DetailView.Followed) -> None:
        event.stop()
        if event.link.key[0] == FILTER:
            self.leave_detail()
            await self.listed.filter_for(event.link.key[1])
            return
        if self.details.detail is not None:
            self._back.append(self.details.detail.key)
        self._show_key(event.link.key)

    def _show_key(self, key: Key) -> bool:
        if self.viewer is None:
            return False
        row = self.viewer.lister.row_of(key)
        if row is None:
            return False
        self.rows.reveal(key)
        self.open_detail(row)
        return True

    @on(DetailView.Left)
    def _left(self, event: DetailView.Left) -> None:
        event.stop()
        if event.far or not self._back:
            self.leave_detail()
        else:
            self._show_key(self._back.pop())

    @on(DetailView.PickAsked)
    def _pick_shown(self, event: DetailView.PickAsked) -> None:
        event.stop()
        if self.details.detail is not None and self.details.detail.row is not None:
            self.post_message(PickAsked(self.handle, self.details.detail.row))

    def reveal(self, key: Key) -> bool:
        """Move to a row."""
        self.leave_detail()
        found = self.rows.reveal(key)
        self.rows.focus()
        return found

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action is available; in the filter a slash is a letter."""
        return not (action == "filter" and self.listed.filter is not None and self.listed.filter.has_focus)

    def useful(self, action: str) -> bool:
        """Return whether an action can do something with the row under the cursor."""
        row = self.rows.row
        if action == "pick":
            return row is not None and row.kind in PICKABLE and len(self.app.session.plan.sources) > 1
        if action in ("unfold", "fold"):
            return row is not None and row.open is (action == "fold")
        if action == "sort":
            return bool(self.rows.sortable)
        if action == "flat":
            return row is not None and not self.listed.filtering
        if action == "drop":
            return self.listed.filtering
        return self.viewer is not None and (row is not None or action == "filter")

    async def action_filter(self) -> None:
        """Open the filter."""
        self.leave_detail()
        await self.listed.ask_filter()

    def action_next_match(self) -> None:
        """Move to the next match of the last filter."""
        self._step(1)

    def _step(self, by: int) -> None:
        if not self.listed.step(by):
            self.app.say("There is no match to go to; / filters.")

    def action_previous_match(self) -> None:
        """Move to the previous match of the last filter."""
        self._step(-1)

    def action_detail(self) -> None:
        """Show the detail of the row under the cursor."""
        if self.rows.row is not None:
            self._back.clear()
            self.open_detail(self.rows.row)
        else:
            self._say_empty()

    def _say_empty(self) -> None:
        """Show why there is no row to act on."""
        if self.listed.filtering:
            self.app.say("Nothing matches the filter; esc clears it.")
        else:
            self.app.say(
                "There is no model in this pane; o opens one."
                if not self.handle
                else "This model is not open."
            )

    def action_unfold(self) -> None:
        """Unfold the row, else show its detail."""
        if not self.rows.unfold():
            if self.rows.row is not None and self.rows.row.open:
                self.rows.cursor += 1
            else:
                self.action_detail()

    def action_fold(self) -> None:
        """Fold the row, else move to its parent."""
        if not self.rows.fold():
            self.app.say("There is nothing to fold here.")

    def action_flat(self) -> None:
        """Show all nodes in one list, or the tree again."""
        if self.listed.filtering:
            self.app.say("The filter shows its matches in one list; esc clears it.")
            return
        self.rows.turn_flat()
        self.app.say("All nodes in one list." if self.rows.arranged.flat else "Nodes by name scope.")

    def action_sort(self) -> None:
        """Sort the section under the cursor in the next order."""
        if self.rows.sortable:
            self.app.say(f"{self.rows.sortable.capitalize()} {self.rows.sort_next()}.")
        else:
            self.app.say("Put the cursor on the variables or on the functions first.")

    def action_next_section(self) -> None:
        """Go to the next section."""
        self.rows.step_section(1)

    def action_previous_section(self) -> None:
        """Go to the previous section."""
        self.rows.step_section(-1)

    def action_back(self) -> None:
        """Go back to where the last link came from."""
        if self._back:
            self._show_key(self._back.pop())
        else:
            self.app.say("There is no link to go back along.")

    def action_pick(self) -> None:
        """Pick the row under the cursor, or wire the pick to it."""
        row = self.rows.row
        if row is None:
            self._say_empty()
            return
        if row.open is not None and row.kind != "node":
            self.rows.unfold() or self.rows.fold()
        else:
            self.post_message(PickAsked(self.handle, row))

    def action_adapt(self) -> None:
        """Wire the pick to the row under the cursor through the adapters that are suggested."""
        self._adapt(choose=False)

    def action_adapters(self) -> None:
        """Wire the pick to the row under the cursor through adapters of the user's choice."""
        self._adapt(choose=True)

    def _adapt(self, *, choose: bool) -> None:
        if self.rows.row is None:
            self._say_empty()
        else:
            self.post_message(AdaptAsked(self.handle, self.rows.row, choose=choose))

    def action_drop(self) -> None:
        """Drop the pick; without one clear the filter."""
        if self.listed.filtering:
            self.listed.clear_filter()
        else:
            self.post_message(DropAsked())

    def action_use_signature(self) -> None:
        """Choose the signature under the cursor."""
        row = self.rows.row
        if row is None or row.kind not in ("signature", "callable", "input", "output"):
            self.app.say("Put the cursor on a signature or a callable first.")
            return
        self.post_message(SignatureAsked(self.handle, row.key[1]))

    def action_replace(self) -> None:
        """Replace the model of this pane."""
        self.post_message(ModelAsked(self.handle))

    def action_close_model(self) -> None:
        """Close the model of this pane."""
        if self.handle:
            self.post_message(ModelAsked(self.handle, close=True))
        else:
            self._say_empty()

    @on(Lines.Chosen)
    def _chosen(self, event: Lines.Chosen) -> None:
        event.stop()
        row = self.rows.row
        if event.lines is not self.rows or row is None:
            return
        if event.mark and row.kind in PICKABLE and row.kind not in ("argument", "result"):
            self.action_pick()
        elif row.open is not None and row.kind != "node":
            self.rows.unfold() or self.rows.fold()
        else:
            self.action_detail()
