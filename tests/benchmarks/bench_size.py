"""The cost of a node: merges of two long chains, whole process, in both formats.

    python -m tests.benchmarks.bench_size [--nodes 20000 160000] [--formats tf1 tf2] [--rounds 1]

Figures to hold, `merge --no-verify`: at most 60 µs of CPU for a node and 400 MB at 160,000 nodes, and as much for a
node there as at 20,000. What starting the command costs is in the figures; it is what the smaller size pays more for.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_chain import MODELS
from tests.benchmarks.bench_merge import make, run
from workbench.disk import schema

MICROSECONDS, MEGABYTES = 60, 400


def lengthen(folder: Path, nodes: int) -> int:
    """Makes the chain of a model that long, and returns how many nodes it has with its functions.

    TensorFlow itself would take minutes. The chain is the nodes `sub` and its constant, of which more are put before
    it, in the main graph or in the one function that has it.
    """
    path = folder / "saved_model.pb"
    model = schema.SavedModel.FromString(path.read_bytes())
    (meta,) = model.meta_graphs
    graphs: list[Any] = [meta.graph_def.node, *(one.node_def for one in meta.graph_def.library.function)]
    nodes -= sum(map(len, graphs))
    (chain,) = (graph for graph in graphs if any(node.name == "sub" for node in graph))
    old = {node.name: node for node in chain}
    last, rest = old["sub"].input[1], ":z:0" if ":" in old["sub"].input[1] else ""
    for number in range(nodes // 2):
        constant, node = chain.add(), chain.add()
        constant.CopyFrom(old["sub/x"])
        constant.name = f"sub_{number}/x"
        constant.attr["value"].tensor.float_val[:] = [1 + number / nodes]
        node.CopyFrom(old["sub"])
        node.name = f"sub_{number}"
        node.input[:] = [constant.name + (":output:0" if rest else ""), last]
        last = node.name + rest
    old["sub"].input[1] = last
    path.write_bytes(model.SerializeToString(deterministic=True))
    return sum(map(len, graphs))


def measure(folder: Path, format: str, nodes: int, rounds: int) -> tuple[float, float]:
    """Makes two models of one format with `nodes` in all; the least µs of CPU for a node and peak MB of a merge."""
    folder.mkdir()
    make(MODELS, str(folder), format, "2")
    models = [folder / "first", folder / "second"]
    made = sum(lengthen(model, nodes // 2) for model in models)
    out = folder / "out"
    merge = [sys.executable, "-m", "workbench", "merge", *map(str, models), "-w", "y=x", "-o", str(out)]
    figures = []
    for _ in range(rounds + 1):  # the first compiles
        before = os.times()
        _, peak = run([*merge, "--no-verify"])
        after = os.times()
        spent = after.children_user - before.children_user + after.children_system - before.children_system
        figures.append((spent / made * 1e6, peak))
        shutil.rmtree(out)
    return min(time for time, _ in figures[1:]), min(peak for _, peak in figures[1:])


def lines(folder: Path, format: str, sizes: Iterable[int], rounds: int) -> Iterator[str]:
    """What is printed of one format."""
    figures = {nodes: measure(folder / f"{format}-{nodes}", format, nodes, rounds) for nodes in sizes}
    for nodes, (time, peak) in figures.items():
        yield f"{format} {nodes:8,} nodes: {time:6.1f} µs a node, peak {peak:6.0f} MB"
    small, large = min(figures), max(figures)
    ratio = figures[large][0] / figures[small][0]
    yield f"{format} µs a node at {large:,} / at {small:,}: {ratio:.2f}; at most {MICROSECONDS} µs, {MEGABYTES} MB"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, nargs="+", default=(20_000, 160_000), help="of both models")
    parser.add_argument("--formats", nargs="+", choices=("tf1", "tf2"), default=("tf1", "tf2"))
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for format in args.formats:
            for line in lines(Path(name), format, args.nodes, args.rounds):
                print(line, flush=True)


if __name__ == "__main__":
    main()
