"""The one table of actions: it feeds key bindings, the footer, the command palette and the help.

An action belongs to a scope; the widget or screen of that scope has the method `action_NAME`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a user can do.

    Attributes:
        name: of the method, without `action_`.
        keys: that do it, separated by commas; empty for those of the palette only.
        label: a word or two for the footer.
        about: a sentence for help and palette.
        footer: 0 is not in the footer; of the others those with small numbers are shown where there is little room.
        priority: whether the key is taken before the focused widget sees it.
    """

    name: str
    keys: str
    label: str
    about: str
    footer: int = 0
    priority: bool = False


_MOVES = (
    Action("cursor_up", "up,k", "Up", "Move up"),
    Action("cursor_down", "down,j", "Down", "Move down"),
    Action("page_up", "pageup,ctrl+b,ctrl+u", "Page up", "A page up"),
    Action("page_down", "pagedown,ctrl+f,ctrl+d", "Page down", "A page down"),
    Action("first", "home,g", "First", "Go to the first row"),
    Action("last", "end,G", "Last", "Go to the last row"),
    Action("copy", "y", "Copy", "Copy what is under the cursor: a name, a wire, a finding"),
)

ACTIONS: dict[str, tuple[Action, ...]] = {
    "list": _MOVES,
    "browse": (
        Action("pick", "space", "Pick", "Pick an output, then an input: that is a wire", 1),
        Action("detail", "enter", "Detail", "Show the detail of the row", 3),
        Action("filter", "slash", "Filter", "Filter by name, op, dtype, shape or function", 3, priority=True),
        Action("unfold", "right,l", "Unfold", "Unfold the row, or show its detail"),
        Action("fold", "left,h", "Fold", "Fold the row, or go to the one it is in"),
        Action("next_match", "n", "Next match", "Go to the next match of the filter"),
        Action("previous_match", "N", "Previous match", "Go to the previous match of the filter"),
        Action("drop", "escape", "Clear", "Let the pick go, then clear the filter"),
        Action("back", "backspace", "Back", "Back to where the last link came from"),
        Action("use_signature", "a", "Use signature", "Choose the signature or callable under the cursor"),
        Action("replace", "r", "Replace model", "Open another model in the place of this one"),
        Action("close_model", "D", "Close model", "Take this model and its wires out"),
    ),
    "filter": (
        Action("take", "enter", "To the list", "Go to what was found", 1),
        Action("clear", "escape", "Clear", "Clear the filter", 1),
        Action("up", "up", "Up", "Move up in the list"),
        Action("down", "down", "Down", "Move down in the list"),
        Action("page_up", "pageup", "Page up", "A page up in the list"),
        Action("page_down", "pagedown", "Page down", "A page down in the list"),
    ),
    "detail": (
        Action("follow", "enter,right,l", "Follow", "Follow the link of the line", 1),
        Action("next_link", "tab", "Next link", "Go to the next link", 2),
        Action("previous_link", "shift+tab", "Previous link", "Go to the previous link"),
        Action("back", "backspace,left,h", "Back", "Back to where the last link came from, then to the list", 1),
        Action("leave", "escape", "List", "Back to the list", 2),
        Action("pick", "space", "Pick", "Pick what is shown, or wire into it", 1),
    ),
    "wires": (
        Action("unwire", "d,delete", "Unwire", "Take the wire out", 1),
        Action("source", "enter", "Go to output", "Go to where the wire starts", 1),
        Action("target", "right,l", "Go to input", "Go to where the wire ends"),
    ),
    "findings": (Action("place", "enter", "Go to place", "Go to where the finding is", 1),),
    "work": (
        Action("suggest", "s", "Suggest", "Wires that would fit by dtype, shape and name", 3),
        Action("commit", "c", "Commit", "Choose a target and write the merged model", 2),
        Action("preview", "v", "Preview", "Look at the joined graph and what the commit will do", 2),
        Action("open", "o", "Open", "Open a model beside the others", 4),
        Action("undo", "u", "Undo", "Take the last change back", 5),
        Action("redo", "U,ctrl+r", "Redo", "Do it again"),
        Action("swap", "x", "Swap", "Swap the models"),
        Action("save_recipe", "e", "Save recipe", "Save the plan as a recipe, for workbench merge --recipe"),
        Action("copy_command", "Y", "Copy command", "Copy the workbench merge line"),
        Action("region('a')", "1", "First model", "Go to the first model"),
        Action("region('b')", "2", "Second model", "Go to the second model"),
        Action("region('wires')", "3,w", "Wires", "Go to the wires"),
        Action("region('findings')", "4,f", "Findings", "Go to the findings"),
        Action("next_region", "tab", "Next pane", "Go to the next pane"),
        Action("previous_region", "shift+tab", "Previous pane", "Go to the previous pane"),
    ),
    "commit": (
        Action("commit", "ctrl+s,f9", "Commit", "Check, write, prove and publish", 1),
        Action("leave", "escape", "Back", "Cancel what runs, else go back to the models", 1),
        Action("pick_file", "ctrl+o", "Pick a file", "Choose a file for the input under the cursor", 2),
        Action("copy_command", "ctrl+y", "Copy command", "Copy the workbench merge line", 3),
        Action("save_recipe", "ctrl+e", "Save recipe", "Save the plan as a recipe, for workbench merge --recipe"),
        Action("copy_call", "ctrl+r", "Copy call", "Copy the line that runs the result"),
    ),
    "preview": (
        Action("leave", "escape,q", "Back", "Back to the models", 1),
        Action("commit", "c", "Commit", "Choose a target and write the merged model", 2),
        Action("copy_command", "Y", "Copy command", "Copy the workbench merge line"),
    ),
    "canvas": (
        Action("move('left')", "left,h", "Left", "Select the box on the left"),
        Action("move('down')", "down,j", "Down", "Select the box below"),
        Action("move('up')", "up,k", "Up", "Select the box above"),
        Action("move('right')", "right,l", "Right", "Select the box on the right"),
        Action("pan(-1,0)", "shift+left,H", "Pan left", "Move the picture"),
        Action("pan(1,0)", "shift+right,L", "Pan right", "Move the picture"),
        Action("pan(0,-1)", "shift+up,K", "Pan up", "Move the picture"),
        Action("pan(0,1)", "shift+down,J", "Pan down", "Move the picture"),
        Action("expand", "enter,space", "Open / close", "Open the box, or close an opened one", 1),
        Action("close_box", "backspace", "Close", "Close the innermost opened thing around the box", 3),
        Action("focus_box", "f", "Focus", "Show only what is near the box", 2),
        Action("hops(1)", "right_square_bracket", "More", "A step more around the focus"),
        Action("hops(-1)", "left_square_bracket", "Less", "A step less around the focus"),
        Action("zoom(-1)", "plus,equals_sign,i", "Closer", "Boxes say more", 4),
        Action("zoom(1)", "minus,o,z", "Further", "Boxes say less, so that more can be seen", 3),
        Action("across", "d", "Direction", "Draw downwards or to the right"),
        Action("controls", "e", "Control edges", "Show or hide control edges", 4),
        Action("search", "slash", "Find", "Find a box", 2),
        Action("next_match", "n", "Next", "Next box that was found"),
        Action("previous_match", "N", "Previous", "Previous box that was found"),
        Action("seam", "s", "Seam", "Go to the seam between the models"),
        Action("first", "g,home", "First", "Go to the first box"),
        Action("last", "G,end", "Last", "Go to the last box"),
        Action("copy", "y", "Copy", "Copy the name of the box"),
    ),
    "chooser": (
        Action("submit", "enter", "Open", "Open what is marked in the list; a folder is entered", 1),
        Action("complete", "tab", "Complete", "Put what is marked into the line", 2),
        Action("up", "up", "Up", "Move up in the list"),
        Action("down", "down", "Down", "Move down in the list"),
        Action("page_up", "pageup", "Page up", "A page up in the list"),
        Action("page_down", "pagedown", "Page down", "A page down in the list"),
    ),
    "start": (Action("leave", "escape", "Clear, quit", "Clear what was typed; quit if nothing was", 1),),
    "modal": (Action("cancel", "escape", "Close", "Close this", 1),),
    "app": (
        Action("help", "question_mark,f1", "Help", "All keys of where you are", 1),
        Action("command_palette", "ctrl+p", "Palette", "Every action by its name", 4),
        Action("toggle_dark", "t", "Light / dark", "Switch between the light and the dark theme"),
        Action("change_theme", "", "Theme", "Choose another theme"),
        Action("suspend_process", "ctrl+z", "Suspend", "Suspend to the shell; fg comes back", priority=True),
        Action("ask_quit", "q", "Quit", "Quit", 1),
        Action("ask_quit", "ctrl+q,ctrl+c", "Quit", "Quit, from anywhere", priority=True),
    ),
}  # fmt: skip

