"""Inputs led by coverage: atheris (libFuzzer) chooses what to change further, `targets` how.

    pip install atheris     # the extra `fuzz`; Linux
    python -m tests.fuzz.guided pb --inputs 50000

What brings new coverage of `workbench.disk` and `workbench.model` stays in `corpus/` and is where the next run
begins. Counts and failures are kept as those of the plain campaign are, below `guided-TARGET/`.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["workbench.disk", "workbench.model"]):
    from tests.fuzz import campaign, limits
    from tests.fuzz.targets import TARGETS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided")
    parser.add_argument("target", choices=list(TARGETS))
    parser.add_argument(
        "--inputs", type=int, default=50_000, help="inputs in all, those of earlier runs counted"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("fuzz-found"))
    args = parser.parse_args()
    target, folder = TARGETS[args.target], args.folder / f"guided-{args.target}"
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    if not any(corpus.iterdir()):
        for number, data in enumerate(target.seeds()):
            (corpus / f"seed-{number}").write_bytes(data)
    state = campaign.State.read(folder, args.seed)
    limits.guard()
    with campaign.workplace(target) as place:

        def test(data: bytes) -> None:
            state.add(limits.one(target, data, place), data, state.done, folder)
            state.done += 1
            if state.done % 1000 == 0 or state.done >= args.inputs:
                state.save(folder)

        def change(data: bytes, size: int, seed: int) -> bytes:
            return target.change(data, random.Random(seed))[:size]

        words = [
            sys.argv[0], str(corpus), f"-runs={max(args.inputs - state.done, 1)}",
            f"-seed={args.seed + state.done + 1}", f"-max_len={target.most}", "-rss_limit_mb=0",
            "-malloc_limit_mb=0", "-timeout=600", "-handle_int=0",
        ]  # fmt: skip
        atheris.Setup(words, test, custom_mutator=change)
        atheris.Fuzz()  # ends the process


if __name__ == "__main__":
    main()
