"""Layout time and crossings against Graphviz' `dot`, and the time of a pan frame, on networks and on a hub.

    python -m tests.benchmarks.bench_picture             makes the models first (TensorFlow, about two minutes)
    python -m tests.benchmarks.bench_picture --models D  takes them from D, makes there what is missing

Each model twice: as it is shown at first (scopes collapsed above 150 boxes), and whole. `dot` gets the same boxes and
edges, with the sizes of the boxes. Crossings are of lines that share no end. Figures to hold: no two boxes with the
same label, a pan frame of 200x60 cells within 16 ms (95 %).
"""

from __future__ import annotations

import argparse
import gc
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from tests.picture.graphs import chain_with_hub, hub
from workbench.model import MetaGraph, open_model
from workbench.picture.layout.geometry import CutOff, Layout
from workbench.picture.layout.layout import lay_out_within
from workbench.picture.render.canvas import Canvas
from workbench.picture.scene.build import build_scene
from workbench.picture.scene.scene import Scene

LIMIT = 45.0
MAKE = """
import sys, pathlib
import keras
out = pathlib.Path(sys.argv[1])
def lstm():
    return keras.Sequential([keras.Input((20,), dtype="int32"), keras.layers.Embedding(1000, 32),
        keras.layers.LSTM(64, return_sequences=True), keras.layers.LSTM(64), keras.layers.Dense(10)])
def attention():
    x = inputs = keras.Input((64, 32))
    for _ in range(4):
        y = keras.layers.MultiHeadAttention(4, 8)(x, x)
        x = keras.layers.LayerNormalization()(x + y)
        y = keras.layers.Dense(64, activation="gelu")(x)
        x = keras.layers.LayerNormalization()(x + keras.layers.Dense(32)(y))
    return keras.Model(inputs, keras.layers.Dense(10)(keras.layers.GlobalAveragePooling1D()(x)))
makers = {"LSTM": lstm, "attention": attention}
for name in sys.argv[2:]:
    make = makers.get(name) or (lambda: getattr(keras.applications, name)(weights=None))
    make().export(out / name, verbose=False)
"""
NETWORKS = ("MobileNetV2", "ResNet50", "DenseNet121", "LSTM", "attention")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, help="folder with the models")
    args = parser.parse_args()
    if shutil.which("dot") is None:
        print("dot is not installed (apt-get install graphviz): its columns are empty")
    with tempfile.TemporaryDirectory() as made:
        folder = args.models or Path(made)
        missing = [name for name in NETWORKS if not (folder / name).is_dir()]
        if missing:
            folder.mkdir(parents=True, exist_ok=True)
            subprocess.run([sys.executable, "-c", MAKE, str(folder), *missing], check=True)
        print(
            f"{'':24}{'':>7}{'':>7}{'scene':>8}  {'graphlay':>16}  {'own':>16}  {'dot':>16}  {'pan ms':>12}"
        )
        print(
            f"{'':24}{'boxes':>7}{'edges':>7}{'s':>8}"
            + f"  {'s':>8}{'cross':>8}" * 3
            + f"  {'p50':>6}{'p95':>6}"
        )
        for name in NETWORKS:
            meta = open_model(folder / name).meta
            _row(name, meta, 150, opened=name == "LSTM")
            _row(f"{name}, whole", meta, 100_000, opened=name == "LSTM")
        for count in (100, 300):
            _row(f"hub of {count}", hub(count), 100_000)
            _row(f"chain of {count} and hub", chain_with_hub(count), 100_000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"memory: {peak} MB here", end="")
    if not missing:  # else TensorFlow was one of the children
        print(f", {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024} MB in the largest worker")


