"""The command palette: every action that can be done where one is, by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider

from workbench.session.steps import choices
from workbench.tui.actions import ACTIONS, Action, keys_text

if TYPE_CHECKING:
    from textual.dom import DOMNode
    from textual.screen import Screen


class Palette(CommandPalette):
    """The command palette in the application's colours."""

    CSS_PATH = "palette.tcss"


def holders(screen: Screen[object]) -> dict[str, DOMNode]:
    """Return for each scope the node that runs its actions: the focused, else the first."""
    found: dict[str, DOMNode] = {}
    focused = screen.focused
    chain: list[DOMNode] = list(focused.ancestors_with_self) if focused is not None else []
    for node in [*chain, screen, *screen.query("*"), screen.app]:
        for kind in type(node).__mro__:
            scope = kind.__dict__.get("SCOPE")
            if scope:
                found.setdefault(scope, node)
    return found


def available(screen: Screen[object]) -> Iterator[tuple[str, Action, DOMNode]]:
    """Yield (scope, action, node) for every action a screen offers, each once."""
    nodes = holders(screen)
    for scope, actions in ACTIONS.items():
        if scope not in nodes:
            continue
        seen: set[str] = set()
        for action in actions:
            if action.about not in seen:
                seen.add(action.about)
                yield scope, action, nodes[scope]


def entry(action: Action) -> str:
    """Return the line of an action: its label, what it does, and its first keys."""
    keys = " ".join(keys_text(action).split()[:2])
    return f"{action.label}: {action.about}{f'  ({keys})' if keys else ''}"


class Actions(Provider):
    """The provider of our table of actions for the palette."""

    def _all(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Yield each action, and each operation that can be added as a step, with what it does."""
        said: set[str] = set()
        for scope, action, node in available(self.screen):
            if action.name in ("command_palette",) or scope == "list" or action.about in said:
                continue
            said.add(action.about)
            yield entry(action), partial(self.app.run_action, action.name, node)
        from workbench.tui.screens.work import WorkScreen

        if isinstance(self.screen, WorkScreen):
            for name, about in choices(several=len(self.screen.session.plan.sources) > 1):
                yield f"Add step {name}: {about}", partial(self.screen.action_add_step, name)

    async def discover(self) -> Hits:
        """Yield all actions."""
        for name, run in self._all():
            yield DiscoveryHit(name, run)

    async def search(self, query: str) -> Hits:
        """Yield the actions that match the query."""
        matcher = self.matcher(query)
        for name, run in self._all():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), run)