LEAST = 9
"""A rank behind all others."""
FOOTER = frozenset({"help", "command_palette", "ask_quit"})
"""Actions the footer shows with whatever key of theirs works."""

SCOPE_TITLES = {
    "list": "In every list",
    "browse": "In a model",
    "filter": "While a filter is typed",
    "detail": "In a detail",
    "wires": "In the wires",
    "findings": "In the findings",
    "work": "Everywhere here",
    "commit": "Committing",
    "preview": "In the preview",
    "canvas": "In the picture",
    "chooser": "While a path is typed",
    "start": "At the start",
    "modal": "Here",
    "app": "Everywhere",
}


@cache
def ranks(scope: str) -> dict[str, int]:
    """How much each action of a scope belongs into the footer; 1 is the most."""
    return {action.name: action.footer for action in ACTIONS.get(scope, ()) if action.footer}


@cache
def bindings(*scopes: str) -> list[BindingType]:
    """The key bindings of scopes, for a class's `BINDINGS`."""
    found: list[BindingType] = []
    for scope in scopes:
        for action in ACTIONS[scope]:
            if not action.keys:
                continue
            first, *others = action.keys.split(",")
            found.append(
                Binding(
                    first,
                    action.name,
                    action.label,
                    show=bool(action.footer),
                    priority=action.priority,
                    tooltip=action.about,
                )
            )
            found += [
                Binding(
                    key, action.name, action.label, show=False, priority=action.priority, tooltip=action.about
                )
                for key in others
            ]
    return found