def _row(name: str, meta: MetaGraph, max_boxes: int, *, opened: bool = False) -> None:
    began = time.perf_counter()
    scene = build_scene(meta, max_boxes=max_boxes)
    seconds = time.perf_counter() - began
    if opened:
        calls = {node.opens for node in scene.nodes if node.kind == "call" and node.opens}
        scene = build_scene(meta, max_boxes=max_boxes, expanded=calls)
    labels = [node.label for node in scene.nodes]
    assert len(set(labels)) == len(labels), "two boxes with one label"
    cells = [f"{name:24}{len(scene.nodes):7}{len(scene.edges):7}{seconds:8.3f}"]
    first: Layout | None = None
    for engine in ("graphlay", "own"):
        began = time.perf_counter()
        found = lay_out_within(scene, LIMIT, engine=engine)
        took = time.perf_counter() - began
        cells.append("       >45       -" if isinstance(found, CutOff) else f"{took:8.2f}{found.crossings:8}")
        if first is None and isinstance(found, Layout):
            first = found
    cells.append(_dot(scene, first))
    cells.append(_pan(first) if first is not None else "")
    print("  ".join(cells), flush=True)


def _pan(layout: Layout) -> str:
    canvas = Canvas(layout)
    gc.collect()
    gc.freeze()
    times = []
    for step in range(400):
        x = step * 3 % max(layout.width - 100, 1)
        y = step * 2 % max(layout.height - 30, 1)
        began = time.perf_counter()
        canvas.rows(x, y, 200, 60)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return f"{times[200]:6.2f}{times[380]:6.2f}"


def _dot(scene: Scene, layout: Layout | None) -> str:
    """Time and crossings of `dot`; frames are left out, as it lays clusters out by other rules."""
    if shutil.which("dot") is None or layout is None:
        return f"{'-':>8}{'-':>8}"
    sizes = {box.id: (box.w / 10, box.h / 5) for box in layout.boxes}
    names = {id: f"n{at}" for at, id in enumerate(sizes)}
    lines = ['digraph g { node [shape=box, fixedsize=true, label=""];']
    lines += [f"{names[id]} [width={w:.2f}, height={h:.2f}];" for id, (w, h) in sizes.items()]
    lines += [f"{names[edge.source]} -> {names[edge.target]};" for edge in scene.edges]
    began = time.perf_counter()
    try:
        done = subprocess.run(
            ["dot", "-Tplain"], input="\n".join([*lines, "}"]), capture_output=True, text=True, timeout=LIMIT
        )
    except subprocess.TimeoutExpired:
        return f"{'>45':>8}{'-':>8}"
    took = time.perf_counter() - began
    return f"{took:8.2f}{_crossings(done.stdout):8}"


def _crossings(plain: str) -> int:
    """Pairs of edges without a common end whose splines cross, counted once a crossing."""
    starts, ends, edge_of, tails, heads = [], [], [], [], []
    for line in plain.replace("\\\n", "").splitlines():
        words = line.split()
        if words[:1] != ["edge"]:
            continue
        count = int(words[3])
        control = np.array(words[4 : 4 + 2 * count], float).reshape(-1, 2)
        points = _sampled(control)
        for one, other in pairwise(points):
            starts.append(one)
            ends.append(other)
            edge_of.append(len(tails))
        tails.append(words[1])
        heads.append(words[2])
    if not starts:
        return 0
    a, b, edge = np.array(starts), np.array(ends), np.array(edge_of)
    tail, head = np.array(tails)[edge], np.array(heads)[edge]
    total = 0
    for at in range(len(a) - 1):
        later = slice(at + 1, None)
        apart = (tail[later] != tail[at]) & (head[later] != head[at]) & (tail[later] != head[at])
        apart &= (head[later] != tail[at]) & (edge[later] != edge[at])
        total += int(np.count_nonzero(apart & _cross(a[at], b[at], a[later], b[later])))
    return total


def _sampled(control: np.ndarray) -> Sequence[np.ndarray]:
    """Points on the cubic pieces `dot` gives: 3n+1 control points."""
    found = [control[0]]
    for at in range(0, len(control) - 3, 3):
        p0, p1, p2, p3 = control[at : at + 4]
        for t in (0.25, 0.5, 0.75, 1.0):
            u = 1 - t
            found.append(u**3 * p0 + 3 * u * u * t * p1 + 3 * u * t * t * p2 + t**3 * p3)
    return found


def _cross(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
        return (q[..., 0] - p[..., 0]) * (r[..., 1] - p[..., 1]) - (q[..., 1] - p[..., 1]) * (
            r[..., 0] - p[..., 0]
        )

    return (side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)


if __name__ == "__main__":
    main()
