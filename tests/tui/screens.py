"""Pictures of every screen: `python -m tests.tui.screens FOLDER [--png] [SIZE …]`.

`--readme` renews those in the README. SVG as Textual writes it, with an installed font; `--png` needs `resvg-py`.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

from textual.pilot import Pilot

from tests.tui.driving import drive, press, settle, type_text, until
from workbench import sample_models
from workbench.surgery.operations.connect import Connect
from workbench.tui.app import WorkbenchApp
from workbench.tui.host import Look

SIZES = ((80, 24), (120, 40), (200, 60))
THEMES = ("workbench-dark", "workbench-light")
PAIR = ("image_base64", "digits")
KEPT = Path(__file__).parent / "pictures"


def save(app: WorkbenchApp, path: Path, png: bool) -> None:
    """One picture of what is on the screen."""
    svg = app.export_screenshot(title="workbench")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code", "DejaVu Sans Mono")
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".svg").write_text(svg, encoding="utf-8")
    if png:
        import resvg_py

        data = resvg_py.svg_to_bytes(svg_string=svg, background="#000000")
        path.with_suffix(".png").write_bytes(bytes(data))


def take(
    folder: Path,
    size: tuple[int, int],
    theme: str,
    png: bool,
    only: tuple[str, ...] = (),
    models: tuple[str, ...] = PAIR,
) -> None:
    """All screens, or some, at one size in one theme."""
    paths = [
        Path(os.path.relpath(sample_models() / name)) for name in models
    ]  # no machine's path in a picture
    name = f"{size[0]}x{size[1]}-{theme.removeprefix('workbench-')}"

    def shot(app: WorkbenchApp, what: str) -> None:
        if not only or what in only:
            save(app, folder / f"{what}-{name}", png)

    async def start(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        shot(app, "start")

    async def broken(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        shot(app, "error")

    async def work(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        shot(app, "browse")
        await press(app, pilot, "question_mark")
        shot(app, "help")
        await press(app, pilot, "escape", "enter")
        shot(app, "detail")
        await press(app, pilot, "escape", "space")
        shot(app, "pick")
        await press(app, pilot, "escape", "1", "s")
        shot(app, "suggest")
        await press(app, pilot, "enter")
        shot(app, "wired")
        await press(app, pilot, "2", "slash", *"op:matmul")
        await settle(app, pilot)
        shot(app, "filter")
        await press(app, pilot, "escape", "v")
        await until(pilot, lambda: app.screen.query_one("#canvas").canvas is not None)  # type: ignore[attr-defined]
        await pilot.pause(0.2)
        shot(app, "preview")
        if only and set(only) <= {
            "adapters",
            "adapted",
            "browse",
            "help",
            "detail",
            "pick",
            "suggest",
            "wired",
            "filter",
            "preview",
        }:
            return  # what follows starts TensorFlow
        await press(app, pilot, "escape", "c")
        await pilot.pause(0.2)
        shot(app, "commit")
        await press(app, pilot, "escape", "ctrl+p")
        await pilot.pause(0.3)
        shot(app, "palette")
        await press(app, pilot, "escape", "o")
        shot(app, "open")
        await press(app, pilot, "escape", "q")
        shot(app, "quit")
        await press(app, pilot, "escape", "e")
        shot(app, "recipe")
        await press(app, pilot, "escape")
        app.session.add_wire(
            Connect(f"{app.session.handles[0]}@nothing", f"{app.session.handles[1]}@nowhere")
        )
        await press(app, pilot, "f", "w", "f")
        app.screen.changed()  # type: ignore[attr-defined]
        await settle(app, pilot)
        shot(app, "findings")
        await press(app, pilot, "u", "c")
        if only and not {"running", "verdict"} & set(only):
            return
        await type_text(app, pilot, [*f"{state}/{name}", "enter"])
        await until(pilot, lambda: app.screen.progress.phase == "reference")  # type: ignore[attr-defined]
        await pilot.pause(0.4)
        shot(app, "running")
        await until(pilot, lambda: not app.screen.has_class("-running"))
        await pilot.pause(0.2)
        shot(app, "verdict")

    async def adapters(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "slash", *"op:decodepng")
        await settle(app, pilot)
        await press(app, pilot, "enter", "space", "vertical_line")
        shot(app, "adapters")
        await press(app, pilot, "enter", "w")
        shot(app, "adapted")

    look = Look(theme)
    with tempfile.TemporaryDirectory() as state:
        broken_model = Path(state) / "lstm.h5"
        broken_model.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
        if not only or {"error", "start"} & set(only):
            drive(broken, [broken_model, paths[1]], state=Path(state), size=size, look=look)
            drive(start, state=Path(state), size=size, look=look)
        if not only or {"adapters", "adapted"} & set(only):
            drive(adapters, paths, state=Path(state), size=size, look=look)
        drive(work, paths, state=Path(state), size=size, look=look)


def main(words: list[str]) -> None:
    """Takes them."""
    png = "--png" in words
    if "--readme" in words:
        take(KEPT, (120, 40), THEMES[0], png, ("pick", "preview"))
        return
    rest = [word for word in words if not word.startswith("--")]
    folder = Path(rest[0]) if rest else KEPT
    themes = [theme for theme in THEMES if theme.rpartition("-")[2] in words] or THEMES
    sizes = [tuple(map(int, word.split("x"))) for word in rest[1:] if "x" in word] or list(SIZES)
    for size in sizes:
        for theme in themes:
            take(folder, (size[0], size[1]), theme, png)


if __name__ == "__main__":
    main(sys.argv[1:])
