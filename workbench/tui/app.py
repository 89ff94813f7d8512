"""The application: themes, signals, which screen is shown. What a screen does is in its own file."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import ANSIToTruecolor

from workbench.session.session import Session
from workbench.session.store import Store
from workbench.tui import themes
from workbench.tui.actions import bindings, does_nothing
from workbench.tui.host import Host, Look

if TYPE_CHECKING:
    from textual.screen import Screen

LOST = 129
"""Exit code when the terminal was closed: 128 + SIGHUP, as in a shell."""


def _actions() -> Any:
    """Return the provider of the palette's actions; imported when it is opened."""
    from workbench.tui.palette import Actions

    return Actions


class WorkbenchApp(Host):
    """The Textual application of the workbench.

    Args:
        session: with the sources that were named on the command line; they are opened once the first frame is there.
        store: recent models and unfinished plans.
        look: theme and glyphs.
        first: what is shown above the start screen: a lesson, for example.
    """

    TITLE = "workbench"
    CSS_PATH = "app.tcss"
    SCOPE = "app"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("app"),
        # what nothing between the focus and the application has taken
        Binding("space", "nothing('space')", show=False),
        Binding("enter", "nothing('enter')", show=False),
    ]
    COMMANDS: ClassVar[set[Any]] = {_actions}
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    NOTIFICATION_TIMEOUT = 6

    def __init__(
        self,
        session: Session | None = None,
        store: Store | None = None,
        look: Look | None = None,
        first: Sequence[Screen[Any]] = (),
    ) -> None:
        super().__init__(session, store, look)
        self._first = first
        self._asked_about_commit: Screen[Any] | None = None
        for theme in (themes.DARK, themes.LIGHT, themes.SIXTEEN):
            self.register_theme(theme)
        # before the style sheets are read: with another theme they would be read again
        wanted = self.look.theme or themes.suited(self.console.color_system)
        self.set_reactive(App.theme, wanted if wanted in self.available_themes else themes.DARK.name)
        self.set_class(self.current_theme.dark, "-dark-mode", update=False)
        self.set_class(not self.current_theme.dark, "-light-mode", update=False)
        self.stylesheet.set_variables(self.get_css_variables())
        for line_filter in self._filters:
            if isinstance(line_filter, ANSIToTruecolor):
                line_filter.enabled = not self.native_ansi_color
        if self.look.ascii:
            from workbench.tui.glyphs import AsciiFilter

            self._filters.append(AsciiFilter())

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the colours that themes of others lack."""
        light = not self.current_theme.dark
        return dict((themes.LIGHT if light else themes.DARK).variables)

    def on_mount(self) -> None:
        """Install signal handlers and show the first screen."""
        self._heed_signals()
        # back from the shell the terminal is empty, which Textual does not know
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.set_timer(5.0, gc.enable)  # also where nothing could be opened
        self.show_first()

    def show_first(self) -> None:
        """Open the start screen if no model was named."""
        if not self.session.plan.sources:
            from workbench.tui.screens.start import StartScreen

            self.push_screen(StartScreen())
            for screen in self._first:
                self.push_screen(screen)

    def get_default_screen(self) -> Screen[Any]:
        """Return the main screen as the bottom one, so that no empty screen is drawn."""
        return self._work_screen() if self.session.plan.sources else super().get_default_screen()

    def _heed_signals(self) -> None:
        """Restore the terminal and end the child on SIGHUP or SIGTERM."""
        import asyncio
        import signal
        from contextlib import suppress

        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                number = getattr(signal, name)
                with suppress(NotImplementedError, RuntimeError, ValueError):  # not on this system or thread
                    asyncio.get_running_loop().add_signal_handler(number, self._end, 128 + number)

    def lose_terminal(self) -> NoReturn:
        """End the process at once, from any thread: there is no terminal any more.

        The way out through Textual is barred: it waits for what is written to be taken.
        """
        import os

        try:
            if self._committer is not None:
                self._committer.close()
        finally:
            os._exit(LOST)

    def _end(self, code: int) -> None:
        if self._committer is not None:
            self._committer.close()
        self.exit(code, return_code=code)

    def action_lesson(self) -> None:
        """Go back to the lesson from which a model was opened."""
        from workbench.tui.learning.lesson import LessonScreen

        while not isinstance(self.screen, LessonScreen):
            self.pop_screen()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the way back to a lesson only where there is one."""
        if action == "lesson":
            below = [getattr(screen, "SCOPE", "") for screen in self.screen_stack[:-1]]
            return "lesson" in below
        return super().check_action(action, parameters)

    def show_work(self) -> None:
        """Switch to the main screen."""
        self.push_screen(self._work_screen())

    def show_picture(self, handle: str) -> None:
        """Show the picture of a model over this screen."""
        from workbench.tui.pictures.preview import PreviewScreen

        self.push_screen(PreviewScreen(self.session, handle, alone=True))

    def _work_screen(self) -> Screen[Any]:
        from workbench.tui.screens.work import WorkScreen

        return WorkScreen(self.session)

    # -- actions

    def action_help(self) -> None:
        """Show the help of the focused scope."""
        from workbench.tui.guidance.help import HelpScreen
        from workbench.tui.palette import available

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(list(available(self.screen))))

    def action_command_palette(self) -> None:
        """Show the command palette."""
        from workbench.tui.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def action_toggle_dark(self) -> None:
        """Switch between the light and the dark theme."""
        self.theme = themes.LIGHT.name if self.current_theme.dark else themes.DARK.name

    def action_change_theme(self) -> None:
        """Let the user choose a theme."""
        self.search_themes()

    def action_nothing(self, key: str) -> None:
        """Show that a key does nothing here, and which keys do."""
        nodes = self.focused.ancestors_with_self if self.focused is not None else [self.screen]
        self.say(does_nothing(key, (getattr(node, "SCOPE", "list") for node in nodes)))

    def action_suspend_process(self) -> None:
        """Suspend the application until the shell's `fg`."""
        if self.is_web:
            self.tell("A browser has no shell to suspend to.")
        else:
            super().action_suspend_process()

    def action_ask_quit(self) -> None:
        """Quit; ask first when wires or steps would be lost or a commit runs."""
        running = self._committer is not None and self._committer.running
        if not (self.session.unsaved or running):
            self.leave()
            return
        from workbench.session.steps import counted
        from workbench.tui.screens.dialog import AskScreen

        if isinstance(self.screen, AskScreen):
            self.leave()
            return
        if running:
            doing = self.committer.doing or "commit"
            text = f"A {doing} is running. Quitting cancels it and leaves nothing behind."
        else:
            plan = self.session.plan
            lost = counted(len(plan.wires), len(plan.other_steps))
            text = f"{lost} {'is' if len(plan.steps) == 1 else 'are'} neither committed nor saved."
        choices = [("quit", "Quit"), ("stay", "Stay")]
        if not running:
            choices.insert(1, ("save", "Save a recipe"))
        question = AskScreen("Quit?", text, choices)
        self._asked_about_commit = question if running else None
        self.push_screen(question, self._quit_answer)

    def commit_ended(self) -> None:
        """Close the question whether to cancel a commit that has ended."""
        question, self._asked_about_commit = self._asked_about_commit, None
        if question is not None and question.is_current:
            question.dismiss(None)

    def _quit_answer(self, answer: str | None) -> None:
        if answer == "quit":
            self.leave()
        elif answer == "save":
            from workbench.tui.screens.work import WorkScreen

            for screen in reversed(self.screen_stack):
                if isinstance(screen, WorkScreen):
                    screen.action_save_recipe()
                    return

    def leave(self) -> None:
        """End the child, forget the unfinished plan, and exit."""
        if self._committer is not None:
            self._committer.close()
        self.store.forget()
        self.exit(0)

    def on_unmount(self) -> None:
        """End the child, however the application ended."""
        if self._committer is not None:
            self._committer.close()

    def get_system_commands(self, screen: Any) -> Iterable[Any]:
        """Return no commands of Textual's own: the palette has our table."""
        return ()
