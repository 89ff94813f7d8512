"""An HTML picture of 10,000 nodes against a bare page with 10,000 rectangles in SVG, in the same Chromium.

    python -m tests.benchmarks.bench_html            10,000 nodes
    python -m tests.benchmarks.bench_html --large    and 63,000: how long the page takes to be made and to open

Figures to hold: open at most 2 times as long, at least half the frames while panning. Each page is opened several
times, in turn; the medians are compared. `first` is the picture as it opens, else every box is open.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from tests.picture.chromium import Page, browser, chromium
from tests.picture.graphs import chain
from tests.picture.large import meta
from workbench.model import MetaGraph
from workbench.picture.drawing import Drawing

ROUNDS = 7
SIZE = (1280, 720)
BLOCKS = "block_{0}/part_{1}/"
FRAMES = """new Promise(done => { let count = 0; const began = performance.now();
  const step = () => { count++; MOVE; performance.now() - began > 1000 ? done(count) : requestAnimationFrame(step) };
  requestAnimationFrame(step) })"""
BARE = "document.getElementById('s').setAttribute('viewBox', `${count % 20 * 9} 0 11000 5000`)"
PAN = "picture.pan(count % 20 < 10 ? 9 : -9, 0)"


def bare(folder: Path) -> Path:
    """A page with 10,000 rectangles and nothing else."""
    rects = "".join(
        f'<rect x="{at % 100 * 110}" y="{at // 100 * 50}" width="90" height="30" fill="#fff" stroke="#333"/>'
        for at in range(10_000)
    )
    path = folder / "bare.html"
    path.write_text(
        f'<!DOCTYPE html><svg id="s" width="1280" height="720" viewBox="0 0 11000 5000">{rects}</svg>'
    )
    return path


def page_of(graph: MetaGraph, path: Path) -> float:
    """Write the page of a graph; return the seconds of processor time that it took."""
    began = time.process_time()
    drawing = Drawing()
    path.write_text(drawing.text(drawing.scene(graph, whole=True), "html", "a graph"), encoding="utf-8")
    return time.process_time() - began


def opened(page: Page, path: Path) -> float:
    """The milliseconds from the navigation to the first painted frame."""
    began = time.perf_counter()
    page.open(path, size=SIZE)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--large", action="store_true", help="also a model of 63,000 nodes")
    args = parser.parse_args()
    program = chromium()
    if program is None:
        raise SystemExit("no chromium is installed: apt-get install chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        folder = Path(made)
        pages = {"bare": bare(folder), "10,000": folder / "p.html"}
        print(f"making the page of 10,000 nodes: {page_of(chain(10_000, BLOCKS), pages['10,000']):.2f} s")
        if args.large:
            pages["63,000"] = folder / "q.html"
            print(f"making the page of 63,000 nodes: {page_of(meta(63_000), pages['63,000']):.2f} s")
        with browser(program, folder / "profile") as page:
            times: dict[str, list[float]] = {name: [] for name in pages}
            for _ in range(ROUNDS):
                for name, path in pages.items():
                    times[name].append(opened(page, path))
            frames = {}
            for name, path in pages.items():
                page.open(path, size=SIZE)
                if name != "bare":
                    frames[f"{name} first"] = page.run(FRAMES.replace("MOVE", PAN))
                    page.run("picture.all(true)")
                frames[name] = page.run(FRAMES.replace("MOVE", BARE if name == "bare" else PAN))
        plain = statistics.median(times["bare"])
        for name, values in times.items():
            print(
                f"open {name:>7}: {statistics.median(values):7.0f} ms  {statistics.median(values) / plain:.2f} times"
            )
        for name, count in frames.items():
            print(f"frames a second while panning, {name:>13}: {count:4}  {count / frames['bare']:.2f} times")


if __name__ == "__main__":
    main()
