"""A picture on a screen: drawn in a thread, searched, zoomed, seen as a whole, saved."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on, work
from textual.geometry import Offset, Region
from textual.widgets import Input
from textual.worker import get_current_worker

from workbench.errors import WorkbenchError
from workbench.session.pictures.boxes import MOST_HITS, Going, Hit, find, locate
from workbench.session.pictures.preview import Subject, View, written
from workbench.tui import glyphs
from workbench.tui.pictures.canvas import CanvasView
from workbench.tui.pictures.overview import Overview
from workbench.tui.screens.base import BaseScreen
from workbench.tui.widgets.preview import Peek

if TYPE_CHECKING:
    from workbench.picture.layout.geometry import CutOff, Layout
    from workbench.picture.scene.scene import Scene
    from workbench.tui.host import Host

_KEPT = 12
_FAR = "The picture cannot be zoomed out further."
_HOPS = (
    "The number of steps is at its limit.",
    "f shows the neighbourhood of a box; [ and ] then change its size.",
)


class PictureScreen(BaseScreen[Going | None]):
    """A screen with a picture of a subject; what stands beside it is a subclass's."""

    app: Host

    def __init__(self) -> None:
        super().__init__()
        self.view = View()
        self.subject: Subject | None = None
        self._pictures: OrderedDict[View, Layout] = OrderedDict()
        self._select: str | None = None
        self._places: dict[View, Offset] = {}
        self._left: tuple[Offset, str | None] = Offset(), None
        self._waiting = False
        self._hits: dict[str, Hit] = {}
        self._whole: tuple[Subject, Scene] | None = None
        self._overview = True
        self._sought = ""

    @property
    def canvas(self) -> CanvasView:
        """Return the picture."""
        return self.query_one(CanvasView)

    def head(self) -> None:
        """Show in the first line what is drawn."""
        raise NotImplementedError

    def lay_over(self, layout: Layout) -> None:
        """Lay something over a picture that is about to be shown; nothing here."""

    def notes_before(self) -> list[str]:
        """Return sentences to show before those of the picture; none here."""
        return []

    # -- drawing

    def show_subject(self, subject: Subject, place: str = "") -> None:
        """Draw another subject.

        Args:
            subject: what is drawn.
            place: of the box to select, which may be in a closed one; empty for the picture's own choice.
        """
        if self.subject is not None and subject != self.subject:
            self._pictures.clear()
            self._places.clear()
            self._hits.clear()
            self.canvas.matches = []
            self.view = View()
            self._select = None
            self.canvas.show_canvas(None)
        self.subject = subject
        self._sought = place
        self.draw(self.view, place or None)

    def draw(self, view: View, select: str | None = None) -> None:
        """Draw a view; one that was drawn before is shown at once."""
        canvas = self.canvas
        if canvas.canvas is not None:
            if (canvas.scroll_offset, canvas.selected) != self._left:
                self._places.clear()  # somebody moved since: where the other views were no longer counts
            self._places[self.view] = canvas.scroll_offset
        self.view = view
        self._select = select if select is not None else self.canvas.selected
        known = self._pictures.get(view)
        if known is not None:
            self._drawn(view, known)
        elif self.subject is not None:
            self._waiting = True
            self.head()
            self._lay_out(self.subject, view)

    @work(thread=True, exclusive=True, group="layout")
    def _lay_out(self, subject: Subject, view: View) -> None:
        worker = get_current_worker()
        found: Layout | CutOff | WorkbenchError
        try:
            found = subject.picture(view, lambda: worker.is_cancelled)
        except WorkbenchError as error:
            found = error
        if not worker.is_cancelled:
            self.call_later(self._drawn, view, found)

    def _drawn(self, view: View, found: Layout | CutOff | WorkbenchError) -> None:
        from workbench.picture.layout.geometry import Layout
        from workbench.picture.render.canvas import Canvas

        if view != self.view or not self.is_attached:
            return
        self._waiting = False
        if not isinstance(found, Layout):
            text = found.message if not isinstance(found, WorkbenchError) else str(found)
            self.note(f"{glyphs.NO} {text}")
            self.head()
            return
        self._pictures[view] = found
        while len(self._pictures) > _KEPT:
            self._pictures.popitem(last=False)
        picture = Canvas(found, "ascii" if self.app.look.ascii else "unicode")
        self.lay_over(found)
        self.canvas.show_canvas(picture, self._to_select(found), self._places.get(view))
        self._left = self.canvas.scroll_offset, self.canvas.selected
        self.note(
            "  ".join([*self.notes_before(), *found.scene.notes]) if found.boxes else "Nothing to draw."
        )
        self.head()
        if self._sought and self.canvas.canvas is not None:
            place, self._sought = self._sought, ""
            if self.canvas.canvas.box(place) is None:
                self.show_place(place)

    def _to_select(self, layout: Layout) -> str | None:
        """Return what to select in a new picture: the same box, or what it became, else the boundary."""
        wanted, ids = self._select, {box.id for box in layout.boxes}
        if wanted is not None:
            for id in (wanted, f"{wanted}/", wanted.removesuffix("/")):  # a scope, opened or closed
                if id in ids:
                    return id
            for node in layout.scene.nodes:
                if wanted in node.folded or node.opens == wanted or wanted in node.inside:
                    return node.id
            word = f"/{wanted.rstrip('*').rpartition('/')[2]}"  # of a scope that is drawn box by box now
            for node in layout.scene.nodes:
                if word in node.path:
                    return node.id
        return next((node.id for node in layout.scene.nodes if node.seam), None)

    def note(self, text: str) -> None:
        """Show a text above the picture, or none."""
        note = self.query_one(Peek)
        note.tell(Text(text), shrink=True)
        note.display = bool(text)

    # -- what was asked for

    @on(CanvasView.Asked)
    def _asked(self, event: CanvasView.Asked) -> None:
        event.stop()
        view = self.view
        if event.what == "open" and event.id is not None:
            self.draw(view.opened(event.id), event.id)
        elif event.what == "close" and event.id is not None:
            self.draw(view.closed(event.id), event.id)
        elif event.what == "show" and event.id in self._hits:
            self._show(self._hits[event.id])
        elif event.what == "focus":
            self.draw(view.focused(None if view.focus is not None else event.id), self.canvas.selected)
        elif event.what == "hops":
            self._draw_changed(view.wider(event.by), _HOPS[view.focus is None])
        elif event.what == "zoom":
            why_not = "The picture cannot be zoomed in further." if event.by < 0 else _FAR
            self._draw_changed(view.zoomed(event.by), why_not)
        elif event.what == "fit" and self.subject is not None:
            self._waiting = True
            self.head()
            self._fit(self.subject, view, self.canvas.scrollable_content_region)
        elif event.what == "controls":
            self.draw(replace(view, controls=not view.controls))
        elif event.what == "across":
            self.draw(replace(view, across=not view.across))
        elif event.what == "search":
            line = self.query_one(".find", Input)
            line.display = True
            line.focus()

    def _draw_changed(self, view: View, why_not: str) -> None:
        """Draw another view, or show why it is the same."""
        if view == self.view:
            self.app.say(why_not)
        else:
            self.draw(view)

    @work(thread=True, exclusive=True, group="layout")
    def _fit(self, subject: Subject, view: View, window: Region) -> None:
        """Find the view with most text that fits into the window, else the one that is nearest to it."""
        from workbench.picture.layout.geometry import Layout

        worker = get_current_worker()
        found: list[tuple[float, View, Layout]] = []
        for one in view.fitting():
            try:
                layout = self._pictures.get(one) or subject.picture(one, lambda: worker.is_cancelled)
            except WorkbenchError:
                continue
            if worker.is_cancelled:
                return
            if isinstance(layout, Layout):
                over = max(layout.width / max(window.width, 1), layout.height / max(window.height, 1), 1.0)
                found.append((over, one, layout))
                if over <= 1:
                    break
        self.call_later(self._fitted, found)

    def _fitted(self, found: list[tuple[float, View, Layout]]) -> None:
        self._waiting = False
        if not found:
            self.head()
            return
        over, view, layout = min(found, key=lambda one: one[0])
        self._pictures[view] = layout
        self.draw(view)
        if over > 1:
            self.app.say("The picture is larger than the window at every zoom; close boxes with backspace.")

    # -- finding

    @on(Input.Changed, ".find")
    def _finding(self, event: Input.Changed) -> None:
        event.stop()
        canvas = self.canvas.canvas
        text = event.value.strip()
        self.canvas.matches = (
            [node.id for node in canvas.layout.scene.search(text)] if canvas is not None and text else []
        )
        if self.canvas.matches:
            self.canvas.show_match(0)

    @on(Input.Submitted, ".find")
    def _find(self, event: Input.Submitted) -> None:
        event.stop()
        event.input.display = False
        self.canvas.focus()
        text = event.value.strip()
        if text:
            self._look(lambda whole: find(whole, text), self._found)

    @work(thread=True, exclusive=True, group="find")
    def _look(self, look: Callable[[Scene], list[Hit]], then: Callable[[list[Hit]], None]) -> None:
        """Look for boxes in the picture with everything opened, on a thread."""
        subject = self.subject
        if subject is None:
            return
        if self._whole is None or self._whole[0] is not subject:
            try:
                self._whole = subject, subject.whole()
            except WorkbenchError as error:
                self.call_later(self.note, f"{glyphs.NO} {error}")
                return
        self.call_later(then, look(self._whole[1]))

    def _found(self, hits: list[Hit]) -> None:
        if not self.is_attached:
            return
        self._hits = {hit.id: hit for hit in hits}
        self.canvas.matches = list(self._hits)
        if not hits:
            self.app.say("Nothing in this picture has that name, closed boxes and functions included.")
            return
        at = self.canvas.matches.index(self.canvas.selected) if self.canvas.selected in self._hits else 0
        self.canvas.show_match(at)
        found = f"the first {MOST_HITS}" if len(hits) == MOST_HITS else f"{len(hits):,}"
        self.app.say(f"{found} found" + ("; n and N go through them." if len(hits) > 1 else "."))

    def show_place(self, place: str) -> None:
        """Select the box of a place, and open what it is in."""

        def look(whole: Scene) -> list[Hit]:
            hit = locate(whole, place)
            return [] if hit is None else [hit]

        def then(hits: list[Hit]) -> None:
            if hits and self.is_attached:
                self._show(hits[0])

        self._look(look, then)

    def _show(self, hit: Hit) -> None:
        """Select a box that was found; open what it is in."""
        canvas = self.canvas.canvas
        id = next((id for id in (hit.id, f"{hit.id}/") if canvas is not None and canvas.box(id)), None)
        if id is not None:
            self.canvas.select(id, center=True)
        else:
            self.draw(self.view.showing(hit.inside), hit.id)

    # -- the overview

    @on(CanvasView.Scrolled)
    def _scrolled(self, event: CanvasView.Scrolled) -> None:
        event.stop()
        view = self.canvas
        overview = self.query_one(Overview)
        if view.canvas is not None:
            shown = self._overview and not view.fits
            overview.set_class(not shown, "-hidden")
            if shown:
                window = Region(*view.scroll_offset, *view.scrollable_content_region.size)
                overview.show_part(view.canvas.layout, window)

    @on(Overview.Went)
    def _went(self, event: Overview.Went) -> None:
        event.stop()
        self.canvas.look_at(event.x, event.y)

    def action_overview(self) -> None:
        """Show or hide the overview."""
        self._overview = not self._overview
        if self.canvas.fits:
            self.app.say("The whole picture is in the window.")
        elif self.has_class("-narrow"):
            self.app.say("The window is too narrow for an overview; 0 fits the picture into it.")
        self.canvas.post_message(CanvasView.Scrolled())

    # -- saving

    def action_save(self) -> None:
        """Ask for a file and save the picture in the format of its suffix."""
        from workbench.tui.pictures.save_picture import ask_for_file

        canvas, subject = self.canvas.canvas, self.subject
        if canvas is None or subject is None:
            self.app.say("There is no picture yet.")
            return
        layout, title = canvas.layout, subject.handle or "result"

        def write(path: Path, overwrite: bool) -> None:
            self._save(subject, layout, title, path, overwrite)

        ask_for_file(self.app, f"{title}.svg", write)

    @work(thread=True, group="save")
    def _save(self, subject: Subject, layout: Layout, title: str, path: Path, overwrite: bool) -> None:
        from workbench.tui.pictures.save_picture import format_of, save

        try:
            text = written(subject, layout, format_of(path), title)
        except WorkbenchError as error:
            self.call_later(self.app.tell, str(error))
            return
        self.call_later(save, self.app, path, text, overwrite)
