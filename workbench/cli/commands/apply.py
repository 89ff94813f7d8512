"""Replay a recipe: apply its steps to its sources, or to others, and verify the result.

A recipe that was saved with --save-recipe names its sources. Give other places with --source; the recipe inside a
result (assets.extra/workbench.json) needs them all.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.cli import editing
from workbench.cli.arguments import completes_files, completes_folders, pairs
from workbench.cli.output import Output

EXAMPLES = """\
examples:
  workbench apply ./plan.json -o ./merged
  workbench apply ./plan.json --source img=./other_image -o ./merged
  workbench apply ./merged/assets.extra/workbench.json --source img=./image --source net=./digits --dry-run
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    completes_files(parser.add_argument("recipe", type=Path, metavar="RECIPE", help="recipe file"))
    completes_folders(
        parser.add_argument(
            "--source", action="append", default=[], metavar="HANDLE=DIR", dest="sources",
            help="model to take as a source; repeatable",
        )
    )  # fmt: skip
    editing.add_result(parser)


def run(args: argparse.Namespace, out: Output) -> int:
    """Apply the recipe and return the exit code."""
    from workbench.surgery.recipe import load
    from workbench.surgery.resolve.join import open_sources

    editing.need_output(args)
    sources = {handle: Path(path) for handle, path in pairs("--source", args.sources, "HANDLE=DIR").items()}
    plan = load(args.recipe, sources)
    return editing.change_and_report(plan, open_sources(plan), args, out)
