"""Two themes of our own. Each model has a colour; verdicts have theirs; a sign always says the same as the colour.

On every background of its theme a text has a contrast of 4.5:1 at least, a line one of 3:1 (WCAG 2.2).
"""

from __future__ import annotations

from textual.theme import Theme

from workbench.picture.render.colours import FAMILIES


def kind_name(kind: str) -> str:
    """Return what the colour of a kind of op is called in a theme."""
    return f"kind-{kind.replace(' ', '-')}"


DARK = Theme(
    name="workbench-dark",
    primary="#7aa2f7",
    secondary="#e0af68",
    accent="#bb9af7",
    foreground="#c8cee6",
    background="#14161d",
    surface="#1a1d27",
    panel="#232735",
    success="#9ece6a",
    warning="#e0af68",
    error="#f7768e",
    dark=True,
    variables={
        "model-a": "#7dcfff",
        "model-b": "#ff9e64",
        "model-c": "#bb9af7",
        "model-d": "#73daca",
        "dtype": "#9ece6a",
        "adapter": "#e58fd0",
        "quiet": "#98a1c3",
        "cursor": "#2d3450",
        "cursor-blur": "#20242f",
        "line": "#6b7394",
        "scrollbar": "#6b7394",
        "scrollbar-hover": "#98a1c3",
        "scrollbar-active": "#7aa2f7",
        "scrollbar-background": "#14161d",
        "scrollbar-background-hover": "#14161d",
        "scrollbar-background-active": "#14161d",
        "scrollbar-corner-color": "#14161d",
        "footer-key-foreground": "#7aa2f7",
        "input-selection-background": "#3d4f7c",
        "block-cursor-foreground": "#c8cee6",
        "block-cursor-background": "#2d3450",
        "block-cursor-text-style": "none",
        **{kind_name(kind): dark for kind, (_, dark) in FAMILIES.items()},
    },
)
LIGHT = Theme(
    name="workbench-light",
    primary="#2e5bbf",
    secondary="#784e0f",
    accent="#7847bd",
    foreground="#2a2e3d",
    background="#f4f4f1",
    surface="#fbfbf9",
    panel="#e6e6e1",
    success="#2f6614",
    warning="#784e0f",
    error="#b3243f",
    dark=False,
    variables={
        "model-a": "#005f7a",
        "model-b": "#8f4a00",
        "model-c": "#7847bd",
        "model-d": "#0f6b5f",
        "dtype": "#2f6614",
        "adapter": "#a3268a",
        "quiet": "#565b6b",
        "cursor": "#d5def5",
        "cursor-blur": "#e8e8e3",
        "line": "#7a7b75",
        "scrollbar": "#7a7b75",
        "scrollbar-hover": "#565b6b",
        "scrollbar-active": "#2e5bbf",
        "scrollbar-background": "#f4f4f1",
        "scrollbar-background-hover": "#f4f4f1",
        "scrollbar-background-active": "#f4f4f1",
        "scrollbar-corner-color": "#f4f4f1",
        "footer-key-foreground": "#2e5bbf",
        "input-selection-background": "#b9ccf5",
        "block-cursor-foreground": "#2a2e3d",
        "block-cursor-background": "#d5def5",
        "block-cursor-text-style": "none",
        **{kind_name(kind): light for kind, (light, _) in FAMILIES.items()},
    },
)
# With 16 colours the terminal's own are used, so that nothing is blended into what it can't show.
# The bright ones: of the others red, blue, magenta and grey are hard to read on black.
SIXTEEN = Theme(
    name="workbench-16",
    primary="ansi_bright_cyan",
    secondary="ansi_bright_yellow",
    accent="ansi_bright_magenta",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    success="ansi_bright_green",
    warning="ansi_bright_yellow",
    error="ansi_bright_red",
    dark=True,
    ansi=True,
    variables={
        "ansi-background": "ansi_default",
        "ansi-foreground": "ansi_default",
        "model-a": "ansi_bright_cyan",
        "model-b": "ansi_bright_yellow",
        "model-c": "ansi_bright_magenta",
        "model-d": "ansi_bright_green",
        "dtype": "ansi_bright_green",
        "adapter": "ansi_bright_magenta",
        "quiet": "ansi_white",
        "cursor": "ansi_blue",
        "cursor-blur": "ansi_bright_black",
        "line": "ansi_white",
        "footer-key-foreground": "ansi_bright_cyan",
        "footer-background": "ansi_default",
        "footer-foreground": "ansi_default",
        "input-selection-background": "ansi_blue",
        "block-cursor-foreground": "ansi_white",
        "block-cursor-background": "ansi_blue",
        "block-cursor-text-style": "none",
        "kind-input": "ansi_bright_green",
        "kind-constant": "ansi_bright_yellow",
        "kind-variable": "ansi_bright_yellow",
        "kind-arithmetic": "ansi_default",
        "kind-convolution": "ansi_bright_white",
        "kind-control-flow": "ansi_bright_magenta",
        "kind-table": "ansi_bright_cyan",
        "kind-string": "ansi_bright_red",
        "kind-other": "ansi_default",
        "scrollbar": "ansi_white",
        "scrollbar-hover": "ansi_bright_white",
        "scrollbar-active": "ansi_bright_white",
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
        "scrollbar-corner-color": "ansi_default",
    },
)


def suited(color_system: str | None) -> str:
    """Return the name of the theme for a terminal: 16 colours, light or dark by `COLORFGBG`."""
    import os

    if color_system == "standard":
        return SIXTEEN.name
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if background in ("7", "15") else DARK.name
