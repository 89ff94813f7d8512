"""The verified join of two long chains of small ops, against the TensorFlow script that joins them.

    python -m tests.benchmarks.bench_chain [--ops 20000] [--rounds 3] [--formats tf1 tf2]

Where there are many small ops, verification is what takes the time: each model is loaded and run by itself, and the
result in both loaders. Figures are whole processes, ratios of one round; the median over the rounds. On a machine that
does other things as well, those of CPU time count. To hold: at most 1.5 times the script.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.bench_merge import make, run

WANTED = 1.5
MODELS = """
import sys, tensorflow as tf
folder, format, ops = sys.argv[1], sys.argv[2], int(sys.argv[3])
v1 = tf.compat.v1
def chain(x, w):
    y = x * w
    for number in range(ops // 2):  # a Sub and its constant each, no two alike: equal ones are merged at a cost
        y = number / ops - y
    return y
class Chain(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable(1.0)
    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def __call__(self, x):
        return {"y": chain(x, self.w)}
for name in ("first", "second"):
    if format == "tf2":
        model = Chain()
        tf.saved_model.save(model, f"{folder}/{name}", signatures=model.__call__)
        continue
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        y = chain(x, v1.get_variable("w", [], initializer=v1.ones_initializer(), use_resource=True))
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, f"{folder}/{name}", {"x": x}, {"y": y})
"""
SCRIPT = """
import sys, tensorflow as tf
first, second = tf.saved_model.load(sys.argv[1]), tf.saved_model.load(sys.argv[2])
class Chain(tf.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = first, second
    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def __call__(self, x):
        return self.second.signatures["serving_default"](x=self.first.signatures["serving_default"](x=x)["y"])
chain = Chain()
tf.saved_model.save(chain, sys.argv[3], signatures=chain.__call__)
"""


def measure(folder: Path, format: str, ops: int, rounds: int) -> None:
    """Makes the models of one format, and prints a line."""
    folder.mkdir()
    make(MODELS, str(folder), format, str(ops))
    models = [str(folder / "first"), str(folder / "second")]
    out = folder / "out"
    script = [sys.executable, "-c", SCRIPT, *models, str(out)]
    merge = [sys.executable, "-m", "workbench", "merge", *models, "-w", "y=x", "-o", str(out)]
    ratios: dict[str, list[float]] = {"wall": [], "CPU": []}
    seconds: dict[str, list[float]] = {"script": [], "merge": []}
    for _ in range(rounds):
        walls, cpus = [], []
        for command in (script, merge):
            before = os.times()
            walls.append(run(command)[0])
            after = os.times()
            cpus.append(
                after.children_user - before.children_user + after.children_system - before.children_system
            )
            shutil.rmtree(out)
        seconds["script"].append(cpus[0])
        seconds["merge"].append(cpus[1])
        ratios["wall"].append(walls[1] / walls[0])
        ratios["CPU"].append(cpus[1] / cpus[0])
    median = statistics.median
    print(
        f"{format}: merge, verified / script: {median(ratios['wall']):.2f} wall, {median(ratios['CPU']):.2f} CPU "
        f"({median(seconds['merge']):.1f} s / {median(seconds['script']):.1f} s); at most {WANTED}",
        flush=True,
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ops", type=int, default=20_000, help="of each model")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--formats", nargs="+", choices=("tf1", "tf2"), default=("tf1", "tf2"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for format in args.formats:
            measure(Path(name) / format, format, args.ops, args.rounds)


if __name__ == "__main__":
    main()
