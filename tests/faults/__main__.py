"""`python -m tests.faults`: the full matrix, every fault at every point of every commit; the tests run a part of it.

Exit code 1 if something does not hold.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.faults.commits import COMMITS, make_models
from tests.faults.kernel import WHY_NOT
from tests.faults.points import FAULTS, MORE_FAULTS, Bench, preload


def main() -> int:
    """Runs it."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--folder", help="where to write: another file system")
    parser.add_argument("--commit", default="", help="only commits with this in their name")
    parser.add_argument("--fault", default="", help="only faults with this in their name")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th point")
    args = parser.parse_args()
    if WHY_NOT is not None:
        sys.exit(WHY_NOT)
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        bench = Bench(folder, make_models(folder / "models"))
        commits = [commit for commit in COMMITS if args.commit in commit.name]
        preload(commits, bench.models, folder)
        gc.freeze()
        points = bench.points(commits)
        for commit, count in Counter(point.commit.name for point in points).items():
            print(f"{count:5d} points  {commit}")
        calls = Counter(point.call.name for point in points)
        print(f"{len(points):5d} points in all, at {len({point.site for point in points})} sites in the code: "
              + ", ".join(f"{name} {count}" for name, count in calls.most_common()))  # fmt: skip
        for fault in (*FAULTS, *MORE_FAULTS):
            if args.fault in fault.name:
                started, before = time.monotonic(), len(bench.failures)
                bench.try_all(points[:: args.every], [fault])
                failures = bench.failures[before:]
                print(f"{fault.name}: {len(points[:: args.every])} points, {len(failures)} failures, "
                      f"{time.monotonic() - started:.0f} s", flush=True)  # fmt: skip
                for failure in failures:
                    print(f"  {failure}", flush=True)
    print(f"{bench.runs} commits with a fault, {len(bench.failures)} failures")
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
