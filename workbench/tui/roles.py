"""How each role of a piece of text looks in the theme as it is.

The colours are looked up in the theme and not through component classes of CSS: those are matched one by one for
each widget, which is a good part of the time to the first frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.style import Style

if TYPE_CHECKING:
    from textual.app import App

_ROLES: dict[str, tuple[str, str, str]] = {
    # role: (colour, what else, background)
    "": ("", "", ""),
    "plain": ("foreground", "", ""),
    "quiet": ("quiet", "", ""),
    "title": ("foreground", "bold", ""),
    "strong": ("foreground", "bold", ""),
    "name": ("foreground", "bold", ""),
    "heading": ("primary", "bold", ""),
    "key": ("primary", "bold", ""),
    "link": ("primary", "underline", ""),
    "op": ("accent", "", ""),
    "dtype": ("dtype", "", ""),
    "adapter": ("adapter", "", ""),
    "good": ("success", "", ""),
    "bad": ("error", "", ""),
    "maybe": ("warning", "", ""),
    "error": ("error", "bold", ""),
    "warning": ("warning", "bold", ""),
    "info": ("quiet", "", ""),
    "line": ("line", "", ""),
    "seam": ("accent", "bold", ""),
    "selected": ("primary", "bold", ""),
    "on": ("background", "bold", "primary"),
    "off": ("quiet", "", "panel"),
    "cursor": ("", "", "cursor"),
    "mark": ("", "", "cursor-blur"),
    "model-0": ("model-a", "bold", ""),
    "model-1": ("model-b", "bold", ""),
    "model-2": ("model-c", "bold", ""),
    "model-3": ("model-d", "bold", ""),
    "kind-input": ("kind-input", "bold", ""),
    "kind-constant": ("kind-constant", "bold", ""),
    "kind-variable": ("kind-variable", "bold", ""),
    "kind-arithmetic": ("kind-arithmetic", "bold", ""),
    "kind-convolution": ("kind-convolution", "bold", ""),
    "kind-control-flow": ("kind-control-flow", "bold", ""),
    "kind-table": ("kind-table", "bold", ""),
    "kind-string": ("kind-string", "bold", ""),
    "kind-other": ("kind-other", "", ""),
}

_ANSI = {"cursor": "reverse", "mark": "underline"}
"""With a terminal's own colours no background is known to suit all of them: these stand out on any."""


_MOST_KNOWN = 20_000


def role_style(app: App[Any], role: str) -> Style:
    """Return the style of a role, or of colours `#rrggbb on #rrggbb`; the same object for each theme."""
    key = (app.theme, role)
    found = _known.get(key)
    if found is None:
        if len(_known) > _MOST_KNOWN:  # each picture has colours of its own
            _known.clear()
        colour, more, background = _ROLES[role] if role[:1] != "#" else _parts(role)
        if app.current_theme.ansi and role in _ANSI:
            colour, more, background = "", _ANSI[role], ""
        found = _known[key] = Style(
            color=_colour(app, colour),
            bgcolor=_colour(app, background),
            bold="bold" in more or None,
            underline="underline" in more or None,
            reverse="reverse" in more or None,
        )
    return found


def _parts(colours: str) -> tuple[str, str, str]:
    """Return the colours of a cell of a picture, `#rrggbb on #rrggbb`, as an entry of the table."""
    front, _, behind = colours.partition(" on ")
    return front, "", behind


_known: dict[tuple[str, str], Style] = {}


def _colour(app: App[Any], name: str) -> Any:
    if not name:
        return None
    from textual.color import Color

    text = name if name.startswith("#") else app.theme_variables.get(name)
    return Color.parse(text).rich_color if text else None