_SHOWN = {
    "slash": "/", "question_mark": "?", "space": "space", "enter": "enter", "escape": "esc", "backspace": "bksp",
    "plus": "+", "right_square_bracket": "]", "left_square_bracket": "[", "equals_sign": "=", "minus": "-",
    "pageup": "pgup", "pagedown": "pgdn", "delete": "del",
}  # fmt: skip


def key_text(key: str) -> str:
    """A key as people write it: `ctrl+p` as `^p`."""
    if key.startswith("ctrl+"):
        return "^" + key_text(key[5:])
    return _SHOWN.get(key, key)


def keys_text(action: Action) -> str:
    """All keys of an action."""
    return " ".join(key_text(key) for key in action.keys.split(",")) if action.keys else ""


def does_nothing(key: str, scopes: Iterable[str]) -> str:
    """Say that a key does nothing here, and which keys do.

    Args:
        key: the key.
        scopes: of what has the focus, innermost first.
    """
    scope = next((scope for scope in scopes if scope != "list"), "")
    able = [action for action in ACTIONS.get(scope, ()) if action.footer and action.keys]
    keys = ", ".join(f"{key_text(action.keys.split(',')[0])} {action.label.lower()}" for action in able)
    return f"{key} does nothing here. " + (f"What does: {keys}." if keys else "? lists the keys.")
