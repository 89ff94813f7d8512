"""The table of loaders: every join in every way people load a SavedModel.

    python -m tests.loaders                      makes the table anew: tests/loaders/table.json
    python -m tests.loaders "text, LSTM, Dense"  tries these joins, and brings the table up to date with them
    python -m tests.loaders --show               prints the table that is there

It needs what `pip install -e '.[dev,loaders]'` installs.

One process of TensorFlow does them one after the other. Where it crashes, which converters do, that is what became of
the way it was at, and another process goes on.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.loaders.pairs import JOINS, Join
from tests.loaders.table import TABLE, read, show, versions, write

WORKER = "--worker"


def worker(folder: Path, names: list[str], skip: dict[str, str]) -> None:
    """Tries joins; writes one line of JSON before each way and after each join."""
    import tensorflow as tf

    from tests.loaders.trial import models, tried
    from tests.loaders.ways import possible

    logging.disable(logging.ERROR)
    tf.get_logger().setLevel("ERROR")
    get = models(folder / f"models-{os.getpid()}")
    chosen = {one.name: one for one in JOINS}
    lines = (folder / "lines").open("a")
    for name in names:
        started = time.perf_counter()
        try:
            own = folder / f"{os.getpid()}-{len(os.listdir(folder))}"
            for way, trial in tried(chosen[name], get, own, possible(), skip if name == names[0] else {}):
                line: dict[str, Any] = {"name": name, "way": way, "trial": asdict(trial)}
                line["seconds"] = round(time.perf_counter() - started, 1)
                lines.write(json.dumps(line) + "\n")
                lines.flush()
        except AssertionError as error:
            line = {"name": name, "way": "", "failed": str(error)}
            lines.write(json.dumps(line) + "\n")
            lines.flush()
        report(line)


def tables(names: list[str], keep: Callable[[dict[str, Any]], None] = lambda _: None) -> dict[str, Any]:
    """Trials by name of join, in worker processes; `keep` is told after each what there is by then."""
    found: dict[str, Any] = {}
    skip: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as text:
        folder, left = Path(text), list(names)
        while left:
            (folder / "lines").write_text("")
            words = [sys.executable, "-m", "tests.loaders", WORKER, str(folder), json.dumps(skip), *left]
            environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
            environment["KERAS_HOME"] = str(folder / "keras")
            with subprocess.Popen(words, env=environment) as process:
                running = True
                while running:
                    running = process.poll() is None
                    lines = [json.loads(line) for line in whole_lines(folder / "lines")]
                    done = {
                        line["name"]: line["trial"] for line in lines if not line["way"] and "trial" in line
                    }
                    if done.keys() - found.keys():
                        found |= done
                        keep(found)
                    time.sleep(0.2 if running else 0)
            ended = {line["name"] for line in lines if not line["way"]}
            left = [name for name in left if name not in ended]
            if not left:
                break
            if process.returncode >= 0 or not lines or lines[-1]["way"] == "":
                raise SystemExit(f"the worker ended with {process.returncode}")
            crash = {lines[-1]["way"]: f"crash: signal {-process.returncode}"}
            skip = {**(skip if lines[-1]["name"] == left[0] else {}), **crash}
    return found


def whole_lines(file: Path) -> list[str]:
    """The lines that are written to their end."""
    return file.read_text().split("\n")[:-1]


def report(line: dict[str, Any]) -> None:
    if "failed" in line:
        print(f"{line['name']}: {line['failed']}", file=sys.stderr)
        return
    from tests.loaders.trial import Trial, fine

    trial = Trial(**line["trial"])
    bad = {name: said for name, said in trial.ways.items() if not fine(said)}
    print(
        f"{line['name']} ({line['seconds']} s): {len(trial.ways) - len(bad)} of {len(trial.ways)}",
        file=sys.stderr,
    )
    for name, said in bad.items():
        mark = "as " + str(trial.excuse(name)) if trial.excuse(name) else "DEFECT"
        print(
            f"    {name}: {said}   [{mark}] {'' if trial.excuse(name) else trial.alone[name]}",
            file=sys.stderr,
        )


def main() -> None:
    """Does what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.loaders", description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--show", action="store_true")
    parser.add_argument(WORKER, nargs=2, metavar=("FOLDER", "SKIP"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        worker(Path(args.worker[0]), args.names, json.loads(args.worker[1]))
    elif args.show:
        print(show(read()))
    else:
        known: dict[str, Join] = {one.name: one for one in JOINS}
        unknown = [name for name in args.names if name not in known]
        if unknown:
            raise SystemExit(f"no such join: {', '.join(unknown)}")
        packages = versions()
        before = read()["joins"] if args.names and TABLE.exists() else {}

        def keep(found: dict[str, Any]) -> None:
            both = {**before, **found}
            write(packages, {name: both[name] for name in known if name in both})

        tables(args.names or list(known), keep)
        print(f"written: {TABLE}")


if __name__ == "__main__":
    main()
