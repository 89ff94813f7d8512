"""The pane of one model: filter, rows, what is under the cursor in a few lines, and the detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from workbench.errors import WorkbenchError
from workbench.names import show
from workbench.tui import glyphs
from workbench.tui.actions import bindings
from workbench.tui.messages import DropAsked, ModelAsked, PickAsked, SignatureAsked, SubtitleChanged
from workbench.tui.widgets.detail import DetailView
from workbench.tui.widgets.lines import Lines
from workbench.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.timer import Timer
    from textual.widgets import Input

    from workbench.session.detail import Detail
    from workbench.session.listing import Key, Row
    from workbench.session.verdicts import Judgement
    from workbench.session.viewer import Viewer

_SIDE_BY_SIDE = 100  # columns from which list and detail stand beside each other
_STACKED = 30  # lines from which they stand above each other
_FILTER_HINT = "name  op:Conv2D  dtype:string  shape:?x784  in:function"
FOLLOW = 0.1  # seconds until the detail beside the list follows the cursor
_HEADS = {"fits": ("fits", "good"), "unknown": ("unknown", "maybe"), "no": ("does not fit", "bad")}


class Browse(Widget):
    """One model. `handle` is empty for a place without a model."""

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
        self._back: list[Key] = []
        self._query = ""
        self._following: Timer | None = None
        self._matches: list[Key] = []
        self.verdict: Callable[[Browse, Row], Judgement | None] = lambda pane, row: None

    def compose(self) -> ComposeResult:
        """Filter, rows, peek, detail."""
        with Horizontal(classes="parts"):
            with Vertical(classes="listed"):
                yield Static(classes="notice", markup=False)
                yield Rows(classes="rows")
                yield Static(classes="peek", markup=False)
            yield DetailView(classes="detail")

    def on_mount(self) -> None:
        """Hides what is not needed yet."""
        self.details.display = False
        self.notice.display = False

    @property
    def rows(self) -> Rows:
        """The list."""
        return self.query_one(Rows)

    @property
    def details(self) -> DetailView:
        """The detail."""
        return self.query_one(DetailView)

    @property
    def filter(self) -> Input | None:
        """The line the filter is typed in; it is made when it is first wanted."""
        found = self.query(".filter")
        return cast("Input", found.first()) if found else None

    # -- which model

    def show_model(self, handle: str, viewer: Viewer, chosen: str | None) -> None:
        """Shows a model; one that is shown already keeps its place."""
        known = self.viewer
        self.handle = handle
        if known is not None and known.model is viewer.model:
            self.refresh_state()
            return
        self.viewer = viewer
        self._back.clear()
        self._query = ""
        self._hide_filter()
        self.notice.display = False
        self.rows.show_model(viewer, chosen)
        self.leave_detail()
        side = "output" if self.position == 0 else "input"
        self.go_first(side)
        self._peek()

    def show_problem(self, handle: str, message: str, problem: WorkbenchError | None = None) -> None:
        """There is no model to show: why, and what next."""
        self.handle, self.viewer = handle, None
        self.rows.viewer = None
        self.rows.show_nothing()
        styled = self.rows.style_of
        text = Text()
        if problem is None:
            text.append(message, styled("quiet"))
        else:
            text.append(f"{glyphs.NO} This can't be opened\n\n", styled("error"))
            text.append(f"{problem.message}\n")
            if problem.where:
                text.append(f"{problem.where}\n", styled("quiet"))
            if problem.hint:
                text.append(f"\n{problem.hint}\n")
            text.append("\nr opens another model here, D takes this one out.", styled("quiet"))
        self.notice.update(text)
        self.notice.display = True
        self._peek()

    @property
    def notice(self) -> Static:
        """What is said in the place of rows."""
        return self.query_one(".notice", Static)

    def go_first(self, side: str) -> None:
        """Puts the cursor on the first input or output."""
        for index in range(min(len(self.rows.listing), 400)):
            if self.rows.listing[index].kind == side:
                self.rows.cursor = index
                return

    def refresh_state(self) -> None:
        """Something was picked or wired: the same rows look different."""
        self.rows.repaint_rows()
        self._peek()

    # -- layout

    def on_resize(self, event: events.Resize) -> None:
        """Shows list and detail together where there is room."""
        beside = event.size.width >= _SIDE_BY_SIDE
        self.split = "beside" if beside else "below" if event.size.height >= _STACKED else ""

    def watch_split(self, split: str) -> None:
        """Arranges list and detail."""
        self.set_class(split == "below", "-below")
        self.set_class(split == "beside", "-beside")
        if split:
            self.details.display = self.listed.display = True
            self._follow_cursor()
        elif self.details.has_focus:
            self.listed.display = False
        else:
            self.details.display = False
            self.listed.display = True

    @property
    def listed(self) -> Vertical:
        """The list with what belongs to it."""
        return self.query_one(".listed", Vertical)

    # -- what is under the cursor

    @on(Lines.Moved)
    def _moved(self, event: Lines.Moved) -> None:
        event.stop()
        if event.lines is self.rows:
            self._peek()
            if self.split:
                self._follow_cursor()

    def _peek(self) -> None:
        """A few lines under the list: the whole name, and the verdict with its reason."""
        row = self.rows.row
        peek = self.query_one(".peek", Static)
        if row is None:
            peek.update("")
            return
        styled = self.rows.style_of
        text = Text()
        whole = str(row.spot) if row.spot is not None and row.kind == "node" else row.text
        judged = self.verdict(self, row) if row.kind in ("input", "output", "node", "variable") else None
        if judged is not None:
            head, role = _HEADS[judged.state]
            text.append(f"{head}  ", styled(role))
            text.append(judged.reason)
            if judged.hint:
                text.append(f" {judged.hint}", styled("quiet"))
        else:
            text.append(show(whole, 400), styled("quiet"))
            if row.aside:
                text.append(f"  {row.aside}", styled("quiet"))
        peek.update(text)

    # -- detail

    def _follow_cursor(self) -> None:
        """The detail beside the list follows the cursor, a moment later: it may run through many rows."""
        if self._following is not None:
            self._following.stop()
        self._following = self.set_timer(FOLLOW, self._follow)

    def _follow(self) -> None:
        row = self.rows.row
        if row is not None and self.viewer is not None and not self.details.has_focus:
            self._tell(row, focus=False)

    def open_detail(self, row: Row) -> None:
        """Shows the detail of a row and goes into it."""
        self._tell(row, focus=True)

    @work(thread=True, exclusive=True, group="detail")
    def _tell(self, row: Row, focus: bool) -> None:
        viewer = self.viewer
        if viewer is None:
            return
        detail = viewer.teller.tell(row)
        self.call_later(self._told, viewer, detail, focus)

    def _told(self, viewer: Viewer, detail: Detail, focus: bool) -> None:
        if viewer is not self.viewer or not self.is_attached:
            return
        self.details.show_detail(detail)
        if focus:
            self.details.display = True
            if not self.split:
                self.listed.display = False
            self.details.focus()
            self._title()

    def leave_detail(self) -> None:
        """Back to the list."""
        self._back.clear()
        self.listed.display = True
        if not self.split:
            self.details.display = False
        if self.details.has_focus:
            self.rows.focus()
        self._title()

    def _title(self) -> None:
        self.post_message(SubtitleChanged())

    @property
    def in_detail(self) -> bool:
        """Whether the detail hides the list."""
        return not self.listed.display

    @on(DetailView.Followed)
    def _followed(self, event: DetailView.Followed) -> None:
        event.stop()
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
        """Goes to a row."""
        self.leave_detail()
        found = self.rows.reveal(key)
        self.rows.focus()
        return found

    # -- filter

    def action_filter(self) -> None:
        """Types a filter."""
        self.leave_detail()
        line = self.filter
        if line is None:
            from textual.widgets import Input

            line = Input(placeholder=_FILTER_HINT, classes="filter", compact=True)
            self.listed.mount(line, before=0)
        line.display = True
        line.focus()
        line.action_end()

    def _hide_filter(self) -> None:
        line = self.filter
        if line is not None:
            line.value = ""
            line.display = False

    def on_input_changed(self, event: Input.Changed) -> None:
        """Searches as it is typed; what has to look into nodes does it on a thread."""
        from workbench.session.search import parse_query

        event.stop()
        if self.viewer is None or event.value == self._query:
            return
        self._query = event.value
        query = parse_query(event.value)
        if not query:
            self.workers.cancel_group(self, "search")
            self.rows.show_hits(None)
        elif query.structured:
            self._search(event.value)
        else:
            self.workers.cancel_group(self, "search")
            self._found(event.value, self.viewer.index.search(event.value))

    @work(thread=True, exclusive=True, group="search")
    def _search(self, text: str) -> None:
        viewer = self.viewer
        if viewer is not None:
            self.call_later(self._found, text, viewer.index.search(text))

    def _found(self, text: str, hits: list[int]) -> None:
        if text == self._query:
            self.rows.show_hits(hits)
            self._title()
            self._peek()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """On to what was found."""
        event.stop()
        self.rows.focus()

    def on_key(self, event: events.Key) -> None:
        """In the filter line, the arrows move in the list and Escape clears it."""
        line = self.filter
        if line is None or not line.has_focus:
            return
        if event.key == "escape":
            event.stop()
            self.clear_filter()
        elif event.key in ("down", "up", "pageup", "pagedown"):
            event.stop()
            event.prevent_default()
            getattr(
                self.rows,
                f"action_{'page_' if event.key.startswith('page') else 'cursor_'}{event.key.removeprefix('page')}",
            )()

    def clear_filter(self) -> None:
        """Shows everything again, with the cursor where it was; `n` still finds the matches."""
        if self.viewer is not None and self.rows.hits is not None:
            self._matches = [self.viewer.index.row(hit).key for hit in self.rows.hits[:5000]]
        self._query = ""
        self._hide_filter()
        self.rows.show_hits(None)
        self.rows.focus()
        self._title()

    def action_next_match(self) -> None:
        """The next match of the last filter."""
        self._match(1)

    def action_previous_match(self) -> None:
        """The match before."""
        self._match(-1)

    def _match(self, by: int) -> None:
        if self.rows.hits is not None:
            self.rows.cursor += by
            return
        if not self._matches or self.rows.row is None:
            return
        key = self.rows.row.key
        at = self._matches.index(key) + by if key in self._matches else 0
        self.rows.reveal(self._matches[at % len(self._matches)])

    # -- keys

    def action_detail(self) -> None:
        """The detail of the row under the cursor."""
        if self.rows.row is not None:
            self._back.clear()
            self.open_detail(self.rows.row)

    def action_unfold(self) -> None:
        """Unfolds, else shows the detail."""
        if not self.rows.unfold():
            if self.rows.row is not None and self.rows.row.open:
                self.rows.cursor += 1
            else:
                self.action_detail()

    def action_fold(self) -> None:
        """Folds, else goes up."""
        self.rows.fold()

    def action_back(self) -> None:
        """Back where the last link came from."""
        if self._back:
            self._show_key(self._back.pop())

    def action_pick(self) -> None:
        """Picks the row under the cursor, or wires what is picked into it."""
        row = self.rows.row
        if row is None:
            return
        if row.open is not None and row.kind != "node":
            self.rows.unfold() or self.rows.fold()
        else:
            self.post_message(PickAsked(self.handle, row))

    def action_drop(self) -> None:
        """Lets the pick go, then the filter."""
        if self.filter is not None and self.filter.display:
            self.clear_filter()
        else:
            self.post_message(DropAsked())

    def action_use_signature(self) -> None:
        """Makes the signature under the cursor the chosen one."""
        row = self.rows.row
        if row is None or row.kind not in ("signature", "input", "output"):
            self.notify("Put the cursor on a signature first.", severity="warning")
            return
        self.post_message(SignatureAsked(self.handle, row.key[1]))

    def action_replace(self) -> None:
        """Another model in this place."""
        self.post_message(ModelAsked(self.handle))

    def action_close_model(self) -> None:
        """Takes the model out."""
        if self.handle:
            self.post_message(ModelAsked(self.handle, close=True))

    @on(Lines.Chosen)
    def _chosen(self, event: Lines.Chosen) -> None:
        event.stop()
        row = self.rows.row
        if event.lines is not self.rows or row is None:
            return
        if event.mark and row.kind in ("input", "output", "node", "variable"):
            self.action_pick()
        elif row.open is not None and row.kind != "node":
            self.rows.unfold() or self.rows.fold()
        else:
            self.action_detail()
