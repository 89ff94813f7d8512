"""Fuzz the readers, and the walk that looks for what a model does besides computing.

    python -m tests.fuzz pb --inputs 400000      # one target, up to so many inputs in all
    python -m tests.fuzz all                     # a million inputs, shared out over all targets
    python -m tests.fuzz pb --replay FILE …      # inputs that failed, once more, with their cost
    python -m tests.fuzz.guided pb               # led by coverage; see guided.py
    python -m tests.fuzz walk --inputs 10000     # models with marks, loaded and called by TensorFlow
    python -m tests.fuzz walk --judge            # what was played before, against the walk as it is now

A campaign that is run again goes on where it was. Exit code 1: there were failures.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.fuzz import campaign, limits, walk
from tests.fuzz.targets import MILLION, TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", choices=[*TARGETS, "all", walk.NAME])
    parser.add_argument("--inputs", type=int, help="inputs in all, those of earlier runs counted")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("fuzz-found"), help="what is kept between runs")
    parser.add_argument("--alone", action="store_true", help="in this process, for coverage and debuggers")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--replay", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--nice", type=int, default=0, help="of the process that plays models of `walk`")
    parser.add_argument("--judge", action="store_true", help="play no more models of `walk`")
    args = parser.parse_args()
    if args.target == walk.NAME:
        if not args.judge:
            walk.play(args.folder / walk.NAME, args.seed, args.inputs or walk.MUTANTS, args.nice)
        return _tell_walk(walk.judge(args.folder / walk.NAME, args.seed))
    if args.replay:
        return _replay(args.target, args.replay)
    if args.worker:
        campaign.run(TARGETS[args.target], args.folder / args.target, args.seed, args.inputs)
        return 0
    failed = False
    for name in TARGETS if args.target == "all" else [args.target]:
        folder, inputs = args.folder / name, args.inputs or MILLION[name]
        if args.alone:
            state = campaign.run(TARGETS[name], folder, args.seed, inputs)
        else:
            state = campaign.supervise(TARGETS[name], folder, args.seed, inputs)
        _tell(name, state)
        failed = failed or bool(state.failures)
    return int(failed)


def _tell(name: str, state: campaign.State) -> None:
    kinds = ", ".join(f"{kind} {number:,}" for kind, number in state.outcomes.most_common())
    print(f"{name}: {state.done:,} inputs ({kinds})")
    for key, found in state.failures.items():
        print(f"  {found['times']:,} times {key}: {found['file']}")


def _tell_walk(tally: walk.Tally) -> int:
    print(", ".join(f"{kind} {number:,}" for kind, number in tally.counts.most_common()))
    for kind, found in sorted(tally.faults.items(), key=lambda item: -item[1]["times"]):
        print(f"  {found['times']:,} times, first in {found['mutant']}: {kind}")
    return int(bool(tally.faults))


def _replay(name: str, paths: list[Path]) -> int:
    limits.guard()
    failed = False
    with campaign.workplace(TARGETS[name]) as place:
        for path in paths:
            data = path.read_bytes()
            outcome, seconds, memory = limits.measured(TARGETS[name], data, place)
            print(f"{path}: {outcome.kind}, {seconds:.2f} s, {memory / 2**20:.0f} MiB")
            if outcome.failed:
                print(outcome.detail)
            failed = failed or outcome.failed
    return int(failed)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code) if code else sys.exit(0)
