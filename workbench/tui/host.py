"""The application as screens and widgets see it: what they share and may ask for, without the screens themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.app import App

from workbench.session.session import Session
from workbench.session.store import Store
from workbench.tui import clipboard

if TYPE_CHECKING:
    from workbench.session.committing import Committer
    from workbench.session.texts.story import Story


class Look(NamedTuple):
    """How the application is drawn: theme, glyphs, motion.

    Attributes:
        theme: name of a theme, or empty for the one that suits the terminal.
        ascii: draw without box glyphs.
    """

    theme: str = ""
    ascii: bool = False


class Host(App[int]):
    """The session, the store and the committer, and notices in the last line.

    Args:
        session: with the sources that were named on the command line.
        store: recent models and unfinished plans.
        look: theme and glyphs.
    """

    def __init__(
        self, session: Session | None = None, store: Store | None = None, look: Look | None = None
    ) -> None:
        super().__init__()
        self.session = session or Session()
        self.store = store or Store()
        self.look = look or Look()
        self.story: Story | None = None
        self._committer: Committer | None = None

    @property
    def committer(self) -> Committer:
        """Return the committer, which runs TensorFlow in at most one child process."""
        if self._committer is None:
            from workbench.session.committing import Committer

            self._committer = Committer()
            self.set_interval(5.0, self._committer.tick)
        return self._committer

    def copy_to_clipboard(self, text: str) -> None:
        """Copy text to the clipboard and show a notice of it."""
        self._clipboard = text
        if self._driver is not None:
            clipboard.copy(text, self._driver.write)
        line = text if len(text) <= 60 else f"{text[:57]}…"
        self.notify(line, title="Copied", timeout=2, markup=False)

    def tell(
        self, message: str, hint: str | None = None, *, title: str = "", severity: Any = "information"
    ) -> None:
        """Show a notice; text from models is not read as markup."""
        self.notify(f"{message}\n{hint}" if hint else message, title=title, severity=severity, markup=False)

    def say(self, text: str) -> None:
        """Show in the last line why a key did nothing."""
        from workbench.tui.widgets.bars import Keys

        line = next(iter(self.screen.query(Keys)), None)
        if line is not None:
            line.say(text)
        else:
            self.tell(text)

    def refresh_keys(self) -> None:
        """Draw the last line anew: what is under the cursor decides what keys can do."""
        from workbench.tui.widgets.bars import Keys

        for widget in self.screen.children:
            if isinstance(widget, Keys):
                widget.refresh()

    def plan_changed(self) -> None:
        """Save the plan, so that a lost connection loses nothing."""
        plan = self.session.plan
        if self.session.unsaved:
            tags = {handle: model.meta.tags for handle, model in self.session.models.items()}
            self.store.keep(plan, tags, self.session.commit.target)
        else:
            self.store.forget()

    def remember(self, path: Path) -> None:
        """Add a model to the recent ones."""
        self.store.remember(path)

    def begin_story(self) -> None:
        """Open the sample models of the story, and guide through it."""
        from workbench.session.texts.story import begin

        self.session = Session()
        self.story = begin(self.session)

    # -- what changes screens; the application does it

    def show_work(self) -> None:
        """Switch to the main screen."""
        raise NotImplementedError

    def show_picture(self, handle: str) -> None:
        """Show the picture of a model over this screen."""
        raise NotImplementedError

    def commit_ended(self) -> None:
        """Close the question whether to cancel a commit that has ended."""
        raise NotImplementedError

    def action_ask_quit(self) -> None:
        """Leave, after a question if something would be lost."""
        raise NotImplementedError
