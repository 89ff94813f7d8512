"""How fast `inspect` is: against `saved_model_cli show --all`, and against the floor, in one run.

    python -m tests.benchmarks.bench_inspect [--runs 7] [--no-cli] [MODEL …]

The floor is a bare Python that builds the schema and parses the same file. Models: a small one, a ResNet50 of
keras.applications with random weights, and one of 900 functions; made in a temporary folder, or those given.
Figures are whole processes with stdout to a pipe: the median of wall clock, and the least CPU time. Our code is
compiled once into a folder of its own, as installing a wheel does. The last column is how many times as long
saved_model_cli takes, by wall clock and by CPU; on a machine that does other things as well the second counts.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLOOR = """
import sys
from workbench.disk import schema
with open(sys.argv[1], "rb") as file:
    schema.SavedModel.FromString(file.read())
"""
WANTED_FLOOR, WANTED_CLI = 2.5, 25.0


@dataclass(frozen=True, slots=True)
class Time:
    """Seconds of one command: median of wall clock, least of CPU."""

    wall: float
    cpu: float


def measure(commands: dict[str, list[str]], runs: int, env: dict[str, str]) -> dict[str, Time]:
    """Runs the commands in turns, so that what else the machine does falls on all of them alike."""
    walls: dict[str, list[float]] = {name: [] for name in commands}
    cpus: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            start = time.perf_counter()
            subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, cwd="/", check=True
            )
            wall = time.perf_counter() - start
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if number:  # the first warms caches
                walls[name].append(wall)
                cpus[name].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {name: Time(statistics.median(walls[name]), min(cpus[name])) for name in commands}


def make_models(folder: Path) -> dict[str, Path]:
    """The three models, made by TensorFlow in a process of its own."""
    code = "import sys; from tests.benchmarks.bench_inspect import build; build(sys.argv[1])"
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=quiet(), capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return {name: folder / name for name in ("small", "resnet50", "functions")}


def build(target: str) -> None:
    """Makes the models; imports TensorFlow."""
    import keras
    import tensorflow as tf

    folder = Path(target)

    class Small(tf.Module):
        def __init__(self) -> None:
            self.w = tf.Variable(tf.random.normal([784, 10]))

        @tf.function(input_signature=[tf.TensorSpec([None, 784], tf.float32)])
        def __call__(self, x: tf.Tensor) -> tf.Tensor:
            return tf.nn.softmax(x @ self.w)

    class Functions(tf.Module):
        """300 variables, each read in a function of its own with a branch."""

        def __init__(self) -> None:
            self.values = [tf.Variable(tf.random.normal([4, 4])) for _ in range(300)]

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
        def __call__(self, x: tf.Tensor) -> tf.Tensor:
            for value in self.values:

                def step(x: tf.Tensor, value: tf.Variable = value) -> tf.Tensor:
                    return tf.cond(tf.reduce_sum(x) > 0, lambda: x @ value, lambda: tf.nn.relu(x @ value))

                x = tf.function(step)(x)
            return x

    tf.saved_model.save(Small(), str(folder / "small"))
    tf.saved_model.save(Functions(), str(folder / "functions"))
    keras.applications.ResNet50(weights=None).export(str(folder / "resnet50"), verbose=False)


def quiet() -> dict[str, str]:
    """An environment in which TensorFlow says little and sees no GPU."""
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONPATH": str(ROOT)}


def commands(model: Path, with_cli: bool) -> dict[str, list[str]]:
    """What is compared."""
    found = {
        "floor": [sys.executable, "-c", FLOOR, str(model / "saved_model.pb")],
        "inspect": [sys.executable, "-m", "workbench", "inspect", str(model)],
        "inspect --json": [sys.executable, "-m", "workbench", "inspect", str(model), "--json"],
    }
    if with_cli:
        cli = Path(sys.executable).with_name("saved_model_cli")
        found["saved_model_cli"] = [str(cli), "show", "--dir", str(model), "--all"]
    return found


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--no-cli", action="store_true", help="leave out saved_model_cli, which takes long")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        models = {path.name: path.resolve() for path in args.models} or make_models(folder)
        env = {**quiet(), "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        print(f"{'model':<12}{'command':<18}{'wall':>9}{'cpu':>9}{'x floor':>9}{'cli takes':>12}")
        for name, path in models.items():
            times = measure(commands(path, with_cli=not args.no_cli), args.runs, env)
            for command, took in times.items():
                ratio = f"{took.wall / times['floor'].wall:.2f}"
                slower = ""
                if "saved_model_cli" in times and command.startswith("inspect"):
                    cli = times["saved_model_cli"]
                    slower = f"{cli.wall / took.wall:.0f}x {cli.cpu / took.cpu:.0f}x"
                print(
                    f"{name:<12}{command:<18}{took.wall * 1e3:>6.0f} ms{took.cpu * 1e3:>6.0f} ms"
                    f"{ratio:>9}{slower:>12}"
                )
        print(
            f"to hold: inspect under {WANTED_FLOOR}x the floor; saved_model_cli at least {WANTED_CLI:.0f}x slower"
        )


if __name__ == "__main__":
    main()
