"""Flatten a model: inline the function calls of its main graph. Control flow stays functional.

A node inside a call becomes CALL/node; the name of the call itself stays, as an Identity of its outputs. The result is
verified before it is published: it must give the same values.
"""

from __future__ import annotations

import argparse

from workbench.cli import editing
from workbench.cli.output import Output

EXAMPLES = """\
examples:
  workbench flatten ./model -o ./flat
  workbench flatten ./model -o ./flat --format tf1
  workbench flatten ./model --dry-run
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    editing.configure(parser)
    parser.add_argument(
        "--format", choices=["tf1", "tf2"], metavar="tf1|tf2",
        help="tf2 keeps the object graph and its functions (default if there is one), tf1 removes both",
    )  # fmt: skip


def run(args: argparse.Namespace, out: Output) -> int:
    """Flatten the model and return the exit code."""
    from workbench.surgery.operations.flatten import Flatten

    model, plan = editing.open_it(args), editing.edit_plan(args, Flatten(args.format or "auto"))
    return editing.change_and_report(plan, {plan.handles[0]: model}, args, out)
