"""The list of one model with what belongs to it: why there is none, the filter above it, the peek under it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from workbench.describe.actions import words
from workbench.errors import WorkbenchError
from workbench.names import show
from workbench.tui import glyphs
from workbench.tui.messages import SubtitleChanged, tell_screen
from workbench.tui.widgets.lines import Lines
from workbench.tui.widgets.preview import Peek
from workbench.tui.widgets.rows import Rows, scope_name

if TYPE_CHECKING:
    from textual.widgets import Input

    from workbench.session.lists.rows import Key, Row
    from workbench.session.lists.viewer import Viewer
    from workbench.tui.widgets.filter import FilterLine
    from workbench.tui.widgets.list_line import ListLine

_MATCHES = 5000
_LOOKED_AT = 400
_HEADS = {
    "fits": ("compatible", "good"),
    "unknown": ("maybe compatible", "maybe"),
    "no": ("incompatible", "bad"),
}
_JUDGED = ("input", "output", "node", "variable", "argument", "result")


class Listed(Vertical):
    """The rows of a model with notice, filter and preview; no viewer without a model."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.viewer: Viewer | None = None
        self._query = ""
        self._matches: list[Key] = []
        self._judged = False

    def compose(self) -> ComposeResult:
        """Yield notice, rows and preview; the filter is mounted when it is first used."""
        yield Static(classes="notice", markup=False)
        yield Rows(classes="rows")
        yield Peek(classes="peek")

    def on_mount(self) -> None:
        """Hide the notice."""
        self.notice.display = False

    @property
    def rows(self) -> Rows:
        """Return the rows."""
        return self.query_one(Rows)

    @property
    def notice(self) -> Static:
        """Return the notice shown instead of rows."""
        return self.query_one(".notice", Static)

    @property
    def filter(self) -> FilterLine | None:
        """Return the filter's input line."""
        found = next((child for child in self.children if child.has_class("filter")), None)
        return cast("FilterLine | None", found)

    # -- which model

    def show_model(self, viewer: Viewer, chosen: str | None, side: str) -> None:
        """Show a model, with the cursor on the chosen signature or its first input or output (`side`)."""
        self.viewer = viewer
        self._matches = []
        self._forget_filter()
        self.notice.display = False
        self.rows.show_model(viewer, chosen)
        for index in range(min(len(self.rows.listing), _LOOKED_AT)):
            if self.rows.listing[index].kind == side:
                self.rows.cursor = index
                break
        self.peek(shrink=True)

    def show_problem(self, message: str, problem: WorkbenchError | None = None) -> None:
        """Show why there is no model, and the next move."""
        self.viewer = self.rows.viewer = None
        self.rows.show_nothing()
        styled = self.rows.style_of
        text = Text()
        if problem is None:
            text.append(message, styled("quiet"))
        else:
            text.append(f"{glyphs.NO} This model cannot be opened\n\n", styled("error"))
            text.append(f"{problem.message}\n")
            if problem.where:
                text.append(f"{problem.where}\n", styled("quiet"))
            if problem.hint:
                text.append(f"\n{words(problem.hint, 'terminal UI')}\n")
            text.append("\nr replaces this model, D closes it.", styled("quiet"))
        self.notice.update(text)
        self.notice.display = True
        self.peek(shrink=True)

    # -- what is under the cursor

    @on(Lines.Moved)
    def _moved(self) -> None:
        self.peek()

    def peek(self, shrink: bool = False) -> None:
        """Show the whole name, or the verdict with its reason."""
        row = self.rows.row
        text = Text()
        judged = None
        styled = self.rows.style_of
        line = self.filter
        if line is not None and self.screen.focused is line and not line.value:
            text.append(line.HELP, styled("quiet"))
        elif row is not None:
            judged = self.rows.sign(row) if row.kind in _JUDGED else None
            if judged is not None:
                head, role = _HEADS[judged.state]
                text.append(f"{head}  ", styled(role))
                text.append(judged.reason)
                if judged.hint:
                    text.append(f" {words(judged.hint, 'terminal UI')}", styled("quiet"))
            else:
                text.append(show(_whole_name(row), 400), styled("quiet"))
                if row.aside:
                    text.append(f"  {row.aside}", styled("quiet"))
        self.query_one(Peek).tell(text, shrink)

    # -- filter

    async def ask_filter(self) -> None:
        """Focus the filter; the next key is its first letter."""
        line = self.filter
        if line is None:
            from workbench.tui.widgets.filter import FilterLine

            line = FilterLine(classes="filter")
            await self.mount(line, before=0)
        line.display = True
        self.screen.set_focus(line)
        line.action_end()
        self.peek(shrink=True)
        if self.viewer is not None:
            self._make_index(self.viewer)

    async def filter_for(self, text: str) -> None:
        """Type a filter, and go to its matches."""
        await self.ask_filter()
        line = self.filter
        if line is not None:
            line.value = text
        self.rows.focus()

    @work(thread=True, group="index")
    def _make_index(self, viewer: Viewer) -> None:
        """Build the search index ahead: tenths of a second for 100,000 nodes."""
        _ = viewer.index

    @property
    def filtering(self) -> bool:
        """Return whether a filter narrows the list, or is being typed."""
        return self.filter is not None and bool(self.filter.display)

    def _forget_filter(self) -> None:
        self._query = ""
        line = self.filter
        if line is not None:
            line.value = ""
            line.display = False

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search while the user types; searches inside nodes run on a thread."""
        event.stop()
        if event.value != self._query:
            self.search(event.value)

    def search(self, text: str) -> None:
        """Show the matches of a filter."""
        from workbench.session.lists.search import parse_query

        if self.viewer is None:
            return
        self._query = text
        query = parse_query(text)
        self.workers.cancel_group(self, "search")
        if not query:
            self.rows.show_hits(None)
        elif query.structured:
            self._search(self.viewer, text)
        else:
            self._found(text, self.viewer.index.search(text))

    @work(thread=True, exclusive=True, group="search")
    def _search(self, viewer: Viewer, text: str) -> None:
        self.call_later(self._found, text, viewer.index.search(text))

    def _found(self, text: str, hits: list[int]) -> None:
        if text == self._query:
            self.rows.show_hits(hits)
            tell_screen(self, SubtitleChanged())
            self.peek(shrink=True)

    def on_list_line_asked(self, event: ListLine.Asked) -> None:
        """Handle the filter's keys that mean the list."""
        event.stop()
        if event.what == "clear":
            self.clear_filter()
        elif event.what == "take":
            self.screen.set_focus(self.rows)
            self.peek(shrink=True)
        else:
            getattr(self.rows, f"action_{event.what}")()

    def clear_filter(self) -> None:
        """Show all rows, with the cursor kept; the last filter still finds matches."""
        if self.viewer is not None and self.rows.hits is not None:
            self._matches = [self.viewer.index.row(hit).key for hit in self.rows.hits[:_MATCHES]]
        self._forget_filter()
        self.rows.show_hits(None)
        self.rows.focus()
        tell_screen(self, SubtitleChanged())

    def step(self, by: int) -> bool:
        """Move to the next match (1) or the previous (-1); return false if there is none."""
        if self.rows.hits is not None:
            self.rows.cursor += by
            return bool(self.rows.hits)
        if not self._matches or self.rows.row is None:
            return False
        key = self.rows.row.key
        at = self._matches.index(key) + by if key in self._matches else 0
        return self.rows.reveal(self._matches[at % len(self._matches)])


def _whole_name(row: Row) -> str:
    """Return the name of a row with the scopes and calls around it."""
    if row.kind == "scope":
        return scope_name(row)
    return str(row.spot) if row.spot is not None and row.kind == "node" else row.text
