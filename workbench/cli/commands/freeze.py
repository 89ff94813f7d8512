"""Freeze a model: convert its variables to constants, also in functions, loops and branches.

Tables stay tables. The result has no checkpoint. A variable that a signature writes to cannot be frozen; it is
reported.
"""

from __future__ import annotations

import argparse

from workbench.cli import editing
from workbench.cli.output import Output

EXAMPLES = """\
examples:
  workbench freeze ./model -o ./frozen
  workbench freeze ./model --dry-run
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    editing.configure(parser)


def run(args: argparse.Namespace, out: Output) -> int:
    """Freeze the model and return the exit code."""
    from workbench.surgery.operations.freeze import Freeze

    model, plan = editing.open_it(args), editing.edit_plan(args, Freeze())
    return editing.change_and_report(plan, {plan.handles[0]: model}, args, out)
