"""What the TF2 format costs and what it gives, against TensorFlow's own chain and against the TF1 format.

    python -m tests.benchmarks.bench_formats             a preprocessing model before ResNet50
    python -m tests.benchmarks.bench_formats --small     the sample models

Each figure is a process of its own: seconds and peak memory of loading, chaining and saving with TensorFlow, of the
merge in either format, and of loading and calling each of the three results by `tf.saved_model.load`.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.bench_merge import MODELS, SCRIPT, make, run

SAMPLES = Path(__file__).resolve().parents[2] / "sample_models"
SMALL_SCRIPT = """
import sys, tensorflow as tf
front, net = tf.saved_model.load(sys.argv[1]), tf.saved_model.load(sys.argv[2])
class Chain(tf.Module):
    def __init__(self):
        super().__init__()
        self.front, self.net = front, net
    @tf.function(input_signature=[tf.TensorSpec([], tf.string, name="base64_input")])
    def __call__(self, text):
        pixels = self.front.signatures["serving_default"](base64_input=text)["pixels"]
        return self.net.signatures["serving_default"](myInput=pixels)
chain = Chain()
tf.saved_model.save(chain, sys.argv[3], signatures=chain.__call__)
"""
NOTHING = "import tensorflow"
LOAD = "import sys, tensorflow as tf; tf.saved_model.load(sys.argv[1])"
SESSION = """
import sys, tensorflow as tf
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    tf.compat.v1.saved_model.load(session, ["serve"], sys.argv[1])
"""


def python(script: str, *words: str) -> list[str]:
    return [sys.executable, "-c", script, *words]


def median(words: list[str], rounds: int, made: Path | None = None) -> tuple[float, float]:
    """Seconds and peak MB, the medians of some rounds; what was `made` before goes first."""
    figures = []
    for _ in range(rounds):
        if made is not None and made.exists():
            shutil.rmtree(made)
        figures.append(run(words))
    return statistics.median(t for t, _ in figures), statistics.median(m for _, m in figures)


def main() -> None:
    """Makes all, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.small:
            front, net = str(SAMPLES / "image_base64_tf2"), str(SAMPLES / "digits_tf2")
            wire, script = "pixels=myInput", SMALL_SCRIPT
        else:
            make(MODELS, str(folder))
            front, net = str(folder / "front"), str(folder / "net")
            wire, script = "image=keras_tensor", SCRIPT
        merge = [
            sys.executable,
            "-m",
            "workbench",
            "merge",
            front,
            net,
            "-w",
            wire,
            "--no-verify",
            "--format",
        ]
        results = {"TensorFlow": folder / "script", "tf2": folder / "tf2", "tf1": folder / "tf1"}
        commands = {
            "TensorFlow": python(script, front, net, str(results["TensorFlow"])),
            "tf2": [*merge, "tf2", "-o", str(results["tf2"])],
            "tf1": [*merge, "tf1", "-o", str(results["tf1"])],
        }
        run(python(NOTHING))  # so that no figure has the first reading of TensorFlow's files in it
        idle, _ = median(python(NOTHING), args.rounds)
        print(f"import tensorflow alone: {idle:.2f} s, taken off what is loaded")
        print(f"{'':12}{'make':>16}{'tf.saved_model.load':>26}{'v1 Session':>18}")
        for kind, words in commands.items():
            made, peak = median(words, args.rounds, results[kind])
            loaded, memory = median(python(LOAD, str(results[kind])), args.rounds)
            session, _ = median(python(SESSION, str(results[kind])), args.rounds)
            print(
                f"{kind:12}{made:7.2f} s {peak:5.0f} MB{loaded - idle:16.2f} s {memory:5.0f} MB"
                f"{session - idle:16.2f} s"
            )


if __name__ == "__main__":
    main()
