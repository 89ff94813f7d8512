"""Merge against the TensorFlow script it replaces: whole-process time and memory, in one run.

    python -m tests.benchmarks.bench_merge            ResNet50-sized, with and without verification
    python -m tests.benchmarks.bench_merge --memory   100 MB to 2 GB of variables

Figures to hold: `--no-verify` at least 15 times faster and 10 times less memory than the script; verified at most 1.2
times the script, which verifies nothing; memory does not grow with the variables. Our code is compiled when it is
first run, as TensorFlow's was when it was installed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPT = """
import sys, tensorflow as tf
front, net = tf.saved_model.load(sys.argv[1]), tf.saved_model.load(sys.argv[2])
class Chain(tf.Module):
    def __init__(self):
        super().__init__()
        self.front, self.net = front, net
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="png")])
    def __call__(self, png):
        image = self.front.signatures["serving_default"](png=png)["image"]
        return self.net.signatures["serving_default"](keras_tensor=image)
chain = Chain()
tf.saved_model.save(chain, sys.argv[3], signatures=chain.__call__)
"""
MODELS = """
import sys, tensorflow as tf
class Front(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="png")])
    def __call__(self, png):
        def one(data):
            return tf.image.resize(tf.cast(tf.io.decode_png(data, 3), tf.float32) / 255.0, [224, 224])
        image = tf.map_fn(one, png, fn_output_signature=tf.TensorSpec([224, 224, 3], tf.float32))
        return {"image": image}
front = Front()
tf.saved_model.save(front, sys.argv[1] + "/front", signatures=front.__call__)
tf.keras.applications.ResNet50(weights=None).export(sys.argv[1] + "/net", verbose=False)
"""
BIG = """
import sys, tensorflow as tf
class Big(tf.Module):
    def __init__(self, megabytes):
        super().__init__()
        self.parts = [tf.Variable(tf.random.normal([2500, 1000])) for _ in range(megabytes // 10)]
    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def __call__(self, x):
        return {"y": x + tf.add_n([part[0, 0] for part in self.parts])}
big = Big(int(sys.argv[2]))
tf.saved_model.save(big, sys.argv[1], signatures=big.__call__)
"""


def run(words: list[str]) -> tuple[float, float]:
    """Seconds and peak MB (of the largest process in it) of a command."""
    os.sync()  # what the command before left unwritten is not this one's to write
    started = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed ({process.returncode}): {' '.join(words)}")
    return seconds, usage.ru_maxrss / 1024


def make(script: str, *words: str) -> None:
    """Runs a script that makes a model."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    subprocess.run(
        [sys.executable, "-c", script, *words],
        check=True,
        capture_output=True,
        env={**environment(), **quiet},
    )


def environment() -> dict[str, str]:
    """The environment, in which Python may keep what it compiled."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def speed(folder: Path, rounds: int) -> None:
    """The ResNet50-sized merge against the script."""
    make(MODELS, str(folder))
    front, net = str(folder / "front"), str(folder / "net")
    merge = [sys.executable, "-m", "workbench", "merge", front, net, "-w", "image=keras_tensor", "-o"]
    commands = {
        "TensorFlow script": lambda out: [sys.executable, "-c", SCRIPT, front, net, out],
        "merge --no-verify": lambda out: [*merge, out, "--no-verify"],
        "merge, verified": lambda out: [*merge, out],
    }
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(rounds):
        for name, command in commands.items():
            out = folder / f"out-{number}"
            figures[name].append(run(command(str(out))))
            shutil.rmtree(out)
    median = {
        name: (statistics.median(t for t, _ in runs), statistics.median(m for _, m in runs))
        for name, runs in figures.items()
    }
    base_time, base_memory = median["TensorFlow script"]
    for name, (seconds, memory) in median.items():
        print(
            f"{name:20} {seconds:7.2f} s {memory:7.0f} MB   "
            f"time of the script / this {base_time / seconds:6.2f}   memory {base_memory / memory:6.2f}"
        )


def memory(folder: Path) -> None:
    """Peak memory of an unverified merge by the size of the variables."""
    make(MODELS.partition("tf.keras")[0], str(folder))
    small = folder / "small"
    make(BIG, str(small), "10")
    for megabytes in (100, 500, 1000, 2000):
        big = folder / f"big-{megabytes}"
        make(BIG, str(big), str(megabytes))
        out = folder / "out"
        words = [
            sys.executable,
            "-m",
            "workbench",
            "merge",
            str(small),
            str(big),
            "-w",
            "y=x",
            "-o",
            str(out),
        ]
        seconds, peak = run([*words, "--no-verify"])
        print(f"{megabytes:5} MB of variables: {seconds:6.2f} s, peak {peak:6.0f} MB")
        shutil.rmtree(out)
        shutil.rmtree(big)


def main() -> None:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if args.memory:
            memory(Path(name))
        else:
            speed(Path(name), args.rounds)


if __name__ == "__main__":
    main()
