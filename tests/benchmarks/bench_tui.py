"""How fast the terminal UI is, against the figures of the design.

    python -m tests.benchmarks.bench_tui [--runs 5]

- First frame: a process in a pseudo-terminal, from its start until the rows of the model are drawn, against an empty
  Textual app until its text is drawn; in turns, the median. On 5,000 and on 100,000 nodes.
- Filter: from a key in the filter over 100,000 nodes until the list is drawn again, p95.
- Pan: a frame of the picture of a large graph while it is panned, p95.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.tui.test_terminal import Terminal
from workbench.disk import schema

WANTED = {5_000: 1.7, 100_000: 2.2}
WANTED_KEY, WANTED_PAN = 0.050, 0.016
EMPTY = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("the first frame")
Empty().run()
"""
OPS = ("Const", "Identity", "AddV2", "MatMul", "Relu")


def make_model(folder: Path, count: int) -> Path:
    """A model of `count` nodes in name scopes, each fed by the one before."""
    proto = schema.SavedModel(saved_model_schema_version=1)
    meta = proto.meta_graphs.add()
    meta.meta_info_def.tags.append("serve")
    before = ""
    for number in range(count):
        op = "Placeholder" if not number else OPS[number % len(OPS)]
        node = meta.graph_def.node.add(
            name=f"block_{number // 1000}/layer_{number // 20}/{op.lower()}_{number}", op=op
        )
        node.attr["dtype" if op in ("Const", "Placeholder") else "T"].type = 1
        if before and op != "Const":
            node.input.append(before)
        before = node.name
    signature = meta.signature_def["serving_default"]
    signature.inputs["x"].name = f"{meta.graph_def.node[0].name}:0"
    signature.outputs["y"].name = f"{before}:0"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(proto.SerializeToString())
    return folder


def first_frame(words: list[str], text: str, state: Path) -> float:
    """Seconds from the start of a process until a text is drawn."""
    started = time.perf_counter()
    # compiled once, as installing a wheel does; the first run of each is not counted
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(state / "pyc")
    kind = Terminal if words[:1] == ["tui"] else _Python
    tty = kind(words, state, state, environment)
    try:
        while text.encode() not in tty.output:
            tty.read(0.002)
            if tty.process.poll() is not None or time.perf_counter() - started > 60:
                raise SystemExit(f"{text!r} was never drawn:\n{tty.text()[-2000:]}")
        return time.perf_counter() - started
    finally:
        tty.process.kill()
        tty.process.wait()
        os.close(tty.master)
        os.close(tty.slave)


class _Python(Terminal):
    """A Python script behind a pseudo-terminal."""

    program = (sys.executable, "-c")


def frames(runs: int, folder: Path) -> None:
    """The first frames."""
    models = {count: make_model(folder / f"m{count}", count) for count in WANTED}
    times: dict[object, list[float]] = {"empty": [], **{count: [] for count in models}}
    for number in range(runs + 1):
        found: dict[object, float] = {"empty": first_frame([EMPTY], "the first frame", folder)}
        for count, path in models.items():
            found[count] = first_frame(["tui", str(path)], "block_0/", folder)
        if number:
            for key, seconds in found.items():
                times[key].append(seconds)
    empty = statistics.median(times["empty"])
    print(f"first frame, empty Textual app   {empty:.2f} s")
    for count, wanted in WANTED.items():
        seconds = statistics.median(times[count])
        print(
            f"first frame, {count:>7,} nodes       {seconds:.2f} s  {seconds / empty:.2f} times (wanted {wanted})"
        )


def p95(values: list[float]) -> float:
    """The value that 95 in 100 are below."""
    return sorted(values)[int(len(values) * 0.95)]


def keys(folder: Path) -> None:
    """Keys in the filter over 100,000 nodes."""
    from tests.tui.driving import settle
    from workbench.session.store import Store
    from workbench.tui.app import WorkbenchApp
    from workbench.tui.host import Look
    from workbench.tui.start import make_session
    from workbench.tui.widgets.browse import Browse

    app = WorkbenchApp(make_session([folder / "m100000"]), Store(folder / "state"), Look("workbench-dark"))
    times: list[float] = []

    async def run() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await settle(app, pilot)
            pane = app.screen.query_one(Browse)
            await pilot.press("slash")
            for word in ("relu_777", "blk12ly", "matmul 99", "zzz", "layer_4999", "addv2_1"):
                for text in (word[: length + 1] for length in range(len(word))):
                    started = time.perf_counter()
                    pane.listed.search(text)
                    for line in range(pane.rows.size.height):
                        pane.rows.render_line(line)
                    times.append(time.perf_counter() - started)
                    await pilot.pause()

    asyncio.run(run())
    print(
        f"filter key, 100,000 nodes        {p95(times) * 1000:.0f} ms p95, "
        f"{statistics.median(times) * 1000:.0f} ms median (wanted {WANTED_KEY * 1000:.0f})"
    )


def pan() -> None:
    """Frames while panning over a large picture."""
    from textual.app import App, ComposeResult

    from workbench.picture.layout.layout import lay_out
    from workbench.picture.render.canvas import Canvas
    from workbench.picture.scene.scene import Edge, Node, Scene
    from workbench.tui.pictures.canvas import CanvasView

    nodes = tuple(Node(f"n{number}", f"Op{number}", f"layer_{number}") for number in range(1200))
    edges = tuple(
        Edge(f"n{number}", f"n{number * 2 + side}")
        for number in range(600)
        for side in (1, 2)
        if number * 2 + side < 1200
    )
    canvas = Canvas(lay_out(Scene(nodes, edges)))
    times: list[float] = []

    class Pan(App[None]):
        CSS_PATH = "../../workbench/tui/app.tcss"

        def get_theme_variable_defaults(self) -> dict[str, str]:
            from workbench.tui.themes import DARK

            return dict(DARK.variables)

        def compose(self) -> ComposeResult:
            yield CanvasView()

    async def run() -> None:
        import gc

        app = Pan()
        async with app.run_test(size=(200, 60)) as pilot:
            view = app.query_one(CanvasView)
            view.show_canvas(canvas)
            await pilot.pause()
            gc.freeze()
            for step in range(400):
                started = time.perf_counter()
                view.action_pan(
                    *((1, 0) if step % 2 else (0, 1)) if step < 200 else ((-1, 0) if step % 2 else (0, -1))
                )
                for line in range(view.size.height):
                    view.render_line(line)
                times.append(time.perf_counter() - started)
                await pilot.pause()

    asyncio.run(run())
    print(
        f"pan frame, {canvas.width}×{canvas.height} cells      {p95(times) * 1000:.1f} ms p95, "
        f"{statistics.median(times) * 1000:.1f} ms median (wanted {WANTED_PAN * 1000:.0f})"
    )


def main() -> None:
    """All figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frames(args.runs, folder)
        keys(folder)
    pan()


if __name__ == "__main__":
    sys.exit(main())
