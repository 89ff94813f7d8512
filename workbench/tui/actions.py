"""The one table of actions: it feeds key bindings, the footer, the command palette and the help.

An action belongs to a scope; the widget or screen of that scope has the method `action_NAME`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from textual.binding import Binding, BindingType


class Action(NamedTuple):
    """An action a user can trigger by a key, the palette or a click.

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
    Action("page_up", "pageup,ctrl+b,ctrl+u", "Page up", "Move a page up"),
    Action("page_down", "pagedown,ctrl+f,ctrl+d", "Page down", "Move a page down"),
    Action("first", "home,g", "First", "Go to the first row"),
    Action("last", "end,G", "Last", "Go to the last row"),
    Action("copy", "y", "Copy", "Copy the name, wire or finding under the cursor"),
)

ACTIONS: dict[str, tuple[Action, ...]] = {
    "list": _MOVES,
    "browse": (
        Action("pick", "space", "Pick", "Pick an output, then an input, to wire them", 1),
        Action("detail", "enter", "Detail", "Show the details of the row", 3),
        Action("adapt", "equals_sign", "Adapt", "Wire the pick through the adapters that are suggested"),
        Action("adapters", "vertical_line", "Adapters", "Wire the pick through adapters of your choice"),
        Action("filter", "slash", "Filter", "Filter by name, op, dtype, shape, size or function", 3, priority=True),
        Action("show_details", "d", "Show / hide details", "Show or hide the details beside the list"),
        Action("flat", "F", "Flat / tree", "Show all nodes in one list, or as a tree of name scopes", 6),
        Action("sort", "S", "Sort", "Sort variables or functions by size, name or calls", 2),
        Action("next_section", "right_square_bracket", "Next section", "Go to the next section"),
        Action("previous_section", "left_square_bracket", "Previous section", "Go to the previous section"),
        Action("unfold", "right,l", "Unfold", "Unfold the row, or show its details", 2),
        Action("fold", "left,h", "Fold", "Fold the row, or go to its parent row", 6),
        Action("next_match", "n", "Next match", "Go to the next match of the filter"),
        Action("previous_match", "N", "Previous match", "Go to the previous match of the filter"),
        Action("drop", "escape", "Clear", "Cancel the pick, then clear the filter"),
        Action("back", "backspace", "Back", "Go back along the last link"),
        Action("use_signature", "a", "Use signature", "Choose the signature or callable under the cursor"),
        Action("replace", "r", "Replace model", "Replace this model with another one"),
        Action("close_model", "D", "Close model", "Close this model and remove its wires"),
    ),
    "filter": (
        Action("take", "enter", "To the list", "Go to the matches", 1),
        Action("clear", "escape", "Clear", "Clear the filter", 1),
        Action("up", "up", "Up", "Move up in the list"),
        Action("down", "down", "Down", "Move down in the list"),
        Action("page_up", "pageup", "Page up", "Move a page up in the list"),
        Action("page_down", "pagedown", "Page down", "Move a page down in the list"),
    ),
    "detail": (
        Action("follow", "enter,right,l", "Follow", "Follow the link of the line", 1),
        Action("next_link", "tab", "Next link", "Go to the next link", 2),
        Action("previous_link", "shift+tab", "Previous link", "Go to the previous link"),
        Action("back", "backspace,left,h", "Back", "Go back along the last link, then to the list", 1),
        Action("leave", "escape", "List", "Go back to the list", 2),
        Action("pick", "space", "Pick", "Pick the shown tensor, or wire the pick to it", 1),
    ),
    "explanation": (
        Action("follow", "enter", "Follow", "Explain the target of the marked link", 1),
        Action("next_link", "tab,right,l", "Next link", "Mark the next link", 2),
        Action("previous_link", "shift+tab,left,h", "Previous link", "Mark the previous link"),
        Action("back", "backspace,left_square_bracket", "Back", "Go back along the last link", 1),
        Action("forward", "right_square_bracket", "Forward", "Go forward again along a link", 3),
        Action("place", "full_stop", "In the list", "Show in the list what is explained", 2),
        Action("leave", "escape", "List", "Go back to the list", 1),
    ),
    "wires": (
        Action("remove", "d,delete", "Remove", "Remove the wire or step", 1),
        Action("source", "enter", "Go to, change", "Go to the output of the wire, or change the step", 1),
        Action("target", "right,l", "Go to input", "Go to the input of the wire"),
        Action("adapters", "vertical_line", "Adapters", "Show and change the adapters of the wire", 2),
        Action("adapt", "equals_sign", "Adapt", "Give the wire the adapters that a finding suggests"),
    ),
    "findings": (
        Action("place", "enter", "Go to cause", "Go to what the finding is about", 1),
        Action("act", "a", "Follow hint", "Do what the hint of the finding asks", 1),
    ),
    "model-findings": (
        Action("place", "enter", "Go to cause", "Go to what the finding is about", 1),
        Action("act", "a", "Follow hint", "Do what the hint of the finding asks", 1),
    ),
    "work": (
        Action("suggest", "s", "Suggest", "List compatible wires, by dtype, shape and name", 3),
        Action("commit", "c", "Commit", "Choose a target and write the result", 2),
        Action("run", "R", "Run", "Run a model and see the values of its tensors", 3),
        Action("preview", "v", "Preview", "Show the graph of the result and what the commit will do", 2),
        Action("draw_model", "V", "Draw model", "Show the graph of the model under the cursor alone"),
        Action("open", "o", "Open", "Open a model next to the others", 4),
        Action("explain", "E", "Explain", "Show or hide the explanation of what is under the cursor", 2),
        Action("model_findings", "exclamation_mark", "Check", "List what check and scan find in the model", 5),
        Action("into_explanation", "K", "Into explanation", "Go to the links of the explanation"),
        Action("add_step", "A", "Add step", "Add a step for the row under the cursor: any operation", 3),
        Action("undo", "u", "Undo", "Undo the last change", 5),
        Action("redo", "U,ctrl+r", "Redo", "Redo the last undone change"),
        Action("history", "H", "History", "List all changes, and go back or forward to any of them"),
        Action("swap", "x", "Swap", "Swap the models"),
        Action("save_recipe", "e", "Save recipe", "Save the plan as a recipe, for workbench apply"),
        Action("copy_command", "Y", "Copy command", "Copy the command that does the same"),
        *(
            Action(f"region_number({at})", str(at), f"Pane {at}", f"Go to the {word} pane")
            for at, word in enumerate(("first", "second", "third", "fourth", "fifth", "sixth"), 1)
        ),
        Action("region('wires')", "w", "Wires", "Go to the wires and steps"),
        Action("region('findings')", "f", "Findings", "Go to the findings"),
        Action("next_region", "tab", "Next pane", "Go to the next pane"),
        Action("previous_region", "shift+tab", "Previous pane", "Go to the previous pane"),
        Action("resize('x',1)", "greater_than_sign", "Wider", "Make the pane wider; the mouse drags its edge"),
        Action("resize('x',-1)", "less_than_sign", "Narrower", "Make the pane narrower"),
        Action("resize('y',1)", "plus", "Taller", "Make the pane taller; the mouse drags its edge"),
        Action("resize('y',-1)", "minus", "Shorter", "Make the pane shorter"),
        Action("alone", "z", "Alone", "Give the pane all of the screen, or show the others again"),
        Action("show_lower", "m", "Show / hide lower", "Show or hide the findings and steps below the models"),
        Action("reset_layout", "0", "Reset panes", "Give all panes their first sizes, and show them"),
    ),
    "run": (
        Action("run", "ctrl+s,f9", "Run", "Run the model on these inputs", 1),
        Action("leave", "escape", "Back", "Cancel the run, or go back", 1),
        Action("pick_file", "ctrl+o", "Pick a file", "Choose a file for the input under the cursor", 2),
        Action("signature", "f3", "Signature", "Choose the signature or callable that is run", 4),
        Action("next_region", "f6", "Next pane", "Go to the next pane", 3),
        Action("previous_region", "shift+f6", "Previous pane", "Go to the previous pane"),
        Action("region('form')", "1", "Inputs", "Go to the inputs"),
        Action("region('values')", "2", "Values", "Go to the list of values"),
        Action("region('value')", "3", "Value", "Go to the value of the tensor under the cursor"),
        Action("copy_command", "ctrl+y", "Copy command", "Copy the command that does the same", 5),
    ),
    "values": (
        Action("detail", "enter", "Value", "Show the value of the tensor under the cursor", 2),
        Action("picture", "v", "Picture", "Show the values in the picture of the graph", 2),
        Action("next_odd", "n", "First NaN", "Go to the first tensor with a NaN or an infinity", 4),
        Action("clear", "D", "Clear", "Forget the values of this run", 4),
    ),
    "commit": (
        Action("commit", "ctrl+s,f9", "Commit", "Check, write, verify and publish", 1),
        Action("leave", "escape", "Back", "Cancel the commit that runs, or go back to the models", 1),
        Action("pick_file", "ctrl+o", "Pick a file", "Choose a file for the input under the cursor", 2),
        Action("copy_command", "ctrl+y", "Copy command", "Copy the command that does the same", 3),
        Action("details", "f2", "Nodes, names", "Show what becomes of nodes and names", 4),
        Action("save_recipe", "ctrl+e", "Save recipe", "Save the plan as a recipe, for workbench apply"),
        Action("copy_call", "ctrl+r", "Copy call", "Copy the line that runs the result"),
        Action("run_result", "r", "Run it", "Run the result and see its outputs", 1),
        Action("open_result", "o", "Open it", "Open the result in place of these models", 2),
    ),
    "preview": (
        Action("leave", "escape,q", "Back", "Go back to the models", 1),
        Action("values", "V", "Values", "Show or hide the values of the last run in the picture", 3),
        Action("details", "f2", "Nodes, names", "Show what becomes of nodes and names"),
        Action("to_row", "b", "To the list", "Go back to the models, to the row of the box", 3),
        Action("explain", "E", "Explain", "Explain what the box represents", 3),
        Action("commit", "c", "Commit", "Choose a target and write the result", 2),
        Action("subject", "v", "Result / model", "Draw the result, or one of the models alone, in turn", 3),
        Action("pick", "w", "Wire", "Pick the output or input of the box for a wire, or wire the pick to it", 3),
        Action("overview", "m", "Overview", "Show or hide the overview of the whole picture", 5),
        Action("save", "S", "Save picture", "Save the picture as SVG, HTML, text, DOT, Mermaid or JSON", 4),
        Action("copy_command", "Y", "Copy command", "Copy the command that does the same"),
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
        Action("close_box", "backspace", "Close", "Close the innermost opened box around this one", 3),
        Action("focus_box", "f", "Focus", "Show only the neighbourhood of the box", 2),
        Action("hops(1)", "right_square_bracket", "More", "Show one step more around the focus"),
        Action("hops(-1)", "left_square_bracket", "Less", "Show one step less around the focus"),
        Action("zoom(-1)", "plus,equals_sign,i", "Zoom in", "Zoom in: boxes show more text", 4),
        Action("zoom(1)", "minus,o,z", "Zoom out", "Zoom out: more boxes, with less text", 3),
        Action("fit", "0", "Fit", "Zoom and turn the picture until all of it is in the window"),
        Action("across", "d", "Direction", "Draw downwards or to the right"),
        Action("controls", "e", "Control edges", "Show or hide control edges", 4),
        Action("search", "slash", "Find", "Find a box, in closed boxes and functions too", 2),
        Action("next_match", "n", "Next", "Go to the next box found"),
        Action("previous_match", "N", "Previous", "Go to the previous box found"),
        Action("seam", "s", "Boundary", "Go to the boundary between the models"),
        Action("first", "g,home", "First", "Go to the first box"),
        Action("last", "G,end", "Last", "Go to the last box"),
        Action("copy", "y", "Copy", "Copy the name of the box"),
    ),
    "chooser": (
        Action("submit", "enter", "Open", "Open the marked row, or enter the marked folder", 1),
        Action("complete", "tab", "Complete", "Complete the line from the marked row", 2),
        Action("up", "up", "Up", "Move up in the list"),
        Action("down", "down", "Down", "Move down in the list"),
        Action("page_up", "pageup", "Page up", "Move a page up in the list"),
        Action("page_down", "pagedown", "Page down", "Move a page down in the list"),
    ),
    "start": (Action("leave", "escape", "Clear, quit", "Clear the line, or quit if it is empty", 1),),
    "lessons": (
        Action("open", "enter", "Open", "Open the lesson under the cursor", 1),
        Action("leave", "escape", "Back", "Go back to the start screen", 1),
    ),
    "lesson": (
        Action("hint", "f2", "Hint", "Show a hint; the last one names a command", 1),
        Action("back", "f3", "Back", "Open the page before", 3),
        Action("skip", "f4", "Skip", "Open the next page, done or not", 2),
        Action("solution", "f5", "Answer", "Show the command or the answer", 4),
        Action("models", "f6", "Model", "Open the model of this page; F6 there comes back", 2),
        Action("leave", "escape", "Leave", "End the command that runs, or leave; the page is kept", 1),
    ),
    "lesson_line": (
        Action("scroll_page(-1)", "up", "Up", "Scroll the page up"),
        Action("scroll_page(1)", "down", "Down", "Scroll the page down"),
        Action("scroll_far(-1)", "pageup", "Page up", "Scroll the page up by its height"),
        Action("scroll_far(1)", "pagedown", "Page down", "Scroll the page down by its height"),
        Action("sideways(-1)", "shift+left", "Left", "Move what commands printed"),
        Action("sideways(1)", "shift+right", "Right", "Move what commands printed"),
    ),
    "page": (
        Action("sideways(-1)", "left,h", "Left", "Move what commands printed"),
        Action("sideways(1)", "right,l", "Right", "Move what commands printed"),
    ),
    "modal": (Action("cancel", "escape", "Close", "Close the dialog", 1),),
    "app": (
        Action("help", "question_mark,f1", "Help", "Show all keys that work here", 1),
        Action("command_palette", "ctrl+p", "Palette", "Find an action by its name", 4),
        Action("lesson", "f6", "Lesson", "Go back from a model to the lesson", 1),
        Action("toggle_dark", "t", "Light / dark", "Switch between the light and the dark theme"),
        Action("change_theme", "", "Theme", "Choose another theme"),
        Action("suspend_process", "ctrl+z", "Suspend", "Suspend to the shell; fg resumes", priority=True),
        Action("ask_quit", "q", "Quit", "Leave the workbench", 1),
        Action("ask_quit", "ctrl+q,ctrl+c", "Quit", "Leave the workbench, from anywhere", priority=True),
    ),
}  # fmt: skip

