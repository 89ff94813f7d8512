"""A whole scene as one HTML file that opens and closes its boxes itself, without a network.

The file holds the scene as JSON (`page_data`), a style and a script, both from the folder `page`. Its content security
policy allows these two alone, by their hashes. Names reach the page as JSON whose `<`, `>` and `&` are escaped, and
from there only as text on a canvas or as `textContent`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from typing import Any

from workbench.picture.render import colours
from workbench.picture.render.page_data import About, page_data, shown
from workbench.picture.render.svg import Theme
from workbench.picture.scene.scene import Scene
from workbench.picture.values import ValueLayer

FIRST_BOXES = 40
"""So many boxes are shown at first, at most, if scopes can be closed."""
SCRIPTS = (
    "model", "values", "layout", "layered", "paint", "overview", "moving", "opening", "detail", "search", "keys",
    "saving", "start",
)  # fmt: skip
"""The parts of the script in their order: a part may use at once what stands before it."""


def to_html(
    scene: Scene,
    *,
    theme: Theme = "auto",
    title: str = "",
    right: bool = False,
    first: int = FIRST_BOXES,
    values: ValueLayer | None = None,
    about: About | None = None,
) -> str:
    """Return a whole scene as an HTML page.

    Args:
        scene: what to draw, with every scope opened (`build_scene(whole=True)`).
        theme: colours; `auto` follows `prefers-color-scheme`.
        title: of the page and a heading; empty for none.
        right: whether data flows to the right instead of downwards.
        first: scopes are open at first, level by level, while there are no more boxes than this.
        values: of a run, which are laid over the boxes.
        about: gives sentences on a box, for its details.
    """
    name = _safe(title or "graph")
    style = _colours() + _file("style.css")
    script = _script()
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    data = page_data(scene, title=title, right=right, first=first, values=values, about=about)
    return (
        f'<!DOCTYPE html>\n<html lang="en" data-theme="{theme}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>{style}</style>\n</head>\n<body>\n{_file('body.html')}"
        f'<script type="application/json" id="data">{in_script(data)}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def in_script(data: Any) -> str:
    """Return JSON that can stand in a `<script>`: ASCII, without `<`, `>` and `&`."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _file(name: str) -> str:
    return files("workbench.picture.render").joinpath("page", name).read_text(encoding="utf-8")


def _script() -> str:
    """Return the parts of the script in one function: they share names that the page does not see."""
    parts = "\n".join(_file(f"{name}.js") for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _colours() -> str:
    """Return the colours as CSS variables, by the theme of the page and of the system."""
    roles = {f"bg-{role}": pair for role, pair in colours.BACKGROUNDS.items()}
    roles |= {**colours.TEXTS, **colours.LINES, **colours.OWNERS}
    roles |= {"seam": colours.SEAM, "selected": colours.SELECTED}
    roles |= {f"k-{role.replace(' ', '-')}": pair for role, pair in colours.FAMILIES.items()}
    roles |= {f"m{step}": pair for step, pair in enumerate(colours.MAGNITUDES)}
    roles |= {"not-finite": colours.NOT_FINITE, "on-not-finite": colours.ON_NOT_FINITE}

    def rules(which: int) -> str:
        scheme = ("light", "dark")[which]
        return f"color-scheme:{scheme};" + "".join(f"--{role}:{pair[which]};" for role, pair in roles.items())

    return (
        f":root{{{rules(0)}}}\n@media(prefers-color-scheme:dark){{:root{{{rules(1)}}}}}\n"
        f":root[data-theme=light]{{{rules(0)}}}\n:root[data-theme=dark]{{{rules(1)}}}\n"
    )


def _safe(text: str) -> str:
    return escape(shown(text))
