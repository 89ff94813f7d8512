"""Adapters in front of a network against the merge of a ready-made front: whole-process time and memory, in one run.

    python -m tests.benchmarks.bench_adapt              ResNet50-sized, nothing is run
    python -m tests.benchmarks.bench_adapt --verified   with verification

Figure to hold: `adapt` at most 1.2 times `merge`, with and without verification.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.bench_merge import MODELS, make, run

CHAIN = "decode-image | resize 224 224 | scale 1/255"
MOST = 1.2


def measure(folder: Path, rounds: int, *, verified: bool) -> float:
    """Print the medians of both; return how many times the merge's time adapt takes."""
    make(MODELS, str(folder))
    front, net = str(folder / "front"), str(folder / "net")
    workbench = [sys.executable, "-m", "workbench"]
    commands = {
        "merge": [*workbench, "merge", front, net, "-w", "image=keras_tensor"],
        "adapt": [*workbench, "adapt", net, "--before", "keras_tensor", CHAIN],
    }
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, words in commands.items():
            out = folder / f"out-{number}"
            seen = run([*words, "-o", str(out), *([] if verified else ["--no-verify"])])
            if number:  # the first compiles
                figures[name].append(seen)
            shutil.rmtree(out)
    seconds = {name: statistics.median(one for one, _ in runs) for name, runs in figures.items()}
    for name, runs in figures.items():
        memory = statistics.median(one for _, one in runs)
        print(f"{name:8} {seconds[name]:7.2f} s {memory:7.0f} MB")
    return seconds["adapt"] / seconds["merge"]


def main() -> int:
    """Measure, and say whether the figure holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--verified", action="store_true", help="run the results as well")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        ratio = measure(Path(folder), args.rounds, verified=args.verified)
    print(f"adapt / merge: {ratio:.2f}, at most {MOST}")
    return 0 if ratio <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