LEAST = 9
"""A rank behind all others."""
FOOTER = frozenset({"help", "command_palette", "ask_quit"})
"""Actions the footer shows with whatever key of theirs works."""

SCOPE_TITLES = {
    "list": "Every list",
    "browse": "Model",
    "filter": "Filter line",
    "detail": "Details",
    "explanation": "Explanation",
    "wires": "Wires and steps",
    "findings": "Findings",
    "model-findings": "Findings of a model",
    "work": "Whole screen",
    "run": "Run screen",
    "values": "Values of a run",
    "commit": "Commit screen",
    "preview": "Preview",
    "canvas": "Picture",
    "chooser": "Path line",
    "start": "Start screen",
    "lessons": "Lessons",
    "lesson": "Lesson",
    "lesson_line": "Line of a lesson",
    "page": "Page of a lesson",
    "modal": "Dialog",
    "app": "Every screen",
}


@cache
def ranks(scope: str) -> dict[str, int]:
    """Return how prominent each action of a scope is in the footer; 1 is first."""
    return {action.name: action.footer for action in ACTIONS.get(scope, ()) if action.footer}


@cache
def bindings(*scopes: str) -> list[BindingType]:
    """Return the key bindings of scopes, for a class's `BINDINGS`."""
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
    "vertical_line": "|", "full_stop": ".", "exclamation_mark": "!", "greater_than_sign": ">", "less_than_sign": "<",
    "pageup": "pgup", "pagedown": "pgdn", "delete": "del",
}  # fmt: skip


def key_text(key: str) -> str:
    """Return a key as people write it: `ctrl+p` as `^p`."""
    if key.startswith("ctrl+"):
        return "^" + key_text(key[5:])
    return _SHOWN.get(key, key)


def keys_text(action: Action) -> str:
    """Return all keys of an action, as people write them."""
    return " ".join(key_text(key) for key in action.keys.split(",")) if action.keys else ""


def does_nothing(key: str, scopes: Iterable[str]) -> str:
    """Return a message that a key does nothing here, and which keys do.

    Args:
        key: the key.
        scopes: of what has the focus, innermost first.
    """
    scope = next((scope for scope in scopes if scope != "list"), "")
    able = [action for action in ACTIONS.get(scope, ()) if action.footer and action.keys]
    keys = ", ".join(f"{key_text(action.keys.split(',')[0])} {action.label.lower()}" for action in able)
    return f"{key} does nothing here. " + (f"Keys that do: {keys}." if keys else "? lists the keys.")
